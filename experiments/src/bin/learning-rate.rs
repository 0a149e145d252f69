//! `just experiment learning-rate`: see `configs/learning-rate.toml` for the question and the settings.

use std::process::ExitCode;

use experiments::comparison::Comparison;
use experiments::drive;

fn main() -> ExitCode {
    drive(Comparison::new("learning-rate", include_str!("../../configs/learning-rate.toml")))
}
