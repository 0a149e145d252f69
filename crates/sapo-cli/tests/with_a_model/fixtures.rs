//! What the tests of several commands read.

use std::path::Path;

use sapo_model::LoraConfig;
use serde_json::Value;

use crate::common::{open, tiny_model};

pub(crate) const PAIRS: &str = r#"{"prompt": "the food was", "completion": " fine"}

{"prompt": "Is the review good or bad?", "completion": " bad. the room was cold", "more": 1}
{"prompt": "", "completion": "the food and the room"}
"#;

pub(crate) const EXAMPLES: &str = r#"{"input": "the food was fine", "target": "good"}
{"input": "the room was cold", "target": "bad"}
{"input": "fine food and fine room", "target": "good"}
{"input": "cold food", "target": "bad"}
"#;

pub(crate) const POOL: &str = r#"{"version": 1, "instruction": "Is the review good or bad?", "labels": ["good", "bad"],
 "variants": [
  {"id": "original", "text": "Is the review good or bad?", "origin": {"source": "original"}},
  {"id": "p01", "text": "Say good or bad about the review.", "origin": {"source": "hand"}},
  {"id": "p02", "text": "Read the review. Then answer with good, or with bad: no other word than one of these two is an answer.", "origin": {"source": "hand"}}
]}
"#;

pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("not a number: {value}"))
}

/// Writes an adapter that does something: B = A^T (q_proj is square).
pub(crate) fn write_adapter(model: &Path, to: &Path, r: i64, seed: u64) {
    let config = LoraConfig::new(r, 32.0, &["q_proj"]);
    let mut scratch = open(model);
    scratch.attach_lora(&config, seed).unwrap();
    let mut lora = scratch.fold_lora(&config);
    for (a, b) in lora.modules.values_mut() {
        *b = a.transpose(0, 1);
    }
    lora.save(to, "model").unwrap();
}

/// The tiny model with a context that holds a request for a paraphrase.
pub(crate) fn patient_model(here: &Path) {
    let config = tiny_model(here).join("config.json");
    let mut json: Value = serde_json::from_str(&std::fs::read_to_string(&config).unwrap()).unwrap();
    json["max_position_embeddings"] = 4096.into();
    std::fs::write(config, json.to_string()).unwrap();
}
