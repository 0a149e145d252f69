//! `sapo eval` against the same questions asked of the library.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use sapo_metrics::{Metric, Sample};
use sapo_model::{Decoding, LanguageModel};
use serde_json::{Value, json};

use crate::common::{MAX_TOKENS, Run, command, folder, open, sapo_in, tiny_model};

const EVAL: [&str; 9] =
    ["eval", "--model", "model", "--data", "mine", "--max-new-tokens", "5", "--batch-tokens", "200"];

const WORDING: &str = "Is the review good or bad?";

/// Three inputs and what is right.
const ROWS: [(&str, &str); 3] = [("the food was fine", "good"), ("cold room", "bad"), ("fine food", "good")];

fn lines(rows: &[(&str, &str)]) -> String {
    rows.iter().map(|(input, target)| json!({"input": input, "target": target}).to_string() + "\n").collect()
}

/// Two tasks; the second has a metric of its own.
fn mine() -> tempfile::TempDir {
    let rows = lines(&ROWS);
    folder(&[
        ("mine/tone/task.toml", &format!("instruction = \"{WORDING}\"\nsuffix = \"Answer:\"\n")),
        ("mine/tone/test.jsonl", &rows),
        ("mine/tone/dev.jsonl", &lines(&ROWS[1..2])),
        ("mine/word/task.toml", "instruction = \"A word\"\nnative_metric = \"edit_similarity\"\n"),
        ("mine/word/test.jsonl", &rows),
        ("mine/word/dev.jsonl", &rows),
    ])
}

fn eval(here: &Path, more: &[&str]) -> Run {
    sapo_in(here, &[&EVAL[..], more].concat())
}

/// What the library answers to the prompt around each input.
fn answers(model: &LanguageModel, prompt: impl Fn(&str) -> String) -> Vec<String> {
    let prompts: Vec<Vec<i64>> =
        ROWS.iter().map(|(input, _)| model.codec().encode_prompt(&prompt(input)).unwrap()).collect();
    let answers = model.generate(&prompts, Decoding::Greedy, 5, 1, |_| {}).unwrap();
    answers.into_iter().map(|answer| answer.text).collect()
}

fn mean(metric: Metric, answers: &[String], targets: &[&str]) -> f64 {
    let score = |(answer, target): (&String, &&str)| {
        let references = [(*target).to_owned()];
        metric.score(&Sample { prediction: answer, references: &references, source: None }).unwrap()
    };
    answers.iter().zip(targets).map(score).sum::<f64>() / answers.len() as f64
}

#[test]
fn an_evaluation_is_the_librarys() {
    let here = mine();
    let model = open(&tiny_model(here.path()));
    let tone = answers(&model, |input| format!("{WORDING}\n\nText:\n{input}\n\nAnswer:"));
    let word = answers(&model, |input| format!("A word\n\nText:\n{input}"));
    // the model talks nonsense, so what is right is made of what it says
    let nearly = format!("{} good", word[2]);
    let targets = [ROWS.map(|(_, target)| target), [word[0].as_str(), "bad", &nearly]];
    let rows: Vec<(&str, &str)> =
        ROWS.iter().zip(targets[1]).map(|((input, _), target)| (*input, target)).collect();
    std::fs::write(here.path().join("mine/word/test.jsonl"), lines(&rows)).unwrap();
    let json = eval(here.path(), &["--json", "--predictions", "answers.jsonl"]).ok().json();
    let written = std::fs::read_to_string(here.path().join("answers.jsonl")).unwrap();
    let written: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let expected = [("tone", &tone), ("word", &word)].into_iter().zip(targets);
    let expected = expected.flat_map(|((task, answers), targets)| {
        answers.iter().zip(targets).enumerate().map(move |(index, (answer, target))| {
            json!({"task": task, "index": index, "prediction": answer, "reference": target,
                   "references": [target]})
        })
    });
    assert_eq!(written, expected.collect::<Vec<_>>());

    assert_eq!(json.len(), 3);
    assert_eq!((&json[0]["task"], &json[0]["examples"]), (&json!("tone"), &json!(3)));
    assert_eq!((&json[0]["instruction"], &json[0]["native"]), (&json!(WORDING), &json!(null)));
    assert_eq!(json[1]["native"], "edit_similarity");
    let scored = |object: &Value, metric: Metric, expected: f64| {
        let score = &object["scores"][metric.name()];
        let number = |key: &str| score[key].as_f64().unwrap();
        assert!((number("mean") - expected).abs() < 1e-9, "{metric}: {object}");
        assert!(number("low") <= number("mean") && number("mean") <= number("high"), "{metric}: {object}");
    };
    for metric in [Metric::RougeL, Metric::ExactMatch] {
        let (tone, word) = (mean(metric, &tone, &targets[0]), mean(metric, &word, &targets[1]));
        scored(&json[0], metric, tone);
        scored(&json[1], metric, word);
        let shown = json[2]["summary"]["means"][metric.name()].as_f64().unwrap();
        assert!((shown - (tone + word) / 2.0).abs() < 1e-9, "{}", json[2]);
    }
    let similar = mean(Metric::EditSimilarity, &word, &targets[1]);
    scored(&json[1], Metric::EditSimilarity, similar);
    assert!(similar > 100.0 / 3.0 && similar < 100.0, "{similar}");
    assert_eq!(json[1]["scores"]["exact_match"]["mean"], 100.0 / 3.0);
    assert_eq!(json[0]["scores"].as_object().unwrap().len(), 2);
    let summary = &json[2]["summary"];
    assert_eq!((&summary["tasks"], &summary["examples"]), (&json!(2), &json!(6)));
    assert!(summary["means"]["native"].is_null(), "one of the tasks has none: {summary}");

    let table = eval(here.path(), &[]).ok().stdout;
    let table: Vec<Vec<&str>> = table.lines().map(|line| line.split("  ").map(str::trim).collect()).collect();
    let cells = |line: usize| table[line].iter().filter(|cell| !cell.is_empty()).copied().collect::<Vec<_>>();
    let shown = |object: &Value, metric: Metric| {
        let of = |key: &str| object["scores"][metric.name()][key].as_f64().unwrap();
        format!("{:.2} [{:.2}, {:.2}]", of("mean"), of("low"), of("high"))
    };
    let (rouge_l, exact) = (shown(&json[1], Metric::RougeL), shown(&json[1], Metric::ExactMatch));
    let native = shown(&json[1], Metric::EditSimilarity);
    assert_eq!(cells(0), ["task", "examples", "rouge_l", "exact_match", "native"]);
    assert_eq!(cells(1).last(), Some(&"-"), "tone has no native metric");
    assert_eq!(cells(2), ["word", "3", &rouge_l, &exact, &native, "edit_similarity"]);
    assert_eq!((cells(3)[0], cells(3)[1], cells(3).len()), ("mean over tasks", "6", 5));
}

#[test]
fn tasks_rows_and_wordings_can_be_chosen() {
    let here = mine();
    let model = open(&tiny_model(here.path()));
    let one = eval(here.path(), &["--tasks", "word", "--split", "dev", "--limit", "2", "--json"]).ok().json();
    assert_eq!((&one[0]["task"], &one[0]["examples"]), (&json!("word"), &json!(2)));
    let summary = &one[1]["summary"];
    assert_eq!(summary["means"]["native"], one[0]["scores"]["edit_similarity"]["mean"]);
    let streams = "[[stream]]\nname = \"both\"\ntasks = [\"word\", \"tone\"]\n";
    std::fs::write(here.path().join("mine/streams.toml"), streams).unwrap();
    let both = eval(here.path(), &["--stream", "both", "--split", "dev", "--json"]).ok().json();
    let sizes: Vec<_> = both[..2].iter().map(|object| (&object["task"], &object["examples"])).collect();
    assert_eq!(sizes, [(&json!("word"), &json!(3)), (&json!("tone"), &json!(1))]);

    std::fs::write(here.path().join("p.json"), "{\"tone\": \"Good?\"}").unwrap();
    let worded =
        eval(here.path(), &["--prompts", "p.json", "--json", "--predictions", "a.jsonl"]).ok().json();
    assert_eq!((&worded[0]["instruction"], &worded[1]["instruction"]), (&json!("Good?"), &json!("A word")));
    let tone = answers(&model, |input| format!("Good?\n\nText:\n{input}\n\nAnswer:"));
    let written = std::fs::read_to_string(here.path().join("a.jsonl")).unwrap();
    let first: Value = serde_json::from_str(written.lines().next().unwrap()).unwrap();
    assert_eq!(first["prediction"], tone[0].as_str());
}

#[test]
fn the_answers_are_what_score_reads() {
    let here = mine();
    tiny_model(here.path());
    let native = "native_metric = \"sari\"\ninstruction = \"A word\"\n";
    std::fs::write(here.path().join("mine/word/task.toml"), native).unwrap();
    let args = ["--tasks", "word", "--json", "--predictions", "answers.jsonl"];
    let json = eval(here.path(), &args).ok().json();
    let metrics =
        ["score", "--predictions", "answers.jsonl", "--metric", "rouge_l,exact_match,sari", "--json"];
    let score = sapo_in(here.path(), &metrics).ok().json();
    for metric in ["rouge_l", "exact_match", "sari"] {
        assert_eq!(score[0][metric], json[0]["scores"][metric]["mean"], "{metric}");
    }
    assert_eq!(json[1]["summary"]["means"]["native"], score[0]["sari"]);
}

#[test]
fn a_row_that_does_not_fit_follows_the_rule() {
    let here = mine();
    tiny_model(here.path());
    let long = "the food was cold and ".repeat(MAX_TOKENS);
    let rows = lines(&[ROWS[0], (&long, "bad"), ROWS[2]]);
    std::fs::write(here.path().join("mine/tone/test.jsonl"), rows).unwrap();
    let run = |rule: &str| eval(here.path(), &["--tasks", "tone", "--json", "--too-long", rule]);
    let refused = run("refuse");
    assert_eq!((refused.code, refused.stdout.as_str()), (1, ""));
    let told = "error: mine/tone/test.jsonl, line 2: the prompt (";
    assert!(refused.stderr.starts_with(told) && refused.stderr.contains("hint: "), "{}", refused.stderr);
    let skipped = run("skip");
    assert!(skipped.stderr.contains("left out because of the model's 160 tokens: 1 line (2)"));
    let json = skipped.json();
    assert_eq!((&json[0]["examples"], &json[0]["skipped"]), (&json!(2), &json!([1])));
    let shortened = run("shorten-prompt").json();
    assert_eq!((&shortened[0]["examples"], &shortened[0]["shortened"]), (&json!(3), &json!([1])));
    assert!(shortened[0]["skipped"].is_null() && json[0]["shortened"].is_null());
}

/// The base that is shipped.
fn nano() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/base/nano")
}

#[test]
fn the_built_in_benchmark_needs_no_folder() {
    let here = folder(&[]);
    let nano = nano();
    let args = |more: &[&'static str]| {
        let mut args = vec!["eval", "--model", nano.to_str().unwrap(), "--benchmark", "builtin", "--json"];
        args.extend(["--stream", "c1", "--limit", "4", "--max-new-tokens", "8"]);
        args.extend(more);
        sapo_in(here.path(), &args).ok().stdout
    };
    let generated = args(&[]);
    assert_eq!(generated.lines().count(), 6);
    sapo_in(here.path(), &["data", "get", "builtin", "--out", "b"]).ok();
    assert_eq!(args(&["--data", "b"]), generated);
    let last: Value = serde_json::from_str(generated.lines().last().unwrap()).unwrap();
    assert!(
        last["summary"]["means"]["exact_match"].as_f64().unwrap() > 50.0,
        "nano knows these tasks: {last}"
    );
}

#[test]
fn a_task_of_trace_is_scored_as_trace_does() {
    let rows =
        [json!({"sentence": "What is 1 and 1?", "label": "2"}), json!({"sentence": "2?", "label": "2"})];
    let here = folder(&[
        ("trace/instructions.json", "{\"NumGLUE-cm\": {\"instruction\": \"Solve it.\"}}"),
        ("trace/NumGLUE-cm/test.json", &json!(rows).to_string()),
    ]);
    let nano = nano();
    let args =
        ["eval", "--model", nano.to_str().unwrap(), "--benchmark", "trace", "--data", "trace", "--json"];
    let json = sapo_in(here.path(), &[&args[..], &["--max-new-tokens", "4"]].concat()).ok().json();
    assert_eq!(json[0]["native"], "accuracy");
    assert_eq!(json[1]["summary"]["means"]["native"], json[0]["scores"]["accuracy"]["mean"]);
}

#[test]
fn ctrl_c_stops_it_between_batches() {
    let rows: String = (0..3000).map(|i| lines(&[(format!("food {i}").as_str(), "good")])).collect();
    let here = mine();
    tiny_model(here.path());
    std::fs::write(here.path().join("mine/word/test.jsonl"), rows).unwrap();
    let args = [&EVAL[..], &["--tasks", "tone,word", "--json", "--predictions", "a.jsonl"]].concat();
    let mut child =
        command(here.path(), &args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // the first task's object says that the second has begun
    let mut first = String::new();
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut out, &mut first).unwrap();
    assert!(first.contains("\"tone\""), "{first}");
    let interrupt = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupt.unwrap().success());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("interrupted; what was computed is not kept"), "{stderr}");
    assert!(!here.path().join("a.jsonl").exists());
}
