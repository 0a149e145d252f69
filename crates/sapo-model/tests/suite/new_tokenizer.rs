//! A tokenizer of our own keeps every text.

use proptest::prelude::*;
use sapo_model::{TextCodec, TextFormat, train_tokenizer};

fn texts() -> impl Iterator<Item = String> + Send {
    (0..60).map(|i| format!("Sort the numbers {i}, {} and {}.\nThe answer is {}.", i * 7, i * 31, i * 1234))
}

fn trained(single_digits: bool) -> TextCodec {
    let directory = tempfile::tempdir().unwrap();
    train_tokenizer(texts(), 300, single_digits, 128, directory.path()).unwrap();
    TextCodec::open(directory.path()).unwrap()
}

#[test]
fn it_has_a_chat_template_and_an_end_token() {
    let codec = trained(true);
    assert_eq!(codec.format(), TextFormat::Chat);
    assert!((261..=300).contains(&codec.vocab_size()), "bytes, special tokens and some merges");
    let example = codec.encode_example("Sort 12.", "3 12").unwrap();
    assert_eq!(example.ids.last().copied(), codec.eos_token_id());
    assert_eq!(codec.decode(&example.ids[example.target_start..]).unwrap(), "3 12");
}

#[test]
fn single_digits_stand_alone() {
    let (single, joined) = (trained(true), trained(false));
    let count = |codec: &TextCodec| codec.encode_text("the 1234").unwrap().len();
    assert!(count(&single) > count(&joined), "training joined no digits, so the test shows nothing");
    let digits: Vec<String> =
        single.encode_text("1234").unwrap().iter().map(|&id| single.decode(&[id]).unwrap()).collect();
    assert_eq!(digits.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>(), ["1", "2", "3", "4"]);
}

#[test]
fn the_same_texts_make_the_same_files() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for directory in [&a, &b] {
        train_tokenizer(texts(), 300, true, 128, directory.path()).unwrap();
    }
    for name in ["tokenizer.json", "tokenizer_config.json"] {
        let read = |directory: &tempfile::TempDir| std::fs::read(directory.path().join(name)).unwrap();
        assert!(read(&a) == read(&b), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_target_comes_back_as_it_was(prompt in "[ -~]{0,12}", target in "([0-9]{1,4}|[a-z]{1,5}|[ \n,.²½é]){0,9}") {
        for single_digits in [true, false] {
            let codec = trained(single_digits);
            let example = codec.encode_example(&prompt, &target).unwrap();
            prop_assert_eq!(codec.decode(&example.ids[example.target_start..]).unwrap(), target.trim());
        }
    }
}
