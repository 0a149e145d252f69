//! `just experiment ablation-grid --grid FILE.toml`: whatever the file varies; without one, `configs/ablation-grid.toml`.

use std::process::ExitCode;

use experiments::comparison::Comparison;
use experiments::drive;

fn main() -> ExitCode {
    let study = Comparison::new("ablation-grid", include_str!("../../configs/ablation-grid.toml"));
    drive(study.map(Comparison::or_any_grid))
}
