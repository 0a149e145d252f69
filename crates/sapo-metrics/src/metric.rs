//! The registry of text metrics: configurations, the command line and tables name them through [`Metric`].

use std::fmt;
use std::str::FromStr;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::text;

/// One prediction with what it is compared with.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// What the model wrote.
    pub prediction: &'a str,
    /// What would be right; the best one counts (SARI uses all together).
    pub references: &'a [String],
    /// The text that was to be rewritten; only SARI asks for it.
    pub source: Option<&'a str>,
}

impl Sample<'_> {
    /// The highest score over the references.
    pub(crate) fn best(
        &self,
        metric: &'static str,
        score: impl Fn(&str, &str) -> f64,
    ) -> Result<f64, MetricError> {
        text::best(self.references, |reference| score(self.prediction, reference))
            .ok_or(MetricError::NoReference { metric })
    }
}

/// What a metric's file tells the registry.
pub(crate) struct MetricSpec {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) score: fn(&Sample) -> Result<f64, MetricError>,
}

/// A metric could not be found or computed.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum MetricError {
    /// There is no metric of this name.
    #[error("unknown metric `{name}`: expected one of {}", known_names())]
    Unknown {
        /// The name as it was given.
        name: String,
    },
    /// There is nothing to compare the prediction with.
    #[error("{metric}: expected at least one reference, got none")]
    NoReference {
        /// The metric's name.
        metric: &'static str,
    },
    /// The metric compares with the source text, which was not given.
    #[error("{metric}: expected the source text beside prediction and reference, got none")]
    NoSource {
        /// The metric's name.
        metric: &'static str,
    },
    /// One of many samples could not be scored.
    #[error("sample {index}: {error}")]
    At {
        /// The sample's place, from 0.
        index: usize,
        /// What is wrong with it.
        #[source]
        error: Box<MetricError>,
    },
}

macro_rules! metrics {
    ($($variant:ident => $spec:path,)*) => {
        /// A text metric by name; all are 0-100, higher is better.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum Metric {
            $(
                #[doc = concat!("See `", stringify!($spec), "`.")]
                $variant,
            )*
        }

        impl Metric {
            /// Every metric, in the order in which they are listed.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            const fn spec(self) -> &'static MetricSpec {
                match self { $(Self::$variant => &$spec),* }
            }
        }
    };
}

metrics! {
    RougeL => text::ROUGE_L,
    RougeLStemmed => text::ROUGE_L_STEMMED,
    RougeLTrace => text::TRACE_ROUGE_L,
    Rouge1 => text::ROUGE_1,
    Rouge2 => text::ROUGE_2,
    ExactMatch => text::EXACT_MATCH,
    Accuracy => text::ACCURACY,
    AccuracyFirstLetter => text::FIRST_LETTER_ACCURACY,
    Sari => text::SARI,
    EditSimilarity => text::EDIT_SIMILARITY,
    EditSimilarityTrace => text::TRACE_EDIT_SIMILARITY,
}

impl Metric {
    /// The name in configurations and JSON, such as `rouge_l`.
    pub const fn name(self) -> &'static str {
        self.spec().name
    }

    /// What it measures, in one line.
    pub fn about(self) -> &'static str {
        self.spec().about
    }

    /// Scores one sample.
    ///
    /// # Units
    /// 0-100, higher is better.
    ///
    /// # Errors
    /// [`MetricError::NoReference`], and [`MetricError::NoSource`] for SARI without the source text.
    pub fn score(self, sample: &Sample) -> Result<f64, MetricError> {
        (self.spec().score)(sample)
    }

    /// Scores many samples on all cores; the scores are in the order of the samples.
    ///
    /// # Errors
    /// The first sample that cannot be scored, with its place.
    pub fn score_all(self, samples: &[Sample]) -> Result<Vec<f64>, MetricError> {
        let scores: Vec<_> = samples.par_iter().map(|sample| self.score(sample)).collect();
        scores
            .into_iter()
            .enumerate()
            .map(|(index, score)| score.map_err(|error| MetricError::At { index, error: Box::new(error) }))
            .collect()
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Metric {
    type Err = MetricError;

    /// Reads a name; `-` and `_` are the same, so that `--metric rouge-l` is `rouge_l`.
    fn from_str(name: &str) -> Result<Self, MetricError> {
        let wanted = name.replace('-', "_");
        Self::ALL
            .iter()
            .copied()
            .find(|metric| metric.name() == wanted)
            .ok_or_else(|| MetricError::Unknown { name: name.to_string() })
    }
}

impl TryFrom<String> for Metric {
    type Error = MetricError;

    fn try_from(name: String) -> Result<Self, MetricError> {
        name.parse()
    }
}

impl From<Metric> for String {
    fn from(metric: Metric) -> Self {
        metric.name().to_string()
    }
}

fn known_names() -> String {
    Metric::ALL.iter().map(|metric| metric.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_read_back() {
        for &metric in Metric::ALL {
            assert_eq!(metric.name().parse(), Ok(metric));
            assert_eq!(metric.name().replace('_', "-").parse(), Ok(metric));
            let json = serde_json::to_string(&metric).unwrap();
            assert_eq!(serde_json::from_str::<Metric>(&json).unwrap(), metric);
        }
        let error = "bleu".parse::<Metric>().unwrap_err().to_string();
        assert!(error.contains("`bleu`") && error.contains("rouge_l, "), "{error}");
    }

    #[test]
    fn best_reference_counts() {
        let references = ["no".to_string(), "yes it is".to_string()];
        let sample = Sample { prediction: "yes it is", references: &references, source: None };
        for &metric in Metric::ALL {
            match metric {
                Metric::Sari => {}
                Metric::RougeLTrace => assert!(metric.score(&sample).unwrap() > 99.9999, "{metric}"),
                _ => assert_eq!(metric.score(&sample), Ok(100.0), "{metric}"),
            }
        }
    }

    #[test]
    fn what_is_missing_is_an_error() {
        let references = ["a".to_string()];
        let whole = Sample { prediction: "a", references: &references, source: None };
        let bare = Sample { references: &[], ..whole };
        for &metric in Metric::ALL {
            assert!(metric.score(&bare).is_err(), "{metric}");
        }
        assert_eq!(Metric::Sari.score(&whole), Err(MetricError::NoSource { metric: "sari" }));
        let error = Metric::RougeL.score_all(&[whole, bare]).unwrap_err();
        assert_eq!(error.to_string(), "sample 1: rouge_l: expected at least one reference, got none");
        assert_eq!(Metric::RougeL.score_all(&[whole, whole]), Ok(vec![100.0, 100.0]));
    }
}
