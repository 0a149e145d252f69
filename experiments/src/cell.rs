//! What every cell does before its own work: read what it learns from, make sure that it is what the grid was made of, open
//! the model, and note where all came from.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use sapo_lab::CellContext;
use sapo_learn::runs::{fingerprint, note_origin, shorten_inputs};
use sapo_learn::{Precision, Progress, Workplace};
use sapo_model::{LanguageModel, runtime};
use sapo_prompts::PromptPool;
use sapo_tasks::TaskStream;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Paths of this machine, which do not name the cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Local {
    /// The model directory.
    pub model: PathBuf,
    /// The data folder.
    pub data: Option<PathBuf>,
}

/// What a cell's configuration says of its beginning.
#[derive(Debug)]
pub struct Beginning<'a> {
    /// Of what the rows and wordings are, for errors: `stream c1`.
    pub of: String,
    /// Hash of all rows and candidates when the grid was made.
    pub data_sha256: &'a str,
    /// Number format of the model.
    pub precision: Precision,
    /// Longest answer in tokens, for which room is kept beside an input.
    pub max_new_tokens: usize,
    /// Longer inputs are cut.
    pub max_input_tokens: usize,
}

/// A cell ready for its own work.
pub struct Ready {
    /// The untouched model.
    pub model: LanguageModel,
    /// The tasks, with inputs that fit the model.
    pub stream: TaskStream,
    /// The wordings of each.
    pub pools: Vec<PromptPool>,
    progress: Option<Progress>,
}

impl Ready {
    /// Prepares the cell with this configuration, of which `beginning` is a part; `load` reads tasks and wordings from the
    /// data folder.
    ///
    /// # Errors
    /// When rows or wordings are no longer those of the grid, or the model cannot be opened.
    pub fn prepare(
        config: &Value,
        context: &CellContext,
        beginning: &Beginning<'_>,
        load: impl FnOnce(Option<&Path>) -> anyhow::Result<(TaskStream, Vec<PromptPool>)>,
    ) -> anyhow::Result<Self> {
        let local: Local =
            serde_json::from_value(context.local().clone()).context("the cell's local paths")?;
        runtime::init(context.threads());
        let device = runtime::parse_device(context.device()).map_err(anyhow::Error::msg)?;
        let (mut stream, pools) = load(local.data.as_deref())?;
        let Beginning { of, data_sha256: expected, precision, max_new_tokens, max_input_tokens } = beginning;
        let got = fingerprint(&stream, &pools);
        ensure!(
            got == *expected,
            "the rows or wordings of {of} have changed since this grid was made: SHA-256 {got}, expected {expected}; start \
             the experiment again to make it of what is there now"
        );
        let model = LanguageModel::open(&local.model, precision.kind(), device)?;
        let shortened = shorten_inputs(&mut stream, &pools, &model, *max_new_tokens, *max_input_tokens)?;
        note_origin(context, &model, shortened);
        context.annotate("device", context.device());
        let progress = context.progress_folder().map(|folder| Progress::open(folder, config)).transpose()?;
        Ok(Self { model, stream, pools, progress })
    }

    /// The model, what it learns from, and where it leaves what it has done.
    pub fn parts<'a>(
        &'a mut self,
        context: &'a CellContext,
    ) -> (&'a mut LanguageModel, &'a TaskStream, &'a [PromptPool], Workplace<'a>) {
        let workplace = Workplace { artifacts: context.artifacts(), progress: self.progress.as_ref() };
        (&mut self.model, &self.stream, &self.pools, workplace)
    }
}
