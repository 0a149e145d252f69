use sapo_prompts::Instruction;

use crate::readability::count_syllables;
use crate::{Cost, Direction, Measurement, Probe, ProbeAbout, ProbeContext, ProbeError, Tokens};

/// Number of syllables of the wording, as `textstat` counts them. The paper correlates it as it is, without a minus
/// sign, so "higher" is that sign and no more: no reason is known.
///
/// # Formula
/// [`count_syllables`]
///
/// # Units
/// syllables
///
/// # Cost
/// No model.
///
/// # Source
/// Shi et al. 2026 (arXiv 2606.01967), finding 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Syllables;

const ABOUT: ProbeAbout = ProbeAbout {
    name: "syllables",
    summary: "syllables of the wording",
    formula: "number of syllables",
    units: "syllables",
    cost: Cost::Text,
    better: Direction::Higher,
    source: "Shi et al. 2026 (arXiv 2606.01967), finding 3",
};

impl Probe for Syllables {
    fn about(&self) -> &'static ProbeAbout {
        &ABOUT
    }

    fn measure(
        &self,
        context: &mut ProbeContext<'_>,
        wording: &Instruction,
    ) -> Result<Measurement, ProbeError> {
        Measurement::new(context.task_name(), count_syllables(wording.as_str()) as f64, Tokens::default())
    }
}
