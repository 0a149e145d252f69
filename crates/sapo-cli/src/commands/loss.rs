use std::io::Write;
use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;
use sapo_model::{Encoded, ExampleLoss, LanguageModel};
use serde_json::{Value, json};

use crate::failure::InputError;
use crate::jsonl::{self, Line, Pair};
use crate::model_args::{ModelArgs, check_chat};
use crate::progress::Progress;
use crate::too_long::{self, Fitted, Place, Reading, Source};
use crate::{table, token_mean};

/// Measure a model's loss on completions
///
/// Each line of --data is {"prompt": str, "completion": str}. The loss of a completion is the mean of minus the
/// log-probability of its tokens, in nats: lower is better, 0 is certainty.
///
/// The text scored is the prompt and then the completion, tokenised as one string without added special tokens; a space
/// or newline between them is yours to write. With --chat it is the model's chat template around both, and the end of
/// the answer counts too: this is the loss of SAPO's selection and training.
#[derive(Debug, Args)]
pub(crate) struct LossArgs {
    /// JSON Lines of {"prompt", "completion"}
    #[arg(long, value_name = "FILE.jsonl")]
    data: PathBuf,
    /// Put prompt and completion through the model's chat template
    #[arg(long)]
    chat: bool,
    /// Print JSON Lines: one object an example, the summary last
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model: ModelArgs,
}

pub(crate) fn run(args: &LossArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let lines = jsonl::read::<Pair>(&args.data)?;
    let model = args.model.open()?;
    check_chat(&model, args.chat)?;
    let Fitted { places, values: examples, skipped } = too_long::fit(
        &model,
        Source { rule: args.model.too_long, path: &args.data, unit: "line" },
        lines.iter().enumerate(),
        |pair| &pair.prompt,
        "the completion",
        |line, prompt| encode(&model, args, line, prompt),
    )?;

    let mut progress = Progress::of(examples.len(), "loss");
    let losses = model.example_losses(&examples, args.model.token_budget(), |done| progress.add(done))?;
    drop(progress);
    for (loss, place) in losses.iter().zip(&places) {
        ensure!(
            loss.nll_sum.is_finite(),
            "{}, line {}: the model's loss is {}",
            args.data.display(),
            lines[place.index].number,
            loss.nll_sum
        );
    }
    if args.json { print_json(&losses, &places, skipped, out) } else { print_table(&losses, &places, out) }
}

fn encode(
    model: &LanguageModel,
    args: &LossArgs,
    line: &Line<Pair>,
    prompt: &str,
) -> anyhow::Result<Reading<Encoded>> {
    let completion = &line.value.completion;
    let codec = model.codec();
    let encoded = if args.chat {
        codec.encode_example(prompt, completion)
    } else {
        codec.encode_pair(prompt, completion)
    };
    let value = encoded.map_err(|error| InputError::Line {
        path: args.data.clone(),
        number: line.number,
        reason: error.to_string(),
        expected: <Pair as jsonl::LineShape>::EXPECTED,
    })?;
    Ok(Reading { tokens: value.ids.len(), value, what: "prompt and completion".into() })
}

/// Means over tokens and over examples, with what they are over.
struct Summary {
    token_mean: f64,
    example_mean: f64,
    examples: usize,
    tokens: usize,
}

impl Summary {
    fn of(losses: &[ExampleLoss]) -> Self {
        let tokens = losses.iter().map(|loss| loss.tokens).sum::<usize>();
        Self {
            token_mean: losses.iter().map(|loss| loss.nll_sum).sum::<f64>() / tokens as f64,
            example_mean: losses.iter().map(ExampleLoss::mean).sum::<f64>() / losses.len() as f64,
            examples: losses.len(),
            tokens,
        }
    }
}

fn print_json(
    losses: &[ExampleLoss],
    places: &[Place],
    skipped: Option<Vec<usize>>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    for (loss, place) in losses.iter().zip(places) {
        let mut object = json!({"index": place.index, "loss": loss.mean(), "tokens": loss.tokens});
        if place.shortened {
            object["shortened"] = Value::Bool(true);
        }
        writeln!(out, "{object}")?;
    }
    let Summary { token_mean, example_mean, examples, tokens } = Summary::of(losses);
    let mut summary = json!({"token_mean": token_mean, "example_mean": example_mean, "examples": examples, "tokens": tokens});
    if let Some(skipped) = skipped {
        summary["skipped"] = json!(skipped);
    }
    Ok(writeln!(out, "{}", json!({"summary": summary}))?)
}

fn print_table(losses: &[ExampleLoss], places: &[Place], out: &mut dyn Write) -> anyhow::Result<()> {
    let row = |(loss, place): (&ExampleLoss, &Place)| {
        let mark = if place.shortened { "shortened" } else { "" };
        [place.index.to_string(), format!("{:.4}", loss.mean()), loss.tokens.to_string(), mark.into()]
    };
    let rows: Vec<_> = losses.iter().zip(places).map(row).collect();
    table::write(out, ["index", "loss", "tokens", ""], &rows)?;
    let Summary { token_mean, example_mean, examples, tokens } = Summary::of(losses);
    let sums: Vec<(f64, u64)> = losses.iter().map(|loss| (loss.nll_sum, loss.tokens as u64)).collect();
    let interval = token_mean::with_interval(&sums, 0)?
        .map_or(String::new(), |estimate| format!(" [{:.4}, {:.4}]", estimate.low, estimate.high));
    writeln!(out, "\nmean over {tokens} tokens: {token_mean:.4}{interval} nats (lower is better)")?;
    writeln!(out, "mean over {examples} examples: {example_mean:.4} nats a token")?;
    Ok(())
}
