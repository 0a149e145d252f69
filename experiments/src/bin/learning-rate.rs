//! `just experiment learning-rate`: see `configs/learning-rate.toml` for the question and the settings.

use std::process::ExitCode;

use experiments::comparison::Comparison;
use experiments::exit_code;

fn main() -> ExitCode {
    match Comparison::new("learning-rate", include_str!("../../configs/learning-rate.toml")) {
        Ok(study) => sapo_lab::drive(&study),
        Err(error) => exit_code(Err(error)),
    }
}
