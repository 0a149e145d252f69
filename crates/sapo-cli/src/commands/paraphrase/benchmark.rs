use anyhow::{Context, ensure};
use clap::Args;
use sapo_prompts::{ParaphraseRequest, PromptPool};
use sapo_tasks::Task;

use super::{Opened, ParaphraseArgs, Source, checked_pool, labels, save};
use crate::benchmark_tasks::BenchmarkTasks;
use crate::place;

/// The tasks of a benchmark in place of one instruction.
#[derive(Debug, Args)]
#[command(next_help_heading = "Tasks of a benchmark")]
pub(super) struct BenchmarkArgs {
    /// Wordings for its tasks: builtin, superni, trace, text-classification, natural-instructions; own: tasks of your own.
    /// Instructions and labels are those of --data
    #[arg(long, value_name = "NAME", requires = "out")]
    pub(super) benchmark: Option<String>,
    /// The tasks of a known order, such as c1, trace or order-4 [default: all tasks]
    #[arg(long, value_name = "NAME", conflicts_with = "tasks", requires = "benchmark")]
    stream: Option<String>,
    /// These tasks
    #[arg(long, value_name = "A,B", value_delimiter = ',', requires = "benchmark")]
    tasks: Vec<String>,
}

pub(super) fn run(args: &ParaphraseArgs, name: &str) -> anyhow::Result<()> {
    ensure!(
        args.source != Source::Search,
        "--source search measures on the examples of one task: give its --instruction and --data"
    );
    ensure!(args.labels.is_empty(), "--labels: the tasks of a benchmark say which labels they have");
    let folder = args.out.as_ref().context("--benchmark writes a folder of pools: give it with --out")?;
    let tasks = BenchmarkTasks::open(name, args.data.as_deref())?;
    let asked = tasks.asked_for(args.benchmark.stream.as_deref(), &args.benchmark.tasks)?;
    let described = asked.iter().map(|task| tasks.describe(task)).collect::<Result<Vec<_>, _>>()?;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    place::check_folder("--out", folder)?;
    let is_there = |task: &Task| PromptPool::path_in(folder, &task.name).exists();
    for task in described.iter().filter(|task| is_there(task)) {
        PromptPool::load_from(folder, &task.name, &task.instruction)?;
    }
    let opened = Opened::new(args)?;
    for (done, task) in described.into_iter().enumerate() {
        let path = PromptPool::path_in(folder, &task.name);
        if is_there(&task) {
            eprintln!("{} is there already", path.display());
            continue;
        }
        eprintln!("{} ({} of {})", task.name, done + 1, asked.len());
        let labels = labels(args, task.labels.clone(), &task.instruction)?;
        let request = ParaphraseRequest::new(task.instruction, labels, args.count.get(), args.seed);
        let pool = checked_pool(args, &request, &opened).with_context(|| format!("task {}", task.name))?;
        save(&pool, &path)?;
    }
    Ok(())
}
