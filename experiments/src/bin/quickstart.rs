//! `just experiment quickstart`: see `configs/quickstart.toml` for the question and the settings.

use std::process::ExitCode;

use experiments::comparison::Comparison;
use experiments::drive;

fn main() -> ExitCode {
    drive(Comparison::new("quickstart", include_str!("../../configs/quickstart.toml")))
}
