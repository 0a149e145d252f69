//! What happens to a line that does not fit the model's context. Nothing is cut or left out silently, and a target is
//! never cut.

use std::path::Path;

use anyhow::ensure;
use clap::ValueEnum;
use sapo_model::LanguageModel;

use crate::failure::InputError;
use crate::jsonl::Line;

/// The rule for lines that do not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TooLong {
    /// Stop with an error that names the line
    Refuse,
    /// Cut the prompt at its end (of `select` the input, the same for all wordings)
    ShortenPrompt,
    /// Leave the line out
    Skip,
}

/// Where lines come from, and what happens to those that do not fit.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) rule: TooLong,
    pub(crate) path: &'a Path,
    /// What the numbers count: `line`, or `row` of a JSON list.
    pub(crate) unit: &'static str,
}

/// A text as the model would read it.
pub(crate) struct Reading<T> {
    pub(crate) value: T,
    /// All tokens that the context has to hold.
    pub(crate) tokens: usize,
    /// What has so many tokens, for messages.
    pub(crate) what: String,
}

/// Where a value comes from.
pub(crate) struct Place {
    /// Of the line, from 0.
    pub(crate) index: usize,
    pub(crate) shortened: bool,
}

/// What fits, in the order of the lines.
pub(crate) struct Fitted<T> {
    pub(crate) places: Vec<Place>,
    pub(crate) values: Vec<T>,
    /// Indices of the lines left out, under the rule that does so.
    pub(crate) skipped: Option<Vec<usize>>,
}

/// Reads lines under a rule: `prompt` is the part of a line that may be cut, `read` makes the whole of a line with a cut
/// prompt, and `rest` says what it is that stays. Tells on stderr what was cut or left out.
pub(crate) fn fit<'a, L: 'a, T>(
    model: &LanguageModel,
    Source { rule, path, unit }: Source,
    lines: impl IntoIterator<Item = (usize, &'a Line<L>)>,
    prompt: impl Fn(&L) -> &str,
    rest: &'static str,
    read: impl Fn(&Line<L>, &str) -> anyhow::Result<Reading<T>>,
) -> anyhow::Result<Fitted<T>> {
    let limit = model.max_tokens();
    let skipped = (rule == TooLong::Skip).then(Vec::new);
    let mut fitted = Fitted { places: Vec::new(), values: Vec::new(), skipped };
    let mut numbers = Vec::new();
    for (index, line) in lines {
        let prompt = prompt(&line.value);
        let mut reading = read(line, prompt)?;
        let shortened = reading.tokens > limit;
        if shortened {
            let number = line.number;
            if rule == TooLong::Refuse {
                let Reading { what, tokens, .. } = reading;
                return Err(
                    InputError::TooLong { path: path.into(), unit, number, what, tokens, limit }.into()
                );
            }
            reading = shorten(model, prompt, reading.tokens, |prompt| read(line, prompt))?
                .ok_or_else(|| InputError::NoRoom { path: path.into(), unit, number, rest, limit })?;
            numbers.push(number);
            if let Some(skipped) = &mut fitted.skipped {
                skipped.push(index);
                continue;
            }
        }
        fitted.places.push(Place { index, shortened });
        fitted.values.push(reading.value);
    }
    if !numbers.is_empty() {
        let what = if fitted.skipped.is_some() { "left out" } else { "shortened" };
        tracing::warn!(
            "{}: {what} because of the model's {limit} tokens: {}",
            path.display(),
            list(&numbers, unit)
        );
    }
    ensure!(!fitted.values.is_empty(), "{}: no {unit} fits the model's {limit} tokens", path.display());
    Ok(fitted)
}

/// Cuts a prompt of a text of `tokens` tokens until the text fits; none where not even one token of the prompt does.
fn shorten<T>(
    model: &LanguageModel,
    prompt: &str,
    mut tokens: usize,
    read: impl Fn(&str) -> anyhow::Result<Reading<T>>,
) -> anyhow::Result<Option<Reading<T>>> {
    let (codec, limit) = (model.codec(), model.max_tokens());
    let mut kept = codec.encode_text(prompt)?.len();
    // Again where what is left of the prompt falls into other tokens beside the rest than alone.
    while kept > tokens - limit {
        kept -= tokens - limit;
        let (short, _) = codec.shorten(prompt, kept)?;
        if short.is_empty() {
            break;
        }
        let reading = read(&short)?;
        if reading.tokens <= limit {
            return Ok(Some(reading));
        }
        tokens = reading.tokens;
    }
    Ok(None)
}

/// `3 lines (2, 5, 9)`, of many the first.
fn list(numbers: &[usize], unit: &str) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<String> = numbers.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = if numbers.len() > SHOWN { ", ..." } else { "" };
    let plural = if numbers.len() == 1 { "" } else { "s" };
    format!("{} {unit}{plural} ({}{more})", numbers.len(), shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_lines_are_counted_and_the_first_named() {
        assert_eq!(list(&[7], "line"), "1 line (7)");
        assert_eq!(list(&[1, 2, 3, 4, 5], "line"), "5 lines (1, 2, 3, 4, 5)");
        assert_eq!(list(&[1, 2, 3, 4, 5, 60], "row"), "6 rows (1, 2, 3, 4, 5, ...)");
    }
}
