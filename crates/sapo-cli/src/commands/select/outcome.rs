use sapo_bandit::{ArmEvidence, Interval, Observation, Promise, Selection};
use sapo_metrics::Estimate;
use sapo_prompts::PromptPool;
use serde::Serialize;

use super::oracle::Record;
use crate::token_mean;

/// What was found about one wording.
#[derive(Debug, Serialize)]
pub(super) struct Arm<'a> {
    pub(super) id: &'a str,
    /// Mean nats a target token; absent where it was not asked.
    pub(super) mean: Option<f64>,
    /// 95 % interval of the mean; absent with fewer than two examples.
    pub(super) low: Option<f64>,
    pub(super) high: Option<f64>,
    /// 95 % interval of how far its mean is above the winner's, on these examples; from those that both were asked about.
    pub(super) behind: Option<Ends>,
    pub(super) examples: usize,
    #[serde(skip)]
    pub(super) text: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Ends {
    pub(super) low: f64,
    pub(super) high: f64,
}

/// What the selection took.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Spent {
    /// Tokens of all losses that were asked for, whether or not they were known.
    pub(super) forward_tokens: u64,
    /// Tokens of every wording on every example.
    pub(super) exhaustive_forward_tokens: u64,
    /// Tokens that went through the model.
    pub(super) computed_tokens: u64,
    /// How many losses were asked for.
    pub(super) losses: usize,
    /// How many of them were known.
    pub(super) known_losses: usize,
    pub(super) seconds: f64,
}

/// A selection, ready to be shown.
#[derive(Debug)]
pub(super) struct Outcome<'a> {
    /// In the pool's order: the original is the first.
    pub(super) arms: Vec<Arm<'a>>,
    pub(super) winner: usize,
    /// How many examples there were to ask about.
    pub(super) population: usize,
    pub(super) spent: Spent,
    pub(super) promise: Promise,
}

impl<'a> Outcome<'a> {
    /// Joins the selection with the intervals that its observations give.
    pub(super) fn new(
        pool: &'a PromptPool,
        selection: &Selection,
        records: &[Record],
        seed: u64,
        population: usize,
        spent: Spent,
    ) -> anyhow::Result<Self> {
        let mut arms = Vec::with_capacity(pool.len());
        for ((variant, evidence), record) in pool.variants().iter().zip(&selection.arms).zip(records) {
            arms.push(Arm::new(&variant.id, variant.text.as_str(), evidence, &record.observations, seed)?);
        }
        Ok(Self { arms, winner: selection.winner, population, spent, promise: selection.promise })
    }

    pub(super) fn winner(&self) -> &Arm<'a> {
        &self.arms[self.winner]
    }

    /// How far a wording is behind the winner, with the interval where there is one; absent where it was not asked.
    ///
    /// This ranks: a rule may ask wordings about different examples, which are compared by those that they share with
    /// the winner.
    pub(super) fn behind(&self, arm: usize) -> Option<Estimate> {
        let Arm { mean, behind, examples, .. } = self.arms[arm];
        let middle = match behind {
            Some(Ends { low, high }) => (low + high) / 2.0,
            None => mean? - self.winner().mean?,
        };
        let Ends { low, high } = behind.unwrap_or(Ends { low: middle, high: middle });
        Some(Estimate { mean: middle, low, high, n: examples })
    }

    /// Whether wordings were asked about different examples, so that their means do not compare.
    pub(super) fn asked_differently(&self) -> bool {
        let asked = self.arms.iter().map(|arm| arm.examples).filter(|&examples| examples > 0);
        asked.clone().min() < asked.max()
    }

    /// All wordings, the lowest loss first, those that were not asked last; the winner before its equals.
    pub(super) fn ranking(&self) -> Vec<usize> {
        let rank = |arm: usize| self.behind(arm).map_or(f64::INFINITY, |behind| behind.mean);
        let mut ranking: Vec<usize> = (0..self.arms.len()).collect();
        ranking
            .sort_by(|&a, &b| rank(a).total_cmp(&rank(b)).then((b == self.winner).cmp(&(a == self.winner))));
        ranking
    }

    /// Those beside the winner that are not clearly behind it: the interval of their distance reaches 0, or they were
    /// asked about too few examples to have one.
    pub(super) fn ties(&self) -> Vec<usize> {
        let tied = |arm: usize| {
            let too_few = self.arms[arm].behind.is_none() && self.arms[arm].examples < self.population;
            self.behind(arm).is_some_and(|behind| too_few || behind.low <= 0.0 && behind.high >= 0.0)
        };
        self.ranking().into_iter().filter(|&arm| arm != self.winner && tied(arm)).collect()
    }
}

impl<'a> Arm<'a> {
    fn new(
        id: &'a str,
        text: &'a str,
        evidence: &ArmEvidence,
        observed: &[Observation],
        seed: u64,
    ) -> anyhow::Result<Self> {
        let sums: Vec<(f64, u64)> = observed.iter().map(|o| (o.nll_sum, o.target_tokens)).collect();
        let interval = token_mean::with_interval(&sums, seed)?;
        let ends = |interval: Interval| Ends { low: interval.low, high: interval.high };
        Ok(Self {
            id,
            mean: evidence.mean,
            low: interval.map(|estimate| estimate.low),
            high: interval.map(|estimate| estimate.high),
            behind: evidence.behind.map(ends),
            examples: evidence.examples,
            text,
        })
    }
}
