//! Both tables from made-up scores. Eight pairs with the same difference: the smallest p of the exact sign-flip test is
//! 2 / 2^8, times six tests 0.047.

use std::collections::BTreeMap;

use super::beside::Beside;
use super::*;
use crate::comparison::groups::{ArmNumbers, Numbers};
use crate::comparison::paired::paired;
use crate::published::{Published, Quantity};

/// AP, BWT and FWT of the same height under every seed.
fn arm(arm: &'static str, numbers: [f64; 3], seeds: u64) -> ArmNumbers<'static> {
    let printed = [0.0; 3];
    let by_seed: BTreeMap<u64, Numbers> = (0..seeds).map(|seed| (seed, [numbers, printed])).collect();
    ArmNumbers { arm, by_seed }
}

fn row(stream: &str, method: &str, arms: Vec<ArmNumbers<'static>>) -> Row<'static> {
    Row { values: vec![stream.to_string(), method.to_string()], pooled: false, arms }
}

fn results(rows: Vec<Row<'static>>) -> OfStreams<'static> {
    let rows: &[Row] = rows.leak();
    OfStreams {
        paired: paired(rows, "static").unwrap().leak().iter().collect(),
        rows: rows.iter().collect(),
        baseline: "static",
        method: 1,
        limited: false,
        material: Material { benchmark: "builtin".to_string(), model: "nano".to_string() },
    }
}

/// Two streams under a method of the paper, and one of them under another method, without SAPO.
fn made_up() -> OfStreams<'static> {
    let lora = |stream, sapo| {
        row(stream, "lora-inc", vec![arm("static", [90.0, -4.0, 0.5], 8), arm("sapo", sapo, 8)])
    };
    results(vec![
        lora("g1", [92.0, -4.0, -0.5]),
        lora("c1", [87.5, -3.0, 0.5]),
        row("g1", "replay", vec![arm("static", [95.0, 0.0, 1.0], 3)]),
    ])
}

fn published(table: PaperTable, model: &str, stream: &str, quantity: Quantity, ap: f64) -> Published {
    let (model, stream) = (model.to_string(), stream.to_string());
    Published { table, model, method: "lora-inc", stream, quantity, numbers: [ap, 0.25, -0.13] }
}

#[test]
fn the_form_of_the_paper() {
    let table = form::table(&made_up()).unwrap();
    let expected = "\
| method | arm | seeds | g1 AP ↑ | g1 BWT ↑ | g1 FWT ↑ | c1 AP ↑ | c1 BWT ↑ | c1 FWT ↑ |
| :--- | :--- | :--- | :--- | :--- | :--- | :--- | :--- | :--- |
| lora-inc | static | 8 | 90.0 [90.0, 90.0] | −4.0 [−4.0, −4.0] | 0.5 [0.5, 0.5] | 90.0 [90.0, 90.0] | −4.0 [−4.0, −4.0] | 0.5 [0.5, 0.5] |
| lora-inc | + sapo | 8 | +2.0 [2.0, 2.0]\\* | 0.0 [0.0, 0.0] | −1.0 [−1.0, −1.0]\\* | −2.5 [−2.5, −2.5]\\* | +1.0 [1.0, 1.0]\\* | 0.0 [0.0, 0.0] |
| replay | static | 3 | 95.0 [95.0, 95.0] | 0.0 [0.0, 0.0] | 1.0 [1.0, 1.0] | n/a | n/a | n/a |

As the paper's Table 1, 35 runs. ";
    let markdown = table.to_markdown();
    assert!(markdown.starts_with(expected), "{markdown}");
    assert!(
        markdown.contains("p < 0.05 in the permutation test after Holm's correction over all 6 differences")
    );
}

#[test]
fn a_difference_that_is_not_decided_has_no_mark() {
    let two = |sapo| row("g1", "ewc", vec![arm("static", [90.0, -4.0, 0.5], 8), arm("sapo", sapo, 2)]);
    let markdown = form::table(&results(vec![two([92.0, -4.0, -0.5])])).unwrap().to_markdown();
    assert!(markdown.contains("| ewc | static | 8 |"), "{markdown}");
    assert!(markdown.contains("| ewc | + sapo | 2 | +2.0 [2.0, 2.0] |"), "{markdown}");
}

#[test]
fn ours_beside_the_paper() {
    let results = made_up();
    let paper = [
        published(PaperTable::Table1, "Qwen3-8b", "g1", Quantity::Baseline, 45.08),
        published(PaperTable::Table1, "Qwen3-8b", "g1", Quantity::Sapo, 0.58),
        published(PaperTable::Table1, "Qwen3-8b", "trace", Quantity::Sapo, 0.72),
        published(PaperTable::Table1, "Llama-2-13b-chat", "g1", Quantity::Sapo, 1.48),
        published(PaperTable::Table1, "Llama-2-13b-chat", "c1", Quantity::Sapo, 0.29),
        published(PaperTable::Table3, "Qwen3-14b", "c1", Quantity::SapoWith("qwen3-32b".to_string()), 1.66),
    ];
    let beside = Beside::new(&results, &paper);
    assert_eq!(beside.models, ["Qwen3-8b", "Llama-2-13b-chat"]);
    let markdown = beside.table().unwrap().to_markdown();
    let expected = "\
| method | stream | metric | seeds | ours | p (Holm) | Qwen3-8b | Llama-2-13b-chat |
| :--- | :--- | :--- | ---: | ---: | ---: | ---: | ---: |
| lora-inc | g1 | AP | 8 | 2.0 [2.0, 2.0] | 0.047 | 0.58 | 1.48 |
| lora-inc | g1 | BWT | 8 | 0.0 [0.0, 0.0] | 1.000 | 0.25 | 0.25 |
| lora-inc | g1 | FWT | 8 | -1.0 [-1.0, -1.0] | 0.047 | -0.13 | -0.13 |
| lora-inc | c1 | AP | 8 | -2.5 [-2.5, -2.5] | 0.047 | n/a | 0.29 |
| lora-inc | c1 | BWT | 8 | 1.0 [1.0, 1.0] | 0.047 | n/a | 0.25 |
| lora-inc | c1 | FWT | 8 | 0.0 [0.0, 0.0] | 1.000 | n/a | -0.13 |
";
    assert!(markdown.starts_with(expected), "{markdown}");
    assert!(markdown.contains("other tasks than the paper's, and a far smaller model (nano)"), "{markdown}");
    beside.figure().unwrap();
}

#[test]
fn what_the_paper_does_not_have_is_left_out() {
    let results = made_up();
    let paper = [published(PaperTable::Table1, "Qwen3-8b", "c1", Quantity::Sapo, 0.58)];
    let beside = Beside::new(&results, &paper);
    assert!(beside.pairs.len() == 3 && beside.pairs.iter().all(|pair| pair.ours.values[0] == "c1"));
    assert!(Beside::new(&results, &paper[..0]).is_empty());
}

#[test]
fn on_the_papers_sequences_the_caption_names_the_model() {
    let mut results = made_up();
    results.material = Material { benchmark: "superni".to_string(), model: "small".to_string() };
    let paper = [published(PaperTable::Table1, "Qwen3-8b", "g1", Quantity::Sapo, 0.58)];
    let markdown = Beside::new(&results, &paper).table().unwrap().to_markdown();
    assert!(markdown.contains("the paraphrases are not, and the model here is small."), "{markdown}");
}

#[test]
fn everything_that_main_table_compares_is_in_the_paper() {
    let paper = shipped().unwrap();
    let all = |streams: &[&'static str]| {
        let methods = ["lora-inc", "ewc", "o-lora", "inscl"];
        let rows = streams.iter().flat_map(|stream| methods.map(|method| (stream, method)));
        let arms = || vec![arm("static", [90.0, -4.0, 0.5], 2), arm("sapo", [91.0, -3.0, 0.5], 2)];
        let results = results(rows.map(|(stream, method)| row(stream, method, arms())).collect());
        Beside::new(&results, &paper).pairs.len()
    };
    assert_eq!(all(&["g1", "c1", "m1"]), 3 * 4 * 3);
    assert_eq!(all(&["g1", "c1", "m1", "g2", "c2", "m2", "trace"]), 7 * 4 * 3);
}
