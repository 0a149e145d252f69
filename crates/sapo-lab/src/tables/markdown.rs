//! A table in GitHub's Markdown.

use super::Table;
use super::text::one_line;

impl Table {
    /// A pipe table above its caption.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let mut out = row(self.columns.iter().map(|column| escape(&column.heading)).collect());
        let sides = |words| if words { ":---" } else { "---:" };
        out += &row(self.columns.iter().map(|column| sides(column.is_words()).to_string()).collect());
        for i in 0..self.rows() {
            out += &row(self.columns.iter().map(|column| escape(&column.shown(i))).collect());
        }
        if !self.caption.is_empty() {
            out += &format!("\n{}\n", escape(&self.caption));
        }
        out
    }
}

/// Characters that would end a cell or turn into markup. A `<` before a space or a digit opens no tag.
fn escape(text: &str) -> String {
    let text = one_line(text.to_string());
    let mut out = String::new();
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        let tag =
            c == '<' && letters.peek().is_some_and(|next| next.is_alphabetic() || "/!?".contains(*next));
        if tag || matches!(c, '|' | '\\' | '`' | '*' | '_' | '~') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
