//! Words of a text with their places, and the stretches of it that no rule may touch.

use std::ops::Range;

/// A word: letters and digits, with hyphens and apostrophes inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    /// Where it begins, in bytes.
    pub(super) at: usize,
}

impl Word<'_> {
    pub(super) fn end(&self) -> usize {
        self.at + self.text.len()
    }
}

/// The words of `text` in order.
pub(super) fn words(text: &str) -> Vec<Word<'_>> {
    let mut found = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices() {
        let inner = start.is_some()
            && matches!(c, '-' | '\'' | '’' | '_')
            && text[at + c.len_utf8()..].starts_with(char::is_alphanumeric);
        if c.is_alphanumeric() || inner {
            start.get_or_insert(at);
        } else if let Some(from) = start.take() {
            found.push(Word { text: &text[from..at], at: from });
        }
    }
    found.extend(start.map(|from| Word { text: &text[from..], at: from }));
    found
}

/// Pairs that shield what stands between them. A quote that never closes shields the rest; a bracket does not.
const SHIELDS: [(char, char); 12] = [
    ('"', '"'),
    ('“', '”'),
    ('‘', '’'),
    ('\'', '\''),
    ('`', '`'),
    ('«', '»'),
    ('「', '」'),
    ('『', '』'),
    ('(', ')'),
    ('[', ']'),
    ('{', '}'),
    ('<', '>'),
];

/// Quoted and bracketed stretches of `text`, marks included, in order and without overlap.
pub(super) fn shielded(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some((at, open, close)) = next_shield(text, from) {
        let inside = at + open.len_utf8();
        let end = closing(&text[inside..], open, close).map(|offset| inside + offset + close.len_utf8());
        match end {
            Some(end) => {
                found.push(at..end);
                from = end;
            }
            // An apostrophe may well stand alone ('tis), and so may a bracket (a < b).
            None if matches!(open, '\'' | '(' | '[' | '{' | '<') => from = inside,
            None => {
                found.push(at..text.len());
                from = text.len();
            }
        }
    }
    found
}

/// Whether the byte at `at` is shielded.
pub(super) fn is_shielded(shields: &[Range<usize>], at: usize) -> bool {
    shields.iter().any(|range| range.contains(&at))
}

fn next_shield(text: &str, from: usize) -> Option<(usize, char, char)> {
    text[from..].char_indices().find_map(|(offset, c)| {
        let at = from + offset;
        // After a letter it is an apostrophe: don't, users'.
        let apostrophe = matches!(c, '\'' | '‘') && text[..at].ends_with(char::is_alphanumeric);
        let (_, close) = SHIELDS.iter().find(|(open, _)| *open == c && !apostrophe)?;
        Some((at, c, *close))
    })
}

/// Where the mark stands that closes what was opened before `inside`.
fn closing(inside: &str, open: char, close: char) -> Option<usize> {
    let followed_by_letter = |at: usize| inside[at + close.len_utf8()..].starts_with(char::is_alphanumeric);
    inside
        .match_indices(close)
        .map(|(at, _)| at)
        .find(|at| !matches!(open, '\'' | '‘') || !followed_by_letter(*at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_hyphens_and_apostrophes_inside() {
        let found: Vec<_> = words("A one-word 'yes', don't {x_1}—ok-").iter().map(|word| word.text).collect();
        assert_eq!(found, ["A", "one-word", "yes", "don't", "x_1", "ok"]);
        assert_eq!(words("é ab")[1], Word { text: "ab", at: 3 });
    }

    fn shields(text: &str) -> Vec<&str> {
        shielded(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn quotes_and_brackets_shield() {
        assert_eq!(
            shields(r#"Say "yes" or 'it's no' (or {both})."#),
            ["\"yes\"", "'it's no'", "(or {both})"]
        );
        assert_eq!(shields("the users' text, don't, a < b, 1) x"), Vec::<&str>::new());
        assert_eq!(shields("fill <mask> and “a ‘b’ c”"), ["<mask>", "“a ‘b’ c”"]);
        assert_eq!(shields("open \"and never closed"), ["\"and never closed"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_words_and_shields_in_order(text in "\\PC{0,60}") {
            let words = words(&text);
            proptest::prop_assert!(words.windows(2).all(|pair| pair[0].end() <= pair[1].at));
            let shields = shielded(&text);
            proptest::prop_assert!(shields.windows(2).all(|pair| pair[0].end <= pair[1].start));
            proptest::prop_assert!(shields.iter().all(|range| text.get(range.clone()).is_some()));
        }
    }
}
