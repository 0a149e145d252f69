//! `gradient-conflict`: whether wordings of lower pre-update loss give gradients that conflict less with other tasks'.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use anyhow::Context;
use sapo_lab::plots::{self, HeatMap, HeatRow, Lines, Series};
use sapo_lab::tables::Table;
use sapo_learn::triple::quantity;
use sapo_metrics::Estimate;

use super::results::{Results, TripleRun};
use super::summary::{ByRun, correct, shown_p, too_few};
use crate::reporting::{SIGNIFICANT, marked, mean, note};

const TARGETS: [&str; 2] = ["T1", "T3"];

/// The cosine at one rank.
struct Cosine {
    /// 1 is the lowest loss.
    rank: usize,
    target: &'static str,
    /// None: all modules as one vector.
    module: Option<String>,
    cosine: Estimate,
    runs: usize,
}

/// The first rank against the last.
struct Test {
    target: &'static str,
    module: Option<String>,
    difference: Estimate,
    triples: usize,
    p: Option<f64>,
    p_holm: Option<f64>,
}

pub(super) fn report(results: &Results, tables: &Path, plots: &Path) -> anyhow::Result<String> {
    let ranks = ranks(results);
    let modules = modules(results);
    let cosines = cosines(results, &ranks, &modules)?;
    anyhow::ensure!(!cosines.is_empty(), "no run holds cosines");
    let tests = tests(results, &ranks, &modules)?;
    cosines_table(&cosines, results.limited)?.write_all(tables)?;
    if !tests.is_empty() {
        tests_table(&tests, &ranks, results.limited)?.write_all(tables)?;
    }
    lines(&cosines, results.limited)?.write(plots, "by_rank")?;
    heat_map(&cosines, &ranks, &modules, results.limited)?.write(plots, "by_module")?;
    screen(&cosines, &tests, &ranks)
}

/// The ranks whose gradients were compared, of any run.
fn ranks(results: &Results) -> Vec<usize> {
    let of_run = |run: &TripleRun| -> Vec<usize> {
        let has = |wording: usize| run.value(&quantity::cosine("T1"), wording).is_some();
        run.by_rank()
            .into_iter()
            .zip(1..)
            .filter(|(wording, _)| has(*wording))
            .map(|(_, rank)| rank)
            .collect()
    };
    results.runs.iter().flat_map(of_run).collect::<BTreeSet<_>>().into_iter().collect()
}

/// In the order of the layers.
fn modules(results: &Results) -> Vec<String> {
    let names: BTreeSet<&str> = results.runs.iter().flat_map(TripleRun::modules).collect();
    let mut names: Vec<String> = names.into_iter().map(String::from).collect();
    names.sort_by_key(|name| {
        let layer = name.split('.').find_map(|part| part.parse::<usize>().ok());
        (layer.unwrap_or(usize::MAX), name.clone())
    });
    names
}

/// The cosine of a run at a rank; that with T3 is the mean over the unseen tasks.
fn cosine(run: &TripleRun, rank: usize, target: &str, module: Option<&str>) -> Option<f64> {
    let wording = *run.by_rank().get(rank - 1)?;
    let roles = if target == "T3" { run.unseen() } else { vec![target.to_string()] };
    let of = |role: &String| {
        let quantity = module.map_or(quantity::cosine(role), |module| quantity::cosine_of(role, module));
        run.value(&quantity, wording)
    };
    mean(&roles.iter().filter_map(of).collect::<Vec<_>>())
}

fn with_whole(modules: &[String]) -> impl Iterator<Item = Option<&str>> {
    std::iter::once(None).chain(modules.iter().map(|module| Some(module.as_str())))
}

fn cosines(results: &Results, ranks: &[usize], modules: &[String]) -> anyhow::Result<Vec<Cosine>> {
    let mut cosines = Vec::new();
    for target in TARGETS {
        for module in with_whole(modules) {
            for &rank in ranks {
                let found: ByRun<'_> = results
                    .runs
                    .iter()
                    .filter_map(|run| Some((run.current(), cosine(run, rank, target, module)?)))
                    .collect();
                if let Some(estimate) = found.estimate()? {
                    let (module, runs) = (module.map(String::from), found.0.len());
                    cosines.push(Cosine { rank, target, module, cosine: estimate, runs });
                }
            }
        }
    }
    Ok(cosines)
}

fn tests(results: &Results, ranks: &[usize], modules: &[String]) -> anyhow::Result<Vec<Test>> {
    let (Some(&first), Some(&last)) = (ranks.first(), ranks.last()) else { return Ok(Vec::new()) };
    let mut tests = Vec::new();
    for target in TARGETS {
        for module in with_whole(modules) {
            let difference = |run: &TripleRun| {
                Some(cosine(run, first, target, module)? - cosine(run, last, target, module)?)
            };
            let found: ByRun<'_> =
                results.runs.iter().filter_map(|run| Some((run.current(), difference(run)?))).collect();
            if let (Some(estimate), true) = (found.estimate()?, first != last) {
                tests.push(Test {
                    target,
                    module: module.map(String::from),
                    difference: estimate,
                    triples: found.by_current().len(),
                    p: found.p()?,
                    p_holm: None,
                });
            }
        }
    }
    for whole in [true, false] {
        let family = tests.iter_mut().filter(|test| test.module.is_none() == whole);
        correct(family.map(|test| (test.p, &mut test.p_holm)))?;
    }
    Ok(tests)
}

fn named(module: Option<&String>) -> &str {
    module.map_or("all together", String::as_str)
}

fn cosines_table(cosines: &[Cosine], limited: bool) -> anyhow::Result<Table> {
    let caption = "Cosine of the first gradient on T2, under the wording of that rank by pre-update loss (1: lowest, over the \
                   original and the paraphrases), with the gradient on another task under its original wording, at the \
                   state after T1 and the adapter with which T2's training begins: of all LoRA-B matrices as one vector, and \
                   of each. T3: mean over the unseen tasks. Mean over triples (means over seeds and over triples that share T2) with \
                   95 % bootstrap interval.";
    Ok(Table::builder("cosines", marked(caption, limited))
        .text("target", cosines.iter().map(|row| row.target))
        .text("module", cosines.iter().map(|row| named(row.module.as_ref())))
        .integer("rank", cosines.iter().map(|row| row.rank as i64))
        .integer("runs", cosines.iter().map(|row| row.runs as i64))
        .estimate("cosine", 3, cosines.iter().map(|row| row.cosine))
        .build()?)
}

fn tests_table(tests: &[Test], ranks: &[usize], limited: bool) -> anyhow::Result<Table> {
    let ends = format!("rank {} minus rank {}", ranks[0], ranks[ranks.len() - 1]);
    let caption = format!(
        "Cosines of table cosines, {ends}, paired by run; above 0: the wording of lower loss conflicts less. Mean over \
         triples (means over seeds) with 95 % bootstrap interval; p: sign-flip test over them; Holm: over both targets of all modules \
         together, and over all single modules."
    );
    Ok(Table::builder("conflict_tests", marked(&caption, limited))
        .text("target", tests.iter().map(|test| test.target))
        .text("module", tests.iter().map(|test| named(test.module.as_ref())))
        .integer("triples", tests.iter().map(|test| test.triples as i64))
        .estimate("difference", 3, tests.iter().map(|test| test.difference))
        .optional_p_value("p", tests.iter().map(|test| test.p))
        .optional_p_value("p_holm", tests.iter().map(|test| test.p_holm))
        .heading("p (Holm)")
        .build()?)
}

fn lines(cosines: &[Cosine], limited: bool) -> anyhow::Result<plots::Figure> {
    let names = ["with T1 (seen)", "with T3 (unseen)"];
    let series = TARGETS.iter().zip(names).map(|(target, name)| Series {
        name: name.to_string(),
        points: cosines
            .iter()
            .filter(|row| row.target == *target && row.module.is_none())
            .map(|row| (row.rank as f64, row.cosine))
            .collect(),
    });
    Ok(plots::lines(&Lines {
        title: format!("First gradient on T2 against gradients on other tasks{}", note(limited)),
        x: "rank of the wording by pre-update loss (1: lowest)".to_string(),
        y: "cosine, all LoRA-B matrices".to_string(),
        series: series.collect(),
    })?)
}

/// `model.layers.0.self_attn.q_proj` as `layer 0 q_proj`.
fn short(module: &str) -> String {
    let layer = module.split('.').find(|part| part.parse::<usize>().is_ok());
    let last = module.rsplit('.').next().unwrap_or(module);
    layer.map_or(module.to_string(), |layer| format!("layer {layer} {last}"))
}

fn heat_map(
    cosines: &[Cosine],
    ranks: &[usize],
    modules: &[String],
    limited: bool,
) -> anyhow::Result<plots::Figure> {
    let columns: Vec<(&str, usize)> =
        TARGETS.iter().flat_map(|target| ranks.iter().map(|&rank| (*target, rank))).collect();
    let value = |module: Option<&str>, (target, rank): (&str, usize)| {
        let of = |row: &&Cosine| row.target == target && row.rank == rank && row.module.as_deref() == module;
        cosines.iter().find(of).map(|row| row.cosine.mean)
    };
    let row = |module: Option<&str>| HeatRow {
        name: module.map_or("all together".to_string(), short),
        whole: module.is_none(),
        values: columns.iter().map(|&column| value(module, column)).collect(),
    };
    let rows: Vec<HeatRow> =
        modules.iter().map(|module| row(Some(module))).chain(std::iter::once(row(None))).collect();
    let largest =
        rows.iter().flat_map(|row| row.values.iter().flatten()).fold(0.0, |most: f64, v| most.max(v.abs()));
    Ok(plots::heat_map(&HeatMap {
        title: format!("Cosine with the gradient on T1 and on T3 by module and rank{}", note(limited)),
        value: "cosine of first gradients, mean over triples; rank 1: lowest pre-update loss".to_string(),
        columns: columns.iter().map(|(target, rank)| format!("{target} · {rank}")).collect(),
        rows,
        limit: if largest > 0.0 { largest } else { 1.0 },
    })?)
}

fn screen(cosines: &[Cosine], tests: &[Test], ranks: &[usize]) -> anyhow::Result<String> {
    let mut screen = String::new();
    writeln!(
        screen,
        "Cosine of the first gradient on T2 with that on another task, all LoRA-B matrices, mean over triples:"
    )?;
    writeln!(screen, "{:6}{:26}{:26}", "rank", "with T1 (seen)", "with T3 (unseen)")?;
    for &rank in ranks {
        write!(screen, "{rank:<6}")?;
        for target in TARGETS {
            let of = |row: &&Cosine| row.rank == rank && row.target == target && row.module.is_none();
            let cosine = cosines.iter().find(of).context("a rank without a cosine")?.cosine;
            write!(screen, "{:26}", format!("{cosine:.3}"))?;
        }
        screen.truncate(screen.trim_end().len());
        writeln!(screen)?;
    }
    for test in tests.iter().filter(|test| test.module.is_none()) {
        let difference = test.difference;
        let verdict = match (test.p_holm.is_some_and(|p| p < SIGNIFICANT), difference.mean > 0.0) {
            (false, _) => "undecided",
            (true, true) => "lower loss, less conflict",
            (true, false) => "lower loss, more conflict",
        };
        let (first, last) = (ranks[0], ranks[ranks.len() - 1]);
        writeln!(
            screen,
            "{}: rank {first} minus rank {last} {difference:.3} over {} triples, {} (Holm): {verdict}",
            test.target,
            test.triples,
            shown_p(test.p_holm)
        )?;
    }
    let whole = || tests.iter().filter(|test| test.module.is_none());
    let triples = whole().map(|test| test.triples).max().unwrap_or(0);
    if let Some(remark) = too_few(triples, whole().count()) {
        writeln!(screen, "{remark}")?;
    }
    for target in TARGETS {
        let of_modules: Vec<&Test> =
            tests.iter().filter(|test| test.target == target && test.module.is_some()).collect();
        let positive = of_modules.iter().filter(|test| test.difference.mean > 0.0).count();
        writeln!(
            screen,
            "{target}: the difference is positive in {positive} of {} modules",
            of_modules.len()
        )?;
    }
    Ok(screen)
}
