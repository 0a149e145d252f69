//! The engine of this machine: every cell in a process of its own, several at a time.
//!
//! A process a cell, so that a crash or an out-of-memory kill costs one cell, and so that libtorch's threads and memory
//! are given back at its end. On CPU the price of that is hidden: the process of the next cell is started while the last
//! ones compute, and gets its cell when one of them has computed, not only when that is stored. A worker that dies without a word is tried again as often as was asked for; one that says
//! what is wrong is not, because it would say so again.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crate::cell::{CellId, CellSpec};
use crate::lock::Holder;
use crate::provenance::Code;
use crate::store::Store;
use crate::worker::{Event, Job};

use super::process::{Idle, Kind, Message, Process, remove_forgotten_logs};
use super::{Ending, Engine, EngineError, Failure, Observer, Outcome};

/// How often an idle engine looks whether it was interrupted.
const TICK: Duration = Duration::from_millis(100);
/// How often it looks at cells that other processes compute, and whether its own workers still hold their locks.
const PATIENCE: Duration = Duration::from_secs(1);

/// The engine of this machine.
#[derive(Debug)]
pub struct LocalEngine<'a> {
    /// Where the cells go.
    pub store: &'a Store,
    /// The source that its workers are made of.
    pub code: Code,
    /// What is started for each cell; [`this_program`] by default.
    pub program: PathBuf,
    /// Cells computed at a time.
    pub jobs: usize,
    /// Threads of each worker.
    pub threads: usize,
    /// Where cells are computed: a worker is told the device that the fewest others have.
    pub devices: Vec<String>,
    /// How often a cell is tried again whose worker died without saying why.
    pub retries: usize,
    /// Set from outside where the engine has to stop.
    pub interrupted: &'a AtomicBool,
}

/// This program, in the version that runs now.
///
/// # Errors
/// Where the system does not tell which program this is.
pub fn this_program() -> io::Result<PathBuf> {
    // The kernel's own link still means this program after the file was built anew; one grid, one version.
    let itself = Path::new("/proc/self/exe");
    if itself.exists() { Ok(itself.to_owned()) } else { std::env::current_exe() }
}

impl Engine for LocalEngine<'_> {
    fn run(&self, cells: Vec<CellSpec>, observer: &mut dyn Observer) -> Result<Outcome, EngineError> {
        remove_forgotten_logs(&self.store.logs());
        let (sender, receiver) = channel();
        let run = Run {
            engine: self,
            pending: cells.into(),
            held: Vec::new(),
            looked: Instant::now(),
            running: Vec::new(),
            idle: VecDeque::new(),
            crashes: HashMap::new(),
            sender,
            outcome: Outcome::default(),
            observer,
        };
        Ok(run.until_done(&receiver))
    }
}

struct Run<'a, 'b> {
    engine: &'a LocalEngine<'a>,
    pending: VecDeque<CellSpec>,
    /// Cells that other processes compute, with a line that says who.
    held: Vec<(CellSpec, String)>,
    /// When locks were looked at.
    looked: Instant,
    running: Vec<Worker>,
    /// Processes that wait for a cell.
    idle: VecDeque<Idle>,
    /// How often the worker of a cell has died without saying why.
    crashes: HashMap<CellId, usize>,
    sender: Sender<Message>,
    outcome: Outcome,
    observer: &'b mut dyn Observer,
}

struct Worker {
    cell: CellSpec,
    process: Process,
    /// Its place among the engine's devices.
    device: usize,
    /// Whether it has computed, and stores.
    stores: bool,
    last: Option<Event>,
}

impl Run<'_, '_> {
    fn until_done(mut self, receiver: &Receiver<Message>) -> Outcome {
        loop {
            if self.engine.interrupted.load(Ordering::SeqCst) {
                self.running.iter_mut().for_each(|worker| worker.process.kill());
                self.outcome.ending = Ending::Interrupted;
                return self.outcome;
            }
            self.look_at_locks();
            self.fill();
            if self.running.is_empty() && self.pending.is_empty() && self.held.is_empty() {
                return self.outcome;
            }
            match receiver.recv_timeout(TICK) {
                Ok(Message::Event { pid, event }) => self.heard(pid, event),
                Ok(Message::Closed { pid }) => self.closed(pid),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            self.observer.tick();
        }
    }

    fn fill(&mut self) {
        while self.has_room() {
            let Some(cell) = self.pending.pop_front() else { break };
            let id = cell.id();
            if self.engine.store.contains(&id) {
                self.observer.finished(&cell);
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
        if self.on_cpu() {
            self.prepare();
        }
    }

    /// A cell that is only being stored leaves its place to the next: what is computed with is free again. On a GPU it is
    /// not before the process ends.
    fn has_room(&self) -> bool {
        let stores = self.running.iter().filter(|worker| worker.stores && self.on_cpu()).count();
        self.running.len() - stores < self.engine.jobs && stores <= self.engine.jobs
    }

    fn on_cpu(&self) -> bool {
        self.engine.devices.iter().all(|device| device == "cpu")
    }

    /// Starts processes for the cells that come next, while others compute.
    fn prepare(&mut self) {
        while self.idle.len() < self.pending.len().min(self.engine.jobs) {
            match self.idle_process(0) {
                Ok(process) => self.idle.push_back(process),
                // It will be said when a cell needs one.
                Err(_) => return,
            }
        }
    }

    /// Puts the cells of others back in the queue from time to time: they are finished by now, or their lock expired.
    /// Ends workers whose own lock did: a host that was believed dead may come back and find its cell with another.
    fn look_at_locks(&mut self) {
        if self.looked.elapsed() < PATIENCE {
            return;
        }
        self.looked = Instant::now();
        for worker in &mut self.running {
            let holder = self.engine.store.holder(&worker.cell.id()).ok().flatten();
            if holder.is_some_and(|holder| !holder.is_process(worker.process.id())) {
                worker.process.kill();
            }
        }
        if let (true, true, Some((cell, holder))) =
            (self.running.is_empty(), self.pending.is_empty(), self.held.first())
        {
            let others = match self.held.len() {
                1 => String::new(),
                all => format!(" and {} more", all - 1),
            };
            self.observer.waiting(&format!("waiting for {}{others}: computed by {holder}", cell.label()));
        }
        self.pending.extend(self.held.drain(..).map(|(cell, _)| cell));
    }

    fn start(&mut self, cell: CellSpec) {
        match self.spawn(&cell) {
            Ok(worker) => {
                self.observer.started(&cell);
                self.running.push(worker);
            }
            Err(error) => self.fail(cell, format!("cannot start a worker: {error}")),
        }
    }

    fn spawn(&mut self, cell: &CellSpec) -> io::Result<Worker> {
        let device = self.idlest_device();
        let prepared = std::iter::from_fn(|| self.idle.pop_front()).find_map(Idle::if_alive);
        let idle = prepared.map_or_else(|| self.idle_process(device), Ok)?;
        let store = self.engine.store;
        let job = Job {
            root: store.root().to_owned(),
            experiment: store.experiment().to_owned(),
            cell: cell.clone(),
            code: self.engine.code.clone(),
        };
        // What a crashed worker printed stays above what its successor prints.
        let goes_on = self.crashes.contains_key(&cell.id());
        let process = idle.take(&job, &store.log(&cell.id()), goes_on, self.sender.clone())?;
        Ok(Worker { cell: cell.clone(), process, device, stores: false, last: None })
    }

    fn idle_process(&self, device: usize) -> io::Result<Idle> {
        let kind = Kind {
            program: &self.engine.program,
            threads: self.engine.threads,
            device: self.engine.devices.get(device).map(String::as_str),
        };
        Idle::start(kind, &self.engine.store.logs())
    }

    fn idlest_device(&self) -> usize {
        let busy = |&device: &usize| self.running.iter().filter(|worker| worker.device == device).count();
        (0..self.engine.devices.len()).min_by_key(busy).unwrap_or(0)
    }

    fn heard(&mut self, pid: u32, event: Event) {
        let Some(worker) = self.running.iter_mut().find(|worker| worker.process.id() == pid) else { return };
        match &event {
            Event::Progress(told) => self.observer.progress(&worker.cell, told),
            Event::Computed => worker.stores = true,
            Event::Finished | Event::Held { .. } | Event::Failed { .. } => {}
        }
        worker.last = Some(event);
    }

    fn closed(&mut self, pid: u32) {
        let Some(place) = self.running.iter().position(|worker| worker.process.id() == pid) else { return };
        let mut worker = self.running.swap_remove(place);
        let status = worker.process.wait();
        if self.engine.store.contains(&worker.cell.id()) {
            self.observer.finished(&worker.cell);
            return;
        }
        let holder = self.engine.store.holder(&worker.cell.id()).ok().flatten();
        match worker.last {
            Some(Event::Held { .. }) => self.hold(worker.cell, holder),
            // It was ended, or has failed, because the cell has another: see `look_at_locks`.
            _ if holder.is_some() => self.hold(worker.cell, holder),
            Some(Event::Failed { error }) => self.fail(worker.cell, error),
            _ => self.crashed(worker.cell, &describe(status)),
        }
    }

    fn hold(&mut self, cell: CellSpec, holder: Option<Holder>) {
        self.observer.postponed(&cell, "");
        let holder =
            holder.map_or_else(|| "a process that has just ended".to_owned(), |holder| holder.to_string());
        self.held.push((cell, holder));
    }

    fn crashed(&mut self, cell: CellSpec, how: &str) {
        let crashes = self.crashes.entry(cell.id()).or_default();
        *crashes += 1;
        let (crashes, retries) = (*crashes, self.engine.retries);
        if crashes <= retries {
            let why = format!("the worker crashed ({how}); trying again ({crashes} of {retries})");
            self.observer.postponed(&cell, &why);
            // At the end of the queue, where the fewest neighbours want memory.
            self.pending.push_back(cell);
        } else {
            let tries = if retries > 0 { format!(", {crashes} times") } else { String::new() };
            self.fail(cell, format!("the worker crashed{tries} ({how})"));
        }
    }

    fn fail(&mut self, cell: CellSpec, reason: String) {
        self.observer.failed(&cell, &reason);
        self.outcome.failures.push(Failure::new(self.engine.store, cell, reason));
    }
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
