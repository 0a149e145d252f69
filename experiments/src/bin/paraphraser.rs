//! `just experiment paraphraser`: see `configs/paraphraser.toml` for the question and the settings.

use std::process::ExitCode;

use experiments::comparison::Comparison;
use experiments::exit_code;

fn main() -> ExitCode {
    match Comparison::new("paraphraser", include_str!("../../configs/paraphraser.toml")) {
        Ok(study) => sapo_lab::drive(&study),
        Err(error) => exit_code(Err(error)),
    }
}
