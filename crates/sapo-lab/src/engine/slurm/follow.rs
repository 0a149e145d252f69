//! Looking on while tasks compute cells: Slurm says which tasks run, notes say how far they are, the store says what is
//! finished.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::cell::CellSpec;
use crate::engine::{Ending, Failure, Observer, Outcome};

use super::SlurmEngine;
use super::commands::{self, Phase, QueuedTask, SlurmError};
use super::submission::{Note, Submission};

/// How often the engine looks whether it was interrupted.
const TICK: Duration = Duration::from_millis(100);
/// How long a cell may stay invisible after the task that finished it: network file systems remember absent names.
const GRACE: Duration = Duration::from_secs(90);
/// How much of what a task printed goes into the log of a cell that failed.
const PRINTED_BYTES: usize = 64 * 1024;

/// A cell and the task that computes it.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) cell: CellSpec,
    pub(super) submission: Submission,
    array: usize,
    task: usize,
    /// Slurm's name for the task: `12_3`.
    pub(super) id: String,
    /// Whether the observer knows that a worker has it.
    shown: bool,
    /// Since when its task has been seen to be over.
    over_since: Option<Instant>,
}

/// What one look at a cell came to.
enum Seen {
    Finished,
    Failed(String),
    Open,
}

impl Watched {
    pub(super) fn new(cell: CellSpec, submission: Submission, array: usize, task: usize, job: &str) -> Self {
        let id = format!("{job}_{task}");
        Self { cell, submission, array, task, id, shown: false, over_since: None }
    }

    /// Why a cell is absent although its task is over; nothing where it may still appear.
    fn verdict(&mut self, queued: Option<&QueuedTask>) -> Option<String> {
        let Some(since) = self.over_since else {
            // Looked at again: a task between two runs may seem to be over.
            self.over_since = Some(Instant::now());
            return None;
        };
        let note = self.submission.note(&self.cell.id());
        if let Some(Note::Failed { reason }) = note {
            return Some(match queued.map(|task| task.state.as_str()) {
                None | Some("FAILED" | "COMPLETED") => reason,
                Some(state) => format!("{reason} (Slurm task {}: {state})", self.id),
            });
        }
        let ended = commands::how_it_ended(&self.id);
        let sound =
            ended.as_ref().is_some_and(|how| how.starts_with("COMPLETED")) || note == Some(Note::Finished);
        if sound && since.elapsed() < GRACE {
            return None;
        }
        Some(match ended {
            Some(how) if sound => {
                format!("Slurm task {} ended ({how}), but the cell is not in the store", self.id)
            }
            Some(how) => format!("Slurm task {}: {how}", self.id),
            None => format!(
                "Slurm knows nothing of task {} any more, and no accounting says how it ended",
                self.id
            ),
        })
    }

    /// Puts what the task printed into the log of the cell, which its worker may not even have begun.
    fn log_what_was_printed(&self, log: &Path) -> io::Result<()> {
        let begun = self.submission.note(&self.cell.id()).is_some();
        let mut log = match begun {
            true => OpenOptions::new().append(true).create(true).open(log)?,
            false => {
                fs::create_dir_all(log.parent().unwrap_or(log))?;
                fs::File::create(log)?
            }
        };
        let printed = self.submission.printed(self.array, &self.task.to_string());
        let bytes = fs::read(printed).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(());
        }
        let tail = &bytes[bytes.len().saturating_sub(PRINTED_BYTES)..];
        writeln!(log, "-- Slurm task {} printed:", self.id)?;
        log.write_all(tail)
    }
}

impl SlurmEngine<'_> {
    /// Looks on until every cell is finished or failed, or the engine has to go away.
    pub(super) fn follow(
        &self,
        mut watched: Vec<Watched>,
        observer: &mut dyn Observer,
    ) -> Result<Outcome, SlurmError> {
        let mut outcome = Outcome::default();
        let interval = Duration::from_secs_f64(self.profile.poll_seconds);
        let mut looked: Option<Instant> = None;
        while !watched.is_empty() {
            if self.interrupted.load(Ordering::SeqCst) {
                outcome.ending = Ending::Detached { cells: watched.len() };
                break;
            }
            if looked.is_none_or(|looked| looked.elapsed() >= interval) {
                match commands::queue() {
                    Ok(queue) => self.look(&queue, &mut watched, &mut outcome, observer)?,
                    // A controller that restarts is no reason to go away.
                    Err(error) => observer.waiting(&format!("Slurm does not answer: {error}")),
                }
                looked = Some(Instant::now());
            } else {
                sleep(TICK);
            }
            observer.tick();
        }
        Ok(outcome)
    }

    fn look(
        &self,
        queue: &[QueuedTask],
        watched: &mut Vec<Watched>,
        outcome: &mut Outcome,
        observer: &mut dyn Observer,
    ) -> Result<(), SlurmError> {
        let tasks: HashMap<&str, &QueuedTask> = queue.iter().map(|task| (task.id.as_str(), task)).collect();
        let mut waiting = Waiting::default();
        for mut one in std::mem::take(watched) {
            let queued = tasks.get(one.id.as_str()).copied();
            match self.look_at(&mut one, queued, &mut waiting, observer) {
                Seen::Open => watched.push(one),
                Seen::Finished => observer.finished(&one.cell),
                Seen::Failed(reason) => {
                    let log = self.store.log(&one.cell.id());
                    let told = one.submission.tell(&one.cell.id());
                    // Where two look on, one adds to the log.
                    if told.map_err(SlurmError::file(&one.submission.folder, "write to"))? {
                        one.log_what_was_printed(&log).map_err(SlurmError::file(&log, "write"))?;
                    }
                    observer.failed(&one.cell, &reason);
                    outcome.failures.push(Failure::new(self.store, one.cell, reason));
                }
            }
        }
        if let Some(text) = waiting.text() {
            observer.waiting(&text);
        }
        Ok(())
    }

    fn look_at(
        &self,
        one: &mut Watched,
        queued: Option<&QueuedTask>,
        waiting: &mut Waiting,
        observer: &mut dyn Observer,
    ) -> Seen {
        let phase = queued.map_or(Phase::Over, QueuedTask::phase);
        if phase == Phase::Waiting {
            one.over_since = None;
            let reason = queued.map(|task| task.reason.as_str()).unwrap_or_default();
            waiting.count(reason);
            if std::mem::take(&mut one.shown) {
                observer.postponed(&one.cell, &format!("back in Slurm's queue{}", in_brackets(reason)));
            }
            return Seen::Open;
        }
        if self.store.contains(&one.cell.id()) {
            return Seen::Finished;
        }
        if phase == Phase::Over {
            return one.verdict(queued).map_or(Seen::Open, Seen::Failed);
        }
        one.over_since = None;
        if let Some(Note::Running(told)) = one.submission.note(&one.cell.id()) {
            if !std::mem::replace(&mut one.shown, true) {
                observer.started(&one.cell);
            }
            if told.total > 0 {
                observer.progress(&one.cell, &told);
            }
        }
        Seen::Open
    }
}

/// How many cells wait for their tasks, by Slurm's reason.
#[derive(Default)]
struct Waiting(BTreeMap<String, usize>);

impl Waiting {
    fn count(&mut self, reason: &str) {
        *self.0.entry(reason.to_owned()).or_default() += 1;
    }

    fn text(&self) -> Option<String> {
        let cells: usize = self.0.values().sum();
        let reasons: Vec<&str> =
            self.0.keys().map(String::as_str).filter(|reason| !reason.is_empty()).collect();
        let reasons = in_brackets(&reasons.join(", "));
        (cells > 0).then(|| format!("waiting in Slurm's queue: {cells}{reasons}"))
    }
}

fn in_brackets(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" ({text})") }
}
