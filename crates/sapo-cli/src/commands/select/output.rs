use std::io::Write;

use sapo_bandit::{Observation, Promise, Selection};
use sapo_prompts::PromptPool;
use serde::Serialize;

use crate::{table, token_mean};

/// What was found about one wording.
#[derive(Debug, Serialize)]
struct Arm<'a> {
    id: &'a str,
    /// Mean nats a target token; absent where it was not asked.
    mean: Option<f64>,
    /// 95 % interval of the mean; absent with fewer than two examples.
    low: Option<f64>,
    high: Option<f64>,
    /// 95 % interval of how far its mean is above the winner's, on these examples; from those that both were asked about.
    behind: Option<Ends>,
    examples: usize,
    #[serde(skip)]
    text: &'a str,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Ends {
    low: f64,
    high: f64,
}

impl Arm<'_> {
    /// What ranks it: wordings asked about different examples are compared by those that they share with the winner.
    fn rank(&self, winner_mean: f64) -> f64 {
        let by_mean = self.mean.map(|mean| mean - winner_mean);
        self.behind.map(|ends| (ends.low + ends.high) / 2.0).or(by_mean).unwrap_or(f64::INFINITY)
    }
}

/// A selection, ready to be shown.
#[derive(Debug)]
pub(super) struct Outcome<'a> {
    winner: &'a str,
    arms: Vec<Arm<'a>>,
    forward_tokens: u64,
    promise: Promise,
    /// Indices of the lines whose input was cut.
    pub(super) shortened: Vec<usize>,
    /// Indices of the lines left out, under the rule that does so.
    pub(super) skipped: Option<Vec<usize>>,
}

#[derive(Serialize)]
struct Written<'a> {
    winner: &'a str,
    arms: &'a [Arm<'a>],
    forward_tokens: u64,
    exhaustive_forward_tokens: u64,
    seconds: f64,
    promise: Promise,
    #[serde(skip_serializing_if = "<[usize]>::is_empty")]
    shortened: &'a [usize],
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<&'a [usize]>,
}

impl<'a> Outcome<'a> {
    /// Joins the selection with the intervals that its observations give.
    pub(super) fn new(
        pool: &'a PromptPool,
        selection: &Selection,
        observations: &[Vec<Observation>],
        seed: u64,
    ) -> anyhow::Result<Self> {
        let mut arms = Vec::with_capacity(pool.len());
        for ((variant, evidence), observed) in pool.variants().iter().zip(&selection.arms).zip(observations) {
            let sums: Vec<(f64, u64)> = observed.iter().map(|o| (o.nll_sum, o.target_tokens)).collect();
            let interval = token_mean::with_interval(&sums, seed)?;
            arms.push(Arm {
                id: &variant.id,
                mean: evidence.mean,
                low: interval.map(|estimate| estimate.low),
                high: interval.map(|estimate| estimate.high),
                behind: evidence.behind.map(|interval| Ends { low: interval.low, high: interval.high }),
                examples: evidence.examples,
                text: variant.text.as_str(),
            });
        }
        let winner = &pool.variants()[selection.winner].id;
        let forward_tokens = selection.forward_tokens;
        let promise = selection.promise;
        Ok(Self { winner, arms, forward_tokens, promise, shortened: Vec::new(), skipped: None })
    }

    /// One JSON object; arms in the pool's order.
    pub(super) fn write_json(
        &self,
        exhaustive: u64,
        seconds: f64,
        out: &mut dyn Write,
    ) -> anyhow::Result<()> {
        let written = Written {
            winner: self.winner,
            arms: &self.arms,
            forward_tokens: self.forward_tokens,
            exhaustive_forward_tokens: exhaustive,
            seconds,
            promise: self.promise,
            shortened: &self.shortened,
            skipped: self.skipped.as_deref(),
        };
        Ok(writeln!(out, "{}", serde_json::to_string(&written)?)?)
    }

    /// A ranking, the lowest loss first, then the wordings that were not asked.
    pub(super) fn write_table(
        &self,
        exhaustive: u64,
        seconds: f64,
        out: &mut dyn Write,
    ) -> anyhow::Result<()> {
        let mut ranking: Vec<&Arm> = self.arms.iter().collect();
        let winner_mean = self.arms.iter().find(|arm| arm.id == self.winner).and_then(|arm| arm.mean);
        let rank = |arm: &Arm| arm.rank(winner_mean.unwrap_or_default());
        ranking.sort_by(|a, b| rank(a).total_cmp(&rank(b)));
        let row = |arm: &&Arm| {
            let mean = arm.mean.map_or("-".into(), |mean| format!("{mean:.4}"));
            let interval = match (arm.low, arm.high) {
                (Some(low), Some(high)) => format!("[{low:.4}, {high:.4}]"),
                _ => "-".into(),
            };
            let behind = arm.behind.map_or("-".into(), |ends| format!("[{:.4}, {:.4}]", ends.low, ends.high));
            let mark = if arm.id == self.winner { "*" } else { " " };
            let text = table::one_line(arm.text, 60);
            [format!("{mark} {}", arm.id), mean, interval, behind, arm.examples.to_string(), text]
        };
        let rows: Vec<_> = ranking.iter().map(row).collect();
        table::write(
            out,
            ["  wording", "nats a token", "95 % interval", "behind the winner", "examples", "text"],
            &rows,
        )?;
        writeln!(out, "\nwinner: {}; {}", self.winner, in_words(self.promise))?;
        let spent = self.forward_tokens;
        writeln!(
            out,
            "tokens forward: {spent} (every wording on every example: {exhaustive}), {seconds:.1} s"
        )?;
        Ok(())
    }
}

/// How sure the winner is.
fn in_words(promise: Promise) -> String {
    let better = |within: f64| match within {
        0.0 => "that no wording has a lower mean on these examples".to_string(),
        within => format!("that no wording's mean on these examples is lower by more than {within} nats"),
    };
    match promise {
        Promise::Exact => "every wording was asked about every example".into(),
        Promise::AtLeast { confidence, within } => {
            format!("at least {:.0} % sure {}", 100.0 * confidence, better(within))
        }
        Promise::Approximate { confidence, within } => {
            format!("about {:.0} % sure {}", 100.0 * confidence, better(within))
        }
        Promise::None => "this rule promises nothing of it".into(),
    }
}
