//! Saving and opening model directories; every broken one gets an error that names the file and what is wrong.

use std::path::Path;

use safetensors::SafeTensors;
use sapo_model::{Device, Kind, LanguageModel, LlamaConfig, ModelError, directory_sha256, save_safetensors};
use serde_json::json;
use tch::Tensor;

use crate::fixtures::*;

fn open_at(directory: &Path) -> Result<LanguageModel, ModelError> {
    LanguageModel::open(directory, Kind::Float, Device::Cpu)
}

#[test]
fn saved_weights_come_back_bit_for_bit() {
    for name in ["tied", "untied"] {
        let (model, copy) = (open(name), copy_of(name));
        model.save_weights(copy.path(), Kind::Float).unwrap();
        assert_same_parameters(&open_at(copy.path()).unwrap(), &model);
        let bytes = std::fs::read(copy.path().join("model.safetensors")).unwrap();
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        assert_eq!(
            header.metadata().as_ref().unwrap()["format"],
            "pt",
            "transformers refuses a file without it"
        );
    }
}

#[test]
fn half_precision_comes_back_bit_for_bit() {
    for kind in [Kind::BFloat16, Kind::Half] {
        let copy = copy_of("untied");
        open("untied").save_weights(copy.path(), kind).unwrap();
        let model = LanguageModel::open(copy.path(), kind, Device::Cpu).unwrap();
        for ((name, saved), (_, whole)) in parameters(&model).iter().zip(parameters(&open("untied"))) {
            assert!(same_bits(saved, &whole.to_kind(kind)), "{name}");
        }
    }
}

#[test]
fn a_written_configuration_says_the_same() {
    let read = |directory: &Path| -> LlamaConfig {
        serde_json::from_str(&std::fs::read_to_string(directory.join("config.json")).unwrap()).unwrap()
    };
    for name in ["tied", "untied"] {
        let (config, copy) = (read(&fixture(name)), copy_of(name));
        LanguageModel::write_config(&config, copy.path()).unwrap();
        assert_eq!(read(copy.path()), config);
        assert_same_parameters(&open_at(copy.path()).unwrap(), &open(name));
    }
}

#[test]
fn fresh_weights_follow_from_the_seed_alone() {
    let fresh = |seed| LanguageModel::fresh(&fixture("untied"), seed, Kind::Float, Device::Cpu).unwrap();
    let (a, b) = (fresh(1), fresh(2));
    assert_same_parameters(&a, &fresh(1));
    for ((name, a), (_, b)) in parameters(&a).iter().zip(parameters(&b)) {
        match a.dim() {
            1 if name.ends_with("bias") => assert_eq!(a.abs().max().double_value(&[]), 0.0, "{name}"),
            1 => assert_eq!((a - 1.0).abs().max().double_value(&[]), 0.0, "{name}"),
            _ => {
                assert!(!same_bits(a, &b), "{name}");
                let std = a.std(false).double_value(&[]);
                assert!((std / 0.02 - 1.0).abs() < 0.2, "{name} has standard deviation {std}");
            }
        }
    }
}

#[test]
fn the_checksum_is_over_names_and_contents() {
    let expected = expected();
    for name in ["tied", "untied"] {
        let want = expected[name]["directory_sha256"].as_str().unwrap();
        let copy = copy_of(name);
        std::fs::write(copy.path().join("README.md"), "of no effect").unwrap();
        assert_eq!(directory_sha256(copy.path()).unwrap(), want);
        for decisive in ["chat_template.jinja", "generation_config.json"] {
            std::fs::write(copy.path().join(decisive), "").unwrap();
            assert_ne!(directory_sha256(copy.path()).unwrap(), want);
            std::fs::remove_file(copy.path().join(decisive)).unwrap();
        }
    }
}

/// Rewrites `model.safetensors` with changed tensors.
fn edit_weights(directory: &Path, change: impl FnOnce(&mut Vec<(String, Tensor)>)) {
    let path = directory.join("model.safetensors");
    let mut named = Tensor::read_safetensors(&path).unwrap();
    change(&mut named);
    write(&path, &named);
}

fn write(path: &Path, named: &[(String, Tensor)]) {
    let borrowed: Vec<(String, &Tensor)> =
        named.iter().map(|(name, tensor)| (name.clone(), tensor)).collect();
    save_safetensors(path, &borrowed).unwrap();
}

/// Splits `model.safetensors` into two shards with an index.
pub(crate) fn shard(directory: &Path) {
    let single = directory.join("model.safetensors");
    let mut first = Tensor::read_safetensors(&single).unwrap();
    let second = first.split_off(7);
    let mut weight_map = serde_json::Map::new();
    for (file, named) in [("model-1-of-2.safetensors", &first), ("model-2-of-2.safetensors", &second)] {
        write(&directory.join(file), named);
        weight_map.extend(named.iter().map(|(name, _)| (name.clone(), json!(file))));
    }
    let index = json!({ "weight_map": weight_map });
    std::fs::write(directory.join("model.safetensors.index.json"), index.to_string()).unwrap();
    std::fs::remove_file(single).unwrap();
}

#[test]
fn shards_are_one_model() {
    let copy = copy_of("untied");
    shard(copy.path());
    assert_same_parameters(&open_at(copy.path()).unwrap(), &open("untied"));
}

#[test]
fn weights_that_nothing_reads_may_be_there() {
    let copy = copy_of("tied");
    edit_weights(copy.path(), |named| {
        named.push(("lm_head.weight".to_string(), Tensor::ones([290, 32], tch::kind::FLOAT_CPU)));
        named.push((
            "model.layers.0.self_attn.rotary_emb.inv_freq".to_string(),
            Tensor::ones([4], tch::kind::FLOAT_CPU),
        ));
    });
    assert_same_parameters(&open_at(copy.path()).unwrap(), &open("tied"));
}

fn config(directory: &Path, change: impl FnOnce(&mut serde_json::Value)) {
    edit_json(&directory.join("config.json"), change);
}

type Break = fn(&Path);

/// Each way of breaking `untied`, with what the message must contain beside the folder.
const BROKEN: &[(&str, Break, &[&str])] = &[
    ("no folder", |d| std::fs::remove_dir_all(d).unwrap(), &["config.json"]),
    ("no configuration", |d| std::fs::remove_file(d.join("config.json")).unwrap(), &["config.json"]),
    (
        "half a configuration",
        |d| std::fs::write(d.join("config.json"), "{\"archi").unwrap(),
        &["config.json"],
    ),
    (
        "unknown architecture",
        |d| config(d, |c| c["architectures"] = json!(["MambaForCausalLM"])),
        &["config.json", "MambaForCausalLM", "known are LlamaForCausalLM"],
    ),
    (
        "no architecture",
        |d| config(d, |c| c["architectures"] = json!(null)),
        &["config.json", "none named", "known are LlamaForCausalLM"],
    ),
    (
        "no width",
        |d| {
            config(d, |c| {
                c.as_object_mut().unwrap().remove("hidden_size");
            });
        },
        &["config.json", "hidden_size"],
    ),
    (
        "zero heads",
        |d| config(d, |c| c["num_attention_heads"] = json!(0)),
        &["config.json", "num_attention_heads", "got 0"],
    ),
    ("odd heads", |d| config(d, |c| c["head_dim"] = json!(7)), &["config.json", "head_dim", "got 7"]),
    (
        "heads that do not divide",
        |d| config(d, |c| c["num_key_value_heads"] = json!(3)),
        &["config.json", "num_attention_heads (4)", "num_key_value_heads (3)"],
    ),
    (
        "unknown activation",
        |d| config(d, |c| c["hidden_act"] = json!("gelou")),
        &["config.json", "activation", "gelou", "gelu_new", "silu"],
    ),
    (
        "scaled positions without their constants",
        |d| config(d, |c| c["rope_scaling"] = json!({"rope_type": "llama3", "factor": 8.0})),
        &["config.json", "llama3", "low_freq_factor"],
    ),
    (
        "unknown scaling of positions",
        |d| config(d, |c| c["rope_scaling"] = json!({"rope_type": "longrope", "factor": 8.0})),
        &["config.json", "longrope", "llama3", "yarn"],
    ),
    (
        "scaled positions, newer style",
        |d| config(d, |c| c["rope_parameters"] = json!({"rope_type": "yarn", "rope_theta": 1e4})),
        &["config.json", "yarn"],
    ),
    ("no weights", |d| std::fs::remove_file(d.join("model.safetensors")).unwrap(), &["model.safetensors"]),
    (
        "truncated weights",
        |d| {
            let bytes = std::fs::read(d.join("model.safetensors")).unwrap();
            std::fs::write(d.join("model.safetensors"), &bytes[..bytes.len() / 2]).unwrap();
        },
        &["model.safetensors", "not a whole safetensors file"],
    ),
    ("empty weights", |d| std::fs::write(d.join("model.safetensors"), "").unwrap(), &["model.safetensors"]),
    (
        "weights that do not fit",
        |d| {
            edit_weights(d, |named| {
                named.retain(|(name, _)| !name.starts_with("model.layers.1.mlp.up_proj"));
                named.push((
                    "model.layers.2.extra.weight".to_string(),
                    Tensor::ones([2], tch::kind::FLOAT_CPU),
                ));
                for (name, tensor) in named.iter_mut() {
                    if name == "model.norm.weight" {
                        *tensor = Tensor::ones([17], tch::kind::FLOAT_CPU);
                    }
                }
            });
        },
        &[
            "missing: model.layers.1.mlp.up_proj.weight, model.layers.1.mlp.up_proj.bias",
            "wrong shape or dtype: model.norm.weight is [17], expected [16]",
            "left over: model.layers.2.extra.weight",
        ],
    ),
    (
        "a tied configuration over untied weights of another size",
        |d| config(d, |c| c["hidden_size"] = json!(24)),
        &["model.embed_tokens.weight is [290, 16], expected [290, 24]", "lm_head.weight"],
    ),
    (
        "a dtype that is no float",
        |d| {
            let data = [0_u8; 16];
            let view = safetensors::tensor::TensorView::new(safetensors::Dtype::I8, vec![16], &data).unwrap();
            let bytes = safetensors::serialize([("model.norm.weight", view)], None).unwrap();
            std::fs::write(d.join("model.safetensors"), bytes).unwrap();
        },
        &["model.norm.weight has dtype I8"],
    ),
    (
        "a missing shard",
        |d| {
            shard(d);
            std::fs::remove_file(d.join("model-2-of-2.safetensors")).unwrap();
        },
        &["model-2-of-2.safetensors"],
    ),
    (
        "a broken index",
        |d| {
            shard(d);
            std::fs::write(d.join("model.safetensors.index.json"), "{}").unwrap();
        },
        &["model.safetensors.index.json", "weight_map"],
    ),
    ("no tokenizer", |d| std::fs::remove_file(d.join("tokenizer.json")).unwrap(), &["tokenizer.json"]),
    ("a broken tokenizer", |d| std::fs::write(d.join("tokenizer.json"), "{}").unwrap(), &["tokenizer.json"]),
    (
        "a broken tokenizer configuration",
        |d| std::fs::write(d.join("tokenizer_config.json"), "{").unwrap(),
        &["tokenizer_config.json"],
    ),
    (
        "a broken chat template",
        |d| std::fs::write(d.join("chat_template.jinja"), "{% for %}").unwrap(),
        &["chat template"],
    ),
    (
        "a tokenizer of another model",
        |d| config(d, |c| c["vocab_size"] = json!(100)),
        &["288", "vocab_size 100"],
    ),
];

#[test]
fn a_broken_directory_gets_an_error_that_names_what_is_wrong() {
    for (what, break_it, named) in BROKEN {
        let copy = copy_of("untied");
        break_it(copy.path());
        let error = match open_at(copy.path()) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("{what}: opened all the same"),
        };
        assert!(error.contains(copy.path().to_str().unwrap()), "{what}: {error}");
        for part in *named {
            assert!(error.contains(part), "{what}: no {part:?} in: {error}");
        }
    }
}

#[test]
fn a_file_that_cannot_be_written_is_named_and_leaves_nothing() {
    let copy = copy_of("tied");
    std::fs::remove_file(copy.path().join("model.safetensors")).unwrap();
    std::fs::create_dir(copy.path().join("model.safetensors")).unwrap();
    let error = open("tied").save_weights(copy.path(), Kind::Float).unwrap_err().to_string();
    assert!(error.contains("cannot write") && error.contains("model.safetensors"), "{error}");
    let left: Vec<_> =
        std::fs::read_dir(copy.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 4, "{left:?}");
}
