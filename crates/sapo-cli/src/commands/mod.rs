//! One file a command: its options with the help that explains them, and what it does.

mod completions;
mod data;
mod eval;
mod generate;
mod loss;
mod man;
mod matrix;
mod merge;
mod paraphrase;
mod pool;
mod report;
mod runs;
mod score;
mod select;
mod train;

use std::io::Write;

use clap::Subcommand;

// A command's help is the doc comment of its arguments.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Select(Box<select::SelectArgs>),
    Paraphrase(Box<paraphrase::ParaphraseArgs>),
    /// Look at a pool of wordings
    #[command(subcommand)]
    Pool(pool::PoolCommand),
    Train(Box<train::TrainArgs>),
    Loss(loss::LossArgs),
    Generate(generate::GenerateArgs),
    Merge(merge::MergeArgs),
    Eval(eval::EvalArgs),
    Score(score::ScoreArgs),
    Matrix(matrix::MatrixArgs),
    Report(report::ReportArgs),
    /// Look at stored runs: list, show, diff, check, gc
    #[command(subcommand)]
    Runs(runs::RunsCommand),
    /// Get a benchmark, or check data of your own
    #[command(subcommand)]
    Data(data::DataCommand),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

impl Command {
    /// Runs the command; data go to `out`.
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        match self {
            Self::Select(args) => select::run(args, out),
            Self::Paraphrase(args) => paraphrase::run(args, out),
            Self::Pool(command) => command.run(out),
            Self::Train(args) => train::run(args, out),
            Self::Loss(args) => loss::run(args, out),
            Self::Generate(args) => generate::run(args, out),
            Self::Merge(args) => merge::run(args, out),
            Self::Eval(args) => eval::run(args, out),
            Self::Score(args) => score::run(args, out),
            Self::Matrix(args) => matrix::run(args, out),
            Self::Report(args) => report::run(args, out),
            Self::Runs(command) => command.run(out),
            Self::Data(command) => command.run(out),
            Self::Completions(args) => completions::run(args, out),
            Self::Man(args) => man::run(args, out),
        }
    }
}
