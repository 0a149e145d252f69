//! Ctrl-C: the work stops where nothing is lost, and the command says how to go on.
//!
//! Signals are waited for by a thread of their own and never handled by one that computes: the kernels that oneDNN
//! generates use the stack pointer for data, and what the kernel of the system lays there for a handler would overwrite the
//! heap.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use nix::sys::signal::{SigSet, Signal, raise};
use sapo_lab::interrupt::outlives_its_terminal;

/// As a shell gives it to what was stopped by Ctrl-C.
pub(crate) const EXIT_CODE: u8 = 130;

/// The work was stopped by the user.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(crate) struct Interrupted {
    /// Whether what was computed is kept, so that the same command goes on.
    pub(crate) kept: bool,
}

static WATCHED: AtomicBool = AtomicBool::new(false);
static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Starts the thread that waits for Ctrl-C and requests to terminate. To be called while there is no other thread: those
/// that are started later leave the signals to it, one from before would be ended by them.
pub(crate) fn listen() -> anyhow::Result<()> {
    let mut signals: SigSet = [Signal::SIGINT, Signal::SIGTERM].into_iter().collect();
    // An ignored signal that is held back comes to who waits for it all the same.
    if !outlives_its_terminal() {
        signals.add(Signal::SIGHUP);
    }
    signals.thread_block().context("cannot hold signals back")?;
    let wait = move || {
        loop {
            match signals.wait() {
                Ok(_) if WATCHED.load(Ordering::SeqCst) => ask(),
                Ok(signal) => act_as_unwatched(signals, signal),
                Err(_) => {} // only a wait that was broken off
            }
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(wait).context("cannot watch for Ctrl-C")?;
    Ok(())
}

/// From now on Ctrl-C, or a request to terminate, only asks; a second one ends the program at once.
pub(crate) fn watch() {
    WATCHED.store(true, Ordering::SeqCst);
}

/// Whether the user has asked to stop.
pub(crate) fn requested() -> bool {
    REQUESTED.load(Ordering::SeqCst)
}

fn ask() {
    if REQUESTED.swap(true, Ordering::SeqCst) {
        std::process::exit(EXIT_CODE.into());
    }
    eprintln!("\nstopping after this batch; Ctrl-C again stops at once");
}

/// Lets the signal do what it does to a program that does not watch: end it, unless it is ignored.
fn act_as_unwatched(signals: SigSet, signal: Signal) {
    // None of these can fail for signals that exist.
    let _ = signals.thread_unblock();
    let _ = raise(signal);
    let _ = signals.thread_block();
}
