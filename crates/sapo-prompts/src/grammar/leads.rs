//! The words with which instructions lead in what is given and what is asked.

/// What may stand before any of the leads.
#[rustfmt::skip]
const SCENES: &[&str] = &[
    "in this task, ", "in this task ", "for this task, ", "in this problem, ", "in this exercise, ", "here, ",
    "now, ", "in this question, ", "in this dataset, ", "so, ",
];

const RECEIVERS: &[&str] =
    &["you are ", "you're ", "you will be ", "you'll be ", "you have been ", "we are "];
const GIVINGS: &[&str] = &["given ", "presented with ", "provided with ", "provided ", "shown "];
/// Further leads of what is given.
#[rustfmt::skip]
const OFFERS: &[&str] = &[
    "you will see ", "you will get ", "you get ", "you will receive ", "you receive ", "here is ",
    "here are ", "below is ", "below are ", "the input is ", "the input consists of ",
];

const DUTY_NAMES: &[&str] = &["task", "job", "goal", "objective", "aim", "assignment", "duty", "role"];
const DUTY_OWNERS: &[&str] = &["your ", "the ", "this "];
const DUTY_VERBS: &[&str] = &[" is to ", " here is to ", " is simply to ", ": "];

#[rustfmt::skip]
const NEEDS: &[&str] = &[
    "you need to ", "you have to ", "you must ", "you are to ", "you will need to ", "you will have to ",
    "we ask you to ", "we want you to ", "i want you to ", "i would like you to ", "we would like you to ",
    "i need you to ",
];
const CHARGES: &[&str] =
    &["expected to ", "asked to ", "required to ", "supposed to ", "instructed to ", "tasked to "];
/// Leads without "you", after "You are given a text and ...".
const BARE_NEEDS: &[&str] =
    &["need to ", "have to ", "must ", "are to ", "are asked to ", "are expected to ", "should "];

const ADVICE: &[&str] = &["you should "];
const WISHES: &[&str] =
    &["please ", "kindly ", "can you please ", "could you please ", "can you ", "could you "];

/// How surely a sentence is the request of an instruction; the first is the surest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    /// "Your task is to ..."
    Duty,
    /// "You need to ...", "Please ...", or a plain imperative.
    Need,
    /// "You should ...": often a rule.
    Advice,
    /// "Answer with ...": what the answer looks like, seldom what is asked.
    Format,
}

/// `text` without `lead`, which is in lower case, read without case and with either apostrophe.
pub(super) fn strip<'a>(text: &'a str, lead: &str) -> Option<&'a str> {
    let mut rest = text.chars();
    for expected in lead.chars() {
        let c = rest.next()?;
        if c.to_ascii_lowercase() != expected && !(expected == '\'' && c == '’') {
            return None;
        }
    }
    Some(rest.as_str())
}

fn strip_any<'a>(text: &'a str, leads: &[&str]) -> Option<&'a str> {
    leads.iter().find_map(|lead| strip(text, lead))
}

/// `text` without "In this task," and the like.
pub(super) fn without_scene(text: &str) -> &str {
    strip_any(text, SCENES).unwrap_or(text)
}

/// What follows "You are given" or its like.
pub(super) fn given(text: &str) -> Option<&str> {
    let text = without_scene(text);
    let receiver = strip_any(text, RECEIVERS).and_then(|rest| strip_any(rest, GIVINGS));
    receiver.or_else(|| strip_any(text, OFFERS))
}

/// What follows "Your task is to", "You need to" or their like; no plain imperative.
pub(super) fn asked(text: &str) -> Option<(Strength, &str)> {
    let text = without_scene(text);
    let duty = strip_any(text, DUTY_OWNERS)
        .and_then(|rest| strip_any(rest, DUTY_NAMES))
        .and_then(|rest| strip_any(rest, DUTY_VERBS));
    let charge =
        || RECEIVERS.iter().find_map(|lead| strip(text, lead)).and_then(|rest| strip_any(rest, CHARGES));
    let need = || strip_any(text, NEEDS).or_else(charge).or_else(|| strip_any(text, WISHES));
    duty.map(|rest| (Strength::Duty, rest))
        .or_else(|| need().map(|rest| (Strength::Need, rest)))
        .or_else(|| strip_any(text, ADVICE).map(|rest| (Strength::Advice, rest)))
}

/// What follows the lead of a request in the middle of a sentence, where "you" may be left out.
pub(super) fn asked_on(text: &str) -> Option<&str> {
    strip_any(text, BARE_NEEDS).or_else(|| asked(text).map(|(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_is_led_in_many_ways() {
        for text in [
            "In this task, you are given a poem.",
            "You’re given a poem.",
            "in this task you will be presented with a poem.",
            "Here is a poem.",
            "You will see a poem.",
        ] {
            assert_eq!(given(text), Some("a poem."), "{text}");
        }
        assert_eq!(given("You are also given a poem."), None);
    }

    #[test]
    fn requests_are_led_in_many_ways() {
        let expected = [
            (Strength::Duty, "Your task is to sing."),
            (Strength::Duty, "Here, your job is to sing."),
            (Strength::Need, "In this task, you're expected to sing."),
            (Strength::Need, "Please sing."),
            (Strength::Advice, "In this task you should sing."),
        ];
        for (strength, text) in expected {
            assert_eq!(asked(text), Some((strength, "sing.")), "{text}");
        }
        assert_eq!(asked("The task needs care."), None);
        assert_eq!(asked_on("have to sing."), Some("sing."));
    }
}
