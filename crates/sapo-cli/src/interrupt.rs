//! Ctrl-C: the work stops where nothing is lost, and the command says how to go on.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;

/// As a shell gives it to what was stopped by Ctrl-C.
pub(crate) const EXIT_CODE: u8 = 130;

/// The work was stopped by the user.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(crate) struct Interrupted {
    /// Whether what was computed is kept, so that the same command goes on.
    pub(crate) kept: bool,
}

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C, or a request to terminate, only asks; a second one ends the program at once.
pub(crate) fn watch() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        if REQUESTED.swap(true, Ordering::SeqCst) {
            std::process::exit(EXIT_CODE.into());
        }
        eprintln!("\nstopping after this batch; Ctrl-C again stops at once");
    })
    .context("cannot watch for Ctrl-C")
}

/// Whether the user has asked to stop.
pub(crate) fn requested() -> bool {
    REQUESTED.load(Ordering::SeqCst)
}
