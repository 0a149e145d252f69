use std::io::{self, Write};

use sapo_lab::RunRecord;
use sapo_lab::record::VariantLoss;
use sapo_metrics::{MatrixError, TransferMatrix};

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

/// Writes rows of any number of columns, those marked in `right` to the right.
pub(crate) fn write_rows(
    out: &mut dyn Write,
    head: &[String],
    rows: &[Vec<String>],
    right: &[bool],
) -> io::Result<()> {
    let all = || std::iter::once(head).chain(rows.iter().map(Vec::as_slice));
    let widths: Vec<usize> = (0..head.len())
        .map(|column| all().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    for row in all() {
        let cell = |(column, cell): (usize, &String)| match right.get(column) {
            Some(true) => format!("{cell:>width$}", width = widths[column]),
            _ => format!("{cell:<width$}", width = widths[column]),
        };
        let cells: Vec<String> = row.iter().enumerate().map(cell).collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}

/// R: a line for the untouched model and one for each task learnt, a column for each task.
pub(crate) fn matrix_lines(matrix: &TransferMatrix) -> Result<String, MatrixError> {
    let tasks = matrix.tasks();
    let name = |step: usize| match step {
        0 => "untouched".to_string(),
        step => format!("{step} {}", one_line(&tasks[step - 1], 40)),
    };
    let head =
        std::iter::once("ROUGE-L after".to_string()).chain((1..=tasks.len()).map(|task| task.to_string()));
    let mut rows = Vec::new();
    for step in 0..=tasks.len() {
        let cells = (0..tasks.len()).map(|task| Ok(format!("{:.1}", matrix.get(step, task)?)));
        let mut row = vec![name(step)];
        row.extend(cells.collect::<Result<Vec<_>, MatrixError>>()?);
        rows.push(row);
    }
    let right: Vec<bool> = (0..=tasks.len()).map(|column| column > 0).collect();
    let mut text = Vec::new();
    // writing to a Vec cannot fail
    let _ = write_rows(&mut text, &head.collect::<Vec<_>>(), &rows, &right);
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// A line for each wording that was chosen, with its loss where it was measured.
pub(crate) fn wording_lines(record: &RunRecord) -> String {
    let line = |chosen: &VariantLoss| {
        let loss = chosen.loss.map_or(String::new(), |loss| format!(", {loss:.4} nats a token"));
        let text = one_line(&chosen.text, 60);
        format!("{} {}: {}{loss}: {text}\n", chosen.step, chosen.task_name, chosen.variant)
    };
    record.chosen().map(line).collect()
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
