use sapo_prompts::Instruction;

use crate::{Measurement, ProbeContext, ProbeError};

/// Measures one number for the state of a model, a task, a wording of it and some of its examples.
pub trait Probe {
    /// What the number is.
    fn about(&self) -> &'static ProbeAbout;

    /// The number under one wording; everything else is in the context, which the probe leaves with the model as it was.
    ///
    /// # Errors
    /// Whatever keeps the number from being defined: it is never replaced by 0.
    fn measure(
        &self,
        context: &mut ProbeContext<'_>,
        wording: &Instruction,
    ) -> Result<Measurement, ProbeError>;
}

/// What a probe's number is, in words: its row in lists and tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeAbout {
    /// The name in configurations, such as `pre-update-loss`.
    pub name: &'static str,
    /// What it measures, in one line.
    pub summary: &'static str,
    /// The number, as a formula.
    pub formula: &'static str,
    /// Unit of the number.
    pub units: &'static str,
    /// What one wording takes.
    pub cost: Cost,
    /// Which way is better.
    pub better: Direction,
    /// Paper and place.
    pub source: &'static str,
}

/// Which way a number is better, so that correlations with scores can be turned to one sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Lower is better.
    Lower,
    /// Higher is better.
    Higher,
}

/// What one wording takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// The wording alone is read, by no model.
    Text,
    /// One pass over the wording's own tokens.
    WordingForward,
    /// One pass over the examples' texts, forward only.
    Forward,
    /// A pass over the prompts, and a step for every generated token.
    Generation,
    /// A pass forward and back over the examples' texts.
    Gradient,
    /// The same, and once for all wordings a pass forward and back over the kept samples of earlier tasks.
    GradientAndEarlier,
}

impl Direction {
    /// The value with its sign turned where lower is better: higher is better of what comes out.
    pub fn orient(self, value: f64) -> f64 {
        match self {
            Self::Lower => -value,
            Self::Higher => value,
        }
    }

    /// `lower` or `higher`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Higher => "higher",
        }
    }
}

impl Cost {
    /// In a few words, for tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "no model",
            Self::WordingForward => "forward over the wording",
            Self::Forward => "forward",
            Self::Generation => "generation",
            Self::Gradient => "forward and backward",
            Self::GradientAndEarlier => "forward and backward; earlier tasks once",
        }
    }
}
