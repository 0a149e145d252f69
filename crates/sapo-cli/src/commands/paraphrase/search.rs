use std::num::NonZeroUsize;

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use sapo_probes::{PreUpdateLoss, Scorer};
use sapo_prompts::sources::{Parents, Search, SearchConfig};
use sapo_prompts::{Instruction, ParaphraseRequest, PromptPool};
use sapo_tasks::Example;

use super::{Maker, Opened, ParaphraseArgs, pool_of, with_maker};

/// The rounds of the source `search`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Source search")]
pub(super) struct SearchArgs {
    /// The source that proposes
    #[arg(long, value_name = "SOURCE", default_value = "grammar")]
    from: Proposer,
    /// Rounds of proposals; the first paraphrases the original
    #[arg(long, value_name = "N", default_value = "3")]
    rounds: NonZeroUsize,
    /// Proposals in a round [default: --count]
    #[arg(long, value_name = "N")]
    per_round: Option<NonZeroUsize>,
    /// How many of the best so far are paraphrased in a round
    #[arg(long, value_name = "N", default_value = "3")]
    parents: NonZeroUsize,
    /// Paraphrase the original in every round: no search, for comparison at the same cost
    #[arg(long)]
    from_original: bool,
    /// Most wordings that the model measures, the original among them [default: those of all rounds]
    #[arg(long, value_name = "N")]
    measure_at_most: Option<NonZeroUsize>,
    /// Examples of --data that each wording is measured on, drawn by the seed [default: all]
    #[arg(long, value_name = "N")]
    samples: Option<NonZeroUsize>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Proposer {
    Grammar,
    Api,
    Model,
}

impl SearchArgs {
    pub(super) fn proposer(&self) -> Maker {
        match self.from {
            Proposer::Grammar => Maker::Grammar,
            Proposer::Api => Maker::Api,
            Proposer::Model => Maker::Model,
        }
    }
}

pub(super) fn pool(
    args: &ParaphraseArgs,
    request: &ParaphraseRequest,
    opened: &Opened,
) -> anyhow::Result<PromptPool> {
    let loaded = opened.loaded()?;
    let SearchArgs { rounds, per_round, parents, from_original, measure_at_most, samples, .. } = &args.search;
    let path =
        args.data.as_ref().context("--source search measures wordings on examples: give them with --data")?;
    let rows: Vec<Example> =
        request.examples.iter().map(|(input, target)| Example::new(input, target)).collect();
    let drawn = sapo_tasks::subset(rows.len(), samples.map_or(rows.len(), NonZeroUsize::get), args.seed);
    let examples: Vec<Example> = drawn.into_iter().map(|i| rows[i].clone()).collect();
    let task = args.layout.task(path, request.instruction.clone(), &request.labels);
    let budget = args.options.token_budget();
    let mut measured = 0;
    let mut scorer = Scorer::new(&loaded.model, &task, &examples, budget);
    let mut measure = |texts: &[Instruction]| {
        measured += texts.len();
        let mut mean = |text: &Instruction| {
            let measured = PreUpdateLoss::default().ask(&mut scorer, text);
            let (mean, _) = measured.map_err(|error| error.to_string())?.ok_or("there are no examples")?;
            Ok(mean)
        };
        texts.iter().map(&mut mean).collect()
    };
    let per_round = per_round.unwrap_or(args.count).get();
    let of_all_rounds = rounds.get().saturating_mul(per_round);
    let config = SearchConfig {
        rounds: rounds.get(),
        per_round,
        parents: parents.get(),
        from: if *from_original { Parents::Original } else { Parents::Best },
        budget: measure_at_most.map_or(of_all_rounds.saturating_add(1), NonZeroUsize::get),
    };
    let most = (config.budget - 1).min(of_all_rounds);
    ensure!(
        args.fill || request.count <= most,
        "--count {}: this search measures at most {most} paraphrases (--rounds, --per-round, --measure-at-most)",
        request.count
    );
    let pool = with_maker(args, opened, |source| {
        pool_of(args, &mut Search { source, measure: &mut measure, config }, request)
    })?;
    eprintln!("measured {measured} wordings on {} examples each", examples.len());
    Ok(pool)
}
