//! A whole experiment as a user meets it: run, run again, interrupted, killed, broken, shared.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod toy;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use sapo_lab::experiment::Description;

use toy::{Lab, entries, err, out, signal};

fn note(cell: &Path, name: &str) -> String {
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(cell.join("manifest.json")).unwrap()).unwrap();
    manifest["provenance"]["notes"][name].as_str().unwrap_or_default().to_owned()
}

const ALL: [&str; 4] = ["arm=a seed=0", "arm=a seed=1", "arm=b seed=0", "arm=b seed=1"];
const TABLE: &str = "arm,seed,sum,limited\na,0,10,false\nb,0,20,false\na,1,11,false\nb,1,21,false\n";

#[test]
fn the_second_run_computes_nothing_and_says_the_same() {
    let lab = Lab::new();
    let first = lab.run("");
    assert!(first.status.success(), "{}", err(&first));
    assert_eq!(out(&first), "4 of 4 sums, see tables/sums.csv\n");
    assert!(err(&first).contains("[4/4] "), "{}", err(&first));
    assert_eq!(lab.table(), TABLE);
    assert_eq!(lab.begun(), ALL);
    lab.nothing_is_left_over();

    let second = lab.run("");
    assert!(second.status.success());
    assert_eq!((out(&second), err(&second)), (out(&first), String::new()));
    assert_eq!(lab.begun(), ALL);

    fs::remove_dir_all(lab.runs().join("tables")).unwrap();
    assert!(lab.run("--plot-only").status.success());
    assert_eq!((lab.table().as_str(), lab.begun().len()), (TABLE, 4));
}

#[test]
fn a_report_leaves_no_table_and_no_figure_of_an_earlier_one() {
    let lab = Lab::new();
    lab.run("");
    let (tables, plots) = (lab.runs().join("tables"), lab.runs().join("plots"));
    let (elsewhere, away) = (lab.folder().join("elsewhere.csv"), lab.folder().join("away"));
    for path in [&tables.join("old.md"), &tables.join("notes.txt"), &plots.join("old.png"), &elsewhere] {
        fs::write(path, "").unwrap();
    }
    symlink(&elsewhere, tables.join("link.csv")).unwrap();
    fs::create_dir(tables.join("folder.csv")).unwrap();
    assert!(lab.run("--plot-only").status.success());
    let mut left = entries(&tables);
    left.sort();
    assert_eq!(left, ["folder.csv", "notes.txt", "sums.csv"].map(|name| tables.join(name)));
    assert_eq!(entries(&plots), Vec::<PathBuf>::new());
    assert!(elsewhere.exists(), "a link is removed, not what it leads to");

    fs::rename(&plots, &away).unwrap();
    symlink(&away, &plots).unwrap();
    fs::write(away.join("old.png"), "").unwrap();
    assert!(lab.run("--plot-only").status.success());
    assert!(away.join("old.png").exists(), "nothing is removed behind a link");
}

#[test]
fn a_larger_grid_computes_what_is_new_and_force_computes_again() {
    let lab = Lab::new();
    lab.run("--seeds 1");
    assert_eq!(lab.begun(), ["arm=a seed=0", "arm=b seed=0"]);
    lab.run("");
    assert_eq!(lab.begun(), ALL);
    assert_eq!(lab.table(), TABLE);
    lab.run("--force --only arm=a,seed=1");
    assert_eq!(lab.begun(), ["arm=a seed=0", "arm=a seed=1", "arm=a seed=1", "arm=b seed=0", "arm=b seed=1"]);
    assert_eq!(lab.table(), TABLE);
}

#[test]
fn the_question_and_the_grid_are_kept_beside_the_cells() {
    let lab = Lab::new();
    lab.run("--seeds 1 --only arm=b");
    let kept = || Description::read(&lab.runs()).unwrap().unwrap();
    assert_eq!(kept().question, "Is the sum of an arm and a seed what it should be?");
    assert_eq!(
        (kept().axes[0].values.as_slice(), kept().cells.len()),
        (&["a".to_owned(), "b".to_owned()][..], 2)
    );
    lab.run("--seeds 2 --dry-run");
    lab.run("--seeds 2 --plot-only");
    assert_eq!(kept().cells.len(), 2, "what only looks changes nothing");
    lab.run("--seeds 2");
    assert_eq!(kept().cells.len(), 4);
}

#[test]
fn only_computes_what_is_chosen_and_says_what_is_incomplete() {
    let lab = Lab::new();
    let output = lab.run("--only arm=b --quiet");
    assert!(output.status.success());
    assert_eq!(lab.begun(), ["arm=b seed=0", "arm=b seed=1"]);
    assert!(out(&output).contains("Incomplete: 2 of 4 cells"), "{}", out(&output));
    assert_eq!(err(&output), "");
    let unknown = lab.run("--only ram=b");
    assert_eq!(unknown.status.code(), Some(1));
    assert_eq!(err(&unknown), "error: no axis `ram` in this grid; its axes are arm, seed\n");
}

#[test]
fn a_dry_run_needs_no_folder_and_makes_none() {
    let lab = Lab::new();
    let plan = lab.run("--dry-run");
    assert_eq!((plan.status.code(), err(&plan).as_str()), (Some(0), ""));
    assert!(out(&plan).contains("4 cells: 0 stored, 0 running, 4 to compute\n"), "{}", out(&plan));
    assert!(!lab.runs().exists());
}

#[test]
fn the_lists_are_as_they_were() {
    let lab = Lab::new();
    insta::assert_snapshot!(out(&lab.run("--list")));
    lab.run("--only seed=0");
    // what they will cost is another test's affair (`plan.rs`): it varies with the machine
    let plan = out(&lab.run("--dry-run"));
    let (cells, costs) = plan.split_once("\nabout ").unwrap();
    assert!(costs.ends_with(": 2 by stored cells of other seeds\n"), "{costs}");
    let uncosted =
        |line: &str| line.split("  time").flat_map(|line| line.split("compute  ")).next().unwrap().to_owned();
    insta::assert_snapshot!(cells.lines().map(|line| uncosted(line) + "\n").collect::<String>());
    insta::assert_snapshot!(out(&lab.run("--help")));
    assert_eq!(lab.begun().len(), 2);
}

#[test]
fn json_tells_everything_in_lines() {
    let lab = Lab::new().with("TOY_FAIL", "arm=b seed=0").with("TOY_STEP_MS", "120");
    let lines = |output: &std::process::Output| -> Vec<serde_json::Value> {
        out(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let output = lab.run("--json --quiet --jobs 1");
    assert_eq!(output.status.code(), Some(1));
    let all = lines(&output);
    let (summary, events) = all.split_last().unwrap();
    let of = |event: &str| events.iter().filter(|line| line["event"] == event).collect::<Vec<_>>();
    assert_eq!((of("started").len(), of("finished").len(), of("failed").len()), (4, 3, 1));
    assert_eq!(of("failed")[0]["axes"], serde_json::json!({"arm": "b", "seed": "0"}));
    assert_eq!(of("failed")[0]["reason"], "no more numbers");
    let progress = of("progress");
    assert!(
        progress.iter().any(|line| line["done"] == 5 && line["total"] == 5 && line["message"] == "adding")
    );
    let summary = &summary["summary"];
    assert_eq!((&summary["cells"], &summary["asked"], &summary["stored"]), (&4.into(), &4.into(), &3.into()));
    assert_eq!(summary["report"], "3 of 4 sums, see tables/sums.csv");

    let plan = lines(&lab.run("--json --dry-run"));
    assert_eq!(plan.iter().filter(|line| line["state"] == "stored").count(), 3);
    assert_eq!(plan.iter().filter(|line| line["expected"]["by"] == "all_but_seed").count(), 1);
    assert_eq!(plan.last().unwrap()["summary"]["to_compute"], 1);
    let axes =
        serde_json::json!([{"name": "arm", "values": ["a", "b"]}, {"name": "seed", "values": ["0", "1"]}]);
    assert_eq!(lines(&lab.run("--json --list"))[0]["axes"], axes);
}

#[test]
fn limited_cells_are_marked_and_apart() {
    let lab = Lab::new();
    lab.run("");
    lab.run("--limit-train 3 --seeds 1");
    assert_eq!(lab.table(), "arm,seed,sum,limited\na,0,10,true\nb,0,20,true\n");
    assert_eq!(lab.stored().len(), 6);
}

#[test]
fn a_panic_costs_one_cell_and_shows_its_log() {
    let lab = Lab::new().with("TOY_PANIC", "arm=b seed=0");
    let output = lab.run("");
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains("Incomplete: 3 of 4 cells"), "{}", out(&output));
    let text = err(&output);
    assert!(
        text.contains("failed: arm=b seed=0") && text.contains(": panicked: the roof fell in\n"),
        "{text}"
    );
    assert!(text.contains("| the roof fell in") && text.contains("| a library that prints"), "{text}");
    assert_eq!(lab.stored().len(), 3);
    lab.nothing_is_left_over();

    let lab = lab.without_faults();
    assert!(lab.run("").status.success());
    assert_eq!(lab.table(), TABLE);
    assert_eq!(lab.begun().len(), 5);
}

#[test]
fn an_error_costs_one_cell_and_is_told() {
    let lab = Lab::new().with("TOY_FAIL", "arm=a seed=1");
    let output = lab.run("");
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("no more numbers"), "{}", err(&output));
    assert_eq!(lab.stored().len(), 3);
    lab.nothing_is_left_over();
}

#[test]
fn a_killed_worker_costs_one_cell() {
    let lab = Lab::new().with("TOY_STEP_MS", "100");
    let parent = lab.start("--jobs 1");
    lab.wait_until("a cell is begun", |lab| !lab.begun().is_empty());
    let lock =
        entries(&lab.runs().join(".locks")).into_iter().find(|path| path.extension().is_some()).unwrap();
    let holder: serde_json::Value = serde_json::from_slice(&fs::read(lock).unwrap()).unwrap();
    signal(holder["pid"].as_u64().unwrap().try_into().unwrap(), Signal::KILL);
    let output = parent.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("killed by signal 9"), "{}", err(&output));
    assert_eq!(lab.stored().len(), 3);
    assert!(lab.run("").status.success());
    assert_eq!(lab.table(), TABLE);
    lab.nothing_is_left_over();
}

#[test]
fn a_killed_worker_is_tried_again_as_often_as_was_asked_for() {
    let lab = Lab::new().with("TOY_ABORT", "arm=a seed=1");
    let output = lab.run("--retries 2 --jobs 2");
    assert_eq!(output.status.code(), Some(1));
    let text = err(&output);
    assert!(text.contains("arm=a seed=1: the worker crashed (signal: 6 (SIGABRT)"), "{text}");
    assert!(text.contains("; trying again (2 of 2)"), "{text}");
    assert!(text.contains(": the worker crashed, 3 times (signal: 6"), "{text}");
    assert_eq!(lab.begun().iter().filter(|label| *label == "arm=a seed=1").count(), 3);
    let noise = text.lines().filter(|line| line.contains("| a library that prints")).count();
    assert_eq!(noise, 3, "the log keeps what every try printed: {text}");
    assert_eq!(lab.stored().len(), 3);

    // An error that a cell tells is not tried again: it would be told again.
    let lab = Lab::new().with("TOY_FAIL", "arm=a seed=1");
    assert_eq!(lab.run("--retries 2").status.code(), Some(1));
    assert_eq!(lab.begun().len(), 4);
}

#[test]
fn cells_are_spread_over_devices_and_are_the_same_cells_there() {
    let lab = Lab::new().with("TOY_STEP_MS", "100");
    assert!(lab.run("--devices gpu:0,gpu:1").status.success());
    let mut devices: Vec<_> = lab.stored().iter().map(|cell| note(cell, "device")).collect();
    devices.sort();
    assert_eq!(devices, ["gpu:0", "gpu:0", "gpu:1", "gpu:1"]);
    let again = lab.run("--device gpu:7");
    assert!(again.status.success());
    assert_eq!((lab.stored().len(), lab.begun().len()), (4, 4));
    let mixed = lab.run("--force --devices gpu:0,cpu");
    assert!(err(&mixed).starts_with("error: --devices: expected devices of one kind"), "{}", err(&mixed));
    let refused = lab.run("--engine slurm --devices gpu:0");
    assert!(err(&refused).starts_with("error: --devices is for --engine local"), "{}", err(&refused));
    assert_eq!(lab.stored().len(), 4);
}

#[test]
fn an_interruption_keeps_what_is_finished() {
    let lab = Lab::new().with("TOY_STEP_MS", "60");
    let parent = lab.start("--jobs 2");
    lab.wait_until("a cell is stored and another begun", |lab| {
        !lab.stored().is_empty() && lab.begun().len() > 2
    });
    signal(parent.id(), Signal::INT);
    let output = parent.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", err(&output));
    let advice = "interrupted; finished cells are kept; run the same command again to go on\n";
    assert!(err(&output).ends_with(advice), "{}", err(&output));
    lab.nothing_is_left_over();
    let kept = lab.stored().len();
    assert!((1..4).contains(&kept), "{kept}");
    let begun = lab.begun().len();
    assert!(lab.run("").status.success());
    assert_eq!(lab.begun().len(), begun + 4 - kept);
    assert_eq!(lab.table(), TABLE);
}

#[test]
fn a_program_under_nohup_outlives_its_terminal() {
    let lab = Lab::new().with("TOY_STEP_MS", "60");
    let toy = lab.command("--jobs 2");
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(toy.get_program()).args(toy.get_args());
    shell.envs(toy.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(lab.folder());
    let parent = shell.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    lab.wait_until("a cell is begun", |lab| !lab.begun().is_empty());
    signal(parent.id(), Signal::HUP);
    let output = parent.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", err(&output));
    assert_eq!(lab.table(), TABLE);
}

#[test]
fn kill_9_at_any_instant_loses_no_finished_cell_and_changes_no_byte() {
    let lab = Lab::new().with("TOY_STEP_MS", "8");
    let mut kept = 0;
    for wait in (0..200).step_by(23) {
        let mut parent = lab.start("--seeds 4 --jobs 2");
        std::thread::sleep(Duration::from_millis(wait));
        parent.kill().unwrap();
        parent.wait().unwrap();
        let stored = lab.stored().len();
        assert!(stored >= kept, "{stored} cells after {kept}");
        kept = stored;
    }
    let last = lab.run("--seeds 4");
    assert!(last.status.success(), "{}", err(&last));
    lab.nothing_is_left_over();

    let whole = Lab::new();
    let output = whole.run("--seeds 4");
    assert_eq!(lab.table(), whole.table());
    assert_eq!(out(&last), out(&output));
    for cell in whole.stored() {
        let twin = lab.runs().join(cell.file_name().unwrap());
        for name in ["scores.parquet", "predictions.parquet", "artifacts/note.txt"] {
            assert_eq!(fs::read(cell.join(name)).unwrap(), fs::read(twin.join(name)).unwrap(), "{name}");
        }
    }
}

#[test]
fn workers_die_with_their_parent() {
    let lab = Lab::new().with("TOY_STEP_MS", "60000");
    let mut parent = lab.start("--jobs 2");
    lab.wait_until("both cells are begun", |lab| lab.begun().len() == 2);
    parent.kill().unwrap();
    parent.wait().unwrap();
    let lab = lab.without_faults();
    let begun = Instant::now();
    assert!(lab.run("").status.success());
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert_eq!(lab.begun().len(), 6);
}

#[test]
fn eight_processes_on_one_grid_compute_each_cell_once() {
    let lab = Lab::new().with("TOY_STEP_MS", "20");
    let parents: Vec<_> = (0..8).map(|_| lab.start("--jobs 2 --seeds 8")).collect();
    for parent in parents {
        let output = parent.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", err(&output));
        assert_eq!(out(&output), "16 of 16 sums, see tables/sums.csv\n");
    }
    let begun = lab.begun();
    let mut once = begun.clone();
    once.dedup();
    assert_eq!(begun, once);
    assert_eq!(begun.len(), 16);
    lab.nothing_is_left_over();
}

#[test]
fn a_damaged_cell_is_named_and_can_be_made_anew() {
    let lab = Lab::new();
    lab.run("");
    let cell = lab.stored().pop().unwrap();
    let path = cell.join("scores.parquet");
    let mut bytes = fs::read(&path).unwrap();
    bytes[20] ^= 1;
    fs::write(&path, bytes).unwrap();
    let output = lab.run("");
    assert_eq!(output.status.code(), Some(1));
    let text = err(&output);
    assert!(text.contains("scores.parquet is damaged: its SHA-256 is"), "{text}");
    let folder = PathBuf::from("runs/toy").join(cell.file_name().unwrap());
    assert!(text.contains(&format!("delete the folder {} and run again", folder.display())), "{text}");
    assert!(out(&output).contains("Incomplete: 3 of 4 cells"), "{}", out(&output));
    assert_eq!(lab.begun().len(), 4);

    fs::remove_dir_all(&cell).unwrap();
    assert!(lab.run("").status.success());
    assert_eq!(lab.table(), TABLE);
    assert_eq!(lab.begun().len(), 5);
}

#[test]
fn manifests_say_what_made_the_cell() {
    let lab = Lab::new();
    lab.run("--jobs 1");
    let cores = std::thread::available_parallelism().unwrap().get();
    for cell in lab.stored() {
        let manifest: serde_json::Value =
            serde_json::from_slice(&fs::read(cell.join("manifest.json")).unwrap()).unwrap();
        assert_eq!(manifest["experiment"], "toy");
        assert_eq!(manifest["provenance"]["notes"]["device"], "cpu");
        assert!(manifest["provenance"]["notes"]["peak_memory_bytes"].as_u64().unwrap() > 1 << 20);
        assert_eq!(manifest["provenance"]["notes"]["threads"], cores);
        assert!(manifest["provenance"]["wall_seconds"].as_f64().unwrap() > 0.0);
        assert!(manifest["files"]["artifacts/note.txt"]["bytes"].as_u64().unwrap() > 5);
    }
}

#[test]
fn nothing_to_report_is_no_success() {
    let lab = Lab::new();
    let output = lab.run("--plot-only");
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("nothing to report"), "{}", err(&output));
    let worker = lab.run("--worker");
    assert_eq!(worker.status.code(), Some(1));
    assert!(out(&worker).contains(r#"{"event":"failed""#), "{}", out(&worker));
}
