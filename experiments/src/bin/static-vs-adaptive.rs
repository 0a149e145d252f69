//! `just experiment static-vs-adaptive`: see `configs/static-vs-adaptive.toml` for the question and the settings.

use std::process::ExitCode;

use experiments::comparison::Comparison;
use experiments::drive;

fn main() -> ExitCode {
    drive(Comparison::new("static-vs-adaptive", include_str!("../../configs/static-vs-adaptive.toml")))
}
