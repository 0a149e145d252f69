//! `sapo paraphrase`: one source asked, or one that asks another, for one instruction or for every task of a benchmark.

mod api;
mod benchmark;
mod search;

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::{Args, ValueEnum};
use sapo_learn::ModelWriter;
use sapo_model::{LanguageModel, model_name};
use sapo_prompts::chat::Chat;
use sapo_prompts::guard::check_pool;
use sapo_prompts::sources::{Bank, BankError, Filled, Grammar, ParaphraseSource, Written};
use sapo_prompts::{Instruction, ParaphraseRequest, PromptPool, SourceError};

use crate::jsonl::{self, TaskLine};
use crate::model_args::ModelOptions;
use crate::own_task::LayoutArgs;
use crate::place::{self, bank_folder};
use crate::progress::Progress;
use api::ApiArgs;
use benchmark::BenchmarkArgs;
use search::SearchArgs;

const NEEDS_MODEL: &str = "this source asks a model: give its folder with --model";
const NEEDS_ENDPOINT: &str = "this source asks a chat endpoint: give --api-base and --api-model";

/// Make wordings that mean the same as an instruction
///
/// Writes a pool file for `sapo select`: the original as variant 0 and --count paraphrases. Every paraphrase keeps the
/// labels letter for letter and passes the checks of `sapo pool check`; if there are too few, nothing is written.
///
/// With --benchmark it does so for every task, and writes a folder of pool files, TASK.json, which `sapo train` and the
/// experiments take as `pool = { folder = "DIR" }`. Files that are there already are kept: the same command goes on where
/// it was stopped.
///
/// Read the wordings before you train with them: no check can tell whether the meaning is the same.
#[derive(Debug, Args)]
pub(crate) struct ParaphraseArgs {
    /// The original wording, without input and output suffix
    #[arg(long, value_name = "TEXT", required_unless_present = "benchmark", conflicts_with = "benchmark")]
    instruction: Option<String>,
    /// Words that every wording keeps letter for letter, such as the answers of a classification [default with bank: the
    /// bank's]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    labels: Vec<String>,
    /// How many paraphrases
    #[arg(long, value_name = "N", default_value = "20")]
    count: NonZeroUsize,
    /// Where they come from
    #[arg(long, default_value = "grammar")]
    source: Source,
    /// Let grammar make what the source lacks
    #[arg(long)]
    fill: bool,
    /// JSON Lines of {"input", "target"}: examples of the task, of which no text may stand in a wording; search measures
    /// wordings on them. With --benchmark, its folder
    #[arg(long, value_name = "FILE.jsonl|DIR")]
    data: Option<PathBuf>,
    /// Decides every random draw
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Folder of the bank [default: data/prompts here, else in the checkout that the program was built from]
    #[arg(long, value_name = "DIR")]
    bank: Option<PathBuf>,
    /// The pool file to write [default: to stdout]; with --benchmark, the folder
    #[arg(long, value_name = "POOL.json|DIR")]
    out: Option<PathBuf>,
    /// Temperature of api and model; lower is closer to what they find likeliest
    #[arg(long, value_name = "T", default_value_t = 0.6)]
    temperature: f64,
    /// model samples from the likeliest tokens that have this much probability together
    #[arg(long, value_name = "P", default_value_t = 0.95)]
    top_p: f64,
    /// Longest answer of api and model in tokens; what is cut off is dropped
    #[arg(long, value_name = "N", default_value_t = 1024)]
    max_new_tokens: u32,
    #[command(flatten)]
    benchmark: BenchmarkArgs,
    #[command(flatten)]
    api: ApiArgs,
    #[command(flatten)]
    search: SearchArgs,
    #[command(flatten)]
    layout: LayoutArgs,
    /// Model that writes (model) or measures (search): a folder in Hugging Face layout, or org/name or org/name@revision
    /// of the Hugging Face Hub
    #[arg(long, value_name = "DIR|ORG/NAME", help_heading = "Model")]
    model: Option<PathBuf>,
    #[command(flatten)]
    options: ModelOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Source {
    /// Written by hand, for the tasks of SuperNI and TRACE; the instruction must be theirs, letter for letter
    Bank,
    /// Written by a language model behind an OpenAI-compatible chat endpoint: --api-base, --api-model
    Api,
    /// Written by the loaded model itself, by sampling: --model
    Model,
    /// Other frames, verbs and words for any instruction, by rule and offline
    Grammar,
    /// Rounds of paraphrasing the best so far: --from proposes, --model measures on --data
    Search,
}

/// A source that makes wordings of its own.
#[derive(Debug, Clone, Copy)]
enum Maker {
    Bank,
    Api,
    Model,
    Grammar,
}

impl ParaphraseArgs {
    /// Who makes the wordings; in a search, who proposes them.
    fn maker(&self) -> Maker {
        match self.source {
            Source::Bank => Maker::Bank,
            Source::Api => Maker::Api,
            Source::Model => Maker::Model,
            Source::Grammar => Maker::Grammar,
            Source::Search => self.search.proposer(),
        }
    }
}

/// A model, kept while its wordings are asked for.
struct Loaded {
    model: LanguageModel,
    name: String,
}

impl Loaded {
    fn writer(&self, args: &ParaphraseArgs) -> Written<ModelWriter<'_>> {
        Written(ModelWriter {
            model: &self.model,
            name: self.name.clone(),
            temperature: args.temperature,
            top_p: args.top_p,
            max_new_tokens: args.max_new_tokens as usize,
            token_budget: args.options.token_budget(),
        })
    }
}

/// Who is asked, opened once for all that a command asks, so that the budget of the endpoint is the command's.
struct Opened {
    loaded: Option<Loaded>,
    chat: Option<Chat>,
}

impl Opened {
    fn new(args: &ParaphraseArgs) -> anyhow::Result<Self> {
        let asks_model = matches!(args.source, Source::Model | Source::Search);
        let loaded = match &args.model {
            Some(model) if asks_model => {
                Some(Loaded { model: args.options.open(model)?, name: model_name(model) })
            }
            _ => None,
        };
        let chat = match args.maker() {
            Maker::Api => Some(args.api.chat(args.temperature, args.max_new_tokens)?),
            _ => None,
        };
        Ok(Self { loaded, chat })
    }

    fn loaded(&self) -> anyhow::Result<&Loaded> {
        self.loaded.as_ref().context(NEEDS_MODEL)
    }
}

/// Says on stderr what the endpoint has cost, also where the command ends with an error.
impl Drop for Opened {
    fn drop(&mut self) {
        let Some(chat) = &self.chat else { return };
        let spent = chat.spent();
        eprintln!(
            "{}: {} calls, {} tokens; {} answers from the cache",
            chat.settings().model,
            spent.calls,
            spent.tokens,
            spent.from_cache
        );
    }
}

pub(crate) fn run(args: &ParaphraseArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    if let Some(name) = &args.benchmark.benchmark {
        return benchmark::run(args, name);
    }
    let instruction = args.instruction.as_deref().unwrap_or_default();
    ensure!(!instruction.trim().is_empty(), "--instruction is empty: there is nothing to paraphrase");
    if let Some(path) = &args.out {
        place::check("--out", path, args.data.as_deref())?;
    }
    let request = request(args, instruction)?;
    let pool = checked_pool(args, &request, &Opened::new(args)?)?;
    match &args.out {
        None => write!(out, "{}", pool.to_json()?)?,
        Some(path) => save(&pool, path)?,
    }
    Ok(())
}

fn save(pool: &PromptPool, path: &Path) -> anyhow::Result<()> {
    pool.save(path)?;
    eprintln!("wrote {}: the original and {} paraphrases", path.display(), pool.paraphrases().len());
    Ok(())
}

/// What the source makes of an instruction, of which every wording passes the checks.
fn checked_pool(
    args: &ParaphraseArgs,
    request: &ParaphraseRequest,
    opened: &Opened,
) -> anyhow::Result<PromptPool> {
    let pool = match args.source {
        Source::Search => search::pool(args, request, opened)?,
        _ => with_maker(args, opened, |source| pool_of(args, source, request))?,
    };
    // a last look: the bank's labels may be others than those that were asked for
    for (id, reasons) in check_pool(&pool, request.examples()) {
        if let Some(reason) = reasons.first() {
            bail!("paraphrase `{id}` does not pass: {reason}");
        }
    }
    Ok(pool)
}

fn request(args: &ParaphraseArgs, instruction: &str) -> anyhow::Result<ParaphraseRequest> {
    let instruction = Instruction::new(instruction);
    let labels = labels(args, args.labels.clone(), &instruction)?;
    let examples = match &args.data {
        None => Vec::new(),
        Some(path) => jsonl::read::<TaskLine>(path)?
            .into_iter()
            .map(|line| (line.value.input, line.value.target))
            .collect(),
    };
    Ok(ParaphraseRequest {
        examples,
        ..ParaphraseRequest::new(instruction, labels, args.count.get(), args.seed)
    })
}

/// These labels; where there are none and the bank is asked, the bank's.
fn labels(
    args: &ParaphraseArgs,
    mut labels: Vec<String>,
    instruction: &Instruction,
) -> anyhow::Result<Vec<String>> {
    if labels.is_empty() && args.source == Source::Bank {
        labels = match Bank::open(bank_folder(args.bank.as_ref())).and_then(|bank| bank.find(instruction)) {
            Err(BankError::NoEntry { .. }) if args.fill => labels,
            found => found.map_err(SourceError::from)?.labels().to_vec(),
        };
    }
    Ok(labels)
}

/// Gives `ask` the source that makes the wordings.
fn with_maker<T>(
    args: &ParaphraseArgs,
    opened: &Opened,
    ask: impl FnOnce(&mut dyn ParaphraseSource) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    match args.maker() {
        Maker::Bank => ask(&mut Bank::open(bank_folder(args.bank.as_ref())).map_err(SourceError::from)?),
        Maker::Grammar => ask(&mut Grammar),
        Maker::Model => ask(&mut opened.loaded()?.writer(args)),
        Maker::Api => ask(&mut Written(opened.chat.as_ref().context(NEEDS_ENDPOINT)?)),
    }
}

/// The pool of a source, filled up by grammar where that is wanted; what was dropped is told on stderr.
fn pool_of(
    args: &ParaphraseArgs,
    source: &mut dyn ParaphraseSource,
    request: &ParaphraseRequest,
) -> anyhow::Result<PromptPool> {
    let mut progress = Progress::of(request.count, "paraphrase");
    let mut on_progress = |count: usize| progress.set(count);
    let mut grammar = Grammar;
    let mut filled;
    let source: &mut dyn ParaphraseSource = if args.fill {
        filled = Filled { first: source, rest: &mut grammar };
        &mut filled
    } else {
        source
    };
    let made = source.paraphrase(request, &mut on_progress)?;
    drop(progress);
    let kinds: Vec<String> =
        made.dropped_by_kind().into_iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    if !kinds.is_empty() {
        eprintln!("dropped {}: {}", made.dropped.len(), kinds.join(", "));
    }
    Ok(made.into_pool(source.name(), request)?)
}
