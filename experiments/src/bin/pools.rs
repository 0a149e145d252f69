//! `just experiment pools`: how varied are the pools that ship? Length, distance to the original, vocabulary shared with it,
//! and distance to the nearest other wording, for the paraphrase bank and the built-in benchmark. No model is asked.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use experiments::reporting::{mean, short_name};
use experiments::{exit_code, places};
use sapo_lab::plots::{Strip, Strips, strips};
use sapo_lab::tables::Table;
use sapo_prompts::sources::Bank;
use sapo_prompts::{Instruction, ngram_distance, vocabulary_overlap, word_count};
use sapo_tasks::builtin::{self, POOL_SEED, POOL_SIZE, Role, Sizes};
use sapo_tasks::readers::Dataset;

/// How varied are the pools that ship?
#[derive(Debug, Parser)]
#[command(name = "pools", version)]
struct Args {
    /// Folder with SuperNI, for the originals of its tasks
    #[arg(long, value_name = "DIR")]
    superni: Option<PathBuf>,
    /// Folder with TRACE, for the originals of its tasks
    #[arg(long, value_name = "DIR")]
    trace: Option<PathBuf>,
    /// Folder of the runs of all experiments
    #[arg(long, default_value = "runs", value_name = "DIR")]
    out: PathBuf,
}

/// A pool beside its original, where that is at hand.
struct Pool {
    task: String,
    benchmark: String,
    original: Option<Instruction>,
    paraphrases: Vec<Instruction>,
}

fn main() -> ExitCode {
    exit_code(run(&Args::parse()))
}

fn run(args: &Args) -> anyhow::Result<()> {
    let mut pools = built_in();
    pools.extend(bank(args)?);
    let folder = args.out.join("pools");
    let table = table(&pools)?;
    table.write_all(folder.join("tables"))?;
    let figure = strips(&figure(&pools))?.write(folder.join("plots"), "pools")?;
    println!("{table}\ntables  {}\nfigure  {}", folder.join("tables").display(), figure.png.display());
    Ok(())
}

/// The pools of the streams' families, by grammar.
fn built_in() -> Vec<Pool> {
    let families = builtin::families().iter().filter(|family| family.role == Role::Stream);
    families
        .map(|family| Pool {
            task: family.name.to_string(),
            benchmark: "built-in".into(),
            original: Some(family.task(0, Sizes { train: 0, dev: 0, test: 0 }).instruction),
            paraphrases: family.paraphrases(POOL_SIZE, POOL_SEED).into_iter().map(|v| v.text).collect(),
        })
        .collect()
}

/// The pools of the bank.
fn bank(args: &Args) -> anyhow::Result<Vec<Pool>> {
    let bank = Bank::open(places::project("data/prompts"))?;
    let mut pools = Vec::new();
    for (benchmark, task) in bank.entries()? {
        let paraphrases = bank.paraphrases(&benchmark, &task)?.into_iter().map(|v| v.text).collect();
        let folder = match benchmark.as_str() {
            "superni" => args.superni.as_ref(),
            "trace" => args.trace.as_ref(),
            _ => None,
        };
        let original = match folder {
            Some(folder) => Some(Dataset::open(&benchmark, folder)?.instruction(&task)?),
            None => None,
        };
        pools.push(Pool { task, benchmark, original, paraphrases });
    }
    Ok(pools)
}

impl Pool {
    fn each(&self, of: impl Fn(&str) -> f64) -> Vec<f64> {
        self.paraphrases.iter().map(|text| of(text.as_str())).collect()
    }

    fn words(&self) -> Vec<f64> {
        self.each(|text| word_count(text) as f64)
    }

    /// Of every paraphrase and the original; none where that is not at hand.
    fn beside_original(&self, of: fn(&str, &str) -> f64) -> Vec<f64> {
        self.original.as_ref().map_or_else(Vec::new, |original| self.each(|text| of(original.as_str(), text)))
    }

    /// Of every paraphrase to the nearest other one.
    fn nearest(&self) -> Vec<f64> {
        let distance =
            |i: usize, j: usize| ngram_distance(self.paraphrases[i].as_str(), self.paraphrases[j].as_str());
        let count = self.paraphrases.len();
        let to_others = |i: usize| (0..count).filter(move |j| *j != i).map(move |j| (i, j));
        (0..count).map(|i| to_others(i).map(|(i, j)| distance(i, j)).fold(1.0, f64::min)).collect()
    }
}

fn figure(pools: &[Pool]) -> Strips {
    let strip = |pool: &Pool| Strip {
        name: short_name(&pool.task),
        group: pool.benchmark.clone(),
        values: vec![
            pool.words(),
            pool.beside_original(ngram_distance),
            pool.beside_original(vocabulary_overlap),
            pool.nearest(),
        ],
    };
    Strips {
        title: "The pools that ship: every paraphrase of every task".into(),
        panels: [
            "length (words)",
            "distance to the original",
            "words in common with it",
            "distance to the nearest",
        ]
        .map(String::from)
        .to_vec(),
        strips: pools.iter().map(strip).collect(),
    }
}

fn table(pools: &[Pool]) -> anyhow::Result<Table> {
    let caption = "Paraphrases of every pool that ships. Words: a Chinese character is one. Distance: Jaccard distance of \
                   character 3-grams, 0 the same, 1 nothing in common. Shared words: share of the different words of \
                   original and paraphrase that both have. Nearest: distance of a paraphrase to the nearest other one.";
    let lengths: Vec<Vec<f64>> = pools.iter().map(|pool| sorted(pool.words())).collect();
    let nearest: Vec<Vec<f64>> = pools.iter().map(|pool| sorted(pool.nearest())).collect();
    let whole = |of: fn(&[f64]) -> f64| lengths.iter().map(move |sorted| of(sorted) as i64);
    let mean_of = |of: fn(&str, &str) -> f64| pools.iter().map(move |pool| mean(&pool.beside_original(of)));
    Ok(Table::builder("pools", caption)
        .text("task", pools.iter().map(|pool| short_name(&pool.task)))
        .text("benchmark", pools.iter().map(|pool| pool.benchmark.clone()))
        .integer("paraphrases", pools.iter().map(|pool| pool.paraphrases.len() as i64))
        .integer("shortest", whole(|sorted| sorted[0]))
        .integer("median", whole(|sorted| sorted[sorted.len() / 2]))
        .integer("longest", whole(|sorted| sorted[sorted.len() - 1]))
        .optional_float("distance", 2, mean_of(ngram_distance))
        .optional_float("shared_words", 2, mean_of(vocabulary_overlap))
        .float("nearest_least", 2, nearest.iter().map(|sorted| sorted[0]))
        .float("nearest_median", 2, nearest.iter().map(|sorted| sorted[sorted.len() / 2]))
        .build()?)
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}
