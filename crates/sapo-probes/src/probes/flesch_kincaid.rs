use sapo_prompts::Instruction;

use crate::readability::flesch_kincaid_grade;
use crate::{Cost, Direction, Measurement, Probe, ProbeAbout, ProbeContext, ProbeError, Tokens};

/// The Flesch-Kincaid grade of the wording, as `textstat` computes it. The paper correlates it as it is, without a
/// minus sign, so "higher" is that sign and no more: no reason is known.
///
/// # Formula
/// 0.39 words per sentence + 11.8 syllables per word − 15.59
///
/// # Units
/// school years
///
/// # Cost
/// No model.
///
/// # Source
/// Shi et al. 2026 (arXiv 2606.01967), finding 3; Kincaid et al. 1975.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FleschKincaid;

const ABOUT: ProbeAbout = ProbeAbout {
    name: "flesch-kincaid-grade",
    summary: "Flesch-Kincaid grade of the wording",
    formula: "0.39 words/sentence + 11.8 syllables/word - 15.59",
    units: "school years",
    cost: Cost::Text,
    better: Direction::Higher,
    source: "Shi et al. 2026 (arXiv 2606.01967), finding 3",
};

impl Probe for FleschKincaid {
    fn about(&self) -> &'static ProbeAbout {
        &ABOUT
    }

    fn measure(
        &self,
        context: &mut ProbeContext<'_>,
        wording: &Instruction,
    ) -> Result<Measurement, ProbeError> {
        let grade = flesch_kincaid_grade(wording.as_str()).ok_or_else(|| ProbeError::Undefined {
            task: context.task_name().to_string(),
            problem: format!("the wording {:?} has no words, so it has no grade", wording.as_str()),
        })?;
        Measurement::new(context.task_name(), grade, Tokens::default())
    }
}
