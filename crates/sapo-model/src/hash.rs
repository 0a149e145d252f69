use std::ffi::OsStr;
use std::path::Path;

use sapo_files::checksum;
use sha2::{Digest, Sha256};

use crate::{FileHashes, ModelError};

/// Files that decide what a model computes, beside its safetensors files.
const TEXT_FILES: [&str; 5] = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
];

/// Files that decide what an adapter computes.
const ADAPTER_FILES: [&str; 2] = ["adapter_config.json", "adapter_model.safetensors"];

/// Lower-case hexadecimal SHA-256 over a model directory: names and contents of the files that decide what it computes,
/// in name order. It names a model in run records.
///
/// # Errors
/// Names the file or folder that cannot be read.
pub fn directory_sha256(directory: &Path) -> Result<String, ModelError> {
    Ok(checksum::hexadecimal(&model_sha256(directory, &mut FileHashes::default())?))
}

/// What [`directory_sha256`] prints.
pub(crate) fn model_sha256(directory: &Path, hashes: &mut FileHashes) -> Result<[u8; 32], ModelError> {
    let decides = |name: &OsStr| {
        let is_weights = Path::new(name).extension().is_some_and(|extension| extension == "safetensors");
        is_weights || TEXT_FILES.iter().any(|file| name == *file)
    };
    folder_sha256(directory, decides, hashes)
}

/// The same over the directory of an adapter.
pub(crate) fn adapter_sha256(directory: &Path) -> Result<[u8; 32], ModelError> {
    let decides = |name: &OsStr| ADAPTER_FILES.iter().any(|file| name == *file);
    folder_sha256(directory, decides, &mut FileHashes::default())
}

fn folder_sha256(
    directory: &Path,
    decides: impl Fn(&OsStr) -> bool,
    hashes: &mut FileHashes,
) -> Result<[u8; 32], ModelError> {
    let entries = std::fs::read_dir(directory).map_err(ModelError::io("list", directory))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(ModelError::io("list", directory))?.path();
        if path.file_name().is_some_and(&decides) {
            paths.push(path);
        }
    }
    paths.sort();
    let mut all = Sha256::new();
    for path in paths {
        all.update(path.file_name().unwrap_or_default().as_encoded_bytes());
        all.update([0]);
        all.update(hashes.of(&path)?);
    }
    Ok(all.finalize().into())
}

/// SHA-256 of a file's content.
pub(crate) fn file_sha256(path: &Path) -> Result<[u8; 32], ModelError> {
    checksum::raw_of_file(path).map_err(ModelError::io("read", path))
}
