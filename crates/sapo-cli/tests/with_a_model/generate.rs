//! `sapo generate` against the same questions asked of the library.

use sapo_model::{Decoding, Generation, Sampling};
use serde_json::{Value, json};

use crate::common::{folder, open, sapo_in, tiny_model};
use crate::fixtures::PAIRS;

/// The object that `sapo generate --json` prints.
fn answer(index: usize, Generation { text, tokens, ended }: &Generation) -> Value {
    json!({"index": index, "text": text, "tokens": tokens, "ended": ended})
}

#[test]
fn generate_is_the_librarys() {
    let here = folder(&[("pairs.jsonl", PAIRS.lines().take(3).collect::<Vec<_>>().join("\n").as_str())]);
    let model = open(&tiny_model(here.path()));
    let args = ["generate", "--model", "model", "--data", "pairs.jsonl", "--max-new-tokens", "5"];
    for chat in [false, true] {
        let args = [&args[..], if chat { &["--chat"] } else { &[] }].concat();
        let json = sapo_in(here.path(), &[&args[..], &["--json"]].concat()).ok().json();
        let text = sapo_in(here.path(), &args).ok().stdout;
        let mut plain = String::new();
        for (index, prompt) in ["the food was", "Is the review good or bad?"].into_iter().enumerate() {
            let codec = model.codec();
            let ids = if chat { codec.encode_prompt(prompt) } else { codec.encode_text(prompt) }.unwrap();
            let alone = &model.generate(&[ids], Decoding::Greedy, 5, 1, |_| {}).unwrap()[0];
            assert_eq!(json[index], answer(index, alone));
            plain += &format!("{index}\t{}\n", alone.text.escape_debug());
        }
        assert_eq!(json.len(), 2);
        assert_eq!(text, plain);
    }
}

#[test]
fn sampled_answers_are_the_librarys() {
    let prompts = ["the food was", "Is the review good or bad?", "the food was", "a"];
    let lines: String = prompts.iter().map(|prompt| json!({"prompt": prompt}).to_string() + "\n").collect();
    let here = folder(&[("prompts.jsonl", &lines)]);
    let model = open(&tiny_model(here.path()));
    let ids: Vec<Vec<i64>> =
        prompts.iter().map(|prompt| model.codec().encode_text(prompt).unwrap()).collect();
    let run = |more: &[&str]| {
        let args =
            ["generate", "--model", "model", "--data", "prompts.jsonl", "--max-new-tokens", "8", "--json"];
        sapo_in(here.path(), &[&args[..], more].concat()).ok().json()
    };
    let library = |decoding| -> Vec<Value> {
        let answers = model.generate(&ids, decoding, 8, 1, |_| {}).unwrap();
        answers.iter().enumerate().map(|(index, one)| answer(index, one)).collect()
    };
    let sampled = |temperature, top_p, seed| {
        library(Decoding::Sample(Sampling::new(temperature, top_p, seed).unwrap()))
    };
    let drawn = run(&["--temperature", "0.9", "--top-p", "0.8", "--seed", "3"]);
    assert_eq!(drawn, sampled(0.9, 0.8, 3));
    assert_ne!(drawn[0]["text"], drawn[2]["text"], "the same prompt twice has two answers");
    assert_ne!(run(&["--temperature", "0.9", "--top-p", "0.8", "--seed", "4"]), drawn);
    assert_eq!(run(&["--temperature", "2"]), sampled(2.0, 1.0, 0));
    assert_eq!(run(&["--temperature", "0.9", "--top-p", "1e-9"]), library(Decoding::Greedy));
}
