//! Scores the pairs of a JSON-lines file by ROUGE on one core and prints the seconds it took.
//!
//! Each line is `[prediction, reference, expected]`, `expected` being null where nothing is to be compared with.
//! `bench/rouge_vs_rouge_score.py` calls it beside Google's `rouge_score`.

use std::error::Error;
use std::time::Instant;

use sapo_metrics::{Rouge, RougeScore};

type Pair = (String, String, Option<f64>);

const USAGE: &str = "usage: rouge_throughput PAIRS.jsonl rouge1|rougeL [stem]";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (path, metric, stemmer) = match arguments[..] {
        [path, metric] => (path, metric, false),
        [path, metric, "stem"] => (path, metric, true),
        _ => return Err(USAGE.into()),
    };
    let score: fn(&Rouge, &str, &str) -> RougeScore = match metric {
        "rouge1" => Rouge::one,
        "rougeL" => Rouge::l,
        _ => return Err(USAGE.into()),
    };
    let rouge = Rouge { stemmer };
    let pairs =
        std::fs::read_to_string(path)?.lines().map(serde_json::from_str).collect::<Result<Vec<Pair>, _>>()?;

    let start = Instant::now();
    let scores: Vec<f64> = pairs
        .iter()
        .map(|(prediction, reference, _)| score(&rouge, prediction, reference).f_measure)
        .collect();
    let seconds = start.elapsed().as_secs_f64();

    let compared =
        || pairs.iter().zip(&scores).filter_map(|((_, _, expected), got)| Some((expected.as_ref()?, got)));
    let largest_difference = compared().map(|(expected, got)| (expected - got).abs()).fold(0.0, f64::max);
    println!(
        r#"{{"pairs": {}, "compared": {}, "seconds": {seconds}, "largest_difference": {largest_difference:e}}}"#,
        pairs.len(),
        compared().count(),
    );
    Ok(())
}
