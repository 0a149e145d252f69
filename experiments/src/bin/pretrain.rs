//! `just pretrain <name>`: makes a base model, going on where an earlier call was interrupted.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, bail};
use clap::Parser;
use experiments::corpora::{BuiltinCorpus, RealText};
use experiments::exit_code;
use sapo_files::whole;
use sapo_lab::user_cache;
use sapo_learn::pretrain::{Corpus, PretrainConfig, pretrain};
use sapo_model::{directory_sha256, runtime};
use serde::{Deserialize, Serialize};

/// Makes a base model: tokenizer, weights, card.
#[derive(Debug, Parser)]
#[command(name = "pretrain", version)]
struct Args {
    /// nano, nano-s, nano-l (built-in benchmark) or small (real text, read from --data)
    name: String,
    /// Folder with natural-instructions/, text-classification/ and superni/
    #[arg(long, default_value = "../shared/data", value_name = "DIR")]
    data: PathBuf,
    /// Where to write the model [default: base/NAME in the per-user cache]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Stop after so many steps instead of the configured number (the schedule is shortened with it)
    #[arg(long, value_name = "N")]
    steps: Option<usize>,
    /// Threads
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

/// `configs/pretrain-<name>.toml`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Config {
    corpus: CorpusConfig,
    model: PretrainConfig,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
enum CorpusConfig {
    /// The built-in benchmark.
    Builtin { stream_rate: f64 },
    /// Real English text.
    RealText,
}

fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    exit_code(run(&Args::parse()))
}

fn run(args: &Args) -> anyhow::Result<()> {
    let config = Config::of(args)?;
    let out = args.out.clone().unwrap_or_else(|| user_cache(&format!("base/{}", args.name)));
    let card = out.join("pretraining.json");
    if card.exists() && out.join("model.safetensors").exists() {
        println!("{} is there already; remove it to make it again", out.display());
        return Ok(());
    }
    runtime::init(args.threads.unwrap_or_else(runtime::threads_from_env));
    let corpus: Box<dyn Corpus> = match config.corpus {
        CorpusConfig::Builtin { stream_rate } => Box::new(BuiltinCorpus::new(stream_rate)?),
        CorpusConfig::RealText => Box::new(RealText::open(&args.data)?),
    };

    std::fs::create_dir_all(&out).with_context(|| format!("cannot create {}", out.display()))?;
    let started = Instant::now();
    let mut last = None;
    let model = pretrain(corpus.as_ref(), &config.model, &out, |progress| {
        eprintln!(
            "step {}/{}  loss {:.3} nats/target token  {:.1} M tokens  {:.0} tokens/s",
            progress.step,
            progress.steps,
            progress.target_loss,
            progress.tokens as f64 / 1e6,
            progress.tokens_per_second
        );
        last = Some(progress);
    })?;
    let text = serde_json::json!({
        "name": args.name,
        "config": config,
        "parameters": model.parameter_count(),
        "last": last,
        "seconds_of_last_call": started.elapsed().as_secs_f64(),
        "torch": runtime::TORCH_VERSION,
        "matmul_library": runtime::matmul_library().name(),
        "sha256": directory_sha256(&out)?,
    });
    whole::write(&card, format!("{text:#}\n").as_bytes())
        .with_context(|| format!("cannot write {}", card.display()))?;
    println!("{} ({} parameters)", out.display(), model.parameter_count());
    Ok(())
}

impl Config {
    /// The one that ships of that name.
    fn of(args: &Args) -> anyhow::Result<Self> {
        let text = match args.name.as_str() {
            "nano" => include_str!("../../configs/pretrain-nano.toml"),
            "nano-s" => include_str!("../../configs/pretrain-nano-s.toml"),
            "nano-l" => include_str!("../../configs/pretrain-nano-l.toml"),
            "small" => include_str!("../../configs/pretrain-small.toml"),
            other => bail!("unknown base model {other:?}: expected nano, nano-s, nano-l or small"),
        };
        let mut config: Self =
            toml::from_str(text).with_context(|| format!("configuration of {}", args.name))?;
        config.model.steps = args.steps.unwrap_or(config.model.steps);
        Ok(config)
    }
}
