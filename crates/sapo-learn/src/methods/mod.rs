//! How to train on the next task without forgetting: one file a method, one line in [`MethodConfig`].

mod lora_inc;

use std::path::Path;

pub use lora_inc::LoraInc;
use sapo_model::{LanguageModel, LoraConfig};
use serde::{Deserialize, Serialize};

use crate::{LearnError, TrainConfig, TrainOutcome, TrainingTexts};

/// One task to learn.
pub struct Lesson<'a> {
    /// Position of the task in the stream, from 1.
    pub step: usize,
    /// The training examples, in the wording of each step; a method that adds examples of its own wraps them.
    pub texts: &'a mut dyn TrainingTexts,
    /// How to train.
    pub train: &'a TrainConfig,
    /// Seed of this task's initialisation, order and dropout.
    pub seed: u64,
    /// Where to keep what was learnt.
    pub artifacts: &'a Path,
}

/// A continual-learning method.
pub trait Method {
    /// Learns one task and leaves the model ready to be evaluated.
    ///
    /// # Errors
    /// When training fails or what was learnt cannot be kept.
    fn learn(
        &mut self,
        model: &mut LanguageModel,
        lesson: Lesson<'_>,
        on_step: &mut dyn FnMut(TrainOutcome),
    ) -> Result<(), LearnError>;
}

/// A method by its name, with its parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum MethodConfig {
    /// A new LoRA a task; earlier ones stay frozen and add up.
    LoraInc(LoraConfig),
}

impl MethodConfig {
    /// The adapter that the training of a task begins with, its seed being the lesson's.
    pub fn adapter(&self) -> &LoraConfig {
        match self {
            Self::LoraInc(lora) => lora,
        }
    }

    /// The method itself, before its first task.
    pub fn build(&self) -> Box<dyn Method> {
        match self {
            Self::LoraInc(lora) => Box::new(LoraInc::new(lora.clone())),
        }
    }
}
