use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use sapo_files::whole;
use sapo_lab::report::{Report, Reported, report};
use serde_json::json;

use crate::failure::InputError;

/// Show stored runs on one page: results, figures, every cell, settings, provenance
///
/// RUNS are folders of experiments (runs/quickstart) or of single cells. The page is one HTML file that needs no network and
/// no other file. It has tables that sort and filter, and opens every cell: its transfer matrix, the wordings that were
/// considered and their losses, the training loss, seconds and tokens, and what the model answered.
///
/// A cell that cannot be read is named on the page and on stderr; the page is written, and the exit code is 1.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Folders of experiments or of cells
    #[arg(required = true, value_name = "RUNS")]
    runs: Vec<PathBuf>,
    /// The page to write; one that is there is replaced
    #[arg(long, value_name = "FILE.html")]
    out: PathBuf,
    /// Show the answers to the first N examples of every task: before any training, after the task's own, at the end
    #[arg(long, value_name = "N", default_value_t = 5)]
    samples: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &ReportArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let Report { html, experiments } = report(&args.runs, args.samples)?;
    whole::write(&args.out, html.as_bytes()).with_context(|| format!("write {}", args.out.display()))?;
    let damaged: Vec<&String> = experiments.iter().flat_map(|experiment| &experiment.damaged).collect();
    damaged.iter().for_each(|message| eprintln!("damaged: {message}"));
    if args.json {
        let experiment = |reported: &Reported| json!({"name": reported.name, "cells": reported.cells, "damaged": reported.damaged});
        let experiments: Vec<_> = experiments.iter().map(experiment).collect();
        let summary = json!({"out": args.out, "bytes": html.len(), "experiments": experiments});
        writeln!(out, "{}", json!({ "summary": summary }))?;
    } else {
        let cells: usize = experiments.iter().map(|experiment| experiment.cells).sum();
        let names: Vec<&str> = experiments.iter().map(|experiment| experiment.name.as_str()).collect();
        let cells = counted(cells, "cell");
        eprintln!("wrote {}: {cells} of {}", args.out.display(), names.join(", "));
    }
    if damaged.is_empty() {
        return Ok(());
    }
    let things = counted(damaged.len(), "thing");
    Err(InputError::ProblemsFound(format!("{things} could not be read; the page says which")).into())
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
