//! The named streams: which families, in which order.

use super::{Family, Sizes, family};
use crate::TaskStream;

/// A built-in family or stream that cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuiltinError {
    /// No stream has this name.
    #[error("built-in stream: expected one of {}, got {name:?}", STREAMS.map(|(name, _)| name).join(", "))]
    UnknownStream {
        /// What was asked for.
        name: String,
    },
    /// A stream names a family that does not exist.
    #[error("built-in stream {stream}: expected the name of a family, got {family:?}")]
    UnknownFamily {
        /// The stream.
        stream: &'static str,
        /// The name without a family.
        family: &'static str,
    },
}

/// Five tasks each. `g`: generation, `c`: classification, `m`: both, in turn. The `m` streams take up families of the
/// `g` and `c` streams in new company; the `dev` streams, for choosing settings, share no family with the others.
const STREAMS: [(&str, [&str; 5]); 9] = [
    ("g1", ["object-in-sentence", "keep-numbers", "swap-ends", "iso-date", "word-before-stop"]),
    ("g2", ["smallest-number", "remove-repeats", "code-digits", "replace-numbers", "translate-last"]),
    ("c1", ["topic", "number-over-fifty", "warm-or-cool", "toy-animal-or-food", "which-is-food"]),
    ("c2", ["same-kind", "rising-or-falling", "mood", "contains-name", "older-person"]),
    ("m1", ["topic", "smallest-number", "same-kind", "iso-date", "older-person"]),
    ("m2", ["swap-ends", "mood", "code-digits", "which-is-food", "replace-numbers"]),
    ("dev-g", ["drop-last", "year-of-date", "plural", "record-food", "country-of-city"]),
    ("dev-c", ["contains-food", "half-of-year", "formal-or-casual", "city-or-country", "buy-again"]),
    ("dev-m", ["year-of-date", "contains-food", "drop-last", "formal-or-casual", "plural"]),
];

/// The names of the streams.
pub fn stream_names() -> &'static [&'static str] {
    const NAMES: [&str; STREAMS.len()] = {
        let mut names = [""; STREAMS.len()];
        let mut i = 0;
        while i < names.len() {
            names[i] = STREAMS[i].0;
            i += 1;
        }
        names
    };
    &NAMES
}

/// The stream of this name; every task's rows are drawn by `seed`.
///
/// # Errors
/// The name is none of [`stream_names`].
pub fn stream(name: &str, seed: u64, sizes: Sizes) -> Result<TaskStream, BuiltinError> {
    let (stream, members) = STREAMS
        .into_iter()
        .find(|(known, _)| *known == name)
        .ok_or_else(|| BuiltinError::UnknownStream { name: name.to_owned() })?;
    let member = |wanted: &'static str| -> Result<&'static Family, BuiltinError> {
        family(wanted).ok_or(BuiltinError::UnknownFamily { stream, family: wanted })
    };
    let tasks =
        members.into_iter().map(|wanted| Ok(member(wanted)?.task(seed, sizes))).collect::<Result<_, _>>()?;
    Ok(TaskStream { name: name.to_owned(), tasks })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::TaskKind;
    use crate::builtin::{Role, families};

    const SIZES: Sizes = Sizes { train: 4, dev: 2, test: 4 };

    #[test]
    fn every_stream_has_five_different_stream_families_of_its_kind() {
        for name in stream_names() {
            let tasks = stream(name, 1, SIZES).unwrap().tasks;
            let names: HashSet<_> = tasks.iter().map(|task| task.name.as_str()).collect();
            assert_eq!(names.len(), 5, "{name}");
            assert!(names.iter().all(|n| family(n).unwrap().role == Role::Stream), "{name}");
            let generation = tasks.iter().filter(|task| task.kind == TaskKind::Generation).count();
            match name.trim_start_matches("dev-").chars().next().unwrap() {
                'g' => assert_eq!(generation, 5),
                'c' => assert_eq!(generation, 0),
                _ => assert!((2..=3).contains(&generation), "{name}"),
            }
        }
    }

    #[test]
    fn dev_streams_share_no_family_with_the_others_and_every_stream_family_is_used() {
        let of = |dev: bool| -> HashSet<&str> {
            STREAMS.iter().filter(|(name, _)| name.starts_with("dev-") == dev).flat_map(|(_, m)| *m).collect()
        };
        assert!(of(true).is_disjoint(&of(false)));
        let used: HashSet<_> = of(true).union(&of(false)).copied().collect();
        let all: HashSet<_> = families().iter().filter(|f| f.role == Role::Stream).map(|f| f.name).collect();
        assert_eq!(used, all);
    }

    #[test]
    fn an_unknown_stream_names_the_known_ones() {
        let error = stream("g9", 1, SIZES).unwrap_err().to_string();
        assert!(error.contains("g1, g2, c1") && error.contains("\"g9\""), "{error}");
    }
}
