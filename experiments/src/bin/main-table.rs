//! `just experiment main-table`: see `configs/main-table.toml` for the question and the settings.

use std::process::ExitCode;

use experiments::comparison::Comparison;
use experiments::drive;

fn main() -> ExitCode {
    drive(Comparison::new("main-table", include_str!("../../configs/main-table.toml")))
}
