use std::io::{self, Write};

/// Writes rows in columns: the first column left, the others right, the last one as it is.
pub(crate) fn write<const N: usize>(
    out: &mut dyn Write,
    head: [&str; N],
    rows: &[[String; N]],
) -> io::Result<()> {
    let head = head.map(String::from);
    let all = || std::iter::once(&head).chain(rows);
    let width = |column: usize| all().map(|row| row[column].chars().count()).max().unwrap_or(0);
    for row in all() {
        let cells: Vec<String> = row
            .iter()
            .enumerate()
            .map(|(column, cell)| match column {
                0 => format!("{cell:<width$}", width = width(0)),
                last if last + 1 == N => cell.clone(),
                _ => format!("{cell:>width$}", width = width(column)),
            })
            .collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}

/// A text of at most `most` characters in one line.
pub(crate) fn one_line(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(most) {
        None => line,
        Some(_) => line.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut out = Vec::new();
        let row = |cells: [&str; 3]| cells.map(String::from);
        write(&mut out, ["id", "n", "text"], &[row(["a", "10", "x"]), row(["long", "1", ""])]).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "id     n  text\na     10  x\nlong   1\n");
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        assert_eq!(one_line("判断\n这个 句子", 5), "判断 这…");
        assert_eq!(one_line("judge  this", 10), "judge this");
    }
}
