//! Adapter files: written as PEFT reads them, and refused where they would compute something else.

use std::path::Path;

use sapo_model::{LanguageModel, Lora, LoraConfig, ModelError, save_safetensors};
use serde_json::{Value, json};
use tch::Tensor;

use crate::fixtures::*;

#[test]
fn a_saved_adapter_has_pefts_names_and_folds_back_bit_for_bit() {
    on_every_checkpoint(|checkpoint| {
        let directory = tempfile::tempdir().unwrap();
        let mut model = checkpoint.open_with_adapter();
        model.fold_lora(&checkpoint.lora()).save(directory.path(), checkpoint.name).unwrap();

        let saved = read_tensors(&directory.path().join("adapter_model.safetensors"));
        let pefts = read_tensors(&checkpoint.adapter().join("adapter_model.safetensors"));
        assert_eq!(saved.len(), pefts.len());
        for (name, tensor) in &pefts {
            assert!(same_bits(&saved[name], tensor), "{name}");
        }
        let mut again = checkpoint.open();
        again.fold_adapter_from(directory.path()).unwrap();
        assert_same_parameters(&model, &again);
    });
}

/// Leaves adapters and their logits in the target folder for `fixtures/check_adapters_in_peft.py`.
#[test]
fn adapters_on_every_projection_are_kept_for_the_check_in_peft() {
    on_every_checkpoint(|checkpoint| {
        let directory = adapters_for_peft().join(format!("{}-all-linear", checkpoint.name));
        let mut config = lora_on(json!(every_projection(checkpoint)));
        config.lora_dropout = 0.05;
        let mut model = checkpoint.open();
        model.attach_lora(&config, 7).unwrap();
        {
            let _guard = tch::no_grad_guard();
            for mut b in model.lora_parameters().into_iter().skip(1).step_by(2) {
                let values =
                    Tensor::linspace(-0.3, 0.3, b.numel() as i64, (tch::Kind::Float, tch::Device::Cpu));
                b.copy_(&values.reshape(b.size()));
            }
        }
        let row = checkpoint.row("short");
        let attached = logits(&model, &row);
        assert!(
            relative_error(&logits(&checkpoint.open(), &row), &attached) > 0.01,
            "the adapter must matter"
        );
        model.fold_lora(&config).save(&directory, checkpoint.name).unwrap();
        save_safetensors(&directory.join("logits.safetensors"), &[("logits".to_string(), &attached)])
            .unwrap();

        let mut again = checkpoint.open();
        again.fold_adapter_from(&directory).unwrap();
        assert_close("read again", &logits(&again, &row), &attached, 1e-5);
    });
}

/// Names of all modules that PEFT calls linear, the head apart.
fn every_projection(checkpoint: &Checkpoint) -> Vec<&str> {
    let targets = checkpoint.numbers["targets"].as_array().unwrap();
    let all = targets.iter().find(|entry| entry["target_modules"] == "all-linear").unwrap();
    texts(&all["modules"])
}

#[test]
fn targets_name_the_modules_that_peft_finds() {
    on_every_checkpoint(|checkpoint| {
        for entry in checkpoint.numbers["targets"].as_array().unwrap() {
            let config = lora_on(entry["target_modules"].clone());
            let mut model = checkpoint.open();
            let (want, attached) = (texts(&entry["modules"]), model.attach_lora(&config, 0));
            if want.is_empty() {
                let error = attached.unwrap_err().to_string();
                assert!(
                    error.contains("no module"),
                    "{} {}: {error}",
                    checkpoint.name,
                    entry["target_modules"]
                );
                continue;
            }
            attached.unwrap();
            let modules = model.fold_lora(&config).modules;
            let got: Vec<&str> = modules.keys().map(String::as_str).collect();
            assert_eq!(got, want, "{} {}", checkpoint.name, entry["target_modules"]);
        }
    });
}

#[test]
fn the_same_seed_makes_the_same_adapter() {
    on_every_checkpoint(|checkpoint| {
        let fresh = |seed| {
            let mut model = checkpoint.open();
            model.attach_lora(&checkpoint.lora(), seed).unwrap();
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
    });
}

#[test]
fn targets_that_name_no_module_are_an_error() {
    on_every_checkpoint(|checkpoint| {
        for targets in [json!(["query"]), json!("(")] {
            let error = checkpoint.open().attach_lora(&lora_on(targets.clone()), 0).unwrap_err().to_string();
            assert!(error.contains(targets[0].as_str().unwrap_or("(")), "{error}");
        }
    });
}

/// PEFT would put an adapter on them.
#[test]
fn targets_that_name_the_head_or_an_embedding_are_an_error() {
    on_every_checkpoint(|checkpoint| {
        let names = parameters(&checkpoint.open()).into_iter().map(|(name, _)| name);
        let outside: Vec<String> = names
            .filter(|name| ["embed", "wte", "wpe", "lm_head"].iter().any(|part| name.contains(part)))
            .map(|name| name.trim_end_matches(".weight").to_string())
            .collect();
        assert!(!outside.is_empty());
        for name in outside {
            let mut targets = every_projection(checkpoint);
            targets.push(&name);
            let error = checkpoint.open().attach_lora(&lora_on(json!(targets)), 0).unwrap_err().to_string();
            assert!(error.contains(&format!("LoRA on {name} is not supported")), "{error}");
        }
    });
}

/// What PEFT's configuration can say that changes the function and that this crate does not compute, each with the word
/// that the refusal must contain.
type Change = fn(&mut Value);

const REFUSED: &[(Change, &str)] = &[
    (|config| config["use_dora"] = json!(true), "use_dora"),
    (|config| config["bias"] = json!("all"), "bias"),
    (|config| config["lora_bias"] = json!(true), "lora_bias"),
    (|config| config["modules_to_save"] = json!(["lm_head"]), "modules_to_save"),
    (|config| config["init_lora_weights"] = json!("pissa_niter_16"), "init_lora_weights"),
    (|config| config["init_lora_weights"] = json!("lora_ga"), "init_lora_weights"),
    (|config| config["alora_invocation_tokens"] = json!([3]), "alora_invocation_tokens"),
    (|config| config["use_qalora"] = json!(true), "use_qalora"),
    (|config| config["layer_replication"] = json!([[0, 2], [1, 2]]), "layer_replication"),
    (|config| config["target_parameters"] = json!(["mlp.up_proj.weight"]), "target_parameters"),
    (|config| config["trainable_token_indices"] = json!([5]), "trainable_token_indices"),
    (|config| config["kasa_config"] = json!({"beta": 0.1}), "kasa_config"),
    (|config| config["use_bdlora"] = json!({"nblocks": 2}), "use_bdlora"),
    (|config| config["monteclora_config"] = json!({"num_samples": 4}), "monteclora_config"),
    (|config| config["layers_to_transform"] = json!([0]), "layers_to_transform"),
    (|config| config["exclude_modules"] = json!(["v_proj"]), "exclude_modules"),
    (|config| config["peft_type"] = json!("IA3"), "peft_type"),
    (|config| config["lora_dropout"] = json!(1.5), "lora_dropout"),
    (|config| config["target_modules"] = json!(".*("), "module pattern"),
    (|config| config["target_modules"] = json!("all-linear"), "missing: model.layers.0.self_attn.k_proj"),
];

#[test]
fn an_adapter_that_would_compute_something_else_is_refused() {
    for (change, named) in REFUSED {
        let copy = copy_of("adapters/llama-tied");
        edit_json(&copy.path().join("adapter_config.json"), change);
        let mut model = open("llama-tied");
        let error = match model.fold_adapter_from(copy.path()) {
            Err(error) => error.to_string(),
            Ok(()) => panic!("{named}: folded all the same"),
        };
        assert!(error.contains(named) && error.contains(copy.path().to_str().unwrap()), "{named}: {error}");
        assert_same_parameters(&model, &open("llama-tied"));
    }
}

#[test]
fn an_adapter_of_another_shape_is_refused() {
    on_every_checkpoint(|checkpoint| {
        let copy = copy_of(&format!("adapters/{}", checkpoint.name));
        let rank = checkpoint.lora().r;
        edit_json(&copy.path().join("adapter_config.json"), |config| config["r"] = json!(rank + 1));
        let mut model = checkpoint.open();
        let error = model.fold_adapter_from(copy.path()).unwrap_err().to_string();
        let a = checkpoint.tensors.iter().find(|(name, _)| {
            name.starts_with("lora.gradient.")
                && name.ends_with("lora_A.weight")
                && error.contains(&name[14..])
        });
        let (_, a) = a.unwrap_or_else(|| panic!("names no tensor: {error}"));
        let inner = a.size()[1];
        assert!(
            error.contains(&format!("is [{rank}, {inner}], expected [{}, {inner}]", rank + 1)),
            "{error}"
        );
        assert_same_parameters(&model, &checkpoint.open());
    });
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
        let copy = copy_of("adapters/llama-tied");
        break_it(copy.path());
        let error = open("llama-tied").fold_adapter_from(copy.path()).unwrap_err().to_string();
        assert!(error.contains(named), "{named}: {error}");
    }
}

/// A configuration of an older PEFT, which has few entries.
#[test]
fn an_adapter_file_with_few_entries_is_read() {
    let copy = copy_of("adapters/llama-tied");
    edit_json(&copy.path().join("adapter_config.json"), |config| {
        let kept = ["peft_type", "r", "lora_alpha", "target_modules", "fan_in_fan_out"];
        config.as_object_mut().unwrap().retain(|name, _| kept.contains(&name.as_str()));
    });
    let folded = |adapter: &Path| -> LanguageModel {
        let mut model = open("llama-tied");
        model.fold_adapter_from(adapter).unwrap();
        model
    };
    assert_same_parameters(&folded(copy.path()), &folded(&fixture("adapters/llama-tied")));
}

/// As in PEFT, where the order of the alphabet plays no part.
#[test]
fn of_several_patterns_that_fit_the_first_in_the_file_counts() {
    let (narrow, wide) = ("layers.0.self_attn.v_proj", "v_proj");
    let module = "model.layers.0.self_attn.v_proj";
    for (patterns, alpha) in [(json!({wide: 9.0, narrow: 6.0}), 9.0), (json!({narrow: 6.0, wide: 9.0}), 6.0)]
    {
        let copy = copy_of("adapters/llama-tied");
        edit_json(&copy.path().join("adapter_config.json"), |config| config["alpha_pattern"] = patterns);
        let adapter = Lora::open(copy.path()).unwrap();
        let scaling = alpha / adapter.config.r as f64;
        assert_eq!(adapter.config.scaling_of(module), scaling);
        adapter.save(copy.path(), "llama-tied").unwrap();
        assert_eq!(lora_at(copy.path()).scaling_of(module), scaling, "saved and read again");
    }
    let ranks = json!({"r": 3, "target_modules": ["v_proj"], "rank_pattern": {wide: 5, narrow: 2}});
    assert_eq!(serde_json::from_value::<LoraConfig>(ranks).unwrap().rank_of(module), 5);
}

#[test]
fn a_configuration_says_the_same_after_it_was_saved() {
    on_every_checkpoint(|checkpoint| {
        let directory = tempfile::tempdir().unwrap();
        let config: LoraConfig = checkpoint.lora();
        let mut model = checkpoint.open();
        model.attach_lora(&config, 0).unwrap();
        model.fold_lora(&config).save(directory.path(), checkpoint.name).unwrap();
        assert_eq!(lora_at(directory.path()), config);
    });
}

/// What a trial computes and its gradients are those of the attached adapter, and then nothing of it is left, also where
/// the work fails.
#[test]
fn an_adapter_on_trial_is_the_attached_one_and_leaves_the_model_alone() {
    on_every_checkpoint(|checkpoint| {
        let config = lora_on(json!(every_projection(checkpoint)));
        let row = checkpoint.row("short");
        let model = checkpoint.open();
        let before = logits(&model, &row);
        let move_b = |b: &Tensor| tch::no_grad(|| drop(b.shallow_clone().fill_(0.05)));
        let with = |seed: u64| {
            let read = |lora: &[(String, (Tensor, Tensor))]| {
                lora.iter().for_each(|(_, (_, b))| move_b(b));
                Ok(logits(&model, &row))
            };
            model.with_trial_lora(&config, seed, read).unwrap()
        };
        let mut attached = checkpoint.open();
        attached.attach_lora(&config, 7).unwrap();
        attached.named_lora().iter().for_each(|(_, (_, b))| move_b(b));
        assert!(same_bits(&with(7), &logits(&attached, &row)));
        assert!(!same_bits(&with(7), &with(8)), "the adapter matters");

        let fails = model.with_trial_lora::<()>(&config, 7, |_| Err(ModelError::EmptyPrompt { index: 3 }));
        assert!(matches!(fails, Err(ModelError::EmptyPrompt { index: 3 })));
        assert!(model.named_lora().is_empty());
        assert!(same_bits(&before, &logits(&model, &row)));
        assert!(attached.with_trial_lora(&config, 7, |_| Ok(())).is_err(), "one adapter at a time");
        assert_eq!(attached.named_lora().len(), attached.lora_parameters().len() / 2);
    });
}
