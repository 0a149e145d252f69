//! The life of a task on a node: the local engine with one job at a time, which notes in files what it sees.
//!
//! So a cell is a process here, too: a crash costs one cell of a task that has several. Nothing is done about SIGTERM:
//! Slurm ends tasks at any instant, and a cell goes on from what its worker has left.

use std::env;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::cell::{CellId, CellSpec};
use crate::engine::{Engine, LocalEngine, Observer, this_program};
use crate::store::Store;
use crate::told::Told;

use super::submission::{Note, Plan, Submission};

/// Computes the cells of the task that Slurm's variables name, of the array whose list is given.
pub(crate) fn run(list: &Path) -> ExitCode {
    match compute(list) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn compute(list: &Path) -> anyhow::Result<ExitCode> {
    let submission = Submission::of_list(list);
    let plan = submission.plan()?;
    let array = array_of(list).context("--slurm-task is for scripts of the Slurm engine alone")?;
    let task: usize = variable("SLURM_ARRAY_TASK_ID")?.parse().context("SLURM_ARRAY_TASK_ID")?;
    // The submitter may have died between Slurm's answer and its noting it.
    submission.keep_job(array, &variable("SLURM_ARRAY_JOB_ID")?)?;
    let mut tasks = submission.tasks(array)?;
    if task >= tasks.len() {
        bail!("{} has {} lines, expected one for task {task}", list.display(), tasks.len());
    }
    let cells = tasks.swap_remove(task);
    let store = Store::open(&plan.root, &plan.experiment)?;
    let engine = LocalEngine {
        store: &store,
        code: plan.code.clone(),
        program: this_program()?,
        jobs: 1,
        threads: plan.threads,
        devices: vec![plan.device.clone()],
        retries: plan.retries,
        interrupted: &AtomicBool::new(false),
    };
    let outcome = engine.run(cells.clone(), &mut Notes::new(submission, &plan))?;
    let all_stored = cells.iter().all(|cell| store.contains(&cell.id()));
    let done = all_stored && outcome.failures.is_empty();
    Ok(if done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn variable(name: &str) -> anyhow::Result<String> {
    env::var(name).with_context(|| format!("{name} is not set; --slurm-task is started by Slurm alone"))
}

/// `.../array-2.jsonl` is the list of array 2.
fn array_of(list: &Path) -> Option<usize> {
    list.file_name()?.to_str()?.strip_prefix("array-")?.strip_suffix(".jsonl")?.parse().ok()
}

/// Notes what becomes of the cells where the submitter looks for it.
struct Notes {
    submission: Submission,
    interval: Duration,
    /// When the last note of a running cell was taken.
    last: Option<(CellId, Instant)>,
}

impl Notes {
    fn new(submission: Submission, plan: &Plan) -> Self {
        Self { submission, interval: Duration::from_secs_f64(plan.note_seconds), last: None }
    }

    fn take(&self, cell: &CellSpec, note: &Note) {
        if let Err(error) = self.submission.take_note(&cell.id(), note) {
            eprintln!("cannot note how far {} is: {error}", cell.label());
        }
    }
}

impl Observer for Notes {
    fn started(&mut self, cell: &CellSpec) {
        self.last = None;
        self.take(cell, &Note::Running(Told::default()));
    }

    fn progress(&mut self, cell: &CellSpec, told: &Told) {
        let id = cell.id();
        let fresh = |(last, at): &(CellId, Instant)| *last == id && at.elapsed() < self.interval;
        if !self.last.as_ref().is_some_and(fresh) {
            self.take(cell, &Note::Running(told.clone()));
            self.last = Some((id, Instant::now()));
        }
    }

    fn finished(&mut self, cell: &CellSpec) {
        self.take(cell, &Note::Finished);
    }

    fn failed(&mut self, cell: &CellSpec, reason: &str) {
        self.take(cell, &Note::Failed { reason: reason.to_owned() });
    }

    fn postponed(&mut self, cell: &CellSpec, why: &str) {
        if !why.is_empty() {
            println!("{}: {why}", cell.label());
        }
    }

    fn waiting(&mut self, _text: &str) {}

    fn tick(&mut self) {}
}
