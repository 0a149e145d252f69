//! The language is kept, as far as the script shows it: Chinese stays Chinese. German for English passes.

use super::Rejection;
use crate::text::is_cjk;

/// What most of a wording's letters are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// Chinese characters and kana.
    Cjk,
    /// Latin letters, with or without accents.
    Latin,
    /// Any other letters.
    Other,
}

impl std::fmt::Display for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Cjk => "CJK",
            Self::Latin => "Latin",
            Self::Other => "other",
        })
    }
}

pub(super) fn check(original: &str, text: &str, labels: &[String]) -> Option<Rejection> {
    let (expected, found) = (dominant(original, labels)?, dominant(text, labels)?);
    (expected != found).then_some(Rejection::LanguageChanged { expected, found })
}

/// The script of most letters, the labels left out: they may be English in a Chinese instruction.
fn dominant(text: &str, labels: &[String]) -> Option<Script> {
    let bare = labels
        .iter()
        .filter(|label| !label.is_empty())
        .fold(text.to_owned(), |text, label| text.replace(label.as_str(), " "));
    // Labels may be all there is: then they speak for the text.
    count(&bare).or_else(|| count(text))
}

fn count(text: &str) -> Option<Script> {
    let (mut cjk, mut latin, mut other) = (0, 0, 0);
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        match c {
            c if is_cjk(c) => cjk += 2, // a Chinese word has about half the letters of an English one
            'a'..='z' | 'A'..='Z' | '\u{C0}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}' => latin += 1,
            _ => other += 1,
        }
    }
    let most = cjk.max(latin).max(other);
    match most {
        0 => None,
        _ if cjk == most => Some(Script::Cjk),
        _ if latin == most => Some(Script::Latin),
        _ => Some(Script::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_translation_is_noticed() {
        let labels = ["A".to_owned(), "positive".to_owned()];
        let expected = Rejection::LanguageChanged { expected: Script::Cjk, found: Script::Latin };
        assert_eq!(check("判断态度，输出A。", "Judge the stance, answer A.", &labels), Some(expected));
        assert_eq!(check("判断态度，输出A。", "请选择positive或者A。", &labels), None);
        assert_eq!(check("Judge it.", "Beurteile es, Gr\u{fc}\u{df}e.", &labels), None);
        let other = Rejection::LanguageChanged { expected: Script::Latin, found: Script::Other };
        assert_eq!(check("Judge it.", "Оцени это.", &labels), Some(other));
        assert_eq!(check("Judge it.", "123", &labels), None, "no letters, no language");
    }
}
