//! `just reproduce`: runs all experiments, and writes what they found into the documentation and the notebooks.

use std::process::ExitCode;

use clap::Parser;
use experiments::exit_code;
use experiments::reproduce::{Args, run};

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(code) => code,
        Err(error) => exit_code(Err(error)),
    }
}
