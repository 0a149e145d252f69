use proptest::strategy::Strategy;

use super::*;
use crate::grammar::wrap;
use crate::{Origin, PoolDiversity, PromptPool, PromptVariant};

const POEM: &str = "In this task, you are given a short poem. Your task is to classify the poem as \
                    \"sad\" or \"merry\" based on its mood. Answer with one word.";
const TITLE: &str = "Given a recipe, write a short summary of it in one sentence. Do not name the cook.";
const ODD: &str =
    "You will be given a list of tools. You need to find the word that does not belong to the others.";
const QUESTION: &str = "Is the guest happy or sad?";
const PLAIN: &str = "Translate the proverb into Danish.";

fn made(instruction: &str, labels: &[&str], count: usize, seed: u64) -> Vec<Rewrite> {
    let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
    rewrite(&RewriteRequest { instruction, labels: &labels }, count, seed)
}

fn texts(instruction: &str, labels: &[&str], count: usize, seed: u64) -> Vec<String> {
    made(instruction, labels, count, seed).into_iter().map(|rewrite| rewrite.text).collect()
}

#[test]
fn a_seed_decides_and_more_begins_with_the_same() {
    let all = made(POEM, &["sad", "merry"], 40, 3);
    assert_eq!(all.len(), 40);
    assert_eq!(all[..15], made(POEM, &["sad", "merry"], 15, 3)[..]);
    assert_ne!(all, made(POEM, &["sad", "merry"], 40, 4));
    let forms: HashSet<_> = all.iter().map(|rewrite| normal_form(&rewrite.text)).collect();
    assert_eq!(forms.len(), 40);
    assert!(!forms.contains(&normal_form(POEM)));
}

#[test]
fn a_question_at_the_end_of_a_request_keeps_its_mark() {
    for text in texts("Please work out the answer: Is the guest happy or sad?", &["happy", "sad"], 30, 0) {
        assert!(text.contains("s the guest happy or sad?") && !text.contains("??"), "{text}");
    }
}

#[test]
fn a_sample_to_read() {
    let expected = [
        (
            "duty, on the basis of for based on",
            "The input consists of a short poem. You need to classify the poem as \"sad\" or \"merry\" on the basis \
             of its mood. Answer with one word.",
        ),
        (
            "imperative, label, opening, note, closing",
            "Here is a task for you. You receive a short poem. Label the poem as \"sad\" or \"merry\" based on its \
             mood. Important: Answer with one word. Thank you.",
        ),
        (
            "terse, tag, one sentence, opening",
            "You are an expert annotator. Given: a short poem. To do: tag the poem as \"sad\" or \"merry\" based on \
             its mood. Answer with one word.",
        ),
    ];
    let expected = expected.map(|(rule, text)| Rewrite { text: text.into(), rule: rule.into() });
    assert_eq!(made(POEM, &["sad", "merry"], 3, 0), expected);
    let questions = texts(QUESTION, &["happy", "sad"], 50, 0);
    assert!(
        questions
            .iter()
            .any(|text| text.contains(" settle the following question: Is the guest happy or sad?"))
    );
    assert!(
        questions
            .iter()
            .any(|text| text.starts_with("Is the guest happy or sad?") || text.contains(". Is the guest"))
    );
}

#[test]
fn few_rewrites_use_many_manners_and_verbs() {
    let rules: Vec<String> = made(TITLE, &[], 20, 1).into_iter().map(|rewrite| rewrite.rule).collect();
    let manners: HashSet<_> = rules.iter().filter_map(|rule| rule.split(", ").next()).collect();
    assert!(manners.len() >= 8, "{manners:?}");
    let verbs = ["generate", "produce", "create", "compose", "provide", "give"];
    assert!(verbs.iter().all(|verb| rules.iter().any(|rule| rule.contains(verb))), "{rules:?}");
}

#[test]
fn what_others_depend_on_stays() {
    let text = "You are given a passage from a {novel}. Choose the answer option: 'Short Answer' or 'no rating'. \
                Note the error.";
    for text in texts(text, &["Short Answer", "no rating"], 100, 5) {
        for kept in ["{novel}", "'Short Answer' or 'no rating'", "Note the error."] {
            assert!(text.contains(kept), "{text}");
        }
    }
    // The rules ask for reasons, so no remark forbids them.
    for text in texts("Rate the poem from 1 to 5. Explain your choice.", &[], 200, 0) {
        assert!(!text.contains("Do not explain") && !text.contains("Write nothing"), "{text}");
    }
    // Rules that speak of what was said before stay behind it.
    for text in texts("Rate the poem from 1 to 5. Then explain it.", &[], 200, 0) {
        assert!(text.find("Then explain it.") > text.find("the poem from 1 to 5"), "{text}");
    }
    // Nothing may follow a list.
    for text in texts("Classify the poem into:\n- sad\n- merry", &["sad", "merry"], 100, 0) {
        assert!(text.ends_with("into:\n- sad\n- merry"), "{text}");
    }
}

#[test]
fn other_languages_keep_their_own_words() {
    let chinese = "判断以下诗歌的情感，选择一项：A.悲伤，B.快乐。输出A或者B。";
    let all = texts(chinese, &["A", "B"], 50, 0);
    assert_eq!(all.len(), 50);
    assert!(all.iter().all(|text| text.contains(chinese) && !text.contains("Please")));
    let german = "Fasse das Gedicht in einem Satz zusammen.";
    let all = texts(german, &[], 50, 0);
    assert!(!all.is_empty() && all.iter().all(|text| text.contains(german) && !text.contains("Please")));
    assert!(texts(" \n", &[], 5, 0).is_empty());
}

#[test]
fn rewrites_differ_more_than_wrappings() {
    let spread = |instruction: &str, texts: Vec<String>| {
        let origin = || Origin::original();
        let variant = |(at, text)| PromptVariant {
            id: format!("p{at}"),
            text: Instruction::new(text),
            origin: origin(),
        };
        let variants = texts.into_iter().enumerate().map(variant).collect();
        let pool = PromptPool::new(Instruction::new(instruction), vec![], variants).unwrap();
        PoolDiversity::of(&pool).pairs.unwrap().mean
    };
    for (instruction, more) in [(POEM, 0.1), (TITLE, 0.1), (ODD, 0.1), (PLAIN, 0.02), (QUESTION, 0.0)] {
        for seed in 0..3 {
            let rewritten = spread(instruction, texts(instruction, &[], 20, seed));
            let wrapped = spread(instruction, wrap(instruction, 20, seed));
            assert!(rewritten > wrapped + more, "{instruction}: {rewritten} {wrapped}");
        }
    }
}

/// Instructions of parts that the grammar knows, labels of words that it would change.
fn instructions() -> impl Strategy<Value = String> {
    const SENTENCES: &[&str] = &[
        "In this task, you are given a short passage.",
        "Given an error and a {mark}, find the number of words in it, and write 'a passage'.",
        "Your task is to classify the given tweet as \"given\" or \"task\"",
        "You need to write a summary of the movie in a sentence!",
        "Is the reply an answer or a rating?",
        "Answer with Yes. or no; such that the reply is short.",
        "Please choose one:\n1) your task\n2) the error",
        "判断A或者B。",
        "\"Unclosed (quote <mask> is ____ here.",
    ];
    proptest::collection::vec(proptest::sample::select(SENTENCES), 1..5)
        .prop_map(|sentences| sentences.join(" "))
}

fn check(
    instruction: &str,
    labels: &[String],
    seed: u64,
) -> Result<(), proptest::test_runner::TestCaseError> {
    let request = RewriteRequest { instruction, labels };
    let all = rewrite(&request, 12, seed);
    let guard = Guard::new(&Instruction::new(instruction), labels);
    let mut earlier: Vec<(&str, &str)> = Vec::new();
    for made in &all {
        proptest::prop_assert_eq!(guard.check(&made.text, earlier.iter().copied()), vec![]);
        proptest::prop_assert!(!made.rule.is_empty());
        earlier.push(("earlier", &made.text));
    }
    proptest::prop_assert_eq!(all, rewrite(&request, 12, seed));
    Ok(())
}

proptest::proptest! {
    #[test]
    fn random_texts_keep_labels_and_marks(
        text in "\\PC{0,80}", labels in proptest::collection::vec("\\PC{0,6}", 0..3), seed: u64
    ) {
        check(&text, &labels, seed)?;
    }

    #[test]
    fn known_sentences_keep_labels_and_marks(
        text in instructions(), picks in proptest::collection::vec((0usize..200, 1usize..4), 0..4), seed: u64
    ) {
        // Labels are runs of the instruction's own words: also of its leads, verbs and nouns.
        let words: Vec<&str> = text.split_whitespace().collect();
        let label = |(at, length): &(usize, usize)| {
            let at = at % words.len();
            words[at..(at + length).min(words.len())].join(" ")
        };
        let labels: Vec<String> = picks.iter().map(label).collect();
        check(&text, &labels, seed)?;
    }
}
