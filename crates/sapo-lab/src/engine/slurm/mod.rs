//! The engine of clusters: cells become job arrays of Slurm, whose tasks compute them on nodes that see the same store.
//!
//! The submitter is needed for nothing but looking. Everything that must outlive it is on disk (`submission.rs`) or known
//! to Slurm, so it may go away and come back on another machine: it finds the cells that are under way and submits only
//! the others. A cell is under way while Slurm has a task for it, or until somebody was told how that task failed.
//!
//! ```text
//! SlurmEngine -> sbatch -> task on a node -> LocalEngine with one job -> worker -> store
//!      |                        |
//!      +-- squeue, store, notes-+
//! ```

mod commands;
mod follow;
mod profile;
mod run;
mod script;
mod submission;
pub(crate) mod task;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::cell::{CellId, CellSpec};
use crate::lock::{Lock, Locks};
use crate::provenance::Code;
use crate::store::Store;

pub use commands::SlurmError;
pub use profile::{Count, SlurmProfile};
pub use run::SlurmRun;

use super::{Ending, Engine, EngineError, Observer, Outcome, this_program};
use commands::{Phase, QueuedTask};
use follow::Watched;
use submission::{Note, Plan, Submission};

/// How long another process may take to submit.
const SUBMITTING: Duration = Duration::from_secs(60);
/// How long cancelled tasks may take to end.
const ENDING: Duration = Duration::from_secs(90);

/// The engine of clusters.
#[derive(Debug)]
pub struct SlurmEngine<'a> {
    /// Where the cells go; nodes must see it under the same path.
    pub store: &'a Store,
    /// What to ask of Slurm.
    pub profile: SlurmProfile,
    /// Tasks that run at a time; goes before the profile's.
    pub max_running: Option<usize>,
    /// Where cells are computed on a node.
    pub device: String,
    /// How often a task tries a cell again whose worker died without saying why.
    pub retries: usize,
    /// Go away after submitting.
    pub detach: bool,
    /// Set from outside where the engine has to go away.
    pub interrupted: &'a AtomicBool,
}

impl Engine for SlurmEngine<'_> {
    fn run(&self, cells: Vec<CellSpec>, observer: &mut dyn Observer) -> Result<Outcome, EngineError> {
        let watched = self.attach(cells)?;
        if self.detach {
            let ending = Ending::Detached { cells: watched.len() };
            return Ok(Outcome { failures: Vec::new(), ending });
        }
        let outcome = self.follow(watched, observer)?;
        if outcome.ending == Ending::Done {
            self.tidy()?;
        }
        Ok(outcome)
    }
}

impl SlurmEngine<'_> {
    /// Cancels the tasks that compute any of these cells and waits for their end; returns how many cells that are.
    ///
    /// # Errors
    /// [`SlurmError`].
    pub fn cancel(&self, cells: &[CellSpec]) -> Result<usize, SlurmError> {
        let under_way = self.under_way(cells)?;
        if under_way.is_empty() {
            return Ok(0);
        }
        let phases = phases(&commands::queue()?);
        let alive = |task: &str| phases.get(task).is_some_and(|&phase| phase != Phase::Over);
        let mut cancelled: Vec<&Watched> = under_way.values().collect();
        cancelled.retain(|watched| alive(&watched.id));
        let ids: HashSet<String> = cancelled.iter().map(|watched| watched.id.clone()).collect();
        commands::cancel(&ids.iter().cloned().collect::<Vec<_>>())?;
        let begun = Instant::now();
        while commands::queue()?.iter().any(|task| ids.contains(&task.id) && task.phase() != Phase::Over)
            && begun.elapsed() < ENDING
        {
            sleep(Duration::from_millis(500));
        }
        // Whoever cancels knows; the next start need not tell.
        for watched in &cancelled {
            let told = watched.submission.tell(&watched.cell.id());
            told.map_err(SlurmError::file(&watched.submission.folder, "write to"))?;
        }
        self.tidy()?;
        Ok(cancelled.len())
    }

    /// Submits what is not under way, and returns all cells with their tasks.
    fn attach(&self, cells: Vec<CellSpec>) -> Result<Vec<Watched>, SlurmError> {
        let _lock = self.lock()?;
        self.remove_settled()?;
        let mut under_way = self.under_way(&cells)?;
        let new: Vec<_> = cells.iter().filter(|cell| !under_way.contains_key(&cell.id())).cloned().collect();
        if !new.is_empty() {
            under_way.extend(self.submit(new)?);
        }
        Ok(cells.iter().filter_map(|cell| under_way.remove(&cell.id())).collect())
    }

    /// One process submits at a time; two would submit the same cells.
    fn lock(&self) -> Result<Lock, SlurmError> {
        let begun = Instant::now();
        loop {
            match self.try_lock()? {
                Ok(lock) => return Ok(lock),
                Err(_) if begun.elapsed() < SUBMITTING => sleep(Duration::from_millis(100)),
                Err(submitting) => return Err(submitting),
            }
        }
    }

    /// The lock, or that another process submits now.
    fn try_lock(&self) -> Result<Result<Lock, SlurmError>, SlurmError> {
        const SUBMIT: &str = "submit";
        let folder = self.submissions();
        fs::create_dir_all(&folder).map_err(SlurmError::file(&folder, "create"))?;
        let locks = Locks::new(folder);
        let lock = locks.path(SUBMIT);
        let taken = locks.take(SUBMIT).map_err(SlurmError::file(&lock, "take"))?;
        Ok(taken.map_err(|holder| SlurmError::Submitting { holder: holder.to_string(), lock }))
    }

    /// Those of `cells` that a submission has and nobody was told to have failed.
    fn under_way(&self, cells: &[CellSpec]) -> Result<HashMap<CellId, Watched>, SlurmError> {
        let mut under_way = HashMap::new();
        let asked: HashSet<CellId> = cells.iter().map(CellSpec::id).collect();
        for submission in Submission::list(&self.submissions())? {
            for array in 0..submission.plan()?.arrays {
                let Some(job) = self.job_of(&submission, array)? else { continue };
                for (task, cells) in submission.tasks(array)?.into_iter().enumerate() {
                    for cell in cells {
                        let id = cell.id();
                        // A cell that was finished and is absent now is asked for anew.
                        let settled =
                            || submission.was_told(&id) || submission.note(&id) == Some(Note::Finished);
                        if asked.contains(&id) && !settled() {
                            under_way.insert(id, Watched::new(cell, submission.clone(), array, task, &job));
                        }
                    }
                }
            }
        }
        Ok(under_way)
    }

    /// The number of an array, also where its submitter died before it could note it; absent where it was not submitted.
    fn job_of(&self, submission: &Submission, array: usize) -> Result<Option<String>, SlurmError> {
        if let Some(job) = submission.job(array) {
            return Ok(Some(job));
        }
        let found = commands::array_named(&submission.job_name(self.store.experiment(), array))?;
        if let Some(job) = &found {
            submission.keep_job(array, job)?;
        }
        Ok(found)
    }

    fn submit(&self, cells: Vec<CellSpec>) -> Result<HashMap<CellId, Watched>, SlurmError> {
        let all = self.submissions();
        let absolute = |path| std::path::absolute(path).map_err(SlurmError::file(path, "find"));
        let max_tasks = usize::try_from(self.profile.max_tasks).unwrap_or(usize::MAX);
        let arrays = submission::deal(cells, max_tasks, commands::site()?.max_array_size);
        let plan = Plan {
            root: absolute(self.store.root())?,
            experiment: self.store.experiment().to_owned(),
            code: Code::detect(),
            device: self.device.clone(),
            retries: self.retries,
            threads: usize::try_from(self.profile.cpus).unwrap_or(1),
            note_seconds: self.profile.poll_seconds,
            arrays: arrays.len(),
        };
        let program = this_program().map_err(SlurmError::file("/proc/self/exe".as_ref(), "find"))?;
        let profile_limit = self.profile.max_running.and_then(|number| usize::try_from(number).ok());
        let limit = self.max_running.or(profile_limit);
        let made = Submission::make(&absolute(&all)?, &plan, &arrays, &self.profile, limit, &program)
            .map_err(SlurmError::file(&all, "make a submission in"))?;
        let mut under_way = HashMap::new();
        for (array, tasks) in arrays.into_iter().enumerate() {
            let name = made.job_name(self.store.experiment(), array);
            let job = commands::submit(&made.script(array), &name)?;
            made.keep_job(array, &job)?;
            for (task, cells) in tasks.into_iter().enumerate() {
                for cell in cells {
                    under_way.insert(cell.id(), Watched::new(cell, made.clone(), array, task, &job));
                }
            }
        }
        Ok(under_way)
    }

    /// Removes submissions that have nothing to say any more; waits a little for tasks that are about to end, and for a
    /// process that submits: what it has just made looks as if it had never been submitted.
    fn tidy(&self) -> Result<(), SlurmError> {
        for _ in 0..20 {
            if let Ok(_lock) = self.try_lock()?
                && self.remove_settled()?
            {
                break;
            }
            sleep(Duration::from_millis(250));
        }
        Ok(())
    }

    /// Removes submissions whose tasks are over and whose cells are all stored or told to have failed, while nobody submits
    /// (the lock is held). False where only a task that has not ended yet stands in the way.
    fn remove_settled(&self) -> Result<bool, SlurmError> {
        let mut settled = Vec::new();
        for submission in Submission::list(&self.submissions())? {
            let mut jobs = BTreeMap::new();
            let mut all_settled = true;
            for array in 0..submission.plan()?.arrays {
                let is_settled = |cell: &CellSpec| {
                    let id = cell.id();
                    self.store.contains(&id) || submission.was_told(&id)
                };
                let tasks = submission.tasks(array)?;
                // One that was never submitted has no say: nobody will compute its cells.
                if let Some(job) = self.job_of(&submission, array)? {
                    all_settled &= tasks.iter().flatten().all(is_settled);
                    jobs.insert(job, tasks.len());
                }
            }
            if all_settled {
                settled.push((submission, jobs));
            }
        }
        if settled.is_empty() {
            return Ok(true);
        }
        let phases = phases(&commands::queue()?);
        let mut all_removed = true;
        for (submission, jobs) in settled {
            let mut ids =
                jobs.iter().flat_map(|(job, &tasks)| (0..tasks).map(move |task| format!("{job}_{task}")));
            if ids.all(|id| phases.get(&id).is_none_or(|&phase| phase == Phase::Over)) {
                submission.remove()?;
            } else {
                all_removed = false;
            }
        }
        Ok(all_removed)
    }

    fn submissions(&self) -> PathBuf {
        self.store.folder().join(".slurm")
    }
}

fn phases(queue: &[QueuedTask]) -> HashMap<String, Phase> {
    queue.iter().map(|task| (task.id.clone(), task.phase())).collect()
}
