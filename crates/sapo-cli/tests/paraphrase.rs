//! `sapo paraphrase` without a model: what it writes, what it asks, and what it refuses.
#![allow(clippy::unwrap_used)]

mod common;

use common::{folder, sapo_in, sapo_with};
use serde_json::json;

const INSTRUCTION: &str = "Is the review good or bad?";

#[test]
fn grammar_makes_a_pool_that_passes() {
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
fn without_out_it_prints_the_pool() {
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
fn the_bank_gives_its_labels() {
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

/// An endpoint where nobody answers.
const NOBODY: [&str; 6] = ["--source", "api", "--api-base", "http://127.0.0.1:1/v1", "--api-model", "m"];

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
fn a_chat_endpoint_is_asked_once() {
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
fn it_refuses() {
    let here = bank();
    let run = |name: &str, args: &[&str]| {
        let run = sapo_in(here.path(), &[&["paraphrase", "--out", "pool.json"], args].concat());
        insta::assert_snapshot!(format!("refuses_{name}"), run.transcript());
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
        &[&["--instruction", "Sing a song."], &NOBODY[..], &["--api-key-env", "NO_SUCH_KEY"]].concat(),
    );
    run("no_model", &["--instruction", "Sing a song.", "--source", "model"]);
    run(
        "wrong_base",
        &["--instruction", "Sing a song.", "--source", "api", "--api-base", "localhost", "--api-model", "m"],
    );
}

/// A benchmark of one's own with two tasks.
fn two_tasks() -> tempfile::TempDir {
    let rows = "{\"input\": \"a kettle\", \"target\": \"good\"}\n";
    let task = |instruction: &str| format!("instruction = \"{instruction}\"\nlabels = [\"good\", \"bad\"]\n");
    folder(&[
        ("tasks/reviews/train.jsonl", rows),
        ("tasks/reviews/task.toml", &task(INSTRUCTION)),
        ("tasks/tone/train.jsonl", rows),
        ("tasks/tone/task.toml", &task("Decide if the tone is good or bad.")),
    ])
}

#[test]
fn the_budget_of_an_endpoint_is_that_of_all_tasks() {
    let here = two_tasks();
    let (base, server) = chat_server(3);
    let args = ["paraphrase", "--benchmark", "own", "--data", "tasks", "--count", "2", "--out", "pools"];
    let endpoint = ["--source", "api", "--api-base", &base, "--api-model", "tiny", "--api-concurrency", "1"];
    let run = sapo_in(here.path(), &[&args[..], &endpoint, &["--api-max-calls", "3"]].concat());
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("tiny: 3 calls, 300 tokens; 0 answers from the cache\n"), "{}", run.stderr);
    assert!(run.stderr.contains("the budget of 3 calls is spent (3 calls, 300 tokens)"), "{}", run.stderr);
    assert_eq!(server.join().unwrap().len(), 3);
    let made = ["reviews", "tone"].map(|task| here.path().join(format!("pools/{task}.json")).exists());
    assert_eq!(made, [true, false]);
}

#[test]
fn what_cannot_be_written_is_told_before_anyone_is_asked() {
    let here = two_tasks();
    let asking_nobody = |args: &[&str]| {
        sapo_in(here.path(), &[&["paraphrase"], &NOBODY[..], &["--api-retries", "0"], args].concat())
    };
    for (more, why) in [
        (&["--out", "none/pool.json"][..], "--out none/pool.json: there is no folder none"),
        (&["--out", "tasks"], "--out tasks: this is a folder"),
        (
            &["--data", "tasks/tone/train.jsonl", "--out", "tasks/tone/train.jsonl"],
            "--out tasks/tone/train.jsonl: this would overwrite what is read",
        ),
    ] {
        let run = asking_nobody(&[&["--instruction", INSTRUCTION], more].concat());
        assert_eq!((run.code, run.stderr), (1, format!("error: {why}\n")));
    }
    // the pool of the last task is looked at before the first is made
    std::fs::create_dir(here.path().join("pools")).unwrap();
    std::fs::write(here.path().join("pools/tone.json"), "{}").unwrap();
    let run = asking_nobody(&["--benchmark", "own", "--data", "tasks", "--out", "pools"]);
    assert!(run.stderr.starts_with("error: pools/tone.json, line 1: "), "{}", run.stderr);
}

#[test]
fn every_task_of_a_benchmark_gets_a_pool_and_what_is_there_is_kept() {
    let here = two_tasks();
    let args = ["paraphrase", "--benchmark", "own", "--data", "tasks", "--count", "2", "--out", "pools"];
    insta::assert_snapshot!("benchmark", sapo_in(here.path(), &args).transcript());
    let read = |task: &str| std::fs::read_to_string(here.path().join(format!("pools/{task}.json"))).unwrap();
    let pool: serde_json::Value = serde_json::from_str(&read("tone")).unwrap();
    assert_eq!(pool["instruction"], "Decide if the tone is good or bad.");
    assert_eq!(pool["labels"], json!(["good", "bad"]));
    assert_eq!(pool["variants"].as_array().unwrap().len(), 3);

    let (before, reviews) = (read("reviews"), here.path().join("pools/reviews.json"));
    std::fs::remove_file(here.path().join("pools/tone.json")).unwrap();
    insta::assert_snapshot!("benchmark_again", sapo_in(here.path(), &args).transcript());
    assert_eq!(read("reviews"), before);

    std::fs::write(&reviews, before.replace(INSTRUCTION, "Is it good or bad?")).unwrap();
    let other = sapo_in(here.path(), &args);
    insta::assert_snapshot!("benchmark_other_instruction", other.transcript());
    std::fs::remove_file(&reviews).unwrap();
    for (name, more) in [
        ("benchmark_search", &["--source", "search"][..]),
        ("benchmark_unknown_task", &["--tasks", "nothing"]),
        ("benchmark_no_bank", &["--source", "bank", "--bank", "nowhere"]),
    ] {
        insta::assert_snapshot!(name, sapo_in(here.path(), &[&args[..], more].concat()).transcript());
    }
    for wrong in [
        &["--benchmark", "own", "--data", "tasks"][..],
        &["--benchmark", "own", "--instruction", "Sing.", "--out", "p"],
    ] {
        assert_eq!(sapo_in(here.path(), &[&["paraphrase"], wrong].concat()).code, 2, "{wrong:?}");
    }
}
