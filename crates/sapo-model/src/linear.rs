use tch::Tensor;

/// `x W^T + b`, with an optional trainable low-rank term beside it.
#[derive(Debug)]
pub(crate) struct Linear {
    /// `[out, in]`
    pub(crate) weight: Tensor,
    /// `[out]`
    pub(crate) bias: Option<Tensor>,
    pub(crate) lora: Option<LowRank>,
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
    pub(crate) fn new(weight: Tensor, bias: Option<Tensor>) -> Self {
        Self { weight, bias, lora: None }
    }

    /// `[.., in]` to `[.., out]`; dropout acts only where `train` is set.
    pub(crate) fn forward(&self, x: &Tensor, train: bool) -> Tensor {
        let y = x.linear(&self.weight, self.bias.as_ref());
        match &self.lora {
            None => y,
            Some(low_rank) => {
                let x = if train && low_rank.dropout > 0.0 {
                    x.dropout(low_rank.dropout, true)
                } else {
                    x.shallow_clone()
                };
                y + x.linear(&low_rank.a, None::<&Tensor>).linear(&low_rank.b, None::<&Tensor>)
                    * low_rank.scaling
            }
        }
    }
}
