//! What holds for every rule that identifies the best arm, on every table.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

use std::num::NonZeroUsize;

use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sapo_bandit::selectors::{
    Bound, InterferenceAware, Lucb, Race, SequentialHalving, SuccessiveRejects, Thompson, UcbE,
};
use sapo_bandit::simulator::{LossTable, Replay};
use sapo_bandit::{
    Fraction, LossOracle, Nats, Observation, OracleError, Promise, Selection, Selector, SelectorConfig,
    Weight,
};

const BERNSTEIN_SERFLING: Bound = Bound::BernsteinSerfling { range: None };
const BETTING: Bound = Bound::Betting { range: None };

fn fraction(value: f64) -> Fraction {
    Fraction::try_from(value).unwrap()
}

fn run(rule: SelectorConfig, table: &LossTable, seed: u64) -> Selection {
    rule.build().select(&mut table.replay(), seed).unwrap()
}

fn identifying() -> Vec<SelectorConfig> {
    let asks_enough = [
        "race",
        "sequential-halving",
        "successive-rejects",
        "lucb",
        "ucb-e",
        "thompson",
        "interference-aware",
    ];
    let mut rules: Vec<SelectorConfig> = asks_enough.iter().map(|name| name.parse().unwrap()).collect();
    rules.push(SelectorConfig::Race(Race { bound: BERNSTEIN_SERFLING, ..Race::default() }));
    rules.push(SelectorConfig::Race(Race { bound: BETTING, ..Race::default() }));
    let epsilon = Nats::try_from(0.125).unwrap();
    rules.push(SelectorConfig::Race(Race { epsilon, ..Race::default() }));
    let tolerance = fraction(0.05);
    rules.push(SelectorConfig::Race(Race { tolerance, ..Race::default() }));
    rules.push(SelectorConfig::Thompson(Thompson { tolerance, ..Thompson::default() }));
    rules
}

/// The same rules, made to see everything.
fn seeing_everything() -> Vec<SelectorConfig> {
    let (budget, min_examples) = (fraction(1.0), NonZeroUsize::new(1000).unwrap());
    vec![
        SelectorConfig::Exhaustive,
        SelectorConfig::Race(Race { min_examples, ..Race::default() }),
        SelectorConfig::Race(Race { min_examples, bound: BERNSTEIN_SERFLING, ..Race::default() }),
        SelectorConfig::Race(Race { min_examples, bound: BETTING, ..Race::default() }),
        SelectorConfig::SequentialHalving(SequentialHalving { budget }),
        SelectorConfig::SuccessiveRejects(SuccessiveRejects { budget }),
        SelectorConfig::Lucb(Lucb { min_examples, ..Lucb::default() }),
        SelectorConfig::UcbE(UcbE { budget, ..UcbE::default() }),
        SelectorConfig::Thompson(Thompson { min_examples, ..Thompson::default() }),
    ]
}

/// A table that also tells the interference of each arm, or of none.
struct Interfering<'a> {
    replay: Replay<'a>,
    interference: Vec<Option<f64>>,
    asked: Vec<usize>,
}

impl<'a> Interfering<'a> {
    fn new(table: &'a LossTable, interference: Vec<Option<f64>>) -> Self {
        Self { replay: table.replay(), interference, asked: Vec::new() }
    }
}

impl LossOracle for Interfering<'_> {
    fn arms(&self) -> usize {
        self.replay.arms()
    }

    fn examples(&self) -> usize {
        self.replay.examples()
    }

    fn interference(&mut self, arm: usize) -> Result<Option<f64>, OracleError> {
        self.asked.push(arm);
        Ok(self.interference[arm])
    }

    fn observe(&mut self, arm: usize, examples: &[usize]) -> Result<Vec<Observation>, OracleError> {
        self.replay.observe(arm, examples)
    }
}

/// One number an arm, none alike.
fn interferences() -> impl Strategy<Value = Vec<f64>> {
    let shuffled = Just((0..7).map(f64::from).collect::<Vec<_>>()).prop_shuffle();
    (shuffled, 0.0_f64..4.0)
        .prop_map(|(ranks, scale)| ranks.into_iter().map(|rank| scale * (rank - 3.0)).collect())
}

/// Losses in 64ths of a nat, so that sums are exact: target tokens of each example, losses of each arm on it.
fn problems() -> impl Strategy<Value = (Vec<u64>, Vec<Vec<f64>>)> {
    (1_usize..7, 1_usize..60).prop_flat_map(|(arms, examples)| {
        let loss = (0_u32..640).prop_map(|sixty_fourths| f64::from(sixty_fourths) / 64.0);
        let losses = prop::collection::vec(prop::collection::vec(loss, examples), arms);
        (prop::collection::vec(1_u64..5, examples), losses)
    })
}

/// Losses among which no two arms tie, on any of the examples.
fn problems_without_ties() -> impl Strategy<Value = (Vec<u64>, Vec<Vec<f64>>)> {
    (problems(), any::<u64>()).prop_map(|((tokens, losses), seed)| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let untied =
            losses.iter().map(|row| row.iter().map(|loss| loss + rng.random::<f64>() / 64.0).collect());
        let untied = untied.collect();
        (tokens, untied)
    })
}

/// With no more arms than finalists, interference is weighed in before the first look.
#[test]
fn no_finalist_drops_out_unseen() {
    let losses = [3.0, 1.0, 2.0].map(|loss| vec![loss; 30]).to_vec();
    let table = LossTable::new(vec![1; 30], losses).unwrap();
    for bound in [Bound::PairedT, BERNSTEIN_SERFLING, BETTING] {
        let race = Race { bound, ..Race::default() };
        let rule = InterferenceAware { race, ..InterferenceAware::default() };
        let mut oracle = Interfering::new(&table, vec![Some(0.0), Some(0.5), Some(0.0)]);
        let selection = rule.select(&mut oracle, 0).unwrap();
        assert_eq!(selection.winner, 1, "{bound:?}");
        for arm in selection.arms {
            assert!(arm.examples >= race.min_examples.get(), "{bound:?}: {arm:?}");
        }
    }
}

proptest! {
    #[test]
    fn with_everything_seen_the_lowest_mean_wins((tokens, losses) in problems(), seed: u64) {
        let table = LossTable::new(tokens, losses).unwrap();
        let lowest = table.means().into_iter().fold(f64::INFINITY, f64::min);
        for rule in seeing_everything() {
            let selection = run(rule, &table, seed);
            prop_assert_eq!(table.means()[selection.winner], lowest, "{}", rule.name());
            prop_assert_eq!(selection.promise, Promise::Exact, "{}", rule.name());
            for (arm, evidence) in selection.arms.iter().enumerate() {
                let Some(mean) = evidence.mean else { continue };
                prop_assert!((mean - table.means()[arm]).abs() < 1e-9);
                let interval = evidence.interval.unwrap();
                prop_assert!(interval.low == mean && mean == interval.high);
                prop_assert_eq!(evidence.behind.is_none(), arm == selection.winner);
            }
        }
    }

    #[test]
    fn relabelling_arms_relabels_the_answer(
        (tokens, losses) in problems_without_ties(),
        seed: u64,
        turn in 0_usize..7,
    ) {
        let mut turned = losses.clone();
        let arms = losses.len();
        turned.rotate_left(turn % arms);
        let table = LossTable::new(tokens.clone(), losses).unwrap();
        let turned = LossTable::new(tokens, turned).unwrap();
        for rule in identifying() {
            let (before, after) = (run(rule, &table, seed), run(rule, &turned, seed));
            prop_assert_eq!(before.winner, (after.winner + turn) % arms, "{}", rule.name());
            prop_assert_eq!(before.forward_tokens, after.forward_tokens, "{}", rule.name());
        }
    }

    #[test]
    fn what_an_example_adds_to_all_arms_changes_nothing(
        (tokens, losses) in problems(),
        seed: u64,
        shifts in prop::collection::vec(0_u32..6400, 60),
    ) {
        let shifted = losses.iter().map(|row| {
            row.iter().zip(&shifts).map(|(loss, &shift)| loss + f64::from(shift) / 64.0).collect()
        });
        let shifted = LossTable::new(tokens.clone(), shifted.collect()).unwrap();
        let table = LossTable::new(tokens, losses).unwrap();
        for rule in identifying() {
            let (before, after) = (run(rule, &table, seed), run(rule, &shifted, seed));
            prop_assert_eq!(before.winner, after.winner, "{}", rule.name());
            prop_assert_eq!(before.forward_tokens, after.forward_tokens, "{}", rule.name());
        }
    }

    #[test]
    fn fixed_budgets_are_kept((tokens, losses) in problems(), seed: u64, share in 0.0_f64..1.0) {
        let table = LossTable::new(tokens, losses).unwrap();
        let budget = fraction(share);
        let (arms, all) = (table.means().len() as f64, table.exhaustive_forward_tokens() as f64);
        for rule in [
            SelectorConfig::SequentialHalving(SequentialHalving { budget }),
            SelectorConfig::SuccessiveRejects(SuccessiveRejects { budget }),
            SelectorConfig::UcbE(UcbE { budget, ..UcbE::default() }),
            SelectorConfig::Thompson(Thompson { budget, ..Thompson::default() }),
        ] {
            let spent = run(rule, &table, seed).forward_tokens as f64;
            prop_assert!(spent <= (share * all).max(arms), "{}: {spent} of {all} at {share}", rule.name());
        }
    }

    #[test]
    fn without_interference_it_is_the_race(
        (tokens, losses) in problems_without_ties(),
        seed: u64,
        interferences in interferences(),
    ) {
        let table = LossTable::new(tokens, losses).unwrap();
        let race = Race::default().select(&mut table.replay(), seed).unwrap();
        let weightless = InterferenceAware { weight: Weight::try_from(0.0).unwrap(), ..InterferenceAware::default() };
        let mut told = Interfering::new(&table, interferences.into_iter().map(Some).collect());
        prop_assert_eq!(&weightless.select(&mut told, seed).unwrap(), &race);
        prop_assert!(told.asked.is_empty());
        let mut untold = Interfering::new(&table, vec![None; 7]);
        prop_assert_eq!(&InterferenceAware::default().select(&mut untold, seed).unwrap(), &race);
    }

    #[test]
    fn with_everything_seen_the_lowest_sum_among_the_finalists_wins(
        (tokens, losses) in problems_without_ties(),
        seed: u64,
        interferences in interferences(),
        finalists in 1_usize..8,
    ) {
        let table = LossTable::new(tokens, losses).unwrap();
        let race = Race { min_examples: NonZeroUsize::new(1000).unwrap(), ..Race::default() };
        let finalists_kept = NonZeroUsize::new(finalists).unwrap();
        let rule = InterferenceAware { finalists: finalists_kept, race, ..InterferenceAware::default() };
        let mut oracle = Interfering::new(&table, interferences.iter().copied().map(Some).collect());
        let selection = rule.select(&mut oracle, seed).unwrap();
        let means = table.means();
        let mut ranking: Vec<usize> = (0..means.len()).collect();
        ranking.sort_by(|&a, &b| means[a].total_cmp(&means[b]));
        ranking.truncate(finalists);
        let weighed = ranking.len() > 1;
        let sum = |arm: usize| means[arm] + if weighed { interferences[arm] } else { 0.0 };
        let best = ranking.iter().copied().min_by(|&a, &b| sum(a).total_cmp(&sum(b))).unwrap();
        prop_assert_eq!(selection.winner, best);
        prop_assert_eq!(selection.promise, if weighed { Promise::None } else { Promise::Exact });
        prop_assert!(oracle.asked.iter().all(|arm| ranking.contains(arm)));
    }

    #[test]
    fn interference_goes_with_its_arm(
        (tokens, losses) in problems_without_ties(),
        seed: u64,
        mut interferences in interferences(),
        turn in 0_usize..7,
    ) {
        let arms = losses.len();
        interferences.truncate(arms);
        let mut turned = (losses.clone(), interferences.clone());
        turned.0.rotate_left(turn % arms);
        turned.1.rotate_left(turn % arms);
        let choose = |losses: Vec<Vec<f64>>, interferences: Vec<f64>| {
            let table = LossTable::new(tokens.clone(), losses).unwrap();
            let mut oracle = Interfering::new(&table, interferences.into_iter().map(Some).collect());
            InterferenceAware::default().select(&mut oracle, seed).unwrap()
        };
        let (before, after) = (choose(losses, interferences), choose(turned.0, turned.1));
        prop_assert_eq!(before.winner, (after.winner + turn) % arms);
        prop_assert_eq!(before.forward_tokens, after.forward_tokens);
    }
}
