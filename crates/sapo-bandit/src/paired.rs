//! Paired observations without replacement, and what they say about the difference of two arms.

use std::ops::Range;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::{
    ArmEvidence, Interval, LossOracle, Observation, OracleError, Promise, Selection, draws, selection::LEVEL,
};

/// Every arm walks along one shared random order of the examples, each as far as it was asked: the first examples of
/// any two arms are the same, so that what makes an example hard cancels in their difference.
pub(crate) struct PairedSample<'a> {
    oracle: &'a mut dyn LossOracle,
    order: Vec<usize>,
    /// For each arm its losses along the order, summed over the target.
    nll: Vec<Vec<f64>>,
    /// Target tokens along the order, as far as any arm has come: they are learnt by asking.
    tokens: Vec<f64>,
    forward_tokens: u64,
}

impl<'a> PairedSample<'a> {
    /// Nothing is asked yet; the order is drawn by the seed alone.
    pub(crate) fn new(oracle: &'a mut dyn LossOracle, seed: u64) -> Result<Self, OracleError> {
        let (arms, examples) = (oracle.arms(), oracle.examples());
        if arms == 0 {
            return Err("there are no arms to choose from".into());
        }
        if examples == 0 {
            return Err("there are no examples to ask about".into());
        }
        let order = draws::shuffled(examples, &mut ChaCha8Rng::seed_from_u64(seed));
        Ok(Self { oracle, order, nll: vec![Vec::new(); arms], tokens: Vec::new(), forward_tokens: 0 })
    }

    pub(crate) fn arms(&self) -> usize {
        self.nll.len()
    }

    pub(crate) fn population(&self) -> usize {
        self.order.len()
    }

    /// Examples that an arm was asked about.
    pub(crate) fn seen(&self, arm: usize) -> usize {
        self.nll[arm].len()
    }

    /// Observations made so far, over all arms.
    pub(crate) fn observations(&self) -> usize {
        self.nll.iter().map(Vec::len).sum()
    }

    /// Asks an arm until it has seen the first `count` examples of the order, or all of them.
    pub(crate) fn ask(&mut self, arm: usize, count: usize) -> Result<(), OracleError> {
        let places = self.unseen(arm, count);
        if places.is_empty() {
            return Ok(());
        }
        let observations = self.oracle.observe(arm, &self.order[places.clone()])?;
        self.note(arm, places, observations)
    }

    /// The same for several arms, those that have come equally far at once.
    pub(crate) fn ask_each(&mut self, arms: &[usize], count: usize) -> Result<(), OracleError> {
        let equally_far: Vec<&[usize]> = arms.chunk_by(|&a, &b| self.seen(a) == self.seen(b)).collect();
        for together in equally_far {
            let places = self.unseen(together[0], count);
            if places.is_empty() {
                continue;
            }
            let observations = self.oracle.observe_each(together, &self.order[places.clone()])?;
            if observations.len() != together.len() {
                return Err(
                    format!("{} arms answered of {} asked", observations.len(), together.len()).into()
                );
            }
            for (&arm, observations) in together.iter().zip(observations) {
                self.note(arm, places.clone(), observations)?;
            }
        }
        Ok(())
    }

    /// Places in the order that an arm has yet to see to have seen `count`.
    fn unseen(&self, arm: usize, count: usize) -> Range<usize> {
        self.seen(arm)..count.min(self.population())
    }

    fn note(
        &mut self,
        arm: usize,
        places: Range<usize>,
        observations: Vec<Observation>,
    ) -> Result<(), OracleError> {
        if observations.len() != places.len() {
            return Err(format!(
                "arm {arm} gave {} losses for {} examples",
                observations.len(),
                places.len()
            )
            .into());
        }
        for (place, observation) in places.zip(observations) {
            let (example, tokens) = (self.order[place], observation.target_tokens as f64);
            if !observation.nll_sum.is_finite() || observation.target_tokens == 0 {
                return Err(format!("arm {arm} has no finite loss on example {example}").into());
            }
            match self.tokens.get(place) {
                None => self.tokens.push(tokens),
                Some(&known) if known == tokens => {}
                Some(known) => {
                    let problem = "the arms of an example must share its target";
                    return Err(format!(
                        "arm {arm}, example {example}: {tokens} tokens, not {known}: {problem}"
                    )
                    .into());
                }
            }
            self.nll[arm].push(observation.nll_sum);
            self.forward_tokens += observation.forward_tokens;
        }
        Ok(())
    }

    /// On the examples that both arms saw, in their order: loss of `arm` minus that of `other`, and target tokens.
    pub(crate) fn pairs(&self, arm: usize, other: usize) -> impl Iterator<Item = (f64, f64)> {
        let losses = self.nll[arm].iter().zip(&self.nll[other]);
        losses.zip(&self.tokens).map(|((a, b), &tokens)| (a - b, tokens))
    }

    /// What the examples that both arms saw say about `arm` minus `other`.
    pub(crate) fn difference(&self, arm: usize, other: usize) -> RatioSample {
        RatioSample::new(self.pairs(arm, other), self.population())
    }

    /// The widest difference of any two arms on an example that both saw, and the most target tokens of an example
    /// seen.
    pub(crate) fn extremes(&self) -> (f64, f64) {
        let width = |place: usize| {
            let losses = self.nll.iter().filter_map(|arm| arm.get(place));
            let (low, high) = losses
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &nll| (low.min(nll), high.max(nll)));
            high - low
        };
        let widest = (0..self.tokens.len()).map(width).fold(0.0, f64::max);
        (widest, self.tokens.iter().copied().fold(0.0, f64::max))
    }

    fn alone(&self, arm: usize) -> RatioSample {
        RatioSample::new(self.nll[arm].iter().copied().zip(self.tokens.iter().copied()), self.population())
    }

    /// The best of those arms that have seen the most.
    pub(crate) fn reference(&self) -> usize {
        let most = self.nll.iter().map(Vec::len).max().unwrap_or(0);
        let furthest = self.nll.iter().enumerate().filter(|(_, nll)| nll.len() == most);
        lowest(furthest.map(|(arm, nll)| (arm, nll.iter().sum::<f64>())))
    }

    /// Each arm's mean minus that of [`Self::reference`]. Arms that saw different numbers of examples are comparable
    /// so, because each is held against the reference on its own examples.
    pub(crate) fn standings(&self) -> Vec<f64> {
        let reference = self.reference();
        (0..self.arms()).map(|arm| self.difference(arm, reference).ratio()).collect()
    }

    /// Ends with this winner. What is promised gives way to certainty where everything was seen.
    pub(crate) fn finish(&self, winner: usize, promise: Promise) -> Selection {
        let whole = self.arms() == 1 || self.observations() == self.arms() * self.population();
        let arm = |arm: usize| {
            let sample = self.alone(arm);
            ArmEvidence {
                mean: (sample.seen > 0).then(|| sample.ratio()),
                examples: self.seen(arm),
                interval: sample.interval(),
                behind: (arm != winner).then(|| self.difference(arm, winner).interval()).flatten(),
            }
        };
        Selection {
            winner,
            arms: (0..self.arms()).map(arm).collect(),
            forward_tokens: self.forward_tokens,
            promise: if whole { Promise::Exact } else { promise },
        }
    }
}

/// The key of the lowest value; the first of equals.
pub(crate) fn lowest(candidates: impl Iterator<Item = (usize, f64)>) -> usize {
    candidates.min_by(|(_, a), (_, b)| a.total_cmp(b)).map_or(0, |(key, _)| key)
}

/// Sums of y and target tokens t over the examples seen, for the population's ratio sum(y) / sum(t); y is a loss, or
/// the difference of two.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RatioSample {
    pub(crate) seen: usize,
    pub(crate) population: usize,
    y: f64,
    t: f64,
    yy: f64,
    yt: f64,
    tt: f64,
}

impl RatioSample {
    fn new(pairs: impl Iterator<Item = (f64, f64)>, population: usize) -> Self {
        let empty = Self { seen: 0, population, y: 0.0, t: 0.0, yy: 0.0, yt: 0.0, tt: 0.0 };
        pairs.fold(empty, |sums, (y, t)| Self {
            seen: sums.seen + 1,
            population,
            y: sums.y + y,
            t: sums.t + t,
            yy: sums.yy + y * y,
            yt: sums.yt + y * t,
            tt: sums.tt + t * t,
        })
    }

    /// The whole population is seen.
    pub(crate) fn whole(&self) -> bool {
        self.seen == self.population
    }

    /// sum(y) / sum(t) over the examples seen; exact once all are seen. Not a number with none.
    pub(crate) fn ratio(&self) -> f64 {
        self.y / self.t
    }

    /// Mean over the examples seen of y - r t.
    pub(crate) fn residual_mean(&self, r: f64) -> f64 {
        (self.y - r * self.t) / self.seen as f64
    }

    /// Mean square over the examples seen of y - r t, about its mean.
    pub(crate) fn residual_variance(&self, r: f64) -> f64 {
        let square = (self.yy - 2.0 * r * self.yt + r * r * self.tt) / self.seen as f64;
        (square - self.residual_mean(r).powi(2)).max(0.0)
    }

    /// Variance of [`Self::ratio`] by linearisation, with the correction for a finite population: (1 - n/N) s^2 / n,
    /// where s^2 is the variance of (y - ratio t) / mean(t) with n - 1 degrees of freedom. Infinite with one example of
    /// several.
    ///
    /// # Source
    /// Cochran 1977, Sampling Techniques, section 6.4.
    pub(crate) fn variance(&self) -> f64 {
        if self.whole() {
            return 0.0;
        }
        if self.seen < 2 {
            return f64::INFINITY;
        }
        let n = self.seen as f64;
        let mean_tokens = self.t / n;
        let unseen = 1.0 - n / self.population as f64;
        unseen * self.residual_variance(self.ratio()) / (n - 1.0) / mean_tokens.powi(2)
    }

    /// Probability, under Student's distribution about the ratio, that the population's ratio lies below `-slack`.
    pub(crate) fn risk_below(&self, slack: f64) -> f64 {
        let distance = self.ratio() + slack;
        let error = self.variance().sqrt();
        if error == 0.0 {
            // Without variance, or with nothing left to see, only the sign speaks; equals are undecided until the end.
            let equals_undecided = distance == 0.0 && !self.whole();
            return if equals_undecided { 0.5 } else { f64::from(distance < 0.0) };
        }
        if !error.is_finite() {
            return 0.5;
        }
        student(self.seen).map_or(0.5, |student| student.cdf(-distance / error))
    }

    /// 95 % interval of the population's ratio.
    fn interval(&self) -> Option<Interval> {
        let variance = self.variance();
        if self.seen == 0 || !variance.is_finite() {
            return None;
        }
        let quantile = if variance == 0.0 { 0.0 } else { student(self.seen)?.inverse_cdf(0.5 + LEVEL / 2.0) };
        let (middle, reach) = (self.ratio(), quantile * variance.sqrt());
        Some(Interval { low: middle - reach, high: middle + reach, level: LEVEL })
    }
}

/// Student's distribution for the mean of this many observations.
fn student(observations: usize) -> Option<StudentsT> {
    StudentsT::new(0.0, 1.0, observations.checked_sub(1)? as f64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(y: [f64; 2], population: usize) -> RatioSample {
        RatioSample::new(y.into_iter().map(|y| (y, 1.0)), population)
    }

    #[test]
    fn the_ratio_has_the_variance_of_a_sample_without_replacement() {
        // mean 2, s^2 = 2: (1 - 2/4) 2 / 2 = 0.5; Student with 1 degree of freedom is Cauchy:
        // 1/2 - atan(2 / sqrt(0.5)) / pi = 0.10817
        let half = sample([1.0, 3.0], 4);
        assert_eq!((half.ratio(), half.variance()), (2.0, 0.5));
        assert!((half.risk_below(0.0) - 0.10817).abs() < 1e-5, "{}", half.risk_below(0.0));
        let whole = sample([1.0, 3.0], 2);
        assert_eq!((whole.variance(), whole.risk_below(0.0)), (0.0, 0.0));
        assert_eq!(sample([-1.0, 0.5], 2).risk_below(0.0), 1.0);
        assert_eq!(sample([0.0, 0.0], 4).risk_below(0.0), 0.5);
    }

    #[test]
    fn a_ratio_that_every_example_has_is_known_at_once() {
        let pairs = [(2.0, 1.0), (6.0, 3.0), (4.0, 2.0)];
        let sample = RatioSample::new(pairs.into_iter(), 100);
        assert_eq!((sample.ratio(), sample.variance()), (2.0, 0.0));
    }

    struct Unequal;

    impl LossOracle for Unequal {
        fn arms(&self) -> usize {
            2
        }

        fn examples(&self) -> usize {
            1
        }

        fn observe(
            &mut self,
            arm: usize,
            examples: &[usize],
        ) -> Result<Vec<Observation>, crate::OracleError> {
            let one =
                |_: &usize| Observation { nll_sum: 1.0, target_tokens: 3 + arm as u64, forward_tokens: 1 };
            Ok(examples.iter().map(one).collect())
        }
    }

    #[test]
    fn arms_that_disagree_about_the_target_are_refused() {
        let mut oracle = Unequal;
        let mut sample = PairedSample::new(&mut oracle, 0).unwrap();
        sample.ask(0, 1).unwrap();
        let error = sample.ask(1, 1).unwrap_err();
        let expected = "arm 1, example 0: 4 tokens, not 3: the arms of an example must share its target";
        assert_eq!(error.to_string(), expected);
    }
}
