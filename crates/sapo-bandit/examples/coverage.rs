//! How often a race breaks its promise, and what it costs: 10,000 made-up problems of each kind and bound.
//!
//! `cargo run --release -p sapo-bandit --example coverage`

use std::error::Error;

use sapo_bandit::selectors::{Bound, Race};
use sapo_bandit::simulator::{Performance, Synthetic, Tail, play};
use sapo_bandit::{Fraction, Nats};

const TRIALS: u64 = 10_000;

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let plain = Synthetic { arms: 6, ..Synthetic::default() };
    let alike = Synthetic { examples: 4000, spread: 0.5, difficulty: 0.2, family: 0.1, own: 0.1, ..plain };
    let kinds = [
        ("plain", plain),
        ("heavy tails", Synthetic { tail: Tail::Heavy, ..plain }),
        ("outliers", Synthetic { tail: Tail::Outliers, ..plain }),
        ("three near ties", Synthetic { near_ties: 3, ..plain }),
        ("1,000 examples", Synthetic { examples: 1000, ..plain }),
        ("4,000 examples, far apart, losses alike", alike),
    ];
    // 12 nats a token at most, 4 tokens at most: the recipe's own bound on a loss, and so on a difference.
    let range = Some(Nats::try_from(48.0)?);
    let bounds = [
        ("paired-t", Bound::PairedT),
        ("bernstein-serfling", Bound::BernsteinSerfling { range }),
        ("bernstein-serfling, range unknown", Bound::BernsteinSerfling { range: None }),
        ("betting", Bound::Betting { range }),
        ("betting, range unknown", Bound::Betting { range: None }),
    ];
    println!("delta 5 %, epsilon 0\n");
    println!(
        "| problems | bound | broken, % | best, % | cost median, % | cost 90 %, % |\n|---|---|---:|---:|---:|---:|"
    );
    for (kind, recipe) in kinds {
        for (name, bound) in bounds {
            let rule = Race { bound, growth: Fraction::try_from(0.2)?, ..Race::default() };
            let trials = (0..TRIALS)
                .map(|seed| play(&rule, &recipe.table(seed), seed))
                .collect::<Result<Vec<_>, _>>()?;
            let Some(seen) = Performance::of(&trials) else { continue };
            let percent = |share: f64| format!("{:.2}", 100.0 * share);
            let (broken, best) = (percent(seen.broken), percent(seen.best));
            let (median, most) = (percent(seen.median_cost), percent(seen.cost_90));
            println!("| {kind} | {name} | {broken} | {best} | {median} | {most} |");
        }
    }
    Ok(())
}
