//! The named streams: which families, in which order.

use super::{Family, Sizes, family};
use crate::TaskStream;

/// A built-in family or stream that cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuiltinError {
    /// No stream has this name.
    #[error(
        "built-in stream: expected one of {} (in another order: with -b or -c behind it), got {name:?}",
        STREAMS.map(|(name, _)| name).join(", ")
    )]
    UnknownStream {
        /// What was asked for.
        name: String,
    },
    /// A stream names a family that does not exist.
    #[error("built-in stream {stream}: expected the name of a family, got {family:?}")]
    UnknownFamily {
        /// The stream.
        stream: String,
        /// The name without a family.
        family: &'static str,
    },
}

/// Five tasks each. `g`: generation, `c`: classification, `m`: both, in turn. The `m` streams take up families of the
/// `g` and `c` streams in new company; the `dev` streams, for choosing settings, share no family with the others.
const STREAMS: [(&str, [&str; 5]); 10] = [
    ("g1", ["object-in-sentence", "keep-numbers", "swap-ends", "iso-date", "word-before-stop"]),
    ("g2", ["smallest-number", "remove-repeats", "code-digits", "replace-numbers", "translate-last"]),
    ("c1", ["topic", "number-over-fifty", "warm-or-cool", "toy-animal-or-food", "which-is-food"]),
    ("c2", ["same-kind", "rising-or-falling", "mood", "contains-name", "older-person"]),
    ("m1", ["topic", "object-in-sentence", "warm-or-cool", "translate-last", "number-over-fifty"]),
    ("m2", ["swap-ends", "mood", "code-digits", "which-is-food", "replace-numbers"]),
    ("m3", ["topic", "smallest-number", "same-kind", "iso-date", "older-person"]),
    ("dev-g", ["drop-last", "year-of-date", "plural", "record-food", "country-of-city"]),
    ("dev-c", ["contains-food", "half-of-year", "formal-or-casual", "city-or-country", "buy-again"]),
    ("dev-m", ["year-of-date", "contains-food", "drop-last", "formal-or-casual", "plural"]),
];

/// Further orders of a stream, by the ending of its name: which task comes first, second, ...
const ORDERS: [(&str, [usize; 5]); 2] = [("-b", [4, 3, 2, 1, 0]), ("-c", [2, 0, 3, 1, 4])];

/// The names of the streams in their first order; `g1-b` and `g1-c` are further orders of `g1`, and so for every stream.
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

/// The names of the families of a stream in its order.
///
/// # Errors
/// The name is none of [`stream_names`], nor one of them with `-b` or `-c` behind it.
pub fn stream_members(name: &str) -> Result<[&'static str; 5], BuiltinError> {
    let listed =
        |wanted: &str| STREAMS.iter().find(|(known, _)| *known == wanted).map(|(_, members)| *members);
    let reordered = || {
        ORDERS.iter().find_map(|(ending, order)| {
            let members = listed(name.strip_suffix(ending)?)?;
            Some(order.map(|place| members[place]))
        })
    };
    listed(name).or_else(reordered).ok_or_else(|| BuiltinError::UnknownStream { name: name.to_owned() })
}

/// The stream of this name; every task's rows are drawn by `seed`, the same in every order.
///
/// # Errors
/// As [`stream_members`].
pub fn stream(name: &str, seed: u64, sizes: Sizes) -> Result<TaskStream, BuiltinError> {
    let member = |wanted: &'static str| -> Result<&'static Family, BuiltinError> {
        family(wanted).ok_or(BuiltinError::UnknownFamily { stream: name.to_owned(), family: wanted })
    };
    let tasks = stream_members(name)?
        .into_iter()
        .map(|wanted| Ok(member(wanted)?.task(seed, sizes)))
        .collect::<Result<_, _>>()?;
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
    fn an_order_has_the_same_tasks_with_the_same_rows() {
        for name in stream_names() {
            let first = stream(name, 3, SIZES).unwrap();
            let mut orders = vec![stream_members(name).unwrap()];
            for ending in ["-b", "-c"] {
                let other = stream(&format!("{name}{ending}"), 3, SIZES).unwrap();
                assert!(first.tasks.iter().all(|task| other.tasks.contains(task)), "{name}{ending}");
                orders.push(stream_members(&other.name).unwrap());
            }
            assert!(orders.iter().collect::<HashSet<_>>().len() == 3, "{name}");
        }
        assert!(stream("-b", 3, SIZES).is_err() && stream("g1-d", 3, SIZES).is_err());
    }

    #[test]
    fn the_description_lists_the_streams() {
        let described = crate::readers::Benchmark::named("builtin").unwrap();
        assert_eq!(described.version, crate::builtin::VERSION);
        let names: Vec<_> = described.sequences.iter().map(|sequence| sequence.name.as_str()).collect();
        let orders = |name: &&str| [(*name).to_owned(), format!("{name}-b"), format!("{name}-c")];
        assert_eq!(names, stream_names().iter().flat_map(orders).collect::<Vec<_>>());
        for sequence in &described.sequences {
            assert_eq!(sequence.tasks, stream_members(&sequence.name).unwrap());
        }
    }

    #[test]
    fn an_unknown_stream_names_the_known_ones() {
        let error = stream("g9", 1, SIZES).unwrap_err().to_string();
        assert!(error.contains("g1, g2, c1") && error.contains("\"g9\""), "{error}");
    }
}
