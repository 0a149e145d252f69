//! One file a rule; a new rule is one file and one line in [`SelectorConfig`].

mod by_length;
mod elimination;
mod exhaustive;
mod interference_aware;
mod lucb;
mod original;
mod race;
mod random;
mod sequential_halving;
mod successive_rejects;
mod thompson;
mod ucb_e;

pub use by_length::{ByLength, Length};
pub use exhaustive::{Exhaustive, Objective};
pub use interference_aware::InterferenceAware;
pub use lucb::Lucb;
pub use original::Original;
pub use race::{Bound, Race};
pub use random::Random;
pub use sequential_halving::SequentialHalving;
pub use successive_rejects::SuccessiveRejects;
pub use thompson::Thompson;
pub use ucb_e::UcbE;

use serde::{Deserialize, Serialize};

use crate::{LossOracle, OracleError, Selection};

/// A rule that chooses one arm.
pub trait Selector {
    /// Chooses; every random draw comes from `seed`.
    ///
    /// # Errors
    /// Passes on what kept the oracle from answering, and refuses an oracle without arms or a loss that is not a
    /// number.
    fn select(&self, oracle: &mut dyn LossOracle, seed: u64) -> Result<Selection, OracleError>;
}

/// Makes the enum of all rules, and what can be asked of it, from one line a rule.
macro_rules! registry {
    (
        plain { $($(#[$plain_doc:meta])* $plain:ident = $plain_name:literal => $rule:expr,)* }
        with_parameters { $($(#[$doc:meta])* $variant:ident = $name:literal,)* }
    ) => {
        /// A rule by its name, with its parameters.
        ///
        /// A rule without parameters is written as its name (`"exhaustive"`), any other as a map from its name to those
        /// parameters that differ from the default (`{"race": {"delta": 0.01}}`, in TOML `{ race = { delta = 0.01 }
        /// }`). Written back, all parameters stand there, so that a stored configuration keeps its meaning if a default
        /// changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        pub enum SelectorConfig {
            $($(#[$plain_doc])* $plain,)*
            $($(#[$doc])* $variant($variant),)*
        }

        impl SelectorConfig {
            /// Every rule, with its default parameters.
            pub fn all() -> Vec<Self> {
                vec![$(Self::$plain,)* $(Self::$variant($variant::default()),)*]
            }

            /// The rule's name.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$plain => $plain_name,)*
                    $(Self::$variant(_) => $name,)*
                }
            }

            /// The rule itself.
            pub fn build(self) -> Box<dyn Selector> {
                match self {
                    $(Self::$plain => Box::new($rule),)*
                    $(Self::$variant(rule) => Box::new(rule),)*
                }
            }
        }
    };
}

registry! {
    plain {
        /// Every arm on every example; the lowest mean wins (the paper).
        Exhaustive = "exhaustive" => Exhaustive(Objective::Lowest),
        /// Every arm on every example; the highest mean wins (the paper's control, SAPP).
        Worst = "worst" => Exhaustive(Objective::Highest),
        /// The original instruction, arm 0; nothing is asked.
        Original = "original" => Original,
        /// An arm drawn by the seed; nothing is asked.
        Random = "random" => Random,
        /// The shortest wording; nothing is asked.
        Shortest = "shortest" => ByLength(Length::Shortest),
        /// The longest wording; nothing is asked.
        Longest = "longest" => ByLength(Length::Longest),
    }
    with_parameters {
        /// All arms on more and more examples; an arm that is surely behind drops out.
        Race = "race",
        /// Half of the arms drop out after each of log2 K rounds of equal cost.
        SequentialHalving = "sequential-halving",
        /// The worst arm drops out after each of K - 1 phases.
        SuccessiveRejects = "successive-rejects",
        /// The leader and its likeliest rival are asked until their intervals part.
        Lucb = "lucb",
        /// The arm of the lowest optimistic estimate is asked until the budget is spent.
        UcbE = "ucb-e",
        /// The rival that looks best in a random draw from what is known is asked, beside the leader.
        Thompson = "thompson",
        /// A race, whose last few arms are compared by their loss and by what they would do to earlier tasks.
        InterferenceAware = "interference-aware",
    }
}

impl Default for SelectorConfig {
    /// The rule that is taken where none is given (`docs/experiments.md`, selectors, says why).
    fn default() -> Self {
        Self::Race(Race::default())
    }
}

impl std::str::FromStr for SelectorConfig {
    type Err = String;

    /// The rule of this name with its default parameters.
    fn from_str(name: &str) -> Result<Self, String> {
        let known = || Self::all().iter().map(Self::name).collect::<Vec<_>>().join(", ");
        let rule = Self::all().into_iter().find(|rule| rule.name() == name);
        rule.ok_or_else(|| format!("there is no selector `{name}`; there are {}", known()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_without_parameters_is_written_as_its_name() {
        for rule in SelectorConfig::all() {
            let written = serde_json::to_value(rule).unwrap();
            let name = written.as_str().or_else(|| written.as_object()?.keys().next().map(String::as_str));
            assert_eq!(name, Some(rule.name()));
            assert_eq!(serde_json::from_value::<SelectorConfig>(written).unwrap(), rule);
            assert_eq!(rule.name().parse(), Ok(rule));
        }
        assert_eq!(serde_json::to_string(&SelectorConfig::Exhaustive).unwrap(), "\"exhaustive\"");
        assert!("halving".parse::<SelectorConfig>().unwrap_err().contains("sequential-halving"));
    }

    #[test]
    fn parameters_left_out_are_the_defaults_and_unknown_ones_are_refused() {
        #[derive(Deserialize)]
        struct Config {
            selector: SelectorConfig,
        }
        let config: Config = toml::from_str("selector = { race = {} }").unwrap();
        assert_eq!(config.selector, SelectorConfig::Race(Race::default()));
        for rule in
            SelectorConfig::all().iter().filter(|rule| serde_json::to_value(rule).unwrap().is_object())
        {
            let wrong = format!("{{\"{}\": {{\"no-such-parameter\": 1}}}}", rule.name());
            assert!(serde_json::from_str::<SelectorConfig>(&wrong).is_err(), "{wrong}");
        }
    }
}
