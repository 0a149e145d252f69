//! The readers on real data, where it is: `../shared/data` beside the checkout.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as it should be")]

use std::path::{Path, PathBuf};

use sapo_prompts::guard::Guard;
use sapo_prompts::sources::Bank;
use sapo_tasks::check::{Kind, LONG_INPUT, check};
use sapo_tasks::readers::{Dataset, NaturalInstructions, ReadError, Split, TrainFrom};
use sapo_tasks::{Language, Task, TaskKind, subset};

fn shared(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if path.is_dir() {
        return Some(path);
    }
    println!("not run: no ../shared/data/{name}");
    None
}

#[test]
fn superni_has_26_tasks_and_six_sequences() {
    let Some(dir) = shared("superni") else { return };
    let superni = Dataset::open("superni", dir).unwrap();
    assert_eq!(superni.task_names().count(), 26);
    let without_train = ["task231", "task339", "task1357"];
    for name in superni.task_names() {
        let task = superni.task(name);
        if without_train.iter().any(|prefix| name.starts_with(&format!("{prefix}_"))) {
            assert!(matches!(task, Err(ReadError::Missing { .. })), "{name}");
        } else {
            let task = task.unwrap();
            assert_eq!(task.kind == TaskKind::Classification, !task.labels.is_empty());
            assert!(task.train.len() >= 799 && task.test.len() >= 101, "{name}");
        }
    }
    let full = superni.clone().with_train_from(TrainFrom::DevWhereMissing);
    for (name, missing) in [("g1", 1), ("g2", 0), ("c1", 0), ("c2", 1), ("m1", 0), ("m2", 0)] {
        assert_eq!(superni.stream(name).is_err(), missing > 0, "{name}");
        let stream = full.stream(name).unwrap();
        assert_eq!(stream.tasks.len(), 5);
        assert_eq!(stream.tasks.iter().filter(|task| task.dev.is_empty()).count(), missing, "{name}");
    }
}

#[test]
fn the_sequences_are_the_papers() {
    let Some(dir) = shared("") else { return };
    let text = std::fs::read_to_string(dir.join("sequences.json")).unwrap();
    let published: std::collections::BTreeMap<String, Vec<String>> = serde_json::from_str(&text).unwrap();
    for (name, tasks) in published {
        let benchmark = if name == "trace" { "trace" } else { "superni" };
        let benchmark = sapo_tasks::readers::Benchmark::named(benchmark).unwrap();
        assert_eq!(benchmark.sequence(&name).unwrap().tasks, tasks, "{name}");
    }
}

#[test]
fn c1_is_what_the_paper_describes() {
    let Some(dir) = shared("superni") else { return };
    let stream = Dataset::open("superni", dir).unwrap().stream("c1").unwrap();
    let tests: Vec<_> = stream.tasks.iter().map(|task| task.test.len()).collect();
    assert_eq!(tests, [650, 650, 651, 650, 206], "task224 has 206 test rows");
    let limited = stream.clone().limited(Some(1000), Some(100));
    assert!(limited.tasks.iter().all(|task| task.train.len() == 1000 && task.test.len() == 100));
    assert_ne!(limited.data_hash(), stream.data_hash());
    assert_eq!(subset(1000, 250, 0).len(), 250);
}

#[test]
fn trace_has_five_tasks() {
    let Some(dir) = shared("trace") else { return };
    let trace = Dataset::open("trace", dir).unwrap();
    let there = ["C-STANCE", "FOMC", "NumGLUE-cm", "NumGLUE-ds", "ScienceQA"];
    let stream = trace.stream_of("there", &there).unwrap();
    assert!(stream.tasks.iter().all(|task| task.train.len() == 5000));
    assert_eq!(stream.tasks[0].language, Language::Chinese);
    let error = trace.stream("trace").unwrap_err().to_string();
    assert!(error.contains("MeetingBank/train.json is missing"), "{error}");
}

#[test]
fn the_text_classification_suite_has_13_training_sets() {
    let Some(dir) = shared("text-classification") else { return };
    let suite = Dataset::open("text-classification", dir).unwrap();
    let trainable: Vec<_> = suite.task_names().filter(|name| suite.training_task(name).is_ok()).collect();
    assert_eq!(trainable.len(), 13, "{trainable:?}");
    let whole = suite.task_names().filter(|name| suite.task(name).is_ok()).count();
    assert_eq!(whole, 10);
    assert_eq!(suite.rows("mnli", Split::Dev).unwrap().len(), 7600 - 131);
    for name in ["dbpedia", "yahoo"] {
        assert!(matches!(suite.training_task(name), Err(ReadError::Missing { .. } | ReadError::Io { .. })));
    }
    // Every label of the rows stands in our instruction, so that a paraphrase must keep it.
    for name in trainable {
        let task = suite.training_task(name).unwrap();
        let lost: Vec<_> =
            task.labels.iter().filter(|label| !task.instruction.as_str().contains(*label)).collect();
        assert!(lost.is_empty(), "{name}: {lost:?}");
    }
}

#[test]
fn natural_instructions_has_451_tasks() {
    let Some(dir) = shared("natural-instructions") else { return };
    let natural = NaturalInstructions::open(dir).unwrap();
    assert_eq!(natural.tasks().len(), 451);
    let rows: usize = natural.tasks().iter().map(|natural| natural.task.train.len()).sum();
    assert_eq!(rows, 96_509);
    assert!(
        natural.tasks().iter().all(|natural| !natural.licence.is_empty() && !natural.categories.is_empty())
    );
}

/// Task files as Super-NaturalInstructions has them, made of the paper's rows, give the paper's tasks again: its splits, its
/// suffixes, its labels. The published files themselves are not here: not run.
#[test]
fn the_papers_rows_as_published_files_are_the_papers_tasks() {
    let Some(dir) = shared("superni") else { return };
    let paper = Dataset::open("superni", dir).unwrap();
    let whole = tempfile::tempdir().unwrap();
    let mut tasks = Vec::new();
    for name in paper.task_names() {
        let spec = paper.benchmark().task(name).unwrap();
        let Ok(task) = paper.task(name) else { continue };
        let rows = [&task.train, &task.dev, &task.test];
        if rows.map(Vec::len) != spec.size.unwrap() {
            continue; // shortened copies
        }
        let instances: Vec<_> = rows
            .into_iter()
            .flatten()
            .map(|row| serde_json::json!({"input": row.input, "output": [row.target()]}))
            .collect();
        let file = serde_json::json!({"Definition": [task.instruction.as_str()], "Instances": instances});
        std::fs::write(whole.path().join(format!("{name}.json")), file.to_string()).unwrap();
        tasks.push(task);
    }
    assert_eq!(tasks.len(), 20, "26 without three of no training rows and three shortened ones");
    let published = Dataset::open("superni", whole.path()).unwrap();
    for task in tasks {
        assert!(published.task(&task.name).unwrap() == task, "{}", task.name);
    }
}

/// Instruction and input are cut out of every prompt of the release, and what is cut is what the paper has.
#[test]
fn trace_as_it_is_published() {
    let Some(dir) = shared("trace-original/LLM-CL-Benchmark_500") else { return };
    let release = Dataset::open("trace", dir).unwrap();
    let mut rows = 0;
    for name in release.task_names() {
        for split in Split::ALL {
            match release.rows(name, split) {
                Ok(found) => rows += found.len(),
                Err(error) => assert!(
                    (name, split) == ("MeetingBank", Split::Train)
                        && matches!(error, ReadError::Missing { .. }),
                    "{name}: {error}"
                ),
            }
        }
    }
    assert_eq!(
        rows,
        6 * 700 + 622 + 1_630 + 200,
        "six tasks, NumGLUE-cm, Lima, MeetingBank without training rows"
    );
    let Some(dir) = shared("trace") else { return };
    let paper = Dataset::open("trace", dir).unwrap();
    for task in ["FOMC", "NumGLUE-cm", "NumGLUE-ds"] {
        assert_eq!(release.instruction(task).unwrap(), paper.instruction(task).unwrap());
        for split in [Split::Dev, Split::Test] {
            let known = paper.rows(task, split).unwrap();
            let cut = release.rows(task, split).unwrap();
            assert!(cut.iter().all(|row| known.contains(row)), "{task} {}", split.name());
        }
    }
}

/// What `benchmark.toml` says of tasks is what the paper's files say.
#[test]
fn descriptions_agree_with_the_papers_files() {
    for benchmark in ["superni", "trace"] {
        let Some(dir) = shared(benchmark) else { return };
        let dataset = Dataset::open(benchmark, &dir).unwrap();
        let text = std::fs::read_to_string(dir.join("instructions.json")).unwrap();
        let entries: serde_json::Value = serde_json::from_str(&text).unwrap();
        for name in dataset.task_names() {
            let (spec, entry) = (dataset.benchmark().task(name).unwrap(), &entries[name]);
            assert_eq!(serde_json::json!(spec.suffix), entry["suffix"], "{name}");
            assert_eq!(serde_json::json!(spec.labels), entry["labels"], "{name}");
            assert_eq!(serde_json::json!(spec.size), entry["size"], "{name}");
            if let Some(instruction) = &spec.instruction {
                assert_eq!(serde_json::json!(instruction), entry["instruction"], "{name}");
            }
        }
    }
}

/// The check finds the gaps that are known, no damage, and no file whose bytes are not those of `benchmark.toml`.
#[test]
fn the_check_finds_the_known_gaps() {
    for (name, folder, missing) in [
        ("superni", "superni", 3),
        ("trace", "trace", 12),
        ("trace", "trace-original/LLM-CL-Benchmark_500", 1),
        ("text-classification", "text-classification", 10),
        ("natural-instructions", "natural-instructions", 0),
    ] {
        let Some(dir) = shared(folder) else { return };
        let report = check(&Dataset::open(name, dir).unwrap(), LONG_INPUT);
        let count = |kind: Kind| report.findings.iter().filter(|finding| finding.kind == kind).count();
        let all: std::collections::BTreeMap<_, _> =
            report.findings.iter().map(|finding| (finding.kind.name(), count(finding.kind))).collect();
        println!("{folder}: {all:?}");
        assert_eq!(count(Kind::Missing), missing, "{folder}");
        let damage = [Kind::File, Kind::Row, Kind::Checksum, Kind::Stream].map(count);
        assert_eq!(damage, [0; 4], "{folder}: {all:?}");
    }
}

/// Every paraphrase that ships passes the guard against the real original, and repeats nothing of the training rows.
#[test]
fn the_shipped_bank_fits_the_real_originals() {
    let bank = Bank::open(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/prompts")).unwrap();
    let mut mistakes = Vec::new();
    let mut check = |benchmark: &str, task: &Task| match bank.pool(benchmark, &task.name, &task.instruction) {
        Err(error) => mistakes.push(error.to_string()),
        Ok(pool) => {
            let rows = task.train.iter().chain(&task.test).map(|row| (row.input.as_str(), row.target()));
            let guard = Guard::new(&task.instruction, &task.labels).with_examples(rows);
            for (index, variant) in pool.paraphrases().iter().enumerate() {
                let earlier = pool.paraphrases()[..index].iter().map(|v| (v.id.as_str(), v.text.as_str()));
                for rejection in guard.check(variant.text.as_str(), earlier) {
                    mistakes.push(format!("{benchmark}/{} {}: {rejection}", task.name, variant.id));
                }
            }
            // A pool's labels are the words of the original to keep; a task's are the answers. They may differ.
            let foreign = pool.labels().iter().find(|label| !task.instruction.as_str().contains(*label));
            mistakes.extend(foreign.map(|label| format!("{}: the original has no `{label}`", task.name)));
        }
    };
    if let Some(dir) = shared("superni") {
        let superni = Dataset::open("superni", dir).unwrap().with_train_from(TrainFrom::DevWhereMissing);
        superni.task_names().for_each(|name| check("superni", &superni.task(name).unwrap()));
    }
    if let Some(dir) = shared("trace") {
        let trace = Dataset::open("trace", dir).unwrap();
        let there = ["C-STANCE", "FOMC", "NumGLUE-cm", "NumGLUE-ds", "ScienceQA"];
        there.iter().for_each(|name| check("trace", &trace.task(name).unwrap()));
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}
