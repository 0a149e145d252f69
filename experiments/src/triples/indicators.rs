//! `indicators`: which number, measured before training, goes along with the scores after it.

use std::fmt::Write;
use std::path::Path;

use itertools::Itertools;
use sapo_lab::plots::{self, DifferenceRow, Differences};
use sapo_lab::tables::Table;
use sapo_learn::triple::quantity;
use sapo_metrics::Estimate;
use sapo_probes::ProbeConfig;

use super::correlations::Wordings;
use super::results::{Results, TripleRun};
use super::summary::{ByRun, correct, shown_p, too_few};
use crate::reporting::{SIGNIFICANT, marked, mean, note};

/// The paper's ten, in its order.
const PAPER: [&str; 10] = [
    "exact-match",
    "rouge-l",
    "pre-update-loss",
    "loss-variance",
    "entropy",
    "entropy-variance",
    "log-probability",
    "words",
    "flesch-kincaid-grade",
    "syllables",
];

/// The name of the mean over the unseen tasks, where a role would stand.
const UNSEEN: &str = "T3";

/// One probe and one task.
struct Row {
    probe: &'static str,
    target: String,
    wordings: Wordings,
    /// Mean over triples with its interval.
    r: Option<Estimate>,
    runs: usize,
    triples: usize,
    /// Over triples.
    p: Option<f64>,
    p_holm: Option<f64>,
}

pub(super) fn report(results: &Results, tables: &Path, plots: &Path) -> anyhow::Result<String> {
    let rows = rows(results)?;
    table(&rows, results.limited)?.write_all(tables)?;
    figure(&rows, results.limited)?.write(plots, "indicators")?;
    screen(&rows)
}

/// The paper's probes in its order, then the others.
fn probes() -> Vec<ProbeConfig> {
    let place =
        |probe: &ProbeConfig| PAPER.iter().position(|name| *name == probe.name()).unwrap_or(PAPER.len());
    let mut probes = ProbeConfig::all();
    probes.sort_by_key(place);
    probes
}

/// The correlation in one run of a probe, turned so that higher should be better, with the scores of a task.
fn correlation(
    run: &TripleRun,
    probe: &ProbeConfig,
    target: &str,
    wordings: Wordings,
) -> anyhow::Result<Option<f64>> {
    let about = probe.about();
    let Some(values) = run.known(&quantity::probe(about.name)) else { return Ok(None) };
    let oriented: Vec<f64> = values.into_iter().map(|value| about.better.orient(value)).collect();
    let roles = if target == UNSEEN { run.unseen() } else { vec![target.to_string()] };
    let mut found = Vec::new();
    for role in roles {
        found.extend(wordings.pearson(&oriented, &run.scores(&role))?.map(|correlation| correlation.r));
    }
    Ok(mean(&found))
}

fn rows(results: &Results) -> anyhow::Result<Vec<Row>> {
    let mut targets: Vec<String> = results.runs.iter().flat_map(TripleRun::roles).unique().collect();
    targets.push(UNSEEN.to_string());
    let mut rows = Vec::new();
    for wordings in Wordings::BOTH {
        for probe in probes() {
            for target in &targets {
                let mut found = ByRun::default();
                for run in &results.runs {
                    let r = correlation(run, &probe, target, wordings)?;
                    found.0.extend(r.map(|r| (run.current(), r)));
                }
                rows.push(Row {
                    probe: probe.name(),
                    target: target.clone(),
                    wordings,
                    r: found.estimate()?,
                    runs: found.0.len(),
                    triples: found.by_current().len(),
                    p: found.p()?,
                    p_holm: None,
                });
            }
        }
        // the mean over unseen tasks repeats what they say, and is corrected apart from them
        for apart in [false, true] {
            let of_family = |row: &&mut Row| row.wordings == wordings && (row.target == UNSEEN) == apart;
            correct(rows.iter_mut().filter(of_family).map(|row| (row.p, &mut row.p_holm)))?;
        }
    }
    Ok(rows)
}

fn table(rows: &[Row], limited: bool) -> anyhow::Result<Table> {
    let caption = "Pearson correlation over the wordings of T2 of a number measured before training, turned so that higher \
                   should be better (loss, variances, entropy with a minus), with ROUGE-L of a task after training. Mean \
                   over triples (means over seeds, and over triples that share T2, for such runs are not independent) with \
                   95 % bootstrap \
                   interval; runs and triples in which it is defined. T3: mean over the unseen tasks of each run. p: \
                   sign-flip test of no mean over triples; Holm: over all probes and tasks under the same \
                   wordings, T3 apart.";
    Ok(Table::builder("indicators", marked(caption, limited))
        .text("wordings", rows.iter().map(|row| row.wordings.name()))
        .text("probe", rows.iter().map(|row| row.probe))
        .text("in_paper", rows.iter().map(|row| if PAPER.contains(&row.probe) { "yes" } else { "no" }))
        .heading("in the paper")
        .text("target", rows.iter().map(|row| row.target.as_str()))
        .optional_estimate("r", 2, rows.iter().map(|row| row.r))
        .integer("runs", rows.iter().map(|row| row.runs as i64))
        .integer("triples", rows.iter().map(|row| row.triples as i64))
        .optional_p_value("p", rows.iter().map(|row| row.p))
        .optional_p_value("p_holm", rows.iter().map(|row| row.p_holm))
        .heading("p (Holm)")
        .build()?)
}

fn figure(rows: &[Row], limited: bool) -> anyhow::Result<plots::Figure> {
    let targets = ["T1", "T2", UNSEEN];
    let value = |probe: &str, target: &str, wordings: Wordings| {
        let of = |row: &&Row| row.probe == probe && row.target == target && row.wordings == wordings;
        rows.iter().find(of).and_then(|row| row.r)
    };
    let row = |probe: ProbeConfig| DifferenceRow {
        name: shown_name(probe),
        whole: PAPER.contains(&probe.name()),
        values: targets
            .iter()
            .map(|target| Wordings::BOTH.map(|wordings| value(probe.name(), target, wordings)).to_vec())
            .collect(),
        marks: Vec::new(),
    };
    Ok(plots::differences(&Differences {
        title: format!("What goes along with the score after training{}", note(limited)),
        unit: "Pearson correlation over wordings, mean over triples; bold: in the paper".to_string(),
        metrics: ["T1 (seen)", "T2 (trained)", "T3 (unseen)"].map(String::from).to_vec(),
        arms: Wordings::BOTH.map(|wordings| wordings.name().to_string()).to_vec(),
        beside: Vec::new(),
        marks: Vec::new(),
        rows: probes().into_iter().map(row).collect(),
    })?)
}

/// With the sign that turns it: `−entropy`.
fn shown_name(probe: ProbeConfig) -> String {
    let about = probe.about();
    let sign = if about.better.orient(1.0) < 0.0 { "−" } else { "" };
    let name = match about.name {
        "pre-update-loss" => "pre-update loss".to_owned(),
        "rouge-l" => "ROUGE-L".to_owned(),
        "flesch-kincaid-grade" => "Flesch-Kincaid grade".to_owned(),
        "fisher-norm" => "Fisher norm".to_owned(),
        name => name.replace('-', " "),
    };
    format!("{sign}{name}")
}

fn screen(rows: &[Row]) -> anyhow::Result<String> {
    let mut screen = String::new();
    write_correlations(&mut screen, rows)?;
    let family = |row: &&Row| row.wordings == Wordings::All && row.target != UNSEEN && row.p.is_some();
    let triples = rows.iter().map(|row| row.triples).max().unwrap_or(0);
    if let Some(remark) = too_few(triples, rows.iter().filter(family).count()) {
        writeln!(screen, "{remark}")?;
    }
    write_best(&mut screen, rows)?;
    Ok(screen)
}

/// A line for each probe.
fn write_correlations(screen: &mut String, rows: &[Row]) -> anyhow::Result<()> {
    writeln!(
        screen,
        "Pearson correlation with the score after training, mean over triples (* p < 0.05 over triples, Holm):"
    )?;
    writeln!(
        screen,
        "{:22}{:>9}{:>9}{:>9}   paraphrases only:{:>7}{:>9}{:>9}",
        "", "T1", "T2", "T3", "T1", "T2", "T3"
    )?;
    for probe in probes() {
        write!(screen, "{:22}", shown_name(probe))?;
        for wordings in Wordings::BOTH {
            if wordings == Wordings::Paraphrases {
                write!(screen, "{:17}", "")?;
            }
            for target in ["T1", "T2", UNSEEN] {
                let of = |row: &&Row| {
                    row.probe == probe.name() && row.target == target && row.wordings == wordings
                };
                let row = rows.iter().find(of);
                let decided = row.and_then(|row| row.p_holm).is_some_and(|p| p < SIGNIFICANT);
                let r = row.and_then(|row| row.r).map_or("n/a".to_string(), |r| format!("{:+.2}", r.mean));
                write!(screen, "{r:>8}{}", if decided { "*" } else { " " })?;
            }
        }
        screen.truncate(screen.trim_end().len());
        writeln!(screen)?;
    }
    Ok(())
}

/// The probe of the highest correlation with unseen tasks beside the paper's.
fn write_best(screen: &mut String, rows: &[Row]) -> anyhow::Result<()> {
    for wordings in Wordings::BOTH {
        let of = |row: &&Row| row.wordings == wordings && row.target == UNSEEN;
        let (Some(best), Some(loss)) = (
            rows.iter().filter(of).filter(|row| row.r.is_some()).max_by(|a, b| {
                let r = |row: &Row| row.r.map_or(f64::NEG_INFINITY, |r| r.mean);
                r(a).total_cmp(&r(b))
            }),
            rows.iter().filter(of).find(|row| row.probe == "pre-update-loss"),
        ) else {
            continue;
        };
        if let (Some(highest), Some(r)) = (best.r, loss.r) {
            writeln!(
                screen,
                "On T3, {}: highest {} {highest:.2}; minus pre-update loss {r:.2}, {}",
                wordings.name(),
                best.probe,
                shown_p(loss.p_holm)
            )?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_probes_are_all_known_and_come_first() {
        let names: Vec<&str> = probes().iter().map(ProbeConfig::name).collect();
        assert_eq!(names[..PAPER.len()], PAPER);
    }

    #[test]
    fn names_show_which_way_a_probe_is_turned() {
        let shown = |name: &str| shown_name(name.parse().unwrap());
        assert_eq!(shown("pre-update-loss"), "−pre-update loss");
        assert_eq!(shown("rouge-l"), "ROUGE-L");
        assert_eq!(shown("exact-match"), "exact match");
        assert_eq!(shown("words"), "words");
    }
}
