use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use sapo_prompts::guard::check_pool;
use sapo_prompts::{PoolDiversity, PromptPool};
use serde_json::json;

use super::origin;
use crate::failure::InputError;
use crate::jsonl::{self, TaskLine};
use crate::table;

/// Check every paraphrase of a pool against its original
///
/// A paraphrase must keep the labels and placeholders of the original, be in its script, be neither very short nor very
/// long, hold no text of an example of --data, and differ from all others by more than case, space and punctuation. All
/// reasons against a paraphrase are listed. The exit code is 1 if there is any, or if the file is no pool.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The pool file
    #[arg(value_name = "POOL.json")]
    pool: PathBuf,
    /// JSON Lines of {"input", "target"}: examples, of which no text may stand in a wording
    #[arg(long, value_name = "FILE.jsonl")]
    data: Option<PathBuf>,
    /// Print JSON Lines: one object a paraphrase, the summary last
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &CheckArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let pool = PromptPool::load(&args.pool)?;
    let rows = match &args.data {
        None => Vec::new(),
        Some(path) => jsonl::read::<TaskLine>(path)?,
    };
    let examples = rows.iter().map(|line| (line.value.input.as_str(), line.value.target.as_str()));
    let verdicts = check_pool(&pool, examples);
    let shapes = PoolDiversity::of(&pool).variants;
    let rejected = verdicts.iter().filter(|(_, reasons)| !reasons.is_empty()).count();
    let passed = verdicts.len() - rejected;
    let mut rows = Vec::new();
    for ((variant, (id, reasons)), shape) in pool.paraphrases().iter().zip(&verdicts).zip(&shapes[1..]) {
        let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
        if args.json {
            let line = json!({"id": id, "ok": reasons.is_empty(), "reasons": reasons, "origin": variant.origin,
                              "words": shape.words, "distance_to_original": shape.distance});
            writeln!(out, "{line}")?;
        }
        let verdict = if reasons.is_empty() { "ok".to_string() } else { reasons.join("; ") };
        let (words, distance) = (shape.words.to_string(), format!("{:.2}", shape.distance));
        rows.push([id.to_string(), origin(&variant.origin), words, distance, verdict]);
    }
    if args.json {
        let summary = json!({"paraphrases": verdicts.len(), "passed": passed, "rejected": rejected});
        writeln!(out, "{}", json!({"summary": summary}))?;
    } else {
        table::write(out, ["id", "origin", "words", "distance", "verdict"], &rows)?;
        writeln!(out, "\n{passed} of {} paraphrases pass", verdicts.len())?;
    }
    if rejected > 0 {
        out.flush()?; // the reasons before the verdict, where both go to one terminal
        let path = args.pool.display();
        return Err(InputError::ProblemsFound(format!(
            "{path}: {rejected} of {} paraphrases do not pass",
            verdicts.len()
        ))
        .into());
    }
    Ok(())
}
