use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use sapo_model::{Decoding, LanguageModel, Sampling};
use serde_json::{Value, json};

use crate::failure::InputError;
use crate::jsonl::{self, Line, Prompt};
use crate::model_args::{ModelArgs, check_chat};
use crate::progress::Progress;
use crate::too_long::{self, Fitted, Reading, Source};

/// Let a model answer prompts
///
/// Greedily, or with --temperature by chance.
///
/// Each line of --data is {"prompt": str}; further fields, such as the "completion" of `sapo loss`, are ignored. An
/// answer ends at the model's end-of-text token or after --max-new-tokens; special tokens and space at either end are
/// left out of it.
#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// JSON Lines of {"prompt"}
    #[arg(long, value_name = "FILE.jsonl")]
    data: PathBuf,
    /// Longest answer in tokens
    #[arg(long, value_name = "N")]
    max_new_tokens: NonZeroUsize,
    /// Draw tokens by chance, from logits divided by T: the lower, the nearer to greedy [default: greedy]
    #[arg(long, value_name = "T", value_parser = temperature)]
    temperature: Option<f64>,
    /// Draw among the likeliest tokens that have a share of P of the probability together
    #[arg(long, value_name = "P", requires = "temperature", default_value = "1", value_parser = top_p)]
    top_p: f64,
    /// Decides every draw; a prompt has draws of its own, by its place among the prompts
    #[arg(long, value_name = "N", requires = "temperature", default_value_t = 0)]
    seed: u64,
    /// Put the prompt through the model's chat template, as the user's turn
    #[arg(long)]
    chat: bool,
    /// Print JSON Lines: one object a prompt
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model: ModelArgs,
}

fn temperature(text: &str) -> anyhow::Result<f64> {
    let temperature = text.parse()?;
    Sampling::new(temperature, 1.0, 0)?;
    Ok(temperature)
}

fn top_p(text: &str) -> anyhow::Result<f64> {
    let top_p = text.parse()?;
    Sampling::new(1.0, top_p, 0)?;
    Ok(top_p)
}

pub(crate) fn run(args: &GenerateArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let decoding = match args.temperature {
        None => Decoding::Greedy,
        Some(temperature) => Decoding::Sample(Sampling::new(temperature, args.top_p, args.seed)?),
    };
    let lines = jsonl::read::<Prompt>(&args.data)?;
    let model = args.model.open()?;
    check_chat(&model, args.chat)?;
    let Fitted { places, values: prompts, skipped } = too_long::fit(
        &model,
        Source { rule: args.model.too_long, path: &args.data, unit: "line" },
        lines.iter().enumerate(),
        |line| &line.prompt,
        "--max-new-tokens",
        |line, prompt| encode(&model, args, line, prompt),
    )?;

    let mut progress = Progress::of(prompts.len(), "generate");
    let budget = args.model.token_budget();
    let max_new_tokens = args.max_new_tokens.get();
    let answers = model.generate(&prompts, decoding, max_new_tokens, budget, |done| progress.add(done))?;
    drop(progress);
    for (answer, place) in answers.iter().zip(&places) {
        if args.json {
            let mut object = json!({
                "index": place.index, "text": answer.text, "tokens": answer.tokens, "ended": answer.ended,
            });
            if place.shortened {
                object["shortened"] = Value::Bool(true);
            }
            writeln!(out, "{object}")?;
        } else {
            // one line an answer, whatever it holds
            writeln!(out, "{}\t{}", place.index, answer.text.escape_debug())?;
        }
    }
    if let (true, Some(skipped)) = (args.json, skipped) {
        writeln!(out, "{}", json!({"summary": {"answers": answers.len(), "skipped": skipped}}))?;
    }
    Ok(())
}

fn encode(
    model: &LanguageModel,
    args: &GenerateArgs,
    line: &Line<Prompt>,
    prompt: &str,
) -> anyhow::Result<Reading<Vec<i64>>> {
    let codec = model.codec();
    let ids = if args.chat { codec.encode_prompt(prompt) } else { codec.encode_text(prompt) };
    let bad = |reason| InputError::Line {
        path: args.data.clone(),
        number: line.number,
        reason,
        expected: <Prompt as jsonl::LineShape>::EXPECTED,
    };
    let ids = ids.map_err(|error| bad(error.to_string()))?;
    if ids.is_empty() {
        return Err(bad("`prompt` has no tokens".into()).into());
    }
    let what = format!("the prompt ({}) with --max-new-tokens ({})", ids.len(), args.max_new_tokens);
    Ok(Reading { tokens: ids.len() + args.max_new_tokens.get(), value: ids, what })
}
