use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::ModelError;

/// Lower-case hexadecimal SHA-256 over a model directory: names and contents of its JSON and safetensors files, in name
/// order. It names a model in run records.
///
/// # Errors
/// Names the file or folder that cannot be read.
pub fn directory_sha256(directory: &Path) -> Result<String, ModelError> {
    let entries = std::fs::read_dir(directory).map_err(ModelError::io("list", directory))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(ModelError::io("list", directory))?.path();
        if path.extension().is_some_and(|extension| extension == "json" || extension == "safetensors") {
            paths.push(path);
        }
    }
    paths.sort();
    let mut all = Sha256::new();
    for path in paths {
        all.update(path.file_name().unwrap_or_default().as_encoded_bytes());
        all.update([0]);
        let mut file = std::fs::File::open(&path).map_err(ModelError::io("read", &path))?;
        let mut one = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            let read = file.read(&mut buffer).map_err(ModelError::io("read", &path))?;
            if read == 0 {
                break;
            }
            one.update(&buffer[..read]);
        }
        all.update(one.finalize());
    }
    Ok(all.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
