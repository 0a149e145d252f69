//! What a race costs, in tokens and seconds, by how much of a wording's texts is shared: within each call alone, between
//! calls, and with all wordings of a round in one pass. The second run of each is told, in seconds of the main thread on
//! a CPU, which on one thread do not depend on who else is at work (Linux).
//!
//! `race_speed MODEL TASK [EXAMPLES]`: a model's folder (fresh weights where it has none), the name of a family of the
//! built-in benchmark or a task's folder of SuperNI data, and how many examples may be asked about (250).

use std::error::Error;
use std::path::Path;

use sapo_bandit::{LossOracle, Observation, OracleError, Selection, SelectorConfig};
use sapo_learn::observation;
use sapo_model::{Device, Encoded, Kind, LanguageModel, SharedPrefix, runtime};
use sapo_probes::Scorer;
use sapo_prompts::sources::{Grammar, pool_from};
use sapo_prompts::{Instruction, ParaphraseRequest};
use sapo_tasks::builtin::{Sizes, family};
use sapo_tasks::readers::Dataset;
use sapo_tasks::{Example, Task, layout};

const USAGE: &str = "usage: race_speed MODEL TASK [EXAMPLES]";
const TOKEN_BUDGET: usize = 8192;
const SEED: u64 = 5;
/// Wordings beside the original.
const PARAPHRASES: usize = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (model, task) = (arguments.next().ok_or(USAGE)?, arguments.next().ok_or(USAGE)?);
    let count = arguments.next().map_or(Ok(250), |text| text.parse())?;
    runtime::init(runtime::threads_from_env());
    let folder = Path::new(&model);
    let model = if folder.join("model.safetensors").exists() {
        LanguageModel::open(folder, Kind::Float, Device::Cpu)?
    } else {
        LanguageModel::fresh(folder, 1, Kind::Float, Device::Cpu)?
    };
    let task = task_named(&task, count)?;
    let request = ParaphraseRequest::new(task.instruction.clone(), task.labels.clone(), PARAPHRASES, SEED);
    let pool = pool_from(&mut Grammar, &request, &mut |_| ())?;
    let wordings: Vec<&Instruction> = pool.variants().iter().map(|variant| &variant.text).collect();
    let examples = fitting(&model, &task, &wordings, count)?;
    println!(
        "{:.1} M parameters, {}, {} wordings, {} examples",
        model.parameter_count() as f64 / 1e6,
        task.name,
        wordings.len(),
        examples.len()
    );
    for way in [Way::WithinCalls, Way::BetweenCalls, Way::TogetherToo] {
        let selector = "race".parse::<SelectorConfig>()?.build();
        let run = || -> Result<(Selection, f64), Box<dyn Error>> {
            let started = cpu_seconds()?;
            let scorer = Scorer::new(&model, &task, &examples, TOKEN_BUDGET);
            let mut oracle =
                Oracle { model: &model, task: &task, examples: &examples, wordings: &wordings, scorer, way };
            let selection = selector.select(&mut oracle, SEED).map_err(|error| error.to_string())?;
            Ok((selection, cpu_seconds()? - started))
        };
        run()?;
        let (selection, seconds) = run()?;
        let Selection { winner, forward_tokens, .. } = selection;
        println!("{way:?}: winner {winner}, {forward_tokens} tokens, {seconds:.3} s");
    }
    Ok(())
}

fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: f64 = statistics.split(' ').next().unwrap_or_default().parse()?;
    Ok(nanoseconds / 1e9)
}

fn task_named(name: &str, count: usize) -> Result<Task, Box<dyn Error>> {
    if let Some(family) = family(name) {
        return Ok(family.task(SEED, Sizes { train: count, dev: 0, test: 0 }));
    }
    let folder = Path::new(name);
    let (data, task) = (folder.parent().ok_or(USAGE)?, folder.file_name().ok_or(USAGE)?);
    Ok(Dataset::open("superni", data)?.task(&task.to_string_lossy())?)
}

/// Training examples whose texts fit the model's context under every wording.
fn fitting(
    model: &LanguageModel,
    task: &Task,
    wordings: &[&Instruction],
    count: usize,
) -> Result<Vec<Example>, Box<dyn Error>> {
    let mut found = Vec::new();
    for example in &task.train {
        let texts = wordings.iter().map(|wording| encoded(model, task, wording, example));
        let texts = texts.collect::<Result<Vec<_>, _>>()?;
        if found.len() < count && texts.iter().all(|text| text.ids.len() <= model.max_tokens()) {
            found.push(example.clone());
        }
    }
    Ok(found)
}

fn encoded(
    model: &LanguageModel,
    task: &Task,
    wording: &Instruction,
    example: &Example,
) -> Result<Encoded, sapo_model::ModelError> {
    model.codec().encode_example(&layout::prompt(task, wording, &example.input), example.target())
}

#[derive(Debug, Clone, Copy)]
enum Way {
    WithinCalls,
    BetweenCalls,
    TogetherToo,
}

struct Oracle<'a> {
    model: &'a LanguageModel,
    task: &'a Task,
    examples: &'a [Example],
    wordings: &'a [&'a Instruction],
    scorer: Scorer<'a>,
    way: Way,
}

impl Oracle<'_> {
    fn within_call(&self, arm: usize, examples: &[usize]) -> Result<Vec<Observation>, OracleError> {
        let text =
            |&example: &usize| encoded(self.model, self.task, self.wordings[arm], &self.examples[example]);
        let texts = examples.iter().map(text).collect::<Result<Vec<Encoded>, _>>()?;
        let losses = self.model.example_losses(&texts, TOKEN_BUDGET, |_| ())?;
        let mut tokens = SharedPrefix::of(&texts).forward_tokens() as u64;
        let observation = |loss: sapo_model::ExampleLoss| Observation {
            nll_sum: loss.nll_sum,
            target_tokens: loss.tokens as u64,
            forward_tokens: std::mem::take(&mut tokens),
        };
        Ok(losses.into_iter().map(observation).collect())
    }
}

impl LossOracle for Oracle<'_> {
    fn arms(&self) -> usize {
        self.wordings.len()
    }

    fn examples(&self) -> usize {
        self.examples.len()
    }

    fn observe(&mut self, arm: usize, examples: &[usize]) -> Result<Vec<Observation>, OracleError> {
        if let Way::WithinCalls = self.way {
            return self.within_call(arm, examples);
        }
        let scored = self.scorer.losses(self.wordings[arm], examples)?;
        Ok(scored.into_iter().map(observation).collect())
    }

    fn observe_each(
        &mut self,
        arms: &[usize],
        examples: &[usize],
    ) -> Result<Vec<Vec<Observation>>, OracleError> {
        let Way::TogetherToo = self.way else {
            return arms.iter().map(|&arm| self.observe(arm, examples)).collect();
        };
        let wordings: Vec<&Instruction> = arms.iter().map(|&arm| self.wordings[arm]).collect();
        let scored = self.scorer.losses_of_each(&wordings, examples)?;
        Ok(scored.into_iter().map(|of_arm| of_arm.into_iter().map(observation).collect()).collect())
    }
}
