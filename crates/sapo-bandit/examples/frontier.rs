//! What each rule finds and costs, on made-up problems or on recorded tables.
//!
//! `cargo run --release -p sapo-bandit --example frontier [RULE ...] [TABLE.json ...]`
//!
//! A rule is its configuration as JSON, `'{"race": {"delta": 0.01}}'`; without any, all rules play with their defaults.
//! A table is the path of a file with one `LossTable`; the tables are played in turn until there are 1,000 trials.
//! Without any, 1,000 made-up problems of each kind are played.

use std::error::Error;

use sapo_bandit::SelectorConfig;
use sapo_bandit::simulator::{LossTable, Performance, Synthetic, Tail, play};

const TRIALS: usize = 1000;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let (rules, files): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|text| text.starts_with('{'));
    let rules = rules.iter().map(|text| serde_json::from_str(text)).collect::<Result<Vec<_>, _>>()?;
    let rules = if rules.is_empty() { all_that_ask() } else { rules };
    if !files.is_empty() {
        return report("recorded", &files.iter().map(read).collect::<Result<Vec<_>, _>>()?, &rules);
    }
    for (name, recipe) in kinds() {
        let tables: Vec<LossTable> = (0..TRIALS as u64).map(|seed| recipe.table(seed)).collect();
        report(name, &tables, &rules)?;
    }
    Ok(())
}

fn all_that_ask() -> Vec<SelectorConfig> {
    let asks = |rule: &SelectorConfig| !matches!(rule.name(), "worst" | "original" | "shortest" | "longest");
    SelectorConfig::all().into_iter().filter(asks).collect()
}

fn read(path: &String) -> Result<LossTable, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    Ok(serde_json::from_str(&text).map_err(|error| format!("{path}: {error}"))?)
}

fn kinds() -> [(&'static str, Synthetic); 6] {
    let plain = Synthetic::default();
    [
        ("plain", plain),
        ("far apart", Synthetic { spread: 0.3, ..plain }),
        ("close together", Synthetic { spread: 0.1, ..plain }),
        ("heavy tails", Synthetic { tail: Tail::Heavy, ..plain }),
        ("outliers", Synthetic { tail: Tail::Outliers, ..plain }),
        ("three near ties", Synthetic { near_ties: 3, ..plain }),
    ]
}

fn report(name: &str, tables: &[LossTable], rules: &[SelectorConfig]) -> Result<(), Failure> {
    println!("\n{name}\n");
    println!(
        "| rule | best, % | regret <= 1 % of spread, % | mean regret, nats | cost median, % | cost 90 %, % \
         | promise broken, % |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for config in rules {
        let rule = config.build();
        let trials = (0..TRIALS)
            .map(|trial| play(rule.as_ref(), &tables[trial % tables.len()], trial as u64))
            .collect::<Result<Vec<_>, _>>()?;
        let Some(seen) = Performance::of(&trials) else { continue };
        let percent = |share: f64| format!("{:.1}", 100.0 * share);
        println!(
            "| `{}` | {} | {} | {:.5} | {} | {} | {} |",
            serde_json::to_string(config)?.replace('"', ""),
            percent(seen.best),
            percent(seen.good),
            seen.regret,
            percent(seen.median_cost),
            percent(seen.cost_90),
            percent(seen.broken)
        );
    }
    Ok(())
}
