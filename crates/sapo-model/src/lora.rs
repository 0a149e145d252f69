//! LoRA: low-rank adapters with PEFT's names and file format.
//!
//! # Source
//! Hu et al. 2021 (arXiv 2106.09685); initialisation and files as in PEFT.

use std::collections::BTreeMap;
use std::path::Path;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use crate::linear::LowRank;
use crate::weights::write_whole;
use crate::{LanguageModel, ModelError, Weights, save_safetensors};

/// The part of PEFT's `adapter_config.json` that decides the function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoraConfig {
    /// Rank.
    pub r: i64,
    /// The term is scaled by `lora_alpha / r`.
    pub lora_alpha: f64,
    /// Dropout on the input of A while training.
    pub lora_dropout: f64,
    /// Module names or suffixes: `q_proj` means every module whose last part is `q_proj`.
    pub target_modules: Vec<String>,
}

impl LoraConfig {
    /// The factor on the low-rank term.
    pub fn scaling(&self) -> f64 {
        self.lora_alpha / self.r as f64
    }

    fn targets(&self, module: &str) -> bool {
        self.target_modules.iter().any(|target| module == target || module.ends_with(&format!(".{target}")))
    }
}

/// One adapter, apart from any model.
#[derive(Debug)]
pub struct Lora {
    /// Rank, scaling, targets.
    pub config: LoraConfig,
    /// Module name to A `[r, in]` and B `[out, r]`.
    pub modules: BTreeMap<String, (Tensor, Tensor)>,
}

const PREFIX: &str = "base_model.model.";

impl Lora {
    /// Writes `adapter_config.json` and `adapter_model.safetensors` as PEFT reads them.
    ///
    /// # Errors
    /// Names the file that cannot be written.
    pub fn save(&self, directory: &Path, base_model: &str) -> Result<(), ModelError> {
        std::fs::create_dir_all(directory).map_err(ModelError::io("create", directory))?;
        let config = serde_json::json!({
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "base_model_name_or_path": base_model,
            "r": self.config.r,
            "lora_alpha": self.config.lora_alpha,
            "lora_dropout": self.config.lora_dropout,
            "target_modules": self.config.target_modules,
            "bias": "none",
            "fan_in_fan_out": false,
            "use_rslora": false,
            "inference_mode": true,
        });
        write_whole(&directory.join("adapter_config.json"), format!("{config:#}\n").as_bytes())?;
        let mut named = Vec::new();
        for (module, (a, b)) in &self.modules {
            named.push((format!("{PREFIX}{module}.lora_A.weight"), a));
            named.push((format!("{PREFIX}{module}.lora_B.weight"), b));
        }
        save_safetensors(&directory.join("adapter_model.safetensors"), &named)
    }
}

impl LanguageModel {
    /// Puts a fresh trainable adapter on the target modules: A uniform as in PEFT, B zero, so that the function is
    /// unchanged until the first step.
    ///
    /// # Errors
    /// When no module has a target's name.
    pub fn attach_lora(&mut self, config: &LoraConfig, seed: u64) -> Result<(), ModelError> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (kind, device) = (self.kind(), self.device());
        let mut found = false;
        for (name, linear) in self.decoder_mut().named_linears_mut() {
            linear.lora = None;
            if config.targets(&name) {
                let (out, inp) = linear.out_and_in();
                linear.lora = Some(LowRank {
                    a: uniform_a(config.r, inp, &mut rng)
                        .to_kind(kind)
                        .to_device(device)
                        .set_requires_grad(true),
                    b: Tensor::zeros([out, config.r], (kind, device)).set_requires_grad(true),
                    scaling: config.scaling(),
                    dropout: config.lora_dropout,
                });
                found = true;
            }
        }
        if found {
            Ok(())
        } else {
            let problem = format!("no module is named by the LoRA targets {:?}", config.target_modules);
            Err(ModelError::Weights { path: self.path().to_path_buf(), problem })
        }
    }

    /// The trainable tensors of the attached adapter, in a fixed order.
    pub fn lora_parameters(&mut self) -> Vec<Tensor> {
        let mut parameters = Vec::new();
        for (_, linear) in self.decoder_mut().named_linears_mut() {
            if let Some(low_rank) = &linear.lora {
                parameters.push(low_rank.a.shallow_clone());
                parameters.push(low_rank.b.shallow_clone());
            }
        }
        parameters
    }

    /// Adds the attached adapter to the weights, so that it costs nothing from now on, and returns it for keeping.
    pub fn fold_lora(&mut self, config: &LoraConfig) -> Lora {
        let _guard = tch::no_grad_guard();
        let mut modules = BTreeMap::new();
        for (name, linear) in self.decoder_mut().named_linears_mut() {
            if let Some(LowRank { a, b, scaling, .. }) = linear.lora.take() {
                linear.add(&(b.to_kind(Kind::Float).matmul(&a.to_kind(Kind::Float)) * scaling));
                modules.insert(name, (a.detach(), b.detach()));
            }
        }
        Lora { config: config.clone(), modules }
    }

    /// Adds a saved adapter to the weights.
    ///
    /// # Errors
    /// Names the file that is missing or malformed, and the tensors that do not fit this model.
    pub fn fold_adapter_from(&mut self, directory: &Path) -> Result<(), ModelError> {
        #[derive(Deserialize)]
        struct File {
            r: i64,
            lora_alpha: f64,
            #[serde(default)]
            lora_dropout: f64,
            target_modules: Vec<String>,
            #[serde(default)]
            use_rslora: bool,
            #[serde(default)]
            use_dora: bool,
            #[serde(default)]
            alpha_pattern: Option<serde_json::Map<String, serde_json::Value>>,
            #[serde(default)]
            rank_pattern: Option<serde_json::Map<String, serde_json::Value>>,
        }
        let path = directory.join("adapter_config.json");
        let text = std::fs::read_to_string(&path).map_err(ModelError::io("read", &path))?;
        let file: File = serde_json::from_str(&text).map_err(|error| ModelError::malformed(&path, error))?;
        let has_entries =
            |pattern: &Option<serde_json::Map<_, _>>| pattern.as_ref().is_some_and(|map| !map.is_empty());
        let unsupported = [
            ("use_rslora", file.use_rslora),
            ("use_dora", file.use_dora),
            ("alpha_pattern", has_entries(&file.alpha_pattern)),
            ("rank_pattern", has_entries(&file.rank_pattern)),
        ];
        if let Some((name, _)) = unsupported.into_iter().find(|(_, is_set)| *is_set) {
            return Err(ModelError::malformed(&path, format!("{name} is not supported yet")));
        }
        let File { r, lora_alpha, lora_dropout, target_modules, .. } = file;
        let config = LoraConfig { r, lora_alpha, lora_dropout, target_modules };
        let (kind, device) = (self.kind(), self.device());
        let _guard = tch::no_grad_guard();
        let mut weights = Weights::open_file(&directory.join("adapter_model.safetensors"), kind, device)?;
        let mut deltas = Vec::new();
        for (name, linear) in self.decoder_mut().named_linears_mut() {
            if config.targets(&name) {
                let (out, inp) = linear.out_and_in();
                let a = weights.take(&format!("{PREFIX}{name}.lora_A.weight"), &[r, inp]);
                let b = weights.take(&format!("{PREFIX}{name}.lora_B.weight"), &[out, r]);
                deltas.push((linear, b.matmul(&a) * config.scaling()));
            }
        }
        weights.finish()?;
        for (linear, delta) in deltas {
            linear.add(&delta);
        }
        Ok(())
    }
}

/// PEFT's initial A: uniform in +-1/sqrt(in), which is `kaiming_uniform_` with `a = sqrt(5)`.
fn uniform_a(r: i64, inp: i64, rng: &mut ChaCha8Rng) -> Tensor {
    let bound = 1.0 / (inp as f64).sqrt();
    let values: Vec<f32> = (0..r * inp).map(|_| rng.random_range(-bound..bound) as f32).collect();
    Tensor::from_slice(&values).reshape([r, inp]).to_device(Device::Cpu).to_kind(Kind::Float)
}
