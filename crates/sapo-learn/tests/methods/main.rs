//! The continual-learning methods: their terms of the loss against numbers worked out by hand, and each of them over a
//! stream of two tasks.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../two_tasks/mod.rs"]
mod two_tasks;

mod registry;
mod streams;
mod terms;
