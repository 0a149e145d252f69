//! The final screen: what was found, in at most 30 lines.

use std::fmt::Write;

use itertools::Itertools;
use sapo_lab::ReportContext;
use sapo_lab::provenance::{Code, Provenance};
use serde_json::Value;

use super::ComparisonConfig;
use super::groups::{Groups, METRICS};
use super::paired::PairedRow;
use crate::reporting::{SIGNIFICANT, limits, pairs_that_can_decide, shown_p};

/// So many tables of arms fit the screen.
const MOST_POINTS: usize = 3;

/// So many versions fit a line.
const MOST_VERSIONS: usize = 4;

pub(super) fn render(
    name: &str,
    config: &ComparisonConfig,
    groups: &Groups,
    context: &ReportContext<'_>,
) -> anyhow::Result<String> {
    let mut screen = String::new();
    writeln!(screen, "{name}: {}", config.question)?;
    let limited = limits(groups.limited);
    writeln!(screen, "{}, {} of {} runs{limited}", scope(groups), context.stored, context.cells)?;
    let arms = groups.groups.iter().flat_map(|group| &group.results.arms);
    let runs = arms.flat_map(|arm| arm.runs.values());
    if let Some(line) = mixture(&runs.map(|run| &run.stored.provenance).collect::<Vec<_>>()) {
        writeln!(screen, "{line}")?;
    }
    writeln!(screen)?;
    if groups.main_rows().is_empty() {
        writeln!(
            screen,
            "No arm has a seed with runs on all streams, so there is no mean over them yet; by_arm has each stream."
        )?;
    } else {
        write_numbers(&mut screen, groups)?;
        write_differences(&mut screen, groups)?;
    }
    let folder = context.folder();
    writeln!(screen, "\ntables  {}", folder.join("tables").display())?;
    writeln!(screen, "plots   {}", folder.join("plots").display())?;
    write!(screen, "runs    {}/<cell> (manifest, predictions, losses, adapters)", folder.display())?;
    Ok(screen)
}

/// What made the runs, where it was not the same for all: other code may give other scores, as may other rounding.
fn mixture(made: &[&Provenance]) -> Option<String> {
    let versions: Vec<String> = made.iter().map(|made| version(&made.code)).unique().collect();
    let libraries: Vec<String> = made.iter().map(|made| library(made).to_string()).unique().collect();
    let several = [("versions of the code", versions), ("matmul libraries", libraries)]
        .into_iter()
        .filter(|(_, values)| values.len() > 1)
        .map(|(what, values)| {
            let more = if values.len() > MOST_VERSIONS { ", .." } else { "" };
            format!("{} {what} ({}{more})", values.len(), values.iter().take(MOST_VERSIONS).join(", "))
        })
        .join(" and ");
    (!several.is_empty()).then(|| format!("Runs of {several} are compared; --force computes them again."))
}

/// `abc1234`, as git shows a commit.
fn version(Code { commit, dirty, .. }: &Code) -> String {
    let commit = commit.as_deref().map_or("unknown", |commit| commit.get(..7).unwrap_or(commit));
    if *dirty == Some(true) { format!("{commit} with changes") } else { commit.to_string() }
}

fn library(made: &Provenance) -> &str {
    made.notes.get("matmul_library").and_then(Value::as_str).unwrap_or("unknown")
}

/// The length of the longest name of an arm, or `least`.
fn width(groups: &Groups, least: usize) -> usize {
    groups.arms().iter().map(|arm| arm.chars().count()).max().unwrap_or(0).max(least)
}

/// AP, BWT and FWT of every arm.
fn write_numbers(screen: &mut String, groups: &Groups) -> anyhow::Result<()> {
    let width = width(groups, 8);
    let rows = groups.main_rows();
    // what does not fit a screen stands in the table by_arm
    for row in rows.iter().filter(|_| rows.len() <= MOST_POINTS) {
        if let Some(point) = groups.point(&row.values) {
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
    Ok(())
}

/// What the other arms change.
fn write_differences(screen: &mut String, groups: &Groups) -> anyhow::Result<()> {
    let (rows, width) = (groups.main_paired(), width(groups, 7));
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
            let parts: Vec<String> = of_arm.iter().map(|row| finding(row)).collect();
            let at = groups.point(&of_arm[0].values).map_or(String::new(), |point| format!("{point}: "));
            writeln!(screen, "  {at}{:width$} {}", of_arm[0].arm, parts.join("; "))?;
        }
        let needed = pairs_that_can_decide(rows.len());
        if rows.iter().any(|row| row.comparison.n < needed) {
            writeln!(
                screen,
                "  With fewer than {needed} seeds no result could reach p = {SIGNIFICANT} after correction, and intervals are too narrow."
            )?;
        }
    }
    Ok(())
}

/// `stream m2 (5 tasks)`, or `mean over streams c1, g1, m1`; without the first words where there is none.
fn scope(groups: &Groups) -> String {
    match groups.streams().as_slice() {
        [one] => format!("stream {one} ({} tasks)", groups.groups[0].results.tasks.len()),
        several => {
            let mean = if groups.has_mean() { "mean over " } else { "" };
            format!("{mean}streams {}", several.join(", "))
        }
    }
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
    use std::collections::BTreeMap;

    use sapo_lab::provenance::Stopwatch;

    use super::*;

    fn made(commit: Option<&str>, dirty: bool, library: &str) -> Provenance {
        let code = Code {
            version: String::new(),
            commit: commit.map(String::from),
            dirty: Some(dirty),
            rustc: String::new(),
        };
        Stopwatch::start(code).stop(BTreeMap::from([("matmul_library".to_string(), Value::from(library))]))
    }

    #[test]
    fn runs_of_several_programs_are_said_to_be_mixed() {
        let (old, new) = ("abc1234aaaaaaaa", "def5678bbbbbbbb");
        let line = |made: &[Provenance]| mixture(&made.iter().collect::<Vec<_>>());
        assert_eq!(line(&[made(Some(old), false, "blas"), made(Some(old), false, "blas")]), None);
        assert_eq!(
            line(&[
                made(Some(old), false, "blas"),
                made(Some(new), true, "blas"),
                made(Some(old), false, "blas")
            ])
            .unwrap(),
            "Runs of 2 versions of the code (abc1234, def5678 with changes) are compared; --force computes them again."
        );
        assert_eq!(
            line(&[made(Some(old), false, "blas"), made(None, false, "onednn")]).unwrap(),
            "Runs of 2 versions of the code (abc1234, unknown) and 2 matmul libraries (blas, onednn) are compared; --force \
             computes them again."
        );
        let commits: Vec<Provenance> =
            ["a", "b", "c", "d", "e"].map(|commit| made(Some(commit), false, "blas")).into();
        assert!(line(&commits).unwrap().starts_with("Runs of 5 versions of the code (a, b, c, d, ..) are"));
    }
}
