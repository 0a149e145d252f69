use std::collections::BTreeMap;
use std::io::Write;

use anyhow::{Context, bail, ensure};
use clap::Args;
use sapo_lab::Store;
use sapo_lab::cell::Choice;
use sapo_lab::runs::{Index, IndexedCell};
use sapo_metrics::{Bootstrap, Estimate, IntervalMethod, STATISTICS_SEED};
use serde_json::{Value, json};

use super::Root;
use crate::table::write_rows;

/// List what is stored
///
/// Without a name: every experiment. With one: its cells with AP, BWT and FWT (ROUGE-L, as released), which --only picks
/// and --by puts together as means with 95 % bootstrap intervals.
///
/// The first time every cell is read; after that only those that are new, from index.parquet in the experiment's folder.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Name of an experiment
    #[arg(value_name = "EXPERIMENT")]
    experiment: Option<String>,
    #[command(flatten)]
    root: Root,
    /// Only the cells with these values (arm=sapo,seed=3); several values of one axis are alternatives
    #[arg(long, value_name = "AXIS=VALUE,..", requires = "experiment")]
    only: Option<Choice>,
    /// One line for all cells with the same values of these axes
    #[arg(long, value_name = "AXIS,..", value_delimiter = ',', requires = "experiment")]
    by: Vec<String>,
    /// Print JSON Lines: an object an experiment, a cell or a group
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ListArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let stores = args.root.stores(args.experiment.as_deref())?;
    let Some(store) = stores.first().filter(|_| args.experiment.is_some()) else {
        return list_experiments(args, &stores, out);
    };
    let index = index_of(store)?;
    let axes: Vec<&str> = index
        .cells
        .first()
        .map(|cell| cell.axes.iter().filter_map(|a| Some(a.split_once('=')?.0)).collect())
        .unwrap_or_default();
    let unknown =
        args.only.iter().flat_map(Choice::axes).find(|axis| !axes.is_empty() && !axes.contains(axis));
    if let Some(axis) = unknown {
        bail!("--only {axis}: the axes are {}", axes.join(", "));
    }
    let is_chosen =
        |cell: &&IndexedCell| args.only.as_ref().is_none_or(|only| only.takes(|axis| cell.axis(axis)));
    let chosen: Vec<&IndexedCell> = index.cells.iter().filter(is_chosen).collect();
    if let Some(only) = args.only.as_ref().filter(|_| chosen.is_empty()) {
        eprintln!("no cell of {} has {only}", store.experiment());
    }
    if args.by.is_empty() {
        list_cells(args, &axes, &chosen, out)
    } else {
        list_groups(args, &axes, &chosen, out)
    }
}

/// The index, with a word on stderr about each cell that cannot be read.
fn index_of(store: &Store) -> anyhow::Result<Index> {
    let index = Index::of(store)?;
    for (_, error) in &index.unreadable {
        eprintln!("warning: {error}");
    }
    Ok(index)
}

fn list_experiments(args: &ListArgs, stores: &[Store], out: &mut dyn Write) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for store in stores {
        let index = index_of(store)?;
        let begun = store.begun()?.len();
        let last = index.cells.iter().map(|cell| cell.finished.as_str()).max().unwrap_or_default();
        let (stored, unreadable) = (index.cells.len(), index.unreadable.len());
        // the sum of nothing is -0
        let hours = index.cells.iter().map(|cell| cell.wall_seconds).sum::<f64>().abs() / 3600.0;
        if args.json {
            let object = json!({"experiment": store.experiment(), "stored": stored, "begun": begun,
                "unreadable": unreadable, "hours": hours, "last": last});
            writeln!(out, "{object}")?;
        }
        let numbers = [stored, begun, unreadable].map(|count| count.to_string());
        let mut row = vec![store.experiment().to_string()];
        row.extend(numbers);
        row.extend([format!("{hours:.2}"), last.to_string()]);
        rows.push(row);
    }
    if args.json {
        return Ok(());
    }
    ensure!(!rows.is_empty(), "no runs in {}", args.root.runs.display());
    let head = ["experiment", "stored", "begun", "unreadable", "hours", "last finished"].map(String::from);
    Ok(write_rows(out, &head, &rows, &[false, true, true, true, true, false])?)
}

fn list_cells(
    args: &ListArgs,
    axes: &[&str],
    cells: &[&IndexedCell],
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    if args.json {
        for cell in cells {
            let axes: serde_json::Map<String, Value> =
                axes.iter().filter_map(|axis| Some(((*axis).to_string(), cell.axis(axis)?.into()))).collect();
            let object = json!({"cell": cell.id, "axes": axes, "ap": cell.ap, "bwt": cell.bwt, "fwt": cell.fwt,
                "wall_seconds": cell.wall_seconds, "attempts": cell.attempts, "limited": cell.limited,
                "finished": cell.finished});
            writeln!(out, "{object}")?;
        }
        return Ok(());
    }
    let show = |value: Option<f64>| value.map_or("-".to_string(), |value| format!("{value:.2}"));
    let row = |cell: &&IndexedCell| {
        let mut row = vec![cell.id.clone()];
        row.extend(axes.iter().map(|axis| cell.axis(axis).unwrap_or("-").to_string()));
        row.extend([show(cell.ap), show(cell.bwt), show(cell.fwt), format!("{:.1}", cell.wall_seconds)]);
        row.push(if cell.limited { "limited".into() } else { String::new() });
        row
    };
    let rows: Vec<Vec<String>> = cells.iter().map(row).collect();
    let mut head = vec!["cell".to_string()];
    head.extend(axes.iter().map(ToString::to_string));
    head.extend(["AP", "BWT", "FWT", "seconds", ""].map(String::from));
    let right: Vec<bool> =
        (0..head.len()).map(|column| column > axes.len() && column + 1 < head.len()).collect();
    write_rows(out, &head, &rows, &right)?;
    Ok(writeln!(out, "{} cells", cells.len())?)
}

/// AP, BWT and FWT of the cells of a group.
#[derive(Default)]
struct Group {
    cells: usize,
    limited: bool,
    metrics: [Vec<f64>; 3],
}

fn list_groups(
    args: &ListArgs,
    axes: &[&str],
    cells: &[&IndexedCell],
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    for axis in &args.by {
        ensure!(axes.contains(&axis.as_str()), "--by {axis}: the axes are {}", axes.join(", "));
    }
    let mut groups: BTreeMap<Vec<&str>, Group> = BTreeMap::new();
    for cell in cells {
        let name = args.by.iter().map(|axis| cell.axis(axis).unwrap_or("-")).collect();
        let group = groups.entry(name).or_default();
        group.cells += 1;
        group.limited |= cell.limited;
        for (values, value) in group.metrics.iter_mut().zip([cell.ap, cell.bwt, cell.fwt]) {
            values.extend(value);
        }
    }
    let mut rows = Vec::new();
    for (name, group) in &groups {
        let estimates = group.metrics.each_ref().map(|values| estimate(values));
        let [ap, bwt, fwt] = estimates;
        let (ap, bwt, fwt) = (ap?, bwt?, fwt?);
        if args.json {
            let axes: serde_json::Map<String, Value> =
                args.by.iter().cloned().zip(name.iter().map(|value| Value::from(*value))).collect();
            let object = json!({"axes": axes, "cells": group.cells, "limited": group.limited, "ap": ap, "bwt": bwt, "fwt": fwt});
            writeln!(out, "{object}")?;
        }
        let show =
            |value: &Option<Estimate>| value.as_ref().map_or("-".to_string(), |value| format!("{value:.1}"));
        let mut row: Vec<String> = name.iter().map(ToString::to_string).collect();
        row.extend([group.cells.to_string(), show(&ap), show(&bwt), show(&fwt)]);
        row.push(if group.limited { "limited".into() } else { String::new() });
        rows.push(row);
    }
    if args.json {
        return Ok(());
    }
    let mut head = args.by.clone();
    head.extend(["cells", "AP", "BWT", "FWT", ""].map(String::from));
    let right: Vec<bool> = (0..head.len()).map(|column| column == args.by.len()).collect();
    Ok(write_rows(out, &head, &rows, &right)?)
}

/// A mean with its interval; none without a value.
fn estimate(values: &[f64]) -> anyhow::Result<Option<Estimate>> {
    // with so many values fewer resamples say the same
    const MANY: usize = 1000;
    let found = if values.len() > MANY {
        let method = IntervalMethod::Percentile;
        Bootstrap { resamples: 1000, method, ..Bootstrap::new(STATISTICS_SEED) }.mean(values).map(Some)
    } else {
        sapo_metrics::estimate(values)
    };
    found.context("interval of a mean")
}
