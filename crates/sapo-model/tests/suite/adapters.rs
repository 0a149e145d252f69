//! Adapter files: written as PEFT reads them, and refused where they would compute something else.

use std::collections::HashMap;
use std::path::Path;

use sapo_model::{Lora, LoraConfig, TargetModules, save_safetensors};
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
    let config = LoraConfig { lora_dropout: 0.05, ..LoraConfig::new(3, 5.0, &targets) };
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
    let config = LoraConfig::new(4, 8.0, &["query"]);
    let error = open("tied").attach_lora(&config, 0).unwrap_err().to_string();
    assert!(error.contains("query"), "{error}");
}

#[test]
fn an_adapter_that_would_compute_something_else_is_refused() {
    type Change = fn(&mut serde_json::Value);
    let cases: [(Change, &str); 10] = [
        (|config| config["use_dora"] = json!(true), "use_dora"),
        (|config| config["peft_type"] = json!("IA3"), "ia3"),
        (|config| config["bias"] = json!("all"), "bias"),
        (|config| config["modules_to_save"] = json!(["lm_head"]), "modules_to_save"),
        (|config| config["init_lora_weights"] = json!("pissa_niter_16"), "pissa"),
        (|config| config["lora_dropout"] = json!(1.5), "lora_dropout"),
        (|config| config["target_modules"] = json!(".*("), "module pattern"),
        (
            |config| config["rank_pattern"] = json!({"q_proj": 8}),
            "model.layers.0.self_attn.q_proj.lora_A.weight is [4, 32], expected [8, 32]",
        ),
        (|config| config["target_modules"] = json!("all-linear"), "missing: model.layers.0.self_attn.k_proj"),
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

/// Logits of `tied` with the adapters in these folders added.
fn folded(directories: &[&Path]) -> Tensor {
    let mut model = open("tied");
    for directory in directories {
        model.fold_adapter_from(directory).unwrap();
    }
    logits(&model, &[7, 8, 200, 14, 3])
}

/// An adapter of drawn A and B in PEFT's files.
fn drawn_adapter(config: &LoraConfig, seed: u64) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut model = open("tied");
    model.attach_lora(config, seed).unwrap();
    let mut adapter = model.fold_lora(config);
    for (_, b) in adapter.modules.values_mut() {
        let values = Tensor::linspace(-0.2, 0.3, b.numel() as i64, (tch::Kind::Float, tch::Device::Cpu));
        *b = values.reshape(b.size());
    }
    adapter.save(directory.path(), "tied").unwrap();
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
    stack.save(one.path(), "tied").unwrap();
    assert!(relative_error(&folded(&paths[..1]), &folded(&paths)) > 1e-3, "every adapter matters");
    assert_close("one adapter", &folded(&[one.path()]), &folded(&paths), 1e-5);
}

#[test]
fn adapters_for_other_widths_do_not_stack() {
    let tied = drawn_adapter(&LoraConfig::new(2, 4.0, &["q_proj"]), 1);
    let mut other = Lora::open(tied.path()).unwrap();
    for (a, _) in other.modules.values_mut() {
        *a = a.narrow(1, 0, 8).copy();
    }
    let error = Lora::stack(&[Lora::open(tied.path()).unwrap(), other]).unwrap_err().to_string();
    assert!(error.contains("q_proj") && error.contains("(32, 8)"), "{error}");
}

#[test]
fn targets_are_names_endings_or_an_expression_for_the_whole_name() {
    let count = |target_modules: TargetModules| {
        let mut model = open("tied");
        let config = LoraConfig { target_modules, ..lora() };
        model.attach_lora(&config, 1).map(|()| model.lora_parameters().len() / 2)
    };
    let names = |names: &[&str]| TargetModules::Names(names.iter().map(|name| (*name).to_string()).collect());
    let pattern = |text: &str| TargetModules::Pattern(text.to_string());
    assert_eq!(count(names(&["model.layers.1.self_attn.q_proj"])).unwrap(), 1);
    assert_eq!(count(names(&["self_attn.q_proj", "up_proj"])).unwrap(), 4);
    assert!(count(names(&["proj"])).is_err());
    assert_eq!(count(pattern(r".*\.(q|k)_proj")).unwrap(), 4);
    assert!(count(pattern("q_proj")).is_err(), "an expression is for the whole name");
    assert_eq!(count(pattern("all-linear")).unwrap(), 14);
    assert!(count(pattern("(")).is_err());
}
