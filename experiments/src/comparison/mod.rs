//! The comparison of arms: one stream, several ways of choosing the training prompt, several seeds, paired by seed.
//!
//! `quickstart`, `ni-seq-c1` and `reselect` are this with different configurations.

mod config;
mod figures;
mod matrices;
mod reselection;
mod screen;
mod tables;

use anyhow::{Context, ensure};
use sapo_lab::{CellContext, CellSpec, ExperimentArgs, ReportContext, RunRecord, StoredRun, Study};
use sapo_learn::runs::{StreamSource, fingerprint, note_origin, shorten_inputs};
use sapo_learn::sapo::run_stream;
use sapo_learn::{Progress, Workplace};
use sapo_model::{Kind, LanguageModel, directory_sha256, runtime};
use sapo_prompts::PromptPool;
use sapo_tasks::TaskStream;
use serde_json::Value;

pub use config::{Arm, CellConfig, ComparisonConfig, Local};

use crate::{places, streams};

/// An experiment that compares arms.
#[derive(Debug)]
pub struct Comparison {
    name: &'static str,
    config: ComparisonConfig,
}

impl Comparison {
    /// Reads the configuration, a TOML text that is compiled in.
    ///
    /// # Errors
    /// Says what is wrong with the text.
    pub fn new(name: &'static str, config: &str) -> anyhow::Result<Self> {
        let config = ComparisonConfig::parse(config).with_context(|| format!("configuration of {name}"))?;
        Ok(Self { name, config })
    }
}

/// Measured: `peak_memory_bytes` of four cells of the quickstart was 250 to 264 MB.
const CELL_BYTES: u64 = 260_000_000;

impl Study for Comparison {
    fn name(&self) -> &str {
        self.name
    }

    fn question(&self) -> &str {
        &self.config.question
    }

    fn cells(&self, args: &ExperimentArgs) -> anyhow::Result<Vec<CellSpec>> {
        args.scale_among(&["default"])?;
        let model = places::model(args.model.as_deref(), &self.config.model, args.quiet)?;
        if !model.join("config.json").exists() {
            anyhow::bail!(
                "no model in {}: give one with --model, or make the base with `just pretrain {}`",
                model.display(),
                self.config.model
            );
        }
        let local = Local {
            model: std::path::absolute(&model)
                .with_context(|| format!("cannot resolve {}", model.display()))?,
            data: streams::absolute(args.data.as_ref())?,
        };
        let model_sha256 = directory_sha256(&model)?;
        let device = args.device_kind()?;
        let arms = args.arms_among(&self.config.arm_names())?;
        let mut cells = Vec::new();
        for seed in args.seeds_or(self.config.seeds) {
            let data = self.config.load(&local, args, seed)?;
            let data_sha256 = fingerprint(&data, &pools(&self.config.stream, &data)?);
            for arm in self.config.arms.iter().filter(|arm| arms.contains(&arm.name.as_str())) {
                let cell = self.config.cell(arm, seed, args, &model_sha256, &data_sha256, &device);
                cells.push(CellSpec::new(cell, &["seed", "arm"])?.with_local(&local)?);
            }
        }
        Ok(cells)
    }

    /// The weights in float32 (twice the bytes of a checkpoint of 16-bit numbers), and what a cell of the `nano` base took
    /// beside its own 4 MB. What training a larger model takes besides is not in it.
    fn cell_memory(&self, args: &ExperimentArgs) -> Option<u64> {
        let model = places::model(args.model.as_deref(), &self.config.model, args.quiet).ok()?;
        let files = std::fs::read_dir(model).ok()?.flatten();
        let weights = files.filter(|file| file.path().extension().is_some_and(|end| end == "safetensors"));
        // followed, since the Hub's cache holds links
        let bytes: u64 = weights.filter_map(|file| Some(std::fs::metadata(file.path()).ok()?.len())).sum();
        Some(CELL_BYTES + 2 * bytes)
    }

    fn run_cell(&self, config: &Value, context: &CellContext) -> anyhow::Result<RunRecord> {
        let cell: CellConfig = serde_json::from_value(config.clone()).context("the cell's configuration")?;
        let local: Local =
            serde_json::from_value(context.local().clone()).context("the cell's local paths")?;
        runtime::init(context.threads());
        let device = runtime::parse_device(context.device()).map_err(anyhow::Error::msg)?;
        let mut stream = cell.stream.load(local.data.as_deref(), cell.rows, cell.seed)?;
        let pools = pools(&cell.stream, &stream)?;
        let data_sha256 = fingerprint(&stream, &pools);
        ensure!(
            data_sha256 == cell.data_sha256,
            "the rows or wordings of stream {} have changed since this grid was made: SHA-256 {data_sha256}, expected {}; \
             start the experiment again to make it of what is there now",
            cell.stream.stream,
            cell.data_sha256
        );
        let mut model = LanguageModel::open(&local.model, Kind::Float, device)?;
        let answer = cell.run.evaluation.max_new_tokens;
        let shortened = shorten_inputs(&mut stream, &pools, &model, answer, cell.max_input_tokens)?;

        note_origin(context, &model, shortened);
        context.annotate("device", context.device());
        let progress = context.progress_folder().map(|folder| Progress::open(folder, config)).transpose()?;
        let workplace = Workplace { artifacts: context.artifacts(), progress: progress.as_ref() };
        let tell = &mut |told| context.tell(told);
        Ok(run_stream(&mut model, &stream, &pools, &cell.run, cell.seed, &workplace, tell)?)
    }

    fn report(&self, runs: &[StoredRun], context: &ReportContext<'_>) -> anyhow::Result<String> {
        let results = matrices::Results::from_runs(runs, &self.config)?;
        tables::write(&results, &context.tables_dir())?;
        figures::write(&results, &self.config, &context.plots_dir())?;
        screen::render(self.name, &self.config, &results, context)
    }
}

/// The candidates of every task of a stream.
///
/// # Errors
/// As [`StreamSource::pool`].
pub fn pools(source: &StreamSource, stream: &TaskStream) -> anyhow::Result<Vec<PromptPool>> {
    let bank = places::project("data/prompts");
    stream.tasks.iter().map(|task| Ok(source.pool(task, &bank)?)).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: ExperimentArgs,
    }

    const QUICKSTART: &str = include_str!("../../configs/quickstart.toml");
    const NI_SEQ_C1: &str = include_str!("../../configs/ni-seq-c1.toml");
    const RESELECT: &str = include_str!("../../configs/reselect.toml");

    fn cells(config: &str) -> Vec<(String, String)> {
        let args = Line::parse_from(["experiment"]).args;
        let config = ComparisonConfig::parse(config).unwrap();
        let cell = |arm: &Arm| config.cell(arm, 3, &args, "model", "data", "cpu");
        let id = |arm: &Arm| CellSpec::new(cell(arm), &["seed", "arm"]).unwrap().id().to_string();
        config.arms.iter().map(|arm| (arm.name.clone(), id(arm))).collect()
    }

    /// The names are those that the program gave while arms were a list in its code.
    #[test]
    fn cells_that_were_stored_before_are_found_again() {
        let named = |arms: [(&str, &str); 4]| arms.map(|(arm, id)| (arm.to_string(), id.to_string()));
        let quickstart = [
            ("static", "eaa07fb8020c62fd"),
            ("random", "3c65d15f12c27bd8"),
            ("sapo", "9da277121a82fa30"),
            ("sapp", "be852e9817d1d9be"),
        ];
        assert_eq!(cells(QUICKSTART), named(quickstart));
        let ni_seq_c1 = [
            ("static", "dae4f2da90d5af0b"),
            ("random", "41e1701619730241"),
            ("sapo", "09cb1f45e2b1edaf"),
            ("sapp", "7d4dd34dfbd56c07"),
        ];
        assert_eq!(cells(NI_SEQ_C1), named(ni_seq_c1));
    }

    #[test]
    fn rows_that_are_no_longer_those_of_the_grid_are_refused() {
        let comparison = Comparison::new("quickstart", QUICKSTART).unwrap();
        let args = Line::parse_from(["experiment", "--limit-train", "3", "--limit-eval", "2"]).args;
        let cell =
            comparison.config.cell(&comparison.config.arms[0], 0, &args, "model", "rows of yesterday", "cpu");
        let local = Local { model: "nowhere".into(), data: None };
        let spec = CellSpec::new(cell, &["seed"]).unwrap().with_local(local).unwrap();
        let context = CellContext::silent("nowhere".as_ref()).with_local(spec.local().clone());
        let error = comparison.run_cell(spec.config(), &context).unwrap_err().to_string();
        assert!(
            error.contains("have changed since this grid was made") && error.contains("rows of yesterday")
        );
    }

    #[test]
    fn arms_that_differ_are_different_cells() {
        let mut ids: Vec<String> = cells(RESELECT).into_iter().map(|(_, id)| id).collect();
        let arms = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), arms);
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let refused = |from: &str, to: &str| {
            assert!(QUICKSTART.contains(from));
            let error = Comparison::new("quickstart", &QUICKSTART.replace(from, to)).unwrap_err();
            format!("{error:#}")
        };
        assert!(refused("name = \"sapp\"", "name = \"sapo\"").contains("two arms are named sapo"));
        assert!(refused("name = \"static\"", "name = \"fixed\"").contains("no arm is named static"));
        assert!(refused("selector = \"worst\"", "selector = \"wurst\"").contains("wurst"));
        let unknown = "selector = \"worst\"\nreselect = {}";
        assert!(refused("selector = \"worst\"", unknown).contains("reselect"));
    }
}
