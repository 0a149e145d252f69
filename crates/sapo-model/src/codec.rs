//! Text to token ids and back: tokenizer, and the form in which a prompt and its target are written.

use std::path::{Path, PathBuf};

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, context};
use tokenizers::Tokenizer;

use crate::ModelError;

/// A prompt with its target as one sequence of token ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Prompt, then target.
    pub ids: Vec<i64>,
    /// Index of the first target token; at least 1, because a token is predicted from the one before it.
    pub target_start: usize,
}

impl Encoded {
    /// Number of target tokens.
    pub fn target_tokens(&self) -> usize {
        self.ids.len() - self.target_start
    }

    /// Whether it can be trained on and scored: with a target, and no longer than `limit` tokens.
    ///
    /// # Errors
    /// Says what is wrong, with `index`, the example's place in the caller's list.
    pub fn check(&self, index: usize, limit: usize) -> Result<(), ModelError> {
        if self.target_tokens() == 0 {
            return Err(ModelError::NoTarget { index });
        }
        if self.ids.len() > limit {
            return Err(ModelError::TooLong { index, tokens: self.ids.len(), limit });
        }
        Ok(())
    }
}

/// How a prompt and its target become one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextFormat {
    /// Through the model's own chat template: the prompt is the user's turn, the target the assistant's. The loss
    /// covers what the assistant's turn adds to the generation prompt: target and end-of-turn tokens.
    Chat,
    /// The prompt, a newline, the target, and the end-of-text token where the tokenizer has one.
    Plain,
}

/// Tokenizer and text format of one model directory.
#[derive(Debug)]
pub struct TextCodec {
    tokenizer: Tokenizer,
    format: TextFormat,
    template: Option<Environment<'static>>,
    bos_token: String,
    eos_token: String,
    directory: PathBuf,
}

const TEMPLATE: &str = "chat";

impl TextCodec {
    /// Reads `tokenizer.json` and, where it is, `tokenizer_config.json` with its chat template. A model with a template
    /// is used in chat form, another one plainly.
    ///
    /// # Errors
    /// Names the file that is missing or malformed.
    pub fn open(directory: &Path) -> Result<Self, ModelError> {
        let path = directory.join("tokenizer.json");
        if !path.exists() {
            let missing = std::io::Error::new(std::io::ErrorKind::NotFound, "no such file");
            return Err(ModelError::io("read", path)(missing));
        }
        let mut tokenizer =
            Tokenizer::from_file(&path).map_err(|error| ModelError::malformed(&path, error))?;
        // Padding and truncation written into some files would change lengths behind our back.
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|error| ModelError::malformed(&path, error))?;

        let config = read_tokenizer_config(directory)?;
        let token = |name: &str| match &config[name] {
            serde_json::Value::String(text) => text.clone(),
            object => object["content"].as_str().unwrap_or_default().to_string(),
        };
        let beside = directory.join("chat_template.jinja");
        let source = match std::fs::read_to_string(&beside) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                default_template(&config["chat_template"])
            }
            Err(error) => return Err(ModelError::io("read", beside)(error)),
        };
        let template = source.map(|source| chat_environment(source, directory)).transpose()?;
        Ok(Self {
            tokenizer,
            format: if template.is_some() { TextFormat::Chat } else { TextFormat::Plain },
            template,
            bos_token: token("bos_token"),
            eos_token: token("eos_token"),
            directory: directory.to_path_buf(),
        })
    }

    /// The format in use.
    pub fn format(&self) -> TextFormat {
        self.format
    }

    /// Number of entries of the vocabulary, added tokens included.
    pub fn vocab_size(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    /// The id of the end-of-text token, where the tokenizer names one.
    pub fn eos_token_id(&self) -> Option<i64> {
        self.tokenizer.token_to_id(&self.eos_token).map(i64::from)
    }

    /// A prompt and its target in this codec's format.
    ///
    /// # Errors
    /// When the chat template refuses the messages, or the target has no tokens.
    pub fn encode_example(&self, prompt: &str, target: &str) -> Result<Encoded, ModelError> {
        let opening = self.prompt_text(prompt)?;
        let whole = match self.format {
            TextFormat::Chat => self.render(prompt, Some(target))?,
            TextFormat::Plain => format!("{opening}{target}{}", self.eos_token),
        };
        match whole.strip_prefix(&opening) {
            Some(completion) => self.encode_pair(&opening, completion),
            None => Err(self
                .error("the chat template's text with an answer does not begin with its generation prompt")),
        }
    }

    /// A prompt ready for generation.
    ///
    /// # Errors
    /// When the chat template refuses the message.
    pub fn encode_prompt(&self, prompt: &str) -> Result<Vec<i64>, ModelError> {
        let text = self.prompt_text(prompt)?;
        let encoding = self.tokenizer.encode_fast(text, false).map_err(|error| self.error(error))?;
        Ok(encoding.get_ids().iter().map(|&id| i64::from(id)).collect())
    }

    /// `prompt` and then `completion`, tokenised as one string without added special tokens. A token that crosses the
    /// boundary counts as part of the completion.
    ///
    /// # Errors
    /// When the tokenizer fails, or the completion has no token of its own.
    pub fn encode_pair(&self, prompt: &str, completion: &str) -> Result<Encoded, ModelError> {
        let text = format!("{prompt}{completion}");
        let encoding = self.tokenizer.encode(text, false).map_err(|error| self.error(error))?;
        let boundary = prompt.len();
        let target_start = encoding
            .get_offsets()
            .iter()
            .position(|&(_, end)| end > boundary)
            .map(|start| start.max(1)) // the first token of a text is predicted from nothing
            .filter(|&start| start < encoding.len())
            .ok_or_else(|| self.error(format!("completion {completion:?} has no tokens of its own: a text's first token is predicted from nothing")))?;
        let ids = encoding.get_ids().iter().map(|&id| i64::from(id)).collect();
        Ok(Encoded { ids, target_start })
    }

    /// Tokens of plain text, without special tokens.
    ///
    /// # Errors
    /// When the tokenizer fails.
    pub fn encode_text(&self, text: &str) -> Result<Vec<i64>, ModelError> {
        let encoding = self.tokenizer.encode_fast(text, false).map_err(|error| self.error(error))?;
        Ok(encoding.get_ids().iter().map(|&id| i64::from(id)).collect())
    }

    /// Cuts a text at its end to at most `max_tokens` tokens; says whether it had to.
    ///
    /// # Errors
    /// When the tokenizer fails.
    pub fn shorten(&self, text: &str, max_tokens: usize) -> Result<(String, bool), ModelError> {
        let encoding = self.tokenizer.encode(text, false).map_err(|error| self.error(error))?;
        let offsets = encoding.get_offsets();
        if offsets.len() <= max_tokens {
            return Ok((text.to_string(), false));
        }
        // What is left can fall into more tokens than before: a space that belonged to the next word, or a word cut
        // where another merge now comes first.
        for kept in (1..=max_tokens).rev() {
            let end = offsets[kept - 1].1.min(offsets[kept].0);
            let cut = (0..=end.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
            if self.encode_text(&text[..cut])?.len() <= max_tokens {
                return Ok((text[..cut].to_string(), true));
            }
        }
        Ok((String::new(), true))
    }

    /// Text of token ids, special tokens left out, stripped.
    ///
    /// # Errors
    /// When an id is not in the vocabulary.
    pub fn decode(&self, ids: &[i64]) -> Result<String, ModelError> {
        let ids: Vec<u32> = ids.iter().filter_map(|&id| u32::try_from(id).ok()).collect();
        let text = self.tokenizer.decode(&ids, true).map_err(|error| self.error(error))?;
        Ok(text.trim().to_string())
    }

    /// The text that a model continues with its answer.
    fn prompt_text(&self, prompt: &str) -> Result<String, ModelError> {
        match self.format {
            TextFormat::Chat => self.render(prompt, None),
            TextFormat::Plain => Ok(format!("{prompt}\n")),
        }
    }

    fn render(&self, user: &str, assistant: Option<&str>) -> Result<String, ModelError> {
        let Some(environment) = &self.template else {
            return Err(self.error("no chat template"));
        };
        let mut messages = vec![context! { role => "user", content => user }];
        if let Some(answer) = assistant {
            messages.push(context! { role => "assistant", content => answer });
        }
        environment
            .get_template(TEMPLATE)
            .and_then(|template| {
                template.render(context! {
                    messages,
                    add_generation_prompt => assistant.is_none(),
                    enable_thinking => false,
                    bos_token => &self.bos_token,
                    eos_token => &self.eos_token,
                })
            })
            .map_err(|error| self.error(format!("chat template: {error:#}")))
    }

    fn error(&self, problem: impl std::fmt::Display) -> ModelError {
        ModelError::Tokenizer { path: self.directory.clone(), problem: problem.to_string() }
    }
}

fn read_tokenizer_config(directory: &Path) -> Result<serde_json::Value, ModelError> {
    let path = directory.join("tokenizer_config.json");
    match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(serde_json::Value::Null),
        Err(error) => Err(ModelError::io("read", path)(error)),
        Ok(text) => serde_json::from_str(&text).map_err(|error| ModelError::malformed(path, error)),
    }
}

/// The chat template, or among several named ones (`[{"name", "template"}, ..]`) the default.
fn default_template(value: &serde_json::Value) -> Option<String> {
    let default =
        |list: &Vec<serde_json::Value>| list.iter().find(|entry| entry["name"] == "default").cloned();
    let value = value.as_array().and_then(default).map_or(value.clone(), |entry| entry["template"].clone());
    value.as_str().map(String::from)
}

/// The environment in which Hugging Face renders chat templates: trimmed blocks, Python's string methods.
fn chat_environment(source: String, directory: &Path) -> Result<Environment<'static>, ModelError> {
    let refused = |error: minijinja::Error| ModelError::Tokenizer {
        path: directory.to_path_buf(),
        problem: format!("chat template: {error:#}"),
    };
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.map_err(&refused)?);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_function("raise_exception", |message: String| -> Result<String, minijinja::Error> {
        Err(minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, message))
    });
    environment.add_template_owned(TEMPLATE, source).map_err(&refused)?;
    Ok(environment)
}
