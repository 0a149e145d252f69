//! Whether a base is where the paper's question can be asked: it understands the tasks a little before they are trained,
//! training teaches them, and later training makes it forget some of that.

use anyhow::Context;
use sapo_lab::tables::Table;
use sapo_metrics::{Convention, Estimate, TransferMatrix};

use super::config::PLAIN;
use super::groups::Groups;
use super::tables::labelled;
use crate::reporting::{estimate, marked};

/// A row a group; none where no run is plain training.
pub(super) fn table(groups: &Groups) -> anyhow::Result<Option<Table>> {
    let (mut of_group, mut seeds) = (Vec::new(), Vec::new());
    let mut columns: [Vec<Estimate>; 4] = Default::default();
    for group in &groups.groups {
        let Some(arm) = group.results.arms.iter().find(|arm| arm.arm == PLAIN) else { continue };
        of_group.push(group.values.as_slice());
        seeds.push(arm.runs.len() as i64);
        let numbers: Vec<[f64; 4]> =
            arm.runs.values().map(|run| numbers(&run.matrix)).collect::<anyhow::Result<_>>()?;
        for (place, column) in columns.iter_mut().enumerate() {
            let of_seeds: Vec<f64> = numbers.iter().map(|numbers| numbers[place]).collect();
            column.push(estimate(&of_seeds)?);
        }
    }
    if of_group.is_empty() {
        return Ok(None);
    }
    let caption = "The regime, by the runs that train every task in its original wording. ROUGE-L points, mean over seeds with \
                   95 % bootstrap interval. Untouched: mean over tasks before any training; learnt: mean over tasks, each right \
                   after its own training; AP: mean over tasks at the end of the stream; BWT: convention 'released'.";
    let mut table = labelled(Table::builder("regime", marked(caption, groups.limited)), groups, &of_group)
        .integer("seeds", seeds);
    let names = [("untouched", "untouched"), ("learnt", "learnt"), ("ap", "AP ↑"), ("bwt", "BWT ↑")];
    for ((name, heading), column) in names.into_iter().zip(columns) {
        table = table.estimate(name, 1, column).heading(heading);
    }
    Ok(Some(table.build()?))
}

fn numbers(matrix: &TransferMatrix) -> anyhow::Result<[f64; 4]> {
    let tasks = matrix.tasks().len();
    let untouched = (0..tasks).map(|task| matrix.get(0, task)).sum::<Result<f64, _>>()? / tasks as f64;
    let bwt = matrix.bwt(Convention::Released)?.context("BWT of a stream of one task")?;
    Ok([untouched, matrix.learning_accuracy()?, matrix.ap()?, bwt])
}
