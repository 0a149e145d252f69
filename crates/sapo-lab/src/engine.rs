//! The engine of this machine: every cell in a process of its own, several at a time.
//!
//! A process a cell, so that a crash or an out-of-memory kill costs one cell, and so that libtorch's threads and memory
//! are given back at its end. The store is the only judge of what is finished; a worker's word alone is not enough.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crate::cell::CellSpec;
use crate::progress::Display;
use crate::provenance::{Code, cores};
use crate::store::Store;
use crate::worker::{Event, Job, THREADS_VARIABLE};

/// How often an idle engine looks whether it was interrupted.
const TICK: Duration = Duration::from_millis(100);
/// How often it looks at cells that other processes compute.
const PATIENCE: Duration = Duration::from_secs(1);
/// How much of a failed worker's log is shown.
const TAIL_LINES: usize = 15;

/// The engine of this machine.
#[derive(Debug)]
pub struct LocalEngine<'a> {
    store: &'a Store,
    program: OsString,
    jobs: usize,
    interrupted: &'a AtomicBool,
}

/// What became of the cells; those not named are stored.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Cells that could not be computed.
    pub failures: Vec<Failure>,
    /// Whether the engine was told to stop.
    pub interrupted: bool,
}

/// A cell that could not be computed.
#[derive(Debug)]
pub struct Failure {
    /// The cell.
    pub cell: CellSpec,
    /// Why.
    pub reason: String,
    /// What its worker printed.
    pub log: PathBuf,
    /// The last lines of that.
    pub tail: String,
}

impl<'a> LocalEngine<'a> {
    /// An engine that starts this program again for every cell, `jobs` at a time, until `interrupted` is set.
    ///
    /// # Errors
    /// Where the system does not tell which program this is.
    pub fn new(store: &'a Store, jobs: usize, interrupted: &'a AtomicBool) -> io::Result<Self> {
        // The kernel's own link still means this program after the file was built anew; one grid, one version.
        let itself = Path::new("/proc/self/exe");
        let program = if itself.exists() { itself.to_owned() } else { std::env::current_exe()? };
        Ok(Self { store, program: program.into_os_string(), jobs: jobs.max(1), interrupted })
    }

    /// Computes the cells that are not stored, in order, and waits for those that other processes compute.
    #[must_use]
    pub fn run(&self, cells: Vec<CellSpec>, display: &mut Display) -> Outcome {
        let (sender, receiver) = channel();
        let run = Run {
            engine: self,
            code: Code::detect(),
            pending: cells.into(),
            held: Vec::new(),
            looked_at_held: Instant::now(),
            running: Vec::new(),
            sender,
            outcome: Outcome::default(),
            display,
        };
        run.until_done(&receiver)
    }
}

struct Run<'a, 'b> {
    engine: &'a LocalEngine<'a>,
    code: Code,
    pending: VecDeque<CellSpec>,
    /// Cells that other processes compute, with a line that says who.
    held: Vec<(CellSpec, String)>,
    looked_at_held: Instant,
    running: Vec<Worker>,
    sender: Sender<Message>,
    outcome: Outcome,
    display: &'b mut Display,
}

struct Worker {
    cell: CellSpec,
    child: Child,
    /// Open for as long as this process lives: its end tells the worker to die.
    _input: ChildStdin,
    last: Option<Event>,
}

enum Message {
    Event { pid: u32, event: Event },
    Closed { pid: u32 },
}

impl Run<'_, '_> {
    fn until_done(mut self, receiver: &Receiver<Message>) -> Outcome {
        loop {
            if self.engine.interrupted.load(Ordering::SeqCst) {
                self.kill_all();
                self.outcome.interrupted = true;
                return self.outcome;
            }
            self.look_at_held();
            self.fill();
            if self.running.is_empty() && self.pending.is_empty() && self.held.is_empty() {
                return self.outcome;
            }
            match receiver.recv_timeout(TICK) {
                Ok(Message::Event { pid, event }) => self.heard(pid, event),
                Ok(Message::Closed { pid }) => self.closed(pid),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            self.display.tick();
        }
    }

    fn fill(&mut self) {
        while self.running.len() < self.engine.jobs {
            let Some(cell) = self.pending.pop_front() else { return };
            let id = cell.id();
            if self.engine.store.contains(&id) {
                self.display.finished(&cell);
                continue;
            }
            match self.engine.store.holder(&id) {
                Ok(Some(holder)) => {
                    let lock = self.engine.store.lock_file(&id);
                    self.held.push((cell, format!("{holder} (lock {})", lock.display())));
                }
                Ok(None) => self.start(cell),
                Err(error) => self.fail(cell, error.to_string()),
            }
        }
    }

    /// Puts the cells of others back in the queue from time to time: they are finished by now, or their lock expired.
    fn look_at_held(&mut self) {
        if self.held.is_empty() || self.looked_at_held.elapsed() < PATIENCE {
            return;
        }
        self.looked_at_held = Instant::now();
        if self.running.is_empty() && self.pending.is_empty() {
            let (cell, holder) = &self.held[0];
            let others = if self.held.len() > 1 {
                format!(" and {} more", self.held.len() - 1)
            } else {
                String::new()
            };
            self.display.waiting(&format!("waiting for {}{others}: computed by {holder}", cell.label()));
        }
        self.pending.extend(self.held.drain(..).map(|(cell, _)| cell));
    }

    fn start(&mut self, cell: CellSpec) {
        match self.spawn(&cell) {
            Ok(worker) => {
                self.display.started(&cell);
                self.running.push(worker);
            }
            Err(error) => self.fail(cell, format!("cannot start a worker: {error}")),
        }
    }

    fn spawn(&self, cell: &CellSpec) -> io::Result<Worker> {
        let store = self.engine.store;
        let log = store.log(&cell.id());
        if let Some(folder) = log.parent() {
            fs::create_dir_all(folder)?;
        }
        File::create(&log)?;
        let log = OpenOptions::new().append(true).open(&log)?;
        let threads = (cores() / self.engine.jobs).max(1).to_string();
        let mut command = Command::new(&self.engine.program);
        for variable in [
            "OMP_NUM_THREADS",
            "MKL_NUM_THREADS",
            "RAYON_NUM_THREADS",
            "POLARS_MAX_THREADS",
            THREADS_VARIABLE,
        ] {
            command.env(variable, &threads);
        }
        // A group of its own: Ctrl-C on the terminal reaches this process alone, which then ends its workers.
        command.arg("--worker").process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log.try_clone()?);
        let mut child = command.spawn()?;
        let job = Job {
            root: store.root().to_owned(),
            experiment: store.experiment().to_owned(),
            cell: cell.clone(),
            code: self.code.clone(),
        };
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the worker has no pipes"));
        };
        let job = serde_json::to_string(&job)?;
        // A worker that died at once is noticed when its output ends.
        let _ = writeln!(input, "{job}").and_then(|()| input.flush());
        let sender = self.sender.clone();
        let pid = child.id();
        std::thread::spawn(move || listen(pid, BufReader::new(output), log, &sender));
        Ok(Worker { cell: cell.clone(), child, _input: input, last: None })
    }

    fn heard(&mut self, pid: u32, event: Event) {
        let Some(worker) = self.running.iter_mut().find(|worker| worker.child.id() == pid) else { return };
        if let Event::Progress { done, total, message } = &event {
            self.display.progress(&worker.cell, *done, *total, message);
        }
        worker.last = Some(event);
    }

    fn closed(&mut self, pid: u32) {
        let Some(place) = self.running.iter().position(|worker| worker.child.id() == pid) else { return };
        let mut worker = self.running.swap_remove(place);
        let status = worker.child.wait();
        if self.engine.store.contains(&worker.cell.id()) {
            self.display.finished(&worker.cell);
            return;
        }
        match worker.last {
            Some(Event::Held { holder }) => {
                self.display.postponed(&worker.cell);
                self.held.push((worker.cell, holder.to_string()));
            }
            Some(Event::Failed { error }) => self.fail(worker.cell, error),
            _ => self.fail(worker.cell, format!("the worker crashed ({})", describe(status))),
        }
    }

    fn fail(&mut self, cell: CellSpec, reason: String) {
        self.display.failed(&cell, &reason);
        let log = self.engine.store.log(&cell.id());
        let tail = tail(&log);
        self.outcome.failures.push(Failure { cell, reason, log, tail });
    }

    fn kill_all(&mut self) {
        for worker in &mut self.running {
            // One that has just ended by itself is as dead.
            let _ = worker.child.kill();
            let _ = worker.child.wait();
        }
    }
}

/// Passes on what a worker says; lines that are no events were printed by some library and go to the log.
fn listen(pid: u32, output: impl BufRead, mut log: File, sender: &Sender<Message>) {
    for line in output.split(b'\n') {
        let Ok(line) = line else { break };
        match serde_json::from_slice(&line) {
            // The receiver is gone when the engine is: nothing is left to tell.
            Ok(event) => drop(sender.send(Message::Event { pid, event })),
            Err(_) => drop(log.write_all(&line).and_then(|()| log.write_all(b"\n"))),
        }
    }
    drop(sender.send(Message::Closed { pid }));
}

fn describe(status: io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) if status.signal() == Some(9) => {
            "killed by signal 9, perhaps for want of memory".to_owned()
        }
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    }
}

fn tail(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}
