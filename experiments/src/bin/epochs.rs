//! `just experiment epochs`: see `configs/epochs.toml` for the question and the settings.

use std::process::ExitCode;

use experiments::comparison::Comparison;
use experiments::drive;

fn main() -> ExitCode {
    drive(Comparison::new("epochs", include_str!("../../configs/epochs.toml")))
}
