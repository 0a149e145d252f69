//! The bank that ships in `data/prompts/`, without the originals (which are other people's): shape, size, variety.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as it should be")]

use std::path::{Path, PathBuf};

use sapo_prompts::{Instruction, Origin, PoolDiversity, PromptPool, PromptVariant};
use serde_json::Value;

fn files() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/prompts");
    let folders =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let entries =
        folders.flat_map(|folder| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect()
}

/// The paraphrases as a pool whose original is empty, because the bank holds no originals.
fn pool(file: &Value) -> PromptPool {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let variant = |value: &Value| PromptVariant {
        id: text(&value["id"]),
        text: Instruction::new(text(&value["text"])),
        origin: Origin::of("bank"),
    };
    let variants = file["variants"].as_array().unwrap().iter().map(variant).collect();
    PromptPool::new(Instruction::new(""), vec![], variants).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_task_has_twenty_different_paraphrases() {
    let files = files();
    assert!(files.len() >= 26, "26 SuperNI tasks at least, got {}", files.len());
    for path in files {
        let file: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let name = path.display();
        assert_eq!(file["version"], 1, "{name}");
        assert_eq!(file["task"].as_str(), path.file_stem().and_then(|stem| stem.to_str()), "{name}");
        let hash = file["original_sha256"].as_str().unwrap();
        assert!(hash.len() == 64 && hash.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')), "{name}");
        let pool = pool(&file);
        assert!(pool.paraphrases().len() >= 20, "{name}: {}", pool.paraphrases().len());
        let pairs = PoolDiversity::of(&pool).pairs.unwrap();
        assert!(pairs.mean > 0.5, "{name}: mean distance {}", pairs.mean);
        assert!(pairs.closest.2 > 0.1, "{name}: {:?}", pairs.closest);
    }
}
