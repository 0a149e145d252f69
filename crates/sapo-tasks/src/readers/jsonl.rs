//! Data of your own: one JSON object a line, `{"input": str, "target": str}`. Further fields are ignored.

use std::path::Path;

use sapo_prompts::Instruction;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::rows::Rules;
use super::{ReadError, Rows};
use crate::{Example, Language, Task, TaskKind};

#[derive(Deserialize)]
struct Line {
    input: String,
    target: String,
}

/// Reads `{"input", "target"}` lines; blank lines are skipped, an empty file is an error.
///
/// # Errors
/// A file that cannot be read, or a line that is no such object; the error names the line.
pub fn read_jsonl(path: impl AsRef<Path>) -> Result<Vec<Example>, ReadError> {
    rows_of_jsonl(path, &[])?.strict()
}

/// Reads `{"input", "target"}` lines, the good ones and what is wrong with the others. With labels, a target that is none
/// of them is wrong.
///
/// # Errors
/// A file that cannot be read.
pub fn rows_of_jsonl(path: impl AsRef<Path>, labels: &[String]) -> Result<Rows, ReadError> {
    let rules = Rules { labels, no_gold: None };
    read_lines(path.as_ref(), |line: Line| rules.check(("input", line.input), ("target", line.target)))
}

/// A task of your own rows: all of `path` to train on, the file's name as its name, no dev and no test rows.
///
/// # Errors
/// As [`read_jsonl`]; with labels, also a target that is none of them.
pub fn task_from_jsonl(
    path: impl AsRef<Path>,
    instruction: Instruction,
    suffix: Option<String>,
    labels: Vec<String>,
) -> Result<Task, ReadError> {
    let path = path.as_ref();
    let train = rows_of_jsonl(path, &labels)?.strict()?;
    Ok(Task {
        name: path.file_stem().map_or_else(|| "data".into(), |stem| stem.to_string_lossy().into_owned()),
        kind: if labels.is_empty() { TaskKind::Generation } else { TaskKind::Classification },
        language: Language::English,
        instruction,
        suffix,
        labels,
        native_metric: None,
        train,
        dev: Vec::new(),
        test: Vec::new(),
    })
}

/// Reads every line that is not blank; `take` makes an example of it, leaves it out, or has a reason against it.
pub(super) fn read_lines<T: DeserializeOwned>(
    path: &Path,
    mut take: impl FnMut(T) -> Result<Option<Example>, String>,
) -> Result<Rows, ReadError> {
    let bytes = std::fs::read(path).map_err(|source| ReadError::Io { path: path.into(), source })?;
    let mut rows = Rows::new(path, "line");
    for (number, line) in json_lines::<T>(&bytes) {
        rows.push(number, line.and_then(&mut take));
    }
    Ok(rows)
}

/// Every line that is not blank, with its number from 1: the object in it, or what is wrong with it.
pub fn json_lines<T: DeserializeOwned>(bytes: &[u8]) -> impl Iterator<Item = (usize, Result<T, String>)> {
    let lines = bytes.split(|&byte| byte == b'\n').enumerate();
    let written = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
    written.map(|(index, line)| (index + 1, parse_line(line)))
}

fn parse_line<T: DeserializeOwned>(line: &[u8]) -> Result<T, String> {
    // serde would also take a list for a struct, field by field in order
    let object: Map<String, Value> = serde_json::from_slice(line).map_err(|error| in_line(&error))?;
    T::deserialize(Value::Object(object)).map_err(|error| in_line(&error))
}

/// The error without "at line 1", which would count within the line.
fn in_line(error: &serde_json::Error) -> String {
    let reason = error.to_string().replace(" at line 1 column", ", column");
    if error.is_data() { reason } else { format!("not JSON: {reason}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("own.jsonl");
        std::fs::write(&path, bytes).unwrap();
        (dir, path)
    }

    fn mistake(text: &str) -> String {
        let (_dir, path) = write(text.as_bytes());
        read_jsonl(&path).unwrap_err().to_string().replace(&path.display().to_string(), "FILE")
    }

    #[test]
    fn lines_become_a_task() {
        let (_dir, path) = write(
            b"{\"input\": \"a\", \"target\": \"yes\"}\r\n\n{\"target\": \"no\", \"input\": \"b\", \"id\": 7}",
        );
        let labels = vec!["yes".to_owned(), "no".to_owned()];
        let task = task_from_jsonl(&path, Instruction::new("Say."), None, labels).unwrap();
        assert_eq!(task.train, [Example::new("a", "yes"), Example::new("b", "no")]);
        assert_eq!((task.name.as_str(), task.kind), ("own", TaskKind::Classification));
        let error = task_from_jsonl(&path, Instruction::new("Say."), None, vec!["yes".into()]).unwrap_err();
        assert!(
            error.to_string().ends_with("line 3: `target`: expected one of [\"yes\"], got \"no\""),
            "{error}"
        );
    }

    #[test]
    fn mistakes_name_the_line() {
        let good = "{\"input\": \"a\", \"target\": \"b\"}\n\n";
        assert_eq!(mistake(&format!("{good}{{\"input\": \"a\"}}")), "FILE, line 3: missing field `target`");
        assert!(mistake(&format!("{good}no")).starts_with("FILE, line 3: not JSON: expected ident"));
        assert!(
            mistake(&format!("{good}{{\"input\": \" \", \"target\": \"\"}}"))
                .starts_with("FILE, line 3: `input`: expected an input")
        );
        assert!(mistake("[\"a\", \"b\"]").starts_with("FILE, line 1: invalid type: sequence"));
        assert_eq!(mistake(" \n"), "FILE: expected at least one line, got none");
        assert!(matches!(read_jsonl("/nowhere/x.jsonl"), Err(ReadError::Io { .. })));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_give_rows_or_an_error(bytes: Vec<u8>) {
            let (_dir, path) = write(&bytes);
            let _ = read_jsonl(&path);
        }

        #[test]
        fn any_text_survives(input in "\\PC*[a-z]\\PC*", target in "\\PC*") {
            let line = serde_json::json!({"input": input, "target": target}).to_string();
            let (_dir, path) = write(line.as_bytes());
            proptest::prop_assert_eq!(read_jsonl(&path).unwrap(), [Example::new(input, target)]);
        }
    }
}
