//! Data of your own: one JSON object a line, `{"input": str, "target": str}`. Further fields are ignored.

use std::io::{BufRead, BufReader};
use std::path::Path;

use sapo_prompts::Instruction;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::ReadError;
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
    read_labelled(path.as_ref(), &[])
}

fn read_labelled(path: &Path, labels: &[String]) -> Result<Vec<Example>, ReadError> {
    let mut examples = Vec::new();
    for_each_line(path, |line: Line| {
        if line.input.trim().is_empty() {
            return Err("`input`: expected a text, got nothing but space".into());
        }
        if !labels.is_empty() && !labels.contains(&line.target) {
            return Err(format!("`target`: expected one of {labels:?}, got {:?}", line.target));
        }
        examples.push(Example::new(line.input, line.target));
        Ok(())
    })?;
    if examples.is_empty() {
        return Err(ReadError::File {
            path: path.into(),
            reason: "expected at least one line, got none".into(),
        });
    }
    Ok(examples)
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
    let train = read_labelled(path, &labels)?;
    Ok(Task {
        name: path.file_stem().map_or_else(|| "data".into(), |stem| stem.to_string_lossy().into_owned()),
        kind: if labels.is_empty() { TaskKind::Generation } else { TaskKind::Classification },
        language: Language::English,
        instruction,
        suffix,
        labels,
        train,
        dev: Vec::new(),
        test: Vec::new(),
    })
}

/// Gives every line that is not blank to `take`, whose reason against it gets the line's number.
pub(super) fn for_each_line<T: DeserializeOwned>(
    path: &Path,
    mut take: impl FnMut(T) -> Result<(), String>,
) -> Result<(), ReadError> {
    let io = |source| ReadError::Io { path: path.into(), source };
    let file = std::fs::File::open(path).map_err(io)?;
    for (index, line) in BufReader::new(file).split(b'\n').enumerate() {
        let line = line.map_err(io)?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let taken = serde_json::from_slice(&line).map_err(|error| in_line(&error)).and_then(&mut take);
        taken.map_err(|reason| ReadError::Row {
            path: path.into(),
            unit: "line",
            number: index + 1,
            reason,
        })?;
    }
    Ok(())
}

/// The error without "at line 1", which would count within the line.
fn in_line(error: &serde_json::Error) -> String {
    error.to_string().replace(" at line 1 column", ", column")
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
        assert_eq!(
            mistake(&format!("{good}{{\"input\": \"a\"}}")),
            "FILE, line 3: missing field `target`, column 14"
        );
        assert!(mistake(&format!("{good}no")).starts_with("FILE, line 3: expected ident"));
        assert!(
            mistake(&format!("{good}{{\"input\": \" \", \"target\": \"\"}}"))
                .starts_with("FILE, line 3: `input`")
        );
        assert_eq!(mistake("\n \n"), "FILE: expected at least one line, got none");
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
