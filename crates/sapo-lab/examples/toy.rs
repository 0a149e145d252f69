//! A study of nothing, quick enough to be run, killed and run again by the end-to-end tests.
//!
//! `TOY_STEP_MS` makes it slow, `TOY_KEEP` lets it go on from its last step, `TOY_BYTES` makes its cells so large,
//! `TOY_PANIC`, `TOY_ABORT` and `TOY_FAIL` name a cell (`arm=b seed=1`) that goes wrong, and `TOY_TRACE` names a file that
//! gets a line for every cell that is begun.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, bail};
use sapo_files::whole;
use sapo_lab::record::{RunRecord, Score};
use sapo_lab::{CellContext, CellSpec, ExperimentArgs, ReportContext, StoredRun, Study, drive};
use serde_json::{Value, json};

const STEPS: u64 = 5;

struct Toy;

impl Study for Toy {
    fn name(&self) -> &str {
        "toy"
    }

    fn question(&self) -> &str {
        "Is the sum of an arm and a seed what it should be?"
    }

    fn cells(&self, args: &ExperimentArgs) -> anyhow::Result<Vec<CellSpec>> {
        let scale = args.scale_among(&["default", "double"])?;
        let mut cells = Vec::new();
        for seed in args.seeds_or(2) {
            for arm in args.arms_among(&["a", "b"])? {
                let config =
                    json!({"arm": arm, "seed": seed, "scale": scale, "limit_train": args.limit_train});
                cells.push(CellSpec::new(config, &["arm", "seed"])?);
            }
        }
        Ok(cells)
    }

    fn run_cell(&self, config: &Value, context: &CellContext) -> anyhow::Result<RunRecord> {
        let arm = config["arm"].as_str().context("arm")?;
        let seed = config["seed"].as_u64().context("seed")?;
        let label = format!("arm={arm} seed={seed}");
        let is_named_by = |variable| env::var(variable).is_ok_and(|name| name == label);
        if let Ok(trace) = env::var("TOY_TRACE") {
            let mut trace = OpenOptions::new().append(true).create(true).open(trace)?;
            trace.write_all(format!("{label}\n").as_bytes())?;
        }
        println!("a library that prints where it should not");
        let pause = env::var("TOY_STEP_MS").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        let kept = context.progress_folder().map(|folder| folder.join("steps"));
        let done = kept
            .as_ref()
            .and_then(|path| fs::read_to_string(path).ok())
            .map_or(Ok(0), |text| text.parse())?;
        for step in done + 1..=STEPS {
            sleep(Duration::from_millis(pause));
            if env::var("TOY_KEEP").is_ok()
                && let Some(path) = &kept
            {
                whole::write(path, step.to_string().as_bytes())?;
            }
            context.progress(step, STEPS, "adding");
        }
        if let Some(bytes) = env::var("TOY_BYTES").ok().and_then(|text| text.parse().ok()) {
            fs::write(context.artifacts().join("weights.bin"), vec![7; bytes])?;
        }
        if is_named_by("TOY_PANIC") {
            panic!("the roof fell in");
        }
        if is_named_by("TOY_ABORT") {
            std::process::abort();
        }
        if is_named_by("TOY_FAIL") {
            bail!("no more numbers");
        }
        fs::write(context.artifacts().join("note.txt"), &label)?;
        context.annotate("device", context.device());
        let value = (if arm == "a" { 10.0 } else { 20.0 }) + seed as f64;
        let score = Score {
            step: 1,
            task: 1,
            task_name: "sum".into(),
            metric: "exact_match".into(),
            value,
            examples: 1,
        };
        Ok(RunRecord { scores: vec![score], ..RunRecord::default() })
    }

    fn report(&self, runs: &[StoredRun], context: &ReportContext<'_>) -> anyhow::Result<String> {
        let mut table = "arm,seed,sum,limited\n".to_owned();
        for run in runs {
            let axis = |name| run.axis(name).context("axis");
            let sum = run.record.scores.first().context("a run without scores")?.value;
            table += &format!("{},{},{sum},{}\n", axis("arm")?, axis("seed")?, run.limited());
        }
        whole::write(&context.tables_dir().join("sums.csv"), table.as_bytes())?;
        Ok(format!("{} of {} sums, see {}", context.stored, context.cells, "tables/sums.csv"))
    }
}

fn main() -> ExitCode {
    drive(&Toy)
}
