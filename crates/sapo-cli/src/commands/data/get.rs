use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::{Args, ValueEnum};
use sapo_lab::DownloadDisplay;
use sapo_tasks::builtin::Sizes;
use sapo_tasks::check::TaskRows;
use sapo_tasks::get::{self, Event, Request, Retry, Source};
use serde_json::json;

use super::tell_task;
use crate::failure::InputError;

/// Bring a benchmark to this machine
///
/// Downloads its files from the addresses in its benchmark.toml, checks them and writes them in the layout that all commands
/// read. A command that was stopped is simply given again: what is there is not fetched twice. `builtin` is generated, without
/// a network. A benchmark that has to be got by hand says how.
#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    /// builtin, superni, trace, text-classification
    #[arg(value_name = "NAME")]
    benchmark: String,
    /// The folder to write
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Only these tasks
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    tasks: Vec<String>,
    /// Take the files from a folder, in any layout of the benchmark, or from another address
    #[arg(long, value_name = "DIR|URL")]
    from: Option<String>,
    /// Take a file even where its SHA-256 is not the known one
    #[arg(long)]
    unverified: bool,
    /// Seed of the rows (builtin)
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Rows a task (builtin)
    #[arg(long, value_enum, default_value_t = Size::Nano)]
    size: Size,
    /// Print JSON Lines: one object a file and a task, the summary last
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Size {
    /// 160 to train on, 50 for settings, 50 to score
    Nano,
    /// 1,000, 200 and 1,000
    Paper,
}

impl Size {
    fn sizes(self) -> Sizes {
        match self {
            Self::Nano => Sizes::NANO,
            Self::Paper => Sizes::PAPER,
        }
    }
}

pub(super) fn run(args: &GetArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    if args.benchmark == "builtin" {
        return generate(args, out);
    }
    let source = args.from.as_deref().map(str::parse::<Source>).transpose()?;
    let request = Request {
        benchmark: &args.benchmark,
        tasks: &args.tasks,
        out: &args.out,
        source,
        unverified: args.unverified,
        retry: Retry::default(),
    };
    let display = DownloadDisplay::new(false);
    let benchmark = &args.benchmark;
    let mut told = Told { json: args.json, benchmark, out, display, files: 0, tasks: 0, failed: None };
    let outcome = get::get(&request, &mut |event| told.hear(&event));
    if let Some(error) = told.failed {
        return Err(error.into());
    }
    let (files, tasks) = (told.files, told.tasks);
    if outcome.is_ok() || files + tasks > 0 {
        finish(args, files, tasks, out)?;
    }
    Ok(outcome?)
}

/// Writes the built-in benchmark as a folder of tasks.
fn generate(args: &GetArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let of_downloads = [
        ("--tasks", !args.tasks.is_empty()),
        ("--from", args.from.is_some()),
        ("--unverified", args.unverified),
    ];
    if let Some((option, _)) = of_downloads.iter().find(|(_, is_given)| *is_given) {
        bail!("{option}: `builtin` is generated, all of it; it is not downloaded");
    }
    if is_taken(&args.out) {
        return Err(InputError::NotEmpty { path: args.out.clone() }.into());
    }
    let tasks = get::write_builtin(args.seed, args.size.sizes(), &args.out)?;
    for task in &tasks {
        let rows = [&task.train, &task.dev, &task.test].map(|rows| Some(rows.len()));
        tell_task(&TaskRows { name: task.name.clone(), rows }, args.json, out)?;
    }
    finish(args, 0, tasks.len(), out)
}

/// Whether there is something at the place, other than an empty folder.
fn is_taken(place: &Path) -> bool {
    match std::fs::read_dir(place) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => place.exists(),
    }
}

fn finish(args: &GetArgs, files: usize, tasks: usize, out: &mut dyn Write) -> anyhow::Result<()> {
    let path = args.out.display();
    if args.json {
        let summary =
            json!({"benchmark": args.benchmark, "out": path.to_string(), "files": files, "tasks": tasks});
        writeln!(out, "{}", json!({"summary": summary}))?;
    } else {
        let files = if files > 0 { format!(", files {files}") } else { String::new() };
        let tasks = if tasks > 0 { format!(", tasks {tasks}") } else { String::new() };
        writeln!(out, "{} in {path}{files}{tasks}", args.benchmark)?;
    }
    Ok(out.flush()?)
}

/// Tells on stdout what came, and on stderr what is on its way.
struct Told<'a> {
    json: bool,
    benchmark: &'a str,
    out: &'a mut dyn Write,
    display: DownloadDisplay,
    files: usize,
    tasks: usize,
    failed: Option<std::io::Error>,
}

impl Told<'_> {
    fn hear(&mut self, event: &Event<'_>) {
        let told = match event {
            Event::Progress { file, done, total } => {
                self.display.show(self.benchmark, file, *done, total.unwrap_or(*done));
                Ok(())
            }
            Event::File { file, came } => {
                self.files += 1;
                match self.json {
                    true => writeln!(self.out, "{}", json!({"file": file, "came": came.name()})),
                    false => writeln!(self.out, "{file}: {}", came.name().replace('_', " ")),
                }
            }
            Event::Task(task) => {
                self.tasks += 1;
                tell_task(task, self.json, self.out)
            }
        };
        self.failed = self.failed.take().or(told.err());
    }
}
