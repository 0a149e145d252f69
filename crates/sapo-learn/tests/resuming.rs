//! A run that is stopped or killed anywhere goes on to the very end that it would have come to.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod two_tasks;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sapo_bandit::SelectorConfig;
use sapo_files::whole::HALF_WRITTEN;
use sapo_lab::{RunRecord, Told, TrainingNow};
use sapo_learn::methods::MethodConfig;
use sapo_learn::sapo::{StreamConfig, run_stream};
use sapo_learn::{LearnError, Progress, Workplace};
use sapo_prompts::PromptPool;
use serde_json::json;

use two_tasks::{alone, config, lora, nano, pool, stream};

/// Three steps a task, so that there is something between the first and the last.
fn with(method: &str) -> StreamConfig {
    let takes_lora = !["full", "frozen"].contains(&method);
    let mut value = json!({"name": method});
    match (method, takes_lora) {
        ("lora-inc", _) => value.as_object_mut().unwrap().extend(as_map(json!(lora()))),
        (_, true) => value["lora"] = json!(lora()),
        (_, false) => {}
    }
    if ["replay", "inscl"].contains(&method) {
        value["examples"] = json!(5);
    }
    let mut config =
        StreamConfig { method: serde_json::from_value(value).unwrap(), ..config(SelectorConfig::Exhaustive) };
    config.train.epochs = 1;
    config.selection.examples = 4;
    if method == "full" {
        config.train.learning_rate = 2e-4;
    }
    config
}

fn as_map(value: serde_json::Value) -> serde_json::Map<String, serde_json::Value> {
    value.as_object().unwrap().clone()
}

/// What may not depend on where a run was stopped: the record but for seconds, and every byte of the artifacts.
#[derive(Debug, PartialEq)]
struct End {
    record: RunRecord,
    artifacts: BTreeMap<String, Vec<u8>>,
}

impl End {
    fn of(mut record: RunRecord, artifacts: &Path) -> Self {
        record.usage.iter_mut().for_each(|usage| usage.seconds = 0.0);
        let mut files = BTreeMap::new();
        collect(artifacts, artifacts, &mut files);
        Self { record, artifacts: files }
    }
}

fn collect(top: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(top, &path, files);
        } else {
            let name = path.strip_prefix(top).unwrap().to_str().unwrap().to_string();
            files.insert(name, std::fs::read(path).unwrap());
        }
    }
}

/// One process's share of a run in `folder`, `heard` being told of every step and unit.
fn go_on(
    folder: &Path,
    config: &StreamConfig,
    every: Duration,
    stop: fn() -> bool,
    heard: &mut dyn FnMut(&str),
) -> Result<RunRecord, LearnError> {
    let stream = stream();
    let pools: Vec<PromptPool> = stream.tasks.iter().map(pool).collect();
    let artifacts = folder.join("artifacts");
    std::fs::create_dir_all(&artifacts).unwrap();
    let progress = Progress::open(&folder.join("progress"), &json!({"config": config}))?;
    let progress = progress.every(every).until(stop);
    let workplace = Workplace { artifacts: &artifacts, progress: Some(&progress) };
    run_stream(&mut nano(), &stream, &pools, config, 1, &workplace, &mut |told| heard(&line(&told)))
}

/// `train: mood 2/6`
fn line(told: &Told) -> String {
    let step = |now: &TrainingNow| format!(" {}/{}", now.optimiser_step, now.total_steps);
    told.message.clone() + &told.training.as_ref().map(step).unwrap_or_default()
}

fn uninterrupted(config: &StreamConfig) -> End {
    let folder = tempfile::tempdir().unwrap();
    let stream = stream();
    let pools: Vec<PromptPool> = stream.tasks.iter().map(pool).collect();
    let workplace = Workplace::without_progress(folder.path());
    let record = run_stream(&mut nano(), &stream, &pools, config, 1, &workplace, &mut |_| ()).unwrap();
    End::of(record, folder.path())
}

static ASKS_LEFT: AtomicUsize = AtomicUsize::new(0);

/// Says no as often as was set, and then yes.
fn no_asks_left() -> bool {
    ASKS_LEFT.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err()
}

/// Runs on and on, each time until it was asked `asks` times whether to stop, and counts the processes.
fn in_pieces(config: &StreamConfig, asks: usize, every: Duration) -> (End, usize) {
    let folder = tempfile::tempdir().unwrap();
    for process in 1..100 {
        ASKS_LEFT.store(asks, Ordering::SeqCst);
        match go_on(folder.path(), config, every, no_asks_left, &mut |_| ()) {
            Ok(record) => return (End::of(record, &folder.path().join("artifacts")), process),
            Err(LearnError::Interrupted) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("a hundred processes make no progress")
}

#[test]
fn every_method_comes_to_the_same_end_wherever_it_is_stopped() {
    let _alone = alone();
    for method in MethodConfig::all().iter().map(MethodConfig::name) {
        let config = with(method);
        let (end, processes) = in_pieces(&config, 1, Duration::ZERO);
        let least = if method == "frozen" { 9 } else { 12 };
        assert!(processes > least, "{method}: a process did more than one unit or step: {processes}");
        assert!(end == uninterrupted(&config), "{method}");
    }
}

#[test]
fn every_rule_of_reselection_comes_to_the_same_end_wherever_it_is_stopped() {
    let _alone = alone();
    for rule in ["discounted-thompson", "sliding-window-ucb", "exp3-s", "mixture"] {
        let mut config = with("lora-inc");
        config.train.epochs = 4;
        let again = json!({"rule": {rule: {}}, "every": 2, "examples": 3, "probe_share": 0.9});
        config.reselection = Some(serde_json::from_value(again).unwrap());
        let whole = uninterrupted(&config);
        let probes = |end: &End| -> u64 {
            end.record.usage.iter().filter(|u| u.phase == "reselect").map(|u| u.forward_tokens).sum()
        };
        assert!(probes(&whole) > 0, "{rule}");
        let (end, _) = in_pieces(&config, 3, Duration::ZERO);
        assert!(end == whole, "{rule}");
    }
}

#[test]
fn steps_since_the_last_checkpoint_are_trained_again() {
    let _alone = alone();
    let config = with("ewc");
    let whole = uninterrupted(&config);
    let folder = tempfile::tempdir().unwrap();
    // nothing is written down within a task, and the process ends in the middle of the second
    let never = Duration::from_secs(86_400);
    let (mut steps, mut end) = (0, None);
    for dies in [true, false] {
        let ran = std::panic::catch_unwind(|| {
            let mut seen = 0;
            go_on(folder.path(), &config, never, || false, &mut |what| {
                seen += usize::from(what.starts_with("train: mood 2/"));
                assert!(!(dies && seen == 1), "the process dies");
            })
        });
        match ran {
            Err(_) => steps += 1,
            Ok(record) => end = Some(End::of(record.unwrap(), &folder.path().join("artifacts"))),
        }
    }
    assert_eq!(steps, 1);
    assert!(end.unwrap() == whole);
}

#[test]
fn the_progress_of_another_run_and_damaged_progress_are_refused() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let config = with("ewc");
    ASKS_LEFT.store(5, Ordering::SeqCst);
    let stopped = go_on(folder.path(), &config, Duration::ZERO, no_asks_left, &mut |_| ());
    assert!(matches!(stopped, Err(LearnError::Interrupted)));
    let other = with("lwf");
    let refused = go_on(folder.path(), &other, Duration::ZERO, || false, &mut |_| ());
    assert!(matches!(refused, Err(LearnError::AnotherRun { .. })), "{refused:?}");

    let training = folder.path().join("progress/training-1");
    let tensors = std::fs::read_dir(&training)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|ending| ending == "safetensors"))
        .expect("a training is under way");
    let mut units: Vec<_> = std::fs::read_dir(folder.path().join("progress"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    units.extend([tensors, training.join("state.json")]);
    assert!(units.len() > 4);
    for path in units {
        let good = std::fs::read(&path).unwrap();
        let mut bad = good.clone();
        let place = bad.len() - 3;
        bad[place] ^= 1;
        std::fs::write(&path, &bad).unwrap();
        match go_on(folder.path(), &config, Duration::ZERO, || false, &mut |_| ()) {
            Err(LearnError::Damaged { path: named, .. }) => assert_eq!(named, path),
            other => panic!("{}: {other:?}", path.display()),
        }
        std::fs::write(&path, &good).unwrap();
    }
    let record = go_on(folder.path(), &config, Duration::ZERO, || false, &mut |_| ()).unwrap();
    assert!(End::of(record, &folder.path().join("artifacts")) == uninterrupted(&config));
}

#[test]
fn a_training_that_diverges_keeps_what_was_learnt_before() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let mut config = with("seq-lora");
    config.train.learning_rate = 1e30;
    config.train.epochs = 4;
    let failed = go_on(folder.path(), &config, Duration::ZERO, || false, &mut |_| ());
    let Err(LearnError::Diverged { step, .. }) = failed else { panic!("{failed:?}") };
    assert!(step > 1);
    let state = folder.path().join(format!("progress/training-1/step-{}.safetensors", step - 1));
    assert!(state.is_file(), "the last good state is that after step {}", step - 1);
    assert!(folder.path().join("progress/evaluate-0-2.json").is_file());
    // the same again comes to the same: nothing of the bad step was kept
    let again = go_on(folder.path(), &config, Duration::ZERO, || false, &mut |_| ());
    assert!(matches!(again, Err(LearnError::Diverged { step: same, .. }) if same == step), "{again:?}");
}

/// Set for the process that the next test kills.
const VICTIM: &str = "SAPO_TEST_RESUMING";

/// What the process runs that is killed; in the suite itself it does nothing.
#[test]
fn victim() {
    let Ok(told) = std::env::var(VICTIM) else { return };
    let (method, folder) = told.split_once(' ').unwrap();
    let heard = &mut |what: &str| println!("\nheard {what}");
    let record = go_on(Path::new(folder), &with(method), Duration::ZERO, || false, heard).unwrap();
    std::fs::write(Path::new(folder).join("record.json"), serde_json::to_vec(&record).unwrap()).unwrap();
}

#[test]
fn a_run_that_is_killed_again_and_again_comes_to_the_same_end() {
    let _alone = alone();
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for method in ["o-lora", "full", "paft"] {
        let folder = tempfile::tempdir().unwrap();
        let mut kills = 0;
        let mut done = false;
        while !done {
            let mut victim = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "victim", "--nocapture"])
                .env(VICTIM, format!("{method} {}", folder.path().display()))
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let output = BufReader::new(victim.stdout.take().unwrap());
            let patience = rng.random_range(2..9) + kills;
            let heard = output.lines().map_while(Result::ok).filter(|line| line.starts_with("heard"));
            if heard.take(patience).count() == patience {
                std::thread::sleep(Duration::from_micros(rng.random_range(0..30_000)));
                kills += usize::from(victim.kill().is_ok());
            }
            victim.wait().unwrap();
            done = folder.path().join("record.json").is_file();
            assert!(kills < 60, "{method} makes no progress");
        }
        assert!(kills > 2, "{method}: killed {kills} times");
        let text = std::fs::read(folder.path().join("record.json")).unwrap();
        let record: RunRecord = serde_json::from_slice(&text).unwrap();
        let artifacts = folder.path().join("artifacts");
        let mut end = End::of(record, &artifacts);
        // ours, and those of the crate that writes safetensors
        end.artifacts.retain(|name, _| !(name.contains(HALF_WRITTEN) || name.contains(".tmp")));
        assert!(end == uninterrupted(&with(method)), "{method}");
    }
}
