//! The text that a model reads: `{instruction}\n\nText:\n{input}\n\n{suffix}` (the paper's layout, Appendix prompts).
//! Only the instruction is ever varied.

use sapo_prompts::Instruction;

use crate::{Language, Task};

/// The prompt of one example of `task` under `instruction`, without the target.
///
/// The instruction and the input are inserted as they are: braces and template signs mean nothing here.
pub fn prompt(task: &Task, instruction: &Instruction, input: &str) -> String {
    prompt_with(task, instruction, input, task.suffix.as_deref())
}

/// The same with another last line than the task's own, or none; an empty one is none.
pub fn prompt_with(task: &Task, instruction: &Instruction, input: &str, suffix: Option<&str>) -> String {
    let marker = match task.language {
        Language::English => "Text:",
        Language::Chinese => "文本:",
    };
    match suffix.filter(|suffix| !suffix.is_empty()) {
        Some(suffix) => format!("{instruction}\n\n{marker}\n{input}\n\n{suffix}"),
        None => format!("{instruction}\n\n{marker}\n{input}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TaskKind;

    fn task(language: Language, suffix: Option<&str>) -> Task {
        Task {
            name: "t".into(),
            kind: TaskKind::Generation,
            language,
            instruction: Instruction::new("unused"),
            suffix: suffix.map(str::to_owned),
            labels: vec![],
            native_metric: None,
            train: vec![],
            dev: vec![],
            test: vec![],
        }
    }

    #[test]
    fn the_papers_layout() {
        let english = task(Language::English, Some("Answer:"));
        assert_eq!(prompt(&english, &Instruction::new("Do it."), "x y"), "Do it.\n\nText:\nx y\n\nAnswer:");
        let chinese = task(Language::Chinese, None);
        assert_eq!(prompt(&chinese, &Instruction::new("判断。"), "文"), "判断。\n\n文本:\n文");
    }

    #[test]
    fn an_empty_suffix_leaves_nothing_behind_the_input() {
        let text = |suffix| prompt(&task(Language::English, suffix), &Instruction::new("Do it."), "x");
        assert_eq!(text(Some("")), text(None));
    }

    proptest::proptest! {
        #[test]
        fn nothing_in_the_texts_is_read_as_a_template(
            instruction in "[{}%$\\\\a-z0-9]{0,12}|\\PC{0,20}", input in "[{}%$\\\\a-z0-9]{0,12}|\\PC{0,20}", suffix in "\\PC{1,20}"
        ) {
            let text = prompt(&task(Language::English, Some(&suffix)), &Instruction::new(instruction.clone()), &input);
            let rest = text.strip_prefix(instruction.as_str()).and_then(|rest| rest.strip_prefix("\n\nText:\n"));
            let rest = rest.and_then(|rest| rest.strip_prefix(input.as_str())).and_then(|rest| rest.strip_prefix("\n\n"));
            proptest::prop_assert_eq!(rest, Some(suffix.as_str()));
        }
    }
}
