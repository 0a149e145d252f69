//! How a command fails: one line that says what, one that says what to do, and the exit code.

use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use sapo_bench::BenchError;
use sapo_lab::report::ReportError;
use sapo_learn::LearnError;
use sapo_metrics::{MatrixError, MetricError};
use sapo_model::{HubError, ModelError};
use sapo_prompts::PoolFileError;
use sapo_prompts::sources::{BankError, SourceError};
use sapo_tasks::get::GetError;

use crate::interrupt::{self, Interrupted};

/// Mistakes in what the user gave that no other crate names.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    /// The file system said no.
    #[error("read {path}: {source}", path = path.display())]
    Read { path: PathBuf, source: std::io::Error },
    /// A line is not what it should be.
    #[error("{path}, line {number}: {reason}", path = path.display())]
    Line { path: PathBuf, number: usize, reason: String, expected: &'static str },
    /// A file without a line.
    #[error("{path}: no lines", path = path.display())]
    Empty { path: PathBuf, expected: &'static str },
    /// More tokens than the model reads.
    #[error(
        "{path}, {unit} {number}: {what} has {tokens} tokens, the model reads at most {limit}",
        path = path.display()
    )]
    TooLong { path: PathBuf, unit: &'static str, number: usize, what: String, tokens: usize, limit: usize },
    /// What may not be cut takes the whole context.
    #[error(
        "{path}, {unit} {number}: {rest} leaves no room for a prompt in the {limit} tokens that the model reads",
        path = path.display()
    )]
    NoRoom { path: PathBuf, unit: &'static str, number: usize, rest: &'static str, limit: usize },
    /// `--chat` without a template.
    #[error("{path} has no chat template", path = path.display())]
    NoChatTemplate { path: PathBuf },
    /// `--dtype auto` without a dtype on disk.
    #[error("{path} has no `dtype` or `torch_dtype` among float32, bfloat16, float16", path = path.display())]
    NoDtype { path: PathBuf },
    /// A place to write that is taken.
    #[error("{path} is there already, and is not an empty folder", path = path.display())]
    NotEmpty { path: PathBuf },
    /// A file that is no transfer matrix.
    #[error("{path}: expected {{\"zero_shot\": [..], \"scores\": [[..], ..]}}: {source}", path = path.display())]
    Scores { path: PathBuf, source: serde_json::Error },
    /// A name in a list twice.
    #[error("{option}: `{name}` is named more than once")]
    Twice { option: &'static str, name: String },
    /// A benchmark whose rows are on no machine by themselves.
    #[error("--data: expected the folder of the benchmark, got none")]
    NoData { how_to_get: Option<String> },
    /// A wording for a task that is not there.
    #[error("{path}: there is no task `{name}`", path = path.display())]
    WordingOfNothing { path: PathBuf, name: String, known: String },
    /// All asked for was checked, and some of it is wrong; the problems themselves are the command's data.
    #[error("{0}")]
    ProblemsFound(String),
}

/// Runs a command and says on stderr what went wrong.
pub(crate) fn exit_code(command: impl FnOnce() -> anyhow::Result<()>) -> ExitCode {
    let Err(error) = panics_as_errors(command) else { return ExitCode::SUCCESS };
    if let Some(Interrupted { kept }) = error.downcast_ref() {
        let (what, then) = if *kept { ("is", "go on") } else { ("is not", "begin anew") };
        eprintln!("interrupted; what was computed {what} kept: run the same command again to {then}");
        return interrupt::EXIT_CODE.into();
    }
    // A reader that has seen enough (`| head`) needs no message.
    let reader_left =
        error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe);
    if !reader_left {
        eprintln!("error: {}", message(&error));
        if let Some(hint) = hint(&error) {
            eprintln!("hint: {hint}");
        }
    }
    ExitCode::FAILURE
}

/// tch panics where libtorch refuses an operation (memory is short, a dtype is not supported on a device).
fn panics_as_errors(command: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    /// Where the last panic was; only the hook is told.
    static PLACE: Mutex<Option<String>> = Mutex::new(None);
    let place = || PLACE.lock().unwrap_or_else(PoisonError::into_inner);
    std::panic::set_hook(Box::new(move |info| *place() = info.location().map(ToString::to_string)));
    catch_unwind(AssertUnwindSafe(command)).unwrap_or_else(|panic| {
        let place = place().take().unwrap_or_else(|| "an unknown place".into());
        Err(anyhow::anyhow!("stopped: {} ({place})", panic_message(&*panic)))
    })
}

/// The chain of causes in one line; a cause that the message before it already tells is not told twice.
fn message(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            let _ = write!(text, ": {cause}"); // writing to a String cannot fail
        }
    }
    text
}

/// The first line: libtorch adds a long C++ trace.
fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    text.and_then(|text| text.lines().next()).unwrap_or("no reason was given").to_string()
}

/// What the user may do about it.
fn hint(error: &anyhow::Error) -> Option<String> {
    error
        .downcast_ref::<InputError>()
        .and_then(hint_on_input)
        .or_else(|| error.downcast_ref::<ModelError>().and_then(hint_on_model))
        .or_else(|| error.downcast_ref::<HubError>().and_then(HubError::hint).map(String::from))
        .or_else(|| error.downcast_ref::<GetError>().and_then(GetError::hint).map(String::from))
        .or_else(|| error.downcast_ref::<MatrixError>().and_then(hint_on_matrix))
        .or_else(|| error.downcast_ref::<SourceError>().and_then(hint_on_source))
        .or_else(|| error.downcast_ref::<BenchError>().and_then(hint_on_scores))
        .or_else(|| error.downcast_ref::<PoolFileError>().and_then(hint_on_pool))
        .or_else(|| error.downcast_ref::<LearnError>().and_then(hint_on_learning))
        .or_else(|| error.downcast_ref::<ReportError>().and_then(hint_on_report))
        .or_else(|| error.chain().any(is_full).then(|| MAKE_ROOM.into()))
}

const MAKE_ROOM: &str = "make room, or write elsewhere; what was finished is kept";

/// Whether the file system had no room.
fn is_full(cause: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    let kind = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    kind.is_some_and(|kind| [StorageFull, QuotaExceeded, FileTooLarge].contains(&kind))
}

fn hint_on_pool(error: &PoolFileError) -> Option<String> {
    let other = matches!(error, PoolFileError::OtherInstruction { .. });
    other.then(|| "remove the file; `sapo paraphrase --benchmark` makes it again".into())
}

fn hint_on_learning(error: &LearnError) -> Option<String> {
    match error {
        LearnError::Model(error) => hint_on_model(error),
        LearnError::Bench(error) => hint_on_scores(error),
        LearnError::Diverged { .. } => Some(
            "lower train.learning_rate or raise train.warmup_ratio; other settings are another run, the state before \
             this step stays with this one"
                .into(),
        ),
        LearnError::NoFolder { benchmark } => {
            let get = if benchmark == "own" { String::new() } else { format!("; `sapo data get {benchmark}` brings it") };
            Some(format!("name its folder: data = \"path\"{get}"))
        }
        LearnError::NoRoom { .. } => Some("take shorter wordings, or a model with a longer context".into()),
        LearnError::OutOfMemory { .. } => Some("what was finished is kept: the same command goes on".into()),
        _ => None,
    }
}

fn hint_on_report(error: &ReportError) -> Option<String> {
    matches!(error, ReportError::NoRuns { .. }).then(|| {
        "runs are the folder of an experiment, as runs/quickstart, or of one cell in it, as \
         runs/quickstart/0123456789abcdef"
            .into()
    })
}

fn hint_on_input(error: &InputError) -> Option<String> {
    match error {
        InputError::Line { expected, .. } | InputError::Empty { expected, .. } => {
            Some(format!("expected one JSON object a line: {expected}"))
        }
        InputError::TooLong { .. } => Some(
            "take a model with a longer context, or a rule: --too-long shorten-prompt or --too-long skip"
                .into(),
        ),
        InputError::NoRoom { .. } => {
            Some("shorten or remove it, or take a model with a longer context".into())
        }
        InputError::NoChatTemplate { .. } => Some("leave out --chat, or take a chat model".into()),
        InputError::NotEmpty { .. } => Some("choose another place, or remove it first".into()),
        InputError::NoDtype { .. } => Some("choose one: --dtype f32".into()),
        InputError::Scores { source, .. } if source.is_syntax() => {
            Some("a score is a number such as 71.8, or null where it was not measured; NaN is neither".into())
        }
        InputError::Twice { .. } => Some("name every task once".into()),
        InputError::NoData { how_to_get } => how_to_get.clone(),
        InputError::WordingOfNothing { known, .. } => Some(format!("the tasks are {known}")),
        InputError::Read { .. } | InputError::Scores { .. } | InputError::ProblemsFound(_) => None,
    }
}

fn hint_on_model(error: &ModelError) -> Option<String> {
    match error {
        ModelError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => Some(
            "a model is a folder in Hugging Face layout: config.json, model.safetensors, tokenizer.json, \
             tokenizer_config.json; an adapter one in PEFT layout: adapter_config.json, adapter_model.safetensors"
                .into(),
        ),
        _ => None,
    }
}

fn hint_on_matrix(error: &MatrixError) -> Option<String> {
    match error {
        MatrixError::Missing { .. } => Some("measure it; a missing score is neither 0 nor guessed".into()),
        MatrixError::Ragged { .. } | MatrixError::RowCount { .. } => {
            Some("every row has a score a task, with null where none was measured; one row a task".into())
        }
        _ => None,
    }
}

fn hint_on_scores(error: &BenchError) -> Option<String> {
    match error {
        BenchError::Metric { source: MetricError::Unknown { .. }, .. } => {
            Some("mend `native_metric` of the task; `sapo score --help` says what each metric is".into())
        }
        _ => None,
    }
}

fn hint_on_source(error: &SourceError) -> Option<String> {
    match error {
        SourceError::TooFew { name, got, .. } => {
            let fewer = (*got > 0).then(|| format!("ask for at most --count {got}"));
            let fill = (name != "grammar").then(|| "let grammar make the rest: --fill".to_string());
            let ways: Vec<String> = fewer.into_iter().chain(fill).collect();
            (!ways.is_empty()).then(|| ways.join(", or "))
        }
        SourceError::Chat(error) => error.hint().map(String::from),
        SourceError::Bank(BankError::NoEntry { .. }) => Some(
            "the bank knows instructions letter for letter, as their benchmark has them; \
             --source grammar takes any instruction, and --fill takes it where the bank knows none"
                .into(),
        ),
        SourceError::Bank(BankError::Io { .. }) => Some(
            "--bank names the folder of the paraphrase bank, data/prompts of the project's source".into(),
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn a_cause_is_told_once() {
        let source = std::io::Error::other("disk on fire");
        let error = anyhow::Error::new(InputError::Read { path: "a.jsonl".into(), source });
        assert_eq!(message(&error), "read a.jsonl: disk on fire");
        let error = Err::<(), _>(error).context("loading").unwrap_err();
        assert_eq!(message(&error), "loading: read a.jsonl: disk on fire");
    }

    #[test]
    fn a_panic_is_told_with_its_place() {
        let error = panics_as_errors(|| panic!("no memory\nand a long trace")).unwrap_err();
        drop(std::panic::take_hook()); // other tests have their panics told as usual
        let text = error.to_string();
        assert!(text.starts_with("stopped: no memory (") && text.contains("failure.rs:"), "{text}");
    }

    #[test]
    fn a_hint_is_found_under_context() {
        let error = anyhow::Error::new(InputError::NoChatTemplate { path: "m".into() }).context("opening");
        assert_eq!(hint(&error).unwrap(), "leave out --chat, or take a chat model");
    }
}
