use sapo_model::{Encoded, LanguageModel, SharedPrefix};
use sapo_prompts::PromptPool;
use sapo_tasks::{Example, Task, layout};

use super::SelectArgs;
use crate::failure::InputError;
use crate::jsonl::{Line, LineShape, TaskLine};
use crate::too_long::{self, Fitted, Place, Reading, Source};

/// Everything that may be asked of the model, tokenised once.
#[derive(Debug)]
pub(super) struct Texts {
    /// `[wording][example]`
    by_wording: Vec<Vec<Encoded>>,
    pub(super) examples: Vec<Example>,
    /// Indices of the lines whose input was cut.
    pub(super) shortened: Vec<usize>,
    /// Indices of the lines left out, under the rule that does so.
    pub(super) skipped: Option<Vec<usize>>,
}

impl Texts {
    /// The lines at `chosen` under every wording, as far as they fit the model.
    pub(super) fn read(
        model: &LanguageModel,
        task: &Task,
        pool: &PromptPool,
        lines: &[Line<TaskLine>],
        chosen: Vec<usize>,
        args: &SelectArgs,
    ) -> anyhow::Result<Self> {
        let Fitted { places, values, skipped } = too_long::fit(
            model,
            Source { rule: args.model.too_long, path: &args.data, unit: "line" },
            chosen.into_iter().map(|index| (index, &lines[index])),
            |line| &line.input,
            "the longest wording with the target",
            |line, input| under_all_wordings(model, task, pool, line, input, args),
        )?;
        let shortened = |place: &Place| place.shortened.then_some(place.index);
        let (examples, by_example) = values.into_iter().unzip();
        Ok(Self {
            by_wording: transposed(by_example, pool.len()),
            examples,
            shortened: places.iter().filter_map(shortened).collect(),
            skipped,
        })
    }

    /// The texts of all examples under a wording.
    pub(super) fn of(&self, wording: usize) -> &[Encoded] {
        &self.by_wording[wording]
    }

    /// Tokens that go through the model when a wording is asked about these examples at once.
    pub(super) fn cost(&self, wording: usize, examples: &[usize]) -> u64 {
        let texts = examples.iter().map(|&example| &self.by_wording[wording][example]);
        SharedPrefix::of(texts).forward_tokens() as u64
    }

    /// Tokens that go through the model when every wording is asked about all examples at once.
    pub(super) fn cost_of_everything(&self) -> u64 {
        self.by_wording.iter().map(|texts| SharedPrefix::of(texts).forward_tokens() as u64).sum()
    }
}

/// Texts of one line under all wordings, and the longest of them.
fn under_all_wordings(
    model: &LanguageModel,
    task: &Task,
    pool: &PromptPool,
    line: &Line<TaskLine>,
    input: &str,
    args: &SelectArgs,
) -> anyhow::Result<Reading<(Example, Vec<Encoded>)>> {
    let (mut texts, mut longest, mut id) = (Vec::with_capacity(pool.len()), 0, "");
    for variant in pool.variants() {
        let prompt = layout::prompt(task, &variant.text, input);
        let encoded =
            model.codec().encode_example(&prompt, &line.value.target).map_err(|error| InputError::Line {
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
    let value = (Example::new(input, &line.value.target), texts);
    Ok(Reading { value, tokens: longest, what: format!("the text under wording `{id}`") })
}

fn transposed(by_example: Vec<Vec<Encoded>>, wordings: usize) -> Vec<Vec<Encoded>> {
    let mut by_wording: Vec<Vec<Encoded>> =
        (0..wordings).map(|_| Vec::with_capacity(by_example.len())).collect();
    for example in by_example {
        for (texts, text) in by_wording.iter_mut().zip(example) {
            texts.push(text);
        }
    }
    by_wording
}
