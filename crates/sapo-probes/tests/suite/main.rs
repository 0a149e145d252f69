//! The probes on the built-in model and a few built-in tasks.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
mod gradients;
mod outcomes;
mod probes;
mod readability;
