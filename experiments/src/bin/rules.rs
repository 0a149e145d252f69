//! `just experiment rules`: see `configs/rules.toml` for the question and the settings.

use std::process::ExitCode;

use experiments::comparison::Comparison;
use experiments::drive;

fn main() -> ExitCode {
    drive(Comparison::new("rules", include_str!("../../configs/rules.toml")))
}
