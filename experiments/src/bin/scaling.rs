//! `just experiment scaling`: see `configs/scaling.toml` for the question and the settings.

use std::process::ExitCode;

use experiments::comparison::Comparison;
use experiments::drive;

fn main() -> ExitCode {
    drive(Comparison::new("scaling", include_str!("../../configs/scaling.toml")))
}
