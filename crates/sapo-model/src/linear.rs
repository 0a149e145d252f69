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

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    fn random(size: &[i64]) -> Tensor {
        Tensor::randn(size, (Kind::Float, Device::Cpu)).to_kind(Kind::BFloat16)
    }

    /// Largest difference, in units of what bf16 rounds away from the largest number.
    fn rounding_steps(ours: &Tensor, exact: &Tensor) -> f64 {
        assert_eq!((ours.kind(), ours.size()), (Kind::BFloat16, exact.size()));
        let step = exact.abs().max().double_value(&[]) / 256.0;
        (ours.to_kind(Kind::Float) - exact).abs().max().double_value(&[]) / step
    }

    #[test]
    fn a_bf16_product_is_the_f32_product_rounded_once() {
        tch::manual_seed(1);
        // more numbers than one block of `widened_product`, in either direction
        let (weight, bias) = (random(&[1100, 1500]), random(&[1100]));
        let layer = Linear {
            weight: weight.shallow_clone(),
            bias: Some(bias.shallow_clone()),
            layout: WeightLayout::OutIn,
            lora: RefCell::new(None),
        };
        let [weight, bias] = [weight, bias].map(|tensor| tensor.to_kind(Kind::Float));
        for rows in [0, 1, 3, 4, 37] {
            let x = random(&[rows, 1500]).set_requires_grad(true);
            let (y, gradient) = (layer.forward(&x, false), random(&[rows, 1100]));
            if rows == 0 {
                assert_eq!(y.size(), [0, 1100]);
                continue;
            }
            let exact = x.detach().to_kind(Kind::Float).linear(&weight, Some(&bias));
            assert!(rounding_steps(&y, &exact) <= 1.0, "{rows} rows");
            (y * &gradient).sum(Kind::Float).backward();
            let exact = gradient.to_kind(Kind::Float).matmul(&weight);
            assert!(rounding_steps(&x.grad(), &exact) <= 1.0, "gradient of {rows} rows");
        }
    }
}
