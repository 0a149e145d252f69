use super::Script;

/// Why a wording does not pass, in words for the person who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// A label of the original is gone.
    #[error(
        "the label word `{label}` of the original is missing (it must stand letter for letter, as a whole word)"
    )]
    LabelMissing {
        /// The label.
        label: String,
    },
    /// The wording asks for an answer that is no label.
    #[error("`{found}` reads as an answer that contradicts the labels {}", list(labels))]
    LabelContradicted {
        /// What the wording has.
        found: String,
        /// The labels.
        labels: Vec<String>,
    },
    /// A placeholder of the original is gone.
    #[error("the placeholder `{placeholder}` of the original is missing")]
    PlaceholderMissing {
        /// The placeholder.
        placeholder: String,
    },
    /// The wording repeats an example's input.
    #[error("repeats text of an example's input: `{excerpt}`")]
    InputLeaked {
        /// The repeated words.
        excerpt: String,
    },
    /// The wording holds an example's answer.
    #[error("holds the answer of an example: `{answer}`")]
    AnswerLeaked {
        /// The answer.
        answer: String,
    },
    /// The wording is mostly in another script than the original.
    #[error("mostly {found} script, the original is mostly {expected}")]
    ScriptChanged {
        /// The original's script.
        expected: Script,
        /// The wording's.
        found: Script,
    },
    /// The wording is in another language that is written in the same script.
    #[error("reads as {found}, the original as {expected}")]
    LanguageChanged {
        /// The original's language, in English.
        expected: &'static str,
        /// The wording's.
        found: &'static str,
    },
    /// Too little to be an instruction.
    #[error("{got} characters long, at least {least} expected")]
    TooShort {
        /// Its length.
        got: usize,
        /// The bound.
        least: usize,
    },
    /// Too long next to the original.
    #[error("{got} characters long, at most {most} expected")]
    TooLong {
        /// Its length.
        got: usize,
        /// The bound.
        most: usize,
    },
    /// Nothing new.
    #[error("equals `{id}` up to case, space and punctuation")]
    SameAs {
        /// The variant that says the same.
        id: String,
    },
}

fn list(labels: &[String]) -> String {
    labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ")
}
