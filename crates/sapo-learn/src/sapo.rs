//! State-Adaptive Prompt Optimization: the paper's Algorithm 1 around any method.
//!
//! For each task t of a stream, with the model in state theta_(t-1):
//!
//! 1. take the candidates: the original instruction and its paraphrases;
//! 2. measure the loss of each on a random subset of the task's training data, forward only;
//! 3. choose the one of the lowest loss (other selectors make the control arms);
//! 4. train on the task with the chosen wording, which is also its evaluation prompt from then on.
//!
//! With `reselection` the wording is chosen again while a task trains (not in the paper); its evaluation prompt is then
//! the wording that most of its steps were trained with. Tasks that are not yet trained are evaluated with their original
//! instruction.
//!
//! # Source
//! Shi et al. 2026 (arXiv 2606.01967), Algorithm 1 and section 4.1.

use std::path::Path;
use std::time::Instant;

use sapo_bandit::SelectorConfig;
use sapo_bench::EvaluationConfig;
use sapo_lab::record::{RunRecord, TrainingStep};
use sapo_model::{Encoded, LanguageModel};
use sapo_probes::FreshLora;
use sapo_prompts::{Instruction, PromptPool, PromptVariant};
use sapo_tasks::{Example, Task, TaskStream, layout, subset};
use serde::{Deserialize, Serialize};

use crate::candidates::Candidates;
use crate::interference::{Foresight, InterferenceConfig, LearntTasks};
use crate::methods::{Lesson, Method, MethodConfig};
use crate::recorder::Recorder;
use crate::reselection::{ProbeCost, Reselecting, ReselectionConfig, most_used};
use crate::selection::{Choice, SelectionConfig, choose_with};
use crate::texts::{FixedTexts, TrainingTexts};
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
    /// What `interference-aware` needs, and no other rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interference: Option<InterferenceConfig>,
    /// How they are chosen again while a task trains; absent: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reselection: Option<ReselectionConfig>,
    /// How the next task is learnt.
    pub method: MethodConfig,
    /// Training on one task.
    pub train: TrainConfig,
    /// Evaluation after each task.
    pub evaluation: EvaluationConfig,
}

impl StreamConfig {
    /// The adapter with which the training of a lesson with this seed begins.
    fn fresh_adapter(&self, seed: u64) -> FreshLora {
        FreshLora { config: self.method.adapter().clone(), seed }
    }

    fn check(&self) -> Result<(), LearnError> {
        let asks = matches!(self.selection.selector, SelectorConfig::InterferenceAware(_));
        if asks == self.interference.is_some() {
            return Ok(());
        }
        Err(LearnError::Setting {
            name: "interference",
            got: if asks { "nothing" } else { "a value" }.to_string(),
            expected: "a value for the selector interference-aware, and for no other",
        })
    }
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
    config.check()?;
    let mut learnt = config.interference.map(LearntTasks::none);
    let mut prompts: Vec<Instruction> = tasks.iter().map(|task| task.instruction.clone()).collect();
    let mut method = config.method.build();
    let mut run = Recorder::new(tasks.len(), on_progress);

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
        let mut foresight = learnt.as_ref().map(|learnt| Foresight {
            learnt,
            model,
            task,
            examples: &asked,
            adapter: config.fresh_adapter(derive_seed(seed, "training", step)),
            step: config.train.first_step(),
            token_budget: budget,
            probe: None,
            cost: ProbeCost::default(),
        });
        let (selection, looking_ahead) = (&config.selection, foresight.as_mut());
        let choice = choose_with(model, task, &pool, &asked, selection, selection_seed, looking_ahead)?;
        run.note_choice(step, task, &choice, started);
        if let Some(cost) = foresight.map(|foresight| foresight.cost) {
            run.note_seconds(step, "interference", cost.seconds, cost.tokens);
        }

        run.begin("train", &task.name);
        let mut training = Training { step, task, config, seed, artifacts, method: method.as_mut() };
        prompts[t] = match &config.reselection {
            None => training.under(&choice.variant, model, &mut run)?,
            Some(again) => training.choosing_again(again, &choice, model, &mut run)?,
        };

        if let Some(learnt) = &mut learnt {
            learnt.keep(task, &prompts[t], derive_seed(seed, "kept rows", step));
        }

        run.begin("evaluate", &format!("after {}", task.name));
        run.evaluate_all(model, tasks, &prompts, step, &config.evaluation)?;
    }
    Ok(run.end())
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

/// The training of one task.
struct Training<'a> {
    step: usize,
    task: &'a Task,
    config: &'a StreamConfig,
    seed: u64,
    artifacts: &'a Path,
    method: &'a mut dyn Method,
}

impl Training<'_> {
    /// Trains under one wording, which is the task's prompt from then on.
    fn under(
        &mut self,
        wording: &PromptVariant,
        model: &mut LanguageModel,
        run: &mut Recorder<'_>,
    ) -> Result<Instruction, LearnError> {
        let started = Instant::now();
        let examples = encode_training(model, self.task, &wording.text)?;
        let course = self.learn(&mut FixedTexts(&examples), std::slice::from_ref(wording), model, run)?;
        run.note_usage(self.step, "train", started, course.tokens);
        Ok(wording.text.clone())
    }

    /// Trains while the wording is chosen again; returns the one that is the task's prompt from then on.
    fn choosing_again(
        &mut self,
        again: &ReselectionConfig,
        choice: &Choice,
        model: &mut LanguageModel,
        run: &mut Recorder<'_>,
    ) -> Result<Instruction, LearnError> {
        let started = Instant::now();
        let selection = &self.config.selection;
        let wordings: Vec<PromptVariant> =
            choice.candidates.iter().map(|(variant, _)| variant.clone()).collect();
        let known = choice.losses_on(selection.examples.min(self.task.train.len()));
        let seed = derive_seed(self.seed, "reselection", self.step);
        let mut texts = Reselecting::start(
            self.task,
            &wordings,
            choice.winner,
            &known,
            again,
            selection.token_budget,
            seed,
        );
        let course = self.learn(&mut texts, &wordings, model, run)?;
        let probes = texts.cost();
        let seconds = started.elapsed().as_secs_f64() - probes.seconds;
        run.note_seconds(self.step, "train", seconds, course.tokens);
        run.note_seconds(self.step, "reselect", probes.seconds, probes.tokens);
        let prompt = most_used(&course.wording_by_step).map_or(choice.winner, |&wording| wording);
        Ok(wordings[prompt].text.clone())
    }

    /// Lets the method learn the task from these texts, whose source numbers its wordings as `wordings` does.
    fn learn(
        &mut self,
        texts: &mut dyn TrainingTexts,
        wordings: &[PromptVariant],
        model: &mut LanguageModel,
        run: &mut Recorder<'_>,
    ) -> Result<Course, LearnError> {
        let (step, train, artifacts) = (self.step, &self.config.train, self.artifacts);
        let seed = derive_seed(self.seed, "training", step);
        let lesson = Lesson { step, texts, train, seed, artifacts };
        let mut course = Course::default();
        self.method.learn(model, lesson, &mut |outcome| {
            course.tokens += outcome.tokens as u64;
            course.wording_by_step.push(outcome.wording);
            let done = format!("{}/{}", outcome.optimiser_step, outcome.total_steps);
            run.tell(&format!("train: {} {done}", self.task.name));
            run.record.training.push(TrainingStep {
                step: step as u32,
                optimiser_step: outcome.optimiser_step as u32,
                loss: outcome.loss,
                learning_rate: outcome.learning_rate,
                wording: wordings[outcome.wording].id.clone(),
            });
        })?;
        Ok(course)
    }
}

/// What came of it.
#[derive(Default)]
struct Course {
    tokens: u64,
    /// Number of the wording of each optimiser step.
    wording_by_step: Vec<usize>,
}
