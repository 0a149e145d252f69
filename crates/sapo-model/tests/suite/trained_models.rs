//! Trained models, which are not part of the project, against the losses that transformers gave.

use std::path::Path;

use sapo_model::{Device, Kind, LanguageModel};

use crate::fixtures::*;

#[test]
fn losses_of_trained_models_are_those_of_transformers() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/models");
    if !models.exists() {
        println!("not run: no ../shared/models");
        return;
    }
    let expected = expected();
    for (name, want) in expected["trained_models"].as_object().unwrap() {
        let directory = models.join(name);
        if sha256(&directory.join("model.safetensors")) != want["sha256"].as_str().unwrap() {
            println!("not run: {name} is not the model of the record");
            continue;
        }
        let model = LanguageModel::open(&directory, Kind::Float, Device::Cpu).unwrap();
        let (prompt, completion) = (want["prompt"].as_str().unwrap(), want["completion"].as_str().unwrap());
        let example = model.codec().encode_pair(prompt, completion).unwrap();
        assert_eq!(example.ids.len() as u64, want["tokens"].as_u64().unwrap(), "{name}");
        assert_eq!(example.target_tokens() as u64, want["target_tokens"].as_u64().unwrap(), "{name}");
        let loss = model.example_losses(&[example], 4096, |_| ()).unwrap()[0];
        assert_numbers_close(name, &[loss.nll_sum], &[want["nll_sum"].as_f64().unwrap()], 1e-5);
        assert!(loss.mean() < 2.0, "{name} has learnt something: {} nats a token", loss.mean());
    }
}

fn sha256(path: &Path) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(std::fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}
