//! JSON Lines that know their numbers, so that every mistake names its line.

use std::path::Path;

use sapo_tasks::readers::json_lines;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::failure::InputError;

/// What one line of a file holds. Further fields are ignored.
pub(crate) trait LineShape: DeserializeOwned {
    /// The shape in words, for messages.
    const EXPECTED: &'static str;

    /// What the types cannot say: a reason against the line.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// A line's value with its number, from 1.
#[derive(Debug)]
pub(crate) struct Line<T> {
    pub(crate) number: usize,
    pub(crate) value: T,
}

/// Why a line cannot be used.
#[derive(Debug, PartialEq, Eq)]
struct Problem {
    number: usize,
    reason: String,
}

/// All lines of a file, of which there is at least one; blank lines are skipped. The first problem is an error.
pub(crate) fn read<T: LineShape>(path: &Path) -> Result<Vec<Line<T>>, InputError> {
    let bytes = std::fs::read(path).map_err(|source| InputError::Read { path: path.into(), source })?;
    let (lines, problems) = parse::<T>(&bytes);
    if let Some(Problem { number, reason }) = problems.into_iter().next() {
        return Err(InputError::Line { path: path.into(), number, reason, expected: T::EXPECTED });
    }
    if lines.is_empty() {
        return Err(InputError::Empty { path: path.into(), expected: T::EXPECTED });
    }
    Ok(lines)
}

/// The good lines and the problems of the others.
fn parse<T: LineShape>(bytes: &[u8]) -> (Vec<Line<T>>, Vec<Problem>) {
    let (mut lines, mut problems) = (Vec::new(), Vec::new());
    for (number, line) in json_lines::<T>(bytes) {
        match line.and_then(|value| value.check().map(|()| value)) {
            Ok(value) => lines.push(Line { number, value }),
            Err(reason) => problems.push(Problem { number, reason }),
        }
    }
    (lines, problems)
}

/// `{"prompt", "completion"}`: a text whose second part is scored.
#[derive(Debug, Deserialize)]
pub(crate) struct Pair {
    pub(crate) prompt: String,
    pub(crate) completion: String,
}

impl LineShape for Pair {
    const EXPECTED: &'static str = r#"{"prompt": str, "completion": str}"#;

    fn check(&self) -> Result<(), String> {
        if self.completion.is_empty() {
            return Err("`completion` is empty, so it has no loss".into());
        }
        Ok(())
    }
}

/// `{"prompt"}`: a text to go on from.
#[derive(Debug, Deserialize)]
pub(crate) struct Prompt {
    pub(crate) prompt: String,
}

impl LineShape for Prompt {
    const EXPECTED: &'static str = r#"{"prompt": str}"#;

    fn check(&self) -> Result<(), String> {
        if self.prompt.is_empty() {
            return Err("`prompt` is empty".into());
        }
        Ok(())
    }
}

/// `{"input", "target"}`: an example of a task.
#[derive(Debug, Deserialize)]
pub(crate) struct TaskLine {
    pub(crate) input: String,
    pub(crate) target: String,
}

impl LineShape for TaskLine {
    const EXPECTED: &'static str = r#"{"input": str, "target": str}"#;

    fn check(&self) -> Result<(), String> {
        if self.input.trim().is_empty() {
            return Err("`input`: expected a text, got nothing but space".into());
        }
        Ok(())
    }
}

/// `{"prediction", "reference"}`: an answer and the right one.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    pub(crate) prediction: String,
    pub(crate) reference: String,
    /// All right answers, where there are several.
    #[serde(default)]
    pub(crate) references: Vec<String>,
    /// The text that was to be rewritten; only SARI asks for it.
    pub(crate) source: Option<String>,
}

impl LineShape for Answer {
    const EXPECTED: &'static str =
        r#"{"prediction": str, "reference": str}, with "source": str as well for the metric sari"#;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_has_its_line() {
        let text = b"{\"input\": \"a\", \"target\": \"b\", \"more\": 1}\n\r\n{\"input\": \"a\"}\n{\n[\"a\", \"b\"]\n\
                     {\"input\": \" \", \"target\": \"b\"}\n{\"input\": \"\xff\", \"target\": \"b\"}\n\
                     {\"input\": 3, \"target\": \"b\"}\n";
        let (lines, problems) = parse::<TaskLine>(text);
        assert_eq!(lines.iter().map(|line| line.number).collect::<Vec<_>>(), [1]);
        let found: Vec<(usize, &str)> = problems.iter().map(|p| (p.number, p.reason.as_str())).collect();
        assert_eq!(
            found,
            [
                (3, "missing field `target`"),
                (4, "not JSON: EOF while parsing an object, column 1"),
                (5, "invalid type: sequence, expected a map, column 0"),
                (6, "`input`: expected a text, got nothing but space"),
                (7, "not JSON: invalid unicode code point, column 12"),
                (8, "invalid type: integer `3`, expected a string"),
            ]
        );
    }
}
