//! Bringing a benchmark to this machine: single files from the addresses in `benchmark.toml`, checked and written in the
//! benchmark's first layout; or from a folder that was got elsewhere; or, for the built-in benchmark, from a seed.
//!
//! A task appears file by file, each whole or not at all. What is there is not fetched again, so a command that was stopped
//! is simply given again. Deliberately absent: archives (nothing is unpacked, so nothing can be written elsewhere) and
//! pickles.

mod client;
mod error;
mod write;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

pub use error::GetError;
pub use sapo_http::Retry;
pub use write::{write_builtin, write_own};

use crate::check::TaskRows;
use crate::readers::{Benchmark, Dataset, Download};
use client::Client;
use sapo_files::checksum;
use sapo_http::may_hold_secret;

/// Where files are before they are a benchmark's.
const INCOMING: &str = ".incoming";

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The benchmark's name.
    pub benchmark: &'a str,
    /// Names of tasks; empty for all.
    pub tasks: &'a [String],
    /// The folder that becomes the benchmark's.
    pub out: &'a Path,
    /// In place of the published addresses.
    pub source: Option<Source>,
    /// Take a file whose SHA-256 is not the known one.
    pub unverified: bool,
    /// When to try again.
    pub retry: Retry,
}

/// Where files are taken from in place of the published addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A folder in any layout of the benchmark.
    Folder(PathBuf),
    /// The address of a mirror, below which the paths are the same.
    Address(String),
}

impl FromStr for Source {
    type Err = GetError;

    fn from_str(given: &str) -> Result<Self, GetError> {
        let is_address = given.starts_with("http://") || given.starts_with("https://");
        if !is_address && Path::new(given).is_dir() {
            return Ok(Self::Folder(given.into()));
        }
        if may_hold_secret(given) {
            return Err(GetError::SecretSource);
        }
        match is_address {
            true => Ok(Self::Address(given.trim_end_matches('/').to_owned())),
            false => Err(GetError::Source { given: given.to_owned() }),
        }
    }
}

/// What happens on the way.
#[derive(Debug)]
pub enum Event<'a> {
    /// A file grows.
    Progress {
        /// Its path below the address.
        file: &'a str,
        /// Bytes that are here.
        done: u64,
        /// Bytes of the whole file, where the server says so.
        total: Option<u64>,
    },
    /// A file is here.
    File {
        /// Its path below the address.
        file: &'a str,
        /// How it came.
        came: Came,
    },
    /// A task has been written.
    Task(&'a TaskRows),
}

/// How a file came to be here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// It was here.
    WasHere,
    /// Downloaded, and of the known SHA-256.
    Verified,
    /// Downloaded; no SHA-256 of it is known, or none was asked for.
    Unverified,
}

impl Came {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::WasHere => "was_here",
            Self::Verified => "verified",
            Self::Unverified => "unverified",
        }
    }
}

/// Brings a benchmark's tasks to `request.out`.
///
/// # Errors
/// The first that keeps everything from coming; a file that the server does not have, or a task that cannot be read, is told
/// at the end, when all others are there.
pub fn get(request: &Request<'_>, on_event: &mut dyn FnMut(Event<'_>)) -> Result<(), GetError> {
    let benchmark = Benchmark::named(request.benchmark)?;
    if let Some(Source::Folder(folder)) = &request.source {
        let dataset = Dataset::open(request.benchmark, folder)?;
        let names: Vec<String> = match request.tasks {
            [] => dataset.task_names().map(str::to_owned).collect(),
            tasks => tasks.to_vec(),
        };
        make_folder(request.out)?;
        return Transfer::new(request, &benchmark, on_event).convert(&dataset, &names).finish();
    }
    if benchmark.downloads.is_empty() {
        return Err(GetError::ByHand { name: benchmark.name, how_to_get: benchmark.how_to_get });
    }
    known_tasks(request, &benchmark)?;
    make_folder(request.out)?;
    let mut transfer = Transfer::new(request, &benchmark, on_event);
    for download in &benchmark.downloads {
        transfer.download(download)?;
    }
    transfer.finish()
}

/// Refuses a task that no download has.
fn known_tasks(request: &Request<'_>, benchmark: &Benchmark) -> Result<(), GetError> {
    let known: Vec<&str> =
        benchmark.downloads.iter().flat_map(|download| &download.tasks).map(String::as_str).collect();
    match request.tasks.iter().find(|task| !known.contains(&task.as_str())) {
        None => Ok(()),
        Some(task) => Err(GetError::NoTask {
            name: benchmark.name.clone(),
            task: task.clone(),
            known: known.join(", "),
        }),
    }
}

/// One run: what was asked for, and what did not come.
struct Transfer<'a> {
    request: &'a Request<'a>,
    benchmark: &'a Benchmark,
    on_event: &'a mut dyn FnMut(Event<'_>),
    asked: usize,
    missing: Vec<String>,
}

impl<'a> Transfer<'a> {
    fn new(
        request: &'a Request<'a>,
        benchmark: &'a Benchmark,
        on_event: &'a mut dyn FnMut(Event<'_>),
    ) -> Self {
        Self { request, benchmark, on_event, asked: 0, missing: Vec::new() }
    }

    fn finish(self) -> Result<(), GetError> {
        match self.missing.is_empty() {
            true => Ok(()),
            false => Err(GetError::Incomplete { missing: self.missing, asked: self.asked }),
        }
    }

    /// Fetches the files of a download's tasks and writes them in the benchmark's layout, if they come in another one.
    fn download(&mut self, download: &Download) -> Result<(), GetError> {
        let wanted = |task: &&String| self.request.tasks.is_empty() || self.request.tasks.contains(task);
        let tasks: Vec<String> = download.tasks.iter().filter(wanted).cloned().collect();
        let Some(first) = tasks.first() else { return Ok(()) };
        tracing::debug!("{}: {first} and {} more tasks", download.base, tasks.len() - 1);
        let base = match &self.request.source {
            Some(Source::Address(address)) => address.clone(),
            _ => download.base.replace("{revision}", &download.revision),
        };
        let client = Client::new(&base, self.request.retry)?;
        if self.benchmark.layouts.first() == Some(&download.layout) {
            for task in &tasks {
                for file in self.files(download, task) {
                    self.fetch(&client, &base, &file, download, self.request.out)?;
                }
            }
            return Ok(());
        }
        let incoming = self.request.out.join(INCOMING).join(&download.revision);
        for task in tasks {
            if write::is_whole(self.request.out, &task) {
                self.asked += 1;
                (self.on_event)(Event::File { file: &task, came: Came::WasHere });
                continue;
            }
            let mut came = true;
            for file in self.files(download, &task) {
                came &= self.fetch(&client, &base, &file, download, &incoming)?;
            }
            if came {
                let dataset = Dataset::open(self.request.benchmark, &incoming)?;
                self.convert_task(&dataset, &task);
            }
        }
        if self.missing.is_empty() {
            let folder = self.request.out.join(INCOMING);
            if folder.exists() {
                std::fs::remove_dir_all(&folder).map_err(GetError::io("remove", &folder))?;
            }
        }
        Ok(())
    }

    /// The paths of a task's files.
    fn files(&self, download: &Download, task: &str) -> Vec<String> {
        let path = self.benchmark.task(task).map_or(task, |spec| spec.path());
        download.files.iter().map(|file| file.replace("{task}", task).replace("{path}", path)).collect()
    }

    /// Whether the file came; it did not where the server does not have it.
    fn fetch(
        &mut self,
        client: &Client,
        base: &str,
        file: &str,
        download: &Download,
        folder: &Path,
    ) -> Result<bool, GetError> {
        self.asked += 1;
        let known = self.benchmark.checksums.get(&download.layout).and_then(|files| files.get(file));
        let known = known.filter(|_| !self.request.unverified).map(String::as_str);
        let place = folder.join(file);
        if is_here(&place, known)? {
            (self.on_event)(Event::File { file, came: Came::WasHere });
            return Ok(true);
        }
        make_folder(place.parent().unwrap_or(folder))?;
        let on_event = &mut *self.on_event;
        let mut on_progress = |done, total| on_event(Event::Progress { file, done, total });
        match client.fetch(&format!("{base}/{file}"), &place, known, &mut on_progress) {
            Ok(()) => {}
            Err(error @ GetError::Status { .. }) => {
                self.missing.push(error.to_string());
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        let came = if known.is_some() { Came::Verified } else { Came::Unverified };
        (self.on_event)(Event::File { file, came });
        Ok(true)
    }

    fn convert(mut self, dataset: &Dataset, tasks: &[String]) -> Self {
        tasks.iter().for_each(|task| self.convert_task(dataset, task));
        self
    }

    fn convert_task(&mut self, dataset: &Dataset, task: &str) {
        self.asked += 1;
        match write::write_task(dataset, task, self.request.out) {
            Ok(rows) => (self.on_event)(Event::Task(&TaskRows { name: task.to_owned(), rows })),
            Err(error) => self.missing.push(format!("{task}: {error}")),
        }
    }
}

/// Whether a file is there and, where its SHA-256 is known, the right one.
fn is_here(place: &Path, known: Option<&str>) -> Result<bool, GetError> {
    if !place.is_file() {
        return Ok(false);
    }
    let Some(known) = known else { return Ok(true) };
    let (_, got) = checksum::of_file(place).map_err(GetError::io("read", place))?;
    Ok(got == known)
}

fn make_folder(folder: &Path) -> Result<(), GetError> {
    std::fs::create_dir_all(folder).map_err(GetError::io("create", folder))
}

/// Entries by name, as `instructions.json` has them.
type Entries = BTreeMap<String, crate::readers::layouts::paper::Entry>;
