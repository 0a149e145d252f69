//! The protocol of the paper's section 3 on three tiny tasks.
#![allow(clippy::unwrap_used)]

mod two_tasks;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sapo_bench::EvaluationConfig;
use sapo_lab::RunRecord;
use sapo_learn::triple::{TripleConfig, quantity, run_triple};
use sapo_learn::{LearnError, Progress, TrainConfig, Workplace};
use sapo_probes::ProbeConfig;
use sapo_prompts::PromptPool;
use sapo_tasks::Task;
use sapo_tasks::builtin::{POOL_SEED, Sizes, family};
use serde_json::json;

use two_tasks::{alone, lora, nano};

fn tasks() -> Vec<Task> {
    let task = |name: &str| family(name).unwrap().task(5, Sizes { train: 24, dev: 0, test: 8 });
    ["swap-ends", "mood", "topic"].map(task).to_vec()
}

/// The original and one paraphrase.
fn pool(task: &Task) -> PromptPool {
    let paraphrases = family(&task.name).unwrap().paraphrases(1, POOL_SEED);
    PromptPool::new(task.instruction.clone(), task.labels.clone(), paraphrases).unwrap()
}

fn config() -> TripleConfig {
    let train = TrainConfig {
        epochs: 2,
        batch_size: 8,
        micro_batch_size: 8,
        learning_rate: 5e-3,
        ..TrainConfig::default()
    };
    TripleConfig {
        lora: lora(),
        train,
        evaluation: EvaluationConfig { max_new_tokens: 12, token_budget: 4096 },
        examples: 6,
        token_budget: 4096,
        probes: vec![
            "entropy",
            "words",
            "exact-match",
            "gradient-norm",
            "gradient-alignment",
            "interference",
        ]
        .into_iter()
        .map(|name| name.parse::<ProbeConfig>().unwrap())
        .collect(),
        conflict_ranks: vec![1, 2, 20],
    }
}

fn run(folder: &Path, every: Option<(Duration, fn() -> bool)>) -> Result<RunRecord, LearnError> {
    let (tasks, artifacts) = (tasks(), folder.join("artifacts"));
    std::fs::create_dir_all(&artifacts).unwrap();
    let progress = every
        .map(|(every, stop)| {
            Ok::<_, LearnError>(
                Progress::open(&folder.join("progress"), &json!({}))?.every(every).until(stop),
            )
        })
        .transpose()?;
    let workplace = Workplace { artifacts: &artifacts, progress: progress.as_ref() };
    let pool = pool(&tasks[1]);
    let mut record = run_triple(&mut nano(), &tasks, &pool, &config(), 3, &workplace, &mut |_| ())?;
    record.usage.iter_mut().for_each(|usage| usage.seconds = 0.0);
    Ok(record)
}

fn values(record: &RunRecord, quantity: &str) -> BTreeMap<String, f64> {
    let of = record.measurements.iter().filter(|measured| measured.quantity == quantity);
    of.map(|measured| (measured.subject.clone(), measured.value)).collect()
}

#[test]
fn every_wording_starts_from_the_state_after_t1() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let record = run(folder.path(), None).unwrap();
    for what in [
        "score:rouge_l:T1",
        "score:rouge_l:T2",
        "score:rouge_l:T3a",
        "probe:entropy",
        "cosine:T1",
        "cosine:T3a",
    ] {
        assert_eq!(values(&record, what).len(), 2, "{what}");
    }
    // four blocks with q and v each
    let modules = record.measurements.iter().filter(|m| m.quantity.starts_with("cosine:T1:")).count();
    assert_eq!(modules, 2 * 8);
    // the probe looks at the same rows of T1 as the cosine that is measured apart
    let (probe, apart) =
        (values(&record, &quantity::probe("gradient-alignment")), values(&record, "cosine:T1"));
    assert!(probe.iter().all(|(wording, cosine)| (cosine - apart[wording]).abs() < 1e-6));
    // each training is the one that would be without the others
    let (tasks, folder) = (tasks(), tempfile::tempdir().unwrap());
    let alone = PromptPool::new(tasks[1].instruction.clone(), tasks[1].labels.clone(), Vec::new()).unwrap();
    let workplace = Workplace::without_progress(folder.path());
    let one = run_triple(&mut nano(), &tasks, &alone, &config(), 3, &workplace, &mut |_| ()).unwrap();
    assert_eq!(one.scores, record.scores);
    let losses = |record: &RunRecord| -> Vec<f64> {
        record
            .training
            .iter()
            .filter(|row| row.step == 2 && row.wording == "original")
            .map(|row| row.loss)
            .collect()
    };
    assert_eq!(losses(&one), losses(&record));
    // what the original scored stands there with its answers
    let scored = record.scores.iter().find(|s| s.step == 2 && s.task == 1 && s.metric == "rouge_l").unwrap();
    assert_eq!(scored.value, values(&record, "score:rouge_l:T1")["original"]);
    assert_eq!(record.predictions.iter().filter(|p| p.step == 2 && p.task == 1).count(), 8);
}

static ASKS_LEFT: AtomicUsize = AtomicUsize::new(0);

/// Says no as often as was set, and then yes.
fn no_asks_left() -> bool {
    ASKS_LEFT.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err()
}

#[test]
fn a_triple_comes_to_the_same_end_wherever_it_is_stopped() {
    let _alone = alone();
    let whole = run(tempfile::tempdir().unwrap().path(), None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for process in 1..100 {
        ASKS_LEFT.store(3, Ordering::SeqCst);
        match run(folder.path(), Some((Duration::ZERO, no_asks_left))) {
            Ok(record) => {
                assert!(process > 5, "{process}");
                assert!(record == whole);
                return;
            }
            Err(LearnError::Interrupted) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("a hundred processes make no progress");
}
