//! Inputs that are cut so that every wording of their task fits the model.

use sapo_model::{LanguageModel, ModelError};
use sapo_prompts::{Instruction, PromptPool};
use sapo_tasks::{Example, Task, TaskStream, layout};

use crate::LearnError;

/// Cuts inputs at their end, the same for every wording of a task; returns how many had to be cut.
///
/// An input keeps at most `max_input_tokens`, and no more than the model's context leaves beside the task's longest
/// wording and its longest answer.
///
/// # Errors
/// When these leave no room for an input, or a text cannot be encoded.
pub fn shorten_inputs(
    stream: &mut TaskStream,
    pools: &[PromptPool],
    model: &LanguageModel,
    max_new_tokens: usize,
    max_input_tokens: usize,
) -> Result<usize, LearnError> {
    let mut cut = 0;
    for (task, pool) in stream.tasks.iter_mut().zip(pools) {
        let taken = taken_tokens(task, pool, model, max_new_tokens)?;
        let context = model.max_tokens();
        let left = context.checked_sub(taken).filter(|&left| left > 0);
        let left = left.ok_or_else(|| LearnError::NoRoom { task: task.name.clone(), taken, context })?;
        for example in task.train.iter_mut().chain(&mut task.test) {
            let (text, was_cut) = model.codec().shorten(&example.input, left.min(max_input_tokens))?;
            if was_cut {
                example.input = text;
                cut += 1;
            }
        }
    }
    Ok(cut)
}

/// Tokens that a task's longest wording and its longest answer take, some slack included.
///
/// # Errors
/// When a text cannot be encoded.
pub fn taken_tokens(
    task: &Task,
    pool: &PromptPool,
    model: &LanguageModel,
    max_new_tokens: usize,
) -> Result<usize, LearnError> {
    /// For tokens that form only where the parts meet, and for the end of the answer.
    const SLACK: usize = 8;
    let codec = model.codec();
    let longest = |counts: Vec<Result<usize, ModelError>>| -> Result<usize, ModelError> {
        Ok(counts.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().max().unwrap_or(0))
    };
    let prompt = |text: &Instruction| Ok(codec.encode_prompt(&layout::prompt(task, text, ""))?.len());
    let prompts = longest(pool.variants().iter().map(|variant| prompt(&variant.text)).collect())?;
    let target = |example: &Example| Ok(codec.encode_text(example.target())?.len());
    let answers = longest(task.train.iter().map(target).collect())?.max(max_new_tokens);
    Ok(prompts + answers + SLACK)
}
