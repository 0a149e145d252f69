use sapo_prompts::Instruction;

use crate::{Cost, Direction, FirstStep, Measurement, Probe, ProbeAbout, ProbeContext, ProbeError};

const ABOUT: ProbeAbout = ProbeAbout {
    name: "interference",
    summary: "predicted change of the earlier tasks' loss by the first step",
    formula: "-lr ⟨g_old, d(g_P)⟩, d(g) = g (clipped) or AdamW's g / (abs(g) + eps) of it",
    units: "nats/token",
    cost: Cost::GradientAndEarlier,
    better: Direction::Lower,
    source: "Riemer et al. 2019 (arXiv 1810.11910), section 2; Shi et al. 2026, section 5",
};

/// First-order interference: the predicted change of the earlier tasks' mean loss by the first step of training under the
/// wording. Lower is better, negative helps.
///
/// # Formula
/// −η ⟨g_old, d(g_P)⟩, d(g) = g clipped to the largest norm, or AdamW's first step g / (|g| + ε) of it
///
/// # Units
/// nats per token
///
/// # Cost
/// A pass forward and back over the examples; once for all wordings the same over the kept samples.
///
/// # Source
/// Riemer et al. 2019 (arXiv 1810.11910), section 2, with the step that is really taken in place of the plain gradient;
/// Shi et al. 2026 (arXiv 2606.01967), section 5.
impl Probe for FirstStep {
    fn about(&self) -> &'static ProbeAbout {
        &ABOUT
    }

    fn measure(
        &self,
        context: &mut ProbeContext<'_>,
        wording: &Instruction,
    ) -> Result<Measurement, ProbeError> {
        let earlier = context.earlier()?;
        let (gradient, tokens) = context.gradient(wording)?;
        Measurement::new(context.task_name(), self.change(&earlier.gradient, &gradient), tokens)
    }
}
