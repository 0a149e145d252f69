//! `just experiment selectors`: which rule finds the best wording for the fewest tokens? Every rule is played on the
//! recorded loss tables that ship; no model is asked.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::Parser;
use experiments::loss_tables::{Played, Population, Recorded, load, play_rule};
use experiments::{exit_code, places};
use sapo_bandit::SelectorConfig;
use sapo_lab::plots::{Figure, NamedPoint, NamedPoints, named_points};
use sapo_lab::tables::Table;
use sapo_metrics::Estimate;

/// Which rule finds the best wording for the fewest tokens?
#[derive(Debug, Parser)]
#[command(name = "selectors", version)]
struct Args {
    /// Rules by name or as JSON, '{"race": {"delta": 0.01}}' [default: every rule that asks or draws, with its defaults]
    rules: Vec<String>,
    /// Folder with recorded tables
    #[arg(long, value_name = "DIR")]
    tables: Option<PathBuf>,
    /// Tables to play on: those of the streams for choosing settings, or the others
    #[arg(long, value_name = "PART", default_value = "test", value_parser = ["development", "test"])]
    part: String,
    /// Problems a table and population
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Folder of the runs of all experiments
    #[arg(long, default_value = "runs", value_name = "DIR")]
    out: PathBuf,
}

fn main() -> ExitCode {
    exit_code(run(&Args::parse()))
}

fn run(args: &Args) -> anyhow::Result<()> {
    let rules = rules(&args.rules)?;
    let folder = args.tables.clone().unwrap_or_else(|| places::project("data/loss-tables"));
    let tables = load(&folder)?;
    let part: Vec<&Recorded> =
        tables.iter().filter(|table| table.is_development() == (args.part == "development")).collect();
    // an interval over tables needs two
    ensure!(
        part.len() > 1,
        "{}: {} tables of the {} part, expected at least 2",
        folder.display(),
        part.len(),
        args.part
    );
    println!("{} tables, {} problems each, {} part", part.len(), args.seeds, args.part);
    let out = args.out.join("selectors");
    for (population, name) in [(Population::Whole, "whole"), (Population::Part, "part")] {
        let played = rules.iter().map(|&rule| play_rule(rule, &part, population, args.seeds));
        let played = played.collect::<anyhow::Result<Vec<_>>>()?;
        let table = table(&format!("selectors_{}_{name}", args.part), &played)?;
        table.write_all(out.join("tables"))?;
        println!("\n{table}");
        if let Some(figure) = figure(&played)? {
            figure.write(out.join("plots"), &format!("selectors_{}_{name}", args.part))?;
        }
    }
    println!("tables  {}\nfigures {}", out.join("tables").display(), out.join("plots").display());
    Ok(())
}

fn rules(given: &[String]) -> anyhow::Result<Vec<SelectorConfig>> {
    if !given.is_empty() {
        let rule = |text: &String| match text.starts_with('{') {
            true => serde_json::from_str(text).with_context(|| text.clone()),
            false => text.parse().map_err(anyhow::Error::msg),
        };
        return given.iter().map(rule).collect();
    }
    // the tables hold no interference, without which this rule is the race
    let left_out = ["worst", "interference-aware"];
    Ok(SelectorConfig::all().into_iter().filter(|rule| !left_out.contains(&rule.name())).collect())
}

fn table(name: &str, played: &[Played]) -> anyhow::Result<Table> {
    let caption = "Every rule on recorded loss tables. Good: regret of at most 1 % of the spread of the arms, with 95 % \
                   bootstrap interval over tables. Cost: share of the forward tokens of exhaustive search, prefixes \
                   shared by both; unshared: of one that shares none. Broken: promises not kept.";
    let percent = |of: fn(&Played) -> f64| played.iter().map(move |rule| 100.0 * of(rule));
    let estimate = |of: fn(&Played) -> Estimate| played.iter().map(move |rule| in_percent(of(rule)));
    Ok(Table::builder(name, caption)
        .text("rule", played.iter().map(name_of))
        .integer("problems", played.iter().map(|rule| rule.all.trials as i64))
        .float("best", 1, percent(|rule| rule.all.best))
        .heading("best (%)")
        .estimate("good", 1, estimate(|rule| rule.good))
        .heading("good (%)")
        .float("regret", 4, played.iter().map(|rule| rule.all.regret))
        .heading("regret (nats)")
        .estimate("cost", 1, estimate(|rule| rule.cost))
        .heading("median cost (%)")
        .float("cost_90", 1, percent(|rule| rule.all.cost_90))
        .heading("cost, 90 % (%)")
        .float("unshared", 1, percent(|rule| rule.unshared_cost))
        .heading("unshared (%)")
        .float("broken", 1, percent(|rule| rule.all.broken))
        .heading("broken (%)")
        .build()?)
}

fn in_percent(Estimate { mean, low, high, n }: Estimate) -> Estimate {
    Estimate { mean: 100.0 * mean, low: 100.0 * low, high: 100.0 * high, n }
}

/// The rule with what differs from its defaults.
fn name_of(played: &Played) -> String {
    let standard = SelectorConfig::all().into_iter().any(|rule| rule == played.rule);
    if standard { played.rule.name().into() } else { serde_json::to_string(&played.rule).unwrap_or_default() }
}

/// None where no rule asks some but not all.
fn figure(played: &[Played]) -> anyhow::Result<Option<Figure>> {
    let asks = |rule: &&Played| rule.all.median_cost > 0.0 && rule.all.median_cost < 1.0;
    let point = |rule: &Played| NamedPoint {
        name: name_of(rule).replace('"', ""),
        x: 100.0 * rule.all.median_cost,
        y: in_percent(rule.good),
        bold: rule.rule == SelectorConfig::default(),
    };
    let points: Vec<NamedPoint> = played.iter().filter(asks).map(point).collect();
    if points.is_empty() {
        return Ok(None);
    }
    let figure = named_points(&NamedPoints {
        title: "Rules on recorded loss tables: how often they are right, and what they ask".into(),
        x: "median cost (% of the forward tokens of exhaustive search)".into(),
        y: "regret within 1 % of the spread (% of problems)".into(),
        points,
        goal: Some((25.0, 98.0)),
    })?;
    Ok(Some(figure))
}
