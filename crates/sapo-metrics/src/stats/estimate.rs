//! A number with its uncertainty.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A mean (or another statistic) of n values with its interval.
///
/// Shown as `71.8 [69.0, 74.1]`, with as many decimals as the format asks for, one by default.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The statistic of the values themselves.
    pub mean: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
    /// How many values it was made of.
    pub n: usize,
}

impl Estimate {
    /// The only value there is: no interval can be had from it, and it is shown as `71.8 (n = 1)`.
    pub fn single(value: f64) -> Self {
        Self { mean: value, low: value, high: value, n: 1 }
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let decimals = f.precision().unwrap_or(1);
        let show = |value: f64| {
            let text = format!("{value:.decimals$}");
            // -0.04 at one decimal is "-0.0", which reads as a loss.
            if text.trim_start_matches(['-', '0', '.']).is_empty() {
                text.trim_start_matches('-').to_string()
            } else {
                text
            }
        };
        let text = if self.n == 1 {
            format!("{} (n = 1)", show(self.mean))
        } else {
            format!("{} [{}, {}]", show(self.mean), show(self.low), show(self.high))
        };
        // The precision is spent; `pad` would cut the text to it.
        match f.width() {
            Some(width) => write!(f, "{text:>width$}"),
            None => f.write_str(&text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_with_its_interval() {
        let estimate = Estimate { mean: 71.84, low: 69.0, high: 74.06, n: 8 };
        assert_eq!(estimate.to_string(), "71.8 [69.0, 74.1]");
        assert_eq!(format!("{estimate:.2}"), "71.84 [69.00, 74.06]");
        assert_eq!(format!("{estimate:>20}"), "   71.8 [69.0, 74.1]");
        assert_eq!(Estimate { mean: -0.04, low: -1.0, high: 0.5, n: 8 }.to_string(), "0.0 [-1.0, 0.5]");
        assert_eq!(Estimate::single(12.0).to_string(), "12.0 (n = 1)");
    }

    #[test]
    fn json_round_trip() {
        let estimate = Estimate { mean: 0.1 + 0.2, low: -1.0, high: 1.0 / 3.0, n: 3 };
        let json = serde_json::to_string(&estimate).unwrap();
        assert_eq!(serde_json::from_str::<Estimate>(&json).unwrap(), estimate);
        assert!(json.starts_with(r#"{"mean":0.3"#), "{json}");
    }
}
