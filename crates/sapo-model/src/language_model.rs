use std::collections::HashSet;
use std::path::{Path, PathBuf};

use tch::{Device, Kind, Tensor};

use serde::Serialize;

use crate::decoder::{Decoder, Sequences};
use crate::state::Origin;
use crate::weights::write_whole;
use crate::{ModelConfig, ModelError, TextCodec, Weights, families, native, runtime, save_safetensors};

/// A decoder with its tokenizer: what a Hugging Face directory holds.
#[derive(Debug)]
pub struct LanguageModel {
    decoder: Decoder,
    codec: TextCodec,
    end_tokens: HashSet<i64>,
    max_tokens: usize,
    kind: Kind,
    device: Device,
    path: PathBuf,
    /// Absent once the weights are other than what files say.
    origin: Option<Origin>,
}

impl LanguageModel {
    /// Opens a model directory: `config.json`, `model.safetensors` (or its shards), `tokenizer.json`,
    /// `tokenizer_config.json`.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn open(directory: &Path, kind: Kind, device: Device) -> Result<Self, ModelError> {
        let config = ModelConfig::read(directory)?;
        let mut weights = Weights::open(directory, kind, device)?;
        let model = Self::build(directory, &config, &mut weights, kind, device)?;
        weights.finish()?;
        Ok(Self { origin: Some(Origin::default()), ..model })
    }

    /// A model with fresh weights; `directory` holds `config.json` and the tokenizer.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn fresh(directory: &Path, seed: u64, kind: Kind, device: Device) -> Result<Self, ModelError> {
        let config = ModelConfig::read(directory)?;
        let mut weights = Weights::random(config.initializer_range, seed, kind, device);
        Self::build(directory, &config, &mut weights, kind, device)
    }

    fn build(
        directory: &Path,
        config: &ModelConfig,
        weights: &mut Weights,
        kind: Kind,
        device: Device,
    ) -> Result<Self, ModelError> {
        runtime::check_environment()?;
        native::products_by_onednn(runtime::matmul_library() == runtime::MatmulLibrary::OneDnn);
        let codec = TextCodec::open(directory)?;
        if codec.vocab_size() > config.vocab_size as usize {
            let problem = format!(
                "the tokenizer has {} entries, config.json says vocab_size {}",
                codec.vocab_size(),
                config.vocab_size
            );
            return Err(ModelError::malformed(directory, problem));
        }
        let decoder = families::load(config, weights)?;
        let mut end_tokens: HashSet<i64> = config.eos_token_ids.iter().copied().collect();
        end_tokens.extend(codec.eos_token_id());
        let max_tokens = config.max_tokens;
        let path = directory.to_path_buf();
        Ok(Self { decoder, codec, end_tokens, max_tokens, kind, device, path, origin: None })
    }

    /// Writes the weights as `model.safetensors` in `directory`, which is made where it is not there, in the dtype `kind`.
    /// Configuration and tokenizer are the caller's.
    ///
    /// # Errors
    /// Names the file that cannot be written.
    pub fn save_weights(&self, directory: &Path, kind: Kind) -> Result<(), ModelError> {
        std::fs::create_dir_all(directory).map_err(ModelError::io("create", directory))?;
        let converted: Vec<(String, Tensor)> = self
            .decoder
            .named_parameters()
            .into_iter()
            .map(|(name, tensor)| (name, tensor.detach().to_kind(kind)))
            .collect();
        let named: Vec<(String, &Tensor)> =
            converted.iter().map(|(name, tensor)| (name.clone(), tensor)).collect();
        save_safetensors(&directory.join("model.safetensors"), &named)
    }

    /// Takes other values for all weights: those that [`LanguageModel::save_weights`] wrote to `directory`.
    ///
    /// # Errors
    /// Names the file and what is wrong with it; weights may have been changed then.
    pub fn load_weights(&mut self, directory: &Path) -> Result<(), ModelError> {
        let _guard = tch::no_grad_guard();
        let mut stored = Weights::open_file(&directory.join("model.safetensors"), self.kind, self.device)?;
        for (name, weight) in self.decoder_mut().named_parameters() {
            weight.shallow_clone().copy_(&stored.take(&name, &weight.size()));
        }
        stored.finish()
    }

    /// Writes `config.json` into `directory`.
    ///
    /// # Errors
    /// Names the file that cannot be written.
    pub fn write_config(config: &impl Serialize, directory: &Path) -> Result<(), ModelError> {
        let path = directory.join("config.json");
        let text =
            serde_json::to_string_pretty(config).map_err(|error| ModelError::malformed(&path, error))?;
        write_whole(&path, format!("{text}\n").as_bytes())
    }

    /// Makes every weight trainable and returns them with their names, in a fixed order.
    pub fn train_all_parameters(&mut self) -> Vec<(String, Tensor)> {
        self.decoder_mut()
            .named_parameters()
            .into_iter()
            .map(|(name, tensor)| (name, tensor.set_requires_grad(true)))
            .collect()
    }

    /// Tokenizer and text format.
    pub fn codec(&self) -> &TextCodec {
        &self.codec
    }

    /// The decoder.
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// The decoder, to change it: from now on no file says what its weights are.
    pub(crate) fn decoder_mut(&mut self) -> &mut Decoder {
        self.origin = None;
        &mut self.decoder
    }

    pub(crate) fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    pub(crate) fn set_origin(&mut self, origin: Option<Origin>) {
        self.origin = origin;
    }

    /// Logits after every token of one sequence: `[T, vocab]`.
    pub fn logits(&self, ids: &[i64]) -> Tensor {
        let _guard = tch::no_grad_guard();
        self.decoder.logits(&self.decoder.hidden(&Sequences::new(&[ids], self.device)))
    }

    /// Longest sequence in tokens.
    pub fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// Dtype of the weights in memory.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Where the weights are.
    pub fn device(&self) -> Device {
        self.device
    }

    /// The directory it came from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of parameters.
    pub fn parameter_count(&self) -> usize {
        self.decoder.named_parameters().iter().map(|(_, tensor)| tensor.numel()).sum()
    }

    pub(crate) fn is_end(&self, token: i64) -> bool {
        self.end_tokens.contains(&token)
    }
}
