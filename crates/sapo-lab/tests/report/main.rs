//! Stored runs as a page: what is on it, what is said of what is missing, and how a browser shows it.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod browser;
mod grid;
mod page;
