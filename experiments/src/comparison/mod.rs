//! The comparison of arms: streams, what is varied on them, several ways of choosing the training prompt, several seeds,
//! paired by seed.
//!
//! Most experiments are this with different configurations.

mod asked;
mod between;
mod config;
mod cost;
mod figures;
mod grid;
mod groups;
mod matrices;
mod paired;
mod published;
mod regime;
mod reselection;
mod screen;
mod tables;

use std::borrow::Cow;

use anyhow::{Context, ensure};
use itertools::Itertools;
use sapo_lab::{CellContext, CellSpec, ExperimentArgs, ReportContext, RunRecord, StoredRun, Study};
use sapo_learn::sapo::run_stream;
use serde_json::Value;

pub use config::{AtScale, Axis, CellConfig, ComparisonConfig, ExtraFigure};

use crate::cell::{Beginning, Ready};
use crate::places;

/// An experiment that compares arms.
#[derive(Debug)]
pub struct Comparison {
    name: &'static str,
    config: ComparisonConfig,
    any_grid: bool,
}

impl Comparison {
    /// Reads the configuration, a TOML text that is compiled in.
    ///
    /// # Errors
    /// Says what is wrong with the text.
    pub fn new(name: &'static str, config: &str) -> anyhow::Result<Self> {
        let config = ComparisonConfig::parse(config).with_context(|| format!("configuration of {name}"))?;
        Ok(Self { name, config, any_grid: false })
    }

    /// The same, but a file of the user's may take the configuration's place (`--grid`).
    #[must_use]
    pub fn or_any_grid(self) -> Self {
        Self { any_grid: true, ..self }
    }

    fn config(&self, args: &ExperimentArgs) -> anyhow::Result<Cow<'_, ComparisonConfig>> {
        let Some(path) = &args.grid else { return Ok(Cow::Borrowed(&self.config)) };
        ensure!(
            self.any_grid,
            "--grid: {} compares what it compares; ablation-grid takes any grid",
            self.name
        );
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let config = ComparisonConfig::parse(&text).with_context(|| path.display().to_string())?;
        Ok(Cow::Owned(config))
    }
}

impl Study for Comparison {
    fn name(&self) -> &str {
        self.name
    }

    fn shares_cells(&self) -> bool {
        true
    }

    fn question(&self) -> &str {
        &self.config.question
    }

    fn cells(&self, args: &ExperimentArgs) -> anyhow::Result<Vec<CellSpec>> {
        grid::cells(&*self.config(args)?, args)
    }

    fn cell_memory(&self, args: &ExperimentArgs) -> Option<u64> {
        let config = self.config(args).ok()?;
        let variations = config.variations(config.scale(args).ok()?, &[&config.baseline]).ok()?;
        let models = variations.iter().map(|variation| variation.settings.model.as_str()).unique();
        models.filter_map(|model| places::cell_memory(args, model)).max()
    }

    fn run_cell(&self, config: &Value, context: &CellContext) -> anyhow::Result<RunRecord> {
        let cell: CellConfig = serde_json::from_value(config.clone()).context("the cell's configuration")?;
        let beginning = Beginning {
            of: format!("stream {}", cell.stream),
            data_sha256: &cell.data_sha256,
            precision: cell.precision,
            max_new_tokens: cell.run.evaluation.max_new_tokens,
            max_input_tokens: cell.max_input_tokens,
        };
        let mut ready =
            Ready::prepare(config, context, &beginning, |data| Ok(cell.material().load(data, cell.seed)?))?;
        let (model, stream, pools, workplace) = ready.parts(context);
        let tell = &mut |told| context.tell(told);
        Ok(run_stream(model, stream, pools, &cell.run, cell.seed, &workplace, tell)?)
    }

    fn report(&self, runs: &[StoredRun], context: &ReportContext<'_>) -> anyhow::Result<String> {
        let config = self.config(context.args)?;
        let groups = groups::Groups::from_runs(runs, &config, context.args)?;
        tables::write(&groups, &context.tables_dir())?;
        figures::write(&groups, &config, &context.plots_dir())?;
        if !config.published.is_empty() {
            published::write(&groups, &config.published, &context.tables_dir(), &context.plots_dir())?;
        }
        screen::render(self.name, &config, &groups, context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICKSTART: &str = include_str!("../../configs/quickstart.toml");
    const RULES: &str = include_str!("../../configs/rules.toml");

    fn ids(name: &'static str, config: &str, line: &[&str]) -> Vec<String> {
        let args = ExperimentArgs::from_line(line).unwrap();
        let cells = Comparison::new(name, config).unwrap().cells(&args).unwrap();
        cells.iter().map(|cell| cell.id().to_string()).collect()
    }

    #[test]
    fn every_configuration_that_ships_can_be_read() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
        let mut read = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let text = if path.is_file() { std::fs::read_to_string(&path).unwrap() } else { continue };
            if text.contains("\narms = ") {
                ComparisonConfig::parse(&text)
                    .unwrap_or_else(|error| panic!("{}: {error:#}", path.display()));
                read += 1;
            }
        }
        assert!(read > 10, "only {read}");
    }

    #[test]
    fn a_cell_that_two_experiments_share_is_one_cell() {
        let line = ["--seeds", "1", "--arms", "static,sapo"];
        let adaptive = include_str!("../../configs/static-vs-adaptive.toml");
        assert_eq!(ids("rules", RULES, &line), ids("static-vs-adaptive", adaptive, &line));
    }

    #[test]
    fn an_arm_beside_an_axis_is_computed_once() {
        let pool_size = include_str!("../../configs/pool-size.toml");
        let all = ids("pool-size", pool_size, &["--seeds", "2"]);
        let alone = ids("pool-size", pool_size, &["--seeds", "2", "--arms", "static"]);
        assert_eq!((all.len(), alone.len()), (5 * 2 + 2, 2));
        let quickstart = ids("quickstart", QUICKSTART, &["--seeds", "2", "--arms", "static"]);
        assert_eq!(alone, quickstart);
    }

    #[test]
    fn arms_that_differ_are_different_cells() {
        let mut ids = ids("reselect", include_str!("../../configs/reselect.toml"), &["--seeds", "1"]);
        let arms = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), arms);
    }

    #[test]
    fn an_arm_whose_pools_are_not_there_is_left_out_unless_it_is_asked_for() {
        let (folder, text) = (tempfile::tempdir().unwrap(), include_str!("../../configs/paraphraser.toml"));
        let pools = folder.path().join("api");
        let config = text.replace("pools/api", pools.to_str().unwrap());
        let cells = |line: &[&str]| {
            let line = ["--seeds", "1"].iter().chain(line);
            let comparison = Comparison::new("paraphraser", &config).unwrap();
            let cells = comparison.cells(&ExperimentArgs::from_line(line).unwrap())?;
            anyhow::Ok(cells.iter().map(|cell| cell.config()["arm"].as_str().unwrap().to_string()).collect())
        };
        let others = ["static", "sapo", "grammar", "search", "search-from-original"];
        let all: Vec<String> = cells(&[]).unwrap();
        assert_eq!(all, others);
        let refused = cells(&["--arms", "api"]).unwrap_err().to_string();
        assert!(
            refused.contains("arm api: there are no pools in") && refused.contains(pools.to_str().unwrap())
        );

        std::fs::create_dir(&pools).unwrap();
        let error = cells(&["--arms", "api"]).unwrap_err().to_string();
        assert!(error.contains(".json"), "a pool that is missing in the folder is an error: {error}");
        let stream = sapo_learn::runs::StreamSource { benchmark: "builtin".into(), stream: "m2".into() };
        let rows = sapo_learn::runs::RowCounts { train: 1, test: 1, ..Default::default() };
        for task in stream.load(None, rows, 0).unwrap().tasks {
            let pool = stream.pool(&task, "nowhere".as_ref(), 2).unwrap();
            pool.save(&pools.join(format!("{}.json", task.name))).unwrap();
        }
        let with = [&others[..], &["api"]].concat();
        assert_eq!(cells(&[]).unwrap(), with);
    }

    #[test]
    fn rows_that_are_no_longer_those_of_the_grid_are_refused() {
        let comparison = Comparison::new("quickstart", QUICKSTART).unwrap();
        let args =
            ExperimentArgs::from_line(["--limit-train", "3", "--limit-eval", "2", "--seeds", "1"]).unwrap();
        let cells = comparison.cells(&args).unwrap();
        let mut config = cells[0].config().clone();
        config["data_sha256"] = "rows of yesterday".into();
        let context = CellContext::silent("nowhere".as_ref()).with_local(cells[0].local().clone());
        let error = comparison.run_cell(&config, &context).unwrap_err().to_string();
        assert!(
            error.contains("have changed since this grid was made") && error.contains("rows of yesterday")
        );
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let refused = |from: &str, to: &str| {
            assert!(QUICKSTART.contains(from));
            let error = Comparison::new("quickstart", &QUICKSTART.replace(from, to)).unwrap_err();
            format!("{error:#}")
        };
        assert!(refused("\"sapp\"", "\"sapo\"").contains("two arms are named sapo"));
        assert!(refused("\"static\", ", "").contains("no arm is named static"));
        assert!(refused("\"sapp\"", "\"sapq\"").contains("sapq"));
        assert!(
            refused("seeds = 10", "seeds = 10\nsettings = { selection = { examples = \"wurst\" } }")
                .contains("wurst")
        );
        let axis = "axes = [{ name = 'a', key = 'arm', points = [{}], beside = ['statc'] }]";
        assert!(refused("seeds = 10", &format!("seeds = 10\n{axis}")).contains("no arm is named statc"));
        assert!(refused("seeds = 10", "seeds = 10\nsettings = { reselect = 3 }").contains("reselect"));
        let published = |tables: &str| refused("\narms = ", &format!("\npublished = [{tables}]\narms = "));
        assert!(published("'table1'").contains("expected one axis, run.method.name"));
        assert!(published("'table2'").contains("expected table1 or table11"));
        let axes = "[{ name = 'by', key = 'run.method.name', points = [{}, { method = { name = 'ewc' } }] }]";
        let odd = format!("\npublished = ['table1']\naxes = {axes}\narms = ");
        let text = QUICKSTART.replace("\narms = ", &odd).replace("\"m2\"", "\"m 2\"");
        let error = Comparison::new("quickstart", &text).unwrap_err();
        assert!(format!("{error:#}").contains("published: streams name columns, so \"m 2\""), "{error:#}");
    }

    #[test]
    fn what_could_not_be_reported_is_refused_before_it_is_computed() {
        let refused = |from: &str, to: &str, line: &[&str]| {
            assert!(QUICKSTART.contains(from));
            let args = ExperimentArgs::from_line(line).unwrap();
            let comparison = Comparison::new("quickstart", &QUICKSTART.replace(from, to));
            format!("{:#}", comparison.and_then(|comparison| comparison.cells(&args)).unwrap_err())
        };
        let parsed = |from: &str, to: &str| refused(from, to, &["--seeds", "1"]);
        let axes = |axes: &str| parsed("seeds = 10", &format!("seeds = 10\naxes = [{axes}]"));

        assert!(parsed("[\"m2\"]", "[]").contains("streams = []"));
        let twice = parsed("\"m2\"", "\"m2\", { stream = \"m2\", rows = { train = 8 } }");
        assert!(twice.contains("scale nano: streams: two are named m2"), "{twice}");
        let odd = parsed("arms = [", "baseline = 'my arm'\ndefine = { 'my arm' = {} }\narms = ['my arm', ");
        assert!(odd.contains("baseline: it names a table, so \"my arm\""), "{odd}");

        assert!(
            axes("{ name = 'a', key = 'run.train.epochs', points = [] }").contains("axis \"a\": points = []")
        );
        let epochs = "{ name = 'a', key = 'run.train.epochs', points = [{ train = { epochs = 1 } }] }";
        assert!(axes(&[epochs, epochs].join(", ")).contains("key = \"run.train.epochs\" is an axis already"));
        assert!(
            axes("{ name = 'a', key = 'seed', points = [{}] }").contains("key = \"seed\" is an axis already")
        );
        let alike =
            "{ name = 'a', key = 'run.train.epochs', points = [{}, { train = { learning_rate = 1e-4 } }] }";
        let alike = axes(alike);
        assert!(
            alike.contains("axes: the `key` of an axis") && alike.contains("run.train.epochs=4"),
            "{alike}"
        );

        let none = refused("seeds = 10", "seeds = 0", &[]);
        assert!(
            none.contains("scale nano: seeds = 0 leaves the grid without a cell; give --seeds"),
            "{none}"
        );
        let asked = ExperimentArgs::from_line(["--seeds", "1"]).unwrap();
        let config = QUICKSTART.replace("seeds = 10", "seeds = 0");
        assert_eq!(Comparison::new("quickstart", &config).unwrap().cells(&asked).unwrap().len(), 4);
    }

    #[test]
    fn a_grid_none_of_whose_arms_is_there_says_why() {
        let config = "question = 'Who writes best?'
            arms = ['api']
            baseline = 'api'
            if_there = ['api']
            define = { api = { pool = { folder = 'no/such/folder' } } }
            scales = { nano = { seeds = 1, streams = ['m2'] } }";
        let args = ExperimentArgs::from_line::<&str>([]).unwrap();
        let error = Comparison::new("paraphraser", config).unwrap().cells(&args).unwrap_err().to_string();
        assert_eq!(error, "every arm is left out: there are no pools in no/such/folder");
    }

    #[test]
    fn a_stream_of_one_task_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("tone")).unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("streams.toml", "[[stream]]\nname = 'alone'\ntasks = ['tone']");
        let instruction = "Decide whether the review is positive or negative.";
        write("tone/task.toml", &format!("instruction = '{instruction}'\nlabels = ['positive', 'negative']"));
        for split in ["train", "test"] {
            write(&format!("tone/{split}.jsonl"), r#"{"input": "Very good.", "target": "positive"}"#);
        }
        let stream = "{ benchmark = 'own', stream = 'alone', paraphrases = 1 }";
        let comparison = Comparison::new("quickstart", &QUICKSTART.replace("\"m2\"", stream)).unwrap();
        let data = folder.path().to_str().unwrap();
        let args = ExperimentArgs::from_line(["--seeds", "1", "--data", data]).unwrap();
        let error = comparison.cells(&args).unwrap_err().to_string();
        assert!(error.contains("streams: alone has one task"), "{error}");
    }
}
