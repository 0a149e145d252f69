//! Weights stored in one dtype and computed in another, against transformers.

use sapo_model::{Device, Kind, LanguageModel, ModelConfig};
use serde_json::{Value, json};
use tch::Tensor;

use crate::fixtures::*;

/// Name in the fixture and in `config.json`, and how near the losses of computing in it come to those that transformers
/// computes in f32, relative to the largest: eight, eleven and twenty-four bits of precision.
const DTYPES: [(&str, &str, Kind, f64); 3] = [
    ("f32", "float32", Kind::Float, 1e-5),
    ("bf16", "bfloat16", Kind::BFloat16, 3e-2),
    ("f16", "float16", Kind::Half, 2e-3),
];

#[test]
fn losses_are_those_of_transformers_in_every_pair_of_dtypes() {
    let expected = expected("llama-tied");
    let examples = examples(&expected["examples"]);
    let losses = |directory: &std::path::Path, kind| -> Vec<f64> {
        let model = LanguageModel::open(directory, kind, Device::Cpu).unwrap();
        let losses = model.example_losses(&examples, 4096, |_| ()).unwrap();
        losses.iter().map(|loss| loss.nll_sum).collect()
    };
    for (disk, _, disk_kind, _) in DTYPES {
        let copy = copy_of("llama-tied");
        open("llama-tied").save_weights(copy.path(), disk_kind).unwrap();
        let whole = losses(copy.path(), Kind::Float);
        for (memory, _, kind, tolerance) in DTYPES {
            let got = losses(copy.path(), kind);
            let what = format!("losses of weights in {disk} computed in {memory}");
            let want = Tensor::from_slice(&numbers(&expected["nll_sum_of_dtypes"][disk]));
            assert_close(&what, &Tensor::from_slice(&got), &want, tolerance);
            assert_eq!(got == whole, kind == Kind::Float, "{what}: the dtype must matter");
        }
    }
}

#[test]
fn the_configuration_says_the_dtype_on_disk() {
    let copy = copy_of("llama-tied");
    let read = |entries: Value| {
        edit_json(&copy.path().join("config.json"), |config| {
            let config = config.as_object_mut().unwrap();
            config.retain(|name, _| !name.ends_with("dtype"));
            config.extend(entries.as_object().unwrap().clone());
        });
        ModelConfig::read(copy.path()).unwrap().dtype
    };
    for (_, name, kind, _) in DTYPES {
        assert_eq!(read(json!({"torch_dtype": name})), Some(kind));
        assert_eq!(read(json!({"dtype": name})), Some(kind));
    }
    assert_eq!(read(json!({"torch_dtype": "float32", "dtype": "bfloat16"})), Some(Kind::BFloat16));
    assert_eq!(read(json!({})), None);
    assert_eq!(read(json!({"dtype": "int8"})), None);
}
