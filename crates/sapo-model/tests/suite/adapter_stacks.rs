//! Several adapters as one.

use std::path::Path;

use sapo_model::{Lora, LoraConfig};
use tch::Tensor;

use crate::fixtures::*;

/// Logits of `llama-tied` with the adapters in these folders added.
fn folded(directories: &[&Path]) -> Tensor {
    let mut model = open("llama-tied");
    for directory in directories {
        model.fold_adapter_from(directory).unwrap();
    }
    logits(&model, &[7, 8, 200, 14, 3])
}

/// An adapter of drawn A and B in PEFT's files.
fn drawn_adapter(config: &LoraConfig, seed: u64) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut model = open("llama-tied");
    model.attach_lora(config, seed).unwrap();
    let mut adapter = model.fold_lora(config);
    for (_, b) in adapter.modules.values_mut() {
        let values = Tensor::linspace(-0.2, 0.3, b.numel() as i64, (tch::Kind::Float, tch::Device::Cpu));
        *b = values.reshape(b.size());
    }
    adapter.save(directory.path(), "llama-tied").unwrap();
    directory
}

#[test]
fn a_stack_of_adapters_is_one_adapter_of_the_summed_rank() {
    let configs = [
        LoraConfig::new(4, 8.0, &["q_proj", "v_proj"]),
        LoraConfig { use_rslora: true, ..LoraConfig::new(3, 5.0, &["q_proj", "down_proj"]) },
        LoraConfig {
            rank_pattern: [("v_proj".to_string(), 1)].into(),
            alpha_pattern: [("layers.1.self_attn.v_proj".to_string(), 9.0)].into(),
            ..LoraConfig::new(2, 7.0, &["v_proj"])
        },
    ];
    let directories: Vec<_> =
        configs.iter().zip(1..).map(|(config, seed)| drawn_adapter(config, seed)).collect();
    let paths: Vec<&Path> = directories.iter().map(tempfile::TempDir::path).collect();
    let adapters: Vec<Lora> = paths.iter().map(|path| Lora::open(path).unwrap()).collect();

    let stack = Lora::stack(&adapters).unwrap();
    let ranks: Vec<i64> = ["self_attn.q_proj", "self_attn.v_proj", "mlp.down_proj"]
        .iter()
        .map(|name| stack.modules[&format!("model.layers.1.{name}")].0.size()[0])
        .collect();
    assert_eq!(ranks, [7, 5, 3]);
    let one = tempfile::tempdir().unwrap();
    stack.save(one.path(), "llama-tied").unwrap();
    assert!(relative_error(&folded(&paths[..1]), &folded(&paths)) > 1e-3, "every adapter matters");
    assert_close("one adapter", &folded(&[one.path()]), &folded(&paths), 1e-5);
}

#[test]
fn adapters_for_other_widths_do_not_stack() {
    let tied = drawn_adapter(&LoraConfig::new(2, 4.0, &["q_proj"]), 1);
    let mut other = Lora::open(tied.path()).unwrap();
    let width = other.modules.values().next().unwrap().0.size()[1];
    for (a, _) in other.modules.values_mut() {
        *a = a.narrow(1, 0, 8).copy();
    }
    let error = Lora::stack(&[Lora::open(tied.path()).unwrap(), other]).unwrap_err().to_string();
    assert!(error.contains("q_proj") && error.contains(&format!("({width}, 8)")), "{error}");
}
