//! The checkpoints under test, what is expected of them, and the comparison of tensors.
//!
//! The files are in `tests/fixtures`, beside the scripts that made them, or in the folder that the environment variable
//! `SAPO_FIXTURES` names (`just parity` makes one with the installed transformers).

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use sapo_model::{Batch, Device, Encoded, Kind, LanguageModel, Lora, LoraConfig};
use serde_json::{Value, json};
use tch::Tensor;

/// Every checkpoint of the fixtures: a new decoder family is one more line here, and one more entry of
/// `fixtures/maker/families.py`.
pub(crate) const CHECKPOINTS: &[&str] =
    &["llama-tied", "llama-untied", "qwen2", "qwen3", "mistral", "gpt2", "gpt2-untied", "neox", "gemma2"];

/// Calls `test` with every checkpoint, and fails at the end if one failed.
pub(crate) fn on_every_checkpoint(test: impl Fn(&Checkpoint)) {
    let fails = |name: &str| {
        let result = catch_unwind(AssertUnwindSafe(|| test(&Checkpoint::named(name))));
        if result.is_err() {
            eprintln!("the failure above is that of {name}");
        }
        result.is_err()
    };
    let failed: Vec<&str> = CHECKPOINTS.iter().copied().filter(|name| fails(name)).collect();
    assert!(failed.is_empty(), "failed for {failed:?} of {CHECKPOINTS:?}");
}

/// A model directory with what transformers and PEFT compute with it.
pub(crate) struct Checkpoint {
    pub(crate) name: &'static str,
    /// `expected/<name>.json`
    pub(crate) numbers: Value,
    /// `expected/<name>.safetensors`
    pub(crate) tensors: HashMap<String, Tensor>,
}

impl Checkpoint {
    pub(crate) fn named(name: &str) -> Self {
        let name = CHECKPOINTS.iter().copied().find(|known| *known == name).unwrap();
        let tensors = read_tensors(&fixture(&format!("expected/{name}.safetensors")));
        Self { name, numbers: expected(name), tensors }
    }

    pub(crate) fn directory(&self) -> PathBuf {
        fixture(self.name)
    }

    pub(crate) fn open(&self) -> LanguageModel {
        open(self.name)
    }

    /// A copy of its folder under the configuration of one of its variants.
    pub(crate) fn variant(&self, variant: &Value) -> tempfile::TempDir {
        let copy = copy_of(self.name);
        edit_json(&copy.path().join("config.json"), |config| {
            let config = config.as_object_mut().unwrap();
            for name in variant["absent"].as_array().unwrap() {
                config.shift_remove(name.as_str().unwrap());
            }
            config.extend(variant["config"].as_object().unwrap().clone());
        });
        let without = texts(&variant["without"]);
        if !without.is_empty() {
            edit_weights(copy.path(), |named| {
                named.retain(|(name, _)| !without.iter().any(|end| name.ends_with(end)));
            });
        }
        copy
    }

    /// `short` or `long`.
    pub(crate) fn row(&self, name: &str) -> Vec<i64> {
        integers(&self.numbers[name])
    }

    /// Examples of different lengths that make one batch.
    pub(crate) fn batch(&self, model: &LanguageModel) -> Batch {
        let examples = examples(&self.numbers["batch"]);
        Batch::new(&examples.iter().collect::<Vec<&Encoded>>(), model.max_tokens(), Device::Cpu).unwrap()
    }

    /// The folder of its adapter, as PEFT wrote it.
    pub(crate) fn adapter(&self) -> PathBuf {
        fixture("adapters").join(self.name)
    }

    /// The configuration of its adapter.
    pub(crate) fn lora(&self) -> LoraConfig {
        lora_at(&self.adapter())
    }

    /// The model with its adapter attached, not folded.
    pub(crate) fn open_with_adapter(&self) -> LanguageModel {
        self.open_with(&self.adapter())
    }

    /// The model with the adapter of a folder attached, not folded.
    pub(crate) fn open_with(&self, adapter: &Path) -> LanguageModel {
        let config = lora_at(adapter);
        let mut model = self.open();
        model.attach_lora(&config, 0).unwrap();
        let file = read_tensors(&adapter.join("adapter_model.safetensors"));
        let parameters = self.named_lora_parameters(&mut model, &config);
        assert_eq!(parameters.len(), file.len());
        let _guard = tch::no_grad_guard();
        for (name, mut parameter) in parameters {
            parameter.copy_(&file[&name]);
        }
        model
    }

    /// The trainable tensors of the adapter attached to `model`, with their names in an adapter file and in the order of
    /// [`LanguageModel::lora_parameters`].
    pub(crate) fn named_lora_parameters(
        &self,
        model: &mut LanguageModel,
        config: &LoraConfig,
    ) -> Vec<(String, Tensor)> {
        // a second model, each tensor filled with its place, says which name has which place
        let mut scratch = self.open();
        scratch.attach_lora(config, 0).unwrap();
        let guard = tch::no_grad_guard();
        for (place, mut parameter) in scratch.lora_parameters().into_iter().enumerate() {
            let _ = parameter.fill_(place as f64);
        }
        drop(guard);
        let mut names = BTreeMap::new();
        for (module, (a, b)) in scratch.fold_lora(config).modules {
            for (part, tensor) in [("A", a), ("B", b)] {
                let place = tensor.double_value(&[0, 0]) as usize;
                names.insert(place, format!("base_model.model.{module}.lora_{part}.weight"));
            }
        }
        let parameters = model.lora_parameters();
        assert_eq!(parameters.len(), names.len());
        names.into_values().zip(parameters).collect()
    }
}

/// The configuration in an adapter's folder.
pub(crate) fn lora_at(adapter: &Path) -> LoraConfig {
    Lora::open(adapter).unwrap().config
}

/// An adapter's configuration, `targets` as in PEFT's file.
pub(crate) fn lora_on(targets: Value) -> LoraConfig {
    serde_json::from_value(json!({"r": 3, "lora_alpha": 5.0, "lora_dropout": 0.0, "target_modules": targets}))
        .unwrap()
}

pub(crate) fn fixture(name: &str) -> PathBuf {
    match std::env::var_os("SAPO_FIXTURES") {
        Some(folder) => PathBuf::from(folder).join(name),
        None => committed_fixture(name),
    }
}

/// The fixture in the repository, whose shapes a test may name.
pub(crate) fn committed_fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../sapo-model/tests/fixtures").join(name)
}

/// Where tests leave adapters for `fixtures/check_adapters_in_peft.py`.
pub(crate) fn adapters_for_peft() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("adapters-for-peft")
}

pub(crate) fn open(name: &str) -> LanguageModel {
    LanguageModel::open(&fixture(name), Kind::Float, Device::Cpu).unwrap()
}

/// `expected/<name>.json`
pub(crate) fn expected(name: &str) -> Value {
    let path = fixture(&format!("expected/{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub(crate) fn read_tensors(path: &Path) -> HashMap<String, Tensor> {
    Tensor::read_safetensors(path).unwrap().into_iter().collect()
}

pub(crate) fn integers(value: &Value) -> Vec<i64> {
    value.as_array().unwrap().iter().map(|n| n.as_i64().unwrap()).collect()
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).collect()
}

pub(crate) fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
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

/// Logits of one sequence: `[T, vocab]`.
pub(crate) fn logits(model: &LanguageModel, ids: &[i64]) -> Tensor {
    model.logits(ids)
}

/// Logits of the last `places` places of a sequence: `[places, vocab]`.
pub(crate) fn last_logits(model: &LanguageModel, ids: &[i64], places: i64) -> Tensor {
    logits(model, ids).narrow(0, ids.len() as i64 - places, places)
}

pub(crate) fn nll_sums(model: &LanguageModel, examples: &[Encoded], budget: usize) -> Vec<f64> {
    model.example_losses(examples, budget, |_| ()).unwrap().iter().map(|loss| loss.nll_sum).collect()
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
    let error = got.iter().zip(want).map(|(g, w)| if g == w { 0.0 } else { (g - w).abs() / w.abs() }).fold(
        0.0,
        |a: f64, b| {
            assert!(b.is_finite(), "{what}: not a number");
            a.max(b)
        },
    );
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
    copy_of_folder(&fixture(name))
}

pub(crate) fn copy_of_folder(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
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

/// Rewrites `model.safetensors` with changed tensors.
pub(crate) fn edit_weights(directory: &Path, change: impl FnOnce(&mut Vec<(String, Tensor)>)) {
    let path = directory.join("model.safetensors");
    let mut named = Tensor::read_safetensors(&path).unwrap();
    change(&mut named);
    Tensor::write_safetensors(&named, &path).unwrap();
}
