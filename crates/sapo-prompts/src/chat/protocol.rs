//! The part of OpenAI's chat protocol that is used: one user turn, one answer.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// By itself.
    Stop,
    /// At the longest length.
    Length,
    /// By a filter, or as a refusal.
    Refused,
}

/// What an endpoint answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Completion {
    pub(super) text: String,
    pub(super) finish: Finish,
    /// Tokens of prompt and answer, where the endpoint says.
    pub(super) tokens: Option<u64>,
}

/// The body of a request. `extra` sets further fields; null takes one out.
pub(super) fn body(
    model: &str,
    message: &str,
    temperature: f64,
    max_tokens: u32,
    seed: u64,
    extra: &Map<String, Value>,
) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("model".into(), model.into());
    body.insert("messages".into(), json!([{"role": "user", "content": message}]));
    body.insert("temperature".into(), temperature.into());
    body.insert("max_tokens".into(), max_tokens.into());
    body.insert("seed".into(), seed.into());
    for (name, value) in extra {
        if value.is_null() {
            body.remove(name);
        } else {
            body.insert(name.clone(), value.clone());
        }
    }
    body
}

#[derive(Deserialize)]
struct Response {
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
    refusal: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    total_tokens: Option<u64>,
}

impl Usage {
    /// Tokens of prompt and answer together.
    fn total(&self) -> Option<u64> {
        self.total_tokens.or_else(|| Some(self.prompt_tokens?.saturating_add(self.completion_tokens?)))
    }
}

/// Reads the body of an answer; the error says what is wrong with it.
pub(super) fn completion(bytes: &[u8]) -> Result<Completion, String> {
    let response: Response =
        serde_json::from_slice(bytes).map_err(|error| format!("not a chat completion: {error}"))?;
    let choice = response.choices.into_iter().next().ok_or("a chat completion without choices")?;
    let finish = match (choice.finish_reason.as_deref(), &choice.message.refusal) {
        (_, Some(refusal)) if !refusal.is_empty() => Finish::Refused,
        (Some("content_filter"), _) => Finish::Refused,
        (Some("length"), _) => Finish::Length,
        _ => Finish::Stop,
    };
    let tokens = response.usage.and_then(|usage| usage.total());
    Ok(Completion { text: choice.message.content.unwrap_or_default(), finish, tokens })
}

/// The tokens that a body says it took, whatever else it is.
pub(super) fn tokens(bytes: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Counted {
        usage: Usage,
    }
    serde_json::from_slice::<Counted>(bytes).ok()?.usage.total()
}

/// What the body of a refused request says: `{"error": {"message"}}`, `{"error": "..."}`, `{"message"}`, or its beginning.
/// The second part is the code of the error, such as `insufficient_quota`.
pub(super) fn error_message(bytes: &[u8]) -> (String, Option<String>) {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
        let error = &value["error"];
        let code = text(&error["code"]).or_else(|| text(&error["type"]));
        let said = [&error["message"], error, &value["message"], &value["detail"]].into_iter().find_map(text);
        if let Some(said) = said {
            return (beginning(&said), code);
        }
    }
    (beginning(&String::from_utf8_lossy(bytes)), None)
}

/// One line of at most 300 characters.
pub(super) fn beginning(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() { "(nothing)".into() } else { line.chars().take(300).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_completion_is_read() {
        let body =
            br#"{"id": "x", "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"},
                        "finish_reason": "stop"}], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}"#;
        let expected = Completion { text: "Hi".into(), finish: Finish::Stop, tokens: Some(5) };
        assert_eq!(completion(body), Ok(expected));
        let finish = |message: &str, reason: &str| {
            let body = format!(r#"{{"choices": [{{"message": {message}, "finish_reason": {reason}}}]}}"#);
            completion(body.as_bytes()).unwrap().finish
        };
        assert_eq!(finish(r#"{"content": "Hi"}"#, "\"length\""), Finish::Length);
        assert_eq!(finish(r#"{"content": null, "refusal": "No."}"#, "\"stop\""), Finish::Refused);
        assert_eq!(finish(r#"{"content": ""}"#, "\"content_filter\""), Finish::Refused);
        assert_eq!(finish(r#"{"content": "Hi"}"#, "null"), Finish::Stop);
    }

    #[test]
    fn what_is_no_completion_says_why() {
        assert!(completion(b"<html>").unwrap_err().starts_with("not a chat completion: expected value"));
        assert!(completion(br#"{"choices": []}"#).unwrap_err().contains("without choices"));
        assert!(completion(br#"{"choices": [{"message": {"content": 3}}]}"#).is_err());
    }

    #[test]
    fn errors_are_read_in_all_their_forms() {
        let message = |body: &[u8]| error_message(body).0;
        assert_eq!(message(br#"{"error": {"message": "No\n such  model", "code": "x"}}"#), "No such model");
        assert_eq!(message(br#"{"error": "no"}"#), "no");
        assert_eq!(message(br#"{"message": "no"}"#), "no");
        assert_eq!(message(br#"{"detail": "no"}"#), "no");
        assert_eq!(message(b"busy"), "busy");
        assert_eq!(message(b""), "(nothing)");
        assert_eq!(message(&[b'x'; 999]).len(), 300);
        let quota = br#"{"error": {"message": "m", "code": "insufficient_quota"}}"#;
        assert_eq!(error_message(quota).1.as_deref(), Some("insufficient_quota"));
    }

    #[test]
    fn extra_fields_are_set_or_taken_out() {
        let extra = json!({"max_tokens": null, "top_p": 0.9});
        let body = body("m", "Hi", 0.6, 9, 1, extra.as_object().unwrap());
        assert_eq!(
            Value::Object(body),
            json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "temperature": 0.6, "seed": 1,
                   "top_p": 0.9})
        );
    }
}
