//! A pool on disk: JSON that people read and edit by hand.
//!
//! ```json
//! {"version": 1, "instruction": "...", "labels": ["yes", "no"],
//!  "variants": [{"id": "original", "text": "...", "origin": {"source": "original"}},
//!               {"id": "p01", "text": "...", "origin": {"source": "hand"}}]}
//! ```

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Instruction, ORIGINAL_ID, Origin, PromptPool, PromptVariant, atomic};

/// The newest version of the pool file that this program reads and the one that it writes.
pub const POOL_VERSION: u32 = 1;

/// Why a pool file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PoolFileError {
    /// The file system said no.
    #[error("{operation} {path}: {source}", path = path.display())]
    Io {
        /// `read` or `write`.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// The file holds something else than a pool.
    #[error("{path}, line {line}: {field}: {reason}", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Where in the document: `version`, `variants[3].text`, ...
        field: String,
        /// What was expected and what came.
        reason: String,
    },
    /// The pool of a task was made for another instruction than the task has.
    #[error("{path}: it was made for another instruction of {task}", path = path.display())]
    OtherInstruction {
        /// The file.
        path: PathBuf,
        /// The task.
        task: String,
    },
}

/// What a mistake is, before it has a path.
struct Mistake {
    line: usize,
    field: String,
    reason: String,
}

#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    instruction: &'a Instruction,
    labels: &'a [String],
    variants: &'a [PromptVariant],
}

/// The version alone, so that a newer file is called newer and not full of unknown fields.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// Variants stay raw so that a mistake in one of them knows its line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    #[serde(rename = "version")]
    _version: u32,
    instruction: Instruction,
    labels: Vec<String>,
    #[serde(borrow)]
    variants: Vec<&'a RawValue>,
}

impl PromptPool {
    /// Reads a pool file.
    ///
    /// # Errors
    /// A file that cannot be read, or one that is no pool: the error names the path, the line, the field and the reason.
    pub fn load(path: &Path) -> Result<Self, PoolFileError> {
        let bytes = std::fs::read(path).map_err(|source| PoolFileError::Io {
            operation: "read",
            path: path.into(),
            source,
        })?;
        parse(&bytes).map_err(|mistake| PoolFileError::Content {
            path: path.into(),
            line: mistake.line,
            field: mistake.field,
            reason: mistake.reason,
        })
    }

    /// Where the pool of a task lies in a folder of pools.
    pub fn path_in(folder: &Path, task: &str) -> PathBuf {
        folder.join(format!("{task}.json"))
    }

    /// Reads the pool of a task from a folder of pools.
    ///
    /// # Errors
    /// As [`PromptPool::load`]; a pool that was made for another instruction.
    pub fn load_from(folder: &Path, task: &str, instruction: &Instruction) -> Result<Self, PoolFileError> {
        let path = Self::path_in(folder, task);
        let pool = Self::load(&path)?;
        if pool.original().text != *instruction {
            return Err(PoolFileError::OtherInstruction { path, task: task.to_owned() });
        }
        Ok(pool)
    }

    /// Writes a pool file, whole or not at all.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), PoolFileError> {
        let io = |source| PoolFileError::Io { operation: "write", path: path.into(), source };
        let text = self.to_json().map_err(|error| io(error.into()))?;
        atomic::write(path, text.as_bytes()).map_err(io)
    }

    /// The pool file's text, indented, with a closing newline.
    ///
    /// # Errors
    /// None in practice: every pool can be written as JSON.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let written = Written {
            version: POOL_VERSION,
            instruction: &self.original().text,
            labels: self.labels(),
            variants: self.variants(),
        };
        Ok(serde_json::to_string_pretty(&written)? + "\n")
    }
}

fn parse(bytes: &[u8]) -> Result<PromptPool, Mistake> {
    let text = std::str::from_utf8(bytes).map_err(|error| Mistake {
        line: line_at(bytes, error.valid_up_to()),
        field: "document".into(),
        reason: "expected UTF-8 text".into(),
    })?;
    let Versioned { version } = serde_json::from_str(text).map_err(|error| document_mistake(&error))?;
    if version != POOL_VERSION {
        let newer = if version > POOL_VERSION { "; it was written by a newer program" } else { "" };
        return Err(Mistake {
            line: line_of_key(text, "version"),
            field: "version".into(),
            reason: format!("expected {POOL_VERSION}, got {version}{newer}"),
        });
    }
    let document: Document = serde_json::from_str(text).map_err(|error| document_mistake(&error))?;
    let mut lines = Vec::with_capacity(document.variants.len());
    let mut variants = Vec::with_capacity(document.variants.len());
    for (index, raw) in document.variants.iter().enumerate() {
        let line = line_of_slice(text, raw.get());
        lines.push(line);
        variants.push(serde_json::from_str::<PromptVariant>(raw.get()).map_err(|error| Mistake {
            line: line + error.line().saturating_sub(1),
            field: format!("variants[{index}]"),
            reason: plain(&error),
        })?);
    }
    check_original(&document.instruction, variants.first()).map_err(|(field, reason)| Mistake {
        line: lines.first().copied().unwrap_or_else(|| line_of_key(text, "variants")),
        field,
        reason,
    })?;
    let paraphrases = variants.split_off(1);
    PromptPool::new(document.instruction, document.labels, paraphrases).map_err(|error| Mistake {
        line: lines.get(error.index()).copied().unwrap_or(1),
        field: format!("variants[{}]", error.index()),
        reason: error.to_string(),
    })
}

/// Variant 0 is the original: its id, its text and its origin.
fn check_original(instruction: &Instruction, first: Option<&PromptVariant>) -> Result<(), (String, String)> {
    let Some(first) = first else {
        return Err(("variants".into(), "expected at least variant 0, the original; got none".into()));
    };
    if first.id != ORIGINAL_ID {
        let reason =
            format!("variant 0 is the original: expected the id `{ORIGINAL_ID}`, got `{}`", first.id);
        return Err(("variants[0].id".into(), reason));
    }
    if first.text != *instruction {
        let reason = "variant 0 is the original: expected the text of `instruction`, letter for letter";
        return Err(("variants[0].text".into(), reason.into()));
    }
    if first.origin != Origin::original() {
        let reason = format!("variant 0 is the original: expected {{\"source\": \"{ORIGINAL_ID}\"}}");
        return Err(("variants[0].origin".into(), reason));
    }
    Ok(())
}

fn document_mistake(error: &serde_json::Error) -> Mistake {
    Mistake { line: error.line().max(1), field: "document".into(), reason: plain(error) }
}

/// The error without its own "at line 3 column 7", which is relative to a part of the file for variants.
fn plain(error: &serde_json::Error) -> String {
    let message = error.to_string();
    match message.rfind(" at line ") {
        Some(end) => message[..end].to_owned(),
        None => message,
    }
}

fn line_of_slice(text: &str, part: &str) -> usize {
    // `part` is borrowed from `text`, so the distance of their addresses is the position.
    let offset = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    line_at(text.as_bytes(), offset)
}

fn line_of_key(text: &str, key: &str) -> usize {
    text.find(&format!("\"{key}\"")).map_or(1, |at| line_at(text.as_bytes(), at))
}

fn line_at(bytes: &[u8], offset: usize) -> usize {
    1 + bytes[..offset.min(bytes.len())].iter().filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{
  "version": 1,
  "instruction": "Say {it}.",
  "labels": ["yes", "no"],
  "variants": [
    {"id": "original", "text": "Say {it}.", "origin": {"source": "original"}},
    {"id": "p01", "text": "Speak.",
     "origin": {"source": "bank", "detail": "p01", "seed": 3}}
  ]
}
"#;

    fn mistake(text: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pool.json");
        std::fs::write(&path, text).unwrap();
        let message = PromptPool::load(&path).unwrap_err().to_string();
        let rest = message.strip_prefix(&path.display().to_string()).expect("the error names the path");
        rest.trim_start_matches(", ").to_owned()
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pool.json");
        std::fs::write(&path, GOOD).unwrap();
        let pool = PromptPool::load(&path).unwrap();
        assert_eq!(pool.len(), 2);
        assert_eq!(pool.get("p01").unwrap().origin.seed, Some(3));
        let again = dir.path().join("again.json");
        pool.save(&again).unwrap();
        assert_eq!(PromptPool::load(&again).unwrap(), pool);
    }

    #[test]
    fn mistakes_have_a_line_and_a_reason() {
        let cases = [
            (GOOD.replace("\"labels\"", "\"lables\""), "line 4: document: unknown field `lables`"),
            (
                GOOD.replace("\"version\": 1", "\"version\": 7"),
                "line 2: version: expected 1, got 7; it was written",
            ),
            (GOOD.replace("\"version\": 1", "\"version\": 0"), "line 2: version: expected 1, got 0"),
            (
                GOOD.replace("\"original\", \"text\"", "\"p00\", \"text\""),
                "line 6: variants[0].id: variant 0 is",
            ),
            (
                GOOD.replace("\"text\": \"Say {it}.\"", "\"text\": \"Say.\""),
                "line 6: variants[0].text: variant 0",
            ),
            (
                GOOD.replace("{\"source\": \"original\"}", "{\"source\": \"hand\"}"),
                "line 6: variants[0].origin:",
            ),
            (GOOD.replace("\"detail\"", "\"detial\""), "line 8: variants[1]: unknown field `detial`"),
            (GOOD.replace("Speak.", "say IT"), "line 7: variants[1]: variant 1 (`p01`): the text equals"),
            (GOOD.replace("\"text\": \"Speak.\",", ""), "variants[1]: missing field `text`"),
            (GOOD.replace("\"yes\",", "\"yes\""), "line 4: document: expected `,` or `]`"),
            ("".into(), "line 1: document: EOF"),
            ("[1]".into(), "line 1: document:"),
        ];
        for (text, expected) in cases {
            let got = mistake(&text);
            assert!(got.contains(expected), "expected `{expected}` in `{got}`");
        }
    }

    #[test]
    fn a_pool_without_variants_is_no_pool() {
        let text = r#"{"version": 1, "instruction": "Say.", "labels": [], "variants": []}"#;
        assert!(mistake(text).starts_with("line 1: variants: expected at least variant 0"));
    }

    #[test]
    fn a_missing_file_names_its_path() {
        let message = PromptPool::load(Path::new("/nowhere/pool.json")).unwrap_err().to_string();
        assert!(message.starts_with("read /nowhere/pool.json: "), "{message}");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_give_a_pool_or_an_error(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }

        #[test]
        fn a_damaged_file_never_panics(at in 0..GOOD.len(), byte: u8) {
            let mut bytes = GOOD.as_bytes().to_vec();
            bytes[at] = byte;
            let _ = parse(&bytes);
        }

        #[test]
        fn any_wording_survives_the_file(text in "\\PC{0,40}", other in "\\PC{0,40}") {
            let paraphrase =
                PromptVariant { id: "p01".into(), text: Instruction::new(other), origin: Origin::of("hand") };
            if let Ok(pool) = PromptPool::new(Instruction::new(text), vec![], vec![paraphrase]) {
                let json = pool.to_json().unwrap();
                let again = parse(json.as_bytes()).map_err(|mistake| mistake.reason);
                proptest::prop_assert_eq!(again, Ok(pool));
            }
        }
    }
}
