//! `just experiment pool-size`: see `configs/pool-size.toml` for the question and the settings.

use std::process::ExitCode;

use experiments::comparison::Comparison;
use experiments::drive;

fn main() -> ExitCode {
    drive(Comparison::new("pool-size", include_str!("../../configs/pool-size.toml")))
}
