//! Greedy generation against transformers, and one batch against one prompt at a time.

use sapo_model::{Decoding, Device, Generation, Kind, LanguageModel, ModelError, SharedPrefix};
use serde_json::json;

use crate::fixtures::*;

/// The model, which ends an answer at the fixture's end tokens.
pub(crate) fn model_with_end_tokens(checkpoint: &Checkpoint) -> LanguageModel {
    let copy = copy_of(checkpoint.name);
    let end = &checkpoint.numbers["generation"]["end_tokens"];
    edit_json(&copy.path().join("config.json"), |config| config["eos_token_id"] = json!(end));
    LanguageModel::open(copy.path(), Kind::Float, Device::Cpu).unwrap()
}

pub(crate) fn prompts(checkpoint: &Checkpoint) -> Vec<Vec<i64>> {
    lists(&checkpoint.numbers["generation"]["prompts"])
}

#[test]
fn batched_answers_are_those_of_transformers() {
    on_every_checkpoint(|checkpoint| {
        let want = &checkpoint.numbers["generation"];
        let (prompts, answers) = (prompts(checkpoint), lists(&want["answers"]));
        let model = model_with_end_tokens(checkpoint);
        let mut done = 0;
        let got = model.generate(&prompts, Decoding::Greedy, 32, 4096, |n| done += n).unwrap();
        assert_eq!(done, prompts.len());
        for (i, answer) in got.iter().enumerate() {
            assert_eq!(answer.text, want["texts"][i].as_str().unwrap(), "{}, prompt {i}", checkpoint.name);
            assert_eq!(answer.tokens, answers[i].len(), "{}, prompt {i}", checkpoint.name);
            let end = integers(&want["end_tokens"]).contains(answers[i].last().unwrap());
            assert_eq!(answer.ended, end, "{}, prompt {i}", checkpoint.name);
        }
    });
}

#[test]
fn company_and_padding_change_no_answer() {
    on_every_checkpoint(|checkpoint| {
        let (prompts, model) = (prompts(checkpoint), model_with_end_tokens(checkpoint));
        let answers = |prompts: &[Vec<i64>], budget| {
            model.generate(prompts, Decoding::Greedy, 32, budget, |_| ()).unwrap()
        };
        let alone: Vec<Generation> =
            prompts.iter().map(|prompt| answers(std::slice::from_ref(prompt), 4096).remove(0)).collect();
        for budget in [1, 40, 70, 4096] {
            assert_eq!(answers(&prompts, budget), alone, "{}, budget {budget}", checkpoint.name);
        }
        let reversed: Vec<Vec<i64>> = prompts.iter().rev().cloned().collect();
        let mut turned = answers(&reversed, 4096);
        turned.reverse();
        assert_eq!(turned, alone, "{}, reversed", checkpoint.name);
    });
}

/// Answers to prompts that begin alike, in batches of several sizes, are those to each prompt alone, which shares nothing.
fn assert_sharing_changes_no_answer(what: &str, model: &LanguageModel, checkpoint: &Checkpoint) {
    let prefix: Vec<i64> = (0..40).map(|i| i * 31 % 288).collect();
    let begin_alike = |prompt: Vec<i64>| [prefix.clone(), prompt].concat();
    let prompts: Vec<Vec<i64>> = prompts(checkpoint).into_iter().map(begin_alike).collect();
    let shared = SharedPrefix::of_prompts(&prompts);
    assert!(shared.ids().starts_with(&prefix), "{what}");
    let whole: usize = prompts.iter().map(Vec::len).sum();
    assert_eq!(shared.forward_tokens(), whole - (prompts.len() - 1) * shared.ids().len());
    let answers =
        |prompts: &[Vec<i64>], budget| model.generate(prompts, Decoding::Greedy, 12, budget, |_| ()).unwrap();
    let alone: Vec<Generation> =
        prompts.iter().map(|prompt| answers(std::slice::from_ref(prompt), 4096).remove(0)).collect();
    for budget in [1, 150, 4096] {
        assert_eq!(answers(&prompts, budget), alone, "{what}, {}, budget {budget}", checkpoint.name);
    }
    let same = vec![prompts[0].clone(); 5];
    assert_eq!(answers(&same, 4096), vec![alone[0].clone(); 5], "{what}, {}", checkpoint.name);
}

#[test]
fn what_prompts_share_changes_no_answer() {
    on_every_checkpoint(|checkpoint| {
        assert_sharing_changes_no_answer("plain", &model_with_end_tokens(checkpoint), checkpoint);
        assert_sharing_changes_no_answer("with an adapter", &checkpoint.open_with_adapter(), checkpoint);
        // what libtorch's attention computes on other devices
        let double = LanguageModel::open(&checkpoint.directory(), Kind::Double, Device::Cpu).unwrap();
        assert_sharing_changes_no_answer("in f64", &double, checkpoint);
    });
}

/// Shorter than the prefix, than the rest, and longer than both.
#[test]
fn windows_count_what_prompts_share() {
    on_every_checkpoint(|checkpoint| {
        for window in [3, 30, 45].into_iter().filter(|_| ["mistral", "gemma2"].contains(&checkpoint.name)) {
            let copy = copy_of(checkpoint.name);
            edit_json(&copy.path().join("config.json"), |config| config["sliding_window"] = json!(window));
            let model = LanguageModel::open(copy.path(), Kind::Float, Device::Cpu).unwrap();
            assert_sharing_changes_no_answer(&format!("window {window}"), &model, checkpoint);
        }
    });
}

#[test]
fn fewer_new_tokens_are_the_beginning_of_more() {
    on_every_checkpoint(|checkpoint| {
        let answers = lists(&checkpoint.numbers["generation"]["answers"]);
        let (prompts, model) = (prompts(checkpoint), model_with_end_tokens(checkpoint));
        for limit in [0, 1, 2, 9] {
            for (i, answer) in
                model.generate(&prompts, Decoding::Greedy, limit, 4096, |_| ()).unwrap().iter().enumerate()
            {
                let beginning = &answers[i][..limit.min(answers[i].len())];
                assert_eq!(answer.tokens, beginning.len());
                assert!(!answer.ended || answer.tokens == answers[i].len());
                assert_eq!(answer.text, model.codec().decode(beginning).unwrap());
            }
        }
    });
}

#[test]
fn a_prompt_without_room_for_its_answer_is_an_error_with_its_index() {
    on_every_checkpoint(|checkpoint| {
        let copy = copy_of(checkpoint.name);
        edit_json(&copy.path().join("config.json"), |config| config["eos_token_id"] = json!(null));
        let model = LanguageModel::open(copy.path(), Kind::Float, Device::Cpu).unwrap();
        let room = model.max_tokens() - 32;
        let prompts = [vec![5; room], vec![5; room + 1]];
        match model.generate(&prompts, Decoding::Greedy, 32, 4096, |_| ()) {
            Err(ModelError::TooLong { index: 1, tokens, limit }) => {
                assert_eq!((tokens, limit), (model.max_tokens() + 1, model.max_tokens()));
            }
            other => panic!("{other:?}"),
        }
        let answer = model.generate(&prompts[..1], Decoding::Greedy, 32, 4096, |_| ()).unwrap().remove(0);
        assert!((1..=32).contains(&answer.tokens), "{answer:?}");
    });
}

#[test]
fn an_empty_prompt_is_an_error_with_its_index() {
    match open("llama-tied").generate(&[vec![5], Vec::new()], Decoding::Greedy, 4, 4096, |_| ()) {
        Err(error @ ModelError::EmptyPrompt { index: 1 }) => assert!(error.to_string().contains("prompt 1")),
        other => panic!("{other:?}"),
    }
    assert_eq!(open("llama-tied").generate(&[], Decoding::Greedy, 4, 4096, |_| ()).unwrap(), Vec::new());
}
