//! What saves memory must not change what is learnt: gradient checkpointing, half-precision weights.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

use sapo_learn::{AdamW, AdamWConfig, FixedTexts, NoTerm, TrainConfig, Training, train};
use sapo_model::{
    Batch, Device, Encoded, Kind, LanguageModel, LlamaConfig, LoraConfig, native, train_tokenizer,
};
use tch::Tensor;

/// Dropout reads libtorch's process-wide random state: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A fresh model of three small layers.
fn model(kind: Kind) -> LanguageModel {
    model_on(Device::Cpu, kind)
}

fn model_on(device: Device, kind: Kind) -> LanguageModel {
    static DIRECTORY: std::sync::OnceLock<(tempfile::TempDir, PathBuf)> = std::sync::OnceLock::new();
    let (_, path) = DIRECTORY.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_path_buf();
        train_tokenizer(["one two three".to_string()].into_iter(), 280, true, 64, &path).unwrap();
        let config: LlamaConfig = serde_json::from_value(serde_json::json!({
            "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 280, "hidden_size": 32,
            "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
            "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "hidden_act": "silu", "initializer_range": 0.2,
        }))
        .unwrap();
        LanguageModel::write_config(&config, &path).unwrap();
        (directory, path)
    });
    LanguageModel::fresh(path, 5, kind, device).unwrap()
}

fn lora(dropout: f64) -> LoraConfig {
    LoraConfig { lora_dropout: dropout, ..LoraConfig::new(4, 8.0, &["q_proj", "v_proj", "down_proj"]) }
}

fn examples() -> Vec<Encoded> {
    let example = |length: i64, target_start| Encoded {
        ids: (0..length).map(|i| 5 + (i * 37 + length * 11) % 270).collect(),
        target_start,
    };
    vec![example(9, 4), example(21, 18), example(5, 1), example(13, 12)]
}

fn gradients(model: &LanguageModel, parameters: &mut [Tensor], checkpointing: bool) -> (f64, Vec<Tensor>) {
    let examples = examples();
    let batch = Batch::new(&examples.iter().collect::<Vec<_>>(), 64, Device::Cpu).unwrap();
    for parameter in parameters.iter_mut() {
        if parameter.grad().defined() {
            parameter.zero_grad();
        }
    }
    tch::manual_seed(77);
    let loss = model.backward(&batch, 0.25, checkpointing);
    (loss, parameters.iter().map(|parameter| parameter.grad().copy()).collect())
}

#[test]
fn checkpointing_gives_the_same_gradient_of_every_parameter() {
    let _alone = alone();
    let mut model = model(Kind::Float);
    let mut all: Vec<Tensor> = model.train_all_parameters().into_iter().map(|(_, tensor)| tensor).collect();
    let (loss, whole) = gradients(&model, &mut all, false);
    let (again, by_block) = gradients(&model, &mut all, true);
    assert_eq!(loss, again);
    for (a, b) in whole.iter().zip(&by_block) {
        let error = (a - b).abs().max().double_value(&[]) / a.abs().max().double_value(&[]);
        assert!(error < 1e-6, "{error:e}");
    }
}

#[test]
fn checkpointing_drops_the_same_numbers_when_it_computes_a_block_again() {
    let _alone = alone();
    let mut model = model(Kind::Float);
    model.attach_lora(&lora(0.5), 3).unwrap();
    let mut parameters = model.lora_parameters();
    tch::no_grad(|| parameters.iter_mut().for_each(|parameter| drop(parameter.normal_(0.0, 0.1))));
    // a numerical derivative along the gradient: wrong if the second computation had dropped other numbers
    let (loss, gradient) = gradients(&model, &mut parameters, true);
    let size: f64 =
        gradient.iter().map(|g| g.square().sum(Kind::Double).double_value(&[])).sum::<f64>().sqrt();
    let mut moved = |by: f64| {
        tch::no_grad(|| {
            for (parameter, g) in parameters.iter_mut().zip(&gradient) {
                let _ = parameter.g_add_(&(g * (by / size)));
            }
        });
        let loss = gradients(&model, &mut parameters, true).0;
        tch::no_grad(|| {
            for (parameter, g) in parameters.iter_mut().zip(&gradient) {
                let _ = parameter.g_sub_(&(g * (by / size)));
            }
        });
        loss
    };
    let slope = (moved(1e-2) - moved(-1e-2)) / 2e-2 * 0.25;
    assert!((slope / size - 1.0).abs() < 0.02, "slope {slope}, length of the gradient {size}, loss {loss}");
}

/// On the GPU where there is one.
#[test]
fn with_checkpointing_too_the_devices_generator_decides_what_is_dropped() {
    let _alone = alone();
    let device = Device::cuda_if_available();
    let mut model = model_on(device, Kind::Float);
    model.attach_lora(&lora(0.5), 3).unwrap();
    let mut parameters = model.lora_parameters();
    tch::no_grad(|| parameters.iter_mut().for_each(|parameter| drop(parameter.normal_(0.0, 0.1))));
    let examples = examples();
    let batch = Batch::new(&examples.iter().collect::<Vec<_>>(), 64, device).unwrap();

    let state = native::generator_state(&parameters[0]);
    let loss = model.backward(&batch, 0.25, true);
    assert_ne!(model.backward(&batch, 0.25, true), loss, "dropout matters");
    let _ = Tensor::rand([1], (Kind::Float, Device::Cpu)); // the state that a GPU's training does not keep
    native::set_generator_state(&parameters[0], &state);
    assert_eq!(model.backward(&batch, 0.25, true), loss);
}

#[test]
fn training_with_checkpointing_takes_the_same_steps() {
    let _alone = alone();
    let losses = |gradient_checkpointing: bool| -> Vec<f64> {
        let mut model = model(Kind::Float);
        model.attach_lora(&lora(0.0), 3).unwrap();
        let config = TrainConfig {
            epochs: 4,
            batch_size: 2,
            micro_batch_size: 1,
            learning_rate: 0.02,
            warmup_ratio: 0.0,
            max_gradient_norm: 1.0,
            gradient_checkpointing,
            adamw: AdamWConfig::default(),
        };
        let parameters = model.lora_parameters();
        let mut losses = Vec::new();
        train(
            &model,
            parameters,
            &mut FixedTexts(&examples()),
            &mut NoTerm,
            Training::of(&config, 9),
            |outcome| losses.push(outcome.loss),
        )
        .unwrap();
        losses
    };
    let (with, without) = (losses(true), losses(false));
    assert!(with[7] < with[0]);
    for (a, b) in with.iter().zip(&without) {
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }
}

#[test]
fn steps_too_small_for_bf16_add_up_in_the_f32_master() {
    let start = Tensor::full([4, 4], 1.0, (Kind::BFloat16, Device::Cpu)).set_requires_grad(true);
    let mut optimizer = AdamW::new(vec![start.shallow_clone()], AdamWConfig::default());
    for _ in 0..100 {
        start.sum(Kind::Float).backward(); // AdamW moves by the learning rate, far below bf16's spacing of 1/256 at 1
        optimizer.step(1e-4);
    }
    assert_eq!(optimizer.masters()[0].kind(), Kind::Float);
    let (master, rounded) = (optimizer.masters()[0].double_value(&[0, 0]), start.double_value(&[0, 0]));
    assert!((master - 0.99).abs() < 1e-5, "{master}");
    assert!((rounded - 0.99).abs() <= 1.0 / 512.0, "{rounded}");
}

#[test]
fn bf16_training_follows_f32_training() {
    let _alone = alone();
    let last = |kind: Kind| -> (f64, f64) {
        let mut model = model(kind);
        let parameters: Vec<Tensor> =
            model.train_all_parameters().into_iter().map(|(_, tensor)| tensor).collect();
        let config = TrainConfig {
            epochs: 15,
            batch_size: 4,
            micro_batch_size: 4,
            learning_rate: 0.003,
            warmup_ratio: 0.1,
            max_gradient_norm: 1.0,
            gradient_checkpointing: false,
            adamw: AdamWConfig::default(),
        };
        let mut losses = Vec::new();
        train(
            &model,
            parameters,
            &mut FixedTexts(&examples()),
            &mut NoTerm,
            Training::of(&config, 9),
            |outcome| losses.push(outcome.loss),
        )
        .unwrap();
        (losses[0], losses[14])
    };
    let (wide, half) = (last(Kind::Float), last(Kind::BFloat16));
    assert!(wide.1 < 0.5 * wide.0, "it learns: {wide:?}");
    assert!((half.0 / wide.0 - 1.0).abs() < 0.02, "{half:?} {wide:?}");
    assert!((half.1 / wide.1 - 1.0).abs() < 0.1, "{half:?} {wide:?}");
}

/// Batches of many tokens are filled up to a round number; nothing of that may reach a gradient.
#[test]
fn a_large_batch_has_the_gradient_of_its_parts() {
    let _alone = alone();
    let mut model = model(Kind::Float);
    let parameters: Vec<Tensor> =
        model.train_all_parameters().into_iter().map(|(_, tensor)| tensor).collect();
    let examples: Vec<Encoded> = (0..13)
        .map(|i| Encoded {
            ids: (0..45 + i % 4).map(|j| 5 + (j * 31 + i * 17) % 270).collect(),
            target_start: 40,
        })
        .collect();
    let gradient_of = |parts: usize| -> Vec<Tensor> {
        for parameter in &parameters {
            let mut gradient = parameter.grad();
            if gradient.defined() {
                let _ = gradient.zero_();
            }
        }
        for part in examples.chunks(parts) {
            let batch = Batch::new(&part.iter().collect::<Vec<_>>(), 64, Device::Cpu).unwrap();
            model.backward(&batch, 1.0, false);
        }
        parameters.iter().map(|parameter| parameter.grad().copy()).collect()
    };
    let (whole, parts) = (gradient_of(13), gradient_of(1));
    for (a, b) in whole.iter().zip(&parts) {
        let error = (a - b).norm().double_value(&[]) / b.norm().double_value(&[]);
        assert!(error < 1e-5, "{error:e}");
    }
}
