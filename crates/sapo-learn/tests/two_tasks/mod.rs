//! The built-in model and a stream of two built-in tasks of a few rows.
#![allow(dead_code, reason = "not every suite uses every helper")]

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sapo_bandit::SelectorConfig;
use sapo_bench::EvaluationConfig;
use sapo_lab::RunRecord;
use sapo_learn::methods::{LoraInc, MethodConfig};
use sapo_learn::sapo::{StreamConfig, run_stream};
use sapo_learn::{Candidates, SelectionConfig, TrainConfig, Workplace};
use sapo_model::{Device, Kind, LanguageModel, LoraConfig, runtime};
use sapo_prompts::PromptPool;
use sapo_tasks::builtin::{POOL_SEED, Sizes, family};
use sapo_tasks::{Task, TaskStream};

/// Training seeds libtorch's generator, which is the process's, so one stream runs at a time.
static GENERATOR: Mutex<()> = Mutex::new(());

pub(crate) fn alone() -> MutexGuard<'static, ()> {
    GENERATOR.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn nano() -> LanguageModel {
    runtime::init(1); // such small products lose more by sharing cores than they gain
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/base/nano");
    LanguageModel::open(&folder, Kind::Float, Device::Cpu).unwrap()
}

pub(crate) fn stream() -> TaskStream {
    let task = |name: &str| family(name).unwrap().task(5, Sizes { train: 24, dev: 0, test: 8 });
    TaskStream { name: "two".to_string(), tasks: vec![task("swap-ends"), task("mood")] }
}

pub(crate) fn pool(task: &Task) -> PromptPool {
    let paraphrases = family(&task.name).unwrap().paraphrases(6, POOL_SEED);
    PromptPool::new(task.instruction.clone(), task.labels.clone(), paraphrases).unwrap()
}

pub(crate) fn lora() -> LoraConfig {
    LoraConfig { lora_dropout: 0.1, ..LoraConfig::new(4, 16.0, &["q_proj", "v_proj"]) }
}

pub(crate) fn config(selector: SelectorConfig) -> StreamConfig {
    StreamConfig {
        candidates: Candidates::Given,
        selection: SelectionConfig {
            selector,
            examples: 12,
            token_budget: 4096,
            ..SelectionConfig::default()
        },
        interference: None,
        reselection: None,
        method: MethodConfig::LoraInc(LoraInc { lora: lora() }),
        train: TrainConfig {
            epochs: 2,
            batch_size: 8,
            micro_batch_size: 8,
            learning_rate: 5e-3,
            warmup_ratio: 0.05,
            max_gradient_norm: 1.0,
            gradient_checkpointing: false,
            adamw: Default::default(),
        },
        evaluation: EvaluationConfig { max_new_tokens: 12, token_budget: 4096 },
    }
}

/// The record without wall-clock times, and the model as the stream left it.
pub(crate) fn run(selector: SelectorConfig, seed: u64) -> (RunRecord, LanguageModel, tempfile::TempDir) {
    run_with(&config(selector), seed)
}

pub(crate) fn run_with(config: &StreamConfig, seed: u64) -> (RunRecord, LanguageModel, tempfile::TempDir) {
    let (mut model, stream, artifacts) = (nano(), stream(), tempfile::tempdir().unwrap());
    let pools: Vec<PromptPool> = stream.tasks.iter().map(pool).collect();
    let mut silent = |_| {};
    let mut record = run_stream(
        &mut model,
        &stream,
        &pools,
        config,
        seed,
        &Workplace::without_progress(artifacts.path()),
        &mut silent,
    )
    .unwrap();
    record.usage.iter_mut().for_each(|usage| usage.seconds = 0.0);
    (record, model, artifacts)
}
