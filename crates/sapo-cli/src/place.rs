//! Places to write, looked at before anything is computed, and the place of what is shipped with the project.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use sapo_files::whole;

/// Finds out whether a file can be written to `path`, which `option` gave, without overwriting what is `read`.
pub(crate) fn check<'a>(
    option: &str,
    path: &Path,
    read: impl IntoIterator<Item = &'a Path>,
) -> anyhow::Result<()> {
    let shown = path.display();
    let folder = whole::folder_of(path);
    ensure!(folder.is_dir(), "{option} {shown}: there is no folder {}", folder.display());
    ensure!(!path.is_dir(), "{option} {shown}: this is a folder");
    let same = |one: &Path| {
        one.canonicalize().ok().is_some_and(|one| path.canonicalize().is_ok_and(|two| one == two))
    };
    ensure!(!read.into_iter().any(same), "{option} {shown}: this would overwrite what is read");
    check_folder(option, folder)
}

/// Finds out whether files can be written to a folder that is there.
pub(crate) fn check_folder(option: &str, folder: &Path) -> anyhow::Result<()> {
    let written = tempfile::tempfile_in(folder).map(drop);
    written.with_context(|| format!("{option}: cannot write to the folder {}", folder.display()))
}

/// The folder of the paraphrase bank: the one that is given, or `data/prompts` below the current folder, or that of the
/// checkout that this program was built from.
pub(crate) fn bank_folder(given: Option<&PathBuf>) -> PathBuf {
    let shipped = || {
        let here = PathBuf::from("data/prompts");
        if here.is_dir() {
            return here;
        }
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new(".")).join(here)
    };
    given.cloned().unwrap_or_else(shipped)
}
