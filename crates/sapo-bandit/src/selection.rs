use crate::Observation;

/// What is known about one arm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ArmEvidence {
    /// Mean nats per target token over all the examples it was asked about (the paper's loss); absent where it was never
    /// asked.
    pub mean: Option<f64>,
    /// Examples it was asked about.
    pub examples: usize,
}

/// The end of a selection.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// Index of the chosen arm.
    pub winner: usize,
    /// One entry an arm.
    pub arms: Vec<ArmEvidence>,
    /// Tokens that went forward through the model.
    pub forward_tokens: u64,
}

impl ArmEvidence {
    /// An arm that was never asked.
    pub const UNASKED: Self = Self { mean: None, examples: 0 };

    /// The mean over target tokens: every token counts the same, however many its example has.
    pub fn token_mean(observations: &[Observation]) -> Self {
        let nll: f64 = observations.iter().map(|observation| observation.nll_sum).sum();
        let tokens: u64 = observations.iter().map(|observation| observation.target_tokens).sum();
        Self { mean: (tokens > 0).then(|| nll / tokens as f64), examples: observations.len() }
    }
}
