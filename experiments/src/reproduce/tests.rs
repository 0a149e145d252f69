//! All of it on two experiments that are shell scripts.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

use clap::Parser;
use sapo_lab::tables::Table;

use super::*;

const LIST: &str = "figures = ['*']\n\
    [[experiments]]\nname = 'good'\nscales = ['nano']\nquestion = 'Is it good?'\n\
    [[experiments]]\nname = 'bad'\nscales = ['nano']\nquestion = 'Is it bad?'\n\
    [[experiments]]\nname = 'grid'\nscales = ['small']\nquick_seeds = 2\n";

/// The least that a notebook takes for a figure: the head of a PNG file, two dots wide.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x02\0\0\0\x01";

const TEXT: &str = "# Title\r\n<!-- generated: good/nano/by_arm -->\nold\n<!-- end -->\nBy hand.";

/// A folder with programs, a checkout and a table that the good one copies into its runs.
struct Room {
    root: tempfile::TempDir,
    list: List,
}

impl Room {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let table = Table::builder("by_arm", "Means.").text("arm", ["static"]).float("ap", 1, [70.25]);
        table.build().unwrap().write_all(root.path().join("made")).unwrap();
        fs::create_dir_all(root.path().join("project/docs")).unwrap();
        let room = Self { root, list: List::parse(LIST).unwrap() };
        room.write("project/docs/experiments.md", TEXT);
        room.program("good", &copying("good", "echo found"));
        room.program("bad", "echo 'no luck' >&2; exit 3");
        room
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// A shell script. Another process writes its file: a program that this one was forked from while it had the file open
    /// would make it busy.
    fn program(&self, name: &str, script: &str) {
        let (text, name) = (format!("{name}.sh"), format!("programs/{name}"));
        self.write(&text, &format!("#!/bin/sh\nset -e\n{script}\n"));
        fs::create_dir_all(self.path("programs")).unwrap();
        assert!(Command::new("cp").args([self.path(&text), self.path(&name)]).status().unwrap().success());
        fs::set_permissions(self.path(&name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Makes `grid` one that says that it has two seeds, with a figure that tells with which arguments it was drawn.
    fn add_grid(&self) {
        self.write("made/experiment.json", &grid(&["0", "1"]));
        fs::write(self.path("made/figure.png"), PNG).unwrap();
        let then = "cat ../made/experiment.json >grid/experiment.json && mkdir -p grid/plots && \
                    (cat ../made/figure.png && echo \"$*\") >grid/plots/new.png";
        self.program("grid", &copying("grid", then));
    }

    /// The exit code, or the error.
    fn reproduce(&self, line: &str) -> Result<String, String> {
        self.reproduce_until(line, &Interrupts::default())
    }

    fn reproduce_until(&self, line: &str, interrupts: &Interrupts) -> Result<String, String> {
        let result = self.with(line, interrupts, |all| all.run());
        result.map(|code| format!("{code:?}")).map_err(|error| format!("{error:#}"))
    }

    fn with<T>(&self, line: &str, interrupts: &Interrupts, act: impl FnOnce(&Reproduction<'_>) -> T) -> T {
        let out = self.path("runs").display().to_string();
        let args = Args::parse_from(["reproduce", "--out", &out].into_iter().chain(line.split_whitespace()));
        let programs = self.path("programs");
        let project = self.path("project");
        act(&Reproduction {
            args: &args,
            list: &self.list,
            programs: &programs,
            project: &project,
            interrupts,
        })
    }
}

/// The script of an experiment that copies the table into its runs, and then does something in the folder of all runs.
fn copying(name: &str, then: &str) -> String {
    format!(
        "mkdir -p \"$2/{name}/tables\" && cd \"$2\" && for file in ../made/by_arm.md ../made/by_arm.parquet; do
             cat $file >\"{name}/tables/${{file##*/}}\"
         done && {then}"
    )
}

/// What a grid without cells says of itself.
fn grid(seeds: &[&str]) -> String {
    let axis = serde_json::json!({"name": "seed", "values": seeds});
    serde_json::json!({"version": 1, "name": "grid", "question": "Does it count?", "axes": [axis], "cells": []})
        .to_string()
}

fn code(code: u8) -> Result<String, String> {
    Ok(format!("{:?}", ExitCode::from(code)))
}

#[test]
fn a_failure_is_told_in_the_end_and_the_others_are_promoted() {
    let room = Room::new();
    assert_eq!(room.reproduce(""), code(1));
    let new = "# Title\r\n<!-- generated: good/nano/by_arm -->\n\n| arm | ap |\n| :--- | ---: |\n| static | 70.2 |\n\nMeans.\n\n\
               <!-- end -->\nBy hand.";
    assert_eq!(room.read("project/docs/experiments.md"), new);
    assert!(room.path("project/notebooks-export/good/nano/tables/by_arm.parquet").exists());
    let notebook: serde_json::Value =
        serde_json::from_str(&room.read("project/notebooks-export/good.ipynb")).unwrap();
    assert_eq!(notebook["nbformat"], 4);
    assert!(!room.path("project/notebooks-export/bad.ipynb").exists());
    assert_eq!(room.read("runs/good/screen.txt"), "found\n");
    assert_eq!(room.reproduce("--only good"), code(0));
}

#[test]
fn documentation_is_written_again_without_computing() {
    let room = Room::new();
    assert_eq!(room.reproduce("--docs-only --only good"), code(1));
    assert_eq!(room.reproduce("--only good"), code(0));
    let written = room.read("project/docs/experiments.md");
    room.write("project/docs/experiments.md", TEXT);
    room.program("good", "exit 1");
    assert_eq!(room.reproduce("--docs-only"), code(0));
    assert_eq!(room.read("project/docs/experiments.md"), written);
    // a table that another command has made is not promoted
    room.write("runs/good/tables/by_arm.md", "| other |");
    assert_eq!(room.reproduce("--docs-only"), code(1));
    assert_eq!(room.read("project/docs/experiments.md"), written);
}

#[test]
fn results_of_one_grid_are_not_promoted_as_those_of_another() {
    let room = Room::new();
    room.add_grid();
    assert_eq!(room.reproduce("--scale small --data d"), code(0));
    let docs_only = || room.reproduce("--scale small --docs-only --only grid");
    assert_eq!(docs_only(), code(0));
    let promoted = || room.read("project/notebooks-export/grid/small/promoted.json");
    let of_two_seeds = promoted();
    assert!(of_two_seeds.contains("\"seeds\": 2,"), "{of_two_seeds}");

    // as a command with other seeds leaves it that was stopped before it made tables
    room.write("runs/grid/experiment.json", &grid(&["0", "1", "2"]));
    assert_eq!(docs_only(), code(1));
    assert_eq!(promoted(), of_two_seeds);
    let folder = room.path("runs/grid");
    let note = Note::read(&folder, "small").unwrap().unwrap();
    let error = note.check(&folder).unwrap_err().to_string();
    let again = "run `./just reproduce --only grid --scale small` again";
    let changed = format!("experiment.json was made again by another command; {again}");
    assert!(error.ends_with(&changed), "{error}");
    assert_eq!(room.reproduce("--scale small --data d"), code(0));
    assert_eq!(docs_only(), code(0));

    // an older program did not note the grid
    let note = room.read("runs/grid/reproduced.json").replace("\"version\": 2,", "\"version\": 1,");
    room.write("runs/grid/reproduced.json", &note);
    let error = Note::read(&folder, "small").unwrap_err().to_string();
    assert!(error.ends_with(&format!("has version 1, expected 2; {again}")), "{error}");
    assert_eq!(docs_only(), code(1));
}

#[test]
fn figures_of_few_seeds_do_not_take_the_place_of_those_of_all() {
    let room = Room::new();
    room.add_grid();
    let small = |line: &str| room.reproduce(&format!("--scale small --data d {line}"));
    let (old, new) = ("project/docs/figures/grid/old.png", room.path("project/docs/figures/grid/new.png"));
    room.write(old, "of an earlier run");
    assert_eq!(small("--quick"), code(0));
    assert!(room.path(old).exists() && !new.exists());
    assert_eq!(small(""), code(0));
    let of_all_seeds = fs::read(&new).unwrap();
    assert_eq!(small("--quick"), code(0));
    assert_eq!(fs::read(&new).unwrap(), of_all_seeds);
    let promoted = "project/notebooks-export/grid/small";
    assert!(room.read(&format!("{promoted}/tables/by_arm.md")).contains("QUICK: 2 seeds."));
    assert_ne!(fs::read(room.path(&format!("{promoted}/figures/new.png"))).unwrap(), of_all_seeds);

    let project = room.path("project");
    let shelf = Shelf { project: &project, list: &room.list };
    let note = Note::read(&room.path("runs/grid"), "small").unwrap().unwrap();
    let line = shelf.promote(room.list.find("grid").unwrap(), &room.path("runs"), &note).unwrap();
    let told = "promoted grid/small: 1 tables, 1 figures; QUICK: docs/figures/grid stays as it is";
    assert_eq!(line, told);
}

#[test]
fn figures_that_are_promoted_no_more_are_removed() {
    let room = Room::new();
    room.add_grid();
    let shown = |name: &str| format!("project/docs/figures/{name}");
    // of other scales, of other experiments, of none, or made by hand
    let others = ["grid/paper/old.png", "good/old.png", "old.png", "grid/old.svg"];
    for name in others.into_iter().chain(["grid/old.png"]) {
        room.write(&shown(name), "old");
    }
    assert_eq!(room.reproduce("--scale small --data d"), code(0));
    assert!(room.path(&shown("grid/new.png")).exists() && !room.path(&shown("grid/old.png")).exists());
    assert!(others.into_iter().all(|name| room.path(&shown(name)).exists()));

    room.write(&shown("grid/old.png"), "old");
    let project = room.path("project");
    let shelf = Shelf { project: &project, list: &room.list };
    let note = Note::read(&room.path("runs/grid"), "small").unwrap().unwrap();
    let line = shelf.promote(room.list.find("grid").unwrap(), &room.path("runs"), &note).unwrap();
    let told = "promoted grid/small: 1 tables, 1 figures; removed from docs/figures/grid: old.png";
    assert_eq!(line, told);
}

#[test]
fn tables_with_texts_of_a_benchmark_that_is_not_the_projects_own_stay_with_the_runs() {
    let mut room = Room::new();
    room.add_grid();
    assert_eq!(room.reproduce("--only good"), code(0));
    assert_eq!(room.reproduce("--scale small --data d"), code(0));
    let is_kept = |room: &Room, of: &str| {
        room.path(&format!("project/notebooks-export/{of}/tables/by_arm.md")).exists()
    };
    assert!(is_kept(&room, "good/nano") && is_kept(&room, "grid/small"));

    room.list.texts_of_data = vec!["by_arm".into()];
    assert_eq!(room.reproduce("--only good"), code(0));
    assert_eq!(room.reproduce("--scale small --data d"), code(0));
    assert!(is_kept(&room, "good/nano") && !is_kept(&room, "grid/small"));
    let promoted = room.read("project/notebooks-export/grid/small/promoted.json");
    assert!(promoted.contains("holds texts of the benchmark"), "{promoted}");
}

#[test]
fn what_an_earlier_run_left_is_not_promoted() {
    let room = Room::new();
    room.write("runs/good/tables/against_static.md", "| old |");
    room.write("runs/good/tables/against_static.parquet", "old");
    std::thread::sleep(Duration::from_millis(30));
    assert_eq!(room.reproduce("--only good"), code(0));
    assert!(!room.path("project/notebooks-export/good/nano/tables/against_static.md").exists());
}

#[test]
fn a_block_of_an_unknown_table_is_named_and_nothing_is_written() {
    let room = Room::new();
    for (block, what) in [
        ("good/nano/by_arms", "no table by_arms at scale nano: expected one of by_arm"),
        ("good/small/by_arm", "good has no scale small"),
        ("goods/nano/by_arm", "no experiment is named goods"),
    ] {
        let text = format!("{TEXT}\n<!-- generated: {block} -->\n<!-- end -->\n");
        room.write("project/docs/experiments.md", &text);
        let error = room.reproduce("--only good").unwrap_err();
        assert!(error.contains("docs/experiments.md: line 6") && error.contains(what), "{error}");
        assert_eq!(room.read("project/docs/experiments.md"), text);
    }
    // what has not been promoted yet stays
    let text = "<!-- generated: bad/nano/by_arm -->\nby hand\n<!-- end -->\n";
    room.write("project/docs/experiments.md", text);
    assert_eq!(room.reproduce("--only good"), code(0));
    assert_eq!(room.read("project/docs/experiments.md"), text);
}

#[test]
fn a_wish_to_stop_reaches_the_program_and_ends_everything() {
    let room = Room::new();
    // only the first wish lets it end
    room.program(
        "good",
        "trap 'echo stopped; exit 130' TERM; touch \"$2/started\"; while :; do sleep 0.05; done",
    );
    let interrupts = Interrupts::default();
    std::thread::scope(|scope| {
        let result = scope.spawn(|| room.reproduce_until("", &interrupts));
        while !room.path("runs/started").exists() {
            std::thread::sleep(Duration::from_millis(10));
        }
        interrupts.ask();
        assert_eq!(result.join().unwrap(), code(INTERRUPTED));
    });
    assert_eq!(room.read("runs/good/screen.txt"), "stopped\n");
    assert!(!room.path("runs/bad").exists());
    assert_eq!(room.read("project/docs/experiments.md"), TEXT);
}

#[test]
fn dry_runs_are_asked_of_grids_and_what_needs_data_is_skipped() {
    let room = Room::new();
    room.program(
        "grid",
        "echo '{\"cell\": \"a\", \"state\": \"to_compute\", \"expected\": {\"seconds\": 60.0}}'",
    );
    assert_eq!(room.reproduce("--scale small --dry-run"), code(0));
    assert_eq!(room.reproduce("--scale small --data d --dry-run"), code(0));
    assert_eq!(room.reproduce("--dry-run"), code(0));
    assert_eq!(room.reproduce("--scale small"), code(0));
    // but not where it was asked for by name
    assert_eq!(room.reproduce("--scale small --only grid --dry-run"), code(1));
    assert_eq!(room.reproduce("--scale small --only grid"), code(1));
    let told = room.with("--scale small --only grid", &Interrupts::default(), |all| {
        all.experiment(room.list.find("grid").unwrap()).told(0.0)
    });
    assert!(told.starts_with("FAILED") && told.ends_with("it needs --data"), "{told}");
    assert!(!room.path("runs/grid").exists());
    // it writes nothing, which is no success
    assert_eq!(room.reproduce("--scale small --data d"), code(1));
}
