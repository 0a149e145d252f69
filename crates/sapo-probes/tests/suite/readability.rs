//! Against textstat. Expected values: tests/fixtures/make_readability.py.

use std::collections::BTreeMap;
use std::path::Path;

use sapo_probes::readability::{count_sentences, count_syllables, count_words, flesch_kincaid_grade};
use serde_json::Value;

/// Words, sentences, syllables, grade.
type Row = (usize, usize, usize, f64);

fn fixture() -> Value {
    serde_json::from_str(include_str!("../fixtures/readability.json")).unwrap()
}

fn row(values: &[Value]) -> Row {
    let count = |place: usize| values[place].as_u64().unwrap() as usize;
    (count(0), count(1), count(2), values[3].as_f64().unwrap())
}

/// Words and sentences must agree; the difference of the syllables is returned, and the grade must follow from them.
fn difference(text: &str, want: Row) -> i64 {
    let (words, sentences, syllables, grade) = want;
    assert_eq!((count_words(text), count_sentences(text)), (words, sentences), "{text}");
    let difference = count_syllables(text) as i64 - syllables as i64;
    if words > 0 {
        let expected = grade + 11.8 * difference as f64 / words as f64;
        let got = flesch_kincaid_grade(text).unwrap();
        assert!((got - expected).abs() < 1e-9, "{text}: {got}, expected {expected}");
    }
    difference
}

#[test]
fn texts_that_are_hard_to_count_are_counted_as_by_textstat() {
    for values in fixture()["texts"].as_array().unwrap() {
        let values = values.as_array().unwrap();
        let text = values[0].as_str().unwrap();
        assert_eq!(difference(text, row(&values[1..])), 0, "{text}");
    }
}

#[test]
fn a_text_without_words_has_no_grade() {
    assert_eq!(flesch_kincaid_grade("... !"), None);
    assert_eq!((count_words(""), count_syllables("")), (0, 0));
}

#[test]
fn five_wordings_of_the_bank_have_other_syllables_than_for_textstat() {
    let bank = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/prompts");
    let mut differences = BTreeMap::new();
    let mut count = 0;
    for (file, rows) in fixture()["bank"].as_object().unwrap() {
        let pool: Value = serde_json::from_str(&std::fs::read_to_string(bank.join(file)).unwrap()).unwrap();
        let variants = pool["variants"].as_array().unwrap();
        assert_eq!(variants.len(), rows.as_object().unwrap().len(), "{file}: make the fixture again");
        for variant in variants {
            let id = variant["id"].as_str().unwrap();
            let text = variant["text"].as_str().unwrap();
            match difference(text, row(rows[id].as_array().unwrap())) {
                0 => {}
                difference => drop(differences.insert(format!("{file} {id}"), difference)),
            }
            count += 1;
        }
    }
    // words that the dictionary lacks, which Pyphen's patterns hyphenate in other places
    let largest = differences.values().map(|difference| difference.abs()).max().unwrap_or(0);
    assert_eq!((count, differences.len(), largest), (990, 5, 2), "{differences:?}");
}
