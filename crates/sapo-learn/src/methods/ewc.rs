use std::path::{Path, PathBuf};

use sapo_model::{Batch, Encoded, Kind, LanguageModel, LoraConfig, ModelError, Weights, save_safetensors};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::lesson::{attach_adapter, one_adapter, paper_lora};
use super::{Lesson, Method, StreamTask};
use crate::{LearnError, LossTerm};

/// EWC: one LoRA throughout, whose entries are held near where the last task left them, each as firmly as it mattered to
/// the tasks so far.
///
/// The loss gains lambda / 2 times the sum of F (theta - theta*)^2 over all entries of A and B. theta* is the adapter
/// before the task. F is the diagonal empirical Fisher information: after a task, the mean over its training rows, in the
/// wording that it was given, of the squared gradient of each row's log-likelihood (the sum over its target tokens,
/// without dropout); those of all tasks so far are added up. F is kept as `fisher-<step>.safetensors`.
///
/// # Source
/// Kirkpatrick et al. 2017 (arXiv 1612.00796), equation 3. One theta* and a sum of F: Huszar 2018 (arXiv 1712.03847),
/// which is online EWC (Schwarz et al. 2018, arXiv 1805.06370) with gamma = 1, and TRACE's code (BeyonderXX/TRACE,
/// `model/Regular/EWC.py`). TRACE squares the gradients of whole batches, the penalty's included, while it trains; we
/// those of single rows after training, as the definition has it, which are larger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ewc {
    /// Weight of the penalty.
    pub lambda: f64,
    /// The adapter.
    pub lora: LoraConfig,
}

impl Default for Ewc {
    fn default() -> Self {
        Self { lambda: 4000.0, lora: paper_lora(40) }
    }
}

impl Method for Ewc {
    fn learn(&self, model: &mut LanguageModel, mut lesson: Lesson<'_>) -> Result<(), LearnError> {
        let parameters = one_adapter(model, &self.lora, lesson.seed)?;
        let mut information: Vec<Tensor> = match lesson.step {
            1 => parameters.iter().map(|theta| theta.zeros_like().to_kind(Kind::Float)).collect(),
            step => read_information(model, &file(&lesson, step - 1))?,
        };
        let mut penalty = QuadraticPenalty::new(self.lambda, model.lora_parameters(), &information);
        lesson.fit(model, parameters, &[], &mut penalty)?;
        lesson.keep(model, &model.attached_lora(&self.lora))?;
        if !lesson.later().is_empty() {
            let StreamTask { task, .. } = lesson.task();
            let rows = lesson.task().encode(model, 0..task.train.len())?;
            for (sum, of_task) in information.iter_mut().zip(fisher(model, &rows)?) {
                *sum += of_task;
            }
            write_information(model, &information, &file(&lesson, lesson.step))?;
        }
        Ok(())
    }

    fn recall(&self, model: &mut LanguageModel, artifacts: &Path, steps: usize) -> Result<(), LearnError> {
        attach_adapter(model, artifacts, steps)
    }
}

/// lambda / 2 times the sum of F (theta - theta*)^2, theta* being where theta is at the start.
#[derive(Debug)]
pub struct QuadraticPenalty<'a> {
    lambda: f64,
    parameters: Vec<Tensor>,
    /// theta*, in f32.
    start: Vec<Tensor>,
    /// F, in f32.
    information: &'a [Tensor],
}

impl<'a> QuadraticPenalty<'a> {
    /// Around the present values of `parameters`; `information` is F in their order.
    pub fn new(lambda: f64, parameters: Vec<Tensor>, information: &'a [Tensor]) -> Self {
        let start = parameters.iter().map(|theta| theta.detach().to_kind(Kind::Float).copy()).collect();
        Self { lambda, parameters, start, information }
    }
}

impl LossTerm for QuadraticPenalty<'_> {
    fn add(&mut self, _: &LanguageModel, _: &[&Encoded]) -> Result<f64, LearnError> {
        let mut value = 0.0;
        for ((theta, start), information) in self.parameters.iter().zip(&self.start).zip(self.information) {
            let moved = theta.to_kind(Kind::Float) - start;
            let term = (information * moved.square()).sum(Kind::Float) * (self.lambda / 2.0);
            term.backward();
            value += term.double_value(&[]);
        }
        Ok(value)
    }
}

/// The diagonal empirical Fisher information of the attached adapter's entries: the mean over `rows` of the squared
/// gradient of each one's log-likelihood, in nats² per squared unit of the entry. In f32, in the order of
/// [`LanguageModel::lora_parameters`].
///
/// # Errors
/// When a row does not fit the model.
pub fn fisher(model: &mut LanguageModel, rows: &[Encoded]) -> Result<Vec<Tensor>, LearnError> {
    let parameters = model.lora_parameters();
    let mut mean: Vec<Tensor> =
        parameters.iter().map(|theta| theta.zeros_like().to_kind(Kind::Float)).collect();
    for row in rows {
        let batch = Batch::new(&[row], model.max_tokens(), model.device())?;
        let loss = model.target_nll(&batch, false).0.sum(Kind::Float);
        let gradients =
            Tensor::f_run_backward(&[loss], &parameters, false, false).map_err(ModelError::from)?;
        for (mean, gradient) in mean.iter_mut().zip(gradients) {
            *mean += gradient.to_kind(Kind::Float).square() / rows.len() as f64;
        }
    }
    Ok(mean)
}

fn file(lesson: &Lesson<'_>, step: usize) -> PathBuf {
    lesson.artifacts.join(format!("fisher-{step}.safetensors"))
}

/// Names of the adapter's entries, in the order of [`LanguageModel::lora_parameters`], with their shapes.
fn names(model: &LanguageModel) -> Vec<(String, Vec<i64>)> {
    let named = model.named_lora().into_iter();
    named
        .flat_map(|(module, (a, b))| {
            [(format!("{module}.lora_A"), a.size()), (format!("{module}.lora_B"), b.size())]
        })
        .collect()
}

fn write_information(model: &LanguageModel, information: &[Tensor], path: &Path) -> Result<(), LearnError> {
    let named = names(model).into_iter().zip(information).map(|((name, _), tensor)| (name, tensor));
    Ok(save_safetensors(path, &named.collect::<Vec<_>>())?)
}

fn read_information(model: &LanguageModel, path: &Path) -> Result<Vec<Tensor>, LearnError> {
    let mut stored = Weights::open_file(path, Kind::Float, model.device())?;
    let tensors = names(model).iter().map(|(name, shape)| stored.take(name, shape)).collect();
    stored.finish()?;
    Ok(tensors)
}
