//! Seeded draws that the families share: words, numbers, lists, and the little scenes behind most sentences.

use rand::seq::{SliceRandom, index};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

use super::words;

/// A generator of its own for every (purpose, family, seed), so that no draw depends on another one's length.
pub(super) fn stream_of(purpose: &str, family: &str, seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(mixed(purpose, family, seed))
}

/// The seed behind [`stream_of`].
pub(super) fn mixed(purpose: &str, family: &str, seed: u64) -> u64 {
    let digest = Sha256::digest(format!("sapo-builtin/{purpose}/{family}/{seed}"));
    digest.iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}

/// One of `items`, which must not be empty.
pub(super) fn pick<T: Copy>(rng: &mut ChaCha8Rng, items: &[T]) -> T {
    items[rng.random_range(0..items.len())]
}

/// True half of the time.
pub(super) fn coin(rng: &mut ChaCha8Rng) -> bool {
    rng.random_range(0..2) == 0
}

/// A whole number from `low` to `high`, both included.
pub(super) fn between(rng: &mut ChaCha8Rng, low: u32, high: u32) -> u32 {
    rng.random_range(low..=high)
}

/// `low` to `high` items, both included: the length of a list.
pub(super) fn length(rng: &mut ChaCha8Rng, low: usize, high: usize) -> usize {
    rng.random_range(low..=high)
}

/// `count` different items of `pool`, in random order.
pub(super) fn several<T: Copy>(rng: &mut ChaCha8Rng, pool: &[T], count: usize) -> Vec<T> {
    index::sample(rng, pool.len(), count).into_iter().map(|i| pool[i]).collect()
}

/// `count` different list words.
pub(super) fn list(rng: &mut ChaCha8Rng, count: usize) -> Vec<&'static str> {
    several(rng, &words::list_words(), count)
}

/// `count` different list words that are not in `excluded`.
pub(super) fn list_without(rng: &mut ChaCha8Rng, excluded: &[&str], count: usize) -> Vec<&'static str> {
    let pool: Vec<_> = words::list_words().into_iter().filter(|word| !excluded.contains(word)).collect();
    several(rng, &pool, count)
}

/// `count` different numbers from 1 to 99.
pub(super) fn numbers(rng: &mut ChaCha8Rng, count: usize) -> Vec<u32> {
    index::sample(rng, 99, count).into_iter().map(|i| i as u32 + 1).collect()
}

/// The items of both lists in random order.
pub(super) fn mixed_list<T>(rng: &mut ChaCha8Rng, mut one: Vec<T>, other: Vec<T>) -> Vec<T> {
    one.extend(other);
    one.shuffle(rng);
    one
}

/// Numbers as words of a list.
pub(super) fn as_text(numbers: &[u32]) -> Vec<String> {
    numbers.iter().map(u32::to_string).collect()
}

/// A capital city.
pub(super) fn city(rng: &mut ChaCha8Rng) -> &'static str {
    pick(rng, words::CAPITALS).0
}

/// `a` or `an`, by the first letter.
pub(super) fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

/// Someone did something with a colored thing somewhere.
pub(super) struct Scene {
    pub(super) name: &'static str,
    pub(super) verb: (&'static str, &'static str),
    pub(super) color: &'static str,
    pub(super) object: &'static str,
    pub(super) city: (&'static str, &'static str),
}

impl Scene {
    /// A scene with every part drawn.
    pub(super) fn draw(rng: &mut ChaCha8Rng) -> Self {
        Self {
            name: pick(rng, words::NAMES),
            verb: pick(rng, words::VERBS),
            color: pick(rng, words::COLORS),
            object: pick(rng, &words::objects()),
            city: pick(rng, words::CAPITALS),
        }
    }

    /// "a red lamp"
    pub(super) fn thing(&self) -> String {
        format!("{} {} {}", article(self.color), self.color, self.object)
    }

    /// The scene told in the past, in one of three orders, so that no part is known by its place.
    pub(super) fn told(&self, rng: &mut ChaCha8Rng) -> String {
        let Self { name, verb: (_, past), color, object, city: (city, _) } = self;
        let thing = self.thing();
        match between(rng, 0, 2) {
            0 => format!("{name} {past} {thing} in {city}."),
            1 => format!("In {city}, {name} {past} {thing}."),
            _ => format!("The {color} {object} was {past} by {name} in {city}."),
        }
    }
}
