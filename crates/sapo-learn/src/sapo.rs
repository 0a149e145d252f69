//! State-Adaptive Prompt Optimization: the paper's Algorithm 1 around any method.
//!
//! For each task t of a stream, with the model in state theta_(t-1):
//!
//! 1. take the candidates: the original instruction and its paraphrases;
//! 2. measure the loss of each on a random subset of the task's training data, forward only;
//! 3. choose the one of the lowest loss (other selectors make the control arms);
//! 4. train on the task with the chosen wording, which is also its evaluation prompt from then on.
//!
//! Tasks that are not yet trained are evaluated with their original instruction.
//!
//! # Source
//! Shi et al. 2026 (arXiv 2606.01967), Algorithm 1 and section 4.1.

use std::path::Path;
use std::time::Instant;

use sapo_bench::{EvaluationConfig, evaluate};
use sapo_lab::record::{Prediction, RunRecord, Score, TrainingStep, Usage, VariantLoss};
use sapo_model::{Encoded, LanguageModel};
use sapo_prompts::{Instruction, PromptPool};
use sapo_tasks::{Example, Task, TaskStream, layout, subset};
use serde::{Deserialize, Serialize};

use crate::candidates::Candidates;
use crate::methods::{Lesson, MethodConfig};
use crate::selection::{Choice, SelectionConfig, choose};
use crate::{LearnError, TrainConfig, derive_seed};

/// Everything that decides a run over a stream, but for the model, the stream and the seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamConfig {
    /// What is chosen from.
    #[serde(default, skip_serializing_if = "Candidates::is_given")]
    pub candidates: Candidates,
    /// How wordings are chosen.
    pub selection: SelectionConfig,
    /// How the next task is learnt.
    pub method: MethodConfig,
    /// Training on one task.
    pub train: TrainConfig,
    /// Evaluation after each task.
    pub evaluation: EvaluationConfig,
}

/// Runs the stream and returns everything that was found.
///
/// `pools[t]` holds the candidates of task t. All random draws come from `seed` and do not depend on the selector: arms
/// that share a seed share subsets, initial adapters, example order and dropout.
///
/// # Errors
/// Names the task and what failed.
pub fn run_stream(
    model: &mut LanguageModel,
    stream: &TaskStream,
    pools: &[PromptPool],
    config: &StreamConfig,
    seed: u64,
    artifacts: &Path,
    on_progress: &mut dyn FnMut(usize, usize, &str),
) -> Result<RunRecord, LearnError> {
    let tasks = &stream.tasks;
    if pools.len() != tasks.len() {
        return Err(LearnError::Setting {
            name: "pools",
            got: pools.len().to_string(),
            expected: "one pool for each task",
        });
    }
    let mut prompts: Vec<Instruction> = tasks.iter().map(|task| task.instruction.clone()).collect();
    let mut method = config.method.build();
    let mut run =
        Recorder { record: RunRecord::default(), units_done: 0, units: 3 * tasks.len() + 1, on_progress };

    run.begin("evaluate", "the untouched model");
    run.evaluate_all(model, tasks, &prompts, 0, &config.evaluation)?;
    for (t, task) in tasks.iter().enumerate() {
        let step = t + 1;

        run.begin("choose", &task.name);
        let asked =
            drawn_subset(task, config.selection.examples, derive_seed(seed, "selection subset", step))?;
        let started = Instant::now();
        let selection_seed = derive_seed(seed, "selection", step);
        let search_seed = derive_seed(seed, "search", step);
        let budget = config.selection.token_budget;
        let (pool, searched) = config.candidates.pool(model, task, &pools[t], &asked, budget, search_seed)?;
        if !config.candidates.is_given() {
            run.note_usage(step, "search", started, searched);
        }
        let started = Instant::now();
        let choice = choose(model, task, &pool, &asked, &config.selection, selection_seed)?;
        run.note_choice(step, task, &choice, started);
        prompts[t] = choice.variant.text;

        run.begin("train", &task.name);
        let started = Instant::now();
        let examples = encode_training(model, task, &prompts[t])?;
        let seed = derive_seed(seed, "training", step);
        let lesson = Lesson { step, examples: &examples, train: &config.train, seed, artifacts };
        let mut tokens = 0;
        method.learn(model, &lesson, &mut |outcome| {
            tokens += outcome.tokens as u64;
            run.tell(&format!("train: {} {}/{}", task.name, outcome.optimiser_step, outcome.total_steps));
            run.record.training.push(TrainingStep {
                step: step as u32,
                optimiser_step: outcome.optimiser_step as u32,
                loss: outcome.loss,
                learning_rate: outcome.learning_rate,
            });
        })?;
        run.note_usage(step, "train", started, tokens);

        run.begin("evaluate", &format!("after {}", task.name));
        run.evaluate_all(model, tasks, &prompts, step, &config.evaluation)?;
    }
    (run.on_progress)(run.units, run.units, "done");
    Ok(run.record)
}

/// Up to `count` training examples of a task, drawn without replacement.
fn drawn_subset(task: &Task, count: usize, seed: u64) -> Result<Vec<Example>, LearnError> {
    if task.train.is_empty() {
        return Err(LearnError::NoExamples { task: task.name.clone(), split: "training" });
    }
    Ok(subset(task.train.len(), count, seed).into_iter().map(|i| task.train[i].clone()).collect())
}

fn encode_training(
    model: &LanguageModel,
    task: &Task,
    instruction: &Instruction,
) -> Result<Vec<Encoded>, LearnError> {
    let encode = |example: &Example| {
        model.codec().encode_example(&layout::prompt(task, instruction, &example.input), example.target())
    };
    Ok(task.train.iter().map(encode).collect::<Result<_, _>>()?)
}

/// Fills the record as the run goes on.
struct Recorder<'a> {
    record: RunRecord,
    units_done: usize,
    units: usize,
    on_progress: &'a mut dyn FnMut(usize, usize, &str),
}

impl Recorder<'_> {
    fn begin(&mut self, phase: &str, what: &str) {
        self.tell(&format!("{phase}: {what}"));
        self.units_done += 1;
    }

    fn tell(&mut self, what: &str) {
        (self.on_progress)(self.units_done.min(self.units), self.units, what);
    }

    /// One row of the transfer matrix: every task under its current prompt.
    fn evaluate_all(
        &mut self,
        model: &LanguageModel,
        tasks: &[Task],
        prompts: &[Instruction],
        step: usize,
        config: &EvaluationConfig,
    ) -> Result<(), LearnError> {
        let started = Instant::now();
        let mut tokens = 0;
        for (t, (task, prompt)) in tasks.iter().zip(prompts).enumerate() {
            let evaluation = evaluate(model, task, prompt, &task.test, config)?;
            tokens += evaluation.forward_tokens;
            let (step, position) = (step as u32, t as u32 + 1);
            for (metric, value) in [("rouge_l", evaluation.rouge_l), ("exact_match", evaluation.exact_match)]
            {
                self.record.scores.push(Score {
                    step,
                    task: position,
                    task_name: task.name.clone(),
                    metric: metric.to_string(),
                    value,
                    examples: task.test.len() as u32,
                });
            }
            for (index, (prediction, example)) in
                evaluation.predictions.into_iter().zip(&task.test).enumerate()
            {
                let references = example.targets.clone();
                self.record.predictions.push(Prediction {
                    step,
                    task: position,
                    index: index as u32,
                    prediction,
                    references,
                });
            }
        }
        self.note_usage(step, "evaluate", started, tokens);
        Ok(())
    }

    fn note_choice(&mut self, step: usize, task: &Task, choice: &Choice, started: Instant) {
        for (variant, evidence) in &choice.candidates {
            self.record.variant_losses.push(VariantLoss {
                step: step as u32,
                task_name: task.name.clone(),
                variant: variant.id.clone(),
                text: variant.text.to_string(),
                loss: evidence.mean,
                examples: evidence.examples as u32,
                chosen: variant.id == choice.variant.id,
            });
        }
        self.note_usage(step, "select", started, choice.forward_tokens);
    }

    fn note_usage(&mut self, step: usize, phase: &str, started: Instant, forward_tokens: u64) {
        let seconds = started.elapsed().as_secs_f64();
        self.record.usage.push(Usage {
            step: step as u32,
            phase: phase.to_string(),
            seconds,
            forward_tokens,
        });
    }
}
