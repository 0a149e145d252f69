use sapo_prompts::Instruction;

use crate::{Cost, Direction, Measurement, Probe, ProbeAbout, ProbeContext, ProbeError};

/// The norm of the gradient with which training under the wording would begin: how far it would pull. Lower is taken for
/// better, as a small gradient moves little of what was learnt before.
///
/// # Formula
/// ‖g_P‖₂ over all LoRA-B matrices, g_P the gradient of the token-mean loss ([`crate::gradients`])
///
/// # Units
/// nats per token, per unit of the entries of B
///
/// # Cost
/// A pass forward and back over the examples.
///
/// # Source
/// Paul et al. 2021, "Deep Learning on a Data Diet" (arXiv 2107.07075), whose GraNd is such a norm for single examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GradientNorm;

const ABOUT: ProbeAbout = ProbeAbout {
    name: "gradient-norm",
    summary: "norm of the first LoRA gradient",
    formula: "‖g_P‖ over all LoRA-B matrices",
    units: "nats/token per unit of B",
    cost: Cost::Gradient,
    better: Direction::Lower,
    source: "Paul et al. 2021 (arXiv 2107.07075)",
};

impl Probe for GradientNorm {
    fn about(&self) -> &'static ProbeAbout {
        &ABOUT
    }

    fn measure(
        &self,
        context: &mut ProbeContext<'_>,
        wording: &Instruction,
    ) -> Result<Measurement, ProbeError> {
        let (gradient, tokens) = context.gradient(wording)?;
        Measurement::new(context.task_name(), gradient.norm(), tokens)
    }
}
