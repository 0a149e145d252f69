//! Adapter files: written as PEFT reads them, and refused where they would compute something else.

use std::collections::HashMap;
use std::path::Path;

use sapo_model::{LoraConfig, save_safetensors};
use serde_json::json;
use tch::Tensor;

use crate::fixtures::*;

#[test]
fn a_saved_adapter_has_pefts_names_and_folds_back_bit_for_bit() {
    let directory = tempfile::tempdir().unwrap();
    let mut model = tied_with_adapter();
    model.fold_lora(&lora()).save(directory.path(), "tied").unwrap();

    let read = |path: &Path| -> HashMap<String, Tensor> {
        Tensor::read_safetensors(path).unwrap().into_iter().collect()
    };
    let saved = read(&directory.path().join("adapter_model.safetensors"));
    let pefts = read(&fixture("adapter/adapter_model.safetensors"));
    assert_eq!(saved.len(), pefts.len());
    for (name, tensor) in &pefts {
        assert!(same_bits(&saved[name], tensor), "{name}");
    }
    let mut again = open("tied");
    again.fold_adapter_from(directory.path()).unwrap();
    assert_same_parameters(&model, &again);
}

/// Leaves an adapter and its logits in the target folder for `fixtures/check_adapter_in_peft.py`.
#[test]
fn an_adapter_on_every_projection_is_kept_for_the_check_in_peft() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("adapter-for-peft");
    let targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];
    let target_modules = targets.iter().map(|name| (*name).to_string()).collect();
    let config = LoraConfig { r: 3, lora_alpha: 5.0, lora_dropout: 0.05, target_modules };
    let mut model = open("untied");
    model.attach_lora(&config, 7).unwrap();
    let parameters = model.lora_parameters();
    assert_eq!(parameters.len(), 2 * 7 * 2);
    {
        let _guard = tch::no_grad_guard();
        for mut b in parameters.into_iter().skip(1).step_by(2) {
            let values = Tensor::linspace(-0.3, 0.3, b.numel() as i64, (tch::Kind::Float, tch::Device::Cpu));
            b.copy_(&values.reshape(b.size()));
        }
    }
    let ids = lists(&expected()["untied"]["logits_of"]).remove(0);
    let attached = logits(&model, &ids);
    assert!(relative_error(&logits(&open("untied"), &ids), &attached) > 0.01, "the adapter must matter");
    model.fold_lora(&config).save(&directory, "untied").unwrap();
    save_safetensors(&directory.join("logits.safetensors"), &[("logits".to_string(), &attached)]).unwrap();

    let mut again = open("untied");
    again.fold_adapter_from(&directory).unwrap();
    assert_close("read again", &logits(&again, &ids), &attached, 1e-5);
}

#[test]
fn the_same_seed_makes_the_same_adapter() {
    let fresh = |seed| {
        let mut model = open("tied");
        model.attach_lora(&lora(), seed).unwrap();
        model.lora_parameters()
    };
    let (a, b, c) = (fresh(1), fresh(1), fresh(2));
    for (i, tensor) in a.iter().enumerate() {
        assert!(same_bits(tensor, &b[i]));
        let is_a = i % 2 == 0;
        assert_eq!(same_bits(tensor, &c[i]), !is_a, "B is zero for every seed, A is drawn");
        let bound = if is_a { 1.0 / (tensor.size()[1] as f64).sqrt() } else { 0.0 };
        assert!(tensor.abs().max().double_value(&[]) <= bound);
    }
}

#[test]
fn targets_that_name_no_module_are_an_error() {
    let config = LoraConfig { target_modules: vec!["query".to_string()], ..lora() };
    let error = open("tied").attach_lora(&config, 0).unwrap_err().to_string();
    assert!(error.contains("query"), "{error}");
}

#[test]
fn an_adapter_that_would_compute_something_else_is_refused() {
    type Change = fn(&mut serde_json::Value);
    let cases: [(Change, &str); 6] = [
        (|config| config["use_rslora"] = json!(true), "use_rslora"),
        (|config| config["use_dora"] = json!(true), "use_dora"),
        (|config| config["alpha_pattern"] = json!({"q_proj": 32}), "alpha_pattern"),
        (|config| config["rank_pattern"] = json!({"q_proj": 8}), "rank_pattern"),
        (|config| config["target_modules"] = json!("all-linear"), "all-linear"),
        (
            |config| config["r"] = json!(2),
            "model.layers.0.self_attn.q_proj.lora_A.weight is [4, 32], expected [2, 32]",
        ),
    ];
    for (change, named) in cases {
        let copy = copy_of("adapter");
        edit_json(&copy.path().join("adapter_config.json"), change);
        let mut model = open("tied");
        let error = model.fold_adapter_from(copy.path()).unwrap_err().to_string();
        assert!(error.contains(named) && error.contains(copy.path().to_str().unwrap()), "{named}: {error}");
        assert_same_parameters(&model, &open("tied"));
    }
}

#[test]
fn broken_adapter_files_are_named() {
    type Break = fn(&Path);
    let cases: [(Break, &str); 4] = [
        (
            |directory| std::fs::remove_file(directory.join("adapter_config.json")).unwrap(),
            "adapter_config.json",
        ),
        (
            |directory| std::fs::remove_file(directory.join("adapter_model.safetensors")).unwrap(),
            "adapter_model.safetensors",
        ),
        (
            |directory| std::fs::write(directory.join("adapter_model.safetensors"), "{}").unwrap(),
            "adapter_model.safetensors",
        ),
        (
            |directory| {
                edit_json(&directory.join("adapter_config.json"), |config| {
                    config["target_modules"] = json!(["q_proj"])
                })
            },
            "left over: base_model.model.model.layers.0.self_attn.v_proj.lora_A.weight",
        ),
    ];
    for (break_it, named) in cases {
        let copy = copy_of("adapter");
        break_it(copy.path());
        let error = open("tied").fold_adapter_from(copy.path()).unwrap_err().to_string();
        assert!(error.contains(named), "{named}: {error}");
    }
}
