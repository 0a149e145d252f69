//! SHA-256 of files and bytes.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

/// Length in bytes and SHA-256, in hexadecimal, of a file.
///
/// # Errors
/// Those of the file system.
pub fn of_file(path: &Path) -> io::Result<(u64, String)> {
    let (bytes, digest) = read(path)?;
    Ok((bytes, hexadecimal(&digest)))
}

/// SHA-256 of a file as bytes, for what hashes them again.
///
/// # Errors
/// Those of the file system.
pub fn raw_of_file(path: &Path) -> io::Result<[u8; 32]> {
    let (_, digest) = read(path)?;
    Ok(digest)
}

fn read(path: &Path) -> io::Result<(u64, [u8; 32])> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((bytes, hasher.finalize().into()));
        }
        bytes += read as u64;
        hasher.update(&buffer[..read]);
    }
}

/// SHA-256 of bytes, in hexadecimal.
#[must_use]
pub fn of_bytes(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_test_message() {
        // NIST FIPS 180-2, appendix B.1: the message "abc".
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, b"abc").unwrap();
        assert_eq!(of_file(&path).unwrap(), (3, abc.to_owned()));
        assert_eq!(hexadecimal(&raw_of_file(&path).unwrap()), abc);
        assert_eq!(of_bytes(b"abc"), abc);
    }

    #[test]
    fn a_file_of_several_reads_is_that_of_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long");
        let bytes: Vec<u8> = (0..200_000_u32).map(|number| number as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(of_file(&path).unwrap(), (200_000, of_bytes(&bytes)));
    }
}
