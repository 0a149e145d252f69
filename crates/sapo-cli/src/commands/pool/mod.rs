//! What a pool file holds, and whether it may be used.

mod check;
mod show;

use std::io::Write;

use clap::Subcommand;
use sapo_prompts::Origin;

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

/// Where a wording came from, in a few words.
fn origin(origin: &Origin) -> String {
    let Origin { source, detail, model, temperature, seed, request: _ } = origin;
    let temperature = temperature.map(|temperature| format!("temperature {temperature}"));
    let seed = seed.map(|seed| format!("seed {seed}"));
    let parts = [Some(source.clone()), detail.clone(), model.clone(), temperature, seed];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
