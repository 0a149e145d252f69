use std::ops::{Add, AddAssign};

use crate::ProbeError;

/// Tokens that went through the model; fillers and padding do not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Forward: prompts, targets and generated tokens, what texts share once.
    pub forward: u64,
    /// Backward too; each of them also counts as forward.
    pub backward: u64,
}

/// One number with what it took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measurement {
    /// The number, always finite.
    pub value: f64,
    /// Tokens that this number takes where it is asked for alone. What is computed once for all wordings of a task (the
    /// gradients of earlier tasks) is not in it.
    pub tokens: Tokens,
}

impl Tokens {
    /// Forward only.
    pub(crate) fn forward(tokens: usize) -> Self {
        Self { forward: tokens as u64, backward: 0 }
    }

    /// Forward and back again.
    pub(crate) fn both_ways(tokens: usize) -> Self {
        Self { forward: tokens as u64, backward: tokens as u64 }
    }
}

impl Add for Tokens {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { forward: self.forward + other.forward, backward: self.backward + other.backward }
    }
}

impl AddAssign for Tokens {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Measurement {
    /// A finite number, or the error that says that it is none.
    pub(crate) fn new(task: &str, value: f64, tokens: Tokens) -> Result<Self, ProbeError> {
        if value.is_finite() {
            Ok(Self { value, tokens })
        } else {
            Err(ProbeError::Undefined { task: task.to_string(), problem: format!("the value is {value}") })
        }
    }
}
