//! Runs the binary, and makes what it reads.
#![allow(dead_code, clippy::unwrap_used)] // each test file uses a part of it

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sapo_model::{Device, Kind, LanguageModel, LlamaConfig, train_tokenizer};
use serde_json::Value;

/// What a run of the command left.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// The JSON of every line of stdout.
    pub(crate) fn json(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The run, which must have gone well and silently.
    pub(crate) fn ok(self) -> Self {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""), "stdout: {}", self.stdout);
        self
    }

    /// All of it as one text, for snapshots.
    pub(crate) fn transcript(&self) -> String {
        format!("exit code {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

/// Runs `sapo` in `directory`, away from any terminal.
pub(crate) fn sapo_in(directory: &Path, args: &[&str]) -> Run {
    sapo_with(&[], directory, args)
}

/// Runs `sapo` with more environment variables.
pub(crate) fn sapo_with(variables: &[(&str, &str)], directory: &Path, args: &[&str]) -> Run {
    let output = command(directory, args).envs(variables.iter().copied()).output().unwrap();
    Run {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// `sapo` in `directory`, away from any terminal and from the user's own cache.
pub(crate) fn command(directory: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sapo"));
    command
        .args(args)
        .current_dir(directory)
        .env_remove("RUST_LOG")
        .env_remove("COLUMNS")
        .env("SAPO_THREADS", "1")
        .env("SAPO_CACHE", directory.join("cache"))
        .stdin(Stdio::null());
    command
}

/// A folder with files in it.
pub(crate) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// Longest text of the tiny model.
pub(crate) const MAX_TOKENS: usize = 160;

/// A fresh model of two narrow layers in `directory`/model; large random weights, so that its losses differ.
pub(crate) fn tiny_model(directory: &Path) -> PathBuf {
    let model = directory.join("model");
    let texts =
        ["Is the review good or bad? Answer good or bad. Text: the food was fine and the room was cold"; 3];
    train_tokenizer(texts.iter().map(ToString::to_string), 300, true, MAX_TOKENS, &model).unwrap();
    let config: LlamaConfig = serde_json::from_value(serde_json::json!({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 320, "hidden_size": 32,
        "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "max_position_embeddings": MAX_TOKENS, "rms_norm_eps": 1e-5, "hidden_act": "silu", "initializer_range": 0.2,
    }))
    .unwrap();
    LanguageModel::write_config(&config, &model).unwrap();
    LanguageModel::fresh(&model, 7, Kind::Float, Device::Cpu)
        .unwrap()
        .save_weights(&model, Kind::Float)
        .unwrap();
    model
}

/// The tiny model as the library opens it.
pub(crate) fn open(model: &Path) -> LanguageModel {
    LanguageModel::open(model, Kind::Float, Device::Cpu).unwrap()
}
