use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::{bail, ensure};
use clap::{Args, ValueEnum};
use sapo_prompts::guard::check_pool;
use sapo_prompts::sources::{Bank, Grammar, ParaphraseRequest, SourceError, pool_from};
use sapo_prompts::{Instruction, PromptPool};

/// Make wordings that mean the same as an instruction
///
/// Writes a pool file for `sapo select`: the original as variant 0 and --count paraphrases. Every paraphrase keeps the
/// labels letter for letter and passes the checks of `sapo pool check`; if there are too few, nothing is written.
///
/// Read the wordings before you train with them: no check can tell whether the meaning is the same.
#[derive(Debug, Args)]
pub(crate) struct ParaphraseArgs {
    /// The original wording, without input and output suffix
    #[arg(long, value_name = "TEXT")]
    instruction: String,
    /// Words that every wording keeps letter for letter, such as the answers of a classification [default with bank: the
    /// bank's]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    labels: Vec<String>,
    /// How many paraphrases
    #[arg(long, value_name = "N", default_value = "20")]
    count: NonZeroUsize,
    /// Where they come from
    #[arg(long)]
    source: Source,
    /// Decides every random draw
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Folder of the bank
    #[arg(long, value_name = "DIR", default_value = "data/prompts")]
    bank: PathBuf,
    /// The pool file to write [default: to stdout]
    #[arg(long, value_name = "POOL.json")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Source {
    /// Written by hand, for the tasks of SuperNI and TRACE; the instruction must be theirs, letter for letter
    Bank,
    /// Other frames, verbs and words for any instruction, by rule and offline
    Grammar,
}

pub(crate) fn run(args: &ParaphraseArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    ensure!(!args.instruction.trim().is_empty(), "--instruction is empty: there is nothing to paraphrase");
    let pool = make(args)?;
    // The bank's wordings were checked against the bank's labels; these may be others.
    for (id, reasons) in check_pool(&pool) {
        if let Some(reason) = reasons.first() {
            bail!("paraphrase `{id}` does not pass: {reason}");
        }
    }
    match &args.out {
        None => write!(out, "{}", pool.to_json()?)?,
        Some(path) => {
            pool.save(path)?;
            eprintln!("wrote {}: the original and {} paraphrases", path.display(), pool.paraphrases().len());
        }
    }
    Ok(())
}

fn make(args: &ParaphraseArgs) -> Result<PromptPool, SourceError> {
    let mut request = ParaphraseRequest {
        instruction: Instruction::new(&args.instruction),
        labels: args.labels.clone(),
        count: args.count.get(),
        seed: args.seed,
    };
    match args.source {
        Source::Grammar => pool_from(&Grammar, &request),
        Source::Bank => {
            let bank = Bank::open(&args.bank)?;
            if request.labels.is_empty() {
                request.labels = bank.find(&request.instruction)?.labels().to_vec();
            }
            pool_from(&bank, &request)
        }
    }
}
