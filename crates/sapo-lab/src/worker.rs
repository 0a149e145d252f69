//! The process that computes one cell.
//!
//! It is the experiment's own binary, started with `--worker`. The first line of its standard input says what to compute;
//! after that the input stays open for as long as the parent lives. It answers in JSON lines on its standard output;
//! whatever else it prints goes to the cell's log. It locks, writes and commits the cell itself, so that an engine needs
//! nothing but to start it, here or on another machine that sees the same store.

use std::any::Any;
use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cell::CellSpec;
use crate::lock::Holder;
use crate::provenance::{Code, Stopwatch, cores};
use crate::store::{Claim, Staging, Store};
use crate::study::Study;

/// Says how many threads a worker may use.
pub const THREADS_VARIABLE: &str = "SAPO_THREADS";

/// What a worker is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Folder of all experiments.
    pub root: PathBuf,
    /// Name of the experiment.
    pub experiment: String,
    /// What to compute.
    pub cell: CellSpec,
    /// The source as it was when the engine was started; the checkout may have changed since.
    pub code: Code,
}

/// What a worker tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// How far the cell is.
    Progress {
        /// Units done.
        done: u64,
        /// Units in all.
        total: u64,
        /// What is being done.
        message: String,
    },
    /// The cell is in the store.
    Finished,
    /// Another process computes the cell.
    Held {
        /// Who.
        holder: Holder,
    },
    /// The cell could not be computed.
    Failed {
        /// Why, with its causes.
        error: String,
    },
}

/// What a study may use while it computes a cell.
#[derive(Debug)]
pub struct CellContext {
    artifacts: PathBuf,
    threads: usize,
    local: Value,
    notes: Mutex<BTreeMap<String, Value>>,
    last_told: Option<Mutex<Option<Instant>>>,
}

impl CellContext {
    /// A context that tells nobody, for computing a cell outside an engine (tests).
    #[must_use]
    pub fn silent(artifacts: &Path) -> Self {
        Self {
            artifacts: artifacts.to_owned(),
            threads: cores(),
            local: Value::Null,
            notes: Mutex::default(),
            last_told: None,
        }
    }

    fn telling(artifacts: PathBuf, local: Value) -> Self {
        let threads = std::env::var(THREADS_VARIABLE).ok().and_then(|threads| threads.parse().ok());
        let last_told = Some(Mutex::default());
        Self { artifacts, threads: threads.unwrap_or_else(cores), local, notes: Mutex::default(), last_told }
    }

    /// An empty folder; what the study leaves in it is stored with the cell.
    #[must_use]
    pub fn artifacts(&self) -> &Path {
        &self.artifacts
    }

    /// What [`CellSpec::with_local`] was given: folders of this machine.
    #[must_use]
    pub fn local(&self) -> &Value {
        &self.local
    }

    /// How many threads the cell may use.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Tells how far the cell is, in any unit; cheap enough to be called after every optimiser step.
    pub fn progress(&self, done: u64, total: u64, message: &str) {
        let Some(last_told) = &self.last_told else { return };
        let mut last_told = last_told.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let fresh = last_told.is_some_and(|told| now.duration_since(told) < Duration::from_millis(100));
        if !fresh || done == total {
            *last_told = Some(now);
            tell(&Event::Progress { done, total, message: message.to_owned() });
        }
    }

    /// Adds a line to the cell's provenance (torch version, device, hashes of model and data).
    pub fn annotate(&self, key: &str, value: impl Into<Value>) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), value.into());
    }

    /// What was annotated.
    #[must_use]
    pub fn notes(&self) -> BTreeMap<String, Value> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The whole life of a worker.
pub(crate) fn run(study: &impl Study) -> ExitCode {
    let (event, code) = match read_job().and_then(|job| compute(study, job)) {
        Ok(event) => (event, ExitCode::SUCCESS),
        Err(error) => (Event::Failed { error: format!("{error:#}") }, ExitCode::FAILURE),
    };
    tell(&event);
    code
}

fn read_job() -> anyhow::Result<Job> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).context("cannot read the job from standard input")?;
    let job =
        serde_json::from_str(&line).context("standard input holds no job; --worker is for engines alone")?;
    std::thread::spawn(die_with_the_parent);
    Ok(job)
}

/// The input ends when the parent is gone, however it died. The death has to be sudden: a half-removed staging must
/// never be renamed into the store by the thread that computes.
fn die_with_the_parent() {
    let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
}

fn compute(study: &impl Study, job: Job) -> anyhow::Result<Event> {
    let store = Store::open(&job.root, &job.experiment)?;
    let staging: Box<Staging> = match store.claim(&job.cell)? {
        Claim::Stored => return Ok(Event::Finished),
        Claim::Held(holder) => return Ok(Event::Held { holder }),
        Claim::Granted(staging) => staging,
    };
    let stopwatch = Stopwatch::start(job.code);
    let context = CellContext::telling(staging.artifacts(), job.cell.local().clone());
    // Caught, so that the reason is told in one line instead of being searched for above a backtrace in the log.
    let computed = catch_unwind(AssertUnwindSafe(|| study.run_cell(job.cell.config(), &context)));
    let record = computed.unwrap_or_else(|panic| Err(anyhow!("panicked: {}", panic_text(panic.as_ref()))))?;
    context.annotate("threads", context.threads() as u64);
    staging.commit(&record, stopwatch.stop(context.notes()))?;
    Ok(Event::Finished)
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("for a reason that is no text")
}

fn tell(event: &Event) {
    // Nobody listens when the parent is dead; then this process is about to be dead too.
    if let Ok(line) = serde_json::to_string(event) {
        let mut out = io::stdout().lock();
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }
}
