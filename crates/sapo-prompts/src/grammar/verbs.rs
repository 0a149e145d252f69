//! The verbs of requests, with the verbs that may stand in for them.
//!
//! Whether two verbs mean the same depends on what they govern: one finds the *number* of words and works it out, but
//! one finds a *word* and picks it out. A [`Sense`] holds the verbs of one meaning and says when it applies.

use super::senses::When::{self, Holds, Lacks, Next, Object};
use super::senses::{DETERMINERS, SENSES, Sense};
use super::spans::{is_shielded, shielded, words};

/// Further verbs that open a request and have no stand-in here.
#[rustfmt::skip]
const OTHERS: &[&str] = &[
    "add", "annotate", "assign", "combine", "compare", "continue", "describe", "estimate", "expand", "fill",
    "guess", "highlight", "insert", "match", "mention", "name", "perform", "predict", "print", "rank",
    "replace", "report", "reverse", "shorten", "tell", "act", "arrange", "edit", "form",
];

/// Verbs that are as often nouns: at the head of a sentence they count where a word follows that opens an object.
const ALSO_NOUNS: &[&str] = &[
    "answer", "label", "tag", "mark", "list", "state", "name", "order", "rate", "score", "grade", "match",
    "sort", "group", "output", "return", "report", "count", "guess", "change", "check", "judge", "draft",
    "rank", "estimate", "spot", "craft", "reply", "fix", "turn", "correct", "complete", "read", "pick",
    "produce", "act", "say", "print", "edit", "form",
];

/// Words, other than determiners, that follow a verb and no noun.
const AFTER_VERBS: &[&str] =
    &["it", "them", "with", "whether", "if", "which", "what", "how", "as", "only", "yes", "no"];

/// Whether `text` begins with a verb that asks for something.
pub(super) fn opens_clause(text: &str) -> bool {
    let found = words(text);
    let Some(first) = found.first().filter(|word| word.at == 0) else {
        return false;
    };
    let lower = first.text.to_lowercase();
    let known = OTHERS.contains(&lower.as_str())
        || SENSES.iter().any(|sense| sense.from.iter().any(|verb| verb.split(' ').next() == Some(&lower)));
    let Some(next) = found.get(1) else {
        return known && text[first.end()..].trim().is_empty();
    };
    // "Answer: ..." and "Label, title and text are given." are no requests.
    if text[first.end()..next.at].contains([':', ',', ';', '.', '/']) {
        return false;
    }
    // A capital makes a name: "List A is long."
    let object =
        || DETERMINERS.contains(&next.text) || AFTER_VERBS.contains(&next.text.to_lowercase().as_str());
    known
        && (!ALSO_NOUNS.contains(&lower.as_str())
            || object()
            || text[first.end()..].trim_start().starts_with(['"', '\'', '“']))
}

/// The head verb of `clause` and the clauses that say the same with another, each with its verb. Neither the verb that
/// goes nor the one that comes holds a word of `labels` (in lower case).
pub(super) fn alternatives(clause: &str, labels: &[String]) -> Vec<(&'static str, String)> {
    let Some((sense, verb, tail)) = sense_of(clause) else {
        return Vec::new();
    };
    let labelled = |phrase: &str| phrase.split(' ').any(|word| labels.iter().any(|label| label == word));
    if labelled(verb) {
        return Vec::new();
    }
    let others = sense.to.iter().filter(|other| **other != verb && !labelled(other));
    others.map(|other| (*other, format!("{other}{}", repeated(tail, verb, other)))).collect()
}

fn sense_of(clause: &str) -> Option<(&'static Sense, &'static str, &str)> {
    let lower = clause.to_ascii_lowercase();
    let head = |verb: &str| {
        lower.strip_prefix(verb).is_some_and(|rest| rest.starts_with(' ')).then(|| &clause[verb.len()..])
    };
    let longest = SENSES
        .iter()
        .flat_map(|sense| sense.from)
        .filter(|verb| head(verb).is_some())
        .max_by_key(|verb| verb.len())?;
    let tail = head(longest)?;
    let fits =
        |sense: &&Sense| sense.from.contains(longest) && sense.when.iter().all(|when| when.holds(tail));
    SENSES.iter().find(fits).map(|sense| (sense, *longest, tail))
}

impl When {
    fn holds(&self, tail: &str) -> bool {
        match self {
            Next(list) => {
                let next = words(tail).first().map(|word| (word.at, word.text.to_lowercase()));
                next.is_some_and(|(at, next)| at == 1 && list.contains(&next.as_str()))
            }
            Holds(list) => list.iter().any(|part| tail.contains(part)),
            Lacks(list) => !list.iter().any(|part| tail.contains(part)),
            Object(list) => head_noun(tail).is_some_and(|noun| list.contains(&noun.as_str())),
        }
    }
}

/// Words that end a noun phrase.
#[rustfmt::skip]
const ENDS: &[&str] = &[
    "of", "for", "to", "from", "in", "on", "that", "which", "who", "whose", "such", "based", "using", "about",
    "as", "at", "by", "and", "or", "if", "when", "so", "than", "into", "between", "describing", "with", "is",
    "are", "can", "whether", "without", "using", "after", "before", "where", "containing", "because",
    "within", "through", "under", "while", "it", "you", "me", "us", "only",
];

/// The last word of the noun phrase that `tail` begins with, in lower case.
fn head_noun(tail: &str) -> Option<String> {
    let shields = shielded(tail);
    let mut head = None;
    let mut end = 0;
    for word in words(tail) {
        let lower = word.text.to_lowercase();
        let gap = &tail[end..word.at];
        // An article in the middle opens a second object: "give the reader a summary".
        let second =
            head.is_some() && matches!(lower.as_str(), "a" | "an" | "the" | "your" | "their" | "its");
        let marked = gap.contains(|c: char| !c.is_whitespace());
        if is_shielded(&shields, word.at)
            || (marked && head.is_some())
            || ENDS.contains(&lower.as_str())
            || second
        {
            break;
        }
        end = word.end();
        head = Some(lower);
    }
    head
}

/// `tail` with the verb also where it comes back with the same object: "..., otherwise generate label Y".
fn repeated(tail: &str, verb: &str, other: &str) -> String {
    let shields = shielded(tail);
    let next = words(tail).first().map_or("", |word| word.text);
    let mut text = String::new();
    let mut copied = 0;
    for (at, found) in tail.match_indices(&format!("{verb} {next} ")) {
        let joined = ["otherwise ", "or ", "and ", "else "].iter().any(|joint| tail[..at].ends_with(joint));
        if joined && !is_shielded(&shields, at) {
            text.push_str(&tail[copied..at]);
            text.push_str(other);
            copied = at + verb.len();
            debug_assert!(found.starts_with(verb));
        }
    }
    text + &tail[copied..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verbs(clause: &str, labels: &[&str]) -> Vec<&'static str> {
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        alternatives(clause, &labels).into_iter().map(|(verb, _)| verb).collect()
    }

    #[test]
    fn what_a_verb_governs_decides_what_may_stand_in() {
        assert_eq!(verbs("classify the poem into two kinds", &[]), ["categorize", "sort"]);
        assert_eq!(verbs("classify the poem as sad", &[]), ["label", "tag"]);
        assert_eq!(verbs("find the number of rhymes", &[]), ["determine", "work out", "calculate"]);
        assert_eq!(verbs("find the odd word in the row", &[]), ["identify", "pick out", "spot"]);
        assert_eq!(
            verbs("find out whether it rhymes", &[]),
            ["determine", "decide", "judge", "establish", "work out"]
        );
        assert_eq!(verbs("give the reader a summary", &[]), Vec::<&str>::new());
        assert_eq!(verbs("give a short summary of it", &[]).len(), 6);
        assert_eq!(verbs("carefully read the poem", &[]), Vec::<&str>::new());
    }

    #[test]
    fn the_rest_of_the_clause_stays() {
        let clause = "generate a label if it rhymes, otherwise generate a \"or generate a \" sign";
        let made = alternatives(clause, &[]);
        assert_eq!(
            made[0],
            ("provide", "provide a label if it rhymes, otherwise provide a \"or generate a \" sign".into())
        );
        let made = alternatives("summarize the poem in a line", &[]);
        assert_eq!(made[1], ("write a summary of", "write a summary of the poem in a line".into()));
    }

    #[test]
    fn labels_are_neither_replaced_nor_brought_in() {
        assert_eq!(verbs("classify the poem as sad", &["tag"]), ["label"]);
        assert_eq!(verbs("classify the poem as sad", &["classify"]), Vec::<&str>::new());
        assert_eq!(
            verbs("simplify the poem", &["a"]),
            Vec::<&str>::new(),
            "an article would read as the label"
        );
    }

    #[test]
    fn verbs_open_clauses_and_nouns_do_not() {
        for text in [
            "Classify the poem.",
            "list all words",
            "Answer with \"a\".",
            "Translate into German.",
            "Output 'x' if",
        ] {
            assert!(opens_clause(text), "{text}");
        }
        for text in [
            "Answer options are given.",
            "List A is long.",
            "Sing a song.",
            "",
            "Label: sad",
            "\"Write\" is a word.",
        ] {
            assert!(!opens_clause(text), "{text}");
        }
    }
}
