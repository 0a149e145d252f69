//! `--too-long`: what does not fit is refused, shortened or left out as the rule says, and said.

use std::path::Path;

use crate::common::{MAX_TOKENS, Run, folder, open, sapo_in, tiny_model};
use sapo_model::{Decoding, Encoded, Generation, LanguageModel, SharedPrefix, TextCodec};
use serde_json::{Value, json};

const COMPLETION: &str = " fine. the room was cold";

/// Far more than the model reads.
fn long() -> String {
    "the food was cold and ".repeat(MAX_TOKENS)
}

/// Lines of which the second is too long.
fn pairs() -> String {
    let pair = |prompt: &str| format!("{}\n", json!({"prompt": prompt, "completion": COMPLETION}));
    pair("the food was") + &pair(&long()) + &pair("Is the review good or bad?")
}

/// The longest beginning of a text, by whole tokens, with which the whole fits, and that whole.
fn longest<T>(codec: &TextCodec, text: &str, fits: impl Fn(&str) -> Option<T>) -> (String, T) {
    let mut lengths = (1..=MAX_TOKENS).rev().map(|tokens| codec.shorten(text, tokens).unwrap().0);
    lengths.find_map(|short| fits(&short).map(|whole| (short, whole))).unwrap()
}

fn encode(model: &LanguageModel, prompt: &str, chat: bool) -> Encoded {
    let codec = model.codec();
    let encoded =
        if chat { codec.encode_example(prompt, COMPLETION) } else { codec.encode_pair(prompt, COMPLETION) };
    encoded.unwrap()
}

fn run(here: &Path, command: &[&str], more: &[&str]) -> Run {
    sapo_in(here, &[command, &["--model", "model", "--data", "data.jsonl"], more].concat())
}

fn assert_close(got: &Value, want: f64) {
    assert!((got.as_f64().unwrap() - want).abs() < 1e-4, "{got} {want}");
}

#[test]
fn loss_of_a_shortened_prompt_covers_the_whole_completion() {
    let here = folder(&[("data.jsonl", &pairs())]);
    let model = open(&tiny_model(here.path()));
    for (chat, flags) in [(false, &[][..]), (true, &["--chat"][..])] {
        let fits = |prompt: &str| Some(encode(&model, prompt, chat)).filter(|e| e.ids.len() <= MAX_TOKENS);
        let (_, expected) = longest(model.codec(), &long(), fits);
        assert_eq!(expected.ids.len(), MAX_TOKENS, "no more is cut than must be");
        let loss = model.example_losses(std::slice::from_ref(&expected), 1, |_| {}).unwrap()[0];

        let shortened = run(here.path(), &["loss", "--too-long", "shorten-prompt", "--json"], flags);
        assert_eq!(shortened.code, 0, "{}", shortened.stderr);
        assert!(
            shortened.stderr.contains("data.jsonl: shortened because of the model's 160 tokens: 1 line (2)"),
            "{}",
            shortened.stderr
        );
        let json = shortened.json();
        assert_eq!(json.len(), 4);
        assert_eq!((&json[1]["index"], &json[1]["shortened"]), (&json!(1), &json!(true)));
        assert_eq!(json[1]["tokens"], expected.target_tokens());
        assert_close(&json[1]["loss"], loss.mean());
        for whole in [&json[0], &json[2], &json[3]["summary"]] {
            assert!(whole["shortened"].is_null() && whole["skipped"].is_null(), "{whole}");
        }
        let table = run(here.path(), &["loss", "--too-long", "shorten-prompt"], flags).stdout;
        let marked: Vec<&str> = table.lines().filter(|line| line.ends_with("  shortened")).collect();
        assert!(marked.len() == 1 && marked[0].starts_with('1'), "{table}");
    }
}

#[test]
fn what_is_skipped_is_listed_and_changes_nothing_else() {
    let here = folder(&[("data.jsonl", &pairs())]);
    tiny_model(here.path());
    let skipping = run(here.path(), &["loss", "--too-long", "skip", "--json"], &[]);
    assert_eq!(skipping.code, 0, "{}", skipping.stderr);
    let told = "data.jsonl: left out because of the model's 160 tokens: 1 line (2)";
    assert!(skipping.stderr.contains(told), "{}", skipping.stderr);
    let generating = &["generate", "--too-long", "skip", "--max-new-tokens", "3", "--json"];
    let answers = run(here.path(), generating, &[]);
    assert!(answers.stderr.contains(told), "{}", answers.stderr);

    let short: String =
        pairs().lines().enumerate().filter(|(i, _)| *i != 1).map(|(_, l)| l.to_string() + "\n").collect();
    std::fs::write(here.path().join("data.jsonl"), short).unwrap();
    let (mut json, alone) = (skipping.json(), run(here.path(), &["loss", "--json"], &[]).ok().json());
    assert_eq!(json[2]["summary"].as_object_mut().unwrap().remove("skipped"), Some(json!([1])));
    assert_eq!((&json[0]["index"], &json[1]["index"]), (&json!(0), &json!(2)));
    json[1]["index"] = json!(1);
    assert_eq!(json, alone);

    let (mut json, alone) = (answers.json(), run(here.path(), generating, &[]).ok().json());
    assert_eq!(json.pop(), Some(json!({"summary": {"answers": 2, "skipped": [1]}})));
    assert_eq!(alone[2], json!({"summary": {"answers": 2, "skipped": []}}));
    json[1]["index"] = json!(1);
    assert_eq!(json, alone[..2]);
}

#[test]
fn an_answer_to_a_shortened_prompt_has_all_its_room() {
    let here = folder(&[("data.jsonl", &pairs())]);
    let model = open(&tiny_model(here.path()));
    let fits = |prompt: &str| {
        let ids = model.codec().encode_text(prompt).unwrap();
        Some(ids).filter(|ids| ids.len() + 9 <= MAX_TOKENS)
    };
    let (_, expected) = longest(model.codec(), &long(), fits);
    assert_eq!(expected.len() + 9, MAX_TOKENS);
    let answer = model.generate(&[expected], Decoding::Greedy, 9, 1, |_| {}).unwrap().remove(0);
    let command = ["generate", "--max-new-tokens", "9", "--too-long", "shorten-prompt", "--json"];
    let shortened = run(here.path(), &command, &[]);
    assert_eq!(shortened.code, 0, "{}", shortened.stderr);
    let json = shortened.json();
    assert_eq!(json.len(), 3);
    let Generation { text, tokens, ended } = answer;
    let expected = json!({"index": 1, "text": text, "tokens": tokens, "ended": ended, "shortened": true});
    assert_eq!(json[1], expected);
}

#[test]
fn a_target_that_cannot_fit_is_refused_under_every_rule() {
    let completion = json!({"prompt": "the food was", "completion": long()}).to_string();
    let example = json!({"input": "the food was fine", "target": long()}).to_string();
    let pool = r#"{"version": 1, "instruction": "Good?", "labels": [], "variants": [
        {"id": "original", "text": "Good?", "origin": {"source": "original"}}]}"#;
    for (data, command, rest) in [
        (&completion, &["loss"][..], "the completion"),
        (&completion, &["loss", "--chat"], "the completion"),
        (&completion, &["generate", "--max-new-tokens", "160"], "--max-new-tokens"),
        (&example, &["select", "--pool", "pool.json"], "the longest wording with the target"),
    ] {
        let here = folder(&[("data.jsonl", data), ("pool.json", pool)]);
        tiny_model(here.path());
        for rule in ["shorten-prompt", "skip"] {
            let refused = run(here.path(), command, &["--too-long", rule]);
            assert_eq!((refused.code, refused.stdout.as_str()), (1, ""), "{command:?} {rule}");
            let told =
                format!("error: data.jsonl, line 1: {rest} leaves no room for a prompt in the 160 tokens");
            assert!(refused.stderr.starts_with(&told), "{}", refused.stderr);
        }
        let refused = run(here.path(), command, &[]);
        assert!(refused.stderr.contains(" tokens, the model reads at most 160"), "{}", refused.stderr);
    }
}

#[test]
fn a_file_of_which_nothing_is_left_is_an_error() {
    let here = folder(&[("data.jsonl", pairs().lines().nth(1).unwrap())]);
    tiny_model(here.path());
    let run = run(here.path(), &["loss", "--too-long", "skip"], &[]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert!(run.stderr.contains("error: data.jsonl: no line fits the model's 160 tokens"), "{}", run.stderr);
}

#[test]
fn select_cuts_the_input_the_same_for_all_wordings() {
    let wordings = ["Good or bad?", "Say whether the review is good or bad, please."];
    let variants: Vec<Value> = ["original", "p01"]
        .iter()
        .zip(wordings)
        .map(|(id, text)| json!({"id": id, "text": text, "origin": {"source": if *id == "p01" { "hand" } else { id }}}))
        .collect();
    let pool =
        json!({"version": 1, "instruction": wordings[0], "labels": ["good", "bad"], "variants": variants});
    let example = |input: &str| format!("{}\n", json!({"input": input, "target": "good"}));
    let data = example("fine food") + &example(&long()) + &example("fine room");
    let here = folder(&[("data.jsonl", &data), ("pool.json", &pool.to_string())]);
    let model = open(&tiny_model(here.path()));
    let texts = |input: &str| -> [Encoded; 2] {
        let text = |wording: &str| format!("{wording}\n\nText:\n{input}\n\nAnswer:");
        wordings.map(|wording| model.codec().encode_example(&text(wording), "good").unwrap())
    };
    let fits =
        |input: &str| Some(texts(input)).filter(|all| all.iter().all(|text| text.ids.len() <= MAX_TOKENS));
    let (_, cut) = longest(model.codec(), &long(), fits);
    assert_eq!(cut.iter().map(|text| text.ids.len()).max(), Some(MAX_TOKENS));
    let [food, room] = ["fine food", "fine room"].map(texts);
    let forward = |examples: &[&[Encoded; 2]]| -> usize {
        let of_wording = |w: usize| SharedPrefix::of(examples.iter().map(|texts| &texts[w])).forward_tokens();
        of_wording(0) + of_wording(1)
    };

    let select = ["select", "--pool", "pool.json", "--suffix", "Answer:", "--json"];
    let shortened = run(here.path(), &select, &["--too-long", "shorten-prompt"]);
    assert_eq!(shortened.code, 0, "{}", shortened.stderr);
    let json = shortened.json().remove(0);
    assert_eq!((&json["shortened"], &json["skipped"]), (&json!([1]), &Value::Null));
    assert_eq!(json["forward_tokens"], forward(&[&food, &cut, &room]));
    assert_eq!(json["arms"][1]["examples"], 3);

    let skipping = run(here.path(), &select, &["--too-long", "skip"]);
    assert!(skipping.stderr.contains("left out because of"), "{}", skipping.stderr);
    let json = skipping.json().remove(0);
    assert_eq!((&json["shortened"], &json["skipped"]), (&Value::Null, &json!([1])));
    assert_eq!(json["forward_tokens"], forward(&[&food, &room]));
    assert_eq!(json["arms"][1]["examples"], 2);
}
