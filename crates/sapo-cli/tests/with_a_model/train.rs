//! `sapo train`: a stream of one's own from end to end, and everything that can stop it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Run, command, folder, sapo_in, tiny_model};

const RUN: &str = r#"
model = "model"
data = "tasks"
pool = { grammar = 3 }

[stream]
benchmark = "own"
stream = "two"

[selection]
examples = 4

[method]
name = "ewc"
lambda = 100.0
lora = { r = 4 }

[train]
epochs = 4
batch_size = 2
learning_rate = 0.01

[evaluation]
max_new_tokens = 4
"#;

fn reviews(shift: usize) -> String {
    let words = ["food", "room", "review", "text"];
    let row = |i: usize| {
        let (word, label) = (words[(i + shift) % 4], if i.is_multiple_of(2) { "good" } else { "bad" });
        format!("{{\"input\": \"the {word} was {i}\", \"target\": \"{label}\"}}\n")
    };
    (0..8).map(row).collect()
}

/// A folder with a model, two tasks of one's own, and a run.
fn prepared() -> TempDir {
    let task = |text: &str| format!("instruction = \"{text}\"\nlabels = [\"good\", \"bad\"]\n");
    let here = folder(&[
        ("run.toml", RUN),
        ("tasks/streams.toml", "[[stream]]\nname = \"two\"\ntasks = [\"food\", \"rooms\"]\n"),
        ("tasks/food/task.toml", &task("Is the review good or bad?")),
        ("tasks/food/train.jsonl", &reviews(0)),
        ("tasks/food/test.jsonl", &reviews(1)),
        ("tasks/rooms/task.toml", &task("Answer good or bad about the text.")),
        ("tasks/rooms/train.jsonl", &reviews(2)),
        ("tasks/rooms/test.jsonl", &reviews(3)),
    ]);
    tiny_model(here.path());
    here
}

fn train(here: &Path, more: &[&str]) -> Run {
    sapo_in(here, &[&["train", "--config", "run.toml"], more].concat())
}

/// The one finished run under `runs/run`.
fn stored(here: &Path) -> PathBuf {
    let entries = std::fs::read_dir(here.join("runs/run")).unwrap();
    let cells: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("manifest.json").is_file())
        .collect();
    assert_eq!(cells.len(), 1, "{cells:?}");
    cells[0].clone()
}

/// The checksums of everything that does not hold times.
fn content(cell: &Path) -> BTreeMap<String, Value> {
    let manifest: Value =
        serde_json::from_str(&std::fs::read_to_string(cell.join("manifest.json")).unwrap()).unwrap();
    let files = manifest["files"].as_object().unwrap().clone();
    files.into_iter().filter(|(name, _)| name != "usage.parquet").collect()
}

#[test]
fn a_stream_of_ones_own_is_learnt_and_kept() {
    let here = prepared();
    let dry = train(here.path(), &["--dry-run"]).ok();
    assert!(dry.stdout.contains("\"lambda\": 100.0"), "{}", dry.stdout);
    assert!(dry.stdout.ends_with(" (not begun)\n"), "{}", dry.stdout);
    assert!(!here.path().join("runs").exists());

    let run = train(here.path(), &[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    for line in ["ROUGE-L after", "untouched", "1 food", "2 rooms", "(released)", "(printed)", "(gem)"] {
        assert!(run.stdout.contains(line), "{line}: {}", run.stdout);
    }
    let cell = stored(here.path());
    for file in ["adapter-1", "adapter-2", "fisher-1.safetensors", "matrix.json", "prompts.json"] {
        assert!(cell.join("artifacts").join(file).exists(), "{file}");
    }
    assert!(run.stdout.ends_with(&format!("{}\n", cell.strip_prefix(here.path()).unwrap().display())));
    let last = "artifacts/adapter-2";
    assert!(run.stderr.contains(last) && !run.stderr.contains("adapter-1"), "one adapter: {}", run.stderr);

    // stored: nothing is computed, the same is said
    let again = train(here.path(), &[]);
    assert_eq!((again.code, &again.stdout), (0, &run.stdout));
    assert!(train(here.path(), &["--dry-run"]).stdout.ends_with(" (stored)\n"));

    // R and the wordings are for other programs
    let json = train(here.path(), &["--json"]).json().remove(0);
    let matrix = cell.join("artifacts/matrix.json");
    let read = sapo_in(here.path(), &["matrix", "--scores", matrix.to_str().unwrap(), "--json"]).ok();
    assert_eq!(read.json()[0]["released"], json["released"]);
    let prompts: Value =
        serde_json::from_str(&std::fs::read_to_string(cell.join("artifacts/prompts.json")).unwrap()).unwrap();
    assert_eq!(json["prompts"], prompts);
    assert_eq!(prompts.as_object().unwrap().len(), 2);
    // another seed is another run beside it
    assert_eq!(train(here.path(), &["--seed", "1", "--json"]).code, 0);
}

#[test]
fn killed_at_any_instant_it_goes_on_to_the_same_bytes() {
    let whole = prepared();
    assert_eq!(train(whole.path(), &[]).code, 0);
    let here = prepared();
    let mut kills = 0;
    for patience in [400, 500, 700, 900, 1200] {
        let mut child = command(here.path(), &["train", "--config", "run.toml", "--checkpoint-seconds", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(patience));
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            kills += 1;
        }
        child.wait().unwrap();
    }
    assert!(kills > 0, "it was never stopped");
    assert_eq!(train(here.path(), &[]).code, 0);
    assert_eq!(content(&stored(here.path())), content(&stored(whole.path())));
}

/// SIGHUP, SIGINT and SIGTERM as the system's masks have them.
const STOPS: u64 = 1 | 1 << 1 | 1 << 14;

/// The signals for which a process has a handler; none where the system does not say.
fn caught(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    mask.map_or(0, |mask| u64::from_str_radix(mask.trim(), 16).unwrap())
}

#[test]
fn ctrl_c_keeps_what_is_done() {
    let here = prepared();
    let child = command(here.path(), &["train", "--config", "run.toml"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // as soon as something is done
    while !here.path().join("runs/run/.staging").exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(caught(child.id()) & STOPS, 0, "a handler would run in the middle of a kernel");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("interrupted; what was computed is kept: run the same command again to go on\n"),
        "{said}"
    );
    assert_eq!(train(here.path(), &[]).code, 0);
}

#[test]
fn a_run_under_nohup_outlives_its_terminal() {
    let here = prepared();
    let sapo = command(here.path(), &["train", "--config", "run.toml"]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(sapo.get_program()).args(sapo.get_args());
    shell.current_dir(here.path()).env("SAPO_THREADS", "1").env("SAPO_CACHE", here.path().join("cache"));
    let child = shell.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // as soon as something is done
    while !here.path().join("runs/run/.staging").exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(Command::new("kill").args(["-HUP", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_training_that_diverges_says_so_and_stores_nothing() {
    let here = prepared();
    let run = RUN.replace("learning_rate = 0.01", "learning_rate = 1e30");
    std::fs::write(here.path().join("run.toml"), run).unwrap();
    let failed = train(here.path(), &[]);
    assert_eq!((failed.code, failed.stdout.as_str()), (1, ""));
    assert!(failed.stderr.contains("error: training diverged at optimiser step "), "{}", failed.stderr);
    assert!(failed.stderr.contains("hint: "), "{}", failed.stderr);
    assert!(train(here.path(), &["--dry-run"]).stdout.ends_with(" (begun)\n"));
}

#[test]
fn a_full_disk_costs_nothing_that_was_done() {
    let (here, whole) = (prepared(), prepared());
    for folder in [&here, &whole] {
        std::fs::write(folder.path().join("run.toml"), RUN.replace("r = 4", "r = 32")).unwrap();
    }
    // files of more than so many blocks of 512 bytes cannot be written; the adapter is larger, the progress is not
    let limited = |blocks: u32| {
        let line = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let sapo = command(here.path(), &["train", "--config", "run.toml"]);
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]).arg(sapo.get_program()).args(sapo.get_args()).current_dir(here.path());
        shell.env("SAPO_THREADS", "1").env("SAPO_CACHE", here.path().join("cache")).output().unwrap()
    };
    let output = limited(40);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("error: cannot write ") && said.contains("hint: make room"), "{said}");
    let begun = train(here.path(), &["--dry-run"]).stdout;
    assert!(begun.ends_with(" (begun)\n"), "{begun}");

    assert_eq!(train(here.path(), &[]).code, 0);
    assert_eq!(train(whole.path(), &[]).code, 0);
    assert_eq!(content(&stored(here.path())), content(&stored(whole.path())));
}

#[test]
fn what_is_wrong_with_a_run_is_named() {
    let here = prepared();
    let refused = |from: &str, to: &str| {
        assert!(RUN.contains(from), "{from}");
        std::fs::write(here.path().join("run.toml"), RUN.replace(from, to)).unwrap();
        let run = train(here.path(), &[]);
        assert_eq!(run.code, 1, "{to}");
        run.stderr
    };
    assert!(refused("epochs = 4", "epoch = 4").contains("unknown field `epoch`"));
    assert!(refused("\"ewc\"", "\"ewcc\"").contains("unknown variant `ewcc`"));
    let unknown = refused("stream = \"two\"", "stream = \"three\"");
    assert!(unknown.contains("has no stream `three`; it has two"), "{unknown}");
    assert!(refused("data = \"tasks\"\n", "").contains("hint: "));
    assert!(refused("model = \"model\"", "model = \"modell\"").contains("modell"));
    assert!(refused("pool = ", "dtype = \"f8\"\npool = ").contains("expected f32, bf16, f16 or auto"));
    assert!(refused("grammar = 3", "folder = \"pools\"").contains("pools/food.json"));
}
