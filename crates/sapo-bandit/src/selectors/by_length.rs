use super::Selector;
use crate::{LossOracle, OracleError, Selection};

/// Which end of the lengths wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// The shortest wording.
    Shortest,
    /// The longest wording.
    Longest,
}

/// The shortest or the longest wording, without asking: a rule that needs no model. Ties go to the arm that comes
/// first.
///
/// The oracle must know the lengths ([`LossOracle::length`]).
#[derive(Debug, Clone, Copy)]
pub struct ByLength(pub Length);

impl Selector for ByLength {
    fn select(&self, oracle: &mut dyn LossOracle, _seed: u64) -> Result<Selection, OracleError> {
        let length = |arm| oracle.length(arm).ok_or_else(|| format!("the length of arm {arm} is not known"));
        let lengths = (0..oracle.arms()).map(length).collect::<Result<Vec<usize>, String>>()?;
        let arms = 0..lengths.len();
        let winner = match self.0 {
            Length::Shortest => arms.min_by_key(|&arm| lengths[arm]),
            // `max_by_key` takes the last of equals, so the arms are walked from the end
            Length::Longest => arms.rev().max_by_key(|&arm| lengths[arm]),
        };
        Ok(Selection::unasked(winner.ok_or("there are no arms to choose from")?, lengths.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Observation;

    struct Lengths(Vec<Option<usize>>);

    impl LossOracle for Lengths {
        fn arms(&self) -> usize {
            self.0.len()
        }

        fn examples(&self) -> usize {
            1
        }

        fn length(&self, arm: usize) -> Option<usize> {
            self.0[arm]
        }

        fn observe(&mut self, _: usize, _: &[usize]) -> Result<Vec<Observation>, OracleError> {
            Err("nothing is asked".into())
        }
    }

    #[test]
    fn takes_the_first_of_equals_and_needs_every_length() {
        let mut oracle = Lengths(vec![Some(5), Some(9), Some(3), Some(9), Some(3)]);
        assert_eq!(ByLength(Length::Shortest).select(&mut oracle, 0).unwrap().winner, 2);
        assert_eq!(ByLength(Length::Longest).select(&mut oracle, 0).unwrap().winner, 1);
        oracle.0[4] = None;
        let error = ByLength(Length::Longest).select(&mut oracle, 0).unwrap_err();
        assert_eq!(error.to_string(), "the length of arm 4 is not known");
    }
}
