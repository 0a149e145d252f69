//! `just experiment ni-seq-c1`: see `configs/ni-seq-c1.toml` for the question and the settings.

use std::process::ExitCode;

use experiments::comparison::Comparison;
use experiments::drive;

fn main() -> ExitCode {
    drive(Comparison::new("ni-seq-c1", include_str!("../../configs/ni-seq-c1.toml")))
}
