//! `just experiment subset-size`: see `configs/subset-size.toml` for the question and the settings.

use std::process::ExitCode;

use experiments::comparison::Comparison;
use experiments::drive;

fn main() -> ExitCode {
    drive(Comparison::new("subset-size", include_str!("../../configs/subset-size.toml")))
}
