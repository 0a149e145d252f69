//! Where a comparison's stream and its pools of wordings come from.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use sapo_learn::derive_seed;
use sapo_prompts::sources::Bank;
use sapo_prompts::{Instruction, PromptPool};
use sapo_tasks::builtin::{self, Sizes};
use sapo_tasks::readers::{Dataset, TrainFrom};
use sapo_tasks::{Task, TaskStream, subset};
use serde::{Deserialize, Serialize};

use crate::places;

/// A stream of tasks by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "benchmark", rename_all = "kebab-case", deny_unknown_fields)]
pub enum StreamSource {
    /// Generated; rows are drawn by the run's seed.
    Builtin {
        /// One of `sapo_tasks::builtin::stream_names`.
        stream: String,
    },
    /// The SuperNI tasks of the paper, read from a folder of the user's.
    Superni {
        /// A sequence of the paper: `c1`, `g1`, ...
        stream: String,
    },
}

/// Rows of each task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowCounts {
    /// Rows to train on, drawn by the run's seed.
    pub train: usize,
    /// Rows that are scored: the same for every seed where the benchmark has fixed rows.
    pub test: usize,
}

/// Number of paraphrases in a pool (the paper's K).
pub const PARAPHRASES: usize = 20;

impl StreamSource {
    /// The name of the stream.
    pub fn name(&self) -> &str {
        match self {
            Self::Builtin { stream } | Self::Superni { stream } => stream,
        }
    }

    /// The tasks with as many rows as asked for. Equal for all arms of a seed.
    ///
    /// # Errors
    /// When the stream is unknown or the folder does not hold it.
    pub fn load(&self, data: Option<&Path>, rows: RowCounts, seed: u64) -> anyhow::Result<TaskStream> {
        match self {
            Self::Builtin { stream } => {
                let sizes = Sizes { train: rows.train, dev: 0, test: rows.test };
                Ok(builtin::stream(stream, derive_seed(seed, "rows", 0), sizes)?)
            }
            Self::Superni { stream } => {
                let Some(folder) = data else {
                    bail!(
                        "this experiment reads SuperNI from disk: give its folder with --data (layout: docs/experiments.md)"
                    );
                };
                let reader = Dataset::open("superni", folder)?.with_train_from(TrainFrom::Train);
                let mut stream = reader.stream(stream)?;
                for (position, task) in stream.tasks.iter_mut().enumerate() {
                    draw_rows(task, rows, derive_seed(seed, "rows", position + 1));
                }
                Ok(stream)
            }
        }
    }

    /// The candidates of a task: its original instruction and [`PARAPHRASES`] paraphrases.
    ///
    /// # Errors
    /// When there are too few paraphrases, or they were written for another original.
    pub fn pool(&self, task: &Task) -> anyhow::Result<PromptPool> {
        let (labels, paraphrases) = match self {
            Self::Builtin { .. } => {
                let family =
                    builtin::family(&task.name).with_context(|| format!("no family {}", task.name))?;
                (task.labels.clone(), family.paraphrases(PARAPHRASES, builtin::POOL_SEED))
            }
            Self::Superni { .. } => {
                let bank = Bank::open(places::project("data/prompts"))?;
                let pool = bank.pool("superni", &task.name, &task.instruction)?;
                (pool.labels().to_vec(), pool.paraphrases().iter().take(PARAPHRASES).cloned().collect())
            }
        };
        if paraphrases.len() < PARAPHRASES {
            bail!("task {} has {} paraphrases, expected {PARAPHRASES}", task.name, paraphrases.len());
        }
        Ok(PromptPool::new(Instruction::new(task.instruction.as_str()), labels, paraphrases)?)
    }

    /// What the cell's configuration says of the data: a hash of every row and every candidate.
    ///
    /// # Errors
    /// As [`StreamSource::pool`].
    pub fn fingerprint(&self, stream: &TaskStream) -> anyhow::Result<String> {
        let mut text = stream.data_hash();
        for task in &stream.tasks {
            for variant in self.pool(task)?.variants() {
                text.push_str(variant.text.as_str());
                text.push('\0');
            }
        }
        Ok(Instruction::new(text).sha256())
    }
}

/// Training rows by the run's seed; scored rows by a seed that all runs share, so that scores differ by what was learnt.
fn draw_rows(task: &mut Task, rows: RowCounts, seed: u64) {
    let pick = |from: &[sapo_tasks::Example], count: usize, seed: u64| -> Vec<sapo_tasks::Example> {
        subset(from.len(), count, seed).into_iter().map(|i| from[i].clone()).collect()
    };
    task.train = pick(&task.train, rows.train, seed);
    task.test = pick(&task.test, rows.test, 0);
}

/// A short name for plots: `task195_sentiment140_classification` becomes `195 sentiment140`.
pub fn short_name(task: &str) -> String {
    match task.strip_prefix("task").and_then(|rest| rest.split_once('_')) {
        Some((number, rest)) => format!("{number} {}", rest.split('_').next().unwrap_or(rest)),
        None => task.replace('-', " "),
    }
}

/// The folder with the data as the user gave it, made absolute, so that workers find it.
pub fn absolute(path: Option<&PathBuf>) -> anyhow::Result<Option<PathBuf>> {
    path.map(|path| std::path::absolute(path).with_context(|| format!("cannot resolve {}", path.display())))
        .transpose()
}
