//! The rows of one split, good and bad, and JSON files that hold a list of them.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::ReadError;
use crate::Example;

/// Why one row cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The row's number, from 1.
    pub number: usize,
    /// What was expected and what came.
    pub reason: String,
}

/// What one split of a task holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    /// The file that they are in.
    pub file: PathBuf,
    /// `row` (of a JSON list) or `line` (of a JSONL file): what the numbers count.
    pub unit: &'static str,
    /// The rows that are as they should be, each with its number from 1.
    pub examples: Vec<(usize, Example)>,
    /// The others.
    pub faults: Vec<Fault>,
}

impl Rows {
    /// No rows yet.
    pub(super) fn new(file: &Path, unit: &'static str) -> Self {
        Self { file: file.into(), unit, examples: Vec::new(), faults: Vec::new() }
    }

    /// Takes what became of a row; none is a row that is left out.
    pub(super) fn push(&mut self, number: usize, row: Result<Option<Example>, String>) {
        match row {
            Ok(Some(example)) => self.examples.push((number, example)),
            Ok(None) => {}
            Err(reason) => self.faults.push(Fault { number, reason }),
        }
    }

    /// The rows, of which there is at least one and none is bad.
    ///
    /// # Errors
    /// The first bad row, or that there is none at all.
    pub fn strict(self) -> Result<Vec<Example>, ReadError> {
        if let Some(Fault { number, reason }) = self.faults.into_iter().next() {
            return Err(ReadError::Row { path: self.file, unit: self.unit, number, reason });
        }
        if self.examples.is_empty() {
            let reason = format!("expected at least one {}, got none", self.unit);
            return Err(ReadError::File { path: self.file, reason });
        }
        Ok(self.examples.into_iter().map(|(_, example)| example).collect())
    }
}

/// What the rows of one file must obey.
#[derive(Default)]
pub(super) struct Rules<'a> {
    /// The answers of a classification task; empty for generation, where an answer may even be empty ("list all X").
    pub(super) labels: &'a [String],
    /// The label of rows that are left out.
    pub(super) no_gold: Option<&'a str>,
}

impl Rules<'_> {
    /// The row's example, if it obeys; the names are those of the file's fields.
    pub(super) fn check(
        &self,
        (input_name, input): (&str, String),
        (target_name, target): (&str, String),
    ) -> Result<Option<Example>, String> {
        if input.trim().is_empty() {
            return Err(format!("`{input_name}`: expected an input, got nothing but space"));
        }
        if self.no_gold == Some(target.as_str()) {
            return Ok(None);
        }
        if !self.labels.is_empty() && !self.labels.contains(&target) {
            return Err(format!("`{target_name}`: expected one of {:?}, got {target:?}", self.labels));
        }
        Ok(Some(Example::new(input, target)))
    }
}

/// `{"sentence", "label"}`: a row of the paper's layout and of the text-classification suite.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SentenceRow {
    pub(super) sentence: String,
    pub(super) label: String,
}

/// Reads `[{"sentence", "label"}]`.
pub(super) fn read_sentences(path: &Path, rules: &Rules) -> Result<Rows, ReadError> {
    read_list(path, |row: SentenceRow| rules.check(("sentence", row.sentence), ("label", row.label)))
}

/// Reads a JSON list; `take` makes an example of a row, leaves it out, or has a reason against it.
pub(super) fn read_list<T: DeserializeOwned>(
    path: &Path,
    mut take: impl FnMut(T) -> Result<Option<Example>, String>,
) -> Result<Rows, ReadError> {
    let text = read_text(path)?;
    // Rows stay raw at first, so that a mistake in one knows its number.
    let raw: Vec<&RawValue> = parse(path, &text)?;
    let mut rows = Rows::new(path, "row");
    for (index, raw) in raw.iter().enumerate() {
        let row = serde_json::from_str(raw.get()).map_err(|error| without_place(&error)).and_then(&mut take);
        rows.push(index + 1, row);
    }
    Ok(rows)
}

/// The error without "at line 1 column 7", which would count within the row.
pub(super) fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    message.rsplit_once(" at line ").map_or(message.clone(), |(reason, _)| reason.to_owned())
}

/// The file's text.
pub(super) fn read_text(path: &Path) -> Result<String, ReadError> {
    let bytes = std::fs::read(path).map_err(|source| ReadError::Io { path: path.into(), source })?;
    String::from_utf8(bytes).map_err(|error| ReadError::File {
        path: path.into(),
        reason: format!("expected UTF-8 text, byte {} is none", error.utf8_error().valid_up_to() + 1),
    })
}

/// The file's JSON.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, ReadError> {
    parse(path, &read_text(path)?)
}

/// What JSON text of a file says.
pub(super) fn parse<'a, T: Deserialize<'a>>(path: &Path, text: &'a str) -> Result<T, ReadError> {
    serde_json::from_str(text)
        .map_err(|error| ReadError::File { path: path.into(), reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(text: impl AsRef<[u8]>, rules: &Rules) -> Result<Rows, ReadError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("train.json");
        std::fs::write(&path, text).unwrap();
        let in_file = |error| match error {
            ReadError::File { reason, .. } => ReadError::File { path: "FILE".into(), reason },
            other => other,
        };
        read_sentences(&path, rules).map(|rows| Rows { file: "FILE".into(), ..rows }).map_err(in_file)
    }

    fn read(text: impl AsRef<[u8]>, rules: &Rules) -> Result<Vec<Example>, String> {
        read_all(text, rules).and_then(Rows::strict).map_err(|error| error.to_string())
    }

    #[test]
    fn rows_become_examples() {
        let text = r#"[{"sentence": "{a} ", "label": "x"}, {"label": "", "sentence": "b"}]"#;
        let rows = read(text, &Rules::default()).unwrap();
        assert_eq!(rows, [Example::new("{a} ", "x"), Example::new("b", "")]);
    }

    #[test]
    fn rows_without_an_agreed_answer_are_left_out() {
        let labels = ["x".to_owned()];
        let rules = Rules { labels: &labels, no_gold: Some("-") };
        let text = r#"[{"sentence": "a", "label": "-"}, {"sentence": "b", "label": "x"}]"#;
        assert_eq!(read(text, &rules).unwrap(), [Example::new("b", "x")]);
    }

    #[test]
    fn mistakes_name_file_and_row() {
        let labels = ["yes".to_owned(), "no".to_owned()];
        let rules = Rules { labels: &labels, no_gold: None };
        let good = r#"{"sentence": "a", "label": "yes"}"#;
        let cases = [
            (r#"{"sentence": "a"}"#, "FILE, row 2: missing field `label`"),
            (r#"{"sentence": "a", "label": 3}"#, "FILE, row 2: invalid type: integer `3`"),
            (r#"{"sentence": "a", "label": "yes", "id": 1}"#, "FILE, row 2: unknown field `id`"),
            (r#"{"sentence": " \n", "label": "yes"}"#, "FILE, row 2: `sentence`: expected an input"),
            (
                r#"{"sentence": "a", "label": "Yes"}"#,
                "FILE, row 2: `label`: expected one of [\"yes\", \"no\"], got \"Yes\"",
            ),
            ("17", "FILE, row 2: invalid type"),
        ];
        for (row, expected) in cases {
            let got = read(format!("[{good}, {row}]"), &rules).unwrap_err();
            assert!(got.starts_with(expected), "expected `{expected}` in `{got}`");
        }
        assert!(read("[]", &rules).unwrap_err().contains("at least one row"));
        assert!(read("[", &rules).unwrap_err().starts_with("FILE: EOF"));
        assert!(read([b'[', 0xff], &rules).unwrap_err().contains("byte 2"));
    }

    #[test]
    fn every_bad_row_is_known() {
        let text = r#"[{"sentence": "a"}, {"sentence": "b", "label": "x"}, 3]"#;
        let rows = read_all(text, &Rules::default()).unwrap();
        assert_eq!(rows.examples, [(2, Example::new("b", "x"))]);
        assert_eq!(rows.faults.iter().map(|fault| fault.number).collect::<Vec<_>>(), [1, 3]);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_give_rows_or_an_error(bytes: Vec<u8>) {
            let _ = read(bytes, &Rules::default());
        }

        #[test]
        fn damage_never_panics(at in 0usize..42, byte: u8) {
            let mut bytes = br#"[{"sentence": "a \u00e4", "label": "yes"}]"#.to_vec();
            if let Some(slot) = bytes.get_mut(at) {
                *slot = byte;
            }
            let _ = read(bytes, &Rules::default());
        }
    }
}
