use tch::Tensor;

use crate::native;

/// What brings the rows of a residual stream to one size.
#[derive(Debug)]
pub(crate) enum Norm {
    /// `x / rms(x) * (offset + weight)`; the offset is 1 in Gemma, 0 elsewhere.
    Rms { weight: Tensor, eps: f64, offset: f64 },
    /// `(x - mean(x)) / std(x) * weight + bias`
    Layer { weight: Tensor, bias: Tensor, eps: f64 },
}

impl Norm {
    /// Over the last dimension.
    pub(crate) fn forward(&self, x: &Tensor) -> Tensor {
        match self {
            Self::Rms { weight, eps, offset } => native::rms_norm(x, weight, *eps, *offset),
            Self::Layer { weight, bias, eps } => {
                x.layer_norm(weight.size(), Some(weight), Some(bias), *eps, true)
            }
        }
    }

    /// Parameters with their names within the layer.
    pub(crate) fn parameters(&self) -> Vec<(&'static str, &Tensor)> {
        match self {
            Self::Rms { weight, .. } => vec![("weight", weight)],
            Self::Layer { weight, bias, .. } => vec![("weight", weight), ("bias", bias)],
        }
    }
}
