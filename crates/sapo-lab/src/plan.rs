//! What `--dry-run` prints: the cells, which are stored, and what the others will cost.

use serde_json::{Value, json};

use crate::cell::CellSpec;
use crate::duration::in_words;
use crate::estimate::{Cost, Costs, Estimate, Likeness};
use crate::events::axes;
use crate::listing::table;
use crate::neighbours::Neighbours;
use crate::runs::Index;
use crate::store::{Store, StoreError};

/// The cells of a grid as they are now.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    cells: Vec<Planned<'a>>,
}

#[derive(Debug)]
struct Planned<'a> {
    cell: &'a CellSpec,
    state: State,
}

#[derive(Debug, PartialEq)]
enum State {
    Stored,
    /// Another experiment has stored it, which one: it will be taken over.
    Elsewhere(String),
    /// By whom.
    Running(String),
    ToCompute(Option<Estimate>),
}

#[derive(Debug, Default)]
struct Counts {
    stored: usize,
    elsewhere: usize,
    running: usize,
    open: usize,
}

impl<'a> Plan<'a> {
    /// Looks at the store, and where cells are shared at those of other experiments; with `force` stored cells are to be
    /// computed anew.
    ///
    /// # Errors
    /// Where the folder or a lock cannot be read.
    pub(crate) fn of(
        store: &Store,
        cells: &'a [CellSpec],
        shared: bool,
        force: bool,
    ) -> Result<Self, StoreError> {
        let neighbours = shared.then(|| Neighbours::of(store)).transpose()?;
        let mut costs = None;
        let mut planned = Vec::new();
        for cell in cells {
            let id = cell.id();
            let state = if store.contains(&id) && !force {
                State::Stored
            } else if let Some(holder) = store.holder(&id)? {
                State::Running(holder.to_string())
            } else if let Some(other) = neighbours.as_ref().and_then(|neighbours| neighbours.with(&id)) {
                State::Elsewhere(other.experiment().to_owned())
            } else {
                let costs = match &costs {
                    Some(costs) => costs,
                    None => costs.insert(Costs::of(&Index::of(store)?.cells)),
                };
                State::ToCompute(costs.estimate(cell))
            };
            planned.push(Planned { cell, state });
        }
        Ok(Self { cells: planned })
    }

    /// A table for people. `jobs`: how many cells are to be computed at a time, where that was said.
    pub(crate) fn table(&self, jobs: Option<usize>) -> String {
        let axes = self.cells.first().map(|planned| planned.cell.axes()).unwrap_or_default();
        let mut header = vec!["cell".to_owned()];
        header.extend(axes.iter().map(|(axis, _)| (*axis).to_owned()));
        header.extend(["state", "time", "tokens"].map(str::to_owned));
        let mut rows = vec![header];
        for Planned { cell, state } in &self.cells {
            let mut row = vec![cell.id().to_string()];
            row.extend(cell.axes().into_iter().map(|(_, value)| value));
            row.extend(match state {
                State::Stored => vec!["stored".to_owned()],
                State::Elsewhere(experiment) => vec![format!("stored by {experiment}")],
                State::Running(holder) => vec![format!("running: {holder}")],
                State::ToCompute(None) => vec!["to compute".to_owned(), "unknown".to_owned()],
                State::ToCompute(Some(Estimate { cost, .. })) => {
                    vec!["to compute".to_owned(), in_words(cost.seconds), tokens(cost.forward_tokens)]
                }
            });
            rows.push(row);
        }
        let Counts { stored, elsewhere, running, open } = self.counts();
        let cells = self.cells.len();
        let mut text = table(&rows);
        let others =
            if elsewhere > 0 { format!(" ({elsewhere} by other experiments)") } else { String::new() };
        let stored = stored + elsewhere;
        text += &format!("{cells} cells: {stored} stored{others}, {running} running, {open} to compute\n");
        text + &self.in_all(jobs)
    }

    /// `about 3 min of computing and 1.2 M tokens, judged by ...`
    fn in_all(&self, jobs: Option<usize>) -> String {
        let open = self.counts().open;
        let (cost, alike, others) = self.sum();
        if open == 0 {
            return String::new();
        }
        if alike + others == 0 {
            return "how long that takes is unknown: no stored cell tells\n".to_owned();
        }
        let mut text = format!("about {} of computing", in_words(cost.seconds));
        if let Some(jobs) = jobs.filter(|&jobs| jobs > 1) {
            text += &format!(" ({} with --jobs {jobs})", in_words(cost.seconds / jobs.min(open) as f64));
        }
        if cost.forward_tokens > 0 {
            text += &format!(" and {} tokens", tokens(cost.forward_tokens));
        }
        let mut judged = Vec::new();
        if alike > 0 {
            judged.push(format!("{alike} by stored cells of other seeds"));
        }
        if others > 0 {
            judged.push(format!("{others} by the median of the experiment"));
        }
        let unknown = open - alike - others;
        if unknown > 0 {
            judged.push(format!("{unknown} unknown and not counted"));
        }
        format!("{text}: {}\n", judged.join(", "))
    }

    /// An object a cell, then the summary.
    pub(crate) fn json(&self) -> Vec<Value> {
        let mut lines: Vec<Value> = self.cells.iter().map(Planned::json).collect();
        let Counts { stored, elsewhere, running, open } = self.counts();
        let (cost, alike, others) = self.sum();
        lines.push(json!({"summary": {
            "cells": self.cells.len(), "stored": stored, "elsewhere": elsewhere, "running": running, "to_compute": open,
            "expected": {"cells": alike + others, "seconds": cost.seconds, "forward_tokens": cost.forward_tokens},
        }}));
        lines
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for planned in &self.cells {
            *match planned.state {
                State::Stored => &mut counts.stored,
                State::Elsewhere(_) => &mut counts.elsewhere,
                State::Running(_) => &mut counts.running,
                State::ToCompute(_) => &mut counts.open,
            } += 1;
        }
        counts
    }

    /// What the cells to compute will cost, with how many of them are judged by cells of other seeds and how many by all.
    fn sum(&self) -> (Cost, usize, usize) {
        let (mut sum, mut alike, mut others) = (Cost { seconds: 0.0, forward_tokens: 0 }, 0, 0);
        for planned in &self.cells {
            if let State::ToCompute(Some(Estimate { cost, by })) = planned.state {
                sum.seconds += cost.seconds;
                sum.forward_tokens += cost.forward_tokens;
                match by {
                    Likeness::AllButSeed => alike += 1,
                    Likeness::Experiment => others += 1,
                }
            }
        }
        (sum, alike, others)
    }
}

impl Planned<'_> {
    fn json(&self) -> Value {
        let mut line = json!({"cell": self.cell.id(), "axes": axes(self.cell)});
        let (state, more) = match &self.state {
            State::Stored => ("stored", None),
            State::Elsewhere(experiment) => ("elsewhere", Some(("experiment", json!(experiment)))),
            State::Running(holder) => ("running", Some(("holder", json!(holder)))),
            State::ToCompute(estimate) => {
                let expected = estimate.map(|Estimate { cost, by }| {
                    let Cost { seconds, forward_tokens } = cost;
                    json!({"seconds": seconds, "forward_tokens": forward_tokens, "by": by.name()})
                });
                ("to_compute", Some(("expected", json!(expected))))
            }
        };
        line["state"] = state.into();
        if let Some((key, value)) = more {
            line[key] = value;
        }
        line
    }
}

/// `812`, `3.2 k`, `1.2 M`; nothing where none were counted.
fn tokens(count: u64) -> String {
    match count {
        0 => String::new(),
        1..1_000 => count.to_string(),
        1_000..1_000_000 => format!("{:.1} k", count as f64 / 1e3),
        _ => format!("{:.1} M", count as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;
    use crate::provenance::{Code, Stopwatch};
    use crate::record::{RunRecord, Usage};
    use crate::store::Claim;

    fn cell(arm: &str, seed: u32) -> CellSpec {
        CellSpec::new(json!({"arm": arm, "seed": seed}), &["arm", "seed"]).unwrap()
    }

    fn keep(store: &Store, cell: &CellSpec, seconds: f64, tokens: u64) {
        let Claim::Granted(staging) = store.claim(cell).unwrap() else { panic!("the cell is new") };
        let train = Usage { step: 1, phase: "train".into(), seconds: 1.0, forward_tokens: tokens };
        let ahead = Usage { phase: "interference".into(), seconds: 0.5, forward_tokens: 5, ..train.clone() };
        let record = RunRecord { usage: vec![train, ahead], ..RunRecord::default() };
        let mut provenance = Stopwatch::start(Code::detect()).stop(BTreeMap::new());
        provenance.wall_seconds = seconds;
        staging.commit(&record, provenance).unwrap();
    }

    fn stored(root: &Path) -> Store {
        let store = Store::open(root, "toy").unwrap();
        keep(&store, &cell("a", 0), 100.0, 1_999_995);
        keep(&store, &cell("a", 1), 300.0, 3_999_995);
        keep(&store, &cell("a", 2), 120.0, 2_999_995);
        keep(&store, &cell("b", 0), 10.0, 795);
        keep(&store, &cell("limited", 0).marked_limited(), 1.0, 1);
        store
    }

    #[test]
    fn cells_are_judged_by_other_seeds_else_by_all_else_not() {
        let root = tempfile::tempdir().unwrap();
        let store = stored(root.path());
        keep(&Store::open(root.path(), "neighbour").unwrap(), &cell("b", 1), 5.0, 1);
        let cells = [cell("a", 0), cell("a", 3), cell("b", 1), cell("b", 3), cell("c", 0)];
        insta::assert_snapshot!(Plan::of(&store, &cells, true, false).unwrap().table(Some(2)));
        let json = Plan::of(&store, &cells, true, false).unwrap().json();
        insta::assert_snapshot!(json.iter().map(|line| format!("{line}\n")).collect::<String>());
        let unlimited = [cell("limited", 1)];
        let other = Store::open(root.path(), "other").unwrap();
        keep(&other, &cell("limited", 0).marked_limited(), 1.0, 1);
        let text = Plan::of(&other, &unlimited, false, false).unwrap().table(None);
        assert!(text.ends_with("how long that takes is unknown: no stored cell tells\n"), "{text}");
    }

    #[test]
    fn numbers_are_short() {
        let times = [0.2, 42.4, 185.0, 7_800.0, 273_600.0].map(in_words);
        assert_eq!(times, ["under 1 s", "42 s", "3 min 5 s", "2 h 10 min", "3 d 4 h"]);
        assert_eq!([0, 812, 3_210, 1_240_000].map(tokens), ["", "812", "3.2 k", "1.2 M"]);
    }
}
