//! What each rule finds and costs, on made-up problems or on recorded tables.
//!
//! `cargo run --release -p sapo-bandit --example frontier [TABLE.json ...]`; each file holds one `LossTable`, and is
//! played with as many seeds as make 1,000 trials. Without files, 1,000 made-up problems of each kind are played.

use std::error::Error;

use sapo_bandit::SelectorConfig;
use sapo_bandit::simulator::{LossTable, Performance, Synthetic, Tail, play};

const TRIALS: usize = 1000;

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        for (name, recipe) in kinds() {
            let tables: Vec<LossTable> = (0..TRIALS as u64).map(|seed| recipe.table(seed)).collect();
            report(name, &tables)?;
        }
        return Ok(());
    }
    let read = |path: &String| -> Result<LossTable, Box<dyn Error + Send + Sync>> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
        Ok(serde_json::from_str(&text).map_err(|error| format!("{path}: {error}"))?)
    };
    report("recorded", &files.iter().map(read).collect::<Result<Vec<_>, _>>()?)
}

fn kinds() -> [(&'static str, Synthetic); 5] {
    let plain = Synthetic::default();
    [
        ("plain", plain),
        ("heavy tails", Synthetic { tail: Tail::Heavy, ..plain }),
        ("outliers", Synthetic { tail: Tail::Outliers, ..plain }),
        ("near ties", Synthetic { near_ties: 4, ..plain }),
        ("close together", Synthetic { spread: 0.1, ..plain }),
    ]
}

fn report(name: &str, tables: &[LossTable]) -> Result<(), Box<dyn Error + Send + Sync>> {
    println!("\n{name}\n");
    println!(
        "| rule | exhaustive winner, % | regret <= 1 % of spread, % | mean regret, nats | cost median, % | cost 90 %, % | promise broken, % |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for (label, rule) in rules()? {
        let rule = rule.build();
        let trials = (0..TRIALS)
            .map(|trial| play(rule.as_ref(), &tables[trial % tables.len()], trial as u64))
            .collect::<Result<Vec<_>, _>>()?;
        let Some(seen) = Performance::of(&trials) else { continue };
        let percent = |share: f64| format!("{:.1}", 100.0 * share);
        println!(
            "| {label} | {} | {} | {:.5} | {} | {} | {} |",
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

fn rules() -> Result<Vec<(String, SelectorConfig)>, serde_json::Error> {
    let asks = |rule: &SelectorConfig| !matches!(rule.name(), "worst" | "original" | "shortest" | "longest");
    let mut rules: Vec<_> =
        SelectorConfig::all().into_iter().filter(asks).map(|rule| (rule.name().to_owned(), rule)).collect();
    if let Ok(more) = std::env::var("RULES") {
        rules.clear();
        for text in more.split(';') {
            rules.push((text.to_owned(), serde_json::from_str(text)?));
        }
    }
    Ok(rules)
}
