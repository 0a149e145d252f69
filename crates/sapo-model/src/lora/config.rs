use indexmap::IndexMap;
use regex::Regex;
use serde::{Deserialize, Serialize};

/// Rank, scaling and targets of an adapter, with PEFT's names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoraConfig {
    /// Rank.
    pub r: i64,
    /// The term is scaled by `lora_alpha / r`.
    pub lora_alpha: f64,
    /// Dropout on the input of A while training.
    pub lora_dropout: f64,
    /// Which projections.
    pub target_modules: TargetModules,
    /// Scale by `lora_alpha / sqrt(r)` instead (arXiv 2312.03732).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub use_rslora: bool,
    /// Ranks of single modules, by name, ending of a name, or regular expression; of several that fit, the first counts.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub rank_pattern: IndexMap<String, i64>,
    /// Values of `lora_alpha` of single modules, likewise.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub alpha_pattern: IndexMap<String, f64>,
}

impl Default for LoraConfig {
    /// The paper's (arXiv 2606.01967, appendix): rank 8, alpha 32, dropout 0.1, on the query and value projections.
    fn default() -> Self {
        Self { lora_dropout: 0.1, ..Self::new(8, 32.0, &["q_proj", "v_proj"]) }
    }
}

/// Which projections an adapter sits on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TargetModules {
    /// `"all-linear"`: every projection of every block. Any other text: a regular expression for the whole name.
    Pattern(String),
    /// Names or their endings: `q_proj` means every module whose last part is `q_proj`.
    Names(Vec<String>),
}

const ALL_LINEAR: &str = "all-linear";

impl LoraConfig {
    /// An adapter of rank `r` on modules with those names or endings, without dropout.
    pub fn new(r: i64, lora_alpha: f64, target_modules: &[&str]) -> Self {
        Self {
            r,
            lora_alpha,
            lora_dropout: 0.0,
            target_modules: TargetModules::Names(
                target_modules.iter().map(|name| (*name).to_string()).collect(),
            ),
            use_rslora: false,
            rank_pattern: IndexMap::new(),
            alpha_pattern: IndexMap::new(),
        }
    }

    /// Rank on the module of that name.
    pub fn rank_of(&self, module: &str) -> i64 {
        value_for(&self.rank_pattern, module).unwrap_or(self.r)
    }

    /// The factor on the low-rank term of the module of that name.
    pub fn scaling_of(&self, module: &str) -> f64 {
        let alpha = value_for(&self.alpha_pattern, module).unwrap_or(self.lora_alpha);
        let r = self.rank_of(module) as f64;
        if self.use_rslora { alpha / r.sqrt() } else { alpha / r }
    }

    /// Whether the adapter sits on the module of that name.
    pub fn targets(&self, module: &str) -> bool {
        match &self.target_modules {
            TargetModules::Pattern(pattern) => {
                self.is_all_linear() || matches(&format!("^(?:{pattern})$"), module)
            }
            TargetModules::Names(names) => {
                names.iter().any(|name| module == name || module.ends_with(&format!(".{name}")))
            }
        }
    }

    /// Whether the targets are every projection of every block, and nothing outside the blocks.
    pub(super) fn is_all_linear(&self) -> bool {
        matches!(&self.target_modules, TargetModules::Pattern(pattern) if pattern == ALL_LINEAR)
    }

    /// Whether it can be put on a model.
    ///
    /// # Errors
    /// Names the field that is out of range, or the expression that is malformed.
    pub(super) fn check(&self) -> Result<(), String> {
        let ranks = self.rank_pattern.values().chain([&self.r]);
        if let Some(r) = ranks.into_iter().find(|r| **r <= 0) {
            return Err(format!("LoRA's r must be at least 1, got {r}"));
        }
        if !(0.0..1.0).contains(&self.lora_dropout) {
            return Err(format!(
                "lora_dropout must be at least 0 and less than 1, got {}",
                self.lora_dropout
            ));
        }
        let mut patterns: Vec<&String> = self.rank_pattern.keys().chain(self.alpha_pattern.keys()).collect();
        if let TargetModules::Pattern(pattern) = &self.target_modules {
            patterns.push(pattern);
        }
        patterns.into_iter().try_for_each(|pattern| {
            Regex::new(pattern).map(drop).map_err(|error| format!("module pattern {pattern:?}: {error}"))
        })
    }
}

/// The first value whose pattern is the module's name or the end of it.
///
/// # Source
/// PEFT's `get_pattern_key`
fn value_for<T: Copy>(patterns: &IndexMap<String, T>, module: &str) -> Option<T> {
    let found = patterns.iter().find(|(pattern, _)| matches(&format!(r"^(?:.*\.)?(?:{pattern})$"), module));
    found.map(|(_, value)| *value)
}

/// False for a malformed expression, which [`LoraConfig::check`] has refused before.
fn matches(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).is_ok_and(|regex| regex.is_match(text))
}
