//! `just experiment rank`: see `configs/rank.toml` for the question and the settings.

use std::process::ExitCode;

use experiments::comparison::Comparison;
use experiments::drive;

fn main() -> ExitCode {
    drive(Comparison::new("rank", include_str!("../../configs/rank.toml")))
}
