//! The page as text, and the data in it.

use std::fs;

use sapo_lab::report::{Report, report};
use sapo_metrics::Bootstrap;
use serde_json::{Value, json};

use crate::grid::{HOSTILE, Lab, QUESTION, cell, grid, record, score};

fn page(lab: &Lab) -> Report {
    report(&[lab.folder()], 5).unwrap()
}

/// The data of every experiment on the page, as its script reads them.
fn data(html: &str) -> Vec<Value> {
    let opening = "<script type=\"application/json\">";
    html.split(opening)
        .skip(1)
        .map(|rest| serde_json::from_str(rest.split("</script>").next().unwrap()).unwrap())
        .collect()
}

/// The page without data, style, script and pictures: what the template and Rust wrote.
fn markup(html: &str) -> String {
    let mut text = html.to_owned();
    for (opening, closing) in [("<script", "</script>"), ("<style", "</style>"), (";base64,", "\"")] {
        while let Some(start) = text.find(opening) {
            let end = start + text[start..].find(closing).unwrap() + closing.len();
            text.replace_range(start..end, "");
        }
    }
    text
}

#[test]
fn means_are_over_seeds_and_every_cell_is_there() {
    let lab = Lab::with_grid(3);
    let data = &data(&page(&lab).html)[0];
    assert_eq!((&data["axes"], &data["group_axes"]), (&json!(["arm", "seed"]), &json!(["arm"])));
    assert_eq!(data["metrics"], json!(["rouge_l", "exact_match"]));
    let groups = data["groups"].as_array().unwrap();
    let rows: Vec<_> = groups.iter().map(|group| (&group["axes"], &group["runs"])).collect();
    assert_eq!(rows, [(&json!(["static"]), &json!(3)), (&json!(["sapo"]), &json!(3))]);

    // by hand: the last row is 75, 85, 95, and each seed adds one to all of it
    let ap = Bootstrap::new(0).mean(&[85.0, 86.0, 87.0]).unwrap();
    let shown = &groups[1]["scores"]["rouge_l"]["released"];
    assert_eq!(shown["AP"], json!(ap));
    // later training takes 10, then 20 and 10: mean of 10 and 15; nothing happens before a task is trained
    assert_eq!((&groups[0]["colour"], &groups[1]["colour"]), (&json!("#4d4d4d"), &json!("#0072b2")));
    assert_eq!((&shown["BWT"]["mean"], &shown["FWT"]["mean"]), (&json!(-12.5), &json!(0.0)));

    let cells = data["cells"].as_array().unwrap();
    let labels: Vec<_> = cells.iter().map(|cell| cell["axes"].clone()).collect();
    let expected: Vec<_> = grid(3).iter().map(|cell| json!([cell.axis("arm"), cell.axis("seed")])).collect();
    assert_eq!(labels, expected, "in the order of the grid");
    assert_eq!(cells[1]["scores"]["rouge_l"]["matrix"][3][0], json!(score("sapo", 0, 3, 1)));
    assert_eq!(cells[1]["steps"][0]["curve"].as_array().unwrap().len(), 60);
    assert_eq!(cells[0]["samples"][0]["steps"], json!([0, 1, 3]));
}

#[test]
fn what_cells_share_is_told_once_and_what_differs_as_values() {
    let html = markup(&page(&Lab::with_grid(3)).html);
    assert!(html.contains("<th scope=\"row\">train.epochs</th><td><code>4</code></td>"), "{html}");
    assert!(html.contains("What all 6 cells share (2 settings)"), "{html}");
    assert!(html.contains("arm <span class=\"tag\">axis</span>"), "{html}");
    assert!(html.contains("<code>data of seed 2</code>"), "{html}");
    assert!(html.contains("<th scope=\"row\">compiler</th>"), "{html}");
    assert!(!html.contains("class=\"notice"), "a whole grid needs no notice: {html}");
}

#[test]
fn hostile_text_stays_text() {
    let lab = Lab::with_grid(1);
    let html = page(&lab).html;
    assert_eq!(html.matches("<script").count(), 2, "the data and the script of the page");
    assert_eq!(html.matches("</script").count(), 2);
    for markup in ["<script>alert", "<img src=x", "<b>the wording", "<u>as it is", "<i>colours", "<more>"] {
        assert!(!html.contains(markup), "{markup}");
    }
    assert!(html.contains("Does &lt;b&gt;the wording&lt;&#x2f;b&gt; matter?"), "{QUESTION}");
    let data = &data(&html)[0];
    assert!(data["texts"].as_array().unwrap().contains(&json!(HOSTILE)), "and it is all there");
    assert_eq!(data["cells"][0]["tasks"][1], "<i>colours</i>");
}

#[test]
fn the_page_needs_nothing_else_and_allows_one_script() {
    use base64::Engine;
    use sha2::Digest;

    let html = page(&Lab::with_grid(1)).html;
    for attribute in ["src=\"", "href=\""] {
        for target in markup(&html).split(attribute).skip(1) {
            assert!(target.starts_with("data:") || target.starts_with('#'), "{}", &target[..40]);
        }
    }
    for outside in ["@import", "url(", "fetch(", "XMLHttpRequest", "import("] {
        assert!(!html.contains(outside), "{outside}");
    }
    let script = html.rsplit("<script>").next().unwrap().split("</script>").next().unwrap();
    let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(script.as_bytes()));
    let policy =
        html.split("http-equiv=\"Content-Security-Policy\"").nth(1).unwrap().split('>').next().unwrap();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(
        policy.replace("&#x2f;", "/").contains(&format!("script-src 'sha256-{hash}'")),
        "{policy} {hash}"
    );
}

#[test]
fn limited_incomplete_and_mixed_grids_are_marked() {
    let lab = Lab::new();
    let limited =
        |arm, seed| cell(arm, seed, &json!({"limited": true, "data_sha256": format!("few of {seed}")}));
    let cells = grid(2);
    lab.describe(&cells);
    cells.iter().skip(1).for_each(|cell| lab.store(cell));
    [limited("sapo", 0), limited("sapo", 1)].iter().for_each(|cell| lab.store(cell));

    let html = page(&lab).html;
    assert!(html.contains("Limited: 2 of 5 cells were made with fewer examples"), "{}", markup(&html));
    assert!(html.contains("Incomplete: 3 of the 4 cells of the grid"), "{}", markup(&html));
    assert!(html.contains("Of several grids: 2 of 5 cells were asked for earlier"), "{}", markup(&html));
    // a switch tells the grids apart, not the hash of the data, which differs by seed
    let data = &data(&html)[0];
    assert_eq!(data["group_axes"], json!(["arm", "limited"]));
    let rows: Vec<_> =
        data["groups"].as_array().unwrap().iter().map(|group| (&group["axes"], &group["runs"])).collect();
    assert_eq!(
        rows,
        [
            (&json!(["sapo", "none"]), &json!(2)),
            (&json!(["static", "none"]), &json!(1)),
            (&json!(["sapo", "true"]), &json!(2))
        ]
    );
    let colours: Vec<&Value> =
        data["groups"].as_array().unwrap().iter().map(|group| &group["colour"]).collect();
    assert!(colours[0] == colours[2] && colours[0] != colours[1], "an arm keeps its colour: {colours:?}");
}

#[test]
fn without_the_experiments_own_words_the_page_says_so() {
    let lab = Lab::new();
    grid(1).iter().for_each(|cell| lab.store(cell));
    let html = page(&lab).html;
    assert!(html.contains("No question is stored with these runs"), "{}", markup(&html));
    assert!(html.contains("No grid is stored with these runs"), "{}", markup(&html));
}

#[test]
fn a_damaged_cell_is_named_and_the_others_are_shown() {
    let lab = Lab::with_grid(2);
    let broken = lab.cell_folder(&grid(2)[0]).join("scores.parquet");
    fs::write(&broken, "not what was written").unwrap();
    let Report { html, experiments } = page(&lab);
    assert_eq!(experiments[0].cells, 3);
    assert_eq!(experiments[0].damaged.len(), 1);
    assert!(experiments[0].damaged[0].contains("scores.parquet is damaged"), "{:?}", experiments[0].damaged);
    assert!(html.contains("scores.parquet is damaged"), "{}", markup(&html));
    assert!(html.contains("Incomplete: 3 of the 4 cells"), "{}", markup(&html));

    fs::write(lab.folder().join("experiment.json"), "{").unwrap();
    assert!(page(&lab).experiments[0].damaged[0].contains("experiment.json is damaged"));

    grid(2).iter().for_each(|cell| fs::write(lab.cell_folder(cell).join("manifest.json"), "{}").unwrap());
    let Report { html, experiments } = page(&lab);
    assert_eq!((experiments[0].cells, experiments[0].damaged.len()), (0, 5));
    assert!(html.contains("there is no run"), "{}", markup(&html));
}

#[test]
fn figures_are_those_of_the_experiment_or_else_the_usual_ones() {
    let lab = Lab::with_grid(2);
    let html = markup(&page(&lab).html);
    assert_eq!(html.matches("<img src=\"data:image/svg+xml").count(), 3, "{html}");
    assert!(html.contains("Drawn for this page"), "{html}");

    fs::create_dir(lab.folder().join("plots")).unwrap();
    fs::write(lab.folder().join("plots/own.png"), "a bitmap").unwrap();
    let html = markup(&page(&lab).html);
    assert_eq!(html.matches("<img").count(), 1, "{html}");
    assert!(html.contains("As the experiment drew them"), "{html}");
}

#[test]
fn single_cells_and_several_experiments() {
    let (lab, other) = (Lab::with_grid(2), Lab::with_grid(1));
    let cells = grid(2);
    let one = report(&[lab.cell_folder(&cells[2]), lab.cell_folder(&cells[0])], 5).unwrap();
    assert_eq!((one.experiments.len(), one.experiments[0].cells), (1, 2));
    assert!(one.html.contains("Only the cells whose folders were given"), "{}", markup(&one.html));
    let both = report(&[lab.folder(), other.folder(), lab.cell_folder(&cells[0])], 5).unwrap();
    assert_eq!(both.experiments.iter().map(|experiment| experiment.cells).collect::<Vec<_>>(), [4, 2]);
    assert_eq!(data(&both.html).len(), 2);
    assert!(both.html.contains("<nav"));
}

#[test]
fn what_holds_no_runs_is_refused() {
    let lab = Lab::with_grid(1);
    let refused = |path: std::path::PathBuf| report(&[path], 5).unwrap_err().to_string();
    assert!(refused(lab.root().join("none")).contains("there is no such folder"));
    assert!(refused(lab.root().to_owned()).contains("there is no finished cell in it"));
    let file = lab.cell_folder(&grid(1)[0]).join("manifest.json");
    assert!(refused(file).contains("it is not a folder"));
}

#[test]
fn runs_without_a_whole_matrix_say_what_is_missing() {
    let lab = Lab::new();
    let mut partial = record(&grid(1)[0]);
    partial.scores.retain(|score| score.step > 0);
    partial.predictions.clear();
    lab.store_record(&grid(1)[0], &partial);
    lab.store_record(&cell("empty", 0, &json!({})), &sapo_lab::RunRecord::default());
    let html = page(&lab).html;
    let data = &data(&html)[0];
    let scores = &data["cells"][1]["scores"]["rouge_l"];
    assert_eq!((&scores["transfer"], &scores["matrix"][0][0]), (&json!({}), &Value::Null));
    assert!(scores["missing"].as_str().unwrap().contains("R[0, 2] is missing"), "{scores}");
    assert_eq!(data["groups"][1]["scores"]["rouge_l"]["released"]["AP"], Value::Null);
    assert_eq!((&data["cells"][0]["tasks"], &data["cells"][0]["scores"]), (&json!([]), &json!({})));
}

#[test]
fn a_further_cell_takes_few_bytes() {
    // 4 and 12 cells, each with 24 answers, 9 wordings and 210 optimiser steps
    let bytes = [2, 6].map(|seeds| page(&Lab::with_grid(seeds)).html.len());
    let a_cell = (bytes[1] - bytes[0]) / 8;
    assert!(a_cell < 30_000, "{a_cell} bytes: a grid of 100 cells would not stay far below 10 MB");
}
