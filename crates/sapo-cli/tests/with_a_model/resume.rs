//! `sapo select` stopped at any instant goes on where it was, and pays nothing twice.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::common::{Run, command, folder, sapo_in, tiny_model};
use crate::fixtures::{POOL, number};

/// Small batches, so that it takes a while.
const SELECT: [&str; 11] = [
    "select",
    "--model",
    "model",
    "--data",
    "data.jsonl",
    "--pool",
    "pool.json",
    "--batch-tokens",
    "200",
    "--cache",
    "losses",
];

/// The rule that asks everything.
const EXHAUSTIVE: [&str; 2] = ["--selector", "exhaustive"];

const EXAMPLES: usize = 1500;

/// All losses: of three wordings.
const LOSSES: u64 = 3 * EXAMPLES as u64;

/// Bytes of one loss in the file.
const RECORD: u64 = 48;

fn examples() -> String {
    let words = ["food", "room", "review", "fine", "cold", "good"];
    let text = |i: usize| format!("{} {} {} {i}", words[i % 6], words[i / 6 % 6], words[i / 36 % 6]);
    let target = |i: usize| if i.is_multiple_of(3) { "good" } else { "bad" };
    let line = |i| serde_json::json!({"input": text(i), "target": target(i)}).to_string() + "\n";
    (0..EXAMPLES).map(line).collect()
}

/// The files of losses in a folder.
fn score_files(losses: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(losses).into_iter().flatten();
    let paths = files.map(|file| file.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|ending| ending == "scores")).collect()
}

/// Losses that are kept in a folder.
fn kept(losses: &Path) -> u64 {
    score_files(losses).iter().map(|path| path.metadata().unwrap().len() / RECORD).sum()
}

/// Starts a selection, and gives it back when it has kept so many losses.
fn started(here: &Path, losses: u64) -> Child {
    let mut child = command(here, &[&SELECT[..], &EXHAUSTIVE].concat())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while kept(&here.join("losses")) < losses {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was stopped");
        std::thread::sleep(Duration::from_millis(1));
    }
    child
}

/// What a run found; on a busy machine it also tells its progress.
fn selected(run: &Run) -> Value {
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.json().remove(0)
}

fn run(here: &Path, more: &[&str]) -> Value {
    selected(&sapo_in(here, &[&SELECT[..], &["--json"], more].concat()))
}

/// What is found, but for the last bits of a mean: batches are others after a stop.
fn assert_same(one: &Value, other: &Value) {
    for field in ["winner", "text", "promise", "forward_tokens", "exhaustive_forward_tokens", "losses"] {
        assert_eq!(one[field], other[field], "{field}");
    }
    for (one, other) in one["arms"].as_array().unwrap().iter().zip(other["arms"].as_array().unwrap()) {
        assert_eq!((&one["id"], &one["examples"]), (&other["id"], &other["examples"]));
        assert!((number(&one["mean"]) - number(&other["mean"])).abs() < 1e-6, "{one} {other}");
    }
}

#[test]
fn after_kill_9_the_same_command_goes_on() {
    let here = folder(&[("data.jsonl", &examples()), ("pool.json", POOL)]);
    tiny_model(here.path());
    let no_cache = [&SELECT[..9], &EXHAUSTIVE, &["--no-cache", "--json"]].concat();
    let whole = selected(&sapo_in(here.path(), &no_cache));
    assert_eq!((&whole["known_losses"], &whole["losses"]), (&0.into(), &LOSSES.into()));
    assert!(!here.path().join("losses").exists(), "--no-cache keeps nothing");
    let mut before = 0;
    for instant in [1, 300, 300] {
        let mut child = started(here.path(), before + instant);
        child.kill().unwrap();
        child.wait().unwrap();
        before = kept(&here.path().join("losses"));
    }
    assert!(before < LOSSES, "it was stopped three times");
    let resumed = run(here.path(), &EXHAUSTIVE);
    assert_same(&resumed, &whole);
    assert_eq!(resumed["known_losses"], before);
    assert!(number(&resumed["computed_tokens"]) < number(&whole["computed_tokens"]));

    let again = run(here.path(), &EXHAUSTIVE);
    assert_same(&again, &whole);
    assert_eq!((&again["known_losses"], &again["computed_tokens"]), (&LOSSES.into(), &0.into()));
    // what is known serves another rule as well, and not another state of the model
    let race = run(here.path(), &["--selector", "race"]);
    assert_eq!(race["computed_tokens"], 0);
    assert_eq!(run(here.path(), &["--samples", "10", "--dtype", "bf16"])["known_losses"], 0);
}

#[test]
fn ctrl_c_says_how_to_go_on() {
    let here = folder(&[("data.jsonl", &examples()), ("pool.json", POOL)]);
    tiny_model(here.path());
    let child = started(here.path(), 10);
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("interrupted; what was computed is kept: run the same command again to go on\n"),
        "{said}"
    );
    let kept = kept(&here.path().join("losses"));
    let resumed = run(here.path(), &EXHAUSTIVE);
    assert_eq!(resumed["known_losses"], kept);
    assert!((10..LOSSES).contains(&kept), "{kept}");
}

#[test]
fn while_another_process_keeps_losses_of_the_model_none_are_kept_and_that_is_said() {
    let here = folder(&[("data.jsonl", &examples()), ("pool.json", POOL)]);
    tiny_model(here.path());
    let few = ["--samples", "5"];
    assert_eq!(run(here.path(), &few)["known_losses"], 0);
    assert_eq!(run(here.path(), &few)["known_losses"], 15);
    let losses = here.path().join("losses");
    let of_the_model = score_files(&losses).remove(0);
    let other = std::fs::File::open(of_the_model).unwrap();
    other.lock().unwrap();
    let second = sapo_in(here.path(), &[&SELECT[..], &few, &["--json"]].concat());
    assert_eq!(second.code, 0);
    assert!(second.stderr.contains("losses are not kept: "), "{}", second.stderr);
    assert!(second.stderr.contains("is in use by another process"), "{}", second.stderr);
    assert_eq!(second.json()[0]["known_losses"], 0);
}
