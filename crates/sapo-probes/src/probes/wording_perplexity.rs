use sapo_prompts::Instruction;

use super::moments::mean;
use crate::{Cost, Direction, Measurement, Probe, ProbeAbout, ProbeContext, ProbeError};

/// How unlikely the wording itself is to the model, as the logarithm of its perplexity. Lower is better.
///
/// The wording is read alone, as plain text without a chat template or special tokens. Its first token is read but not
/// scored, for it is predicted from nothing: a wording of a single token has no value.
///
/// # Formula
/// −1/(n−1) Σ_(i=2..n) log p(w_i | w_<i)
///
/// # Units
/// nats per token of the wording; the perplexity is e to it
///
/// # Cost
/// One pass forward over the wording.
///
/// # Source
/// Gonen et al. 2022, "Demystifying Prompts in Language Models via Perplexity Estimation" (arXiv 2212.04037).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WordingPerplexity;

const ABOUT: ProbeAbout = ProbeAbout {
    name: "wording-perplexity",
    summary: "logarithm of the wording's own perplexity",
    formula: "mean over the wording's tokens but the first of -log p",
    units: "nats/token",
    cost: Cost::WordingForward,
    better: Direction::Lower,
    source: "Gonen et al. 2022 (arXiv 2212.04037)",
};

impl Probe for WordingPerplexity {
    fn about(&self) -> &'static ProbeAbout {
        &ABOUT
    }

    fn measure(
        &self,
        context: &mut ProbeContext<'_>,
        wording: &Instruction,
    ) -> Result<Measurement, ProbeError> {
        let (nll, tokens) = context.wording_nll(wording)?;
        Measurement::new(context.task_name(), mean(&nll), tokens)
    }
}
