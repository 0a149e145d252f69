//! What a pool file holds, and whether it may be used.

mod check;
mod show;

use std::io::Write;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum PoolCommand {
    Check(check::CheckArgs),
    Show(show::ShowArgs),
}

impl PoolCommand {
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        match self {
            Self::Check(args) => check::run(args, out),
            Self::Show(args) => show::run(args, out),
        }
    }
}
