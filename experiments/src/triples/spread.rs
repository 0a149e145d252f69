//! `prompt-spread`: how far apart the wordings of T2 leave each task, and how much of that is more than the seed's noise.

use std::fmt::Write;
use std::path::Path;

use itertools::Itertools;
use sapo_lab::plots::{self, ViolinPanel, ViolinSlot, Violins};
use sapo_lab::tables::Table;
use sapo_metrics::{Estimate, PairedComparison, STATISTICS_SEED, paired_comparison};

use super::correlations::Wordings;
use super::results::{Results, TripleRun};
use super::summary::{ALL_KINDS, ByRun, correct, shown_p, some_estimate, too_few};
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
    let tests = tests(results)?;
    if let Some(table) = tests_table(&tests, results.limited)? {
        table.write_all(tables)?;
    }
    let noise = noise(results)?;
    if let Some(table) = noise_table(&noise, results.limited)? {
        table.write_all(tables)?;
    }
    figure(results)?.write(plots, "spread")?;
    screen(results, &tests, &noise)
}

/// The spread of the unseen tasks is the mean over them.
fn spread_of(run: &TripleRun, role: &str) -> f64 {
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
            relative.push(some_estimate(&spreads.iter().filter_map(Spread::relative).collect::<Vec<_>>())?);
            triples.push(runs[0].triple.as_str());
            tasks.push(runs[0].tasks[place].as_str());
            seeds.push(runs.len() as i64);
            roles.push(role);
        }
    }
    let [mean, low, high, points] = columns;
    let caption = "ROUGE-L of each task after training T2, over the wordings of T2 (the original and its paraphrases): \
                   mean, lowest, highest, spread = highest - lowest, and the spread in percent of the original's score \
                   (n/a where that is 0). Mean over seeds with 95 % bootstrap interval.";
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

/// The spread on T2 against that on another task.
struct Test {
    /// `all`, `G`, `C` or `M`.
    kind: String,
    against: &'static str,
    /// What is paired: `runs` (triple and seed) or `triples` (means over seeds).
    unit: &'static str,
    comparison: PairedComparison,
    p_holm: Option<f64>,
}

fn tests(results: &Results) -> anyhow::Result<Vec<Test>> {
    let mut tests = Vec::new();
    for kind in std::iter::once(ALL_KINDS).chain(results.kinds()) {
        let runs = || results.runs.iter().filter(|run| kind == ALL_KINDS || run.kind == kind);
        for against in ["T1", "T3"] {
            let of = |role: &'static str| -> ByRun<'_> {
                runs().map(|run| (run.triple.as_str(), spread_of(run, role))).collect()
            };
            let (own, other) = (of("T2"), of(against));
            let pairs =
                [("runs", own.values(), other.values()), ("triples", own.by_triple(), other.by_triple())];
            for (unit, own, other) in pairs {
                if own.len() > 1 {
                    let comparison = paired_comparison(&own, &other, STATISTICS_SEED)?;
                    tests.push(Test { kind: kind.to_string(), against, unit, comparison, p_holm: None });
                }
            }
        }
    }
    // the types alone have too few triples to decide anything, and are corrected apart
    for (unit, whole) in ["runs", "triples"].into_iter().cartesian_product([true, false]) {
        let of_family = |test: &&mut Test| test.unit == unit && (test.kind == ALL_KINDS) == whole;
        let family = tests.iter_mut().filter(of_family);
        correct(family.map(|test| (Some(test.comparison.p_permutation), &mut test.p_holm)))?;
    }
    Ok(tests)
}

fn tests_table(tests: &[Test], limited: bool) -> anyhow::Result<Option<Table>> {
    if tests.is_empty() {
        return Ok(None);
    }
    let caption = "Spread over wordings on T2 minus that on T1, or on T3 (mean of the unseen tasks), ROUGE-L points; below 0: \
                   T2 is spread less. Paired by runs (triple and seed) or by triples (means over seeds; runs of one triple \
                   are not independent). Interval: 95 % bootstrap (BCa). p: sign-flip test, Holm-corrected over the rows \
                   of type all, and over the others, of one pairing.";
    let table = Table::builder("spread_tests", marked(caption, limited))
        .text("type", tests.iter().map(|test| test.kind.as_str()))
        .text("against", tests.iter().map(|test| test.against))
        .text("paired_by", tests.iter().map(|test| test.unit))
        .heading("paired by")
        .integer("pairs", tests.iter().map(|test| test.comparison.n as i64))
        .estimate("difference", 1, tests.iter().map(|test| test.comparison.difference))
        .p_value("p", tests.iter().map(|test| test.comparison.p_permutation))
        .optional_p_value("p_holm", tests.iter().map(|test| test.p_holm))
        .heading("p (Holm)")
        .optional_float("dz", 2, tests.iter().map(|test| test.comparison.effect_size_dz))
        .build()?;
    Ok(Some(table))
}

/// How much of the differences between wordings comes again under another seed.
struct Noise {
    triple: String,
    role: String,
    components: Components,
    /// Mean Pearson correlation of the scores by wording between two seeds; none where the scores of one do not differ.
    between_seeds: Option<f64>,
}

fn noise(results: &Results) -> anyhow::Result<Vec<Noise>> {
    let mut noise = Vec::new();
    for runs in results.triples().iter().filter(|runs| runs.len() > 1) {
        for role in runs[0].roles() {
            let scores: Vec<Vec<f64>> = runs.iter().map(|run| run.scores(&role)).collect();
            let mut correlations = Vec::new();
            for (place, a) in scores.iter().enumerate() {
                for b in &scores[place + 1..] {
                    correlations.extend(Wordings::All.pearson(a, b)?.map(|correlation| correlation.r));
                }
            }
            noise.push(Noise {
                triple: runs[0].triple.clone(),
                role,
                components: Components::of(&scores),
                between_seeds: mean(&correlations),
            });
        }
    }
    Ok(noise)
}

/// Variance of scores in a layout of wordings times seeds, one score each.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Components {
    /// Between wordings, beyond what the residual explains; 0 where that explains all.
    wordings: f64,
    /// What is neither the wording nor the seed: their interaction, the rows scored included.
    residual: f64,
}

impl Components {
    /// Of `[seed][wording]`, by the analysis of variance.
    ///
    /// # Source
    /// Searle, Casella and McCulloch (1992), "Variance components", section 4.5: two-way crossed, random, no replication.
    fn of(scores: &[Vec<f64>]) -> Self {
        let (seeds, wordings) = (scores.len() as f64, scores[0].len() as f64);
        let by_seed: Vec<f64> = scores.iter().map(|row| row.iter().sum::<f64>() / wordings).collect();
        let by_wording: Vec<f64> =
            (0..scores[0].len()).map(|w| scores.iter().map(|row| row[w]).sum::<f64>() / seeds).collect();
        let whole = by_seed.iter().sum::<f64>() / seeds;
        let between = by_wording.iter().map(|m| (m - whole).powi(2)).sum::<f64>() * seeds / (wordings - 1.0);
        let mut residual = 0.0;
        for (row, seed) in scores.iter().zip(&by_seed) {
            residual += row.iter().zip(&by_wording).map(|(x, w)| (x - seed - w + whole).powi(2)).sum::<f64>();
        }
        let residual = residual / ((seeds - 1.0) * (wordings - 1.0));
        Self { wordings: ((between - residual) / seeds).max(0.0), residual }
    }

    /// The wordings' share of both, 0 to 1; none where nothing varies.
    fn share(self) -> Option<f64> {
        let sum = self.wordings + self.residual;
        (sum > 0.0).then(|| self.wordings / sum)
    }
}

fn noise_table(noise: &[Noise], limited: bool) -> anyhow::Result<Option<Table>> {
    if noise.is_empty() {
        return Ok(None);
    }
    let caption = "How much of the differences between wordings comes again under another seed (other rows, adapter, order \
                   and dropout). Standard deviations of ROUGE-L between wordings and of the residual (analysis of variance, \
                   wordings x seeds), the wordings' share of the variance, and the mean correlation of the scores by wording \
                   between two seeds (n/a where scores do not differ).";
    let table = Table::builder("seed_noise", marked(caption, limited))
        .text("triple", noise.iter().map(|row| row.triple.as_str()))
        .text("role", noise.iter().map(|row| row.role.as_str()))
        .float("sd_wordings", 2, noise.iter().map(|row| row.components.wordings.sqrt()))
        .heading("sd between wordings")
        .float("sd_residual", 2, noise.iter().map(|row| row.components.residual.sqrt()))
        .heading("sd of the residual")
        .optional_float("share", 2, noise.iter().map(|row| row.components.share()))
        .heading("share of wordings")
        .optional_float("r_between_seeds", 2, noise.iter().map(|row| row.between_seeds))
        .heading("r between seeds")
        .build()?;
    Ok(Some(table))
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
            let spreads: ByRun<'_> =
                runs.iter().map(|run| (run.triple.as_str(), spread_of(run, role))).collect();
            write!(screen, "{:22}", spreads.estimate()?.map_or(String::new(), |spread| spread.to_string()))?;
        }
        screen.truncate(screen.trim_end().len());
        writeln!(screen)?;
    }
    let whole: Vec<&Test> =
        tests.iter().filter(|test| test.unit == "triples" && test.kind == ALL_KINDS).collect();
    for test in &whole {
        let difference = test.comparison.difference;
        let verdict = match (test.p_holm.is_some_and(|p| p < SIGNIFICANT), difference.mean < 0.0) {
            (false, _) => "undecided",
            (true, true) => "T2 is spread less",
            (true, false) => "T2 is spread more",
        };
        writeln!(
            screen,
            "T2 minus {}: {difference} over {} triples, {} (Holm): {verdict}",
            test.against,
            test.comparison.n,
            shown_p(test.p_holm)
        )?;
    }
    if let Some(remark) = whole.first().and_then(|test| too_few(test.comparison.n, whole.len())) {
        writeln!(screen, "{remark}")?;
    }
    if noise.is_empty() {
        writeln!(screen, "One seed: what the wordings do cannot be told from the seed's noise.")?;
    } else {
        let parts: Vec<String> = ["T1", "T2", "T3"]
            .iter()
            .filter_map(|role| {
                let of_role = noise.iter().filter(|row| row.role.starts_with(role));
                let shares: Vec<f64> = of_role.clone().filter_map(|row| row.components.share()).collect();
                let r: Vec<f64> = of_role.filter_map(|row| row.between_seeds).collect();
                Some(format!("{role} {:.0} % (r between seeds {:.2})", 100.0 * mean(&shares)?, mean(&r)?))
            })
            .collect();
        writeln!(
            screen,
            "Share of the wordings in the variance that is not the seed's: {}",
            parts.join(", ")
        )?;
    }
    Ok(screen)
}

#[cfg(test)]
mod tests_of_components {
    use super::Components;

    #[test]
    fn components_by_hand() {
        // effects of wordings -1, 0, 1 and of seeds, nothing else: all is the wordings'
        let pure = Components::of(&[vec![1.0, 2.0, 3.0], vec![11.0, 12.0, 13.0]]);
        assert!((pure.wordings - 1.0).abs() < 1e-12 && pure.residual.abs() < 1e-12);
        assert_eq!(pure.share(), Some(1.0));
        // opposite in the two seeds: nothing comes again
        let noise = Components::of(&[vec![1.0, 2.0, 3.0], vec![3.0, 2.0, 1.0]]);
        assert_eq!((noise.wordings, noise.residual), (0.0, 2.0));
        assert_eq!(Components::of(&[vec![5.0; 3], vec![5.0; 3]]).share(), None);
    }
}
