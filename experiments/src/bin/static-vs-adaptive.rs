//! `just experiment static-vs-adaptive`: see `configs/static-vs-adaptive.toml` for the question and the settings.

use std::process::ExitCode;

use experiments::comparison::Comparison;
use experiments::exit_code;

fn main() -> ExitCode {
    match Comparison::new("static-vs-adaptive", include_str!("../../configs/static-vs-adaptive.toml")) {
        Ok(study) => sapo_lab::drive(&study),
        Err(error) => exit_code(Err(error)),
    }
}
