//! Paraphrases by the loaded language model itself.
//!
//! This crate knows no model: whoever has one makes it a [`super::Writer`] of this name.

/// The source's name.
pub const NAME: &str = "model";
/// What it does.
pub(super) const SUMMARY: &str = "written by the loaded model itself, by sampling";
