//! The engine that a command line asks for, from its start to what is said where it ends early.

use std::io::{BufRead, IsTerminal, Write, stderr, stdin};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail, ensure};

use crate::args::{EngineKind, ExperimentArgs};
use crate::cell::CellSpec;
use crate::engine::slurm::SlurmProfile;
use crate::engine::{
    Audience, Ending, Engine, Failure, LocalEngine, SlurmEngine, default_jobs, this_program,
};
use crate::events::Events;
use crate::interrupt::on_interrupt;
use crate::progress::Display;
use crate::provenance::{Code, cores};
use crate::store::Store;
use crate::tensorboard::TensorBoard;

/// What shells report for a program that Ctrl-C ended.
const EXIT_INTERRUPTED: u8 = 130;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static COMPUTING: AtomicBool = AtomicBool::new(false);

/// Computes those of `cells` that the store lacks. An exit code means that the program ends here, without a report.
pub(crate) fn compute(
    args: &ExperimentArgs,
    store: &Store,
    mut cells: Vec<CellSpec>,
    cell_memory: Option<u64>,
) -> anyhow::Result<Option<ExitCode>> {
    cells.retain(|cell| !store.contains(&cell.id()));
    if cells.is_empty() {
        return Ok(None);
    }
    let mut audience = audience(args, store, cells.len());
    on_interrupt(ask_to_stop).context("cannot watch for Ctrl-C")?;
    COMPUTING.store(true, Ordering::SeqCst);
    let asked = cells.clone();
    let outcome = match args.engine {
        EngineKind::Local => local(args, store, cells.len(), cell_memory)?.run(cells, &mut audience),
        EngineKind::Slurm => slurm(args, store)?.run(cells, &mut audience),
    }?;
    COMPUTING.store(false, Ordering::SeqCst);
    drop(audience);
    outcome.failures.iter().for_each(explain);
    match outcome.ending {
        Ending::Done => Ok(None),
        Ending::Interrupted => {
            store.sweep()?;
            eprintln!("interrupted; finished cells are kept; run the same command again to go on");
            Ok(Some(ExitCode::from(EXIT_INTERRUPTED)))
        }
        Ending::Detached { cells } => Ok(Some(leave(args, store, &asked, cells)?)),
    }
}

/// Who is told what becomes of the cells.
fn audience(args: &ExperimentArgs, store: &Store, cells: usize) -> Audience {
    let mut audience = Audience(vec![Box::new(Display::new(cells, args.quiet))]);
    if args.json {
        audience.0.push(Box::new(Events::new()));
    }
    if args.tensorboard {
        audience.0.push(Box::new(TensorBoard::new(store)));
    }
    audience
}

/// Cancels what Slurm has of these cells.
pub(crate) fn cancel(args: &ExperimentArgs, store: &Store, cells: &[CellSpec]) -> anyhow::Result<ExitCode> {
    tell_cancelled(slurm(args, store)?.cancel(cells)?);
    Ok(ExitCode::SUCCESS)
}

/// Flags that fit only one engine are refused beside the other: they would change nothing.
pub(crate) fn check(args: &ExperimentArgs) -> anyhow::Result<()> {
    ensure!(!args.cancel || args.engine == EngineKind::Slurm, "--cancel is for --engine slurm");
    if args.engine == EngineKind::Local {
        ensure!(args.slurm_profile.is_none(), "--slurm-profile is for --engine slurm");
        ensure!(!args.detach, "--detach is for --engine slurm");
    } else if args.devices.is_some() {
        bail!("--devices is for --engine local; under Slurm a task has the GPUs that the profile asks for");
    }
    args.device_kind()?;
    Ok(())
}

fn local<'a>(
    args: &ExperimentArgs,
    store: &'a Store,
    cells: usize,
    cell_memory: Option<u64>,
) -> anyhow::Result<LocalEngine<'a>> {
    let devices = args.devices();
    let jobs = args.jobs.unwrap_or_else(|| default_jobs(&devices, cell_memory)).min(cells).max(1);
    Ok(LocalEngine {
        store,
        code: Code::detect(),
        program: this_program().context("cannot find this program to start workers")?,
        jobs,
        threads: (cores() / jobs).max(1),
        devices,
        retries: args.retries,
        interrupted: &INTERRUPTED,
    })
}

fn slurm<'a>(args: &ExperimentArgs, store: &'a Store) -> anyhow::Result<SlurmEngine<'a>> {
    let profile = args.slurm_profile.as_deref().map(SlurmProfile::read).transpose()?.unwrap_or_default();
    Ok(SlurmEngine {
        store,
        profile,
        max_running: args.jobs,
        device: args.device.clone(),
        retries: args.retries,
        detach: args.detach,
        interrupted: &INTERRUPTED,
    })
}

/// Goes away from cells that Slurm has; who is there and did not ask for that may cancel them.
fn leave(args: &ExperimentArgs, store: &Store, asked: &[CellSpec], cells: usize) -> anyhow::Result<ExitCode> {
    let asks = !args.detach && stdin().is_terminal() && stderr().is_terminal();
    if asks && wants_to_cancel(cells) {
        tell_cancelled(slurm(args, store)?.cancel(asked)?);
    } else {
        let left = number_of_cells(cells);
        eprintln!("left to Slurm: {left}; the same command goes on looking, with --cancel it ends them");
    }
    Ok(if args.detach { ExitCode::SUCCESS } else { ExitCode::from(EXIT_INTERRUPTED) })
}

/// A second Ctrl-C instead of an answer means no, too.
fn wants_to_cancel(cells: usize) -> bool {
    eprint!("cancel {} in Slurm? [y/N] ", number_of_cells(cells));
    let _ = stderr().flush();
    let mut answer = String::new();
    let _ = stdin().lock().read_line(&mut answer);
    matches!(answer.trim(), "y" | "Y" | "yes")
}

fn tell_cancelled(cells: usize) {
    eprintln!("cancelled: {}; finished cells are kept", number_of_cells(cells));
}

pub(crate) fn number_of_cells(cells: usize) -> String {
    if cells == 1 { "1 cell".to_owned() } else { format!("{cells} cells") }
}

/// Asks the engine to stop; where there is none, or it was asked before, ends at once. Either way nothing is lost.
fn ask_to_stop() {
    if !COMPUTING.load(Ordering::SeqCst) || INTERRUPTED.swap(true, Ordering::SeqCst) {
        std::process::exit(i32::from(EXIT_INTERRUPTED));
    }
}

fn explain(failure: &Failure) {
    let Failure { cell, reason, log, tail } = failure;
    eprintln!("\nfailed: {} ({}): {reason}\n  log: {}", cell.label(), cell.id(), log.display());
    tail.lines().for_each(|line| eprintln!("  | {line}"));
}
