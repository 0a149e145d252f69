use anyhow::{Context, ensure};
use serde::Deserialize;

use super::Args;

/// `configs/reproduce.toml`: the experiments in the order in which they run.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    /// Figures that are promoted, where an experiment names none: names, a `*` at the end standing for any end.
    pub(super) figures: Vec<String>,
    /// Tables with instructions or inputs of the benchmark in them, which are promoted where the project ships these.
    #[serde(default)]
    pub(super) texts_of_data: Vec<String>,
    pub(super) experiments: Vec<Listed>,
}

/// One experiment.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    /// Name of its program and of its folder of runs.
    pub(super) name: String,
    /// Scales at which it runs; figures of the first one lie in its own folder of docs/figures.
    pub(super) scales: Vec<String>,
    /// Seeds under `--quick`; absent where it has none.
    pub(super) quick_seeds: Option<u64>,
    /// Where it is no grid of cells: its question. Such a program takes `--out` and its own arguments alone.
    pub(super) question: Option<String>,
    /// Arguments that a program which is no grid gets where there is `--data`, and without which it runs as well and finds
    /// less; `{data}` stands for that folder.
    pub(super) with_data: Option<Vec<String>>,
    /// Figures that are promoted, where not the usual ones.
    pub(super) figures: Option<Vec<String>>,
}

impl List {
    /// The one that ships.
    pub(super) fn shipped() -> anyhow::Result<Self> {
        Self::parse(include_str!("../../configs/reproduce.toml")).context("configs/reproduce.toml")
    }

    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let list: Self = toml::from_str(text)?;
        for (place, listed) in list.experiments.iter().enumerate() {
            let name = &listed.name;
            ensure!(!listed.scales.is_empty(), "{name} has no scale");
            ensure!(
                list.experiments[..place].iter().all(|other| other.name != *name),
                "{name} is listed twice"
            );
        }
        Ok(list)
    }

    pub(super) fn find(&self, name: &str) -> Option<&Listed> {
        self.experiments.iter().find(|listed| listed.name == name)
    }

    /// The experiments of the scale, or those of them that were asked for.
    pub(super) fn chosen(&self, args: &Args) -> anyhow::Result<Vec<&Listed>> {
        let scale = &args.scale;
        for name in args.only.iter().flatten() {
            let known =
                || self.experiments.iter().map(|listed| listed.name.as_str()).collect::<Vec<_>>().join(", ");
            let listed = self
                .find(name)
                .with_context(|| format!("--only: expected some of {}, got `{name}`", known()))?;
            ensure!(
                listed.scales.contains(scale),
                "{name} has no scale {scale}, only {}",
                listed.scales.join(", ")
            );
        }
        let asked = |listed: &&Listed| match &args.only {
            Some(names) => names.contains(&listed.name),
            None => listed.scales.contains(scale),
        };
        Ok(self.experiments.iter().filter(asked).collect())
    }
}

impl Listed {
    /// Whether it is a grid of cells.
    pub(super) fn is_grid(&self) -> bool {
        self.question.is_none()
    }

    /// Whether it cannot run without data that the project does not ship.
    pub(super) fn needs_data(&self, scale: &str) -> bool {
        self.is_grid() && scale != "nano"
    }

    /// Number of seeds that are asked for; none where the experiment decides.
    pub(super) fn seeds(&self, quick: bool) -> Option<u64> {
        self.quick_seeds.filter(|_| quick)
    }

    /// The arguments of its program.
    pub(super) fn arguments(&self, args: &Args) -> Vec<String> {
        let text = |path: &std::path::Path| path.display().to_string();
        let mut arguments = vec!["--out".to_string(), text(&args.out)];
        arguments.extend(self.own_arguments(args, args.data.as_deref().map(text)));
        if self.is_grid() {
            let mut passed_on = |flag: &str, value: Option<String>| {
                arguments.extend(value.into_iter().flat_map(|value| [format!("--{flag}"), value]));
            };
            passed_on("jobs", args.jobs.map(|jobs| jobs.to_string()));
            passed_on("device", args.device.clone());
        }
        arguments
    }

    /// The command for readers, without what concerns this machine.
    pub(super) fn command(&self, args: &Args) -> String {
        let own = self.own_arguments(args, args.data.as_ref().map(|_| "DATA".to_string()));
        [vec!["./just experiment".to_string(), self.name.clone()], own].concat().join(" ")
    }

    /// What decides over the results.
    fn own_arguments(&self, args: &Args, data: Option<String>) -> Vec<String> {
        let mut own = Vec::new();
        if self.is_grid() {
            own.extend(["--scale".to_string(), args.scale.clone()]);
            own.extend(
                self.seeds(args.quick).into_iter().flat_map(|seeds| ["--seeds".into(), seeds.to_string()]),
            );
        }
        if let Some(data) = data {
            match &self.with_data {
                Some(with_data) => {
                    own.extend(with_data.iter().map(|argument| argument.replace("{data}", &data)))
                }
                None if self.is_grid() && self.needs_data(&args.scale) => own.extend(["--data".into(), data]),
                None => {}
            }
        }
        own
    }
}

/// The first of these patterns that the name fits.
pub(super) fn fitting(patterns: &[String], name: &str) -> Option<usize> {
    let fits = |pattern: &String| match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    };
    patterns.iter().position(fits)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn args(line: &str) -> Args {
        Args::try_parse_from(std::iter::once("reproduce").chain(line.split_whitespace())).unwrap()
    }

    #[test]
    fn what_ships_can_be_read_and_chosen_from() {
        let list = List::shipped().unwrap();
        let names = |line| {
            list.chosen(&args(line)).unwrap().iter().map(|listed| listed.name.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(names("")[0], "quickstart");
        assert!(!names("").contains(&"ni-seq-c1") && names("--scale small").contains(&"ni-seq-c1"));
        assert_eq!(names("--only methods,quickstart"), ["quickstart", "methods"]);
        let refused = |line| list.chosen(&args(line)).unwrap_err().to_string();
        assert!(refused("--only quickstar").contains("quickstart, "));
        assert!(refused("--only ni-seq-c1").contains("no scale nano"));
        // with a single seed there is no paired table, which the documentation shows
        assert!(list.experiments.iter().all(|listed| listed.quick_seeds.is_none_or(|seeds| seeds >= 2)));
        assert!(list.experiments.iter().all(|listed| listed.is_grid() == listed.quick_seeds.is_some()));
        assert!(list.experiments.iter().all(|listed| !listed.needs_data("nano")));
        // with one stream a figure has its plain name, with several one for each
        let figures = list.find("reselect").unwrap().figures.as_ref().unwrap();
        let promoted = |name| fitting(figures, name).is_some();
        assert!(["stream_curves", "stream_curves_c1", "transfer_matrices_g1"].into_iter().all(promoted));
    }

    #[test]
    fn what_is_passed_on_is_what_the_program_takes() {
        let list = List::parse(
            "figures = []\n[[experiments]]\nname = 'grid'\nscales = ['nano', 'small']\nquick_seeds = 3\n\
             [[experiments]]\nname = 'plain'\nscales = ['nano']\nquestion = 'Why?'\nwith_data = ['--trace', '{data}/../trace']",
        )
        .unwrap();
        let line = |place: usize, line: &str| list.experiments[place].arguments(&args(line)).join(" ");
        assert_eq!(line(0, "--quick --jobs 2"), "--out runs --scale nano --seeds 3 --jobs 2");
        assert_eq!(
            line(0, "--scale small --data d --device cuda"),
            "--out runs --scale small --data d --device cuda"
        );
        assert_eq!(line(1, "--quick --jobs 2 --data d"), "--out runs --trace d/../trace");
        assert_eq!(line(1, ""), "--out runs");
        let needs_data = |place: usize, scale| list.experiments[place].needs_data(scale);
        assert!(needs_data(0, "small") && !needs_data(0, "nano") && !needs_data(1, "nano"));
        let command = list.experiments[0].command(&args("--scale small --data /home/me/d --out o --jobs 2"));
        assert_eq!(command, "./just experiment grid --scale small --data DATA");
    }

    #[test]
    fn a_star_stands_for_any_end() {
        let patterns = ["by_arm".to_string(), "stream*".to_string()];
        let place = |name| fitting(&patterns, name);
        assert_eq!((place("by_arm"), place("by_arm2")), (Some(0), None));
        assert_eq!((place("stream"), place("streams")), (Some(1), Some(1)));
    }
}
