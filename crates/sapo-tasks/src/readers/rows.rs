//! `[{"sentence", "label"}]`: the rows of the paper's layout and of the text-classification suite.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::ReadError;
use crate::Example;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    sentence: String,
    label: String,
}

/// What the rows of one file must obey.
#[derive(Default)]
pub(super) struct Rules<'a> {
    /// The answers of a classification task; empty for generation, where an answer may even be empty ("list all X").
    pub(super) labels: &'a [String],
    /// The label of rows that are left out.
    pub(super) no_gold: Option<&'a str>,
}

/// Reads and checks all rows of `path`; at least one.
pub(super) fn read_rows(path: &Path, rules: &Rules) -> Result<Vec<Example>, ReadError> {
    let text = read_text(path)?;
    // Rows stay raw at first, so that a mistake in one knows its number.
    let raw: Vec<&RawValue> = parse(path, &text)?;
    let mut examples = Vec::with_capacity(raw.len());
    for (index, raw) in raw.iter().enumerate() {
        examples.extend(read_row(raw, rules).map_err(|reason| ReadError::Row {
            path: path.into(),
            unit: "row",
            number: index + 1,
            reason,
        })?);
    }
    if examples.is_empty() {
        return Err(ReadError::File {
            path: path.into(),
            reason: "expected at least one row, got none".into(),
        });
    }
    Ok(examples)
}

fn read_row(raw: &RawValue, rules: &Rules) -> Result<Option<Example>, String> {
    let row: Row = serde_json::from_str(raw.get()).map_err(|error| within_row(&error))?;
    if row.sentence.trim().is_empty() {
        return Err("`sentence`: expected an input, got nothing but space".into());
    }
    if rules.no_gold == Some(row.label.as_str()) {
        return Ok(None);
    }
    if !rules.labels.is_empty() && !rules.labels.contains(&row.label) {
        return Err(format!("`label`: expected one of {:?}, got {:?}", rules.labels, row.label));
    }
    Ok(Some(Example::new(row.sentence, row.label)))
}

/// The error without "at line 1 column 7", which would count within the row.
fn within_row(error: &serde_json::Error) -> String {
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

fn parse<'a, T: Deserialize<'a>>(path: &Path, text: &'a str) -> Result<T, ReadError> {
    serde_json::from_str(text)
        .map_err(|error| ReadError::File { path: path.into(), reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: impl AsRef<[u8]>, rules: &Rules) -> Result<Vec<Example>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("train.json");
        std::fs::write(&path, text).unwrap();
        let message = |error: ReadError| error.to_string().replace(&path.display().to_string(), "FILE");
        read_rows(&path, rules).map_err(message)
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
