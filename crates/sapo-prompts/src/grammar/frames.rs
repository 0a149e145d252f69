//! Written cores in written frames: a *core* says what to do, a *frame* says how one is asked to do it.
//!
//! A core is an imperative clause in base form without a final period ("write the word that opens the list"). A frame
//! is a text with one slot for a core. Frames come in two disjoint sets, so that a model may meet one set in
//! pre-training and be tested on wordings of the other. Stored results depend on every text here, letter for letter.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Which of the two disjoint sets a frame belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FrameSet {
    /// Frames that a base model may be trained on.
    Pretraining,
    /// Frames that no base model has seen.
    HeldOut,
}

/// The manner in which a frame asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Manner {
    /// "Write the first word."
    Imperative,
    /// "Please write the first word."
    Polite,
    /// "Your task is to write the first word."
    Duty,
    /// "Can you write the first word?"
    Question,
    /// "You are a teacher. Write the first word."
    RolePlay,
    /// "First read the text. Then write the first word."
    Stepwise,
    /// "Task: write the first word."
    Terse,
    /// "Given the text below, write the first word."
    ContextFirst,
    /// "Write the first word. Output nothing else."
    Reminder,
}

impl Manner {
    /// The manner's name in an origin, for example `role-play`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Imperative => "imperative",
            Self::Polite => "polite",
            Self::Duty => "duty",
            Self::Question => "question",
            Self::RolePlay => "role-play",
            Self::Stepwise => "stepwise",
            Self::Terse => "terse",
            Self::ContextFirst => "context-first",
            Self::Reminder => "reminder",
        }
    }
}

/// How the core's first letter is written in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    /// The core opens a sentence.
    Upper,
    /// The core goes on with one.
    Lower,
}

/// A text with one slot for a core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    manner: Manner,
    before: &'static str,
    case: Case,
    after: &'static str,
}

impl Frame {
    const fn inside(manner: Manner, before: &'static str, after: &'static str) -> Self {
        Self { manner, before, case: Case::Lower, after }
    }

    const fn opening(manner: Manner, before: &'static str, after: &'static str) -> Self {
        Self { manner, before, case: Case::Upper, after }
    }

    /// The manner in which the frame asks.
    pub fn manner(&self) -> Manner {
        self.manner
    }

    /// The instruction that the frame makes of `core`. Braces in the core are plain text.
    pub fn fill(&self, core: &str) -> String {
        let core = match self.case {
            Case::Upper => capitalised(core),
            Case::Lower => core.to_owned(),
        };
        format!("{}{core}{}", self.before, self.after)
    }
}

/// The frames of one set, in a fixed order; the plainest come first.
pub fn frames(set: FrameSet) -> &'static [Frame] {
    match set {
        FrameSet::Pretraining => PRETRAINING,
        FrameSet::HeldOut => HELD_OUT,
    }
}

const PRETRAINING: &[Frame] = &[
    Frame::opening(Manner::Imperative, "", "."),
    Frame::inside(Manner::Duty, "Your task is to ", "."),
    Frame::inside(Manner::Polite, "Please ", "."),
    Frame::inside(Manner::Duty, "In this task, your job is to ", "."),
    Frame::inside(Manner::Stepwise, "Read the text and ", "."),
    Frame::inside(Manner::Question, "Can you ", "?"),
    Frame::inside(Manner::ContextFirst, "Given the text below, ", "."),
    Frame::opening(Manner::Reminder, "", ". Output nothing else."),
    Frame::opening(Manner::Polite, "", ", please."),
    Frame::inside(Manner::Duty, "Your job is to ", "."),
    Frame::inside(Manner::Duty, "In this task, you should ", "."),
    Frame::inside(Manner::Duty, "You must ", "."),
    Frame::inside(Manner::Duty, "You have to ", "."),
    Frame::inside(Manner::Polite, "I want you to ", "."),
    Frame::inside(Manner::Polite, "I need you to ", "."),
    Frame::inside(Manner::Question, "Could you ", "?"),
    Frame::inside(Manner::ContextFirst, "Look at the text below and ", "."),
    Frame::opening(Manner::ContextFirst, "You are given a short text. ", "."),
    Frame::inside(Manner::ContextFirst, "Below is a text. Please ", "."),
    Frame::opening(Manner::RolePlay, "You are a helpful assistant. ", "."),
    Frame::inside(Manner::RolePlay, "You are an expert. Your task is to ", "."),
    Frame::inside(Manner::Stepwise, "First read the text. Then ", "."),
    Frame::inside(Manner::Stepwise, "Step 1: read the text. Step 2: ", "."),
    Frame::inside(Manner::Terse, "Task: ", "."),
    Frame::inside(Manner::Terse, "The task is simple: ", "."),
    Frame::inside(Manner::Reminder, "Please ", " and nothing more."),
    Frame::opening(Manner::Reminder, "", ". Do not explain your answer."),
    Frame::inside(Manner::Reminder, "Your task is to ", ". Give a short answer without any other words."),
];

const HELD_OUT: &[Frame] = &[
    Frame::inside(Manner::Imperative, "Simply ", "."),
    Frame::inside(Manner::Imperative, "Take the text below and ", "."),
    Frame::inside(Manner::Polite, "Kindly ", "."),
    Frame::inside(Manner::Polite, "We need your help. Please ", "."),
    Frame::inside(Manner::Question, "Would you ", "?"),
    Frame::inside(Manner::Question, "Would you be so kind as to ", "?"),
    Frame::inside(Manner::Duty, "Your assignment is to ", "."),
    Frame::inside(Manner::Duty, "What you need to do here is ", "."),
    Frame::inside(Manner::Duty, "The goal of this exercise is to ", "."),
    Frame::inside(Manner::Duty, "You will be shown a short text, and your only task is to ", "."),
    Frame::inside(Manner::RolePlay, "You are a careful annotator. Please ", "."),
    Frame::opening(Manner::RolePlay, "Imagine that you are a teacher. ", "."),
    Frame::inside(Manner::RolePlay, "As a language expert, you are asked to ", "."),
    Frame::inside(Manner::ContextFirst, "For the text that follows, ", "."),
    Frame::inside(Manner::ContextFirst, "After reading the text below, ", "."),
    Frame::inside(Manner::ContextFirst, "In what follows you will find a text. Your duty is to ", "."),
    Frame::inside(Manner::Stepwise, "Step 1: look at the text. Step 2: ", ". Step 3: stop."),
    Frame::inside(Manner::Stepwise, "Begin by reading the text with care. After that, ", "."),
    Frame::inside(Manner::Terse, "Job: ", ". Nothing else."),
    Frame::inside(Manner::Terse, "Do this: ", "."),
    Frame::opening(Manner::Reminder, "", ". A short answer without any explanation is enough."),
    Frame::inside(Manner::Reminder, "You should ", " and then stop."),
];

/// The wordings that some cores and one set of frames make together.
#[derive(Debug, Clone, Copy)]
pub struct Wording<'a> {
    /// Imperative clauses in base form, without a final period.
    pub cores: &'a [&'a str],
    /// The frames that they are put into.
    pub frames: FrameSet,
}

/// One wording of a [`Wording`], with the manner of its frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    /// The whole instruction.
    pub text: String,
    /// How it asks.
    pub manner: Manner,
}

impl Wording<'_> {
    /// Every core in every frame: cores in their order, for each the frames in theirs, without repetition.
    pub fn all(&self) -> Vec<Phrase> {
        let phrases =
            self.cores.iter().flat_map(|core| frames(self.frames).iter().map(move |frame| (*core, frame)));
        distinct(phrases, usize::MAX)
    }

    /// `count` distinct wordings drawn by `seed`, fewer where there are not that many. Cores and frames are used as
    /// evenly as possible, because a handful of wordings should differ in both.
    pub fn sample(&self, count: usize, seed: u64) -> Vec<Phrase> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut cores = self.cores.to_vec();
        let mut chosen_frames: Vec<&Frame> = frames(self.frames).iter().collect();
        cores.shuffle(&mut rng);
        chosen_frames.shuffle(&mut rng);
        let pairs = even_pairs(cores.len(), chosen_frames.len());
        distinct(pairs.map(|(core, frame)| (cores[core], chosen_frames[frame])), count)
    }
}

fn distinct<'a>(pairs: impl Iterator<Item = (&'a str, &'a Frame)>, count: usize) -> Vec<Phrase> {
    let mut seen = std::collections::HashSet::new();
    pairs
        .map(|(core, frame)| Phrase { text: frame.fill(core), manner: frame.manner })
        .filter(|phrase| seen.insert(phrase.text.clone()))
        .take(count)
        .collect()
}

/// All pairs of `0..rows` and `0..columns`, each once, along diagonals: every prefix uses both sides evenly.
pub(super) fn even_pairs(rows: usize, columns: usize) -> impl Iterator<Item = (usize, usize)> {
    let cycle = if rows == 0 || columns == 0 { 1 } else { rows / gcd(rows, columns) * columns };
    (0..rows * columns).map(move |k| (k % rows, (k + k / cycle) % columns))
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

pub(super) fn capitalised(core: &str) -> String {
    let mut letters = core.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const CORES: &[&str] = &["write the first word", "output the word that opens the list", "use {braces}"];

    #[test]
    fn the_two_sets_of_frames_are_large_and_disjoint() {
        let all = |set| frames(set).iter().map(|f| f.fill("do it")).collect::<HashSet<_>>();
        let (seen, held_out) = (all(FrameSet::Pretraining), all(FrameSet::HeldOut));
        assert!(seen.len() >= 24 && seen.len() == PRETRAINING.len());
        assert!(held_out.len() >= 18 && held_out.len() == HELD_OUT.len());
        assert!(seen.is_disjoint(&held_out));
    }

    #[test]
    fn a_core_is_capitalised_only_where_it_opens_a_sentence() {
        let texts: Vec<_> = Wording { cores: CORES, frames: FrameSet::Pretraining }
            .all()
            .into_iter()
            .map(|phrase| phrase.text)
            .collect();
        assert_eq!(texts.len(), CORES.len() * PRETRAINING.len());
        assert_eq!(texts[0], "Write the first word.");
        assert_eq!(texts[1], "Your task is to write the first word.");
        assert!(texts.contains(&"Can you use {braces}?".to_owned()));
        for text in &texts {
            assert!(text.starts_with(char::is_uppercase), "{text}");
            assert!(text.ends_with(['.', '?']), "{text}");
            assert!(!text.contains(". w") && !text.contains(".."), "{text}");
        }
    }

    #[test]
    fn a_sample_is_seeded_distinct_and_even() {
        let wording = Wording { cores: CORES, frames: FrameSet::HeldOut };
        let sample = wording.sample(12, 7);
        assert_eq!(sample, wording.sample(12, 7));
        assert_ne!(sample, wording.sample(12, 8));
        for core in CORES {
            let tail = &core[1..];
            assert_eq!(sample.iter().filter(|phrase| phrase.text.contains(tail)).count(), 4);
        }
        let everything: HashSet<_> = wording.sample(10_000, 7).into_iter().map(|p| p.text).collect();
        assert_eq!(everything.len(), CORES.len() * HELD_OUT.len());
    }

    #[test]
    fn nothing_comes_of_no_cores() {
        let wording = Wording { cores: &[], frames: FrameSet::HeldOut };
        assert!(wording.all().is_empty() && wording.sample(5, 0).is_empty());
    }
}
