//! Pre-training a small base model from nothing: its tokenizer, then one resumable pass over an endless mixture.

use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sapo_model::{
    Batch, Encoded, LanguageModel, LlamaConfig, ModelError, Weights, save_safetensors, train_tokenizer,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tch::{Device, Kind, Tensor};

use crate::{AdamW, AdamWConfig, LearnError, Precision, Progress, Schedule, clip_gradient_norm, derive_seed};

/// An endless mixture of prompts with their targets.
pub trait Corpus: Sync {
    /// One text, drawn by `rng` alone.
    fn sample(&self, rng: &mut ChaCha8Rng) -> (String, String);
}

/// How a base model is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PretrainConfig {
    /// Seed of everything.
    pub seed: u64,
    /// Entries of the tokenizer.
    pub vocab_size: usize,
    /// Whether every digit is a token of its own.
    pub single_digits: bool,
    /// Texts that the tokenizer is trained on.
    pub tokenizer_texts: usize,
    /// Width of the residual stream.
    pub hidden_size: i64,
    /// Width of the feed-forward layer.
    pub intermediate_size: i64,
    /// Blocks.
    pub layers: usize,
    /// Query heads.
    pub heads: i64,
    /// Key and value heads.
    pub key_value_heads: i64,
    /// Longest sequence in tokens; longer texts are left out.
    pub max_tokens: usize,
    /// Optimiser steps.
    pub steps: usize,
    /// Tokens in an optimiser step, padding not counted.
    pub batch_tokens: usize,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// Share of steps with rising learning rate.
    pub warmup_ratio: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// What counts alike in the loss.
    #[serde(default)]
    pub equal: Equal,
    /// Weight of the loss on a prompt beside 1 for its target: of a token where tokens count alike, of the mean over the
    /// prompt where texts do.
    pub prompt_loss_weight: f64,
    /// Share of the texts of whose prompts the loss is taken, at so much more weight that the whole has the same: fewer
    /// logits, less time.
    #[serde(default = "all_texts")]
    pub prompt_loss_share: f64,
    /// Steps between checkpoints.
    pub checkpoint_every: usize,
    /// Number format to train in; the model is saved in bfloat16 in any case.
    #[serde(default)]
    pub precision: Precision,
}

fn all_texts() -> f64 {
    1.0
}

/// What counts alike in the loss of pre-training.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Equal {
    /// Every target token: long answers outweigh labels.
    #[default]
    Tokens,
    /// The mean over every target: a label counts as much as a sentence.
    Texts,
}

/// What pre-training reports.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PretrainProgress {
    /// Steps done.
    pub step: usize,
    /// All steps.
    pub steps: usize,
    /// Mean nats per target token of the last steps.
    pub target_loss: f64,
    /// Tokens so far, padding not counted.
    pub tokens: u64,
    /// Tokens a second of this call.
    pub tokens_per_second: f64,
}

/// Steps whose texts are drawn together, so that texts of similar length can share a batch.
const GROUP: usize = 16;

/// So many texts that are too long, and none that is not, are all there will be.
const MOST_TOO_LONG: usize = 10_000;

/// Makes the model in `directory`, going on from a checkpoint where an earlier call was interrupted. One that is finished is
/// returned as it is.
///
/// The batches of a group of steps depend on the seed and the group alone, so an interrupted run goes on with the same
/// texts.
///
/// # Errors
/// When files cannot be read or written, the directory holds what another configuration has begun, no text is short enough,
/// or the loss is no longer a number.
pub fn pretrain(
    corpus: &dyn Corpus,
    config: &PretrainConfig,
    directory: &Path,
    mut on_progress: impl FnMut(PretrainProgress),
) -> Result<LanguageModel, LearnError> {
    prepare_directory(corpus, config, directory)?;
    let weights_seed = derive_seed(config.seed, "weights", 0);
    let mut model = LanguageModel::fresh(directory, weights_seed, config.precision.kind(), Device::Cpu)?;
    let checkpoint = Checkpoint { path: directory.join("pretraining.safetensors") };
    if directory.join("model.safetensors").exists() && !checkpoint.path.exists() {
        model.load_weights(directory)?;
        return Ok(model);
    }
    let run = directory.join("pretraining");
    Progress::open(&run, &json!({ "config": config }))?;
    let named = model.train_all_parameters();
    let adamw = AdamWConfig { beta2: 0.98, weight_decay: config.weight_decay, ..AdamWConfig::default() };
    let mut optimizer = AdamW::new(named.iter().map(|(_, tensor)| tensor.shallow_clone()).collect(), adamw);
    let names: Vec<String> = named.into_iter().map(|(name, _)| name).collect();
    let mut step = checkpoint.restore(&names, &mut optimizer)?;
    let schedule = Schedule::with_warmup_ratio(config.learning_rate, config.warmup_ratio, config.steps);

    let started = Instant::now();
    let (mut tokens, mut recent) = (0_u64, Recent::default());
    let result = std::thread::scope(|scope| -> Result<(), LearnError> {
        let (sender, receiver) = sync_channel(2);
        let codec = model.codec();
        let first_group = step / GROUP;
        scope.spawn(move || {
            for group in first_group..config.steps.div_ceil(GROUP) {
                if sender.send(draw_group(corpus, codec, config, group)).is_err() {
                    return;
                }
            }
        });
        while step < config.steps {
            let batches = match receiver.recv() {
                Ok(batches) => batches?,
                Err(_) => break,
            };
            for batch in batches.into_iter().skip(step % GROUP) {
                if step >= config.steps {
                    break;
                }
                let (loss, target_loss) = weighted_loss(&model, &batch, config)?;
                loss.backward();
                let gradient_norm = clip_gradient_norm(optimizer.parameters(), 1.0);
                if !(target_loss.is_finite() && gradient_norm.is_finite()) {
                    return Err(LearnError::Diverged { step: step + 1, loss: target_loss, gradient_norm });
                }
                optimizer.step(schedule.learning_rate(step));
                step += 1;
                tokens += batch.iter().map(|text| text.encoded.ids.len() as u64).sum::<u64>();
                recent.add(target_loss);
                if step % 50 == 0 || step == config.steps {
                    on_progress(PretrainProgress {
                        step,
                        steps: config.steps,
                        target_loss: recent.take(),
                        tokens,
                        tokens_per_second: tokens as f64 / started.elapsed().as_secs_f64(),
                    });
                }
                if step % config.checkpoint_every == 0 && step < config.steps {
                    checkpoint.save(&names, &optimizer)?;
                }
            }
        }
        drop(receiver);
        Ok(())
    });
    result?;
    model.save_weights(directory, Kind::BFloat16)?;
    checkpoint.remove();
    let _ = std::fs::remove_dir_all(run); // it tells a later call no more than the model does
    Ok(model)
}

/// Tokenizer and configuration, unless an earlier call wrote them.
fn prepare_directory(
    corpus: &dyn Corpus,
    config: &PretrainConfig,
    directory: &Path,
) -> Result<(), LearnError> {
    if !directory.join("tokenizer_config.json").exists() {
        let mut rng = ChaCha8Rng::seed_from_u64(derive_seed(config.seed, "tokenizer", 0));
        let texts: Vec<String> = (0..config.tokenizer_texts)
            .flat_map(|_| {
                let (prompt, target) = corpus.sample(&mut rng);
                [prompt, target]
            })
            .collect();
        train_tokenizer(
            texts.into_iter(),
            config.vocab_size,
            config.single_digits,
            config.max_tokens,
            directory,
        )?;
    }
    let llama = LlamaConfig {
        architectures: vec!["LlamaForCausalLM".to_string()],
        model_type: "llama".to_string(),
        vocab_size: config.vocab_size as i64,
        hidden_size: config.hidden_size,
        intermediate_size: config.intermediate_size,
        num_hidden_layers: config.layers,
        num_attention_heads: config.heads,
        num_key_value_heads: Some(config.key_value_heads),
        head_dim: Some(config.hidden_size / config.heads),
        max_position_embeddings: config.max_tokens,
        rms_norm_eps: 1e-5,
        rope_theta: 10_000.0,
        rope_scaling: None,
        rope_parameters: None,
        hidden_act: "silu".to_string(),
        tie_word_embeddings: true,
        attention_bias: false,
        mlp_bias: false,
        bos_token_id: None,
        eos_token_id: None,
        torch_dtype: Some("bfloat16".to_string()),
        initializer_range: 0.02,
    };
    Ok(LanguageModel::write_config(&llama, directory)?)
}

/// The batches of `GROUP` steps: texts drawn together, sorted by length, cut into batches, and shuffled.
fn draw_group(
    corpus: &dyn Corpus,
    codec: &sapo_model::TextCodec,
    config: &PretrainConfig,
    group: usize,
) -> Result<Vec<Vec<Text>>, LearnError> {
    let mut rng = ChaCha8Rng::seed_from_u64(derive_seed(config.seed, "pretraining texts", group));
    let mut drawn: Vec<Text> = Vec::new();
    let (mut tokens, mut left_out) = (0, 0);
    while tokens < GROUP * config.batch_tokens {
        let (prompt, target) = corpus.sample(&mut rng);
        let encoded = codec.encode_example(&prompt, &target)?;
        if encoded.ids.len() <= config.max_tokens {
            tokens += encoded.ids.len();
            let prompt_too = config.prompt_loss_weight > 0.0
                && (config.prompt_loss_share >= 1.0 || rng.random::<f64>() < config.prompt_loss_share);
            drawn.push(Text { encoded, prompt_too });
        } else {
            left_out += 1;
            if drawn.is_empty() && left_out == MOST_TOO_LONG {
                return Err(LearnError::Setting {
                    name: "max_tokens",
                    got: config.max_tokens.to_string(),
                    expected: "a number that some text of the corpus keeps within",
                });
            }
        }
    }
    drawn.sort_by_key(|text| text.encoded.ids.len());
    let mut batches: Vec<Vec<Text>> = Vec::from_iter((0..GROUP).map(|_| Vec::new()));
    let mut filled = 0;
    for text in drawn {
        let place = (filled * GROUP / tokens).min(GROUP - 1);
        filled += text.encoded.ids.len();
        batches[place].push(text);
    }
    batches.shuffle(&mut rng);
    Ok(batches)
}

/// The weighted mean loss to descend, and the mean nats per target token to report.
fn weighted_loss(
    model: &LanguageModel,
    batch: &[Text],
    config: &PretrainConfig,
) -> Result<(Tensor, f64), ModelError> {
    let scored: Vec<Encoded> = batch.iter().map(Text::scored).collect();
    let scored: Vec<&Encoded> = scored.iter().collect();
    let nll = model.target_nll(&Batch::new(&scored, config.max_tokens, model.device())?, true).0;
    let (is_target, weights): (Vec<f32>, Vec<f32>) = batch
        .iter()
        .zip(&scored)
        .flat_map(|(text, scored)| {
            let (prompt, target) = text.token_weights(config);
            let boundary = text.encoded.target_start;
            (scored.target_start..scored.ids.len())
                .map(move |place| if place >= boundary { (1.0, target) } else { (0.0, prompt) })
        })
        .unzip();
    let is_target = Tensor::from_slice(&is_target).to_device(model.device());
    let weights = Tensor::from_slice(&weights).to_device(model.device());
    let target_loss = ((&nll * &is_target).sum(Kind::Float) / is_target.sum(Kind::Float)).double_value(&[]);
    let total = weights.sum(Kind::Float);
    Ok(((nll * weights).sum(Kind::Float) / total, target_loss))
}

/// A text to train on.
struct Text {
    encoded: Encoded,
    /// Whether the loss is taken of its prompt, too.
    prompt_too: bool,
}

impl Text {
    /// The text, the part of which counts as target of which the loss is taken.
    fn scored(&self) -> Encoded {
        let target_start = if self.prompt_too { 1 } else { self.encoded.target_start };
        Encoded { ids: self.encoded.ids.clone(), target_start }
    }

    /// Weight of the loss on a prompt token and on a target token.
    fn token_weights(&self, config: &PretrainConfig) -> (f32, f32) {
        let prompt = (config.prompt_loss_weight / config.prompt_loss_share) as f32;
        match config.equal {
            Equal::Tokens => (prompt, 1.0),
            Equal::Texts => {
                let (start, all) = (self.encoded.target_start, self.encoded.ids.len());
                (prompt / start.max(1) as f32, 1.0 / (all - start).max(1) as f32)
            }
        }
    }
}

/// Mean of the losses since it was last taken.
#[derive(Default)]
struct Recent {
    sum: f64,
    count: usize,
}

impl Recent {
    fn add(&mut self, loss: f64) {
        self.sum += loss;
        self.count += 1;
    }

    fn take(&mut self) -> f64 {
        let mean = self.sum / self.count.max(1) as f64;
        *self = Self::default();
        mean
    }
}

/// Parameters, moments and the step, in one safetensors file.
struct Checkpoint {
    path: PathBuf,
}

impl Checkpoint {
    fn save(&self, names: &[String], optimizer: &AdamW) -> Result<(), ModelError> {
        let (steps, first, second) = optimizer.state();
        let steps = Tensor::from_slice(&[steps as f32]);
        let mut named: Vec<(String, &Tensor)> = vec![("steps".to_string(), &steps)];
        for (i, name) in names.iter().enumerate() {
            named.push((format!("parameter.{name}"), &optimizer.masters()[i]));
            named.push((format!("first_moment.{name}"), &first[i]));
            named.push((format!("second_moment.{name}"), &second[i]));
        }
        save_safetensors(&self.path, &named)
    }

    /// Puts everything back and returns the steps done; 0 where there is no checkpoint.
    fn restore(&self, names: &[String], optimizer: &mut AdamW) -> Result<usize, ModelError> {
        if !self.path.exists() {
            return Ok(0);
        }
        let mut file = Weights::open_file(&self.path, Kind::Float, Device::Cpu)?;
        let steps = file.take("steps", &[1]).double_value(&[0]) as i32;
        let (mut masters, mut first, mut second) = (Vec::new(), Vec::new(), Vec::new());
        for (i, name) in names.iter().enumerate() {
            let shape = optimizer.parameters()[i].size();
            masters.push(file.take(&format!("parameter.{name}"), &shape));
            first.push(file.take(&format!("first_moment.{name}"), &shape));
            second.push(file.take(&format!("second_moment.{name}"), &shape));
        }
        file.finish()?;
        optimizer.restore(steps, &masters, first, second);
        Ok(steps as usize)
    }

    fn remove(&self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(prompt: usize, target: usize) -> Text {
        let encoded = Encoded { ids: vec![0; prompt + target], target_start: prompt };
        Text { encoded, prompt_too: true }
    }

    fn config(equal: Equal) -> PretrainConfig {
        let parsed = toml::from_str(
            "seed = 1\nvocab_size = 300\nsingle_digits = false\ntokenizer_texts = 1\nhidden_size = 8\n\
             intermediate_size = 8\nlayers = 1\nheads = 1\nkey_value_heads = 1\nmax_tokens = 64\nsteps = 1\n\
             batch_tokens = 64\nlearning_rate = 0.1\nwarmup_ratio = 0.0\nweight_decay = 0.0\n\
             prompt_loss_weight = 0.2\nprompt_loss_share = 0.5\ncheckpoint_every = 1",
        );
        PretrainConfig { equal, ..parsed.unwrap() }
    }

    #[test]
    fn where_tokens_count_alike_a_long_answer_outweighs_a_label() {
        let tokens = config(Equal::Tokens);
        for (prompt, target) in [(30, 1), (10, 20)] {
            assert_eq!(text(prompt, target).token_weights(&tokens), (0.4, 1.0));
        }
    }

    #[test]
    fn where_texts_count_alike_every_target_weighs_one_and_every_prompt_its_weight_by_its_share() {
        let texts = config(Equal::Texts);
        for (prompt, target) in [(30, 1), (10, 20)] {
            let (of_prompt, of_target) = text(prompt, target).token_weights(&texts);
            assert!((of_prompt * prompt as f32 - 0.4).abs() < 1e-6, "{of_prompt}");
            assert!((of_target * target as f32 - 1.0).abs() < 1e-6, "{of_target}");
        }
    }
}
