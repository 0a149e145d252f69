//! Trains as `sapo_learn::train` does and prints what each step cost, for `bench/peers/run_peers.py`.
//!
//! `train_speed RUN.json prepare` writes what both sides start from into the run's folder `start`: the initial adapter in
//! PEFT's layout and the order of the examples. `train_speed RUN.json` trains and prints one JSON object;
//! `train_speed RUN.json save DIR` also writes the trained weights there.

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use sapo_learn::{FixedTexts, NoTerm, TrainConfig, Training, train};
use sapo_model::{Encoded, Kind, LanguageModel, LoraConfig, runtime};
use serde::Deserialize;
use serde_json::json;

const USAGE: &str = "usage: train_speed RUN.json [prepare | save DIR]";

/// The run that both sides read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    model: PathBuf,
    /// JSON Lines of `{"prompt", "completion"}`
    data: PathBuf,
    start: PathBuf,
    dtype: String,
    device: String,
    threads: usize,
    seed: u64,
    /// Absent: every parameter is trained.
    lora: Option<LoraConfig>,
    train: TrainConfig,
}

#[derive(Deserialize)]
struct Line {
    prompt: String,
    completion: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or(USAGE)?;
    let (prepare, save) = match (arguments.next().as_deref(), arguments.next()) {
        (None, None) => (false, None),
        (Some("prepare"), None) => (true, None),
        (Some("save"), Some(directory)) => (false, Some(PathBuf::from(directory))),
        _ => return Err(USAGE.into()),
    };
    let run: Run = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    runtime::init(run.threads);
    let kind = match run.dtype.as_str() {
        "f32" => Kind::Float,
        "bf16" => Kind::BFloat16,
        other => return Err(format!("unknown dtype {other:?}").into()),
    };
    let mut model = LanguageModel::open(&run.model, kind, runtime::parse_device(&run.device)?)?;
    let examples = encode(&model, &run)?;
    if prepare {
        return write_start(&mut model, &run, examples.len());
    }

    let parameters = match &run.lora {
        Some(config) => {
            model.attach_lora(config, run.seed)?;
            model.lora_parameters()
        }
        None => model.train_all_parameters().into_iter().map(|(_, tensor)| tensor).collect(),
    };
    let mut steps = Vec::new();
    let mut before = Instant::now();
    train(
        &model,
        parameters,
        &mut FixedTexts(&examples),
        &mut NoTerm,
        Training::of(&run.train, run.seed),
        |step| {
            let now = Instant::now();
            let seconds = (now - before).as_secs_f64();
            steps.push(json!({"loss": step.loss, "tokens": step.tokens, "seconds": seconds}));
            before = now;
        },
    )?;
    if let Some(directory) = save {
        model.save_weights(&directory, kind)?;
    }
    println!("{}", json!({"steps": steps}));
    Ok(())
}

fn encode(model: &LanguageModel, run: &Run) -> Result<Vec<Encoded>, Box<dyn Error>> {
    let encode = |line: &str| -> Result<Encoded, Box<dyn Error>> {
        let Line { prompt, completion } = serde_json::from_str(line)?;
        Ok(model.codec().encode_pair(&prompt, &completion)?)
    };
    std::fs::read_to_string(&run.data)?.lines().map(encode).collect()
}

/// B of a fresh adapter is zero, so folding it changes no weight and hands its tensors out. The order is drawn as `train`
/// draws it; were it another, the losses of the two sides would differ.
fn write_start(model: &mut LanguageModel, run: &Run, examples: usize) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(&run.start)?;
    if let Some(config) = &run.lora {
        model.attach_lora(config, run.seed)?;
        model.fold_lora(config).save(&run.start, "base")?;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(run.seed);
    let mut order: Vec<usize> = (0..examples).collect();
    let epochs: Vec<Vec<usize>> = (0..run.train.epochs)
        .map(|_| {
            order.shuffle(&mut rng);
            order.clone()
        })
        .collect();
    Ok(std::fs::write(run.start.join("order.json"), serde_json::to_string(&epochs)?)?)
}
