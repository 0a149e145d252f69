use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use sapo_lab::user_cache;
use sapo_prompts::chat::{Budget, Chat, ChatSettings, Key, Retry};
use serde_json::{Map, Value};

/// The host whose key is taken from `OPENAI_API_KEY` where no other is given: it is sent nowhere else.
const OPENAI: &str = "https://api.openai.com/";

/// The chat endpoint of the source `api`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Source api")]
pub(super) struct ApiArgs {
    /// Address of the endpoint before /chat/completions, such as http://localhost:8000/v1
    #[arg(long, value_name = "URL", env = "SAPO_API_BASE", hide_env_values = true)]
    api_base: Option<String>,
    /// Name of the model there
    #[arg(long, value_name = "NAME", env = "SAPO_API_MODEL", hide_env_values = true)]
    api_model: Option<String>,
    /// The environment variable that has the key [default: SAPO_API_KEY, for api.openai.com also OPENAI_API_KEY]; local
    /// servers need none
    #[arg(long, value_name = "NAME")]
    api_key_env: Option<String>,
    /// Most requests in all, those that are sent again among them
    #[arg(long, value_name = "N", default_value_t = 200)]
    api_max_calls: u64,
    /// Most tokens of requests and answers in all
    #[arg(long, value_name = "N", default_value_t = 500_000)]
    api_max_tokens: u64,
    /// Requests on their way at one time
    #[arg(long, value_name = "N", default_value = "4")]
    api_concurrency: NonZeroUsize,
    /// Seconds that one request may take
    #[arg(long, value_name = "S", default_value = "120")]
    api_timeout: NonZeroUsize,
    /// How often a request is sent again where that may help: the server is busy, broken or silent
    #[arg(long, value_name = "N", default_value_t = Retry::default().times)]
    api_retries: u32,
    /// Further fields of a request as a JSON object; null takes one out
    #[arg(long, value_name = "JSON", value_parser = object)]
    api_body: Option<Map<String, Value>>,
    /// Folder where answers are kept [default: answers in SAPO_CACHE, or in ~/.cache/sapo]
    #[arg(long, value_name = "DIR")]
    api_cache: Option<PathBuf>,
}

impl ApiArgs {
    /// The endpoint, with the budget of all that is asked of it.
    pub(super) fn chat(&self, temperature: f64, max_tokens: u32) -> anyhow::Result<Chat> {
        let base = self.api_base.clone().context("--source api needs --api-base")?;
        let model = self.api_model.clone().context("--source api needs --api-model")?;
        Ok(Chat::new(ChatSettings {
            key: self.key(&base)?,
            base,
            model,
            temperature,
            max_tokens,
            extra: self.api_body.clone().unwrap_or_default(),
            concurrency: self.api_concurrency.get(),
            timeout: Duration::from_secs(self.api_timeout.get() as u64),
            retry: Retry { times: self.api_retries, ..Retry::default() },
            budget: Budget { calls: self.api_max_calls, tokens: self.api_max_tokens },
            cache: self.api_cache.clone().unwrap_or_else(|| user_cache("answers")),
        })
        .map_err(sapo_prompts::SourceError::from)?)
    }

    /// The key, from the environment alone: a command line is seen by other users of the machine.
    fn key(&self, base: &str) -> anyhow::Result<Option<Key>> {
        let key = |name: &str| std::env::var(name).ok().as_deref().and_then(Key::new);
        if let Some(name) = &self.api_key_env {
            return key(name).with_context(|| format!("the variable {name} has no key")).map(Some);
        }
        let openai = base.starts_with(OPENAI).then(|| key("OPENAI_API_KEY")).flatten();
        Ok(key("SAPO_API_KEY").or(openai))
    }
}

fn object(text: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|error| format!("expected a JSON object: {error}"))
}
