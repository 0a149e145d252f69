//! What everything will cost: the dry runs of all experiments, summed.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};
use sapo_lab::duration::in_words;
use serde::Deserialize;

use super::Args;
use super::list::Listed;

/// A line of an experiment's `--dry-run --json`; the last one is a summary and says nothing of a cell.
#[derive(Debug, Deserialize)]
struct Line {
    cell: Option<String>,
    #[serde(default)]
    state: String,
    expected: Option<Expected>,
}

/// What is known of a cell to compute.
#[derive(Debug, Deserialize)]
struct Expected {
    seconds: f64,
}

/// The cells of one experiment or of several, each once: what one of them computes the others take over.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Summary {
    cells: BTreeMap<String, Cell>,
}

#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Stored,
    Running,
    /// With what it will take in seconds, where that is known.
    ToCompute(Option<f64>),
}

impl Summary {
    pub(super) fn ask(program: &Path, listed: &Listed, args: &Args) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        command
            .args(listed.arguments(args))
            .args(["--dry-run", "--json"])
            .stdin(Stdio::null())
            .stderr(Stdio::inherit());
        let output = command.output().with_context(|| format!("cannot run {}", program.display()))?;
        ensure!(output.status.success(), "its dry run ended with {}", output.status);
        Self::parse(&String::from_utf8_lossy(&output.stdout))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let mut cells = BTreeMap::new();
        for line in text.lines() {
            let line: Line = serde_json::from_str(line).context("a line of its dry run")?;
            let Some(name) = line.cell else { continue };
            let cell = match line.state.as_str() {
                "stored" | "elsewhere" => Cell::Stored,
                "running" => Cell::Running,
                "to_compute" => Cell::ToCompute(line.expected.map(|expected| expected.seconds)),
                other => bail!("its dry run says that a cell is {other:?}"),
            };
            cells.insert(name, cell);
        }
        ensure!(!cells.is_empty(), "its dry run said nothing");
        Ok(Self { cells })
    }

    /// The cells of both.
    pub(super) fn add(&mut self, other: Self) {
        for (name, cell) in other.cells {
            let known = self.cells.entry(name).or_insert_with(|| cell.clone());
            if matches!(known, Cell::ToCompute(None)) {
                *known = cell;
            }
        }
    }

    /// `40 cells: 4 stored, 0 running, 36 to compute, about 6 min 0 s of computing (the time of 4 cells is unknown ..)`
    pub(super) fn line(&self) -> String {
        let count = |state: fn(&Cell) -> bool| self.cells.values().filter(|cell| state(cell)).count();
        let stored = count(|cell| *cell == Cell::Stored);
        let running = count(|cell| *cell == Cell::Running);
        let unknown = count(|cell| *cell == Cell::ToCompute(None));
        let expected: Vec<f64> = self
            .cells
            .values()
            .filter_map(|cell| if let Cell::ToCompute(seconds) = cell { *seconds } else { None })
            .collect();
        let open = unknown + expected.len();
        let cells = self.cells.len();
        let mut line = format!("{cells} cells: {stored} stored, {running} running, {open} to compute");
        if !expected.is_empty() {
            line += &format!(", about {} of computing", in_words(expected.iter().sum()));
        }
        if unknown > 0 {
            line += &format!(" (the time of {unknown} cells is unknown and not counted)");
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dry_runs_are_summed_and_shared_cells_counted_once() {
        let one = r#"{"cell": "a", "axes": {}, "state": "stored"}
{"cell": "b", "axes": {}, "state": "to_compute", "expected": {"seconds": 90.0, "forward_tokens": 7, "by": "experiment"}}
{"cell": "c", "axes": {}, "state": "to_compute", "expected": null}
{"summary": {"cells": 3, "stored": 1}}
"#;
        let other = r#"{"cell": "b", "axes": {}, "state": "to_compute", "expected": null}
{"cell": "c", "axes": {}, "state": "to_compute", "expected": {"seconds": 30.0}}
{"cell": "d", "axes": {}, "state": "elsewhere", "experiment": "one"}
{"cell": "e", "axes": {}, "state": "to_compute", "expected": null}
"#;
        let mut sum = Summary::default();
        assert_eq!(sum.line(), "0 cells: 0 stored, 0 running, 0 to compute");
        sum.add(Summary::parse(one).unwrap());
        assert_eq!(
            sum.line(),
            "3 cells: 1 stored, 0 running, 2 to compute, about 1 min 30 s of computing (the time of 1 cells is unknown and \
             not counted)"
        );
        sum.add(Summary::parse(other).unwrap());
        assert_eq!(
            sum.line(),
            "5 cells: 2 stored, 0 running, 3 to compute, about 2 min 0 s of computing (the time of 1 cells is unknown and \
             not counted)"
        );
        assert!(Summary::parse("").is_err() && Summary::parse(r#"{"cell": "a", "state": "lost"}"#).is_err());
    }
}
