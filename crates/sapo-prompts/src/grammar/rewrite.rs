//! Draws rewrites: every choice is dealt from a shuffled deck, so that few rewrites use many verbs, frames and styles.

use std::collections::HashSet;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::Manner;
use super::language::{Language, language};
use super::material::{Choice, Material};
use super::nouns::Exchange;
use super::parse::parse;
use super::styles::{CLOSINGS, Form, NOTES, OPENINGS, Offer, Remark, Shape};
use super::wrap::wrap_in;
use crate::Instruction;
use crate::guard::Guard;
use crate::text::normal_form;

/// What to rewrite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RewriteRequest<'a> {
    /// The instruction.
    pub instruction: &'a str,
    /// Words that every rewrite keeps letter for letter.
    pub labels: &'a [String],
}

/// One rewrite of an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrite {
    /// The whole instruction.
    pub text: String,
    /// What was done, for example `duty, determine, opening`.
    pub rule: String,
}

/// The most rewrites of one instruction.
const MOST: usize = 1_000;

/// Draws in a row that may bring nothing new before there is taken to be no more.
const PATIENCE: usize = 200;

/// Up to `count` rewrites drawn by `seed`, distinct up to case, space and punctuation, none equal to the instruction.
///
/// Each passes the [`Guard`]. Asking for more gives the same ones first. Fewer come back where there are no more, a
/// thousand at most, none for a blank instruction. An instruction that cannot be read, or is not English, is wrapped in
/// remarks of its language (English and Chinese) or in neutral marks; so is one whose labels leave nothing to change.
pub fn rewrite(request: &RewriteRequest<'_>, count: usize, seed: u64) -> Vec<Rewrite> {
    let original = request.instruction.trim();
    let guard = Guard::new(&Instruction::new(request.instruction), request.labels);
    let mut seen = HashSet::from([normal_form(original)]);
    let mut fresh = |rewrite: &Rewrite| {
        let new = seen.insert(normal_form(&rewrite.text));
        new && guard.check(&rewrite.text, []).is_empty()
    };
    let language = language(original);
    let parsed = if language == Language::English { parse(original) } else { None };
    let reasons = asks_for_reasons(original);
    let count = count.min(MOST);
    let mut made = Vec::new();
    if let Some(parsed) = parsed {
        let material = Material::new(&parsed, request.labels);
        let mut draw = Draw::new(&material, reasons, seed);
        let mut idle = 0;
        while made.len() < count && idle < PATIENCE {
            let rewrite = draw.next();
            idle = if fresh(&rewrite) { 0 } else { idle + 1 };
            made.extend((idle == 0).then_some(rewrite));
        }
    }
    let wrapped = wrap_in(language, original, reasons, seed)
        .map(|text| Rewrite { text, rule: "wrapped".to_owned() })
        .filter(fresh);
    let missing = count - made.len();
    made.extend(wrapped.take(missing));
    made
}

/// Whether the answer is to hold reasons, so that no remark may forbid them.
fn asks_for_reasons(original: &str) -> bool {
    let original = original.to_lowercase();
    let signs =
        ["reason", "expla", "justif", "why", "rationale", "step", "理由", "解释", "原因", "步骤", "为什么"];
    signs.iter().any(|sign| original.contains(sign))
}

/// Cards that are dealt in a shuffled order, all before any comes again.
struct Deck<T> {
    all: Vec<T>,
    left: Vec<T>,
}

impl<T: Copy> Deck<T> {
    fn new(cards: impl IntoIterator<Item = T>) -> Self {
        Self { all: cards.into_iter().collect(), left: Vec::new() }
    }

    fn deal(&mut self, rng: &mut ChaCha8Rng) -> Option<T> {
        self.deal_where(rng, |_| true)
    }

    /// The next card that `fits`; the others keep their places.
    fn deal_where(&mut self, rng: &mut ChaCha8Rng, fits: impl Fn(&T) -> bool) -> Option<T> {
        let mut found = self.left.iter().position(&fits);
        if found.is_none() {
            self.left.clone_from(&self.all);
            self.left.shuffle(rng);
            found = self.left.iter().position(&fits);
        }
        found.map(|at| self.left.remove(at))
    }
}

/// The decks of one instruction.
struct Draw<'a> {
    material: &'a Material<'a>,
    rng: ChaCha8Rng,
    manners: Deck<Manner>,
    forms: Vec<(Manner, Deck<Form>)>,
    offers: Deck<Offer>,
    clauses: Deck<usize>,
    exchanges: Vec<(Exchange, Deck<Option<&'static str>>)>,
    openings: Deck<Option<Remark>>,
    closings: Deck<Option<Remark>>,
    notes: Deck<Option<&'static str>>,
}

/// Cards without a remark in the decks of remarks: wordings should differ in more than these.
const SILENT: usize = 3;

impl<'a> Draw<'a> {
    fn new(material: &'a Material<'a>, reasons: bool, seed: u64) -> Self {
        let mut forms: Vec<(Manner, Vec<Form>)> = Vec::new();
        for form in material.forms() {
            match forms.iter_mut().find(|(manner, _)| *manner == form.manner) {
                Some((_, of_manner)) => of_manner.push(form),
                None => forms.push((form.manner, vec![form])),
            }
        }
        let closings = CLOSINGS.iter().filter(|closing| !(reasons && closing.forbids_reasons));
        let closings = with_silence(closings.filter(|_| !material.ends_with_list()).copied());
        let notes = with_silence(NOTES.iter().filter(|_| material.takes_note()).copied());
        let exchanges = material.exchanges().iter().map(|exchange| {
            let cards = exchange.to.iter().copied().map(Some).chain([None]);
            (*exchange, Deck::new(cards))
        });
        Self {
            material,
            rng: ChaCha8Rng::seed_from_u64(seed),
            manners: Deck::new(forms.iter().map(|(manner, _)| *manner)),
            forms: forms.into_iter().map(|(manner, forms)| (manner, Deck::new(forms))).collect(),
            offers: Deck::new(material.offers()),
            clauses: Deck::new(0..material.clauses()),
            exchanges: exchanges.collect(),
            openings: Deck::new(with_silence(OPENINGS.iter().copied())),
            closings: Deck::new(closings),
            notes: Deck::new(notes),
        }
    }

    fn next(&mut self) -> Rewrite {
        let rng = &mut self.rng;
        let manner = self.manners.deal(rng);
        let form =
            self.forms.iter_mut().find(|(of, _)| Some(*of) == manner).and_then(|(_, deck)| deck.deal(rng));
        let holds_given = matches!(form, Some(Form { shape: Shape::Joined(..) | Shape::Swapped(..), .. }));
        let offer = if holds_given { None } else { self.offers.deal(rng) };
        let clause = self.clauses.deal(rng).unwrap_or_default();
        let exchanges =
            self.exchanges.iter_mut().filter_map(|(exchange, deck)| Some((*exchange, deck.deal(rng)??)));
        let exchanges = exchanges.collect();
        let suits = |remark: &Option<Remark>| remark.is_none_or(|remark| !clashes(remark.manner, manner));
        let opening = self.openings.deal_where(rng, suits).flatten();
        let closing = self.closings.deal_where(rng, |closing| {
            let twice =
                opening.zip(*closing).is_some_and(|(opening, closing)| opening.manner == closing.manner);
            suits(closing) && !twice
        });
        let rules_first = matches!(form, Some(Form { shape: Shape::Last(_), .. }));
        let note = self.notes.deal(rng).flatten().filter(|_| !rules_first);
        let choice = Choice { form, offer, clause, exchanges, opening, closing: closing.flatten(), note };
        Rewrite { text: self.material.render(&choice), rule: self.material.rule(&choice) }
    }
}

fn with_silence<T>(cards: impl Iterator<Item = T>) -> impl Iterator<Item = Option<T>> {
    cards.map(Some).chain(std::iter::repeat_with(|| None).take(SILENT))
}

/// Whether a remark and a frame would say the same twice, as "Please help. Please ..." would.
fn clashes(remark: Manner, frame: Option<Manner>) -> bool {
    let names_the_task = |manner| matches!(manner, Manner::Duty | Manner::Terse);
    frame.is_some_and(|frame| frame == remark || (names_the_task(frame) && names_the_task(remark)))
}

#[cfg(test)]
#[path = "rewrite_tests.rs"]
mod tests;
