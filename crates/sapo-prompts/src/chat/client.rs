use std::cell::Cell;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use futures_util::StreamExt;
use futures_util::stream;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Response, Url, redirect};
use sapo_http::{Http, Retry, asked_pause, bearer, may_hold_secret, may_pass, with_causes};
use serde_json::{Map, Value};

use super::budget::Purse;
use super::cache::{self, Cache};
use super::protocol::{self, Completion};
use super::{Budget, ChatError, Finish, Key, Spent};

/// The longest pause that an endpoint may ask for.
const LONGEST_ASKED_PAUSE: Duration = Duration::from_secs(300);

/// A paraphrase is far shorter; what is longer is no answer to us.
const LONGEST_BODY: usize = 8 << 20;

/// Tokens that a chat template adds to a message, at most.
const TEMPLATE_TOKENS: u64 = 256;

/// Which endpoint, and how it is asked.
#[derive(Debug, Clone)]
pub struct ChatSettings {
    /// The address before `/chat/completions`, as in `http://localhost:8000/v1`.
    pub base: String,
    /// Name of the model there.
    pub model: String,
    /// Sent as `Authorization: Bearer`; local servers need none.
    pub key: Option<Key>,
    /// Temperature of the answers.
    pub temperature: f64,
    /// Longest answer in tokens.
    pub max_tokens: u32,
    /// Further fields of the request; null takes one out.
    pub extra: Map<String, Value>,
    /// Requests on their way at one time, at least 1.
    pub concurrency: usize,
    /// The longest that one request may take.
    pub timeout: Duration,
    /// When to try again.
    pub retry: Retry,
    /// How much may be spent.
    pub budget: Budget,
    /// The folder where answers are kept.
    pub cache: PathBuf,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The text.
    pub text: String,
    /// How it ended.
    pub finish: Finish,
    /// SHA-256 of what was asked: the name of the answer in the cache.
    pub request: String,
}

/// A chat endpoint.
#[derive(Debug)]
pub struct Chat {
    settings: ChatSettings,
    url: Url,
    http: Http,
    headers: HeaderMap,
    cache: Cache,
    purse: Purse,
}

/// One attempt that brought no answer.
struct Failure {
    why: Why,
    /// Tokens that it took all the same, where that is known.
    tokens: Option<u64>,
}

/// Why an attempt brought no answer.
enum Why {
    /// It may pass: what went wrong, and how long the endpoint asks to wait.
    Passing { what: String, pause: Option<Duration>, status: u16 },
    /// It will not.
    Lasting(ChatError),
}

impl Chat {
    /// Nothing is asked yet.
    ///
    /// # Errors
    /// Settings with which nothing can be asked.
    pub fn new(settings: ChatSettings) -> Result<Self, ChatError> {
        let url = address(&settings.base)?;
        let within = |setting, got: String, fits, expected| {
            if fits { Ok(()) } else { Err(ChatError::Setting { setting, got, expected }) }
        };
        let (temperature, concurrency) = (settings.temperature, settings.concurrency);
        let temperature_fits = (0.0..=2.0).contains(&temperature);
        within("the temperature", temperature.to_string(), temperature_fits, "0 to 2")?;
        within("the number of requests at one time", concurrency.to_string(), concurrency > 0, "at least 1")?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(Key(key)) = &settings.key {
            let value = bearer(key).ok_or_else(|| ChatError::Client {
                problem: "the key holds characters that no key has".into(),
            })?;
            headers.insert(AUTHORIZATION, value);
        }
        let http = Http::new(&url, |builder| {
            builder
                .connect_timeout(settings.timeout.min(Duration::from_secs(20)))
                .timeout(settings.timeout)
                .redirect(redirect::Policy::none()) // the key is for this endpoint alone
        });
        Ok(Self {
            url,
            http: http.map_err(|error| ChatError::Client { problem: error.to_string() })?,
            headers,
            cache: Cache::new(&settings.cache),
            purse: Purse::new(settings.budget),
            settings,
        })
    }

    /// What the endpoint was made with.
    pub fn settings(&self) -> &ChatSettings {
        &self.settings
    }

    /// What was spent since it was made.
    pub fn spent(&self) -> Spent {
        self.purse.spent()
    }

    /// The answers to messages, each with the seed of its draw, in their order; `on_reply` hears of each as it comes.
    ///
    /// # Errors
    /// The first that lasts. What is on its way then is waited for, and every answer that came is kept.
    pub fn ask(&self, messages: &[(&str, u64)], on_reply: &mut dyn FnMut()) -> Result<Vec<Reply>, ChatError> {
        let failed = &Cell::new(false);
        let one = |(message, seed)| async move {
            if failed.get() {
                return None;
            }
            let reply = self.reply(message, seed).await;
            failed.set(failed.get() || reply.is_err());
            Some(reply)
        };
        self.http.wait(async {
            let mut replies =
                stream::iter(messages.iter().copied()).map(one).buffered(self.settings.concurrency);
            let (mut came, mut error) = (Vec::with_capacity(messages.len()), None);
            while let Some(reply) = replies.next().await {
                match reply {
                    Some(Ok(reply)) => {
                        came.push(reply);
                        on_reply();
                    }
                    Some(Err(problem)) => error = error.or(Some(problem)),
                    None => {}
                }
            }
            error.map_or(Ok(came), Err)
        })
    }

    async fn reply(&self, message: &str, seed: u64) -> Result<Reply, ChatError> {
        let ChatSettings { base, model, temperature, max_tokens, extra, .. } = &self.settings;
        let body = protocol::body(model, message, *temperature, *max_tokens, seed, extra);
        let request = cache::name(base, &body);
        let completion = match self.cache.get(&request)? {
            Some(completion) => {
                self.purse.note_cached();
                completion
            }
            None => {
                // a token is a byte at least
                let most = message.len() as u64 + TEMPLATE_TOKENS + u64::from(*max_tokens);
                let completion =
                    self.completion(&Value::Object(body.clone()).to_string(), most, seed).await?;
                self.cache.put(&request, base, &body, &completion)?;
                completion
            }
        };
        Ok(Reply { text: completion.text, finish: completion.finish, request })
    }

    /// Asks until there is an answer, or no hope of one.
    async fn completion(&self, body: &str, most_tokens: u64, seed: u64) -> Result<Completion, ChatError> {
        let base = || self.settings.base.clone();
        let retry = &self.settings.retry;
        let mut attempts = 0;
        loop {
            self.purse.reserve(most_tokens)?;
            attempts += 1;
            let outcome = self.attempt(body).await;
            let tokens = match &outcome {
                Ok(completion) => completion.tokens,
                Err(failure) => failure.tokens,
            };
            self.purse.settle(most_tokens, tokens.unwrap_or(most_tokens));
            let (what, pause, status) = match outcome.map_err(|failure| failure.why) {
                Ok(completion) => return Ok(completion),
                Err(Why::Lasting(error)) => return Err(error),
                Err(Why::Passing { what, pause, status }) => (what, pause, status),
            };
            if attempts > retry.times {
                return Err(ChatError::GaveUp { base: base(), attempts, last: what });
            }
            let pause = pause.unwrap_or_else(|| retry.pause(attempts, seed));
            if pause > LONGEST_ASKED_PAUSE {
                let (seconds, most) = (pause.as_secs(), LONGEST_ASKED_PAUSE.as_secs());
                return Err(ChatError::LongPause { base: base(), status, seconds, most });
            }
            tracing::warn!("{}: {what}; again in {:.1} s", self.settings.base, pause.as_secs_f64());
            tokio::time::sleep(pause).await;
        }
    }

    async fn attempt(&self, body: &str) -> Result<Completion, Failure> {
        let passing = |what: String, tokens| {
            let why = Why::Passing { what: self.cleared(&what), pause: None, status: 0 };
            Failure { why, tokens }
        };
        let request = self.http.client().post(self.url.clone());
        let request = request.headers(self.headers.clone()).body(body.to_owned());
        let response = request.send().await.map_err(|error| {
            let tokens = error.is_connect().then_some(0); // what was not asked was not answered
            passing(with_causes(error), tokens)
        })?;
        let status = response.status().as_u16();
        let header = |name| response.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let pause = header(RETRY_AFTER).and_then(|header| asked_pause(header, SystemTime::now()));
        let content_type = header(CONTENT_TYPE).unwrap_or("no content type").to_owned();
        let bytes = read(response).await.map_err(|what| passing(what, None))?;
        let tokens = protocol::tokens(&bytes);
        if !(200..300).contains(&status) {
            let (message, code) = protocol::error_message(&bytes);
            let message = self.cleared(&message);
            // a quota that is used up is not used up less in a minute
            let why = if may_pass(status) && code.as_deref() != Some("insufficient_quota") {
                Why::Passing { what: format!("{status}: {message}"), pause, status }
            } else {
                Why::Lasting(ChatError::Denied { base: self.settings.base.clone(), status, message })
            };
            return Err(Failure { why, tokens: tokens.or(Some(0)) }); // who refuses writes nothing
        }
        if !content_type.contains("json") {
            let said = protocol::beginning(&String::from_utf8_lossy(&bytes));
            return Err(passing(format!("expected application/json, got {content_type}: {said}"), tokens));
        }
        let completion = protocol::completion(&bytes).map_err(|what| passing(what, tokens))?;
        Ok(Completion { text: self.cleared(&completion.text), ..completion })
    }

    fn cleared(&self, text: &str) -> String {
        self.settings.key.as_ref().map_or_else(|| text.to_owned(), |key| key.clear(text))
    }
}

/// The address to ask at. One with a secret in it would put that into records, so it is refused unseen.
fn address(base: &str) -> Result<Url, ChatError> {
    let wrong = |got: &str, expected| ChatError::Setting {
        setting: "the endpoint's address",
        got: got.into(),
        expected,
    };
    if may_hold_secret(base) {
        return Err(wrong("one with a secret in it", "an address alone; the key comes from the environment"));
    }
    let mut url = Url::parse(base).map_err(|_| wrong(base, "an address such as http://localhost:8000/v1"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong(base, "an address that begins with http:// or https://"));
    }
    let path = format!("{}/chat/completions", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

async fn read(mut response: Response) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(with_causes)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > LONGEST_BODY {
            return Err(format!("an answer of more than {LONGEST_BODY} bytes"));
        }
    }
    Ok(bytes)
}
