use super::LossTable;
use crate::{OracleError, Promise, Selector};

/// How one selection on a known table went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trial {
    /// Mean of the winner minus that of the best arm, in nats a token.
    pub regret: f64,
    /// Mean of the worst arm minus that of the best, in nats a token.
    pub spread: f64,
    /// Forward tokens as a share of the exhaustive ones, prefixes shared in both.
    pub cost: f64,
    /// What was promised.
    pub promise: Promise,
}

/// What many trials of one rule say about it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Performance {
    /// Trials.
    pub trials: usize,
    /// Share of trials that ended with the exhaustive winner.
    pub best: f64,
    /// Share of trials with a regret of at most 1 % of the spread.
    pub good: f64,
    /// Mean regret, in nats a token.
    pub regret: f64,
    /// Median share of the exhaustive forward tokens.
    pub median_cost: f64,
    /// The share of the exhaustive forward tokens that nine in ten trials stay within.
    pub cost_90: f64,
    /// Share of trials whose promise was broken.
    pub broken: f64,
}

impl Trial {
    /// Whether the promise was kept.
    pub fn kept(&self) -> bool {
        match self.promise {
            Promise::Exact => self.regret == 0.0,
            Promise::AtLeast { within, .. } | Promise::Approximate { within, .. } => self.regret <= within,
            Promise::None => true,
        }
    }

    /// Regret as a share of the spread.
    pub fn regret_share(&self) -> f64 {
        if self.regret == 0.0 { 0.0 } else { self.regret / self.spread }
    }
}

/// Plays one selection.
///
/// # Errors
/// Passes on the rule's error.
pub fn play(rule: &dyn Selector, table: &LossTable, seed: u64) -> Result<Trial, OracleError> {
    let selection = rule.select(&mut table.replay(), seed)?;
    let means = table.means();
    let best = means.iter().copied().fold(f64::INFINITY, f64::min);
    let worst = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let regret = means[selection.winner] - best;
    let cost = selection.forward_tokens as f64 / table.exhaustive_forward_tokens() as f64;
    Ok(Trial { regret, spread: worst - best, cost, promise: selection.promise })
}

impl Performance {
    /// Sums up; `None` without trials.
    pub fn of(trials: &[Trial]) -> Option<Self> {
        if trials.is_empty() {
            return None;
        }
        let mean =
            |number: &dyn Fn(&Trial) -> f64| trials.iter().map(number).sum::<f64>() / trials.len() as f64;
        let mut costs: Vec<f64> = trials.iter().map(|trial| trial.cost).collect();
        costs.sort_by(f64::total_cmp);
        let within =
            |part: f64| costs[((part * costs.len() as f64).ceil() as usize).clamp(1, costs.len()) - 1];
        Some(Self {
            trials: trials.len(),
            best: mean(&|trial| f64::from(trial.regret == 0.0)),
            good: mean(&|trial| f64::from(trial.regret_share() <= 0.01)),
            regret: mean(&|trial| trial.regret),
            median_cost: within(0.5),
            cost_90: within(0.9),
            broken: mean(&|trial| f64::from(!trial.kept())),
        })
    }
}
