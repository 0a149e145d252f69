//! Losses that were not all asked of the same examples: a rule that asks less drops most wordings early.

use itertools::Itertools;
use sapo_lab::record::VariantLoss;

/// The place of a chosen wording by its loss, 1 being the lowest, among those that were asked about as many examples before
/// the same task: a mean over fewer does not compare. None where there is no other such.
pub(super) fn rank(chosen: &VariantLoss, losses: &[VariantLoss]) -> Option<i64> {
    let loss = chosen.loss?;
    let compares = |other: &&VariantLoss| {
        !other.chosen && (other.step, other.examples) == (chosen.step, chosen.examples)
    };
    let rivals: Vec<f64> = losses.iter().filter(compares).filter_map(|other| other.loss).collect();
    (!rivals.is_empty()).then(|| 1 + rivals.iter().filter(|&&rival| rival < loss).count() as i64)
}

/// Whether wordings of one task were asked about different numbers of examples.
pub(super) fn unevenly(losses: &[VariantLoss]) -> bool {
    let asked = || losses.iter().filter(|variant| variant.loss.is_some());
    let numbers = asked().map(|variant| (variant.step, variant.examples)).unique().count();
    numbers > asked().map(|variant| variant.step).unique().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Losses before the first task and the examples behind them; the first is chosen.
    fn losses(of: &[(f64, u32)]) -> Vec<VariantLoss> {
        let variant = |(place, &(loss, examples)): (usize, &(f64, u32))| VariantLoss {
            step: 1,
            task_name: "mood".to_string(),
            variant: format!("p{place}"),
            text: String::new(),
            loss: Some(loss),
            examples,
            chosen: place == 0,
        };
        of.iter().enumerate().map(variant).collect()
    }

    #[test]
    fn a_wording_is_ranked_among_those_that_were_asked_as_much() {
        let all = losses(&[(2.0, 32), (1.0, 32), (3.0, 32)]);
        assert_eq!(rank(&all[0], &all), Some(2));
        let raced = losses(&[(2.0, 32), (1.0, 8), (3.0, 32)]);
        assert_eq!(rank(&raced[0], &raced), Some(1));
        let alone = losses(&[(2.0, 32), (1.0, 8), (3.0, 16)]);
        assert_eq!(rank(&alone[0], &alone), None);
        let mut later = losses(&[(2.0, 32), (1.0, 32)]);
        later[1].step = 2;
        assert_eq!(rank(&later[0], &later), None);
        let unasked = VariantLoss { loss: None, examples: 0, ..later[0].clone() };
        assert_eq!(rank(&unasked, &later), None);
    }

    #[test]
    fn tasks_may_have_different_numbers_of_examples_wordings_of_one_not() {
        let mut all = losses(&[(2.0, 32), (1.0, 32), (3.0, 16)]);
        assert!(unevenly(&all));
        all[2].step = 2;
        assert!(!unevenly(&all));
        all.push(VariantLoss { loss: None, examples: 0, ..all[0].clone() });
        assert!(!unevenly(&all), "who was not asked has no mean");
    }
}
