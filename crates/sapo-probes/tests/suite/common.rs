//! The built-in model and a few rows of built-in tasks.

use std::path::Path;

use sapo_model::{Device, Encoded, Kind, LanguageModel, LoraConfig, runtime};
use sapo_probes::FreshLora;
use sapo_prompts::Instruction;
use sapo_tasks::builtin::{Sizes, family};
use sapo_tasks::{Example, Task, layout};

pub(crate) const BUDGET: usize = 512;

pub(crate) fn nano() -> LanguageModel {
    runtime::init(1);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/base/nano");
    LanguageModel::open(&folder, Kind::Float, Device::Cpu).unwrap()
}

/// A built-in task with twelve rows to train on.
pub(crate) fn task(name: &str) -> Task {
    family(name).unwrap().task(5, Sizes { train: 12, dev: 0, test: 0 })
}

/// A wording that the built-in model has not met: a high loss, and a clear gradient.
pub(crate) fn odd() -> Instruction {
    Instruction::new("Please look at what stands here and do as you always do with it.")
}

pub(crate) fn adapter() -> FreshLora {
    FreshLora { config: LoraConfig::new(4, 16.0, &["q_proj", "v_proj"]), seed: 7 }
}

pub(crate) fn encoded(
    model: &LanguageModel,
    task: &Task,
    wording: &Instruction,
    examples: &[Example],
) -> Vec<Encoded> {
    let encode = |example: &Example| {
        let prompt = layout::prompt(task, wording, &example.input);
        model.codec().encode_example(&prompt, example.target()).unwrap()
    };
    examples.iter().map(encode).collect()
}

/// Mean loss over the target tokens of all training rows, in nats.
pub(crate) fn loss(model: &LanguageModel, task: &Task, wording: &Instruction) -> f64 {
    let losses = model.example_losses(&encoded(model, task, wording, &task.train), BUDGET, |_| {}).unwrap();
    let targets: usize = losses.iter().map(|loss| loss.tokens).sum();
    losses.iter().map(|loss| loss.nll_sum).sum::<f64>() / targets as f64
}

pub(crate) fn assert_close(what: &str, got: f64, want: f64, tolerance: f64) {
    println!("{what}: {got:e}, expected {want:e}");
    let error = (got - want).abs() / want.abs();
    assert!(error <= tolerance, "{what}: {got:e}, expected {want:e}: off by {error:.1e}");
}
