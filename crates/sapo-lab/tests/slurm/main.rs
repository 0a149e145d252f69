//! The engine of clusters against a real Slurm: two nodes on this machine, each with a host name of its own.
//!
//! `scripts/tests/slurm/cluster.sh` starts it, and says why where it cannot (no root, no Slurm to install); then these
//! tests print "not run" and pass. One cluster serves all tests, one after another.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod lab;
#[path = "../toy/mod.rs"]
mod toy;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use lab::{ACCOUNTING, Lab, is_alive, kill};
use toy::{entries, err, out};

const TABLE: &str = "arm,seed,sum,limited\na,0,10,false\nb,0,20,false\na,1,11,false\nb,1,21,false\n";
const ALL: [&str; 4] = ["arm=a seed=0", "arm=a seed=1", "arm=b seed=0", "arm=b seed=1"];

#[test]
fn the_table_is_the_local_engines_byte_for_byte() {
    let Some(lab) = Lab::new() else { return };
    // Eight cells, at most seven tasks, at most six tasks an array: two arrays, of which one task has two cells.
    lab.profile("poll_seconds = 0.3\nmax_tasks = 7\nsetup = ['export TOY_STEP_MS=20']");
    let output = lab.run("--seeds 4");
    assert!(output.status.success(), "{}", err(&output));
    assert_eq!(out(&output), "8 of 8 sums, see tables/sums.csv\n");
    assert!(err(&output).contains("[8/8] "), "{}", err(&output));
    lab.nothing_is_left_over();
    let mut once = lab.begun();
    once.dedup();
    assert_eq!((once.len(), lab.begun().len()), (8, 8));

    let local = tempfile::tempdir().unwrap();
    let output = lab.command("--seeds 4").current_dir(local.path()).output().unwrap();
    assert!(output.status.success(), "{}", err(&output));
    let local = local.path().join("runs/toy");
    assert_eq!(lab.table(), fs::read_to_string(local.join("tables/sums.csv")).unwrap());
    let cells: Vec<_> =
        entries(&local).into_iter().filter(|path| path.join("manifest.json").exists()).collect();
    assert_eq!(cells.len(), 8);
    for cell in cells {
        let twin = lab.runs().join(cell.file_name().unwrap());
        for name in ["scores.parquet", "predictions.parquet", "artifacts/note.txt"] {
            assert_eq!(fs::read(cell.join(name)).unwrap(), fs::read(twin.join(name)).unwrap(), "{name}");
        }
    }
    let again = lab.run("--seeds 4");
    assert_eq!((again.status.code(), lab.begun().len(), err(&again)), (Some(0), 16, String::new()));
}

#[test]
fn a_failed_cell_is_told_with_its_log_and_only_it_is_submitted_again() {
    let Some(lab) = Lab::new() else { return };
    let lab = lab.with("TOY_PANIC", "arm=b seed=0");
    let output = lab.run("");
    let text = err(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("failed: arm=b seed=0") && text.contains(": panicked: the roof fell in\n"),
        "{text}"
    );
    assert!(text.contains("| the roof fell in") && text.contains("| a library that prints"), "{text}");
    assert!(out(&output).contains("Incomplete: 3 of 4 cells"), "{}", out(&output));
    lab.nothing_is_left_over();
    let lab = lab.without_faults();
    assert!(lab.run("").status.success());
    assert_eq!((lab.table().as_str(), lab.begun().len()), (TABLE, 5));
}

#[test]
fn a_task_that_never_reaches_its_cell_says_why() {
    let Some(lab) = Lab::new() else { return };
    lab.profile("poll_seconds = 0.3\nsetup = ['echo no module named cuda >&2', 'exit 7']");
    let output = lab.run("--only arm=a,seed=0");
    let text = err(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("FAILED, exit code 7:0, on node"), "{text}");
    assert!(text.contains("| no module named cuda"), "{text}");
    lab.nothing_is_left_over();
}

#[test]
fn a_killed_worker_is_tried_again_within_its_task() {
    let Some(lab) = Lab::new() else { return };
    let lab = lab.with("TOY_STEP_MS", "150");
    let parent = lab.start("--only arm=a,seed=0 --retries 1");
    lab.wait_until("the cell is begun", |lab| lab.begun().len() == 1);
    kill(lab.holders()[0]["pid"].as_u64().unwrap().try_into().unwrap());
    let output = parent.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", err(&output));
    assert_eq!(lab.begun().len(), 2);
    lab.nothing_is_left_over();
}

#[test]
fn a_submitter_that_is_killed_is_not_missed() {
    let Some(lab) = Lab::new() else { return };
    let lab = lab.with("TOY_STEP_MS", "300");
    let mut parent = lab.start("");
    lab.wait_until("two cells are begun", |lab| lab.begun().len() == 2);
    parent.kill().unwrap();
    parent.wait().unwrap();
    // As if it had died before it could note what Slurm answered.
    let submission = lab.submissions().pop().unwrap();
    fs::remove_file(submission.join("array-0.job")).unwrap();

    let output = lab.run("");
    assert!(output.status.success(), "{}", err(&output));
    assert_eq!((lab.table().as_str(), lab.begun()), (TABLE, ALL.map(str::to_owned).to_vec()));
    lab.nothing_is_left_over();
}

#[test]
fn what_fails_while_nobody_looks_is_told_to_the_next_who_does() {
    let Some(lab) = Lab::new() else { return };
    let lab = lab.with("TOY_FAIL", "arm=a seed=1");
    let output = lab.run("--detach");
    assert!(output.status.success(), "{}", err(&output));
    assert_eq!(out(&output), "");
    assert!(err(&output).starts_with("left to Slurm: 4 cells; "), "{}", err(&output));
    lab.wait_until("all are over", |lab| lab.begun().len() == 4 && lab.idle_nodes() == 2);
    let lab = lab.without_faults();
    let output = lab.run("");
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("no more numbers"), "{}", err(&output));
    assert_eq!(lab.begun().len(), 4, "nothing was submitted again before that was told");
    assert!(lab.run("").status.success());
    assert_eq!((lab.table().as_str(), lab.begun().len()), (TABLE, 5));
    lab.nothing_is_left_over();
}

#[test]
fn two_submitters_submit_once() {
    let Some(lab) = Lab::new() else { return };
    let lab = lab.with("TOY_STEP_MS", "100");
    let parents = [lab.start(""), lab.start("")];
    for parent in parents {
        let output = parent.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", err(&output));
        assert_eq!(out(&output), "4 of 4 sums, see tables/sums.csv\n");
    }
    assert_eq!(lab.begun(), ALL);
    lab.nothing_is_left_over();
}

#[test]
fn ctrl_c_leaves_the_cells_to_slurm_and_cancel_ends_them() {
    let Some(lab) = Lab::new() else { return };
    let lab = lab.with("TOY_STEP_MS", "60000");
    let parent = lab.start("");
    lab.wait_until("two cells are begun", |lab| lab.begun().len() == 2);
    let pid = Pid::from_raw(parent.id().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let output = parent.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", err(&output));
    assert!(err(&output).contains("left to Slurm: 4 cells; "), "{}", err(&output));
    assert_eq!(lab.holders().len(), 2);

    let output = lab.run("--cancel --only arm=a");
    assert!(output.status.success(), "{}", err(&output));
    assert_eq!(err(&output), "cancelled: 2 cells; finished cells are kept\n");
    let output = lab.run("--cancel");
    assert_eq!(err(&output), "cancelled: 2 cells; finished cells are kept\n");
    assert_eq!(lab.submissions(), Vec::<PathBuf>::new());
    assert_eq!(lab.ask("squeue", "--noheader --states=PENDING,RUNNING"), "");
    let begun = lab.begun().len();
    let lab = lab.without_faults();
    assert!(lab.run("").status.success());
    assert_eq!((lab.table().as_str(), lab.begun().len()), (TABLE, begun + 4));
    lab.nothing_is_left_over();
}

#[test]
fn a_task_that_a_more_important_job_displaces_runs_again() {
    let Some(lab) = Lab::new() else { return };
    lab.slow_at_first();
    let parent = lab.start("--only arm=a,seed=0");
    lab.wait_until("the cell is begun", |lab| lab.begun().len() == 1);
    // It wants both nodes, so the one that computes, too.
    lab.ask("sbatch", "--partition=urgent --nodes=2 --output=/dev/null --wrap true");
    let output = lab.until_ended(parent);
    assert!(output.status.success(), "{}", err(&output));
    assert_eq!(lab.begun().len(), 2);
    assert!(err(&output).contains(": back in Slurm's queue"), "{}", err(&output));
    lab.nothing_is_left_over();
}

#[test]
fn a_cell_of_a_lost_node_is_computed_by_another() {
    let Some(lab) = Lab::new() else { return };
    lab.slow_at_first();
    let parent = lab.start("--only arm=a,seed=0");
    lab.wait_until("the cell is begun", |lab| lab.begun().len() == 1);
    let lost = lab.holders().pop().unwrap();
    lab.lose_node(lost["host"].as_str().unwrap(), true);
    // The lock stays behind; the next run of the task has to see that its holder is dead.
    assert_eq!(lab.holders(), std::slice::from_ref(&lost));
    let parent = lab.until_ended(parent);
    assert!(parent.status.success(), "{}", err(&parent));
    assert_eq!(lab.begun().len(), 2);
    lab.nothing_is_left_over();
}

#[test]
fn a_worker_on_a_node_that_was_believed_dead_gives_way() {
    let Some(lab) = Lab::new() else { return };
    lab.profile("poll_seconds = 0.3\nsetup = ['export TOY_STEP_MS=2000']");
    let parent = lab.start("--only arm=a,seed=0");
    lab.wait_until("the cell is begun", |lab| lab.begun().len() == 1);
    let old = lab.holders().pop().unwrap();
    let (node, pid) = (old["host"].as_str().unwrap(), u32::try_from(old["pid"].as_u64().unwrap()).unwrap());
    lab.lose_node(node, false);
    lab.ask("scontrol", &format!("update NodeName={node} State=DOWN Reason=lost"));
    lab.wait_until("another node has the cell", |lab| {
        lab.hurry();
        lab.holders().iter().any(|holder| holder["host"] != *node)
    });
    let new = lab.holders().pop().unwrap();
    assert_eq!((&new["slurm"]["job"], &new["slurm"]["restarts"]), (&old["slurm"]["job"], &Value::from(1)));
    lab.wait_until("the old worker is gone", |_| !is_alive(pid));
    assert_eq!(lab.holders(), [new], "it has not taken the lock with it");
    let output = parent.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", err(&output));
    assert_eq!(lab.begun().len(), 2);
    lab.nothing_is_left_over();
}

#[test]
fn a_lock_of_another_host_lasts_as_long_as_its_slurm_job() {
    let Some(lab) = Lab::new() else { return };
    let lab = lab.with("TOY_STEP_MS", "60000");
    assert!(lab.run("--only arm=a,seed=0 --detach").status.success());
    lab.wait_until("the cell is begun", |lab| lab.begun().len() == 1);
    let list = out(&lab.command("--dry-run").output().unwrap());
    assert!(list.contains(" on node") && list.contains("(Slurm job "), "{list}");

    let mut local = lab.command("--only arm=a,seed=0").env("TOY_STEP_MS", "0").spawn().unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!((local.try_wait().unwrap(), lab.begun().len()), (None, 1), "it waits");
    kill(lab.holders()[0]["pid"].as_u64().unwrap().try_into().unwrap());
    let output = local.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", err(&output));
    assert_eq!(lab.begun().len(), 2);
    let lab = lab.without_faults();
    assert!(lab.run("").status.success());
    assert_eq!((lab.table().as_str(), lab.begun().len()), (TABLE, 5));
    lab.nothing_is_left_over();
}

#[test]
fn accounting_tells_how_a_task_ended_that_the_controller_has_forgotten() {
    if std::env::var_os("SAPO_TEST_ACCOUNTING").is_none() {
        println!(
            "not run: SAPO_TEST_ACCOUNTING is not set (installing slurmdbd and MariaDB takes half a minute)"
        );
        return;
    }
    let Some(lab) = Lab::on(&ACCOUNTING) else { return };
    lab.profile("poll_seconds = 0.3\nsetup = ['exit 7']");
    assert!(lab.run("--only arm=a,seed=0 --detach").status.success());
    lab.wait_until("the controller has forgotten the task", |lab| {
        lab.ask("squeue", "--noheader --states=all").is_empty()
    });
    let output = lab.run("--only arm=a,seed=0");
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("FAILED, exit code 7:0, on node"), "{}", err(&output));
    lab.nothing_is_left_over();
}
