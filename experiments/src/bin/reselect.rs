//! `just experiment reselect`: see `configs/reselect.toml` for the question and the settings.

use std::process::ExitCode;

use experiments::comparison::Comparison;
use experiments::exit_code;

fn main() -> ExitCode {
    match Comparison::new("reselect", include_str!("../../configs/reselect.toml")) {
        Ok(study) => sapo_lab::drive(&study),
        Err(error) => exit_code(Err(error)),
    }
}
