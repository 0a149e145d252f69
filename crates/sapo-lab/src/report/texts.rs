//! Texts that occur in many cells, each kept once.

use std::collections::HashMap;

/// Collects texts and names each by its place.
#[derive(Debug, Default)]
pub(super) struct Texts {
    places: HashMap<String, usize>,
    texts: Vec<String>,
}

impl Texts {
    /// The place of a text, which is kept where it is new.
    pub(super) fn place(&mut self, text: &str) -> usize {
        if let Some(&place) = self.places.get(text) {
            return place;
        }
        let place = self.texts.len();
        self.places.insert(text.to_owned(), place);
        self.texts.push(text.to_owned());
        place
    }

    /// Every text at its place.
    pub(super) fn into_list(self) -> Vec<String> {
        self.texts
    }
}
