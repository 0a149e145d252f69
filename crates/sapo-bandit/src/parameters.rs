use serde::{Deserialize, Serialize};

/// A number between 0 and 1: a probability, or a share of something.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Fraction(f64);

/// A finite amount of loss that is not negative, in nats.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Nats(f64);

/// How much one term counts beside another: a finite number, 0 or more.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Weight(f64);

/// A parameter that cannot mean what it should.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OutOfRange {
    expected: &'static str,
    came: f64,
}

impl std::fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "expected {}, but came {}", self.expected, self.came)
    }
}

impl std::error::Error for OutOfRange {}

// None holds a NaN, so that equality is reflexive.
impl Eq for Fraction {}
impl Eq for Nats {}
impl Eq for Weight {}

impl Fraction {
    /// The number itself.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// For defaults, where the number stands in the code.
    pub(crate) const fn of(value: f64) -> Self {
        assert!(value >= 0.0 && value <= 1.0);
        Self(value)
    }
}

impl Nats {
    /// The number itself.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// For defaults, where the number stands in the code.
    pub(crate) const fn of(value: f64) -> Self {
        assert!(value >= 0.0 && value < f64::INFINITY);
        Self(value)
    }
}

impl Weight {
    /// The number itself.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// For defaults, where the number stands in the code.
    pub(crate) const fn of(value: f64) -> Self {
        assert!(value >= 0.0 && value < f64::INFINITY);
        Self(value)
    }
}

impl TryFrom<f64> for Fraction {
    type Error = OutOfRange;

    fn try_from(value: f64) -> Result<Self, OutOfRange> {
        let valid = (0.0..=1.0).contains(&value);
        valid.then_some(Self(value)).ok_or(OutOfRange { expected: "a number from 0 to 1", came: value })
    }
}

impl TryFrom<f64> for Nats {
    type Error = OutOfRange;

    fn try_from(value: f64) -> Result<Self, OutOfRange> {
        let valid = value >= 0.0 && value.is_finite();
        valid.then_some(Self(value)).ok_or(OutOfRange { expected: "nats, 0 or more", came: value })
    }
}

impl TryFrom<f64> for Weight {
    type Error = OutOfRange;

    fn try_from(value: f64) -> Result<Self, OutOfRange> {
        let valid = value >= 0.0 && value.is_finite();
        valid.then_some(Self(value)).ok_or(OutOfRange { expected: "a weight, 0 or more", came: value })
    }
}

impl From<Fraction> for f64 {
    fn from(fraction: Fraction) -> Self {
        fraction.0
    }
}

impl From<Nats> for f64 {
    fn from(nats: Nats) -> Self {
        nats.0
    }
}

impl From<Weight> for f64 {
    fn from(weight: Weight) -> Self {
        weight.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_cannot_be_meant() {
        for wrong in [-0.1, 1.1, f64::NAN] {
            assert!(Fraction::try_from(wrong).is_err());
        }
        for wrong in [-0.1, f64::INFINITY, f64::NAN] {
            assert!(Nats::try_from(wrong).is_err());
            assert!(Weight::try_from(wrong).is_err());
        }
        let error =
            toml::from_str::<std::collections::BTreeMap<String, Fraction>>("delta = 5.0").unwrap_err();
        assert!(error.to_string().contains("expected a number from 0 to 1, but came 5"), "{error}");
    }
}
