//! Marks that stand for something else in the input (`[Link]`, `{name}`, `<mask>`, `_`) must not get lost.

use super::Rejection;

const BRACKETS: [(char, char); 3] = [('{', '}'), ('[', ']'), ('<', '>')];

/// Longer bracketed text is a remark, not a mark.
const MAX_CHARS: usize = 32;

pub(super) fn check(original: &str, text: &str) -> Vec<Rejection> {
    let kept = placeholders(text);
    let mut missing = placeholders(original);
    missing.retain(|placeholder| !kept.contains(placeholder));
    missing.into_iter().map(|placeholder| Rejection::PlaceholderMissing { placeholder }).collect()
}

/// Bracketed marks without space inside, and runs of underscores that stand alone; each once.
fn placeholders(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let mark = bracketed(&chars[at..]).or_else(|| blank(&chars, at));
        at += mark.as_ref().map_or(1, |mark| mark.chars().count());
        found.extend(mark.filter(|mark| !found.contains(mark)));
    }
    found
}

fn bracketed(chars: &[char]) -> Option<String> {
    let (_, close) = BRACKETS.iter().find(|(open, _)| Some(open) == chars.first())?;
    let length = chars.iter().take(MAX_CHARS + 2).position(|c| c == close)?;
    let inner = &chars[1..length];
    let is_mark = !inner.is_empty()
        && !inner.iter().any(|c| c.is_whitespace() || BRACKETS.iter().any(|(open, _)| open == c));
    is_mark.then(|| chars[..=length].iter().collect())
}

/// A run of underscores that is no part of a name such as `snake_case`.
fn blank(chars: &[char], at: usize) -> Option<String> {
    let length = chars[at..].iter().take_while(|c| **c == '_').count();
    let named = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric() || *c == '_');
    let before = at.checked_sub(1).and_then(|before| chars.get(before));
    (length > 0 && !named(before) && !named(chars.get(at + length))).then(|| "_".repeat(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found() {
        assert_eq!(
            placeholders("Fill \"_\" with {name} or [Link], see <mask>."),
            ["_", "{name}", "[Link]", "<mask>"]
        );
        assert!(placeholders("snake_case, a < b > c, [see below], {}, {{").is_empty());
        assert_eq!(placeholders("____ and ____ {a}{a}"), ["____", "{a}"]);
    }

    #[test]
    fn lost_marks_are_named() {
        let lost = check("URLs became [Link]; fill \"_\".", "Fill the blank `_`; links are gone.");
        assert_eq!(lost, vec![Rejection::PlaceholderMissing { placeholder: "[Link]".into() }]);
        assert_eq!(check("Plain.", "With {new} [marks]."), vec![]);
    }
}
