use sha2::{Digest, Sha256};

/// A seed of its own for every purpose and step of a run, so that drawing more for one purpose moves no other.
///
/// The first eight bytes of SHA-256 over the run's seed, the purpose and the step.
pub fn derive_seed(seed: u64, purpose: &str, step: usize) -> u64 {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(purpose.as_bytes());
    hash.update((step as u64).to_le_bytes());
    let digest = hash.finalize();
    digest.iter().take(8).fold(0, |value, &byte| (value << 8) | u64::from(byte))
}
