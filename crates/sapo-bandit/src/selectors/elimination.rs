//! What the rules with a fixed budget share.

use crate::paired::PairedSample;
use crate::{Fraction, LossOracle, OracleError, Promise, Selection};

/// Observations that a share of the exhaustive ones allows.
pub(super) fn budget(share: Fraction, arms: usize, examples: usize) -> usize {
    (share.get() * (arms * examples) as f64).floor() as usize
}

/// The end of one round of elimination.
pub(super) struct Round {
    /// Examples that every arm still in has seen by then; at least one.
    pub(super) examples: usize,
    /// Arms that stay in.
    pub(super) survivors: usize,
}

/// Asks all arms that are still in about the same examples, round by round, and keeps the best of each round.
///
/// A budget that reaches for everything is spent on everything: no arm need drop out on part of the evidence.
pub(super) fn eliminate(
    oracle: &mut dyn LossOracle,
    seed: u64,
    share: Fraction,
    rounds: impl FnOnce(usize, usize) -> Vec<Round>,
) -> Result<Selection, OracleError> {
    let mut sample = PairedSample::new(oracle, seed)?;
    let (arms, population) = (sample.arms(), sample.population());
    let all = arms * population;
    let budget = budget(share, arms, population);
    let rounds =
        if budget == all { vec![Round { examples: population, survivors: 1 }] } else { rounds(arms, budget) };
    let mut ranking: Vec<usize> = (0..arms).collect();
    for round in rounds {
        sample.ask_each(&ranking, round.examples.max(1))?;
        let behind = sample.standings();
        ranking.sort_by(|&a, &b| behind[a].total_cmp(&behind[b]));
        ranking.truncate(round.survivors.max(1));
    }
    Ok(sample.finish(ranking[0], Promise::None))
}
