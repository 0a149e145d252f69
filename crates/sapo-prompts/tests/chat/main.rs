//! Paraphrases by a chat endpoint, against servers that are well and servers that are not.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as it should be")]

mod stand_in;

use std::path::Path;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use sapo_prompts::chat::{Budget, Chat, ChatError, ChatSettings, Key, Retry};
use sapo_prompts::sources::{SourceError, Written, pool_from};
use sapo_prompts::{Instruction, ParaphraseRequest, PromptPool};
use serde_json::{Map, json};
use stand_in::{Reply, Request, StandIn};

const KEY: &str = "sk-veryVerySecret";

fn settings(base: &str, cache: &Path) -> ChatSettings {
    ChatSettings {
        base: base.into(),
        model: "m".into(),
        key: Key::new(KEY),
        temperature: 0.6,
        max_tokens: 300,
        extra: Map::new(),
        concurrency: 4,
        timeout: Duration::from_secs(5),
        retry: Retry { times: 3, first_pause: Duration::from_millis(4), ..Retry::default() },
        budget: Budget { calls: 100, tokens: 1_000_000 },
        cache: cache.into(),
    }
}

fn request(count: usize) -> ParaphraseRequest {
    let instruction = Instruction::new("Say whether the {tweet} is happy or sad.");
    ParaphraseRequest::new(instruction, vec!["happy".into(), "sad".into()], count, 5)
}

/// A good wording that differs from request to request.
fn wording(request: &Request) -> Reply {
    let seed = &request.body["seed"];
    Reply::text(&format!("<paraphrase>Is the {{tweet}} number {seed} happy or sad?</paraphrase>"))
}

fn ask(settings: ChatSettings, count: usize) -> Result<PromptPool, SourceError> {
    let chat = Chat::new(settings).unwrap();
    pool_from(&mut Written(&chat), &request(count), &mut |_| ())
}

/// The answer, and what it says to anyone, after one fault that is not to last.
fn after(fault: impl Fn() -> Reply + Send + Sync + 'static) -> (Result<PromptPool, SourceError>, StandIn) {
    let server = StandIn::start(move |request, number| if number == 0 { fault() } else { wording(request) });
    let cache = tempfile::tempdir().unwrap();
    let outcome = ask(settings(&server.base, cache.path()), 1);
    (outcome, server)
}

/// The error of a server that always has the same fault.
fn always(fault: impl Fn() -> Reply + Send + Sync + 'static) -> (ChatError, usize) {
    let server = StandIn::start(move |_, _| fault());
    let cache = tempfile::tempdir().unwrap();
    let error = ask(settings(&server.base, cache.path()), 1).unwrap_err();
    let SourceError::Chat(error) = error else { panic!("{error}") };
    assert!(!format!("{error} {error:?}").contains(KEY), "{error:?}");
    (error, server.requests().len())
}

#[test]
fn a_pool_of_wordings_with_their_origin() {
    let server = StandIn::start(|request, _| wording(request));
    let cache = tempfile::tempdir().unwrap();
    let pool = ask(settings(&server.base, cache.path()), 20).unwrap();
    assert_eq!(pool.paraphrases().len(), 20);
    let requests = server.requests();
    assert_eq!(requests.len(), 20);
    let first = &requests[0];
    assert_eq!(first.path, "/v1/chat/completions");
    assert_eq!(first.authorization.as_deref(), Some("Bearer sk-veryVerySecret"));
    assert_eq!((&first.body["model"], &first.body["temperature"]), (&json!("m"), &json!(0.6)));
    assert_eq!(first.body["max_tokens"], 300);
    let message = first.body["messages"][0]["content"].as_str().unwrap();
    assert!(message.contains("Say whether the {tweet} is happy or sad."));
    assert!(server.most_at_once() <= 4);

    let origin = &pool.paraphrases()[0].origin;
    assert_eq!((origin.source.as_str(), origin.model.as_deref()), ("api", Some("m")));
    assert_eq!(origin.temperature, Some(0.6));
    let name = origin.request.as_deref().unwrap();
    let kept = cache.path().join(&name[..2]).join(format!("{name}.json"));
    let kept = std::fs::read_to_string(kept).unwrap();
    assert!(kept.contains("happy or sad") && !kept.contains(KEY), "{kept}");
    let text = pool.to_json().unwrap();
    assert!(!text.contains(KEY));
}

#[test]
fn requests_are_on_their_way_together_but_not_too_many() {
    let server = StandIn::start(|request, _| wording(request).after(Duration::from_millis(60)));
    let cache = tempfile::tempdir().unwrap();
    ask(settings(&server.base, cache.path()), 12).unwrap();
    assert!((2..=4).contains(&server.most_at_once()), "{}", server.most_at_once());
}

#[test]
fn nothing_is_paid_twice() {
    let server = StandIn::start(|request, _| wording(request));
    let cache = tempfile::tempdir().unwrap();
    let first = ask(settings(&server.base, cache.path()), 5).unwrap();
    let again = Chat::new(settings(&server.base, cache.path())).unwrap();
    assert_eq!(pool_from(&mut Written(&again), &request(5), &mut |_| ()).unwrap(), first);
    assert_eq!((again.spent().calls, again.spent().from_cache), (0, 5));
    assert_eq!(server.requests().len(), 5);
    // more of the same request goes on where it ended
    let more = ask(settings(&server.base, cache.path()), 8).unwrap();
    assert_eq!(more.paraphrases()[..5], *first.paraphrases());
    assert_eq!(server.requests().len(), 8);
    // another model is another question
    let other = ChatSettings { model: "other".into(), ..settings(&server.base, cache.path()) };
    ask(other, 1).unwrap();
    assert_eq!(server.requests().len(), 9);
}

#[test]
fn a_stop_in_the_middle_loses_nothing() {
    let server =
        StandIn::start(
            |request, number| {
                if number == 7 { Reply::error(401, "no more for you") } else { wording(request) }
            },
        );
    let cache = tempfile::tempdir().unwrap();
    let error = ask(settings(&server.base, cache.path()), 10).unwrap_err();
    assert!(matches!(error, SourceError::Chat(ChatError::Denied { status: 401, .. })), "{error}");
    let asked = server.requests().len();
    assert!((8..=11).contains(&asked), "what was on its way is waited for, nothing new is sent: {asked}");
    ask(settings(&server.base, cache.path()), 10).unwrap();
    assert_eq!(server.requests().len(), 11, "ten answers and one refusal");
}

#[test]
fn answers_that_cannot_be_used_are_dropped_counted_and_asked_again() {
    let server = StandIn::start(|request, number| match number {
        0 => Reply::finished("<paraphrase>Is the {tweet}", "length"),
        1 => Reply::text(""),
        2 => Reply::text("I'm sorry, but I can't help with that."),
        3 => Reply::text("Is it happy or sad?"),
        4 => Reply::text("<paraphrase>Is the {tweet} good or bad?</paraphrase>"),
        5 => Reply::text("<paraphrase>SAY whether the {tweet} is happy, or sad!</paraphrase>"),
        6 => Reply::json(
            200,
            &json!({"choices": [{"message": {"content": null, "refusal": "No."}, "finish_reason": "stop"}]}),
        ),
        _ => wording(request),
    });
    let cache = tempfile::tempdir().unwrap();
    let chat = Chat::new(ChatSettings { concurrency: 1, ..settings(&server.base, cache.path()) }).unwrap();
    let mut source = Written(&chat);
    let made = sapo_prompts::ParaphraseSource::paraphrase(&mut source, &request(3), &mut |_| ()).unwrap();
    assert_eq!(made.variants.len(), 3);
    let counts: Vec<_> = made.dropped_by_kind().into_iter().collect();
    let expected = [
        ("cut off", 1),
        ("duplicate", 1),
        ("empty", 1),
        ("refusal", 2),
        ("rejected by the guard", 1),
        ("without markers", 1),
    ];
    assert_eq!(counts, expected);
    assert_eq!(chat.spent().calls, 10);
}

#[test]
fn a_server_with_nothing_useful_is_not_asked_for_ever() {
    let server = StandIn::start(|_, _| Reply::text("Happy."));
    let cache = tempfile::tempdir().unwrap();
    let error = ask(settings(&server.base, cache.path()), 3).unwrap_err();
    assert!(matches!(&error, SourceError::TooFew { wanted: 3, got: 0, .. }), "{error}");
    assert!(
        error.to_string().contains("12 were thrown away, the first, `Happy.`, because: the answer has no")
    );
    assert_eq!(server.requests().len(), 12);
}

#[test]
fn faults_that_pass_are_tried_again() {
    let slow = || Reply::text("late").after(Duration::from_secs(2));
    let garbage = || Reply::new(200, "application/json", &b"{\"choices\": [{\"mess"[..]);
    let page = || Reply::new(200, "text/html", "<h1>Maintenance</h1>");
    let (outcome, server) = after(|| Reply::error(500, "accident"));
    assert!(outcome.is_ok() && server.requests().len() == 2);
    let (outcome, server) = after(|| Reply::error(429, "busy").header("retry-after", "0.1"));
    assert!(outcome.is_ok() && server.requests().len() == 2);
    let (outcome, server) = after(|| Reply::text("<paraphrase>Is it happy or sad, tell</paraphrase>").cut());
    assert!(outcome.is_ok() && server.requests().len() == 2, "{outcome:?}");
    let (outcome, server) = after(garbage);
    assert!(outcome.is_ok() && server.requests().len() == 2);
    let (outcome, server) = after(page);
    assert!(outcome.is_ok() && server.requests().len() == 2);

    let server = StandIn::start(move |request, number| if number == 0 { slow() } else { wording(request) });
    let cache = tempfile::tempdir().unwrap();
    let impatient =
        ChatSettings { timeout: Duration::from_millis(300), ..settings(&server.base, cache.path()) };
    assert!(ask(impatient, 1).is_ok());
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn retry_after_is_honoured() {
    let started = Instant::now();
    let (outcome, _) = after(|| Reply::error(429, "busy").header("retry-after", "1"));
    assert!(outcome.is_ok());
    assert!(started.elapsed() >= Duration::from_secs(1), "{:?}", started.elapsed());
    let (error, asked) = always(|| Reply::error(429, "busy").header("retry-after", "86400"));
    assert!(matches!(error, ChatError::LongPause { status: 429, seconds: 86400, .. }), "{error}");
    assert_eq!(asked, 1);
}

#[test]
fn faults_that_stay_are_told() {
    let (error, asked) = always(|| Reply::error(500, "accident"));
    assert!(
        matches!(&error, ChatError::GaveUp { attempts: 4, last, .. } if last == "500: accident"),
        "{error}"
    );
    assert_eq!(asked, 4);
    let (error, _) = always(|| Reply::new(200, "text/html", "<h1>Please log in</h1>"));
    assert!(
        error.to_string().contains("expected application/json, got text/html: <h1>Please log in"),
        "{error}"
    );
    let (error, _) = always(|| Reply::text("cut").cut());
    assert!(matches!(error, ChatError::GaveUp { .. }), "{error}");

    let (error, asked) = always(|| Reply::error(404, "no such model"));
    assert!(error.to_string().ends_with("answered 404: no such model"), "{error}");
    assert!(error.hint().is_some());
    assert_eq!(asked, 1);
    let quota =
        || Reply::json(429, &json!({"error": {"message": "pay first", "code": "insufficient_quota"}}));
    assert!(matches!(always(quota), (ChatError::Denied { status: 429, .. }, 1)));
    let elsewhere = || Reply::new(302, "text/plain", "").header("location", "http://127.0.0.1:1/steal");
    assert!(matches!(always(elsewhere), (ChatError::Denied { status: 302, .. }, 1)));
    // no server at all
    let cache = tempfile::tempdir().unwrap();
    let error = ask(settings("http://127.0.0.1:1/v1", cache.path()), 1).unwrap_err();
    assert!(matches!(&error, SourceError::Chat(ChatError::GaveUp { .. })), "{error}");
}

#[test]
fn the_key_is_told_to_nobody() {
    // a server that repeats what it was sent: in errors, ...
    let (error, _) = always(|| Reply::error(401, &format!("Incorrect API key provided: {KEY}.")));
    assert!(error.to_string().contains("provided: ***."), "{error}");
    let (error, _) = always(|| Reply::new(500, "text/plain", format!("key {KEY}")));
    assert!(error.to_string().contains("key ***"), "{error}");
    // ... in wrong content types, and in answers
    let (error, _) = always(|| Reply::new(200, "text/plain", format!("Bearer {KEY}")));
    assert!(error.to_string().contains("Bearer ***"), "{error}");
    let server =
        StandIn::start(|_, _| Reply::text(&format!("<paraphrase>{KEY} {{tweet}} happy or sad</paraphrase>")));
    let cache = tempfile::tempdir().unwrap();
    let pool = ask(settings(&server.base, cache.path()), 1).unwrap();
    assert_eq!(pool.paraphrases()[0].text.as_str(), "*** {tweet} happy or sad");
    let settings = settings(&server.base, cache.path());
    assert!(!format!("{settings:?}").contains(KEY));
    assert!(!format!("{:?}", Chat::new(settings).unwrap()).contains(KEY));
}

#[test]
fn the_budget_is_kept_and_what_came_is_not_lost() {
    let server = StandIn::start(|request, _| wording(request));
    let cache = tempfile::tempdir().unwrap();
    let few = |calls, tokens| ChatSettings {
        budget: Budget { calls, tokens },
        ..settings(&server.base, cache.path())
    };
    let error = ask(few(6, 1_000_000), 10).unwrap_err();
    assert!(matches!(error, SourceError::Chat(ChatError::Budget { what: "calls", limit: 6, .. })), "{error}");
    assert_eq!(server.requests().len(), 6);
    let error = ask(few(100, 2500), 10).unwrap_err();
    assert!(
        matches!(error, SourceError::Chat(ChatError::Budget { what: "tokens", limit: 2500, .. })),
        "{error}"
    );
    assert!(server.requests().len() < 10);
    ask(few(100, 1_000_000), 10).unwrap();
    assert_eq!(server.requests().len(), 10, "every answer was asked for once");
}

#[test]
fn answers_that_could_not_be_used_cost_what_they_took() {
    let server = StandIn::start(|request, number| match number {
        0 => Reply::json(200, &json!({"choices": [], "usage": {"total_tokens": 7}})),
        1 => Reply::json(503, &json!({"usage": {"prompt_tokens": 20, "completion_tokens": 30}})),
        2 => Reply::error(500, "refused before anything was written"),
        _ => wording(request),
    });
    let cache = tempfile::tempdir().unwrap();
    let chat = Chat::new(settings(&server.base, cache.path())).unwrap();
    pool_from(&mut Written(&chat), &request(1), &mut |_| ()).unwrap();
    assert_eq!((chat.spent().calls, chat.spent().tokens), (4, 7 + 50 + 220));

    // what broke off says nothing of its cost: it is taken for the most that it can be
    let server = StandIn::start(
        |request, number| {
            if number == 0 { Reply::text("late").cut() } else { wording(request) }
        },
    );
    let cache = tempfile::tempdir().unwrap();
    let chat = Chat::new(settings(&server.base, cache.path())).unwrap();
    pool_from(&mut Written(&chat), &request(1), &mut |_| ()).unwrap();
    assert!(chat.spent().tokens > 220 + 300, "{:?}", chat.spent());
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let cache = tempfile::tempdir().unwrap();
    for base in [
        "localhost:8000",
        "ftp://a/v1",
        "not an address",
        "http://me:hunter2@host/v1",
        "http://host/v1?key=hunter2",
        "me:hunter2@host/v1",
        "ftp://me:hunter2@host/v1",
    ] {
        let error = Chat::new(settings(base, cache.path())).unwrap_err().to_string();
        assert!(error.starts_with("the endpoint's address is ") && !error.contains("hunter2"), "{error}");
    }
    let hot = ChatSettings { temperature: 9.0, ..settings("http://a/v1", cache.path()) };
    assert!(matches!(Chat::new(hot), Err(ChatError::Setting { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever a server says, there is a pool or an error, soon, and never the key.
    #[test]
    fn any_answer_is_survived(status in prop::sample::select(vec![200u16, 201, 204, 400, 429, 500]),
                              kind in prop::sample::select(vec!["application/json", "text/html", "x"]),
                              body: Vec<u8>) {
        let server = StandIn::start(move |_, _| Reply::new(status, kind, body.clone()));
        let cache = tempfile::tempdir().unwrap();
        let retry = Retry { times: 1, first_pause: Duration::from_millis(1), ..Retry::default() };
        let outcome = ask(ChatSettings { retry, ..settings(&server.base, cache.path()) }, 1);
        prop_assert!(outcome.is_err());
        prop_assert!(!outcome.unwrap_err().to_string().contains(KEY));
    }
}
