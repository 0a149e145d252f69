//! AdamW with f32 state, and clipping of the gradient norm.
//!
//! # Source
//! Loshchilov and Hutter 2019 (arXiv 1711.05101); computed by libtorch's fused kernel, as
//! `torch.optim.AdamW(fused=True)`.

use sapo_model::native::{self, AdamWStep};
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

/// The constants of AdamW; the learning rate is given with every step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamWConfig {
    /// Decay of the mean of gradients.
    pub beta1: f64,
    /// Decay of the mean of squared gradients.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.0 }
    }
}

/// The optimiser's state over a fixed list of parameters.
///
/// Parameters in bf16 or f16 have a master copy in f32 that is updated and then rounded into them: steps smaller than a
/// half-precision number can hold are not lost.
#[derive(Debug)]
pub struct AdamW {
    config: AdamWConfig,
    parameters: Vec<Tensor>,
    /// What is updated: the parameter itself where it is f32.
    masters: Vec<Tensor>,
    first_moments: Vec<Tensor>,
    second_moments: Vec<Tensor>,
    steps: i32,
}

impl AdamW {
    /// Starts with zero moments. Weight decay acts on matrices only, not on norms and biases.
    pub fn new(parameters: Vec<Tensor>, config: AdamWConfig) -> Self {
        let masters: Vec<Tensor> =
            parameters.iter().map(|parameter| parameter.detach().to_kind(Kind::Float)).collect();
        let zeros = || masters.iter().map(Tensor::zeros_like).collect();
        let (first_moments, second_moments) = (zeros(), zeros());
        Self { config, parameters, masters, first_moments, second_moments, steps: 0 }
    }

    /// One step with the gradients that the last backward pass left, which it then clears.
    pub fn step(&mut self, learning_rate: f64) {
        let _guard = tch::no_grad_guard();
        self.steps += 1;
        let gradients: Vec<Tensor> = self.parameters.iter().map(Tensor::grad).collect();
        let trained: Vec<usize> = (0..gradients.len()).filter(|&i| gradients[i].defined()).collect();
        let wide: Vec<Tensor> = trained.iter().map(|&i| gradients[i].to_kind(Kind::Float)).collect();
        for (decays, weight_decay) in [(true, self.config.weight_decay), (false, 0.0)] {
            let chosen =
                trained.iter().zip(&wide).filter(|&(&i, _)| (self.parameters[i].dim() > 1) == decays);
            let (indices, gradients): (Vec<usize>, Vec<&Tensor>) = chosen.map(|(&i, wide)| (i, wide)).unzip();
            native::adamw_step(
                &pick(&self.masters, &indices),
                &gradients,
                &pick(&self.first_moments, &indices),
                &pick(&self.second_moments, &indices),
                AdamWStep {
                    step: self.steps,
                    learning_rate,
                    beta1: self.config.beta1,
                    beta2: self.config.beta2,
                    weight_decay,
                    eps: self.config.eps,
                },
            );
        }
        for i in trained {
            let parameter = &mut self.parameters[i];
            if parameter.kind() != Kind::Float {
                parameter.copy_(&self.masters[i]);
            }
            parameter.zero_grad();
        }
    }

    /// The parameters it updates.
    pub fn parameters(&self) -> &[Tensor] {
        &self.parameters
    }

    /// The parameters in f32, as they are updated.
    pub fn masters(&self) -> &[Tensor] {
        &self.masters
    }

    /// Steps taken, and both lists of moments, for checkpoints.
    pub fn state(&self) -> (i32, &[Tensor], &[Tensor]) {
        (self.steps, &self.first_moments, &self.second_moments)
    }

    /// Puts back masters and a state that [`AdamW::masters`] and [`AdamW::state`] gave.
    pub fn restore(
        &mut self,
        steps: i32,
        masters: &[Tensor],
        first_moments: Vec<Tensor>,
        second_moments: Vec<Tensor>,
    ) {
        let _guard = tch::no_grad_guard();
        for ((master, parameter), saved) in self.masters.iter_mut().zip(&mut self.parameters).zip(masters) {
            master.copy_(saved);
            parameter.copy_(saved);
        }
        self.steps = steps;
        self.first_moments = first_moments;
        self.second_moments = second_moments;
    }
}

/// The tensors of a list at these indices.
fn pick<'a>(list: &'a [Tensor], indices: &[usize]) -> Vec<&'a Tensor> {
    indices.iter().map(|&i| &list[i]).collect()
}

/// Scales all gradients so that their joint L2 norm is at most `limit`; returns the norm before.
///
/// # Source
/// `torch.nn.utils.clip_grad_norm_`
pub fn clip_gradient_norm(parameters: &[Tensor], limit: f64) -> f64 {
    let _guard = tch::no_grad_guard();
    let gradients: Vec<Tensor> = parameters.iter().map(Tensor::grad).filter(Tensor::defined).collect();
    let norms: Vec<Tensor> = gradients.iter().map(|gradient| gradient.norm().to_kind(Kind::Float)).collect();
    if norms.is_empty() {
        return 0.0;
    }
    let norm = Tensor::stack(&norms, 0).norm().double_value(&[]);
    let factor = limit / (norm + 1e-6);
    if factor < 1.0 {
        for mut gradient in gradients {
            let _ = gradient.g_mul_scalar_(factor);
        }
    }
    norm
}
