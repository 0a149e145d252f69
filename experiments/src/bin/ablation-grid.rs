//! `just experiment ablation-grid --grid FILE.toml`: whatever the file varies; without one, `configs/ablation-grid.toml`.

use std::process::ExitCode;

use experiments::comparison::Comparison;
use experiments::exit_code;

fn main() -> ExitCode {
    match Comparison::new("ablation-grid", include_str!("../../configs/ablation-grid.toml")) {
        Ok(study) => sapo_lab::drive(&study.or_any_grid()),
        Err(error) => exit_code(Err(error)),
    }
}
