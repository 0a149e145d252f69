use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::Selector;
use super::race::{Course, Race};
use crate::paired::PairedSample;
use crate::{LossOracle, OracleError, Promise, Selection, Weight};

/// A race by the loss until few arms are left; among these it goes on by `mean loss + weight interference`, both in nats
/// a token.
///
/// The interference of an arm is what one training step under it would do to the loss of earlier tasks
/// ([`LossOracle::interference`]); it is asked of the finalists alone, once each. With weight 0, or where the oracle cannot
/// tell it of every finalist, this is the race.
///
/// # Promise
/// None where interference was weighed in: the winner need not be near the lowest loss, and an arm that dropped out by
/// its loss might have had the lowest sum. That of the race otherwise.
///
/// # Source
/// This project: the rule is the paper's (arXiv 2606.01967, Algorithm 1) with the first-order interference of a step
/// added to its objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InterferenceAware {
    /// What a nat of the earlier tasks' loss counts beside a nat of the next task's.
    pub weight: Weight,
    /// The race by the loss stops when at most so many arms are left.
    pub finalists: NonZeroUsize,
    /// The race.
    pub race: Race,
}

impl Default for InterferenceAware {
    fn default() -> Self {
        Self {
            weight: Weight::of(1.0),
            finalists: const { NonZeroUsize::new(4).expect("not zero") },
            race: Race::default(),
        }
    }
}

impl Selector for InterferenceAware {
    fn select(&self, oracle: &mut dyn LossOracle, seed: u64) -> Result<Selection, OracleError> {
        let mut sample = PairedSample::new(oracle, seed)?;
        let mut course = Course::start(self.race, sample.arms());
        course.run(&mut sample, self.finalists.get())?;
        let Some(handicaps) = self.handicaps(course.arms(), &mut sample)? else {
            course.run(&mut sample, 1)?;
            return Ok(sample.finish(course.leader(), course.promise()));
        };
        course.handicap(handicaps, &sample);
        course.run(&mut sample, 1)?;
        Ok(sample.conclude(course.leader(), Promise::None))
    }
}

impl InterferenceAware {
    /// The weighted interference of the finalists, 0 for all others; nothing where it changes nothing or is not known.
    fn handicaps(
        &self,
        finalists: &[usize],
        sample: &mut PairedSample,
    ) -> Result<Option<Vec<f64>>, OracleError> {
        if self.weight.get() == 0.0 || finalists.len() < 2 {
            return Ok(None);
        }
        let mut handicaps = vec![0.0; sample.arms()];
        for &arm in finalists {
            let Some(interference) = sample.interference(arm)? else { return Ok(None) };
            if !interference.is_finite() {
                return Err(format!("arm {arm} has no finite interference").into());
            }
            handicaps[arm] = self.weight.get() * interference;
        }
        Ok(Some(handicaps))
    }
}
