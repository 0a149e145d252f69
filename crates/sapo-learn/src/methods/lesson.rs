use std::path::{Path, PathBuf};

use sapo_model::{Encoded, LanguageModel, Lora, LoraConfig, ModelError, model_name};
use sapo_prompts::{Instruction, PromptVariant};
use sapo_tasks::{Task, layout};
use tch::Tensor;

use crate::{
    Checkpoints, Joined, LearnError, LossTerm, TrainConfig, TrainOutcome, Training, TrainingTexts, train,
};

/// One task to learn.
pub struct Lesson<'a> {
    /// Position of the task in the stream, from 1.
    pub step: usize,
    /// The whole stream.
    pub stream: &'a [StreamTask<'a>],
    /// The wordings that could be chosen for the task, as `texts` numbers them.
    pub candidates: &'a [PromptVariant],
    /// The task's training examples, in the wording of each step.
    pub texts: &'a mut dyn TrainingTexts,
    /// How to train.
    pub train: &'a TrainConfig,
    /// Seed of this task's initialisation, order and dropout.
    pub seed: u64,
    /// Where to keep what was learnt; what earlier tasks left is still there.
    pub artifacts: &'a Path,
    /// Where the training writes its state down, and takes up what an earlier process left of it; absent: nowhere.
    pub checkpoints: Option<&'a Checkpoints>,
    /// Hears of every optimiser step.
    pub on_step: &'a mut dyn FnMut(TrainOutcome),
}

/// A task of the stream as a method may use it.
#[derive(Debug, Clone, Copy)]
pub struct StreamTask<'a> {
    /// The task.
    pub task: &'a Task,
    /// What it is prompted with now: the chosen wording where one was chosen already, the original instruction elsewhere.
    pub wording: &'a Instruction,
    /// Seed of its own training.
    pub seed: u64,
}

impl<'a> Lesson<'a> {
    /// The task to learn.
    ///
    /// # Panics
    /// Where `step` is no position of the stream.
    pub fn task(&self) -> StreamTask<'a> {
        self.stream[self.step - 1]
    }

    /// The tasks before it.
    pub fn earlier(&self) -> &'a [StreamTask<'a>] {
        &self.stream[..self.step - 1]
    }

    /// The tasks after it.
    pub fn later(&self) -> &'a [StreamTask<'a>] {
        &self.stream[self.step..]
    }

    /// Trains `parameters` on the task's examples and on those that a method adds, with the method's term of the loss.
    ///
    /// # Errors
    /// As [`train`].
    pub fn fit(
        &mut self,
        model: &LanguageModel,
        parameters: Vec<Tensor>,
        added: &[Encoded],
        term: &mut dyn LossTerm,
    ) -> Result<(), LearnError> {
        let training = self.training();
        let mut texts = Joined { texts: &mut *self.texts, added };
        train(model, parameters, &mut texts, term, training, &mut *self.on_step)
    }

    /// How to train.
    pub(super) fn training(&self) -> Training<'a> {
        Training { config: self.train, seed: self.seed, checkpoints: self.checkpoints }
    }

    /// The folder of the adapter that a step leaves.
    pub fn adapter(&self, step: usize) -> PathBuf {
        adapter(self.artifacts, step)
    }

    /// Keeps what the task has taught an adapter, as `adapter-<step>/` in PEFT's format.
    ///
    /// # Errors
    /// Names the file that cannot be written.
    pub fn keep(&self, model: &LanguageModel, adapter: &Lora) -> Result<(), LearnError> {
        Ok(adapter.save(&self.adapter(self.step), &model_name(model.path()))?)
    }
}

impl StreamTask<'_> {
    /// Training rows in the task's wording.
    ///
    /// # Errors
    /// When one does not fit the model.
    pub fn encode(
        &self,
        model: &LanguageModel,
        rows: impl IntoIterator<Item = usize>,
    ) -> Result<Vec<Encoded>, LearnError> {
        let encode = |row: usize| {
            let example = &self.task.train[row];
            let prompt = layout::prompt(self.task, self.wording, &example.input);
            let encoded = model.codec().encode_example(&prompt, example.target())?;
            encoded.check(row, model.max_tokens())?;
            Ok(encoded)
        };
        rows.into_iter()
            .map(encode)
            .collect::<Result<_, ModelError>>()
            .map_err(|source| LearnError::OtherTask { task: self.task.name.clone(), source })
    }
}

/// The folder of the adapter that a step leaves among the artifacts.
fn adapter(artifacts: &Path, step: usize) -> PathBuf {
    artifacts.join(format!("adapter-{step}"))
}

/// Folds the adapters of the first `steps` tasks into the weights, as methods do that put one on afresh for every task.
pub(super) fn fold_adapters(
    model: &mut LanguageModel,
    artifacts: &Path,
    steps: usize,
) -> Result<(), LearnError> {
    (1..=steps).try_for_each(|step| Ok(model.fold_adapter(&Lora::open(&adapter(artifacts, step))?)?))
}

/// Puts the adapter on that a step left, as methods do that keep one throughout.
pub(super) fn attach_adapter(
    model: &mut LanguageModel,
    artifacts: &Path,
    step: usize,
) -> Result<(), LearnError> {
    Ok(model.attach_adapter(&Lora::open(&adapter(artifacts, step))?)?)
}

/// The trainable tensors of the one adapter that methods with one adapter throughout keep attached: put on before the
/// first task, as earlier tasks left it after that.
pub(super) fn one_adapter(
    model: &mut LanguageModel,
    lora: &LoraConfig,
    seed: u64,
) -> Result<Vec<Tensor>, LearnError> {
    if model.named_lora().is_empty() {
        model.attach_lora(lora, seed)?;
    }
    Ok(model.lora_parameters())
}

/// The paper's adapter of a rank: alpha 32, dropout 0.1, on the query and value projections.
pub(super) fn paper_lora(r: i64) -> LoraConfig {
    LoraConfig { r, ..LoraConfig::default() }
}
