//! What all decoder families share: embedding, a stack of blocks, a final norm, a head.

use std::fmt::Debug;

use tch::{Device, Tensor};

use crate::attention::{Asked, KvCache, Memory, Pass, Places};
use crate::linear::Linear;
use crate::norm::Norm;
use crate::prefix::{Continuation, Prefix};
use crate::rope::{Angles, Rope};

/// A decoder: token ids in, hidden states and logits out. The files of [`crate::families`] build it.
#[derive(Debug)]
pub struct Decoder {
    pub(crate) names: Names,
    /// `[vocab, D]`
    pub(crate) token_embedding: Tensor,
    /// `[positions, D]`, where positions are learned
    pub(crate) position_embedding: Option<Tensor>,
    /// Factor on the embedded tokens.
    pub(crate) embedding_scale: Option<f64>,
    /// Rotation of queries and keys, where positions are rotary.
    pub(crate) rope: Option<Rope>,
    pub(crate) blocks: Vec<Box<dyn Block>>,
    pub(crate) norm: Norm,
    /// `[vocab, D]`, absent where the head is the embedding
    pub(crate) head: Option<Tensor>,
    /// Logits go through `cap * tanh(logit / cap)`.
    pub(crate) logit_soft_cap: Option<f64>,
}

/// Names of a checkpoint's tensors outside the blocks, without `.weight`; of the blocks, the part before their number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names {
    pub(crate) token_embedding: &'static str,
    pub(crate) position_embedding: &'static str,
    pub(crate) blocks: &'static str,
    pub(crate) norm: &'static str,
    pub(crate) head: &'static str,
}

/// One layer of a decoder.
pub(crate) trait Block: Debug + Send {
    /// `x` `[N, D]` to the asked rows `[M, D]` (all of them but in the last block).
    fn forward(&self, x: &Tensor, pass: &mut Pass<'_>) -> Tensor;

    /// Projections with their names within the block.
    fn linears(&self) -> Vec<(&'static str, &Linear)>;

    /// The same, to change them.
    fn linears_mut(&mut self) -> Vec<(&'static str, &mut Linear)>;

    /// Norms with their names within the block.
    fn norms(&self) -> Vec<(&'static str, &Norm)>;
}

/// Implements [`Block::linears`] and [`Block::linears_mut`] from one list of names and fields.
macro_rules! block_linears {
    ($($name:literal => $field:ident),+ $(,)?) => {
        fn linears(&self) -> Vec<(&'static str, &$crate::linear::Linear)> {
            vec![$(($name, &self.$field)),+]
        }

        fn linears_mut(&mut self) -> Vec<(&'static str, &mut $crate::linear::Linear)> {
            vec![$(($name, &mut self.$field)),+]
        }
    };
}
pub(crate) use block_linears;

/// Sequences of token ids laid end to end.
#[derive(Debug)]
pub struct Sequences {
    /// `[N]`
    pub(crate) ids: Tensor,
    /// `[N]`
    pub(crate) positions: Tensor,
    pub(crate) places: Places,
}

impl Sequences {
    /// Joins sequences; their tokens stand at positions 0, 1, 2, ...
    pub fn new<Ids: AsRef<[i64]>>(sequences: &[Ids], device: Device) -> Self {
        Self::starting_at(0, sequences, device)
    }

    /// Joins sequences; the first token of each stands at the position `first`.
    pub(crate) fn starting_at<Ids: AsRef<[i64]>>(first: i64, sequences: &[Ids], device: Device) -> Self {
        let lengths: Vec<i64> = sequences.iter().map(|ids| ids.as_ref().len() as i64).collect();
        let positions: Vec<i64> = lengths.iter().flat_map(|&length| first..first + length).collect();
        let ids: Vec<i64> = sequences.iter().flat_map(|ids| ids.as_ref().iter().copied()).collect();
        Self::packed(&ids, &positions, &lengths, device)
    }

    /// Sequences of `lengths` that are joined already.
    pub(crate) fn packed(ids: &[i64], positions: &[i64], lengths: &[i64], device: Device) -> Self {
        Self {
            ids: Tensor::from_slice(ids).to_device(device),
            positions: Tensor::from_slice(positions).to_device(device),
            places: Places::new(lengths, device),
        }
    }

    /// The same tokens at other positions (as many as there are tokens).
    #[must_use]
    pub fn at_positions(mut self, positions: &[i64]) -> Self {
        assert_eq!(positions.len(), self.positions.numel(), "a position for every token");
        self.positions = Tensor::from_slice(positions).to_device(self.ids.device());
        self
    }
}

/// One forward pass, block by block.
pub(crate) struct Forward<'a> {
    decoder: &'a Decoder,
    places: &'a Places,
    asked: Option<&'a Asked>,
    angles: Option<Angles>,
    train: bool,
}

impl Decoder {
    /// Final hidden states of every token.
    ///
    /// # Shapes
    /// N tokens in all: `[N, D]`.
    pub fn hidden(&self, sequences: &Sequences) -> Tensor {
        self.run(sequences, None, Memory::None, false)
    }

    /// Final hidden states of the asked tokens, `[M, D]`.
    pub(crate) fn hidden_of(&self, sequences: &Sequences, asked: &Asked, train: bool) -> Tensor {
        self.run(sequences, Some(asked), Memory::None, train)
    }

    /// Reads the tokens of prefixes, each of at least one, in one pass.
    pub(crate) fn read_prefixes(&self, prefixes: &[&[i64]]) -> Vec<Prefix> {
        let device = self.token_embedding.device();
        let lengths: Vec<i64> = prefixes.iter().map(|ids| ids.len() as i64).collect();
        let mut read: Vec<Prefix> = lengths.iter().map(|&length| Prefix::unread(length)).collect();
        // the last block's keys and values are wanted, its result is not
        let last = Asked::new(&[lengths.iter().sum::<i64>() - 1], &lengths, device);
        let _ = self.run(&Sequences::new(prefixes, device), Some(&last), Memory::Reads(&mut read), false);
        read
    }

    /// Final hidden states of the asked tokens, `[M, D]`, of sequences that go on from prefixes.
    pub(crate) fn hidden_after(
        &self,
        continuations: &[Continuation],
        sequences: &Sequences,
        asked: &Asked,
    ) -> Tensor {
        self.run(sequences, Some(asked), Memory::GoesOn(continuations), false)
    }

    /// Reads prompts into an empty cache; final hidden states of the asked tokens.
    pub(crate) fn read_prompts(&self, prompts: &Sequences, asked: &Asked, cache: &mut KvCache) -> Tensor {
        let hidden = self.run(prompts, Some(asked), Memory::Cache(cache), false);
        cache.prompts_are_read();
        hidden
    }

    /// Reads one more token of every sequence, `[B]`; final hidden states `[B, D]`.
    pub(crate) fn read_next(&self, ids: &Tensor, cache: &mut KvCache) -> Tensor {
        let next = Sequences {
            ids: ids.shallow_clone(),
            positions: cache.next_positions(),
            places: Places::new(&vec![1; ids.size()[0] as usize], ids.device()),
        };
        self.run(&next, None, Memory::Cache(cache), false)
    }

    fn run(
        &self,
        sequences: &Sequences,
        asked: Option<&Asked>,
        mut memory: Memory<'_>,
        train: bool,
    ) -> Tensor {
        let forward = self.forward(sequences, asked, train);
        let mut x = self.embed(&sequences.ids, &sequences.positions);
        for block in 0..self.blocks.len() {
            x = forward.block(block, &x, memory.again());
        }
        self.norm.forward(&x)
    }

    pub(crate) fn forward<'a>(
        &'a self,
        sequences: &'a Sequences,
        asked: Option<&'a Asked>,
        train: bool,
    ) -> Forward<'a> {
        let angles = self.rope.as_ref().map(|rope| rope.angles(&sequences.positions));
        Forward { decoder: self, places: &sequences.places, asked, angles, train }
    }

    /// What the first block reads: `[N, D]`.
    pub(crate) fn embed(&self, ids: &Tensor, positions: &Tensor) -> Tensor {
        let look_up = |table: &Tensor, index: &Tensor| Tensor::embedding(table, index, -1, false, false);
        let mut x = look_up(&self.token_embedding, ids);
        if let Some(scale) = self.embedding_scale {
            // in the dtype of the weights, as Gemma's code rounds it
            x = &x * Tensor::from(scale).to_kind(x.kind()).to_device(x.device());
        }
        match &self.position_embedding {
            None => x,
            Some(table) => x + look_up(table, positions),
        }
    }

    /// Logits of hidden states: `[M, D]` to `[M, vocab]`.
    pub fn logits(&self, hidden: &Tensor) -> Tensor {
        let head = self.head.as_ref().unwrap_or(&self.token_embedding);
        let logits = crate::native::linear(hidden, head, None, None);
        match self.logit_soft_cap {
            None => logits,
            Some(cap) => (logits / cap).tanh() * cap,
        }
    }

    /// Every parameter with its checkpoint name, in a fixed order.
    pub fn named_parameters(&self) -> Vec<(String, &Tensor)> {
        let weight = |name: &str| format!("{name}.weight");
        let mut named = vec![(weight(self.names.token_embedding), &self.token_embedding)];
        if let Some(table) = &self.position_embedding {
            named.push((weight(self.names.position_embedding), table));
        }
        for (i, block) in self.blocks.iter().enumerate() {
            let at = |name: &str, part: &str| format!("{}.{i}.{name}.{part}", self.names.blocks);
            for (name, linear) in block.linears() {
                named.push((at(name, "weight"), &linear.weight));
                if let Some(bias) = &linear.bias {
                    named.push((at(name, "bias"), bias));
                }
            }
            for (name, norm) in block.norms() {
                named.extend(norm.parameters().into_iter().map(|(part, tensor)| (at(name, part), tensor)));
            }
        }
        let norm = self.norm.parameters().into_iter();
        named.extend(norm.map(|(part, tensor)| (format!("{}.{part}", self.names.norm), tensor)));
        named.extend(self.head.iter().map(|head| (weight(self.names.head), head)));
        named
    }

    /// Every projection that LoRA can be put on, with its module name.
    pub(crate) fn named_linears(&self) -> Vec<(String, &Linear)> {
        let at = |block: usize, name: &str| format!("{}.{block}.{name}", self.names.blocks);
        let blocks = self.blocks.iter().enumerate();
        blocks
            .flat_map(|(i, block)| {
                block.linears().into_iter().map(move |(name, linear)| (at(i, name), linear))
            })
            .collect()
    }

    /// The same, to change them.
    pub(crate) fn named_linears_mut(&mut self) -> Vec<(String, &mut Linear)> {
        let prefix = self.names.blocks;
        let blocks = self.blocks.iter_mut().enumerate();
        blocks
            .flat_map(|(i, block)| {
                block
                    .linears_mut()
                    .into_iter()
                    .map(move |(name, linear)| (format!("{prefix}.{i}.{name}"), linear))
            })
            .collect()
    }

    /// Rows of the embedding.
    pub fn vocab_size(&self) -> i64 {
        self.token_embedding.size()[0]
    }
}

impl Forward<'_> {
    /// The block's result; the last block's is that of the asked rows alone.
    pub(crate) fn block(&self, index: usize, x: &Tensor, memory: Memory<'_>) -> Tensor {
        let blocks = &self.decoder.blocks;
        let mut pass = Pass {
            places: self.places,
            asked: self.asked.filter(|_| index + 1 == blocks.len()),
            angles: self.angles.as_ref(),
            memory,
            layer: index,
            train: self.train,
        };
        blocks[index].forward(x, &mut pass)
    }
}
