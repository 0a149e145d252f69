//! The closed vocabulary of the built-in benchmark, by category. It is small so that a tokenizer of 2,000 pieces gives
//! most words a piece of their own.

pub(super) const NAMES: &[&str] = &[
    "Anna", "Tom", "Lena", "Paul", "Mia", "Ben", "Sara", "Max", "Nina", "Leo", "Emma", "Jack", "Ruth",
    "Adam", "Clara", "Hugo", "Ella", "Omar", "Lucy", "Sam",
];
pub(super) const ANIMALS: &[&str] = &[
    "dog", "cat", "horse", "cow", "lion", "tiger", "bear", "fox", "snake", "goat", "duck", "frog", "bird",
    "turtle", "rabbit", "monkey",
];
pub(super) const FOODS: &[&str] = &[
    "bread", "apple", "cheese", "soup", "rice", "cake", "egg", "butter", "salad", "honey", "pizza", "banana",
    "potato", "carrot", "lemon", "onion",
];
pub(super) const TOOLS: &[&str] =
    &["hammer", "saw", "drill", "shovel", "axe", "ladder", "brush", "rope", "wrench", "needle"];
pub(super) const CLOTHES: &[&str] =
    &["hat", "coat", "shirt", "shoe", "sock", "scarf", "glove", "belt", "dress", "jacket"];
pub(super) const VEHICLES: &[&str] = &["car", "bus", "train", "bike", "boat", "plane", "truck", "tram"];
pub(super) const FURNITURE: &[&str] = &["lamp", "chair", "table", "bed", "sofa", "desk", "stool", "mirror"];
pub(super) const WARM_COLORS: &[&str] = &["red", "orange", "yellow", "gold"];
pub(super) const COOL_COLORS: &[&str] = &["blue", "green", "teal", "gray"];
pub(super) const COLORS: &[&str] = &["red", "orange", "yellow", "gold", "blue", "green", "teal", "gray"];

/// Capital cities with their countries.
pub(super) const CAPITALS: &[(&str, &str)] = &[
    ("Paris", "France"),
    ("London", "England"),
    ("Rome", "Italy"),
    ("Berlin", "Germany"),
    ("Madrid", "Spain"),
    ("Vienna", "Austria"),
    ("Oslo", "Norway"),
    ("Cairo", "Egypt"),
    ("Tokyo", "Japan"),
    ("Lima", "Peru"),
    ("Dublin", "Ireland"),
    ("Athens", "Greece"),
    ("Delhi", "India"),
    ("Havana", "Cuba"),
];

pub(super) const GOOD: &[&str] =
    &["good", "great", "lovely", "excellent", "wonderful", "superb", "nice", "perfect"];
pub(super) const BAD: &[&str] = &["bad", "awful", "poor", "terrible", "horrible", "ugly", "useless", "weak"];
pub(super) const OPPOSITES: &[(&str, &str)] = &[
    ("hot", "cold"),
    ("big", "small"),
    ("old", "new"),
    ("fast", "slow"),
    ("long", "short"),
    ("wet", "dry"),
    ("open", "closed"),
    ("full", "empty"),
    ("hard", "soft"),
    ("light", "dark"),
    ("clean", "dirty"),
    ("loud", "quiet"),
];

/// What one may do with a thing: base form, past (which is also the participle).
pub(super) const VERBS: &[(&str, &str)] = &[
    ("buy", "bought"),
    ("sell", "sold"),
    ("find", "found"),
    ("lose", "lost"),
    ("clean", "cleaned"),
    ("paint", "painted"),
    ("carry", "carried"),
    ("fix", "fixed"),
];

/// Months with the season of the northern half of the world, whole months, as weather services count.
pub(super) const MONTHS: &[(&str, &str)] = &[
    ("January", "winter"),
    ("February", "winter"),
    ("March", "spring"),
    ("April", "spring"),
    ("May", "spring"),
    ("June", "summer"),
    ("July", "summer"),
    ("August", "summer"),
    ("September", "autumn"),
    ("October", "autumn"),
    ("November", "autumn"),
    ("December", "winter"),
];
pub(super) const WEEKDAYS: &[&str] = &["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"];
pub(super) const WEEKEND: &[&str] = &["Saturday", "Sunday"];

/// The toy language: made-up words for eight animals, eight foods and eight colors.
pub(super) const TOY_ANIMALS: &[(&str, &str)] = &[
    ("zib", "dog"),
    ("mav", "cat"),
    ("tolo", "horse"),
    ("pesh", "cow"),
    ("rugo", "lion"),
    ("lim", "bird"),
    ("dak", "frog"),
    ("vun", "goat"),
];
pub(super) const TOY_FOODS: &[(&str, &str)] = &[
    ("bosa", "bread"),
    ("kerp", "apple"),
    ("nilo", "cheese"),
    ("jat", "soup"),
    ("sut", "rice"),
    ("fim", "cake"),
    ("yora", "egg"),
    ("gul", "honey"),
];
pub(super) const TOY_COLORS: &[(&str, &str)] = &[
    ("wex", "red"),
    ("oti", "orange"),
    ("hap", "yellow"),
    ("zona", "gold"),
    ("tiv", "blue"),
    ("plo", "green"),
    ("mir", "teal"),
    ("kesh", "gray"),
];

/// Everything a list of words is drawn from: things and colors, no names, cities or numbers.
pub(super) fn list_words() -> Vec<&'static str> {
    [ANIMALS, FOODS, TOOLS, CLOTHES, VEHICLES, FURNITURE, COLORS].concat()
}

/// Things that are bought, sold, lost and found in sentences.
pub(super) fn objects() -> Vec<&'static str> {
    [TOOLS, CLOTHES, FURNITURE].concat()
}
