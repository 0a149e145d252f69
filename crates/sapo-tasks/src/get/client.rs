//! One file at a time from a server: it appears whole or not at all, a download goes on where it ended, and what may pass
//! is tried again.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Response, Url};
use sapo_files::checksum;
use sapo_http::{Http, Retry, asked_pause, begins_at, may_pass, with_causes};

use super::GetError;

/// The answer to a range that begins where the file ends, or after.
const RANGE_NOT_SATISFIABLE: u16 = 416;

/// Asks a server for files.
pub(super) struct Client {
    http: Http,
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
        let http = Http::for_files(&url).map_err(|error| failed(error.to_string()))?;
        Ok(Self { http, retry })
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
            let (_, got) = checksum::of_file(&partial).map_err(GetError::io("read", &partial))?;
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
        let mut done = begins_at(&response, out.metadata().map_err(failed("open"))?.len());
        let total = response.content_length().map(|length| done + length);
        if done == 0 {
            out.set_len(0).map_err(failed("write"))?;
        }
        on_progress(done, total);
        loop {
            match self.http.next_piece(&mut response) {
                Ok(Some(bytes)) => {
                    let bytes = bytes.as_ref();
                    out.write_all(bytes).map_err(failed("write"))?;
                    done += bytes.len() as u64;
                    on_progress(done, total);
                }
                Ok(None) => break,
                Err(error) => {
                    let of = total.map(|total| format!(" of {total}")).unwrap_or_default();
                    return Err(Failure::Passing(
                        format!("it ended after {done}{of} bytes: {}", with_causes(error)),
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
        let response = self
            .http
            .get(url, &HeaderMap::new(), from)
            .map_err(|error| Failure::Passing(with_causes(error), None))?;
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

/// Where a file grows until it is whole.
fn partial(place: &Path) -> PathBuf {
    let mut name = place.file_name().unwrap_or_default().to_owned();
    name.push(".incomplete");
    place.with_file_name(name)
}
