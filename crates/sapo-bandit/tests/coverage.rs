//! A race keeps its promise on 10,000 made-up problems; `cargo run --release --example coverage` prints the numbers.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

use std::num::NonZeroUsize;

use sapo_bandit::selectors::{Bound, Lucb, Race, Thompson};
use sapo_bandit::simulator::{LossTable, Performance, Synthetic, Tail, play};
use sapo_bandit::{Fraction, Interval, LossOracle, Nats, Promise, Selector, SelectorConfig};

/// The widest difference of two arms on one example: what a user must know for `AtLeast`.
fn range(table: &LossTable) -> Nats {
    let mut replay = table.replay();
    let examples: Vec<usize> = (0..table.examples()).collect();
    let rows: Vec<_> = (0..table.arms()).map(|arm| replay.observe(arm, &examples).unwrap()).collect();
    let width = |example: usize| {
        let losses = || rows.iter().map(|row| row[example].nll_sum);
        losses().fold(f64::NEG_INFINITY, f64::max) - losses().fold(f64::INFINITY, f64::min)
    };
    Nats::try_from(examples.into_iter().map(width).fold(0.0, f64::max)).unwrap()
}

/// 10,000 problems, of five kinds.
fn errs_in_at_most_delta(bound: impl Fn(Nats) -> Bound) -> Vec<Performance> {
    let plain = Synthetic { arms: 4, examples: 400, spread: 0.3, difficulty: 0.3, ..Synthetic::default() };
    let kinds = [
        plain,
        Synthetic { tail: Tail::Heavy, ..plain },
        Synthetic { tail: Tail::Outliers, ..plain },
        Synthetic { near_ties: 3, ..plain },
        Synthetic { own: 0.05, family: 0.05, near_ties: 2, ..plain },
    ];
    let delta = 0.1;
    let race = Race {
        delta: Fraction::try_from(delta).unwrap(),
        epsilon: Nats::try_from(0.01).unwrap(),
        growth: Fraction::try_from(0.3).unwrap(),
        min_examples: NonZeroUsize::new(20).unwrap(),
        ..Race::default()
    };
    let play_kind = |recipe: &Synthetic| {
        let trial = |seed: u64| {
            let table = recipe.table(seed);
            let rule = Race { bound: bound(range(&table)), ..race };
            let trial = play(&rule, &table, seed).unwrap();
            assert!(matches!(trial.promise, Promise::AtLeast { .. } | Promise::Exact));
            trial
        };
        let trials: Vec<_> = (0..2000).map(trial).collect();
        let seen = Performance::of(&trials).unwrap();
        assert!(seen.broken <= delta, "{recipe:?}: {seen:?}");
        seen
    };
    kinds.iter().map(play_kind).collect()
}

#[test]
fn bernstein_serfling_errs_in_at_most_delta() {
    errs_in_at_most_delta(|range| Bound::BernsteinSerfling { range: Some(range) });
}

#[test]
fn bernstein_serfling_saves_where_examples_abound_and_losses_are_alike() {
    let plain = Synthetic { arms: 3, examples: 3000, ..Synthetic::default() };
    let recipe = Synthetic { spread: 0.5, difficulty: 0.2, family: 0.1, own: 0.1, ..plain };
    let trial = |seed: u64| {
        let table = recipe.table(seed);
        let bound = Bound::BernsteinSerfling { range: Some(range(&table)) };
        play(&Race { bound, growth: Fraction::try_from(0.3).unwrap(), ..Race::default() }, &table, seed)
            .unwrap()
    };
    let seen = Performance::of(&(0..200).map(trial).collect::<Vec<_>>()).unwrap();
    assert!(seen.broken <= 0.05 && seen.median_cost < 0.9, "{seen:?}");
}

#[test]
fn betting_errs_in_at_most_delta_and_saves() {
    let seen = errs_in_at_most_delta(|range| Bound::Betting { range: Some(range) });
    // A rule that always saw everything would keep any promise.
    assert!(seen[0].median_cost < 0.9, "{seen:?}");
}

#[test]
fn the_default_rule_and_thompson_are_right_and_save() {
    let plain = Synthetic::default();
    let kinds = [
        plain,
        Synthetic { tail: Tail::Heavy, ..plain },
        Synthetic { tail: Tail::Outliers, ..plain },
        Synthetic { near_ties: 3, ..plain },
    ];
    for rule in [SelectorConfig::default(), SelectorConfig::Thompson(Thompson::default())] {
        for recipe in kinds {
            let selector = rule.build();
            let trial = |seed: u64| play(selector.as_ref(), &recipe.table(seed), seed).unwrap();
            let seen = Performance::of(&(0..150).map(trial).collect::<Vec<_>>()).unwrap();
            assert!(seen.good >= 0.9 && seen.median_cost < 0.5, "{rule:?} on {recipe:?}: {seen:?}");
        }
    }
}

#[test]
fn intervals_hold_the_mean_about_as_often_as_they_say() {
    // Whoever wins after 60 examples wins: an interval is seen before anything was chosen by it.
    let (epsilon, min_examples) = (Nats::try_from(1000.0).unwrap(), NonZeroUsize::new(60).unwrap());
    let rule = Lucb { epsilon, min_examples, ..Lucb::default() };
    let (mut held, mut held_behind, mut count) = (0, 0, 0);
    for seed in 0..500 {
        let table = Synthetic::default().table(seed);
        let means = table.means();
        let selection = rule.select(&mut table.replay(), seed).unwrap();
        for (arm, evidence) in selection.arms.iter().enumerate().filter(|(arm, _)| *arm != selection.winner) {
            let holds =
                |interval: Interval, mean: f64| usize::from(interval.low <= mean && mean <= interval.high);
            held += holds(evidence.interval.unwrap(), means[arm]);
            held_behind += holds(evidence.behind.unwrap(), means[arm] - means[selection.winner]);
            count += 1;
        }
    }
    // The losses are skewed and the winner is the luckiest of 21: a little below 95 % both.
    for held in [held, held_behind] {
        let share = held as f64 / f64::from(count);
        assert!((0.9..0.98).contains(&share), "{share}");
    }
}
