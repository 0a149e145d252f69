use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use sapo_learn::pretrain::Corpus;
use sapo_prompts::Instruction;
use sapo_prompts::sources::{Bank, Grammar, ParaphraseRequest, ParaphraseSource};
use sapo_tasks::readers::{Dataset, NaturalInstructions, ReadError, Split};
use sapo_tasks::{Example, Task, layout};
use tracing::info;

use super::labels::{draw, free, listed, renamed};
use super::polarity::polarity;
use super::weighted::Weighted;
use crate::places;

/// Real English text: `natural-instructions`, the training rows of the text-classification suite, and the SuperNI tasks
/// that no sequence of the paper uses.
///
/// Rows whose text also stands in a task of a sequence (any split) are left out: SST-2 is a source of two of them.
pub struct RealText {
    sources: Vec<Source>,
    weights: Weighted,
}

struct Source {
    task: Task,
    wordings: Vec<Instruction>,
    /// Empty where the answers are free text.
    labels: Vec<String>,
}

/// Wordings that the grammar makes of an instruction for which nobody has written any.
const REWRITES: usize = 8;

/// Most texts are cut to so many bytes, after a word: the tokens saved pay for more texts.
const SHORT_TEXT: usize = 320;

/// Share of the texts that are not cut.
const LONG_TEXTS: f64 = 0.15;

/// How often each of the three collections is drawn from. Reviews, of which the second is half, teach by one word each what
/// they are: less of them is not enough.
const SHARES: [f64; 3] = [0.25, 0.55, 0.2];

/// Within a collection a task counts by this power of the number of its rows: large tasks more, but not in proportion.
const ROWS_POWER: f64 = 0.75;

impl RealText {
    /// Reads the three collections below `data`.
    ///
    /// # Errors
    /// Names the file that is missing or malformed.
    pub fn open(data: &Path) -> anyhow::Result<Self> {
        let superni = Dataset::open("superni", data.join("superni"))?;
        let evaluated: HashSet<String> = superni
            .benchmark()
            .sequences
            .iter()
            .flat_map(|sequence| sequence.tasks.iter().cloned())
            .collect();
        let forbidden = texts_of(&superni, &evaluated)?;

        let mut sources = Vec::new();
        let (mut weights, mut dropped) = (Weighted::default(), 0);
        let collections = collections(data, &superni, &evaluated)?;
        for (mut collection, share) in collections.into_iter().zip(SHARES) {
            for source in &mut collection {
                let before = source.task.train.len();
                source.task.train.retain(|example| {
                    !forbidden.contains(&normalised(&example.input)) && !example.target().is_empty()
                });
                dropped += before - source.task.train.len();
            }
            collection.retain(|source| !source.task.train.is_empty());
            let weight = |source: &Source| (source.task.train.len() as f64).powf(ROWS_POWER);
            let total: f64 = collection.iter().map(weight).sum();
            for source in collection {
                weights.push(share * weight(&source) / total);
                sources.push(source);
            }
        }
        anyhow::ensure!(!sources.is_empty(), "no texts below {}", data.display());
        info!(
            "{} tasks; {dropped} rows left out because a sequence has their text or they have no answer",
            sources.len()
        );
        Ok(Self { sources, weights })
    }
}

/// The sources that are mixed in [`SHARES`]: natural-instructions, the text-classification suite, and the SuperNI tasks that
/// are not `evaluated`.
fn collections(
    data: &Path,
    superni: &Dataset,
    evaluated: &HashSet<String>,
) -> anyhow::Result<[Vec<Source>; 3]> {
    let natural = NaturalInstructions::open(data.join("natural-instructions"))?;
    let natural = natural.tasks().iter().map(|natural| Source::with_rewrites(natural.task.clone()));
    let suite = Dataset::open("text-classification", data.join("text-classification"))?;
    let names: Vec<String> = suite.task_names().map(String::from).collect();
    // Some tasks of the suite have no training rows in this copy; the reader says so and they are left out.
    let suite = names.iter().flat_map(|name| match suite.training_task(name) {
        Ok(task) => {
            let sides = polarity(&task).map(|(task, wordings)| Source::new(task, wordings));
            sides.into_iter().chain([Source::with_rewrites(task)]).collect()
        }
        Err(error) => {
            info!("left out of the corpus: {error}");
            Vec::new()
        }
    });
    let bank = Bank::open(places::project("data/prompts"))?;
    let unused: Vec<String> =
        superni.task_names().filter(|name| !evaluated.contains(*name)).map(String::from).collect();
    let superni = unused.iter().filter_map(|name| match superni.task(name) {
        Ok(task) => Some(Source::with_paraphrases(task, &bank)),
        Err(error) => {
            info!("left out of the corpus: {error}");
            None
        }
    });
    Ok([natural.collect(), suite.collect(), superni.collect()])
}

impl Source {
    fn new(task: Task, wordings: Vec<Instruction>) -> Self {
        let labels = labels(&task);
        Self { task, wordings, labels }
    }

    /// The task under its own wording and some by the grammar: a base that reads every task in one wording alone learns
    /// to know tasks by it.
    fn with_rewrites(task: Task) -> Self {
        let request = ParaphraseRequest::new(task.instruction.clone(), labels(&task), REWRITES, 0);
        let mut wordings = vec![task.instruction.clone()];
        match Grammar.paraphrase(&request, &mut |_| ()) {
            Ok(made) => wordings.extend(made.variants.into_iter().map(|variant| variant.text)),
            Err(error) => info!("{}: only the original wording: {error}", task.name),
        }
        Self::new(task, wordings)
    }

    fn with_paraphrases(task: Task, bank: &Bank) -> Self {
        let wordings = match bank.pool("superni", &task.name, &task.instruction) {
            Ok(pool) => pool.variants().iter().map(|variant| variant.text.clone()).collect(),
            Err(error) => {
                info!("{}: only the original wording: {error}", task.name);
                vec![task.instruction.clone()]
            }
        };
        Self::new(task, wordings)
    }
}

impl Corpus for RealText {
    fn sample(&self, rng: &mut ChaCha8Rng) -> (String, String) {
        let source = &self.sources[self.weights.draw(rng)];
        let wording = &source.wordings[rng.random_range(0..source.wordings.len())];
        let example = &source.task.train[rng.random_range(0..source.task.train.len())];
        let most = if rng.random::<f64>() < LONG_TEXTS { usize::MAX } else { SHORT_TEXT };
        source.text(wording, beginning(&example.input, most), example.target(), rng)
    }
}

impl Source {
    /// Prompt and answer; a task that has no last line of its own may get one, and labels may be called otherwise.
    fn text(
        &self,
        wording: &Instruction,
        input: &str,
        target: &str,
        rng: &mut ChaCha8Rng,
    ) -> (String, String) {
        let Some(place) = self.labels.iter().position(|label| label == target) else {
            let suffix = self.task.suffix.clone().or_else(|| free(rng));
            return (layout::prompt_with(&self.task, wording, input, suffix.as_deref()), target.to_string());
        };
        let names = draw(&self.labels, rng);
        let rename = |text: &str| renamed(text, &self.labels, &names);
        let suffix = match &self.task.suffix {
            // lists the labels in the task's own way
            Some(suffix) if names == self.labels => Some(suffix.clone()),
            _ => listed(&names, rng),
        };
        let wording = Instruction::new(rename(wording.as_str()));
        (layout::prompt_with(&self.task, &wording, input, suffix.as_deref()), names[place].clone())
    }
}

/// The beginning of a text up to the last space before so many bytes; all of a text without spaces.
fn beginning(text: &str, most: usize) -> &str {
    let end = text.char_indices().take_while(|(at, _)| *at < most).filter(|(_, c)| *c == ' ').last();
    match end {
        Some((end, _)) if text.len() > most => &text[..end],
        _ => text,
    }
}

/// The labels that the task names, or its answers where they are few enough to be labels.
fn labels(task: &Task) -> Vec<String> {
    const MOST_LABELS: usize = 10;
    if !task.labels.is_empty() {
        return task.labels.clone();
    }
    let answers: BTreeSet<&str> = task.train.iter().map(Example::target).collect();
    if answers.len() > MOST_LABELS { Vec::new() } else { answers.into_iter().map(String::from).collect() }
}

/// The texts of all rows of some tasks, normalised.
fn texts_of(superni: &Dataset, tasks: &HashSet<String>) -> anyhow::Result<HashSet<String>> {
    let mut texts = HashSet::new();
    for task in tasks {
        for split in [Split::Train, Split::Dev, Split::Test] {
            match superni.rows(task, split) {
                Ok(rows) => texts.extend(rows.iter().map(|example: &Example| normalised(&example.input))),
                // three tasks have no training rows in the released data
                Err(ReadError::Missing { .. }) if split == Split::Train => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    anyhow::ensure!(
        !texts.is_empty(),
        "the sequences' tasks have no rows, so nothing can be kept apart from them"
    );
    Ok(texts)
}

/// Letters and digits in lower case: copies differ in space and punctuation.
fn normalised(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
