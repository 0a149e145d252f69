//! Commands that need no model: their help, what they print, and what they refuse.
#![allow(clippy::unwrap_used)]

mod common;

use common::{folder, sapo_in};
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
