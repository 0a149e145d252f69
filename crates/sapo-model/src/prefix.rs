//! What texts begin with, computed once for all of them: those of one call, or of many calls about one wording.
//!
//! Every text is tokenised whole, and what the texts share is found among their tokens. So nothing can go wrong at the
//! end of an instruction: a token that reaches over it, or a merge that depends on what follows, makes the shared part
//! shorter by a token or two, never another text.
//!
//! A prefix that was read can be cut to any shorter length, and the result is that of reading the shorter one: no key or
//! value depends on what comes after it.

use tch::{Device, Tensor};

use crate::attention::{Asked, AttentionKind, Places, Reads};
use crate::{Encoded, LanguageModel, token_budget_batches};

/// A prefix is shared where this many tokens need not be computed. One more pass, over few tokens, reads every weight
/// too: measured with 5 M and 50 M parameters it takes the time of 60 to 100 tokens of a full batch.
const WORTH_A_PASS: usize = 128;

/// The tokens that examples or prompts share at their beginning: at most the prompts but for the last token, from which
/// what follows is predicted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedPrefix<'a> {
    ids: &'a [i64],
    forward_tokens: usize,
}

impl<'a> SharedPrefix<'a> {
    /// What examples share, nothing where it is too little to gain by.
    pub fn of(examples: impl IntoIterator<Item = &'a Encoded>) -> Self {
        Self::of_many_calls(examples, 0)
    }

    /// What examples share, where `more` texts are expected to go on from it in later calls; nothing where it is too
    /// little to gain by over all of them.
    pub fn of_many_calls(examples: impl IntoIterator<Item = &'a Encoded>, more: usize) -> Self {
        Self::among(examples.into_iter().map(|example| (beginning(example), example.ids.len())), more)
    }

    /// What prompts that are answered together share, nothing where it is too little to gain by.
    pub fn of_prompts(prompts: &'a [Vec<i64>]) -> Self {
        let beginning = |ids: &'a Vec<i64>| &ids[..ids.len().saturating_sub(1)];
        Self::among(prompts.iter().map(|ids| (beginning(ids), ids.len())), 0)
    }

    /// Of texts, each with the part of it that can be shared and the number of its tokens.
    fn among(texts: impl Iterator<Item = (&'a [i64], usize)>, more: usize) -> Self {
        let (mut shared, mut count, mut tokens) = (None, 0, 0);
        for (begins, length) in texts {
            shared = Some(shared.map_or(begins, |shared| common(shared, begins)));
            count += 1;
            tokens += length;
        }
        let ids = shared.unwrap_or_default();
        let saved = |texts: usize| ids.len() * texts.saturating_sub(1);
        if saved(count + more) < WORTH_A_PASS {
            return Self { ids: &[], forward_tokens: tokens };
        }
        Self { ids, forward_tokens: tokens - saved(count) }
    }

    /// The shared tokens.
    pub fn ids(&self) -> &'a [i64] {
        self.ids
    }

    /// Tokens that go through the model when the texts are read together: the shared once, the others of each.
    pub fn forward_tokens(&self) -> usize {
        self.forward_tokens
    }
}

/// The part of a text that can be shared.
fn beginning(example: &Encoded) -> &[i64] {
    &example.ids[..example.target_start.saturating_sub(1)]
}

/// The longest common beginning of two lists.
fn common<'a>(a: &'a [i64], b: &[i64]) -> &'a [i64] {
    let length = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    &a[..length]
}

/// A prefix that was read, to be kept between calls: its tokens, and their keys and values in every layer.
///
/// It belongs to the state in which the model read it: once a weight has changed, it is worth nothing.
#[derive(Debug)]
pub struct KeptPrefix {
    ids: Vec<i64>,
    read: Prefix,
}

impl KeptPrefix {
    /// The tokens.
    pub fn ids(&self) -> &[i64] {
        &self.ids
    }

    /// Memory of the keys and values, in bytes.
    pub fn bytes(&self) -> usize {
        let of = |tensor: &Tensor| tensor.numel() * tensor.kind().elt_size_in_bytes();
        self.read.layers.iter().map(|(keys, values)| of(keys) + of(values)).sum()
    }

    /// All of it, in the same memory.
    pub(crate) fn whole(&self) -> Prefix {
        self.read.first(self.read.length)
    }

    fn shared_with(&self, texts: &[&Encoded]) -> usize {
        texts.iter().fold(&self.ids[..], |shared, text| common(shared, beginning(text))).len()
    }
}

/// Texts to score, and the prefix that they go on from: from as much of it as all of them begin with.
#[derive(Debug, Clone)]
pub struct TextGroup<'a> {
    /// Absent where they go on from nothing.
    pub prefix: Option<&'a KeptPrefix>,
    /// Each with a target.
    pub texts: Vec<&'a Encoded>,
}

impl TextGroup<'_> {
    /// Tokens of each text that the prefix has read already.
    pub fn shared(&self) -> usize {
        self.prefix.map_or(0, |prefix| prefix.shared_with(&self.texts))
    }

    /// The part of the prefix that the texts share.
    pub(crate) fn shared_prefix(&self) -> Option<Prefix> {
        let shared = self.shared();
        self.prefix.filter(|_| shared > 0).map(|prefix| prefix.read.first(shared as i64))
    }
}

impl LanguageModel {
    /// Reads what texts share, if that is anything.
    pub(crate) fn read_shared(&self, shared: &SharedPrefix<'_>, token_budget: usize) -> Option<KeptPrefix> {
        let ids = Some(shared.ids()).filter(|ids| !ids.is_empty());
        self.read_prefixes(ids.as_slice(), token_budget).pop()
    }

    /// Reads prefixes, each of at least one token, in passes of at most `token_budget` padded tokens, forward only.
    pub fn read_prefixes(&self, prefixes: &[&[i64]], token_budget: usize) -> Vec<KeptPrefix> {
        let _guard = tch::no_grad_guard();
        let lengths: Vec<usize> = prefixes.iter().map(|ids| ids.len()).collect();
        let mut kept: Vec<(usize, KeptPrefix)> = Vec::with_capacity(prefixes.len());
        for members in token_budget_batches(&lengths, token_budget) {
            let ids: Vec<&[i64]> = members.iter().map(|&i| prefixes[i]).collect();
            let read = self.decoder().read_prefixes(&ids);
            let of_batch = members.into_iter().zip(ids).zip(read);
            kept.extend(of_batch.map(|((i, ids), read)| (i, KeptPrefix { ids: ids.to_vec(), read })));
        }
        kept.sort_by_key(|(i, _)| *i);
        kept.into_iter().map(|(_, prefix)| prefix).collect()
    }
}

/// Keys and values of a prefix, which sequences go on from.
#[derive(Debug)]
pub(crate) struct Prefix {
    /// Tokens P.
    length: i64,
    /// Per layer: keys and values `[P, key_value_heads, head_dim]`
    layers: Vec<(Tensor, Tensor)>,
}

impl Prefix {
    /// The prefix of `length` tokens before any layer has read it.
    pub(crate) fn unread(length: i64) -> Self {
        Self { length, layers: Vec::new() }
    }

    /// Tokens P.
    pub(crate) fn length(&self) -> usize {
        self.length as usize
    }

    /// Its keys and values in a layer.
    pub(crate) fn layer(&self, layer: usize) -> (&Tensor, &Tensor) {
        let (keys, values) = &self.layers[layer];
        (keys, values)
    }

    /// Takes the keys and values of the next layer, `[N, key_value_heads, head_dim]`, of prefixes laid end to end.
    pub(crate) fn push_each(prefixes: &mut [Self], keys: &Tensor, values: &Tensor) {
        let mut start = 0;
        for prefix in prefixes {
            // a copy: what is kept for long holds on to nothing beside it
            let own = |x: &Tensor| x.narrow(0, start, prefix.length).copy();
            let layer = (own(keys), own(values));
            start += prefix.length;
            prefix.layers.push(layer);
        }
        debug_assert_eq!(keys.size()[0], start);
    }

    /// The prefix of the first `length` tokens, in the same memory.
    fn first(&self, length: i64) -> Self {
        let cut = |x: &Tensor| x.narrow(0, 0, length);
        Self { length, layers: self.layers.iter().map(|(keys, values)| (cut(keys), cut(values))).collect() }
    }
}

/// Neighbouring sequences of a pass that go on from one prefix, or from nothing.
#[derive(Debug)]
pub(crate) struct Continuation {
    prefix: Option<Prefix>,
    /// Their rows of the pass: the first, and how many.
    rows: (i64, i64),
    /// Their asked rows among all asked rows of the pass.
    asked_rows: (i64, i64),
    places: Places,
    asked: Asked,
}

impl Continuation {
    /// Sequences of `lengths` from `first_row` of a pass on, of whose asked rows `asked_rows` (rising) the first is the
    /// `first_asked` of the pass.
    pub(crate) fn new(
        prefix: Option<Prefix>,
        (first_row, lengths): (i64, &[i64]),
        (first_asked, asked_rows): (i64, &[i64]),
        device: Device,
    ) -> Self {
        let within: Vec<i64> = asked_rows.iter().map(|row| row - first_row).collect();
        Self {
            prefix,
            rows: (first_row, lengths.iter().sum()),
            asked_rows: (first_asked, asked_rows.len() as i64),
            places: Places::new(lengths, device),
            asked: Asked::new(&within, lengths, device),
        }
    }

    /// What these sequences' queries read in a layer, those of the asked rows alone in the `last`: their part of the
    /// pass's `q`, `k` and `v` is taken out.
    pub(crate) fn attend(
        &self,
        layer: usize,
        last: bool,
        (q, k, v): (&Tensor, &Tensor, &Tensor),
        kind: &AttentionKind,
    ) -> Tensor {
        let part = |x: &Tensor, (first, count): (i64, i64)| x.narrow(0, first, count);
        let reads = Reads {
            places: &self.places,
            asked: last.then_some(&self.asked),
            prefix: self.prefix.as_ref().map(|prefix| prefix.layer(layer)),
        };
        let q = part(q, if last { self.asked_rows } else { self.rows });
        reads.attend((&q, &part(k, self.rows), &part(v, self.rows)), kind)
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
