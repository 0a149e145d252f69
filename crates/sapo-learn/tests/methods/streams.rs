//! Every method over the stream of two tasks, with a selector that chooses by loss.

use std::path::Path;

use sapo_bandit::SelectorConfig;
use sapo_bench::evaluate;
use sapo_lab::RunRecord;
use sapo_learn::methods::MethodConfig;
use sapo_learn::sapo::{StreamConfig, run_stream};
use sapo_learn::{LearnError, Workplace};
use sapo_model::{Device, Kind, LanguageModel};
use sapo_prompts::PromptPool;
use sapo_tasks::Instruction;
use serde_json::{Value, json};

use crate::two_tasks::{alone, config, lora, nano, pool, run_with, stream};

/// The method of that name with the small adapter of the other suites and `changes` to its parameters.
fn method(name: &str, changes: Value) -> MethodConfig {
    let mut written = serde_json::to_value(name.parse::<MethodConfig>().unwrap()).unwrap();
    let lora = serde_json::to_value(lora()).unwrap();
    if written.get("lora").is_some() {
        written["lora"] = lora;
    } else if name == "lora-inc" {
        written.as_object_mut().unwrap().extend(lora.as_object().unwrap().clone());
    }
    written.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    serde_json::from_value(written).unwrap()
}

fn names() -> Vec<&'static str> {
    MethodConfig::all().iter().map(MethodConfig::name).collect()
}

fn with(method: MethodConfig) -> StreamConfig {
    let mut config = config(SelectorConfig::Exhaustive);
    if method.name() == "full" {
        config.train.learning_rate = 5e-4;
    }
    StreamConfig { method, ..config }
}

/// The record and the final weights with every adapter folded in.
fn run(method: MethodConfig) -> (RunRecord, Vec<tch::Tensor>) {
    let (record, mut model, _artifacts) = run_with(&with(method), 1);
    model.fold_lora(&lora());
    (record, weights(&model))
}

fn weights(model: &LanguageModel) -> Vec<tch::Tensor> {
    model.decoder().named_parameters().into_iter().map(|(_, weight)| weight.detach().copy()).collect()
}

fn assert_same(what: &str, one: MethodConfig, other: MethodConfig) {
    let (one, other) = (run(one), run(other));
    assert_eq!(one.0, other.0, "{what}");
    assert!(one.1.iter().zip(&other.1).all(|(a, b)| a.equal(b)), "{what}: weights differ");
}

fn optimiser_steps(record: &RunRecord, step: u32) -> usize {
    record.training.iter().filter(|row| row.step == step).count()
}

fn chosen(record: &RunRecord, step: u32) -> &str {
    let chosen = record.variant_losses.iter().find(|variant| variant.step == step && variant.chosen);
    &chosen.unwrap().text
}

#[test]
fn a_seed_gives_the_same_run_again_and_what_is_on_disk_makes_the_final_model() {
    let _alone = alone();
    for name in names() {
        let config = with(method(name, json!({})));
        let (record, model, artifacts) = run_with(&config, 1);
        assert_eq!(record, run_with(&config, 1).0, "{name}");
        assert!(record.training.iter().all(|row| row.loss.is_finite()), "{name}");

        let mut rebuilt = nano();
        let adapter = |step: u32| artifacts.path().join(format!("adapter-{step}"));
        match name {
            "lora-inc" | "o-lora" | "paft" => {
                (1..=2).for_each(|step| rebuilt.fold_adapter_from(&adapter(step)).unwrap());
            }
            "multi-task" => rebuilt.fold_adapter_from(&adapter(1)).unwrap(),
            "full" => rebuilt = with_weights(&artifacts.path().join("weights-2")),
            "frozen" => {}
            _ => rebuilt.fold_adapter_from(&adapter(2)).unwrap(),
        }
        for (task, step) in stream().tasks.iter().zip(1..) {
            let prompt = Instruction::new(chosen(&record, step));
            let answers = |model: &LanguageModel| {
                evaluate(model, task, &prompt, &task.test, &config.evaluation).unwrap().predictions
            };
            assert_eq!(answers(&rebuilt), answers(&model), "{name}");
        }
    }
}

/// The built-in model with other weights.
fn with_weights(folder: &Path) -> LanguageModel {
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/base/nano");
    for file in std::fs::read_dir(base).unwrap().map(|file| file.unwrap().path()) {
        let place = folder.join(file.file_name().unwrap());
        if file.is_file() && !place.exists() {
            std::fs::copy(&file, &place).unwrap();
        }
    }
    LanguageModel::open(folder, Kind::Float, Device::Cpu).unwrap()
}

#[test]
fn a_term_of_weight_zero_and_a_memory_of_no_examples_give_the_method_below_bit_for_bit() {
    let _alone = alone();
    let below = |name: &str| method(name, json!({}));
    assert_same("o-lora", method("o-lora", json!({"lambda": 0.0})), below("lora-inc"));
    assert_same("ewc", method("ewc", json!({"lambda": 0.0})), below("seq-lora"));
    assert_same("lwf", method("lwf", json!({"weight": 0.0})), below("seq-lora"));
    assert_same("replay", method("replay", json!({"examples": 0})), below("seq-lora"));
    assert_same("inscl", method("inscl", json!({"examples": 0})), below("seq-lora"));
}

#[test]
fn a_method_changes_what_the_second_task_learns_and_nothing_before() {
    let _alone = alone();
    let losses = |record: &RunRecord, step: u32| -> Vec<f64> {
        record.training.iter().filter(|row| row.step == step).map(|row| row.loss).collect()
    };
    for (below, names) in [("lora-inc", vec!["o-lora"]), ("seq-lora", vec!["ewc", "lwf", "replay", "inscl"])]
    {
        let (plain, plain_weights) = run(method(below, json!({})));
        for name in names {
            let (record, weights) = run(method(name, json!({})));
            assert_eq!(losses(&record, 1), losses(&plain, 1), "{name}");
            assert_ne!(losses(&record, 2), losses(&plain, 2), "{name}");
            assert!(weights.iter().zip(&plain_weights).any(|(a, b)| !a.equal(b)), "{name}");
        }
    }
}

#[test]
fn frozen_changes_no_bit() {
    let _alone = alone();
    let (record, after) = run(method("frozen", json!({})));
    assert!(after.iter().zip(weights(&nano())).all(|(after, before)| after.equal(&before)));
    assert!(record.training.is_empty());
    let answers = |step: u32, task: u32| -> Vec<&str> {
        let of = record.predictions.iter().filter(move |p| p.step == step && p.task == task);
        of.map(|prediction| prediction.prediction.as_str()).collect()
    };
    assert_eq!(answers(1, 1), answers(2, 1), "the same wording, the same answers");
}

#[test]
fn replayed_examples_lengthen_an_epoch() {
    let _alone = alone();
    // 24 rows in batches of 8 for 2 epochs
    let steps = |name: &str, examples: usize| {
        let record = run(method(name, json!({"examples": examples}))).0;
        (optimiser_steps(&record, 1), optimiser_steps(&record, 2))
    };
    assert_eq!(steps("replay", 16), (6, 10));
    assert_eq!(steps("replay", 200), (6, 12), "no more than there are");
    assert_eq!(steps("inscl", 16), (6, 10));
}

#[test]
fn multi_task_trains_once_on_all_rows_in_wordings_chosen_before() {
    let _alone = alone();
    let (record, ..) = run_with(&with(method("multi-task", json!({}))), 1);
    assert_eq!((optimiser_steps(&record, 1), optimiser_steps(&record, 2)), (12, 0));
    let model = nano();
    let mut tokens = 0;
    for (task, step) in stream().tasks.iter().zip(1..) {
        let prompt = Instruction::new(chosen(&record, step));
        for example in &task.train {
            let text = sapo_tasks::layout::prompt(task, &prompt, &example.input);
            tokens += 2 * model.codec().encode_example(&text, example.target()).unwrap().ids.len() as u64;
        }
    }
    let trained = record.usage.iter().filter(|usage| usage.phase == "train");
    assert_eq!(trained.map(|usage| usage.forward_tokens).sum::<u64>(), tokens);
    let row = |step: u32| -> Vec<f64> {
        record.scores.iter().filter(|score| score.step == step).map(|score| score.value).collect()
    };
    assert_eq!(row(1), row(2));
}

#[test]
fn multi_task_has_no_second_choice_of_wordings() {
    let _alone = alone();
    let mut config = with(method("multi-task", json!({})));
    let again = json!({"rule": {"mixture": {}}, "every": 3, "examples": 3});
    config.reselection = Some(serde_json::from_value(again).unwrap());
    let (stream, artifacts) = (stream(), tempfile::tempdir().unwrap());
    let pools: Vec<PromptPool> = stream.tasks.iter().map(pool).collect();
    let refused = run_stream(
        &mut nano(),
        &stream,
        &pools,
        &config,
        1,
        &Workplace::without_progress(artifacts.path()),
        &mut |_| (),
    );
    assert!(matches!(refused, Err(LearnError::Setting { name: "reselection", .. })));
}

#[test]
fn paft_words_its_batches_at_random_and_keeps_the_prompt_that_was_chosen() {
    let _alone = alone();
    let (record, ..) = run_with(&with(method("paft", json!({}))), 1);
    let mut used: Vec<&str> = record.training.iter().map(|row| row.wording.as_str()).collect();
    used.sort_unstable();
    used.dedup();
    assert!(used.len() > 3, "{used:?}");
    assert_ne!(record.training, run_with(&with(method("paft", json!({}))), 2).0.training);
}

#[test]
fn full_keeps_the_last_weights_or_all() {
    let _alone = alone();
    for (keep_each, kept) in [(false, [false, true]), (true, [true, true])] {
        let (_, model, artifacts) = run_with(&with(method("full", json!({"keep_each": keep_each}))), 1);
        let folder = |step: u32| artifacts.path().join(format!("weights-{step}"));
        assert_eq!([1, 2].map(|step| folder(step).join("model.safetensors").exists()), kept);
        let again = weights(&with_weights(&folder(2)));
        assert!(again.iter().zip(weights(&model)).all(|(a, b)| a.equal(&b)));
        assert!(again.iter().zip(weights(&nano())).any(|(a, b)| !a.equal(&b)));
    }
}

#[test]
fn methods_run_in_bf16_with_gradient_checkpointing() {
    let _alone = alone();
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/base/nano");
    let stream = stream();
    let pools: Vec<PromptPool> = stream.tasks.iter().map(pool).collect();
    for name in names() {
        let mut config = with(method(name, json!({})));
        config.train.gradient_checkpointing = true;
        config.train.epochs = 1;
        let mut model = LanguageModel::open(&base, Kind::BFloat16, Device::Cpu).unwrap();
        let artifacts = tempfile::tempdir().unwrap();
        let record = run_stream(
            &mut model,
            &stream,
            &pools,
            &config,
            1,
            &Workplace::without_progress(artifacts.path()),
            &mut |_| (),
        );
        assert!(record.unwrap().training.iter().all(|row| row.loss.is_finite()), "{name}");
    }
}
