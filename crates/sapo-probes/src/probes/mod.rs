//! One file a probe; a new probe is one file and one line in [`ProbeConfig`].

mod answers;
mod entropy;
mod entropy_variance;
mod exact_match;
mod fisher_norm;
mod flesch_kincaid;
mod gradient_alignment;
mod gradient_norm;
mod interference;
mod log_probability;
mod loss;
mod loss_variance;
mod moments;
mod rouge_l;
mod syllables;
mod wording_perplexity;
mod words;

pub use entropy::Entropy;
pub use entropy_variance::EntropyVariance;
pub use exact_match::ExactMatch;
pub use fisher_norm::FisherNorm;
pub use flesch_kincaid::FleschKincaid;
pub use gradient_alignment::{AlignmentOf, GradientAlignment};
pub use gradient_norm::GradientNorm;
pub use log_probability::LogProbability;
pub use loss_variance::LossVariance;
pub use moments::Over;
pub use rouge_l::RougeL;
pub use syllables::Syllables;
pub use wording_perplexity::WordingPerplexity;
pub use words::Words;

use serde::{Deserialize, Serialize};

use crate::gradients::FirstStep;
use crate::{PreUpdateLoss, Probe, ProbeAbout};

/// Makes the enum of all probes, and what can be asked of it, from one line a probe.
macro_rules! registry {
    (
        plain { $($plain:ident => $probe:ident,)* }
        with_parameters { $($variant:ident => $parameters:ident,)* }
    ) => {
        /// A probe by its name, with its parameters.
        ///
        /// A probe without parameters is written as its name (`"entropy"`), any other as a map from its name to those
        /// parameters that differ from the default (`{"interference": {"learning_rate": 0.001}}`). Written back, all
        /// parameters stand there, so that a stored configuration keeps its meaning if a default changes.
        #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        pub enum ProbeConfig {
            $(#[doc = concat!("See [`", stringify!($probe), "`].")] $plain,)*
            $(#[doc = concat!("See [`", stringify!($parameters), "`].")] $variant($parameters),)*
        }

        impl ProbeConfig {
            /// Every probe, with its default parameters.
            pub fn all() -> Vec<Self> {
                vec![$(Self::$plain,)* $(Self::$variant($parameters::default()),)*]
            }

            /// The probe itself.
            pub fn build(self) -> Box<dyn Probe> {
                match self {
                    $(Self::$plain => Box::new($probe),)*
                    $(Self::$variant(probe) => Box::new(probe),)*
                }
            }
        }
    };
}

registry! {
    plain {
        Entropy => Entropy,
        LogProbability => LogProbability,
        Words => Words,
        FleschKincaidGrade => FleschKincaid,
        Syllables => Syllables,
        WordingPerplexity => WordingPerplexity,
        GradientNorm => GradientNorm,
        FisherNorm => FisherNorm,
    }
    with_parameters {
        PreUpdateLoss => PreUpdateLoss,
        LossVariance => LossVariance,
        EntropyVariance => EntropyVariance,
        ExactMatch => ExactMatch,
        RougeL => RougeL,
        GradientAlignment => GradientAlignment,
        Interference => FirstStep,
    }
}

impl ProbeConfig {
    /// What the probe's number is.
    pub fn about(&self) -> &'static ProbeAbout {
        self.build().about()
    }

    /// The probe's name.
    pub fn name(&self) -> &'static str {
        self.about().name
    }

    /// All probes, a line each, for `--list`.
    pub fn list() -> String {
        let line = |probe: &Self| {
            let about = probe.about();
            format!(
                "{:<20} {} ({}; {} is better)\n",
                about.name,
                about.summary,
                about.units,
                about.better.name()
            )
        };
        Self::all().iter().map(line).collect()
    }

    /// All probes as rows of a Markdown table, for the documentation.
    pub fn table() -> String {
        let row = |probe: &Self| {
            let ProbeAbout { name, formula, units, cost, better, source, .. } = probe.about();
            format!("| `{name}` | {formula} | {units} | {} | {} | {source} |\n", cost.name(), better.name())
        };
        let head =
            "| probe | formula | units | cost of a wording | better | source |\n|---|---|---|---|---|---|\n";
        let rows: String = Self::all().iter().map(row).collect();
        format!("{head}{rows}")
    }
}

impl std::str::FromStr for ProbeConfig {
    type Err = String;

    /// The probe of this name with its default parameters.
    fn from_str(name: &str) -> Result<Self, String> {
        let known = || Self::all().iter().map(Self::name).collect::<Vec<_>>().join(", ");
        let probe = Self::all().into_iter().find(|probe| probe.name() == name);
        probe.ok_or_else(|| format!("there is no probe `{name}`; there are {}", known()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_is_written_by_its_name() {
        for probe in ProbeConfig::all() {
            let written = serde_json::to_value(probe).unwrap();
            let name = written.as_str().or_else(|| written.as_object()?.keys().next().map(String::as_str));
            assert_eq!(name, Some(probe.name()));
            assert_eq!(serde_json::from_value::<ProbeConfig>(written).unwrap(), probe);
            assert_eq!(probe.name().parse(), Ok(probe));
        }
        assert_eq!(serde_json::to_string(&ProbeConfig::Entropy).unwrap(), "\"entropy\"");
        assert!("perplexity".parse::<ProbeConfig>().unwrap_err().contains("wording-perplexity"));
    }

    #[test]
    fn parameters_left_out_are_the_defaults_and_unknown_ones_are_refused() {
        let read = |text: &str| serde_json::from_str::<ProbeConfig>(text);
        let step = FirstStep { learning_rate: 0.1, ..FirstStep::default() };
        assert_eq!(
            read(r#"{"interference": {"learning_rate": 0.1}}"#).unwrap(),
            ProbeConfig::Interference(step)
        );
        for probe in ProbeConfig::all() {
            let name = probe.name();
            if serde_json::to_value(probe).unwrap().is_object() {
                assert_eq!(read(&format!(r#"{{"{name}": {{}}}}"#)).unwrap(), probe);
            }
            assert!(read(&format!(r#"{{"{name}": {{"no-such-parameter": 1}}}}"#)).is_err(), "{name}");
        }
    }

    #[test]
    fn the_documentation_has_the_table() {
        let page = include_str!("../../../../docs/method.md");
        assert!(
            page.contains(&ProbeConfig::table()),
            "docs/method.md needs this table:\n{}",
            ProbeConfig::table()
        );
    }
}
