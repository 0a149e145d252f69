//! What all examples of a list begin with, computed once for all of them.
//!
//! Every text is tokenised whole, and what the texts share is found among their tokens. So nothing can go wrong at the
//! end of an instruction: a token that reaches over it, or a merge that depends on what follows, makes the shared part
//! shorter by a token or two, never another text.

use tch::Tensor;

use crate::Encoded;

/// A prefix is shared where this many tokens need not be computed. One more pass, over few tokens, reads every weight
/// too: measured with 5 M and 50 M parameters it takes the time of 60 to 100 tokens of a full batch.
const WORTH_A_PASS: usize = 128;

/// The tokens that examples share at their beginning: at most their prompts but for the last token, from which the
/// target is predicted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedPrefix<'a> {
    ids: &'a [i64],
    forward_tokens: usize,
}

/// Keys and values of a prefix, which sequences go on from.
#[derive(Debug)]
pub(crate) struct Prefix {
    /// Tokens P.
    length: i64,
    /// Per layer: keys and values `[P, key_value_heads, head_dim]`
    layers: Vec<(Tensor, Tensor)>,
}

impl<'a> SharedPrefix<'a> {
    /// What examples share, nothing where it is too little to gain by.
    pub fn of(examples: impl IntoIterator<Item = &'a Encoded>) -> Self {
        let (mut shared, mut count, mut tokens) = (None, 0, 0);
        for example in examples {
            let begins = &example.ids[..example.target_start.saturating_sub(1)];
            shared = Some(shared.map_or(begins, |shared| common(shared, begins)));
            count += 1;
            tokens += example.ids.len();
        }
        let ids = shared.unwrap_or_default();
        let saved = ids.len() * usize::saturating_sub(count, 1);
        if saved < WORTH_A_PASS {
            return Self { ids: &[], forward_tokens: tokens };
        }
        Self { ids, forward_tokens: tokens - saved }
    }

    /// The shared tokens.
    pub fn ids(&self) -> &'a [i64] {
        self.ids
    }

    /// Tokens that go through the model when the examples are scored together: the shared once, the others of each.
    pub fn forward_tokens(&self) -> usize {
        self.forward_tokens
    }
}

/// The longest common beginning of two lists.
fn common<'a>(a: &'a [i64], b: &[i64]) -> &'a [i64] {
    let length = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    &a[..length]
}

impl Prefix {
    /// The prefix of `length` tokens before any layer has read it.
    pub(crate) fn unread(length: usize) -> Self {
        Self { length: length as i64, layers: Vec::new() }
    }

    /// Tokens P.
    pub(crate) fn length(&self) -> i64 {
        self.length
    }

    /// Takes the keys and values of the next layer.
    pub(crate) fn push(&mut self, keys: &Tensor, values: &Tensor) {
        debug_assert_eq!(keys.size()[0], self.length);
        self.layers.push((keys.shallow_clone(), values.shallow_clone()));
    }

    /// Keys and values of a layer.
    pub(crate) fn layer(&self, layer: usize) -> (&Tensor, &Tensor) {
        let (keys, values) = &self.layers[layer];
        (keys, values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn example(ids: &[i64], target_start: usize) -> Encoded {
        Encoded { ids: ids.to_vec(), target_start }
    }

    proptest! {
        #[test]
        fn the_longest_beginning_of_all_prompts_is_shared(
            prefix in prop::collection::vec(0_i64..9, 0..90),
            rests in prop::collection::vec((prop::collection::vec(0_i64..2, 1..6), 1_usize..4), 1..9),
        ) {
            let joined = |(rest, targets): &(Vec<i64>, usize)| {
                let prompt = [&prefix[..], rest].concat();
                example(&[&prompt[..], &vec![8; *targets]].concat(), prompt.len())
            };
            let examples: Vec<Encoded> = rests.iter().map(joined).collect();
            let shared = SharedPrefix::of(&examples);
            let whole: usize = examples.iter().map(|example| example.ids.len()).sum();
            let longest = (0..).take_while(|&place| {
                let in_prompt = |example: &Encoded| place + 1 < example.target_start;
                examples.iter().all(|e| in_prompt(e) && e.ids[place] == examples[0].ids[place])
            });
            let saved = longest.count() * (examples.len() - 1);
            if saved < WORTH_A_PASS {
                prop_assert_eq!(shared, SharedPrefix { ids: &[], forward_tokens: whole });
            } else {
                prop_assert!(shared.ids().starts_with(&prefix[..prefix.len().min(shared.ids().len())]));
                prop_assert_eq!(shared.ids().len() * (examples.len() - 1), saved);
                prop_assert_eq!(shared.forward_tokens(), whole - saved);
            }
        }
    }

    #[test]
    fn a_prompt_that_others_begin_with_keeps_its_last_token() {
        let ids: Vec<i64> = (0..200).collect();
        let examples = [example(&ids[..140], 138), example(&ids, 190)];
        assert_eq!(SharedPrefix::of(&examples).ids(), &ids[..137]);
        assert_eq!(SharedPrefix::of(&examples).forward_tokens(), 137 + 3 + 63);
    }

    #[test]
    fn little_is_computed_again() {
        let ids: Vec<i64> = (0..200).collect();
        let one = example(&ids, 199);
        for (examples, want) in [
            (vec![], 0),
            (vec![one.clone()], 200),
            (vec![one.clone(), example(&ids[..60], 50)], 260),
            (vec![one.clone(), one], 202),
        ] {
            assert_eq!(SharedPrefix::of(&examples).forward_tokens(), want);
        }
    }
}
