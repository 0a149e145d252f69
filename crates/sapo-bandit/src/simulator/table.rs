use serde::{Deserialize, Serialize};

use crate::{LossOracle, Observation, OracleError};

/// The losses of K arms on N examples: an oracle that has been asked about everything.
///
/// Serialised as a map: `target_tokens` holds N numbers; `nll_sum` K lists of N numbers, in nats summed over the
/// target; `forward_tokens` K lists of N numbers, or nothing, and then each observation costs one token; `lengths` K
/// numbers or nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct LossTable {
    pub(super) target_tokens: Vec<u64>,
    pub(super) nll_sum: Vec<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) forward_tokens: Option<Vec<Vec<u64>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lengths: Option<Vec<usize>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    target_tokens: Vec<u64>,
    nll_sum: Vec<Vec<f64>>,
    #[serde(default)]
    forward_tokens: Option<Vec<Vec<u64>>>,
    #[serde(default)]
    lengths: Option<Vec<usize>>,
}

/// Numbers that are no table of losses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableError(String);

impl std::fmt::Display for TableError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TableError {}

impl TryFrom<Unchecked> for LossTable {
    type Error = TableError;

    fn try_from(table: Unchecked) -> Result<Self, TableError> {
        let mut checked = Self::new(table.target_tokens, table.nll_sum)?;
        if let Some(tokens) = table.forward_tokens {
            checked = checked.with_forward_tokens(tokens)?;
        }
        if let Some(lengths) = table.lengths {
            checked = checked.with_lengths(lengths)?;
        }
        Ok(checked)
    }
}

impl LossTable {
    /// A table of `nll_sum[arm][example]`.
    ///
    /// # Errors
    /// Refuses an empty table, rows of unequal lengths, losses that are not finite, examples without target tokens.
    pub fn new(target_tokens: Vec<u64>, nll_sum: Vec<Vec<f64>>) -> Result<Self, TableError> {
        let examples = target_tokens.len();
        if examples == 0 || nll_sum.is_empty() {
            return Err(TableError("a loss table needs an arm and an example".into()));
        }
        if let Some(example) = target_tokens.iter().position(|&tokens| tokens == 0) {
            return Err(TableError(format!("example {example} has no target tokens")));
        }
        check_rows(&nll_sum, nll_sum.len(), examples, "losses")?;
        if let Some(arm) = nll_sum.iter().position(|row| row.iter().any(|nll| !nll.is_finite())) {
            return Err(TableError(format!("arm {arm} has a loss that is not finite")));
        }
        Ok(Self { target_tokens, nll_sum, forward_tokens: None, lengths: None })
    }

    /// With what each observation costs, `[arm][example]`.
    ///
    /// # Errors
    /// Refuses another shape than that of the losses.
    pub fn with_forward_tokens(mut self, tokens: Vec<Vec<u64>>) -> Result<Self, TableError> {
        check_rows(&tokens, self.nll_sum.len(), self.target_tokens.len(), "costs")?;
        self.forward_tokens = Some(tokens);
        Ok(self)
    }

    /// With the lengths of the wordings.
    ///
    /// # Errors
    /// Refuses another number of arms.
    pub fn with_lengths(mut self, lengths: Vec<usize>) -> Result<Self, TableError> {
        if lengths.len() != self.nll_sum.len() {
            return Err(TableError(format!("{} lengths for {} arms", lengths.len(), self.nll_sum.len())));
        }
        self.lengths = Some(lengths);
        Ok(self)
    }

    /// Each arm's mean loss over the population, in nats a target token.
    pub fn means(&self) -> Vec<f64> {
        let tokens = self.target_tokens.iter().sum::<u64>() as f64;
        self.nll_sum.iter().map(|row| row.iter().sum::<f64>() / tokens).collect()
    }

    /// What asking everything costs.
    pub fn exhaustive_forward_tokens(&self) -> u64 {
        match &self.forward_tokens {
            Some(tokens) => tokens.iter().flatten().sum(),
            None => (self.nll_sum.len() * self.target_tokens.len()) as u64,
        }
    }
}

fn check_rows<T>(rows: &[Vec<T>], arms: usize, examples: usize, what: &str) -> Result<(), TableError> {
    if rows.len() != arms {
        return Err(TableError(format!("{what} of {} arms, expected {arms}", rows.len())));
    }
    match rows.iter().position(|row| row.len() != examples) {
        Some(arm) => {
            Err(TableError(format!("arm {arm} has {} {what} for {examples} examples", rows[arm].len())))
        }
        None => Ok(()),
    }
}

impl LossOracle for &LossTable {
    fn arms(&self) -> usize {
        self.nll_sum.len()
    }

    fn examples(&self) -> usize {
        self.target_tokens.len()
    }

    fn length(&self, arm: usize) -> Option<usize> {
        self.lengths.as_ref().map(|lengths| lengths[arm])
    }

    fn observe(&mut self, arm: usize, examples: &[usize]) -> Result<Vec<Observation>, OracleError> {
        let one = |&example: &usize| Observation {
            nll_sum: self.nll_sum[arm][example],
            target_tokens: self.target_tokens[example],
            forward_tokens: self.forward_tokens.as_ref().map_or(1, |tokens| tokens[arm][example]),
        };
        Ok(examples.iter().map(one).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_survives_writing_and_a_ragged_one_is_refused() {
        let table = LossTable::new(vec![1, 3], vec![vec![1.0, 2.0], vec![0.5, 4.5]]).unwrap();
        let table = table.with_forward_tokens(vec![vec![5, 6], vec![7, 8]]).unwrap();
        let written = serde_json::to_string(&table).unwrap();
        assert_eq!(serde_json::from_str::<LossTable>(&written).unwrap(), table);
        assert_eq!((table.means(), table.exhaustive_forward_tokens()), (vec![0.75, 1.25], 26));
        let ragged = LossTable::new(vec![1, 3], vec![vec![1.0, 2.0], vec![0.5]]).unwrap_err();
        assert_eq!(ragged.to_string(), "arm 1 has 1 losses for 2 examples");
    }
}
