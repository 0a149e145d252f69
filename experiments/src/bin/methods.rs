//! `just experiment methods`: see `configs/methods.toml` for the question and the settings.

use std::process::ExitCode;

use experiments::comparison::Comparison;
use experiments::drive;

fn main() -> ExitCode {
    drive(Comparison::new("methods", include_str!("../../configs/methods.toml")))
}
