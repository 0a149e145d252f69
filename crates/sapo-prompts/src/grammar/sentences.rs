//! Where the sentences of an instruction begin and end.

use std::ops::Range;

use super::spans::{is_shielded, shielded};

/// Abbreviations after which a sentence goes on, in lower case and without their last point.
const ABBREVIATIONS: &[&str] = &[
    "e.g", "i.e", "vs", "cf", "mr", "mrs", "ms", "dr", "prof", "st", "no", "fig", "approx", "a.k.a", "incl",
];

/// The sentences of `text`, each with its final mark and without the space around it.
///
/// A sentence that might not end stays whole: a longer piece that is kept letter for letter does no harm.
pub(super) fn sentences(text: &str) -> Vec<Range<usize>> {
    let shields = shielded(text);
    let mut found = Vec::new();
    let mut start = 0;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        if at < start || !ends_here(text, at, c, &shields) {
            continue;
        }
        let end = end + closers(&text[end..]);
        found.extend(trimmed(text, start..end));
        start = end;
    }
    found.extend(trimmed(text, start..text.len()));
    found
}

fn ends_here(text: &str, at: usize, c: char, shields: &[Range<usize>]) -> bool {
    let after = &text[at + c.len_utf8()..];
    let closers = closers(after);
    // American style puts the final point into the quotes.
    let last_in_quotes = closers > 0 && shields.iter().any(|range| range.end == at + c.len_utf8() + closers);
    if is_shielded(shields, at) && !last_in_quotes {
        return false;
    }
    match c {
        '\n' | '。' | '！' | '？' => true,
        '.' | '!' | '?' => opens_sentence(&after[closers..]) && (c != '.' || is_full_stop(&text[..at])),
        _ => false,
    }
}

/// Length of the quotes and brackets that close right here.
fn closers(text: &str) -> usize {
    text.find(|c| !matches!(c, '"' | '”' | '\'' | '’' | ')' | ']' | '」' | '』')).unwrap_or(text.len())
}

/// Whether a sentence may begin here: after space, with anything but a small letter.
fn opens_sentence(text: &str) -> bool {
    let rest = text.trim_start();
    rest.len() < text.len() && rest.chars().next().is_some_and(|c| !c.is_lowercase() && c != '.')
}

/// Whether a point after `before` ends a sentence, not an abbreviation, an initial or the number of a list's item.
fn is_full_stop(before: &str) -> bool {
    let start = before
        .char_indices()
        .rfind(|(_, c)| c.is_whitespace() || *c == '(')
        .map_or(0, |(at, c)| at + c.len_utf8());
    let (earlier, word) = (before[..start].trim_end(), &before[start..]);
    if ABBREVIATIONS.contains(&word.to_lowercase().as_str()) {
        return false;
    }
    let letter = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
    let number = word.parse::<u8>().ok();
    if word.is_empty() || letter || number.is_some() {
        // "B or C." and "1 to 5." end a sentence; "1. Read 2. Write" and "A. Dovish, B. Hawkish" do not.
        let goes_on = number.is_some_and(|n| n > 1 && earlier.contains(&format!("{}. ", n - 1)));
        return earlier.ends_with(char::is_alphanumeric) && !goes_on;
    }
    true
}

fn trimmed(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let piece = &text[range.clone()];
    let start = range.start + piece.len() - piece.trim_start().len();
    let end = range.start + piece.trim_end().len();
    (start < end).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn sentences_end_at_their_marks() {
        assert_eq!(split("Read it. Is it good? Say so!  "), ["Read it.", "Is it good?", "Say so!"]);
        assert_eq!(split("判断态度。输出A。"), ["判断态度。", "输出A。"]);
        assert_eq!(split("Choose one:\n- this\n- that"), ["Choose one:", "- this", "- that"]);
        assert_eq!(split(" \n "), Vec::<&str>::new());
    }

    #[test]
    fn quotes_abbreviations_and_list_markers_do_not_end_them() {
        let whole = [
            "Use a fruit, e.g. Apples, vs. Nuts.",
            "Say \"Yes. No.\" or (Maybe. So).",
            "Rate 1.5 of v. it etc. and so on.",
            "Choose: A. Dovish, B. Hawkish.",
            "Sort into two kinds: 1. Good 2. Bad",
        ];
        for text in whole {
            assert_eq!(split(text), [text]);
        }
        assert_eq!(split("Say \"no.\" Then stop."), ["Say \"no.\"", "Then stop."]);
        assert_eq!(
            split("Pick A, B or C. Then stop (now). End."),
            ["Pick A, B or C.", "Then stop (now).", "End."]
        );
        assert_eq!(split("Use \"#\". Say 'A', 'B'. End."), ["Use \"#\".", "Say 'A', 'B'.", "End."]);
        assert_eq!(split("Count from 1 to 5. Then stop."), ["Count from 1 to 5.", "Then stop."]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_but_space_is_lost(text in "\\PC{0,80}") {
            let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            proptest::prop_assert_eq!(bare(&split(&text).concat()), bare(&text));
        }
    }
}
