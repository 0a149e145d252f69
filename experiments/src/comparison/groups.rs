//! Stored runs sorted into groups that are compared within: one stream, one point of every axis.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use itertools::Itertools;
use sapo_lab::{ExperimentArgs, StoredRun};
use sapo_metrics::{Convention, TransferMatrix};

use super::config::ComparisonConfig;
use super::matrices::Results;
use super::paired::{PairedRow, paired};
use crate::reporting::estimate;

/// AP, BWT and FWT, in this order everywhere.
pub(super) const METRICS: [&str; 3] = ["AP", "BWT", "FWT"];

/// The conventions of tables, the one of figures and tests first.
pub(super) const CONVENTIONS: [Convention; 2] = [Convention::Released, Convention::Printed];

/// What the mean over several streams is called where a stream's name would stand.
pub(super) const ALL_STREAMS: &str = "all";

/// All runs of the comparison.
pub(super) struct Groups<'a> {
    /// One for each stream and combination of points, in the order of the grid.
    pub(super) groups: Vec<Group<'a>>,
    /// What the groups differ by.
    pub(super) labels: Vec<Label>,
    /// Name of the arm that the others are compared with.
    pub(super) baseline: &'a str,
    /// Whether any run was made with `--limit-*`.
    pub(super) limited: bool,
    /// The numbers of every group, means over streams first.
    pub(super) rows: Vec<Row<'a>>,
    /// What the other arms change, in each of them.
    pub(super) paired: Vec<PairedRow<'a>>,
}

/// Something that groups differ by.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Label {
    /// Key of a cell's configuration.
    pub(super) key: String,
    /// Name for readers.
    pub(super) name: String,
}

/// The runs of one stream at one point of every axis.
pub(super) struct Group<'a> {
    /// The values of the labels, the stream first.
    pub(super) values: Vec<String>,
    pub(super) results: Results<'a>,
}

/// AP, BWT and FWT of one run, by convention.
pub(super) type Numbers = [[f64; 3]; 2];

/// The numbers of a group's arms, or of their means over streams.
pub(super) struct Row<'a> {
    /// The values of the labels, the stream first.
    pub(super) values: Vec<String>,
    /// Whether it is the mean over streams.
    pub(super) pooled: bool,
    /// By arm and seed.
    pub(super) arms: Vec<ArmNumbers<'a>>,
}

pub(super) struct ArmNumbers<'a> {
    pub(super) arm: &'a str,
    pub(super) by_seed: BTreeMap<u64, Numbers>,
}

impl<'a> Groups<'a> {
    pub(super) fn from_runs(
        runs: &'a [StoredRun],
        config: &'a ComparisonConfig,
        args: &ExperimentArgs,
    ) -> anyhow::Result<Self> {
        let scale = config.scale(args)?;
        let mut labels = vec![Label { key: "stream".to_string(), name: "stream".to_string() }];
        let axes = config.varied(scale)?;
        labels.extend(axes.iter().map(|axis| Label { key: axis.key.clone(), name: axis.name.clone() }));
        let arms = config.arms(scale)?;
        let mut groups: Vec<(Vec<String>, Vec<&StoredRun>)> = Vec::new();
        // Runs of arms beside an axis come last: they belong to every point that the others have.
        let (beside, own): (Vec<_>, Vec<_>) = runs
            .iter()
            .partition(|run| run.axis("arm").is_some_and(|arm| axes.iter().any(|axis| axis.leaves(&arm))));
        for run in own.into_iter().chain(beside) {
            let value =
                |label: &Label| run.axis(&label.key).with_context(|| format!("a run without {}", label.key));
            let values = labels.iter().map(value).collect::<anyhow::Result<Vec<_>>>()?;
            let arm = run.axis("arm").context("a run without an arm")?;
            let tells: Vec<bool> =
                std::iter::once(true).chain(axes.iter().map(|axis| !axis.leaves(&arm))).collect();
            let mut homeless = true;
            for (of_group, members) in &mut groups {
                if of_group.iter().zip(&values).zip(&tells).all(|((a, b), tells)| a == b || !tells) {
                    members.push(run);
                    homeless = false;
                }
            }
            if homeless {
                groups.push((values, vec![run]));
            }
        }
        if groups.is_empty() {
            bail!("there is no finished run to report");
        }
        let group = |(values, runs): (Vec<String>, Vec<&'a StoredRun>)| {
            Ok(Group { values, results: Results::from_runs(&runs, arms)? })
        };
        let groups = groups.into_iter().map(group).collect::<anyhow::Result<Vec<_>>>()?;
        let rows = groups.iter().map(Group::row).collect::<anyhow::Result<Vec<_>>>()?;
        let streams = config.at(scale)?.streams.len();
        let rows: Vec<Row> = pooled(&rows, streams).into_iter().chain(rows).collect();
        let baseline = config.baseline.as_str();
        let limited = runs.iter().any(StoredRun::limited);
        Ok(Self { groups, labels, baseline, limited, paired: paired(&rows, baseline)?, rows })
    }

    /// The names of the streams.
    pub(super) fn streams(&self) -> Vec<&str> {
        self.groups.iter().map(|group| group.values[0].as_str()).unique().collect()
    }

    /// Whether several streams have runs.
    pub(super) fn several_streams(&self) -> bool {
        self.streams().len() > 1
    }

    /// Whether there is a mean over streams.
    pub(super) fn has_mean(&self) -> bool {
        self.rows.iter().any(|row| row.pooled)
    }

    /// The labels by which rows of tables have to be told apart: places in [`Groups::labels`].
    pub(super) fn shown(&self) -> Vec<usize> {
        (0..self.labels.len()).filter(|&place| place > 0 || self.several_streams()).collect()
    }

    /// What machines call a label: the end of its key, or all of it where that of another ends alike. A `name` is called by
    /// what it is the name of.
    pub(super) fn column(&self, place: usize) -> &str {
        let key = self.labels[place].key.as_str();
        let alike = self.labels.iter().filter(|other| end(&other.key) == end(key)).count();
        if alike > 1 { key } else { end(key) }
    }

    /// The names of all arms with a run, in the order of the first group that has them.
    pub(super) fn arms(&self) -> Vec<&'a str> {
        self.groups.iter().flat_map(|group| &group.results.arms).map(|arm| arm.arm).unique().collect()
    }

    /// The rows that stand for the whole: means over streams where several have runs (none until all of the grid have), else
    /// all.
    pub(super) fn main_rows(&self) -> Vec<&Row<'a>> {
        let several = self.several_streams();
        self.rows.iter().filter(|row| row.pooled == several).collect()
    }

    /// What the other arms change in [`Groups::main_rows`].
    pub(super) fn main_paired(&self) -> Vec<&PairedRow<'a>> {
        let several = self.several_streams();
        self.paired.iter().filter(|row| row.pooled == several).collect()
    }

    /// A point of the axes in words, `ewc, rank 8`; none where there is no axis.
    pub(super) fn point(&self, values: &[String]) -> Option<String> {
        let point = values.iter().enumerate().skip(1).map(|(place, value)| self.in_words(place, value));
        Some(point.collect::<Vec<_>>().join(", ")).filter(|point| !point.is_empty())
    }

    /// The value of a label in words: a name says by itself what it is, a number does not.
    pub(super) fn in_words(&self, place: usize, value: &str) -> String {
        match value.parse::<f64>() {
            Ok(_) => format!("{} {value}", self.labels[place].name),
            Err(_) => value.to_string(),
        }
    }
}

impl<'a> Group<'a> {
    fn row(&self) -> anyhow::Result<Row<'a>> {
        let mut arms = Vec::new();
        for arm in &self.results.arms {
            let of = |(&seed, run): (&u64, &super::matrices::SeedRun<'a>)| Ok((seed, numbers(&run.matrix)?));
            let by_seed = arm.runs.iter().map(of).collect::<anyhow::Result<_>>()?;
            arms.push(ArmNumbers { arm: arm.arm, by_seed });
        }
        Ok(Row { values: self.values.clone(), pooled: false, arms })
    }
}

fn numbers(matrix: &TransferMatrix) -> anyhow::Result<Numbers> {
    let mut numbers = [[0.0; 3]; 2];
    for (numbers, convention) in numbers.iter_mut().zip(CONVENTIONS) {
        let transfer = matrix.transfer(convention)?;
        let several = |value: Option<f64>| value.context("BWT and FWT of a stream of one task");
        *numbers = [transfer.ap, several(transfer.bwt)?, several(transfer.fwt)?];
    }
    Ok(numbers)
}

fn end(key: &str) -> &str {
    let key = key.strip_suffix(".name").unwrap_or(key);
    key.rsplit('.').next().unwrap_or(key)
}

/// For every combination of points that has all `streams` of the grid, if those are several: the mean over them, of the
/// seeds that all have.
fn pooled<'a>(rows: &[Row<'a>], streams: usize) -> Vec<Row<'a>> {
    let mut pooled = Vec::new();
    for point in rows.iter().map(|row| &row.values[1..]).unique() {
        let of_point: Vec<&Row> = rows.iter().filter(|row| row.values[1..] == *point).collect();
        if streams < 2 || of_point.len() < streams {
            continue;
        }
        let mut arms = Vec::new();
        for arm in of_point[0].arms.iter().map(|arm| arm.arm) {
            let of_arm: Option<Vec<&ArmNumbers>> = of_point.iter().map(|row| row.arm(arm)).collect();
            let Some(of_arm) = of_arm else { continue };
            let mean = |seed: u64| {
                let all: Option<Vec<&Numbers>> = of_arm.iter().map(|arm| arm.by_seed.get(&seed)).collect();
                Some((seed, mean_of(&all?)))
            };
            let by_seed: BTreeMap<u64, Numbers> =
                of_arm[0].by_seed.keys().filter_map(|&seed| mean(seed)).collect();
            if !by_seed.is_empty() {
                arms.push(ArmNumbers { arm, by_seed });
            }
        }
        if !arms.is_empty() {
            let values = std::iter::once(ALL_STREAMS.to_string()).chain(point.iter().cloned()).collect();
            pooled.push(Row { values, pooled: true, arms });
        }
    }
    pooled
}

fn mean_of(all: &[&Numbers]) -> Numbers {
    let mut mean = [[0.0; 3]; 2];
    for (convention, of_convention) in mean.iter_mut().enumerate() {
        for (metric, value) in of_convention.iter_mut().enumerate() {
            *value = all.iter().map(|numbers| numbers[convention][metric]).sum::<f64>() / all.len() as f64;
        }
    }
    mean
}

impl<'a> Row<'a> {
    /// The numbers of an arm, where it has runs here.
    pub(super) fn arm(&self, name: &str) -> Option<&ArmNumbers<'a>> {
        self.arms.iter().find(|arm| arm.arm == name)
    }
}

impl ArmNumbers<'_> {
    /// One metric of every run, in the order of the seeds.
    pub(super) fn values(&self, convention: usize, metric: usize) -> Vec<f64> {
        self.by_seed.values().map(|numbers| numbers[convention][metric]).collect()
    }

    /// Mean and interval of one metric.
    pub(super) fn estimate(
        &self,
        convention: usize,
        metric: usize,
    ) -> anyhow::Result<sapo_metrics::Estimate> {
        estimate(&self.values(convention, metric))
    }
}

#[cfg(test)]
impl<'a> Groups<'a> {
    /// Groups of these numbers, whose labels are called as their keys, without a test.
    pub(super) fn of_rows(rows: Vec<Row<'a>>, labels: &[&str]) -> Self {
        let own = rows.iter().filter(|row| !row.pooled);
        let results = || Results { tasks: Vec::new(), arms: Vec::new() };
        let groups = own.map(|row| Group { values: row.values.clone(), results: results() }).collect();
        let label = |key: &&str| Label { key: key.to_string(), name: key.to_string() };
        let labels = labels.iter().map(label).collect();
        Self { groups, labels, baseline: "static", limited: false, paired: Vec::new(), rows }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream with runs of one arm under these seeds, whose numbers are their seeds.
    fn row(stream: &str, seeds: &[u64]) -> Row<'static> {
        let by_seed = seeds.iter().map(|&seed| (seed, [[seed as f64; 3]; 2])).collect();
        Row {
            values: vec![stream.to_string()],
            pooled: false,
            arms: vec![ArmNumbers { arm: "sapo", by_seed }],
        }
    }

    /// The groups of a grid of so many streams.
    fn groups(rows: Vec<Row<'static>>, streams: usize) -> Groups<'static> {
        let rows = pooled(&rows, streams).into_iter().chain(rows).collect();
        Groups::of_rows(rows, &["stream"])
    }

    fn whole(groups: &Groups) -> Vec<String> {
        groups.main_rows().iter().map(|row| row.values[0].clone()).collect()
    }

    #[test]
    fn a_mean_over_streams_is_one_of_all_of_the_grid() {
        let all = groups(vec![row("g1", &[0, 1, 2]), row("c1", &[2, 1]), row("m1", &[1, 2, 3])], 3);
        assert_eq!(whole(&all), [ALL_STREAMS]);
        assert_eq!(all.rows[0].arms[0].values(0, 0), [1.0, 2.0], "of the seeds that all have");

        let two = groups(vec![row("g1", &[0, 1]), row("c1", &[0, 1])], 3);
        assert!(two.several_streams() && !two.has_mean() && whole(&two).is_empty());
        assert_eq!(two.shown(), [0], "the stream tells rows apart");

        let apart = groups(vec![row("g1", &[0]), row("c1", &[1])], 2);
        assert!(!apart.has_mean(), "no seed is common");
    }

    #[test]
    fn one_stream_stands_for_itself() {
        for streams in [1, 3] {
            let one = groups(vec![row("g1", &[0, 1])], streams);
            assert_eq!(whole(&one), ["g1"], "of {streams}");
            assert!(!one.has_mean() && one.shown().is_empty());
        }
    }

    #[test]
    fn columns_are_named_by_the_ends_of_keys_unless_two_end_alike() {
        let keys = [
            "stream",
            "run.selection.examples",
            "run.interference.examples",
            "run.method.name",
            "rows.train",
        ];
        let mut groups = Groups::of_rows(vec![row("g1", &[0])], &keys);
        groups.labels.iter_mut().for_each(|label| label.name = "in words".to_string());
        let columns: Vec<&str> = (0..keys.len()).map(|place| groups.column(place)).collect();
        assert_eq!(columns, [keys[0], keys[1], keys[2], "method", "train"]);
    }
}
