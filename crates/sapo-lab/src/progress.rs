//! What a person sees while cells are computed: bars on a terminal, a few plain lines elsewhere, or nothing.

use std::collections::BTreeMap;
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::cell::{CellId, CellSpec};
use crate::engine::Observer;

/// How often the plain lines say what is going on.
pub(crate) const PLAIN_INTERVAL: Duration = Duration::from_secs(10);

/// The live display of an engine.
#[derive(Debug)]
pub struct Display {
    total: usize,
    done: usize,
    running: BTreeMap<CellId, Running>,
    style: Style,
}

#[derive(Debug)]
struct Running {
    label: String,
    begun: Instant,
    state: String,
    bar: ProgressBar,
}

#[derive(Debug)]
enum Style {
    Bars { all: MultiProgress, overall: ProgressBar },
    Lines { last: Instant },
    Quiet,
}

impl Display {
    /// A display on standard error for `total` cells, in the form that fits where it goes.
    #[must_use]
    pub fn new(total: usize, quiet: bool) -> Self {
        let style = if quiet {
            Style::Quiet
        } else if stderr().is_terminal() {
            let all = MultiProgress::new();
            let overall = all.add(ProgressBar::new(total as u64));
            overall
                .set_style(style("{bar:30.cyan} {pos}/{len} cells  {elapsed} gone, about {eta} left  {msg}"));
            overall.enable_steady_tick(Duration::from_secs(1));
            Style::Bars { all, overall }
        } else {
            Style::Lines { last: Instant::now() }
        };
        Self { total, done: 0, running: BTreeMap::new(), style }
    }

    fn ended(&mut self, cell: &CellSpec) {
        if let Some(running) = self.running.remove(&cell.id()) {
            running.bar.finish_and_clear();
            if let Style::Bars { all, .. } = &self.style {
                all.remove(&running.bar);
            }
        }
        if let Style::Bars { overall, .. } = &self.style {
            overall.set_position(self.done as u64);
            overall.set_message("");
        }
    }

    fn line(&self, text: &str) {
        if let Style::Lines { .. } = self.style {
            eprintln!("{text}");
        }
    }

    /// A line that is worth one on a terminal, too, above the bars.
    fn remark(&self, text: &str) {
        match &self.style {
            Style::Bars { all, .. } => all.suspend(|| eprintln!("{text}")),
            Style::Lines { .. } | Style::Quiet => self.line(text),
        }
    }
}

impl Observer for Display {
    fn started(&mut self, cell: &CellSpec) {
        let label = cell.label();
        let bar = match &self.style {
            Style::Bars { all, .. } => {
                let bar = all.add(ProgressBar::new(1));
                bar.set_style(style("  {prefix}  {bar:20} {pos}/{len}  {wide_msg}"));
                bar.set_prefix(label.clone());
                bar
            }
            Style::Lines { .. } | Style::Quiet => ProgressBar::hidden(),
        };
        self.line(&format!("{label}: started"));
        self.running.insert(cell.id(), Running { label, begun: Instant::now(), state: String::new(), bar });
    }

    fn progress(&mut self, cell: &CellSpec, done: u64, total: u64, message: &str) {
        if let Some(running) = self.running.get_mut(&cell.id()) {
            running.state = format!("{done}/{total} {message}");
            running.bar.set_length(total);
            running.bar.set_position(done);
            running.bar.set_message(message.to_owned());
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
            Style::Bars { overall, .. } => overall.set_message(text.to_owned()),
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
            let states: Vec<_> = self
                .running
                .values()
                .map(|running| format!("{}: {}", running.label, running.state))
                .collect();
            self.line(&format!("[{}/{}] running {}", self.done, self.total, states.join("; ")));
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        for running in self.running.values() {
            running.bar.finish_and_clear();
        }
        if let Style::Bars { overall, .. } = &self.style {
            overall.finish_and_clear();
        }
    }
}

pub(crate) fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
