//! How far a command is, on stderr: a bar on a terminal, elsewhere a plain line now and then.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

/// How often a plain line is written; what is done sooner writes none.
const PLAIN_INTERVAL: Duration = Duration::from_secs(10);

/// The display of one piece of work; it goes when it is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    work: Work,
    begun: Instant,
    display: Display,
}

#[derive(Debug)]
enum Display {
    Bar(ProgressBar),
    Lines { last: Instant },
}

/// How much is done.
#[derive(Debug)]
struct Work {
    what: &'static str,
    done: usize,
    total: usize,
    /// Whether it may be less in the end.
    at_most: bool,
}

impl Progress {
    /// Of `total` things.
    pub(crate) fn of(total: usize, what: &'static str) -> Self {
        Self::new(Work { what, done: 0, total, at_most: false })
    }

    /// Of `total` things or fewer.
    pub(crate) fn of_at_most(total: usize, what: &'static str) -> Self {
        Self::new(Work { what, done: 0, total, at_most: true })
    }

    fn new(work: Work) -> Self {
        let display = if stderr().is_terminal() {
            let most = if work.at_most { "at most " } else { "" };
            let template = format!("{{msg}} {{wide_bar}} {{pos}} of {most}{{len}}, {most}{{eta}} left");
            let style = ProgressStyle::with_template(&template);
            let bar = ProgressBar::new(work.total as u64).with_message(work.what);
            Display::Bar(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
        } else {
            Display::Lines { last: Instant::now() }
        };
        Self { work, begun: Instant::now(), display }
    }

    /// `more` of them are done.
    pub(crate) fn add(&mut self, more: usize) {
        self.set(self.work.done + more);
    }

    /// Does something that may write to the same terminal, with the display out of its way.
    pub(crate) fn suspended<T>(&self, work: impl FnOnce() -> T) -> T {
        match &self.display {
            Display::Bar(bar) => bar.suspend(work),
            Display::Lines { .. } => work(),
        }
    }

    /// `done` of them are done in all.
    pub(crate) fn set(&mut self, done: usize) {
        self.work.done = done;
        match &mut self.display {
            Display::Bar(bar) => bar.set_position(done as u64),
            Display::Lines { last } if last.elapsed() >= PLAIN_INTERVAL => {
                *last = Instant::now();
                eprintln!("{}", self.work.line(self.begun.elapsed()));
            }
            Display::Lines { .. } => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Display::Bar(bar) = &self.display {
            bar.finish_and_clear();
        }
    }
}

impl Work {
    /// `select: 420 of at most 5250, 31 seconds gone, at most 6 minutes left`
    fn line(&self, gone: Duration) -> String {
        let Self { what, done, total, at_most } = self;
        let most = if *at_most { "at most " } else { "" };
        let rest = total.saturating_sub(*done) as f64 / (*done).max(1) as f64;
        let left = Duration::from_secs_f64(gone.as_secs_f64() * rest);
        let (gone, left) = (HumanDuration(gone), HumanDuration(left));
        format!("{what}: {done} of {most}{total}, {gone} gone, {most}{left} left")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_done_and_what_is_left() {
        let mut work = Work { what: "select", done: 420, total: 5250, at_most: true };
        let gone = Duration::from_secs(31);
        assert_eq!(work.line(gone), "select: 420 of at most 5250, 31 seconds gone, at most 6 minutes left");
        work.at_most = false;
        work.done = 5250;
        assert_eq!(work.line(gone), "select: 5250 of 5250, 31 seconds gone, 0 seconds left");
    }
}
