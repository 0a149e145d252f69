//! `sapo select`: the paper's selection step alone, for one task.

mod advice;
mod export;
mod kept;
mod oracle;
mod outcome;
mod output;
mod plot;
mod texts;

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Instant;

use anyhow::{anyhow, bail};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use sapo_bandit::SelectorConfig;
use sapo_learn::derive_seed;
use sapo_model::LanguageModel;
use sapo_probes::Scorer;
use sapo_prompts::sources::{Grammar, pool_from};
use sapo_prompts::{Instruction, ParaphraseRequest, PromptPool};
use sapo_tasks::{Task, subset};

use crate::interrupt::{self, Interrupted};
use crate::jsonl::{self, TaskLine};
use crate::model_args::ModelArgs;
use crate::own_task::LayoutArgs;
use crate::place;
use crate::progress::Progress;
use advice::{Circumstances, next_steps};
use export::ExportForm;
use kept::CacheArgs;
use oracle::{Record, RecordingOracle};
use outcome::{Outcome, Spent};
use texts::Texts;

/// Ask a model which wording of an instruction costs it least before training
///
/// For every wording of --pool and every example of --data the model reads the training text
///
///     {wording}
///
///     Text:
///     {input}
///
///     {suffix}
///
/// and the loss of the target is measured, forward only: minus the log-probability of its tokens, in
/// nats. The wording of the lowest mean over all target tokens wins (State-Adaptive Prompt
/// Optimization, arXiv 2606.01967). The text goes through the model's chat template where it has one,
/// as in training.
///
/// Wordings that are surely behind are not asked further (--selector race); what is left of the cost of
/// asking everything is told with the winner, and how sure it is.
///
/// A 95 % interval stands beside each mean: examples are resampled. Wordings are asked about the same
/// examples, so two of them may differ clearly although their intervals overlap.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct SelectArgs {
    /// JSON Lines of {"input", "target"}
    #[arg(long, value_name = "FILE.jsonl")]
    data: PathBuf,
    /// The original wording; without --pool, grammar makes 20 others
    #[arg(long, value_name = "TEXT", required_unless_present = "pool")]
    instruction: Option<String>,
    /// Words that grammar keeps letter for letter, such as the answers of a classification
    #[arg(long, value_name = "A,B", value_delimiter = ',', conflicts_with = "pool")]
    labels: Vec<String>,
    /// The wordings to choose from, as `sapo paraphrase` writes them
    #[arg(long, value_name = "POOL.json")]
    pool: Option<PathBuf>,
    /// The rule that chooses: race, exhaustive (the paper), worst (its control), ...
    #[arg(long, value_name = "RULE", default_value = SelectorConfig::default().name(), value_parser = rules())]
    selector: SelectorConfig,
    /// Probability with which the rule may err [default: the rule's own; 0.05 of race]
    #[arg(long, value_name = "P", value_parser = probability)]
    delta: Option<f64>,
    /// Examples that may be asked about, drawn by the seed; the paper takes 250
    #[arg(long, value_name = "N|all", default_value = "all")]
    samples: Samples,
    /// Decides every random draw; draws are those of a run's first task
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Print one JSON object: winner, arms, tokens, seconds
    #[arg(long)]
    json: bool,
    /// Draw the ranking, as PNG or SVG
    #[arg(long, value_name = "FILE.png|FILE.svg", value_parser = plot::name)]
    plot: Option<PathBuf>,
    /// Write all of --data as a training file with the chosen wording, for any trainer
    #[arg(long, value_name = "FILE.jsonl")]
    export: Option<PathBuf>,
    /// Form of a line of --export
    #[arg(long, default_value = "prompt")]
    export_form: ExportForm,
    #[command(flatten)]
    cache: CacheArgs,
    #[command(flatten)]
    layout: LayoutArgs,
    #[command(flatten)]
    model: ModelArgs,
}

/// Every rule by its name.
fn rules() -> impl TypedValueParser<Value = SelectorConfig> {
    let names = SelectorConfig::all().into_iter().map(|rule| rule.name());
    PossibleValuesParser::new(names).try_map(|name| name.parse::<SelectorConfig>())
}

/// Some examples, or all.
#[derive(Debug, Clone, Copy)]
enum Samples {
    All,
    Count(NonZeroUsize),
}

impl FromStr for Samples {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(Self::All),
            number => number.parse().map(Self::Count).map_err(|_| "expected a number above 0, or all"),
        }
    }
}

fn probability(text: &str) -> Result<f64, &'static str> {
    let number = text.parse().ok().filter(|number: &f64| *number > 0.0 && *number < 1.0);
    number.ok_or("expected a probability above 0 and below 1")
}

/// Wordings that grammar makes where no pool is given: the paper's number.
const PARAPHRASES: usize = 20;

/// The selection of a stream's first task: the same seed draws the same here and in a run.
const STEP: usize = 1;

pub(crate) fn run(args: &SelectArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    check_places(args)?;
    let lines = jsonl::read::<TaskLine>(&args.data)?;
    let pool = pool(args)?;
    let selector = selector(args)?;
    let model = args.model.open()?;
    let task = args.layout.task(&args.data, pool.original().text.clone(), pool.labels());
    let texts = Texts::read(&model, &task, &pool, &lines, population(args, lines.len()), args)?;
    let (outcome, kept) = choose(args, selector, (&model, &task), &pool, &texts)?;

    if args.json {
        output::write_json(&outcome, &texts, out)?;
    } else {
        output::write_table(&outcome, out)?;
    }
    let text_format = model.codec().format();
    out.flush()?; // what follows on stderr stands below it
    if let Some(path) = &args.export {
        let wording = &pool.variants()[outcome.winner].text;
        export::write(
            path,
            (args.export_form, text_format),
            &task,
            wording,
            lines.iter().map(|line| &line.value),
        )?;
        eprintln!("wrote {}: {} examples with the chosen wording", path.display(), lines.len());
    }
    if let Some(path) = &args.plot {
        plot::write(path, &task.name, &outcome)?;
        eprintln!("wrote {}: the ranking", path.display());
    }
    if !args.json {
        let circumstances = Circumstances {
            selector,
            export: args.export.as_deref(),
            kept,
            text_format,
            command: std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect(),
        };
        eprintln!("next:");
        next_steps(&outcome, &circumstances).iter().for_each(|step| eprintln!("- {step}"));
    }
    Ok(())
}

/// Lets the rule ask the model; the outcome, and whether the losses are kept.
fn choose<'a>(
    args: &SelectArgs,
    selector: SelectorConfig,
    (model, task): (&LanguageModel, &Task),
    pool: &'a PromptPool,
    texts: &Texts,
) -> anyhow::Result<(Outcome<'a>, bool)> {
    let new = || Scorer::new(model, task, &texts.examples, args.model.token_budget());
    let (mut scorer, kept) = args.cache.scorer(model, new)?;
    for (wording, variant) in pool.variants().iter().enumerate() {
        scorer = scorer.with_texts(&variant.text, texts.of(wording));
    }
    interrupt::watch();
    let started = Instant::now();
    let mut oracle = RecordingOracle {
        scorer,
        variants: pool.variants(),
        progress: Progress::of_at_most(pool.len() * texts.examples.len(), "select"),
        records: vec![Record::default(); pool.len()],
    };
    let chosen = selector.build().select(&mut oracle, derive_seed(args.seed, "selection", STEP));
    let RecordingOracle { records, progress, .. } = oracle;
    drop(progress);
    let selection = match chosen {
        Err(_) if interrupt::requested() => return Err(Interrupted { kept }.into()),
        chosen => chosen.map_err(|error| anyhow!("choosing a wording: {error}"))?,
    };
    let seconds = started.elapsed().as_secs_f64();
    let spent = Spent {
        forward_tokens: records
            .iter()
            .enumerate()
            .map(|(arm, record)| texts.cost(arm, &record.examples))
            .sum(),
        exhaustive_forward_tokens: texts.cost_of_everything(),
        computed_tokens: selection.forward_tokens,
        losses: records.iter().map(|record| record.examples.len()).sum(),
        known_losses: records.iter().map(|record| record.known).sum(),
        seconds,
    };
    Ok((Outcome::new(pool, &selection, &records, args.seed, texts.examples.len(), spent)?, kept))
}

/// Finds out before anything is computed whether what is asked for can be written.
fn check_places(args: &SelectArgs) -> anyhow::Result<()> {
    for (option, path) in [("--export", &args.export), ("--plot", &args.plot)] {
        let Some(path) = path else { continue };
        let read = [Some(&args.data), args.pool.as_ref()];
        place::check(option, path, read.into_iter().flatten().map(PathBuf::as_path))?;
    }
    Ok(())
}

/// The pool that was given, or one by grammar.
fn pool(args: &SelectArgs) -> anyhow::Result<PromptPool> {
    let Some(path) = &args.pool else {
        let instruction = Instruction::new(args.instruction.as_deref().unwrap_or_default());
        let request = ParaphraseRequest::new(instruction, args.labels.clone(), PARAPHRASES, args.seed);
        return Ok(pool_from(&mut Grammar, &request, &mut |_| ())?);
    };
    let pool = PromptPool::load(path)?;
    if let Some(instruction) = &args.instruction
        && instruction != pool.original().text.as_str()
    {
        bail!("{}: the pool was made for another instruction than --instruction", path.display());
    }
    Ok(pool)
}

/// The rule with the parameters that were given.
fn selector(args: &SelectArgs) -> anyhow::Result<SelectorConfig> {
    let Some(delta) = args.delta else { return Ok(args.selector) };
    let mut rule = serde_json::to_value(args.selector)?;
    match rule.get_mut(args.selector.name()).and_then(|parameters| parameters.get_mut("delta")) {
        Some(parameter) => *parameter = delta.into(),
        None => bail!("--delta: the rule {} has no such parameter", args.selector.name()),
    }
    serde_json::from_value(rule).map_err(|error| anyhow!("--delta {delta}: {error}"))
}

/// Which of `count` examples may be asked about.
fn population(args: &SelectArgs, count: usize) -> Vec<usize> {
    let Samples::Count(samples) = args.samples else { return (0..count).collect() };
    let samples = samples.get();
    if samples > count {
        tracing::warn!(
            "--samples {samples}, but {} has {count} examples: all are taken",
            args.data.display()
        );
    }
    subset(count, samples, derive_seed(args.seed, "selection subset", STEP))
}
