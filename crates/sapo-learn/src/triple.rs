//! What the wording of one task does to others: the protocol of the paper's section 3 on one triple of tasks.
//!
//! T1 has been seen, T2 is trained now, T3a, T3b, ... are never trained:
//!
//! 1. train T1 under its original instruction, from the base;
//! 2. in that one state measure every wording of T2 with every probe, and for some of them how the first gradient on T2
//!    lies to those on T1 and on each T3;
//! 3. for every wording: train T2 under it, score T1 and each T3 under their originals and T2 under the wording, and go
//!    back to the state after T1.
//!
//! The trainings of step 3 are paired: the same rows in the same order, the same initial adapter, the same dropout.
//!
//! What is found stands in the record's `measurements`, a row for each wording and quantity ([`quantity`]). `scores` and
//! `predictions` hold the original wording alone: step 1 is the state after T1, step 2 that after T2. The answers under
//! the paraphrases are not kept, so the scores under those cannot be computed again from the record.
//!
//! # Source
//! Shi et al. 2026 (arXiv 2606.01967), sections 3 and 5.

use std::time::Instant;

use sapo_bench::{EvaluationConfig, evaluate};
use sapo_lab::Told;
use sapo_lab::record::{Measurement, RunRecord, VariantLoss};
use sapo_model::{LanguageModel, LoraConfig};
use sapo_probes::gradients::{LoraGradient, task_gradient};
use sapo_probes::{FreshLora, Kept, PreUpdateLoss, Probe, ProbeConfig, ProbeContext, ProbeError, Setting};
use sapo_prompts::{Instruction, PromptPool, PromptVariant};
use sapo_tasks::{Example, Task};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::course::Course;
use crate::methods::{Lesson, LoraInc, Method, StreamTask};
use crate::recorder::Recorder;
use crate::sapo::drawn_subset;
use crate::wordings::OneWording;
use crate::{Checkpoints, LearnError, NoTerm, TrainConfig, Training, Workplace, derive_seed, train};

/// Everything that decides what comes of a triple, but for the model, the tasks and the seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TripleConfig {
    /// The adapter that T1 is trained with, and T2 after it.
    pub lora: LoraConfig,
    /// Training on T1 and on T2.
    pub train: TrainConfig,
    /// Scoring.
    pub evaluation: EvaluationConfig,
    /// Training rows of each task that probes and gradients look at.
    pub examples: usize,
    /// Padded tokens in one batch of a probe.
    pub token_budget: usize,
    /// What every wording is asked before training.
    pub probes: Vec<ProbeConfig>,
    /// The wordings whose gradients are compared: their ranks by pre-update loss, 1 being the lowest.
    pub conflict_ranks: Vec<usize>,
}

/// How the rows of a triple's `measurements` name what was measured.
pub mod quantity {
    /// A probe's number, in its own unit and direction.
    pub fn probe(name: &str) -> String {
        format!("probe:{name}")
    }

    /// The score of the task of this role after training T2, 0 to 100.
    pub fn score(metric: &str, role: &str) -> String {
        format!("score:{metric}:{role}")
    }

    /// The cosine of the first gradient on T2 with that on the task of this role, all modules together.
    pub fn cosine(role: &str) -> String {
        format!("cosine:{role}")
    }

    /// The same of one LoRA-B matrix.
    pub fn cosine_of(role: &str, module: &str) -> String {
        format!("cosine:{role}:{module}")
    }
}

/// What the task at this place of a triple is called: `T1`, `T2`, `T3a`, `T3b`, ...
pub fn role(place: usize) -> String {
    match place {
        0 | 1 => format!("T{}", place + 1),
        _ => format!("T3{}", char::from(b'a'.saturating_add(place as u8 - 2))),
    }
}

const SEEN: usize = 0;
const CURRENT: usize = 1;

/// Runs the protocol on `tasks`, which are T1, T2 and at least one T3; `pool` holds the wordings of T2.
///
/// Where the workplace keeps progress, a run that ended early goes on at the next wording, `model` being the untouched
/// one again, and comes to the same, seconds excepted.
///
/// # Errors
/// Names the task and what failed. A number that a probe cannot define is left out and is no error.
pub fn run_triple(
    model: &mut LanguageModel,
    tasks: &[Task],
    pool: &PromptPool,
    config: &TripleConfig,
    seed: u64,
    workplace: &Workplace<'_>,
    on_progress: &mut dyn FnMut(Told),
) -> Result<RunRecord, LearnError> {
    if tasks.len() < 3 {
        let expected = "T1, T2 and at least one T3";
        return Err(LearnError::Setting { name: "tasks", got: tasks.len().to_string(), expected });
    }
    let wordings = pool.variants();
    let triple = Triple { tasks, wordings, config, seed, workplace };
    let mut run = Recorder::of_phases(4 + wordings.len(), workplace.progress, on_progress);

    run.begin("train", &tasks[SEEN].name);
    triple.learn_seen(model, &mut run)?;
    let model = &*model; // the state after T1, from here on

    run.begin("evaluate", &format!("after {}", tasks[SEEN].name));
    let originals: Vec<Instruction> = tasks.iter().map(|task| task.instruction.clone()).collect();
    run.evaluate_all(model, tasks, &originals, 1, &config.evaluation)?;

    run.begin("measure", &format!("wordings of {}", tasks[CURRENT].name));
    let losses = triple.measure(model, &mut run)?;
    run.begin("compare", "gradients");
    run.unit("conflict", |run| triple.compare_gradients(model, &losses, run))?;

    for (place, wording) in wordings.iter().enumerate() {
        run.begin("train", &format!("{} under {}", tasks[CURRENT].name, wording.id));
        let checkpoints = workplace.progress.map(|progress| progress.checkpoints(2 + place));
        run.unit(&format!("wording-{place}"), |run| {
            let lora = &config.lora;
            // beside the weights and taken off again, so that the state after T1 is never left
            model.with_trial_lora(lora, triple.training_seed(2), |adapter| {
                Ok(triple.train_and_score(model, adapter, place, checkpoints.as_ref(), run))
            })?
        })?;
        checkpoints.as_ref().map_or(Ok(()), Checkpoints::remove)?;
    }
    Ok(run.end())
}

struct Triple<'a> {
    tasks: &'a [Task],
    wordings: &'a [PromptVariant],
    config: &'a TripleConfig,
    seed: u64,
    workplace: &'a Workplace<'a>,
}

impl Triple<'_> {
    fn training_seed(&self, step: usize) -> u64 {
        derive_seed(self.seed, "training", step)
    }

    /// Trains T1, or takes up what an earlier process has trained.
    fn learn_seen(&self, model: &mut LanguageModel, run: &mut Recorder<'_>) -> Result<(), LearnError> {
        const UNIT: &str = "train-1";
        let (task, progress) = (&self.tasks[SEEN], self.workplace.progress);
        let method = LoraInc { lora: self.config.lora.clone() };
        if progress.is_some_and(|progress| progress.has(UNIT)) {
            method.recall(model, self.workplace.artifacts, 1)?;
        }
        let checkpoints = progress.map(|progress| progress.checkpoints(1));
        run.unit(UNIT, |run| {
            let original = PromptPool::new(task.instruction.clone(), task.labels.clone(), Vec::new())
                .map_err(|error| LearnError::Pool { task: task.name.clone(), problem: error.to_string() })?;
            let seed = self.training_seed(1);
            let (time, doing, mut course) = (
                Checkpoints::stopwatch(checkpoints.as_ref())?,
                format!("train: {}", task.name),
                Course::default(),
            );
            let lesson = Lesson {
                step: 1,
                stream: &[StreamTask { task, wording: &task.instruction, seed }],
                candidates: original.variants(),
                texts: &mut OneWording::new(task, original.variants(), 0),
                train: &self.config.train,
                seed,
                artifacts: self.workplace.artifacts,
                checkpoints: checkpoints.as_ref(),
                on_step: &mut |outcome| course.note(run, &doing, 1, original.variants(), &outcome),
            };
            method.learn(model, lesson)?;
            run.note_seconds(1, "train", time(), course.tokens);
            Ok(())
        })?;
        checkpoints.map_or(Ok(()), |checkpoints| checkpoints.remove())
    }

    /// Rows of a task for probes and gradients.
    fn sample(&self, place: usize) -> Result<Vec<Example>, LearnError> {
        // those of T2 are the rows that SAPO would select on
        let purpose = if place == CURRENT { "selection subset" } else { "kept rows" };
        drawn_subset(&self.tasks[place], self.config.examples, derive_seed(self.seed, purpose, place + 1))
    }

    fn fresh_adapter(&self) -> FreshLora {
        FreshLora { config: self.config.lora.clone(), seed: self.training_seed(2) }
    }

    /// Asks every probe about every wording of T2; returns the pre-update losses.
    fn measure(&self, model: &LanguageModel, run: &mut Recorder<'_>) -> Result<Vec<f64>, LearnError> {
        let (task, seen) = (&self.tasks[CURRENT], &self.tasks[SEEN]);
        let (examples, kept) = (self.sample(CURRENT)?, self.sample(SEEN)?);
        let kept = [Kept { task: seen, wording: &seen.instruction, examples: &kept }];
        let mut context = ProbeContext::new(Setting {
            model,
            task,
            examples: &examples,
            token_budget: self.config.token_budget,
            kept: &kept,
            adapter: self.fresh_adapter(),
        });
        let probes: Vec<Box<dyn Probe>> = self.config.probes.iter().map(|probe| probe.build()).collect();
        let mut losses = Vec::new();
        for (place, wording) in self.wordings.iter().enumerate() {
            losses.push(run.unit(&format!("measure-{place}"), |run| {
                let (started, before) = (Instant::now(), context.spent().forward);
                for probe in &probes {
                    if let Some(measured) = defined(probe.measure(&mut context, &wording.text))? {
                        run.note_measured(wording, quantity::probe(probe.about().name), measured.value);
                    }
                }
                let loss = PreUpdateLoss::default().measure(&mut context, &wording.text)?.value;
                run.record.variant_losses.push(VariantLoss {
                    step: 2,
                    task_name: task.name.clone(),
                    variant: wording.id.clone(),
                    text: wording.text.to_string(),
                    loss: Some(loss),
                    examples: examples.len() as u32,
                    chosen: false, // nothing is chosen: T2 is trained under each
                });
                run.note_usage(2, "select", started, context.spent().forward - before);
                Ok(loss)
            })?);
        }
        Ok(losses)
    }

    /// The cosines of the first gradient on T2, under the wordings of some ranks, with those on the other tasks.
    fn compare_gradients(
        &self,
        model: &LanguageModel,
        losses: &[f64],
        run: &mut Recorder<'_>,
    ) -> Result<(), LearnError> {
        let started = Instant::now();
        let mut tokens = 0;
        let mut gradient = |place: usize, wording: &Instruction| -> Result<LoraGradient, LearnError> {
            let (task, examples) = (&self.tasks[place], self.sample(place)?);
            let budget = self.config.token_budget;
            let (gradient, took) =
                task_gradient(model, &self.fresh_adapter(), task, wording, &examples, budget)?;
            tokens += took.forward;
            Ok(gradient)
        };
        let mut others = Vec::new();
        if !self.config.conflict_ranks.is_empty() {
            for place in (0..self.tasks.len()).filter(|&place| place != CURRENT) {
                others.push((role(place), gradient(place, &self.tasks[place].instruction)?));
            }
        }
        for place in of_ranks(losses, &self.config.conflict_ranks) {
            let wording = &self.wordings[place];
            let own = gradient(CURRENT, &wording.text)?;
            for (role, other) in &others {
                // without a direction there is no cosine
                let Ok(alignment) = own.alignment(other) else { continue };
                run.note_measured(wording, quantity::cosine(role), alignment.joined);
                for (module, cosine) in alignment.modules {
                    run.note_measured(wording, quantity::cosine_of(role, &module), cosine);
                }
            }
        }
        run.note_usage(2, "gradients", started, tokens);
        Ok(())
    }

    /// Trains T2 under one wording and scores all tasks.
    fn train_and_score(
        &self,
        model: &LanguageModel,
        adapter: &[(String, (Tensor, Tensor))],
        place: usize,
        checkpoints: Option<&Checkpoints>,
        run: &mut Recorder<'_>,
    ) -> Result<(), LearnError> {
        let (task, wording) = (&self.tasks[CURRENT], &self.wordings[place]);
        let pairs = adapter.iter().map(|(_, (a, b))| [a.shallow_clone(), b.shallow_clone()]);
        let mut texts = OneWording::new(task, self.wordings, place);
        let training = Training { config: &self.config.train, seed: self.training_seed(2), checkpoints };
        let (doing, mut course) = (format!("train: {} under {}", task.name, wording.id), Course::default());
        let time = Checkpoints::stopwatch(checkpoints)?;
        train(model, pairs.flatten().collect(), &mut texts, &mut NoTerm, training, |outcome| {
            course.note(run, &doing, 2, self.wordings, &outcome);
        })?;
        run.note_seconds(2, "train", time(), course.tokens);
        for (place, task) in self.tasks.iter().enumerate() {
            let prompt = if place == CURRENT { &wording.text } else { &task.instruction };
            self.score(model, place, prompt, wording, run)?;
        }
        Ok(())
    }

    fn score(
        &self,
        model: &LanguageModel,
        place: usize,
        prompt: &Instruction,
        wording: &PromptVariant,
        run: &mut Recorder<'_>,
    ) -> Result<(), LearnError> {
        let (task, started) = (&self.tasks[place], Instant::now());
        let evaluation = evaluate(model, task, prompt, &task.test, &self.config.evaluation)?;
        for scores in &evaluation.scores {
            let quantity = quantity::score(scores.metric.name(), &role(place));
            run.note_measured(wording, quantity, scores.mean());
        }
        run.note_usage(2, "evaluate", started, evaluation.forward_tokens);
        if wording.id == sapo_prompts::ORIGINAL_ID {
            run.note_evaluation(task, (2, place + 1), evaluation);
        }
        Ok(())
    }
}

impl Recorder<'_> {
    fn note_measured(&mut self, wording: &PromptVariant, quantity: String, value: f64) {
        self.record.measurements.push(Measurement { subject: wording.id.clone(), quantity, value });
    }
}

/// A number, or none where it is not defined for this wording.
fn defined<T>(measured: Result<T, ProbeError>) -> Result<Option<T>, ProbeError> {
    match measured {
        Ok(value) => Ok(Some(value)),
        Err(ProbeError::Undefined { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The places of losses by their rank, the lowest first; of equal losses the first comes first.
pub fn by_rank(losses: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..losses.len()).collect();
    order.sort_by(|&a, &b| losses[a].total_cmp(&losses[b]));
    order
}

/// The places of the losses that have these ranks, 1 being the lowest. A rank beyond the last is no place.
fn of_ranks(losses: &[f64], ranks: &[usize]) -> Vec<usize> {
    let order = by_rank(losses);
    ranks.iter().filter_map(|rank| order.get(rank.checked_sub(1)?).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_counted_from_the_lowest_loss() {
        assert_eq!(of_ranks(&[0.5, 0.1, 0.9, 0.1], &[1, 2, 4, 5, 0]), [1, 3, 2]);
    }

    #[test]
    fn roles_are_those_of_the_paper() {
        let roles: Vec<String> = (0..5).map(role).collect();
        assert_eq!(roles, ["T1", "T2", "T3a", "T3b", "T3c"]);
    }
}
