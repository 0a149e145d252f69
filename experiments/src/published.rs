//! The paper's published numbers, from `data/paper/published.csv`; its README says what the rows are.

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use crate::places;

/// The columns of the file, in order. No field holds a comma, so none is quoted.
const HEADER: [&str; 8] = ["table", "model", "method", "sequence", "row", "ap", "bwt", "fwt"];

/// The paper's names of the methods, and ours.
const METHODS: [(&str, &str); 4] =
    [("LoraInc", "lora-inc"), ("EWC", "ewc"), ("O-LoRA", "o-lora"), ("InsCL", "inscl")];

/// What the paper puts before the name of a SuperNI sequence.
const SUPERNI: &str = "ni-seq-";

/// Three numbers of a table of the paper.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// The table.
    pub table: PaperTable,
    /// The model, as the paper writes it.
    pub model: String,
    /// The method by our name.
    pub method: &'static str,
    /// The stream by our name: `g1`, `trace`.
    pub stream: String,
    /// What the numbers are.
    pub quantity: Quantity,
    /// AP, BWT and FWT in ROUGE-L points.
    pub numbers: [f64; 3],
}

/// A table of the paper whose numbers are in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PaperTable {
    /// The main table.
    Table1,
    /// The highest loss in place of the lowest.
    Table2,
    /// Other paraphrasers.
    Table3,
    /// The main table on further sequences.
    Table11,
}

/// What the numbers of a row are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// Scores of the method alone.
    Baseline,
    /// What SAPO changes.
    Sapo,
    /// What choosing the highest loss changes.
    Sapp,
    /// What SAPO changes with the wordings of this paraphraser.
    SapoWith(String),
}

/// The numbers that ship with the project.
///
/// # Errors
/// As [`read`].
pub fn shipped() -> anyhow::Result<Vec<Published>> {
    read(&places::project("data/paper/published.csv"))
}

/// Reads a file of published numbers.
///
/// # Errors
/// Names the file, the line, what was expected there and what was found.
pub fn read(path: &Path) -> anyhow::Result<Vec<Published>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut lines = text.lines().enumerate();
    let place = |line: usize| format!("{}, line {}", path.display(), line + 1);
    let header = lines.next().map(|(_, line)| line).unwrap_or_default();
    ensure!(header == HEADER.join(","), "{}: expected {}, got {header:?}", place(0), HEADER.join(","));
    let (mut rows, mut known) = (Vec::new(), HashSet::new());
    for (number, line) in lines {
        let row = parse(line).with_context(|| place(number))?;
        let key = (row.table, row.model.clone(), row.method, row.stream.clone(), row.quantity.clone());
        ensure!(
            known.insert(key),
            "{}: expected a new row, got one that was there before: {line}",
            place(number)
        );
        rows.push(row);
    }
    ensure!(!rows.is_empty(), "{}: expected at least one row", path.display());
    Ok(rows)
}

fn parse(line: &str) -> anyhow::Result<Published> {
    let fields: Vec<&str> = line.split(',').collect();
    let Ok([table, model, method, sequence, row, ap, bwt, fwt]) = <[&str; 8]>::try_from(fields.as_slice())
    else {
        bail!("expected {} fields, got {}: {line:?}", HEADER.len(), fields.len());
    };
    let table = match table {
        "table1" => PaperTable::Table1,
        "table2" => PaperTable::Table2,
        "table3" => PaperTable::Table3,
        "table11" => PaperTable::Table11,
        other => bail!("expected table1, table2, table3 or table11, got {other:?}"),
    };
    ensure!(!model.is_empty(), "expected the name of a model, got nothing");
    let Some(&(_, method)) = METHODS.iter().find(|(paper, _)| *paper == method) else {
        bail!("expected one of the methods {}, got {method:?}", METHODS.map(|(paper, _)| paper).join(", "));
    };
    let stream = match sequence.strip_prefix(SUPERNI) {
        Some(name) if !name.is_empty() => name,
        None if sequence == "trace" => sequence,
        _ => bail!("expected {SUPERNI}NAME or trace as the sequence, got {sequence:?}"),
    };
    let quantity = match row.split_once(':') {
        None if row == "baseline" => Quantity::Baseline,
        None if row == "sapo_delta" => Quantity::Sapo,
        None if row == "sapp_delta" => Quantity::Sapp,
        Some(("sapo_delta", with)) if !with.is_empty() => Quantity::SapoWith(with.to_string()),
        _ => bail!(
            "expected baseline, sapo_delta, sapp_delta or sapo_delta:PARAPHRASER as the row, got {row:?}"
        ),
    };
    let numbers = [points("ap", ap)?, points("bwt", bwt)?, points("fwt", fwt)?];
    Ok(Published { table, model: model.to_string(), method, stream: stream.to_string(), quantity, numbers })
}

/// ROUGE-L points: scores and their differences lie within 100 of zero.
fn points(column: &str, field: &str) -> anyhow::Result<f64> {
    let value = field.parse().ok().filter(|value: &f64| value.abs() <= 100.0);
    value.with_context(|| format!("expected a number from -100 to 100 as {column}, got {field:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of a table, and of these the baselines.
    fn counted(rows: &[Published], table: PaperTable) -> (usize, usize) {
        let of_table = || rows.iter().filter(|row| row.table == table);
        (of_table().count(), of_table().filter(|row| row.quantity == Quantity::Baseline).count())
    }

    #[test]
    fn every_published_row_is_read() {
        let rows = shipped().unwrap();
        // Table 1: four methods of two models and two of two others, on four sequences. Table 11: four methods of two
        // models on three. Each alone and with SAPO.
        assert_eq!(counted(&rows, PaperTable::Table1), ((4 * 2 + 2 * 2) * 4 * 2, (4 * 2 + 2 * 2) * 4));
        assert_eq!(counted(&rows, PaperTable::Table11), (4 * 2 * 3 * 2, 4 * 2 * 3));
        assert_eq!(counted(&rows, PaperTable::Table2), (8, 0));
        assert_eq!(counted(&rows, PaperTable::Table3), (6, 0));
        for table in [PaperTable::Table1, PaperTable::Table11] {
            for row in rows.iter().filter(|row| row.table == table && row.quantity == Quantity::Baseline) {
                let with_sapo = |other: &&Published| {
                    (other.table, &other.model, other.method, &other.stream)
                        == (table, &row.model, row.method, &row.stream)
                        && other.quantity == Quantity::Sapo
                };
                assert_eq!(rows.iter().filter(with_sapo).count(), 1, "{row:?}");
            }
        }
        let known = Published {
            table: PaperTable::Table1,
            model: "Qwen3-14b".to_string(),
            method: "o-lora",
            stream: "trace".to_string(),
            quantity: Quantity::Baseline,
            numbers: [55.64, -7.47, -5.91],
        };
        assert!(rows.contains(&known));
    }

    #[test]
    fn a_spoilt_line_is_refused() {
        let fine = "table1,Qwen3-8b,EWC,ni-seq-g1,baseline,44.14,-1.30,-2.45";
        let refused = |from: &str, to: &str| {
            assert!(fine.contains(from));
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("spoilt.csv");
            let text = format!("{}\n{fine}\n{}\n", HEADER.join(","), fine.replace(from, to));
            std::fs::write(&path, text).unwrap();
            let error = format!("{:#}", read(&path).unwrap_err());
            assert!(error.contains("spoilt.csv, line 3: "), "{error}");
            error
        };
        assert!(
            refused("table1", "table4")
                .contains("expected table1, table2, table3 or table11, got \"table4\"")
        );
        assert!(refused("Qwen3-8b", "").contains("expected the name of a model"));
        assert!(
            refused("EWC", "LwF")
                .contains("expected one of the methods LoraInc, EWC, O-LoRA, InsCL, got \"LwF\"")
        );
        assert!(refused("ni-seq-g1", "g1").contains("got \"g1\""));
        assert!(refused("baseline", "sapo").contains("got \"sapo\""));
        assert!(refused("44.14", "4414").contains("expected a number from -100 to 100 as ap, got \"4414\""));
        assert!(refused("-1.30", "NaN").contains("as bwt, got \"NaN\""));
        assert!(refused(",-2.45", "").contains("expected 8 fields, got 7"));
        assert!(refused("44.14", "44.15").contains("expected a new row"));
    }

    #[test]
    fn another_header_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.csv");
        std::fs::write(&path, "model,table\n").unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("other.csv, line 1: expected table,model,method"), "{error}");
        assert!(read(Path::new("no/such.csv")).unwrap_err().to_string().contains("no/such.csv"));
    }
}
