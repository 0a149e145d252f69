//! `just experiment selector-cost`: see `configs/selector-cost.toml` for the question and the settings.

use std::process::ExitCode;

use experiments::comparison::Comparison;
use experiments::drive;

fn main() -> ExitCode {
    drive(Comparison::new("selector-cost", include_str!("../../configs/selector-cost.toml")))
}
