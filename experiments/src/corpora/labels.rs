//! Other names for the labels of a task: a base that has met every label under one name knows tasks by their labels and
//! does not read in the prompt what the answer is to be.
//!
//! A label is only called what means the same. Unrelated words would be noise: nothing in the prompt says which stands
//! for which.

use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;

/// Share of the texts whose labels are written in another case.
const OTHER_CASE: f64 = 0.2;

/// Share of the texts whose labels are other words, where any mean the same.
const OTHER_WORDS: f64 = 0.5;

/// Share of the texts that end by saying which answers there are.
const LISTED: f64 = 0.75;

/// Shorter labels are common words or letters of their own (`A`, `no`): in running text they are seldom the label.
const SHORTEST_IN_TEXT: usize = 3;

/// Sets of labels that mean the same, each in the same order.
const SAME: [&[&[&str]]; 4] = [
    &[
        &["negative", "positive"],
        &["bad", "good"],
        &["NEG", "POS"],
        &["negative review", "positive review"],
        &["unhappy", "happy"],
        &["dissatisfied", "satisfied"],
        &["unfavorable", "favorable"],
        &["con", "pro"],
    ],
    &[
        &["very negative", "negative", "neutral", "positive", "very positive"],
        &["very bad", "bad", "mixed", "good", "very good"],
        &["terrible", "poor", "average", "good", "excellent"],
        &["1", "2", "3", "4", "5"],
        &["1 star", "2 stars", "3 stars", "4 stars", "5 stars"],
        &["one", "two", "three", "four", "five"],
    ],
    &[&["false", "true"], &["no", "yes"], &["n", "y"], &["wrong", "right"], &["incorrect", "correct"]],
    &[
        &["contradiction", "neutral", "entailment"],
        &["contradicts", "neither", "follows"],
        &["no", "maybe", "yes"],
    ],
];

/// What the labels are called in one text; often what they are called anyway.
pub(super) fn draw(labels: &[String], rng: &mut ChaCha8Rng) -> Vec<String> {
    let drawn = rng.random::<f64>();
    let mut names = labels.to_vec();
    if drawn < OTHER_WORDS
        && let Some(same) = same_meaning(labels)
        && let Some(chosen) = same.choose(rng)
    {
        names.clone_from(chosen);
    }
    if rng.random::<f64>() < OTHER_CASE {
        let case = [str::to_lowercase, str::to_uppercase, capitalised][rng.random_range(0..3)];
        names = names.iter().map(|name| case(name)).collect();
    }
    names
}

/// All ways to call these labels, in their order; nothing where none is known. Case does not count.
fn same_meaning(labels: &[String]) -> Option<Vec<Vec<String>>> {
    SAME.iter().find_map(|sets| {
        let places = sets.iter().find_map(|set| {
            let place = |label: &String| set.iter().position(|known| known.eq_ignore_ascii_case(label));
            let places: Option<Vec<usize>> = labels.iter().map(place).collect();
            places.filter(|_| labels.len() == set.len())
        })?;
        Some(sets.iter().map(|set| places.iter().map(|&place| set[place].to_string()).collect()).collect())
    })
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The text with every label called by its name. Labels of a letter or two are left where they stand without quotes.
pub(super) fn renamed(text: &str, labels: &[String], names: &[String]) -> String {
    let mut result = String::new();
    let mut rest = text;
    let mut before = None;
    while let Some(next) = rest.chars().next() {
        let found = labels
            .iter()
            .zip(names)
            .filter(|(label, _)| begins_with(rest, label, before))
            .max_by_key(|(label, _)| label.len());
        let taken = match found {
            Some((label, name)) => {
                result.push_str(name);
                label.len()
            }
            None => {
                result.push(next);
                next.len_utf8()
            }
        };
        before = rest[..taken].chars().next_back();
        rest = &rest[taken..];
    }
    result
}

/// Whether the label stands at the beginning of `rest` as a word of its own.
fn begins_with(rest: &str, label: &str, before: Option<char>) -> bool {
    let Some(after) = rest.strip_prefix(label) else { return false };
    let after = after.chars().next();
    let apart = |neighbour: Option<char>| neighbour.is_none_or(|c| !c.is_alphanumeric());
    let quoted = |neighbour: Option<char>| {
        neighbour.is_some_and(|c| matches!(c, '"' | '\'' | '“' | '”' | '(' | ')' | '`'))
    };
    let (fits, long) = (apart(before) && apart(after), label.chars().count() >= SHORTEST_IN_TEXT);
    !label.is_empty() && fits && (long || (quoted(before) && quoted(after)))
}

/// The last line of a prompt that says which answers there are, in any order; sometimes none.
pub(super) fn listed(names: &[String], rng: &mut ChaCha8Rng) -> Option<String> {
    if rng.random::<f64>() >= LISTED {
        return None;
    }
    let mut names = names.to_vec();
    names.shuffle(rng);
    let list = names.join(if rng.random::<f64>() < 0.7 { " or " } else { ", " });
    let one_of = if names.len() > 3 && rng.random::<f64>() < 0.5 { "one of " } else { "" };
    Some(format!("Directly output only {one_of}{list} as your answer."))
}

/// The last line of a prompt whose answer is free text; sometimes none.
pub(super) fn free(rng: &mut ChaCha8Rng) -> Option<String> {
    let lines = ["Directly output your answer.", "Answer:", "Directly output only the answer.", "Output:"];
    (rng.random::<f64>() < LISTED).then(|| lines[rng.random_range(0..lines.len())].to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng;

    use super::*;

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn labels_are_renamed_where_they_are_words() {
        let (labels, names) = (owned(&["positive", "not positive", "A"]), owned(&["up", "down", "X"]));
        assert_eq!(
            renamed("Say \"positive\", not positive, or 'A'. A positively odd: positive", &labels, &names),
            "Say \"up\", down, or 'X'. A positively odd: up"
        );
        assert_eq!(renamed("négatif → positive", &labels, &names), "négatif → up");
        // both at once: no name is taken for a label again
        let (labels, names) = (owned(&["true", "false"]), owned(&["false", "true"]));
        assert_eq!(renamed("true or false", &labels, &names), "false or true");
    }

    #[test]
    fn names_mean_the_same_as_the_labels_and_keep_their_order() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let all = |labels: &[&str], rng: &mut ChaCha8Rng| -> BTreeSet<Vec<String>> {
            (0..500).map(|_| draw(&owned(labels), rng)).collect()
        };
        let names = all(&["Good", "Bad"], &mut rng);
        for expected in [["Good", "Bad"], ["positive", "negative"], ["POS", "NEG"], ["yes", "no"]] {
            let there = names.contains(&owned(&expected));
            assert_eq!(there, expected[0] != "yes", "{expected:?} in {names:?}");
        }
        assert!(
            names.iter().all(|names| !["negative", "bad", "NEG"].contains(&names[0].as_str())),
            "{names:?}"
        );
        let entailment = all(&["entailment", "contradiction"], &mut rng);
        assert!(
            entailment.iter().all(|names| names[0].to_lowercase() == "entailment"),
            "a part of a set is none"
        );
        // nothing means the same as a topic: it is written in other ways
        let topics = all(&["World", "Sports"], &mut rng);
        let expected = [["SPORTS", "WORLD"], ["Sports", "World"], ["sports", "world"]]
            .map(|names| owned(&[names[1], names[0]]));
        assert_eq!(topics, BTreeSet::from(expected));

        let labels = owned(&["True", "False"]);
        let lines: BTreeSet<Option<String>> = (0..200).map(|_| listed(&labels, &mut rng)).collect();
        assert!(
            lines.contains(&None)
                && lines.contains(&Some("Directly output only False or True as your answer.".into()))
        );
    }
}
