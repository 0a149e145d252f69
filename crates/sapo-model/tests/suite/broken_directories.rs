//! Every broken model directory gets an error that names the file and what is wrong.

use std::path::Path;

use sapo_model::{Device, Kind, LanguageModel};
use serde_json::{Value, json};
use tch::Tensor;

use crate::fixtures::*;

fn config(directory: &Path, change: impl FnOnce(&mut Value)) {
    edit_json(&directory.join("config.json"), change);
}

/// What is broken, of which checkpoint, how, and what the message must contain beside the folder.
type Case = (&'static str, &'static str, fn(&Path), &'static [&'static str]);

const BROKEN: &[Case] = &[
    ("no folder", "llama-untied", |d| std::fs::remove_dir_all(d).unwrap(), &["config.json"]),
    (
        "no configuration",
        "llama-untied",
        |d| std::fs::remove_file(d.join("config.json")).unwrap(),
        &["config.json"],
    ),
    (
        "half a configuration",
        "llama-untied",
        |d| std::fs::write(d.join("config.json"), "{\"archi").unwrap(),
        &["config.json"],
    ),
    (
        "unknown architecture",
        "llama-untied",
        |d| config(d, |c| c["architectures"] = json!(["MambaForCausalLM"])),
        &["config.json", "MambaForCausalLM", "known are LlamaForCausalLM"],
    ),
    (
        "no architecture",
        "llama-untied",
        |d| config(d, |c| c["architectures"] = json!(null)),
        &["config.json", "none named", "known are LlamaForCausalLM"],
    ),
    (
        "no width",
        "llama-untied",
        |d| {
            config(d, |c| {
                c.as_object_mut().unwrap().remove("hidden_size");
            });
        },
        &["config.json", "hidden_size"],
    ),
    (
        "zero heads",
        "llama-untied",
        |d| config(d, |c| c["num_attention_heads"] = json!(0)),
        &["config.json", "num_attention_heads", "got 0"],
    ),
    (
        "odd heads",
        "llama-untied",
        |d| config(d, |c| c["head_dim"] = json!(7)),
        &["config.json", "head_dim", "got 7"],
    ),
    (
        "heads that do not divide",
        "llama-untied",
        |d| config(d, |c| c["num_key_value_heads"] = json!(3)),
        &["config.json", "num_attention_heads (4)", "num_key_value_heads (3)"],
    ),
    (
        "unknown activation",
        "llama-untied",
        |d| config(d, |c| c["hidden_act"] = json!("gelou")),
        &["config.json", "activation", "gelou", "gelu_new", "silu"],
    ),
    (
        "scaled positions without their constants",
        "llama-untied",
        |d| config(d, |c| c["rope_scaling"] = json!({"rope_type": "llama3", "factor": 8.0})),
        &["config.json", "llama3", "low_freq_factor"],
    ),
    (
        "unknown scaling of positions",
        "llama-untied",
        |d| config(d, |c| c["rope_scaling"] = json!({"rope_type": "longrope", "factor": 8.0})),
        &["config.json", "longrope", "llama3", "yarn"],
    ),
    (
        "scaled positions, newer style",
        "llama-untied",
        |d| config(d, |c| c["rope_parameters"] = json!({"rope_type": "yarn", "rope_theta": 1e4})),
        &["config.json", "yarn"],
    ),
    (
        "no weights",
        "llama-untied",
        |d| std::fs::remove_file(d.join("model.safetensors")).unwrap(),
        &["model.safetensors"],
    ),
    (
        "truncated weights",
        "llama-untied",
        |d| {
            let bytes = std::fs::read(d.join("model.safetensors")).unwrap();
            std::fs::write(d.join("model.safetensors"), &bytes[..bytes.len() / 2]).unwrap();
        },
        &["model.safetensors", "not a whole safetensors file"],
    ),
    (
        "empty weights",
        "llama-untied",
        |d| std::fs::write(d.join("model.safetensors"), "").unwrap(),
        &["model.safetensors"],
    ),
    (
        "weights that do not fit",
        "llama-untied",
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
        "llama-untied",
        |d| config(d, |c| c["hidden_size"] = json!(24)),
        &["model.embed_tokens.weight is [290, 16], expected [290, 24]", "lm_head.weight"],
    ),
    (
        "a dtype that is no float",
        "llama-untied",
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
        "qwen2",
        |d| {
            std::fs::remove_file(d.join("model-00002-of-00002.safetensors")).unwrap();
        },
        &["model-00002-of-00002.safetensors"],
    ),
    (
        "a broken index",
        "qwen2",
        |d| {
            std::fs::write(d.join("model.safetensors.index.json"), "{}").unwrap();
        },
        &["model.safetensors.index.json", "weight_map"],
    ),
    (
        "no tokenizer",
        "llama-untied",
        |d| std::fs::remove_file(d.join("tokenizer.json")).unwrap(),
        &["tokenizer.json"],
    ),
    (
        "a broken tokenizer",
        "llama-untied",
        |d| std::fs::write(d.join("tokenizer.json"), "{}").unwrap(),
        &["tokenizer.json"],
    ),
    (
        "a broken tokenizer configuration",
        "llama-untied",
        |d| std::fs::write(d.join("tokenizer_config.json"), "{").unwrap(),
        &["tokenizer_config.json"],
    ),
    (
        "a broken chat template",
        "llama-untied",
        |d| std::fs::write(d.join("chat_template.jinja"), "{% for %}").unwrap(),
        &["chat template"],
    ),
    (
        "a chat template that cannot be read",
        "llama-untied",
        |d| std::fs::create_dir(d.join("chat_template.jinja")).unwrap(),
        &["chat_template.jinja"],
    ),
    (
        "a tokenizer of another model",
        "llama-untied",
        |d| config(d, |c| c["vocab_size"] = json!(100)),
        &["288", "vocab_size 100"],
    ),
];

#[test]
fn a_broken_directory_gets_an_error_that_names_what_is_wrong() {
    for (what, checkpoint, break_it, named) in BROKEN {
        let copy = copy_of_folder(&committed_fixture(checkpoint));
        break_it(copy.path());
        let error = match LanguageModel::open(copy.path(), Kind::Float, Device::Cpu) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("{what}: opened all the same"),
        };
        assert!(error.contains(copy.path().to_str().unwrap()), "{what}: {error}");
        for part in *named {
            assert!(error.contains(part), "{what}: no {part:?} in: {error}");
        }
    }
}
