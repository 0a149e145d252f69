//! JSON files that say the version of their form.

use std::io;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Why there is a file that cannot be used.
#[derive(Debug)]
pub(crate) enum Unusable {
    /// The file system refused.
    Io(io::Error),
    /// It has this version, which is newer than what is known.
    Newer(u64),
    /// It is not what was written.
    Damaged(serde_json::Error),
}

/// Reads the file at `path`, of at most the version `newest`; none where there is no file.
///
/// # Errors
/// [`Unusable`].
pub(crate) fn read<T: DeserializeOwned>(path: &Path, newest: u64) -> Result<Option<T>, Unusable> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u64,
    }
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Unusable::Io(error)),
    };
    // Looked at first: a newer version may differ in everything else.
    let Versioned { version } = serde_json::from_slice(&bytes).map_err(Unusable::Damaged)?;
    if version > newest {
        return Err(Unusable::Newer(version));
    }
    serde_json::from_slice(&bytes).map(Some).map_err(Unusable::Damaged)
}
