//! What to do with an outcome, for a person who fine-tunes a model.

use std::path::Path;

use sapo_bandit::{Promise, SelectorConfig};
use sapo_model::TextFormat;

use super::outcome::Outcome;
use crate::shell;

/// What the advice depends on beside the outcome.
#[derive(Debug)]
pub(super) struct Circumstances<'a> {
    pub(super) selector: SelectorConfig,
    pub(super) export: Option<&'a Path>,
    /// Whether losses are kept, so that asking again is free.
    pub(super) kept: bool,
    pub(super) text_format: TextFormat,
    /// The command line as it was given.
    pub(super) command: Vec<String>,
}

/// The next steps, one line each.
pub(super) fn next_steps(outcome: &Outcome, circumstances: &Circumstances) -> Vec<String> {
    let Circumstances { selector, export, kept, text_format, command } = circumstances;
    let winner = outcome.winner().id;
    if *selector == SelectorConfig::Worst {
        let rule = selector.name();
        return vec![format!(
            "`{rule}` is the paper's control: do not train with {winner}; --selector {} takes the best",
            default_rule()
        )];
    }
    let mut steps: Vec<String> = standing(outcome).into_iter().chain(surer(outcome, *selector)).collect();
    steps.push(match export {
        Some(path) => {
            let template = match text_format {
                TextFormat::Chat => ", through the model's chat template",
                TextFormat::Plain => "",
            };
            format!("train on {} with any trainer{template}", path.display())
        }
        None => {
            let free = if *kept { ", at no new cost since the losses are kept" } else { "" };
            format!("write the training file{free}: {} --export chosen.jsonl", shell::line(command))
        }
    });
    steps.push("evaluate and use the trained model with the same wording".into());
    steps.push(
        "choose again before the next task, with what this training gives as --adapter: the best wording \
         depends on the state of the model"
            .into(),
    );
    steps
}

/// The rule where none is named.
fn default_rule() -> &'static str {
    SelectorConfig::default().name()
}

/// What the ranking says of the winner, its equals and the original.
fn standing(outcome: &Outcome) -> Vec<String> {
    let winner = outcome.winner().id;
    if outcome.winner().mean.is_none() {
        return vec![format!("nothing was measured; --selector {} asks the model", default_rule())];
    }
    let ties = outcome.ties();
    let original_ties = ties.contains(&0);
    let others: Vec<&str> =
        ties.into_iter().filter(|&arm| arm != 0).map(|arm| outcome.arms[arm].id).collect();
    let mut lines = Vec::new();
    if outcome.winner == 0 && outcome.arms.len() > 1 {
        lines.push("keep the original: no other wording is better".to_string());
    } else if original_ties {
        lines
            .push(format!("no wording is clearly better than the original: train with {winner}, or keep it"));
    }
    if !others.is_empty() {
        let verb = if others.len() == 1 { "is" } else { "are" };
        lines.push(format!(
            "{} {verb} not clearly behind {winner}: as far as is known, any of them will do",
            listed(&others)
        ));
    }
    lines
}

/// How to be surer, where that can be.
fn surer(outcome: &Outcome, selector: SelectorConfig) -> Option<String> {
    outcome.winner().mean?;
    let exhaustive = SelectorConfig::Exhaustive.name();
    match outcome.promise {
        Promise::Exact | Promise::AtLeast { .. } => None,
        Promise::Approximate { confidence, .. } if confidence < 0.99 && has_delta(selector) => {
            Some(format!("to be surer: --delta 0.01, or --selector {exhaustive}"))
        }
        Promise::Approximate { .. } => Some(format!("to be surer: --selector {exhaustive}")),
        Promise::None => {
            Some(format!("to be surer: --selector {}, or --selector {exhaustive}", default_rule()))
        }
    }
}

/// Whether a rule has a probability of error to set.
pub(super) fn has_delta(selector: SelectorConfig) -> bool {
    let rule = serde_json::to_value(selector).unwrap_or_default();
    rule.get(selector.name()).is_some_and(|parameters| parameters.get("delta").is_some())
}

/// `a`, `a and b`, `a, b and c`
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_string(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::select::outcome::{Arm, Ends, Spent};

    const RACE: Promise = Promise::Approximate { confidence: 0.95, within: 0.0 };

    /// Wordings with the ends of their distance to the winner, which is the one without.
    fn outcome(arms: &[(&'static str, Option<(f64, f64)>)], promise: Promise) -> Outcome<'static> {
        let arm = |&(id, behind): &(&'static str, Option<(f64, f64)>)| Arm {
            id,
            mean: Some(1.0),
            low: None,
            high: None,
            behind: behind.map(|(low, high)| Ends { low, high }),
            examples: 10,
            text: "",
        };
        let spent = Spent {
            forward_tokens: 1,
            exhaustive_forward_tokens: 2,
            computed_tokens: 1,
            losses: 1,
            known_losses: 0,
            seconds: 0.1,
        };
        let winner = arms.iter().position(|(_, behind)| behind.is_none()).unwrap();
        Outcome { arms: arms.iter().map(arm).collect(), winner, population: 10, spent, promise }
    }

    fn steps(outcome: &Outcome, rule: &str) -> Vec<String> {
        let command = ["sapo", "select", "--instruction", "What's it?"].map(String::from).to_vec();
        let selector = rule.parse().unwrap();
        next_steps(
            outcome,
            &Circumstances { selector, export: None, kept: true, text_format: TextFormat::Plain, command },
        )
    }

    #[test]
    fn a_clear_winner_is_trained_with() {
        let clear = outcome(&[("original", Some((0.1, 0.2))), ("p01", None)], Promise::Exact);
        let steps = steps(&clear, "exhaustive");
        assert_eq!(steps.len(), 3, "{steps:?}");
        assert!(
            steps[0].ends_with(r"sapo select --instruction 'What'\''s it?' --export chosen.jsonl"),
            "{steps:?}"
        );
        assert!(steps[1].contains("evaluate") && steps[2].contains("--adapter"), "{steps:?}");
    }

    #[test]
    fn equals_are_named_and_the_original_among_them_first() {
        let arms = [
            ("original", Some((-0.1, 0.2))),
            ("p01", None),
            ("p02", Some((0.0, 0.1))),
            ("p03", Some((0.1, 0.3))),
            ("p04", Some((-0.1, 0.1))),
        ];
        let steps = steps(&outcome(&arms, RACE), "race");
        assert_eq!(steps[0], "no wording is clearly better than the original: train with p01, or keep it");
        assert_eq!(
            steps[1],
            "p04 and p02 are not clearly behind p01: as far as is known, any of them will do"
        );
        assert_eq!(steps[2], "to be surer: --delta 0.01, or --selector exhaustive");
    }

    #[test]
    fn an_original_that_wins_is_kept() {
        let kept = outcome(&[("original", None), ("p01", Some((0.1, 0.2)))], Promise::Exact);
        assert_eq!(steps(&kept, "exhaustive")[0], "keep the original: no other wording is better");
    }

    #[test]
    fn how_to_be_surer_depends_on_the_rule() {
        let arms = [("original", Some((0.1, 0.2))), ("p01", None)];
        let surer = |promise, rule: &str| surer(&outcome(&arms, promise), rule.parse().unwrap());
        assert_eq!(surer(Promise::Exact, "exhaustive"), None);
        assert_eq!(surer(Promise::AtLeast { confidence: 0.95, within: 0.0 }, "race"), None);
        let very_sure = Promise::Approximate { confidence: 0.99, within: 0.0 };
        assert_eq!(surer(very_sure, "race").unwrap(), "to be surer: --selector exhaustive");
        assert_eq!(
            surer(Promise::None, "ucb-e").unwrap(),
            "to be surer: --selector race, or --selector exhaustive"
        );
    }

    #[test]
    fn the_control_is_not_recommended() {
        let worst = outcome(&[("original", Some((-0.3, -0.3))), ("p01", None)], Promise::Exact);
        let steps = steps(&worst, "worst");
        assert!(steps.len() == 1 && steps[0].contains("do not train with p01"), "{steps:?}");
    }
}
