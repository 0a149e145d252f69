//! The toy experiment (`examples/toy.rs`) in a folder of its own.
#![allow(dead_code, reason = "not every suite uses every helper")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A folder of runs and the toy experiment on it.
pub(crate) struct Lab {
    folder: TempDir,
    environment: Vec<(&'static str, String)>,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let trace = folder.path().join("trace").display().to_string();
        Self { folder, environment: vec![("TOY_TRACE", trace)] }
    }

    pub(crate) fn with(mut self, variable: &'static str, value: &str) -> Self {
        self.environment.push((variable, value.to_owned()));
        self
    }

    /// The same runs in another environment.
    pub(crate) fn without_faults(mut self) -> Self {
        self.environment.truncate(1);
        self
    }

    pub(crate) fn command(&self, arguments: &str) -> Command {
        // target/<profile>/deps/<test> -> target/<profile>/examples/toy
        let test = std::env::current_exe().unwrap();
        let toy = test.parent().unwrap().parent().unwrap().join("examples/toy");
        let mut command = Command::new(toy);
        command.current_dir(self.folder.path()).args(arguments.split_whitespace());
        command.envs(self.environment.iter().map(|(variable, value)| (variable, value)));
        command.env("RUST_BACKTRACE", "0").env_remove("COLUMNS").env_remove("RUST_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &str) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub(crate) fn start(&self, arguments: &str) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    /// Where it is run.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn runs(&self) -> PathBuf {
        self.folder.path().join("runs/toy")
    }

    pub(crate) fn table(&self) -> String {
        fs::read_to_string(self.runs().join("tables/sums.csv")).unwrap()
    }

    /// The cells that were begun so far, sorted.
    pub(crate) fn begun(&self) -> Vec<String> {
        let trace = fs::read_to_string(self.folder.path().join("trace")).unwrap_or_default();
        let mut begun: Vec<_> = trace.lines().map(str::to_owned).collect();
        begun.sort();
        begun
    }

    pub(crate) fn stored(&self) -> Vec<PathBuf> {
        let is_cell = |path: &PathBuf| path.join("manifest.json").exists();
        entries(&self.runs()).into_iter().filter(is_cell).collect()
    }

    pub(crate) fn wait_until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !condition(self) {
            assert!(start.elapsed() < Duration::from_secs(60), "waited in vain until {what}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub(crate) fn nothing_is_left_over(&self) {
        assert_eq!(entries(&self.runs().join(".staging")), Vec::<PathBuf>::new());
        let locks = entries(&self.runs().join(".locks"));
        assert!(locks.iter().all(|path| path.extension().is_none()), "{locks:?}");
    }
}

pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default()
}

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), signal).unwrap();
}
