//! Files as the other crates use them: their SHA-256, and writing that leaves them whole or not at all.
//!
//! What a failure is called, and what becomes of it, is theirs.

pub mod checksum;
pub mod whole;
