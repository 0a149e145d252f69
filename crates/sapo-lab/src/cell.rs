//! One run of a grid, named by the hash of its resolved configuration.
//!
//! The name follows from the configuration alone, so that a finished cell is found again by any process on any machine,
//! and a cell whose configuration changed is a different cell.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use itertools::Itertools;
use sapo_files::checksum;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What can be wrong with a cell or a choice of cells.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CellError {
    /// A configuration has to be an object.
    #[error("a cell's configuration must be a JSON object, got {got}")]
    NotAnObject {
        /// What was given.
        got: String,
    },
    /// An axis is a key of the configuration that holds a string, a number or a boolean.
    #[error("axis `{axis}` must be a string, number or boolean of the configuration, got {got}")]
    NoAxis {
        /// Name of the axis: keys joined by dots.
        axis: String,
        /// What the configuration holds there.
        got: String,
    },
    /// A cell id is 16 hexadecimal digits.
    #[error("a cell id is 16 lower-case hexadecimal digits, got `{got}`")]
    BadId {
        /// What was given.
        got: String,
    },
    /// A choice of cells is `axis=value` pairs.
    #[error("expected axis=value, got `{got}` (example: arm=sapo,seed=3)")]
    BadChoice {
        /// What was given.
        got: String,
    },
    /// A choice names an axis that the grid does not have.
    #[error("no axis `{axis}` in this grid; its axes are {known}")]
    UnknownAxis {
        /// The axis asked for.
        axis: String,
        /// The axes that exist.
        known: String,
    },
    /// A choice names a value that no cell has.
    #[error("no cell of this grid has {axis}={got}; {axis} is {known}")]
    UnknownValue {
        /// The axis.
        axis: String,
        /// The value asked for.
        got: String,
        /// Some of the values that exist.
        known: String,
    },
}

/// The name of a cell: the first 16 hexadecimal digits of the SHA-256 of its canonical configuration.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CellId(String);

impl CellId {
    /// The name of the cell with this configuration; the order of keys does not matter.
    #[must_use]
    pub fn of(config: &Value) -> Self {
        let mut digits = checksum::of_bytes(canonical(config).to_string().as_bytes());
        digits.truncate(16);
        Self(digits)
    }

    /// The 16 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CellId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for CellId {
    type Err = CellError;

    fn from_str(text: &str) -> Result<Self, CellError> {
        let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if text.len() == 16 && digits {
            Ok(Self(text.to_owned()))
        } else {
            Err(CellError::BadId { got: text.to_owned() })
        }
    }
}

impl TryFrom<String> for CellId {
    type Error = CellError;

    fn try_from(text: String) -> Result<Self, CellError> {
        text.parse()
    }
}

impl From<CellId> for String {
    fn from(id: CellId) -> Self {
        id.0
    }
}

/// The same value with the keys of every object sorted.
#[must_use]
pub fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<_, _> =
                map.iter().map(|(key, value)| (key.clone(), canonical(value))).collect();
            Value::Object(sorted.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(canonical).collect()),
        scalar => scalar.clone(),
    }
}

/// A cell to be: its resolved configuration and which of its keys tell it from its neighbours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellSpec {
    config: Value,
    axes: Vec<String>,
    /// What the worker needs to know of this machine; no part of the name.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    local: Value,
}

impl CellSpec {
    /// A cell with this configuration (every default filled in) and these axes, outermost first.
    ///
    /// An axis is a key of the configuration, or keys joined by dots: `arm`, `method.name`.
    ///
    /// # Errors
    /// [`CellError::NotAnObject`], [`CellError::NoAxis`].
    pub fn new(config: impl Serialize, axes: &[&str]) -> Result<Self, CellError> {
        let config = serde_json::to_value(config)
            .map_err(|error| CellError::NotAnObject { got: error.to_string() })?;
        if !config.is_object() {
            return Err(CellError::NotAnObject { got: config.to_string() });
        }
        let cell = Self {
            config: canonical(&config),
            axes: axes.iter().map(|&axis| axis.to_owned()).collect(),
            local: Value::Null,
        };
        for axis in axes {
            if cell.axis(axis).is_none() {
                let got = lookup(&cell.config, axis).map_or("nothing".to_owned(), Value::to_string);
                return Err(CellError::NoAxis { axis: (*axis).to_owned(), got });
            }
        }
        Ok(cell)
    }

    /// The same cell with what its worker needs to know of this machine (folders of models and data). It does not count
    /// in the cell's name: the same cell computed elsewhere is the same cell.
    ///
    /// # Errors
    /// [`CellError::NotAnObject`] where `local` cannot be written as JSON.
    pub fn with_local(mut self, local: impl Serialize) -> Result<Self, CellError> {
        self.local =
            serde_json::to_value(local).map_err(|error| CellError::NotAnObject { got: error.to_string() })?;
        Ok(self)
    }

    /// What [`CellSpec::with_local`] was given; null by default.
    #[must_use]
    pub fn local(&self) -> &Value {
        &self.local
    }

    /// The cell's name.
    #[must_use]
    pub fn id(&self) -> CellId {
        CellId::of(&self.config)
    }

    /// The resolved configuration, keys sorted.
    #[must_use]
    pub fn config(&self) -> &Value {
        &self.config
    }

    /// The value of one axis as text.
    #[must_use]
    pub fn axis(&self, name: &str) -> Option<String> {
        match lookup(&self.config, name)? {
            Value::String(text) => Some(text.clone()),
            scalar @ (Value::Number(_) | Value::Bool(_)) => Some(scalar.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// Every axis with its value, outermost first.
    #[must_use]
    pub fn axes(&self) -> Vec<(&str, String)> {
        self.axes.iter().map(|axis| (axis.as_str(), self.axis(axis).unwrap_or_default())).collect()
    }

    /// Every axis as `arm=sapo`, outermost first.
    #[must_use]
    pub fn pairs(&self) -> Vec<String> {
        self.axes().into_iter().map(|(axis, value)| format!("{axis}={value}")).collect()
    }

    /// The axes in one line: `arm=sapo seed=3`.
    #[must_use]
    pub fn label(&self) -> String {
        self.pairs().join(" ")
    }

    /// Whether it is made with fewer examples than the experiment says.
    #[must_use]
    pub fn limited(&self) -> bool {
        self.config["limited"].as_bool().unwrap_or(false)
    }

    /// The same cell marked as made with `--limit-train` or `--limit-eval`.
    #[must_use]
    pub(crate) fn marked_limited(mut self) -> Self {
        if let Value::Object(map) = &mut self.config {
            map.insert("limited".to_owned(), Value::Bool(true));
        }
        self.config = canonical(&self.config);
        self
    }
}

fn lookup<'a>(config: &'a Value, axis: &str) -> Option<&'a Value> {
    axis.split('.').try_fold(config, |value, key| value.get(key))
}

/// `--only arm=sapo,seed=3`: several values of one axis are alternatives, several axes must all agree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice(BTreeMap<String, Vec<String>>);

impl Choice {
    /// The axes that it names.
    pub fn axes(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether a cell is chosen, given its value of an axis.
    #[must_use]
    pub fn takes<T: AsRef<str>>(&self, value_of: impl Fn(&str) -> Option<T>) -> bool {
        self.0.iter().all(|(axis, values)| {
            value_of(axis).is_some_and(|value| values.iter().any(|taken| taken == value.as_ref()))
        })
    }

    /// Makes sure that every axis and value named is one of the grid, so that a typing error does not choose nothing
    /// silently.
    ///
    /// # Errors
    /// [`CellError::UnknownAxis`], [`CellError::UnknownValue`].
    pub fn check(&self, cells: &[CellSpec]) -> Result<(), CellError> {
        const SHOWN: usize = 20;
        for (axis, values) in &self.0 {
            if !cells.iter().any(|cell| cell.axes.contains(axis)) {
                let known: Vec<_> = cells.first().map(|cell| cell.axes.clone()).unwrap_or_default();
                return Err(CellError::UnknownAxis { axis: axis.clone(), known: known.join(", ") });
            }
            let known: Vec<String> = cells.iter().filter_map(|cell| cell.axis(axis)).unique().collect();
            if let Some(got) = values.iter().find(|value| !known.contains(value)) {
                let more = if known.len() > SHOWN { ", .." } else { "" };
                let known = known[..known.len().min(SHOWN)].join(", ") + more;
                return Err(CellError::UnknownValue { axis: axis.clone(), got: got.clone(), known });
            }
        }
        Ok(())
    }
}

/// As it is written on the command line.
impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs = self.0.iter().flat_map(|(axis, values)| values.iter().map(move |value| (axis, value)));
        write!(f, "{}", pairs.format_with(",", |(axis, value), f| f(&format_args!("{axis}={value}"))))
    }
}

impl FromStr for Choice {
    type Err = CellError;

    fn from_str(text: &str) -> Result<Self, CellError> {
        let mut choice = Self::default();
        for pair in text.split(',') {
            match pair.split_once('=') {
                Some((axis, value)) if !axis.trim().is_empty() && !value.trim().is_empty() => {
                    choice.0.entry(axis.trim().to_owned()).or_default().push(value.trim().to_owned());
                }
                _ => return Err(CellError::BadChoice { got: pair.to_owned() }),
            }
        }
        Ok(choice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn id_is_the_hash_of_the_sorted_compact_json() {
        // printf '{"arm":"sapo","method":{"alpha":32,"r":8},"seed":3}' | sha256sum | cut -c1-16
        let config = json!({"seed": 3, "method": {"r": 8, "alpha": 32}, "arm": "sapo"});
        assert_eq!(CellId::of(&config).as_str(), "c1485b122261f4e1");
        assert_ne!(CellId::of(&config), CellId::of(&json!({"seed": 4, "arm": "sapo"})));
    }

    #[test]
    fn ids_are_checked() {
        assert!("0123456789abcdef".parse::<CellId>().is_ok());
        for bad in ["0123456789ABCDEF", "0123", "../../etc/passwd", "0123456789abcdeg"] {
            assert_eq!(bad.parse::<CellId>(), Err(CellError::BadId { got: bad.to_owned() }));
        }
    }

    #[test]
    fn axes_are_read_from_the_configuration() {
        let cell =
            CellSpec::new(json!({"seed": 3, "method": {"name": "ewc"}}), &["method.name", "seed"]).unwrap();
        assert_eq!(cell.label(), "method.name=ewc seed=3");
        let error = CellSpec::new(json!({"seed": 3}), &["arm"]).unwrap_err();
        assert_eq!(error, CellError::NoAxis { axis: "arm".into(), got: "nothing".into() });
        assert!(matches!(CellSpec::new(json!([1]), &[]), Err(CellError::NotAnObject { .. })));
    }

    #[test]
    fn a_choice_takes_alternatives_within_an_axis_and_agreement_across() {
        let cell = |arm, seed| CellSpec::new(json!({"arm": arm, "seed": seed}), &["arm", "seed"]).unwrap();
        let cells = [cell("sapo", 3), cell("static", 3), cell("sapp", 3), cell("sapo", 4)];
        let choice: Choice = "arm=sapo,arm=static, seed=3".parse().unwrap();
        let taken: Vec<_> = cells.iter().map(|cell| choice.takes(|axis| cell.axis(axis))).collect();
        assert_eq!(taken, [true, true, false, false]);
        assert_eq!(choice.check(&cells), Ok(()));
        let unknown: Choice = "sed=3".parse().unwrap();
        assert_eq!(
            unknown.check(&cells),
            Err(CellError::UnknownAxis { axis: "sed".into(), known: "arm, seed".into() })
        );
        let unknown: Choice = "seed=3,arm=nobody".parse().unwrap();
        assert!(matches!(unknown.check(&cells), Err(CellError::UnknownValue { axis, .. }) if axis == "arm"));
        assert!("arm".parse::<Choice>().is_err());
        assert!("arm=".parse::<Choice>().is_err());
    }

    #[test]
    fn a_limited_cell_is_another_cell() {
        let cell = CellSpec::new(json!({"seed": 3}), &["seed"]).unwrap();
        let limited = cell.clone().marked_limited();
        assert_ne!(cell.id(), limited.id());
        assert_eq!(limited.config()["limited"], json!(true));
    }
}
