use std::path::Path;

use anyhow::{Context, ensure};
use sapo_lab::loss_tables::LossRow;
use sapo_learn::methods::{Lesson, MethodConfig, StreamTask};
use sapo_learn::runs::{PARAPHRASES, RowCounts, StreamSource, shorten_inputs, taken_tokens};
use sapo_learn::{FixedTexts, TrainConfig, derive_seed};
use sapo_model::{Encoded, Kind, LanguageModel, SharedPrefix, model_name, runtime};
use sapo_prompts::{PromptPool, PromptVariant, word_count};
use sapo_tasks::{Task, TaskStream, layout};
use serde::{Deserialize, Serialize};
use tracing::info;

use crate::places;

/// `configs/record-tables.toml`: what is recorded, and how the models are trained between the states.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Seed of rows, initial adapters, order and dropout.
    pub seed: u64,
    /// Rows of each task: all are trained on, and all are the population of a table.
    pub examples: usize,
    /// Padded tokens in one batch of the probe.
    pub token_budget: usize,
    /// How a task is learnt.
    pub method: MethodConfig,
    /// One file each.
    pub recording: Vec<Recording>,
}

/// The tables of one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// Name of the model, and of the file.
    pub model: String,
    /// The streams, each learnt from the untouched model on; tasks whose wordings do not fit the model are left out.
    pub streams: Vec<StreamSource>,
    /// Which tasks are asked about at a state of t trained tasks: 0 is the one that comes next, 1 the one after it, -1
    /// the one just learnt.
    pub tasks: Vec<isize>,
    /// Longer inputs are cut at their end; so are those that the model's context has no room for.
    pub max_input_tokens: usize,
    /// Training on one task.
    pub train: TrainConfig,
}

/// A task is recorded where its wordings leave so many tokens for an input.
const LEAST_INPUT: usize = 40;

/// Learns a stream of a recording under the original wordings and asks the model everything on the way.
///
/// # Errors
/// Names the stream or the task and what failed.
pub fn record(
    plan: &Plan,
    recording: &Recording,
    source: &StreamSource,
    folder: &Path,
    data: Option<&Path>,
    scratch: &Path,
) -> anyhow::Result<Vec<LossRow>> {
    let device = runtime::parse_device("cpu").map_err(anyhow::Error::msg)?;
    let mut model = LanguageModel::open(folder, Kind::Float, device)?;
    let (stream, pools) = fitting(plan, recording, source, &model, data)?;
    let seed = |step: usize| derive_seed(plan.seed, "training", step);
    let tasks = stream.tasks.iter().zip(1..);
    let worded: Vec<StreamTask<'_>> =
        tasks.map(|(task, step)| StreamTask { task, wording: &task.instruction, seed: seed(step) }).collect();
    let mut rows = Vec::new();
    for state in 0..=stream.tasks.len() {
        for task in recording.tasks.iter().filter_map(|&ahead| state.checked_add_signed(ahead)) {
            if let Some(asked) = stream.tasks.get(task) {
                let origin = Origin { model: &recording.model, stream: &source.stream, state };
                rows.extend(origin.table(&model, asked, &pools[task], plan.token_budget)?);
            }
        }
        if let Some(next) = stream.tasks.get(state) {
            let step = state + 1;
            let examples = encode(&model, next, &pools[state].variants()[0])?;
            let lesson = Lesson {
                step,
                stream: &worded,
                candidates: &pools[state].variants()[..1],
                texts: &mut FixedTexts(&examples),
                train: &recording.train,
                seed: seed(step),
                artifacts: scratch,
                checkpoints: None,
                on_step: &mut |_| (),
            };
            plan.method.method().learn(&mut model, lesson)?;
        }
    }
    Ok(rows)
}

/// The tasks of a stream whose wordings fit the model, with inputs cut to what is left of its context.
fn fitting(
    plan: &Plan,
    recording: &Recording,
    source: &StreamSource,
    model: &LanguageModel,
    data: Option<&Path>,
) -> anyhow::Result<(TaskStream, Vec<PromptPool>)> {
    let rows = RowCounts { train: plan.examples, test: 0, ..RowCounts::default() };
    let mut stream = source.load(data, rows, plan.seed)?;
    let mut pools = Vec::new();
    let mut fitting = Vec::new();
    for task in stream.tasks {
        let pool = source.pool(&task, &places::project("data/prompts"), PARAPHRASES)?;
        if taken_tokens(&task, &pool, model, 0)? + LEAST_INPUT <= model.max_tokens() {
            pools.push(pool);
            fitting.push(task);
        } else {
            info!("{}: task {} does not fit the model's context", recording.model, task.name);
        }
    }
    ensure!(!fitting.is_empty(), "no task of stream {} fits {}", source.stream, model_name(model.path()));
    stream.tasks = fitting;
    let cut = shorten_inputs(&mut stream, &pools, model, 0, recording.max_input_tokens)?;
    info!("{} {}: {} tasks, {cut} inputs cut", recording.model, source.stream, stream.tasks.len());
    Ok((stream, pools))
}

fn encode(model: &LanguageModel, task: &Task, variant: &PromptVariant) -> anyhow::Result<Vec<Encoded>> {
    let encode = |example: &sapo_tasks::Example| {
        model.codec().encode_example(&layout::prompt(task, &variant.text, &example.input), example.target())
    };
    Ok(task.train.iter().map(encode).collect::<Result<_, _>>()?)
}

/// Whose losses a table holds.
struct Origin<'a> {
    model: &'a str,
    stream: &'a str,
    state: usize,
}

impl Origin<'_> {
    /// One row a wording, on all rows of the task.
    fn table(
        &self,
        model: &LanguageModel,
        task: &Task,
        pool: &PromptPool,
        token_budget: usize,
    ) -> anyhow::Result<Vec<LossRow>> {
        let id = format!("{}/{}/{}/{}", self.model, self.stream, self.state, task.name);
        let started = std::time::Instant::now();
        let mut rows = Vec::new();
        let mut sums = Vec::new();
        for variant in pool.variants() {
            let texts = encode(model, task, variant)?;
            let prefix = SharedPrefix::of(&texts).ids().len();
            let losses =
                model.example_losses(&texts, token_budget, |_| ()).with_context(|| format!("table {id}"))?;
            sums.push(losses.iter().map(|loss| loss.nll_sum).sum::<f64>());
            rows.push(LossRow {
                table: id.clone(),
                model: self.model.to_string(),
                stream: self.stream.to_string(),
                state: self.state as u32,
                task: task.name.clone(),
                variant: variant.id.clone(),
                words: word_count(variant.text.as_str()) as u32,
                prefix_tokens: prefix as u32,
                own_tokens: texts.iter().map(|text| (text.ids.len() - prefix) as u32).collect(),
                target_tokens: losses.iter().map(|loss| loss.tokens as u32).collect(),
                nll: losses.iter().map(|loss| loss.nll_sum as f32).collect(),
            });
        }
        let rounded = rows.iter().map(|row| row.nll.iter().map(|&nll| f64::from(nll)).sum::<f64>());
        ensure!(
            lowest(sums.iter().copied()) == lowest(rounded),
            "table {id}: rounding to single precision changes the winner"
        );
        info!("{id}: {} wordings, {} examples, {:.1?}", rows.len(), task.train.len(), started.elapsed());
        Ok(rows)
    }
}

fn lowest(sums: impl Iterator<Item = f64>) -> Option<usize> {
    sums.enumerate().min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(arm, _)| arm)
}
