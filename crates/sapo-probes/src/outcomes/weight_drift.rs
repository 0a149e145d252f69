use std::collections::BTreeMap;

use sapo_model::LanguageModel;
use tch::{Kind, Tensor};

use super::DriftError;

/// The weight matrices of a model in one state, copied.
#[derive(Debug)]
pub struct WeightSnapshot {
    matrices: BTreeMap<String, Tensor>,
}

/// How far weights have moved, relative to where they were.
///
/// # Formula
/// ||W' − W||_F / ||W||_F
///
/// # Units
/// none: 0.01 is one percent.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightDrift {
    /// All matrices as one vector.
    pub total: f64,
    /// Each matrix by its name in the checkpoint.
    pub modules: BTreeMap<String, f64>,
}

impl WeightSnapshot {
    /// Copies the matrices whose checkpoint name `chosen` accepts (norms and biases are none); adapters must be folded
    /// into them.
    ///
    /// # Errors
    /// Where an adapter is attached.
    pub fn of(model: &LanguageModel, chosen: impl Fn(&str) -> bool) -> Result<Self, DriftError> {
        if !model.named_lora().is_empty() {
            return Err(DriftError::AdapterAttached);
        }
        let parameters = model.decoder().named_parameters().into_iter();
        let matrices = parameters.filter(|(name, tensor)| tensor.dim() == 2 && chosen(name));
        Ok(Self { matrices: matrices.map(|(name, tensor)| (name, tensor.detach().copy())).collect() })
    }

    /// The drift from this state to a later one.
    ///
    /// # Errors
    /// When the snapshots are of different matrices, of none, or one of them was zero before.
    pub fn drift(&self, later: &Self) -> Result<WeightDrift, DriftError> {
        let names = |snapshot: &Self| {
            let shape = |(name, tensor): (&String, &Tensor)| format!("{name} {:?}", tensor.size());
            snapshot.matrices.iter().map(shape).collect::<Vec<_>>()
        };
        let (expected, got) = (names(self), names(later));
        if expected != got || expected.is_empty() {
            let (expected, got) = (expected.join(", "), got.join(", "));
            return Err(DriftError::Different { what: "weights", expected, got });
        }
        let (mut moved, mut whole) = (0.0, 0.0);
        let mut modules = BTreeMap::new();
        for ((name, before), after) in self.matrices.iter().zip(later.matrices.values()) {
            let before = before.to_kind(Kind::Double);
            let change = squared_norm(&(after.to_kind(Kind::Double) - &before));
            let size = squared_norm(&before);
            if size == 0.0 {
                return Err(DriftError::Zero { what: name.clone() });
            }
            modules.insert(name.clone(), (change / size).sqrt());
            moved += change;
            whole += size;
        }
        Ok(WeightDrift { total: (moved / whole).sqrt(), modules })
    }
}

fn squared_norm(tensor: &Tensor) -> f64 {
    tensor.square().sum(Kind::Double).double_value(&[])
}
