//! `just experiment record-tables`: records the loss of every wording on every example, for many tasks at many states of
//! training, as `data/loss-tables/<model>.parquet` with a note of how it was made beside it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, bail};
use clap::Parser;
use experiments::loss_tables::{Plan, Recording, record};
use experiments::{exit_code, places};
use sapo_files::whole;
use sapo_lab::loss_tables::write;
use sapo_lab::provenance::Code;
use sapo_lab::user_cache;
use sapo_model::{directory_sha256, runtime};
use serde_json::json;

/// Records loss tables for the comparison of selectors.
#[derive(Debug, Parser)]
#[command(name = "record-tables", version)]
struct Args {
    /// Models to record, of those in the configuration [default: all]
    models: Vec<String>,
    /// Folder with models that are neither shipped nor made by `just pretrain`
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Folder with SuperNI
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where the tables go
    #[arg(long, value_name = "DIR", default_value = "data/loss-tables")]
    out: PathBuf,
}

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    exit_code(run(&Args::parse()))
}

fn run(args: &Args) -> anyhow::Result<()> {
    runtime::init(1);
    let plan = places::project("experiments/configs/record-tables.toml");
    let plan = std::fs::read_to_string(&plan).with_context(|| format!("cannot read {}", plan.display()))?;
    let plan: Plan = toml::from_str(&plan)?;
    let known: Vec<&str> = plan.recording.iter().map(|recording| recording.model.as_str()).collect();
    if let Some(unknown) = args.models.iter().find(|name| !known.contains(&name.as_str())) {
        bail!("there is no recording of {unknown}; there are {}", known.join(", "));
    }
    let asked = |recording: &&Recording| args.models.is_empty() || args.models.contains(&recording.model);
    for recording in plan.recording.iter().filter(asked) {
        make(&plan, recording, args)?;
    }
    Ok(())
}

fn make(plan: &Plan, recording: &Recording, args: &Args) -> anyhow::Result<()> {
    let started = Instant::now();
    let folder = model_folder(&recording.model, args.folder.as_deref())?;
    let scratch = user_cache("record-tables");
    std::fs::create_dir_all(&scratch).with_context(|| format!("cannot create {}", scratch.display()))?;
    std::fs::create_dir_all(&args.out).with_context(|| format!("cannot create {}", args.out.display()))?;
    let path = args.out.join(format!("{}.parquet", recording.model));
    let mut rows = Vec::new();
    for (place, source) in recording.streams.iter().enumerate() {
        rows.extend(record(plan, recording, source, &folder, args.data.as_deref(), &scratch)?);
        // after each stream: the recording of a model takes minutes
        write(&path, &rows)?;
        let so_far = Recording { streams: recording.streams[..=place].to_vec(), ..recording.clone() };
        let note = json!({
            "recording": so_far,
            "seed": plan.seed,
            "examples": plan.examples,
            "method": plan.method,
            "tables": rows.chunk_by(|a, b| a.table == b.table).count(),
            "model_sha256": directory_sha256(&folder)?,
            "code": Code::detect(),
            "torch_version": runtime::TORCH_VERSION,
            "matmul_library": runtime::matmul_library().name(),
            "seconds": started.elapsed().as_secs_f64().round(),
        });
        whole::write(&path.with_extension("json"), serde_json::to_string_pretty(&note)?.as_bytes())?;
    }
    println!("{}", path.display());
    Ok(())
}

/// In the folder that was given, or one of the base models.
fn model_folder(name: &str, given: Option<&Path>) -> anyhow::Result<PathBuf> {
    let candidates = [given.map(|folder| folder.join(name)), Some(places::base_model(name))];
    let found = candidates.into_iter().flatten().find(|folder| folder.join("model.safetensors").exists());
    found.with_context(|| {
        format!("no model {name}: give the folder that holds it with --folder, or make it with `just pretrain {name}`")
    })
}
