use serde::{Deserialize, Serialize};

use crate::Instruction;
use crate::text::normal_form;

/// The id of arm 0.
pub const ORIGINAL_ID: &str = "original";

/// Where a wording came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// Name of the source: `original`, `bank`, `grammar`, `api`, `model`, `search` or `hand`.
    pub source: String,
    /// What within that source: a bank entry, a grammar rule, the round of a search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The language model that wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The temperature that the model wrote it at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// The seed that drew it, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// SHA-256 of what the model was asked, under which the cache has its answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

impl Origin {
    /// An origin of which only the source is known.
    pub fn of(source: impl Into<String>) -> Self {
        Self {
            source: source.into(),
            detail: None,
            model: None,
            temperature: None,
            seed: None,
            request: None,
        }
    }

    /// The origin of arm 0: the benchmark's own wording.
    pub fn original() -> Self {
        Self::of(ORIGINAL_ID)
    }
}

/// An instruction with its id and origin: one arm of a pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptVariant {
    /// Unique within its pool: `original`, `p01`, `p02`, ...
    pub id: String,
    /// The wording.
    pub text: Instruction,
    /// Where the wording came from.
    pub origin: Origin,
}

/// The wordings to choose from for one task. Arm 0 is the original, always.
///
/// Ids are unique, and so are texts up to case, space and punctuation: two arms that a reader would call the same
/// would make a selector choose between noise.
#[derive(Debug, Clone, PartialEq)]
pub struct PromptPool {
    labels: Vec<String>,
    variants: Vec<PromptVariant>,
}

/// Why wordings do not make a pool. `index` counts variants from 0, the original.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// A variant without an id.
    #[error("variant {index}: the id is empty")]
    EmptyId {
        /// Position of the variant.
        index: usize,
    },
    /// A paraphrase that says nothing. (The original may be empty: one published task has no instruction.)
    #[error("variant {index} (`{id}`): the text is empty")]
    EmptyText {
        /// Position of the variant.
        index: usize,
        /// Its id.
        id: String,
    },
    /// Two variants with one id; `original` belongs to variant 0.
    #[error("variant {index}: the id `{id}` is already taken by variant {earlier}")]
    DuplicateId {
        /// Position of the later variant.
        index: usize,
        /// The id of both.
        id: String,
        /// Position of the earlier variant.
        earlier: usize,
    },
    /// Two variants that differ in case, space or punctuation alone.
    #[error(
        "variant {index} (`{id}`): the text equals that of `{earlier}` up to case, space and punctuation"
    )]
    DuplicateText {
        /// Position of the later variant.
        index: usize,
        /// Its id.
        id: String,
        /// Id of the earlier variant.
        earlier: String,
    },
}

impl PoolError {
    /// Position of the offending variant, the original being 0.
    pub fn index(&self) -> usize {
        match self {
            Self::EmptyId { index }
            | Self::EmptyText { index, .. }
            | Self::DuplicateId { index, .. }
            | Self::DuplicateText { index, .. } => *index,
        }
    }
}

impl PromptPool {
    /// A pool of `original` (arm 0, id `original`) and its paraphrases, in the given order.
    ///
    /// # Errors
    /// An empty id or text, an id used twice, or two texts that are equal up to case, space and punctuation.
    pub fn new(
        original: Instruction,
        labels: Vec<String>,
        paraphrases: Vec<PromptVariant>,
    ) -> Result<Self, PoolError> {
        let mut variants =
            vec![PromptVariant { id: ORIGINAL_ID.into(), text: original, origin: Origin::original() }];
        variants.extend(paraphrases);
        check_unique(&variants)?;
        Ok(Self { labels, variants })
    }

    /// All arms; the first is the original.
    pub fn variants(&self) -> &[PromptVariant] {
        &self.variants
    }

    /// All arms but the original.
    pub fn paraphrases(&self) -> &[PromptVariant] {
        self.variants.get(1..).unwrap_or_default()
    }

    /// The arms to select from: the paper's Algorithm 1 takes the paraphrases alone, its released code the original too.
    pub fn candidates(&self, with_original: bool) -> &[PromptVariant] {
        if with_original { self.variants() } else { self.paraphrases() }
    }

    /// Arm 0.
    pub fn original(&self) -> &PromptVariant {
        &self.variants[0] // `new` puts it there and nothing takes it away
    }

    /// The arm with this id.
    pub fn get(&self, id: &str) -> Option<&PromptVariant> {
        self.variants.iter().find(|variant| variant.id == id)
    }

    /// The words that every wording keeps letter for letter; empty for generation.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Number of arms, the original included.
    #[expect(clippy::len_without_is_empty, reason = "a pool always holds its original")]
    pub fn len(&self) -> usize {
        self.variants.len()
    }
}

fn check_unique(variants: &[PromptVariant]) -> Result<(), PoolError> {
    let forms: Vec<String> = variants.iter().map(|variant| normal_form(variant.text.as_str())).collect();
    for (index, variant) in variants.iter().enumerate() {
        let id = variant.id.clone();
        if id.trim().is_empty() {
            return Err(PoolError::EmptyId { index });
        }
        if index > 0 && variant.text.as_str().trim().is_empty() {
            return Err(PoolError::EmptyText { index, id });
        }
        if let Some(earlier) = variants[..index].iter().position(|other| other.id == id) {
            return Err(PoolError::DuplicateId { index, id, earlier });
        }
        if let Some(earlier) = forms[..index].iter().position(|other| *other == forms[index]) {
            return Err(PoolError::DuplicateText { index, id, earlier: variants[earlier].id.clone() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variant(id: &str, text: &str) -> PromptVariant {
        PromptVariant { id: id.into(), text: Instruction::new(text), origin: Origin::of("hand") }
    }

    fn pool(paraphrases: &[(&str, &str)]) -> Result<PromptPool, PoolError> {
        let paraphrases = paraphrases.iter().map(|(id, text)| variant(id, text)).collect();
        PromptPool::new(Instruction::new("Say it."), vec!["yes".into()], paraphrases)
    }

    #[test]
    fn arm_0_is_the_original() {
        let pool = pool(&[("p01", "Please say it."), ("p02", "Speak {now}.")]).unwrap();
        assert_eq!(pool.len(), 3);
        assert_eq!(pool.variants()[0], *pool.original());
        assert_eq!(pool.original().id, "original");
        assert_eq!(pool.original().text.as_str(), "Say it.");
        assert_eq!(pool.get("p02").unwrap().text.as_str(), "Speak {now}.");
        assert_eq!(pool.get("p03"), None);
        assert_eq!(pool.candidates(true).len(), 3);
        assert_eq!(pool.candidates(false)[0].id, "p01");
        assert_eq!(pool.labels(), ["yes"]);
    }

    #[test]
    fn equal_wordings_are_refused_up_to_case_space_and_punctuation() {
        let error = pool(&[("p01", "Speak."), ("p02", "  say IT!")]).unwrap_err();
        assert_eq!(
            error,
            PoolError::DuplicateText { index: 2, id: "p02".into(), earlier: "original".into() }
        );
    }

    #[test]
    fn ids_are_unique_and_the_originals_is_taken() {
        let error = pool(&[("original", "Speak.")]).unwrap_err();
        assert_eq!(error, PoolError::DuplicateId { index: 1, id: "original".into(), earlier: 0 });
        assert_eq!(pool(&[(" ", "Speak.")]).unwrap_err(), PoolError::EmptyId { index: 1 });
        assert_eq!(pool(&[("p", "\n")]).unwrap_err(), PoolError::EmptyText { index: 1, id: "p".into() });
    }

    #[test]
    fn an_empty_original_stands_alone() {
        let pool = PromptPool::new(Instruction::new(""), vec![], vec![]).unwrap();
        assert_eq!(pool.len(), 1);
        assert!(pool.paraphrases().is_empty());
    }
}
