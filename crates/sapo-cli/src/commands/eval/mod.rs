//! `sapo eval`: what a model can do now on the tasks of a benchmark.

mod asked;
mod output;

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};
use sapo_metrics::{Estimate, Metric, estimate};
use sapo_model::{Decoding, Generation, LanguageModel, token_budget_batches};
use sapo_tasks::readers::Split;
use sapo_tasks::{Example, layout};

use crate::interrupt::{self, Interrupted};
use crate::model_args::ModelArgs;
use crate::place;
use crate::progress::Progress;
use crate::too_long::{self, Fitted, Place, Reading, Source};
use asked::AskedTask;

/// Evaluate a model on the tasks of a benchmark
///
/// Every row of a task is put to the model as in training,
///
///     {wording}
///
///     Text:
///     {input}
///
///     {suffix}
///
/// through its chat template where it has one, and answered greedily. The wording is the task's
/// original instruction, or the one that --prompts gives. Answers are scored by ROUGE-L and exact
/// match, and by the metric of the task's own benchmark where it has one (native): means over the
/// rows from 0 to 100, higher is better, with their 95 % bootstrap interval (10,000 resamples of the
/// rows, BCa).
///
/// The last line is the mean over tasks. After training on a stream, that of ROUGE-L is the paper's
/// AP.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct EvalArgs {
    /// The benchmark: builtin, superni, trace, text-classification, natural-instructions; own: tasks of your own
    #[arg(long, value_name = "NAME", default_value = "own")]
    benchmark: String,
    /// Folder of the benchmark, in any of its layouts, or of tasks of your own [builtin without it: generated, as
    /// `sapo data get builtin` writes it]
    #[arg(long, value_name = "DIR", required_unless_present = "benchmark")]
    data: Option<PathBuf>,
    /// The tasks of a known order, such as c1, trace or order-4 [default: all tasks of the folder]
    #[arg(long, value_name = "NAME", conflicts_with = "tasks")]
    stream: Option<String>,
    /// These tasks
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    tasks: Vec<String>,
    /// Which rows
    #[arg(long, default_value = "test")]
    split: SplitName,
    /// The first N rows of each task [default: all]
    #[arg(long, value_name = "N")]
    limit: Option<NonZeroUsize>,
    /// JSON of {task: wording}; a task that is not in it is asked by its original instruction
    #[arg(long, value_name = "FILE.json")]
    prompts: Option<PathBuf>,
    /// Longest answer in tokens; the paper takes 128
    #[arg(long, value_name = "N", default_value = "128")]
    max_new_tokens: NonZeroUsize,
    /// Write the answers, as JSON Lines that `sapo score` reads
    #[arg(long, value_name = "FILE.jsonl")]
    predictions: Option<PathBuf>,
    /// Print JSON Lines: one object a task, the summary last
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model: ModelArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SplitName {
    Train,
    Dev,
    Test,
}

impl From<SplitName> for Split {
    fn from(name: SplitName) -> Self {
        match name {
            SplitName::Train => Self::Train,
            SplitName::Dev => Self::Dev,
            SplitName::Test => Self::Test,
        }
    }
}

/// The rows of one task as the model reads them.
struct Questions<'a> {
    asked: &'a AskedTask,
    places: Vec<Place>,
    /// Indices of the rows left out, under the rule that does so.
    skipped: Option<Vec<usize>>,
    examples: Vec<Example>,
    prompts: Vec<Vec<i64>>,
}

/// What one task gave.
struct Evaluated<'a> {
    questions: &'a Questions<'a>,
    answers: Vec<String>,
    estimates: Vec<(Metric, Estimate)>,
    native: Option<Metric>,
    forward_tokens: usize,
}

impl Evaluated<'_> {
    /// The estimate by a metric; none where the task is not scored by it.
    fn estimate(&self, metric: Metric) -> Option<Estimate> {
        self.estimates.iter().find(|(known, _)| *known == metric).map(|(_, estimate)| *estimate)
    }
}

pub(crate) fn run(args: &EvalArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    if let Some(path) = &args.predictions {
        place::check("--predictions", path, args.prompts.as_deref())?;
    }
    let tasks = asked::read(args)?;
    for asked in &tasks {
        sapo_bench::metrics(&asked.task)?;
    }
    let model = args.model.open()?;
    let questions: Vec<Questions> =
        tasks.iter().map(|asked| read(&model, asked, args)).collect::<anyhow::Result<_>>()?;

    interrupt::watch();
    let mut progress = Progress::of(questions.iter().map(|task| task.prompts.len()).sum(), "eval");
    let mut evaluated = Vec::new();
    for questions in &questions {
        let task = evaluate(&model, questions, args, &mut progress)?;
        if args.json {
            progress.suspended(|| output::write_task(&task, out))?;
        }
        evaluated.push(task);
    }
    drop(progress);
    if let Some(path) = &args.predictions {
        output::write_predictions(path, &evaluated)
            .with_context(|| format!("{}: cannot write", path.display()))?;
    }
    match args.json {
        true => output::write_summary(&evaluated, out),
        false => output::write_table(&evaluated, out),
    }
}

/// Makes the prompts of a task, under the rule for those that do not fit.
fn read<'a>(model: &LanguageModel, asked: &'a AskedTask, args: &EvalArgs) -> anyhow::Result<Questions<'a>> {
    let AskedTask { task, wording, file, unit, rows } = asked;
    let source = Source { rule: args.model.too_long, path: file, unit };
    let room = args.max_new_tokens.get();
    let Fitted { places, values: prompts, skipped } = too_long::fit(
        model,
        source,
        rows.iter().enumerate(),
        |example| &example.input,
        "the wording with --max-new-tokens",
        |row, input| {
            let ids = model
                .codec()
                .encode_prompt(&layout::prompt(task, wording, input))
                .with_context(|| format!("{}, {unit} {}", file.display(), row.number))?;
            let what = format!("the prompt ({}) with --max-new-tokens ({room})", ids.len());
            Ok(Reading { tokens: ids.len() + room, value: ids, what })
        },
    )?;
    let examples = places.iter().map(|place| rows[place.index].value.clone()).collect();
    Ok(Questions { asked, places, skipped, examples, prompts })
}

/// Lets the model answer, batch by batch so that it can be stopped, and scores the answers.
fn evaluate<'a>(
    model: &LanguageModel,
    questions: &'a Questions<'a>,
    args: &EvalArgs,
    progress: &mut Progress,
) -> anyhow::Result<Evaluated<'a>> {
    let Questions { asked, examples, prompts, .. } = questions;
    let budget = args.model.token_budget();
    let lengths: Vec<usize> = prompts.iter().map(Vec::len).collect();
    let mut answers = vec![String::new(); prompts.len()];
    let mut forward_tokens = 0;
    for members in token_budget_batches(&lengths, budget) {
        if interrupt::requested() {
            return Err(Interrupted { kept: false }.into());
        }
        let batch: Vec<Vec<i64>> = members.iter().map(|&member| prompts[member].clone()).collect();
        let given = model.generate(&batch, Decoding::Greedy, args.max_new_tokens.get(), budget, |_| {})?;
        forward_tokens += Generation::forward_tokens(&batch, &given);
        for (answer, &member) in given.into_iter().zip(&members) {
            answers[member] = answer.text;
        }
        progress.add(members.len());
    }
    let estimates = sapo_bench::score(&asked.task, examples, &answers)?
        .into_iter()
        .map(|scores| Ok((scores.metric, estimate(&scores.examples)?.context("no row to score")?)))
        .collect::<anyhow::Result<_>>()?;
    let native = sapo_bench::native_metric(&asked.task)?;
    Ok(Evaluated { questions, answers, estimates, native, forward_tokens })
}
