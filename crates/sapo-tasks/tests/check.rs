//! What `check` finds, and what it leaves alone.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as it should be")]

mod folder;

use std::fs;
use std::path::Path;

use folder::{NI_TASK, folder, ni_task};
use sapo_tasks::builtin::Sizes;
use sapo_tasks::check::{Kind, LONG_INPUT, Report, Weight, check};
use sapo_tasks::get::write_builtin;
use sapo_tasks::readers::Dataset;

/// Every finding as `file, place: kind`, without the folder.
fn found(report: &Report, dir: &Path) -> Vec<String> {
    let place =
        |place: Option<(&str, usize)>| place.map(|(unit, n)| format!(", {unit} {n}")).unwrap_or_default();
    report
        .findings
        .iter()
        .map(|finding| {
            let file = finding.file.strip_prefix(dir).unwrap_or(&finding.file).display();
            format!("{file}{}: {}", place(finding.place), finding.kind.name())
        })
        .collect()
}

fn line(input: &str, target: &str) -> String {
    serde_json::json!({"input": input, "target": target}).to_string() + "\n"
}

#[test]
fn all_that_is_wrong_with_your_own_tasks() {
    let train = [
        line("a", "yes"),
        "\n".into(),
        line("b", "perhaps"),
        line("a", "yes"),
        line("a", "no"),
        line(&"x".repeat(LONG_INPUT + 1), "yes"),
        "{\"input\": \"c\"".into(),
    ];
    let dir = folder(&[
        (
            "streams.toml",
            "[[stream]]\nname = \"s\"\ntasks = [\"t\", \"u\"]\n[[stream]]\nname = \"none\"\ntasks = []\n",
        ),
        ("t/task.toml", "instruction = \"Yes or no?\"\nlabels = [\"yes\", \"no\"]\n"),
        ("t/train.jsonl", &train.concat()),
        ("t/dev.jsonl", ""),
        ("t/test.jsonl", &(line("new", "no") + &line("a", "no"))),
        ("g/task.toml", "instruction = \"Say it.\"\n"),
        ("g/train.jsonl", &line("a", " ")),
        ("h/task.toml", "instruction = 3\n"),
    ]);
    let report = check(&Dataset::own(dir.path()).unwrap(), LONG_INPUT);
    let expected = [
        "g/train.jsonl, line 1: empty_target",
        "h/task.toml: file",
        "t/train.jsonl, line 3: row",
        "t/train.jsonl, line 4: repeated",
        "t/train.jsonl, line 5: other_answer",
        "t/train.jsonl, line 6: long_input",
        "t/train.jsonl, line 7: row",
        "t/dev.jsonl: file",
        "t/test.jsonl, line 2: shared",
        "streams.toml: stream",
        "streams.toml: stream",
    ];
    assert_eq!(found(&report, dir.path()), expected);
    let rows: Vec<_> = report.tasks.iter().map(|task| (task.name.as_str(), task.rows)).collect();
    assert_eq!(rows, [("g", [Some(1), None, None]), ("h", [None; 3]), ("t", [Some(4), Some(0), Some(2)])]);
    let shared = report.findings.iter().find(|finding| finding.kind == Kind::Shared).unwrap();
    assert_eq!(shared.text, "its input is trained on: train.jsonl, line 1");
    assert_eq!(shared.task.as_deref(), Some("t"));
}

#[test]
fn gaps_counts_and_other_bytes_of_a_benchmark() {
    let rows = "[{\"sentence\": \"a\", \"label\": \"positive\"}]";
    let dir = folder(&[
        (
            "instructions.json",
            "{\"task195_sentiment140_classification\": {\"instruction\": \"x\", \"labels\": [\"positive\"]},
              \"task231_iirc_link_classification\": {\"instruction\": \"x\"},
              \"task1290_xsum_summarization\": {\"instruction\": \"x\"}}",
        ),
        ("task195_sentiment140_classification/train.json", rows),
        ("task195_sentiment140_classification/dev.json", "[{\"sentence\": \"a\""),
        ("task1290_xsum_summarization/train.json", rows),
        ("task1290_xsum_summarization/dev.json", rows),
        ("task1290_xsum_summarization/test.json", rows),
    ]);
    let report = check(&Dataset::open("superni", dir.path()).unwrap(), LONG_INPUT);
    let of = |task: &str| -> Vec<(Kind, String)> {
        let findings = report.findings.iter().filter(|finding| finding.task.as_deref() == Some(task));
        findings.map(|finding| (finding.kind, finding.text.clone())).collect()
    };
    let sentiment = of("task195_sentiment140_classification");
    let kinds: Vec<_> = sentiment.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [Kind::Checksum, Kind::Count, Kind::File, Kind::Missing]);
    assert!(sentiment[0].1.contains("in benchmark.toml ") && sentiment[0].1.contains("the paper's layout"));
    assert_eq!(sentiment[1].1, "expected 5200 rows, got 1");
    assert!(sentiment[2].1.starts_with("EOF while parsing"), "{}", sentiment[2].1);
    assert!(sentiment[3].1.contains("sapo data get superni"), "{}", sentiment[3].1);

    let gap = of("task231_iirc_link_classification");
    assert_eq!(gap.len(), 3);
    assert!(
        gap[0].1.contains("the public copy of the data has no training rows of this task"),
        "{}",
        gap[0].1
    );
    let partial = of("task1290_xsum_summarization");
    assert!(
        partial
            .iter()
            .any(|(_, text)| text.contains("got 1: the public copy has the first 1,000 training rows"))
    );
}

#[test]
fn one_file_of_all_splits_is_told_of_once() {
    let dir = folder(&[(&format!("tasks/{NI_TASK}.json"), &ni_task(20))]);
    let dataset = Dataset::open("superni", dir.path()).unwrap();
    let report = check(&dataset, LONG_INPUT);
    assert_eq!(report.tasks[0].rows, [Some(16), Some(2), Some(2)]);
    assert!(report.findings.iter().all(|finding| finding.kind == Kind::Count), "{:?}", report.findings);
    fs::write(dir.path().join(format!("tasks/{NI_TASK}.json")), "{\"Definition\": \"x\"}").unwrap();
    let report = check(&dataset, LONG_INPUT);
    assert_eq!(found(&report, dir.path()), [format!("tasks/{NI_TASK}.json: file")]);
}

#[test]
fn the_built_in_benchmark_passes_and_reads_as_it_was_generated() {
    for sizes in [Sizes { train: 12, dev: 4, test: 6 }, Sizes::NANO] {
        let dir = tempfile::tempdir().unwrap();
        let tasks = write_builtin(7, sizes, dir.path()).unwrap();
        let dataset = Dataset::open("builtin", dir.path()).unwrap();
        let report = check(&dataset, LONG_INPUT);
        let problems = report.findings.iter().filter(|finding| finding.kind.weight() == Weight::Problem);
        assert_eq!(problems.count(), 0, "{:?}", report.findings);
        assert!(report.findings.is_empty(), "{:?}", report.findings);
        assert_eq!(report.tasks.len(), 30);
        for name in ["g1", "c2-b", "m1-c"] {
            let expected = sapo_tasks::builtin::stream(name, 7, sizes).unwrap();
            let read = dataset.stream(name).unwrap();
            assert_eq!(read, expected, "{name}");
            assert_eq!(Dataset::own(dir.path()).unwrap().stream(name).unwrap(), expected);
        }
        assert!(tasks.iter().all(|task| task.train.len() == sizes.train && task.test.len() == sizes.test));
    }
}
