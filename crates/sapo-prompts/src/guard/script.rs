//! The language is kept: by its script, and where that is the same by the words, as far as they are enough to tell.

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
    if expected != found {
        return Some(Rejection::ScriptChanged { expected, found });
    }
    let (expected, found) = (language(original, labels)?, language(text, labels)?);
    (expected != found)
        .then(|| Rejection::LanguageChanged { expected: expected.eng_name(), found: found.eng_name() })
}

/// A language that is as good as certain: a wrong guess would throw a good wording away.
const CERTAIN: f64 = 0.9;

fn language(text: &str, labels: &[String]) -> Option<whatlang::Lang> {
    let info = whatlang::detect(&without(text, labels))?;
    (info.is_reliable() && info.confidence() >= CERTAIN).then(|| info.lang())
}

/// The script of most letters, the labels left out: they may be English in a Chinese instruction.
fn dominant(text: &str, labels: &[String]) -> Option<Script> {
    // Labels may be all there is: then they speak for the text.
    count(&without(text, labels)).or_else(|| count(text))
}

/// The text without the label words.
fn without(text: &str, labels: &[String]) -> String {
    let labels = labels.iter().filter(|label| !label.is_empty());
    labels.fold(text.to_owned(), |text, label| text.replace(label.as_str(), " "))
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
    fn another_language_of_the_same_script_is_noticed_where_the_words_are_enough() {
        let original =
            "Read the review of the hotel and decide whether the guest was happy or sad with the stay.";
        let labels = ["happy".to_owned(), "sad".to_owned()];
        let german = "Lies die Bewertung des Hotels und entscheide, ob der Gast mit dem Aufenthalt happy oder sad war.";
        let french = "Lisez la critique de cet hôtel et décidez si le client était happy ou sad de son séjour chez eux.";
        for (text, found) in [(german, "German"), (french, "French")] {
            let expected = Some(Rejection::LanguageChanged { expected: "English", found });
            assert_eq!(check(original, text, &labels), expected);
        }
        assert_eq!(check(german, original, &labels).map(|r| r.to_string().contains("German")), Some(true));
        for short in ["Review in, mood out: happy or sad.", "happy or sad?", "Guest: happy/sad"] {
            assert_eq!(check(original, short, &labels), None, "{short}");
        }
    }

    #[test]
    fn a_translation_is_noticed() {
        let labels = ["A".to_owned(), "positive".to_owned()];
        let expected = Rejection::ScriptChanged { expected: Script::Cjk, found: Script::Latin };
        assert_eq!(check("判断态度，输出A。", "Judge the stance, answer A.", &labels), Some(expected));
        assert_eq!(check("判断态度，输出A。", "请选择positive或者A。", &labels), None);
        assert_eq!(check("Judge it.", "Beurteile es, Gr\u{fc}\u{df}e.", &labels), None);
        let other = Rejection::ScriptChanged { expected: Script::Latin, found: Script::Other };
        assert_eq!(check("Judge it.", "Оцени это.", &labels), Some(other));
        assert_eq!(check("Judge it.", "123", &labels), None, "no letters, no language");
    }
}
