use sapo_prompts::Instruction;

use crate::{Cost, Direction, Measurement, Probe, ProbeAbout, ProbeContext, ProbeError};

/// The gradient under the wording where it matters to earlier tasks: its squared entries weighted by their Fisher
/// information. Lower is better.
///
/// Times η²/2 it is the growth of the earlier tasks' loss, in nats an example, by one gradient step in EWC's quadratic
/// approximation, which holds where their own gradient has vanished.
///
/// # Formula
/// Σ_i F_i g_i², F the diagonal empirical Fisher information of the kept samples ([`Fisher`](crate::gradients::Fisher))
///
/// # Units
/// nats² of an example's log-likelihood times (nats per token)², both per unit of the entries of B
///
/// # Cost
/// A pass forward and back over the examples; once for all wordings the same over the kept samples, one by one.
///
/// # Source
/// Kirkpatrick et al. 2017 (arXiv 1612.00796), equation 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FisherNorm;

const ABOUT: ProbeAbout = ProbeAbout {
    name: "fisher-norm",
    summary: "squared gradient weighted by the Fisher information of earlier tasks",
    formula: "sum of F_i g_i^2",
    units: "nats² (nats/token)² per unit⁴ of B",
    cost: Cost::GradientAndEarlier,
    better: Direction::Lower,
    source: "Kirkpatrick et al. 2017 (arXiv 1612.00796)",
};

impl Probe for FisherNorm {
    fn about(&self) -> &'static ProbeAbout {
        &ABOUT
    }

    fn measure(
        &self,
        context: &mut ProbeContext<'_>,
        wording: &Instruction,
    ) -> Result<Measurement, ProbeError> {
        let fisher = context.fisher()?;
        let (gradient, tokens) = context.gradient(wording)?;
        Measurement::new(context.task_name(), fisher.weigh(&gradient), tokens)
    }
}
