use sapo_files::checksum;
use serde::{Deserialize, Serialize};

/// A task's wording alone, without input and suffix. Braces and template signs in it are plain text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instruction(String);

impl Instruction {
    /// Takes the wording as it is, letter for letter.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The wording.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Lower-case hexadecimal SHA-256 of the UTF-8 wording: how a bank entry knows the original it was written for.
    pub fn sha256(&self) -> String {
        checksum::of_bytes(self.0.as_bytes())
    }
}

impl std::fmt::Display for Instruction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
