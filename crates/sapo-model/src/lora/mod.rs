//! LoRA: low-rank adapters with PEFT's names and file format.
//!
//! # Source
//! Hu et al. 2021 (arXiv 2106.09685); initialisation and files as in PEFT.

mod adapter;
mod config;

use std::collections::BTreeMap;
use std::path::PathBuf;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::{Kind, Tensor};

pub use adapter::Lora;
pub use config::{LoraConfig, TargetModules};

use crate::linear::{Linear, LowRank, WeightLayout};
use crate::{LanguageModel, ModelError};

impl LanguageModel {
    /// Puts a fresh trainable adapter on the target modules: A uniform as in PEFT, B zero, so that the function is
    /// unchanged until the first step.
    ///
    /// # Errors
    /// When the configuration is out of range, no module has a target's name, or a target is the head or an embedding.
    pub fn attach_lora(&mut self, config: &LoraConfig, seed: u64) -> Result<(), ModelError> {
        self.check_lora(config)?;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for (name, linear) in self.decoder_mut().named_linears_mut() {
            *linear.lora.get_mut() = config.targets(&name).then(|| fresh(config, &name, linear, &mut rng));
        }
        Ok(())
    }

    /// Puts a saved adapter on the model to train it further, in place of one that is attached.
    ///
    /// # Errors
    /// As [`LanguageModel::check_adapter`]; nothing is changed then.
    pub fn attach_adapter(&mut self, adapter: &Lora) -> Result<(), ModelError> {
        self.check_adapter(adapter)?;
        for (name, linear) in self.decoder_mut().named_linears_mut() {
            let options = (linear.weight.kind(), linear.weight.device());
            let placed = |tensor: &Tensor| {
                tensor.detach().to_kind(options.0).to_device(options.1).copy().set_requires_grad(true)
            };
            *linear.lora.get_mut() = adapter.modules.get(&name).map(|(a, b)| LowRank {
                a: placed(a),
                b: placed(b),
                scaling: adapter.config.scaling_of(&name),
                dropout: adapter.config.lora_dropout,
            });
        }
        Ok(())
    }

    /// Does `work` with a fresh adapter beside the weights, the very one that [`LanguageModel::attach_lora`] would put on,
    /// and takes it off again: the model is in the same state before and after. `work` gets the adapter's tensors as
    /// [`LanguageModel::named_lora`] gives them.
    ///
    /// # Errors
    /// As [`LanguageModel::attach_lora`], where an adapter is attached already, and what `work` fails with.
    pub fn with_trial_lora<T>(
        &self,
        config: &LoraConfig,
        seed: u64,
        work: impl FnOnce(&[(String, (Tensor, Tensor))]) -> Result<T, ModelError>,
    ) -> Result<T, ModelError> {
        self.check_lora(config)?;
        if !self.named_lora().is_empty() {
            return Err(self.lora_error("an adapter is attached already; fold it first".to_string()));
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let _taken_off_at_the_end = Trial(self);
        for (name, linear) in self.decoder().named_linears() {
            let lora = config.targets(&name).then(|| fresh(config, &name, linear, &mut rng));
            linear.lora.replace(lora);
        }
        work(&self.named_lora())
    }

    /// Whether an adapter of this configuration can be put on the model.
    fn check_lora(&self, config: &LoraConfig) -> Result<(), ModelError> {
        config.check().map_err(|problem| self.lora_error(problem))?;
        let names = self.decoder().names;
        let outside = [names.token_embedding, names.position_embedding, names.head];
        if let Some(name) = outside.iter().find(|name| config.targets(name) && !config.is_all_linear()) {
            return Err(
                self.lora_error(format!("LoRA on {name} is not supported: it sits on projections of blocks"))
            );
        }
        if self.decoder().named_linears().iter().any(|(name, _)| config.targets(name)) {
            Ok(())
        } else {
            Err(self
                .lora_error(format!("no module is named by the LoRA targets {:?}", config.target_modules)))
        }
    }

    /// The trainable tensors of the attached adapter, in a fixed order.
    pub fn lora_parameters(&mut self) -> Vec<Tensor> {
        self.named_lora().into_iter().flat_map(|(_, (a, b))| [a, b]).collect()
    }

    /// The module names of the attached adapter with its A `[r, in]` and B `[out, r]`, in the order of
    /// [`LanguageModel::lora_parameters`]; empty where none is attached.
    pub fn named_lora(&self) -> Vec<(String, (Tensor, Tensor))> {
        let pair = |linear: &Linear| {
            let lora = linear.lora.borrow();
            lora.as_ref().map(|low_rank| (low_rank.a.shallow_clone(), low_rank.b.shallow_clone()))
        };
        let linears = self.decoder().named_linears();
        linears.into_iter().filter_map(|(name, linear)| Some((name, pair(linear)?))).collect()
    }

    /// The attached adapter for keeping, with the very tensors that the model computes with; it stays attached.
    pub fn attached_lora(&self, config: &LoraConfig) -> Lora {
        let mut modules = BTreeMap::new();
        let mut fan_in_fan_out = false;
        for (name, linear) in self.decoder().named_linears() {
            if let Some(LowRank { a, b, .. }) = &*linear.lora.borrow() {
                fan_in_fan_out |= linear.layout == WeightLayout::InOut;
                modules.insert(name, (a.detach(), b.detach()));
            }
        }
        Lora { config: config.clone(), modules, fan_in_fan_out, path: PathBuf::from("(attached)") }
    }

    /// Adds the attached adapter to the weights, so that it costs nothing from now on, and returns it for keeping.
    pub fn fold_lora(&mut self, config: &LoraConfig) -> Lora {
        let adapter = self.attached_lora(config);
        let _guard = tch::no_grad_guard();
        for (_, linear) in self.decoder_mut().named_linears_mut() {
            if let Some(LowRank { a, b, scaling, .. }) = linear.lora.take() {
                linear.add(&product(&a, &b, scaling));
            }
        }
        adapter
    }

    /// Whether an adapter was made for such a model.
    ///
    /// # Errors
    /// Lists the modules that this model does not have, or has in another width, and the targets without tensors.
    pub fn check_adapter(&self, adapter: &Lora) -> Result<(), ModelError> {
        let linears = self.decoder().named_linears();
        let mut problems = Vec::new();
        let absent = adapter.modules.keys().filter(|module| !linears.iter().any(|(name, _)| name == *module));
        problems.extend(absent.map(|module| format!("left over: {module}")));
        for (name, linear) in &linears {
            match adapter.modules.get(name) {
                Some((a, b)) => {
                    let (has, got) = (linear.out_and_in(), (b.size()[0], a.size()[1]));
                    if has != got {
                        problems.push(format!("wrong shape: {name} has [out, in] {got:?}, expected {has:?}"));
                    }
                }
                None if adapter.config.targets(name) => problems.push(format!("missing: {name}")),
                None => {}
            }
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(ModelError::Weights { path: adapter.path.clone(), problem: problems.join("; ") })
        }
    }

    /// Adds an adapter to the weights.
    ///
    /// # Errors
    /// As [`LanguageModel::check_adapter`]; nothing is changed then.
    pub fn fold_adapter(&mut self, adapter: &Lora) -> Result<(), ModelError> {
        self.check_adapter(adapter)?;
        let _guard = tch::no_grad_guard();
        let device = self.device();
        for (name, linear) in self.decoder_mut().named_linears_mut() {
            if let Some((a, b)) = adapter.modules.get(&name) {
                linear.add(&product(a, b, adapter.config.scaling_of(&name)).to_device(device));
            }
        }
        Ok(())
    }

    fn lora_error(&self, problem: String) -> ModelError {
        ModelError::Weights { path: self.path().to_path_buf(), problem }
    }
}

/// Takes the adapter of [`LanguageModel::with_trial_lora`] off, whatever its work comes to.
struct Trial<'a>(&'a LanguageModel);

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        for (_, linear) in self.0.decoder().named_linears() {
            linear.lora.replace(None);
        }
    }
}

/// The initial term of the module of that name.
fn fresh(config: &LoraConfig, name: &str, linear: &Linear, rng: &mut ChaCha8Rng) -> LowRank {
    let (out, inp) = linear.out_and_in();
    let options = (linear.weight.kind(), linear.weight.device());
    let r = config.rank_of(name);
    LowRank {
        a: uniform_a(r, inp, rng).to_kind(options.0).to_device(options.1).set_requires_grad(true),
        b: Tensor::zeros([out, r], options).set_requires_grad(true),
        scaling: config.scaling_of(name),
        dropout: config.lora_dropout,
    }
}

/// What an adapter adds to a weight: `[out, in]`, in f32.
fn product(a: &Tensor, b: &Tensor, scaling: f64) -> Tensor {
    b.to_kind(Kind::Float).matmul(&a.to_kind(Kind::Float)) * scaling
}

/// PEFT's initial A: uniform in +-1/sqrt(in), which is `kaiming_uniform_` with `a = sqrt(5)`.
fn uniform_a(r: i64, inp: i64, rng: &mut ChaCha8Rng) -> Tensor {
    let bound = 1.0 / (inp as f64).sqrt();
    let values: Vec<f32> = (0..r * inp).map(|_| rng.random_range(-bound..bound) as f32).collect();
    Tensor::from_slice(&values).reshape([r, inp])
}
