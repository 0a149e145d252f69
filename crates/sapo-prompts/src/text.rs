//! Reading a wording without its looks: normal form, tokens, scripts, whole words.

use unicode_normalization::UnicodeNormalization;

/// The wording up to case, space and punctuation: compatibility-composed, lower case, letters and digits alone.
///
/// A wording without letters and digits keeps its other signs, so that `+` and `-` differ.
pub(crate) fn normal_form(text: &str) -> String {
    let bare: String = folded(text).filter(|c| c.is_alphanumeric()).collect();
    if bare.is_empty() { folded(text).filter(|c| !c.is_whitespace()).collect() } else { bare }
}

/// Lower-case words without punctuation; every CJK character is a token of its own.
pub(crate) fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut word = String::new();
    for c in folded(text) {
        if c.is_alphanumeric() && !is_cjk(c) {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            tokens.push(std::mem::take(&mut word));
        }
        if is_cjk(c) {
            tokens.push(c.to_string());
        }
    }
    if !word.is_empty() {
        tokens.push(word);
    }
    tokens
}

fn folded(text: &str) -> impl Iterator<Item = char> + '_ {
    text.nfkc().flat_map(char::to_lowercase)
}

/// Chinese characters (unified ideographs, extensions and the iteration marks among them) and kana.
pub(crate) fn is_cjk(c: char) -> bool {
    matches!(u32::from(c),
        0x3005..=0x3007 | 0x3040..=0x30FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF)
}

/// Whether `word` stands in `text` letter for letter and as a whole word.
///
/// Chinese is written without spaces, so a Chinese character never continues a word: `A` is whole in `输出A，`.
pub(crate) fn contains_word(text: &str, word: &str) -> bool {
    let (Some(first), Some(last)) = (word.chars().next(), word.chars().next_back()) else {
        return false;
    };
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !joined(before, Some(first)) && !joined(Some(last), after)
    })
}

/// Whether two neighbours belong to one word.
fn joined(left: Option<char>, right: Option<char>) -> bool {
    left.is_some_and(continues_word) && right.is_some_and(continues_word)
}

fn continues_word(c: char) -> bool {
    (c.is_alphanumeric() || c == '_') && !is_cjk(c)
}

/// How long a wording reads: characters, a CJK character counted twice because it carries about twice as much.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(|c| if is_cjk(c) { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_form_forgets_case_space_and_punctuation() {
        assert_eq!(normal_form("Say \"yes\", please!"), normal_form("say yes  PLEASE"));
        assert_eq!(normal_form("输出Ａ。"), normal_form("输出A"));
        assert_eq!(normal_form("cafe\u{301}"), normal_form("café"));
        assert_ne!(normal_form("+"), normal_form("-"));
        assert_ne!(normal_form("yes"), normal_form("no"));
    }

    #[test]
    fn tokens_split_words_and_single_chinese_characters() {
        assert_eq!(tokens("Answer A，选择B."), ["answer", "a", "选", "择", "b"]);
        assert_eq!(tokens("{x} 1-5"), ["x", "1", "5"]);
        assert!(tokens(" …!").is_empty());
    }

    #[test]
    fn words_are_whole() {
        assert!(contains_word("answer 'yes' or 'no'.", "no"));
        assert!(!contains_word("do not answer", "no"));
        assert!(!contains_word("rate it 2 stars", "2 star"));
        assert!(contains_word("on a scale of 1-5", "5"));
        assert!(contains_word("输出A，B或者C", "A"));
        assert!(contains_word("选择支持或反对", "支持"));
        assert!(!contains_word("anything", ""));
        assert!(!contains_word("Yes", "yes"));
    }
}
