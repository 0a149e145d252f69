//! Fine-tuning on one task: epochs of shuffled batches, one optimiser.

use std::time::Instant;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use sapo_model::{Batch, Encoded, LanguageModel, native};
use sapo_probes::{FirstStep, Update};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::checkpoints::{Checkpoints, TrainingState};
use crate::texts::TrainingTexts;
use crate::{AdamW, AdamWConfig, LearnError, LossTerm, Schedule, clip_gradient_norm};

/// How to train on one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Passes over the training examples.
    pub epochs: usize,
    /// Examples an optimiser step.
    pub batch_size: usize,
    /// Examples that go through the model at once; a batch is accumulated from parts of this size.
    pub micro_batch_size: usize,
    /// The highest learning rate.
    pub learning_rate: f64,
    /// Share of all steps with rising learning rate.
    pub warmup_ratio: f64,
    /// Largest L2 norm of the gradient.
    pub max_gradient_norm: f64,
    /// Keep what each block reads and compute its inside again on the way back: less memory, more time, same gradient.
    pub gradient_checkpointing: bool,
    /// Constants of AdamW.
    pub adamw: AdamWConfig,
}

impl Default for TrainConfig {
    /// The paper's settings, 8 examples at a time.
    fn default() -> Self {
        Self {
            epochs: 10,
            batch_size: 64,
            micro_batch_size: 8,
            learning_rate: 1e-4,
            warmup_ratio: 0.05,
            max_gradient_norm: 1.0,
            gradient_checkpointing: false,
            adamw: AdamWConfig::default(),
        }
    }
}

/// What training reports for each optimiser step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TrainOutcome {
    /// From 1.
    pub optimiser_step: usize,
    /// All steps that this training takes.
    pub total_steps: usize,
    /// Mean nats per target token of the batch.
    pub loss: f64,
    /// Value of the method's own term of the loss, 0 where it has none.
    pub term: f64,
    /// Learning rate of the step.
    pub learning_rate: f64,
    /// Tokens of the batch without padding.
    pub tokens: usize,
    /// The wording of the batch, by the number that its source gives it.
    pub wording: usize,
    /// Wall-clock seconds of the step; absent where an earlier process took it.
    #[serde(skip)]
    pub seconds: Option<f64>,
}

impl TrainConfig {
    /// A step at the highest learning rate; that of the very first step is 0 where it is warmed up.
    pub(crate) fn first_step(&self) -> FirstStep {
        let (learning_rate, max_gradient_norm) = (self.learning_rate, self.max_gradient_norm);
        FirstStep { update: Update::Adamw, learning_rate, max_gradient_norm }
    }

    fn check(&self) -> Result<(), LearnError> {
        let at_least_one = [
            ("epochs", self.epochs),
            ("batch_size", self.batch_size),
            ("micro_batch_size", self.micro_batch_size),
        ];
        for (name, value) in at_least_one {
            if value == 0 {
                return Err(LearnError::Setting { name, got: value.to_string(), expected: "at least 1" });
            }
        }
        Ok(())
    }
}

/// How one training is done, but for the model and the texts.
#[derive(Debug, Clone, Copy)]
pub struct Training<'a> {
    /// The settings.
    pub config: &'a TrainConfig,
    /// Decides the order of the examples and the dropout.
    pub seed: u64,
    /// Where the state is written down, and taken up by the next process; absent: nowhere.
    pub checkpoints: Option<&'a Checkpoints>,
}

impl<'a> Training<'a> {
    /// A training that writes nothing down.
    pub fn of(config: &'a TrainConfig, seed: u64) -> Self {
        Self { config, seed, checkpoints: None }
    }
}

/// Trains `parameters` of `model` on the texts of a source; the loss is the mean over the target tokens of a batch, and
/// the method's `term` beside it ([`crate::NoTerm`] where there is none).
///
/// The order of the examples and the dropout follow from the seed alone. With checkpoints, the training of an earlier
/// process goes on where its last one was made, and `on_step` first hears of the steps before: model, texts and term have
/// to be those that it began with. On one machine the result is the same to the last bit.
///
/// # Errors
/// When the loss or its gradient is no longer a number, the source fails, an example does not fit the model (with its
/// index), or a checkpoint cannot be written or read; [`LearnError::Interrupted`] where the training was asked to stop.
pub fn train(
    model: &LanguageModel,
    parameters: Vec<Tensor>,
    texts: &mut dyn TrainingTexts,
    term: &mut dyn LossTerm,
    training: Training<'_>,
    mut on_step: impl FnMut(TrainOutcome),
) -> Result<(), LearnError> {
    let Training { config, seed, checkpoints } = training;
    config.check()?;
    // before the first step, and with the caller's index: a batch would count within itself
    texts.check(model)?;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    tch::manual_seed(seed as i64); // dropout; the generator is the process's, so a process trains one model at a time
    let examples = texts.examples();
    let total_steps = examples.div_ceil(config.batch_size) * config.epochs;
    let schedule = Schedule::with_warmup_ratio(config.learning_rate, config.warmup_ratio, total_steps);
    let mut optimizer = AdamW::new(parameters, config.adamw.clone());
    let mut log = match checkpoints {
        Some(checkpoints) => Log::take_up(checkpoints, &mut optimizer, texts, seed)?,
        None => Log::default(),
    };
    log.outcomes.iter().for_each(|&outcome| on_step(outcome));
    let done = log.outcomes.len();
    let mut order: Vec<usize> = (0..examples).collect();
    let mut step = 0;
    for _ in 0..config.epochs {
        order.shuffle(&mut rng);
        for members in order.chunks(config.batch_size) {
            step += 1;
            if step <= done {
                continue;
            }
            let begun = Instant::now();
            let batch = texts.batch(model, members)?;
            let loss = backward(model, &batch.texts, config)?;
            let term = term.add(model, &batch.texts)?;
            let gradient_norm = clip_gradient_norm(optimizer.parameters(), config.max_gradient_norm);
            // libtorch's fused attention can hide a NaN from the loss, but not from the gradient
            if !(loss.is_finite() && gradient_norm.is_finite()) {
                return Err(LearnError::Diverged { step, loss, gradient_norm });
            }
            let learning_rate = schedule.learning_rate(step - 1);
            optimizer.step(learning_rate);
            let (tokens, wording) = (batch.tokens(), batch.wording);
            let outcome = TrainOutcome {
                optimiser_step: step,
                total_steps,
                loss,
                term,
                learning_rate,
                tokens,
                wording,
                seconds: Some(begun.elapsed().as_secs_f64()),
            };
            on_step(outcome);
            if let Some(checkpoints) = checkpoints {
                log.outcomes.push(outcome);
                log.write_down(checkpoints, &optimizer, texts, seed)?;
            }
        }
    }
    Ok(())
}

/// The course of a training whose state is written down.
struct Log {
    outcomes: Vec<TrainOutcome>,
    earlier_seconds: f64,
    begun: Instant,
    written: Instant,
}

impl Default for Log {
    fn default() -> Self {
        let now = Instant::now();
        Self { outcomes: Vec::new(), earlier_seconds: 0.0, begun: now, written: now }
    }
}

impl Log {
    /// Goes on from the last checkpoint, if there is one.
    fn take_up(
        checkpoints: &Checkpoints,
        optimizer: &mut AdamW,
        texts: &mut dyn TrainingTexts,
        seed: u64,
    ) -> Result<Self, LearnError> {
        let Some(state) = checkpoints.restore(optimizer)? else { return Ok(Self::default()) };
        if (state.seed, state.examples) != (seed, texts.examples()) {
            return Err(LearnError::AnotherRun { folder: checkpoints.folder().into() });
        }
        texts.restore(state.texts)?;
        Ok(Self { outcomes: state.outcomes, earlier_seconds: state.seconds, ..Self::default() })
    }

    /// Makes a checkpoint where one is due; stops where that was asked for.
    fn write_down(
        &mut self,
        checkpoints: &Checkpoints,
        optimizer: &AdamW,
        texts: &dyn TrainingTexts,
        seed: u64,
    ) -> Result<(), LearnError> {
        let stop = checkpoints.stop_is_asked();
        if !(stop || checkpoints.is_due(self.written)) {
            return Ok(());
        }
        let generator = optimizer.parameters().first().map(native::generator_state).unwrap_or_default();
        let state = TrainingState {
            seed,
            examples: texts.examples(),
            generator,
            texts: texts.state(),
            outcomes: self.outcomes.clone(),
            seconds: self.earlier_seconds + self.begun.elapsed().as_secs_f64(),
        };
        checkpoints.save(optimizer, state)?;
        self.written = Instant::now();
        if stop { Err(LearnError::Interrupted) } else { Ok(()) }
    }
}

/// Accumulates the gradient of the mean loss over the target tokens of a batch; returns that loss in nats per token.
pub(crate) fn backward(
    model: &LanguageModel,
    batch: &[&Encoded],
    config: &TrainConfig,
) -> Result<f64, LearnError> {
    let all_targets: usize = batch.iter().map(|example| example.target_tokens()).sum();
    let mut loss = 0.0;
    for part in batch.chunks(config.micro_batch_size) {
        let part = Batch::new(part, model.max_tokens(), model.device())?;
        loss += model.backward(&part, 1.0 / all_targets as f64, config.gradient_checkpointing);
    }
    Ok(loss / all_targets as f64)
}
