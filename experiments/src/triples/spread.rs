//! `prompt-spread`: how far apart the wordings of T2 leave each task, and how much of that is more than the seed's noise.

use std::fmt::Write;
use std::path::Path;

use sapo_lab::plots::{self, ViolinPanel, ViolinSlot, Violins};
use sapo_lab::tables::Table;
use sapo_metrics::Estimate;

use super::results::{Results, TripleRun};
use super::seed_noise::{self, Noise, share_of};
use super::spread_tests::{self, Measure, RIVALS, Test, Unit};
use super::summary::{ALL_KINDS, ByRun, shown_p, some_estimate, too_few};
use crate::reporting::{SIGNIFICANT, estimate, marked, mean, note, short_name};

/// What is said of the scores of one task under all wordings.
struct Spread {
    mean: f64,
    low: f64,
    high: f64,
    /// Of the original wording.
    original: f64,
}

impl Spread {
    fn of(scores: &[f64]) -> Self {
        Self {
            mean: mean(scores).unwrap_or_default(),
            low: scores.iter().copied().fold(f64::INFINITY, f64::min),
            high: scores.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            original: scores[0],
        }
    }

    fn points(&self) -> f64 {
        self.high - self.low
    }

    /// In percent of the original's score; none where that is 0.
    fn relative(&self) -> Option<f64> {
        (self.original > 0.0).then(|| 100.0 * self.points() / self.original)
    }
}

pub(super) fn report(results: &Results, tables: &Path, plots: &Path) -> anyhow::Result<String> {
    spread_table(results)?.write_all(tables)?;
    let noise = seed_noise::noise(results)?;
    let tests = spread_tests::tests(results, &noise)?;
    let more = [spread_tests::table(&tests, results.limited)?, seed_noise::table(&noise, results.limited)?];
    for table in more.into_iter().flatten() {
        table.write_all(tables)?;
    }
    figure(results)?.write(plots, "spread")?;
    screen(results, &tests, &noise)
}

/// The spread of the unseen tasks is the mean over them.
pub(super) fn spread_of(run: &TripleRun, role: &str) -> f64 {
    let roles = if role == "T3" { run.unseen() } else { vec![role.to_string()] };
    let spreads: Vec<f64> = roles.iter().map(|role| Spread::of(&run.scores(role)).points()).collect();
    mean(&spreads).unwrap_or_default()
}

fn spread_table(results: &Results) -> anyhow::Result<Table> {
    let (mut triples, mut roles, mut tasks, mut seeds) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut columns: [Vec<Estimate>; 4] = Default::default();
    let mut relative = Vec::new();
    for runs in results.triples() {
        for (place, role) in runs[0].roles().into_iter().enumerate() {
            let spreads: Vec<Spread> = runs.iter().map(|run| Spread::of(&run.scores(&role))).collect();
            let numbers: [fn(&Spread) -> f64; 4] = [|s| s.mean, |s| s.low, |s| s.high, Spread::points];
            for (column, number) in columns.iter_mut().zip(numbers) {
                column.push(estimate(&spreads.iter().map(number).collect::<Vec<_>>())?);
            }
            // of all seeds or of none: those with a score of 0 are not like the others
            let of_all: Option<Vec<f64>> = spreads.iter().map(Spread::relative).collect();
            relative.push(some_estimate(&of_all.unwrap_or_default())?);
            triples.push(runs[0].triple.as_str());
            tasks.push(runs[0].tasks[place].as_str());
            seeds.push(runs.len() as i64);
            roles.push(role);
        }
    }
    let [mean, low, high, points] = columns;
    let caption = "ROUGE-L of each task after training T2, over the wordings of T2 (the original and its paraphrases): \
                   mean, lowest, highest, spread = highest - lowest, and the spread in percent of the original's score \
                   (n/a where that is 0 in any seed). Mean over seeds with 95 % bootstrap interval.";
    Ok(Table::builder("spread", marked(caption, results.limited))
        .text("triple", triples)
        .text("role", roles)
        .text("task", tasks)
        .integer("seeds", seeds)
        .estimate("mean", 1, mean)
        .estimate("low", 1, low)
        .estimate("high", 1, high)
        .estimate("spread", 1, points)
        .optional_estimate("relative_spread", 0, relative)
        .heading("spread (%)")
        .build()?)
}

fn figure(results: &Results) -> anyhow::Result<plots::Figure> {
    let panels = results.kinds().into_iter().map(|kind| {
        let triples = results.triples().into_iter().filter(|runs| runs[0].kind == kind);
        let slots = triples.map(|runs| {
            // changes, so that tasks of different levels can stand in one violin
            let changes = |roles: &[String]| -> Vec<f64> {
                let of_run = |run: &&TripleRun| {
                    roles.iter().flat_map(|role| run.changes(role)[1..].to_vec()).collect()
                };
                runs.iter().flat_map(|run| -> Vec<f64> { of_run(run) }).collect()
            };
            let (seen, current) = (&runs[0].tasks[0], &runs[0].tasks[1]);
            ViolinSlot {
                name: format!("{}: {} / {}", runs[0].triple, short_name(seen), short_name(current)),
                samples: vec![changes(&["T1".into()]), changes(&["T2".into()]), changes(&runs[0].unseen())],
            }
        });
        ViolinPanel { name: kind_name(kind).to_string(), slots: slots.collect() }
    });
    Ok(plots::violins(&Violins {
        title: format!("What each paraphrase of T2 changes, against the original{}", note(results.limited)),
        y: "change (ROUGE-L points)".to_string(),
        groups: ["T1 (seen)", "T2 (trained)", "T3 (unseen)"].map(String::from).to_vec(),
        panels: panels.collect(),
    })?)
}

/// In words.
pub(super) fn kind_name(kind: &str) -> &str {
    match kind {
        "G" => "generation",
        "C" => "classification",
        "M" => "mixed",
        other => other,
    }
}

fn screen(results: &Results, tests: &[Test], noise: &[Noise]) -> anyhow::Result<String> {
    let mut screen = String::new();
    writeln!(screen, "Spread (highest minus lowest) over the wordings, ROUGE-L points, mean over triples:")?;
    writeln!(screen, "{:16}{:>6}   {:22}{:22}T3 unseen", "type", "runs", "T1 seen", "T2 trained")?;
    for kind in std::iter::once(ALL_KINDS).chain(results.kinds()) {
        let runs: Vec<&TripleRun> =
            results.runs.iter().filter(|run| kind == ALL_KINDS || run.kind == kind).collect();
        write!(screen, "{:16}{:>6}   ", kind_name(kind), runs.len())?;
        for role in ["T1", "T2", "T3"] {
            let spreads: ByRun<'_> = runs.iter().map(|run| (run.current(), spread_of(run, role))).collect();
            write!(screen, "{:22}", spreads.estimate()?.map_or(String::new(), |spread| spread.to_string()))?;
        }
        screen.truncate(screen.trim_end().len());
        writeln!(screen)?;
    }
    let whole: Vec<&Test> =
        tests.iter().filter(|test| test.unit == Unit::Triples && test.kind == ALL_KINDS).collect();
    for test in &whole {
        let difference = test.comparison.difference;
        let verdict = match (test.p_holm.is_some_and(|p| p < SIGNIFICANT), difference.mean < 0.0) {
            (false, _) => "undecided",
            (true, true) => "T2 is moved less",
            (true, false) => "T2 is moved more",
        };
        let measure = match test.measure {
            Measure::Spread => "",
            Measure::Wordings => ", sd between wordings with chance taken out",
        };
        writeln!(
            screen,
            "T2 minus {}{measure}: {difference} over {} triples, {} (Holm): {verdict}",
            test.against,
            test.comparison.n,
            shown_p(test.p_holm)
        )?;
    }
    if let Some(remark) = whole.first().and_then(|test| too_few(test.comparison.n, RIVALS.len())) {
        writeln!(screen, "{remark}")?;
    }
    if noise.is_empty() {
        writeln!(screen, "One seed: what the wordings do cannot be told from the seed's noise.")?;
    } else {
        let parts: Vec<String> = ["T1", "T2", "T3"]
            .iter()
            .filter_map(|role| {
                let of_role: Vec<&Noise> = noise.iter().filter(|row| row.role.starts_with(role)).collect();
                let share = share_of(&of_role.iter().map(|row| row.components).collect::<Vec<_>>())?;
                let r: Vec<f64> = of_role.iter().filter_map(|row| row.between_seeds).collect();
                Some(format!("{role} {:.0} % (r between seeds {:.2})", 100.0 * share, mean(&r)?))
            })
            .collect();
        writeln!(
            screen,
            "Share of the wordings in the variance that is not the seed's, all triples together: {}",
            parts.join(", ")
        )?;
    }
    Ok(screen)
}
