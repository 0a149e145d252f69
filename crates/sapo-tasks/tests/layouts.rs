//! The layouts on small folders made here: as Super-NaturalInstructions and TRACE are published, and tasks of your own.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as it should be")]

mod folder;

use std::fs;

use folder::{NI_TASK, TRACE_ROWS, folder, ni_task};
use sapo_tasks::readers::{Dataset, LayoutName, ReadError, Split};
use sapo_tasks::{Example, Language, Task, TaskKind, layout};

fn inputs(rows: &[Example]) -> Vec<&str> {
    rows.iter().map(|row| row.input.as_str()).collect()
}

#[test]
fn published_task_files_are_split_as_in_the_paper() {
    let dir = folder(&[(&format!("tasks/{NI_TASK}.json"), &ni_task(12))]);
    let superni = Dataset::open("superni", dir.path()).unwrap();
    assert_eq!(superni.layout(), LayoutName::NiTasks);
    let task = superni.task(NI_TASK).unwrap();
    assert_eq!((task.train.len(), task.dev.len(), task.test.len()), (9, 1, 2));
    assert_eq!(inputs(&task.dev), ["tweet 9"]);
    assert_eq!(inputs(&task.test), ["tweet 10", "tweet 11"]);
    assert_eq!(task.instruction.as_str(), "Say positive or negative.");
    // from the benchmark's own knowledge
    assert_eq!(task.suffix.as_deref(), Some("Directly output only positive or negative as your answer."));
    assert_eq!((task.kind, task.labels.len()), (TaskKind::Classification, 2));
    // the same without the folder `tasks`
    let bare = folder(&[(&format!("{NI_TASK}.json"), &ni_task(12))]);
    assert_eq!(Dataset::open("superni", bare.path()).unwrap().task(NI_TASK).unwrap(), task);
}

#[test]
fn an_unknown_task_file_has_neither_suffix_nor_labels_and_may_have_several_answers() {
    let text = r#"{"Definition": ["Count", "letters."], "Instances":
        [{"input": "a", "output": ["1", "one"]}, {"input": "b", "output": "2"}], "Categories": ["X"]}"#;
    let dir = folder(&[("task9999_mine.json", text)]);
    let task = Dataset::open("superni", dir.path()).unwrap().describe("task9999_mine").unwrap();
    assert_eq!(
        (task.instruction.as_str(), task.suffix, task.kind),
        ("Count letters.", None, TaskKind::Generation)
    );
    let rows = Dataset::open("superni", dir.path()).unwrap().rows("task9999_mine", Split::Train).unwrap();
    assert_eq!(rows[0].targets, ["1", "one"]);
    assert_eq!(rows.len(), 1, "80 % of two, rounded down");
}

#[test]
fn mistakes_in_task_files_name_the_instance() {
    let row = |output: &str| format!("{{\"input\": \"a\", \"output\": {output}}}");
    let file = |rows: &[String]| format!("{{\"Definition\": \"x\", \"Instances\": [{}]}}", rows.join(","));
    let message = |text: String| {
        let dir = folder(&[(&format!("{NI_TASK}.json"), &text)]);
        let error = Dataset::open("superni", dir.path()).unwrap().task(NI_TASK).unwrap_err().to_string();
        error.replace(&format!("{}/", dir.path().display()), "")
    };
    let good = row("[\"positive\"]");
    let with = |bad: &str| message(file(&[good.clone(), row(bad), good.clone()]));
    let place = format!("{NI_TASK}.json, instance 2: ");
    assert_eq!(with("[]"), format!("{place}`output`: expected at least one text, got none"));
    assert!(with("[\"Positive\"]").starts_with(&format!("{place}`output`: expected one of")));
    assert!(with("3").starts_with(&place));
    assert!(message("{\"Definition\": \"x\", \"Insta".into()).starts_with(&format!("{NI_TASK}.json: EOF")));
    assert!(message("{\"Instances\": []}".into()).contains("missing field `Definition`"));
}

#[test]
fn a_task_file_that_is_not_there_says_what_to_do() {
    let dir = folder(&[(&format!("{NI_TASK}.json"), &ni_task(12))]);
    let superni = Dataset::open("superni", dir.path()).unwrap();
    let error = superni.stream("c1").unwrap_err().to_string();
    assert!(error.contains("task1310_amazonreview_rating_classification.json is missing"), "{error}");
    assert!(error.contains("sapo data get superni"), "{error}");
    assert!(matches!(superni.task("task1_x").unwrap_err(), ReadError::Unknown { .. }));
}

#[test]
fn a_task_is_named_as_one_folder_is() {
    for name in ["../task", "/task", "a/b", "a/", ".", "..", ""] {
        let text = serde_json::json!({name: {"instruction": "Do it."}}).to_string();
        let dir = folder(&[("instructions.json", &text)]);
        let error = Dataset::open("superni", dir.path()).unwrap_err();
        let is_named = matches!(&error, ReadError::File { path, .. } if path.ends_with("instructions.json"));
        assert!(is_named, "{name:?}: {error}");
    }
}

fn trace() -> tempfile::TempDir {
    let files: Vec<(String, &str)> = TRACE_ROWS
        .iter()
        .flat_map(|(task, rows)| {
            ["train", "eval", "test"].map(|split| (format!("{task}/{split}.json"), *rows))
        })
        .collect();
    folder(&files.iter().map(|(name, text)| (name.as_str(), *text)).collect::<Vec<_>>())
}

#[test]
fn a_prompt_of_the_release_is_cut_exactly() {
    let dir = trace();
    let trace = Dataset::open("trace", dir.path()).unwrap();
    assert_eq!(trace.layout(), LayoutName::TraceRelease);
    let fomc = trace.task("FOMC").unwrap();
    assert_eq!(fomc.train, [Example::new("Rates\nrise.", "B")]);
    let stance = trace.task("C-STANCE").unwrap();
    assert_eq!((stance.language, stance.train[0].input.as_str()), (Language::Chinese, "好\n对象：\n雨"));
    let science = trace.task("ScienceQA").unwrap();
    assert_eq!(science.train[0].target(), "A", "the reasons are left out");
    let code = trace.task("Py150").unwrap();
    assert_eq!((code.instruction.as_str(), code.train[0].input.as_str()), ("", "<s> import os <EOL>"));
    assert!(matches!(trace.task("Lima").unwrap_err(), ReadError::Missing { .. }));
    let metric = |name: &str| trace.describe(name).unwrap().native_metric.unwrap_or_default();
    let metrics = ["FOMC", "ScienceQA", "Py150", "MeetingBank", "Lima"].map(metric);
    assert_eq!(metrics, ["accuracy", "accuracy_first_letter", "edit_similarity_trace", "rouge_l_trace", ""]);
    // with the paper's layout around them, the parts are a prompt again
    let text = layout::prompt(&fomc, &fomc.instruction, &fomc.train[0].input);
    assert!(
        text.starts_with("What is the monetary policy stance") && text.ends_with("as your answer."),
        "{text}"
    );
}

#[test]
fn a_prompt_that_the_template_does_not_make_is_an_error() {
    let dir = trace();
    let message = |rows: &str| {
        fs::write(dir.path().join("FOMC/train.json"), rows).unwrap();
        Dataset::open("trace", dir.path()).unwrap().task("FOMC").unwrap_err().to_string()
    };
    let error = message("[{\"prompt\": \"What?\\nText:\\nx\\nStance:\", \"answer\": \"A\"}]");
    assert!(
        error.contains("FOMC/train.json, row 1: `prompt`: expected it to begin with \"What is the"),
        "{error}"
    );
    let begin = "What is the monetary policy stance for the following text? A. dovish, B. hawkish, C. neutral. \
                 Choose one from A, B and C.\\nText:\\n";
    let error = message(&format!("[{{\"prompt\": \"{begin}x\", \"answer\": \"A\"}}]"));
    assert!(error.contains("row 1: `prompt`: expected it to end with \"\\nStance:\", got \"x\""), "{error}");
    let error = message(&format!("[{{\"prompt\": \"{begin}x\\nStance:\", \"answer\": \"D\"}}]"));
    assert!(error.contains("row 1: `answer`: expected one of"), "{error}");
}

const OWN: [(&str, &str); 6] = [
    ("streams.toml", "[[stream]]\nname = \"mine\"\ntasks = [\"tone\", \"plural\"]\n"),
    (
        "tone/task.toml",
        "instruction = \"Good or bad?\"\nsuffix = \"Answer:\"\nlabels = [\"good\", \"bad\"]\n",
    ),
    ("tone/train.jsonl", "{\"input\": \"nice\", \"target\": \"good\"}\n"),
    ("tone/test.jsonl", "{\"input\": \"poor\", \"target\": \"bad\"}\n"),
    ("plural/task.toml", "instruction = \"Write the plural.\"\nnative_metric = \"edit_similarity\"\n"),
    ("plural/train.jsonl", "{\"input\": \"cat\", \"target\": \"cats\"}\n"),
];

#[test]
fn tasks_of_your_own_are_a_stream() {
    let dir = folder(&OWN);
    assert!(Dataset::is_own(dir.path()));
    let stream = Dataset::own(dir.path()).unwrap().stream("mine").unwrap();
    let [tone, plural] = &stream.tasks[..] else { panic!("{stream:?}") };
    assert_eq!((tone.name.as_str(), tone.kind, tone.dev.len()), ("tone", TaskKind::Classification, 0));
    assert_eq!(tone.test, [Example::new("poor", "bad")]);
    assert_eq!(
        (tone.native_metric.as_deref(), plural.native_metric.as_deref()),
        (None, Some("edit_similarity"))
    );
    assert_eq!((plural.kind, plural.suffix.as_ref(), plural.test.len()), (TaskKind::Generation, None, 0));

    fs::remove_file(dir.path().join("streams.toml")).unwrap();
    let own = Dataset::own(dir.path()).unwrap();
    let name = dir.path().file_name().unwrap().to_str().unwrap().to_lowercase();
    let names: Vec<String> = own.sequences()[0].tasks.clone();
    assert_eq!((own.sequences()[0].name.to_lowercase(), names), (name, vec!["plural".into(), "tone".into()]));
}

#[test]
fn mistakes_in_your_own_tasks_name_their_place() {
    let message = |file: &str, text: &str| {
        let dir = folder(&OWN);
        fs::write(dir.path().join(file), text).unwrap();
        let error = Dataset::own(dir.path()).and_then(|own| own.stream("mine")).unwrap_err().to_string();
        error.replace(&format!("{}/", dir.path().display()), "")
    };
    let error = message("tone/task.toml", "instruction = \"x\"\nlables = []\n");
    assert!(
        error.starts_with("tone/task.toml: ") && error.contains("line 2") && error.contains("lables"),
        "{error}"
    );
    let error = message("tone/task.toml", "instruction = \" \"\n");
    assert_eq!(error, "tone/task.toml: `instruction`: expected a text, got nothing but space");
    let error = message("tone/train.jsonl", "\n{\"input\": \"a\", \"target\": \"fine\"}\n");
    assert!(error.starts_with("tone/train.jsonl, line 2: `target`: expected one of"), "{error}");
    let error = message("streams.toml", "[[stream]]\nname = \"mine\"\ntasks = [\"tome\"]\n");
    assert!(error.contains("no task `tome`; it has plural, tone"), "{error}");
    let error = message("streams.toml", "stream = 3\n");
    assert!(error.starts_with("streams.toml: ") && error.contains("line 1"), "{error}");

    let dir = folder(&OWN);
    fs::remove_file(dir.path().join("tone/train.jsonl")).unwrap();
    let error = Dataset::own(dir.path()).unwrap().stream("mine").unwrap_err().to_string();
    assert!(error.contains("tone/train.jsonl is missing: task `tone` needs it; write"), "{error}");
}

#[test]
fn a_folder_in_no_known_layout_says_what_was_expected() {
    let dir = folder(&[("notes.txt", "")]);
    for (benchmark, expected) in [
        ("superni", "instructions.json is missing"),
        ("trace", "instructions.json is missing"),
        ("text-classification", "NLI/MNLI/labels.json is missing"),
        ("natural-instructions", "tasks.json is missing"),
        ("builtin", "<task>/task.toml is missing"),
    ] {
        let error = Dataset::open(benchmark, dir.path()).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("expected in it: "), "{benchmark}: {error}");
    }
}

proptest::proptest! {
    #[test]
    fn any_files_give_tasks_or_an_error(bytes: Vec<u8>) {
        let all = |dataset: Result<Dataset, ReadError>| {
            let Ok(dataset) = dataset else { return };
            let _: Vec<Result<Task, _>> = dataset.task_names().map(|name| dataset.task(name)).collect();
        };
        let dir = folder(&[]);
        for file in [format!("{NI_TASK}.json"), "FOMC/eval.json".into(), "FOMC/train.json".into(), "t/task.toml".into(),
            "t/train.jsonl".into(), "streams.toml".into(), "examples.jsonl".into()] {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, &bytes).unwrap();
        }
        all(Dataset::own(dir.path()));
        for name in ["superni", "trace", "natural-instructions"] {
            all(Dataset::open(name, dir.path()));
        }
    }
}
