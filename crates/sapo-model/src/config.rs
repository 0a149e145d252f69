use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::ModelError;

/// `config.json` of a Llama checkpoint, with the names of the Hugging Face file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LlamaConfig {
    /// `["LlamaForCausalLM"]`.
    pub architectures: Vec<String>,
    /// `"llama"`.
    pub model_type: String,
    /// Rows of the embedding.
    pub vocab_size: i64,
    /// Width D of the residual stream.
    pub hidden_size: i64,
    /// Width of the SwiGLU layer.
    pub intermediate_size: i64,
    /// Number of blocks.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: i64,
    /// Key and value heads (grouped-query attention); all query heads where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub num_key_value_heads: Option<i64>,
    /// Width of a head; `hidden_size / num_attention_heads` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_dim: Option<i64>,
    /// Longest sequence, in tokens.
    pub max_position_embeddings: usize,
    /// Epsilon of RMSNorm.
    pub rms_norm_eps: f64,
    /// Base of the rotary embedding.
    #[serde(default = "default_rope_theta")]
    pub rope_theta: f64,
    /// Present and not null: a scaled rotary embedding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rope_scaling: Option<serde_json::Value>,
    /// Where newer files keep `rope_theta` and the scaling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rope_parameters: Option<serde_json::Value>,
    /// `"silu"`.
    pub hidden_act: String,
    /// Whether the output head is the embedding.
    #[serde(default)]
    pub tie_word_embeddings: bool,
    /// Bias in the attention projections.
    #[serde(default)]
    pub attention_bias: bool,
    /// Bias in the feed-forward projections.
    #[serde(default)]
    pub mlp_bias: bool,
    /// Id of the token that starts a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bos_token_id: Option<serde_json::Value>,
    /// Id, or list of ids, of the tokens that end an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eos_token_id: Option<serde_json::Value>,
    /// Dtype on disk.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "dtype")]
    pub torch_dtype: Option<String>,
    /// Standard deviation of the initial weights.
    #[serde(default = "default_initializer_range")]
    pub initializer_range: f64,
}

fn default_rope_theta() -> f64 {
    10_000.0
}

fn default_initializer_range() -> f64 {
    0.02
}

const KNOWN_ARCHITECTURES: &[&str] = &["LlamaForCausalLM"];

impl LlamaConfig {
    /// Reads and checks `config.json` in `directory`.
    ///
    /// # Errors
    /// Names the file and the field that is missing, of a wrong type, or not supported.
    pub fn read(directory: &Path) -> Result<Self, ModelError> {
        let path = directory.join("config.json");
        let text = std::fs::read_to_string(&path).map_err(ModelError::io("read", &path))?;
        let value: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| ModelError::malformed(&path, error))?;
        let architecture = value["architectures"][0].as_str().unwrap_or("(none named)");
        if !KNOWN_ARCHITECTURES.contains(&architecture) {
            return Err(ModelError::UnknownArchitecture {
                path,
                got: architecture.to_string(),
                known: KNOWN_ARCHITECTURES.join(", "),
            });
        }
        let mut config: Self =
            serde_json::from_value(value).map_err(|error| ModelError::malformed(&path, error))?;
        if let Some(theta) = config.rope_parameters.as_ref().and_then(|p| p["rope_theta"].as_f64()) {
            config.rope_theta = theta;
        }
        config.check().map_err(|problem| ModelError::malformed(&path, problem))?;
        Ok(config)
    }

    /// Width of one head.
    pub fn head_dim(&self) -> i64 {
        self.head_dim.unwrap_or(self.hidden_size / self.num_attention_heads)
    }

    /// Number of key and value heads.
    pub fn key_value_heads(&self) -> i64 {
        self.num_key_value_heads.unwrap_or(self.num_attention_heads)
    }

    /// Ids that end an answer, as the file lists them.
    pub fn eos_token_ids(&self) -> Vec<i64> {
        match &self.eos_token_id {
            Some(serde_json::Value::Array(ids)) => ids.iter().filter_map(serde_json::Value::as_i64).collect(),
            Some(id) => id.as_i64().into_iter().collect(),
            None => Vec::new(),
        }
    }

    fn check(&self) -> Result<(), String> {
        let positive = [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("num_attention_heads", self.num_attention_heads),
            ("num_key_value_heads", self.key_value_heads()),
        ];
        if let Some((name, value)) = positive.into_iter().find(|(_, value)| *value <= 0) {
            return Err(format!("{name} must be positive, got {value}"));
        }
        if self.num_attention_heads % self.key_value_heads() != 0 {
            return Err(format!(
                "num_attention_heads ({}) must be a multiple of num_key_value_heads ({})",
                self.num_attention_heads,
                self.key_value_heads()
            ));
        }
        if self.head_dim() <= 0 || self.head_dim() % 2 != 0 {
            return Err(format!("head_dim must be positive and even, got {}", self.head_dim()));
        }
        if self.hidden_act != "silu" {
            return Err(format!("hidden_act must be \"silu\", got {:?}", self.hidden_act));
        }
        let scaled = |value: &Option<serde_json::Value>| {
            value
                .as_ref()
                .and_then(|v| v["rope_type"].as_str().or(v["type"].as_str()))
                .filter(|t| *t != "default")
                .map(String::from)
        };
        if let Some(kind) = scaled(&self.rope_scaling).or(scaled(&self.rope_parameters)) {
            return Err(format!("rope scaling {kind:?} is not supported yet"));
        }
        Ok(())
    }
}
