//! The process of a worker, from before it has a cell to its end.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::Sender;
use std::time::Duration;

use tempfile::TempPath;

use crate::worker::{DEVICE_VARIABLE, Event, Job, THREADS_VARIABLE};

/// Begins the names of logs of processes that have no cell yet.
const NOBODYS: &str = ".idle-";
/// After this such a log is what a killed engine left.
const FORGOTTEN: Duration = Duration::from_secs(7 * 24 * 3600);

/// What makes one process like another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind<'a> {
    pub(super) program: &'a Path,
    pub(super) threads: usize,
    pub(super) device: Option<&'a str>,
}

/// A process that waits for its cell; it ends with this.
#[derive(Debug)]
pub(super) struct Idle {
    child: Ended,
    input: ChildStdin,
    output: ChildStdout,
    log: TempPath,
}

/// A process that has a cell.
#[derive(Debug)]
pub(super) struct Process {
    child: Ended,
    /// Open for as long as this process lives: its end tells the worker to die.
    _input: ChildStdin,
}

/// What a process tells through the thread that listens to it.
pub(super) enum Message {
    /// The worker with this number says something.
    Event { pid: u32, event: Event },
    /// It says no more.
    Closed { pid: u32 },
}

/// A child that is ended and waited for when it is dropped.
#[derive(Debug)]
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // One that has just ended by itself is as dead.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Idle {
    /// Starts a process whose log lies among `logs` without a cell's name.
    pub(super) fn start(kind: Kind<'_>, logs: &Path) -> io::Result<Self> {
        fs::create_dir_all(logs)?;
        let permissions = fs::Permissions::from_mode(0o666);
        let log = tempfile::Builder::new()
            .prefix(NOBODYS)
            .permissions(permissions)
            .append(true)
            .tempfile_in(logs)?;
        let mut command = Command::new(kind.program);
        let threads = kind.threads.to_string();
        for variable in [
            "OMP_NUM_THREADS",
            "MKL_NUM_THREADS",
            "RAYON_NUM_THREADS",
            "POLARS_MAX_THREADS",
            THREADS_VARIABLE,
        ] {
            command.env(variable, &threads);
        }
        if let Some(device) = kind.device {
            command.env(DEVICE_VARIABLE, device);
        }
        // A group of its own: Ctrl-C on the terminal reaches this process alone, which then ends its workers.
        command.arg("--worker").process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log.as_file().try_clone()?);
        let mut child = Ended(command.spawn()?);
        let (Some(input), Some(output)) = (child.0.stdin.take(), child.0.stdout.take()) else {
            return Err(io::Error::other("the worker has no pipes"));
        };
        Ok(Self { child, input, output, log: log.into_temp_path() })
    }

    /// Nothing where the process has died while it waited.
    pub(super) fn if_alive(mut self) -> Option<Self> {
        matches!(self.child.0.try_wait(), Ok(None)).then_some(self)
    }

    /// Gives it a cell, whose log its own becomes: a new one, or one that goes on from the log that is there.
    pub(super) fn take(
        mut self,
        job: &Job,
        log: &Path,
        goes_on: bool,
        listener: Sender<Message>,
    ) -> io::Result<Process> {
        let mut file = OpenOptions::new().append(true).open(&self.log)?;
        if goes_on {
            file.write_all(&fs::read(log).unwrap_or_default())?;
        }
        self.log.persist(log).map_err(|error| error.error)?;
        let job = serde_json::to_string(job)?;
        // A worker that died at once is noticed when its output ends.
        let _ = writeln!(self.input, "{job}").and_then(|()| self.input.flush());
        let (pid, output) = (self.child.0.id(), BufReader::new(self.output));
        std::thread::spawn(move || listen(pid, output, file, &listener));
        Ok(Process { child: self.child, _input: self.input })
    }
}

impl Process {
    pub(super) fn id(&self) -> u32 {
        self.child.0.id()
    }

    pub(super) fn kill(&mut self) {
        let _ = self.child.0.kill();
    }

    pub(super) fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.0.wait()
    }
}

/// Removes the logs of processes that never got a cell because their engine was killed.
pub(super) fn remove_forgotten_logs(logs: &Path) {
    for entry in fs::read_dir(logs).into_iter().flatten().flatten() {
        let nobodys = entry.file_name().to_string_lossy().starts_with(NOBODYS);
        let age = entry.metadata().and_then(|data| data.modified()).ok().and_then(|time| time.elapsed().ok());
        if nobodys && age.is_some_and(|age| age > FORGOTTEN) {
            // Nothing depends on it.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Passes on what a worker says; lines that are no events were printed by some library and go to the log.
fn listen(pid: u32, output: impl BufRead, mut log: File, listener: &Sender<Message>) {
    for line in output.split(b'\n') {
        let Ok(line) = line else { break };
        match serde_json::from_slice(&line) {
            // The receiver is gone when the engine is: nothing is left to tell.
            Ok(event) => drop(listener.send(Message::Event { pid, event })),
            Err(_) => drop(log.write_all(&line).and_then(|()| log.write_all(b"\n"))),
        }
    }
    drop(listener.send(Message::Closed { pid }));
}
