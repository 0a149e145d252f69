//! The candidates of a task: the pool that was given, or one that is searched for under the model's current state.

use sapo_model::LanguageModel;
use sapo_probes::{PreUpdateLoss, Scorer};
use sapo_prompts::sources::{Grammar, Search, SearchConfig, pool_from};
use sapo_prompts::{Instruction, ParaphraseRequest, PromptPool};
use sapo_tasks::{Example, Task};
use serde::{Deserialize, Serialize};

use crate::LearnError;

/// Where the candidates of each task come from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Candidates {
    /// The pool as it is.
    #[default]
    Given,
    /// As many paraphrases as the pool has, found by a search before the task: grammar proposes, the pre-update loss
    /// measures. `from = "original"` is its control, at the same cost.
    Search(SearchConfig),
}

impl Candidates {
    /// Whether this is [`Candidates::Given`].
    pub fn is_given(&self) -> bool {
        *self == Self::Given
    }

    /// The candidates of `task` and the tokens that finding them sent through the model.
    ///
    /// # Errors
    /// Names the task and what failed.
    pub(crate) fn pool(
        &self,
        model: &LanguageModel,
        task: &Task,
        given: &PromptPool,
        examples: &[Example],
        token_budget: usize,
        seed: u64,
    ) -> Result<(PromptPool, u64), LearnError> {
        let Self::Search(config) = self else { return Ok((given.clone(), 0)) };
        let mut scorer = Scorer::new(model, task, examples, token_budget);
        let mut tokens = 0;
        let mut measure = |wordings: &[Instruction]| {
            let mut mean = |wording: &Instruction| {
                let measured = PreUpdateLoss::default().measure(&mut scorer, wording);
                let (mean, forward) =
                    measured.map_err(|error| error.to_string())?.ok_or("there are no examples")?;
                tokens += forward as u64;
                Ok(mean)
            };
            wordings.iter().map(&mut mean).collect::<Result<Vec<f64>, String>>()
        };
        let request = ParaphraseRequest::new(
            given.original().text.clone(),
            given.labels().to_vec(),
            given.paraphrases().len(),
            seed,
        );
        let mut search = Search { source: &mut Grammar, measure: &mut measure, config: config.clone() };
        let pool = pool_from(&mut search, &request, &mut |_| ())
            .map_err(|error| LearnError::Selection { task: task.name.clone(), problem: error.to_string() })?;
        Ok((pool, tokens))
    }
}
