//! `loss`, `generate` and `select` against the same questions asked of the library.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::{MAX_TOKENS, folder, open, sapo_in, tiny_model};
use sapo_model::{Decoding, Encoded, Generation, LoraConfig, Sampling, SharedPrefix, TextCodec};
use serde_json::{Value, json};

const PAIRS: &str = r#"{"prompt": "the food was", "completion": " fine"}

{"prompt": "Is the review good or bad?", "completion": " bad. the room was cold", "more": 1}
{"prompt": "", "completion": "the food and the room"}
"#;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("not a number: {value}"))
}

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

/// Writes an adapter that does something: B = A^T (q_proj is square).
fn write_adapter(model: &Path, to: &Path, r: i64, seed: u64) {
    let config = LoraConfig::new(r, 32.0, &["q_proj"]);
    let mut scratch = open(model);
    scratch.attach_lora(&config, seed).unwrap();
    let mut lora = scratch.fold_lora(&config);
    for (a, b) in lora.modules.values_mut() {
        *b = a.transpose(0, 1);
    }
    lora.save(to, "model").unwrap();
}

/// Losses that `sapo loss` prints with these further arguments.
fn losses(here: &Path, args: &[&str]) -> Vec<f64> {
    let args = [&["loss", "--data", "pairs.jsonl", "--json"], args].concat();
    let lines = sapo_in(here, &args).ok().json();
    lines.iter().filter(|line| line["loss"].is_number()).map(|line| number(&line["loss"])).collect()
}

fn assert_near(a: &[f64], b: &[f64], tolerance: f64) {
    assert_eq!(a.len(), b.len());
    assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < tolerance), "{a:?} {b:?}");
}

#[test]
fn merged_adapters_compute_what_the_model_with_all_of_them_computes() {
    let here = folder(&[("pairs.jsonl", PAIRS)]);
    let path = tiny_model(here.path());
    write_adapter(&path, &here.path().join("one"), 2, 3);
    write_adapter(&path, &here.path().join("two"), 3, 4);
    let both = losses(here.path(), &["--model", "model", "--adapter", "one", "--adapter", "two"]);
    let first = losses(here.path(), &["--model", "model", "--adapter", "one"]);
    assert!((both[0] - first[0]).abs() > 1e-3, "the second adapter must do something");

    let merge = ["merge", "--model", "model", "--adapter", "one", "--adapter", "two", "--dtype", "f32"];
    let into = |more: &[&str]| sapo_in(here.path(), &[&merge[..], more].concat());
    let summary = into(&["--out", "merged", "--json"]).ok().json().remove(0)["summary"].take();
    assert_eq!((number(&summary["adapters"]), number(&summary["r"])), (2.0, 5.0));
    assert_near(&losses(here.path(), &["--model", "merged"]), &both, 1e-4);
    into(&["--out", "deep/adapter", "--into", "adapter"]).ok();
    assert_near(&losses(here.path(), &["--model", "model", "--adapter", "deep/adapter"]), &both, 1e-4);

    // what is there stays, and nothing half done is left
    let refused = into(&["--out", "merged"]);
    assert!(refused.code == 1 && refused.stderr.contains("merged is there already"), "{}", refused.stderr);
    let wrong = sapo_in(here.path(), &["merge", "--model", "model", "--adapter", "model", "--out", "wrong"]);
    assert!(wrong.code == 1 && wrong.stderr.contains("adapter_config.json"), "{}", wrong.stderr);
    let mut left: Vec<String> = std::fs::read_dir(here.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["deep", "merged", "model", "one", "pairs.jsonl", "two"]);
}

#[test]
fn a_merged_model_keeps_its_number_format_and_its_other_files() {
    let here = folder(&[("pairs.jsonl", PAIRS)]);
    let path = tiny_model(here.path());
    write_adapter(&path, &here.path().join("one"), 2, 3);
    let merge = ["merge", "--model", "model", "--adapter", "one"];
    for dtype in ["bf16", "f16"] {
        sapo_in(here.path(), &[&merge[..], &["--out", dtype, "--dtype", dtype]].concat()).ok();
        let near = losses(here.path(), &["--model", "model", "--adapter", "one"]);
        assert_near(&losses(here.path(), &["--model", dtype, "--dtype", "auto"]), &near, 0.1);
        let half = std::fs::metadata(here.path().join(dtype).join("model.safetensors")).unwrap().len();
        assert!(half < 4 * open(&path).parameter_count() as u64);
        for file in ["tokenizer.json", "tokenizer_config.json", "config.json"] {
            assert!(here.path().join(dtype).join(file).exists(), "{file}");
        }
        sapo_in(
            here.path(),
            &["merge", "--model", dtype, "--adapter", "one", "--out", &format!("{dtype}-again")],
        )
        .ok();
        let again =
            std::fs::metadata(here.path().join(format!("{dtype}-again/model.safetensors"))).unwrap().len();
        assert_eq!(again, half, "auto keeps the format");
    }
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

const EXAMPLES: &str = r#"{"input": "the food was fine", "target": "good"}
{"input": "the room was cold", "target": "bad"}
{"input": "fine food and fine room", "target": "good"}
{"input": "cold food", "target": "bad"}
"#;

const POOL: &str = r#"{"version": 1, "instruction": "Is the review good or bad?", "labels": ["good", "bad"],
 "variants": [
  {"id": "original", "text": "Is the review good or bad?", "origin": {"source": "original"}},
  {"id": "p01", "text": "Say good or bad about the review.", "origin": {"source": "hand"}},
  {"id": "p02", "text": "Read the review. Then answer with good, or with bad: no other word than one of these two is an answer.", "origin": {"source": "hand"}}
]}
"#;

/// Losses of every wording on every example, asked of the library one by one: (sum, tokens, forward tokens), where what
/// all examples of a wording begin with goes forward once, for the first.
fn library_losses(model: &Path) -> Vec<Vec<(f64, f64, usize)>> {
    let model = open(model);
    let pool: Value = serde_json::from_str(POOL).unwrap();
    let wordings =
        pool["variants"].as_array().unwrap().iter().map(|variant| variant["text"].as_str().unwrap());
    let of_wording = |wording: &str| {
        let lines = EXAMPLES.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let of_line = |line: Value| {
            let prompt = format!("{wording}\n\nText:\n{}\n\nAnswer:", line["input"].as_str().unwrap());
            model.codec().encode_example(&prompt, line["target"].as_str().unwrap()).unwrap()
        };
        let texts: Vec<Encoded> = lines.map(of_line).collect();
        let shared = SharedPrefix::of(&texts).ids().len();
        assert!(shared > 0 || wording.len() < 60, "{wording:?} is long enough to be shared");
        let of_text = |(place, text): (usize, &Encoded)| {
            let loss = model.example_losses(std::slice::from_ref(text), 1, |_| {}).unwrap()[0];
            let forward = text.ids.len() - if place == 0 { 0 } else { shared };
            (loss.nll_sum, loss.tokens as f64, forward)
        };
        texts.iter().enumerate().map(of_text).collect()
    };
    wordings.map(of_wording).collect()
}

const SELECT: [&str; 10] = [
    "select",
    "--model",
    "model",
    "--data",
    "data.jsonl",
    "--pool",
    "pool.json",
    "--suffix",
    "Answer:",
    "--json",
];

#[test]
fn select_takes_the_lowest_mean_and_worst_the_highest() {
    let here = folder(&[("data.jsonl", EXAMPLES), ("pool.json", POOL)]);
    let losses = library_losses(&tiny_model(here.path()));
    let means: Vec<f64> = losses
        .iter()
        .map(|arm| arm.iter().map(|l| l.0).sum::<f64>() / arm.iter().map(|l| l.1).sum::<f64>())
        .collect();
    let forward: usize = losses.iter().flatten().map(|l| l.2).sum();
    let ids = ["original", "p01", "p02"];
    let place = |wanted: f64| ids[means.iter().position(|mean| *mean == wanted).unwrap()];
    let lowest = place(means.iter().copied().fold(f64::INFINITY, f64::min));
    let highest = place(means.iter().copied().fold(f64::NEG_INFINITY, f64::max));
    for (rule, winner) in [("exhaustive", lowest), ("worst", highest)] {
        let json = sapo_in(here.path(), &[&SELECT[..], &["--selector", rule]].concat()).ok().json();
        assert_eq!(json.len(), 1);
        assert_eq!(json[0]["winner"], winner, "{rule}: {}", json[0]);
        for ((arm, id), mean) in json[0]["arms"].as_array().unwrap().iter().zip(ids).zip(&means) {
            assert_eq!((&arm["id"], &arm["examples"]), (&json!(id), &json!(4)));
            assert!((number(&arm["mean"]) - mean).abs() < 1e-4, "{arm} {mean}");
            assert!(
                number(&arm["low"]) < number(&arm["mean"]) && number(&arm["mean"]) < number(&arm["high"]),
                "{arm}"
            );
        }
        assert_eq!(json[0]["forward_tokens"], forward);
        assert_eq!(json[0]["exhaustive_forward_tokens"], forward);
        assert!(number(&json[0]["seconds"]) > 0.0);
    }
}

#[test]
fn select_without_asking_spends_nothing() {
    let here = folder(&[("data.jsonl", EXAMPLES), ("pool.json", POOL)]);
    let losses = library_losses(&tiny_model(here.path()));
    let forward: usize = losses.iter().flatten().map(|l| l.2).sum();
    let unasked =
        json!({"id": "p01", "mean": null, "low": null, "high": null, "behind": null, "examples": 0});
    let run = |more: &[&str]| sapo_in(here.path(), &[&SELECT[..], more].concat()).ok().json().remove(0);
    let original = run(&["--selector", "original"]);
    assert_eq!(original["winner"], "original");
    assert_eq!(original["arms"][1], unasked);
    assert_eq!(
        (&original["forward_tokens"], &original["exhaustive_forward_tokens"]),
        (&json!(0), &json!(forward))
    );
    let random = |seed: u64| run(&["--selector", "random", "--seed", &seed.to_string()])["winner"].clone();
    let drawn: Vec<Value> = (0..6).map(random).collect();
    assert_eq!(random(0), drawn[0]);
    assert!(drawn.iter().any(|id| *id != drawn[0]), "{drawn:?}");
}

#[test]
fn samples_are_drawn_by_the_seed() {
    let here = folder(&[("data.jsonl", EXAMPLES), ("pool.json", POOL)]);
    let losses = library_losses(&tiny_model(here.path()));
    let run = |seed: &str| {
        let json = sapo_in(here.path(), &[&SELECT[..], &["--samples", "1", "--seed", seed]].concat())
            .ok()
            .json()
            .remove(0);
        let arm = json["arms"][0].clone();
        assert_eq!((&arm["examples"], &arm["low"]), (&json!(1), &Value::Null));
        number(&arm["mean"])
    };
    let known: Vec<f64> = losses[0].iter().map(|l| l.0 / l.1).collect();
    let means: Vec<f64> = ["0", "1", "2", "3", "4", "5"].into_iter().map(run).collect();
    assert!(
        means.iter().all(|mean| known.iter().any(|one| (one - mean).abs() < 1e-4)),
        "{means:?} {known:?}"
    );
    assert!(means.iter().any(|mean| (mean - means[0]).abs() > 1e-3), "the seed must matter: {means:?}");

    let all = sapo_in(here.path(), &[&SELECT[..], &["--samples", "9"]].concat());
    assert_eq!(all.code, 0);
    assert!(
        all.stderr.contains("--samples 9, but data.jsonl has 4 examples: all are taken"),
        "{}",
        all.stderr
    );
    assert_eq!(all.json()[0]["arms"][0]["examples"], 4);
}

#[test]
fn select_prints_a_ranking() {
    let here = folder(&[("data.jsonl", EXAMPLES), ("pool.json", POOL)]);
    tiny_model(here.path());
    let json = sapo_in(here.path(), &SELECT).ok().json().remove(0);
    let table = sapo_in(here.path(), &SELECT[..9]).ok().stdout;
    let mut arms = json["arms"].as_array().unwrap().clone();
    arms.sort_by(|a, b| number(&a["mean"]).total_cmp(&number(&b["mean"])));
    let rows: Vec<&str> = table.lines().skip(1).take(3).collect();
    for (row, arm) in rows.iter().zip(&arms) {
        let id = arm["id"].as_str().unwrap();
        assert!(
            row[2..].starts_with(id) && row.contains(&format!("{:.4}", number(&arm["mean"]))),
            "{row} {arm}"
        );
        assert_eq!(row.starts_with('*'), json["winner"] == id, "{row}");
    }
    assert!(table.contains(&format!("winner: {}", json["winner"].as_str().unwrap())), "{table}");
    assert!(table.contains(&format!("tokens forward: {}", json["forward_tokens"])), "{table}");
}

#[test]
fn bad_input_is_named() {
    let long = "cold ".repeat(MAX_TOKENS);
    let here = folder(&[
        ("cut.jsonl", "{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"prompt\": \"a\""),
        ("long.jsonl", &format!("\n{{\"prompt\": \"{long}\", \"completion\": \" b\"}}")),
        ("lone.jsonl", "{\"prompt\": \"\", \"completion\": \"the\"}"),
        ("none.jsonl", ""),
        ("target.jsonl", "{\"prompt\": \"a\", \"completion\": \"\"}"),
        ("data.jsonl", EXAMPLES),
        ("long_data.jsonl", &format!("{EXAMPLES}{{\"input\": \"{long}\", \"target\": \"b\"}}")),
        ("pool.json", POOL),
        ("empty/notes.txt", ""),
    ]);
    tiny_model(here.path());
    let check = |args: &[&str], expected: &[&str]| {
        let run = sapo_in(here.path(), args);
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{args:?}: {}", run.stderr);
        assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
        for part in expected {
            assert!(run.stderr.contains(part), "expected {part:?} in {}", run.stderr);
        }
    };
    let loss = ["loss", "--model", "model", "--data"];
    let shape = r#"{"prompt": str, "completion": str}"#;
    check(
        &[&loss[..], &["cut.jsonl"]].concat(),
        &["cut.jsonl, line 2: not JSON: EOF", "hint: expected one JSON object", shape],
    );
    check(
        &[&loss[..], &["long.jsonl"]].concat(),
        &["long.jsonl, line 2: prompt and completion has", "at most 160", "hint: "],
    );
    check(&[&loss[..], &["long.jsonl", "--chat"]].concat(), &["long.jsonl, line 2: "]);
    check(
        &[&loss[..], &["lone.jsonl"]].concat(),
        &["lone.jsonl, line 1", "has no tokens of its own: a text's first token is predicted from nothing"],
    );
    check(&[&loss[..], &["none.jsonl"]].concat(), &["none.jsonl: no lines", shape]);
    check(&[&loss[..], &["target.jsonl"]].concat(), &["target.jsonl, line 1: `completion` is empty"]);
    check(&[&loss[..], &["missing.jsonl"]].concat(), &["read missing.jsonl: "]);
    check(
        &["loss", "--model", "empty", "--data", "lone.jsonl"],
        &["cannot read empty/config.json", "hint: a model is a folder"],
    );
    check(
        &[&loss[..], &["lone.jsonl", "--adapter", "empty"]].concat(),
        &["cannot read empty/adapter_config.json", "hint: "],
    );

    let generate = ["generate", "--model", "model", "--max-new-tokens"];
    check(
        &[&generate[..], &["5", "--data", "long.jsonl"]].concat(),
        &["long.jsonl, line 2: the prompt (", "at most 160"],
    );
    check(
        &[&generate[..], &["160", "--data", "target.jsonl"]].concat(),
        &["target.jsonl, line 1: the prompt (2) with"],
    );
    check(
        &[&generate[..], &["5", "--data", "lone.jsonl"]].concat(),
        &["lone.jsonl, line 1: `prompt` is empty"],
    );

    let select = ["select", "--model", "model", "--pool", "pool.json", "--data"];
    check(
        &[&select[..], &["long_data.jsonl"]].concat(),
        &["long_data.jsonl, line 5: the text under wording `p02` has", "at most 160", "hint: "],
    );
    check(
        &[&select[..], &["cut.jsonl"]].concat(),
        &["cut.jsonl, line 1: missing field `input`", r#"{"input": str"#],
    );
    check(
        &["select", "--model", "model", "--pool", "data.jsonl", "--data", "data.jsonl"],
        &["data.jsonl, line 1: document: "],
    );
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

const PARAPHRASE: [&str; 9] = [
    "paraphrase",
    "--instruction",
    "Is the review good or bad?",
    "--labels",
    "good,bad",
    "--count",
    "3",
    "--model",
    "model",
];

/// The tiny model with a context that holds a request for a paraphrase.
fn patient_model(here: &Path) {
    let config = tiny_model(here).join("config.json");
    let mut json: Value = serde_json::from_str(&std::fs::read_to_string(&config).unwrap()).unwrap();
    json["max_position_embeddings"] = 4096.into();
    std::fs::write(config, json.to_string()).unwrap();
}

#[test]
fn a_model_that_knows_no_markers_gives_no_pool() {
    let here = folder(&[]);
    patient_model(here.path());
    let more = ["--source", "model", "--max-new-tokens", "4", "--out", "pool.json"];
    let run = sapo_in(here.path(), &[&PARAPHRASE[..], &more].concat());
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("dropped 12: ") && run.stderr.contains("only 0 passed"), "{}", run.stderr);
    assert!(!here.path().join("pool.json").exists());
    // what it lacks grammar makes, and says so
    let filled = sapo_in(here.path(), &[&PARAPHRASE[..], &more, &["--fill"]].concat());
    assert_eq!(filled.code, 0, "{}", filled.stderr);
    let pool: Value =
        serde_json::from_str(&std::fs::read_to_string(here.path().join("pool.json")).unwrap()).unwrap();
    assert!(pool["variants"].as_array().unwrap()[1..].iter().all(|v| v["origin"]["source"] == "grammar"));
}

#[test]
fn a_search_gives_its_best_by_the_models_own_measure() {
    let here = folder(&[("data.jsonl", EXAMPLES)]);
    patient_model(here.path());
    let search = [
        "--source",
        "search",
        "--data",
        "data.jsonl",
        "--rounds",
        "3",
        "--per-round",
        "4",
        "--out",
        "pool.json",
    ];
    let run = |more: &[&str]| {
        let run = sapo_in(here.path(), &[&PARAPHRASE[..], &search, more].concat());
        assert_eq!(run.code, 0, "{}", run.stderr);
        let pool: Value =
            serde_json::from_str(&std::fs::read_to_string(here.path().join("pool.json")).unwrap()).unwrap();
        (run.stderr, pool)
    };
    let (said, pool) = run(&["--measure-at-most", "9"]);
    assert!(said.contains("measured 9 wordings on 4 examples each"), "{said}");
    // what select measures of the pool is what the search noted
    let select = ["select", "--model", "model", "--data", "data.jsonl", "--pool", "pool.json", "--json"];
    let selected = sapo_in(here.path(), &select).ok().json().remove(0);
    let mut before = f64::NEG_INFINITY;
    for (variant, arm) in
        pool["variants"].as_array().unwrap().iter().zip(selected["arms"].as_array().unwrap()).skip(1)
    {
        let detail = variant["origin"]["detail"].as_str().unwrap();
        let noted: f64 =
            detail.rsplit_once(", ").unwrap().1.strip_suffix(" nats a token").unwrap().parse().unwrap();
        assert!((noted - number(&arm["mean"])).abs() < 1e-3, "{detail}: {arm}");
        assert!(noted >= before, "best first");
        before = noted;
    }
    let (_, control) = run(&["--from-original"]);
    let parents = control["variants"].as_array().unwrap()[1..].iter();
    assert!(
        parents
            .map(|v| v["origin"]["detail"].as_str().unwrap())
            .all(|detail| detail.contains("of original, by grammar"))
    );
    let refused = sapo_in(here.path(), &[&PARAPHRASE[..], &["--source", "search"]].concat());
    assert!(refused.stderr.contains("give them with --data"), "{}", refused.stderr);
}

#[test]
fn select_needs_no_pool_and_exports_what_it_chose() {
    let here = folder(&[("data.jsonl", EXAMPLES), ("pool.json", POOL)]);
    patient_model(here.path());
    let select =
        ["select", "--model", "model", "--data", "data.jsonl", "--json", "--suffix", "Answer good or bad."];
    let run = |more: &[&str]| sapo_in(here.path(), &[&select[..], more].concat());
    let own = ["--instruction", "Is the review good or bad?", "--labels", "good,bad"];
    let chosen = run(&[&own[..], &["--export", "train.jsonl"]].concat());
    assert_eq!(chosen.code, 0, "{}", chosen.stderr);
    let selected = chosen.json().remove(0);
    assert_eq!(selected["arms"].as_array().unwrap().len(), 21);
    // four examples are all there are: every rule that asks has seen everything
    assert_eq!(selected["promise"], "exact");
    assert_eq!(
        run(&[&own[..], &["--selector", "exhaustive"]].concat()).json()[0]["winner"],
        selected["winner"]
    );
    let exported = std::fs::read_to_string(here.path().join("train.jsonl")).unwrap();
    let rows: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 4);
    let prompt = rows[0]["prompt"].as_str().unwrap();
    assert!(prompt.ends_with("\n\nText:\nthe food was fine\n\nAnswer good or bad."), "{prompt}");
    assert_eq!(rows[0]["completion"], "good");

    let pool =
        ["--pool", "pool.json", "--export", "chat.jsonl", "--export-form", "chat", "--selector", "shortest"];
    let shortest = run(&pool);
    assert_eq!(shortest.code, 0, "{}", shortest.stderr);
    assert_eq!(shortest.json()[0]["winner"], "original");
    let chat = std::fs::read_to_string(here.path().join("chat.jsonl")).unwrap();
    let first: Value = serde_json::from_str(chat.lines().next().unwrap()).unwrap();
    assert_eq!(first["messages"][1], json!({"role": "assistant", "content": "good"}));
    assert!(
        first["messages"][0]["content"].as_str().unwrap().starts_with("Is the review good or bad?\n\nText:")
    );

    let refused = |more: &[&str], why: &str| {
        let run = run(more);
        assert!(run.code != 0 && run.stderr.contains(why), "{}", run.stderr);
    };
    refused(&["--pool", "pool.json", "--instruction", "Sing."], "made for another instruction");
    refused(&["--pool", "pool.json", "--delta", "2"], "--delta 2");
    refused(&["--pool", "pool.json", "--delta", "0.1", "--selector", "exhaustive"], "has no such parameter");
    refused(&[], "--instruction");
}
