use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use sapo_prompts::{PairDistances, PoolDiversity, PromptPool};
use serde_json::json;

use super::origin;

/// Show a pool's wordings and how far they are apart
///
/// The distance of two wordings is the Jaccard distance of their character 3-grams, without case and punctuation: 0 the
/// same, 1 nothing in common.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The pool file
    #[arg(value_name = "POOL.json")]
    pool: PathBuf,
    /// Print JSON Lines: one object a variant, the summary last
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &ShowArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let pool = PromptPool::load(&args.pool)?;
    let PoolDiversity { variants: shapes, pairs } = PoolDiversity::of(&pool);
    if args.json {
        for (variant, shape) in pool.variants().iter().zip(&shapes) {
            let line = json!({"id": variant.id, "text": variant.text, "origin": variant.origin, "words": shape.words,
                              "distance_to_original": shape.distance,
                              "vocabulary_overlap": shape.vocabulary_overlap});
            writeln!(out, "{line}")?;
        }
        let closest =
            pairs.as_ref().map(|p| json!({"a": p.closest.0, "b": p.closest.1, "distance": p.closest.2}));
        let summary = json!({"variants": pool.len(), "labels": pool.labels(),
                             "mean_pair_distance": pairs.as_ref().map(|p| p.mean), "closest": closest,
                             "mean_pair_vocabulary_overlap": pairs.as_ref().map(|p| p.mean_vocabulary_overlap)});
        return Ok(writeln!(out, "{}", json!({"summary": summary}))?);
    }
    for (variant, shape) in pool.variants().iter().zip(&shapes) {
        let from = origin(&variant.origin);
        writeln!(out, "{} ({from}; {} words, distance {:.2})", variant.id, shape.words, shape.distance)?;
        for line in variant.text.as_str().lines() {
            writeln!(out, "    {line}")?;
        }
    }
    let labels = if pool.labels().is_empty() { "none".to_string() } else { pool.labels().join(", ") };
    writeln!(out, "\n{} variants; labels kept: {labels}", pool.len())?;
    if let Some(PairDistances { mean, closest: (a, b, least), mean_vocabulary_overlap }) = &pairs {
        writeln!(out, "mean distance of two variants {mean:.2}, least {least:.2} ({a}, {b})")?;
        writeln!(out, "words that two variants share {:.0} %", 100.0 * mean_vocabulary_overlap)?;
    }
    Ok(())
}
