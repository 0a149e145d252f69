//! AdamW with f32 state, and clipping of the gradient norm.
//!
//! # Source
//! Loshchilov and Hutter 2019 (arXiv 1711.05101); arithmetic in the order of `torch.optim.AdamW`.

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
#[derive(Debug)]
pub struct AdamW {
    config: AdamWConfig,
    parameters: Vec<Tensor>,
    first_moments: Vec<Tensor>,
    second_moments: Vec<Tensor>,
    steps: i32,
}

impl AdamW {
    /// Starts with zero moments. Weight decay acts on matrices only, not on norms and biases.
    pub fn new(parameters: Vec<Tensor>, config: AdamWConfig) -> Self {
        let zeros = || parameters.iter().map(Tensor::zeros_like).collect();
        let (first_moments, second_moments) = (zeros(), zeros());
        Self { config, parameters, first_moments, second_moments, steps: 0 }
    }

    /// One step with the gradients that the last backward pass left, which it then clears.
    pub fn step(&mut self, learning_rate: f64) {
        let _guard = tch::no_grad_guard();
        self.steps += 1;
        let AdamWConfig { beta1, beta2, eps, weight_decay } = self.config;
        let first_correction = 1.0 - beta1.powi(self.steps);
        let second_correction = 1.0 - beta2.powi(self.steps);
        for (i, parameter) in self.parameters.iter_mut().enumerate() {
            let gradient = parameter.grad();
            if !gradient.defined() {
                continue;
            }
            if weight_decay > 0.0 && parameter.dim() > 1 {
                let _ = parameter.g_mul_scalar_(1.0 - learning_rate * weight_decay);
            }
            let (m, v) = (&mut self.first_moments[i], &mut self.second_moments[i]);
            let _ = m.lerp_(&gradient, 1.0 - beta1);
            let _ = v.g_mul_scalar_(beta2);
            let _ = v.addcmul_(&gradient, &(&gradient * (1.0 - beta2)));
            let denominator = (v.sqrt() / second_correction.sqrt()) + eps;
            let _ = parameter.addcdiv_(&(&*m * (-learning_rate / first_correction)), &denominator);
            parameter.zero_grad();
        }
    }

    /// The parameters it updates.
    pub fn parameters(&self) -> &[Tensor] {
        &self.parameters
    }

    /// Steps taken, and both lists of moments, for checkpoints.
    pub fn state(&self) -> (i32, &[Tensor], &[Tensor]) {
        (self.steps, &self.first_moments, &self.second_moments)
    }

    /// Puts back a state that [`AdamW::state`] gave.
    pub fn restore(&mut self, steps: i32, first_moments: Vec<Tensor>, second_moments: Vec<Tensor>) {
        self.steps = steps;
        self.first_moments = first_moments;
        self.second_moments = second_moments;
    }
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
