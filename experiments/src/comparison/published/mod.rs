//! The results for a reader who has the paper in hand: in the form of its main table, and beside its numbers.

mod beside;
mod form;

#[cfg(test)]
mod tests;

use std::path::Path;

use anyhow::Context;
use itertools::Itertools;

use super::config::METHOD;
use super::groups::{Groups, Row};
use super::paired::PairedRow;
use crate::published::{PaperTable, shipped};

/// The results of single streams.
struct OfStreams<'a> {
    /// The numbers of every stream and method.
    rows: Vec<&'a Row<'a>>,
    /// What the other arms change.
    paired: Vec<&'a PairedRow<'a>>,
    /// Name of the arm that the others are compared with.
    baseline: &'a str,
    /// Where the method stands among the values of a row; the stream stands first.
    method: usize,
    /// Whether any run was made with `--limit-*`.
    limited: bool,
    material: Material,
}

/// What the runs learnt.
struct Material {
    benchmark: String,
    model: String,
}

/// Writes the tables `paper_form` and `beside_published` and the figure `beside_published`; the last two only where there
/// is a difference that the paper has, too.
pub(super) fn write(
    groups: &Groups,
    wanted: &[PaperTable],
    tables: &Path,
    plots: &Path,
) -> anyhow::Result<()> {
    let results = OfStreams::new(groups)?;
    form::table(&results)?.write_all(tables)?;
    let published: Vec<_> = shipped()?.into_iter().filter(|row| wanted.contains(&row.table)).collect();
    let beside = beside::Beside::new(&results, &published);
    if !beside.is_empty() {
        beside.table()?.write_all(tables)?;
        beside.figure()?.write(plots, "beside_published")?;
    }
    Ok(())
}

impl<'a> OfStreams<'a> {
    fn new(groups: &'a Groups<'a>) -> anyhow::Result<Self> {
        let method =
            groups.labels.iter().position(|label| label.key == METHOD).context("no axis of methods")?;
        Ok(Self {
            rows: groups.rows.iter().filter(|row| !row.pooled).collect(),
            paired: groups.paired.iter().filter(|row| !row.pooled).collect(),
            baseline: groups.baseline,
            method,
            limited: groups.limited,
            material: Material::of(groups)?,
        })
    }

    /// The different values at a place of the labels, in the order of the rows.
    fn values(&self, place: usize) -> Vec<&str> {
        self.rows.iter().map(|row| row.values[place].as_str()).unique().collect()
    }
}

impl Material {
    /// That of the first run: neither is an axis.
    fn of(groups: &Groups) -> anyhow::Result<Self> {
        let arms = groups.groups.iter().flat_map(|group| &group.results.arms);
        let first = arms.flat_map(|arm| arm.runs.values()).next().context("no run")?;
        let of = |key: &str| first.stored.axis(key).with_context(|| format!("a run without {key}"));
        Ok(Self { benchmark: of("benchmark")?, model: of("model")? })
    }

    /// Whether the streams are the paper's; those of the built-in benchmark only have their names.
    fn is_the_papers(&self) -> bool {
        self.benchmark != "builtin"
    }
}
