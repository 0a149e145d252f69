use std::collections::BTreeMap;

use sapo_model::{Batch, Encoded, LanguageModel, LoraConfig, ModelError, token_budget_batches};
use sapo_prompts::Instruction;
use sapo_tasks::{Example, Task};
use tch::{Kind, Tensor};

use crate::encode::encode;
use crate::{ProbeError, Tokens};

/// The adapter at which gradients are taken: the one with which the next task's training begins.
#[derive(Debug, Clone, PartialEq)]
pub struct FreshLora {
    /// Rank, scaling and targets; dropout is never applied.
    pub config: LoraConfig,
    /// Seed of A, as for [`LanguageModel::attach_lora`].
    pub seed: u64,
}

/// A gradient with respect to the B matrices of an adapter.
#[derive(Debug)]
pub struct LoraGradient {
    /// Module name to `[out, r]`, in f32.
    pub modules: BTreeMap<String, Tensor>,
}

/// The gradient of a task's loss under a wording, in nats per target token of all examples together, at a fresh adapter.
///
/// Also gives the tokens that it took: every token of every example, forward and back.
///
/// # Errors
/// When an adapter is attached already or the given one does not fit the model, there are no examples, one of them does
/// not fit the model's context, or the gradient is not finite.
pub fn task_gradient(
    model: &LanguageModel,
    adapter: &FreshLora,
    task: &Task,
    wording: &Instruction,
    examples: &[Example],
    token_budget: usize,
) -> Result<(LoraGradient, Tokens), ProbeError> {
    let encoded = encode(model, task, wording, examples)?;
    let gradient = adapter.on(model, task, |parameters| {
        let targets: usize = encoded.iter().map(Encoded::target_tokens).sum();
        let lengths: Vec<usize> = encoded.iter().map(|example| example.ids.len()).collect();
        let mut mean = LoraGradient::zero(parameters);
        for members in token_budget_batches(&lengths, token_budget) {
            let batch: Vec<&Encoded> = members.iter().map(|&i| &encoded[i]).collect();
            mean.add(&sum_gradient(model, parameters, &batch)?, 1.0 / targets as f64);
        }
        Ok(mean)
    })?;
    gradient.check(task)?;
    Ok((gradient, Tokens::both_ways(encoded.iter().map(|example| example.ids.len()).sum())))
}

/// The gradient of the summed loss of a batch, in nats.
pub(super) fn sum_gradient(
    model: &LanguageModel,
    parameters: &[(String, Tensor)],
    batch: &[&Encoded],
) -> Result<LoraGradient, ModelError> {
    let batch = Batch::new(batch, model.max_tokens(), model.device())?;
    let loss = model.target_nll(&batch, false).0.sum(Kind::Float);
    let inputs: Vec<&Tensor> = parameters.iter().map(|(_, b)| b).collect();
    let gradients = Tensor::f_run_backward(&[loss], &inputs, false, false)?;
    let named = parameters.iter().zip(gradients);
    Ok(LoraGradient {
        modules: named.map(|((name, _), gradient)| (name.clone(), gradient.to_kind(Kind::Float))).collect(),
    })
}

impl FreshLora {
    /// Does `work` with the adapter on the model; `work` gets the B matrices with their modules' names.
    pub(super) fn on<T>(
        &self,
        model: &LanguageModel,
        task: &Task,
        work: impl FnOnce(&[(String, Tensor)]) -> Result<T, ModelError>,
    ) -> Result<T, ProbeError> {
        let with_b = |lora: &[(String, (Tensor, Tensor))]| {
            let b: Vec<(String, Tensor)> =
                lora.iter().map(|(name, (_, b))| (name.clone(), b.shallow_clone())).collect();
            work(&b)
        };
        model.with_trial_lora(&self.config, self.seed, with_b).map_err(ProbeError::model(task))
    }
}

impl LoraGradient {
    pub(super) fn zero(parameters: &[(String, Tensor)]) -> Self {
        let zeros = |b: &Tensor| Tensor::zeros(b.size(), (Kind::Float, b.device()));
        Self { modules: parameters.iter().map(|(name, b)| (name.clone(), zeros(b))).collect() }
    }

    /// Adds `factor` times another gradient of the same adapter.
    pub(super) fn add(&mut self, other: &Self, factor: f64) {
        for (sum, term) in self.modules.values_mut().zip(other.modules.values()) {
            *sum += term * factor;
        }
    }

    /// Inner product with another gradient of the same adapter, module by module, summed in f64.
    pub fn dot(&self, other: &Self) -> BTreeMap<&str, f64> {
        let pairs = self.modules.iter().zip(other.modules.values());
        pairs.map(|((name, a), b)| (name.as_str(), dot(a, b))).collect()
    }

    /// L2 norm over all modules together.
    pub fn norm(&self) -> f64 {
        self.modules.values().map(|gradient| dot(gradient, gradient)).sum::<f64>().sqrt()
    }

    pub(super) fn check(&self, task: &Task) -> Result<(), ProbeError> {
        match self.modules.iter().find(|(_, gradient)| !dot(gradient, gradient).is_finite()) {
            None => Ok(()),
            Some((name, _)) => Err(ProbeError::Undefined {
                task: task.name.clone(),
                problem: format!("the gradient of {name} is not finite"),
            }),
        }
    }
}

/// Inner product of two tensors of one shape, in f64.
pub(super) fn dot(a: &Tensor, b: &Tensor) -> f64 {
    (a.to_kind(Kind::Double) * b.to_kind(Kind::Double)).sum(Kind::Double).double_value(&[])
}

/// How alike the directions of two gradients are.
#[derive(Debug, Clone, PartialEq)]
pub struct Alignment {
    /// Cosine of all modules' entries as one vector, -1 to 1.
    pub joined: f64,
    /// Cosine of each module, as the paper's section 5 compares LoRA-B matrices.
    pub modules: BTreeMap<String, f64>,
}

impl LoraGradient {
    /// The cosines between two gradients of the same adapter.
    ///
    /// # Errors
    /// The name of the module that has a zero gradient in one of the two, whose direction is undefined.
    pub fn alignment(&self, other: &Self) -> Result<Alignment, String> {
        let (mut products, mut left, mut right) = (0.0, 0.0, 0.0);
        let mut modules = BTreeMap::new();
        for ((name, a), b) in self.modules.iter().zip(other.modules.values()) {
            let (product, a, b) = (dot(a, b), dot(a, a), dot(b, b));
            if a == 0.0 || b == 0.0 {
                return Err(name.clone());
            }
            modules.insert(name.clone(), product / (a * b).sqrt());
            products += product;
            left += a;
            right += b;
        }
        Ok(Alignment { joined: products / (left * right).sqrt(), modules })
    }
}
