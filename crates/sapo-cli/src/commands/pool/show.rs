use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use sapo_prompts::{Origin, PoolDiversity, PromptPool};
use serde_json::json;

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
    let diversity = PoolDiversity::of(&pool);
    let distance = |index: usize| diversity.as_ref().map_or(0.0, |diversity| diversity.to_original[index]);
    if args.json {
        for (index, variant) in pool.variants().iter().enumerate() {
            let line = json!({"id": variant.id, "text": variant.text, "origin": variant.origin,
                              "distance_to_original": distance(index)});
            writeln!(out, "{line}")?;
        }
        let closest =
            diversity.as_ref().map(|d| json!({"a": d.closest.0, "b": d.closest.1, "distance": d.closest.2}));
        let summary = json!({"variants": pool.len(), "labels": pool.labels(),
                             "mean_pair_distance": diversity.as_ref().map(|d| d.mean_pair), "closest": closest});
        return Ok(writeln!(out, "{}", json!({"summary": summary}))?);
    }
    for (index, variant) in pool.variants().iter().enumerate() {
        writeln!(out, "{} ({}, distance {:.2})", variant.id, origin(&variant.origin), distance(index))?;
        for line in variant.text.as_str().lines() {
            writeln!(out, "    {line}")?;
        }
    }
    let labels = if pool.labels().is_empty() { "none".to_string() } else { pool.labels().join(", ") };
    writeln!(out, "\n{} variants; labels kept: {labels}", pool.len())?;
    if let Some(PoolDiversity { mean_pair, closest: (a, b, least), .. }) = &diversity {
        writeln!(out, "mean distance of two variants {mean_pair:.2}, least {least:.2} ({a}, {b})")?;
    }
    Ok(())
}

fn origin(origin: &Origin) -> String {
    let detail = origin.detail.iter().map(String::clone);
    let seed = origin.seed.iter().map(|seed| format!("seed {seed}"));
    [origin.source.clone()].into_iter().chain(detail).chain(seed).collect::<Vec<_>>().join(", ")
}
