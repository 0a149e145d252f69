//! `sapo data`: tasks of your own, folders of benchmarks, and a stand-in for the servers that have them.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "../../sapo-tasks/tests/folder/mod.rs"]
mod layouts;
#[allow(dead_code)] // the library's tests use all of it
#[path = "../../sapo-model/tests/suite/stand_in.rs"]
mod stand_in;

use common::{Run, folder, sapo_in};
use layouts::{NI_TASK, TRACE_ROWS, ni_task};
use sapo_metrics::Metric;
use sapo_tasks::readers::{Benchmark, benchmarks};
use serde_json::json;
use stand_in::{Answer, StandIn};

const TASK: &str = "instruction = \"Good or bad?\"\nlabels = [\"good\", \"bad\"]\n";

fn line(input: &str, target: &str) -> String {
    json!({"input": input, "target": target}).to_string() + "\n"
}

fn data(here: &tempfile::TempDir, args: &[&str]) -> Run {
    sapo_in(here.path(), &[&["data"], args].concat())
}

#[test]
fn tasks_of_your_own_are_checked_as_a_stream() {
    let train = line("nice", "good") + &line("poor", "bad");
    let here = folder(&[
        ("mine/streams.toml", "[[stream]]\nname = \"mine\"\ntasks = [\"tone\"]\n"),
        ("mine/tone/task.toml", TASK),
        ("mine/tone/train.jsonl", &train),
        ("mine/tone/test.jsonl", &line("great", "good")),
    ]);
    insta::assert_snapshot!("own_good", data(&here, &["check", "mine"]).transcript());

    let repeated =
        train.clone() + &line("nice", "good").repeat(5) + "{\"input\": \"x\"}\n" + &line("y", "fine");
    std::fs::write(here.path().join("mine/tone/train.jsonl"), repeated).unwrap();
    std::fs::write(here.path().join("mine/tone/test.jsonl"), line("nice", "good")).unwrap();
    std::fs::write(here.path().join("mine/streams.toml"), "[[stream]]\nname = \"s\"\ntasks = [\"tome\"]\n")
        .unwrap();
    insta::assert_snapshot!("own_bad", data(&here, &["check", "mine"]).transcript());
    let json = data(&here, &["check", "mine", "--json"]).json();
    assert_eq!(json[0], json!({"task": "tone", "train": 7, "dev": null, "test": 1}));
    let repeated: Vec<_> = json.iter().filter(|object| object["kind"] == "repeated").collect();
    assert_eq!(repeated.len(), 5, "JSON lists all of them");
    assert_eq!(
        *repeated[0],
        json!({"task": "tone", "file": "mine/tone/train.jsonl", "line": 3, "warning": "the same as line 1",
               "kind": "repeated"})
    );
    assert_eq!(
        json.last().unwrap(),
        &json!({"summary": {"layout": "own", "tasks": 1, "examples": 8, "problems": 3, "warnings": 6}})
    );

    std::fs::write(here.path().join("mine/tone/task.toml"), "instruction = \"x\"\nlables = []\n").unwrap();
    insta::assert_snapshot!("own_task_toml", data(&here, &["check", "mine"]).transcript());
}

#[test]
fn strict_makes_warnings_fail() {
    let here = folder(&[("rows.jsonl", &line("a", "b").repeat(2))]);
    assert_eq!(data(&here, &["check", "rows.jsonl"]).code, 0);
    let run = data(&here, &["check", "rows.jsonl", "--strict"]);
    assert_eq!((run.code, run.stderr.as_str()), (1, "error: rows.jsonl: 1 warning\n"));
    let run = data(&here, &["check", "rows.jsonl", "--long", "0"]);
    assert!(run.stdout.contains("line 1: an input of 1 characters"), "{}", run.stdout);
}

#[test]
fn a_folder_of_a_benchmark_names_what_is_missing() {
    let rows =
        "[{\"sentence\": \"a\", \"label\": \"positive\"}, {\"sentence\": \"b\", \"label\": \"maybe\"}]";
    let here = folder(&[
        (
            "superni/instructions.json",
            "{\"task195_sentiment140_classification\": {\"instruction\": \"x\", \"labels\": [\"positive\"]}}",
        ),
        ("superni/task195_sentiment140_classification/train.json", rows),
        ("superni/task195_sentiment140_classification/test.json", "[{\"sentence\": "),
    ]);
    let check = |args: &[&str]| data(&here, &[&["check"], args].concat());
    insta::assert_snapshot!("superni", check(&["superni", "--benchmark", "superni"]).transcript());
    insta::assert_snapshot!(
        "not_trace",
        check(&["superni", "--benchmark", "text-classification"]).transcript()
    );
    let run = check(&["superni", "--benchmark", "glue"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("no benchmark `glue`; it has builtin, superni, trace"), "{}", run.stderr);
}

#[test]
fn the_built_in_benchmark_is_generated_and_passes() {
    let here = folder(&[]);
    let json = data(&here, &["get", "builtin", "--out", "b", "--json"]).ok().json();
    assert_eq!(json.len(), 31);
    assert_eq!(json[30], json!({"summary": {"benchmark": "builtin", "out": "b", "files": 0, "tasks": 30}}));
    assert!(json[..30].iter().all(|task| task["train"] == 160 && task["dev"] == 50 && task["test"] == 50));
    let json = data(&here, &["check", "b", "--benchmark", "builtin", "--strict", "--json"]).ok().json();
    let summary = json!({"layout": "own", "tasks": 30, "examples": 7800, "problems": 0, "warnings": 0});
    assert_eq!(json.last().unwrap(), &json!({"summary": summary}));
    assert_eq!(data(&here, &["check", "b"]).ok().stdout.lines().count(), 31);

    let run = data(&here, &["get", "builtin", "--out", "b"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.starts_with("error: b is there already"), "{}", run.stderr);
    for (option, value) in [("--tasks", "topic"), ("--from", "b")] {
        let run = data(&here, &["get", "builtin", "--out", "some", option, value]);
        assert_eq!((run.code, run.stdout.as_str()), (1, ""));
        assert!(
            run.stderr.starts_with(&format!("error: {option}: `builtin` is generated")),
            "{}",
            run.stderr
        );
        assert!(!here.path().join("some").exists());
    }
    // another seed draws other rows of the same tasks
    data(&here, &["get", "builtin", "--out", "c", "--seed", "1"]).ok();
    let read = |path: &str| std::fs::read_to_string(here.path().join(path)).unwrap();
    assert_eq!(read("b/topic/task.toml"), read("c/topic/task.toml"));
    assert_ne!(read("b/topic/train.jsonl"), read("c/topic/train.jsonl"));
}

#[test]
fn a_benchmark_is_downloaded_and_what_is_missing_is_named() {
    let server = StandIn::start(|request| match request.path.contains(NI_TASK) {
        true => Answer::status(200).body(ni_task(20)),
        false => Answer::status(404),
    });
    let here = folder(&[]);
    let get =
        |tasks: &str| data(&here, &["get", "superni", "--out", "s", "--from", &server.url, "--tasks", tasks]);
    let both = format!("{NI_TASK},task363_sst2_polarity_classification");
    let without_address = |run: Run| run.transcript().replace(&server.url, "http://SERVER");
    insta::assert_snapshot!("get_incomplete", without_address(get(&both)));
    insta::assert_snapshot!("get_again", without_address(get(NI_TASK)));
    let json = data(&here, &["check", "s", "--benchmark", "superni", "--json"]).ok().json();
    assert_eq!(json[0], json!({"task": NI_TASK, "train": 16, "dev": 2, "test": 2}));
    insta::assert_snapshot!("get_by_hand", data(&here, &["get", "trace", "--out", "t"]).transcript());
    let run = data(&here, &["get", "superni", "--out", "s", "--from", "nowhere"]);
    assert!(run.stderr.contains("nowhere: expected a folder that is there, or an address"), "{}", run.stderr);
}

#[test]
fn the_release_of_trace_is_converted_from_a_folder() {
    let rows: Vec<(String, &str)> = TRACE_ROWS
        .iter()
        .flat_map(|(task, rows)| {
            ["train", "eval", "test"].map(|split| (format!("release/{task}/{split}.json"), *rows))
        })
        .collect();
    let here = folder(&rows.iter().map(|(name, text)| (name.as_str(), *text)).collect::<Vec<_>>());
    let tasks = "FOMC,Py150";
    let run = data(&here, &["get", "trace", "--from", "release", "--tasks", tasks, "--out", "t"]);
    insta::assert_snapshot!("get_from_folder", run.transcript());
    // a mistake in the release is named with its place
    std::fs::write(here.path().join("release/FOMC/test.json"), "[{\"prompt\": \"?\", \"answer\": \"A\"}]")
        .unwrap();
    let run = data(&here, &["get", "trace", "--from", "release", "--tasks", "FOMC", "--out", "u"]);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("FOMC: release/FOMC/test.json, row 1: `prompt`: expected it to begin"),
        "{}",
        run.stderr
    );
}

/// Every metric that a description names is one.
#[test]
fn metrics_of_benchmarks_are_known() {
    for name in benchmarks() {
        let benchmark = Benchmark::named(name).unwrap();
        let native = benchmark.tasks.iter().filter_map(|task| task.native_metric.as_ref());
        for metric in native.chain([&benchmark.metric]) {
            assert!(Metric::ALL.iter().any(|known| known.name() == metric), "{name}: {metric}");
        }
    }
    let trace = Benchmark::named("trace").unwrap();
    assert_eq!(trace.task("20Minuten").unwrap().native_metric.as_deref(), Some(Metric::Sari.name()));
}
