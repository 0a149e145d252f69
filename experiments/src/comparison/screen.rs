//! The final screen: what was found, in at most 30 lines.

use std::fmt::Write;

use itertools::Itertools;
use sapo_lab::ReportContext;

use super::ComparisonConfig;
use super::groups::{Groups, METRICS};
use super::tables::{PairedRow, paired_rows};
use crate::reporting::{SIGNIFICANT, shown_p};

/// So many tables of arms fit the screen.
const MOST_POINTS: usize = 3;

/// The smallest p that the exact sign-flip test can give with n pairs, times the number of tests, has to be below
/// [`SIGNIFICANT`]; otherwise no data could decide anything.
fn seeds_that_can_decide(tests: usize) -> usize {
    (1..).find(|&n| 2.0 / 2_f64.powi(n) * tests as f64 <= SIGNIFICANT).map_or(usize::MAX, |n| n as usize)
}

pub(super) fn render(
    name: &str,
    config: &ComparisonConfig,
    groups: &Groups,
    context: &ReportContext<'_>,
) -> anyhow::Result<String> {
    let mut screen = String::new();
    writeln!(screen, "{name}: {}", config.question)?;
    let limited = if groups.limited { "; LIMITED by --limit-train or --limit-eval" } else { "" };
    writeln!(screen, "{}, {} of {} runs{limited}\n", scope(groups), context.stored, context.cells)?;

    let widest = groups.arms().iter().map(|arm| arm.chars().count()).max().unwrap_or(0);
    let width = widest.max(8);
    let rows = groups.main_rows()?;
    // what does not fit a screen stands in the table by_arm
    for row in rows.iter().filter(|_| rows.len() <= MOST_POINTS) {
        if let Some(point) = point(groups, &row.values) {
            writeln!(screen, "{point}")?;
        }
        writeln!(screen, "{:width$} {:>5}   {:22}{:22}FWT ↑", "arm", "seeds", "AP ↑", "BWT ↑")?;
        for arm in &row.arms {
            write!(screen, "{:width$} {:>5}   ", arm.arm, arm.by_seed.len())?;
            for metric in 0..METRICS.len() {
                write!(screen, "{:22}", arm.estimate(0, metric)?.to_string())?;
            }
            screen.truncate(screen.trim_end().len());
            writeln!(screen)?;
        }
    }
    writeln!(
        screen,
        "ROUGE-L points, mean and 95 % bootstrap interval over seeds; BWT and FWT as released (docs/method.md).\n"
    )?;

    let several = groups.several_streams();
    let rows: Vec<PairedRow> = paired_rows(groups)?.into_iter().filter(|row| row.pooled == several).collect();
    let baseline = groups.baseline;
    if rows.is_empty() {
        writeln!(screen, "No paired test: it needs {baseline} and another arm on at least 2 common seeds.")?;
    } else {
        writeln!(
            screen,
            "Against {baseline}, paired by seed (permutation test, Holm-corrected over {} tests):",
            rows.len()
        )?;
        for of_arm in rows.chunk_by(|a, b| a.arm == b.arm && a.values == b.values) {
            let parts: Vec<String> = of_arm.iter().map(finding).collect();
            let at = point(groups, &of_arm[0].values).map_or(String::new(), |point| format!("{point}: "));
            let width = widest.max(7);
            writeln!(screen, "  {at}{:width$} {}", of_arm[0].arm, parts.join("; "))?;
        }
        let needed = seeds_that_can_decide(rows.len());
        if rows.iter().any(|row| row.comparison.n < needed) {
            writeln!(
                screen,
                "  With fewer than {needed} seeds no result could reach p = {SIGNIFICANT} after correction, and intervals are too narrow."
            )?;
        }
    }
    let folder = context.folder();
    writeln!(screen, "\ntables  {}", folder.join("tables").display())?;
    writeln!(screen, "plots   {}", folder.join("plots").display())?;
    write!(screen, "runs    {}/<cell> (manifest, predictions, losses, adapters)", folder.display())?;
    Ok(screen)
}

/// `stream m2 (5 tasks)`, or `mean over streams c1, g1, m1`.
fn scope(groups: &Groups) -> String {
    let streams: Vec<&str> = groups.groups.iter().map(|group| group.values[0].as_str()).unique().collect();
    match streams.as_slice() {
        [one] => format!("stream {one} ({} tasks)", groups.groups[0].results.tasks.len()),
        several => format!("mean over streams {}", several.join(", ")),
    }
}

/// `method ewc, rank 8`; none where there is no axis.
pub(super) fn point(groups: &Groups, values: &[String]) -> Option<String> {
    let parts =
        groups.labels.iter().zip(values).skip(1).map(|(label, value)| format!("{} {value}", label.name));
    Some(parts.collect::<Vec<_>>().join(", ")).filter(|point| !point.is_empty())
}

/// `AP +2.1 [0.3, 4.0] p = 0.031`, with a word where the test decides nothing.
fn finding(row: &PairedRow) -> String {
    let difference = row.comparison.difference;
    let verdict = match (row.p_holm < SIGNIFICANT, difference.mean > 0.0) {
        (false, _) => "undecided",
        (true, true) => "better",
        (true, false) => "worse",
    };
    let p = shown_p(row.p_holm);
    format!(
        "{} {:+.1} [{:.1}, {:.1}] {p} {verdict}",
        row.metric, difference.mean, difference.low, difference.high
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_tests_need_nine_seeds() {
        // 2 / 2^8 * 9 = 0.07 decides nothing, 2 / 2^9 * 9 = 0.035 may.
        assert_eq!(seeds_that_can_decide(9), 9);
        assert_eq!(seeds_that_can_decide(1), 6);
    }
}
