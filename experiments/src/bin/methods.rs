//! `just experiment methods`: see `configs/methods.toml` for the question and the settings.

use std::process::ExitCode;

use experiments::comparison::Comparison;
use experiments::exit_code;

fn main() -> ExitCode {
    match Comparison::new("methods", include_str!("../../configs/methods.toml")) {
        Ok(study) => sapo_lab::drive(&study),
        Err(error) => exit_code(Err(error)),
    }
}
