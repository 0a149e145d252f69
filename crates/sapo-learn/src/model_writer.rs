use sapo_model::{Decoding, LanguageModel, Sampling};
use sapo_prompts::SourceError;
use sapo_prompts::sources::{Answer, Ask, Ending, MODEL, Writer};

/// The loaded language model as the writer of its own paraphrases, by sampling.
///
/// The message goes through the model's chat template where it has one, else it is read as it is.
#[derive(Debug)]
pub struct ModelWriter<'a> {
    /// The model in its current state.
    pub model: &'a LanguageModel,
    /// How origins name it.
    pub name: String,
    /// Above 0 and finite.
    pub temperature: f64,
    /// Tokens are drawn among the likeliest that have this share of the probability together.
    pub top_p: f64,
    /// Longest answer in tokens.
    pub max_new_tokens: usize,
    /// Padded prompt tokens in one batch.
    pub token_budget: usize,
}

impl Writer for ModelWriter<'_> {
    fn source(&self) -> &'static str {
        MODEL
    }

    fn model(&self) -> String {
        self.name.clone()
    }

    fn temperature(&self) -> f64 {
        self.temperature
    }

    fn answer(&mut self, asks: &[Ask], on_answer: &mut dyn FnMut()) -> Result<Vec<Answer>, SourceError> {
        let problem = |problem: String| SourceError::Model { name: MODEL.into(), problem };
        let failed = |error: sapo_model::ModelError| problem(error.to_string());
        let codec = self.model.codec();
        let prompts: Vec<Vec<i64>> = asks
            .iter()
            .map(|ask| codec.encode_prompt(&ask.message))
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        let sampling = |ask: &Ask| Sampling::new(self.temperature, self.top_p, ask.seed);
        let samplings: Vec<Sampling> = asks
            .iter()
            .map(sampling)
            .collect::<Result<_, _>>()
            .map_err(|error| problem(error.to_string()))?;
        let decoding = Decoding::SampleEach(&samplings);
        let heard = |answers: usize| (0..answers).for_each(|_| on_answer());
        let answers = self
            .model
            .generate(&prompts, decoding, self.max_new_tokens, self.token_budget, heard)
            .map_err(failed)?;
        let answer = |generation: sapo_model::Generation| Answer {
            text: generation.text,
            ending: if generation.ended { Ending::Complete } else { Ending::Truncated },
            request: None,
        };
        Ok(answers.into_iter().map(answer).collect())
    }
}
