use anyhow::anyhow;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use sapo_bandit::SelectorConfig;
use sapo_bandit::simulator::{LossTable, Performance, Trial, play};
use sapo_learn::derive_seed;
use sapo_metrics::{Bootstrap, Estimate, STATISTICS_SEED};

use super::Recorded;

/// Which examples of a table are the population of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Population {
    /// All of them; problems of a table differ in the order in which they are asked about.
    Whole,
    /// Four fifths of them, drawn by the seed.
    Part,
}

/// How one rule did.
#[derive(Debug, Clone)]
pub struct Played {
    /// The rule.
    pub rule: SelectorConfig,
    /// Over all problems.
    pub all: Performance,
    /// Share of problems with a regret of at most 1 % of the spread; its interval is of the mean over tables, which are
    /// resampled whole.
    pub good: Estimate,
    /// Median share of the exhaustive forward tokens, tables resampled whole.
    pub cost: Estimate,
    /// Median share of the forward tokens of an exhaustive search that shares no prefix.
    pub unshared_cost: f64,
}

/// Plays a rule on every table, `seeds` times each.
///
/// # Errors
/// Names the table, and passes on the rule's error.
pub fn play_rule(
    rule: SelectorConfig,
    tables: &[&Recorded],
    population: Population,
    seeds: u64,
) -> anyhow::Result<Played> {
    let selector = rule.build();
    let mut trials: Vec<Vec<Trial>> = Vec::new();
    let mut unshared = Vec::new();
    for recorded in tables {
        let mut of_table = Vec::new();
        for seed in 0..seeds {
            let table = &problem(&recorded.table, population, seed)?;
            let trial = play(selector.as_ref(), table, seed)
                .map_err(|error| anyhow!("table {}: {error}", recorded.id))?;
            let shared = table.exhaustive_forward_tokens() as f64;
            unshared.push(trial.cost * shared / table.unshared_forward_tokens() as f64);
            of_table.push(trial);
        }
        trials.push(of_table);
    }
    let bootstrap = Bootstrap::new(STATISTICS_SEED);
    let of = |chosen: &[usize]| {
        Performance::of(&chosen.iter().flat_map(|&table| trials[table].iter().copied()).collect::<Vec<_>>())
    };
    let all = of(&(0..trials.len()).collect::<Vec<_>>())
        .ok_or_else(|| anyhow!("there are no tables to play on"))?;
    let share_good = |trials: &Vec<Trial>| Performance::of(trials).map_or(0.0, |seen| seen.good);
    let good = bootstrap.mean(&trials.iter().map(share_good).collect::<Vec<_>>())?;
    let cost = Bootstrap { resamples: 1000, ..bootstrap }
        .statistic(trials.len(), |chosen| of(chosen).map(|seen| seen.median_cost))?;
    unshared.sort_by(f64::total_cmp);
    Ok(Played { rule, all, good, cost, unshared_cost: unshared[unshared.len() / 2] })
}

fn problem(table: &LossTable, population: Population, seed: u64) -> anyhow::Result<LossTable> {
    if population == Population::Whole {
        return Ok(table.clone());
    }
    let mut examples: Vec<usize> = (0..table.examples()).collect();
    examples.shuffle(&mut ChaCha8Rng::seed_from_u64(derive_seed(seed, "population", 0)));
    examples.truncate(table.examples() * 4 / 5);
    Ok(table.of_examples(&examples)?)
}
