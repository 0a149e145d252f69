use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::draws::gaussian;

const ARMS: usize = 6;
const STRETCHES: usize = 400;

/// Arm 1 is best in the first half, arm 4 in the second; the level falls all along. Mean regret in each half, and the
/// share of training tokens that the probes took.
fn course(config: ReselectorConfig, seed: u64) -> ([f64; 2], f64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut rule = config.start(ARMS, 0, seed);
    let mut budget = ProbeBudget::new(Fraction::of(0.02));
    let (mut regret, mut probed) = ([0.0; 2], 0);
    for stretch in 0..STRETCHES {
        let half = 2 * stretch / STRETCHES;
        let best = [1, 4][half];
        let merit = |arm: usize| if arm == best { 0.0 } else { 0.2 + 0.05 * arm as f64 };
        let wanted = rule.wanted(budget.affordable(100));
        assert!(wanted.len() != 1 && wanted.len() <= budget.affordable(100));
        let level = 3.0 / (1.0 + 0.01 * stretch as f64) + gaussian(&mut rng);
        let losses: Vec<(usize, f64)> =
            wanted.iter().map(|&arm| (arm, level + merit(arm) + 0.1 * gaussian(&mut rng))).collect();
        budget.probe(100 * losses.len() as u64);
        probed += 100 * losses.len();
        if !losses.is_empty() {
            rule.learn(&losses);
        }
        regret[half] += merit(rule.choose()) / (STRETCHES / 2) as f64;
        budget.train(20_000);
    }
    (regret, probed as f64 / (20_000 * STRETCHES) as f64)
}

#[test]
fn every_rule_follows_the_best_arm_within_its_budget() {
    // Regret of an arm drawn at random: 5/6 (0.2 + 0.05 * 3 or less), about 0.29.
    let rules = [
        (ReselectorConfig::DiscountedThompson(DiscountedThompson::default()), 0.05),
        (ReselectorConfig::SlidingWindowUcb(SlidingWindowUcb::default()), 0.05),
        (ReselectorConfig::Exp3S(Exp3S::default()), 0.2),
        (ReselectorConfig::Mixture(Mixture::default()), 0.15),
    ];
    for (rule, most) in rules {
        let courses: Vec<_> = (0..20).map(|seed| course(rule, seed)).collect();
        for half in 0..2 {
            let regret = courses.iter().map(|(regret, _)| regret[half]).sum::<f64>() / 20.0;
            assert!(regret < most, "{rule:?}, half {half}: {regret}");
        }
        assert!(courses.iter().all(|&(_, probed)| probed <= 0.02), "{rule:?}");
    }
}

#[test]
fn the_first_probe_asks_the_arm_that_trains() {
    for rule in [
        ReselectorConfig::DiscountedThompson(DiscountedThompson::default()),
        ReselectorConfig::SlidingWindowUcb(SlidingWindowUcb::default()),
        ReselectorConfig::Exp3S(Exp3S::default()),
        ReselectorConfig::Mixture(Mixture::default()),
    ] {
        assert_eq!(rule.start(ARMS, 3, 0).wanted(ARMS)[0], 3, "{rule:?}");
    }
}

#[test]
fn a_switch_that_costs_more_than_it_brings_is_not_made() {
    let rule = DiscountedThompson { switching_cost: crate::Nats::of(0.5), ..DiscountedThompson::default() };
    let mut rule = rule.start(2, 0, 0);
    rule.learn(&[(0, 1.3), (1, 1.0)]);
    assert_eq!(rule.choose(), 0);
    rule.learn(&[(0, 3.0), (1, 1.0)]);
    assert_eq!(rule.choose(), 1);
}

#[test]
fn rules_are_written_by_name() {
    let rule = ReselectorConfig::Mixture(Mixture::default());
    let written = serde_json::to_string(&rule).unwrap();
    assert_eq!(written, r#"{"mixture":{"temperature":0.1,"keep":0.8}}"#);
    assert_eq!(serde_json::from_str::<ReselectorConfig>(r#"{"mixture":{}}"#).unwrap(), rule);
}
