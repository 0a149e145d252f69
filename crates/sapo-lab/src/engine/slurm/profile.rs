//! What is asked of a cluster: a TOML file of a user, checked before anything is submitted.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::commands::SlurmError;

/// What to ask of Slurm; everything has a default, and what is absent is left to the site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SlurmProfile {
    /// Partition (queue).
    pub partition: Option<String>,
    /// Time limit of a task, as `sbatch --time` takes it: `04:00:00`.
    pub time: Option<String>,
    /// Memory of a task: `16G`.
    pub memory: Option<String>,
    /// Cores of a task, and threads of a cell.
    pub cpus: u32,
    /// GPUs of a task: `1`, `a100:1`.
    pub gpus: Option<Count>,
    /// Who pays.
    pub account: Option<String>,
    /// Quality of service.
    pub qos: Option<String>,
    /// Features that a node must have.
    pub constraint: Option<String>,
    /// Tasks that run at a time; `--jobs` goes before it.
    pub max_running: Option<u32>,
    /// Tasks of a submission; where there are more cells, a task computes several, one after another.
    pub max_tasks: u32,
    /// Seconds between looks at Slurm, and between two notes of a task about how far it is.
    pub poll_seconds: f64,
    /// Further options of `sbatch`, one each: `--mail-type=FAIL`.
    pub extra: Vec<String>,
    /// Lines of shell before the cells: `module load cuda`.
    pub setup: Vec<String>,
}

/// A number, or a kind with a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Count {
    /// `2`
    Number(u32),
    /// `"a100:2"`
    Kind(String),
}

impl Default for SlurmProfile {
    fn default() -> Self {
        Self {
            partition: None,
            time: None,
            memory: None,
            cpus: 1,
            gpus: None,
            account: None,
            qos: None,
            constraint: None,
            max_running: None,
            max_tasks: 1000,
            poll_seconds: 5.0,
            extra: Vec::new(),
            setup: Vec::new(),
        }
    }
}

impl SlurmProfile {
    /// Reads and checks a profile.
    ///
    /// # Errors
    /// [`SlurmError::File`].
    pub fn read(path: &Path) -> Result<Self, SlurmError> {
        let text = fs::read_to_string(path).map_err(SlurmError::file(path, "read"))?;
        let profile: Self = toml::from_str(&text).map_err(SlurmError::file(path, "understand"))?;
        profile.check().map_err(SlurmError::file(path, "use"))?;
        Ok(profile)
    }

    fn check(&self) -> Result<(), String> {
        if self.cpus == 0 || self.max_tasks == 0 || self.max_running == Some(0) {
            return Err("cpus, max_tasks and max_running must be above 0".to_owned());
        }
        if !(0.1..=3600.0).contains(&self.poll_seconds) {
            return Err(format!("poll_seconds must be 0.1 to 3600, got {}", self.poll_seconds));
        }
        for option in &self.extra {
            if !option.starts_with('-') {
                return Err(format!(
                    "extra holds options of sbatch such as --mail-type=FAIL, got `{option}`"
                ));
            }
            // The engine finds its arrays by these again.
            for own in ["--array", "-a", "--job-name", "-J", "--output", "-o", "--no-requeue"] {
                if option.split(['=', ' ']).next() == Some(own) {
                    return Err(format!("{own} is set by the engine, got `{option}`"));
                }
            }
        }
        if let Some(option) = self.options().iter().find(|option| option.contains(char::is_control)) {
            return Err(format!("an option must be one line, got {option:?}"));
        }
        Ok(())
    }

    /// The options of `sbatch`.
    pub(super) fn options(&self) -> Vec<String> {
        let gpus = self.gpus.as_ref().map(|gpus| match gpus {
            Count::Number(number) => number.to_string(),
            Count::Kind(kind) => kind.clone(),
        });
        let asked = [
            ("partition", &self.partition),
            ("time", &self.time),
            ("mem", &self.memory),
            ("cpus-per-task", &Some(self.cpus.to_string())),
            ("gpus", &gpus),
            ("account", &self.account),
            ("qos", &self.qos),
            ("constraint", &self.constraint),
        ];
        let asked =
            asked.into_iter().filter_map(|(name, value)| Some(format!("--{name}={}", value.as_ref()?)));
        asked.chain(self.extra.iter().cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<SlurmProfile, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gpu.toml");
        fs::write(&path, text).unwrap();
        let place = path.display().to_string();
        SlurmProfile::read(&path).map_err(|error| error.to_string().replace(&place, "gpu.toml"))
    }

    #[test]
    fn everything_has_a_default() {
        assert_eq!(read("").unwrap(), SlurmProfile::default());
        assert_eq!(SlurmProfile::default().options(), ["--cpus-per-task=1"]);
    }

    #[test]
    fn a_profile_becomes_options() {
        let profile = read(
            "partition = 'gpu'\ntime = '04:00:00'\nmemory = '16G'\ncpus = 4\ngpus = 1\naccount = 'abc'\nqos = 'low'\n\
             constraint = 'a100'\nextra = ['--mail-type=FAIL', '--exclude=node7']\n",
        );
        let expected = [
            "--partition=gpu",
            "--time=04:00:00",
            "--mem=16G",
            "--cpus-per-task=4",
            "--gpus=1",
            "--account=abc",
            "--qos=low",
            "--constraint=a100",
            "--mail-type=FAIL",
            "--exclude=node7",
        ];
        assert_eq!(profile.unwrap().options(), expected);
        assert!(read("gpus = 'a100:2'").unwrap().options().contains(&"--gpus=a100:2".to_owned()));
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_file() {
        for (text, expected) in [
            ("cpus = 0", "cannot use gpu.toml: cpus, max_tasks and max_running must be above 0"),
            ("poll_seconds = 0", "cannot use gpu.toml: poll_seconds must be 0.1 to 3600, got 0"),
            (
                "extra = ['--array=0-9']",
                "cannot use gpu.toml: --array is set by the engine, got `--array=0-9`",
            ),
            ("extra = ['mail']", "extra holds options of sbatch"),
            ("partition = \"a\\nb\"", "an option must be one line"),
            ("partitions = 'gpu'", "unknown field `partitions`"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        let error = SlurmProfile::read(Path::new("absent.toml")).unwrap_err().to_string();
        assert!(error.starts_with("cannot read absent.toml: "), "{error}");
    }
}
