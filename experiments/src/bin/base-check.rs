//! `just experiment base-check`: does a base follow wordings that it has not seen? Exact match of greedy answers, for every
//! family of the built-in benchmark, under wordings of its pre-training, under held-out paraphrases, and under the
//! original instruction, beside chance.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use experiments::reporting::estimate;
use experiments::{exit_code, places};
use sapo_bench::{EvaluationConfig, evaluate};
use sapo_lab::tables::Table;
use sapo_metrics::{Estimate, Metric};
use sapo_model::{Device, Kind, LanguageModel, runtime};
use sapo_tasks::builtin::{self, Family, POOL_SEED, POOL_SIZE, Role, Sizes};
use sapo_tasks::{Instruction, Task};

/// Does a base model follow wordings that it has not seen?
#[derive(Debug, Parser)]
#[command(name = "base-check", version)]
struct Args {
    /// Folder of the model, or org/name or org/name@revision of the Hugging Face Hub [default: the nano base]
    #[arg(long, value_name = "DIR|ORG/NAME")]
    model: Option<PathBuf>,
    /// Examples of each family, spread over its wordings
    #[arg(long, default_value = "100", value_name = "N")]
    examples: NonZeroUsize,
    /// Folder of the runs of all experiments
    #[arg(long, default_value = "runs", value_name = "DIR")]
    out: PathBuf,
}

/// Exact match in percent of one family.
struct Scores {
    family: &'static Family,
    chance: f64,
    seen: f64,
    held_out: f64,
    original: f64,
}

fn main() -> ExitCode {
    exit_code(run(&Args::parse()))
}

fn run(args: &Args) -> anyhow::Result<()> {
    runtime::init(1); // such small products lose more by sharing than they gain
    let directory = places::model(args.model.as_deref(), "nano", false)?;
    let model = LanguageModel::open(&directory, Kind::Float, Device::Cpu)?;
    let scores = builtin::families()
        .iter()
        .map(|family| score(&model, family, args.examples.get()))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let folder = args.out.join("base-check/tables");
    by_family(&scores)?.write_all(&folder)?;
    let summary = summary(&scores)?;
    summary.write_all(&folder)?;
    println!("{summary}\ntables  {}", folder.display());
    Ok(())
}

fn score(model: &LanguageModel, family: &'static Family, examples: usize) -> anyhow::Result<Scores> {
    // A seed that no experiment uses for rows.
    let task = family.task(u64::MAX, Sizes { train: 0, dev: 0, test: examples });
    let held_out: Vec<Instruction> =
        family.paraphrases(POOL_SIZE, POOL_SEED).into_iter().map(|variant| variant.text).collect();
    Ok(Scores {
        family,
        chance: if family.labels.is_empty() { 0.0 } else { 100.0 / family.labels.len() as f64 },
        seen: exact_match(model, &task, &family.pretraining_wordings())?,
        held_out: exact_match(model, &task, &held_out)?,
        original: exact_match(model, &task, std::slice::from_ref(&task.instruction))?,
    })
}

/// Exact match with the rows dealt out over the wordings.
fn exact_match(model: &LanguageModel, task: &Task, wordings: &[Instruction]) -> anyhow::Result<f64> {
    let config = EvaluationConfig { max_new_tokens: 16, token_budget: 8192 };
    let (mut sum, mut count) = (0.0, 0.0);
    let dealt = wordings.len().min(task.test.len());
    for turn in 0..dealt {
        let rows: Vec<_> = task.test.iter().skip(turn).step_by(dealt).cloned().collect();
        let wording = &wordings[turn * wordings.len() / dealt];
        let scores = evaluate(model, task, wording, &rows, &config)?.scores;
        let exact = scores.iter().find(|scores| scores.metric == Metric::ExactMatch);
        sum += exact.context("exact match is measured of every task")?.examples.iter().sum::<f64>();
        count += rows.len() as f64;
    }
    Ok(sum / count)
}

fn by_family(scores: &[Scores]) -> anyhow::Result<Table> {
    let column = |of: fn(&Scores) -> f64| scores.iter().map(of).collect::<Vec<_>>();
    Ok(Table::builder(
        "base_check_by_family",
        "Exact match in percent, greedy, under three kinds of wording.",
    )
    .text("family", scores.iter().map(|score| score.family.name))
    .text("role", scores.iter().map(|score| role_name(score.family.role)))
    .float("chance", 1, column(|score| score.chance))
    .float("seen", 1, column(|score| score.seen))
    .float("held_out", 1, column(|score| score.held_out))
    .float("original", 1, column(|score| score.original))
    .build()?)
}

fn summary(scores: &[Scores]) -> anyhow::Result<Table> {
    let roles = [Role::Pretraining, Role::Stream];
    let of_role = |role: Role| scores.iter().filter(move |score| score.family.role == role);
    let column = |of: fn(&Scores) -> f64| -> anyhow::Result<Vec<Estimate>> {
        roles.into_iter().map(|role| estimate(&of_role(role).map(of).collect::<Vec<_>>())).collect()
    };
    let caption = "Exact match in percent, mean over families with 95 % bootstrap interval over families. Seen: wordings of \
                   pre-training; held out: paraphrases never seen; original: the benchmark's own wording, never seen.";
    Ok(Table::builder("base_check", caption)
        .text("families", roles.map(role_name))
        .integer("count", roles.map(|role| of_role(role).count() as i64))
        .estimate("chance", 1, column(|score| score.chance)?)
        .estimate("seen", 1, column(|score| score.seen)?)
        .estimate("held_out", 1, column(|score| score.held_out)?)
        .estimate("original", 1, column(|score| score.original)?)
        .build()?)
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Pretraining => "pre-training",
        Role::Stream => "stream",
    }
}
