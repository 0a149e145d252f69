//! A configuration as one list.

use std::collections::BTreeMap;

use serde_json::Value;

/// The parts of a value by their keys joined by dots; a list counts as one, and so does an object without keys.
pub(crate) fn flat(value: &Value) -> BTreeMap<String, Value> {
    fn add(prefix: &str, value: &Value, into: &mut BTreeMap<String, Value>) {
        match value {
            Value::Object(map) if !map.is_empty() => {
                for (key, value) in map {
                    let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                    add(&key, value, into);
                }
            }
            other => drop(into.insert(prefix.to_owned(), other.clone())),
        }
    }
    let mut into = BTreeMap::new();
    add("", value, &mut into);
    into
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_joined_and_nothing_is_lost() {
        let found = flat(&json!({"train": {"epochs": 3, "lists": [1, 2]}, "none": {}, "seed": 1}));
        let pairs: Vec<(&str, &Value)> = found.iter().map(|(key, value)| (key.as_str(), value)).collect();
        let lists = json!([1, 2]);
        assert_eq!(
            pairs,
            [("none", &json!({})), ("seed", &json!(1)), ("train.epochs", &json!(3)), ("train.lists", &lists)]
        );
    }
}
