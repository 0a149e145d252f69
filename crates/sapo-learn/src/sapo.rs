//! State-Adaptive Prompt Optimization: the paper's Algorithm 1 around any method.
//!
//! For each task t of a stream, with the model in state theta_(t-1):
//!
//! 1. take the candidates: the original instruction and its paraphrases;
//! 2. measure the loss of each on a random subset of the task's training data, forward only;
//! 3. choose the one of the lowest loss (other selectors make the control arms);
//! 4. train on the task with the chosen wording, which is also its evaluation prompt from then on.
//!
//! A method that learns all tasks at once ([`crate::methods::MultiTask`]) has steps 1 to 3 done for every task before the
//! first, and trains once.
//!
//! With `reselection` the wording is chosen again while a task trains (not in the paper); its evaluation prompt is then
//! the wording that most of its steps were trained with. Tasks that are not yet trained are evaluated with their original
//! instruction.
//!
//! # Source
//! Shi et al. 2026 (arXiv 2606.01967), Algorithm 1 and section 4.1.

use std::ops::Range;
use std::path::Path;
use std::time::Instant;

use sapo_bandit::SelectorConfig;
use sapo_bench::EvaluationConfig;
use sapo_lab::Told;
use sapo_lab::record::RunRecord;
use sapo_model::LanguageModel;
use sapo_probes::FreshLora;
use sapo_prompts::{Instruction, PromptPool, PromptVariant};
use sapo_tasks::{Example, Task, TaskStream, subset};
use serde::{Deserialize, Serialize};

use crate::candidates::Candidates;
use crate::course::Course;
use crate::interference::{Foresight, InterferenceConfig, LearntTasks};
use crate::methods::{Lesson, MethodConfig, StreamTask};
use crate::recorder::Recorder;
use crate::reselection::{ProbeCost, Reselecting, ReselectionConfig, most_used};
use crate::selection::{Choice, SelectionConfig, Under, choose_with};
use crate::texts::TrainingTexts;
use crate::wordings::OneWording;
use crate::{Checkpoints, LearnError, TrainConfig, TrainOutcome, Workplace, derive_seed};

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
    /// The adapter with which the training of a lesson with this seed begins, for a rule that looks ahead.
    fn fresh_adapter(&self, seed: u64) -> Result<FreshLora, LearnError> {
        let adapter = self.method.method().fresh_adapter().ok_or_else(|| LearnError::Setting {
            name: "selector",
            got: format!("interference-aware beside method {}", self.method.name()),
            expected: "a method that puts on a fresh adapter for every task",
        })?;
        Ok(FreshLora { config: adapter.clone(), seed })
    }

    fn check(&self) -> Result<(), LearnError> {
        let asks = matches!(self.selection.selector, SelectorConfig::InterferenceAware(_));
        if asks != self.interference.is_some() {
            return Err(LearnError::Setting {
                name: "interference",
                got: if asks { "nothing" } else { "a value" }.to_string(),
                expected: "a value for the selector interference-aware, and for no other",
            });
        }
        if asks {
            self.fresh_adapter(0)?;
            if self.selection.under == Under::Untouched {
                return Err(LearnError::Setting {
                    name: "selection.under",
                    got: "untouched beside interference-aware".to_string(),
                    expected: "current, for this rule looks back at the tasks that were learnt",
                });
            }
        }
        if self.method.method().words_itself() && self.reselection.is_some() {
            return Err(LearnError::Setting {
                name: "reselection",
                got: format!("a value beside method {}", self.method.name()),
                expected: "a method that trains under the wording that is chosen",
            });
        }
        if self.method.method().all_at_once() && (asks || self.reselection.is_some()) {
            return Err(LearnError::Setting {
                name: if asks { "interference" } else { "reselection" },
                got: format!("a value beside method {}", self.method.name()),
                expected: "a method that learns one task after the other",
            });
        }
        Ok(())
    }
}

/// Runs the stream and returns everything that was found.
///
/// `pools[t]` holds the candidates of task t. All random draws come from `seed` and do not depend on the selector: arms
/// that share a seed share subsets, initial adapters, example order and dropout.
///
/// Where the workplace keeps progress, a run that ended early goes on where it ended, `model` being the untouched one again.
/// On one machine what comes of it is the same to the last bit, seconds excepted.
///
/// # Errors
/// Names the task and what failed.
pub fn run_stream(
    model: &mut LanguageModel,
    stream: &TaskStream,
    pools: &[PromptPool],
    config: &StreamConfig,
    seed: u64,
    workplace: &Workplace<'_>,
    on_progress: &mut dyn FnMut(Told),
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
    let method = config.method.method();
    if let Some(progress) = workplace.progress {
        let learnt = (1..=tasks.len()).take_while(|&step| progress.has(&train_unit(step))).count();
        if learnt > 0 {
            method.recall(model, workplace.artifacts, learnt)?;
        }
    }
    let mut run = Recorder::new(tasks.len(), workplace.progress, on_progress);

    run.begin("evaluate", "the untouched model");
    run.evaluate_all(model, tasks, &prompts, 0, &config.evaluation)?;
    let at_once = method.all_at_once();
    let once = at_once || config.selection.under == Under::Untouched;
    let mut choices: Vec<Choice> = Vec::new();
    for (t, task) in tasks.iter().enumerate() {
        let step = t + 1;
        for t in due(once, t, tasks.len()) {
            run.begin("choose", &tasks[t].name);
            let next = Next { step: t + 1, task: &tasks[t], pool: &pools[t] };
            choices.push(run.unit(&format!("choose-{}", t + 1), |run| {
                choose_wording(model, &next, learnt.as_ref(), config, seed, run)
            })?);
        }

        // a task's prompt changes when it is trained, not before
        let trained = due(at_once, t, tasks.len());
        for t in trained.clone() {
            prompts[t] = choices[t].variant.text.clone();
        }
        if !trained.is_empty() {
            let choice = &choices[t];
            run.begin("train", &task.name);
            let stream = stream_tasks(tasks, &prompts, seed);
            let checkpoints = workplace.progress.map(|progress| progress.checkpoints(step));
            let (artifacts, checkpoints) = (workplace.artifacts, checkpoints.as_ref());
            let training = TaskTraining { step, stream: &stream, config, seed, artifacts, checkpoints };
            let prompt = run.unit(&train_unit(step), |run| match &config.reselection {
                None => training.under(choice, model, run),
                Some(again) => training.choosing_again(again, choice, model, run),
            })?;
            checkpoints.map_or(Ok(()), Checkpoints::remove)?;
            method.tidy(artifacts, step)?;
            prompts[t] = prompt;
        }

        if let Some(learnt) = &mut learnt {
            learnt.keep(task, &prompts[t], derive_seed(seed, "kept rows", step));
        }

        run.begin("evaluate", &format!("after {}", task.name));
        run.evaluate_all(model, tasks, &prompts, step, &config.evaluation)?;
    }
    Ok(run.end())
}

/// The tasks that are due before task `t` of so many: that one alone, or all before the first.
fn due(once: bool, t: usize, tasks: usize) -> Range<usize> {
    match (once, t) {
        (false, _) => t..t + 1,
        (true, 0) => 0..tasks,
        (true, _) => 0..0,
    }
}

fn train_unit(step: usize) -> String {
    format!("train-{step}")
}

/// The task whose wording is chosen.
struct Next<'a> {
    step: usize,
    task: &'a Task,
    pool: &'a PromptPool,
}

/// Finds the candidates of the next task, measures them as far as the rule wants, and chooses.
fn choose_wording(
    model: &LanguageModel,
    next: &Next<'_>,
    learnt: Option<&LearntTasks<'_>>,
    config: &StreamConfig,
    seed: u64,
    run: &mut Recorder<'_>,
) -> Result<Choice, LearnError> {
    let Next { step, task, pool } = *next;
    let asked = drawn_subset(task, config.selection.examples, derive_seed(seed, "selection subset", step))?;
    let started = Instant::now();
    let selection_seed = derive_seed(seed, "selection", step);
    let search_seed = derive_seed(seed, "search", step);
    let budget = config.selection.token_budget;
    let (pool, searched) = config.candidates.pool(model, task, pool, &asked, budget, search_seed)?;
    if !config.candidates.is_given() {
        run.note_usage(step, "search", started, searched);
    }
    let started = Instant::now();
    let look_ahead = |learnt| -> Result<Foresight<'_>, LearnError> {
        Ok(Foresight {
            learnt,
            model,
            task,
            examples: &asked,
            adapter: config.fresh_adapter(derive_seed(seed, "training", step))?,
            step: config.train.first_step(),
            token_budget: budget,
            probe: None,
            cost: ProbeCost::default(),
        })
    };
    let mut foresight = learnt.map(look_ahead).transpose()?;
    let (selection, looking_ahead) = (&config.selection, foresight.as_mut());
    let choice = choose_with(model, task, &pool, &asked, selection, selection_seed, looking_ahead)?;
    let seconds = started.elapsed().as_secs_f64();
    let ahead = foresight.map(|foresight| foresight.cost);
    run.note_choice(step, task, &choice, seconds - ahead.map_or(0.0, |cost| cost.seconds));
    if let Some(cost) = ahead {
        run.note_seconds(step, "interference", cost.seconds, cost.tokens);
    }
    Ok(choice)
}

/// The tasks as a method sees them.
fn stream_tasks<'a>(tasks: &'a [Task], prompts: &'a [Instruction], seed: u64) -> Vec<StreamTask<'a>> {
    let seed_of = |step: usize| derive_seed(seed, "training", step);
    let worded = tasks.iter().zip(prompts).zip(1..);
    worded.map(|((task, wording), step)| StreamTask { task, wording, seed: seed_of(step) }).collect()
}

/// Up to `count` training examples of a task, drawn without replacement.
pub(crate) fn drawn_subset(task: &Task, count: usize, seed: u64) -> Result<Vec<Example>, LearnError> {
    if task.train.is_empty() {
        return Err(LearnError::NoExamples { task: task.name.clone(), split: "training" });
    }
    Ok(subset(task.train.len(), count, seed).into_iter().map(|i| task.train[i].clone()).collect())
}

/// The training of one task.
struct TaskTraining<'a> {
    step: usize,
    stream: &'a [StreamTask<'a>],
    config: &'a StreamConfig,
    seed: u64,
    artifacts: &'a Path,
    checkpoints: Option<&'a Checkpoints>,
}

impl TaskTraining<'_> {
    /// Trains under the chosen wording, which is the task's prompt from then on.
    fn under(
        &self,
        choice: &Choice,
        model: &mut LanguageModel,
        run: &mut Recorder<'_>,
    ) -> Result<Instruction, LearnError> {
        let time = Checkpoints::stopwatch(self.checkpoints)?;
        let candidates = choice.variants();
        let mut texts = OneWording::new(self.task(), &candidates, choice.winner);
        let course = self.learn(&mut texts, &candidates, model, run)?;
        run.note_seconds(self.step, "train", time(), course.tokens);
        Ok(choice.variant.text.clone())
    }

    /// Trains while the wording is chosen again; returns the one that is the task's prompt from then on.
    fn choosing_again(
        &self,
        again: &ReselectionConfig,
        choice: &Choice,
        model: &mut LanguageModel,
        run: &mut Recorder<'_>,
    ) -> Result<Instruction, LearnError> {
        let time = Checkpoints::stopwatch(self.checkpoints)?;
        let selection = &self.config.selection;
        let candidates = choice.variants();
        let known = choice.losses_on(selection.examples.min(self.task().train.len()));
        let seed = derive_seed(self.seed, "reselection", self.step);
        let mut texts = Reselecting::start(
            self.task(),
            &candidates,
            choice.winner,
            &known,
            again,
            selection.token_budget,
            seed,
        );
        let course = self.learn(&mut texts, &candidates, model, run)?;
        let probes = texts.cost();
        run.note_seconds(self.step, "train", time() - probes.seconds, course.tokens);
        run.note_seconds(self.step, "reselect", probes.seconds, probes.tokens);
        let prompt = most_used(&course.wording_by_step).map_or(choice.winner, |&wording| wording);
        Ok(candidates[prompt].text.clone())
    }

    fn task(&self) -> &Task {
        self.stream[self.step - 1].task
    }

    /// Lets the method learn the task from these texts, whose source numbers its wordings as `candidates` does.
    fn learn(
        &self,
        texts: &mut dyn TrainingTexts,
        candidates: &[PromptVariant],
        model: &mut LanguageModel,
        run: &mut Recorder<'_>,
    ) -> Result<Course, LearnError> {
        let step = self.step;
        let mut course = Course::default();
        let doing = format!("train: {}", self.task().name);
        let mut on_step = |outcome: TrainOutcome| course.note(run, &doing, step, candidates, &outcome);
        let lesson = Lesson {
            step,
            stream: self.stream,
            candidates,
            texts,
            train: &self.config.train,
            seed: self.stream[step - 1].seed,
            artifacts: self.artifacts,
            checkpoints: self.checkpoints,
            on_step: &mut on_step,
        };
        self.config.method.method().learn(model, lesson)?;
        Ok(course)
    }
}
