//! Generated blocks of the documentation: a table between two comments. What stands outside of them is never touched.
//!
//! ```text
//! <!-- generated: quickstart/nano/by_arm convention=released -->
//!
//! | arm | ...
//!
//! <!-- end -->
//! ```
//!
//! After the table's name may stand columns with a value each, separated by commas: only rows with these values are shown, and
//! not the columns.

use anyhow::{Context, bail, ensure};

const BEGIN: &str = "<!-- generated:";
const CLOSE: &str = "-->";
const END: &str = "<!-- end -->";

/// Which table a block shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) experiment: String,
    pub(super) scale: String,
    pub(super) table: String,
    /// Columns by their headings, and the value that a row has to have.
    only: Vec<(String, String)>,
}

/// The text with every block's content replaced by what `table` gives for it, in Markdown; a block for which it gives
/// nothing stays as it is.
///
/// # Errors
/// Those of `table`, and where a block is none: each names the line.
pub(super) fn replace(
    text: &str,
    table: &mut dyn FnMut(&Wanted) -> anyhow::Result<Option<String>>,
) -> anyhow::Result<String> {
    let mut out = String::with_capacity(text.len());
    let mut lines = text.split_inclusive('\n').enumerate();
    while let Some((number, line)) = lines.next() {
        out.push_str(line);
        let Some(name) = line.trim().strip_prefix(BEGIN) else { continue };
        let at = || format!("line {}: {}", number + 1, line.trim());
        let name =
            name.strip_suffix(CLOSE).with_context(|| format!("{}: expected {CLOSE} at its end", at()))?;
        let wanted = Wanted::parse(name).with_context(at)?;
        let mut old = String::new();
        let end = loop {
            let Some((_, line)) = lines.next() else { bail!("{}: no {END} follows", at()) };
            ensure!(!line.trim().starts_with(BEGIN), "{}: another block begins before {END}", at());
            if line.trim() == END {
                break line;
            }
            old.push_str(line);
        };
        match table(&wanted).with_context(at)? {
            Some(new) => {
                out.push_str(&format!("\n{}\n\n", wanted.rows_of(&new).with_context(at)?.trim_end()))
            }
            None => out.push_str(&old),
        }
        out.push_str(end);
    }
    Ok(out)
}

impl Wanted {
    fn parse(text: &str) -> anyhow::Result<Self> {
        let (name, only) = text.trim().split_once(char::is_whitespace).unwrap_or((text.trim(), ""));
        let parts: Vec<&str> = name.split('/').collect();
        let [experiment, scale, table] = parts.as_slice() else { bail!("expected experiment/scale/table") };
        let only = only.split(',').map(str::trim).filter(|pair| !pair.is_empty()).map(|pair| {
            let (column, value) =
                pair.split_once('=').with_context(|| format!("expected column=value, got {pair}"))?;
            Ok((column.to_string(), value.to_string()))
        });
        Ok(Self {
            experiment: experiment.to_string(),
            scale: scale.to_string(),
            table: table.to_string(),
            only: only.collect::<anyhow::Result<_>>()?,
        })
    }

    /// The rows that are wanted of a table in Markdown, and what stands below it.
    fn rows_of(&self, markdown: &str) -> anyhow::Result<String> {
        if self.only.is_empty() {
            return Ok(markdown.to_string());
        }
        let (table, below) = markdown.split_once("\n\n").unwrap_or((markdown.trim_end(), ""));
        let mut rows: Vec<Vec<&str>> = table.lines().map(cells).collect();
        ensure!(rows.len() > 2, "the table has no rows");
        for (column, value) in &self.only {
            let place = rows[0].iter().position(|heading| heading.trim() == column);
            let place = place.with_context(|| format!("the table has no column {column}"))?;
            let mut line = 0;
            rows.retain(|row| {
                line += 1;
                line <= 2 || row.get(place).is_some_and(|cell| cell.trim() == value)
            });
            ensure!(rows.len() > 2, "no row has {value} as {column}");
            for row in &mut rows {
                row.remove(place);
            }
        }
        let rows: String = rows.iter().map(|row| format!("|{}|\n", row.join("|"))).collect();
        Ok(if below.is_empty() { rows } else { format!("{rows}\n{below}") })
    }
}

/// What stands between the bars of a row; an escaped bar is part of its cell.
fn cells(row: &str) -> Vec<&str> {
    let mut cells = Vec::new();
    let (mut start, mut escaped) = (None, false);
    for (place, letter) in row.char_indices() {
        if letter == '|' && !escaped {
            if let Some(start) = start {
                cells.push(&row[start..place]);
            }
            start = Some(place + 1);
        }
        escaped = letter == '\\' && !escaped;
    }
    cells
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TABLE: &str = "| convention | arm | AP |\n| :--- | :--- | ---: |\n| released | a\\|b | 1 |\n\
                         | printed | a\\|b | 2 |\n| released | c | 3 |\n\nMeans.\n";

    fn with_table(text: &str) -> anyhow::Result<String> {
        replace(text, &mut |_| Ok(Some(TABLE.to_string())))
    }

    #[test]
    fn a_table_takes_the_place_of_the_old_one() {
        let text = "Before.\n<!-- generated: q/nano/by_arm -->\nold\n<!-- end -->\nAfter";
        let new = format!("Before.\n<!-- generated: q/nano/by_arm -->\n\n{TABLE}\n<!-- end -->\nAfter");
        assert_eq!(with_table(text).unwrap(), new);
        assert_eq!(with_table(&new).unwrap(), new);
        assert_eq!(replace(text, &mut |_| Ok(None)).unwrap(), text);
    }

    #[test]
    fn rows_are_chosen_by_value() {
        let text = "<!-- generated: q/nano/by_arm convention=released -->\n<!-- end -->\n";
        let new = with_table(text).unwrap();
        let shown = "\n| arm | AP |\n| :--- | ---: |\n| a\\|b | 1 |\n| c | 3 |\n\nMeans.\n\n";
        assert!(new.contains(shown), "{new}");
        let refused =
            |only: &str| format!("{:#}", with_table(&text.replace("convention=released", only)).unwrap_err());
        assert!(refused("convention=release").contains("no row has release as convention"));
        assert!(refused("metric=AP").contains("no column metric"));
        assert!(refused("metric").contains("expected column=value"));
        let table =
            "| paired by | arm | AP |\n| :--- | :--- | ---: |\n| all runs | a | 1 |\n| all runs | b | 2 |\n";
        let text = text.replace("convention=released", "paired by=all runs, arm=b");
        let new = replace(&text, &mut |_| Ok(Some(table.to_string()))).unwrap();
        assert!(new.contains("\n| AP |\n| ---: |\n| 2 |\n"), "{new}");
    }

    #[test]
    fn what_is_no_block_is_named() {
        let refused = |text: &str| format!("{:#}", with_table(text).unwrap_err());
        assert!(
            refused("\n<!-- generated: a/b/c -->\n")
                .contains("line 2: <!-- generated: a/b/c -->: no <!-- end -->")
        );
        assert!(refused("<!-- generated: a/b -->\n<!-- end -->").contains("expected experiment/scale/table"));
        assert!(refused("<!-- generated: a/b/c\n<!-- end -->").contains("expected -->"));
        let nested = "<!-- generated: a/b/c -->\n<!-- generated: a/b/d -->\n<!-- end -->";
        assert!(refused(nested).contains("another block begins"));
        let mut unknown = |_: &Wanted| bail!("no such table");
        let error = replace("<!-- generated: a/b/c -->\n<!-- end -->", &mut unknown).unwrap_err();
        assert!(format!("{error:#}").contains("a/b/c -->: no such table"));
    }

    proptest! {
        #[test]
        fn text_outside_of_blocks_stays_byte_for_byte(
            outside in proptest::collection::vec("(?s)[^<]{0,40}(\r?\n|<|<!-- end --> )", 1..5),
            inside in proptest::collection::vec("([^<\n]{0,20}\n){0,3}", 4),
        ) {
            // a block begins on a line of its own
            let outside: Vec<String> = outside.into_iter().map(|text| text + "\n").collect();
            let block = |inside: &str| format!("<!-- generated: a/b/c -->\n{inside}<!-- end -->\r\n");
            let text = |inside: &dyn Fn(usize) -> String| {
                let last = outside.len() - 1;
                outside.iter().enumerate().map(|(place, text)| {
                    if place == last { text.clone() } else { text.clone() + &block(&inside(place)) }
                }).collect::<String>()
            };
            let old = text(&|place| inside[place].clone());
            prop_assert_eq!(with_table(&old).unwrap(), text(&|_| format!("\n{TABLE}\n")));
        }
    }
}
