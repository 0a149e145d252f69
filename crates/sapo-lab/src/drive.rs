//! The whole `main` of an experiment: arguments, grid, cells, report.

use std::collections::HashMap;
use std::fs;
use std::io::{Write, stderr, stdout};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use sapo_files::folder;
use serde_json::json;

use crate::args::ExperimentArgs;
use crate::cell::{CellId, CellSpec};
use crate::compute::{self, number_of_cells};
use crate::engine::slurm::task;
use crate::events;
use crate::experiment::Description;
use crate::listing;
use crate::neighbours;
use crate::plan::Plan;
use crate::store::{Store, StoredRun};
use crate::study::{ReportContext, Study};
use crate::tensorboard::TensorBoard;
use crate::worker::{self, PEAK_MEMORY};

/// Runs an experiment as its command line says: computes what is missing, then reports what is stored.
///
/// The exit code is 0 only when every cell that was asked for is stored and reported, 130 after an interruption.
pub fn drive(study: &impl Study) -> ExitCode {
    let args = ExperimentArgs::from_command_line(study.name(), study.question());
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    // An experiment that set up its own subscriber keeps it.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).try_init();
    if args.worker {
        return worker::run(study);
    }
    if let Some(list) = &args.slurm_task {
        return task::run(list);
    }
    match conduct(study, &args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn conduct(study: &impl Study, args: &ExperimentArgs) -> anyhow::Result<ExitCode> {
    compute::check(args)?;
    let cells = grid(study, args)?;
    let choice = args.only.clone().unwrap_or_default();
    choice.check(&cells)?;
    let chosen: Vec<_> = cells.iter().filter(|cell| choice.takes(|axis| cell.axis(axis))).cloned().collect();
    ensure!(!chosen.is_empty(), "--only: no cell of this grid has all of these values");
    let store = Store::open(&args.out, study.name())?;
    let shared = study.shares_cells() && !args.force;
    if args.list {
        if args.json {
            events::print(&listing::question_json(study.name(), study.question(), &cells));
            return Ok(ExitCode::SUCCESS);
        }
        return Ok(print(&listing::question(study.name(), study.question(), &cells)));
    }
    if args.dry_run {
        let plan = Plan::of(&store, &chosen, shared, args.force)?;
        if args.json {
            plan.json().iter().for_each(events::print);
            return Ok(ExitCode::SUCCESS);
        }
        return Ok(print(&plan.table(args.jobs)));
    }

    if args.cancel {
        return compute::cancel(args, &store, &chosen);
    }
    let mut library = Library::default();
    if args.plot_only {
        library.load_all(&store, &cells);
        if library.runs.is_empty() {
            bail!("nothing to report: no cell of this grid is readable in {}", store.folder().display());
        }
    } else {
        store.sweep()?;
        Description::new(study.name(), study.question(), &cells).write(store.folder())?;
        if args.force {
            for id in chosen.iter().map(CellSpec::id) {
                store.remove(&id)?;
                store.forget_progress(&id)?;
            }
        }
        if shared {
            for (experiment, cells) in neighbours::take_over(&store, &chosen)? {
                eprintln!("taken over from {experiment}: {}", number_of_cells(cells));
            }
        }
        library.load_all(&store, &cells);
        let memory = library.largest_peak_memory().or_else(|| study.cell_memory(args));
        if let Some(code) = compute::compute(args, &store, chosen.clone(), memory)? {
            if args.json {
                summarise(&store, &chosen, cells.len(), None);
            }
            return Ok(code);
        }
        // Workers of an engine that was killed may have died only after the sweep at the start.
        store.sweep()?;
        library.load_all(&store, &cells);
    }
    if args.tensorboard {
        let curves = TensorBoard::new(&store);
        library.runs.values().try_for_each(|run| curves.write(run))?;
        eprintln!("curves: tensorboard --logdir {}", curves.folder().display());
    }
    report(study, args, &store, &cells, &chosen, library)
}

/// The last line of `--json`.
fn summarise(store: &Store, asked: &[CellSpec], cells: usize, screen: Option<&str>) {
    let stored = asked.iter().filter(|cell| store.contains(&cell.id())).count();
    events::print(&json!({"summary": {
        "cells": cells, "asked": asked.len(), "stored": stored, "folder": store.folder(), "report": screen,
    }}));
}

/// The grid with the marks that do not depend on the study: at least one cell, every one once.
fn grid(study: &impl Study, args: &ExperimentArgs) -> anyhow::Result<Vec<CellSpec>> {
    let mut cells = study.cells(args)?;
    ensure!(!cells.is_empty(), "the grid of {} has no cell", study.name());
    if args.limited() {
        cells = cells.into_iter().map(CellSpec::marked_limited).collect();
    }
    let mut seen: HashMap<CellId, String> = HashMap::new();
    for cell in &cells {
        if let Some(twin) = seen.insert(cell.id(), cell.label()) {
            bail!("two cells of the grid have one configuration: {twin} and {}", cell.label());
        }
    }
    Ok(cells)
}

/// The runs of the grid that could be loaded.
#[derive(Default)]
struct Library {
    runs: HashMap<CellId, StoredRun>,
    unreadable: Vec<CellId>,
}

impl Library {
    /// The most memory that a stored cell of the grid is known to have taken.
    fn largest_peak_memory(&self) -> Option<u64> {
        let peak = |run: &StoredRun| run.provenance.notes.get(PEAK_MEMORY)?.as_u64();
        self.runs.values().filter_map(peak).max()
    }

    /// Loads what is stored and not loaded yet; a damaged cell is named once and counts as missing.
    fn load_all(&mut self, store: &Store, cells: &[CellSpec]) {
        for id in cells.iter().map(CellSpec::id) {
            if self.runs.contains_key(&id) || self.unreadable.contains(&id) || !store.contains(&id) {
                continue;
            }
            match store.load(&id) {
                Ok(run) => drop(self.runs.insert(id, run)),
                Err(error) => {
                    eprintln!("error: {error}");
                    self.unreadable.push(id);
                }
            }
        }
    }
}

fn report(
    study: &impl Study,
    args: &ExperimentArgs,
    store: &Store,
    cells: &[CellSpec],
    asked: &[CellSpec],
    mut library: Library,
) -> anyhow::Result<ExitCode> {
    let all_asked = asked.iter().all(|cell| library.runs.contains_key(&cell.id()));
    let runs: Vec<StoredRun> = cells.iter().filter_map(|cell| library.runs.remove(&cell.id())).collect();
    let incomplete = format!("{} of {} cells are stored and readable", runs.len(), cells.len());
    if runs.is_empty() {
        if args.json {
            summarise(store, asked, cells.len(), None);
        }
        bail!("nothing to report: {incomplete}");
    }
    let context =
        ReportContext { args, cells: cells.len(), stored: runs.len(), folder: store.folder().to_owned() };
    for folder in [context.tables_dir(), context.plots_dir()] {
        make_room(&folder)?;
    }
    let screen = study.report(&runs, &context).with_context(|| {
        format!("cannot report, but every finished cell is kept in {}", store.folder().display())
    })?;
    if args.json {
        summarise(store, asked, cells.len(), Some(screen.trim_end()));
    } else {
        print(&screen);
    }
    if !args.json && !context.complete() {
        print(&format!("Incomplete: {incomplete}; run the same command again for the others."));
    }
    Ok(if all_asked { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The endings of what reports write.
const REPORTED: [&str; 6] = ["parquet", "csv", "md", "tex", "png", "svg"];

/// Makes a folder of tables or figures, without those of an earlier report: it may have been of other arms or another
/// scale. What no report writes stays.
fn make_room(made: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(made).with_context(|| format!("cannot create {}", made.display()))?;
    folder::clear(made, |name| name.rsplit_once('.').is_some_and(|(_, ending)| REPORTED.contains(&ending)))?;
    Ok(())
}

/// Prints a text and a line's end on standard output; a reader that has gone (`| head`) is no failure.
fn print(text: &str) -> ExitCode {
    let _ = writeln!(stdout(), "{}", text.trim_end()).and_then(|()| stdout().flush());
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::record::RunRecord;
    use crate::worker::CellContext;

    /// A study of no cell.
    struct Nothing;

    impl Study for Nothing {
        fn name(&self) -> &str {
            "nothing"
        }

        fn question(&self) -> &str {
            "Is there anything?"
        }

        fn cells(&self, _args: &ExperimentArgs) -> anyhow::Result<Vec<CellSpec>> {
            Ok(Vec::new())
        }

        fn run_cell(&self, _config: &Value, _context: &CellContext) -> anyhow::Result<RunRecord> {
            unreachable!("there is no cell")
        }

        fn report(&self, _runs: &[StoredRun], _context: &ReportContext<'_>) -> anyhow::Result<String> {
            unreachable!("there is no run")
        }
    }

    #[test]
    fn a_grid_without_a_cell_is_said_to_be_one() {
        for line in [&[][..], &["--only", "arm=sapo"], &["--list"]] {
            let error = conduct(&Nothing, &ExperimentArgs::from_line(line).unwrap()).unwrap_err().to_string();
            assert_eq!(error, "the grid of nothing has no cell");
        }
    }
}
