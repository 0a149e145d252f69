use std::path::Path;

use sapo_model::{Encoded, LanguageModel, Lora, LoraConfig};
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::lesson::{fold_adapters, paper_lora};
use super::{Lesson, Method};
use crate::{LearnError, LossTerm};

/// O-LoRA: LoraInc, whose new A is held orthogonal to the A of every earlier task.
///
/// The loss gains lambda times the sum over modules of |A_old A_new^T|, entry by entry, A_old being the rows of all earlier
/// A. They are read back from the adapters on disk, as the weights hold only the products B A.
///
/// # Source
/// Wang et al. 2023 (arXiv 2310.14152), its loss L_orth, whose equation squares the entries; its code
/// (cmnfriend/O-LoRA, `src/uie_trainer_lora.py`) and the paper of this project take absolute values, as here. The
/// code's second term, the norm of the new adapter (`lamda_2`, mostly 0), is left out; the code adds the term at every
/// part of a batch, we once an optimiser step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OLora {
    /// Weight of the term.
    pub lambda: f64,
    /// The adapter of each task.
    pub lora: LoraConfig,
}

impl Default for OLora {
    fn default() -> Self {
        Self { lambda: 0.5, lora: paper_lora(8) }
    }
}

impl Method for OLora {
    fn learn(&self, model: &mut LanguageModel, mut lesson: Lesson<'_>) -> Result<(), LearnError> {
        model.attach_lora(&self.lora, lesson.seed)?;
        let earlier =
            (1..lesson.step).map(|step| Lora::open(&lesson.adapter(step))).collect::<Result<Vec<_>, _>>()?;
        let mut term = Orthogonality::new(self.lambda, model, &earlier);
        let parameters = model.lora_parameters();
        lesson.fit(model, parameters, &[], &mut term)?;
        let adapter = model.fold_lora(&self.lora);
        lesson.keep(model, &adapter)
    }

    fn recall(&self, model: &mut LanguageModel, artifacts: &Path, steps: usize) -> Result<(), LearnError> {
        fold_adapters(model, artifacts, steps)
    }

    fn fresh_adapter(&self) -> Option<&LoraConfig> {
        Some(&self.lora)
    }
}

/// lambda times the sum of the absolute values of A_old A_new^T over all modules.
#[derive(Debug)]
pub struct Orthogonality {
    lambda: f64,
    /// Of each module A_old `[sum of earlier r, in]`, in f32, and A_new `[r, in]`.
    pairs: Vec<(Tensor, Tensor)>,
}

impl Orthogonality {
    /// Between the adapter that is attached to the model and earlier ones.
    pub fn new(lambda: f64, model: &LanguageModel, earlier: &[Lora]) -> Self {
        let mut pairs = Vec::new();
        for (module, (new, _)) in model.named_lora() {
            let of_module: Vec<&Tensor> =
                earlier.iter().filter_map(|adapter| adapter.modules.get(&module)).map(|(a, _)| a).collect();
            if !of_module.is_empty() {
                pairs.push((Tensor::cat(&of_module, 0).to_device(model.device()), new));
            }
        }
        Self { lambda, pairs }
    }
}

impl LossTerm for Orthogonality {
    fn add(&mut self, _: &LanguageModel, _: &[&Encoded]) -> Result<f64, LearnError> {
        let mut value = 0.0;
        for (old, new) in &self.pairs {
            let term = old.matmul(&new.to_kind(Kind::Float).tr()).abs().sum(Kind::Float) * self.lambda;
            term.backward();
            value += term.double_value(&[]);
        }
        Ok(value)
    }
}
