use std::cell::RefCell;

use tch::{Kind, Tensor};

use crate::native::{self, LowRankTerm};

/// `x W^T + b`, with an optional trainable low-rank term beside it.
#[derive(Debug)]
pub(crate) struct Linear {
    /// As in the checkpoint: `[out, in]`, or `[in, out]` in a [`WeightLayout::InOut`] layer.
    pub(crate) weight: Tensor,
    /// `[out]`
    pub(crate) bias: Option<Tensor>,
    pub(crate) layout: WeightLayout,
    /// In a cell, because an adapter can be on trial beside a model that others have borrowed.
    pub(crate) lora: RefCell<Option<LowRank>>,
}

/// Which way round a checkpoint holds a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WeightLayout {
    /// `nn.Linear`
    OutIn,
    /// GPT-2's `Conv1D`
    InOut,
}

/// The trainable term of one projection: `scaling * dropout(x) A^T B^T`.
#[derive(Debug)]
pub(crate) struct LowRank {
    /// `[r, in]`
    pub(crate) a: Tensor,
    /// `[out, r]`
    pub(crate) b: Tensor,
    pub(crate) scaling: f64,
    pub(crate) dropout: f64,
}

impl Linear {
    /// `[N, in]` to `[N, out]`; dropout acts only where `train` is set.
    pub(crate) fn forward(&self, x: &Tensor, train: bool) -> Tensor {
        let weight = self.out_in();
        let lora = self.lora.borrow();
        let Some(low_rank) = lora.as_ref() else {
            return native::linear(x, &weight, self.bias.as_ref(), None);
        };
        let dropped_x = (train && low_rank.dropout > 0.0).then(|| native::dropout(x, low_rank.dropout));
        let term = LowRankTerm {
            dropped_x: dropped_x.as_ref(),
            a: &low_rank.a,
            b: &low_rank.b,
            scaling: low_rank.scaling,
        };
        native::linear(x, &weight, self.bias.as_ref(), Some(term))
    }

    /// Width of what comes out, width of what goes in.
    pub(crate) fn out_and_in(&self) -> (i64, i64) {
        let weight = self.out_in().size();
        (weight[0], weight[1])
    }

    /// Adds `delta` `[out, in]`, in f32, to the weight in place.
    pub(crate) fn add(&mut self, delta: &Tensor) {
        let sum = self.out_in().to_kind(Kind::Float) + delta;
        self.out_in().copy_(&sum);
    }

    /// The weight `[out, in]`, sharing memory.
    fn out_in(&self) -> Tensor {
        match self.layout {
            WeightLayout::OutIn => self.weight.shallow_clone(),
            WeightLayout::InOut => self.weight.tr(),
        }
    }
}
