//! Greedy generation against transformers, and one batch against one prompt at a time.

use sapo_model::{Device, Generation, Kind, LanguageModel, ModelError};
use serde_json::json;

use crate::fixtures::*;

/// The fixture's model, which ends an answer at the fixture's end tokens.
fn model_with_end_tokens(name: &str) -> LanguageModel {
    let copy = copy_of(name);
    let end = &expected()[name]["generation"]["end_tokens"];
    edit_json(&copy.path().join("config.json"), |config| config["eos_token_id"] = json!(end));
    LanguageModel::open(copy.path(), Kind::Float, Device::Cpu).unwrap()
}

#[test]
fn batched_answers_are_those_of_transformers() {
    for name in ["tied", "untied"] {
        let want = &expected()[name]["generation"];
        let (prompts, answers) = (lists(&want["prompts"]), lists(&want["answers"]));
        let model = model_with_end_tokens(name);
        let mut done = 0;
        let got = model.generate(&prompts, 32, 4096, |n| done += n).unwrap();
        assert_eq!(done, prompts.len());
        for (i, answer) in got.iter().enumerate() {
            assert_eq!(answer.text, want["texts"][i].as_str().unwrap(), "{name}, prompt {i}");
            assert_eq!(answer.tokens, answers[i].len(), "{name}, prompt {i}");
        }
    }
}

#[test]
fn company_and_padding_change_no_answer() {
    let prompts = lists(&expected()["tied"]["generation"]["prompts"]);
    let model = model_with_end_tokens("tied");
    let alone: Vec<Generation> = prompts
        .iter()
        .map(|prompt| model.generate(std::slice::from_ref(prompt), 32, 4096, |_| ()).unwrap().remove(0))
        .collect();
    for budget in [1, 40, 70, 4096] {
        assert_eq!(model.generate(&prompts, 32, budget, |_| ()).unwrap(), alone, "budget {budget}");
    }
    let reversed: Vec<Vec<i64>> = prompts.iter().rev().cloned().collect();
    let mut answers = model.generate(&reversed, 32, 4096, |_| ()).unwrap();
    answers.reverse();
    assert_eq!(answers, alone);
}

#[test]
fn fewer_new_tokens_are_the_beginning_of_more() {
    let want = &expected()["untied"]["generation"];
    let (prompts, answers) = (lists(&want["prompts"]), lists(&want["answers"]));
    let model = model_with_end_tokens("untied");
    for limit in [0, 1, 2, 9] {
        for (i, answer) in model.generate(&prompts, limit, 4096, |_| ()).unwrap().iter().enumerate() {
            let beginning = &answers[i][..limit.min(answers[i].len())];
            assert_eq!(answer.tokens, beginning.len());
            assert_eq!(answer.text, model.codec().decode(beginning).unwrap());
        }
    }
}

#[test]
fn a_prompt_without_room_for_its_answer_is_an_error_with_its_index() {
    let model = open("tied");
    let prompts = [vec![5; 480], vec![5; 481]];
    match model.generate(&prompts, 32, 4096, |_| ()) {
        Err(ModelError::TooLong { index: 1, tokens: 513, limit: 512 }) => (),
        other => panic!("{other:?}"),
    }
    assert_eq!(model.generate(&prompts[..1], 32, 4096, |_| ()).unwrap()[0].tokens, 32);
}

#[test]
fn an_empty_prompt_is_an_error_with_its_index() {
    match open("tied").generate(&[vec![5], Vec::new()], 4, 4096, |_| ()) {
        Err(error @ ModelError::EmptyPrompt { index: 1 }) => assert!(error.to_string().contains("prompt 1")),
        other => panic!("{other:?}"),
    }
    assert_eq!(open("tied").generate(&[], 4, 4096, |_| ()).unwrap(), Vec::new());
}
