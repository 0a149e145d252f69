//! `--model org/name`, against a stand-in for the Hub.

#[allow(dead_code)] // the library's tests use all of it
#[path = "../../../sapo-model/tests/suite/stand_in.rs"]
mod stand_in;

use std::path::Path;

use crate::common::{Run, folder, sapo_in, sapo_with, tiny_model};
use stand_in::{Answer, Repository, StandIn};

const PAIRS: &str = "{\"prompt\": \"the food was\", \"completion\": \" fine\"}\n";

fn loss(variables: &[(&str, &str)], here: &Path, model: &str) -> Run {
    sapo_with(variables, here, &["loss", "--model", model, "--data", "pairs.jsonl", "--json"])
}

#[test]
fn a_model_is_downloaded_once_and_then_used_without_the_network() {
    let here = folder(&[("pairs.jsonl", PAIRS)]);
    let repository = Repository::of(&tiny_model(here.path()));
    let server = StandIn::start(move |request| repository.answer(request));
    let expected = loss(&[], here.path(), "model").ok().stdout;

    let variables = [("HF_HOME", "hf"), ("HF_ENDPOINT", server.url.as_str())];
    let run = loss(&variables, here.path(), "org/tiny");
    assert_eq!((run.code, &run.stdout), (0, &expected), "{}", run.stderr);
    assert!(run.stderr.contains("downloading org/tiny: model.safetensors, 0 B of "), "{}", run.stderr);

    let offline = [("HF_HOME", "hf"), ("HF_HUB_OFFLINE", "1")];
    assert_eq!(loss(&offline, here.path(), "org/tiny").ok().stdout, expected);
    let run = loss(&offline, here.path(), "org/other");
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("org/other: no whole copy of revision main in the cache hf/hub"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("hint: unset HF_HUB_OFFLINE"), "{}", run.stderr);
}

#[test]
fn a_folder_of_that_name_wins() {
    let here = folder(&[("pairs.jsonl", PAIRS), ("org/notes.txt", "")]);
    std::fs::rename(tiny_model(here.path()), here.path().join("org/tiny")).unwrap();
    let server = StandIn::start(|_| Answer::status(500));
    loss(&[("HF_HOME", "hf"), ("HF_ENDPOINT", &server.url)], here.path(), "org/tiny").ok();
    assert_eq!(server.requests(), []);
}

#[test]
fn what_is_neither_a_folder_nor_a_name_is_refused() {
    let here = folder(&[("pairs.jsonl", PAIRS)]);
    let run = sapo_in(here.path(), &["loss", "--model", "nowhere", "--data", "pairs.jsonl"]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert_eq!(
        run.stderr,
        "error: nowhere: expected a folder that is there, or a model of the Hub as org/name or org/name@revision\n"
    );
}

#[test]
fn a_token_is_in_no_message_and_no_log() {
    let here = folder(&[("pairs.jsonl", PAIRS)]);
    let server = StandIn::start(|_| Answer::status(401));
    let variables = [
        ("HF_HOME", "hf"),
        ("HF_ENDPOINT", server.url.as_str()),
        ("HF_TOKEN", "hf_veryVerySecret"),
        ("RUST_LOG", "trace"),
    ];
    let run = loss(&variables, here.path(), "org/tiny");
    assert_eq!(server.requests()[0].authorization.as_deref(), Some("Bearer hf_veryVerySecret"));
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("TRACE"), "this test needs a log to look at: {}", run.stderr);
    assert!(!run.stderr.contains("VerySecret"), "{}", run.stderr);
    assert!(run.stderr.contains("for its list of files gave status 401\nhint: "), "{}", run.stderr);
    assert!(run.stderr.contains("set HF_TOKEN"), "{}", run.stderr);
}
