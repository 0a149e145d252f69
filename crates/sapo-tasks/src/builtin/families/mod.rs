//! The families, one file a kind of input. Each entry is text and a pointer to its generator.

mod codes;
mod dates;
mod feelings;
mod kinds;
mod lists;
mod members;
mod numbers;
mod sentences;
mod toy;

use super::{Family, Role, draw, words};
use crate::{Example, TaskKind};

const WORD: &str = "Directly output only the word as your answer.";
const WORDS: &str = "Directly output only the words as your answer.";
const NUMBER: &str = "Directly output only the number as your answer.";
const YES_NO: &str = "Directly output only yes or no as your answer.";

pub(super) fn all() -> Vec<Family> {
    [
        lists::FAMILIES,
        members::FAMILIES,
        numbers::FAMILIES,
        sentences::FAMILIES,
        feelings::FAMILIES,
        dates::FAMILIES,
        codes::FAMILIES,
        kinds::FAMILIES,
        toy::FAMILIES,
    ]
    .concat()
}
