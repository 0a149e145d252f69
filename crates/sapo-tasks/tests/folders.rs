//! The readers on small folders made here: what they read, and what they say of every kind of gap.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as it should be")]

use std::fs;
use std::path::Path;

use sapo_tasks::readers::{Dataset, ReadError, Split, TrainFrom};
use sapo_tasks::{Language, TaskKind, layout};

const C1: [&str; 5] = [
    "task195_sentiment140_classification",
    "task1310_amazonreview_rating_classification",
    "task273_europarl_classification",
    "task611_mutual_multi_turn_dialogue",
    "task224_scruples_anecdotes_ethical_judgment",
];

fn rows(split: &str, count: usize) -> String {
    let row = |i| format!("{{\"sentence\": \"{split} {{{i}}}\", \"label\": \"yes\"}}");
    format!("[{}]", (0..count).map(row).collect::<Vec<_>>().join(",\n"))
}

fn write_task(dir: &Path, name: &str) {
    fs::create_dir_all(dir.join(name)).unwrap();
    for (split, count) in [("train", 4), ("dev", 2), ("test", 3)] {
        fs::write(dir.join(name).join(format!("{split}.json")), rows(split, count)).unwrap();
    }
}

fn write_instructions(dir: &Path, names: &[&str]) {
    let entry = |name: &&str| {
        format!(
            "{name:?}: {{\"instruction\": \"Do {name}.\", \"suffix\": \"Answer:\", \"labels\": [\"yes\", \"no\"], \"size\": [4, 2, 3]}}"
        )
    };
    let entries = names.iter().map(entry).collect::<Vec<_>>().join(",\n");
    fs::write(dir.join("instructions.json"), format!("{{{entries}}}")).unwrap();
}

/// A folder with the five tasks of C1.
fn superni() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write_instructions(dir.path(), &C1);
    C1.iter().for_each(|name| write_task(dir.path(), name));
    dir
}

#[test]
fn a_sequence_is_read_in_its_order() {
    let dir = superni();
    let stream = Dataset::open("superni", dir.path()).unwrap().stream("c1").unwrap();
    assert_eq!(stream.name, "ni-seq-c1");
    let names: Vec<_> = stream.tasks.iter().map(|task| task.name.as_str()).collect();
    assert_eq!(names, C1);
    let task = &stream.tasks[0];
    assert_eq!((task.train.len(), task.dev.len(), task.test.len()), (4, 2, 3));
    assert_eq!((task.kind, task.language), (TaskKind::Classification, Language::English));
    assert_eq!(
        layout::prompt(task, &task.instruction, &task.train[1].input),
        "Do task195_sentiment140_classification.\n\nText:\ntrain {1}\n\nAnswer:"
    );
}

#[test]
fn a_missing_train_file_is_an_error_until_dev_is_chosen() {
    let dir = tempfile::tempdir().unwrap();
    let name = "task339_record_answer_generation";
    write_instructions(dir.path(), &[name]);
    write_task(dir.path(), name);
    fs::remove_file(dir.path().join(name).join("train.json")).unwrap();
    let superni = Dataset::open("superni", dir.path()).unwrap();
    let error = superni.task(name).unwrap_err();
    assert!(matches!(error, ReadError::Missing { .. }));
    let message = error.to_string();
    assert!(message.contains("task339_record_answer_generation/train.json is missing"), "{message}");
    assert!(message.contains("train_from = \"dev\""), "{message}");
    assert_eq!(superni.rows(name, Split::Test).unwrap().len(), 3);

    let task = superni.with_train_from(TrainFrom::DevWhereMissing).task(name).unwrap();
    assert_eq!((task.train.len(), task.dev.len(), task.test.len()), (2, 0, 3));
    assert_eq!(task.train[0].input, "dev {0}");
}

#[test]
fn choosing_dev_changes_nothing_where_train_is_there() {
    let dir = superni();
    let superni = Dataset::open("superni", dir.path()).unwrap();
    let chosen = superni.clone().with_train_from(TrainFrom::DevWhereMissing);
    assert_eq!(chosen.stream("c1").unwrap().data_hash(), superni.stream("c1").unwrap().data_hash());
}

#[test]
fn the_choice_is_spelled_train_or_dev() {
    #[derive(serde::Deserialize)]
    struct Config {
        train_from: TrainFrom,
    }
    let read = |text: &str| toml::from_str::<Config>(text).map(|config| config.train_from);
    assert_eq!(read("train_from = \"dev\"").unwrap(), TrainFrom::DevWhereMissing);
    assert_eq!(read("train_from = \"train\"").unwrap(), TrainFrom::Train);
    assert!(read("train_from = \"test\"").is_err());
}

#[test]
fn every_gap_says_what_to_do() {
    let dir = superni();
    let path = dir.path();
    let message = |name: &str| Dataset::open("superni", path).unwrap().task(name).unwrap_err().to_string();
    assert!(message("task999").contains("no task `task999`; it has task1310"), "{}", message("task999"));
    fs::remove_file(path.join(C1[0]).join("test.json")).unwrap();
    assert!(message(C1[0]).contains("test.json is missing: task `task195"), "{}", message(C1[0]));
    fs::write(path.join(C1[1]).join("dev.json"), "[{\"sentence\": \"a\", \"label\": \"maybe\"}]").unwrap();
    assert!(message(C1[1]).contains("dev.json, row 1: `label`: expected one of"), "{}", message(C1[1]));
    let error = Dataset::open("superni", path).unwrap().stream("c7").unwrap_err().to_string();
    assert!(error.contains("no stream `c7`"), "{error}");

    fs::write(path.join("instructions.json"), "{\"t\": {\"instruction\": \"x\", \"sufix\": \"\"}}").unwrap();
    let error = Dataset::open("superni", path).unwrap_err().to_string();
    assert!(
        error.contains("instructions.json: unknown field `sufix`") && error.contains("line 1"),
        "{error}"
    );
    fs::remove_file(path.join("instructions.json")).unwrap();
    let error = Dataset::open("superni", path).unwrap_err().to_string();
    assert!(error.contains("instructions.json is missing") && error.contains("<task>/train.json"), "{error}");
    let error = Dataset::open("superni", path.join("absent")).unwrap_err();
    assert!(matches!(error, ReadError::Io { .. }), "{error}");
}

#[test]
fn chinese_tasks_of_trace_get_their_marker() {
    let dir = tempfile::tempdir().unwrap();
    write_instructions(dir.path(), &["C-STANCE", "FOMC"]);
    ["C-STANCE", "FOMC"].iter().for_each(|name| write_task(dir.path(), name));
    let trace = Dataset::open("trace", dir.path()).unwrap();
    assert_eq!(trace.task("C-STANCE").unwrap().language, Language::Chinese);
    assert_eq!(trace.task("FOMC").unwrap().language, Language::English);
    let own = trace.stream_of("two", &["FOMC", "C-STANCE"]).unwrap();
    assert_eq!((own.name.as_str(), own.tasks.len()), ("two", 2));
    assert!(trace.stream("trace").is_err(), "four of its tasks are not there");
    assert!(matches!(trace.stream_of::<&str>("none", &[]), Err(ReadError::EmptyStream { .. })));
}

#[test]
fn the_text_classification_suite() {
    let dir = tempfile::tempdir().unwrap();
    for (path, labels) in [("NLI/MNLI", "neutral"), ("SC/yelp", "negative")] {
        let folder = dir.path().join(path);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("labels.json"), format!("[{labels:?}]")).unwrap();
        let rows = format!(
            "[{{\"sentence\": \"a\", \"label\": {labels:?}}}, {{\"sentence\": \"b\", \"label\": \"-\"}}]"
        );
        fs::write(folder.join("train.json"), rows).unwrap();
    }
    let suite = Dataset::open("text-classification", dir.path()).unwrap();
    assert_eq!(suite.task_names().count(), 15);
    let mnli = suite.training_task("mnli").unwrap();
    assert_eq!(
        (mnli.train.len(), mnli.labels.len(), mnli.dev.len()),
        (1, 1, 0),
        "rows without gold are left out"
    );
    let error = suite.rows("yelp", Split::Train).unwrap_err().to_string();
    assert!(error.contains("train.json, row 2: `label`"), "only MNLI has rows without gold: {error}");
    let error = suite.rows("yelp", Split::Dev).unwrap_err().to_string();
    assert!(error.contains("training rows of this task alone"), "{error}");
    assert!(matches!(suite.task("glue"), Err(ReadError::Unknown { .. })));
}

proptest::proptest! {
    #[test]
    fn any_instructions_file_gives_tasks_or_an_error(bytes: Vec<u8>) {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("instructions.json"), bytes).unwrap();
        let _ = Dataset::open("superni", dir.path());
    }

    #[test]
    fn any_split_file_gives_a_task_or_an_error(bytes: Vec<u8>) {
        let dir = tempfile::tempdir().unwrap();
        write_instructions(dir.path(), &["t"]);
        write_task(dir.path(), "t");
        fs::write(dir.path().join("t/dev.json"), bytes).unwrap();
        let _ = Dataset::open("superni", dir.path()).unwrap().task("t");
    }
}
