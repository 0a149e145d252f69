//! The tokeniser of WMT's `mteval-v13a`, as sacrebleu has it: SARI is counted over its tokens.

use super::python;

/// Splits `text` into tokens.
///
/// # Source
/// `sacrebleu/tokenizers/tokenizer_13a.py` and `tokenizer_re.py` (sacrebleu 2.6).
pub(super) fn tokens(text: &str) -> Vec<String> {
    let text = text.replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
    let text = text.replace("&quot;", "\"").replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">");
    let mut spaced = String::with_capacity(text.len() * 2);
    spaced.push(' ');
    for c in text.chars() {
        if is_symbol(c) {
            spaced.extend([' ', c, ' ']);
        } else {
            spaced.push(c);
        }
    }
    spaced.push(' ');

    let after_non_digit =
        rewrite_pairs(&spaced, |a, b| !a.is_ascii_digit() && is_stop(b), |a, b| [a, ' ', b, ' ']);
    let before_non_digit =
        rewrite_pairs(&after_non_digit, |a, b| is_stop(a) && !b.is_ascii_digit(), |a, b| [' ', a, ' ', b]);
    let dashes =
        rewrite_pairs(&before_non_digit, |a, b| a.is_ascii_digit() && b == '-', |a, b| [a, ' ', b, ' ']);
    python::split(&dashes).map(String::from).collect()
}

/// ASCII punctuation without the apostrophe, comma, dash and full stop.
fn is_symbol(c: char) -> bool {
    matches!(c, '{'..='~' | '['..='`' | ' '..='&' | '('..='+' | ':'..='@' | '/')
}

fn is_stop(c: char) -> bool {
    matches!(c, '.' | ',')
}

/// Rewrites pairs of neighbours from left to right; a character is part of one match at most, as in `re.sub`.
fn rewrite_pairs(
    text: &str,
    matches: impl Fn(char, char) -> bool,
    rewrite: impl Fn(char, char) -> [char; 4],
) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut chars = text.chars().peekable();
    while let Some(a) = chars.next() {
        match chars.next_if(|&b| matches(a, b)) {
            Some(b) => out.extend(rewrite(a, b)),
            None => out.push(a),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_stops() {
        assert_eq!(
            tokens("It's 1,000.5 (approx.), 3-4 e-mails..."),
            ["It's", "1,000.5", "(", "approx", ".", ")", ",", "3", "-", "4", "e-mails", ".", ".", "."]
        );
        assert_eq!(
            tokens("a &lt;b&gt; &amp; hyphen-\nated\n<skipped>"),
            ["a", "<", "b", ">", "&", "hyphenated"]
        );
    }
}
