//! Is T2 moved less by its wordings than the other tasks are?

use itertools::Itertools;
use sapo_lab::tables::Table;
use sapo_metrics::{PairedComparison, STATISTICS_SEED, paired_comparison};

use super::results::Results;
use super::seed_noise::Noise;
use super::spread::spread_of;
use super::summary::{ALL_KINDS, ByRun, correct};
use crate::reporting::marked;

/// What T2 is compared with.
pub(super) const RIVALS: [&str; 2] = ["T1", "T3"];

/// How far the wordings of T2 move a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// Highest minus lowest score, which chance alone puts above 0.
    Spread,
    /// Standard deviation between wordings, beyond what chance explains.
    Wordings,
}

impl Measure {
    fn name(self) -> &'static str {
        match self {
            Self::Spread => "highest - lowest",
            Self::Wordings => "sd between wordings",
        }
    }
}

/// What is paired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Triple and seed.
    Runs,
    /// Triples, each the mean over its seeds; those that share T2 are one.
    Triples,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::Triples => "triples",
        }
    }
}

/// T2 against another task.
pub(super) struct Test {
    pub(super) measure: Measure,
    /// `all`, `G`, `C` or `M`.
    pub(super) kind: String,
    /// `T1`, or `T3`: the mean over the unseen tasks.
    pub(super) against: &'static str,
    pub(super) unit: Unit,
    pub(super) comparison: PairedComparison,
    pub(super) p_holm: Option<f64>,
}

/// Of both measures; that of wordings alone where triples have several seeds.
pub(super) fn tests(results: &Results, noise: &[Noise]) -> anyhow::Result<Vec<Test>> {
    let mut tests = Vec::new();
    for kind in std::iter::once(ALL_KINDS).chain(results.kinds()) {
        let of_kind = |other: &str| kind == ALL_KINDS || kind == other;
        let runs = || results.runs.iter().filter(|run| of_kind(&run.kind));
        let spread =
            |role: &str| -> ByRun<'_> { runs().map(|run| (run.current(), spread_of(run, role))).collect() };
        // `T3a`, `T3b` and so on are one task here, their mean
        let wordings = |role: &str| -> ByRun<'_> {
            let rows = noise.iter().filter(|row| of_kind(&row.kind) && row.role.starts_with(role));
            rows.map(|row| (row.current.as_str(), row.components.sd_wordings())).collect()
        };
        for against in RIVALS {
            let pairs = [
                (Measure::Spread, Unit::Runs, spread("T2").values(), spread(against).values()),
                (Measure::Spread, Unit::Triples, spread("T2").by_current(), spread(against).by_current()),
                (
                    Measure::Wordings,
                    Unit::Triples,
                    wordings("T2").by_current(),
                    wordings(against).by_current(),
                ),
            ];
            for (measure, unit, own, other) in pairs.into_iter().filter(|(_, _, own, _)| own.len() > 1) {
                let comparison = paired_comparison(&own, &other, STATISTICS_SEED)?;
                tests.push(Test { measure, kind: kind.to_string(), against, unit, comparison, p_holm: None });
            }
        }
    }
    // the types alone have too few triples to decide anything, and are corrected apart
    let family = |test: &Test| (test.measure.name(), test.unit.name(), test.kind == ALL_KINDS);
    for of_family in tests.iter().map(family).unique().collect::<Vec<_>>() {
        let tests = tests.iter_mut().filter(|test| family(test) == of_family);
        correct(tests.map(|test| (Some(test.comparison.p_permutation), &mut test.p_holm)))?;
    }
    Ok(tests)
}

pub(super) fn table(tests: &[Test], limited: bool) -> anyhow::Result<Option<Table>> {
    if tests.is_empty() {
        return Ok(None);
    }
    let caption = "How far its wordings move T2, minus how far they move T1, or T3 (mean of the unseen tasks), ROUGE-L points; \
                   below 0: T2 is moved less. Highest - lowest: of the scores under all wordings, which chance alone puts \
                   above 0; sd between wordings: what the analysis of variance of table seed_noise leaves when chance is \
                   taken out. Paired by runs (triple and seed) or by triples (means over seeds; and over triples that share T2, for such \
                   runs are not independent). Interval: 95 % bootstrap (BCa). p: sign-flip test, Holm-corrected over the rows of type \
                   all, and over the others, of one measure and pairing.";
    let table = Table::builder("spread_tests", marked(caption, limited))
        .text("measure", tests.iter().map(|test| test.measure.name()))
        .text("type", tests.iter().map(|test| test.kind.as_str()))
        .text("against", tests.iter().map(|test| test.against))
        .text("paired_by", tests.iter().map(|test| test.unit.name()))
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
