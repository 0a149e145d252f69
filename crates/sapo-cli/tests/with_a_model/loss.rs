//! `sapo loss` against the same questions asked of the library.

use sapo_model::TextCodec;
use serde_json::Value;

use crate::common::{folder, open, sapo_in, tiny_model};
use crate::fixtures::{PAIRS, number, write_adapter};

#[test]
fn loss_is_the_librarys() {
    let here = folder(&[("pairs.jsonl", PAIRS)]);
    let model = open(&tiny_model(here.path()));
    let pairs: Vec<Value> = PAIRS
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for chat in [false, true] {
        let args = ["loss", "--model", "model", "--data", "pairs.jsonl", "--json"];
        let json =
            sapo_in(here.path(), &[&args[..], if chat { &["--chat"] } else { &[] }].concat()).ok().json();
        assert_eq!(json.len(), 4);
        let (mut sum, mut tokens, mut means) = (0.0, 0.0, 0.0);
        for (index, pair) in pairs.iter().enumerate() {
            let (prompt, completion) =
                (pair["prompt"].as_str().unwrap(), pair["completion"].as_str().unwrap());
            let codec = model.codec();
            let encoded = if chat {
                codec.encode_example(prompt, completion)
            } else {
                codec.encode_pair(prompt, completion)
            };
            // alone, so that padding and batching are checked too
            let alone = model.example_losses(&[encoded.unwrap()], 1, |_| {}).unwrap()[0];
            assert_eq!(json[index]["index"], index);
            assert_eq!(json[index]["tokens"], alone.tokens);
            assert!(
                (number(&json[index]["loss"]) - alone.mean()).abs() < 1e-4,
                "{} {}",
                json[index],
                alone.mean()
            );
            sum += number(&json[index]["loss"]) * number(&json[index]["tokens"]);
            tokens += number(&json[index]["tokens"]);
            means += number(&json[index]["loss"]) / 3.0;
        }
        let summary = &json[3]["summary"];
        assert!((number(&summary["token_mean"]) - sum / tokens).abs() < 1e-9);
        assert!((number(&summary["example_mean"]) - means).abs() < 1e-9);
        assert_eq!((number(&summary["tokens"]), number(&summary["examples"])), (tokens, 3.0));
    }
}

#[test]
fn loss_without_chat_scores_the_bare_string() {
    let here = folder(&[("pairs.jsonl", PAIRS)]);
    let model = tiny_model(here.path());
    let whole = TextCodec::open(&model).unwrap().encode_text("the food was fine").unwrap().len();
    let prompt = TextCodec::open(&model).unwrap().encode_text("the food was").unwrap().len();
    let json =
        sapo_in(here.path(), &["loss", "--model", "model", "--data", "pairs.jsonl", "--json"]).ok().json();
    assert_eq!(json[0]["tokens"], whole - prompt);
}

#[test]
fn the_table_of_losses_says_what_the_json_says() {
    let here = folder(&[("pairs.jsonl", PAIRS)]);
    tiny_model(here.path());
    let args = ["loss", "--model", "model", "--data", "pairs.jsonl"];
    let json = sapo_in(here.path(), &[&args[..], &["--json"]].concat()).ok().json();
    let table = sapo_in(here.path(), &args).ok().stdout;
    let summary = &json[3]["summary"];
    let mean = format!("mean over {} tokens: {:.4} [", summary["tokens"], number(&summary["token_mean"]));
    assert!(table.contains(&mean), "{mean}\n{table}");
    assert!(table.starts_with("index    loss  tokens\n0"), "{table}");
}

#[test]
fn an_adapter_changes_the_loss_as_in_the_library() {
    let here = folder(&[("pairs.jsonl", PAIRS)]);
    let path = tiny_model(here.path());
    write_adapter(&path, &here.path().join("adapter"), 2, 3);

    let mut model = open(&path);
    model.fold_adapter_from(&here.path().join("adapter")).unwrap();
    let encoded = model.codec().encode_pair("the food was", " fine").unwrap();
    let expected = model.example_losses(&[encoded], 100, |_| {}).unwrap()[0].mean();

    let args = ["loss", "--model", "model", "--data", "pairs.jsonl", "--json"];
    let bare = number(&sapo_in(here.path(), &args).ok().json()[0]["loss"]);
    let adapted = number(
        &sapo_in(here.path(), &[&args[..], &["--adapter", "adapter"]].concat()).ok().json()[0]["loss"],
    );
    assert!((adapted - expected).abs() < 1e-4, "{adapted} {expected}");
    assert!((adapted - bare).abs() > 1e-3, "the adapter must do something");
}

#[test]
fn chat_needs_a_template() {
    let here = folder(&[("pairs.jsonl", PAIRS)]);
    let model = tiny_model(here.path());
    let config = model.join("tokenizer_config.json");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("\"chat_template\"", "\"unused\"")).unwrap();
    let args = ["loss", "--model", "model", "--data", "pairs.jsonl", "--chat"];
    let run = sapo_in(here.path(), &args);
    assert_eq!(run.code, 1);
    assert_eq!(
        run.stderr,
        "error: model has no chat template\nhint: leave out --chat, or take a chat model\n"
    );
    sapo_in(here.path(), &args[..5]).ok();
}

#[test]
fn half_precision_is_near_full_and_auto_is_what_the_configuration_says() {
    let here = folder(&[("pairs.jsonl", PAIRS)]);
    let config = tiny_model(here.path()).join("config.json");
    let run = |dtype: &str| {
        let args = ["loss", "--model", "model", "--data", "pairs.jsonl", "--json", "--dtype", dtype];
        sapo_in(here.path(), &args)
    };
    let loss = |dtype: &str| number(&run(dtype).ok().json()[3]["summary"]["token_mean"]);
    let full = loss("f32");
    for dtype in ["bf16", "f16"] {
        let difference = (loss(dtype) - full).abs();
        assert!(difference > 0.0 && difference < 0.05, "{dtype}: {difference}");
    }

    let unnamed = run("auto");
    assert_eq!(unnamed.code, 1);
    assert!(unnamed.stderr.contains("model/config.json has no `dtype` or"), "{}", unnamed.stderr);
    assert!(unnamed.stderr.contains("hint: choose one: --dtype f32"), "{}", unnamed.stderr);
    let text = std::fs::read_to_string(&config).unwrap();
    for (name, dtype) in [("float32", "f32"), ("bfloat16", "bf16"), ("float16", "f16")] {
        std::fs::write(&config, text.replacen('{', &format!("{{\"dtype\": \"{name}\","), 1)).unwrap();
        assert_eq!(loss("auto"), loss(dtype));
    }
}
