//! `just experiment indicators`: see `configs/triples.toml` for the question and the settings.

use std::process::ExitCode;

use experiments::drive;
use experiments::triples::{Report, TripleStudy};

fn main() -> ExitCode {
    drive(TripleStudy::new(Report::Indicators, include_str!("../../configs/triples.toml")))
}
