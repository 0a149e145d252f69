//! What a run learns from: tasks and the wordings of each.

use std::path::Path;

use sapo_learn::LearnError;
use sapo_learn::runs::{PoolSource, RowCounts, StreamSource};
use sapo_prompts::PromptPool;
use sapo_tasks::TaskStream;

use crate::places;

/// Where tasks and wordings come from.
#[derive(Debug, Clone, PartialEq)]
pub struct Material {
    /// The stream.
    pub source: StreamSource,
    /// Rows of each task.
    pub rows: RowCounts,
    /// Where the wordings come from.
    pub pool: PoolSource,
    /// Paraphrases in the pool of every task.
    pub paraphrases: usize,
}

impl Material {
    /// The tasks and the pool of each; equal for all runs of a seed.
    ///
    /// # Errors
    /// As [`StreamSource::load`] and [`PoolSource::pool`].
    pub fn load(&self, data: Option<&Path>, seed: u64) -> Result<(TaskStream, Vec<PromptPool>), LearnError> {
        let data = data.map(|data| places::benchmark_folder(data, &self.source.benchmark));
        let stream = self.source.load(data.as_deref(), self.rows, seed)?;
        let bank = places::project("data/prompts");
        let pool = |task| self.pool.pool(&self.source, task, &bank, self.paraphrases);
        let pools = stream.tasks.iter().map(pool).collect::<Result<_, _>>()?;
        Ok((stream, pools))
    }
}
