//! The process that computes one cell.
//!
//! It is the experiment's own binary, started with `--worker`. The first line of its standard input says what to compute;
//! after that the input stays open for as long as the parent lives. It answers in JSON lines on its standard output;
//! whatever else it prints goes to the cell's log. It locks, writes and commits the cell itself, so that an engine needs
//! nothing but to start it, here or on another machine that sees the same store.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
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
use crate::provenance::{Code, Program, Stopwatch, cores, peak_memory};
use crate::record::RunRecord;
use crate::store::{Claim, Staging, Store};
use crate::study::Study;
use crate::told::Told;

/// Says how many threads a worker may use.
pub const THREADS_VARIABLE: &str = "SAPO_THREADS";
/// The note of a cell that says how much memory its process took at most, in bytes.
pub const PEAK_MEMORY: &str = "peak_memory_bytes";
/// Says on which device a worker computes.
pub const DEVICE_VARIABLE: &str = "SAPO_DEVICE";

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
    Progress(Told),
    /// The cell is computed, and is being stored.
    Computed,
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
pub struct CellContext {
    artifacts: PathBuf,
    progress: Option<PathBuf>,
    threads: usize,
    device: String,
    local: Value,
    notes: Mutex<BTreeMap<String, Value>>,
    last_told: Mutex<Option<Instant>>,
    listener: Listener,
}

/// Hears how far a cell is.
pub type Listener = Box<dyn Fn(Told) + Send + Sync>;

impl fmt::Debug for CellContext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CellContext").field("artifacts", &self.artifacts).finish_non_exhaustive()
    }
}

impl CellContext {
    /// A context that tells nobody, for computing a cell outside an engine (tests).
    #[must_use]
    pub fn silent(artifacts: &Path) -> Self {
        Self {
            artifacts: artifacts.to_owned(),
            progress: None,
            threads: cores(),
            device: "cpu".to_owned(),
            local: Value::Null,
            notes: Mutex::default(),
            last_told: Mutex::default(),
            listener: Box::new(|_| ()),
        }
    }

    /// The same with what the cell's worker needs to know of this machine.
    #[must_use]
    pub fn with_local(self, local: Value) -> Self {
        Self { local, ..self }
    }

    fn telling(staging: &Staging, local: Value, listener: Listener) -> Self {
        let threads = std::env::var(THREADS_VARIABLE).ok().and_then(|threads| threads.parse().ok());
        let threads = threads.filter(|&threads| threads > 0);
        Self {
            artifacts: staging.artifacts(),
            progress: Some(staging.progress()),
            threads: threads.unwrap_or_else(cores),
            device: std::env::var(DEVICE_VARIABLE).unwrap_or_else(|_| "cpu".to_owned()),
            local,
            notes: Mutex::default(),
            last_told: Mutex::default(),
            listener,
        }
    }

    /// A folder whose content is stored with the cell. It is empty, but for what an earlier process left that has made
    /// progress with the cell.
    #[must_use]
    pub fn artifacts(&self) -> &Path {
        &self.artifacts
    }

    /// A folder for what is done so far: a process that dies leaves it to the next one that computes the cell, and it goes
    /// with the end. None outside an engine.
    #[must_use]
    pub fn progress_folder(&self) -> Option<&Path> {
        self.progress.as_deref()
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

    /// Where to compute: cpu, cuda or cuda:1. Which of several alike it is tells nobody's name.
    #[must_use]
    pub fn device(&self) -> &str {
        &self.device
    }

    /// Tells how far the cell is, in any unit; cheap enough to be called after every optimiser step.
    pub fn progress(&self, done: u64, total: u64, message: &str) {
        self.tell(Told::of(done, total, message));
    }

    /// The same with the numbers of a training.
    pub fn tell(&self, told: Told) {
        let mut last_told = self.last_told.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let fresh = last_told.is_some_and(|told| now.duration_since(told) < Duration::from_millis(100));
        if !fresh || told.done == told.total {
            *last_told = Some(now);
            (self.listener)(told);
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
    let listener: Listener = Box::new(|told| tell(&Event::Progress(told)));
    // Caught, so that the reason is told in one line instead of being searched for above a backtrace in the log.
    let work = |context: &CellContext| {
        let computed = catch_unwind(AssertUnwindSafe(|| study.run_cell(job.cell.config(), context)));
        let computed =
            computed.unwrap_or_else(|panic| Err(anyhow!("panicked: {}", panic_text(panic.as_ref()))));
        if computed.is_ok() {
            tell(&Event::Computed);
        }
        computed
    };
    Ok(match compute_cell(&store, &job.cell, job.code.clone(), listener, work)? {
        Computed::Stored => Event::Finished,
        Computed::Held(holder) => Event::Held { holder },
    })
}

/// What came of [`compute_cell`].
#[derive(Debug)]
pub enum Computed {
    /// The cell is in the store, now or since earlier.
    Stored,
    /// Another process computes it.
    Held(Holder),
}

/// Computes a cell in this process, under its lock, unless it is stored: `work` goes on from what earlier processes left
/// in the context's folders.
///
/// # Errors
/// Those of the store, and whatever stops the work; the cell is then absent, and its progress is kept.
pub fn compute_cell(
    store: &Store,
    cell: &CellSpec,
    code: Code,
    listener: Listener,
    work: impl FnOnce(&CellContext) -> anyhow::Result<RunRecord>,
) -> anyhow::Result<Computed> {
    let staging: Box<Staging> = match store.claim(cell)? {
        Claim::Stored => return Ok(Computed::Stored),
        Claim::Held(holder) => return Ok(Computed::Held(holder)),
        Claim::Granted(staging) => staging,
    };
    let attempts = staging.go_on(&Program::this(code.clone()))?;
    let stopwatch = Stopwatch::start(code);
    let context = CellContext::telling(&staging, cell.local().clone(), listener);
    context.annotate("threads", context.threads() as u64);
    let record = work(&context)?;
    context.annotate("attempts", attempts);
    if let Some(bytes) = peak_memory() {
        context.annotate(PEAK_MEMORY, bytes);
    }
    staging.commit(&record, stopwatch.stop(context.notes()))?;
    Ok(Computed::Stored)
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
