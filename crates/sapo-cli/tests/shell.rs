//! `sapo completions` and `sapo man`.
#![allow(clippy::unwrap_used)]

mod common;

use std::process::Command;

use common::{folder, sapo_in};

const COMMANDS: [&str; 15] = [
    "select",
    "paraphrase",
    "pool",
    "train",
    "loss",
    "generate",
    "merge",
    "eval",
    "score",
    "matrix",
    "report",
    "runs",
    "data",
    "completions",
    "man",
];

#[test]
fn every_shell_knows_every_command_and_its_options() {
    let here = folder(&[]);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = sapo_in(here.path(), &["completions", shell]).ok().stdout;
        for word in COMMANDS.iter().chain(&["checkpoint-seconds", "too-long"]) {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(sapo_in(here.path(), &["completions", "csh"]).code, 2);
}

/// What bash offers for a line, whose last word is being typed.
fn offered(script: &str, line: &[&str]) -> Option<Vec<String>> {
    let words = line.join(" ");
    let ask = format!(
        "{script}\nCOMP_WORDS=({words}); COMP_CWORD={}; _sapo sapo {} {}; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        line.len() - 1,
        line[line.len() - 1],
        line[line.len() - 2],
    );
    let output = Command::new("bash").args(["--norc", "-c", &ask]).output().ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

#[test]
fn bash_completes_commands_options_and_values() {
    let here = folder(&[]);
    let script = sapo_in(here.path(), &["completions", "bash"]).ok().stdout;
    let Some(commands) = offered(&script, &["sapo", "ma"]) else {
        eprintln!("not run: there is no bash");
        return;
    };
    assert_eq!(commands, ["matrix", "man"]);
    assert_eq!(offered(&script, &["sapo", "train", "--tens"]).unwrap(), ["--tensorboard"]);
    let values = offered(&script, &["sapo", "loss", "--too-long", "s"]).unwrap();
    assert_eq!(values, ["shorten-prompt", "skip"]);
}

#[test]
fn a_man_page_for_the_program_and_for_each_command() {
    let here = folder(&[]);
    let page = sapo_in(here.path(), &["man"]).ok().stdout;
    assert!(page.contains(".TH sapo 1"), "{page}");
    for command in COMMANDS {
        assert!(page.contains(&format!("sapo\\-{command}(1)")), "{command}: {page}");
    }
    assert!(page.contains("130 interrupted"), "exit codes: {page}");

    sapo_in(here.path(), &["man", "--out", "pages/man1"]).ok();
    let mut pages: Vec<String> = std::fs::read_dir(here.path().join("pages/man1"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.retain(|page| !page.starts_with("sapo-help"));
    pages.sort();
    for command in COMMANDS {
        assert!(pages.contains(&format!("sapo-{command}.1")), "{command}: {pages:?}");
    }
    assert!(pages.contains(&"sapo-runs-gc.1".to_owned()), "{pages:?}");
    let train = std::fs::read_to_string(here.path().join("pages/man1/sapo-train.1")).unwrap();
    assert!(train.contains("\\-\\-checkpoint\\-seconds"), "{train}");
}
