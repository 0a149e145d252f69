use serde::{Deserialize, Serialize};
use tch::Kind;

/// Number format of weights and products; the optimiser keeps a float32 copy of what it trains in either.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit.
    #[default]
    Float32,
    /// 16-bit, many times faster where the processor multiplies in it (GPU, AMX, AVX-512 BF16).
    Bfloat16,
}

impl Precision {
    /// As libtorch calls it.
    pub fn kind(self) -> Kind {
        match self {
            Self::Float32 => Kind::Float,
            Self::Bfloat16 => Kind::BFloat16,
        }
    }
}
