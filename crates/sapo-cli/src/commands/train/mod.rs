//! `sapo train`: a stream of one's own, learnt with a method, each task in the wording that a rule chooses.

mod outcome;
mod watch;

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use sapo_lab::experiment::Description;
use sapo_lab::provenance::Code;
use sapo_lab::tensorboard::TensorBoard;
use sapo_lab::{CellContext, CellSpec, Computed, RunRecord, Store, StoredRun, compute_cell};
use sapo_learn::runs::{Places, RunConfig, builtin_seed, note_origin};
use sapo_learn::sapo::run_stream;
use sapo_learn::{LearnError, Progress, Workplace};
use sapo_metrics::Metric;
use sapo_model::{Device, LanguageModel, runtime};
use sapo_prompts::PromptPool;
use sapo_tasks::TaskStream;
use sapo_tasks::builtin::Sizes;

use crate::interrupt::{self, Interrupted};
use crate::model_args::{Dtype, model_folder};
use crate::place::bank_folder;
use crate::shell;
use outcome::Outcome;
use watch::Watch;

/// Fine-tune a model on a stream of tasks, choosing the wording of each before it is learnt
///
/// --config is a TOML file that names the model, the tasks and their order, the method and the rule:
///
///     model = "path/to/model"
///     [stream]
///     benchmark = "own"          # or builtin, superni, trace, text-classification
///     stream = "my-order"
///     [method]
///     name = "o-lora"
///
/// What is left out is as in the paper; --dry-run prints everything as it would be run. The run is kept in
/// OUT/NAME/CELL, a folder named by what decides the run: adapters and other artifacts, the transfer matrix R, the
/// chosen wordings, every loss, prediction and time.
///
/// Stopped or killed at any instant, the same command goes on where it was, and comes to the same end.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct TrainArgs {
    /// The run, as TOML; paths in it are from where the command is run
    #[arg(long, value_name = "RUN.toml")]
    config: PathBuf,
    /// Folder of all runs
    #[arg(long, value_name = "DIR", default_value = "runs")]
    out: PathBuf,
    /// Name of the run's folder [default: the file's name]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// In place of the file's seed
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Where to compute: cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu", value_parser = runtime::parse_device)]
    device: Device,
    /// Cores to use [default: SAPO_THREADS if set, else all]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Folder of the paraphrase bank, for SuperNI and TRACE [default: data/prompts here, else in the checkout that the
    /// program was built from]
    #[arg(long, value_name = "DIR")]
    bank: Option<PathBuf>,
    /// How often a training writes its state down, at most; 0: after every step
    #[arg(long, value_name = "S", default_value_t = Progress::EVERY.as_secs())]
    checkpoint_seconds: u64,
    /// Print the run as it would be, and where it would be kept
    #[arg(long)]
    dry_run: bool,
    /// Begin anew, also where the run is finished or begun
    #[arg(long)]
    force: bool,
    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
    /// Write curves for TensorBoard, which shows them while the model trains: tensorboard --logdir OUT/NAME/tensorboard
    #[arg(long)]
    tensorboard: bool,
    /// Print one JSON object: the folder, AP, BWT and FWT by convention, R, the chosen wordings
    #[arg(long)]
    json: bool,
}

/// The metric of the transfer matrix, as the paper's.
const METRIC: &str = Metric::RougeL.name();

pub(crate) fn run(args: &TrainArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let config = read(args)?;
    runtime::init(threads(args));
    let places = Places {
        model: model_folder(&config.model)?,
        data: config.data.clone(),
        bank: bank_folder(args.bank.as_ref()),
    };
    let (stream, pools) = config.tasks(&places)?;
    let device = device_name(args.device);
    let named = config.named_by(&places, (&stream, &pools), &device)?;
    let cell = CellSpec::new(named, &["stream.stream", "method.name", "seed"])?;
    let store = Store::open(&args.out, &name(args)?)?;
    let folder = store.cell_folder(&cell.id());
    if args.dry_run {
        let settings = serde_json::to_string_pretty(cell.config())?;
        writeln!(out, "{settings}\n")?;
        let state = match (store.contains(&cell.id()), store.begun()?.contains(&cell.id())) {
            (true, _) => "stored",
            (false, true) => "begun",
            (false, false) => "not begun",
        };
        return Ok(writeln!(out, "{} ({state})", folder.display())?);
    }
    interrupt::watch();
    store.sweep()?;
    let question = format!("{} on stream {}", config.method.name(), config.stream.stream);
    Description::new(store.experiment(), &question, std::slice::from_ref(&cell)).write(store.folder())?;
    // where another process computes it, `compute` says so
    if args.force && store.forget_progress(&cell.id())? {
        store.remove(&cell.id())?;
    }
    compute(args, &config, (&store, &cell), &places, (stream, pools))?;
    let stored = store.load(&cell.id())?;
    if args.tensorboard {
        TensorBoard::new(&store).write(&stored)?;
    }
    let outcome = Outcome::of(&stored)?;
    if args.json {
        return outcome.write_json(out);
    }
    outcome.write_table(out)?;
    out.flush()?; // what follows on stderr stands below it
    eprintln!("next:");
    next_steps(&config, &device, &stored).iter().for_each(|step| eprintln!("- {step}"));
    Ok(())
}

fn read(args: &TrainArgs) -> anyhow::Result<RunConfig> {
    let path = &args.config;
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let mut config: RunConfig = toml::from_str(&text).with_context(|| path.display().to_string())?;
    config.seed = args.seed.unwrap_or(config.seed);
    Ok(config)
}

fn threads(args: &TrainArgs) -> usize {
    args.threads.map_or_else(runtime::threads_from_env, NonZeroUsize::get)
}

fn name(args: &TrainArgs) -> anyhow::Result<String> {
    let stem = || args.config.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    args.name.clone().or_else(stem).context("--config has no file name: name the run with --name")
}

fn device_name(device: Device) -> String {
    match device {
        Device::Cpu => "cpu".into(),
        Device::Cuda(0) => "cuda".into(),
        Device::Cuda(index) => format!("cuda:{index}"),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// Computes the run, unless it is stored.
fn compute(
    args: &TrainArgs,
    config: &RunConfig,
    (store, cell): (&Store, &CellSpec),
    places: &Places,
    (mut stream, pools): (TaskStream, Vec<PromptPool>),
) -> anyhow::Result<()> {
    if store.contains(&cell.id()) {
        return Ok(());
    }
    let watch = Watch::over(cell, store, args.quiet, args.tensorboard);
    let work = |context: &CellContext| -> anyhow::Result<RunRecord> {
        let kind = dtype(&config.dtype)?.kind(&places.model)?;
        let mut model = LanguageModel::open(&places.model, kind, args.device)?;
        let shortened = config.fit(&model, &mut stream, &pools)?;
        if shortened > 0 {
            tracing::warn!("{shortened} inputs were cut at their end to fit the model");
        }
        note_origin(context, &model, shortened);
        context.annotate("threads", threads(args) as u64);
        let progress = context.progress_folder().map(|folder| Progress::open(folder, cell.config()));
        let progress = progress.transpose()?.map(|progress| {
            progress.every(Duration::from_secs(args.checkpoint_seconds)).until(interrupt::requested)
        });
        let workplace = Workplace { artifacts: context.artifacts(), progress: progress.as_ref() };
        let run = config.stream_config();
        let tell = &mut |told| context.tell(told);
        let record = run_stream(&mut model, &stream, &pools, &run, config.seed, &workplace, tell)?;
        outcome::keep(&record, context.artifacts())?;
        Ok(record)
    };
    match compute_cell(store, cell, Code::detect(), watch.listener(), work) {
        Ok(Computed::Stored) => {
            watch.finished();
            Ok(())
        }
        Ok(Computed::Held(holder)) => {
            let lock = store.lock_file(&cell.id());
            bail!("this run is computed now, by {holder} (lock {})", lock.display())
        }
        Err(error) => match error.downcast_ref::<LearnError>() {
            Some(LearnError::Interrupted) => Err(Interrupted { kept: true }.into()),
            _ => Err(error),
        },
    }
}

/// A number format by the name that configurations give it.
fn dtype(name: &str) -> anyhow::Result<Dtype> {
    <Dtype as clap::ValueEnum>::from_str(name, false)
        .map_err(|_| anyhow!("dtype = {name:?}: expected f32, bf16, f16 or auto"))
}

/// What a person may do with a finished run.
fn next_steps(config: &RunConfig, device: &str, run: &StoredRun) -> Vec<String> {
    let folder = run.artifact("");
    let adapter = |name: String| ["--adapter".to_string(), folder.join(name).display().to_string()];
    let adapters: Vec<String> =
        outcome::adapters_of_the_end(config, run).into_iter().flat_map(adapter).collect();
    let prompts = folder.join(outcome::PROMPTS);
    let mut steps = Vec::new();
    if !adapters.is_empty() {
        let base = config.model.display();
        steps.push(format!("the model at the end is {base} with {}", shell::line(&adapters)));
        steps.push(format!("score it on {}", scoring(config, device, &adapters, &prompts)));
    }
    steps.push(format!("prompt it with the wordings of {}", prompts.display()));
    steps
}

/// Which rows a person may score with the model at the end, and the command line that does it.
fn scoring(config: &RunConfig, device: &str, adapters: &[String], prompts: &Path) -> String {
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<String>>();
    let mut eval = words(&["sapo", "eval", "--model", &config.model.display().to_string()]);
    eval.extend_from_slice(adapters);
    let (benchmark, stream) = (&config.stream.benchmark, &config.stream.stream);
    let answer = config.evaluation.max_new_tokens.to_string();
    eval.extend(words(&["--benchmark", benchmark, "--stream", stream, "--max-new-tokens", &answer]));
    eval.extend(words(&["--dtype", &config.dtype, "--device", device]));
    eval.extend(words(&["--prompts", &prompts.display().to_string()]));
    if config.stream.needs_folder() {
        if let Some(data) = &config.data {
            eval.extend(words(&["--data", &data.display().to_string()]));
        }
        return format!("all rows: {}", shell::line(&eval));
    }
    let rows = format!("builtin-{}", config.seed);
    let seed = builtin_seed(config.seed).to_string();
    let get = words(&["sapo", "data", "get", "builtin", "--out", &rows, "--seed", &seed, "--size", "paper"]);
    // the rows of a larger size begin with those of a smaller one
    let limit = config.rows.test.min(Sizes::PAPER.test).to_string();
    eval.extend(words(&["--data", &rows, "--limit", &limit]));
    format!("the rows that were scored here: {} && {}", shell::line(&get), shell::line(&eval))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sapo_tasks::builtin;

    const RUN: &str = "model = \"my model\"\nseed = 5\nrows = { train = 3, test = 7 }\n\
                       [stream]\nbenchmark = \"builtin\"\nstream = \"m2\"\n";

    #[test]
    fn the_built_in_rows_to_score_are_those_that_were_scored() {
        let config: RunConfig = toml::from_str(RUN).unwrap();
        let adapters = ["--adapter", "a"].map(String::from);
        let seed = builtin_seed(config.seed);
        let expected = format!(
            "the rows that were scored here: sapo data get builtin --out builtin-5 --seed {seed} --size paper && \
             sapo eval --model 'my model' --adapter a --benchmark builtin --stream m2 --max-new-tokens 128 --dtype f32 \
             --device cpu --prompts p.json --data builtin-5 --limit 7"
        );
        assert_eq!(scoring(&config, "cpu", &adapters, Path::new("p.json")), expected);
        for scored in config.stream.load(None, config.rows, config.seed).unwrap().tasks {
            let written = builtin::family(&scored.name).unwrap().task(seed, Sizes::PAPER);
            assert_eq!(written.test[..7], scored.test);
        }
    }
}
