//! `just experiment reselect`: see `configs/reselect.toml` for the question and the settings.

use std::process::ExitCode;

use experiments::comparison::Comparison;
use experiments::drive;

fn main() -> ExitCode {
    drive(Comparison::new("reselect", include_str!("../../configs/reselect.toml")))
}
