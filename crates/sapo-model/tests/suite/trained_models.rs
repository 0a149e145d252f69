//! Trained models and real tokenizers, which are not part of the project, against what transformers gave.

use std::path::{Path, PathBuf};

use sapo_files::checksum;
use sapo_model::{Device, Kind, LanguageModel, TextCodec, TextFormat};
use serde_json::{Value, json};

use crate::fixtures::*;

/// The folders of `../shared/<kind>` whose `file` has the recorded checksum, with their records.
fn recorded(kind: &str, record: &str, file: &str) -> Vec<(PathBuf, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(kind);
    if !folder.exists() {
        println!("not run: no ../shared/{kind}");
        return Vec::new();
    }
    let mut found = Vec::new();
    for (name, want) in expected("shared")[record].as_object().unwrap() {
        let directory = folder.join(name);
        match std::fs::read(directory.join(file)) {
            Ok(bytes) if checksum::of_bytes(&bytes) == want["sha256"].as_str().unwrap() => {
                found.push((directory, want.clone()));
            }
            _ => println!("not run: {name} is not there, or not the one of the record"),
        }
    }
    found
}

#[test]
fn losses_of_trained_models_are_those_of_transformers() {
    for (directory, want) in recorded("models", "trained_models", "model.safetensors") {
        let model = LanguageModel::open(&directory, Kind::Float, Device::Cpu).unwrap();
        let (mut nats, mut tokens) = (0.0, 0);
        for case in want["losses"].as_array().unwrap() {
            let (prompt, completion) =
                (case["prompt"].as_str().unwrap(), case["completion"].as_str().unwrap());
            let example = model.codec().encode_pair(prompt, completion).unwrap();
            assert_eq!(example.ids.len() as u64, case["tokens"].as_u64().unwrap(), "{directory:?}");
            assert_eq!(
                example.target_tokens() as u64,
                case["target_tokens"].as_u64().unwrap(),
                "{directory:?}"
            );
            let loss = model.example_losses(&[example], 4096, |_| ()).unwrap()[0];
            assert_numbers_close(prompt, &[loss.nll_sum], &[case["nll_sum"].as_f64().unwrap()], 1e-5);
            nats += loss.nll_sum;
            tokens += loss.tokens;
        }
        let perplexity = (nats / tokens as f64).exp();
        println!("{}: perplexity {perplexity:.2}", directory.display());
        let entries = model.codec().vocab_size() as f64;
        assert!(perplexity < entries.sqrt(), "{directory:?} has learnt something: {perplexity}");
    }
}

/// Whether ids are those of a record: their number and a checksum over them as text.
fn assert_ids(what: &str, ids: &[i64], want: &Value) {
    let text: Vec<String> = ids.iter().map(i64::to_string).collect();
    let same = checksum::of_bytes(text.join(" ").as_bytes()) == want["sha256"].as_str().unwrap();
    assert!(same && ids.len() as u64 == want["tokens"].as_u64().unwrap(), "{what}: {want}, got {ids:?}");
}

#[test]
fn ids_of_real_tokenizers_are_those_of_transformers() {
    for (directory, want) in recorded("tokenizers", "tokenizers", "tokenizer.json") {
        let codec = TextCodec::open(&directory).unwrap();
        let cases = want["texts"].as_array().unwrap();
        assert!(cases.len() > 20);
        for case in cases {
            let text = case["text"].as_str().unwrap();
            let what = format!("{} {text:?}", directory.display());
            let ids = codec.encode_text(text).unwrap();
            assert_ids(&what, &ids, case);
            let decoded = case["decoded"].as_str().unwrap_or(text.trim());
            assert_eq!(codec.decode(&ids).unwrap(), decoded, "{what}");
        }
    }
}

#[test]
fn chats_of_real_tokenizers_are_those_of_transformers() {
    for (directory, want) in recorded("tokenizers", "tokenizers", "tokenizer.json") {
        let codec = TextCodec::open(&directory).unwrap();
        let cases = want["chats"].as_array().unwrap();
        assert_eq!(codec.format() == TextFormat::Chat, !cases.is_empty(), "{directory:?}");
        for case in cases {
            let (user, assistant) = (case["user"].as_str().unwrap(), case["assistant"].as_str().unwrap());
            let prompt = codec.encode_prompt(user).unwrap();
            let whole = codec.encode_example(user, assistant).unwrap();
            assert_ids(user, &prompt, &case["prompt"]);
            assert_ids(user, &whole.ids, &case["whole"]);
            assert_eq!(json!(whole.target_start), case["target_start"], "{user:?}");
        }
    }
}
