//! Being asked to stop: by Ctrl-C, by a request to terminate, by a terminal that closes.

use std::io;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Calls `handler`, on a thread of its own, whenever the program is asked to stop.
///
/// A program that was started with SIGHUP ignored, as `nohup` does, is not asked by its terminal.
///
/// # Errors
/// Where the system does not let signals be watched.
pub fn on_interrupt(mut handler: impl FnMut() + Send + 'static) -> io::Result<()> {
    let mut asking = vec![SIGINT, SIGTERM];
    if !outlives_its_terminal() {
        asking.push(SIGHUP);
    }
    let mut signals = Signals::new(asking)?;
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || signals.forever().for_each(|_| handler()))?;
    Ok(())
}

/// Whether the program was started with SIGHUP ignored. Where the system does not say, it was not.
pub fn outlives_its_terminal() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    ignored & (1 << (SIGHUP - 1)) != 0
}
