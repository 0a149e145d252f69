use serde::{Deserialize, Serialize};

/// The losses of K arms on N examples, and what asking for them costs.
///
/// Serialised as a map: `target_tokens` holds N numbers; `nll_sum` K lists of N numbers, in nats summed over the
/// target; `cost` a [`Cost`], or nothing, and then each observation costs one token; `lengths` K numbers or nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct LossTable {
    pub(super) target_tokens: Vec<u64>,
    pub(super) nll_sum: Vec<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cost: Option<Cost>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lengths: Option<Vec<usize>>,
}

/// Tokens that go forward through a model when it is asked, as in a real run: what all texts of a wording begin with
/// once an arm, the rest of each text once an example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// `[arm]`: tokens that all texts of this wording begin with.
    pub prefix_tokens: Vec<u64>,
    /// `[arm][example]`: the other tokens of the text.
    pub own_tokens: Vec<Vec<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    target_tokens: Vec<u64>,
    nll_sum: Vec<Vec<f64>>,
    #[serde(default)]
    cost: Option<Cost>,
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
        if let Some(cost) = table.cost {
            checked = checked.with_cost(cost)?;
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
        Ok(Self { target_tokens, nll_sum, cost: None, lengths: None })
    }

    /// With what asking costs.
    ///
    /// # Errors
    /// Refuses another shape than that of the losses.
    pub fn with_cost(mut self, cost: Cost) -> Result<Self, TableError> {
        check_rows(&cost.own_tokens, self.nll_sum.len(), self.target_tokens.len(), "costs")?;
        check_arms(cost.prefix_tokens.len(), self.nll_sum.len(), "prefixes")?;
        self.cost = Some(cost);
        Ok(self)
    }

    /// With the lengths of the wordings.
    ///
    /// # Errors
    /// Refuses another number of arms.
    pub fn with_lengths(mut self, lengths: Vec<usize>) -> Result<Self, TableError> {
        check_arms(lengths.len(), self.nll_sum.len(), "lengths")?;
        self.lengths = Some(lengths);
        Ok(self)
    }

    /// The same arms on these of the examples alone.
    ///
    /// # Errors
    /// Refuses an empty list, and places outside of the table.
    pub fn of_examples(&self, examples: &[usize]) -> Result<Self, TableError> {
        if let Some(place) = examples.iter().find(|&&place| place >= self.target_tokens.len()) {
            return Err(TableError(format!("there is no example {place} of {}", self.target_tokens.len())));
        }
        let tokens = |row: &Vec<u64>| examples.iter().map(|&place| row[place]).collect::<Vec<_>>();
        let losses = |row: &Vec<f64>| examples.iter().map(|&place| row[place]).collect();
        let table = Self::new(tokens(&self.target_tokens), self.nll_sum.iter().map(losses).collect())?;
        let cost = self.cost.as_ref().map(|cost| Cost {
            prefix_tokens: cost.prefix_tokens.clone(),
            own_tokens: cost.own_tokens.iter().map(tokens).collect(),
        });
        Ok(Self { cost, lengths: self.lengths.clone(), ..table })
    }

    /// Number of arms K.
    pub fn arms(&self) -> usize {
        self.nll_sum.len()
    }

    /// Number of examples N.
    pub fn examples(&self) -> usize {
        self.target_tokens.len()
    }

    /// Each arm's mean loss over the population, in nats a target token.
    pub fn means(&self) -> Vec<f64> {
        let tokens = self.target_tokens.iter().sum::<u64>() as f64;
        self.nll_sum.iter().map(|row| row.iter().sum::<f64>() / tokens).collect()
    }

    /// What asking everything costs: every prefix once, everything else.
    pub fn exhaustive_forward_tokens(&self) -> u64 {
        match &self.cost {
            Some(cost) => {
                cost.prefix_tokens.iter().sum::<u64>() + cost.own_tokens.iter().flatten().sum::<u64>()
            }
            None => (self.arms() * self.examples()) as u64,
        }
    }

    /// What asking everything costs where nothing is shared, as in the paper: every prefix once an example.
    pub fn unshared_forward_tokens(&self) -> u64 {
        match &self.cost {
            Some(cost) => {
                let prefixes = cost.prefix_tokens.iter().sum::<u64>() * self.examples() as u64;
                prefixes + cost.own_tokens.iter().flatten().sum::<u64>()
            }
            None => self.exhaustive_forward_tokens(),
        }
    }

    /// The losses of an arm, `[example]`, in nats summed over the target.
    pub(super) fn losses(&self, arm: usize) -> &[f64] {
        &self.nll_sum[arm]
    }
}

fn check_arms(got: usize, arms: usize, what: &str) -> Result<(), TableError> {
    if got == arms { Ok(()) } else { Err(TableError(format!("{got} {what} for {arms} arms"))) }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> LossTable {
        let table = LossTable::new(vec![1, 3], vec![vec![1.0, 2.0], vec![0.5, 4.5]]).unwrap();
        let cost = Cost { prefix_tokens: vec![10, 20], own_tokens: vec![vec![5, 6], vec![7, 8]] };
        table.with_cost(cost).unwrap().with_lengths(vec![3, 4]).unwrap()
    }

    #[test]
    fn a_table_survives_writing_and_a_ragged_one_is_refused() {
        let written = serde_json::to_string(&table()).unwrap();
        assert_eq!(serde_json::from_str::<LossTable>(&written).unwrap(), table());
        assert_eq!(table().means(), [0.75, 1.25]);
        let ragged = LossTable::new(vec![1, 3], vec![vec![1.0, 2.0], vec![0.5]]).unwrap_err();
        assert_eq!(ragged.to_string(), "arm 1 has 1 losses for 2 examples");
        let cost = Cost { prefix_tokens: vec![10], own_tokens: vec![vec![5, 6], vec![7, 8]] };
        assert_eq!(table().with_cost(cost).unwrap_err().to_string(), "1 prefixes for 2 arms");
    }

    #[test]
    fn a_prefix_costs_once_an_arm_or_once_an_example() {
        assert_eq!(table().exhaustive_forward_tokens(), 30 + 26);
        assert_eq!(table().unshared_forward_tokens(), 60 + 26);
    }

    #[test]
    fn a_part_of_the_examples_is_a_table_of_its_own() {
        let part = table().of_examples(&[1]).unwrap();
        assert_eq!((part.means(), part.exhaustive_forward_tokens()), (vec![2.0 / 3.0, 1.5], 30 + 14));
        assert_eq!(table().of_examples(&[2]).unwrap_err().to_string(), "there is no example 2 of 2");
    }
}
