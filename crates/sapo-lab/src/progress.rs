//! What a person sees while cells are computed: bars on a terminal, a few plain lines elsewhere, or nothing.

use std::collections::BTreeMap;
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, MultiProgress, ProgressBar, ProgressStyle};

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
    /// The line for all; hidden where there are no bars.
    overall: ProgressBar,
    /// How fast all goes; what cells had already when they began is counted as done before.
    pace: Pace,
    /// What the line for all ends with.
    remark: String,
    style: Style,
}

#[derive(Debug)]
struct Running {
    label: String,
    begun: Instant,
    told: Told,
    /// Since the cell first told how far it is.
    pace: Option<Pace>,
    bar: ProgressBar,
}

/// How fast something goes, by all that was done since it began: a rate of the last while, as bars have it, fades while one
/// part takes long.
#[derive(Debug, Clone, Copy)]
struct Pace {
    begun: Instant,
    /// What was done already, of the same measure as what is asked of [`Pace::left`].
    before: f64,
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
                let template = "{bar:30.cyan} {prefix} cells  {elapsed} gone{msg}";
                overall.set_style(style(template));
                overall.enable_steady_tick(Duration::from_secs(1));
            }
            Style::Bars(all)
        } else {
            Style::Lines { last: Instant::now() }
        };
        overall.set_length(total as u64 * PARTS);
        overall.set_prefix(format!("0/{total}"));
        let (running, pace, remark) = (BTreeMap::new(), Pace::from(0.0), String::new());
        Self { total, done: 0, running, overall, pace, remark, style }
    }

    fn ended(&mut self, cell: &CellSpec) {
        if let Some(running) = self.running.remove(&cell.id()) {
            running.bar.finish_and_clear();
            if let Style::Bars(all) = &self.style {
                all.remove(&running.bar);
            }
        }
        self.overall.set_prefix(format!("{}/{}", self.done, self.total));
        self.remark.clear();
        self.count();
    }

    /// Cells that are done; those that are under way count by the share that is.
    fn cells_done(&self) -> f64 {
        self.done as f64 + self.running.values().map(|running| running.told.share()).sum::<f64>()
    }

    /// Moves the line for all.
    fn count(&self) {
        self.overall.set_position((self.cells_done() * PARTS as f64) as u64);
        let remark = if self.remark.is_empty() { String::new() } else { format!("  {}", self.remark) };
        self.overall.set_message(self.left() + &remark);
    }

    fn left(&self) -> String {
        in_words(self.pace.left(self.cells_done(), self.total as f64))
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
        let running = Running { label, begun: Instant::now(), told: Told::default(), pace: None, bar };
        self.running.insert(cell.id(), running);
    }

    fn progress(&mut self, cell: &CellSpec, told: &Told) {
        if let Some(running) = self.running.get_mut(&cell.id()) {
            running.told = told.clone();
            if running.pace.is_none() {
                running.pace = Some(Pace::from(told.share()));
                self.pace.before += told.share();
            }
            running.bar.set_position((told.share() * PARTS as f64) as u64);
            running.bar.set_message(told.line() + &running.left());
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
        if let Some(pace) = self.running.get(&cell.id()).and_then(|running| running.pace) {
            self.pace.before -= pace.before; // what it has is none of the cells that are done
        }
        self.ended(cell);
        if !why.is_empty() {
            self.remark(&format!("{}: {why}", cell.label()));
        }
    }

    fn waiting(&mut self, text: &str) {
        match &mut self.style {
            Style::Bars(_) => {
                text.clone_into(&mut self.remark);
                self.count();
            }
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
            let left = self.left();
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
        let Self { label, told, .. } = self;
        if told.total == 0 {
            format!("  {label}")
        } else {
            format!("  {label}: {}{}", told.line(), self.left())
        }
    }

    fn left(&self) -> String {
        in_words(self.pace.and_then(|pace| pace.left(self.told.share(), 1.0)))
    }
}

impl Pace {
    /// Of what begins now, with so much done already.
    fn from(before: f64) -> Self {
        Self { begun: Instant::now(), before }
    }

    /// How long the rest of `all` will take when so much is done, if there is anything to judge by.
    fn left(self, done: f64, all: f64) -> Option<Duration> {
        let rest = (all - done).max(0.0) / (done - self.before).max(0.0);
        Duration::try_from_secs_f64(self.begun.elapsed().as_secs_f64() * rest).ok()
    }
}

/// `, about 2 minutes left`, or nothing where that is not known or nothing is left.
fn in_words(left: Option<Duration>) -> String {
    left.filter(|left| !left.is_zero())
        .map_or_else(String::new, |left| format!(", about {} left", HumanDuration(left)))
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
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use std::thread::sleep;

    use serde_json::json;

    use super::*;

    /// What is left of something that began a minute ago.
    fn left(before: f64, done: f64, all: f64) -> String {
        in_words(Pace { begun: Instant::now() - Duration::from_secs(60), before }.left(done, all))
    }

    #[test]
    fn what_is_left_is_judged_by_all_that_was_done_since_the_beginning() {
        assert_eq!(left(0.0, 2.0, 6.0), ", about 2 minutes left");
        assert_eq!(left(0.75, 0.875, 1.0), ", about 60 seconds left");
        assert_eq!(left(0.0, 1.0, 1.0), "");
        assert_eq!(left(0.5, 0.5, 1.0), ""); // nothing to judge by
        assert_eq!(left(0.5, 0.25, 1.0), "");
        assert_eq!(left(1.0, 1.0, 1.0), "");
    }

    #[test]
    fn a_cell_that_goes_on_where_another_stopped_is_judged_by_its_own_part() {
        let cell = CellSpec::new(json!({ "seed": 1 }), &["seed"]).unwrap();
        let mut display = Display::new(1, true);
        display.started(&cell);
        display.progress(&cell, &Told::of(7, 8, "adding"));
        assert_eq!((display.left().as_str(), display.running[&cell.id()].left().as_str()), ("", ""));
        assert_eq!(display.pace.before, 0.875);
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
        assert!(line.starts_with("  seed=1: 4/8 adding, about "), "{line}");
        display.finished(&cells[0]);
        assert_eq!((display.overall.position(), display.overall.prefix().as_str()), (1000, "1/2"));
        display.postponed(&cells[1], "");
        assert!(display.running.is_empty());
    }
}
