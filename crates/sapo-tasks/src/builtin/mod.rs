//! The built-in benchmark: generated, seeded, versioned task families over small inputs.
//!
//! A [`Family`] is a generator of examples with an original instruction, wordings that a base model may be trained on,
//! and held-out wordings that it must not have seen. Families with [`Role::Pretraining`] teach the base the language of
//! instructions under many wordings. Families with [`Role::Stream`] appear in the named [`stream`]s; the base meets
//! them rarely and under at most [`STREAM_WORDINGS`] wordings. `docs/benchmark.md` says why.

mod draw;
mod families;
mod streams;
#[cfg(test)]
mod tests;
mod words;

use std::collections::HashSet;
use std::sync::LazyLock;

use rand_chacha::ChaCha8Rng;
use sapo_prompts::grammar::{FrameSet, Wording, frames, wrap};
use sapo_prompts::{Instruction, Origin, PromptVariant};

pub use streams::{BuiltinError, stream, stream_members, stream_names};

use crate::{Example, Language, Task, TaskKind};

/// Version of everything generated here; raised whenever an example or a wording of some seed changes.
pub const VERSION: u32 = 1;

/// Number of paraphrases in a pool, as in the paper.
pub const POOL_SIZE: usize = 20;

/// The seed of the default pool of paraphrases.
pub const POOL_SEED: u64 = 0;

/// The most wordings under which the base may meet a family of the streams.
pub const STREAM_WORDINGS: usize = 14;

/// Times that a sentence for pre-training is repeated with remarks around it: sentences are few beside framed cores, and
/// the base should meet them often enough to read free questions too.
const SENTENCE_REWRITES: usize = 6;

/// Draws in a row that may bring no new input before a split is taken to have used up the family's inputs.
const PATIENCE: usize = 2_000;

/// What a family is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Teaches the base model, under many wordings; in no stream.
    Pretraining,
    /// Part of streams; the base meets it rarely and under few wordings.
    Stream,
}

/// Rows a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Rows to train on.
    pub train: usize,
    /// Rows for choosing settings.
    pub dev: usize,
    /// Rows that are scored.
    pub test: usize,
}

impl Sizes {
    /// For a base of about a million parameters, on which a run takes seconds.
    pub const NANO: Self = Self { train: 160, dev: 50, test: 50 };

    /// As many rows as the paper trains on, and as every family has room for.
    pub const PAPER: Self = Self { train: 1_000, dev: 200, test: 1_000 };
}

/// A kind of task: a generator of examples and everything that may be said to ask for their answers.
#[derive(Debug, Clone)]
pub struct Family {
    /// The name, for example `first-word`.
    pub name: &'static str,
    /// Generation or classification.
    pub kind: TaskKind,
    /// What the family is for.
    pub role: Role,
    /// The fixed output suffix.
    pub suffix: &'static str,
    /// The answers of a classification; empty for generation.
    pub labels: &'static [&'static str],
    /// The instruction as a dataset would have it. The base has not seen it.
    pub original: &'static str,
    /// Imperative clauses that the base may be trained on.
    pub pretraining_cores: &'static [&'static str],
    /// Whole instructions that the base may be trained on; none for families of the streams.
    pub pretraining_sentences: &'static [&'static str],
    /// Imperative clauses that the base has not seen.
    pub held_out_cores: &'static [&'static str],
    /// Whole instructions that the base has not seen.
    pub sentences: &'static [&'static str],
    generate: fn(&mut ChaCha8Rng) -> Example,
}

static FAMILIES: LazyLock<Vec<Family>> = LazyLock::new(families::all);

/// Every family, in a fixed order: by the kind of input.
pub fn families() -> &'static [Family] {
    &FAMILIES
}

/// The family of this name.
pub fn family(name: &str) -> Option<&'static Family> {
    families().iter().find(|family| family.name == name)
}

impl Family {
    /// One example. In a classification every label is equally likely.
    pub fn example(&self, rng: &mut ChaCha8Rng) -> Example {
        (self.generate)(rng)
    }

    /// The family as a task with its original instruction.
    ///
    /// All inputs of all splits differ. Labels are balanced exactly: among the first rows of a split, however many,
    /// their counts differ by one at most. Each split has a draw of its own and the scored rows are drawn first, so they do not depend on how many rows
    /// are asked for to train on. Every family has room for 1,000 + 200 + 1,000 rows; a split for which no new input
    /// is left is shorter than asked for.
    pub fn task(&self, seed: u64, sizes: Sizes) -> Task {
        let mut seen = HashSet::new();
        let mut split = |name: &str, count: usize| self.rows(name, seed, count, &mut seen);
        let test = split("test", sizes.test);
        let dev = split("dev", sizes.dev);
        let train = split("train", sizes.train);
        Task {
            name: self.name.to_owned(),
            kind: self.kind,
            language: Language::English,
            instruction: Instruction::new(self.original),
            suffix: Some(self.suffix.to_owned()),
            labels: self.labels.iter().map(|label| (*label).to_owned()).collect(),
            native_metric: None,
            train,
            dev,
            test,
        }
    }

    fn rows(&self, split: &str, seed: u64, count: usize, seen: &mut HashSet<String>) -> Vec<Example> {
        let mut rng = draw::stream_of(split, self.name, seed);
        let mut rows = Vec::with_capacity(count);
        // Every round takes one row a label, so that any first rows of a split are balanced too.
        let mut round: Vec<String> = Vec::new();
        let mut idle = 0;
        while rows.len() < count && idle < PATIENCE {
            idle += 1;
            let example = self.example(&mut rng);
            let label = if self.labels.is_empty() { "" } else { example.target() };
            if round.iter().any(|taken| taken == label) || !seen.insert(example.input.clone()) {
                continue;
            }
            idle = 0;
            round.push(label.to_owned());
            if round.len() >= self.labels.len() {
                round.clear();
            }
            rows.push(example);
        }
        rows
    }

    /// The wordings that a base model may be trained on; none is the original or a paraphrase.
    ///
    /// [`Role::Pretraining`]: every core in every pre-training frame, and every sentence, alone and with a few remarks
    /// around it. [`Role::Stream`]: at most [`STREAM_WORDINGS`],
    /// every core in its plain form and in one frame more.
    pub fn pretraining_wordings(&self) -> Vec<Instruction> {
        match self.role {
            Role::Pretraining => {
                let cores = Wording { cores: self.pretraining_cores, frames: FrameSet::Pretraining }.all();
                let framed = cores.into_iter().map(|phrase| phrase.text);
                let sentences = self.pretraining_sentences.iter().flat_map(|sentence| {
                    let remarks = wrap(sentence, SENTENCE_REWRITES, draw::mixed("remarks", sentence, 0));
                    std::iter::once((*sentence).to_owned()).chain(remarks)
                });
                framed.chain(sentences).map(Instruction::new).collect()
            }
            Role::Stream => {
                let frames = frames(FrameSet::Pretraining);
                let plain = self.pretraining_cores.iter().map(|core| (frames.first(), core));
                let framed =
                    self.pretraining_cores.iter().enumerate().map(|(i, core)| (frames.get(i + 1), core));
                plain
                    .chain(framed)
                    .filter_map(|(frame, core)| frame.map(|frame| Instruction::new(frame.fill(core))))
                    .take(STREAM_WORDINGS)
                    .collect()
            }
        }
    }

    /// `count` distinct held-out wordings drawn by `seed`, with ids `p01`, `p02`, ...: about a third are the family's
    /// whole sentences, the others held-out cores in held-out frames. Where there are fewer, all of them.
    pub fn paraphrases(&self, count: usize, seed: u64) -> Vec<PromptVariant> {
        let cores = Wording { cores: self.held_out_cores, frames: FrameSet::HeldOut };
        let framed = cores.sample(count, draw::mixed("frames", self.name, seed));
        let mut rng = draw::stream_of("sentences", self.name, seed);
        let third = count.div_ceil(3).max(count.saturating_sub(framed.len())).min(self.sentences.len());
        let sentences = draw::several(&mut rng, self.sentences, third)
            .into_iter()
            .map(|sentence| (sentence.to_owned(), "sentence"));
        let framed = framed.into_iter().map(|phrase| (phrase.text, phrase.manner.name())).take(count - third);
        draw::mixed_list(&mut rng, sentences.collect(), framed.collect())
            .into_iter()
            .enumerate()
            .map(|(i, (text, detail))| PromptVariant {
                id: format!("p{:02}", i + 1),
                text: Instruction::new(text),
                origin: Origin { detail: Some(detail.to_owned()), seed: Some(seed), ..Origin::of("grammar") },
            })
            .collect()
    }
}
