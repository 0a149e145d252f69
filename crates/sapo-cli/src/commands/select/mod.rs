//! `sapo select`: the paper's selection step alone, for one task.

mod export;
mod oracle;
mod output;

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{anyhow, bail};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use sapo_bandit::SelectorConfig;
use sapo_learn::derive_seed;
use sapo_model::{Encoded, LanguageModel, SharedPrefix};
use sapo_prompts::sources::{Grammar, pool_from};
use sapo_prompts::{Instruction, ParaphraseRequest, PromptPool};
use sapo_tasks::{Example, Task, layout, subset};

use crate::failure::InputError;
use crate::jsonl::{self, LineShape, TaskLine};
use crate::model_args::ModelArgs;
use crate::own_task::LayoutArgs;
use crate::progress;
use crate::too_long::{self, Fitted, Reading};
use export::ExportForm;
use oracle::RecordingOracle;
use output::Outcome;

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
    #[arg(long, value_name = "RULE", default_value = "race", value_parser = rules())]
    selector: SelectorConfig,
    /// Probability that race may err [default: 0.05]
    #[arg(long, value_name = "P")]
    delta: Option<f64>,
    /// Examples that may be asked about, drawn by the seed [default: all]
    #[arg(long, value_name = "N")]
    samples: Option<NonZeroUsize>,
    /// Decides every random draw; draws are those of a run's first task
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Print one JSON object: winner, arms, tokens, seconds
    #[arg(long)]
    json: bool,
    /// Write all of --data as a training file with the chosen wording, for any trainer
    #[arg(long, value_name = "FILE.jsonl")]
    export: Option<PathBuf>,
    /// Form of a line of --export
    #[arg(long, default_value = "prompt")]
    export_form: ExportForm,
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

/// Wordings that grammar makes where no pool is given: the paper's number.
const PARAPHRASES: usize = 20;

/// The selection of a stream's first task: the same seed draws the same here and in a run.
const STEP: usize = 1;

pub(crate) fn run(args: &SelectArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let lines = jsonl::read::<TaskLine>(&args.data)?;
    let pool = pool(args)?;
    let selector = selector(args)?;
    let model = args.model.open()?;
    let task = args.layout.task(&args.data, pool.original().text.clone(), pool.labels());
    let population = population(args, lines.len());
    let Fitted { places, values, skipped } = too_long::fit(
        (args.model.too_long, &model, &args.data),
        population.into_iter().map(|index| (index, &lines[index])),
        |line| &line.input,
        "the longest wording with the target",
        |line, input| under_all_wordings(&model, &task, &pool, line, input, args),
    )?;
    let (examples, texts): (Vec<Example>, Vec<Vec<Encoded>>) = values.into_iter().unzip();
    let exhaustive_forward_tokens = cost_of_everything(&texts);
    drop(texts);

    let bar = progress::bar(pool.len() * examples.len(), "select");
    let started = Instant::now();
    let mut oracle =
        RecordingOracle::new(&model, &task, &examples, pool.variants(), args.model.token_budget(), &bar);
    let seed = derive_seed(args.seed, "selection", STEP);
    let selection = selector
        .build()
        .select(&mut oracle, seed)
        .map_err(|error| anyhow::anyhow!("choosing a wording: {error}"))?;
    let seconds = started.elapsed().as_secs_f64();
    bar.finish_and_clear();

    let mut outcome = Outcome::new(&pool, &selection, &oracle.observations, args.seed)?;
    outcome.shortened = places.iter().filter(|place| place.shortened).map(|place| place.index).collect();
    outcome.skipped = skipped;
    if args.json {
        outcome.write_json(exhaustive_forward_tokens, seconds, out)?;
    } else {
        outcome.write_table(exhaustive_forward_tokens, seconds, out)?;
    }
    if let Some(path) = &args.export {
        let wording = &pool.variants()[selection.winner].text;
        export::write(path, args.export_form, &task, wording, lines.iter().map(|line| &line.value))?;
        eprintln!("wrote {}: {} examples with the chosen wording", path.display(), lines.len());
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
    let Some(samples) = args.samples.map(NonZeroUsize::get) else {
        return (0..count).collect();
    };
    if samples > count {
        tracing::warn!(
            "--samples {samples}, but {} has {count} examples: all are taken",
            args.data.display()
        );
    }
    subset(count, samples, derive_seed(args.seed, "selection subset", STEP))
}

/// Tokens that go through the model when every wording is asked about all examples at once; for each example its texts
/// under all wordings.
fn cost_of_everything(texts: &[Vec<Encoded>]) -> u64 {
    let wordings = texts.first().map_or(0, Vec::len);
    let of_wording = |wording: usize| SharedPrefix::of(texts.iter().map(|of_example| &of_example[wording]));
    (0..wordings).map(|wording| of_wording(wording).forward_tokens() as u64).sum()
}

/// An example with this input, its texts under all wordings, and the longest of these.
fn under_all_wordings(
    model: &LanguageModel,
    task: &Task,
    pool: &PromptPool,
    line: &jsonl::Line<TaskLine>,
    input: &str,
    args: &SelectArgs,
) -> anyhow::Result<Reading<(Example, Vec<Encoded>)>> {
    let target = &line.value.target;
    let (mut texts, mut longest, mut id) = (Vec::with_capacity(pool.len()), 0, "");
    for variant in pool.variants() {
        let prompt = layout::prompt(task, &variant.text, input);
        let encoded = model.codec().encode_example(&prompt, target).map_err(|error| InputError::Line {
            path: args.data.clone(),
            number: line.number,
            reason: error.to_string(),
            expected: TaskLine::EXPECTED,
        })?;
        let tokens = encoded.ids.len();
        texts.push(encoded);
        if tokens > longest {
            (longest, id) = (tokens, &variant.id);
        }
    }
    let value = (Example::new(input, target), texts);
    Ok(Reading { value, tokens: longest, what: format!("the text under wording `{id}`") })
}
