//! The cache of the Hub's tools, for one model.
//!
//! ```text
//! models--org--name/refs/main                    the commit that a branch or tag was at
//!                  /blobs/<hash>                 contents; <hash>.incomplete while one is on its way
//!                  /snapshots/<commit>/<file>    links into blobs
//! .locks/models--org--name/<hash>.lock           held while a content is on its way
//! ```

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use sapo_files::checksum;

use super::client::{Blob, Client, RemoteFile};
use super::{DownloadProgress, HubError};
use crate::hash::file_sha256;
use crate::weights::write_whole;

/// Whether a revision is a commit, which never changes.
pub(super) fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

pub(super) struct RepositoryCache {
    folder: PathBuf,
    locks: PathBuf,
}

impl RepositoryCache {
    pub(super) fn new(cache: &Path, model: &str) -> Self {
        let name = format!("models--{}", model.replace('/', "--"));
        Self { folder: cache.join(&name), locks: cache.join(".locks").join(&name) }
    }

    /// The folder of a commit.
    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.folder.join("snapshots").join(commit)
    }

    /// The folder of what a branch, tag or commit was when it was last asked for.
    pub(super) fn snapshot_of(&self, revision: &str) -> Option<PathBuf> {
        if is_commit(revision) {
            return Some(self.snapshot(revision));
        }
        let commit = std::fs::read_to_string(self.folder.join("refs").join(revision)).ok()?;
        is_commit(commit.trim()).then(|| self.snapshot(commit.trim()))
    }

    /// Notes which commit a branch or tag is at.
    pub(super) fn point(&self, revision: &str, commit: &str) -> Result<(), HubError> {
        let path = self.folder.join("refs").join(revision);
        let is_so = || std::fs::read(&path).is_ok_and(|bytes| bytes == commit.as_bytes());
        if revision == commit || is_so() {
            return Ok(());
        }
        make_parent(&path)?;
        let _lock = self.lock("refs")?;
        Ok(write_whole(&path, commit.as_bytes())?)
    }

    /// Downloads a file unless it is there; it appears whole or not at all.
    pub(super) fn fetch(
        &self,
        client: &Client,
        commit: &str,
        file: &RemoteFile,
        on_progress: &mut dyn FnMut(DownloadProgress<'_>),
    ) -> Result<(), HubError> {
        let place = self.snapshot(commit).join(&file.name);
        if place.exists() {
            return Ok(());
        }
        let blob =
            file.blob().ok_or_else(|| client.malformed(&file.name, "listed without size and hash".into()))?;
        let content = self.folder.join("blobs").join(blob.name);
        make_parent(&content)?;
        make_parent(&place)?;
        let lock = self.lock(blob.name)?;
        if place.exists() {
            return Ok(()); // brought by the process that had the lock
        }
        if !content.exists() {
            let partial = match lock {
                Some(_) => format!("{}.incomplete", blob.name),
                None => format!("{}.{}.incomplete", blob.name, std::process::id()),
            };
            let partial = content.with_file_name(partial);
            download(client, commit, file, &blob, &partial, on_progress)?;
            std::fs::rename(&partial, &content).map_err(HubError::io("rename", &partial))?;
        }
        link(&content, &place).map_err(HubError::io("link", &place))
    }

    /// Waits until no other process writes this content; the lock is that of Python's `huggingface_hub`. None where the
    /// file system has no locks.
    fn lock(&self, name: &str) -> Result<Option<File>, HubError> {
        let path = self.locks.join(format!("{name}.lock"));
        make_parent(&path)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(HubError::io("open", &path))?;
        let taken = match lock.try_lock() {
            Err(TryLockError::WouldBlock) => {
                tracing::warn!("waiting for another process, which has {}", path.display());
                lock.lock().is_ok()
            }
            other => other.is_ok(),
        };
        Ok(taken.then_some(lock))
    }
}

/// Brings a content to `partial`, going on where an earlier download ended, and checks it.
fn download(
    client: &Client,
    commit: &str,
    file: &RemoteFile,
    blob: &Blob<'_>,
    partial: &Path,
    on_progress: &mut dyn FnMut(DownloadProgress<'_>),
) -> Result<(), HubError> {
    let failed = |operation| HubError::io(operation, partial);
    let mut out = OpenOptions::new().create(true).append(true).open(partial).map_err(failed("open"))?;
    let there = out.metadata().map_err(failed("open"))?.len();
    let mut done = there;
    let mut report = |done| {
        on_progress(DownloadProgress { repository: &client.model, file: &file.name, done, total: blob.size })
    };
    if there != blob.size {
        let from = if there < blob.size { there } else { 0 }; // what is longer is no beginning of it
        let (mut response, begin) = client.open(commit, &file.name, from)?;
        if begin == 0 {
            out.set_len(0).map_err(failed("write"))?;
        }
        done = begin;
        report(done);
        let interrupted = |got, source| HubError::Interrupted {
            model: client.model.clone(),
            file: file.name.clone(),
            got,
            expected: blob.size,
            source,
        };
        while let Some(bytes) = client.read(&mut response).map_err(|error| interrupted(done, Some(error)))? {
            out.write_all(bytes.as_ref()).map_err(failed("write"))?;
            done += bytes.as_ref().len() as u64;
            report(done);
        }
        if done < blob.size {
            return Err(interrupted(done, None));
        }
    }
    out.sync_all().map_err(failed("write"))?;
    check(client, file, blob, partial, done)
}

/// Throws away what is not the listed content.
fn check(
    client: &Client,
    file: &RemoteFile,
    blob: &Blob<'_>,
    partial: &Path,
    size: u64,
) -> Result<(), HubError> {
    let damaged = |expected: String, got: String| {
        let _ = std::fs::remove_file(partial); // the error that matters is the other one
        Err(HubError::Damaged { model: client.model.clone(), file: file.name.clone(), expected, got })
    };
    if size != blob.size {
        return damaged(format!("{} bytes", blob.size), format!("{size}"));
    }
    if let Some(expected) = blob.sha256 {
        let got = checksum::hexadecimal(&file_sha256(partial)?);
        if got != expected {
            return damaged(format!("SHA-256 {expected}"), got);
        }
    }
    Ok(())
}

/// Puts a link to a content at its place, or the content itself where there are no links.
fn link(content: &Path, place: &Path) -> std::io::Result<()> {
    let _ = std::fs::remove_file(place); // a link to a content that is gone
    let target = Path::new("../../blobs").join(content.file_name().unwrap_or_default());
    std::os::unix::fs::symlink(target, place).or_else(|_| std::fs::rename(content, place))
}

fn make_parent(path: &Path) -> Result<(), HubError> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder).map_err(HubError::io("create", folder))
}
