//! What can be said of one instruction that was read: which frames, verbs and words suit it, and how a choice among
//! them reads.

use super::nouns::{self, Exchange};
use super::parse::{Given, Number, Parsed, Request};
use super::sentences::sentences;
use super::spans::words;
use super::styles::{Agrees, FORMS, Form, OFFERS, Offer, QUESTION_CLAUSES, Remark, Shape};
use super::{Manner, frames::capitalised, verbs};

/// A parsed instruction with the clauses and exchanges that it allows.
pub(super) struct Material<'a> {
    parsed: &'a Parsed<'a>,
    clauses: Vec<Clause>,
    exchanges: Vec<Exchange>,
}

/// One way to say what is asked.
struct Clause {
    /// The verb that was put in, if one was.
    verb: Option<&'static str>,
    /// The clause with a small letter, without the mark after it.
    text: String,
}

/// What was drawn for one rewrite.
pub(super) struct Choice {
    /// Nothing where the instruction has no request.
    pub(super) form: Option<Form>,
    /// For what is given, unless the form holds it.
    pub(super) offer: Option<Offer>,
    /// Place of the clause.
    pub(super) clause: usize,
    pub(super) exchanges: Vec<(Exchange, &'static str)>,
    pub(super) opening: Option<Remark>,
    pub(super) closing: Option<Remark>,
    /// Before the rules.
    pub(super) note: Option<&'static str>,
}

/// Longer requests are hard to follow as one question.
const QUESTION_WORDS: usize = 30;
/// Longer descriptions of what is given need a sentence of their own.
const JOINED_WORDS: usize = 25;
/// The most sentences of rules that may stand before the request.
const RULES_FIRST: usize = 3;

impl<'a> Material<'a> {
    pub(super) fn new(parsed: &'a Parsed<'a>, labels: &[String]) -> Self {
        let labels: Vec<String> =
            labels.iter().flat_map(|label| words(label)).map(|word| word.text.to_lowercase()).collect();
        let clauses = clauses(parsed.request, &labels);
        let phrase = parsed.given.map_or("", |given| given.phrase);
        let asked = parsed.request.map_or("", |request| request.text());
        let kept = [parsed.before, parsed.between, parsed.rest].join(" ");
        let exchanges = nouns::exchanges(&format!("{phrase}. {asked}"), &kept, &labels);
        Self { parsed, clauses, exchanges }
    }

    /// How many clauses there are to choose from.
    pub(super) fn clauses(&self) -> usize {
        self.clauses.len()
    }

    pub(super) fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }

    /// The frames that suit the request; none without one.
    pub(super) fn forms(&self) -> Vec<Form> {
        let Some(request) = self.parsed.request else {
            return Vec::new();
        };
        let suits = |form: &&Form| self.shape_suits(form, request) && self.manner_suits(form, request);
        FORMS.iter().filter(suits).copied().collect()
    }

    /// Whether what is given, the request and the rules may stand in this order.
    fn shape_suits(&self, form: &Form, request: Request<'_>) -> bool {
        let parsed = self.parsed;
        let lists = matches!(request, Request::Clause { end: ":", .. });
        let given_is_next = parsed.between.is_empty() && !lists;
        match form.shape {
            Shape::Alone(_) => true,
            Shape::Joined(..) => parsed.given.filter(|_| given_is_next).is_some_and(|given| {
                let (phrase, clause) = (words(given.phrase).len(), words(request.text()).len());
                let short = phrase <= JOINED_WORDS && phrase + clause <= 2 * JOINED_WORDS;
                short && !given.phrase.contains([':', ';', '?'])
            }),
            Shape::Swapped(..) => {
                let rules = parsed.rest.is_empty() || self.rules_stand_alone();
                parsed.given.is_some() && given_is_next && stands_alone(request.text()) && rules
            }
            Shape::Last(_) => {
                !parsed.rest.is_empty() && !lists && stands_alone(request.text()) && self.rules_stand_alone()
            }
        }
    }

    /// Whether the request may be put in the manner of the form.
    fn manner_suits(&self, form: &Form, request: Request<'_>) -> bool {
        let text = request.text().to_lowercase();
        let opens = |verbs: &[&str]| verbs.iter().any(|verb| text.starts_with(verb));
        match (form.manner, request) {
            (Manner::Question, Request::Clause { end, .. }) => {
                let one_sentence = end == "." && !text.contains([':', ';', '?']) && !text.contains(". ");
                one_sentence && words(&text).len() <= QUESTION_WORDS
            }
            // These manners speak of reading and of the input themselves.
            (Manner::Stepwise, _) => !opens(&["read", "go through", "first"]),
            (Manner::ContextFirst, _) if matches!(form.shape, Shape::Alone(_)) => {
                let pointers = ["following", "below", "above", "input", "given"];
                let points = pointers.iter().any(|pointer| text.contains(pointer));
                self.parsed.given.is_none() && !opens(&["read"]) && !points
            }
            _ => true,
        }
    }

    /// The sentences that can bring in what is given.
    pub(super) fn offers(&self) -> Vec<Offer> {
        let suits = |given: Given<'_>| {
            let agreeing = OFFERS.iter().copied().filter(move |offer| match offer.agrees {
                Agrees::Always => true,
                Agrees::One => given.number == Number::One,
                Agrees::Many => given.number == Number::Many,
            });
            // "The input is a list as input" would say it twice.
            let says_input = given.phrase.contains("input");
            agreeing.filter(move |offer| !(says_input && offer.before.contains("input")))
        };
        self.parsed.given.into_iter().flat_map(suits).collect()
    }

    /// Whether something like "Please note:" may lead in the rules.
    pub(super) fn takes_note(&self) -> bool {
        let found = words(self.parsed.rest);
        let Some(first) = found.first() else {
            return false;
        };
        let leads_in = ["note", "please", "keep", "remember", "here", "warning", "important", "if"];
        first.text.chars().nth(1).is_some_and(char::is_lowercase)
            && first.text.starts_with(char::is_uppercase)
            && !leads_in.contains(&first.text.to_lowercase().as_str())
            && self.rules_stand_alone()
    }

    /// Whether nothing can follow the last sentence, because it is a list.
    pub(super) fn ends_with_list(&self) -> bool {
        let parsed = self.parsed;
        let colon = matches!(parsed.request, Some(Request::Clause { end: ":", .. }));
        parsed.rest.contains('\n') || parsed.rest.ends_with(':') || (parsed.rest.is_empty() && colon)
    }

    fn rules_stand_alone(&self) -> bool {
        let rest = self.parsed.rest;
        !rest.contains(['\n', '?']) && sentences(rest).len() <= RULES_FIRST && stands_alone(rest)
    }

    /// The rewrite that a choice makes.
    pub(super) fn render(&self, choice: &Choice) -> String {
        let parsed = self.parsed;
        let exchanged = |text: &str| {
            choice.exchanges.iter().fold(text.to_owned(), |text, (exchange, to)| exchange.apply(&text, to))
        };
        let phrase = parsed.given.map(|given| exchanged(given.phrase)).unwrap_or_default();
        let asked = choice.form.map(|form| self.ask(form, &exchanged(self.clause(choice, form)), &phrase));
        let offered = choice.offer.map(|offer| format!("{}{phrase}.", offer.before));
        let rules_first = matches!(choice.form, Some(Form { shape: Shape::Last(_), .. }));
        let (early, late) = if rules_first { (parsed.rest, "") } else { ("", parsed.rest) };
        let remark = |remark: Option<Remark>| remark.map_or("", |remark| remark.text);
        let pieces = [
            remark(choice.opening),
            parsed.before,
            offered.as_deref().unwrap_or_default(),
            parsed.between,
            early,
            asked.as_deref().unwrap_or_default(),
            choice.note.unwrap_or_default(),
            late,
            remark(choice.closing),
        ];
        pieces.into_iter().fold(String::new(), appended)
    }

    /// The clause of a choice; a question stands for itself where nothing leads it in.
    fn clause(&self, choice: &Choice, form: Form) -> &str {
        match self.parsed.request {
            Some(Request::Question(question)) if form.shape == Shape::Alone("") => question,
            _ => self.clauses.get(choice.clause).map_or("", |clause| &clause.text),
        }
    }

    fn ask(&self, form: Form, clause: &str, phrase: &str) -> String {
        let end = match self.parsed.request {
            Some(Request::Clause { end: ".", .. }) if form.manner == Manner::Question => "?",
            Some(Request::Clause { end, .. }) => end,
            _ => "", // a question brings its own mark
        };
        match form.shape {
            Shape::Alone("") => format!("{}{end}", capitalised(clause)),
            Shape::Alone(before) | Shape::Last(before) => format!("{before}{clause}{end}"),
            Shape::Joined(before, between) => format!("{before}{phrase}{between}{clause}{end}"),
            Shape::Swapped(before, between) => format!("{before}{clause}{end} {between}{phrase}."),
        }
    }

    /// What a choice did, in a few words.
    pub(super) fn rule(&self, choice: &Choice) -> String {
        let mut done: Vec<String> = Vec::new();
        if let Some(form) = choice.form {
            done.push(form.manner.name().to_owned());
            let clause = self.clauses.get(choice.clause);
            let used = clause.filter(|clause| clause.text == self.clause(choice, form));
            done.extend(used.and_then(|clause| clause.verb).map(str::to_owned));
            done.extend(match form.shape {
                Shape::Alone(_) => None,
                Shape::Last(_) => Some("rules first".to_owned()),
                Shape::Joined(..) => Some("one sentence".to_owned()),
                Shape::Swapped(..) => Some("request first".to_owned()),
            });
        }
        done.extend(choice.exchanges.iter().map(|(exchange, to)| format!("{to} for {}", exchange.from)));
        let remarks = [("opening", choice.opening.is_some()), ("note", choice.note.is_some())];
        let remarks = remarks.into_iter().chain([("closing", choice.closing.is_some())]);
        done.extend(remarks.filter(|(_, is)| *is).map(|(name, _)| name.to_owned()));
        if done.is_empty() { "context".to_owned() } else { done.join(", ") }
    }
}

/// The clauses that say what is asked; the original's own verb comes first.
fn clauses(request: Option<Request<'_>>, labels: &[String]) -> Vec<Clause> {
    match request {
        None => Vec::new(),
        Some(Request::Clause { text, .. }) => {
            let text = decapitalised(text);
            let others = verbs::alternatives(&text, labels);
            let others = others.into_iter().map(|(verb, text)| Clause { verb: Some(verb), text });
            std::iter::once(Clause { verb: None, text: text.clone() }).chain(others).collect()
        }
        Some(Request::Question(question)) => QUESTION_CLAUSES
            .iter()
            .map(|(verb, lead)| Clause { verb: Some(verb), text: format!("{lead}{question}") })
            .collect(),
    }
}

/// `text`, and `piece` after it: with a space or the line break that the piece brings, and a stop where one is missing.
fn appended(text: String, piece: &str) -> String {
    if piece.trim().is_empty() {
        return text;
    }
    if text.is_empty() {
        return piece.trim_start().to_owned();
    }
    let bare = text.trim_end_matches(['"', '”', '\'', '’', ')', ']', '`']);
    let stop = if bare.ends_with(['.', '!', '?', ':', ';', '…', '。']) { "" } else { "." };
    let space = if piece.starts_with(['\n', '\r']) { "" } else { " " };
    let piece = if space.is_empty() { piece } else { piece.trim_start() };
    format!("{text}{stop}{space}{piece}")
}

fn decapitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// Words that speak of something said before, or of a case that was named before.
#[rustfmt::skip]
const REFERENCES: &[&str] = &[
    "it", "its", "they", "them", "their", "this", "these", "those", "he", "she", "such", "otherwise", "also",
    "then", "else", "above", "former", "latter", "so", "but", "however", "therefore", "here", "example",
    "both", "either", "below", "following",
];

/// Whether `text` speaks of nothing that was said before.
fn stands_alone(text: &str) -> bool {
    words(text).iter().all(|word| !REFERENCES.contains(&word.text.to_lowercase().as_str()))
}
