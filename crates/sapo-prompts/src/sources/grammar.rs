//! Wordings made offline by [`grammar::rewrite`]: of any instruction, without a model.

use super::{ParaphraseRequest, ParaphraseSource, Paraphrases, SourceError};
use crate::Origin;
use crate::grammar::{self, Rewrite, RewriteRequest};

/// The source's name.
pub(super) const NAME: &str = "grammar";
/// What it does.
pub(super) const SUMMARY: &str = "rewrites by a typed grammar, offline and deterministic";

/// Drawn for every wording that is asked for, because the guard throws some away.
const SPARE: usize = 4;

/// Wordings by grammar.
#[derive(Debug, Clone, Copy, Default)]
pub struct Grammar;

impl ParaphraseSource for Grammar {
    fn name(&self) -> &str {
        NAME
    }

    fn paraphrase(
        &mut self,
        request: &ParaphraseRequest,
        on_progress: &mut dyn FnMut(usize),
    ) -> Result<Paraphrases, SourceError> {
        let guard = request.guard();
        let mut made = Paraphrases::default();
        let drawn = request.count.saturating_mul(SPARE);
        let rewritten = RewriteRequest { instruction: request.instruction.as_str(), labels: &request.labels };
        for Rewrite { text, rule } in grammar::rewrite(&rewritten, drawn, request.seed) {
            if made.variants.len() == request.count {
                break;
            }
            let origin = Origin { detail: Some(rule), seed: Some(request.seed), ..Origin::of(NAME) };
            made.offer(&guard, text, origin);
        }
        on_progress(made.variants.len());
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::check_pool;
    use crate::sources::pool_from;
    use crate::{Instruction, PromptPool};

    fn pool(instruction: &str, labels: &[&str], count: usize, seed: u64) -> Result<PromptPool, SourceError> {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        let request = ParaphraseRequest::new(Instruction::new(instruction), labels, count, seed);
        pool_from(&mut Grammar, &request, &mut |_| ())
    }

    #[test]
    fn twenty_wordings_that_pass_the_guard() {
        let text = "Say whether the {tweet} is positive or negative.";
        let made = pool(text, &["positive", "negative"], 20, 3).unwrap();
        assert_eq!(made.paraphrases().len(), 20);
        assert_eq!(made.paraphrases()[19].id, "p20");
        assert_eq!(made.paraphrases()[0].origin.seed, Some(3));
        assert!(check_pool(&made, []).iter().all(|(_, reasons)| reasons.is_empty()));
        assert_eq!(made, pool(text, &["positive", "negative"], 20, 3).unwrap());
        assert_ne!(made, pool(text, &["positive", "negative"], 20, 4).unwrap());
    }

    #[test]
    fn too_few_is_an_error() {
        let error = pool("Say it in one word.", &[], 100_000, 0).unwrap_err();
        assert!(matches!(error, SourceError::TooFew { wanted: 100_000, got: 1.., .. }), "{error}");
        assert!(pool("", &[], 1, 0).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_instruction_gives_wordings_or_an_error(text in "\\PC{0,60}", label in "\\PC{0,6}", seed: u64) {
            let _ = pool(&text, &[&label], 20, seed);
        }
    }
}
