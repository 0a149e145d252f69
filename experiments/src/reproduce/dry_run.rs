//! What everything will cost: the dry runs of all experiments, summed.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use sapo_lab::duration::in_words;
use serde::Deserialize;

use super::Args;
use super::list::Listed;

/// The last line of an experiment's `--dry-run --json`.
#[derive(Debug, Clone, Deserialize)]
struct Last {
    summary: Summary,
}

/// Cells and their cost.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub(super) struct Summary {
    cells: usize,
    stored: usize,
    running: usize,
    to_compute: usize,
    expected: Expected,
}

/// What is known of the cells to compute.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
struct Expected {
    /// Cells of which something is known.
    cells: usize,
    seconds: f64,
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
        let last = text.lines().last().context("its dry run said nothing")?;
        Ok(serde_json::from_str::<Last>(last).context("the summary of its dry run")?.summary)
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.cells += other.cells;
        self.stored += other.stored;
        self.running += other.running;
        self.to_compute += other.to_compute;
        self.expected.cells += other.expected.cells;
        self.expected.seconds += other.expected.seconds;
    }

    /// `40 cells: 4 stored, 0 running, 36 to compute, about 6 min 0 s (of 4 cells unknown and not counted)`
    pub(super) fn line(&self) -> String {
        let Self { cells, stored, running, to_compute, expected } = self;
        let mut line = format!("{cells} cells: {stored} stored, {running} running, {to_compute} to compute");
        if expected.cells > 0 {
            line += &format!(", about {} of computing", in_words(expected.seconds));
        }
        match to_compute - expected.cells.min(*to_compute) {
            0 => {}
            unknown => line += &format!(" (the time of {unknown} cells is unknown and not counted)"),
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dry_runs_are_summed() {
        let text = r#"{"cell": "a", "state": "stored"}
{"summary": {"cells": 40, "stored": 4, "running": 0, "to_compute": 36, "expected": {"cells": 32, "seconds": 90.0, "forward_tokens": 7}}}
"#;
        let one = Summary::parse(text).unwrap();
        let mut sum = Summary::default();
        assert_eq!(sum.line(), "0 cells: 0 stored, 0 running, 0 to compute");
        sum.add(&one);
        sum.add(&one);
        assert_eq!(
            sum.line(),
            "80 cells: 8 stored, 0 running, 72 to compute, about 3 min 0 s of computing (the time of 8 cells is unknown and \
             not counted)"
        );
    }
}
