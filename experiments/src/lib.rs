//! What the experiment binaries share: the comparison of arms, the corpora of the base models,
//! recorded tables of losses, triples of tasks, the published numbers, running all experiments.

pub mod cell;
pub mod comparison;
pub mod corpora;
pub mod loss_tables;
pub mod material;
pub mod models;
pub mod places;
pub mod published;
pub mod reporting;
pub mod reproduce;
pub mod settings;
pub mod triples;

/// The whole of a program that is one experiment: what `sapo_lab::drive` does with it, if it could be made.
pub fn drive(study: anyhow::Result<impl sapo_lab::Study>) -> std::process::ExitCode {
    match study {
        Ok(study) => sapo_lab::drive(&study),
        Err(error) => exit_code(Err(error)),
    }
}

/// The end of a program: its error on standard error, and the exit code.
pub fn exit_code(result: anyhow::Result<()>) -> std::process::ExitCode {
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}
