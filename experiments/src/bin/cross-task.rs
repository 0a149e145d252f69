//! `just experiment cross-task`: see `configs/triples.toml` for the question and the settings.

use std::process::ExitCode;

use experiments::exit_code;
use experiments::triples::{Report, TripleStudy};

fn main() -> ExitCode {
    match TripleStudy::new(Report::CrossTask, include_str!("../../configs/triples.toml")) {
        Ok(study) => sapo_lab::drive(&study),
        Err(error) => exit_code(Err(error)),
    }
}
