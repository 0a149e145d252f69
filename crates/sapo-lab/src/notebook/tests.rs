use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use sapo_metrics::Estimate;
use serde_json::Value;

use super::*;
use crate::provenance::{Code, Stopwatch};
use crate::tables::Table;

fn estimate(mean: f64) -> Estimate {
    Estimate { mean, low: mean - 1.0, high: mean + 0.25, n: 2 }
}

/// The smallest PNG there is: one dot.
fn write_png(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), 2, 1);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(&[0, 255]).unwrap();
}

/// Runs with three tables, one of them too large, and two figures.
fn runs(folder: &Path) {
    let tables = folder.join("tables");
    let by_arm = Table::builder("by_arm", "Means by arm; a_b.")
        .text("arm", ["static", "<b>sapo</b> & 'co'"])
        .integer("seeds", [2, 12])
        .estimate("ap", 1, [estimate(70.0), estimate(72.123_456)])
        .optional_p_value("p", [None, Some(0.000_012_34)]);
    by_arm.build().unwrap().write_all(&tables).unwrap();
    let rows = 250;
    let long = Table::builder("long", "").integer("row", 0..rows);
    long.build().unwrap().write_all(&tables).unwrap();
    let large =
        Table::builder("large", "").text("word", (0..rows).map(|row| format!("{row}-{}", "x".repeat(1000))));
    large.build().unwrap().write_all(&tables).unwrap();
    write_png(&folder.join("plots/arm_metrics.png"));
    write_png(&folder.join("plots/unwanted.png"));
}

fn promote(root: &Path, scale: &str, quick: bool) -> Promoted {
    let folder = root.join("runs/toy");
    runs(&folder);
    let code = Code {
        version: "1".into(),
        commit: Some("c0ffee".into()),
        dirty: Some(false),
        rustc: "rustc 1".into(),
    };
    let promotion = Promotion {
        runs: &folder,
        tables: ["by_arm", "large", "long"].map(String::from).to_vec(),
        figures: vec!["arm_metrics".into()],
        left_out: vec![LeftOut::figure("unwanted", "not chosen")],
        promoted: Promoted {
            version: promoted::VERSION,
            experiment: "toy".into(),
            scale: scale.into(),
            question: "Does it work?".into(),
            command: "just experiment toy".into(),
            quick,
            seeds: Some(2),
            origin: Origin::of_program(&Stopwatch::start(code).stop(BTreeMap::new())),
            tables: Vec::new(),
            figures: Vec::new(),
            left_out: Vec::new(),
        },
    };
    promotion.write(&root.join("export/toy").join(scale)).unwrap()
}

fn cells(root: &Path) -> Vec<Value> {
    write_notebook(&root.join("export"), "toy", &["nano", "small"]).unwrap();
    let text = fs::read_to_string(root.join("export/toy.ipynb")).unwrap();
    let notebook: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((notebook["nbformat"].as_u64(), notebook["nbformat_minor"].as_u64()), (Some(4), Some(5)));
    notebook["cells"].as_array().unwrap().clone()
}

fn joined(lines: &Value) -> String {
    lines.as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect()
}

fn cell<'a>(cells: &'a [Value], id: &str) -> &'a Value {
    cells.iter().find(|cell| cell["id"] == id).unwrap_or_else(|| panic!("no cell {id}"))
}

#[test]
fn a_promoted_folder_holds_what_it_says_and_no_more() {
    let root = tempfile::tempdir().unwrap();
    let promoted = promote(root.path(), "nano", false);
    assert_eq!(promoted.tables, ["by_arm", "long"]);
    assert_eq!(promoted.figures, ["arm_metrics"]);
    let names: Vec<&str> = promoted.left_out.iter().map(|left_out| left_out.name.as_str()).collect();
    assert_eq!(names, ["unwanted.png", "large.parquet"]);
    let folder = root.path().join("export/toy/nano");
    assert_eq!(Promoted::read(&folder).unwrap(), Some(promoted.clone()));
    // what is no longer made does not stay
    fs::write(folder.join("tables/old.md"), "").unwrap();
    assert_eq!(promote(root.path(), "nano", false).tables, promoted.tables);
    let mut files: Vec<_> =
        fs::read_dir(folder.join("tables")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["by_arm.md", "by_arm.parquet", "long.md", "long.parquet"]);
}

#[test]
fn a_newer_or_damaged_folder_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let refused = |text: &str| {
        fs::write(root.path().join("promoted.json"), text).unwrap();
        Promoted::read(root.path()).unwrap_err().to_string()
    };
    assert!(refused("{\"version\": 9}").contains("promoted.json has version 9"));
    assert!(refused("{\"version\": 1}").contains("damaged"));
    fs::remove_file(root.path().join("promoted.json")).unwrap();
    assert_eq!(Promoted::read(root.path()).unwrap(), None);
}

#[test]
fn quick_results_are_marked_in_tables_and_notebook() {
    let root = tempfile::tempdir().unwrap();
    promote(root.path(), "nano", true);
    let table = |name: &str| {
        fs::read_to_string(root.path().join(format!("export/toy/nano/tables/{name}.md"))).unwrap()
    };
    assert!(table("by_arm").contains("|\n\nQUICK: 2 seeds. Means by arm; a\\_b.\n"), "{}", table("by_arm"));
    assert!(table("long").ends_with("|\n\nQUICK: 2 seeds.\n"));
    assert!(joined(&cell(&cells(root.path()), "scale-nano")["source"]).contains("QUICK"));
}

#[test]
fn a_notebook_shows_everything_without_being_run() {
    let root = tempfile::tempdir().unwrap();
    promote(root.path(), "nano", false);
    promote(root.path(), "small", true);
    let cells = cells(root.path());
    let ids: BTreeSet<&str> = cells.iter().map(|cell| cell["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), cells.len());
    let letter = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    assert!(ids.iter().all(|id| (1..=64).contains(&id.len()) && id.chars().all(letter)));

    let title = joined(&cell(&cells, "title")["source"]);
    assert!(title.contains("Does it work?"));
    let facts = joined(&cell(&cells, "scale-nano")["source"]);
    for part in ["just experiment toy", "seeds: 2", "c0ffee", "`large.parquet` (larger than 200 kB)"] {
        assert!(facts.contains(part), "{part}: {facts}");
    }
    let shown = cell(&cells, "nano-table-by_arm");
    assert!(
        joined(&shown["source"])
            .contains("by_arm_nano = pl.read_parquet(\"toy/nano/tables/by_arm.parquet\")")
    );
    let data = &shown["outputs"][0]["data"];
    assert_eq!(
        joined(&data["text/plain"]),
        "arm                 seeds                    ap          p\n\
         static                  2        70 [69, 70.25]        n/a\n\
         <b>sapo</b> & 'co'     12  72.12 [71.12, 72.37]  1.234e-05"
    );
    let html = joined(&data["text/html"]);
    assert!(html.contains("&lt;b&gt;sapo&lt;/b&gt; &amp; &#x27;co&#x27;"), "{html}");
    let plain = joined(&cell(&cells, "nano-table-long")["outputs"][0]["data"]["text/plain"]);
    assert!(plain.ends_with("\n199\nthe first 200 of 250 rows"), "{plain}");
    let image = &cell(&cells, "small-figure-arm_metrics")["outputs"][0];
    assert!(image["data"]["image/png"].as_str().unwrap().starts_with("iVBORw0KGgo"));
    assert_eq!(image["metadata"]["image/png"]["width"], 1);
}
