//! Recorded tables of losses: made by asking a model everything ([`record`]), kept as Parquet, played by the selectors.

mod play;
mod record;

pub use play::{Played, Population, play_rule};
pub use record::{Plan, Recording, record};

use std::path::Path;

use anyhow::{Context, ensure};
use sapo_bandit::simulator::{Cost, LossTable};
use sapo_lab::loss_tables::{LossRow, read};

/// A table with where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// `model/stream/state/task`.
    pub id: String,
    /// Name of the stream.
    pub stream: String,
    /// The losses.
    pub table: LossTable,
}

impl Recorded {
    /// Whether it may be looked at while parameters are chosen: the benchmark's streams for choosing settings, which share
    /// no task with the others.
    pub fn is_development(&self) -> bool {
        self.stream.starts_with("dev-")
    }
}

/// All tables of a folder, file by file in the order of their names.
///
/// # Errors
/// Names the file that cannot be read, or the table that is none.
pub fn load(folder: &Path) -> anyhow::Result<Vec<Recorded>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "parquet"));
    files.sort();
    ensure!(!files.is_empty(), "there are no loss tables in {}", folder.display());
    let mut tables = Vec::new();
    for file in files {
        tables.extend(tables_of(&read(&file)?)?);
    }
    Ok(tables)
}

/// Rows that follow each other and share an id make a table.
///
/// # Errors
/// Names the table that is none.
pub fn tables_of(rows: &[LossRow]) -> anyhow::Result<Vec<Recorded>> {
    rows.chunk_by(|a, b| a.table == b.table).map(table_of).collect()
}

fn table_of(rows: &[LossRow]) -> anyhow::Result<Recorded> {
    let first = &rows[0];
    let whole = |numbers: &[u32]| numbers.iter().map(|&number| u64::from(number)).collect::<Vec<_>>();
    for row in rows {
        ensure!(
            row.target_tokens == first.target_tokens,
            "table {}: {} and {} disagree about the target",
            row.table,
            row.variant,
            first.variant
        );
    }
    let losses = rows.iter().map(|row| row.nll.iter().map(|&nll| f64::from(nll)).collect()).collect();
    let cost = Cost {
        prefix_tokens: rows.iter().map(|row| u64::from(row.prefix_tokens)).collect(),
        own_tokens: rows.iter().map(|row| whole(&row.own_tokens)).collect(),
    };
    let table = LossTable::new(whole(&first.target_tokens), losses)
        .and_then(|table| table.with_cost(cost))
        .and_then(|table| table.with_lengths(rows.iter().map(|row| row.words as usize).collect()))
        .with_context(|| format!("table {}", first.table))?;
    Ok(Recorded { id: first.table.clone(), stream: first.stream.clone(), table })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(table: &str, variant: &str, nll: [f32; 2]) -> LossRow {
        LossRow {
            table: table.into(),
            model: "m".into(),
            stream: "s".into(),
            state: 1,
            task: "t".into(),
            variant: variant.into(),
            words: 7,
            prefix_tokens: 10,
            own_tokens: vec![5, 6],
            target_tokens: vec![1, 3],
            nll: nll.to_vec(),
        }
    }

    #[test]
    fn rows_become_tables() {
        let rows =
            [row("a", "original", [1.0, 3.0]), row("a", "1", [0.5, 0.5]), row("b", "original", [1.0, 1.0])];
        let tables = tables_of(&rows).unwrap();
        assert_eq!(tables.iter().map(|table| table.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(tables[0].table.means(), [1.0, 0.25]);
        assert_eq!(tables[0].table.exhaustive_forward_tokens(), 2 * (10 + 5 + 6));
        let mut other = row("a", "1", [0.5, 0.5]);
        other.target_tokens[0] = 2;
        let error = tables_of(&[row("a", "original", [1.0, 3.0]), other]).unwrap_err();
        assert_eq!(error.to_string(), "table a: 1 and original disagree about the target");
    }
}
