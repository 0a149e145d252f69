//! The script that Slurm runs for every task of an array.

use std::path::Path;

use super::profile::SlurmProfile;

/// One array: `tasks` tasks, at most `max_running` at a time, each of which runs `program --slurm-task LIST`.
#[derive(Debug)]
pub(super) struct Script<'a> {
    pub(super) profile: &'a SlurmProfile,
    pub(super) tasks: usize,
    pub(super) max_running: Option<usize>,
    pub(super) program: &'a Path,
    pub(super) list: &'a Path,
    /// Where a task prints; `%a` is its number.
    pub(super) output: &'a Path,
}

impl Script<'_> {
    pub(super) fn render(&self) -> String {
        let at_a_time = self.max_running.map(|number| format!("%{number}")).unwrap_or_default();
        let mut text = "#!/bin/bash\n".to_owned();
        let mut option = |option: &str| text += &format!("#SBATCH {option}\n");
        option(&format!("--array=0-{}{at_a_time}", self.tasks.saturating_sub(1)));
        option(&format!("--output={}", quoted_for_slurm(&self.output.to_string_lossy())));
        // A task that runs again adds to what it printed; what a node or a more important job took from it runs again.
        option("--open-mode=append");
        option("--requeue");
        self.profile.options().iter().for_each(|line| option(line));
        text += "set -e\n";
        for line in &self.profile.setup {
            text += &format!("{line}\n");
        }
        let (program, list) = (self.program.to_string_lossy(), self.list.to_string_lossy());
        text + &format!("exec {} --slurm-task {}\n", quoted_for_shell(&program), quoted_for_shell(&list))
    }
}

fn quoted_for_shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn quoted_for_slurm(path: &str) -> String {
    format!("\"{}\"", path.replace('\\', r"\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(profile: &SlurmProfile, folder: &str, max_running: Option<usize>) -> String {
        let folder = Path::new(folder);
        Script {
            profile,
            tasks: 10,
            max_running,
            program: &folder.join("program"),
            list: &folder.join("array-0.jsonl"),
            output: &folder.join("printed/0-%a.txt"),
        }
        .render()
    }

    #[test]
    fn a_script_without_a_profile_asks_for_little() {
        insta::assert_snapshot!(render(&SlurmProfile::default(), "/runs/toy/.slurm/one", None));
    }

    #[test]
    fn a_script_holds_what_the_profile_says() {
        let profile: SlurmProfile = toml::from_str(
            "partition = 'gpu'\ntime = '04:00:00'\nmemory = '16G'\ncpus = 4\ngpus = 'a100:1'\naccount = 'abc'\n\
             qos = 'low'\nconstraint = 'ib'\nextra = ['--mail-type=FAIL']\nsetup = ['module load cuda/12.8', 'ulimit -c 0']",
        )
        .unwrap();
        insta::assert_snapshot!(render(&profile, "/a user's/runs \"new\"/toy/.slurm/one", Some(3)));
    }
}
