use sapo_model::{Encoded, LanguageModel};
use sapo_prompts::Instruction;
use sapo_tasks::{Example, Task, layout};

use crate::ProbeError;

/// The examples of a task under a wording, as token ids.
pub(crate) fn encode(
    model: &LanguageModel,
    task: &Task,
    wording: &Instruction,
    examples: &[Example],
) -> Result<Vec<Encoded>, ProbeError> {
    if examples.is_empty() {
        return Err(ProbeError::Examples { task: task.name.clone(), expected: 1, got: 0 });
    }
    let encode = |(index, example): (usize, &Example)| {
        let prompt = layout::prompt(task, wording, &example.input);
        let encoded = model.codec().encode_example(&prompt, example.target())?;
        encoded.check(index, model.max_tokens())?;
        Ok(encoded)
    };
    examples.iter().enumerate().map(encode).collect::<Result<_, _>>().map_err(ProbeError::model(task))
}
