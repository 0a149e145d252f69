//! `get` against a server on this machine, and from folders. Real downloads: not run.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as it should be")]

mod folder;
#[allow(dead_code, clippy::unwrap_used)] // the model's tests use all of it
#[path = "../../sapo-model/tests/suite/stand_in.rs"]
mod stand_in;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use folder::{NI_TASK, TRACE_ROWS, folder, ni_task};
use sapo_tasks::get::{Event, GetError, Request, Retry, Source, get};
use sapo_tasks::readers::Dataset;
use stand_in::{Answer, StandIn, part};

const OTHER: &str = "task363_sst2_polarity_classification";

const AT_ONCE: Retry = Retry { times: 2, first_pause: Duration::ZERO, longest_pause: Duration::ZERO };

/// What is asked of a test's server, and what has happened.
fn run(
    benchmark: &str,
    tasks: &[&str],
    source: Option<Source>,
    out: &Path,
    unverified: bool,
) -> (Result<(), GetError>, Vec<String>) {
    let tasks: Vec<String> = tasks.iter().map(ToString::to_string).collect();
    let request = Request { benchmark, tasks: &tasks, out, source, unverified, retry: AT_ONCE };
    let mut events = Vec::new();
    let outcome = get(&request, &mut |event| match event {
        Event::Progress { .. } => {}
        Event::File { file, came } => events.push(format!("{file}: {}", came.name())),
        Event::Task(task) => events.push(format!("{}: {:?}", task.name, task.rows)),
    });
    (outcome, events)
}

fn at(server: &StandIn) -> Option<Source> {
    Some(Source::Address(server.url.clone()))
}

/// The files below a folder, by path.
fn files(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(files(&entry.path())),
            false => found.push(entry.path().display().to_string()),
        }
    }
    found.sort();
    found
}

fn below(dir: &Path) -> Vec<String> {
    files(dir)
        .iter()
        .map(|file| file.strip_prefix(&format!("{}/", dir.display())).unwrap().to_owned())
        .collect()
}

#[test]
fn published_task_files_become_the_papers_layout() {
    let server = StandIn::start(|request| match request.path.strip_prefix("/tasks/") {
        Some(name) if name.starts_with("task195") => Answer::status(200).body(ni_task(20)),
        Some(_) => {
            Answer::status(200).body(ni_task(10).replace("positive", "POS").replace("negative", "NEG"))
        }
        None => Answer::status(404),
    });
    let out = tempfile::tempdir().unwrap();
    let (outcome, events) = run("superni", &[OTHER, NI_TASK], at(&server), out.path(), false);
    outcome.unwrap();
    let expected = [
        format!("tasks/{NI_TASK}.json: unverified"),
        format!("{NI_TASK}: [Some(16), Some(2), Some(2)]"),
        format!("tasks/{OTHER}.json: unverified"),
        format!("{OTHER}: [Some(8), Some(1), Some(1)]"),
    ];
    assert_eq!(events, expected);
    let splits = |task: &str| ["dev", "test", "train"].map(|split| format!("{task}/{split}.json"));
    assert_eq!(
        below(out.path()),
        [vec!["instructions.json".into()], splits(NI_TASK).into(), splits(OTHER).into()].concat()
    );

    let published = folder(&[(&format!("{NI_TASK}.json"), &ni_task(20))]);
    let expected = Dataset::open("superni", published.path()).unwrap().task(NI_TASK).unwrap();
    assert_eq!(Dataset::open("superni", out.path()).unwrap().task(NI_TASK).unwrap(), expected);

    // what is there is not asked for again
    server.requests();
    let (outcome, events) = run("superni", &[OTHER, NI_TASK], at(&server), out.path(), false);
    outcome.unwrap();
    assert_eq!(events, [format!("{NI_TASK}: was_here"), format!("{OTHER}: was_here")]);
    assert_eq!(server.requests(), []);
}

#[test]
fn a_download_that_was_cut_off_goes_on() {
    let text = ni_task(200);
    let count = AtomicUsize::new(0);
    let server = StandIn::start(move |request| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Answer::status(200).body(text.as_str()).cut(500),
        _ => part(text.as_bytes(), request.from),
    });
    let out = tempfile::tempdir().unwrap();
    let (outcome, events) = run("superni", &[NI_TASK], at(&server), out.path(), false);
    outcome.unwrap();
    assert_eq!(server.requests().iter().map(|request| request.from).collect::<Vec<_>>(), [None, Some(500)]);
    assert_eq!(events[1], format!("{NI_TASK}: [Some(160), Some(20), Some(20)]"));
}

#[test]
fn a_server_that_knows_no_ranges_starts_again() {
    let text = ni_task(20);
    let count = AtomicUsize::new(0);
    let server = StandIn::start(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Answer::status(200).body(text.as_str()).cut(500),
        _ => Answer::status(200).body(text.as_str()),
    });
    let out = tempfile::tempdir().unwrap();
    run("superni", &[NI_TASK], at(&server), out.path(), false).0.unwrap();
    assert_eq!(server.requests().len(), 2);
    assert_eq!(Dataset::open("superni", out.path()).unwrap().task(NI_TASK).unwrap().train.len(), 16);
}

#[test]
fn a_rest_that_is_no_beginning_is_thrown_away() {
    let text = ni_task(20);
    let server = StandIn::start(move |request| match request.from {
        Some(from) if from > text.len() => Answer::status(416),
        from => part(text.as_bytes(), from),
    });
    let out = tempfile::tempdir().unwrap();
    let rest = out.path().join(format!(".incoming/v2.8/tasks/{NI_TASK}.json.incomplete"));
    fs::create_dir_all(rest.parent().unwrap()).unwrap();
    fs::write(&rest, "z".repeat(1 << 20)).unwrap();
    run("superni", &[NI_TASK], at(&server), out.path(), false).0.unwrap();
    assert_eq!(
        server.requests().iter().map(|request| request.from).collect::<Vec<_>>(),
        [Some(1 << 20), None]
    );
    assert!(!out.path().join(".incoming").exists());
}

#[test]
fn an_accident_is_tried_again_and_no_end_of_them_is_told() {
    let count = AtomicUsize::new(0);
    let server = StandIn::start(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Answer::status(500),
        1 => Answer::status(429),
        _ => Answer::status(200).body(ni_task(20)),
    });
    let out = tempfile::tempdir().unwrap();
    run("superni", &[NI_TASK], at(&server), out.path(), false).0.unwrap();
    assert_eq!(server.requests().len(), 3);

    let server = StandIn::start(|_| Answer::status(503));
    let out = tempfile::tempdir().unwrap();
    let error = run("superni", &[NI_TASK], at(&server), out.path(), false).0.unwrap_err();
    assert!(matches!(&error, GetError::GaveUp { attempts: 3, last, .. } if last == "status 503"), "{error}");
    assert!(error.hint().unwrap().contains("goes on where it ended"));
    assert_eq!(server.requests().len(), 3);

    let nobody = Some(Source::Address("http://127.0.0.1:9".into()));
    let error = run("superni", &[NI_TASK], nobody, out.path(), false).0.unwrap_err();
    assert!(matches!(&error, GetError::GaveUp { .. }) && error.to_string().contains("efused"), "{error}");
}

#[test]
fn what_the_server_does_not_have_is_named_and_the_rest_comes() {
    let server = StandIn::start(|request| match request.path.contains(NI_TASK) {
        true => Answer::status(404),
        false => Answer::status(200).body(ni_task(10).replace("positive", "POS").replace("negative", "NEG")),
    });
    let out = tempfile::tempdir().unwrap();
    let (outcome, events) = run("superni", &[NI_TASK, OTHER], at(&server), out.path(), false);
    let error = outcome.unwrap_err().to_string();
    let expected = format!("1 of 3 files did not come: {}/tasks/{NI_TASK}.json gave status 404", server.url);
    assert_eq!(error, expected);
    assert_eq!(events[1], format!("{OTHER}: [Some(8), Some(1), Some(1)]"));
    assert_eq!(server.requests().len(), 2, "a 404 is not tried again");
}

#[test]
fn what_comes_and_cannot_be_read_is_named() {
    let server = StandIn::start(|_| Answer::status(200).body("{\"Definition\": \"x\", \"Instances\": [{"));
    let out = tempfile::tempdir().unwrap();
    let error = run("superni", &[NI_TASK], at(&server), out.path(), false).0.unwrap_err().to_string();
    assert!(error.contains(&format!("{NI_TASK}: ")) && error.contains("EOF while parsing"), "{error}");
    assert!(!out.path().join("instructions.json").exists());
}

#[test]
fn a_file_of_another_checksum_is_thrown_away_unless_it_is_wanted() {
    let labels = "[\"Good\", \"Bad\"]";
    let rows = "[{\"sentence\": \"a\", \"label\": \"Good\"}]";
    let server = StandIn::start(move |request| match request.path.as_str() {
        "/SC/IMDB/labels.json" => Answer::status(200).body(labels),
        "/SC/IMDB/train.json" => Answer::status(200).body(rows),
        _ => Answer::status(404),
    });
    let out = tempfile::tempdir().unwrap();
    let (outcome, events) = run("text-classification", &["imdb"], at(&server), out.path(), false);
    let error = outcome.unwrap_err();
    assert!(
        matches!(&error, GetError::Damaged { url, .. } if url.ends_with("/SC/IMDB/train.json")),
        "{error}"
    );
    assert_eq!(events, ["SC/IMDB/labels.json: verified"], "these are the labels that are known");
    assert_eq!(below(out.path()), ["SC/IMDB/labels.json"]);

    let (outcome, events) = run("text-classification", &["imdb"], at(&server), out.path(), true);
    assert!(outcome.unwrap_err().to_string().starts_with("2 of 4 files did not come"));
    assert_eq!(events, ["SC/IMDB/labels.json: was_here", "SC/IMDB/train.json: unverified"]);
    let suite = Dataset::open("text-classification", out.path()).unwrap();
    assert_eq!(suite.training_task("imdb").unwrap().train.len(), 1);

    // without the flag again, what is not the known file is fetched anew
    let error = run("text-classification", &["imdb"], at(&server), out.path(), false).0.unwrap_err();
    assert!(matches!(error, GetError::Damaged { .. }));
}

#[test]
fn the_release_of_trace_is_made_the_papers_layout_from_a_folder() {
    let out = tempfile::tempdir().unwrap();
    let error = run("trace", &[], None, out.path(), false).0.unwrap_err();
    assert!(
        matches!(&error, GetError::ByHand { .. }) && error.to_string().contains("Google Drive"),
        "{error}"
    );

    let names: Vec<_> = TRACE_ROWS
        .iter()
        .flat_map(|(task, rows)| {
            ["train", "eval", "test"].map(|split| (format!("{task}/{split}.json"), *rows))
        })
        .collect();
    let release = folder(&names.iter().map(|(name, rows)| (name.as_str(), *rows)).collect::<Vec<_>>());
    let source = Some(Source::Folder(release.path().into()));
    let (outcome, _) = run("trace", &["FOMC", "C-STANCE", "Py150"], source.clone(), out.path(), false);
    outcome.unwrap();
    let (from, to) =
        (Dataset::open("trace", release.path()).unwrap(), Dataset::open("trace", out.path()).unwrap());
    for task in ["FOMC", "C-STANCE", "Py150"] {
        assert_eq!(from.task(task).unwrap(), to.task(task).unwrap());
    }
    let (outcome, events) = run("trace", &[], source, out.path(), false);
    let error = outcome.unwrap_err().to_string();
    assert!(
        error.contains("5 of 9 files did not come: MeetingBank: ") && error.contains("is missing"),
        "{error}"
    );
    assert_eq!(events.len(), 4);
}

#[test]
fn what_cannot_be_asked_for_is_refused() {
    let out = tempfile::tempdir().unwrap();
    let error = run("superni", &["task1_x"], None, out.path(), false).0.unwrap_err().to_string();
    assert!(error.starts_with("benchmark `superni` has no task `task1_x` to get; it has task002"), "{error}");
    assert!(
        run("glue", &[], None, out.path(), false).0.unwrap_err().to_string().contains("no benchmark `glue`")
    );
    assert!("https://mirror/x/".parse::<Source>().unwrap() == Source::Address("https://mirror/x".into()));
    assert!(matches!("nowhere/at/all".parse::<Source>(), Err(GetError::Source { .. })));
    for secret in ["https://me:hunter2@mirror/x", "https://mirror/x?token=hunter2", "me:hunter2@mirror/x"] {
        let error = secret.parse::<Source>().unwrap_err();
        assert!(matches!(error, GetError::SecretSource) && !error.to_string().contains("hunter2"), "{error}");
    }
    let file = out.path().join("file");
    fs::write(&file, "").unwrap();
    let error = run("superni", &[], None, &file, false).0.unwrap_err().to_string();
    assert!(error.starts_with("create "), "{error}");
}

/// Every path that a download names stays below the folder that it is written to.
#[test]
fn no_path_leads_out_of_the_folder() {
    use std::path::Component;
    for name in sapo_tasks::readers::benchmarks() {
        let benchmark = sapo_tasks::readers::Benchmark::named(name).unwrap();
        for download in &benchmark.downloads {
            assert!(download.base.starts_with("https://") && download.base.contains("{revision}"), "{name}");
            for file in &download.files {
                let path = file.replace("{task}", "t").replace("{path}", "a/b");
                assert!(
                    Path::new(&path).components().all(|part| matches!(part, Component::Normal(_))),
                    "{file}"
                );
            }
        }
        for spec in &benchmark.tasks {
            assert!(Path::new(spec.path()).components().all(|part| matches!(part, Component::Normal(_))));
        }
    }
}
