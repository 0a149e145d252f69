//! The options of every command that asks a model.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use sapo_lab::DownloadDisplay;
use sapo_model::{Device, Hub, Kind, LanguageModel, ModelConfig, TextFormat, runtime};

use crate::failure::InputError;
use crate::too_long::TooLong;

/// Which model, where and how.
#[derive(Debug, Args)]
#[command(next_help_heading = "Model")]
pub(crate) struct ModelArgs {
    /// Folder of the model in Hugging Face layout, or org/name or org/name@revision of the Hugging Face Hub
    #[arg(long, value_name = "DIR|ORG/NAME")]
    model: PathBuf,
    #[command(flatten)]
    pub(crate) options: ModelOptions,
    /// What to do with a line that is longer than the model's context. Under every rule a target is kept whole, and one
    /// that cannot fit is refused
    #[arg(long, value_name = "RULE", default_value = "refuse")]
    pub(crate) too_long: TooLong,
}

/// Where and how a model is used, whichever it is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Model")]
pub(crate) struct ModelOptions {
    /// Folder of a LoRA adapter in PEFT layout to add to the weights; may be given several times, all are summed
    #[arg(long, value_name = "DIR")]
    adapter: Vec<PathBuf>,
    /// Where to compute: cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu", value_parser = runtime::parse_device)]
    device: Device,
    /// Number format of the weights in memory and of the computation; losses are taken in f32 from its logits. auto:
    /// as on disk, which config.json says
    #[arg(long, default_value = "f32")]
    dtype: Dtype,
    /// Cores to use [default: SAPO_THREADS if set, else all]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Tokens in one batch, padding included: more is faster until memory runs out; results stay the same up to rounding
    #[arg(long, value_name = "N", default_value = "8192")]
    batch_tokens: NonZeroUsize,
}

/// A number format by its short name.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Dtype {
    Auto,
    F32,
    Bf16,
    F16,
}

impl Dtype {
    /// The format, where it is `auto` the one that the model in `folder` says it has on disk.
    pub(crate) fn kind(self, folder: &Path) -> anyhow::Result<Kind> {
        Ok(match self {
            Self::Auto => {
                let config = ModelConfig::read(folder)?;
                config.dtype.ok_or(InputError::NoDtype { path: config.path })?
            }
            Self::F32 => Kind::Float,
            Self::Bf16 => Kind::BFloat16,
            Self::F16 => Kind::Half,
        })
    }
}

/// The folder of a model: the one given, or that of a model of the Hub, fetched where it is not at hand.
pub(crate) fn model_folder(model: &Path) -> anyhow::Result<PathBuf> {
    let mut display = DownloadDisplay::new(false);
    Ok(Hub::from_env().model_folder(model, &mut |download| {
        display.show(download.repository, download.file, download.done, download.total);
    })?)
}

impl ModelArgs {
    /// Opens the model and adds its adapters.
    pub(crate) fn open(&self) -> anyhow::Result<LanguageModel> {
        self.options.open(&self.model)
    }

    /// Padded tokens in one batch.
    pub(crate) fn token_budget(&self) -> usize {
        self.options.token_budget()
    }
}

impl ModelOptions {
    /// Opens a model and adds the adapters.
    pub(crate) fn open(&self, model: &Path) -> anyhow::Result<LanguageModel> {
        runtime::init(self.threads.map_or_else(runtime::threads_from_env, NonZeroUsize::get));
        let folder = model_folder(model)?;
        let mut model = LanguageModel::open(&folder, self.dtype.kind(&folder)?, self.device)?;
        for adapter in &self.adapter {
            model.fold_adapter_from(adapter)?;
        }
        Ok(model)
    }

    /// Padded tokens in one batch.
    pub(crate) fn token_budget(&self) -> usize {
        self.batch_tokens.get()
    }
}

/// Refuses `--chat` for a model without a chat template.
pub(crate) fn check_chat(model: &LanguageModel, chat: bool) -> Result<(), InputError> {
    if chat && model.codec().format() != TextFormat::Chat {
        return Err(InputError::NoChatTemplate { path: model.path().into() });
    }
    Ok(())
}
