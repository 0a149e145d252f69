//! Decoder families: one file each, named and laid out as its checkpoint.

mod llama;

pub use llama::{KvCache, Llama};
