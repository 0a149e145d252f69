//! `sapo report` and `sapo runs`: what they write, what they say, and their exit codes.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use common::sapo_in;
use sapo_lab::CellSpec;
use sapo_lab::provenance::{Code, Stopwatch};
use sapo_lab::record::{RunRecord, Score};
use sapo_lab::store::{Claim, Store};
use serde_json::json;

/// Two runs of an experiment under `runs/toy`, and their folders.
fn runs(root: &Path) -> Vec<PathBuf> {
    let store = Store::open(&root.join("runs"), "toy").unwrap();
    let cell = |seed: u32| {
        let cell = CellSpec::new(json!({"arm": "sapo", "seed": seed}), &["arm", "seed"]).unwrap();
        let score = |step, value| Score {
            step,
            task: 1,
            task_name: "dates".into(),
            metric: "rouge_l".into(),
            value,
            examples: 2,
        };
        let record = RunRecord { scores: vec![score(0, 10.0), score(1, 90.0)], ..RunRecord::default() };
        let Claim::Granted(staging) = store.claim(&cell).unwrap() else { panic!("the cell is new") };
        staging.commit(&record, Stopwatch::start(Code::detect()).stop(BTreeMap::new())).unwrap();
        store.cell_folder(&cell.id())
    };
    vec![cell(0), cell(1)]
}

#[test]
fn a_page_is_written_whole() {
    let here = common::folder(&[]);
    runs(here.path());
    let run = sapo_in(here.path(), &["report", "runs/toy", "--out", "pages/report.html"]);
    assert_eq!(
        run.transcript(),
        "exit code 0\n--- stdout\n--- stderr\nwrote pages/report.html: 2 cells of toy\n"
    );
    let html = std::fs::read_to_string(here.path().join("pages/report.html")).unwrap();
    assert!(html.starts_with("<!doctype html>") && html.ends_with("</html>\n"));
    let json = sapo_in(here.path(), &["report", "runs/toy", "--out", "report.html", "--json"]).ok().json();
    let summary = json!({"out": "report.html", "bytes": html.len(),
                         "experiments": [{"name": "toy", "cells": 2, "damaged": []}]});
    assert_eq!(json, [json!({ "summary": summary })]);
}

#[test]
fn a_damaged_cell_fails_the_command_but_not_the_page() {
    let here = common::folder(&[]);
    let cells = runs(here.path());
    std::fs::write(cells[1].join("scores.parquet"), "flipped").unwrap();
    let run = sapo_in(here.path(), &["report", "runs/toy", "--out", "report.html"]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert!(lines[0].starts_with("damaged: ") && lines[0].contains("scores.parquet is damaged"), "{lines:?}");
    let rest = ["wrote report.html: 1 cell of toy", "error: 1 thing could not be read; the page says which"];
    assert_eq!(lines[1..], rest);
    assert!(
        std::fs::read_to_string(here.path().join("report.html"))
            .unwrap()
            .contains("scores.parquet is damaged")
    );
}

#[test]
fn a_choice_of_no_cell_is_told_and_an_unknown_axis_refused() {
    let here = common::folder(&[]);
    runs(here.path());
    let list = |only: &str| sapo_in(here.path(), &["runs", "list", "toy", "--json", "--only", only]);
    let one = list("seed=1").ok().json();
    assert_eq!((one.len(), &one[0]["axes"]), (1, &json!({"arm": "sapo", "seed": "1"})));
    assert_eq!(
        list("arm=sapo,seed=7").transcript(),
        "exit code 0\n--- stdout\n--- stderr\nno cell of toy has arm=sapo,seed=7\n"
    );
    let unknown = list("sead=1").transcript();
    assert_eq!(unknown, "exit code 1\n--- stdout\n--- stderr\nerror: --only sead: the axes are arm, seed\n");
}

#[test]
fn what_holds_no_runs_is_refused_with_a_hint() {
    let here = common::folder(&[("runs/toy/notes.txt", "")]);
    for (given, why) in
        [("runs/none", "there is no such folder"), ("runs/toy", "there is no finished cell in it")]
    {
        let run = sapo_in(here.path(), &["report", given, "--out", "report.html"]);
        assert_eq!((run.code, run.stdout.as_str()), (1, ""));
        assert!(
            run.stderr.starts_with(&format!("error: no runs in {given}: {why}\nhint: runs are ")),
            "{}",
            run.stderr
        );
    }
    assert!(!here.path().join("report.html").exists());
}
