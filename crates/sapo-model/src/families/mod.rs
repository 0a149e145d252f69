//! Decoder families: one file each, named and laid out as its checkpoint.
//!
//! A file says which fields of `config.json` it reads, which values it refuses, and how its blocks compute. Dropout that
//! a configuration names is not applied: fine-tuning here drops out LoRA's input alone.

mod gemma2;
mod gpt2;
mod gpt_neox;
mod llama;
mod mistral;
mod qwen2;
mod qwen3;
mod rotary;

pub use llama::LlamaConfig;

use serde::de::DeserializeOwned;

use crate::decoder::Decoder;
use crate::{ModelConfig, ModelError, Weights};

/// One architecture of `config.json`.
struct Family {
    architecture: &'static str,
    /// Takes the weights that the configuration asks for; the error says what is wrong with the configuration.
    load: fn(&ModelConfig, &mut Weights) -> Result<Decoder, String>,
}

const FAMILIES: &[Family] = &[
    Family { architecture: "LlamaForCausalLM", load: llama::load },
    Family { architecture: "MistralForCausalLM", load: mistral::load },
    Family { architecture: "Qwen2ForCausalLM", load: qwen2::load },
    Family { architecture: "Qwen3ForCausalLM", load: qwen3::load },
    Family { architecture: "Gemma2ForCausalLM", load: gemma2::load },
    Family { architecture: "GPT2LMHeadModel", load: gpt2::load },
    Family { architecture: "GPTNeoXForCausalLM", load: gpt_neox::load },
];

/// The architectures that can be opened.
pub fn architectures() -> Vec<&'static str> {
    FAMILIES.iter().map(|family| family.architecture).collect()
}

/// Builds the decoder that `config` names. Weights that are missing or of a wrong shape are noted in `weights`.
///
/// # Errors
/// When the architecture is not known, or a field of the configuration is missing, malformed or not supported.
pub(crate) fn load(config: &ModelConfig, weights: &mut Weights) -> Result<Decoder, ModelError> {
    let family =
        FAMILIES.iter().find(|family| family.architecture == config.architecture).ok_or_else(|| {
            ModelError::UnknownArchitecture {
                path: config.path.clone(),
                got: config.architecture.clone(),
                known: architectures().join(", "),
            }
        })?;
    (family.load)(config, weights).map_err(|problem| ModelError::malformed(&config.path, problem))
}

/// The fields that one family reads.
fn fields<T: DeserializeOwned>(config: &ModelConfig) -> Result<T, String> {
    serde_json::from_value(config.json.clone()).map_err(|error| error.to_string())
}

/// What stands in for a field of `config.json` that is not there, where transformers takes it as true.
fn yes() -> bool {
    true
}

/// The same for the epsilon of LayerNorm.
fn layer_norm_epsilon() -> f64 {
    1e-5
}

/// Refuses a width or a count below one.
fn check_positive(fields: &[(&str, i64)]) -> Result<(), String> {
    match fields.iter().find(|(_, value)| *value <= 0) {
        Some((name, value)) => Err(format!("{name} must be positive, got {value}")),
        None => Ok(()),
    }
}

/// The window of each layer: `window` where `layer_types` says so, or `slides` where the file has no `layer_types`.
fn windows(
    layers: usize,
    window: Option<i64>,
    layer_types: Option<&Vec<String>>,
    slides: impl Fn(usize) -> bool,
) -> Result<Vec<Option<i64>>, String> {
    let Some(types) = layer_types else {
        return Ok((0..layers).map(|layer| window.filter(|_| slides(layer))).collect());
    };
    if types.len() != layers {
        return Err(format!("layer_types must name {layers} layers, got {}", types.len()));
    }
    let of = |kind: &String| match kind.as_str() {
        "sliding_attention" => Ok(window),
        "full_attention" => Ok(None),
        other => Err(format!(
            "layer type {other:?} is not supported: expected full_attention or sliding_attention"
        )),
    };
    types.iter().map(of).collect()
}
