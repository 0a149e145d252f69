use anyhow::Context;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use sapo_learn::pretrain::Corpus;
use sapo_prompts::Instruction;
use sapo_tasks::builtin::{self, Family, Role, Sizes};
use sapo_tasks::{Task, layout};

use super::weighted::Weighted;

/// The built-in benchmark's families under their pre-training wordings.
///
/// Families of the streams come at a low rate: the base shall know them a little, not well.
pub struct BuiltinCorpus {
    families: Vec<Source>,
    rates: Weighted,
}

struct Source {
    family: &'static Family,
    wordings: Vec<Instruction>,
    /// For the layout: suffix and language.
    task: Task,
}

impl BuiltinCorpus {
    /// `stream_rate`: how often a family of the streams comes beside 1 for a family of pre-training.
    ///
    /// # Errors
    /// Refuses a rate that is not a positive number.
    pub fn new(stream_rate: f64) -> anyhow::Result<Self> {
        (stream_rate.is_finite() && stream_rate > 0.0)
            .then_some(())
            .context("stream_rate must be a positive number")?;
        let (mut rates, mut families) = (Weighted::default(), Vec::new());
        for family in builtin::families() {
            rates.push(if family.role == Role::Pretraining { 1.0 } else { stream_rate });
            let task = family.task(0, Sizes { train: 0, dev: 0, test: 0 });
            families.push(Source { family, wordings: family.pretraining_wordings(), task });
        }
        Ok(Self { families, rates })
    }
}

impl Corpus for BuiltinCorpus {
    fn sample(&self, rng: &mut ChaCha8Rng) -> (String, String) {
        let source = &self.families[self.rates.draw(rng)];
        let wording = &source.wordings[rng.random_range(0..source.wordings.len())];
        let example = source.family.example(rng);
        (layout::prompt(&source.task, wording, &example.input), example.target().to_string())
    }
}
