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
    pretrain(&Echo, config, None, folder, on_progress).unwrap();
    directory_sha256(folder).unwrap()
}

#[test]
fn an_interrupted_run_goes_on_and_ends_as_an_uninterrupted_one() {
    runtime::init(1);
    interrupted(&config(Precision::Float32, 1.0));
    interrupted(&config(Precision::Bfloat16, 0.5));
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

#[test]
fn a_finished_base_is_gone_on_with_and_one_of_another_shape_is_refused() {
    runtime::init(1);
    let (base, next) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = config(Precision::Float32, 1.0);
    let mut losses = Vec::new();
    pretrain(&Echo, &first, None, base.path(), |progress| losses.push(progress.target_loss)).unwrap();
    let texts = PretrainConfig { equal: Equal::Texts, steps: 50, ..first };
    let mut going_on = Vec::new();
    pretrain(&Echo, &texts, Some(base.path()), next.path(), |progress| going_on.push(progress.target_loss))
        .unwrap();
    assert!(going_on[0] < losses[0] / 2.0, "it begins where the base ended: {going_on:?} after {losses:?}");
    let tokenizer = |folder: &Path| std::fs::read(folder.join("tokenizer.json")).unwrap();
    assert_eq!(tokenizer(base.path()), tokenizer(next.path()));

    let wider = PretrainConfig { hidden_size: 32, ..texts };
    let other = tempfile::tempdir().unwrap();
    let refused = pretrain(&Echo, &wider, Some(base.path()), other.path(), |_| ()).err().unwrap().to_string();
    assert!(
        refused.contains("weights do not fit") && refused.contains("[280, 16], expected [280, 32]"),
        "{refused}"
    );
}
