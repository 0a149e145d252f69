use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// How tokens are drawn: temperature, then nucleus, then chance.
///
/// # Source
/// Holtzman et al. 2020 (arXiv 1904.09751); the distribution is that of transformers' `TemperatureLogitsWarper` and
/// `TopPLogitsWarper`, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked", into = "Unchecked")]
pub struct Sampling {
    temperature: f64,
    top_p: f64,
    seed: u64,
}

/// The settings as they are written, before they are checked.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    temperature: f64,
    top_p: f64,
    seed: u64,
}

/// Why tokens cannot be drawn so.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum SamplingError {
    /// Logits are divided by it.
    #[error("a temperature is above 0 and finite, got {0}")]
    Temperature(f64),
    /// It is a share of the probability.
    #[error("top_p is above 0 and at most 1, got {0}")]
    TopP(f64),
}

impl TryFrom<Unchecked> for Sampling {
    type Error = SamplingError;

    fn try_from(Unchecked { temperature, top_p, seed }: Unchecked) -> Result<Self, SamplingError> {
        Self::new(temperature, top_p, seed)
    }
}

impl From<Sampling> for Unchecked {
    fn from(Sampling { temperature, top_p, seed }: Sampling) -> Self {
        Self { temperature, top_p, seed }
    }
}

impl Sampling {
    /// Draws from logits divided by `temperature`, among the likeliest tokens that have `top_p` of the probability
    /// together; `seed` decides every draw.
    ///
    /// # Errors
    /// A temperature that is not above 0 and finite, a `top_p` that is not above 0 and at most 1.
    pub fn new(temperature: f64, top_p: f64, seed: u64) -> Result<Self, SamplingError> {
        if !(temperature > 0.0 && temperature.is_finite()) {
            return Err(SamplingError::Temperature(temperature));
        }
        if !(top_p > 0.0 && top_p <= 1.0) {
            return Err(SamplingError::TopP(top_p));
        }
        Ok(Self { temperature, top_p, seed })
    }

    /// The tokens that may be drawn after these logits, each with its probability.
    ///
    /// The likeliest comes first, of equal ones the lower id. There is none where the logits have no distribution, for
    /// instance because one is not a number.
    ///
    /// # Shapes
    /// A logit for every token of the vocabulary.
    pub fn probabilities(&self, logits: &[f32]) -> Vec<(i64, f64)> {
        let highest = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
        let weight = |&logit: &f32| ((f64::from(logit) - highest) / self.temperature).exp();
        let weights: Vec<f64> = logits.iter().map(weight).collect();
        let total: f64 = weights.iter().sum();

        // tokens below this are cut whatever the others are; without them there are few to sort
        let negligible = (1.0 - self.top_p) / (2.0 * logits.len() as f64);
        let mut tokens: Vec<(i64, f64)> = (0..)
            .zip(weights)
            .map(|(token, weight)| (token, weight / total))
            .filter(|(_, probability)| *probability > negligible)
            .collect();
        tokens.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));

        // the token with which the sum reaches top_p is the last that is kept
        let mut likelier = 0.0;
        let is_kept = |(_, probability): &&(i64, f64)| {
            let kept = likelier < self.top_p;
            likelier += probability;
            kept
        };
        let kept = tokens.iter().take_while(is_kept).count();
        tokens.truncate(kept);
        let total: f64 = tokens.iter().map(|(_, probability)| probability).sum();
        tokens.iter_mut().for_each(|(_, probability)| *probability /= total);
        tokens
    }

    /// A token drawn with one number of `stream`; `None` where the logits have no distribution.
    pub(crate) fn draw(&self, logits: &[f32], stream: &mut ChaCha8Rng) -> Option<i64> {
        let tokens = self.probabilities(logits);
        let mut left: f64 = stream.random();
        let drawn = tokens.iter().find(|(_, probability)| {
            left -= probability;
            left < 0.0
        });
        // by rounding, the probabilities may sum to less than the number drawn
        drawn.or(tokens.last()).map(|(token, _)| *token)
    }

    /// The random numbers of the prompt with that index, one for every token of its answer.
    pub(crate) fn stream(&self, prompt: usize) -> ChaCha8Rng {
        let mut stream = ChaCha8Rng::seed_from_u64(self.seed);
        stream.set_stream(prompt as u64);
        stream
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::Rng;

    fn sampling(temperature: f64, top_p: f64) -> Sampling {
        Sampling::new(temperature, top_p, 0).unwrap()
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        for temperature in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error = Sampling::new(temperature, 1.0, 0).unwrap_err();
            assert!(error.to_string().ends_with(&format!("got {temperature}")), "{error}");
        }
        for top_p in [0.0, -0.5, 1.1, f64::NAN] {
            let error = Sampling::new(1.0, top_p, 0).unwrap_err();
            assert!(error.to_string().ends_with(&format!("got {top_p}")), "{error}");
        }
    }

    #[test]
    fn settings_are_read_as_written_and_checked() {
        let written = r#"{"temperature":0.7,"top_p":0.9,"seed":18446744073709551615}"#;
        let read: Sampling = serde_json::from_str(written).unwrap();
        assert_eq!(read, Sampling::new(0.7, 0.9, u64::MAX).unwrap());
        assert_eq!(serde_json::to_string(&read).unwrap(), written);
        for (bad, reason) in [
            (r#"{"temperature":0,"top_p":1,"seed":0}"#, "a temperature is above 0"),
            (r#"{"temperature":1,"top_p":0,"seed":0}"#, "top_p is above 0"),
            (r#"{"temperature":1,"top_p":1,"seed":0,"top_k":5}"#, "unknown field `top_k`"),
            (r#"{"temperature":1,"top_p":1}"#, "missing field `seed`"),
        ] {
            let error = serde_json::from_str::<Sampling>(bad).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn logits_without_a_distribution_give_no_token() {
        for logits in [&[][..], &[f32::NAN, 0.0], &[f32::INFINITY, 0.0], &[f32::NEG_INFINITY; 2]] {
            for top_p in [0.5, 1.0] {
                assert_eq!(sampling(1.0, top_p).draw(logits, &mut sampling(1.0, 1.0).stream(0)), None);
            }
        }
        // a token that is ruled out rules out no other
        let one = sampling(1.0, 1.0).probabilities(&[f32::NEG_INFINITY, -3.0]);
        assert_eq!(one, [(1, 1.0)]);
    }

    #[test]
    fn extreme_temperatures_overflow_nowhere() {
        let logits = [-60000.0, 3.0, 60000.0];
        assert_eq!(sampling(f64::MIN_POSITIVE, 1.0).probabilities(&logits), [(2, 1.0)]);
        for (_, probability) in sampling(f64::MAX, 1.0).probabilities(&logits) {
            assert!((probability - 1.0 / 3.0).abs() < 1e-12);
        }
    }

    #[test]
    fn streams_of_prompts_and_seeds_differ() {
        let first = |seed, prompt| -> f64 { Sampling::new(1.0, 1.0, seed).unwrap().stream(prompt).random() };
        assert_eq!(first(1, 2), first(1, 2));
        let mut drawn: Vec<f64> =
            (0..8).flat_map(|seed| (0..8).map(move |prompt| first(seed, prompt))).collect();
        drawn.sort_by(f64::total_cmp);
        drawn.dedup();
        assert_eq!(drawn.len(), 64);
    }

    #[test]
    fn tokens_come_as_often_as_they_are_likely() {
        let logits = [1.0, 3.0, 2.0, 3.0, -1.0];
        let sampling = sampling(1.3, 0.95);
        let tokens = sampling.probabilities(&logits);
        assert_eq!(tokens.iter().map(|(token, _)| *token).collect::<Vec<_>>(), [1, 3, 2, 0]);
        let draws = 20_000;
        let mut stream = sampling.stream(0);
        let drawn: Vec<i64> = (0..draws).map(|_| sampling.draw(&logits, &mut stream).unwrap()).collect();
        for (token, probability) in tokens {
            let share = drawn.iter().filter(|drawn| **drawn == token).count() as f64 / f64::from(draws);
            let spread = (probability * (1.0 - probability) / f64::from(draws)).sqrt();
            assert!((share - probability).abs() < 4.0 * spread, "{token}: {share} {probability}");
        }
        assert!(!drawn.contains(&4));
    }

    proptest! {
        #[test]
        fn the_kept_tokens_are_the_fewest_that_have_top_p(
            logits in prop::collection::vec(-20_f32..20.0, 1..60),
            temperature in 0.05_f64..5.0,
            top_p in 0.01_f64..1.0,
        ) {
            let all = sampling(temperature, 1.0).probabilities(&logits);
            let kept = sampling(temperature, top_p).probabilities(&logits);
            prop_assert!((all.iter().map(|(_, p)| p).sum::<f64>() - 1.0).abs() < 1e-12);
            prop_assert!((kept.iter().map(|(_, p)| p).sum::<f64>() - 1.0).abs() < 1e-12);
            prop_assert!(all.is_sorted_by(|a, b| a.1 > b.1 || (a.1 == b.1 && a.0 < b.0)));
            let mass = |count: usize| all[..count].iter().map(|(_, p)| p).sum::<f64>();
            prop_assert!(mass(kept.len()) > top_p - 1e-6);
            prop_assert!(kept.len() == 1 || mass(kept.len() - 1) < top_p + 1e-6);
            for ((token, probability), (same, before)) in kept.iter().zip(&all) {
                prop_assert_eq!(token, same);
                prop_assert!((probability * mass(kept.len()) - before).abs() < 1e-12);
            }
        }
    }
}
