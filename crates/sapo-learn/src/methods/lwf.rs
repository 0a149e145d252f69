use std::path::Path;

use sapo_model::{Batch, Encoded, LanguageModel, LoraConfig};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::lesson::{attach_adapter, one_adapter, paper_lora};
use super::{Lesson, Method};
use crate::{LearnError, LossTerm, NoTerm, TrainConfig};

/// Learning without Forgetting: one LoRA throughout, whose predictions on the present inputs are held to those of the
/// model before the task. From the second task on.
///
/// The loss gains `weight` times the mean over the batch's target tokens of KL(p' || p), where p' are the predictions
/// before the task and p the present ones, both the softmax of the logits over `temperature`.
///
/// # Source
/// Li and Hoiem 2016 (arXiv 1606.09282), its loss L_old with lambda_o = 1 and T = 2; the divergence is its cross-entropy less
/// what training cannot change. The reference for language models is TRACE (BeyonderXX/TRACE, `model/Regular/LwF.py`),
/// which divides by examples instead of tokens and hands the two distributions to `kl_div` the other way round. Here
/// no dropout acts on the term's predictions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lwf {
    /// Weight of the term.
    pub weight: f64,
    /// Logits are divided by it.
    pub temperature: f64,
    /// The adapter.
    pub lora: LoraConfig,
}

impl Default for Lwf {
    fn default() -> Self {
        Self { weight: 1.0, temperature: 2.0, lora: paper_lora(8) }
    }
}

impl Method for Lwf {
    fn learn(&self, model: &mut LanguageModel, mut lesson: Lesson<'_>) -> Result<(), LearnError> {
        let parameters = one_adapter(model, &self.lora, lesson.seed)?;
        if lesson.step == 1 {
            lesson.fit(model, parameters, &[], &mut NoTerm)?;
        } else {
            let shared = model.lora_parameters();
            let mut term = Distillation::new(self.weight, self.temperature, shared, lesson.train);
            lesson.fit(model, parameters, &[], &mut term)?;
        }
        lesson.keep(model, &model.attached_lora(&self.lora))
    }

    fn recall(&self, model: &mut LanguageModel, artifacts: &Path, steps: usize) -> Result<(), LearnError> {
        attach_adapter(model, artifacts, steps)
    }
}

/// `weight` times the mean divergence from the predictions that the model made with the adapter of the start.
#[derive(Debug)]
pub struct Distillation<'a> {
    weight: f64,
    temperature: f64,
    parameters: Vec<Tensor>,
    /// Their values at the start: with them the model is the one before the task.
    start: Vec<Tensor>,
    train: &'a TrainConfig,
}

impl<'a> Distillation<'a> {
    /// Around the present values of `parameters`, which are all that training changes. Parts of a batch and gradient
    /// checkpointing are those of `train`.
    pub fn new(weight: f64, temperature: f64, parameters: Vec<Tensor>, train: &'a TrainConfig) -> Self {
        let start = values(&parameters);
        Self { weight, temperature, parameters, start, train }
    }

    /// What `ask` finds in the model before the task.
    fn before<T>(&mut self, ask: impl FnOnce() -> T) -> T {
        let now = values(&self.parameters);
        assign(&mut self.parameters, &self.start);
        let answer = ask();
        assign(&mut self.parameters, &now);
        answer
    }
}

impl LossTerm for Distillation<'_> {
    fn add(&mut self, model: &LanguageModel, texts: &[&Encoded]) -> Result<f64, LearnError> {
        let targets: usize = texts.iter().map(|text| text.target_tokens()).sum();
        let factor = self.weight / targets as f64;
        let batch = |part: &[&Encoded]| Batch::new(part, model.max_tokens(), model.device());
        let parts = texts.chunks(self.train.micro_batch_size).map(batch).collect::<Result<Vec<_>, _>>()?;
        let teachers: Vec<Tensor> =
            self.before(|| parts.iter().map(|part| model.target_hidden(part)).collect());
        let mut sum = 0.0;
        for (part, teacher) in parts.iter().zip(&teachers) {
            let checkpointing = self.train.gradient_checkpointing;
            sum += model.backward_divergence(part, teacher, self.temperature, factor, checkpointing);
        }
        Ok(sum * factor)
    }
}

fn values(parameters: &[Tensor]) -> Vec<Tensor> {
    parameters.iter().map(|parameter| parameter.detach().copy()).collect()
}

fn assign(parameters: &mut [Tensor], values: &[Tensor]) {
    tch::no_grad(|| parameters.iter_mut().zip(values).for_each(|(parameter, value)| parameter.copy_(value)));
}
