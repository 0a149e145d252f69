//! Paraphrases by a language model that is asked for one at a time: the request, the markers, what is thrown away.
//!
//! # Source
//! The paper's request (Shi et al. 2026, section 4.1) in our own words: the same task in another style, structure or
//! tone, label words kept, the answer between markers.

use super::{DropReason, Dropped, ParaphraseRequest, ParaphraseSource, Paraphrases, SourceError};
use crate::Origin;

/// Asks allowed for every paraphrase that is wanted, because some answers are thrown away.
const ASKS_PER_PARAPHRASE: usize = 4;

const BEGIN: &str = "<paraphrase>";
const END: &str = "</paraphrase>";

/// Where a model that thinks aloud begins to answer.
const END_OF_THINKING: &str = "</think>";

/// How an answer that refuses begins, in lower case.
const REFUSALS: [&str; 9] = [
    "i'm sorry",
    "i am sorry",
    "sorry,",
    "i can't",
    "i cannot",
    "i can not",
    "i'm unable",
    "as an ai",
    "抱歉",
];

/// Writes answers: a chat endpoint, or the loaded model.
pub trait Writer {
    /// The source that it makes, as in [`super::REGISTRY`].
    fn source(&self) -> &'static str;

    /// Name of the language model.
    fn model(&self) -> String;

    /// Its temperature.
    fn temperature(&self) -> f64;

    /// The answers to `asks`, in their order. `on_answer` hears of each as it comes.
    ///
    /// # Errors
    /// It cannot answer all of them.
    fn answer(&mut self, asks: &[Ask], on_answer: &mut dyn FnMut()) -> Result<Vec<Answer>, SourceError>;
}

/// A message to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The user's turn.
    pub message: String,
    /// Decides the draw of the answer.
    pub seed: u64,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The text.
    pub text: String,
    /// How it ended.
    pub ending: Ending,
    /// SHA-256 of what was asked, where answers are cached.
    pub request: Option<String>,
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By itself.
    Complete,
    /// At the longest length.
    Truncated,
    /// By a filter, or by a refusal that the endpoint marks as one.
    Refused,
}

/// The paraphrases of a [`Writer`].
#[derive(Debug)]
pub struct Written<W>(pub W);

impl<W: Writer> ParaphraseSource for Written<W> {
    fn name(&self) -> &str {
        self.0.source()
    }

    fn paraphrase(
        &mut self,
        request: &ParaphraseRequest,
        on_progress: &mut dyn FnMut(usize),
    ) -> Result<Paraphrases, SourceError> {
        let guard = request.guard();
        let message = message(request);
        let (model, temperature) = (self.0.model(), self.0.temperature());
        let mut made = Paraphrases::default();
        let (mut asked, most) = (0, request.count.saturating_mul(ASKS_PER_PARAPHRASE));
        while made.variants.len() < request.count && asked < most {
            let missing = (request.count - made.variants.len()).min(most - asked);
            let seeds = (asked..asked + missing).map(|ask| seed_of(request.seed, ask));
            let asks: Vec<Ask> = seeds.map(|seed| Ask { message: message.clone(), seed }).collect();
            asked += missing;
            let (mut came, there) = (0, made.variants.len());
            let answers = self.0.answer(&asks, &mut || {
                came += 1;
                on_progress(there + came);
            })?;
            for (answer, ask) in answers.into_iter().zip(&asks) {
                let origin = Origin {
                    model: Some(model.clone()),
                    temperature: Some(temperature),
                    seed: Some(ask.seed),
                    request: answer.request.clone(),
                    ..Origin::of(self.0.source())
                };
                match wording(&answer) {
                    Err(dropped) => made.dropped.push(dropped),
                    Ok(text) => made.offer(&guard, text, origin),
                }
            }
            on_progress(made.variants.len());
        }
        Ok(made)
    }
}

/// Asks of one request differ, so that an answer which was thrown away is not given again from the cache. 53 bits, which
/// every JSON reader keeps.
fn seed_of(seed: u64, ask: usize) -> u64 {
    use rand_chacha::rand_core::{RngCore, SeedableRng};
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(ask as u64);
    rng.next_u64() >> 11
}

fn message(request: &ParaphraseRequest) -> String {
    let labels = match request.labels.as_slice() {
        [] => String::new(),
        labels => {
            let quoted: Vec<String> = labels.iter().map(|label| format!("\"{label}\"")).collect();
            format!(
                "- Of the answers {}, keep every one that the instruction names exactly as it is written, letter for \
                 letter, and name no others.\n",
                quoted.join(", ")
            )
        }
    };
    format!(
        "Here is the instruction of a task:\n\n<instruction>\n{}\n</instruction>\n\n\
         Write one other instruction for the very same task. Change the style, the structure or the tone: it may be shorter \
         or longer, plainer or more formal, a question or a request, in another order.\n\
         - What is given, what is asked for, and the form of the answer stay the same.\n\
         {labels}\
         - Keep names in brackets, braces and other marks as they are.\n\
         - Write in the language of the instruction.\n\
         - Do not carry out the task, and give no example and no comment.\n\n\
         Put the new instruction between {BEGIN} and {END}.",
        request.instruction
    )
}

/// The wording of an answer: what stands between the last pair of markers.
fn wording(answer: &Answer) -> Result<String, Dropped> {
    let said = answer.text.rsplit_once(END_OF_THINKING).map_or(answer.text.as_str(), |(_, said)| said).trim();
    let dropped = |reason| Err(Dropped { text: said.to_owned(), reason });
    match answer.ending {
        Ending::Refused => return dropped(DropReason::Refused),
        Ending::Truncated => return dropped(DropReason::Truncated),
        Ending::Complete => {}
    }
    if said.is_empty() {
        return dropped(DropReason::Empty);
    }
    let marked = said
        .rsplit_once(END)
        .and_then(|(before, _)| before.rsplit_once(BEGIN))
        .map(|(_, marked)| marked.trim());
    match marked {
        None if refuses(said) => dropped(DropReason::Refused),
        None => dropped(DropReason::NoMarkers),
        Some("") => dropped(DropReason::Empty),
        Some(text) if refuses(text) => dropped(DropReason::Refused),
        Some(text) => Ok(text.to_owned()),
    }
}

fn refuses(text: &str) -> bool {
    let text = text.to_lowercase().replace('’', "'");
    REFUSALS.iter().any(|refusal| text.starts_with(refusal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Instruction;

    /// Says what it is told to, in turns, and remembers what it was asked.
    struct Told {
        texts: Vec<(&'static str, Ending)>,
        asked: Vec<Ask>,
    }

    impl Told {
        fn complete(texts: &[&'static str]) -> Written<Self> {
            Self::endings(&texts.iter().map(|text| (*text, Ending::Complete)).collect::<Vec<_>>())
        }

        fn endings(texts: &[(&'static str, Ending)]) -> Written<Self> {
            Written(Self { texts: texts.to_vec(), asked: Vec::new() })
        }
    }

    impl Writer for Told {
        fn source(&self) -> &'static str {
            super::super::API
        }

        fn model(&self) -> String {
            "told".into()
        }

        fn temperature(&self) -> f64 {
            0.6
        }

        fn answer(&mut self, asks: &[Ask], on_answer: &mut dyn FnMut()) -> Result<Vec<Answer>, SourceError> {
            let mut answers = Vec::new();
            for ask in asks {
                let (text, ending) = self.texts[self.asked.len() % self.texts.len()];
                self.asked.push(ask.clone());
                answers.push(Answer { text: text.into(), ending, request: Some("abc".into()) });
                on_answer();
            }
            Ok(answers)
        }
    }

    fn request(count: usize) -> ParaphraseRequest {
        let instruction = Instruction::new("Say whether the {tweet} is happy or sad.");
        ParaphraseRequest::new(instruction, vec!["happy".into(), "sad".into()], count, 5)
    }

    #[test]
    fn good_answers_become_variants_with_their_origin() {
        let mut source = Told::complete(&[
            "<think>I could say <paraphrase>x</paraphrase></think>Sure!\n<paraphrase>\nIs the {tweet} happy or sad?\n</paraphrase>",
            "<paraphrase>happy or sad: judge the {tweet}</paraphrase> Is that good?",
        ]);
        let mut heard = Vec::new();
        let made = source.paraphrase(&request(2), &mut |count| heard.push(count)).unwrap();
        let texts: Vec<&str> = made.variants.iter().map(|variant| variant.text.as_str()).collect();
        assert_eq!(texts, ["Is the {tweet} happy or sad?", "happy or sad: judge the {tweet}"]);
        assert!(made.dropped.is_empty());
        let origin = &made.variants[1].origin;
        assert_eq!((origin.source.as_str(), origin.model.as_deref()), ("api", Some("told")));
        assert_eq!((origin.temperature, origin.seed), (Some(0.6), Some(source.0.asked[1].seed)));
        assert_eq!(origin.request.as_deref(), Some("abc"));
        assert_eq!(heard, [1, 2, 2]);
    }

    #[test]
    fn bad_answers_are_dropped_counted_and_asked_again() {
        let complete = Ending::Complete;
        let mut source = Told::endings(&[
            ("", complete),
            ("<paraphrase>Is the {tweet} happy or sad, and wh", Ending::Truncated),
            ("I’m sorry, I can’t help with that.", complete),
            ("Is the {tweet} happy or sad?", complete),
            ("<paraphrase> </paraphrase>", complete),
            ("<paraphrase>Is the {tweet} happy?</paraphrase>", complete),
            ("<paraphrase>Say whether the {tweet} is happy or sad!</paraphrase>", complete),
            ("no", Ending::Refused),
            ("<paraphrase>Is the {tweet} happy or sad?</paraphrase>", complete),
            ("<paraphrase>is the {tweet} HAPPY happy, or sad?</paraphrase>", complete),
        ]);
        let made = source.paraphrase(&request(3), &mut |_| ()).unwrap();
        assert_eq!(made.variants.len(), 2, "{:?}", made.variants);
        let counts: Vec<_> = made.dropped_by_kind().into_iter().collect();
        let expected = [
            ("cut off", 2),
            ("duplicate", 1),
            ("empty", 3),
            ("refusal", 2),
            ("rejected by the guard", 1),
            ("without markers", 1),
        ];
        assert_eq!(counts, expected);
        assert_eq!(source.0.asked.len(), 12, "four asks a paraphrase, then no more");
        let seeds: std::collections::HashSet<u64> = source.0.asked.iter().map(|ask| ask.seed).collect();
        assert_eq!(seeds.len(), 12);
    }

    #[test]
    fn the_request_names_labels_and_keeps_the_instruction_as_it_is() {
        let message = message(&request(1));
        assert!(message.contains("<instruction>\nSay whether the {tweet} is happy or sad.\n</instruction>"));
        assert!(message.contains("\"happy\", \"sad\""));
        let free = ParaphraseRequest { labels: vec![], ..request(1) };
        assert!(!super::message(&free).contains("Of the answers"));
    }

    proptest::proptest! {
        #[test]
        fn any_answer_is_a_wording_or_dropped(text in "\\PC{0,80}", marked in "\\PC{0,40}") {
            for text in [text.clone(), format!("{text}{BEGIN}{marked}{END}{text}")] {
                let answer = Answer { text, ending: Ending::Complete, request: None };
                if let Ok(wording) = wording(&answer) {
                    proptest::prop_assert!(!wording.trim().is_empty() && !wording.contains(END));
                }
            }
        }
    }
}
