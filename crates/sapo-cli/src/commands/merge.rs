use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};
use sapo_files::whole::folder_of;
use sapo_model::{Device, Kind, LanguageModel, Lora, dtype_name, model_name, runtime};
use serde_json::{Value, json};

use crate::failure::InputError;
use crate::model_args::{Dtype, model_folder};

/// Merge LoRA adapters into one, or into the model's weights
///
/// The sum of the given adapters, as LoraInc leaves one for every task. Into the base: a model folder with the adapters
/// added to the weights. Into an adapter: one adapter in PEFT layout whose rank is the sum of theirs. Both compute what
/// the model with all the adapters computes.
#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// Folder of the model in Hugging Face layout, or org/name or org/name@revision of the Hugging Face Hub
    #[arg(long, value_name = "DIR|ORG/NAME")]
    model: PathBuf,
    /// Folder of a LoRA adapter in PEFT layout; may be given several times
    #[arg(long, value_name = "DIR", required = true)]
    adapter: Vec<PathBuf>,
    /// Folder to write, which must not exist or be empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// What to write
    #[arg(long, default_value = "base")]
    into: Into,
    /// Number format of the merged weights. auto: that of the model on disk; an adapter is written in f32
    #[arg(long, default_value = "auto")]
    dtype: Dtype,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Into {
    /// A model with the adapters in its weights
    Base,
    /// One adapter of the summed rank
    Adapter,
}

pub(crate) fn run(args: &MergeArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    runtime::init(runtime::threads_from_env());
    refuse_to_overwrite(&args.out)?;
    let adapters = args.adapter.iter().map(|path| Lora::open(path)).collect::<Result<Vec<_>, _>>()?;
    let folder = model_folder(&args.model)?;
    let kind = args.dtype.kind(&folder)?;
    let mut model = LanguageModel::open(&folder, kind, Device::Cpu)?;
    adapters.iter().try_for_each(|adapter| model.check_adapter(adapter))?;
    let merged = Lora::stack(&adapters)?;

    // beside its place first: a folder that is there is whole
    let parent = folder_of(&args.out);
    fs::create_dir_all(parent).with_context(|| format!("{}: cannot create the folder", parent.display()))?;
    let beside = tempfile::Builder::new()
        .prefix(".merge-")
        .tempdir_in(parent)
        .with_context(|| format!("{}: cannot create a folder in it", parent.display()))?;
    let whole = beside.path().join("whole"); // a folder with the usual permissions, which the temporary one has not
    fs::create_dir(&whole).with_context(|| format!("{}: cannot create", whole.display()))?;
    match args.into {
        Into::Base => {
            model.fold_adapter(&merged)?;
            copy_all_but_weights(&folder, &whole, kind)?;
            model.save_weights(&whole, kind)?;
        }
        Into::Adapter => merged.save(&whole, &model_name(&folder))?,
    }
    fs::rename(&whole, &args.out)
        .with_context(|| format!("{}: cannot move the merged folder there", args.out.display()))?;

    let summary = json!({
        "out": args.out,
        "adapters": adapters.len(),
        "modules": merged.modules.len(),
        "r": merged.config.r,
    });
    if args.json {
        writeln!(out, "{}", json!({ "summary": summary }))?;
    } else {
        let what = if args.into == Into::Base { "the model" } else { "one adapter" };
        writeln!(
            out,
            "{} adapters on {} modules, rank {} together, merged into {what} in {}",
            adapters.len(),
            merged.modules.len(),
            merged.config.r,
            args.out.display()
        )?;
    }
    Ok(())
}

fn refuse_to_overwrite(out: &Path) -> anyhow::Result<()> {
    let is_free = match fs::read_dir(out) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    if is_free { Ok(()) } else { Err(InputError::NotEmpty { path: out.into() }.into()) }
}

/// Configuration, tokenizer and what else a model folder holds; `config.json` says the new number format.
fn copy_all_but_weights(from: &Path, to: &Path, kind: Kind) -> anyhow::Result<()> {
    const WEIGHTS: [&str; 9] =
        [".safetensors", ".index.json", ".bin", ".pt", ".pth", ".gguf", ".onnx", ".h5", ".msgpack"];
    let listed = fs::read_dir(from).with_context(|| format!("{}: cannot list", from.display()))?;
    for entry in listed {
        let path = entry.with_context(|| format!("{}: cannot list", from.display()))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if path.is_file() && !WEIGHTS.iter().any(|ending| name.ends_with(ending)) {
            fs::copy(&path, to.join(name)).with_context(|| format!("{}: cannot copy", path.display()))?;
        }
    }
    let path = to.join("config.json");
    let text = fs::read_to_string(&path).with_context(|| format!("{}: cannot read", path.display()))?;
    let mut config: Value = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
    let field = if config["dtype"].is_string() { "dtype" } else { "torch_dtype" };
    config[field] = dtype_name(kind).into();
    fs::write(&path, format!("{config:#}\n")).with_context(|| format!("{}: cannot write", path.display()))
}
