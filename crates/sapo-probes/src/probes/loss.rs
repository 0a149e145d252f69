use sapo_model::{ExampleLoss, TokenStats};
use sapo_prompts::Instruction;

use crate::{Cost, Direction, Measurement, PreUpdateLoss, Probe, ProbeAbout, ProbeContext, ProbeError};

const ABOUT: ProbeAbout = ProbeAbout {
    name: "pre-update-loss",
    summary: "loss of the target tokens before any update",
    formula: "sum of -log p over target tokens / target tokens (`reduction`: other means)",
    units: "nats/token",
    cost: Cost::Forward,
    better: Direction::Lower,
    source: "Shi et al. 2026 (arXiv 2606.01967), finding 3",
};

impl Probe for PreUpdateLoss {
    fn about(&self) -> &'static ProbeAbout {
        &ABOUT
    }

    fn measure(
        &self,
        context: &mut ProbeContext<'_>,
        wording: &Instruction,
    ) -> Result<Measurement, ProbeError> {
        let (stats, tokens) = context.token_stats(wording)?;
        let loss =
            |stats: &TokenStats| ExampleLoss { nll_sum: stats.nll.iter().sum(), tokens: stats.nll.len() };
        let losses: Vec<ExampleLoss> = stats.iter().map(loss).collect();
        let value = self.reduction.of(&losses).unwrap_or(f64::NAN);
        Measurement::new(context.task_name(), value, tokens)
    }
}
