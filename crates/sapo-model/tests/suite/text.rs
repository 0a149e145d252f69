//! Text to ids: chat templates, the boundary between prompt and target, cutting.

use proptest::prelude::*;
use sapo_model::{TextCodec, TextFormat};
use serde_json::json;

use crate::fixtures::*;

fn codec(name: &str) -> TextCodec {
    TextCodec::open(&fixture(name)).unwrap()
}

#[test]
fn chat_templates_render_as_in_transformers() {
    let chat = expected("chat");
    let (templates, cases) = (chat["templates"].as_object().unwrap(), chat["cases"].as_array().unwrap());
    assert!(templates.keys().all(|name| cases.iter().any(|case| case["template"] == *name)));
    for (name, template) in templates {
        let copy = copy_of("llama-tied");
        edit_json(&copy.path().join("tokenizer_config.json"), |config| {
            config["chat_template"] = json!(template)
        });
        let codec = TextCodec::open(copy.path()).unwrap();
        assert_eq!(codec.format(), TextFormat::Chat);
        for case in cases.iter().filter(|case| case["template"] == *name) {
            let (user, assistant) = (case["user"].as_str().unwrap(), case["assistant"].as_str().unwrap());
            let prompt = codec.encode_prompt(user).unwrap();
            let example = codec.encode_example(user, assistant).unwrap();
            let text = |ids: &[i64]| codec.decode(ids).unwrap();
            assert_eq!(
                prompt,
                integers(&case["prompt_ids"]),
                "{name}: {:?} for {}",
                text(&prompt),
                case["prompt_text"]
            );
            assert_eq!(example.ids, integers(&case["whole_ids"]), "{name}: {}", case["whole_text"]);
            assert_eq!(
                example.ids[..example.target_start],
                prompt,
                "{name}: the target begins after the prompt"
            );
        }
    }
}

/// With thinking switched off the prompt ends in an empty thought, so an answer with a thought of its own does not begin
/// where the prompt ends.
#[test]
fn an_answer_that_a_template_rewrites_is_refused() {
    let copy = copy_of("llama-tied");
    let template = expected("chat")["templates"]["thinking"].take();
    edit_json(&copy.path().join("tokenizer_config.json"), |config| config["chat_template"] = template);
    let codec = TextCodec::open(copy.path()).unwrap();
    assert!(codec.encode_example("yes or no?", "yes").is_ok());
    let error = codec.encode_example("yes or no?", "<think>well</think>yes").unwrap_err().to_string();
    assert!(error.contains("does not begin with its generation prompt"), "{error}");
}

#[test]
fn a_template_in_its_own_file_comes_first() {
    let copy = copy_of("llama-tied");
    std::fs::write(copy.path().join("chat_template.jinja"), "{{ messages[0].content }}<|assistant|>")
        .unwrap();
    let codec = TextCodec::open(copy.path()).unwrap();
    assert_eq!(codec.encode_prompt("yes").unwrap(), codec.encode_text("yes<|assistant|>").unwrap());
}

#[test]
fn the_default_of_several_templates_is_used() {
    let copy = copy_of("llama-tied");
    let several = json!([
        {"name": "tool_use", "template": "{{ raise_exception('no tools') }}"},
        {"name": "default", "template": "{{ messages[0].content }}<|assistant|>"},
    ]);
    edit_json(&copy.path().join("tokenizer_config.json"), |config| config["chat_template"] = several);
    let codec = TextCodec::open(copy.path()).unwrap();
    assert_eq!(codec.format(), TextFormat::Chat);
    assert_eq!(codec.encode_prompt("yes").unwrap(), codec.encode_text("yes<|assistant|>").unwrap());
}

#[test]
fn a_template_that_refuses_says_why() {
    let copy = copy_of("llama-tied");
    let refusing = "{{ raise_exception('only ' ~ messages[0].role ~ ' turns') }}";
    edit_json(&copy.path().join("tokenizer_config.json"), |config| config["chat_template"] = json!(refusing));
    let error = TextCodec::open(copy.path()).unwrap().encode_prompt("yes").unwrap_err().to_string();
    assert!(error.contains("only user turns") && error.contains(copy.path().to_str().unwrap()), "{error}");
}

#[test]
fn without_a_template_the_text_is_prompt_newline_target_end() {
    let codec = codec("llama-untied");
    assert_eq!(codec.format(), TextFormat::Plain);
    let example = codec.encode_example("Sort.", "apple, pear").unwrap();
    assert_eq!(example.ids, codec.encode_text("Sort.\napple, pear<|end|>").unwrap());
    assert_eq!(example.ids[..example.target_start], codec.encode_prompt("Sort.").unwrap());
}

#[test]
fn padding_and_truncation_in_the_file_change_no_length() {
    let codec = codec("llama-tied");
    assert_eq!(codec.encode_text("z").unwrap().len(), 1);
    assert_eq!(codec.encode_text(&"z".repeat(99)).unwrap().len(), 99);
}

#[test]
fn a_token_across_the_boundary_belongs_to_the_completion() {
    let codec = codec("llama-tied");
    let whole = codec.encode_text("is the end").unwrap();
    let crossing = codec.encode_text(" the").unwrap();
    assert_eq!(crossing.len(), 1, "the fixture's vocabulary has the word");
    let at = whole.iter().position(|id| *id == crossing[0]).unwrap();
    let pair = codec.encode_pair("is t", "he end").unwrap();
    assert_eq!((pair.ids, pair.target_start), (whole, at));
}

#[test]
fn a_completion_without_tokens_is_an_error() {
    let refused =
        |prompt, completion| codec("llama-tied").encode_pair(prompt, completion).unwrap_err().to_string();
    assert!(refused("yes", "").contains("no tokens"));
    assert!(refused("", "n").contains("no tokens"), "a single token is predicted from nothing");
}

/// Text with many line ends, spaces, wide and combined characters.
fn any_text() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof![
            Just(" ".to_string()),
            Just("\n".to_string()),
            Just("e\u{301}".to_string()),
            Just("👩‍🚀".to_string()),
            "[a-z]{1,4}",
            "[0-9,.]{1,3}",
            "\\PC",
        ],
        0..24,
    )
    .prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_target_tokens_are_the_target_and_the_end_token(prompt in any_text(), target in any_text()) {
        for name in ["llama-tied", "llama-untied"] {
            let codec = codec(name);
            let example = codec.encode_example(&prompt, &target).unwrap();
            let completion = &example.ids[example.target_start..];
            prop_assert_eq!(codec.decode(completion).unwrap(), target.trim());
            prop_assert_eq!(completion.last().copied(), codec.eos_token_id());
            prop_assert_eq!(&example.ids[..example.target_start], codec.encode_prompt(&prompt).unwrap());
        }
    }

    #[test]
    fn the_tokens_of_a_pair_are_those_of_the_whole_text(prompt in any_text(), completion in any_text()) {
        prop_assume!(!completion.trim().is_empty()); // a blank first token has no offsets of its own
        let codec = codec("llama-tied");
        let whole = codec.encode_text(&format!("{prompt}{completion}")).unwrap();
        prop_assume!(whole.len() > 1); // a single token joins blank prompt and completion, and nothing predicts it
        let pair = codec.encode_pair(&prompt, &completion).unwrap();
        prop_assert_eq!(&pair.ids, &whole);
        let target = codec.decode(&pair.ids[pair.target_start..]).unwrap();
        // without a prompt, or where one token joins a blank prompt and the completion's beginning, the completion's first
        // token is the text's first and predicted from nothing
        prop_assert!(prompt.trim().is_empty() || target.ends_with(completion.trim()), "{target:?}");
    }

    #[test]
    fn a_shortened_text_is_a_beginning_with_few_enough_tokens(text in any_text(), limit in 0_usize..40) {
        for name in ["llama-tied", "llama-untied"] {
            let codec = codec(name);
            let tokens = codec.encode_text(&text).unwrap().len();
            let (short, was_cut) = codec.shorten(&text, limit).unwrap();
            prop_assert!(text.starts_with(&short));
            prop_assert_eq!(was_cut, tokens > limit);
            prop_assert_eq!(was_cut, short.len() < text.len());
            let left = codec.encode_text(&short).unwrap().len();
            prop_assert!(left <= limit, "{left} tokens of {short:?}, the limit is {limit}");
            // no more is lost than a character of several tokens, and a space before it
            prop_assert!(!was_cut || left + 5 > limit, "{left} tokens of {short:?}, {limit} were allowed");
        }
    }
}
