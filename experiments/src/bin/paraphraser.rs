//! `just experiment paraphraser`: see `configs/paraphraser.toml` for the question and the settings.

use std::process::ExitCode;

use experiments::comparison::Comparison;
use experiments::drive;

fn main() -> ExitCode {
    drive(Comparison::new("paraphraser", include_str!("../../configs/paraphraser.toml")))
}
