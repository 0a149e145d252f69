//! Rounds of "paraphrase the best so far": another source proposes, a probe measures, the best are paraphrased again.
//!
//! The cost is the number of wordings that are measured, which is bounded. Whether searching helps is a question for an
//! experiment: with [`Parents::Original`] the same number of wordings is measured, all of them paraphrases of the original.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde::{Deserialize, Serialize};

use super::{DropReason, Dropped, ParaphraseRequest, ParaphraseSource, Paraphrases, SourceError, id};
use crate::{Instruction, Origin, PromptVariant};

/// The source's name.
pub(super) const NAME: &str = "search";
/// What it does.
pub(super) const SUMMARY: &str = "rounds of paraphrasing the best so far, by another source and a probe";

/// The probe: what each wording costs the model now; lower is better.
pub type Measure<'a> = dyn FnMut(&[Instruction]) -> Result<Vec<f64>, String> + 'a;

/// How a search goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchConfig {
    /// Rounds of proposals; the first paraphrases the original.
    pub rounds: usize,
    /// Proposals in a round.
    pub per_round: usize,
    /// How many of the best so far are paraphrased in a round, each as often as the others.
    pub parents: usize,
    /// What is paraphrased after the first round.
    pub from: Parents,
    /// Most wordings that are measured in all, the original among them.
    pub budget: usize,
}

/// What is paraphrased after the first round of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Parents {
    /// The best wordings so far.
    Best,
    /// The original again: no search, at the same cost. The control of an ablation.
    Original,
}

/// A wording that a search has measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The wording; its id is its place in the order in which wordings were measured.
    pub variant: PromptVariant,
    /// What the probe said.
    pub loss: f64,
    /// The round that brought it; 0 for the original.
    pub round: usize,
    /// The id of the wording that it paraphrases.
    pub parent: Option<String>,
}

/// A search over the proposals of `source` under `measure`.
pub struct Search<'a> {
    /// Proposes; it must take any instruction.
    pub source: &'a mut dyn ParaphraseSource,
    /// The probe.
    pub measure: &'a mut Measure<'a>,
    /// How the search goes on.
    pub config: SearchConfig,
}

impl Search<'_> {
    /// Everything that was measured, in that order, the original first; and what was thrown away.
    ///
    /// # Errors
    /// Settings that make no search, a source that cannot be asked, or a probe that fails or answers with something that
    /// is not a number.
    pub fn run(
        &mut self,
        request: &ParaphraseRequest,
        on_progress: &mut dyn FnMut(usize),
    ) -> Result<(Vec<Found>, Vec<Dropped>), SourceError> {
        self.check()?;
        let guard = request.guard();
        let mut dropped = Vec::new();
        let original = PromptVariant {
            id: crate::ORIGINAL_ID.into(),
            text: request.instruction.clone(),
            origin: Origin::original(),
        };
        let mut found = self.measured(vec![(original, None)], 0)?;
        for round in 1..=self.config.rounds {
            let room = self.config.budget - found.len();
            if room == 0 {
                break; // what is proposed now could not be measured
            }
            let parents = self.parents(&found, round);
            let mut proposals: Vec<(PromptVariant, Option<String>)> = Vec::new();
            for (number, parent) in parents.iter().enumerate() {
                // the first parents take what cannot be shared evenly
                let share = (self.config.per_round + parents.len() - 1 - number) / parents.len();
                let seed = seed_of(request.seed, round, number);
                let asked = ParaphraseRequest {
                    instruction: parent.text.clone(),
                    count: share,
                    seed,
                    ..request.clone()
                };
                let there = found.len() + proposals.len() - 1;
                let proposed = self.source.paraphrase(&asked, &mut |count| on_progress(there + count))?;
                dropped.extend(proposed.dropped);
                for variant in proposed.variants {
                    let earlier = found.iter().map(|found| &found.variant);
                    let earlier = earlier.chain(proposals.iter().map(|(variant, _)| variant));
                    let earlier = earlier.skip(1).map(|variant| (variant.id.as_str(), variant.text.as_str()));
                    let rejection = guard.check(variant.text.as_str(), earlier).into_iter().next();
                    match rejection {
                        Some(rejection) => {
                            let (text, reason) = (variant.text.to_string(), DropReason::Rejected(rejection));
                            dropped.push(Dropped { text, reason });
                        }
                        None => {
                            let id = id(found.len() + proposals.len());
                            proposals.push((PromptVariant { id, ..variant }, Some(parent.id.clone())));
                        }
                    }
                }
            }
            proposals.truncate(room);
            if proposals.is_empty() {
                break; // nothing new
            }
            found.extend(self.measured(proposals, round)?);
            on_progress(found.len() - 1);
        }
        Ok((found, dropped))
    }

    fn check(&self) -> Result<(), SourceError> {
        let SearchConfig { rounds, per_round, parents, budget, .. } = self.config;
        let at_least = |setting, got: usize, least, expected| {
            if got >= least {
                Ok(())
            } else {
                Err(SourceError::Setting { setting, got: got.to_string(), expected })
            }
        };
        at_least("rounds", rounds, 1, "at least 1")?;
        at_least("per_round", per_round, 1, "at least 1")?;
        at_least("parents", parents, 1, "at least 1")?;
        at_least("budget", budget, 2, "at least 2: the original and one paraphrase")
    }

    /// What is paraphrased in a round.
    fn parents(&self, found: &[Found], round: usize) -> Vec<PromptVariant> {
        let mut ranked: Vec<&Found> = found.iter().collect();
        ranked.sort_by(|a, b| a.loss.total_cmp(&b.loss));
        let best = ranked.into_iter().take(self.config.parents.min(self.config.per_round));
        match self.config.from {
            Parents::Best if round > 1 => best.map(|found| found.variant.clone()).collect(),
            _ => vec![found[0].variant.clone()],
        }
    }

    fn measured(
        &mut self,
        wordings: Vec<(PromptVariant, Option<String>)>,
        round: usize,
    ) -> Result<Vec<Found>, SourceError> {
        let failed = |problem| SourceError::Model { name: NAME.into(), problem };
        let texts: Vec<Instruction> = wordings.iter().map(|(variant, _)| variant.text.clone()).collect();
        let losses = (self.measure)(&texts).map_err(failed)?;
        if losses.len() != texts.len() || losses.iter().any(|loss| !loss.is_finite()) {
            return Err(failed(format!("the probe gave {losses:?} for {} wordings", texts.len())));
        }
        let found = wordings.into_iter().zip(losses);
        Ok(found.map(|((variant, parent), loss)| Found { variant, loss, round, parent }).collect())
    }
}

impl ParaphraseSource for Search<'_> {
    fn name(&self) -> &str {
        NAME
    }

    /// The `count` best, in the order of what they cost.
    fn paraphrase(
        &mut self,
        request: &ParaphraseRequest,
        on_progress: &mut dyn FnMut(usize),
    ) -> Result<Paraphrases, SourceError> {
        let (mut found, dropped) = self.run(request, on_progress)?;
        found.remove(0);
        found.sort_by(|a, b| a.loss.total_cmp(&b.loss));
        found.truncate(request.count);
        Ok(Paraphrases { variants: found.into_iter().map(as_result).collect(), dropped })
    }
}

/// The wording as the search found it: its origin says how.
fn as_result(found: Found) -> PromptVariant {
    let Found { variant, loss, round, parent } = found;
    let by = [Some(variant.origin.source.clone()), variant.origin.detail.clone()];
    let by: Vec<String> = by.into_iter().flatten().collect();
    let of = parent.unwrap_or_default();
    let detail = format!("round {round}, of {of}, by {}, {loss:.4} nats a token", by.join(": "));
    let origin = Origin { source: NAME.into(), detail: Some(detail), ..variant.origin };
    PromptVariant { origin, ..variant }
}

fn seed_of(seed: u64, round: usize, parent: usize) -> u64 {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(((round as u64) << 32) | parent as u64);
    rng.next_u64() >> 11 // 53 bits, which every JSON reader keeps
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Proposes longer and longer texts.
    struct Longer;

    impl ParaphraseSource for Longer {
        fn name(&self) -> &str {
            "grammar"
        }

        fn paraphrase(
            &mut self,
            request: &ParaphraseRequest,
            _: &mut dyn FnMut(usize),
        ) -> Result<Paraphrases, SourceError> {
            let variant = |i: usize| PromptVariant {
                id: id(i + 1),
                text: Instruction::new(format!("{} {}", request.instruction, "more ".repeat(i + 1))),
                origin: Origin { seed: Some(request.seed), ..Origin::of("grammar") },
            };
            Ok(Paraphrases { variants: (0..request.count).map(variant).collect(), dropped: vec![] })
        }
    }

    fn request(count: usize) -> ParaphraseRequest {
        ParaphraseRequest::new(Instruction::new("Say something."), vec![], count, 3)
    }

    fn config(from: Parents, budget: usize) -> SearchConfig {
        SearchConfig { rounds: 3, per_round: 4, parents: 2, from, budget }
    }

    /// The probe that likes long texts, and how many it was shown.
    fn search(config: SearchConfig) -> (Vec<Found>, Vec<Dropped>, usize) {
        let mut shown = 0;
        let mut measure = |texts: &[Instruction]| {
            shown += texts.len();
            Ok(texts.iter().map(|text| -(text.as_str().len() as f64)).collect())
        };
        let mut longer = Longer;
        let mut search = Search { source: &mut longer, measure: &mut measure, config };
        let (found, dropped) = search.run(&request(4), &mut |_| ()).unwrap();
        (found, dropped, shown)
    }

    #[test]
    fn the_best_so_far_are_paraphrased_again() {
        let (found, dropped, shown) = search(config(Parents::Best, 100));
        assert_eq!(found.len(), shown);
        assert_eq!((found[0].variant.id.as_str(), found[0].round), ("original", 0));
        assert!(
            found[1..5].iter().all(|found| found.round == 1 && found.parent.as_deref() == Some("original"))
        );
        let parents: Vec<_> = found
            .iter()
            .filter(|found| found.round == 2)
            .map(|found| found.parent.as_deref().unwrap())
            .collect();
        assert!(parents.iter().all(|parent| ["p04", "p03"].contains(parent)) && !parents.is_empty());
        // two parents, one and two more words each: some texts meet
        assert!(dropped.iter().all(|dropped| dropped.reason.kind() == "duplicate") && !dropped.is_empty());
        let best = |round| found.iter().filter(|f| f.round == round).map(|f| f.loss).fold(0.0, f64::min);
        assert!(best(3) < best(2) && best(2) < best(1));
    }

    #[test]
    fn the_control_measures_paraphrases_of_the_original_alone() {
        let (found, ..) = search(config(Parents::Original, 100));
        assert!(found[1..].iter().all(|found| found.parent.as_deref() == Some("original")));
    }

    #[test]
    fn the_budget_is_kept() {
        for budget in 2..16 {
            let (found, _, shown) = search(config(Parents::Best, budget));
            assert!(shown <= budget && found.len() == shown);
        }
    }

    #[test]
    fn nobody_is_asked_for_what_cannot_be_measured() {
        struct Counting(usize);
        impl ParaphraseSource for Counting {
            fn name(&self) -> &str {
                "grammar"
            }

            fn paraphrase(
                &mut self,
                request: &ParaphraseRequest,
                on_progress: &mut dyn FnMut(usize),
            ) -> Result<Paraphrases, SourceError> {
                self.0 += 1;
                Longer.paraphrase(request, on_progress)
            }
        }
        let mut measure = |texts: &[Instruction]| Ok(vec![1.0; texts.len()]);
        let mut source = Counting(0);
        // the first of three rounds takes all of the budget
        let mut search =
            Search { source: &mut source, measure: &mut measure, config: config(Parents::Best, 5) };
        assert_eq!(search.run(&request(4), &mut |_| ()).unwrap().0.len(), 5);
        assert_eq!(source.0, 1);
    }

    #[test]
    fn as_a_source_it_gives_the_best_with_their_story() {
        let mut measure =
            |texts: &[Instruction]| Ok(texts.iter().map(|text| -(text.as_str().len() as f64)).collect());
        let mut longer = Longer;
        let mut search =
            Search { source: &mut longer, measure: &mut measure, config: config(Parents::Best, 9) };
        let pool = super::super::pool_from(&mut search, &request(3), &mut |_| ()).unwrap();
        let first = &pool.paraphrases()[0];
        assert_eq!(first.origin.source, "search");
        let detail = first.origin.detail.as_deref().unwrap();
        // duplicates leave room in the budget for a third round
        assert!(detail.starts_with("round 3, of p06, by grammar, -"), "{detail}");
        assert!(first.origin.seed.is_some());
        let lengths: Vec<usize> = pool.paraphrases().iter().map(|v| v.text.as_str().len()).collect();
        assert!(lengths.windows(2).all(|pair| pair[0] >= pair[1]), "{lengths:?}");
    }

    #[test]
    fn a_probe_that_fails_is_an_error() {
        for answer in [Err("out of memory".to_owned()), Ok(vec![f64::NAN]), Ok(vec![])] {
            let mut measure = |_: &[Instruction]| answer.clone();
            let mut longer = Longer;
            let mut search =
                Search { source: &mut longer, measure: &mut measure, config: config(Parents::Best, 9) };
            assert!(matches!(search.run(&request(1), &mut |_| ()), Err(SourceError::Model { .. })));
        }
        let mut measure = |_: &[Instruction]| Ok(vec![]);
        let mut longer = Longer;
        let mut search =
            Search { source: &mut longer, measure: &mut measure, config: config(Parents::Best, 1) };
        let error = search.run(&request(1), &mut |_| ()).unwrap_err().to_string();
        assert!(error.contains("budget is 1, expected at least 2"), "{error}");
    }
}
