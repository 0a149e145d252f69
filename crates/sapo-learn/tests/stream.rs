//! Algorithm 1 from end to end on the built-in model and two built-in tasks of a few rows.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sapo_bandit::SelectorConfig;
use sapo_bench::{EvaluationConfig, evaluate};
use sapo_lab::RunRecord;
use sapo_learn::methods::MethodConfig;
use sapo_learn::sapo::{StreamConfig, run_stream};
use sapo_learn::{LearnError, SelectionConfig, TrainConfig};
use sapo_model::{Device, Kind, LanguageModel, LoraConfig, runtime};
use sapo_prompts::{Instruction, ORIGINAL_ID, PromptPool};
use sapo_tasks::builtin::{POOL_SEED, Sizes, family};
use sapo_tasks::{Task, TaskStream};

/// Training seeds libtorch's generator, which is the process's, so one stream runs at a time.
static GENERATOR: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    GENERATOR.lock().unwrap_or_else(PoisonError::into_inner)
}

fn nano() -> LanguageModel {
    runtime::init(1); // such small products lose more by sharing cores than they gain
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/base/nano");
    LanguageModel::open(&folder, Kind::Float, Device::Cpu).unwrap()
}

fn stream() -> TaskStream {
    let task = |name: &str| family(name).unwrap().task(5, Sizes { train: 24, dev: 0, test: 8 });
    TaskStream { name: "two".to_string(), tasks: vec![task("swap-ends"), task("mood")] }
}

fn pool(task: &Task) -> PromptPool {
    let paraphrases = family(&task.name).unwrap().paraphrases(6, POOL_SEED);
    PromptPool::new(task.instruction.clone(), task.labels.clone(), paraphrases).unwrap()
}

fn config(selector: SelectorConfig) -> StreamConfig {
    StreamConfig {
        selection: SelectionConfig { selector, examples: 12, include_original: true, token_budget: 4096 },
        method: MethodConfig::LoraInc(LoraConfig {
            lora_dropout: 0.1,
            ..LoraConfig::new(4, 16.0, &["q_proj", "v_proj"])
        }),
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
fn run(selector: SelectorConfig, seed: u64) -> (RunRecord, LanguageModel, tempfile::TempDir) {
    let (mut model, stream, artifacts) = (nano(), stream(), tempfile::tempdir().unwrap());
    let pools: Vec<PromptPool> = stream.tasks.iter().map(pool).collect();
    let mut silent = |_: usize, _: usize, _: &str| {};
    let mut record =
        run_stream(&mut model, &stream, &pools, &config(selector), seed, artifacts.path(), &mut silent)
            .unwrap();
    record.usage.iter_mut().for_each(|usage| usage.seconds = 0.0);
    (record, model, artifacts)
}

fn chosen(record: &RunRecord, step: u32) -> (String, String) {
    let of_step = record.variant_losses.iter().filter(|variant| variant.step == step && variant.chosen);
    let chosen: Vec<_> = of_step.map(|variant| (variant.variant.clone(), variant.text.clone())).collect();
    assert_eq!(chosen.len(), 1, "one wording is chosen in step {step}");
    chosen.into_iter().next().unwrap()
}

#[test]
fn a_seed_gives_the_same_record_again_and_another_seed_another() {
    let _alone = alone();
    let (first, ..) = run(SelectorConfig::Exhaustive, 1);
    assert_eq!(first, run(SelectorConfig::Exhaustive, 1).0);
    assert_ne!(first.training, run(SelectorConfig::Exhaustive, 2).0.training);
}

#[test]
fn sapo_takes_the_lowest_loss_sapp_the_highest_and_static_the_original() {
    let _alone = alone();
    for (selector, sign) in [(SelectorConfig::Exhaustive, 1.0), (SelectorConfig::Worst, -1.0)] {
        let (record, ..) = run(selector, 1);
        for step in 1..=2 {
            let asked: Vec<_> = record.variant_losses.iter().filter(|variant| variant.step == step).collect();
            assert_eq!(asked.len(), 7, "the original and six paraphrases");
            let loss = |variant: &&&sapo_lab::record::VariantLoss| sign * variant.loss.unwrap();
            let best = asked.iter().min_by(|a, b| loss(a).total_cmp(&loss(b))).unwrap();
            assert_eq!(best.variant, chosen(&record, step).0);
        }
    }
    let (record, ..) = run(SelectorConfig::Original, 1);
    assert_eq!((chosen(&record, 1).0.as_str(), chosen(&record, 2).0.as_str()), (ORIGINAL_ID, ORIGINAL_ID));
    assert!(record.variant_losses.iter().all(|variant| variant.loss.is_none()));
}

#[test]
fn arms_of_a_seed_start_from_the_same_row() {
    let _alone = alone();
    let first_row = |selector| {
        let (record, ..) = run(selector, 3);
        record.predictions.into_iter().filter(|prediction| prediction.step == 0).collect::<Vec<_>>()
    };
    let row = first_row(SelectorConfig::Exhaustive);
    assert_eq!(row.len(), 16);
    assert_eq!(row, first_row(SelectorConfig::Original));
    assert_eq!(row, first_row(SelectorConfig::Random));
}

#[test]
fn trained_tasks_keep_their_chosen_prompt_and_untrained_ones_their_original() {
    let _alone = alone();
    let (record, model, _artifacts) = run(SelectorConfig::Worst, 1);
    let stream = stream();
    let evaluation = config(SelectorConfig::Worst).evaluation;
    let answers = |model: &LanguageModel, task: &Task, prompt: &Instruction| {
        evaluate(model, task, prompt, &task.test, &evaluation).unwrap().predictions
    };
    let stored = |step: u32, task: u32| -> Vec<String> {
        let of_cell = record.predictions.iter().filter(|p| p.step == step && p.task == task);
        of_cell.map(|prediction| prediction.prediction.clone()).collect()
    };
    for (task, position) in stream.tasks.iter().zip(1..) {
        assert_eq!(stored(0, position), answers(&nano(), task, &task.instruction));
        let prompt = Instruction::new(chosen(&record, position).1);
        assert_ne!(prompt, task.instruction, "the highest loss is not the original's here");
        assert_eq!(stored(2, position), answers(&model, task, &prompt));
    }
}

#[test]
fn the_adapters_on_disk_add_up_to_the_final_model() {
    let _alone = alone();
    let (record, model, artifacts) = run(SelectorConfig::Exhaustive, 1);
    let mut rebuilt = nano();
    for step in 1..=2 {
        rebuilt.fold_adapter_from(&artifacts.path().join(format!("adapter-{step}"))).unwrap();
    }
    let task = &stream().tasks[1];
    let prompt = Instruction::new(chosen(&record, 2).1);
    let evaluation = config(SelectorConfig::Exhaustive).evaluation;
    let score =
        |model: &LanguageModel| evaluate(model, task, &prompt, &task.test, &evaluation).unwrap().predictions;
    assert_eq!(score(&rebuilt), score(&model));
}

#[test]
fn a_missing_pool_and_a_task_without_rows_are_errors() {
    let _alone = alone();
    let (mut stream, artifacts) = (stream(), tempfile::tempdir().unwrap());
    let config = config(SelectorConfig::Original);
    let mut silent = |_: usize, _: usize, _: &str| {};
    let pools: Vec<PromptPool> = stream.tasks.iter().map(pool).collect();
    let refused = run_stream(&mut nano(), &stream, &pools[1..], &config, 1, artifacts.path(), &mut silent);
    assert!(matches!(refused, Err(LearnError::Setting { name: "pools", .. })));
    stream.tasks[0].train.clear();
    let refused = run_stream(&mut nano(), &stream, &pools, &config, 1, artifacts.path(), &mut silent);
    assert!(matches!(refused, Err(LearnError::NoExamples { split: "training", .. })));
}
