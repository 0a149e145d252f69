//! Attention over packed sequences, and the cache of keys and values.
//!
//! A forward pass works on tokens laid end to end, `[N, ..]`, so that no layer computes padding. Attention alone needs
//! to know which tokens belong together. On the CPU it works on them as they lie; elsewhere [`Places`] pads its inputs to
//! `[B, T, ..]` for libtorch's attention and packs its result again.

use std::iter::repeat_n;

use tch::{Device, Kind, Tensor};

use crate::native::{self, Cached, Sharing};
use crate::prefix::{Continuation, Prefix};
use crate::rope::Angles;

/// Where the tokens of packed sequences stand in a padded batch `[B, T]`.
#[derive(Debug)]
pub(crate) struct Places {
    lengths: Vec<i64>,
    longest: i64,
    /// Absent where all sequences have one length.
    padding: Option<Padding>,
    /// Every token as a query, for attention without padding.
    sharing: Sharing,
    device: Device,
}

#[derive(Debug)]
struct Padding {
    /// `[B * T]`: packed row of each place, -1 for padding
    packed_row: Tensor,
    /// `[N]`: place of each packed row
    place: Tensor,
}

/// Which tokens' final hidden states are asked for: the last block computes no others.
#[derive(Debug)]
pub(crate) struct Asked {
    /// `[M]`: packed rows, in order
    rows: Tensor,
    /// `[N]`: where each packed row went, -1 for nowhere
    inverse: Tensor,
    /// The asked rows as sequences of their own.
    places: Places,
    /// `[B, M_max]`: place of each asked row within its sequence, 0 for padding
    position: Tensor,
    /// The asked rows as queries, for attention without padding.
    sharing: Sharing,
}

/// Keys and values of the tokens read so far, for one batch.
///
/// Sequences end at the same column: shorter ones are padded on the left, so that the next tokens go into one column.
#[derive(Debug)]
pub(crate) struct KvCache {
    /// Per layer: keys and values `[B, key_value_heads, capacity, head_dim]`
    layers: Vec<(Tensor, Tensor)>,
    /// `[B, 1]`: columns of padding
    padding: Tensor,
    /// Columns in use.
    filled: i64,
    capacity: i64,
    /// Only while the prompts are read.
    prompts: Option<Prompts>,
}

/// The prompts that a cache is filled with.
#[derive(Debug)]
struct Prompts {
    /// `[B * T]`: of each column the row among those of the prefix and then the packed ones, -1 for padding
    rows: Tensor,
    /// What they all begin with, of which the pass that reads them has no rows.
    prefix: Option<Prefix>,
}

/// How one block attends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AttentionKind {
    pub(crate) heads: i64,
    pub(crate) key_value_heads: i64,
    pub(crate) head_dim: i64,
    /// Factor on the scores.
    pub(crate) scale: f64,
    /// A token reads this many tokens, itself included.
    pub(crate) window: Option<i64>,
    /// Scores go through `cap * tanh(score / cap)`.
    pub(crate) soft_cap: Option<f64>,
}

/// What a block needs to know of the pass it takes part in.
pub(crate) struct Pass<'a> {
    pub(crate) places: &'a Places,
    /// Set for the last block only.
    pub(crate) asked: Option<&'a Asked>,
    pub(crate) angles: Option<&'a Angles>,
    pub(crate) memory: Memory<'a>,
    /// Number of the block.
    pub(crate) layer: usize,
    pub(crate) train: bool,
}

/// What a pass has to do with keys and values of other passes.
#[derive(Debug)]
pub(crate) enum Memory<'a> {
    /// Nothing.
    None,
    /// It reads prompts into the cache of a generation, or the next token of each.
    Cache(&'a mut KvCache),
    /// It reads the prefixes that other passes go on from, one a sequence.
    Reads(&'a mut [Prefix]),
    /// Its sequences, all of them, go on from prefixes.
    GoesOn(&'a [Continuation]),
}

impl Memory<'_> {
    /// The same, for one block.
    pub(crate) fn again(&mut self) -> Memory<'_> {
        match self {
            Self::None => Memory::None,
            Self::Cache(cache) => Memory::Cache(cache),
            Self::Reads(prefixes) => Memory::Reads(prefixes),
            Self::GoesOn(continuations) => Memory::GoesOn(continuations),
        }
    }
}

impl Places {
    pub(crate) fn new(lengths: &[i64], device: Device) -> Self {
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let padding = lengths.iter().any(|&length| length != longest).then(|| {
            let rows = rows_of_places(lengths, longest);
            let places: Vec<i64> = lengths
                .iter()
                .enumerate()
                .flat_map(|(sequence, &length)| (0..length).map(move |i| sequence as i64 * longest + i))
                .collect();
            Padding {
                packed_row: Tensor::from_slice(&rows).to_device(device),
                place: Tensor::from_slice(&places).to_device(device),
            }
        });
        let every: Vec<i64> = lengths.iter().flat_map(|&length| 0..length).collect();
        let sharing = sharing(lengths, lengths, &every);
        Self { lengths: lengths.to_vec(), longest, padding, sharing, device }
    }

    fn sequences(&self) -> i64 {
        self.lengths.len() as i64
    }

    /// `[N, H, F]` to `[B, H, T, F]`, zeros as padding on the right.
    fn pad(&self, x: &Tensor) -> Tensor {
        let (heads, width) = (x.size()[1], x.size()[2]);
        let rows = match &self.padding {
            None => x.shallow_clone(),
            Some(padding) => {
                native::gather_rows(&x.reshape([-1, heads * width]), &padding.packed_row, &padding.place)
            }
        };
        rows.view([self.sequences(), self.longest, heads, width]).transpose(1, 2)
    }

    /// `[B, H, T, F]` to `[N, H * F]`.
    fn pack(&self, x: &Tensor) -> Tensor {
        let (heads, width) = (x.size()[1], x.size()[3]);
        let rows = x.transpose(1, 2).reshape([-1, heads * width]);
        match &self.padding {
            None => rows,
            Some(padding) => native::gather_rows(&rows, &padding.place, &padding.packed_row),
        }
    }
}

/// For each place of `[B, T]` its packed row or -1, where sequences are padded on the right.
fn rows_of_places(lengths: &[i64], longest: i64) -> Vec<i64> {
    let mut rows = Vec::with_capacity(lengths.len() * longest as usize);
    let mut packed = 0;
    for &length in lengths {
        rows.extend(packed..packed + length);
        rows.extend(repeat_n(-1, (longest - length) as usize));
        packed += length;
    }
    rows
}

fn sharing(query_counts: &[i64], key_counts: &[i64], position: &[i64]) -> Sharing {
    Sharing {
        query_counts: Tensor::from_slice(query_counts),
        key_counts: Tensor::from_slice(key_counts),
        position: Tensor::from_slice(position),
    }
}

impl Asked {
    /// `rows`: packed rows in rising order, of sequences of `lengths`.
    pub(crate) fn new(rows: &[i64], lengths: &[i64], device: Device) -> Self {
        let mut inverse = vec![-1_i64; lengths.iter().sum::<i64>() as usize];
        for (to, &from) in rows.iter().enumerate() {
            inverse[from as usize] = to as i64;
        }
        let mut positions: Vec<Vec<i64>> = Vec::with_capacity(lengths.len());
        let mut start = 0;
        for &length in lengths {
            let own = rows.iter().filter(|&&row| (start..start + length).contains(&row));
            positions.push(own.map(|row| row - start).collect());
            start += length;
        }
        let counts: Vec<i64> = positions.iter().map(|own| own.len() as i64).collect();
        let most = counts.iter().copied().max().unwrap_or(0);
        let sharing = sharing(&counts, lengths, &positions.concat());
        let padded: Vec<i64> = positions
            .into_iter()
            .flat_map(|mut own| {
                own.resize(most as usize, 0);
                own
            })
            .collect();
        Self {
            rows: Tensor::from_slice(rows).to_device(device),
            inverse: Tensor::from_slice(&inverse).to_device(device),
            position: Tensor::from_slice(&padded).view([lengths.len() as i64, most]).to_device(device),
            places: Places::new(&counts, device),
            sharing,
        }
    }

    /// The asked rows of `x` `[N, F]`: `[M, F]`.
    pub(crate) fn rows_of(&self, x: &Tensor) -> Tensor {
        native::gather_rows(x, &self.rows, &self.inverse)
    }
}

impl Pass<'_> {
    /// The rows of `x` `[N, F]` whose results are asked for; all of them but in the last block.
    pub(crate) fn asked_rows(&self, x: &Tensor) -> Tensor {
        self.asked.map_or_else(|| x.shallow_clone(), |asked| asked.rows_of(x))
    }

    /// Turns keys `[N, H, head_dim]` to their tokens' positions.
    pub(crate) fn rotate_keys(&self, k: &Tensor) -> Tensor {
        self.angles.map_or_else(|| k.shallow_clone(), |angles| angles.rotate(k))
    }

    /// Turns the asked rows' queries `[M, H, head_dim]` to their tokens' positions.
    pub(crate) fn rotate_queries(&self, q: &Tensor) -> Tensor {
        match (self.angles, self.asked) {
            (None, _) => q.shallow_clone(),
            (Some(angles), None) => angles.rotate(q),
            (Some(angles), Some(asked)) => angles.rows(&asked.rows).rotate(q),
        }
    }

    /// What the asked rows read: `q` `[M, heads, head_dim]`, `k` and `v` `[N, key_value_heads, head_dim]` of all rows;
    /// result `[M, heads * head_dim]`.
    pub(crate) fn attend(&mut self, q: &Tensor, k: &Tensor, v: &Tensor, kind: &AttentionKind) -> Tensor {
        let mut prefix = None;
        match &mut self.memory {
            Memory::Cache(cache) if cache.is_reading_prompts() => {
                cache.store_prompts(self.layer, k, v);
                prefix = cache.prefix().map(|prefix| prefix.layer(self.layer));
            }
            Memory::Cache(cache) => return cache.attend_next(self.layer, q, k, v, kind),
            Memory::Reads(prefixes) => Prefix::push_each(prefixes, k, v),
            Memory::GoesOn(continuations) => {
                let last = self.asked.is_some();
                let attend = |of: &Continuation| of.attend(self.layer, last, (q, k, v), kind);
                return match continuations {
                    [all] => attend(all),
                    several => Tensor::cat(&several.iter().map(attend).collect::<Vec<_>>(), 0),
                };
            }
            Memory::None => {}
        }
        Reads { places: self.places, asked: self.asked, prefix }.attend((q, k, v), kind)
    }
}

/// Which rows read which: sequences laid end to end, those rows of them that are asked for, and what comes before every
/// sequence.
pub(crate) struct Reads<'a> {
    pub(crate) places: &'a Places,
    pub(crate) asked: Option<&'a Asked>,
    /// Keys and values of the prefix, `[P, key_value_heads, head_dim]`.
    pub(crate) prefix: Option<(&'a Tensor, &'a Tensor)>,
}

impl Reads<'_> {
    /// As [`Pass::attend`].
    pub(crate) fn attend(&self, (q, k, v): (&Tensor, &Tensor, &Tensor), kind: &AttentionKind) -> Tensor {
        let own_loops = has_own_loops(q.kind(), q.device());
        let sharing = self.asked.map_or(&self.places.sharing, |asked| &asked.sharing);
        let (window, scale) = (kind.window, kind.scale);
        if let (true, Some(prefix)) = (own_loops, self.prefix) {
            return native::attention_after(prefix, (q, k, v), sharing, window, scale, kind.soft_cap)
                .flatten(1, 2);
        }
        if own_loops && kind.soft_cap.is_none() {
            return native::attention(q, k, v, sharing, window, scale).flatten(1, 2);
        }
        let (mut keys, mut values) = (self.places.pad(k), self.places.pad(v));
        if let Some((prefix_keys, prefix_values)) = self.prefix {
            (keys, values) = (after(prefix_keys, &keys), after(prefix_values, &values));
        }
        let queries = self.asked.map_or(self.places, |asked| &asked.places);
        let mask = self.mask(kind);
        queries.pack(&attention(&queries.pad(q), &keys, &values, mask.as_ref(), kind))
    }

    /// `[T, S]` or `[B, 1, M_max, S]`, true where a query may read a key, of which S - T are a prefix; absent where that
    /// is all earlier tokens, without a prefix.
    fn mask(&self, kind: &AttentionKind) -> Option<Tensor> {
        let before = self.prefix.map_or(0, |(keys, _)| keys.size()[0]);
        let (own, all) = (self.places.longest, before + self.places.longest);
        let window = kind.window.filter(|&window| window < all);
        if self.asked.is_none() && window.is_none() && kind.soft_cap.is_none() && before == 0 {
            return None;
        }
        let up_to = |end: i64| Tensor::arange(end, (Kind::Int64, self.places.device));
        let key = up_to(all); // [S]
        let query = before
            + match self.asked {
                None => up_to(own).unsqueeze(-1),                         // [T, 1]
                Some(asked) => asked.position.unsqueeze(1).unsqueeze(-1), // [B, 1, M_max, 1]
            };
        let mask = key.le_tensor(&query);
        Some(match window {
            None => mask,
            Some(window) => mask.logical_and(&key.gt_tensor(&(query - window))),
        })
    }
}

/// Whether attention of such tensors is computed by [`native`], without padding and copies.
pub(crate) fn has_own_loops(kind: Kind, device: Device) -> bool {
    device == Device::Cpu && matches!(kind, Kind::Float | Kind::BFloat16)
}

/// Keys or values `[P, H, F]` of a prefix before those of every sequence, `[B, H, T, F]`: `[B, H, P + T, F]`.
fn after(prefix: &Tensor, own: &Tensor) -> Tensor {
    let every = prefix.transpose(0, 1).unsqueeze(0).expand([own.size()[0], -1, -1, -1], false);
    Tensor::cat(&[every, own.shallow_clone()], 2)
}

/// Attention of `q` `[B, heads, T, head_dim]` over `k`, `v` `[B, key_value_heads, S, head_dim]`; causal without a mask.
fn attention(q: &Tensor, k: &Tensor, v: &Tensor, mask: Option<&Tensor>, kind: &AttentionKind) -> Tensor {
    let Some(cap) = kind.soft_cap else {
        let grouped = kind.heads != kind.key_value_heads;
        return Tensor::scaled_dot_product_attention(
            q,
            k,
            v,
            mask,
            0.0,
            mask.is_none(),
            Some(kind.scale),
            grouped && q.size()[1] != k.size()[1],
        );
    };
    let group = q.size()[1] / k.size()[1];
    let spread = |x: &Tensor| {
        if group == 1 { x.shallow_clone() } else { x.repeat_interleave_self_int(group, 1, None) }
    };
    let scores = q.matmul(&spread(k).transpose(-2, -1)) * kind.scale;
    let capped = (scores / cap).tanh() * cap;
    let masked = match mask {
        None => capped,
        Some(mask) => capped.masked_fill(&mask.logical_not(), f64::NEG_INFINITY),
    };
    masked.softmax(-1, Kind::Float).to_kind(v.kind()).matmul(&spread(v))
}

impl KvCache {
    /// An empty cache for prompts of `lengths` after the prefix that they share, with room for `new_tokens` after each.
    pub(crate) fn new(lengths: &[i64], prefix: Option<Prefix>, new_tokens: i64, device: Device) -> Self {
        let before = prefix.as_ref().map_or(0, Prefix::length) as i64;
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let padding: Vec<i64> = lengths.iter().map(|length| longest - length).collect();
        let mut rows = Vec::with_capacity(lengths.len() * (before + longest) as usize);
        let mut packed = before;
        for (&length, &padding) in lengths.iter().zip(&padding) {
            rows.extend(repeat_n(-1, padding as usize));
            rows.extend(0..before);
            rows.extend(packed..packed + length);
            packed += length;
        }
        let rows = Tensor::from_slice(&rows).to_device(device);
        Self {
            layers: Vec::new(),
            padding: Tensor::from_slice(&padding).unsqueeze(1).to_device(device),
            filled: before + longest,
            capacity: before + longest + new_tokens,
            prompts: Some(Prompts { rows, prefix }),
        }
    }

    /// Ends the reading of prompts.
    pub(crate) fn prompts_are_read(&mut self) {
        self.prompts = None;
    }

    fn is_reading_prompts(&self) -> bool {
        self.prompts.is_some()
    }

    fn prefix(&self) -> Option<&Prefix> {
        self.prompts.as_ref()?.prefix.as_ref()
    }

    /// Makes room for the next token of every sequence, and gives their positions `[B]`.
    pub(crate) fn next_positions(&mut self) -> Tensor {
        self.filled += 1;
        (self.filled - 1) - self.padding.squeeze_dim(1)
    }

    /// Keeps the given sequences of the batch only.
    pub(crate) fn keep(&mut self, rows: &Tensor) {
        self.padding = self.padding.index_select(0, rows);
        for (k, v) in &mut self.layers {
            *k = k.index_select(0, rows);
            *v = v.index_select(0, rows);
        }
    }

    fn store_prompts(&mut self, layer: usize, k: &Tensor, v: &Tensor) {
        let Some(Prompts { rows, prefix }) = &self.prompts else { return };
        debug_assert_eq!(layer, self.layers.len());
        let store = |x: &Tensor| {
            let (heads, width) = (x.size()[1], x.size()[2]);
            let left_padded = native::gather_rows(&x.reshape([-1, heads * width]), rows, rows);
            let columns = left_padded.view([-1, self.filled, heads, width]).transpose(1, 2);
            let all = Tensor::zeros([columns.size()[0], heads, self.capacity, width], (x.kind(), x.device()));
            all.narrow(2, 0, self.filled).copy_(&columns);
            all
        };
        let stored = match prefix.as_ref().map(|prefix| prefix.layer(layer)) {
            None => (store(k), store(v)),
            Some((keys, values)) => {
                (store(&Tensor::cat(&[keys, k], 0)), store(&Tensor::cat(&[values, v], 0)))
            }
        };
        self.layers.push(stored);
    }

    /// Attention of one new token a sequence: `q` `[B, heads, head_dim]`, `k`, `v` `[B, key_value_heads, head_dim]`.
    fn attend_next(
        &mut self,
        layer: usize,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        kind: &AttentionKind,
    ) -> Tensor {
        let (keys, values) = &self.layers[layer];
        if kind.soft_cap.is_none() && has_own_loops(q.kind(), q.device()) {
            let cached = Cached { keys, values, padding: &self.padding };
            let column = self.filled - 1;
            return native::attention_next((q, k, v), &cached, column, kind.window, kind.scale).flatten(1, 2);
        }
        keys.select(2, self.filled - 1).copy_(k);
        values.select(2, self.filled - 1).copy_(v);
        let (keys, values) = (keys.narrow(2, 0, self.filled), values.narrow(2, 0, self.filled));
        let column = Tensor::arange(self.filled, (Kind::Int64, q.device())).unsqueeze(0); // [1, S]
        let mut mask = column.ge_tensor(&self.padding); // [B, S]
        if let Some(window) = kind.window.filter(|&window| window < self.filled) {
            mask = mask.logical_and(&column.gt(self.filled - 1 - window));
        }
        // the query heads that share a key head stand as rows of one matrix, so that no key is copied
        let group = kind.heads / kind.key_value_heads;
        let q = q.view([-1, kind.key_value_heads, group, kind.head_dim]);
        attention(&q, &keys, &values, Some(&mask.unsqueeze(1).unsqueeze(1)), kind)
            .reshape([-1, kind.heads * kind.head_dim])
    }
}
