//! The Porter stemmer as NLTK's `PorterStemmer` has it by default (`NLTK_EXTENSIONS`), which `rouge_score` uses.

/// A suffix rule: the first rule whose suffix fits decides, whether its condition then holds or not.
struct Rule {
    suffix: &'static str,
    replacement: &'static str,
}

const fn rule(suffix: &'static str, replacement: &'static str) -> Rule {
    Rule { suffix, replacement }
}

const STEP_1A: &[Rule] = &[rule("sses", "ss"), rule("ies", "i"), rule("ss", "ss"), rule("s", "")];

const STEP_2: &[Rule] = &[
    rule("ational", "ate"),
    rule("tional", "tion"),
    rule("enci", "ence"),
    rule("anci", "ance"),
    rule("izer", "ize"),
    rule("bli", "ble"),
    rule("alli", "al"),
    rule("entli", "ent"),
    rule("eli", "e"),
    rule("ousli", "ous"),
    rule("ization", "ize"),
    rule("ation", "ate"),
    rule("ator", "ate"),
    rule("alism", "al"),
    rule("iveness", "ive"),
    rule("fulness", "ful"),
    rule("ousness", "ous"),
    rule("aliti", "al"),
    rule("iviti", "ive"),
    rule("biliti", "ble"),
    rule("fulli", "ful"),
];

const STEP_3: &[Rule] = &[
    rule("icate", "ic"),
    rule("ative", ""),
    rule("alize", "al"),
    rule("iciti", "ic"),
    rule("ical", "ic"),
    rule("ful", ""),
    rule("ness", ""),
];

const STEP_4: &[&str] = &[
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism",
    "ate", "iti", "ous", "ive", "ize",
];

/// Returns the stem of `word`, a word of `[a-z0-9]`.
///
/// # Source
/// Porter (1980), "An algorithm for suffix stripping", with the extensions in `nltk/stem/porter.py` (nltk 3.9).
pub(super) fn stem(word: &str) -> String {
    if let Some(irregular) = irregular(word) {
        return irregular.to_string();
    }
    if word.len() <= 2 {
        return word.to_string();
    }
    let mut word = step_1a(word);
    step_1b(&mut word);
    step_1c(&mut word);
    step_2(&mut word);
    replace_first(&mut word, STEP_3, |stem| measure(stem) > 0);
    step_4(&mut word);
    step_5(&mut word);
    word
}

fn irregular(word: &str) -> Option<&'static str> {
    Some(match word {
        "sky" | "skies" => "sky",
        "dying" => "die",
        "lying" => "lie",
        "tying" => "tie",
        "news" => "news",
        "innings" | "inning" => "inning",
        "outings" | "outing" => "outing",
        "cannings" | "canning" => "canning",
        "howe" => "howe",
        "proceed" => "proceed",
        "exceed" => "exceed",
        "succeed" => "succeed",
        _ => return None,
    })
}

/// Plurals: `caresses -> caress`, `ponies -> poni`, `cats -> cat`; NLTK: `dies -> die`.
fn step_1a(word: &str) -> String {
    let mut word = word.to_string();
    if word.len() == 4 && word.ends_with("ies") {
        word.pop();
    } else {
        replace_first(&mut word, STEP_1A, |_| true);
    }
    word
}

/// Past tense and gerund: `agreed -> agree`, `hopping -> hop`, `filing -> file`; NLTK: `spied -> spi`, `died -> die`.
fn step_1b(word: &mut String) {
    if word.ends_with("ied") {
        let kept = if word.len() == 4 { 1 } else { 2 };
        word.truncate(word.len() - kept);
        return;
    }
    if let Some(stem) = word.strip_suffix("eed") {
        if measure(stem) > 0 {
            word.pop();
        }
        return;
    }
    let Some(stem) =
        ["ed", "ing"].iter().find_map(|suffix| word.strip_suffix(suffix).filter(|stem| has_vowel(stem)))
    else {
        return;
    };
    word.truncate(stem.len());
    if ["at", "bl", "iz"].iter().any(|end| word.ends_with(end)) {
        word.push('e');
    } else if ends_double_consonant(word) {
        if !word.ends_with(['l', 's', 'z']) {
            word.pop();
        }
    } else if measure(word) == 1 && ends_cvc(word) {
        word.push('e');
    }
}

/// `happy -> happi`; NLTK: only after a consonant that is not the whole stem, so `enjoy` stays.
fn step_1c(word: &mut String) {
    if let Some(stem) = word.strip_suffix('y')
        && stem.len() > 1
        && consonants(stem).last() == Some(true)
    {
        word.pop();
        word.push('i');
    }
}

fn step_2(word: &mut String) {
    // NLTK tries `alli -> al` before `bli -> ble`, and where it holds goes on with the result.
    if let Some(stem) = word.strip_suffix("alli")
        && measure(stem) > 0
    {
        word.truncate(word.len() - 2);
    }
    if replace_first(word, STEP_2, |stem| measure(stem) > 0) {
        return;
    }
    // The l of `logi` counts as part of the stem, so that `geologi` behaves like `archaeologi`.
    if word.ends_with("logi") && measure(&word[..word.len() - 3]) > 0 {
        word.pop();
    }
}

fn step_4(word: &mut String) {
    let Some((stem, suffix)) =
        STEP_4.iter().find_map(|suffix| word.strip_suffix(suffix).map(|stem| (stem, *suffix)))
    else {
        return;
    };
    if measure(stem) > 1 && (suffix != "ion" || stem.ends_with(['s', 't'])) {
        word.truncate(stem.len());
    }
}

/// Tidying up: `probate -> probat`, `cease -> ceas`, `controll -> control`.
fn step_5(word: &mut String) {
    if let Some(stem) = word.strip_suffix('e') {
        let m = measure(stem);
        if m > 1 || (m == 1 && !ends_cvc(stem)) {
            word.pop();
        }
    }
    if word.ends_with("ll") && measure(&word[..word.len() - 1]) > 1 {
        word.pop();
    }
}

/// Applies the first rule whose suffix fits, if `holds` of the stem; says whether a suffix fitted.
fn replace_first(word: &mut String, rules: &[Rule], holds: impl Fn(&str) -> bool) -> bool {
    let Some((stem, rule)) =
        rules.iter().find_map(|rule| word.strip_suffix(rule.suffix).map(|stem| (stem, rule)))
    else {
        return false;
    };
    if holds(stem) {
        word.truncate(stem.len());
        word.push_str(rule.replacement);
    }
    true
}

/// For every letter whether it is a consonant; a y is one at the start and after a vowel.
fn consonants(word: &str) -> impl Iterator<Item = bool> {
    word.bytes().scan(false, |previous, letter| {
        *previous = match letter {
            b'a' | b'e' | b'i' | b'o' | b'u' => false,
            b'y' => !*previous,
            _ => true,
        };
        Some(*previous)
    })
}

/// Porter's m: how often a vowel is followed by a consonant.
fn measure(stem: &str) -> usize {
    let mut after_vowel = false;
    consonants(stem).filter(|&consonant| std::mem::replace(&mut after_vowel, !consonant) && consonant).count()
}

fn has_vowel(stem: &str) -> bool {
    consonants(stem).any(|consonant| !consonant)
}

fn ends_double_consonant(word: &str) -> bool {
    let letters = word.as_bytes();
    letters.len() >= 2
        && letters[letters.len() - 1] == letters[letters.len() - 2]
        && consonants(word).last() == Some(true)
}

/// Consonant, vowel, consonant other than w, x, y; NLTK: or vowel, consonant and nothing else.
fn ends_cvc(word: &str) -> bool {
    let shape: Vec<bool> = consonants(word).collect();
    match shape[..] {
        [false, true] => true,
        [.., true, false, true] => !word.ends_with(['w', 'x', 'y']),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_nltk_on_words_that_reach_every_rule() {
        // tests/fixtures/make_fixtures.py
        let pairs: Vec<(String, String)> =
            serde_json::from_str(include_str!("../../tests/fixtures/porter.json")).unwrap();
        assert!(pairs.len() > 3000);
        for (word, expected) in pairs {
            assert_eq!(stem(&word), expected, "{word}");
        }
    }
}
