use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use sapo_prompts::PromptPool;
use sapo_prompts::guard::check_pool;
use serde_json::json;

use crate::failure::InputError;

/// Check every paraphrase of a pool against its original
///
/// A paraphrase must keep the labels and placeholders of the original, be in its script, be neither very short nor very
/// long, and differ from all others by more than case, space and punctuation. All reasons against a paraphrase are
/// listed. The exit code is 1 if there is any, or if the file is no pool.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The pool file
    #[arg(value_name = "POOL.json")]
    pool: PathBuf,
    /// Print JSON Lines: one object a paraphrase, the summary last
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &CheckArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let pool = PromptPool::load(&args.pool)?;
    let verdicts = check_pool(&pool);
    let rejected = verdicts.iter().filter(|(_, reasons)| !reasons.is_empty()).count();
    let passed = verdicts.len() - rejected;
    for (id, reasons) in &verdicts {
        let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
        if args.json {
            writeln!(out, "{}", json!({"id": id, "ok": reasons.is_empty(), "reasons": reasons}))?;
        } else {
            let verdict = if reasons.is_empty() { "ok".to_string() } else { reasons.join("; ") };
            writeln!(out, "{id}\t{verdict}")?;
        }
    }
    if args.json {
        let summary = json!({"paraphrases": verdicts.len(), "passed": passed, "rejected": rejected});
        writeln!(out, "{}", json!({"summary": summary}))?;
    } else {
        writeln!(out, "{passed} of {} paraphrases pass", verdicts.len())?;
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
