//! Where Python's idea of text differs from Rust's: the reference implementations are written in Python.

/// Whether Python's `str.isspace` holds: Unicode white space and the four ASCII separators U+001C to U+001F.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// Python's `str.strip()`.
pub(super) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// Python's `str.split()`.
pub(super) fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|piece| !piece.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_are_space_as_in_python() {
        assert_eq!(strip("\u{1f}\u{3000} a b\u{85}\n"), "a b");
        assert_eq!(split(" a\u{1c}b\u{a0}\tc ").collect::<Vec<_>>(), ["a", "b", "c"]);
        // Python: "\u200b".isspace() is False
        assert_eq!(strip("\u{200b}"), "\u{200b}");
    }
}
