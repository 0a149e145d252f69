//! Which language an instruction is in, as far as the grammar needs to know.

use crate::text::{is_cjk, tokens};

/// A language of the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    English,
    Chinese,
    /// Any other, or too little to tell.
    Other,
}

/// Words that stand in nearly every English sentence and in few others.
#[rustfmt::skip]
const ENGLISH: &[&str] = &[
    "the", "of", "and", "or", "for", "with", "you", "your", "this", "that", "these", "if", "whether", "it",
    "its", "from", "what", "which", "how", "are", "each", "must", "should", "whose", "into", "following",
    "given", "please", "answer", "word", "words", "text", "sentence", "question",
];
/// English words that other languages also have.
const SHARED: &[&str] = &["a", "an", "in", "is", "to", "as", "on", "no", "be", "by", "not", "one"];
/// Such words of other languages.
const FOREIGN: &[&str] = &[
    "der", "die", "das", "und", "ist", "ein", "eine", "einen", "oder", "nicht", "den", "dem", "des", "für",
    "mit", "ob", "sie", "le", "la", "les", "et", "est", "une", "du", "ou", "que", "el", "los", "las", "de",
    "il", "di", "che", "per", "het", "een", "van", "voor", "og", "är", "att", "och", "não", "uma", "da",
    "em", "para", "com", "si", "en", "ce", "cette", "ihr", "dans", "sur", "esta", "este", "un", "del", "y",
    "o", "os", "nel", "della", "zu", "im",
];

/// The language of `text`.
pub(super) fn language(text: &str) -> Language {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let cjk = text.chars().filter(|c| is_cjk(*c)).count();
    // A Chinese word has about half the letters of an English one. Kana are Japanese.
    if 3 * cjk >= letters && cjk > 0 {
        let kana = text.chars().any(|c| matches!(c, '\u{3041}'..='\u{30FF}'));
        return if kana { Language::Other } else { Language::Chinese };
    }
    let tokens = tokens(text);
    let count = |list: &[&str]| tokens.iter().filter(|token| list.contains(&token.as_str())).count();
    let (english, shared, foreign) = (count(ENGLISH), count(SHARED), count(FOREIGN));
    let plain = shared > 0 && foreign == 0 && text.is_ascii();
    if english > foreign || plain { Language::English } else { Language::Other }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_told_apart() {
        for text in [
            "Sing a song.",
            "Is the writer happy or sad?",
            "Summarise the text in German.",
            "用 the word 好 in a text.",
        ] {
            assert_eq!(language(text), Language::English, "{text}");
        }
        for text in ["判断以下文本的态度，输出A，B或者C。", "把 hello 翻译成中文"] {
            assert_eq!(language(text), Language::Chinese, "{text}");
        }
        for text in [
            "",
            "2 + 2 =",
            "Fasse den Text in einem Satz zusammen.",
            "Donnez la réponse à la question.",
            "Resume el texto en una frase.",
            "Оцени это.",
            "次の文を要約してください。",
        ] {
            assert_eq!(language(text), Language::Other, "{text}");
        }
    }
}
