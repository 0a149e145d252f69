use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use sapo_metrics::{Metric, MetricError, Sample, estimate};
use serde_json::{Map, Value, json};

use crate::failure::InputError;
use crate::jsonl::{self, Answer, Line, LineShape};

/// Score answers against references
///
/// Each line of --predictions is {"prediction": str, "reference": str}; the metric sari also needs "source": str, the
/// text that was rewritten. Where there is "references": [str, ..] too, as `sapo eval --predictions` writes it, the best of
/// them counts. Scores are means over the lines, from 0 to 100; higher is better. In brackets the 95 %
/// bootstrap interval (10,000 resamples of the lines, BCa).
#[derive(Debug, Args)]
pub(crate) struct ScoreArgs {
    /// JSON Lines of {"prediction", "reference"}
    #[arg(long, value_name = "FILE.jsonl")]
    predictions: PathBuf,
    /// What to measure; may be given several times or as a list
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_values = ["rouge_l", "rouge_1", "exact_match"],
          long_help = metric_help())]
    metric: Vec<Metric>,
    /// Print one JSON object: a mean for each metric, and n
    #[arg(long)]
    json: bool,
}

fn metric_help() -> String {
    let width = Metric::ALL.iter().map(|metric| metric.name().len()).max().unwrap_or(0);
    let list: Vec<String> =
        Metric::ALL.iter().map(|metric| format!("- {:<width$}  {}", metric.name(), metric.about())).collect();
    format!("What to measure; may be given several times or as a list:\n{}", list.join("\n"))
}

pub(crate) fn run(args: &ScoreArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let lines = jsonl::read::<Answer>(&args.predictions)?;
    let references: Vec<&[String]> = lines
        .iter()
        .map(|Line { value: Answer { reference, references, .. }, .. }| match references.as_slice() {
            [] => std::slice::from_ref(reference),
            several => several,
        })
        .collect();
    let samples: Vec<Sample> = lines
        .iter()
        .zip(&references)
        .map(|(line, references)| Sample {
            prediction: &line.value.prediction,
            references,
            source: line.value.source.as_deref(),
        })
        .collect();
    let mut summary = Map::new();
    for &metric in &args.metric {
        let scores = metric.score_all(&samples).map_err(|error| in_line(error, args, &lines))?;
        if args.json {
            summary.insert(metric.name().into(), json!(scores.iter().sum::<f64>() / scores.len() as f64));
        } else {
            writeln!(out, "{:<21}  {:.2}", metric.name(), estimate(&scores)?.context("no line to score")?)?;
        }
    }
    if args.json {
        summary.insert("n".into(), json!(samples.len()));
        writeln!(out, "{}", Value::Object(summary))?;
    } else {
        writeln!(out, "{:<21}  {}", "n", samples.len())?;
    }
    Ok(())
}

/// The error with the number of the line instead of the sample's place.
fn in_line(error: MetricError, args: &ScoreArgs, lines: &[Line<Answer>]) -> anyhow::Error {
    match error {
        MetricError::At { index, error } if index < lines.len() => InputError::Line {
            path: args.predictions.clone(),
            number: lines[index].number,
            reason: error.to_string(),
            expected: Answer::EXPECTED,
        }
        .into(),
        other => other.into(),
    }
}
