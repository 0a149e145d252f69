/// Number of words: what stands between spaces once punctuation is gone. Apostrophes of contractions stay, hyphens go
/// without a trace (`well-known` is one word).
pub fn count_words(text: &str) -> usize {
    without_punctuation(text).split_whitespace().count()
}

/// Number of sentences, at least 1 where there is text: runs that begin at the edge of a word and end at `.`, `!` or `?`,
/// but for those of at most two words.
pub fn count_sentences(text: &str) -> usize {
    if text.is_empty() {
        return 0;
    }
    let long = sentences(text).into_iter().filter(|sentence| count_words(sentence) > 2).count();
    long.max(1)
}

/// The words in lower case.
pub(super) fn words(text: &str) -> Vec<String> {
    without_punctuation(text).to_lowercase().split_whitespace().map(str::to_string).collect()
}

const ENDS: [char; 3] = ['.', '!', '?'];

/// The matches of `\b[^.!?]+[.!?]*`.
fn sentences(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = first_edge(text, rest) {
        let begun = &rest[start..];
        let body = begun.find(ENDS).unwrap_or(begun.len());
        let end = begun[body..].find(|c| !ENDS.contains(&c)).map_or(begun.len(), |ends| body + ends);
        found.push(&begun[..end]);
        rest = &begun[end..];
    }
    found
}

/// Where in `rest`, the end of `text`, the first edge of a word is that no end of a sentence follows.
fn first_edge(text: &str, rest: &str) -> Option<usize> {
    let mut before = text[..text.len() - rest.len()].chars().next_back();
    for (at, c) in rest.char_indices() {
        if before.is_some_and(is_word) != is_word(c) && !ENDS.contains(&c) {
            return Some(at);
        }
        before = Some(c);
    }
    None
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn without_punctuation(text: &str) -> String {
    let kept = |(at, c): (usize, char)| match c {
        '\'' => begins_contraction(&text[at + 1..]),
        _ => is_word(c) || c.is_whitespace(),
    };
    text.char_indices().filter(|&place| kept(place)).map(|(_, c)| c).collect()
}

/// Whether an apostrophe before `rest` is kept: `'t`, `'s`, `'d`, `'ve`, `'ll`, `'re`, whatever follows.
fn begins_contraction(rest: &str) -> bool {
    ["t", "s", "d", "ve", "ll", "re"].iter().any(|ending| rest.starts_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_begin_at_words_and_short_ones_do_not_count() {
        assert_eq!(sentences("So. (Why?) 'Go on' -- now! "), ["So.", "Why?", "Go on' -- now!"]);
        assert_eq!(sentences("... !"), Vec::<&str>::new());
        assert_eq!(count_sentences("One is here. Two is here. No. Not so."), 2);
        assert_eq!((count_sentences("No."), count_sentences("...")), (1, 1));
        assert_eq!(count_sentences(""), 0);
    }

    #[test]
    fn punctuation_goes_and_contractions_stay() {
        assert_eq!(
            words("Don't 'quote' well-known I.D.s, they'VE"),
            ["don't", "quote", "wellknown", "ids", "theyve"]
        );
        assert_eq!(count_words(" ... -- "), 0);
    }
}
