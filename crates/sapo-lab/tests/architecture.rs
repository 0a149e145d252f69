//! The dependency rules of the workspace, read from `cargo metadata` and `Cargo.lock` and checked.
//!
//! It lives here because the crate that holds it must not link libtorch and has `serde_json` and `toml` at hand.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every crate of the workspace and its floor; a crate uses crates of lower floors.
const FLOORS: [(&str, u8); 13] = [
    ("sapo-files", 0),
    ("sapo-http", 0),
    ("sapo-metrics", 0),
    ("sapo-bandit", 0),
    ("sapo-prompts", 0),
    ("sapo-tasks", 0),
    ("sapo-model", 0),
    ("sapo-probes", 1),
    ("sapo-bench", 1),
    ("sapo-lab", 1),
    ("sapo-learn", 2),
    ("sapo-cli", 3),
    ("experiments", 3),
];

/// The uses within a floor.
const SAME_FLOOR: [(&str, &str); 7] = [
    ("sapo-tasks", "sapo-prompts"),
    ("sapo-tasks", "sapo-http"),
    ("sapo-prompts", "sapo-http"),
    ("sapo-model", "sapo-http"),
    ("sapo-tasks", "sapo-files"),
    ("sapo-prompts", "sapo-files"),
    ("sapo-model", "sapo-files"),
];

/// The crates of the first floor: all that each may use of this workspace.
const ALLOWED: [(&str, &[&str]); 3] = [
    ("sapo-lab", &["sapo-files", "sapo-metrics"]),
    ("sapo-probes", &["sapo-model", "sapo-tasks", "sapo-prompts", "sapo-metrics"]),
    ("sapo-bench", &["sapo-model", "sapo-tasks", "sapo-metrics"]),
];

/// A library from outside, and the only crates that may name it.
const NAMED_BY: [(&str, &[&str]); 4] = [
    ("reqwest", &["sapo-http", "sapo-model", "sapo-prompts", "sapo-tasks"]),
    ("tch", &["sapo-model", "sapo-probes", "sapo-learn"]),
    ("polars", &["sapo-lab"]),
    ("plotters", &["sapo-lab"]),
];

/// The crates that build and test in seconds, because nothing below them links libtorch.
const TORCH_FREE: [&str; 7] =
    ["sapo-files", "sapo-http", "sapo-metrics", "sapo-bandit", "sapo-prompts", "sapo-tasks", "sapo-lab"];

/// What each package names among its dependencies: normal, build and dev alike.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// Every rule that `workspace` (what each crate declares) or `locked` (everything below, from the lock file) breaks.
fn violations(workspace: &Graph, locked: &Graph) -> Vec<String> {
    let mut broken = Vec::new();
    let floors = BTreeMap::from(FLOORS);
    let allowed = BTreeMap::from(ALLOWED);

    for name in floors.keys().filter(|name| !workspace.contains_key(**name)) {
        broken.push(format!("{name} is missing from the workspace"));
    }
    for (name, uses) in workspace {
        let Some(floor) = floors.get(name.as_str()) else {
            broken.push(format!("{name} is not in the design; add it to FLOORS and to docs/architecture.md"));
            continue;
        };
        for used in uses {
            if let Some(below) = floors.get(used.as_str()) {
                if below >= floor && !SAME_FLOOR.contains(&(name.as_str(), used.as_str())) {
                    broken.push(format!("{name} (floor {floor}) uses {used} (floor {below})"));
                }
                if allowed.get(name.as_str()).is_some_and(|list| !list.contains(&used.as_str())) {
                    broken
                        .push(format!("{name} uses {used}, which is not among {:?}", allowed[name.as_str()]));
                }
            }
            for (library, namers) in NAMED_BY {
                let part =
                    used.strip_prefix(library).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
                if part && !namers.contains(&name.as_str()) {
                    broken.push(format!("{name} names {used}, which only {namers:?} may"));
                }
            }
        }
    }
    for name in TORCH_FREE {
        if let Some(path) = path_to(locked, name, "torch-sys") {
            broken.push(format!("{name} links libtorch: {}", path.join(" -> ")));
        }
    }
    broken
}

/// A chain of dependencies from `from` to `to`, if there is one.
fn path_to(graph: &Graph, from: &str, to: &str) -> Option<Vec<String>> {
    let mut seen = BTreeSet::from([from.to_owned()]);
    let mut open = vec![vec![from.to_owned()]];
    while let Some(path) = open.pop() {
        for next in path.last().and_then(|end| graph.get(end)).into_iter().flatten() {
            let longer = [path.as_slice(), std::slice::from_ref(next)].concat();
            if next == to {
                return Some(longer);
            }
            if seen.insert(next.clone()) {
                open.push(longer);
            }
        }
    }
    None
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The crates of this workspace with the dependencies that they declare.
fn declared() -> Result<Graph, Box<dyn Error>> {
    let out = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()?;
    if !out.status.success() {
        return Err(String::from_utf8_lossy(&out.stderr).into());
    }
    let metadata: serde_json::Value = serde_json::from_slice(&out.stdout)?;
    let text = |value: &serde_json::Value| value["name"].as_str().unwrap_or_default().to_owned();
    let packages = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
    Ok(packages
        .iter()
        .map(|package| {
            (text(package), package["dependencies"].as_array().into_iter().flatten().map(text).collect())
        })
        .collect())
}

/// Everything that the lock file holds; versions of one package are taken together.
fn locked() -> Result<Graph, Box<dyn Error>> {
    let lock: toml::Table = std::fs::read_to_string(root().join("Cargo.lock"))?.parse()?;
    let mut graph = Graph::new();
    for package in
        lock.get("package").and_then(toml::Value::as_array).ok_or("Cargo.lock lists no packages")?
    {
        let name = package.get("name").and_then(toml::Value::as_str).ok_or("a package without a name")?;
        let uses = package.get("dependencies").and_then(toml::Value::as_array).into_iter().flatten();
        // an entry is a name, with the version after it where the lock file holds several
        let names = uses.filter_map(|used| used.as_str()?.split(' ').next().map(str::to_owned));
        graph.entry(name.to_owned()).or_default().extend(names);
    }
    Ok(graph)
}

#[test]
fn the_workspace_keeps_the_rules() -> Result<(), Box<dyn Error>> {
    let broken = violations(&declared()?, &locked()?);
    assert!(broken.is_empty(), "the architecture is broken:\n  {}", broken.join("\n  "));
    Ok(())
}

#[test]
fn the_lock_file_is_really_followed() -> Result<(), Box<dyn Error>> {
    let path = path_to(&locked()?, "sapo-learn", "torch-sys");
    assert!(path.is_some(), "sapo-learn must be seen to link libtorch, or the other test sees nothing");
    Ok(())
}

/// The rules' own test: each change to a sound workspace must be reported, by exactly one message.
#[test]
fn every_rule_can_be_broken() {
    let sound: Graph = FLOORS.iter().map(|(name, _)| ((*name).to_owned(), BTreeSet::new())).collect();
    assert_eq!(violations(&sound, &sound), Vec::<String>::new());

    let fine = [
        ("sapo-tasks", "sapo-prompts"),
        ("sapo-model", "sapo-http"),
        ("sapo-lab", "sapo-metrics"),
        ("sapo-model", "tch"),
        ("sapo-cli", "tchotchke"),
    ];
    for (user, used) in fine {
        let mut changed = sound.clone();
        changed.entry(user.to_owned()).or_default().insert(used.to_owned());
        assert_eq!(violations(&changed, &sound), Vec::<String>::new(), "{user} may use {used}");
    }

    let wrong = [
        ("sapo-model", "sapo-learn", "sapo-model (floor 0) uses sapo-learn (floor 2)"),
        ("sapo-prompts", "sapo-tasks", "sapo-prompts (floor 0) uses sapo-tasks (floor 0)"),
        ("experiments", "sapo-cli", "experiments (floor 3) uses sapo-cli (floor 3)"),
        ("sapo-lab", "sapo-tasks", "sapo-lab uses sapo-tasks"),
        ("sapo-probes", "sapo-bandit", "sapo-probes uses sapo-bandit"),
        ("sapo-bench", "sapo-prompts", "sapo-bench uses sapo-prompts"),
        ("sapo-bench", "tch", "sapo-bench names tch"),
        ("experiments", "polars", "experiments names polars"),
        ("sapo-cli", "polars-core", "sapo-cli names polars-core"),
        ("sapo-learn", "plotters", "sapo-learn names plotters"),
        ("sapo-extra", "serde", "sapo-extra is not in the design"),
    ];
    for (user, used, message) in wrong {
        let mut changed = sound.clone();
        changed.entry(user.to_owned()).or_default().insert(used.to_owned());
        let found = violations(&changed, &sound);
        assert!(found.len() == 1 && found[0].starts_with(message), "{user} -> {used}: {found:?}");
    }

    let mut without = sound.clone();
    without.remove("sapo-bench");
    assert_eq!(violations(&without, &sound), ["sapo-bench is missing from the workspace"]);

    let below = |name: &str, used: &str| (name.to_owned(), BTreeSet::from([used.to_owned()]));
    let linked = Graph::from([below("sapo-tasks", "candle"), below("candle", "torch-sys")]);
    assert_eq!(violations(&sound, &linked), ["sapo-tasks links libtorch: sapo-tasks -> candle -> torch-sys"]);
}
