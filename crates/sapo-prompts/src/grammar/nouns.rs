//! Nouns, adjectives and short turns of phrase that others may stand in for.

use super::spans::{Word, is_shielded, shielded, words};

/// Words that may be exchanged: `from` for any of `to`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exchange {
    pub(super) from: &'static str,
    pub(super) to: &'static [&'static str],
    place: Place,
}

/// Where a word must stand to be exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Anywhere.
    Any,
    /// At the end of a noun phrase that has a determiner, where it can be nothing but a noun.
    Noun,
    /// Right after a determiner.
    Adjective,
}

const fn noun(from: &'static str, to: &'static [&'static str]) -> Exchange {
    Exchange { from, to, place: Place::Noun }
}

const fn adjective(from: &'static str, to: &'static [&'static str]) -> Exchange {
    Exchange { from, to, place: Place::Adjective }
}

const fn phrase(from: &'static str, to: &'static [&'static str]) -> Exchange {
    Exchange { from, to, place: Place::Any }
}

/// Singular and plural are separate entries, so that number never changes.
const EXCHANGES: &[Exchange] = &[
    noun("passage", &["text"]),
    noun("passages", &["texts"]),
    noun("paragraph", &["passage", "text"]),
    noun("paragraphs", &["passages", "texts"]),
    noun("document", &["text"]),
    noun("documents", &["texts"]),
    noun("conversation", &["dialogue"]),
    noun("conversations", &["dialogues"]),
    noun("dialogue", &["conversation"]),
    noun("dialogues", &["conversations"]),
    noun("headline", &["title"]),
    noun("headlines", &["titles"]),
    noun("response", &["reply"]),
    noun("responses", &["replies"]),
    noun("reply", &["response"]),
    noun("replies", &["responses"]),
    noun("rating", &["score"]),
    noun("ratings", &["scores"]),
    noun("error", &["mistake"]),
    noun("errors", &["mistakes"]),
    noun("mistake", &["error"]),
    noun("mistakes", &["errors"]),
    noun("picture", &["image"]),
    noun("tweet", &["Twitter post"]),
    noun("tweets", &["Twitter posts"]),
    noun("topic", &["subject"]),
    noun("topics", &["subjects"]),
    noun("categories", &["classes", "groups"]),
    phrase("movie", &["film"]),
    phrase("movies", &["films"]),
    phrase("film", &["movie"]),
    phrase("short summary", &["brief summary", "concise summary"]),
    phrase("brief summary", &["short summary", "concise summary"]),
    phrase("concise summary", &["brief summary", "short summary"]),
    phrase("short description", &["brief description"]),
    phrase("short explanation", &["brief explanation"]),
    phrase("short answer", &["brief answer"]),
    adjective("appropriate", &["suitable"]),
    adjective("suitable", &["appropriate"]),
    adjective("single-sentence", &["one-sentence"]),
    adjective("one-sentence", &["single-sentence"]),
    phrase("the given", &["the provided"]),
    phrase("the provided", &["the given"]),
    adjective("entire", &["whole"]),
    phrase("based on", &["on the basis of"]),
    phrase("such that it", &["so that it"]),
    phrase("such that the", &["so that the"]),
    phrase("in a sentence", &["in one sentence", "in a single sentence"]),
    phrase("in one sentence", &["in a single sentence"]),
    phrase("in order to", &["to"]),
];

/// The exchanges that could be made in `text`: no word of `labels` (in lower case) goes or comes, and nothing is called
/// by two names, here or in `kept`, the text beside it that stays as it is.
pub(super) fn exchanges(text: &str, kept: &str, labels: &[String]) -> Vec<Exchange> {
    let labelled = |phrase: &str| labels.iter().any(|label| phrase.split(' ').any(|word| word == label));
    let lower =
        |text: &str| -> Vec<String> { words(text).iter().map(|word| word.text.to_lowercase()).collect() };
    let (here, kept) = (lower(text), lower(kept));
    let everywhere = || here.iter().chain(&kept);
    // All mentions of a thing change together or none does, so that no reader takes them for two things.
    let together = |exchange: &Exchange| {
        let mentions = everywhere().filter(|word| same(word, exchange.from)).count();
        exchange.place != Place::Noun || mentions == exchange.places(text).count()
    };
    // What comes must not be there already: "the paragraph and its text".
    let confusing = |exchange: &Exchange, to: &str| {
        exchange.place == Place::Noun && everywhere().any(|word| same(word, to))
    };
    EXCHANGES
        .iter()
        .filter(|exchange| !labelled(exchange.from) && together(exchange))
        .filter(|exchange| !exchange.to.iter().any(|to| labelled(to) || confusing(exchange, to)))
        .filter(|exchange| {
            let article = labels.iter().any(|label| label == "a" || label == "an");
            !(article && exchange.to.iter().any(|to| vowel(to) != vowel(exchange.from)))
        })
        .filter(|exchange| exchange.places(text).next().is_some())
        .copied()
        .collect()
}

/// Equal up to a plural's `s`.
fn same(a: &str, b: &str) -> bool {
    a == b || a.strip_suffix('s') == Some(b) || b.strip_suffix('s') == Some(a)
}

/// Words that may stand before a noun and tell that it is one.
#[rustfmt::skip]
const BEFORE_NOUNS: &[&str] = &[
    "a", "an", "the", "this", "that", "these", "those", "each", "every", "one", "its", "their", "your",
    "given", "provided", "following", "short", "brief", "best", "correct", "appropriate", "suitable", "two",
    "three", "four", "five", "small", "all", "any", "both", "possible", "single", "corresponding", "long",
    "main", "right", "different", "from", "of",
];
/// Words that follow a whole noun phrase.
#[rustfmt::skip]
const AFTER_NOUNS: &[&str] = &[
    "of", "for", "to", "from", "in", "on", "that", "which", "who", "whose", "such", "based", "using", "about",
    "as", "at", "by", "and", "or", "if", "when", "so", "than", "into", "between", "with", "is", "are", "can",
    "whether", "below", "above", "according", "should", "must", "may", "has", "have",
];

impl Exchange {
    /// `text` with `to` for `from` in every place where that may be.
    pub(super) fn apply(&self, text: &str, to: &str) -> String {
        let mut out = String::new();
        let mut copied = 0;
        for at in self.places(text) {
            out.push_str(&text[copied..at]);
            fix_article(&mut out, to);
            out.push_str(to);
            copied = at + self.from.len();
        }
        out + &text[copied..]
    }

    /// Where in `text` the exchange may be made.
    fn places<'a>(&'a self, text: &'a str) -> impl Iterator<Item = usize> + 'a {
        let shields = shielded(text);
        let found = words(text);
        // Letter for letter: a capital in the middle of a sentence makes a name.
        text.match_indices(self.from).map(|(at, _)| at).filter(move |at| {
            let Some(first) = found.iter().position(|word| word.at == *at) else {
                return false;
            };
            let end = at + self.from.len();
            let Some(last) = found.iter().position(|word| word.end() == end) else {
                return false;
            };
            let before = first.checked_sub(1).map(|index| found[index]);
            !is_shielded(&shields, *at) && self.fits(text, before, found.get(last + 1).copied(), end)
        })
    }

    fn fits(&self, text: &str, before: Option<Word<'_>>, after: Option<Word<'_>>, end: usize) -> bool {
        let determined = before.is_some_and(|word| BEFORE_NOUNS.contains(&word.text.to_lowercase().as_str()));
        let closed = after.is_none_or(|word| {
            !text[end..word.at].trim().is_empty() || AFTER_NOUNS.contains(&word.text.to_lowercase().as_str())
        });
        match self.place {
            Place::Any => true,
            Place::Noun => determined && closed,
            Place::Adjective => determined && !closed,
        }
    }
}

/// Makes `a` or `an` at the end of `out` fit the word that comes next.
fn fix_article(out: &mut String, next: &str) {
    let old = ["a ", "an ", "A ", "An "].into_iter().find(|article| {
        out.strip_suffix(article)
            .is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric() || "'’-".contains(c)))
    });
    let Some(old) = old else {
        return;
    };
    out.truncate(out.len() - old.len());
    out.push_str(&old[..1]);
    out.push_str(if vowel(next) { "n " } else { " " });
}

/// Whether a word of the list above begins with the sound of a vowel ("one-sentence" does not).
fn vowel(word: &str) -> bool {
    word.starts_with(['a', 'e', 'i', 'o', 'u']) && !word.starts_with("one")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchanged(text: &str, kept: &str, labels: &[&str]) -> Vec<String> {
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        exchanges(text, kept, &labels)
            .iter()
            .flat_map(|exchange| exchange.to.iter().map(|to| exchange.apply(text, to)))
            .collect()
    }

    #[test]
    fn articles_and_numbers_agree() {
        assert_eq!(exchanged("an error", "", &[]), ["a mistake"]);
        assert_eq!(exchanged("find a mistake in the verse", "", &[]), ["find an error in the verse"]);
        assert_eq!(exchanged("the mistakes", "", &[]), ["the errors"]);
        assert_eq!(exchanged("a suitable rhyme", "", &[]), ["an appropriate rhyme"]);
        assert_eq!(exchanged("a single-sentence verse", "", &[]), ["a one-sentence verse"]);
    }

    #[test]
    fn only_nouns_in_the_open_are_exchanged() {
        for text in [
            "by rating the poem",
            "the Passage",
            "the \"passage\"",
            "the [error]",
            "the error rate",
            "in short",
        ] {
            assert_eq!(exchanged(text, "", &[]), Vec::<String>::new(), "{text}");
        }
        assert_eq!(exchanged("the passage, then", "", &[]), ["the text, then"]);
    }

    #[test]
    fn labels_and_words_that_others_refer_to_stay() {
        assert_eq!(
            exchanged("a movie review", "", &["Film"].map(str::to_lowercase).each_ref().map(String::as_str)),
            Vec::<String>::new()
        );
        assert_eq!(exchanged("the error", "", &["error"]), Vec::<String>::new());
        assert_eq!(exchanged("an error", "", &["a", "b"]), Vec::<String>::new());
        assert_eq!(exchanged("the passage", "Passages are long.", &[]), Vec::<String>::new());
        assert_eq!(exchanged("the passage with a text", "", &[]), Vec::<String>::new());
    }
}
