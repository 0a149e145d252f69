//! Pre-training from nothing: it learns, and an interrupted run ends as an uninterrupted one.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use sapo_learn::Precision;
use sapo_learn::pretrain::{Corpus, Equal, PretrainConfig, PretrainProgress, pretrain};
use sapo_model::{directory_sha256, runtime};

/// Says the word again.
struct Echo;

impl Corpus for Echo {
    fn sample(&self, rng: &mut ChaCha8Rng) -> (String, String) {
        let word = ["red", "green", "blue"][rng.random_range(0..3)];
        (format!("Say {word}."), word.to_string())
    }
}

fn config(precision: Precision, prompt_loss_share: f64) -> PretrainConfig {
    PretrainConfig {
        seed: 4,
        vocab_size: 280,
        single_digits: false,
        tokenizer_texts: 50,
        hidden_size: 16,
        intermediate_size: 32,
        layers: 1,
        heads: 2,
        key_value_heads: 1,
        max_tokens: 32,
        steps: 150,
        batch_tokens: 128,
        learning_rate: 1e-2,
        warmup_ratio: 0.05,
        weight_decay: 0.01,
        equal: Equal::Tokens,
        prompt_loss_weight: 0.1,
        prompt_loss_share,
        checkpoint_every: 30,
        precision,
    }
}

fn run(config: &PretrainConfig, folder: &Path, on_progress: impl FnMut(PretrainProgress)) -> String {
    pretrain(&Echo, config, folder, on_progress).unwrap();
    directory_sha256(folder).unwrap()
}

#[test]
fn an_interrupted_run_goes_on_and_ends_as_an_uninterrupted_one() {
    runtime::init(1);
    interrupted(&config(Precision::Float32, 1.0));
    interrupted(&PretrainConfig { equal: Equal::Texts, ..config(Precision::Bfloat16, 0.5) });
}

fn interrupted(config: &PretrainConfig) {
    let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut losses = Vec::new();
    let expected = run(config, whole.path(), |progress| losses.push(progress.target_loss));
    assert!(losses.last().unwrap() < &(losses[0] / 2.0), "it learns: {losses:?}");

    // Stopped at step 100, ten steps after the last checkpoint.
    let stopped = catch_unwind(AssertUnwindSafe(|| {
        run(config, broken.path(), |progress| assert!(progress.step < 100, "stopped on purpose"));
    }));
    assert!(stopped.is_err());
    assert!(!broken.path().join("model.safetensors").exists(), "no half-made model is in place");
    let mut first = None;
    let resumed = run(config, broken.path(), |progress| {
        first.get_or_insert(progress.step);
    });
    assert_eq!(first, Some(100), "it went on after step 90 and not from nothing");
    assert_eq!(resumed, expected);
    assert!(!broken.path().join("pretraining.safetensors").exists(), "the checkpoint is removed at the end");
}
