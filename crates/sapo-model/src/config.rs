use std::path::{Path, PathBuf};

use serde_json::Value;
use tch::Kind;

use crate::ModelError;

/// What every model directory's `config.json` says; each family reads its own fields from [`ModelConfig::json`].
#[derive(Debug, Clone)]
pub struct ModelConfig {
    /// The file.
    pub path: PathBuf,
    /// The first of `architectures`.
    pub architecture: String,
    /// Rows of the embedding.
    pub vocab_size: i64,
    /// Longest sequence, in tokens.
    pub max_tokens: usize,
    /// Ids that end an answer: of `generation_config.json` where it names some, else of `config.json`.
    pub eos_token_ids: Vec<i64>,
    /// Dtype on disk, where the file says one.
    pub dtype: Option<Kind>,
    /// Standard deviation of initial weights.
    pub initializer_range: f64,
    /// The whole file.
    pub json: Value,
}

impl ModelConfig {
    /// Reads `config.json` (and `generation_config.json`, where it is) in `directory`.
    ///
    /// # Errors
    /// Names the file and the field that is missing or of a wrong type.
    pub fn read(directory: &Path) -> Result<Self, ModelError> {
        let path = directory.join("config.json");
        let json = read_json(&path)?;
        let number = |names: [&str; 2]| {
            let found = names.iter().find_map(|name| json[*name].as_i64()).filter(|&value| value > 0);
            found.ok_or_else(|| {
                ModelError::malformed(&path, format!("{} must be a positive number", names.join(" or ")))
            })
        };
        let generation = directory.join("generation_config.json");
        let mut eos_token_ids = if generation.exists() {
            token_ids(&read_json(&generation)?["eos_token_id"])
        } else {
            Vec::new()
        };
        if eos_token_ids.is_empty() {
            eos_token_ids = token_ids(&json["eos_token_id"]);
        }
        let dtype = json["dtype"].as_str().or(json["torch_dtype"].as_str()).and_then(dtype_named);
        let architecture = json["architectures"][0].as_str().unwrap_or("(none named)").to_string();
        Ok(Self {
            vocab_size: number(["vocab_size"; 2])?,
            max_tokens: number(["max_position_embeddings", "n_positions"])? as usize,
            initializer_range: json["initializer_range"].as_f64().unwrap_or(0.02),
            path,
            architecture,
            eos_token_ids,
            dtype,
            json,
        })
    }
}

fn read_json(path: &Path) -> Result<Value, ModelError> {
    let text = std::fs::read_to_string(path).map_err(ModelError::io("read", path))?;
    serde_json::from_str(&text).map_err(|error| ModelError::malformed(path, error))
}

/// An id or a list of ids.
fn token_ids(value: &Value) -> Vec<i64> {
    match value {
        Value::Array(ids) => ids.iter().filter_map(Value::as_i64).collect(),
        id => id.as_i64().into_iter().collect(),
    }
}

/// The number formats of a checkpoint and what a `config.json` calls them.
const DTYPES: [(&str, Kind); 3] =
    [("float32", Kind::Float), ("bfloat16", Kind::BFloat16), ("float16", Kind::Half)];

fn dtype_named(name: &str) -> Option<Kind> {
    let name = name.trim_start_matches("torch.");
    DTYPES.iter().find(|(known, _)| *known == name).map(|&(_, kind)| kind)
}

/// What a `config.json` calls a number format, as in `bfloat16`; none for one that no checkpoint is read or saved in.
pub fn dtype_name(kind: Kind) -> Option<&'static str> {
    DTYPES.iter().find(|&&(_, known)| known == kind).map(|&(name, _)| name)
}
