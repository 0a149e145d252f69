//! `sapo paraphrase` with a model that writes or measures.

use serde_json::Value;

use crate::common::{folder, sapo_in};
use crate::fixtures::{EXAMPLES, number, patient_model};

const PARAPHRASE: [&str; 9] = [
    "paraphrase",
    "--instruction",
    "Is the review good or bad?",
    "--labels",
    "good,bad",
    "--count",
    "3",
    "--model",
    "model",
];

#[test]
fn a_model_that_knows_no_markers_gives_no_pool() {
    let here = folder(&[]);
    patient_model(here.path());
    let more = ["--source", "model", "--max-new-tokens", "4", "--out", "pool.json"];
    let run = sapo_in(here.path(), &[&PARAPHRASE[..], &more].concat());
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("dropped 12: ") && run.stderr.contains("only 0 passed"), "{}", run.stderr);
    assert!(!here.path().join("pool.json").exists());
    // what it lacks grammar makes, and says so
    let filled = sapo_in(here.path(), &[&PARAPHRASE[..], &more, &["--fill"]].concat());
    assert_eq!(filled.code, 0, "{}", filled.stderr);
    let pool: Value =
        serde_json::from_str(&std::fs::read_to_string(here.path().join("pool.json")).unwrap()).unwrap();
    assert!(pool["variants"].as_array().unwrap()[1..].iter().all(|v| v["origin"]["source"] == "grammar"));
}

#[test]
fn a_search_gives_its_best_by_the_models_own_measure() {
    let here = folder(&[("data.jsonl", EXAMPLES)]);
    patient_model(here.path());
    let search = [
        "--source",
        "search",
        "--data",
        "data.jsonl",
        "--rounds",
        "3",
        "--per-round",
        "4",
        "--out",
        "pool.json",
    ];
    let run = |more: &[&str]| {
        let run = sapo_in(here.path(), &[&PARAPHRASE[..], &search, more].concat());
        assert_eq!(run.code, 0, "{}", run.stderr);
        let pool: Value =
            serde_json::from_str(&std::fs::read_to_string(here.path().join("pool.json")).unwrap()).unwrap();
        (run.stderr, pool)
    };
    let (said, pool) = run(&["--measure-at-most", "9"]);
    assert!(said.contains("measured 9 wordings on 4 examples each"), "{said}");
    // what select measures of the pool is what the search noted
    let select = ["select", "--model", "model", "--data", "data.jsonl", "--pool", "pool.json", "--json"];
    let selected = sapo_in(here.path(), &select).ok().json().remove(0);
    let mut before = f64::NEG_INFINITY;
    for (variant, arm) in
        pool["variants"].as_array().unwrap().iter().zip(selected["arms"].as_array().unwrap()).skip(1)
    {
        let detail = variant["origin"]["detail"].as_str().unwrap();
        let noted: f64 =
            detail.rsplit_once(", ").unwrap().1.strip_suffix(" nats a token").unwrap().parse().unwrap();
        assert!((noted - number(&arm["mean"])).abs() < 1e-3, "{detail}: {arm}");
        assert!(noted >= before, "best first");
        before = noted;
    }
    let (_, control) = run(&["--from-original"]);
    let parents = control["variants"].as_array().unwrap()[1..].iter();
    assert!(
        parents
            .map(|v| v["origin"]["detail"].as_str().unwrap())
            .all(|detail| detail.contains("of original, by grammar"))
    );
    let refused = |args: &[&str], why: &str| {
        let run = sapo_in(here.path(), &[&PARAPHRASE[..], args].concat());
        assert!(run.code == 1 && run.stderr.contains(why), "{}", run.stderr);
    };
    refused(&["--source", "search"], "give them with --data");
    let too_small = "--count 3: this search measures at most 2 paraphrases";
    refused(&[&search[..], &["--measure-at-most", "3"]].concat(), too_small);
}
