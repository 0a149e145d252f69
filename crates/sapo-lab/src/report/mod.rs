//! Stored runs as one page that explains itself: a single HTML file without any other, for a browser without a network.
//!
//! ```text
//! source    which cells of which stores were asked for
//! cell      one stored run as the page shows it         settings  what all cells share, and what tells them apart
//! samples   first answers of every task                 groups    means with intervals over seeds
//! curve     a training loss in few points               origin    code, machines, times
//! figures   what the experiment drew, or the usual      page      all of it as HTML
//! ```
//!
//! The text of the page is made here, escaped by the template; tables and cells are made by the page's own script from
//! data that lie in it as JSON, when they are asked for. What a model answered is hostile text: the script only ever sets
//! it as text, and the page forbids any other script and every request.

mod cell;
mod curve;
mod error;
mod experiment;
mod figures;
mod groups;
mod origin;
mod page;
mod samples;
mod settings;
mod source;
mod texts;
mod usual_figures;

use std::path::PathBuf;

pub use error::ReportError;
use experiment::Experiment;

/// A page and what is on it.
#[derive(Debug)]
pub struct Report {
    /// The page.
    pub html: String,
    /// The experiments on it, in the order in which they were asked for.
    pub experiments: Vec<Reported>,
}

/// What a page says of one experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// Name of the experiment.
    pub name: String,
    /// Cells on the page.
    pub cells: usize,
    /// What could not be read, and so is not on the page but for this message.
    pub damaged: Vec<String>,
}

/// Reports on `runs`, each the folder of an experiment or of one cell, with the answers to the first `samples` examples
/// of every task.
///
/// A cell that cannot be read does not stop the report: it is named on the page and in [`Reported::damaged`].
///
/// # Errors
/// [`ReportError`] where a folder holds no runs or the page cannot be made.
pub fn report(runs: &[PathBuf], samples: usize) -> Result<Report, ReportError> {
    let sources = source::find(runs)?;
    let experiments =
        sources.iter().map(|source| Experiment::read(source, samples)).collect::<Result<Vec<_>, _>>()?;
    let html = page::render(&experiments)?;
    let reported = |experiment: &Experiment| Reported {
        name: experiment.name.clone(),
        cells: experiment.cells.len(),
        damaged: experiment.damaged.clone(),
    };
    Ok(Report { html, experiments: experiments.iter().map(reported).collect() })
}
