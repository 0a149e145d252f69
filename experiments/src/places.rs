//! Where the project's own data lie.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use sapo_lab::{DownloadDisplay, ExperimentArgs, user_cache};
use sapo_model::{Hub, HubError};

/// A path of the project: below the current folder where it is there, otherwise below the checkout that this program
/// was built from.
pub fn project(relative: &str) -> PathBuf {
    let here = PathBuf::from(relative);
    if here.exists() {
        return here;
    }
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    checkout.join(relative)
}

/// A path that a command line gives, made absolute, so that workers find it.
///
/// # Errors
/// When the current folder cannot be told.
pub fn absolute(path: Option<&PathBuf>) -> anyhow::Result<Option<PathBuf>> {
    path.map(|path| std::path::absolute(path).with_context(|| format!("cannot resolve {}", path.display())))
        .transpose()
}

/// The folder of a benchmark below the data that a command line gives: a folder with one for each benchmark, named by it,
/// or the benchmark's own.
pub fn benchmark_folder(data: &Path, benchmark: &str) -> PathBuf {
    let below = data.join(benchmark);
    if below.is_dir() { below } else { data.to_path_buf() }
}

/// The model that a command line gives, as a folder or as `org/name` of the Hub; where it gives none that of this name, a
/// base or `org/name`.
///
/// # Errors
/// When what is given is neither, or cannot be downloaded.
pub fn model(given: Option<&Path>, base: &str, quiet: bool) -> anyhow::Result<PathBuf> {
    let Some(asked) = asked_of_hub(given, base) else { return Ok(base_model(base)) };
    let mut display = DownloadDisplay::new(quiet);
    let folder = Hub::from_env().model_folder(asked, &mut |download| {
        display.show(download.repository, download.file, download.done, download.total);
    });
    folder.map_err(with_hint)
}

/// The same without a download; where `org/name` is not in the Hub's cache, a path at which nothing is.
///
/// # Errors
/// When what is given is neither a folder nor a name.
pub fn on_disk(given: Option<&Path>, base: &str) -> anyhow::Result<PathBuf> {
    let Some(asked) = asked_of_hub(given, base) else { return Ok(base_model(base)) };
    let offline = |variable: &str| match variable {
        "HF_HUB_OFFLINE" => Some("1".into()),
        other => std::env::var_os(other),
    };
    match Hub::from_variables(offline).model_folder(asked, &mut |_| ()) {
        Err(HubError::NotCached { .. }) => Ok(asked.to_path_buf()),
        found => found.map_err(with_hint),
    }
}

/// What the Hub is asked for, a folder or a name; none where it is one of our bases.
fn asked_of_hub<'a>(given: Option<&'a Path>, base: &'a str) -> Option<&'a Path> {
    given.or_else(|| base.contains('/').then(|| Path::new(base)))
}

/// The error with what the user may do about it.
fn with_hint(error: HubError) -> anyhow::Error {
    let hint = error.hint();
    let error = anyhow::Error::new(error);
    hint.map_or_else(|| anyhow!("{error:#}"), |hint| anyhow!("{error:#}\nhint: {hint}"))
}

/// A base model by its name: shipped under `data/base`, or made by `just pretrain` in the cache.
pub fn base_model(name: &str) -> PathBuf {
    let shipped = project(&format!("data/base/{name}"));
    if shipped.join("model.safetensors").exists() { shipped } else { user_cache(&format!("base/{name}")) }
}

/// Measured: `peak_memory_bytes` of four cells of the quickstart was 250 to 264 MB.
const CELL_BYTES: u64 = 260_000_000;

/// Bytes of memory that a run with this model, or the one of `--model`, is expected to take: the weights in float32 (twice the bytes of a checkpoint of 16-bit
/// numbers), and what a cell of the `nano` base took beside its own 4 MB. What training a larger model takes besides is
/// not in it.
pub fn cell_memory(args: &ExperimentArgs, name: &str) -> Option<u64> {
    let folder = model(args.model.as_deref(), name, args.quiet).ok()?;
    let files = std::fs::read_dir(folder).ok()?.flatten();
    let weights = files.filter(|file| file.path().extension().is_some_and(|end| end == "safetensors"));
    // followed, since the Hub's cache holds links
    let bytes: u64 = weights.filter_map(|file| Some(std::fs::metadata(file.path()).ok()?.len())).sum();
    Some(CELL_BYTES + 2 * bytes)
}
