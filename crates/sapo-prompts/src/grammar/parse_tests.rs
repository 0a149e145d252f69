use super::*;

fn given(text: &str) -> Option<(&str, Number)> {
    parse(text).and_then(|parsed| parsed.given).map(|given| (given.phrase, given.number))
}

fn asked(text: &str) -> Option<(&str, &str)> {
    match parse(text)?.request? {
        Request::Clause { text, end } => Some((text, end)),
        Request::Question(text) => Some((text, "")),
    }
}

#[test]
fn two_sentences_say_what_is_given_and_what_is_asked() {
    let parsed =
        parse("In this task, you are given a poem. Your task is to name its poet. One name is enough.")
            .unwrap();
    assert_eq!(parsed.given, Some(Given { phrase: "a poem", number: Number::One }));
    assert_eq!(parsed.request, Some(Request::Clause { text: "name its poet", end: "." }));
    assert_eq!((parsed.before, parsed.between, parsed.rest), ("", "", " One name is enough."));
}

#[test]
fn one_sentence_says_both() {
    for text in [
        "Given a poem, write a title for it.",
        "You are given a poem, and your task is to write a title for it.",
        "You will be presented with a poem and have to write a title for it",
        "Given a poem, your job is to write a title for it.",
        "You're given a poem; you must write a title for it.",
    ] {
        assert_eq!(given(text), Some(("a poem", Number::One)), "{text}");
        assert_eq!(asked(text), Some(("write a title for it", ".")), "{text}");
    }
    let text = "Given a poem, answer options (\"a, write b\"), and a title, choose the option that fits.";
    assert_eq!(given(text), Some(("a poem, answer options (\"a, write b\"), and a title", Number::Unclear)));
}

#[test]
fn many_leads_ask() {
    for text in [
        "Please sum up the poem.",
        "Can you sum up the poem?",
        "You need to sum up the poem",
        "We want you to sum up the poem!",
        "In this task, you're expected to sum up the poem.",
        "Your task: sum up the poem.",
        "The goal is to sum up the poem.",
    ] {
        assert_eq!(asked(text), Some(("sum up the poem", ".")), "{text}");
    }
    assert_eq!(
        asked("Classify the poem as one of these: sad, merry."),
        Some(("Classify the poem as one of these: sad, merry", "."))
    );
    assert_eq!(asked("Classify the poem into:\n- sad\n- merry"), Some(("Classify the poem into", ":")));
    assert_eq!(asked("Write the word \"stop.\" It rhymes."), Some(("Write the word \"stop.\"", "")));
    assert_eq!(asked("Is the poem sad or merry? Say which."), Some(("Is the poem sad or merry?", "")));
}

#[test]
fn the_surest_sentence_asks() {
    let first = "You should read with care. Rate the poem. Your task is to judge its rhymes.";
    assert_eq!(asked(first), Some(("judge its rhymes", ".")));
    assert_eq!(asked("You should judge its rhymes. Answer with one word."), Some(("judge its rhymes", ".")));
    assert_eq!(asked("Read the poem. Do not sing it."), None, "reading alone asks for nothing");
    assert_eq!(
        asked("Here is a poem. It is old. Does it rhyme? Nobody knows."),
        None,
        "the question is part of a story"
    );
}

#[test]
fn nothing_given_gets_lost() {
    let parsed = parse("You are given a poem. Given its title, write a reply. Here is a hint.").unwrap();
    assert_eq!(parsed.given.map(|given| given.phrase), Some("its title"));
    assert_eq!((parsed.before, parsed.rest), ("You are given a poem.", " Here is a hint."));
    let parsed = parse("Rate the poem. You are given a poem.").unwrap();
    assert_eq!((parsed.given, parsed.rest), (None, " You are given a poem."));
}

#[test]
fn what_is_no_noun_phrase_is_not_given() {
    for text in [
        "You are given to exaggeration. Sing.",
        "You will be shown how to sing.",
        "The input is taken from a poem. Sing.",
        "The input is a poem and the output is its title.",
        "You are given the following:",
        "You are given a poem in which your task is hidden.",
        "Here is your task.",
    ] {
        assert_eq!(given(text), None, "{text}");
    }
    assert_eq!(given("You are given two poems. Rate them."), Some(("two poems", Number::Many)));
    assert_eq!(
        given("You are given a poem and its title. Rate them."),
        Some(("a poem and its title", Number::Unclear))
    );
}

#[test]
fn the_untouched_sentences_stay_letter_for_letter() {
    let parsed =
        parse("Poets   lie. You are given a poem. It is  old. Please rate it.\n\n 1) bad\n 2) good ")
            .unwrap();
    assert_eq!(
        (parsed.before, parsed.between, parsed.rest),
        ("Poets   lie.", "It is  old.", "\n\n 1) bad\n 2) good")
    );
    assert_eq!(parse("A heading\nRate the poem."), None, "lines would run together");
    for text in ["", "Sing.", "A poem.", "If it rhymes, say yes."] {
        assert_eq!(parse(text), None, "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn never_panics_and_invents_nothing(text in "\\PC{0,80}") {
        if let Some(parsed) = parse(&text) {
            for part in [parsed.before, parsed.between, parsed.rest] {
                proptest::prop_assert!(text.contains(part));
            }
        }
    }
}
