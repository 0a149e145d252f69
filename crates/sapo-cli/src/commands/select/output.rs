//! The outcome as data: a ranking to read, or one JSON object.

use std::io::Write;

use sapo_bandit::Promise;
use sapo_metrics::Estimate;
use serde::Serialize;

use super::outcome::{Arm, Outcome, Spent};
use super::texts::Texts;
use crate::table;

#[derive(Serialize)]
struct Written<'a> {
    winner: &'a str,
    text: &'a str,
    arms: &'a [Arm<'a>],
    #[serde(flatten)]
    spent: Spent,
    promise: Promise,
    #[serde(skip_serializing_if = "<[usize]>::is_empty")]
    shortened: &'a [usize],
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<&'a [usize]>,
}

/// One JSON object; arms in the pool's order.
pub(super) fn write_json(outcome: &Outcome, texts: &Texts, out: &mut dyn Write) -> anyhow::Result<()> {
    let Outcome { arms, spent, promise, .. } = outcome;
    let Arm { id, text, .. } = outcome.winner();
    let (shortened, skipped) = (&texts.shortened, texts.skipped.as_deref());
    let written = Written { winner: id, text, arms, spent: *spent, promise: *promise, shortened, skipped };
    Ok(writeln!(out, "{}", serde_json::to_string(&written)?)?)
}

/// A ranking, the lowest loss first, then the wordings that were not asked; below it the winner, how sure it is, and
/// what it took.
pub(super) fn write_table(outcome: &Outcome, out: &mut dyn Write) -> anyhow::Result<()> {
    let row = |arm: usize| {
        let Arm { id, mean, low, high, examples, text, .. } = &outcome.arms[arm];
        let mark = if arm == outcome.winner { "*" } else { " " };
        let behind = outcome.behind(arm).filter(|_| arm != outcome.winner);
        let mean = mean.map_or("-".into(), |mean| format!("{mean:.4}"));
        let interval = match (low, high) {
            (Some(low), Some(high)) => format!("[{low:.4}, {high:.4}]"),
            _ => "-".into(),
        };
        let behind = behind.map_or("-".into(), |behind| distance(&behind));
        [format!("{mark} {id}"), behind, examples.to_string(), mean, interval, table::one_line(text, 40)]
    };
    let rows: Vec<_> = outcome.ranking().into_iter().map(row).collect();
    let head = ["  wording", "behind the winner", "examples", "nats a token", "95 % interval", "text"];
    table::write(out, head, &rows)?;
    if outcome.asked_differently() {
        writeln!(
            out,
            "Each is held against the winner on the examples that both were asked about: this ranks."
        )?;
    }

    let Arm { id, text, .. } = outcome.winner();
    writeln!(out, "\nwinner: {id}")?;
    for line in text.lines() {
        writeln!(out, "    {line}")?;
    }
    writeln!(out)?;
    if let Some(original) = outcome.behind(0).filter(|_| outcome.winner != 0) {
        writeln!(out, "against the original: {}", against(&original))?;
    }
    writeln!(out, "how sure: {}", how_sure(outcome))?;
    writeln!(out, "{}", cost(&outcome.spent))?;
    Ok(())
}

/// A distance with its interval, where it has one.
fn distance(behind: &Estimate) -> String {
    let Estimate { mean, low, high, .. } = behind;
    if low < high { format!("{mean:.4} [{low:.4}, {high:.4}]") } else { format!("{mean:.4}") }
}

/// What the winner costs, beside an original that is so far behind it.
fn against(original: &Estimate) -> String {
    let Estimate { mean, low, high, n } = *original;
    match mean {
        0.0 => "the same".into(),
        mean if mean > 0.0 => format!("{} nats a token lower", distance(original)),
        mean => {
            let ahead = Estimate { mean: -mean, low: -high, high: -low, n };
            format!("{} nats a token higher", distance(&ahead))
        }
    }
}

/// How sure the winner is.
fn how_sure(outcome: &Outcome) -> String {
    let examples = outcome.population;
    let likely = |about: &str, confidence: f64, within: f64| {
        let percent = 100.0 * confidence;
        let slack = if within > 0.0 {
            format!(", or at most {within} nats a token above it,")
        } else {
            String::new()
        };
        format!(
            "{about} {percent:.0} %: asked about all {examples} examples, this wording would come out best{slack} in \
             {about} {percent:.0} of 100 such selections"
        )
    };
    match outcome.promise {
        Promise::Exact => {
            format!("certain for these {examples} examples: every wording was asked about all of them")
        }
        Promise::AtLeast { confidence, within } => likely("at least", confidence, within),
        Promise::Approximate { confidence, within } => likely("about", confidence, within),
        Promise::None => "this rule promises nothing of its winner".into(),
    }
}

/// What the answer took, beside what it could have taken.
fn cost(spent: &Spent) -> String {
    let Spent { forward_tokens, exhaustive_forward_tokens, computed_tokens, losses, known_losses, seconds } =
        spent;
    let share = 100.0 * *forward_tokens as f64 / (*exhaustive_forward_tokens).max(1) as f64;
    let mut text = format!(
        "tokens forward: {forward_tokens} ({share:.0} % of {exhaustive_forward_tokens} for every wording on every example), \
         {seconds:.1} s"
    );
    if *known_losses > 0 {
        text += &format!(
            "\nknown before: {known_losses} of {losses} losses; computed now: {computed_tokens} tokens"
        );
    }
    text
}
