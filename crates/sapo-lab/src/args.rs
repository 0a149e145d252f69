//! The flags that every experiment takes.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{ArgAction, Args, Command, FromArgMatches, ValueEnum};

use crate::cell::Choice;

/// A value that fits no grid of the experiment.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("--{flag}: expected {expected}, got `{got}`")]
pub struct ArgsError {
    flag: &'static str,
    expected: String,
    got: String,
}

/// What computes the cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum EngineKind {
    /// Processes on this machine
    #[default]
    Local,
    /// A cluster under Slurm: cells become job arrays
    Slurm,
}

/// The flags that every experiment takes.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct ExperimentArgs {
    /// Size of the experiment: nano (built-in benchmark and base), small (real text, small base), paper (the paper's
    /// models and settings) [default: the first of these that the experiment has]
    #[arg(long, value_name = "NAME", help_heading = "What to run")]
    pub scale: Option<String>,
    /// Seeds: a number of them (8), a range (0-7) or a list (3,5,9)
    #[arg(long, value_name = "SEEDS", help_heading = "What to run")]
    pub seeds: Option<Seeds>,
    /// Arms of the comparison, by name and separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',', help_heading = "What to run")]
    pub arms: Option<Vec<String>>,
    /// Model to fine-tune: a folder in Hugging Face layout, or org/name or org/name@revision of the Hugging Face Hub
    #[arg(long, value_name = "DIR|ORG/NAME", help_heading = "What to run")]
    pub model: Option<PathBuf>,
    /// What to compare, as a file in the form of experiments/configs/*.toml (ablation-grid)
    #[arg(long, value_name = "FILE.toml", help_heading = "What to run")]
    pub grid: Option<PathBuf>,

    /// Data to train on and to evaluate with
    #[arg(long, value_name = "PATH", help_heading = "What to run")]
    pub data: Option<PathBuf>,
    /// Use at most so many training examples a task; such cells are marked "limited"
    #[arg(long, value_name = "N", value_parser = positive, help_heading = "What to run")]
    pub limit_train: Option<usize>,
    /// Use at most so many evaluation examples a task; such cells are marked "limited"
    #[arg(long, value_name = "N", value_parser = positive, help_heading = "What to run")]
    pub limit_eval: Option<usize>,
    /// Compute only the cells with these values (arm=sapo,seed=3); several values of one axis are alternatives
    #[arg(long, value_name = "AXIS=VALUE,..", help_heading = "What to run")]
    pub only: Option<Choice>,

    /// Device to compute on: cpu, cuda, cuda:1, mps
    #[arg(long, default_value = "cpu", value_name = "DEVICE", help_heading = "How to run")]
    pub device: String,
    /// Devices over which cells are spread, one kind: cuda:0,cuda:1. A cell is the same cell on each
    #[arg(long, value_name = "DEVICES", value_delimiter = ',', conflicts_with = "device")]
    #[arg(help_heading = "How to run")]
    pub devices: Option<Vec<String>>,
    /// Cells computed at a time, each in its own process [default: on CPU as many as fit cores and memory, elsewhere one
    /// a device; under Slurm as many as the profile says]
    #[arg(long, value_name = "N", value_parser = positive, help_heading = "How to run")]
    pub jobs: Option<usize>,
    /// What computes the cells
    #[arg(long, value_enum, default_value_t, value_name = "ENGINE", help_heading = "How to run")]
    pub engine: EngineKind,
    /// What to ask of Slurm (partition, time, memory, ...): see docs/slurm.md
    #[arg(long, value_name = "FILE.toml", help_heading = "How to run")]
    pub slurm_profile: Option<PathBuf>,
    /// Submit to Slurm and go away; the same command without this goes on looking
    #[arg(long, conflicts_with_all = ["dry_run", "list", "plot_only"], help_heading = "How to run")]
    pub detach: bool,
    /// Try a cell again up to so often where its process died without saying why (killed, out of memory)
    #[arg(long, default_value_t = 0, value_name = "N", help_heading = "How to run")]
    pub retries: usize,
    /// Folder of the runs of all experiments
    #[arg(long, default_value = "runs", value_name = "DIR", help_heading = "How to run")]
    pub out: PathBuf,
    /// Compute stored cells again
    #[arg(long, help_heading = "How to run")]
    pub force: bool,
    /// Show no progress
    #[arg(long, short, help_heading = "How to run")]
    pub quiet: bool,
    /// Print what happens as JSON, an object a line, the summary last
    #[arg(long, help_heading = "How to run")]
    pub json: bool,
    /// Write curves for TensorBoard, which shows them while cells are computed: tensorboard --logdir
    /// OUT/EXPERIMENT/tensorboard
    #[arg(long, conflicts_with_all = ["dry_run", "list"], help_heading = "How to run")]
    pub tensorboard: bool,

    /// Print the cells, which are stored and what the others will cost, and compute nothing
    #[arg(long, conflicts_with = "list", help_heading = "What else")]
    pub dry_run: bool,
    /// Print the question and the axes of the grid, and compute nothing
    #[arg(long, help_heading = "What else")]
    pub list: bool,
    /// Make tables and plots from stored cells alone
    #[arg(long, conflicts_with_all = ["force", "dry_run", "list"], help_heading = "What else")]
    pub plot_only: bool,
    /// Cancel what Slurm has of these cells, and compute nothing
    #[arg(long, conflicts_with_all = ["force", "dry_run", "list", "plot_only", "detach"], help_heading = "What else")]
    pub cancel: bool,
    /// Be the process that computes one cell
    #[arg(long, hide = true, action = ArgAction::SetTrue)]
    pub worker: bool,
    /// Be a task of the array with this list of cells
    #[arg(long, hide = true, value_name = "LIST")]
    pub slurm_task: Option<PathBuf>,
}

impl ExperimentArgs {
    /// Reads the command line of the experiment `name`; prints help or an error and exits where that is asked for.
    #[must_use]
    pub fn from_command_line(name: &str, question: &str) -> Self {
        let matches = Self::command(name, question).get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }

    /// What a command line of these words says, the program's name left out.
    ///
    /// # Errors
    /// Those of clap, also where help is asked for.
    pub fn from_line<T: Into<OsString> + Clone>(
        line: impl IntoIterator<Item = T>,
    ) -> Result<Self, clap::Error> {
        let command = Self::command("experiment", "").no_binary_name(true);
        Self::from_arg_matches(&command.try_get_matches_from(line)?)
    }

    fn command(name: &str, question: &str) -> Command {
        // Last, because the flags bring a description of themselves.
        Self::augment_args(Command::new(name.to_owned()))
            .about(question.to_owned())
            .long_about(question.to_owned())
            .version(env!("CARGO_PKG_VERSION"))
    }

    /// The seeds asked for, or the first `default`.
    #[must_use]
    pub fn seeds_or(&self, default: u64) -> Vec<u64> {
        self.seeds.as_ref().map_or_else(|| (0..default).collect(), |seeds| seeds.0.clone())
    }

    /// The arms asked for, in the order of `known`; all of them by default.
    ///
    /// # Errors
    /// [`ArgsError`] where an arm is asked for that is not known.
    pub fn arms_among<'a>(&self, known: &[&'a str]) -> Result<Vec<&'a str>, ArgsError> {
        let Some(asked) = &self.arms else { return Ok(known.to_vec()) };
        for arm in asked {
            one_of("arms", arm, known)?;
        }
        Ok(known.iter().copied().filter(|known| asked.iter().any(|arm| arm == known)).collect())
    }

    /// The scale asked for, which has to be one of `known`; the first of them by default.
    ///
    /// # Errors
    /// [`ArgsError`].
    pub fn scale_among<'a>(&self, known: &[&'a str]) -> Result<&'a str, ArgsError> {
        match (&self.scale, known) {
            (None, [first, ..]) => Ok(first),
            (asked, _) => one_of("scale", asked.as_deref().unwrap_or_default(), known),
        }
    }

    /// The devices that cells may use: those of `--devices`, or the one of `--device`.
    #[must_use]
    pub fn devices(&self) -> Vec<String> {
        self.devices.clone().unwrap_or_else(|| vec![self.device.clone()])
    }

    /// What kind of device computes: `cuda` for `cuda:0,cuda:1`. This belongs to a cell's configuration; which device of
    /// its kind a cell gets does not, and is told to its worker alone ([`CellContext::device`]).
    ///
    /// [`CellContext::device`]: crate::CellContext::device
    ///
    /// # Errors
    /// [`ArgsError`] where there are several kinds.
    pub fn device_kind(&self) -> Result<String, ArgsError> {
        let kind = |device: &str| device.split(':').next().unwrap_or_default().to_owned();
        let devices = self.devices();
        let first = devices.first().map(|device| kind(device)).unwrap_or_default();
        match devices.iter().find(|device| kind(device) != first) {
            None => Ok(first),
            Some(other) => Err(ArgsError {
                flag: "devices",
                expected: format!("devices of one kind ({first})"),
                got: other.clone(),
            }),
        }
    }

    /// Whether fewer examples are used than the experiment says.
    #[must_use]
    pub fn limited(&self) -> bool {
        self.limit_train.is_some() || self.limit_eval.is_some()
    }
}

fn one_of<'a>(flag: &'static str, got: &str, known: &[&'a str]) -> Result<&'a str, ArgsError> {
    known.iter().copied().find(|&known| known == got).ok_or_else(|| ArgsError {
        flag,
        expected: format!("one of {}", known.join(", ")),
        got: got.to_owned(),
    })
}

fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("expected a whole number above 0".to_owned()),
    }
}

/// Seeds in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeds(pub Vec<u64>);

impl FromStr for Seeds {
    type Err = ArgsError;

    fn from_str(text: &str) -> Result<Self, ArgsError> {
        let wrong = || {
            ArgsError {
            flag: "seeds",
            expected: "a number of seeds (8), a range (0-7) or a list without repetition (3,5,9; a single seed as `5,`)"
                .to_owned(),
            got: text.to_owned(),
        }
        };
        const MOST: u64 = 100_000;
        let number = |text: &str| text.trim().parse::<u64>().map_err(|_| wrong());
        let range = |first: u64, after: u64| {
            if after.saturating_sub(first) > MOST {
                return Err(ArgsError { expected: format!("at most {MOST} seeds"), ..wrong() });
            }
            Ok((first..after).collect())
        };
        let seeds: Vec<u64> = if text.contains(',') {
            text.trim_end_matches(',').split(',').map(number).collect::<Result<_, _>>()?
        } else if let Some((first, last)) = text.split_once('-') {
            range(number(first)?, number(last)?.saturating_add(1))?
        } else {
            range(0, number(text)?)?
        };
        let mut distinct = seeds.clone();
        distinct.sort_unstable();
        distinct.dedup();
        if seeds.is_empty() || distinct.len() != seeds.len() { Err(wrong()) } else { Ok(Self(seeds)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<ExperimentArgs, clap::Error> {
        ExperimentArgs::from_line(line.split_whitespace())
    }

    #[test]
    fn the_declaration_is_consistent() {
        ExperimentArgs::command("toy", "Does it work?").debug_assert();
    }

    #[test]
    fn every_flag_of_the_contract_is_understood() {
        let args = parse(
            "--scale tiny --seeds 3,5 --arms sapo,static --model m --data d --device cuda:1 --jobs 3 --engine local \
             --out o --only arm=sapo --limit-train 5 --limit-eval 6 --force -q",
        )
        .unwrap();
        assert_eq!(args.seeds_or(8), [3, 5]);
        assert_eq!(args.arms_among(&["static", "random", "sapo"]).unwrap(), ["static", "sapo"]);
        assert_eq!(args.scale_among(&["tiny", "default"]).unwrap(), "tiny");
        assert_eq!((args.limit_train, args.limit_eval, args.jobs), (Some(5), Some(6), Some(3)));
        assert!(args.limited() && args.force && args.quiet);
        let slurm = parse("--engine slurm --slurm-profile gpu.toml --detach --retries 2").unwrap();
        assert_eq!((slurm.engine, slurm.detach, slurm.retries), (EngineKind::Slurm, true, 2));
        let default = parse("").unwrap();
        assert_eq!(default.seeds_or(3), [0, 1, 2]);
        assert!(!default.limited());
        assert_eq!((default.out.to_str(), default.engine), (Some("runs"), EngineKind::Local));
    }

    #[test]
    fn seeds_are_a_number_a_range_or_a_list() {
        let seeds = |text: &str| text.parse::<Seeds>().map(|seeds| seeds.0);
        assert_eq!(seeds("3").unwrap(), [0, 1, 2]);
        assert_eq!(seeds("4-6").unwrap(), [4, 5, 6]);
        assert_eq!(seeds("9,3, 5").unwrap(), [9, 3, 5]);
        assert_eq!(seeds("8,").unwrap(), [8]);
        for wrong in ["0", "", ",", "6-4", "a", "3,3", "-1", "1,,2"] {
            assert!(seeds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_device_has_a_kind_and_a_number() {
        let devices = |line: &str| {
            let args = parse(line).unwrap();
            (args.devices().join(" "), args.device_kind().map_err(|error| error.to_string()))
        };
        assert_eq!(devices(""), ("cpu".into(), Ok("cpu".into())));
        assert_eq!(devices("--device cuda:1"), ("cuda:1".into(), Ok("cuda".into())));
        assert_eq!(devices("--devices cuda:0,cuda:1"), ("cuda:0 cuda:1".into(), Ok("cuda".into())));
        let (_, kind) = devices("--devices cuda:0,cpu");
        assert_eq!(kind.unwrap_err(), "--devices: expected devices of one kind (cuda), got `cpu`");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for wrong in [
            "--jobs 0",
            "--limit-train 0",
            "--only arm",
            "--dry-run --list",
            "--plot-only --force",
            "--device cpu --devices cpu",
            "--cancel --detach",
            "--retries -1",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        let error = parse("--arms sappo").unwrap().arms_among(&["sapo", "sapp"]).unwrap_err();
        assert_eq!(error.to_string(), "--arms: expected one of sapo, sapp, got `sappo`");
        assert!(parse("--scale huge").unwrap().scale_among(&["tiny"]).is_err());
    }
}
