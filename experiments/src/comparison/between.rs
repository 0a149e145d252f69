//! Whether what an arm changes depends on where it is looked at: its change at one point of an axis, minus its change at
//! another.

use std::collections::BTreeMap;

use itertools::Itertools;
use sapo_lab::tables::Table;
use sapo_metrics::{PairedComparison, STATISTICS_SEED, paired_comparison};

use super::groups::{Groups, METRICS, Numbers, Row};
use super::paired::corrected;
use super::tables::labelled;
use crate::reporting::marked;

/// What one arm changes at one point, minus what it changes at another.
struct Between<'g> {
    /// The values of the labels at the one point.
    values: &'g [String],
    /// What differs at the other, in words.
    against: String,
    arm: &'g str,
    metric: &'static str,
    comparison: PairedComparison,
    /// p of the permutation test after Holm's correction over the rows of the metric.
    p_holm: f64,
}

/// A row for every two points that differ in one axis; none where there are no two.
pub(super) fn table(groups: &Groups) -> anyhow::Result<Option<Table>> {
    let rows = rows(groups)?;
    if rows.is_empty() {
        return Ok(None);
    }
    let caption = format!(
        "What an arm changes (minus {}) at one point, minus what it changes where one axis is as column 'against' says, \
         paired by seed, convention 'released'. Interval: 95 % bootstrap (BCa). p: two-sided permutation (sign-flip) test; \
         Holm: corrected over the rows of one metric; dz: Cohen's effect size of the differences.",
        groups.baseline
    );
    let of_group: Vec<&[String]> = rows.iter().map(|row| row.values).collect();
    let table = Table::builder("between_points", marked(&caption, groups.limited));
    let table = labelled(table, groups, &of_group)
        .text("against", rows.iter().map(|row| row.against.as_str()))
        .text("arm", rows.iter().map(|row| row.arm))
        .text("metric", rows.iter().map(|row| row.metric))
        .integer("seeds", rows.iter().map(|row| row.comparison.n as i64))
        .estimate("difference", 1, rows.iter().map(|row| row.comparison.difference))
        .p_value("p_permutation", rows.iter().map(|row| row.comparison.p_permutation))
        .heading("p (permutation)")
        .p_value("p_holm", rows.iter().map(|row| row.p_holm))
        .heading("p (Holm)")
        .optional_float("dz", 2, rows.iter().map(|row| row.comparison.effect_size_dz))
        .build()?;
    Ok(Some(table))
}

fn rows<'g>(groups: &'g Groups) -> anyhow::Result<Vec<Between<'g>>> {
    let mut rows = Vec::new();
    for (number, metric) in METRICS.into_iter().enumerate() {
        let mut family = Vec::new();
        for (there, here) in groups.main_rows().into_iter().tuple_combinations() {
            let differing = there.values.iter().zip(&here.values).positions(|(a, b)| a != b);
            let Ok(place) = differing.exactly_one() else { continue };
            for arm in here.arms.iter().map(|arm| arm.arm).filter(|arm| *arm != groups.baseline) {
                let of = |row: &Row| changes(row, arm, groups.baseline, number);
                let (ours, theirs) = (of(here), of(there));
                let pair = |(seed, change): (&u64, &f64)| Some((*change, *theirs.get(seed)?));
                let (a, b): (Vec<f64>, Vec<f64>) = ours.iter().filter_map(pair).unzip();
                // an arm that the axis does not concern has the same runs at both points
                if a.len() < 2 || a == b {
                    continue;
                }
                let comparison = paired_comparison(&a, &b, STATISTICS_SEED)?;
                let against = groups.in_words(place, &there.values[place]);
                family.push(Between { values: &here.values, against, arm, metric, comparison, p_holm: 1.0 });
            }
        }
        let corrected = corrected(family.iter().map(|row| &row.comparison))?;
        family.iter_mut().zip(corrected).for_each(|(row, corrected)| row.p_holm = corrected);
        rows.extend(family);
    }
    Ok(rows)
}

/// What an arm changes in one metric, by seed.
fn changes(row: &Row, arm: &str, baseline: &str, metric: usize) -> BTreeMap<u64, f64> {
    let (Some(ours), Some(theirs)) = (row.arm(arm), row.arm(baseline)) else { return BTreeMap::new() };
    let change = |(seed, ours): (&u64, &Numbers)| {
        Some((*seed, ours[0][metric] - theirs.by_seed.get(seed)?[0][metric]))
    };
    ours.by_seed.iter().filter_map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::super::groups::ArmNumbers;
    use super::*;

    /// A point where `sapo` changes every metric by this much, and a little by seed.
    fn row(values: [&str; 3], change: f64) -> Row<'static> {
        let arm = |arm, change: f64| {
            let by_seed = (0..6).map(|seed| (seed, [[50.0 + change * (1.0 + seed as f64 / 100.0); 3]; 2]));
            ArmNumbers { arm, by_seed: by_seed.collect() }
        };
        let arms = vec![arm("static", 0.0), arm("random", 1.0), arm("sapo", change)];
        Row { values: values.map(String::from).to_vec(), pooled: false, arms }
    }

    fn groups(rows: Vec<Row<'static>>) -> Groups<'static> {
        Groups::of_rows(rows, &["stream", "rate", "method"])
    }

    #[test]
    fn points_that_differ_in_one_axis_are_compared() {
        let groups = groups(vec![
            row(["m2", "1", "ewc"], 2.0),
            row(["m2", "1", "lwf"], 3.0),
            row(["m2", "5", "ewc"], 6.0),
            row(["m2", "5", "lwf"], 3.0),
        ]);
        let rows = rows(&groups).unwrap();
        let told =
            |row: &Between| format!("{} against {}: {}", row.values[1..].join(" "), row.against, row.arm);
        let ap: Vec<String> = rows.iter().take_while(|row| row.metric == "AP").map(told).collect();
        // `random` changes the same everywhere, and so does `sapo` with lwf
        assert_eq!(ap, ["1 lwf against ewc: sapo", "5 ewc against rate 1: sapo", "5 lwf against ewc: sapo"]);
        assert_eq!(rows.len(), 3 * METRICS.len());
        let differences: Vec<f64> = rows.iter().map(|row| row.comparison.difference.mean).collect();
        assert!(differences[0] > 1.0 && differences[1] > 4.0 && differences[2] < -3.0, "{differences:?}");
        assert!(rows.iter().all(|row| row.p_holm >= row.comparison.p_permutation));
        let text = table(&groups).unwrap().unwrap().to_markdown();
        assert!(text.contains("| rate | method | against | arm |"), "{text}");
    }

    #[test]
    fn one_point_has_nothing_to_be_compared_with() {
        assert!(table(&groups(vec![row(["m2", "1", "ewc"], 2.0)])).unwrap().is_none());
    }
}
