//! One file at a time from a server: it appears whole or not at all, a download goes on where it ended, and what may pass
//! is tried again.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use reqwest::header::{CONTENT_RANGE, RANGE, RETRY_AFTER};
use reqwest::{Response, Url};
use sapo_prompts::chat::{Retry, asked_pause, may_pass};
use tokio::runtime::Runtime;

use super::GetError;
use crate::hash::file_sha256;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest silence in the middle of an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// The answer to a range that begins where the file ends, or after.
const RANGE_NOT_SATISFIABLE: u16 = 416;

/// The client is asynchronous, this struct is not: it waits for every answer.
pub(super) struct Client {
    runtime: Runtime,
    http: reqwest::Client,
    retry: Retry,
}

/// Why one attempt brought no file.
enum Failure {
    /// It may pass: what went wrong, and how long the server asks to wait.
    Passing(String, Option<Duration>),
    /// It will not.
    Lasting(GetError),
}

impl From<GetError> for Failure {
    fn from(error: GetError) -> Self {
        Self::Lasting(error)
    }
}

impl Client {
    /// A client for the server at `base`.
    pub(super) fn new(base: &str, retry: Retry) -> Result<Self, GetError> {
        let failed = |problem: String| GetError::Client { problem };
        let url = Url::parse(base).map_err(|error| failed(format!("{base}: {error}")))?;
        let builder = reqwest::Client::builder()
            .user_agent(concat!("sapo/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT);
        // No proxy reaches the servers of this machine.
        let is_here = url.host_str().is_some_and(|host| ["localhost", "127.0.0.1", "[::1]"].contains(&host));
        let http = if is_here { builder.no_proxy() } else { builder }.build();
        Ok(Self {
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| failed(error.to_string()))?,
            http: http.map_err(|error| failed(error.to_string()))?,
            retry,
        })
    }

    /// Brings the file at `url` to `place`. With `sha256`, what is not that file is thrown away. `on_progress` hears how
    /// many bytes are here, and of how many where the server says so.
    pub(super) fn fetch(
        &self,
        url: &str,
        place: &Path,
        sha256: Option<&str>,
        on_progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), GetError> {
        let partial = partial(place);
        let mut attempts = 0;
        loop {
            attempts += 1;
            let (what, asked) = match self.attempt(url, &partial, on_progress) {
                Ok(()) => break,
                Err(Failure::Lasting(error)) => return Err(error),
                Err(Failure::Passing(what, asked)) => (what, asked),
            };
            if attempts > self.retry.times {
                return Err(GetError::GaveUp { url: url.into(), attempts, last: what });
            }
            let pause = asked.unwrap_or_else(|| self.retry.pause(attempts, 0)).min(self.retry.longest_pause);
            tracing::warn!("{url}: {what}; again in {:.1} s", pause.as_secs_f64());
            std::thread::sleep(pause);
        }
        if let Some(expected) = sha256 {
            let got = file_sha256(&partial).map_err(GetError::io("read", &partial))?;
            if got != expected {
                let _ = std::fs::remove_file(&partial); // the error that matters is the other one
                return Err(GetError::Damaged { url: url.into(), expected: expected.into(), got });
            }
        }
        std::fs::rename(&partial, place).map_err(GetError::io("rename", &partial))
    }

    /// Adds to `partial` what is still missing.
    fn attempt(
        &self,
        url: &str,
        partial: &Path,
        on_progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), Failure> {
        let failed = |operation| GetError::io(operation, partial);
        let mut out = OpenOptions::new().create(true).append(true).open(partial).map_err(failed("open"))?;
        let there = out.metadata().map_err(failed("open"))?.len();
        let mut response = self.ask(url, there)?;
        if response.status().as_u16() == RANGE_NOT_SATISFIABLE {
            // what is here is the whole file, or no beginning of it: a clean start tells
            out.set_len(0).map_err(failed("write"))?;
            response = self.ask(url, 0)?;
        }
        let (mut done, total) = begin(&response, out.metadata().map_err(failed("open"))?.len());
        if done == 0 {
            out.set_len(0).map_err(failed("write"))?;
        }
        on_progress(done, total);
        loop {
            match self.runtime.block_on(response.chunk()) {
                Ok(Some(bytes)) => {
                    out.write_all(&bytes).map_err(failed("write"))?;
                    done += bytes.len() as u64;
                    on_progress(done, total);
                }
                Ok(None) => break,
                Err(error) => {
                    let of = total.map(|total| format!(" of {total}")).unwrap_or_default();
                    return Err(Failure::Passing(
                        format!("it ended after {done}{of} bytes: {}", cause(error)),
                        None,
                    ));
                }
            }
        }
        if total.is_some_and(|total| total != done) {
            let what = format!("expected {} bytes, got {done}", total.unwrap_or_default());
            return Err(Failure::Passing(what, None));
        }
        Ok(out.sync_all().map_err(failed("write"))?)
    }

    /// The answer, from byte `from` on if the server can.
    fn ask(&self, url: &str, from: u64) -> Result<Response, Failure> {
        let mut request = self.http.get(url);
        if from > 0 {
            request = request.header(RANGE, format!("bytes={from}-"));
        }
        let response = self
            .runtime
            .block_on(async { request.send().await })
            .map_err(|error| Failure::Passing(cause(error), None))?;
        let status = response.status().as_u16();
        if response.status().is_success() || (status == RANGE_NOT_SATISFIABLE && from > 0) {
            return Ok(response);
        }
        if may_pass(status) {
            let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            let asked = header.and_then(|header| asked_pause(header, SystemTime::now()));
            return Err(Failure::Passing(format!("status {status}"), asked));
        }
        Err(Failure::Lasting(GetError::Status { url: url.into(), status }))
    }
}

/// Where an answer begins, at byte `there` or at 0, and how long the whole file is.
fn begin(response: &Response, there: u64) -> (u64, Option<u64>) {
    let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
    let goes_on = range.is_some_and(|range| range.starts_with(&format!("bytes {there}-")));
    let begin = if goes_on { there } else { 0 };
    (begin, response.content_length().map(|length| begin + length))
}

/// Where a file grows until it is whole.
fn partial(place: &Path) -> PathBuf {
    let mut name = place.file_name().unwrap_or_default().to_owned();
    name.push(".incomplete");
    place.with_file_name(name)
}

/// What went wrong on the way, with its causes.
fn cause(error: reqwest::Error) -> String {
    let error = error.without_url(); // an address that a redirect gave may hold a signature
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(deeper) = cause {
        text = format!("{text}: {deeper}");
        cause = deeper.source();
    }
    text
}
