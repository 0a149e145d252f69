//! `just reproduce`: all experiments one after the other, then their results into the documentation and the notebooks.
//!
//! ```text
//! configs/reproduce.toml -> list    which experiments, with which seeds
//! child                             the program of one, to which Ctrl-C is passed on
//! note                              what it has written: runs/<experiment>/reproduced.json
//! promote                           notebooks-export/, docs/figures/, and by blocks the tables of README.md and docs/experiments.md
//! ```
//!
//! Cells are kept by the experiments, so the same command goes on where it was stopped; an experiment that fails does not
//! stop the others.

mod args;
mod blocks;
mod child;
mod dry_run;
mod list;
mod note;
mod promote;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use sapo_lab::duration::in_words;
use sapo_lab::interrupt::on_interrupt;
use sapo_lab::provenance::{Code, Stopwatch};

pub use args::Args;
use child::Interrupts;
use dry_run::Summary;
use list::{List, Listed};
use note::Note;
use promote::Shelf;

use crate::places;

/// As a shell gives it to what was stopped by Ctrl-C.
const INTERRUPTED: u8 = 130;

/// What an experiment last printed on its standard output, in its folder of runs.
const SCREEN: &str = "screen.txt";

/// Why an experiment was not run that reads what the project does not ship.
const NO_DATA: &str = "it needs --data";

/// Runs as the command line says. The exit code is 0 only when every experiment that `--only` names has been run and
/// promoted, without it every one but those that were skipped; 130 after an interruption.
///
/// # Errors
/// Where nothing can be run, or a generated block of the documentation is wrong.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let interrupts = Arc::new(Interrupts::default());
    let asked = interrupts.clone();
    on_interrupt(move || asked.ask()).context("cannot watch for Ctrl-C")?;
    let project = match &args.into {
        Some(project) => project.clone(),
        None => places::project("docs").parent().map(Path::to_path_buf).unwrap_or_default(),
    };
    let list = List::shipped()?;
    let programs = program.parent().unwrap_or(Path::new("."));
    Reproduction { args, list: &list, programs, project: &project, interrupts: &interrupts }.run()
}

/// Everything that a reproduction needs to know.
struct Reproduction<'a> {
    args: &'a Args,
    list: &'a List,
    /// The folder of the experiments' programs.
    programs: &'a Path,
    /// The checkout that is written into.
    project: &'a Path,
    interrupts: &'a Interrupts,
}

/// What became of one experiment.
#[derive(Debug)]
enum Ending {
    Done(Box<Note>),
    /// It was run before.
    Known(Box<Note>),
    Failed(anyhow::Error),
    /// It was not run, nor was it asked for by name, and why.
    Skipped(&'static str),
    Interrupted,
}

impl Reproduction<'_> {
    fn run(&self) -> anyhow::Result<ExitCode> {
        let chosen = self.list.chosen(self.args)?;
        ensure!(!chosen.is_empty(), "there is no experiment of scale {}", self.args.scale);
        if self.args.dry_run {
            return self.dry_run(&chosen);
        }
        let width = chosen.iter().map(|listed| listed.name.len()).max().unwrap_or(0);
        let mut done = Vec::new();
        let mut failed = Vec::new();
        for listed in chosen {
            let name = listed.name.as_str();
            let clock = Instant::now();
            let ending = if self.args.docs_only { self.known(listed) } else { self.experiment(listed) };
            let line = format!("{name:width$}  {}", ending.told(clock.elapsed().as_secs_f64()));
            println!("{}", line.trim_end());
            match ending {
                Ending::Known(note) | Ending::Done(note) => done.push((listed, note)),
                Ending::Failed(_) => failed.push(name),
                Ending::Skipped(_) => {}
                Ending::Interrupted => {
                    eprintln!("interrupted; finished cells are kept; run the same command again to go on");
                    return Ok(ExitCode::from(INTERRUPTED));
                }
            }
        }
        failed.extend(self.promote(&done)?);
        if failed.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        eprintln!("error: failed: {}; the same command tries them again", failed.join(", "));
        Ok(ExitCode::FAILURE)
    }

    /// Runs one experiment and notes what it has written.
    fn experiment(&self, listed: &Listed) -> Ending {
        if self.lacks_data(listed) {
            return self.not_run(NO_DATA);
        }
        if self.interrupts.asked() {
            return Ending::Interrupted;
        }
        match self.run_and_note(listed) {
            _ if self.interrupts.asked() => Ending::Interrupted,
            Ok(note) => Ending::Done(Box::new(note)),
            Err(error) => Ending::Failed(error),
        }
    }

    fn run_and_note(&self, listed: &Listed) -> anyhow::Result<Note> {
        let Args { out, scale, quick, .. } = self.args;
        let folder = out.join(&listed.name);
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let screen = folder.join(SCREEN);
        let file = File::create(&screen).with_context(|| format!("cannot write {}", screen.display()))?;
        // made just now, so by the clock of the file system nothing that the experiment writes is older
        let start = file.metadata().and_then(|data| data.modified()).context("a file has no time")?;
        let stopwatch = Stopwatch::start(Code::detect());
        eprintln!("── {}", listed.command(self.args));
        let program = self.program(listed)?;
        let status = child::run(&program, &listed.arguments(self.args), Stdio::from(file), self.interrupts);
        let status = status.with_context(|| format!("cannot run {}", program.display()))?;
        ensure!(status.success(), "it ended with {status}");
        let provenance = stopwatch.stop(BTreeMap::new());
        let note = Note::take(
            &folder,
            start,
            scale,
            *quick && listed.quick_seeds.is_some(),
            listed.command(self.args),
            provenance,
        )?;
        note.write(&folder)?;
        Ok(note)
    }

    /// What was noted before.
    fn known(&self, listed: &Listed) -> Ending {
        match Note::read(&self.args.out.join(&listed.name), &self.args.scale) {
            Ok(Some(note)) => Ending::Known(Box::new(note)),
            Ok(None) => self.not_run("it was not reproduced at this scale"),
            Err(error) => Ending::Failed(error),
        }
    }

    /// An experiment that was not run: a failure where it was asked for by name.
    fn not_run(&self, why: &'static str) -> Ending {
        if self.args.only.is_some() { Ending::Failed(anyhow::Error::msg(why)) } else { Ending::Skipped(why) }
    }

    fn lacks_data(&self, listed: &Listed) -> bool {
        listed.needs_data(&self.args.scale) && self.args.data.is_none()
    }

    fn program(&self, listed: &Listed) -> anyhow::Result<PathBuf> {
        let program = self.programs.join(&listed.name);
        if !program.exists() {
            bail!(
                "no program {}: make all with `cargo build --release -p experiments --bins`",
                program.display()
            );
        }
        Ok(program)
    }

    /// Names the experiments that could not be promoted.
    fn promote<'b>(&self, done: &[(&'b Listed, Box<Note>)]) -> anyhow::Result<Vec<&'b str>> {
        let shelf = Shelf { project: self.project, list: self.list };
        let mut failed = Vec::new();
        for (listed, note) in done {
            match shelf.promote(listed, &self.args.out, note) {
                Ok(line) => println!("{line}"),
                Err(error) => {
                    eprintln!("error: {} cannot be promoted: {error:#}", listed.name);
                    failed.push(listed.name.as_str());
                }
            }
        }
        let changed = shelf.write_blocks()?;
        if !changed.is_empty() {
            println!(
                "new tables in {}; read again whether the text around them still holds",
                changed.join(", ")
            );
        }
        Ok(failed)
    }

    fn dry_run(&self, chosen: &[&Listed]) -> anyhow::Result<ExitCode> {
        let width = chosen.iter().map(|listed| listed.name.len()).max().unwrap_or(0);
        let mut sum = Summary::default();
        let mut failed = Vec::new();
        for listed in chosen {
            let name = &listed.name;
            let line = self.expected(listed, &mut sum).unwrap_or_else(|error| {
                failed.push(name.as_str());
                format!("FAILED: {error:#}")
            });
            println!("{name:width$}  {line}");
        }
        println!("{:width$}  {}", "all", sum.line());
        if failed.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        eprintln!("error: failed: {}", failed.join(", "));
        Ok(ExitCode::FAILURE)
    }

    /// What a dry run says of one experiment, whose cells are added to `sum`.
    fn expected(&self, listed: &Listed, sum: &mut Summary) -> anyhow::Result<String> {
        if self.lacks_data(listed) {
            ensure!(self.args.only.is_none(), "{NO_DATA}");
            return Ok(format!("skipped: {NO_DATA}"));
        }
        if !listed.is_grid() {
            return Ok("no grid of cells: its time is not known beforehand".to_string());
        }
        let summary = Summary::ask(&self.program(listed)?, listed, self.args)?;
        let line = summary.line();
        sum.add(summary);
        Ok(line)
    }
}

impl Ending {
    /// What is printed of an experiment that took so many seconds.
    fn told(&self, seconds: f64) -> String {
        let (word, took, why) = match self {
            Self::Done(_) => ("done", in_words(seconds), String::new()),
            Self::Known(_) => ("known", String::new(), String::new()),
            Self::Failed(error) => ("FAILED", in_words(seconds), format!("{error:#}")),
            Self::Skipped(why) => ("skipped", String::new(), (*why).to_string()),
            Self::Interrupted => ("stopped", in_words(seconds), String::new()),
        };
        format!("{word:7}  {took:>12}  {why}")
    }
}
