//! Access to the fixtures, and the comparison of tensors.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use sapo_model::{Device, Encoded, Kind, LanguageModel, LoraConfig};
use serde_json::Value;
use tch::Tensor;

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

pub(crate) fn open(name: &str) -> LanguageModel {
    LanguageModel::open(&fixture(name), Kind::Float, Device::Cpu).unwrap()
}

/// `expected.json`
pub(crate) fn expected() -> Value {
    serde_json::from_str(&std::fs::read_to_string(fixture("expected.json")).unwrap()).unwrap()
}

/// `expected.safetensors`
pub(crate) fn expected_tensors() -> HashMap<String, Tensor> {
    Tensor::read_safetensors(fixture("expected.safetensors")).unwrap().into_iter().collect()
}

pub(crate) fn integers(value: &Value) -> Vec<i64> {
    value.as_array().unwrap().iter().map(|n| n.as_i64().unwrap()).collect()
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).collect()
}

pub(crate) fn lists(value: &Value) -> Vec<Vec<i64>> {
    value.as_array().unwrap().iter().map(integers).collect()
}

pub(crate) fn examples(value: &Value) -> Vec<Encoded> {
    let example = |value: &Value| Encoded {
        ids: integers(&value["ids"]),
        target_start: value["target_start"].as_u64().unwrap() as usize,
    };
    value.as_array().unwrap().iter().map(example).collect()
}

/// The fixture's adapter: rank 4, alpha 8, on q and v.
pub(crate) fn lora() -> LoraConfig {
    LoraConfig::new(4, 8.0, &["q_proj", "v_proj"])
}

/// Names of the adapter's tensors in PEFT's file, in the order of [`LanguageModel::lora_parameters`].
pub(crate) fn adapter_names() -> Vec<String> {
    let mut names = Vec::new();
    for layer in 0..2 {
        for module in ["q_proj", "v_proj"] {
            for part in ["A", "B"] {
                names.push(format!(
                    "base_model.model.model.layers.{layer}.self_attn.{module}.lora_{part}.weight"
                ));
            }
        }
    }
    names
}

/// `tied` with the fixture's adapter attached, not folded.
pub(crate) fn tied_with_adapter() -> LanguageModel {
    let mut model = open("tied");
    model.attach_lora(&lora(), 0).unwrap();
    let file: HashMap<String, Tensor> =
        Tensor::read_safetensors(fixture("adapter/adapter_model.safetensors")).unwrap().into_iter().collect();
    let _guard = tch::no_grad_guard();
    for (mut parameter, name) in model.lora_parameters().into_iter().zip(adapter_names()) {
        parameter.copy_(&file[&name]);
    }
    model
}

/// Logits of one sequence: `[T, vocab]`.
pub(crate) fn logits(model: &LanguageModel, ids: &[i64]) -> Tensor {
    model.logits(ids)
}

/// The largest difference, relative to the largest expected magnitude.
pub(crate) fn relative_error(got: &Tensor, want: &Tensor) -> f64 {
    assert_eq!(got.size(), want.size());
    let (got, want) = (got.detach().to_kind(Kind::Double), want.to_kind(Kind::Double));
    let error = ((got - &want).abs().max() / want.abs().max()).double_value(&[]);
    assert!(error.is_finite(), "not a number");
    error
}

pub(crate) fn assert_close(what: &str, got: &Tensor, want: &Tensor, tolerance: f64) {
    let error = relative_error(got, want);
    println!("{what}: relative error {error:.1e}");
    assert!(error <= tolerance, "{what}: relative error {error:e}, allowed is {tolerance:e}");
}

pub(crate) fn assert_numbers_close(what: &str, got: &[f64], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len(), "{what}");
    let error = got.iter().zip(want).map(|(g, w)| (g - w).abs() / w.abs()).fold(0.0, |a: f64, b| {
        assert!(b.is_finite(), "{what}: not a number");
        a.max(b)
    });
    println!("{what}: relative error {error:.1e}");
    assert!(
        error <= tolerance,
        "{what}: relative error {error:e}, allowed is {tolerance:e}\n{got:?}\n{want:?}"
    );
}

/// Whether two tensors have the same dtype, shape and bits.
pub(crate) fn same_bits(a: &Tensor, b: &Tensor) -> bool {
    a.kind() == b.kind() && a.size() == b.size() && a.equal(b)
}

/// Every parameter of a model, copied.
pub(crate) fn parameters(model: &LanguageModel) -> Vec<(String, Tensor)> {
    model.decoder().named_parameters().into_iter().map(|(name, tensor)| (name, tensor.copy())).collect()
}

pub(crate) fn assert_same_parameters(a: &LanguageModel, b: &LanguageModel) {
    let (a, b) = (parameters(a), parameters(b));
    assert_eq!(a.len(), b.len());
    for ((a_name, a), (b_name, b)) in a.iter().zip(&b) {
        assert_eq!(a_name, b_name);
        assert!(same_bits(a, b), "{a_name} differs");
    }
}

/// A copy of a fixture's folder that a test may change.
pub(crate) fn copy_of(name: &str) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(fixture(name)).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    copy
}

/// Changes a JSON file.
pub(crate) fn edit_json(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    change(&mut value);
    std::fs::write(path, value.to_string()).unwrap();
}
