//! Where a run's tasks come from.

use std::path::Path;

use sapo_prompts::sources::{Bank, Filled, Grammar, ParaphraseSource, pool_from};
use sapo_prompts::{Instruction, ParaphraseRequest, PromptPool};
use sapo_tasks::builtin::{self, Sizes};
use sapo_tasks::readers::{Dataset, TrainFrom};
use sapo_tasks::{Example, Task, TaskStream, subset};
use serde::{Deserialize, Serialize};

use crate::{LearnError, derive_seed};

/// Number of paraphrases in a pool (the paper's K).
pub const PARAPHRASES: usize = 20;

/// The benchmark that is generated and needs no folder.
const BUILTIN: &str = "builtin";
/// A folder of tasks of one's own.
const OWN: &str = "own";

/// A stream of tasks by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamSource {
    /// `builtin` (generated; rows are drawn by the run's seed), a benchmark that is read from a folder (`superni`, `trace`,
    /// `text-classification`), or `own`: a folder of tasks of one's own.
    pub benchmark: String,
    /// One of its streams: `m2`, `c1`, `order-4`, one of `streams.toml`.
    pub stream: String,
}

/// Rows of each task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowCounts {
    /// Rows to train on, drawn by the run's seed.
    pub train: usize,
    /// Rows that are scored: the same for every seed where the benchmark has fixed rows.
    pub test: usize,
    /// Where the rows to train on come from when a task has no file of them.
    #[serde(default, skip_serializing_if = "is_train")]
    pub train_from: TrainFrom,
}

fn is_train(from: &TrainFrom) -> bool {
    *from == TrainFrom::Train
}

impl StreamSource {
    /// Whether the tasks are read from a folder of the user's.
    pub fn needs_folder(&self) -> bool {
        self.benchmark != BUILTIN
    }

    /// The tasks with as many rows as asked for; equal for all runs of a seed.
    ///
    /// # Errors
    /// When the benchmark or the stream is unknown, or the folder does not hold it.
    pub fn load(&self, data: Option<&Path>, rows: RowCounts, seed: u64) -> Result<TaskStream, LearnError> {
        if !self.needs_folder() {
            return Ok(builtin::stream(&self.stream, builtin_seed(seed), builtin_sizes(rows))?);
        }
        Ok(with_drawn_rows(self.dataset(data, rows)?.stream(&self.stream)?, rows, seed))
    }

    /// As [`StreamSource::load`], but an order of one's own, which gets the stream's name: any tasks of the benchmark.
    ///
    /// # Errors
    /// When the benchmark or a task is unknown, or the folder does not hold it.
    pub fn load_tasks(
        &self,
        tasks: &[String],
        data: Option<&Path>,
        rows: RowCounts,
        seed: u64,
    ) -> Result<TaskStream, LearnError> {
        if self.needs_folder() {
            return Ok(with_drawn_rows(
                self.dataset(data, rows)?.stream_of(&self.stream, tasks)?,
                rows,
                seed,
            ));
        }
        let task = |name: &String| {
            let family = builtin::family(name).ok_or_else(|| LearnError::Setting {
                name: "task",
                got: name.clone(),
                expected: "a family of the built-in benchmark",
            })?;
            Ok(family.task(builtin_seed(seed), builtin_sizes(rows)))
        };
        let tasks = tasks.iter().map(task).collect::<Result<_, LearnError>>()?;
        Ok(TaskStream { name: self.stream.clone(), tasks })
    }

    fn dataset(&self, data: Option<&Path>, rows: RowCounts) -> Result<Dataset, LearnError> {
        let folder = data.ok_or_else(|| LearnError::NoFolder { benchmark: self.benchmark.clone() })?;
        let dataset = if self.benchmark == OWN {
            Dataset::own(folder)?
        } else {
            Dataset::open(&self.benchmark, folder)?
        };
        Ok(dataset.with_train_from(rows.train_from))
    }

    /// The candidates that come with the benchmark: the original instruction of a task and `count` paraphrases. Of
    /// the built-in benchmark its own; of SuperNI and TRACE those of the bank in the folder `bank`, and what it lacks by
    /// grammar; elsewhere by grammar. A pool of fewer than [`PARAPHRASES`] is the beginning of one of so many, where the
    /// paraphrases are the benchmark's own or the bank's.
    ///
    /// # Errors
    /// When there are too few paraphrases, or they were written for another original.
    pub fn pool(&self, task: &Task, bank: &Path, count: usize) -> Result<PromptPool, LearnError> {
        let (labels, paraphrases) = match self.benchmark.as_str() {
            BUILTIN => {
                let family = builtin::family(&task.name);
                let family =
                    family.ok_or_else(|| pool_error(task, "it is no task of the built-in benchmark"))?;
                let drawn = family.paraphrases(count.max(PARAPHRASES), builtin::POOL_SEED);
                (task.labels.clone(), drawn.into_iter().take(count).collect::<Vec<_>>())
            }
            benchmark @ ("superni" | "trace") => {
                let mut bank = Bank::open(bank).map_err(|error| pool_error(task, error))?;
                let pool = bank.pool(benchmark, &task.name, &task.instruction);
                let pool = pool.map_err(|error| pool_error(task, error))?;
                if pool.paraphrases().len() < count {
                    return made(&mut Filled { first: &mut bank, rest: &mut Grammar }, task, count);
                }
                (pool.labels().to_vec(), pool.paraphrases().iter().take(count).cloned().collect())
            }
            _ => return by_grammar(task, count),
        };
        if paraphrases.len() < count {
            let problem = format!("there are {} paraphrases, expected {count}", paraphrases.len());
            return Err(pool_error(task, problem));
        }
        PromptPool::new(Instruction::new(task.instruction.as_str()), labels, paraphrases)
            .map_err(|error| pool_error(task, error))
    }
}

/// What names the data of a run: a hash of every row and every candidate.
pub fn fingerprint(stream: &TaskStream, pools: &[PromptPool]) -> String {
    let mut text = stream.data_hash();
    for variant in pools.iter().flat_map(PromptPool::variants) {
        text.push_str(variant.text.as_str());
        text.push('\0');
    }
    Instruction::new(text).sha256()
}

/// The original instruction of a task and `count` paraphrases by grammar.
pub(crate) fn by_grammar(task: &Task, count: usize) -> Result<PromptPool, LearnError> {
    made(&mut Grammar, task, count)
}

/// The original instruction of a task and `count` paraphrases by a source.
fn made(source: &mut dyn ParaphraseSource, task: &Task, count: usize) -> Result<PromptPool, LearnError> {
    let request = ParaphraseRequest::new(task.instruction.clone(), task.labels.clone(), count, 0);
    pool_from(source, &request, &mut |_| ()).map_err(|error| pool_error(task, error))
}

pub(crate) fn pool_error(task: &Task, problem: impl ToString) -> LearnError {
    LearnError::Pool { task: task.name.clone(), problem: problem.to_string() }
}

/// The seed of all rows of the built-in benchmark in a run with this seed.
pub fn builtin_seed(seed: u64) -> u64 {
    derive_seed(seed, "rows", 0)
}

fn builtin_sizes(rows: RowCounts) -> Sizes {
    Sizes { train: rows.train, dev: 0, test: rows.test }
}

fn with_drawn_rows(mut stream: TaskStream, rows: RowCounts, seed: u64) -> TaskStream {
    for (position, task) in stream.tasks.iter_mut().enumerate() {
        draw_rows(task, rows, derive_seed(seed, "rows", position + 1));
    }
    stream
}

/// Training rows by the run's seed; scored rows by a seed that all runs share, so that scores differ by what was learnt.
fn draw_rows(task: &mut Task, rows: RowCounts, seed: u64) {
    let pick = |from: &[Example], count: usize, seed: u64| -> Vec<Example> {
        subset(from.len(), count, seed).into_iter().map(|i| from[i].clone()).collect()
    };
    task.train = pick(&task.train, rows.train, seed);
    task.test = pick(&task.test, rows.test, 0);
}
