use std::path::Path;

use sapo_model::LanguageModel;
use serde::{Deserialize, Serialize};

use super::{Lesson, Method};
use crate::LearnError;

/// Nothing is trained: the lower bound, in which a choice of wordings changes evaluation alone.
///
/// # Source
/// The `ZeroShot` row of TRACE (Wang et al. 2023, arXiv 2310.06762, table 1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frozen {}

impl Method for Frozen {
    fn learn(&self, _: &mut LanguageModel, _: Lesson<'_>) -> Result<(), LearnError> {
        Ok(())
    }

    fn recall(&self, _: &mut LanguageModel, _: &Path, _: usize) -> Result<(), LearnError> {
        Ok(())
    }
}
