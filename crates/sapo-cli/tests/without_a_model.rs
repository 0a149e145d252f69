//! Commands that need no model: their help, what they print, and what they refuse.
#![allow(clippy::unwrap_used)]

mod common;

use common::{folder, sapo_in, sapo_with};
use serde_json::json;

#[test]
fn help() {
    let nowhere = folder(&[]);
    let commands: [(&str, &[&str]); 14] = [
        ("sapo", &[]),
        ("select", &["select"]),
        ("paraphrase", &["paraphrase"]),
        ("pool_check", &["pool", "check"]),
        ("pool_show", &["pool", "show"]),
        ("loss", &["loss"]),
        ("generate", &["generate"]),
        ("merge", &["merge"]),
        ("eval", &["eval"]),
        ("score", &["score"]),
        ("matrix", &["matrix"]),
        ("report", &["report"]),
        ("data_check", &["data", "check"]),
        ("data_get", &["data", "get"]),
    ];
    for (name, command) in commands {
        let run = sapo_in(nowhere.path(), &[command, &["--help"]].concat()).ok();
        insta::assert_snapshot!(format!("help_{name}"), run.stdout);
    }
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let nowhere = folder(&[]);
    for args in [
        &["losses"][..],
        &["loss", "--model", "m"],
        &["select", "--model", "m", "--data", "d", "--pool", "p", "--samples", "0"],
        &["select", "--model", "m", "--data", "d", "--pool", "p", "--selector", "best"],
        &["loss", "--model", "m", "--data", "d", "--device", "gpu"],
        &["score", "--predictions", "p", "--metric", "bleu"],
        &["eval", "--model", "m"],
        &["eval", "--model", "m", "--data", "d", "--tasks", "a", "--stream", "s"],
        &["eval", "--model", "m", "--data", "d", "--split", "eval"],
        &["eval", "--model", "m", "--data", "d", "--limit", "0"],
    ] {
        let run = sapo_in(nowhere.path(), args);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}: {}", run.stderr);
        assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
    }
}

#[test]
fn sampling_that_makes_no_sense_is_wrong_usage() {
    let nowhere = folder(&[]);
    for (args, reason) in [
        (&["--top-p", "0.5"][..], "--temperature <T>"),
        (&["--seed", "1"], "--temperature <T>"),
        (&["--temperature", "0"], "a temperature is above 0 and finite, got 0"),
        (&["--temperature", "warm"], "invalid float"),
        (&["--temperature", "1", "--top-p", "1.1"], "top_p is above 0 and at most 1, got 1.1"),
    ] {
        let generate = ["generate", "--model", "m", "--data", "d", "--max-new-tokens", "1"];
        let run = sapo_in(nowhere.path(), &[&generate[..], args].concat());
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains(reason), "{args:?}: {}", run.stderr);
    }
}

const PREDICTIONS: &str = r#"{"prediction": "the cat sat", "reference": "the cat sat on the mat"}

{"prediction": "yes", "reference": "yes"}
{"prediction": "no", "reference": "yes"}
"#;

#[test]
fn score() {
    let here = folder(&[("p.jsonl", PREDICTIONS)]);
    insta::assert_snapshot!(sapo_in(here.path(), &["score", "--predictions", "p.jsonl"]).transcript());
    let json = sapo_in(here.path(), &["score", "--predictions", "p.jsonl", "--json"]).ok().json();
    // by hand: line 1 has precision 1 and recall 1/2, so F = 2/3; line 2 is right; line 3 is wrong
    let rouge = (200.0 / 3.0 + 100.0) / 3.0;
    assert_eq!(json.len(), 1);
    for (name, expected) in [("rouge_l", rouge), ("rouge_1", rouge), ("exact_match", 100.0 / 3.0)] {
        assert!((json[0][name].as_f64().unwrap() - expected).abs() < 1e-9, "{name}: {}", json[0]);
    }
    assert_eq!(json[0]["n"], 3);
    assert_eq!(json[0].as_object().unwrap().len(), 4);
    let one =
        sapo_in(here.path(), &["score", "--predictions", "p.jsonl", "--metric", "exact-match", "--json"])
            .ok();
    assert_eq!(one.stdout, "{\"exact_match\":33.333333333333336,\"n\":3}\n");
}

/// As `sapo eval --predictions` writes them.
#[test]
fn the_best_of_several_references_counts() {
    let line = r#"{"task": "t", "index": 0, "prediction": "rain", "reference": "it rained", "references": ["it rained", "rain"]}"#;
    let here = folder(&[("p.jsonl", line)]);
    let json = sapo_in(here.path(), &["score", "--predictions", "p.jsonl", "--json"]).ok().json();
    assert_eq!(json, [json!({"rouge_l": 100.0, "rouge_1": 100.0, "exact_match": 100.0, "n": 1})]);
}

#[test]
fn score_refuses() {
    let here = folder(&[
        ("p.jsonl", PREDICTIONS),
        ("cut.jsonl", "{\"prediction\": \"a\", \"reference\": \"b\"}\n{\"prediction\": \"a\", \"refe"),
        ("empty.jsonl", "\n"),
    ]);
    let run =
        |args: &[&str]| sapo_in(here.path(), &[&["score", "--predictions"], args].concat()).transcript();
    insta::assert_snapshot!("score_cut", run(&["cut.jsonl"]));
    insta::assert_snapshot!("score_empty", run(&["empty.jsonl", "--json"]));
    insta::assert_snapshot!("score_missing", run(&["none.jsonl"]));
    insta::assert_snapshot!("score_sari_without_source", run(&["p.jsonl", "--metric", "sari"]));
}

#[test]
fn matrix() {
    let scores = json!({"zero_shot": [10.0, 20.0, 30.0],
                        "scores": [[60.0, 25.0, 30.0], [50.0, 70.0, 45.0], [40.0, 65.0, 80.0]]});
    let here =
        folder(&[("m.json", &scores.to_string()), ("one.json", r#"{"zero_shot": [1], "scores": [[5]]}"#)]);
    insta::assert_snapshot!(sapo_in(here.path(), &["matrix", "--scores", "m.json"]).transcript());
    let json = sapo_in(here.path(), &["matrix", "--scores", "m.json", "--json"]).ok().json();
    // by hand from the definitions
    let ap = (40.0 + 65.0 + 80.0) / 3.0;
    let gem = json!({"AP": ap, "BWT": ((40.0 - 60.0) + (65.0 - 70.0)) / 2.0, "FWT": ((25.0 - 20.0) + (45.0 - 30.0)) / 2.0});
    let released = json!({"AP": ap, "BWT": (-10.0 + (-20.0 - 5.0) / 2.0) / 2.0, "FWT": ((5.0 + 0.0) / 2.0 + 15.0) / 2.0});
    let printed = json!({"AP": ap, "BWT": (-10.0 + (-10.0 - 5.0) / 2.0) / 3.0, "FWT": ((5.0 + 0.0) / 2.0 + 15.0) / 3.0});
    // best before the last less the last: 60 - 40 and 70 - 65; the diagonal is 60, 70, 80
    let expected = json!({"released": released, "printed": printed, "gem": gem,
                          "forgetting": (20.0 + 5.0) / 2.0, "learning_accuracy": 70.0});
    assert_eq!(json, [expected]);
    let one = sapo_in(here.path(), &["matrix", "--scores", "one.json", "--json"]).ok().json();
    assert_eq!(one[0]["gem"], json!({"AP": 5.0, "BWT": null, "FWT": null}));
    assert_eq!((&one[0]["forgetting"], &one[0]["learning_accuracy"]), (&json!(null), &json!(5.0)));
}

#[test]
fn matrix_refuses() {
    let here = folder(&[
        ("missing.json", r#"{"zero_shot": [1, 2], "scores": [[5, null], [4, 6]]}"#),
        ("ragged.json", r#"{"zero_shot": [1, 2], "scores": [[5, 3], [4]]}"#),
        ("field.json", r#"{"zeroshot": [1, 2], "scores": [[5, 3], [4, 6]]}"#),
        ("none.json", r#"{"zero_shot": [], "scores": []}"#),
        ("nan.json", r#"{"zero_shot": [1, 2], "scores": [[5, NaN], [4, 6]]}"#),
        ("infinite.json", r#"{"zero_shot": [1, 2], "scores": [[5, 1e999], [4, 6]]}"#),
        ("duplicated.json", r#"{"tasks": ["a", "a"], "zero_shot": [1, 2], "scores": [[5, 3], [4, 6]]}"#),
        ("named.json", r#"{"tasks": ["a", "b"], "zero_shot": [1, 2], "scores": [[5, 3], [4, null]]}"#),
        ("rows.json", r#"{"zero_shot": [1, 2], "scores": [[5, 3]]}"#),
    ]);
    let names = ["missing", "ragged", "field", "none", "nan", "infinite", "duplicated", "named", "rows"];
    for name in names {
        let run = sapo_in(here.path(), &["matrix", "--scores", &format!("{name}.json")]);
        insta::assert_snapshot!(format!("matrix_{name}"), run.transcript());
    }
}

const INSTRUCTION: &str = "Is the review good or bad?";

#[test]
fn paraphrase_by_grammar_makes_a_pool_that_passes() {
    let here = folder(&[]);
    let make = |seed: &str, out: &str| {
        let args = ["paraphrase", "--instruction", INSTRUCTION, "--labels", "good,bad", "--count", "4"];
        sapo_in(here.path(), &[&args[..], &["--source", "grammar", "--seed", seed, "--out", out]].concat())
    };
    let run = make("1", "pool.json");
    assert_eq!((run.code, run.stdout.as_str()), (0, ""));
    assert_eq!(run.stderr, "wrote pool.json: the original and 4 paraphrases\n");
    let written = std::fs::read_to_string(here.path().join("pool.json")).unwrap();
    insta::assert_snapshot!("pool_file", written);

    assert_eq!(make("1", "again.json").code, 0);
    assert_eq!(std::fs::read_to_string(here.path().join("again.json")).unwrap(), written);
    assert_eq!(make("2", "other.json").code, 0);
    assert_ne!(std::fs::read_to_string(here.path().join("other.json")).unwrap(), written);

    insta::assert_snapshot!("pool_check", sapo_in(here.path(), &["pool", "check", "pool.json"]).transcript());
    insta::assert_snapshot!("pool_show", sapo_in(here.path(), &["pool", "show", "pool.json"]).transcript());
    let shown = sapo_in(here.path(), &["pool", "show", "pool.json", "--json"]).ok().json();
    assert_eq!(shown.len(), 6);
    assert_eq!(shown[0]["text"], INSTRUCTION);
    assert_eq!(shown[0]["distance_to_original"], 0.0);
    assert_eq!(shown[5]["summary"]["variants"], 5);
}

#[test]
fn paraphrase_without_out_prints_the_pool() {
    let args = ["paraphrase", "--instruction", INSTRUCTION, "--count", "2", "--source", "grammar"];
    let run = sapo_in(folder(&[]).path(), &args).ok();
    let pool: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(pool["variants"].as_array().unwrap().len(), 3);
}

/// A bank of one task, with paraphrases for [`INSTRUCTION`].
fn bank() -> tempfile::TempDir {
    // printf 'Is the review good or bad?' | sha256sum
    let sha256 = "17c2b8e40062b03af40f27ad31d75e40377fb63cc1a4f07355a5a4db39041593";
    let variants = json!([{"id": "p01", "text": "Say whether the review is good or bad."},
                          {"id": "p02", "text": "Good reviews and bad reviews exist; which is it, good or bad?"}]);
    let file = json!({"version": 1, "task": "reviews", "language": "en", "original_sha256": sha256,
                      "labels": ["good", "bad"], "variants": variants});
    folder(&[("bank/mine/reviews.json", &file.to_string())])
}

#[test]
fn paraphrase_from_the_bank_takes_its_labels() {
    let here = bank();
    let args =
        ["paraphrase", "--instruction", INSTRUCTION, "--source", "bank", "--bank", "bank", "--count", "2"];
    let run = sapo_in(here.path(), &args).ok();
    let pool: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(pool["labels"], json!(["good", "bad"]));
    assert_eq!(pool["variants"][1]["text"], "Say whether the review is good or bad.");
}

#[test]
fn grammar_fills_what_the_bank_lacks() {
    let here = bank();
    let run = |instruction: &str| {
        let args = [
            "paraphrase",
            "--instruction",
            instruction,
            "--source",
            "bank",
            "--bank",
            "bank",
            "--count",
            "5",
        ];
        let run = sapo_in(here.path(), &[&args[..], &["--fill"]].concat()).ok();
        let pool: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        let variants = pool["variants"].as_array().unwrap().clone();
        variants[1..].iter().map(|v| v["origin"]["source"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(run(INSTRUCTION), ["bank", "bank", "grammar", "grammar", "grammar"]);
    assert_eq!(run("Write the names of all birds in the text."), ["grammar"; 5]);
}

/// Answers every request with one good wording of its own, `answers` times; then it is gone.
fn chat_server(answers: usize) -> (String, std::thread::JoinHandle<Vec<String>>) {
    use std::io::{BufRead, BufReader, Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    let serve = move || {
        let mut bodies = Vec::new();
        for _ in 0..answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).unwrap() > 2 {
                if let Some(value) = line.to_lowercase().strip_prefix("content-length: ") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let text = format!("<paraphrase>How is review {}, good or bad?</paraphrase>", bodies.len());
            let answer = json!({"choices": [{"message": {"content": text}, "finish_reason": "stop"}],
                                "usage": {"total_tokens": 100}})
            .to_string();
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
            write!(stream, "{head}content-length: {}\r\n\r\n{answer}", answer.len()).unwrap();
            bodies.push(String::from_utf8(body).unwrap());
        }
        bodies
    };
    (base, std::thread::spawn(serve))
}

#[test]
fn paraphrase_by_a_chat_endpoint() {
    let here = folder(&[]);
    let (base, server) = chat_server(6);
    let args = [
        "paraphrase",
        "--instruction",
        INSTRUCTION,
        "--labels",
        "good,bad",
        "--count",
        "3",
        "--source",
        "api",
    ];
    let more = [
        "--api-base",
        &base,
        "--api-model",
        "tiny",
        "--api-cache",
        "answers",
        "--api-body",
        r#"{"top_p": 0.9}"#,
    ];
    let command = [&args[..], &more].concat();
    let secret = [("SAPO_API_KEY", "sk-veryVerySecret"), ("RUST_LOG", "trace")];
    let logged = sapo_with(&secret, here.path(), &command);
    assert_eq!(logged.code, 0, "{}", logged.stderr);
    assert!(
        logged.stderr.contains("hyper") && !logged.stderr.contains("veryVerySecret"),
        "{}",
        logged.stderr
    );
    let run = sapo_in(here.path(), &[&command[..], &["--seed", "1"]].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.stderr, "tiny: 3 calls, 300 tokens; 0 answers from the cache\n");
    let pool: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let variant = &pool["variants"][1];
    assert!(variant["text"].as_str().unwrap().starts_with("How is review "));
    assert_eq!((&variant["origin"]["source"], &variant["origin"]["model"]), (&json!("api"), &json!("tiny")));
    assert_eq!(variant["origin"]["temperature"], 0.6);
    let bodies = server.join().unwrap();
    assert!(
        bodies.iter().all(|body| body.contains(INSTRUCTION) && body.contains(r#""top_p":0.9"#)),
        "{bodies:?}"
    );
    // the server is gone, the answers are not
    let again = sapo_in(here.path(), &[&command[..], &["--seed", "1"]].concat());
    assert_eq!(again.stdout, run.stdout);
    assert_eq!(again.stderr, "tiny: 0 calls, 0 tokens; 3 answers from the cache\n");
    let kept = std::fs::read_dir(here.path().join("answers")).unwrap();
    let files = kept.flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
    let texts: Vec<String> =
        files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    assert_eq!(texts.len(), 6);
    assert!(texts.iter().all(|text| !text.contains("veryVerySecret")));
}

#[test]
fn paraphrase_refuses() {
    let here = bank();
    let run = |name: &str, args: &[&str]| {
        let run = sapo_in(here.path(), &[&["paraphrase", "--out", "pool.json"], args].concat());
        insta::assert_snapshot!(format!("paraphrase_{name}"), run.transcript());
        assert!(!here.path().join("pool.json").exists());
    };
    run("unknown", &["--instruction", "Sing.", "--source", "bank", "--bank", "bank"]);
    run("no_bank", &["--instruction", "Sing.", "--source", "bank", "--bank", "nowhere"]);
    run("bank_too_few", &["--instruction", INSTRUCTION, "--source", "bank", "--bank", "bank"]);
    run(
        "other_labels",
        &[
            "--instruction",
            INSTRUCTION,
            "--source",
            "bank",
            "--bank",
            "bank",
            "--count",
            "2",
            "--labels",
            "review",
        ],
    );
    run("too_few", &["--instruction", "Sing a song.", "--source", "grammar", "--count", "200"]);
    run("blank", &["--instruction", " ", "--source", "grammar"]);
    run("no_base", &["--instruction", "Sing a song.", "--source", "api"]);
    run(
        "no_key",
        &[
            "--instruction",
            "Sing a song.",
            "--source",
            "api",
            "--api-base",
            "http://127.0.0.1:1/v1",
            "--api-model",
            "m",
            "--api-key-env",
            "NO_SUCH_KEY",
        ],
    );
    run("no_model", &["--instruction", "Sing a song.", "--source", "model"]);
    run(
        "wrong_base",
        &["--instruction", "Sing a song.", "--source", "api", "--api-base", "localhost", "--api-model", "m"],
    );
}

const BAD_POOL: &str = r#"{"version": 1, "instruction": "Is the review good or bad?", "labels": ["good", "bad"],
 "variants": [
  {"id": "original", "text": "Is the review good or bad?", "origin": {"source": "original"}},
  {"id": "p01", "text": "Say whether the review is good or bad.", "origin": {"source": "hand"}},
  {"id": "p02", "text": "Say whether the review is good.", "origin": {"source": "hand"}}
]}
"#;

#[test]
fn pool_check_lists_what_does_not_pass() {
    let here =
        folder(&[("bad.json", BAD_POOL), ("no_pool.json", &BAD_POOL.replace("\"labels\"", "\"lables\""))]);
    let leak = "{\"input\": \"a kettle\", \"target\": \"whether the review is good or\"}\n";
    std::fs::write(here.path().join("rows.jsonl"), leak).unwrap();
    let run = sapo_in(here.path(), &["pool", "check", "bad.json", "--data", "rows.jsonl", "--json"]).json();
    assert!(
        run[0]["reasons"][0].as_str().unwrap().starts_with("holds the answer of an example"),
        "{}",
        run[0]
    );
    insta::assert_snapshot!(
        "pool_check_bad",
        sapo_in(here.path(), &["pool", "check", "bad.json"]).transcript()
    );
    let run = sapo_in(here.path(), &["pool", "check", "bad.json", "--json"]);
    assert_eq!(run.code, 1);
    let json = run.json();
    assert_eq!(
        json[0],
        json!({"id": "p01", "ok": true, "reasons": [], "origin": {"source": "hand"}, "words": 8,
               "distance_to_original": json[0]["distance_to_original"]})
    );
    assert_eq!(json[1]["ok"], false);
    assert_eq!(json[2], json!({"summary": {"paraphrases": 2, "passed": 1, "rejected": 1}}));
    insta::assert_snapshot!(
        "pool_check_no_pool",
        sapo_in(here.path(), &["pool", "check", "no_pool.json"]).transcript()
    );
}

#[test]
fn data_check_lists_every_problem() {
    let good = "{\"input\": \"a\", \"target\": \"yes\"}\n";
    let here = folder(&[
        ("good/a.jsonl", good),
        ("bad/a.jsonl", "{\"input\": \"a\"}\n{\"input\": \"a\", \"target\": \"maybe\"}\n\nnot json\n"),
        (
            "bad/deep/b.jsonl",
            "{\"input\": \" \", \"target\": \"no\"}\n{\"input\": \"a\", \"target\": \"no\"}\n",
        ),
        ("bad/empty.jsonl", ""),
        ("bad/notes.txt", "not looked at"),
        ("none/notes.txt", ""),
    ]);
    let check = |args: &[&str]| sapo_in(here.path(), &[&["data", "check"], args].concat());
    insta::assert_snapshot!("data_check_bad", check(&["bad", "--labels", "yes,no"]).transcript());
    insta::assert_snapshot!("data_check_good", check(&["good"]).transcript());
    insta::assert_snapshot!("data_check_none", check(&["none"]).transcript());
    insta::assert_snapshot!("data_check_nowhere", check(&["nowhere"]).transcript());
    let json = check(&["bad", "--json"]).json();
    assert_eq!(
        json[0],
        json!({"file": "bad/a.jsonl", "line": 1, "problem": "missing field `target`", "kind": "row"})
    );
    assert_eq!(
        json.last().unwrap(),
        &json!({"summary": {"files": 3, "examples": 2, "problems": 4, "warnings": 0}})
    );
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_gets_no_panic() {
    let lines = "{\"id\": 1}\n".repeat(20_000);
    let here = folder(&[("bad.jsonl", &lines)]);
    let script = format!("{} data check bad.jsonl | head -n 1", env!("CARGO_BIN_EXE_sapo"));
    let output =
        std::process::Command::new("sh").args(["-c", &script]).current_dir(here.path()).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "bad.jsonl, line 1: missing field `input`\n");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn eval_refuses_before_a_model_is_asked() {
    let task = "instruction = \"Good or bad?\"\n";
    let row = "{\"input\": \"nice\", \"target\": \"good\"}\n";
    let here = folder(&[
        ("mine/tone/task.toml", task),
        ("mine/tone/train.jsonl", row),
        ("mine/tone/test.jsonl", row),
        ("mine/plural/task.toml", "instruction = \"?\"\n"),
        ("mine/plural/train.jsonl", row),
        ("odd/tone/task.toml", "instruction = \"?\"\nnative_metric = \"bleu\"\n"),
        ("odd/tone/test.jsonl", row),
        ("bad/tone/task.toml", task),
        ("bad/tone/test.jsonl", &format!("{row}{{\"input\": \"x\"}}\n")),
        ("list.json", "[]"),
        ("other.json", "{\"tome\": \"Is it good?\"}"),
        ("blank.json", "{\"tone\": \" \"}"),
    ]);
    let refused = |args: &[&str], expected: &str, hint: &str| {
        let run = sapo_in(here.path(), &[&["eval", "--model", "nowhere"], args].concat());
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{args:?}: {}", run.stderr);
        assert!(run.stderr.starts_with(&format!("error: {expected}")), "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains(hint), "{args:?}: {}", run.stderr);
    };
    let mine = |more: &[&'static str]| [&["--data", "mine", "--tasks", "tone"], more].concat();
    refused(&["--benchmark", "trace"], "--data: expected the folder of the benchmark", "hint: by hand: ");
    refused(&["--benchmark", "glue", "--data", "mine"], "data/benchmarks has no benchmark `glue`", "trace");
    refused(&["--data", "nowhere"], "read nowhere: ", "");
    refused(&["--benchmark", "superni", "--data", "mine"], "mine/instructions.json is missing: ", "superni");
    refused(&["--data", "mine", "--tasks", "tome"], "mine has no task `tome`; it has plural, tone", "");
    refused(
        &["--benchmark", "builtin", "--tasks", "tome"],
        "benchmark `builtin` has no task `tome`",
        "topic",
    );
    refused(&["--data", "mine", "--stream", "c1"], "benchmark `own` has no stream `c1`; it has mine", "");
    refused(&["--data", "mine", "--tasks", "tone,tone"], "--tasks: `tone` is named more than once", "hint: ");
    let missing = "mine/plural/test.jsonl is missing: task `plural` has no test rows; ";
    refused(&["--data", "mine"], missing, "another --split");
    refused(&["--data", "bad"], "bad/tone/test.jsonl, line 2: missing field `target`", "");
    refused(&["--data", "odd"], "scoring task \"tone\": unknown metric `bleu`", "hint: mend `native_metric`");
    refused(&mine(&["--prompts", "none.json"]), "read none.json: ", "");
    refused(&mine(&["--prompts", "list.json"]), "list.json: expected {\"task\": \"wording\", ..}: ", "");
    let unknown = "other.json: there is no task `tome`";
    refused(&mine(&["--prompts", "other.json"]), unknown, "hint: the tasks are plural, tone");
    let blank = "blank.json: the wording of task `tone`: expected a text, got nothing but space";
    refused(&mine(&["--prompts", "blank.json"]), blank, "");
    let folder = "--predictions none/p.jsonl: there is no folder none";
    refused(&mine(&["--predictions", "none/p.jsonl"]), folder, "");
    let overwrite = "--predictions other.json: this would overwrite what is read";
    refused(&mine(&["--prompts", "other.json", "--predictions", "other.json"]), overwrite, "");
    refused(&mine(&[]), "nowhere: expected a folder that is there, or a model of the Hub", "");
}
