//! Triples of tasks (the paper's section 3): T1 seen, T2 current, several T3 unseen. From the state after T1, T2 is trained
//! under each of its wordings, and all are scored.
//!
//! Four experiments look at the same cells, so a cell says nothing of the experiment that it was computed for. Of the
//! answers only those under the original wordings are kept with a cell (see [`sapo_learn::triple`]): the scores under
//! paraphrases cannot be computed again without training.

mod config;
mod conflict;
mod correlations;
mod cross_task;
mod indicators;
mod results;
mod seed_noise;
mod spread;
mod spread_tests;
mod summary;

use std::fmt::Write;

use anyhow::{Context, ensure};
use sapo_lab::{CellContext, CellSpec, ExperimentArgs, ReportContext, RunRecord, StoredRun, Study};
use sapo_learn::runs::fingerprint;
use sapo_learn::triple::run_triple;
use serde_json::Value;

pub use config::{AtScale, CellConfig, TripleTasks, TriplesConfig};

use crate::cell::{Beginning, Local, Ready};
use crate::models::Models;
use crate::places;
use crate::reporting::limits;

/// Which of the experiments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// How far apart the wordings leave each task (finding 1).
    PromptSpread,
    /// Whether what a wording does to one task goes along with what it does to another (finding 2).
    CrossTask,
    /// What predicts it (finding 3).
    Indicators,
    /// Gradients that conflict (section 5).
    GradientConflict,
}

impl Report {
    fn name(self) -> &'static str {
        match self {
            Self::PromptSpread => "prompt-spread",
            Self::CrossTask => "cross-task",
            Self::Indicators => "indicators",
            Self::GradientConflict => "gradient-conflict",
        }
    }
}

/// One of the experiments on triples.
#[derive(Debug)]
pub struct TripleStudy {
    report: Report,
    question: String,
    config: TriplesConfig,
}

impl TripleStudy {
    /// Reads the configuration, a TOML text that is compiled in.
    ///
    /// # Errors
    /// Says what is wrong with the text.
    pub fn new(report: Report, config: &str) -> anyhow::Result<Self> {
        let config = TriplesConfig::parse(config).context("configuration of triples")?;
        let question = config.questions.get(report.name()).cloned();
        let question = question.with_context(|| format!("no question of {}", report.name()))?;
        Ok(Self { report, question, config })
    }
}

impl Study for TripleStudy {
    fn name(&self) -> &str {
        self.report.name()
    }

    fn shares_cells(&self) -> bool {
        true
    }

    fn question(&self) -> &str {
        &self.question
    }

    /// Seeds outermost, so that all triples are there early.
    fn cells(&self, args: &ExperimentArgs) -> anyhow::Result<Vec<CellSpec>> {
        ensure!(args.arms.is_none(), "--arms: {} compares wordings, not arms", self.name());
        ensure!(args.grid.is_none(), "--grid: the triples of {} stand in its configuration", self.name());
        let (scale, at) = self.config.at(args)?;
        let data = places::absolute(args.data.as_ref())?;
        let (mut models, mut cells) = (Models::default(), Vec::new());
        for seed in args.seeds_or(at.seeds) {
            for triple in &at.triples {
                let (mut cell, model) = at.cell(scale, triple, seed, args)?;
                let (model, model_sha256) = models.find(&model, args)?;
                let (stream, pools) =
                    cell.load(data.as_deref()).with_context(|| format!("triple {}", triple.name))?;
                cell.model_sha256 = model_sha256;
                cell.data_sha256 = fingerprint(&stream, &pools);
                let local = Local { model, data: data.clone() };
                cells.push(CellSpec::new(cell, &["type", "triple", "seed"])?.with_local(local)?);
            }
        }
        Ok(cells)
    }

    fn cell_memory(&self, args: &ExperimentArgs) -> Option<u64> {
        let (scale, at) = self.config.at(args).ok()?;
        let model = at.settings(scale, at.triples.first()?).ok()?.model;
        places::cell_memory(args, &model)
    }

    fn run_cell(&self, config: &Value, context: &CellContext) -> anyhow::Result<RunRecord> {
        let cell: CellConfig = serde_json::from_value(config.clone()).context("the cell's configuration")?;
        let beginning = Beginning {
            of: format!("triple {}", cell.triple),
            data_sha256: &cell.data_sha256,
            precision: cell.precision,
            max_new_tokens: cell.run.evaluation.max_new_tokens,
            max_input_tokens: cell.max_input_tokens,
        };
        let mut ready = Ready::prepare(config, context, &beginning, |data| cell.load(data))?;
        let (model, stream, pools, workplace) = ready.parts(context);
        let tell = &mut |told| context.tell(told);
        Ok(run_triple(model, &stream.tasks, &pools[1], &cell.run, cell.seed, &workplace, tell)?)
    }

    fn report(&self, runs: &[StoredRun], context: &ReportContext<'_>) -> anyhow::Result<String> {
        let results = results::Results::from_runs(runs)?;
        let (tables, plots) = (context.tables_dir(), context.plots_dir());
        let findings = match self.report {
            Report::PromptSpread => spread::report(&results, &tables, &plots)?,
            Report::CrossTask => cross_task::report(&results, &tables, &plots)?,
            Report::Indicators => indicators::report(&results, &tables, &plots)?,
            Report::GradientConflict => conflict::report(&results, &tables, &plots)?,
        };
        let mut screen = String::new();
        writeln!(screen, "{}: {}", self.report.name(), self.question)?;
        let limited = limits(results.limited);
        let (triples, seeds) = (results.triples().len(), results.seeds());
        writeln!(
            screen,
            "{triples} triples, up to {seeds} seeds; {} of {} runs{limited}\n",
            context.stored, context.cells
        )?;
        writeln!(screen, "{}", findings.trim_end())?;
        writeln!(screen, "\ntables  {}", tables.display())?;
        write!(screen, "plots   {}", plots.display())?;
        Ok(screen)
    }
}

#[cfg(test)]
mod tests;
