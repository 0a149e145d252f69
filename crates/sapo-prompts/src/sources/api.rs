//! Paraphrases by a chat endpoint that speaks OpenAI's protocol: hosted, vLLM, llama.cpp, Ollama.

use super::{Answer, Ask, Ending, SourceError, Writer};
use crate::chat::{Chat, Finish};

/// The source's name.
pub const NAME: &str = "api";
/// What it does.
pub(super) const SUMMARY: &str = "written by a language model behind an OpenAI-compatible chat endpoint";

impl Writer for &Chat {
    fn source(&self) -> &'static str {
        NAME
    }

    fn model(&self) -> String {
        self.settings().model.clone()
    }

    fn temperature(&self) -> f64 {
        self.settings().temperature
    }

    fn answer(&mut self, asks: &[Ask], on_answer: &mut dyn FnMut()) -> Result<Vec<Answer>, SourceError> {
        let messages: Vec<(&str, u64)> = asks.iter().map(|ask| (ask.message.as_str(), ask.seed)).collect();
        let replies = self.ask(&messages, on_answer)?;
        let answer = |reply: crate::chat::Reply| Answer {
            text: reply.text,
            ending: match reply.finish {
                Finish::Stop => Ending::Complete,
                Finish::Length => Ending::Truncated,
                Finish::Refused => Ending::Refused,
            },
            request: Some(reply.request),
        };
        Ok(replies.into_iter().map(answer).collect())
    }
}
