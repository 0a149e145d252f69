//! `sapo merge`: what is merged computes what its parts compute.

use std::path::Path;

use crate::common::{folder, open, sapo_in, tiny_model};
use crate::fixtures::{PAIRS, number, write_adapter};

/// Losses that `sapo loss` prints with these further arguments.
fn losses(here: &Path, args: &[&str]) -> Vec<f64> {
    let args = [&["loss", "--data", "pairs.jsonl", "--json"], args].concat();
    let lines = sapo_in(here, &args).ok().json();
    lines.iter().filter(|line| line["loss"].is_number()).map(|line| number(&line["loss"])).collect()
}

fn assert_near(a: &[f64], b: &[f64], tolerance: f64) {
    assert_eq!(a.len(), b.len());
    assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < tolerance), "{a:?} {b:?}");
}

#[test]
fn merged_adapters_compute_what_the_model_with_all_of_them_computes() {
    let here = folder(&[("pairs.jsonl", PAIRS)]);
    let path = tiny_model(here.path());
    write_adapter(&path, &here.path().join("one"), 2, 3);
    write_adapter(&path, &here.path().join("two"), 3, 4);
    let both = losses(here.path(), &["--model", "model", "--adapter", "one", "--adapter", "two"]);
    let first = losses(here.path(), &["--model", "model", "--adapter", "one"]);
    assert!((both[0] - first[0]).abs() > 1e-3, "the second adapter must do something");

    let merge = ["merge", "--model", "model", "--adapter", "one", "--adapter", "two", "--dtype", "f32"];
    let into = |more: &[&str]| sapo_in(here.path(), &[&merge[..], more].concat());
    let summary = into(&["--out", "merged", "--json"]).ok().json().remove(0)["summary"].take();
    assert_eq!((number(&summary["adapters"]), number(&summary["r"])), (2.0, 5.0));
    assert_near(&losses(here.path(), &["--model", "merged"]), &both, 1e-4);
    into(&["--out", "deep/adapter", "--into", "adapter"]).ok();
    assert_near(&losses(here.path(), &["--model", "model", "--adapter", "deep/adapter"]), &both, 1e-4);

    // what is there stays, and nothing half done is left
    let refused = into(&["--out", "merged"]);
    assert!(refused.code == 1 && refused.stderr.contains("merged is there already"), "{}", refused.stderr);
    let wrong = sapo_in(here.path(), &["merge", "--model", "model", "--adapter", "model", "--out", "wrong"]);
    assert!(wrong.code == 1 && wrong.stderr.contains("adapter_config.json"), "{}", wrong.stderr);
    let mut left: Vec<String> = std::fs::read_dir(here.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["deep", "merged", "model", "one", "pairs.jsonl", "two"]);
}

#[test]
fn a_merged_model_keeps_its_number_format_and_its_other_files() {
    let here = folder(&[("pairs.jsonl", PAIRS)]);
    let path = tiny_model(here.path());
    write_adapter(&path, &here.path().join("one"), 2, 3);
    let merge = ["merge", "--model", "model", "--adapter", "one"];
    for dtype in ["bf16", "f16"] {
        sapo_in(here.path(), &[&merge[..], &["--out", dtype, "--dtype", dtype]].concat()).ok();
        let near = losses(here.path(), &["--model", "model", "--adapter", "one"]);
        assert_near(&losses(here.path(), &["--model", dtype, "--dtype", "auto"]), &near, 0.1);
        let half = std::fs::metadata(here.path().join(dtype).join("model.safetensors")).unwrap().len();
        assert!(half < 4 * open(&path).parameter_count() as u64);
        for file in ["tokenizer.json", "tokenizer_config.json", "config.json"] {
            assert!(here.path().join(dtype).join(file).exists(), "{file}");
        }
        sapo_in(
            here.path(),
            &["merge", "--model", dtype, "--adapter", "one", "--out", &format!("{dtype}-again")],
        )
        .ok();
        let again =
            std::fs::metadata(here.path().join(format!("{dtype}-again/model.safetensors"))).unwrap().len();
        assert_eq!(again, half, "auto keeps the format");
    }
}
