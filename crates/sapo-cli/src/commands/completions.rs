use std::io::Write;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::Cli;

/// Print a script that lets a shell complete commands, options and their values
///
/// For the shell that runs now:
///
///     source <(sapo completions bash)        # zsh the same; fish: sapo completions fish | source
///
/// For good, where the shell looks for them:
///
///     sapo completions bash > ~/.local/share/bash-completion/completions/sapo
///     sapo completions zsh > "${fpath[1]}/_sapo"
///     sapo completions fish > ~/.config/fish/completions/sapo.fish
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "sapo", &mut script);
    Ok(out.write_all(&script)?)
}
