use tch::{Device, Kind, Tensor};

/// Rotary position embedding: the cosines and sines of every position, computed once.
///
/// # Source
/// Su et al. 2021 (arXiv 2104.09864), in the half-rotated layout of Hugging Face checkpoints.
#[derive(Debug)]
pub(crate) struct Rope {
    /// `[max_positions, head_dim]`
    cos: Tensor,
    /// `[max_positions, head_dim]`
    sin: Tensor,
    half: i64,
}

impl Rope {
    pub(crate) fn new(theta: f64, head_dim: i64, max_positions: usize, kind: Kind, device: Device) -> Self {
        let half = head_dim / 2;
        let exponents = Tensor::arange_start_step(0, head_dim, 2, (Kind::Float, device)) / head_dim as f64;
        // in transformers' order of operations: far positions multiply the last bit of a frequency
        let inverse_frequency = Tensor::pow_scalar(theta, &exponents).reciprocal();
        let positions = Tensor::arange(max_positions as i64, (Kind::Float, device));
        let angles = positions.outer(&inverse_frequency); // [max_positions, head_dim / 2]
        let angles = Tensor::cat(&[&angles, &angles], -1);
        Self { cos: angles.cos().to_kind(kind), sin: angles.sin().to_kind(kind), half }
    }

    /// Cosines and sines of positions `0..length`: each `[length, head_dim]`.
    pub(crate) fn first(&self, length: i64) -> (Tensor, Tensor) {
        (self.cos.narrow(0, 0, length), self.sin.narrow(0, 0, length))
    }

    /// Cosines and sines of `positions` `[B, T]`: each `[B, 1, T, head_dim]`.
    pub(crate) fn at(&self, positions: &Tensor) -> (Tensor, Tensor) {
        let size = positions.size();
        let flat = positions.reshape([-1]);
        let pick =
            |table: &Tensor| table.index_select(0, &flat).reshape([size[0], 1, size[1], 2 * self.half]);
        (pick(&self.cos), pick(&self.sin))
    }

    /// Rotates `x` `[B, H, T, head_dim]`.
    pub(crate) fn rotate(&self, x: &Tensor, (cos, sin): &(Tensor, Tensor)) -> Tensor {
        let first = x.narrow(-1, 0, self.half);
        let second = x.narrow(-1, self.half, self.half);
        let half_rotated = Tensor::cat(&[&second.neg(), &first], -1);
        x * cos + half_rotated * sin
    }
}
