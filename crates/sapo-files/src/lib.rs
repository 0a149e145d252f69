//! Files as the other crates use them: their SHA-256, writing that leaves them whole or not at all, and folders that lose
//! what was left of an earlier writing.
//!
//! What becomes of a failure is theirs.

pub mod checksum;
pub mod folder;
pub mod whole;
