//! Saving and opening model directories, as this crate and as other programs write them.

use std::path::Path;

use safetensors::SafeTensors;
use sapo_model::{Device, Kind, LanguageModel, LlamaConfig, ModelError, directory_sha256};
use tch::Tensor;

use crate::fixtures::*;

fn open_at(directory: &Path) -> Result<LanguageModel, ModelError> {
    LanguageModel::open(directory, Kind::Float, Device::Cpu)
}

#[test]
fn saved_weights_come_back_bit_for_bit() {
    on_every_checkpoint(|checkpoint| {
        let (model, copy) = (checkpoint.open(), copy_of(checkpoint.name));
        model.save_weights(copy.path(), Kind::Float).unwrap();
        assert_same_parameters(&open_at(copy.path()).unwrap(), &model);
        let bytes = std::fs::read(copy.path().join("model.safetensors")).unwrap();
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        assert_eq!(
            header.metadata().as_ref().unwrap()["format"],
            "pt",
            "transformers refuses a file without it"
        );
    });
}

/// Names, not only values: a saved model has the tensors of the one it came from and no others.
#[test]
fn saved_weights_have_the_names_of_the_checkpoint() {
    on_every_checkpoint(|checkpoint| {
        let copy = tempfile::tempdir().unwrap();
        checkpoint.open().save_weights(copy.path(), Kind::Float).unwrap();
        let mut want: Vec<String> =
            checkpoint.numbers["gradient_norms"].as_object().unwrap().keys().cloned().collect();
        want.sort();
        let mut got: Vec<String> = read_tensors(&copy.path().join("model.safetensors")).into_keys().collect();
        got.sort();
        assert_eq!(got, want);
    });
}

#[test]
fn half_precision_comes_back_bit_for_bit() {
    on_every_checkpoint(|checkpoint| {
        for kind in [Kind::BFloat16, Kind::Half] {
            let copy = copy_of(checkpoint.name);
            checkpoint.open().save_weights(copy.path(), kind).unwrap();
            let model = LanguageModel::open(copy.path(), kind, Device::Cpu).unwrap();
            for ((name, saved), (_, whole)) in parameters(&model).iter().zip(parameters(&checkpoint.open())) {
                assert!(same_bits(saved, &whole.to_kind(kind)), "{name}");
            }
        }
    });
}

#[test]
fn a_written_configuration_says_the_same() {
    let read = |directory: &Path| -> LlamaConfig {
        serde_json::from_str(&std::fs::read_to_string(directory.join("config.json")).unwrap()).unwrap()
    };
    for name in ["llama-tied", "llama-untied"] {
        let (config, copy) = (read(&fixture(name)), copy_of(name));
        LanguageModel::write_config(&config, copy.path()).unwrap();
        assert_eq!(read(copy.path()), config);
        assert_same_parameters(&open_at(copy.path()).unwrap(), &open(name));
    }
}

#[test]
fn fresh_weights_follow_from_the_seed_alone() {
    let fresh =
        |seed| LanguageModel::fresh(&fixture("llama-untied"), seed, Kind::Float, Device::Cpu).unwrap();
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

/// What a norm multiplies by at first, which Gemma counts from 1.
#[test]
fn fresh_norms_change_no_sizes() {
    for (name, fresh_weight) in [("gemma2", 0.0), ("qwen3", 1.0)] {
        let fresh = LanguageModel::fresh(&fixture(name), 1, Kind::Float, Device::Cpu).unwrap();
        let weights = parameters(&fresh).into_iter();
        let norms: Vec<_> = weights.filter(|(parameter, _)| parameter.ends_with("norm.weight")).collect();
        assert!(norms.len() > 4);
        for (parameter, weight) in norms {
            let furthest = (weight - fresh_weight).abs().max().double_value(&[]);
            assert_eq!(furthest, 0.0, "{name}: {parameter}");
        }
    }
}

/// All threads share the setting of what computes products, which opening a model makes.
#[test]
fn models_opened_at_once_compute_the_same() {
    let row = [5, 6, 7, 8];
    let alone = logits(&open("llama-tied"), &row);
    std::thread::scope(|scope| {
        let at_once: Vec<_> = (0..4).map(|_| scope.spawn(|| logits(&open("llama-tied"), &row))).collect();
        for thread in at_once {
            assert!(same_bits(&thread.join().unwrap(), &alone));
        }
    });
}

#[test]
fn the_checksum_is_over_names_and_contents() {
    on_every_checkpoint(|checkpoint| {
        let want = checkpoint.numbers["directory_sha256"].as_str().unwrap();
        let copy = copy_of(checkpoint.name);
        std::fs::write(copy.path().join("README.md"), "of no effect").unwrap();
        assert_eq!(directory_sha256(copy.path()).unwrap(), want);
        for decisive in ["chat_template.jinja", "generation_config.json"] {
            std::fs::write(copy.path().join(decisive), "").unwrap();
            assert_ne!(directory_sha256(copy.path()).unwrap(), want);
            std::fs::remove_file(copy.path().join(decisive)).unwrap();
        }
    });
}

/// Tensors that published checkpoints carry beside those that a decoder reads: copies of a tied head, buffers of
/// attention masks and rotary frequencies, of dtypes that no weight has.
#[test]
fn weights_that_nothing_reads_may_be_there() {
    let float = tch::kind::FLOAT_CPU;
    let mask = || Tensor::ones([1, 1, 96, 96], (Kind::Bool, Device::Cpu)).tril(0);
    let additions: [(&str, Vec<(&str, Tensor)>); 3] = [
        (
            "llama-tied",
            vec![
                ("lm_head.weight", open("llama-tied").decoder().named_parameters()[0].1.copy()),
                ("model.layers.0.self_attn.rotary_emb.inv_freq", Tensor::ones([4], float)),
            ],
        ),
        (
            "gpt2",
            vec![
                ("lm_head.weight", open("gpt2").decoder().named_parameters()[0].1.copy()),
                ("transformer.h.0.attn.bias", mask()),
                ("transformer.h.1.attn.bias", mask().to_kind(Kind::Float)),
                ("transformer.h.1.attn.masked_bias", Tensor::from(-1e4_f32)),
            ],
        ),
        (
            "neox",
            vec![
                ("gpt_neox.layers.0.attention.bias", mask()),
                ("gpt_neox.layers.1.attention.bias", mask().to_kind(Kind::Uint8)),
                ("gpt_neox.layers.0.attention.masked_bias", Tensor::from(-1e9_f32)),
                ("gpt_neox.layers.0.attention.rotary_emb.inv_freq", Tensor::ones([2], float)),
            ],
        ),
    ];
    for (name, added) in additions {
        let copy = copy_of(name);
        edit_weights(copy.path(), |named| {
            named.extend(added.into_iter().map(|(name, tensor)| (name.to_string(), tensor)));
        });
        assert_same_parameters(&open_at(copy.path()).unwrap(), &open(name));
    }
}

/// The published GPT-2 was saved without the prefix that its successors have, and transformers 5 saves a new GPT-NeoX with
/// another name of the head.
#[test]
fn other_names_that_published_checkpoints_use_are_read() {
    let renamings: [(&str, &str, &str); 2] =
        [("gpt2", "transformer.", ""), ("neox", "embed_out.", "lm_head.")];
    for (checkpoint, from, to) in renamings {
        let copy = copy_of(checkpoint);
        let mut renamed = 0;
        edit_weights(copy.path(), |named| {
            for (name, _) in named {
                if let Some(rest) = name.strip_prefix(from) {
                    *name = format!("{to}{rest}");
                    renamed += 1;
                }
            }
        });
        assert!(renamed > 0);
        let (read, want) = (parameters(&open_at(copy.path()).unwrap()), parameters(&open(checkpoint)));
        assert_eq!(read.len(), want.len());
        for ((name, read), (_, want)) in read.iter().zip(&want) {
            assert!(same_bits(read, want), "{name} differs");
        }
    }
}

/// Half precision and shards on disk are the business of the loader alone: the same weights written whole in f32 are the
/// same model.
#[test]
fn the_dtype_on_disk_and_shards_change_no_weight() {
    for (name, dtype) in [("qwen2", safetensors::Dtype::F16), ("qwen3", safetensors::Dtype::BF16)] {
        let copy = copy_of(name);
        let single = copy.path().join("model.safetensors");
        let mut named = Vec::new();
        for entry in std::fs::read_dir(copy.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "safetensors") {
                let bytes = std::fs::read(&path).unwrap();
                let file = SafeTensors::deserialize(&bytes).unwrap();
                assert!(file.tensors().iter().all(|(_, tensor)| tensor.dtype() == dtype), "{path:?}");
                named.extend(Tensor::read_safetensors(&path).unwrap());
                std::fs::remove_file(path).unwrap();
            }
        }
        let is_sharded = copy.path().join("model.safetensors.index.json").exists();
        assert_eq!(is_sharded, name == "qwen2");
        let whole: Vec<(String, Tensor)> =
            named.into_iter().map(|(name, tensor)| (name, tensor.to_kind(Kind::Float))).collect();
        Tensor::write_safetensors(&whole, &single).unwrap();
        assert_same_parameters(&open_at(copy.path()).unwrap(), &open(name));
    }
}

#[test]
fn a_file_that_cannot_be_written_is_named_and_leaves_nothing() {
    let copy = copy_of("llama-tied");
    std::fs::remove_file(copy.path().join("model.safetensors")).unwrap();
    std::fs::create_dir(copy.path().join("model.safetensors")).unwrap();
    let error = open("llama-tied").save_weights(copy.path(), Kind::Float).unwrap_err().to_string();
    assert!(error.contains("cannot write") && error.contains("model.safetensors"), "{error}");
    let left: Vec<_> =
        std::fs::read_dir(copy.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 4, "{left:?}");
}
