//! The hot paths of the model on one thread, with a random Llama of 1.3 M parameters that is made on the fly.
//!
//! Every call is made once before it is timed, so that one that fails ends the bench. Whole processes beside
//! transformers and PEFT: `just bench-peers`.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sapo_model::{
    Batch, Decoding, Device, Encoded, Kind, LanguageModel, LoraConfig, ModelError, native, runtime,
    train_tokenizer,
};
use tch::Tensor;

type Outcome = Result<(), Box<dyn Error>>;

const VOCAB: usize = 2048;
const TOKEN_BUDGET: usize = 8192;

fn main() -> Outcome {
    runtime::init(1);
    let directory = tempfile::tempdir()?;
    let model = write_model(directory.path())?;
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    tokenisation(&mut criterion, &model)?;
    scoring(&mut criterion, &model)?;
    generation(&mut criterion, &model)?;
    loading(&mut criterion, directory.path())?;
    lora_step(&mut criterion, model)?;
    dropout(&mut criterion);
    criterion.final_summary();
    Ok(())
}

/// A checkpoint in Hugging Face layout, and the model opened from it.
fn write_model(directory: &Path) -> Result<LanguageModel, Box<dyn Error>> {
    train_tokenizer(texts(2000).into_iter(), VOCAB, true, 512, directory)?;
    let config = serde_json::json!({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": VOCAB,
        "hidden_size": 128, "intermediate_size": 352, "num_hidden_layers": 4, "num_attention_heads": 4,
        "num_key_value_heads": 4, "max_position_embeddings": 512, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
        "hidden_act": "silu", "tie_word_embeddings": true,
    });
    std::fs::write(directory.join("config.json"), config.to_string())?;
    LanguageModel::fresh(directory, 1, Kind::Float, Device::Cpu)?.save_weights(directory, Kind::Float)?;
    Ok(LanguageModel::open(directory, Kind::Float, Device::Cpu)?)
}

/// Texts of 20 to 120 words.
fn texts(n: usize) -> Vec<String> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut text = || -> String {
        let words = rng.random_range(20..=120);
        (0..words).map(|_| format!("word{} ", rng.random_range(0..1000))).collect()
    };
    (0..n).map(|_| text()).collect()
}

fn encoded(model: &LanguageModel, n: usize) -> Result<Vec<Encoded>, ModelError> {
    texts(n).iter().map(|text| model.codec().encode_pair(text, "word1 word2")).collect()
}

fn tokens(examples: &[Encoded]) -> Throughput {
    Throughput::Elements(examples.iter().map(|example| example.ids.len() as u64).sum())
}

fn tokenisation(criterion: &mut Criterion, model: &LanguageModel) -> Outcome {
    let texts = texts(100);
    let bytes: usize = texts.iter().map(String::len).sum();
    let encode =
        || texts.iter().map(|text| model.codec().encode_pair(text, "word1")).collect::<Result<Vec<_>, _>>();
    encode()?;
    let mut group = criterion.benchmark_group("tokenise");
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("100 pairs", |bencher| bencher.iter(encode));
    Ok(())
}

fn scoring(criterion: &mut Criterion, model: &LanguageModel) -> Outcome {
    let examples = encoded(model, 64)?;
    let losses = || model.example_losses(&examples, TOKEN_BUDGET, |_| ());
    losses()?;
    let mut group = criterion.benchmark_group("score");
    group.throughput(tokens(&examples));
    group.bench_function("64 examples", |bencher| bencher.iter(losses));

    let instruction: String = (1..=12).map(|word| format!("word{word} ")).collect();
    let with_instruction =
        |text: &String| model.codec().encode_pair(&format!("{instruction}{text}"), "word1 word2");
    let examples = texts(64).iter().map(with_instruction).collect::<Result<Vec<_>, _>>()?;
    let losses = || model.example_losses(&examples, TOKEN_BUDGET, |_| ());
    losses()?;
    group.throughput(tokens(&examples));
    group.bench_function("64 examples of one instruction", |bencher| bencher.iter(losses));
    Ok(())
}

fn generation(criterion: &mut Criterion, model: &LanguageModel) -> Outcome {
    let prompts: Vec<Vec<i64>> = encoded(model, 32)?.into_iter().map(|example| example.ids).collect();
    let mut group = criterion.benchmark_group("generate");
    // the second differs from the first by seven steps with a cache
    for new_tokens in [1, 8] {
        let answers = || model.generate(&prompts, Decoding::Greedy, new_tokens, TOKEN_BUDGET, |_| ());
        answers()?;
        group.bench_function(format!("32 prompts, {new_tokens} tokens"), |bencher| bencher.iter(answers));
    }
    Ok(())
}

fn loading(criterion: &mut Criterion, directory: &Path) -> Outcome {
    let open = || LanguageModel::open(directory, Kind::Float, Device::Cpu);
    let parameters = open()?.parameter_count();
    let mut group = criterion.benchmark_group("open");
    group.throughput(Throughput::Bytes(4 * parameters as u64));
    group.bench_function("checkpoint and tokenizer", |bencher| bencher.iter(open));
    Ok(())
}

fn lora_step(criterion: &mut Criterion, mut model: LanguageModel) -> Outcome {
    let config = LoraConfig::new(8, 32.0, &["q_proj", "v_proj"]);
    model.attach_lora(&config, 1)?;
    let examples = encoded(&model, 16)?;
    let chosen: Vec<&Encoded> = examples.iter().collect();
    let forward_backward = || -> Result<(), ModelError> {
        let batch = Batch::new(&chosen, model.max_tokens(), model.device())?;
        model.target_nll(&batch, true).0.mean(Kind::Float).backward();
        Ok(())
    };
    forward_backward()?;
    let mut group = criterion.benchmark_group("lora");
    group.throughput(tokens(&examples));
    group.bench_function("forward and backward, 16 examples", |bencher| bencher.iter(forward_backward));
    Ok(())
}

/// Of the input of one projection, 16 texts long: libtorch's own, number by number, and ours.
fn dropout(criterion: &mut Criterion) {
    let x = Tensor::randn([16 * 128, 128], (Kind::Float, Device::Cpu)).set_requires_grad(true);
    let mut group = criterion.benchmark_group("dropout");
    group.throughput(Throughput::Elements(x.numel() as u64));
    let mut step = |name: &str, drop: &dyn Fn() -> Tensor| {
        let there_and_back = || drop().sum(Kind::Float).backward();
        there_and_back();
        group.bench_function(name, |bencher| bencher.iter(there_and_back));
    };
    step("forward and backward, libtorch", &|| x.dropout(0.1, true));
    step("forward and backward, one pass of a seed", &|| native::dropout(&x, 0.1));
    group.finish();
}
