//! The form of the paper's main table: a row for each method alone, below it one for what each arm adds.

use itertools::Itertools;
use sapo_lab::tables::Table;
use sapo_metrics::Estimate;

use super::OfStreams;
use crate::comparison::groups::METRICS;
use crate::comparison::paired::PairedRow;
use crate::reporting::{SIGNIFICANT, marked};

/// A method alone, or an arm around it.
struct Line<'a> {
    method: &'a str,
    arm: String,
    /// Runs, or pairs of runs, of each stream that has any.
    seeds: Vec<usize>,
    /// By stream and metric, as in the heading.
    cells: Vec<Option<String>>,
}

/// The cells are texts, for scores and differences stand in one column; `by_arm` and `against_*` hold them as numbers.
pub(super) fn table(results: &OfStreams) -> anyhow::Result<Table> {
    let streams = results.values(0);
    let mut lines = Vec::new();
    for method in results.values(results.method) {
        lines.extend(alone(results, method, &streams)?);
        lines.extend(added(results, method, &streams));
    }
    let mut table = Table::builder("paper_form", marked(&caption(results), results.limited))
        .text("method", lines.iter().map(|line| line.method))
        .text("arm", lines.iter().map(|line| line.arm.as_str()))
        .text("seeds", lines.iter().map(|line| range(&line.seeds)));
    let columns = streams.iter().flat_map(|stream| METRICS.map(|metric| (stream, metric)));
    for (place, (stream, metric)) in columns.enumerate() {
        let name = format!("{stream}_{}", metric.to_lowercase());
        let cells = lines.iter().map(|line| line.cells[place].as_deref());
        table = table.optional_text(&name, cells).heading(format!("{stream} {metric} ↑"));
    }
    Ok(table.build()?)
}

fn caption(results: &OfStreams) -> String {
    let runs: usize = results.rows.iter().flat_map(|row| &row.arms).map(|arm| arm.by_seed.len()).sum();
    let (baseline, tests) = (results.baseline, results.paired.len());
    format!(
        "As the paper's Table 1, {runs} runs. Rows {baseline}: the method alone, mean over seeds with 95 % bootstrap interval \
         (BCa), ROUGE-L points, convention 'released'. Rows with a plus: what the arm changes, minus {baseline} and paired by \
         seed, with its interval; * marks p < {SIGNIFICANT} in the permutation test after Holm's correction over all {tests} \
         differences of this table."
    )
}

/// The row of the baseline; none where it has no run under this method.
fn alone<'a>(results: &OfStreams, method: &'a str, streams: &[&str]) -> anyhow::Result<Option<Line<'a>>> {
    let mut line = Line { method, arm: results.baseline.to_string(), seeds: Vec::new(), cells: Vec::new() };
    for stream in streams {
        let row = results.rows.iter().find(|row| at(results, &row.values, stream, method));
        let arm = row.and_then(|row| row.arms.iter().find(|arm| arm.arm == results.baseline));
        line.seeds.extend(arm.map(|arm| arm.by_seed.len()));
        for metric in 0..METRICS.len() {
            line.cells.push(arm.map(|arm| arm.estimate(0, metric)).transpose()?.map(|score| shown(&score)));
        }
    }
    Ok((!line.seeds.is_empty()).then_some(line))
}

/// The rows of the other arms that can be compared.
fn added<'a>(results: &OfStreams, method: &'a str, streams: &[&str]) -> Vec<Line<'a>> {
    let of_method = results.paired.iter().filter(|row| row.values[results.method] == method);
    let arms: Vec<&str> = of_method.map(|row| row.arm).unique().collect();
    let line = |arm: &str| {
        let mut line = Line { method, arm: format!("+ {arm}"), seeds: Vec::new(), cells: Vec::new() };
        for stream in streams {
            let of_stream = |row: &&PairedRow| row.arm == arm && at(results, &row.values, stream, method);
            let rows: Vec<&PairedRow> = results.paired.iter().copied().filter(of_stream).collect();
            line.seeds.extend(rows.first().map(|row| row.comparison.n));
            let cell = |metric| rows.iter().find(|row| row.metric == metric).map(|row| difference(row));
            line.cells.extend(METRICS.map(cell));
        }
        line
    };
    arms.into_iter().map(line).collect()
}

fn at(results: &OfStreams, values: &[String], stream: &str, method: &str) -> bool {
    values[0] == stream && values[results.method] == method
}

/// A true minus sign, which LaTeX gets as one.
fn shown(estimate: &Estimate) -> String {
    estimate.to_string().replace('-', "−")
}

/// `+2.1 [0.3, 4.0]*`.
fn difference(row: &PairedRow) -> String {
    let shown = shown(&row.comparison.difference);
    let plus = if shown.starts_with('−') || shown.starts_with("0.0 ") { "" } else { "+" };
    let mark = if row.p_holm < SIGNIFICANT { "*" } else { "" };
    format!("{plus}{shown}{mark}")
}

/// `30`, or `28 to 30` where streams differ.
fn range(counts: &[usize]) -> String {
    let (least, most) = (counts.iter().min().unwrap_or(&0), counts.iter().max().unwrap_or(&0));
    if least == most { most.to_string() } else { format!("{least} to {most}") }
}
