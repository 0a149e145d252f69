//! Reads an instruction into typed parts: what is given, what is asked, and the sentences that stay as they are.

use super::leads::{self, Strength};
use super::sentences::sentences;
use super::spans::{is_shielded, shielded, words};
use super::verbs;

/// An instruction in parts. The untyped ones are letter for letter the original's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parsed<'a> {
    /// Sentences before all that was understood.
    pub(super) before: &'a str,
    /// What the reader gets.
    pub(super) given: Option<Given<'a>>,
    /// Sentences after it and before the request.
    pub(super) between: &'a str,
    /// What to do.
    pub(super) request: Option<Request<'a>>,
    /// All that follows: rules, definitions of labels.
    pub(super) rest: &'a str,
}

/// What the reader gets: a noun phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Given<'a> {
    /// "a review of a hotel"
    pub(super) phrase: &'a str,
    pub(super) number: Number,
}

/// Whether a phrase goes with "is" or "are".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    One,
    Many,
    /// Not certain.
    Unclear,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request<'a> {
    /// An imperative clause in base form and the mark after it: "sum up the review", ".".
    Clause { text: &'a str, end: &'static str },
    /// A question that wants an answer, with its question mark.
    Question(&'a str),
}

impl<'a> Request<'a> {
    /// The clause or the question.
    pub(super) fn text(&self) -> &'a str {
        match self {
            Self::Clause { text, .. } | Self::Question(text) => text,
        }
    }
}

/// What one sentence says.
enum Reading<'a> {
    Given(Given<'a>),
    Both(Given<'a>, Request<'a>),
    Asked(Strength, Request<'a>),
    Other,
}

/// The parts of `text`, or nothing where neither what is given nor what is asked was understood.
pub(super) fn parse(text: &str) -> Option<Parsed<'_>> {
    let ranges = sentences(text);
    let readings: Vec<Reading<'_>> = ranges.iter().map(|range| read(&text[range.clone()])).collect();
    let asked = request_at(&readings);
    let given = given_at(&readings, asked);
    let (first, last) = (given.or(asked)?, asked.or(given)?);
    let given = given.and_then(|at| match &readings[at] {
        Reading::Given(given) | Reading::Both(given, _) => Some(*given),
        _ => None,
    });
    let request = asked.and_then(|at| match &readings[at] {
        Reading::Asked(_, request) | Reading::Both(_, request) => Some(*request),
        _ => None,
    });
    if text[..ranges[last].start].contains('\n') {
        return None; // lines that mean something, a list or a heading, would run together
    }
    let between = if first < last { ranges[first].end..ranges[last].start } else { 0..0 };
    Some(Parsed {
        before: text[..ranges[first].start].trim(),
        given,
        between: text[between].trim(),
        request,
        rest: text[ranges[last].end..].trim_end(),
    })
}

/// The sentence that asks: the surest, of these the first.
fn request_at(readings: &[Reading<'_>]) -> Option<usize> {
    let early = |at: usize| at == 0 || matches!(readings[at - 1], Reading::Given(_));
    let strength = |(at, reading): (usize, &Reading<'_>)| match reading {
        Reading::Both(..) => Some((Strength::Duty, at)),
        // Farther on, a question may be an example, and what the answer looks like is one more rule.
        Reading::Asked(Strength::Format, _) | Reading::Asked(_, Request::Question(_)) if !early(at) => None,
        Reading::Asked(strength, _) => Some((*strength, at)),
        _ => None,
    };
    readings.iter().enumerate().filter_map(strength).min().map(|(_, at)| at)
}

/// The sentence that says what is given: the one that asks, where it says both, otherwise the first before it.
fn given_at(readings: &[Reading<'_>], asked: Option<usize>) -> Option<usize> {
    let both = asked.filter(|at| matches!(readings[*at], Reading::Both(..)));
    let before = &readings[..asked.unwrap_or(readings.len())];
    both.or_else(|| before.iter().position(|reading| matches!(reading, Reading::Given(_))))
}

/// What `sentence` says.
fn read(sentence: &str) -> Reading<'_> {
    if let Some(phrase) = leads::given(sentence) {
        if let Some((given, request)) = divided(phrase, leads::asked_on) {
            return Reading::Both(given, request);
        }
        return noun_phrase(phrase).map_or(Reading::Other, Reading::Given);
    }
    if let Some(phrase) = leads::strip(leads::without_scene(sentence), "given ") {
        let asked = |rest| {
            let imperative = verbs::opens_clause(rest).then_some(rest);
            leads::asked(rest).map(|(_, clause)| clause).or(imperative)
        };
        return divided(phrase, asked)
            .map_or(Reading::Other, |(given, request)| Reading::Both(given, request));
    }
    if let Some((strength, text)) = leads::asked(sentence) {
        return asks(text, strength);
    }
    if is_question(sentence) {
        return Reading::Asked(Strength::Need, Request::Question(sentence));
    }
    let plain = leads::without_scene(sentence);
    if verbs::opens_clause(plain) && !only_reads(plain) {
        return asks(plain, Strength::Need);
    }
    Reading::Other
}

fn asks(text: &str, strength: Strength) -> Reading<'_> {
    let strength = if strength > Strength::Duty && is_format(text) { Strength::Format } else { strength };
    clause(text).map_or(Reading::Other, |request| Reading::Asked(strength, request))
}

/// Whether `text` says what the answer looks like: "Answer with ...", "Indicate your choice by ...", "Output 'x' ...".
fn is_format(text: &str) -> bool {
    let verbs =
        ["answer ", "respond ", "reply ", "indicate ", "output ", "return ", "print ", "write ", "say "];
    let signs = ["with ", "your ", "in ", "as ", "by ", "via ", "\"", "'", "“", "`"];
    verbs
        .iter()
        .filter_map(|verb| leads::strip(text, verb))
        .any(|rest| signs.iter().any(|sign| rest.starts_with(sign)))
}

/// "Read the text." asks for no answer; "Read the text and rate it." does.
fn only_reads(text: &str) -> bool {
    leads::strip(text, "read ").is_some_and(|rest| !rest.contains(" and "))
}

/// Joints between what is given and what is asked in one sentence; the longest of those that begin alike comes first.
const JOINTS: &[&str] = &[", and ", "; ", ", ", " and "];

/// Divides "a review, and your task is to rate it." at the first joint after which something is `asked`.
fn divided<'a>(
    text: &'a str,
    asked: impl Fn(&'a str) -> Option<&'a str>,
) -> Option<(Given<'a>, Request<'a>)> {
    let shields = shielded(text);
    let joints = text.char_indices().filter(|(at, _)| !is_shielded(&shields, *at)).filter_map(|(at, _)| {
        JOINTS.iter().find(|joint| text[at..].starts_with(**joint)).map(|joint| (at, at + joint.len()))
    });
    joints
        .filter_map(|(end, start)| {
            let request = clause(asked(&text[start..])?)?;
            Some((noun_phrase(&text[..end])?, request))
        })
        .next()
}

/// Words that open no noun phrase.
#[rustfmt::skip]
const NO_NOUNS: &[&str] = &[
    "that", "with", "by", "to", "in", "on", "below", "as", "it", "such", "this", "these", "and", "at", "only",
    "for", "your", "how", "what", "taken", "presented", "based", "derived", "drawn",
];

fn noun_phrase(text: &str) -> Option<Given<'_>> {
    let phrase = text.strip_suffix('.').unwrap_or(text).trim();
    let first = words(phrase).first().map(|word| word.text.to_lowercase())?;
    let inner_mark = phrase.contains(". ") || phrase.ends_with([':', '?', '!', '.', ';', ',']);
    if inner_mark || NO_NOUNS.contains(&first.as_str()) || !phrase.starts_with(char::is_alphanumeric) {
        return None;
    }
    // More than a noun phrase: "two poems and the output is one line".
    if ["you", "your"].iter().any(|word| words(phrase).iter().any(|found| found.text == *word))
        || [" the output ", " and given "].iter().any(|part| phrase.contains(part))
    {
        return None;
    }
    let listed = phrase.contains(" and ") || phrase.contains(',');
    let many = matches!(
        first.as_str(),
        "two" | "three" | "four" | "five" | "six" | "seven" | "eight" | "nine" | "ten" | "several" | "some"
    );
    let number = match first.as_str() {
        _ if listed => Number::Unclear,
        "a" | "an" | "one" => Number::One,
        _ if many => Number::Many,
        _ => Number::Unclear,
    };
    Some(Given { phrase, number })
}

/// Words after a lead that make no clause which could follow any other lead, or a rule rather than a request.
const NO_VERBS: &[&str] =
    &["not", "be", "never", "only", "always", "avoid", "note", "ensure", "do", "remember"];

/// A clause in base form, of a text that ends with its sentence.
fn clause(text: &str) -> Option<Request<'_>> {
    let text = text.trim();
    let (text, end) = match text.chars().last()? {
        '.' => (text.strip_suffix('.')?, "."),
        '!' => (text.strip_suffix('!')?, "."),
        // "say what the answer is: is it good or bad?" ends with a question of its own
        '?' if text.contains(": ") => (text, ""),
        '?' => (text.strip_suffix('?')?, "."),
        ':' => (text.strip_suffix(':')?, ":"),
        // A mark inside the quotes ends the sentence already.
        '"' | '”' | '\'' | '’' | ')'
            if text.trim_end_matches(['"', '”', '\'', '’', ')']).ends_with(['.', '!', '?']) =>
        {
            (text, "")
        }
        _ => (text, "."),
    };
    let text = text.trim_end();
    let verb = words(text).first().copied()?;
    let base = verb.at == 0
        && verb.text.chars().all(char::is_alphabetic)
        && verb.text.chars().skip(1).all(char::is_lowercase)
        && !NO_VERBS.contains(&verb.text.to_lowercase().as_str())
        && leads::strip(text, "make sure ").is_none();
    (base && !text.ends_with(['.', ',', ';', '…'])).then_some(Request::Clause { text, end })
}

/// Words that open a question.
const ASKING: &[&str] = &[
    "is", "are", "was", "were", "does", "do", "did", "has", "have", "can", "could", "would", "should",
    "will", "what", "which", "who", "whom", "whose", "where", "when", "why", "how",
];

fn is_question(sentence: &str) -> bool {
    let opens = words(sentence)
        .first()
        .is_some_and(|word| word.at == 0 && ASKING.contains(&word.text.to_lowercase().as_str()));
    opens && sentence.ends_with('?') && !sentence.contains('\n')
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
