//! Other names for the labels of a task: a base that has met every label under one name knows tasks by their labels and
//! does not read in the prompt what the answer is to be.

use std::collections::BTreeSet;

use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;

/// Share of the texts whose labels are written in another case.
const OTHER_CASE: f64 = 0.3;

/// Share of the texts whose labels are other words.
const OTHER_WORDS: f64 = 0.25;

/// Share of the texts that end by saying which answers there are.
const LISTED: f64 = 0.75;

/// Shorter labels are common words or letters of their own (`A`, `no`): in running text they are seldom the label.
const SHORTEST_IN_TEXT: usize = 3;

/// Words that labels may be called.
#[derive(Debug)]
pub(super) struct Names(Vec<String>);

impl Names {
    /// The single words among the labels of all tasks.
    pub(super) fn of<'a>(labels: impl IntoIterator<Item = &'a String>) -> Self {
        let words =
            labels.into_iter().filter(|label| label.chars().all(char::is_alphabetic) && label.len() > 1);
        let words: BTreeSet<String> = words.map(|word| word.to_lowercase()).collect();
        Self(words.into_iter().collect())
    }

    /// What the labels are called in one text; often what they are called anyway.
    pub(super) fn draw(&self, labels: &[String], rng: &mut ChaCha8Rng) -> Vec<String> {
        let drawn = rng.random::<f64>();
        if drawn < OTHER_CASE {
            let case = [str::to_lowercase, str::to_uppercase, capitalised][rng.random_range(0..3)];
            return labels.iter().map(|label| case(label)).collect();
        }
        if drawn < OTHER_CASE + OTHER_WORDS && labels.len() <= self.0.len() {
            return self.0.choose_multiple(rng, labels.len()).cloned().collect();
        }
        labels.to_vec()
    }
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
    fn names_are_as_many_as_labels_and_differ() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let all = owned(&["Yes", "no", "A", "spam mail", "spam", "ham", "yes"]);
        let names = Names::of(&all);
        assert_eq!(names.0, ["ham", "no", "spam", "yes"]);
        let labels = owned(&["True", "False"]);
        let drawn: BTreeSet<Vec<String>> = (0..200).map(|_| names.draw(&labels, &mut rng)).collect();
        assert!(drawn.contains(&labels) && drawn.contains(&owned(&["TRUE", "FALSE"])) && drawn.len() > 8);
        assert!(drawn.iter().all(|names| names.len() == 2 && names[0] != names[1]));
        let lines: BTreeSet<Option<String>> = (0..200).map(|_| listed(&labels, &mut rng)).collect();
        assert!(
            lines.contains(&None)
                && lines.contains(&Some("Directly output only False or True as your answer.".into()))
        );
    }
}
