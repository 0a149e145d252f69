//! A table in LaTeX with `booktabs`.

use super::Table;
use super::text::one_line;

impl Table {
    /// A `table` environment with caption, label and a `booktabs` tabular.
    #[must_use]
    pub fn to_latex(&self) -> String {
        let row = |cells: Vec<String>| format!("    {} \\\\\n", cells.join(" & "));
        let sides: String =
            self.columns.iter().map(|column| if column.is_words() { 'l' } else { 'r' }).collect();
        let mut out = String::from("% needs \\usepackage{booktabs}\n\\begin{table}[t]\n  \\centering\n");
        if !self.caption.is_empty() {
            out += &format!("  \\caption{{{}}}\n", escape(&self.caption));
        }
        // A label is a name and not text: it is taken as it stands.
        out += &format!("  \\label{{tab:{}}}\n  \\begin{{tabular}}{{{sides}}}\n    \\toprule\n", self.name);
        out += &row(self.columns.iter().map(|column| escape(&column.heading)).collect());
        out += "    \\midrule\n";
        for i in 0..self.rows() {
            let cells = self.columns.iter().map(|column| {
                let cell = escape(&column.shown(i));
                if column.is_words() { cell } else { minus_signs(&cell) }
            });
            out += &row(cells.map(protect_bracket).collect());
        }
        out + "    \\bottomrule\n  \\end{tabular}\n\\end{table}\n"
    }
}

/// After `\\` a `[` would be read as a length.
fn protect_bracket(cell: String) -> String {
    if cell.starts_with(['[', '*']) { format!("{{}}{cell}") } else { cell }
}

/// A hyphen before a digit is a minus in a column of numbers.
fn minus_signs(cell: &str) -> String {
    let mut out = String::new();
    let mut letters = cell.chars().peekable();
    while let Some(c) = letters.next() {
        let minus = c == '-' && letters.peek().is_some_and(char::is_ascii_digit);
        if minus {
            out += "$-$";
        } else {
            out.push(c);
        }
    }
    out
}

/// Text that LaTeX sets as it was written.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in one_line(text.to_string()).chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => out.extend(['\\', c]),
            '\\' => out += "\\textbackslash{}",
            '~' => out += "\\textasciitilde{}",
            '^' => out += "\\textasciicircum{}",
            '<' => out += "$<$",
            '>' => out += "$>$",
            '|' => out += "$|$",
            '"' => out += "''",
            '↑' => out += "$\\uparrow$",
            '↓' => out += "$\\downarrow$",
            '→' => out += "$\\rightarrow$",
            '−' => out += "$-$",
            '±' => out += "$\\pm$",
            '×' => out += "$\\times$",
            '≤' => out += "$\\le$",
            '≥' => out += "$\\ge$",
            'Δ' => out += "$\\Delta$",
            'ρ' => out += "$\\rho$",
            '…' => out += "\\dots{}",
            '–' => out += "--",
            _ => out.push(c),
        }
    }
    out
}
