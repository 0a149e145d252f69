//! The program of one experiment as a child process, to which Ctrl-C is passed on.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// How often it is looked whether the child has ended or the user wants to stop.
const TICK: Duration = Duration::from_millis(50);

/// How often the user has asked to stop.
#[derive(Debug, Default)]
pub(super) struct Interrupts(AtomicUsize);

impl Interrupts {
    /// The user asks once more.
    pub(super) fn ask(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    /// Whether the user has asked.
    pub(super) fn asked(&self) -> bool {
        self.times() > 0
    }

    fn times(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Runs the program until its end; every wish to stop is passed on. What it prints on standard output goes to `screen`.
pub(super) fn run(
    program: &Path,
    arguments: &[String],
    screen: Stdio,
    interrupts: &Interrupts,
) -> io::Result<ExitStatus> {
    // A group of its own: a Ctrl-C of the terminal reaches it through this process alone, and so once.
    let mut child =
        Command::new(program).args(arguments).stdin(Stdio::null()).stdout(screen).process_group(0).spawn()?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let mut passed_on = 0;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if let Some(pid) = pid.filter(|_| interrupts.times() > passed_on) {
            passed_on += 1;
            // as Ctrl-C, which a program that was started in the background ignores; one that has just ended by itself
            // is as well
            let _ = kill_process(pid, Signal::TERM);
        }
        std::thread::sleep(TICK);
    }
}
