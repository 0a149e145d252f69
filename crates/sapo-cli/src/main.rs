//! The `sapo` command: what can be asked of one model, one pool of wordings or one file, without an experiment.
//!
//! Data go to stdout, everything else to stderr; `--json` prints JSON lines. The formats are in `docs/cli.md`. One file a
//! command under `commands`; this file only parses and reports.

mod benchmark_tasks;
mod commands;
mod failure;
mod interrupt;
mod jsonl;
mod model_args;
mod own_task;
mod place;
mod progress;
mod shell;
mod table;
mod token_mean;
mod too_long;

use std::io::{BufWriter, IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;

use commands::Command;

/// Which wording of a training prompt should a model be fine-tuned with?
///
/// `sapo paraphrase` makes wordings of an instruction, `sapo select` asks a model what each would cost it, and the rest
/// measures: losses, answers, scores, transfer.
#[derive(Debug, Parser)]
#[command(
    name = "sapo",
    version,
    max_term_width = 100,
    after_help = "Data go to stdout, progress and messages to stderr. \
                  Exit code: 0 done, 1 something failed, 2 wrong usage, 130 interrupted."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr();
    failure::exit_code(|| {
        interrupt::listen()?;
        let mut out = BufWriter::new(std::io::stdout().lock());
        cli.command.run(&mut out)?;
        Ok(out.flush()?)
    })
}

/// Warnings and worse, unless `RUST_LOG` asks for something else.
fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    // Only a second subscriber in one process would be refused.
    let colours = std::io::stderr().is_terminal();
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    let _ = log.try_init();
}
