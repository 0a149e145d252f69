//! Files appear whole or not at all.

use std::io;
use std::path::Path;

use sapo_files::whole;

/// Writes `bytes` beside `path`, makes them durable, then renames: a reader sees the old file or the new one.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    whole::write_with(path, |beside| std::fs::write(beside, bytes))?;
    // The rename itself is durable once the folder is. Some file systems cannot sync a folder; the file is whole anyway.
    let _ = whole::sync_folder(whole::folder_of(path));
    Ok(())
}
