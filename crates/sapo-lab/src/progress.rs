//! What a person sees while cells are computed: bars on a terminal, a few plain lines elsewhere, or nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use crate::cell::{CellId, CellSpec};
use crate::engine::Observer;
use crate::told::Told;

/// How often the plain lines say what is going on.
pub(crate) const PLAIN_INTERVAL: Duration = Duration::from_secs(10);
/// Parts of a cell that the bars count.
const PARTS: u64 = 1000;

/// The live display of an engine: a line a cell that is computed, and one for all.
#[derive(Debug)]
pub struct Display {
    total: usize,
    done: usize,
    running: BTreeMap<CellId, Running>,
    /// The line for all; hidden where there are no bars, and still the one that knows how long all will take.
    overall: ProgressBar,
    style: Style,
}

#[derive(Debug)]
struct Running {
    label: String,
    begun: Instant,
    told: Told,
    bar: ProgressBar,
}

#[derive(Debug)]
enum Style {
    Bars(MultiProgress),
    Lines { last: Instant },
    Quiet,
}

impl Display {
    /// A display on standard error for `total` cells, in the form that fits where it goes.
    #[must_use]
    pub fn new(total: usize, quiet: bool) -> Self {
        Self::of(total, quiet, true)
    }

    /// A display for one cell, without a line for all.
    #[must_use]
    pub fn of_one(quiet: bool) -> Self {
        Self::of(1, quiet, false)
    }

    fn of(total: usize, quiet: bool, with_overall: bool) -> Self {
        let mut overall = ProgressBar::hidden();
        let style = if quiet {
            Style::Quiet
        } else if stderr().is_terminal() {
            let all = MultiProgress::new();
            if with_overall {
                overall = all.add(ProgressBar::no_length());
                let template = "{bar:30.cyan} {prefix} cells  {elapsed} gone{left}  {msg}";
                overall.set_style(style(template));
                overall.enable_steady_tick(Duration::from_secs(1));
            }
            Style::Bars(all)
        } else {
            Style::Lines { last: Instant::now() }
        };
        overall.set_length(total as u64 * PARTS);
        overall.set_prefix(format!("0/{total}"));
        Self { total, done: 0, running: BTreeMap::new(), overall, style }
    }

    fn ended(&mut self, cell: &CellSpec) {
        if let Some(running) = self.running.remove(&cell.id()) {
            running.bar.finish_and_clear();
            if let Style::Bars(all) = &self.style {
                all.remove(&running.bar);
            }
        }
        self.overall.set_prefix(format!("{}/{}", self.done, self.total));
        self.overall.set_message("");
        self.count();
    }

    /// Moves the line for all: cells that are under way count by the share that is done.
    fn count(&self) {
        let under_way: f64 = self.running.values().map(|running| running.told.share()).sum();
        self.overall.set_position(((self.done as f64 + under_way) * PARTS as f64) as u64);
    }

    fn line(&self, text: &str) {
        if let Style::Lines { .. } = self.style {
            eprintln!("{text}");
        }
    }

    /// A line that is worth one on a terminal, too, above the bars.
    fn remark(&self, text: &str) {
        match &self.style {
            Style::Bars(all) => all.suspend(|| eprintln!("{text}")),
            Style::Lines { .. } | Style::Quiet => self.line(text),
        }
    }
}

impl Observer for Display {
    fn started(&mut self, cell: &CellSpec) {
        let label = cell.label();
        let bar = match &self.style {
            Style::Bars(all) => {
                let bar = all.add(ProgressBar::no_length());
                bar.set_style(style("  {prefix}  {bar:20}  {wide_msg}"));
                bar.set_prefix(label.clone());
                bar
            }
            Style::Lines { .. } | Style::Quiet => ProgressBar::hidden(),
        };
        bar.set_length(PARTS);
        self.line(&format!("{label}: started"));
        let running = Running { label, begun: Instant::now(), told: Told::default(), bar };
        self.running.insert(cell.id(), running);
    }

    fn progress(&mut self, cell: &CellSpec, told: &Told) {
        if let Some(running) = self.running.get_mut(&cell.id()) {
            running.told = told.clone();
            running.bar.set_position((told.share() * PARTS as f64) as u64);
            running.bar.set_message(told.line() + &left(running.bar.eta()));
            self.count();
        }
    }

    fn finished(&mut self, cell: &CellSpec) {
        self.done += 1;
        let how = match self.running.get(&cell.id()) {
            Some(running) => format!("finished in {:.1} s", running.begun.elapsed().as_secs_f64()),
            None => "finished by another process".to_owned(),
        };
        self.ended(cell);
        self.line(&format!("[{}/{}] {}: {how}", self.done, self.total, cell.label()));
    }

    fn failed(&mut self, cell: &CellSpec, reason: &str) {
        self.done += 1;
        self.ended(cell);
        self.remark(&format!("[{}/{}] {}: failed: {reason}", self.done, self.total, cell.label()));
    }

    fn postponed(&mut self, cell: &CellSpec, why: &str) {
        self.ended(cell);
        if !why.is_empty() {
            self.remark(&format!("{}: {why}", cell.label()));
        }
    }

    fn waiting(&mut self, text: &str) {
        match &mut self.style {
            Style::Bars(_) => self.overall.set_message(text.to_owned()),
            Style::Lines { last } if last.elapsed() >= PLAIN_INTERVAL => {
                *last = Instant::now();
                eprintln!("{text}");
            }
            Style::Lines { .. } | Style::Quiet => {}
        }
    }

    fn tick(&mut self) {
        let Style::Lines { last } = &mut self.style else { return };
        if last.elapsed() >= PLAIN_INTERVAL && !self.running.is_empty() {
            *last = Instant::now();
            let left = left(self.overall.eta());
            self.line(&format!("[{}/{}] {} running{left}", self.done, self.total, self.running.len()));
            for running in self.running.values() {
                self.line(&running.line());
            }
        }
    }
}

impl Running {
    /// `  arm=sapo seed=3: 3/16 train: mood, step 12/40, loss 0.4321, 1204 tokens/s, about 2 minutes left`
    fn line(&self) -> String {
        let Self { label, told, bar, .. } = self;
        if told.total == 0 {
            format!("  {label}")
        } else {
            format!("  {label}: {}{}", told.line(), left(bar.eta()))
        }
    }
}

/// A longer time is none that was judged: while one part takes long, the rate that is judged by sinks towards nothing.
const LONGEST_LEFT: Duration = Duration::from_secs(100 * 24 * 3600);

/// `, about 2 minutes left`, or nothing while there is nothing to judge by.
fn left(left: Duration) -> String {
    if left.is_zero() || left > LONGEST_LEFT {
        String::new()
    } else {
        format!(", about {} left", HumanDuration(left))
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        for running in self.running.values() {
            running.bar.finish_and_clear();
        }
        self.overall.finish_and_clear();
    }
}

pub(crate) fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("left", |state: &ProgressState, out: &mut dyn fmt::Write| {
        let _ = out.write_str(&left(state.eta())); // a bar that cannot be drawn is not drawn
    })
}

#[cfg(test)]
mod tests {
    use std::thread::sleep;

    use serde_json::json;

    use super::*;

    #[test]
    fn what_cannot_be_judged_is_not_said() {
        assert_eq!(left(Duration::ZERO), "");
        assert_eq!(left(Duration::from_secs(120)), ", about 2 minutes left");
        assert_eq!(left(Duration::MAX), "");
    }

    #[test]
    fn all_moves_with_the_cells_under_way_and_says_what_is_left() {
        let cells = [1, 2].map(|seed| CellSpec::new(json!({ "seed": seed }), &["seed"]).unwrap());
        let mut display = Display::new(2, true);
        cells.iter().for_each(|cell| display.started(cell));
        assert_eq!(display.running[&cells[0].id()].line(), "  seed=1");
        for done in 1..=4 {
            sleep(Duration::from_millis(20));
            display.progress(&cells[0], &Told::of(done, 8, "adding"));
        }
        assert_eq!(display.overall.position(), 500);
        let line = display.running[&cells[0].id()].line();
        assert!(line.starts_with("  seed=1: 4/8 adding"), "{line}");
        display.finished(&cells[0]);
        assert_eq!((display.overall.position(), display.overall.prefix().as_str()), (1000, "1/2"));
        display.postponed(&cells[1], "");
        assert!(display.running.is_empty());
    }
}
