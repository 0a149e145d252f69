//! What is wrong is refused by name: a line of a file, a value, a place to write.

use crate::common::{MAX_TOKENS, folder, sapo_in, tiny_model};
use crate::fixtures::{EXAMPLES, POOL};

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
fn a_selection_that_makes_no_sense_is_wrong_usage() {
    let nowhere = folder(&[]);
    for (args, reason) in [
        (&["--samples", "0"][..], "expected a number above 0, or all"),
        (&["--samples=-3"], "expected a number above 0, or all"),
        (&["--samples", "many"], "expected a number above 0, or all"),
        (&["--delta", "0"], "expected a probability above 0 and below 1"),
        (&["--delta", "2"], "expected a probability above 0 and below 1"),
        (&["--delta", "nan"], "expected a probability above 0 and below 1"),
        (&["--plot", "ranking.pdf"], "expected a name that ends in .png or .svg"),
    ] {
        let select = ["select", "--model", "m", "--data", "d", "--pool", "p"];
        let run = sapo_in(nowhere.path(), &[&select[..], args].concat());
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains(reason), "{args:?}: {}", run.stderr);
    }
}

#[test]
fn what_cannot_be_written_is_told_before_anything_is_computed() {
    let here = folder(&[("data.jsonl", ""), ("pool.json", ""), ("folder/a.txt", "")]);
    for (args, reason) in [
        (["--export", "nowhere/chosen.jsonl"], "--export nowhere/chosen.jsonl: there is no folder nowhere"),
        (["--export", "folder"], "--export folder: this is a folder"),
        (["--export", "./data.jsonl"], "--export ./data.jsonl: this would overwrite what is read"),
        (["--export", "pool.json"], "--export pool.json: this would overwrite what is read"),
        (["--plot", "nowhere/a.png"], "--plot nowhere/a.png: there is no folder nowhere"),
    ] {
        let select = ["select", "--model", "none", "--data", "data.jsonl", "--pool", "pool.json"];
        let run = sapo_in(here.path(), &[&select[..], &args].concat());
        assert_eq!((run.code, run.stdout, run.stderr), (1, String::new(), format!("error: {reason}\n")));
    }
}
