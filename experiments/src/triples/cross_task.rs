//! `cross-task`: whether what a wording of T2 does to one task goes along with what it does to another.

use std::fmt::Write;
use std::path::Path;

use itertools::Itertools;
use sapo_lab::plots::{self, Dots, HeatMap, HeatRow, Scatter};
use sapo_lab::tables::Table;
use sapo_metrics::{Correlation, Estimate};

use super::correlations::Wordings;
use super::results::{Results, TripleRun};
use super::spread::kind_name;
use super::summary::{ALL_KINDS, ByRun, correct, shown_p, too_few};
use crate::reporting::{SIGNIFICANT, marked, mean, note};

/// The kinds of pairs, in the order of tables.
const RELATIONS: [&str; 4] = ["T1-T3", "T3-T3", "T1-T2", "T2-T3"];

/// Two tasks of a triple.
struct Pair {
    kind: String,
    triple: String,
    /// Name of T2.
    current: String,
    roles: (String, String),
    relation: &'static str,
    wordings: Wordings,
    seeds: usize,
    /// Of the changes by wording, each the mean over the seeds.
    pearson: Option<Correlation>,
    spearman: Option<Correlation>,
    /// Mean over the seeds of the correlation within each.
    within_seed: Option<f64>,
}

pub(super) fn report(results: &Results, tables: &Path, plots: &Path) -> anyhow::Result<String> {
    let pairs = pairs(results)?;
    pairs_table(&pairs, results.limited)?.write_all(tables)?;
    let means = means(results, &pairs)?;
    means_table(&means, results.limited)?.write_all(tables)?;
    scatter(results, &means)?.write(plots, "changes")?;
    heat_map(&pairs, results.limited)?.write(plots, "correlations")?;
    screen(results, &means, &pairs)
}

fn relation(a: &str, b: &str) -> Option<&'static str> {
    let pair = format!("{}-{}", &a[..2], &b[..2]);
    RELATIONS.into_iter().find(|known| *known == pair)
}

/// The change by wording, mean over seeds: what is the wording's own stays, the seed's noise becomes less.
fn mean_changes(runs: &[&TripleRun], role: &str) -> Vec<f64> {
    let changes: Vec<Vec<f64>> = runs.iter().map(|run| run.changes(role)).collect();
    (0..changes[0].len()).map(|w| changes.iter().map(|c| c[w]).sum::<f64>() / changes.len() as f64).collect()
}

fn pairs(results: &Results) -> anyhow::Result<Vec<Pair>> {
    let mut pairs = Vec::new();
    for runs in results.triples() {
        let roles = runs[0].roles();
        for wordings in Wordings::BOTH {
            for (place, a) in roles.iter().enumerate() {
                for b in &roles[place + 1..] {
                    let Some(relation) = relation(a, b) else { continue };
                    let (of_a, of_b) = (mean_changes(&runs, a), mean_changes(&runs, b));
                    let mut within = Vec::new();
                    for run in &runs {
                        within
                            .extend(wordings.pearson(&run.changes(a), &run.changes(b))?.map(|found| found.r));
                    }
                    pairs.push(Pair {
                        kind: runs[0].kind.clone(),
                        triple: runs[0].triple.clone(),
                        current: runs[0].current().to_string(),
                        roles: (a.clone(), b.clone()),
                        relation,
                        wordings,
                        seeds: runs.len(),
                        pearson: wordings.pearson(&of_a, &of_b)?,
                        spearman: wordings.spearman(&of_a, &of_b)?,
                        within_seed: mean(&within),
                    });
                }
            }
        }
    }
    Ok(pairs)
}

fn shown(correlation: Option<Correlation>) -> Option<Estimate> {
    correlation.map(|Correlation { r, low, high, n, .. }| Estimate { mean: r, low, high, n })
}

fn pairs_table(pairs: &[Pair], limited: bool) -> anyhow::Result<Table> {
    let caption = "Correlation over the wordings of T2 of what they change on two tasks (ROUGE-L, against the original; mean \
                   over seeds), with 95 % interval by Fisher's z; r within seeds: the mean over seeds of the correlation in \
                   each. n/a where the scores of a task do not differ.";
    Ok(Table::builder("cross_task", marked(caption, limited))
        .text("triple", pairs.iter().map(|pair| pair.triple.as_str()))
        .text("a", pairs.iter().map(|pair| pair.roles.0.as_str()))
        .text("b", pairs.iter().map(|pair| pair.roles.1.as_str()))
        .text("wordings", pairs.iter().map(|pair| pair.wordings.name()))
        .integer("seeds", pairs.iter().map(|pair| pair.seeds as i64))
        .optional_estimate("pearson", 2, pairs.iter().map(|pair| shown(pair.pearson)))
        .heading("Pearson")
        .optional_estimate("spearman", 2, pairs.iter().map(|pair| shown(pair.spearman)))
        .heading("Spearman")
        .optional_float("within_seeds", 2, pairs.iter().map(|pair| pair.within_seed))
        .heading("r within seeds")
        .build()?)
}

/// The mean over triples.
struct Mean {
    kind: String,
    relation: &'static str,
    wordings: Wordings,
    pearson: Option<Estimate>,
    spearman: Option<Estimate>,
    p: Option<f64>,
    p_holm: Option<f64>,
    /// Pairs of tasks that have a correlation, of how many.
    defined: (usize, usize),
}

fn means(results: &Results, pairs: &[Pair]) -> anyhow::Result<Vec<Mean>> {
    let mut means = Vec::new();
    for wordings in Wordings::BOTH {
        for kind in std::iter::once(ALL_KINDS).chain(results.kinds()) {
            for relation in RELATIONS {
                let of = |pair: &&Pair| {
                    pair.wordings == wordings
                        && pair.relation == relation
                        && (kind == ALL_KINDS || pair.kind == kind)
                };
                let chosen: Vec<&Pair> = pairs.iter().filter(of).collect();
                let by = |number: fn(&Pair) -> Option<Correlation>| -> ByRun<'_> {
                    chosen.iter().filter_map(|pair| Some((pair.current.as_str(), number(pair)?.r))).collect()
                };
                let (pearson, spearman) = (by(|pair| pair.pearson), by(|pair| pair.spearman));
                if !chosen.is_empty() {
                    means.push(Mean {
                        kind: kind.to_string(),
                        relation,
                        wordings,
                        p: pearson.p()?,
                        p_holm: None,
                        defined: (pearson.0.len(), chosen.len()),
                        pearson: pearson.estimate()?,
                        spearman: spearman.estimate()?,
                    });
                }
            }
        }
    }
    // the types alone have too few triples to decide anything, and are corrected apart
    for whole in [true, false] {
        let family = means.iter_mut().filter(|mean| (mean.kind == ALL_KINDS) == whole);
        correct(family.map(|mean| (mean.p, &mut mean.p_holm)))?;
    }
    Ok(means)
}

fn means_table(means: &[Mean], limited: bool) -> anyhow::Result<Table> {
    let caption = "Mean over triples of the correlations of table cross_task, each triple being the mean over its pairs of \
                   tasks, and triples that share T2 one, with 95 % bootstrap interval over triples; p: sign-flip test of no mean over triples (Pearson); \
                   Holm: over the rows of type all, and over the others; pairs: pairs of tasks that have a correlation, of all.";
    let pairs = means.iter().map(|mean| format!("{} of {}", mean.defined.0, mean.defined.1));
    Ok(Table::builder("cross_task_means", marked(caption, limited))
        .text("wordings", means.iter().map(|mean| mean.wordings.name()))
        .text("type", means.iter().map(|mean| mean.kind.as_str()))
        .text("tasks", means.iter().map(|mean| mean.relation))
        .text("pairs", pairs)
        .optional_estimate("pearson", 2, means.iter().map(|mean| mean.pearson))
        .heading("Pearson")
        .optional_estimate("spearman", 2, means.iter().map(|mean| mean.spearman))
        .heading("Spearman")
        .optional_p_value("p", means.iter().map(|mean| mean.p))
        .optional_p_value("p_holm", means.iter().map(|mean| mean.p_holm))
        .heading("p (Holm)")
        .build()?)
}

fn scatter(results: &Results, means: &[Mean]) -> anyhow::Result<plots::Figure> {
    let mut groups: Vec<Dots> = results
        .kinds()
        .into_iter()
        .map(|kind| Dots { name: kind_name(kind).to_string(), points: Vec::new() })
        .collect();
    for runs in results.triples() {
        let seen = mean_changes(&runs, "T1");
        for role in runs[0].unseen() {
            let points = seen.iter().copied().zip(mean_changes(&runs, &role)).skip(1);
            if let Some(group) = groups.iter_mut().find(|group| group.name == kind_name(&runs[0].kind)) {
                group.points.extend(points);
            }
        }
    }
    let whole = means.iter().find(|mean| {
        mean.kind == ALL_KINDS && mean.relation == "T1-T3" && mean.wordings == Wordings::Paraphrases
    });
    let remark = whole.and_then(|mean| mean.pearson).map(|r| {
        format!("A dot: a paraphrase and one unseen task, mean over seeds. Within triples r = {r:.2}.")
    });
    Ok(plots::scatter(&Scatter {
        title: format!("What a paraphrase of T2 changes on T1 and on T3{}", note(results.limited)),
        x: "change on T1, seen (ROUGE-L points)".to_string(),
        y: "change on T3, unseen (ROUGE-L points)".to_string(),
        groups,
        remark,
    })?)
}

/// Of all wordings, as the paper; a row for each triple.
fn heat_map(pairs: &[Pair], limited: bool) -> anyhow::Result<plots::Figure> {
    let shown = || pairs.iter().filter(|pair| pair.wordings == Wordings::All);
    let name = |pair: &Pair| format!("{}–{}", pair.roles.0, pair.roles.1);
    let of = |relation| shown().filter(move |pair| pair.relation == relation);
    let columns: Vec<String> = RELATIONS.into_iter().flat_map(of).map(name).unique().collect();
    let mut rows: Vec<HeatRow> = Vec::new();
    for pair in shown() {
        if rows.last().is_none_or(|row| row.name != pair.triple) {
            rows.push(HeatRow { name: pair.triple.clone(), whole: false, values: vec![None; columns.len()] });
        }
        let column = columns.iter().position(|column| *column == name(pair));
        if let (Some(row), Some(column)) = (rows.last_mut(), column) {
            row.values[column] = pair.pearson.map(|found| found.r);
        }
    }
    if rows.len() > 1 {
        let of = |column: usize| mean(&rows.iter().filter_map(|row| row.values[column]).collect::<Vec<_>>());
        let values = (0..columns.len()).map(of).collect();
        rows.push(HeatRow { name: "mean".to_string(), whole: true, values });
    }
    Ok(plots::heat_map(&HeatMap {
        title: format!("Does a wording that spares one task spare another?{}", note(limited)),
        value: "Pearson correlation over the wordings of T2 of the changes on two tasks".to_string(),
        columns,
        rows,
        limit: 1.0,
    })?)
}

fn screen(results: &Results, means: &[Mean], pairs: &[Pair]) -> anyhow::Result<String> {
    let mut screen = String::new();
    writeln!(screen, "Pearson correlation over wordings of the changes on two tasks, mean over triples:")?;
    writeln!(screen, "{:18}{:8}{:26}test of no correlation", "wordings", "tasks", "r")?;
    for mean in means.iter().filter(|mean| mean.kind == ALL_KINDS) {
        let r = mean.pearson.map_or("n/a".to_string(), |r| format!("{r:.2}"));
        let verdict = match (mean.p_holm, mean.pearson) {
            (Some(p), Some(r)) if p < SIGNIFICANT => {
                if r.mean > 0.0 {
                    "positive"
                } else {
                    "negative"
                }
            }
            _ => "undecided",
        };
        let p = shown_p(mean.p_holm);
        writeln!(screen, "{:18}{:8}{r:26}{p} (Holm), {verdict}", mean.wordings.name(), mean.relation)?;
    }
    let tested = means.iter().filter(|mean| mean.kind == ALL_KINDS && mean.p.is_some()).count();
    if let Some(remark) = too_few(results.currents(), tested) {
        writeln!(screen, "{remark}")?;
    }
    writeln!(
        screen,
        "By type, T1-T3, all wordings (the paper, Llama-2-7b: G1 .68 .51 .51, C1 .50 .70 .33):"
    )?;
    for mean in means.iter().filter(|mean| mean.kind != ALL_KINDS && mean.relation == "T1-T3") {
        if mean.wordings == Wordings::All {
            let r = mean.pearson.map_or("n/a".to_string(), |r| format!("{r:.2}"));
            writeln!(screen, "  {:16}{r}", kind_name(&mean.kind))?;
        }
    }
    let undefined = pairs.iter().filter(|pair| pair.pearson.is_none()).count();
    if undefined > 0 {
        writeln!(
            screen,
            "{undefined} of {} correlations are not defined: a task scores the same under all.",
            pairs.len()
        )?;
    }
    Ok(screen)
}
