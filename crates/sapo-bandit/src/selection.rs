use serde::{Deserialize, Serialize};

use crate::Observation;

/// The level of the intervals that a selection shows.
pub(crate) const LEVEL: f64 = 0.95;

/// Two ends that hold a number of interest with the stated probability.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end, in nats a target token.
    pub low: f64,
    /// Upper end, in nats a target token.
    pub high: f64,
    /// Probability with which the interval holds the number, 0.95 for all rules here.
    pub level: f64,
}

/// What is known about one arm.
///
/// Both intervals speak of the mean over the finite population, so they close when the last example is seen; they are
/// Student's, of a ratio estimator, and approximate for few examples or heavy tails. What a rule promises of its winner
/// is said by [`Promise`], not by them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ArmEvidence {
    /// Mean nats per target token over all the examples it was asked about (the paper's loss); absent where it was
    /// never asked. Arms asked about different numbers of examples are compared by `behind`, not by this.
    pub mean: Option<f64>,
    /// Examples it was asked about.
    pub examples: usize,
    /// 95 % interval of its mean over the population; absent with fewer than two examples, unless there are no more.
    pub interval: Option<Interval>,
    /// 95 % interval of its mean minus the winner's, over the population, from the examples that both were asked about:
    /// what they have in common cancels. Absent as `interval` is, and for the winner itself.
    pub behind: Option<Interval>,
}

/// What is known of a winner: that no arm's mean over the population is lower by more than `within` nats a token.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Promise {
    /// It is known: every arm was asked about every example.
    Exact,
    /// It holds with at least this probability over the order in which examples were drawn, for any number of examples.
    AtLeast {
        /// The probability.
        confidence: f64,
        /// Nats a token.
        within: f64,
    },
    /// As `AtLeast`, but under an approximation that the rule names in its documentation.
    Approximate {
        /// The nominal probability.
        confidence: f64,
        /// Nats a token.
        within: f64,
    },
    /// Nothing is promised.
    None,
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
    /// How sure the winner is.
    pub promise: Promise,
}

impl ArmEvidence {
    /// An arm that was never asked.
    pub const UNASKED: Self = Self { mean: None, examples: 0, interval: None, behind: None };

    /// The mean over target tokens: every token counts the same, however many its example has.
    pub fn token_mean(observations: &[Observation]) -> Self {
        let nll: f64 = observations.iter().map(|observation| observation.nll_sum).sum();
        let tokens: u64 = observations.iter().map(|observation| observation.target_tokens).sum();
        let mean = (tokens > 0).then(|| nll / tokens as f64);
        Self { mean, examples: observations.len(), ..Self::UNASKED }
    }
}

impl Interval {
    /// Of a number that is known.
    pub(crate) fn point(number: f64) -> Self {
        Self { low: number, high: number, level: LEVEL }
    }
}

impl Selection {
    /// A winner chosen without asking anything.
    pub(crate) fn unasked(winner: usize, arms: usize) -> Self {
        Self { winner, arms: vec![ArmEvidence::UNASKED; arms], forward_tokens: 0, promise: Promise::None }
    }
}
