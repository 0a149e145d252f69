//! What made a cell: code, compiler, machine, time, and what the caller knows besides.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Instant, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::this_program;

/// Everything that a manifest says about how a cell came to be. What could not be found out is absent, never guessed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The source.
    pub code: Code,
    /// The machine.
    pub machine: Machine,
    /// When the cell was begun (RFC 3339, UTC).
    pub started: String,
    /// When it was finished (RFC 3339, UTC).
    pub finished: String,
    /// Seconds between the two by a clock that is never set back.
    pub wall_seconds: f64,
    /// What the caller adds: torch version, device, hashes of model and data.
    pub notes: BTreeMap<String, Value>,
}

/// Which source and compiler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// Version of the workspace.
    pub version: String,
    /// Commit that the checkout in which this program was built was at when it ran.
    pub commit: Option<String>,
    /// Whether that checkout differs from its commit.
    pub dirty: Option<bool>,
    /// The compiler.
    pub rustc: String,
}

impl Code {
    /// Asks `git`, where there is one; the checkout must still be where the program was built.
    #[must_use]
    pub fn detect() -> Self {
        Self::at(Path::new(env!("CARGO_MANIFEST_DIR")))
    }

    fn at(checkout: &Path) -> Self {
        let git = |arguments: &[&str]| {
            // killed while it holds a lock it would leave the lock in the user's repository: it is to take none
            let git = ["--no-optional-locks", "-C"];
            let output = Command::new("git").args(git).arg(checkout).args(arguments).output().ok()?;
            output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        let commit = git(&["rev-parse", "--verify", "--quiet", "HEAD"]);
        let dirty =
            commit.as_ref().and_then(|_| git(&["status", "--porcelain"])).map(|changes| !changes.is_empty());
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit,
            dirty,
            rustc: env!("SAPO_RUSTC_VERSION").to_owned(),
        }
    }
}

/// Which program: the source, and the very file that was built from it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Program {
    code: Code,
    bytes: Option<u64>,
    built: Option<String>,
}

impl Program {
    /// This program, built from `code`.
    #[must_use]
    pub fn this(code: Code) -> Self {
        let file = this_program().and_then(std::fs::metadata).ok();
        let built = file.as_ref().and_then(|file| file.modified().ok());
        Self {
            code,
            bytes: file.as_ref().map(std::fs::Metadata::len),
            built: built.map(|time| humantime::format_rfc3339_nanos(time).to_string()),
        }
    }
}

impl PartialEq for Program {
    /// The same file is the same program, whatever became of the checkout; where the file is not known, the source tells.
    fn eq(&self, other: &Self) -> bool {
        match (&self.built, &other.built) {
            (Some(built), Some(others)) => built == others && self.bytes == other.bytes,
            _ => self.code == other.code,
        }
    }
}

/// Which machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Operating system, its release and architecture.
    pub os: String,
    /// The processor's own name.
    pub cpu: Option<String>,
    /// Cores that this process may use.
    pub cores: usize,
    /// Bytes of memory.
    pub memory_bytes: Option<u64>,
}

impl Machine {
    /// Reads what the system tells.
    #[must_use]
    pub fn detect() -> Self {
        let system = rustix::system::uname();
        let os = [system.sysname(), system.release(), system.machine()]
            .map(|part| part.to_string_lossy().into_owned());
        Self {
            os: os.join(" "),
            cpu: field("/proc/cpuinfo", "model name"),
            cores: cores(),
            memory_bytes: field("/proc/meminfo", "MemTotal").and_then(|text| {
                let kibibytes: u64 = text.strip_suffix(" kB")?.trim().parse().ok()?;
                Some(kibibytes * 1024)
            }),
        }
    }
}

/// Cores that this process may use (affinity and cgroup limits counted).
#[must_use]
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Bytes of memory that this process has taken at most; absent where the system does not tell.
#[must_use]
pub fn peak_memory() -> Option<u64> {
    let kibibytes: u64 = field("/proc/self/status", "VmHWM")?.strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Takes the time of a cell while it is computed.
#[derive(Debug)]
pub struct Stopwatch {
    code: Code,
    started: SystemTime,
    clock: Instant,
}

impl Stopwatch {
    /// Starts.
    #[must_use]
    pub fn start(code: Code) -> Self {
        Self { code, started: SystemTime::now(), clock: Instant::now() }
    }

    /// Stops.
    #[must_use]
    pub fn stop(self, notes: BTreeMap<String, Value>) -> Provenance {
        let rfc3339 = |time| humantime::format_rfc3339_millis(time).to_string();
        Provenance {
            code: self.code,
            machine: Machine::detect(),
            started: rfc3339(self.started),
            finished: rfc3339(SystemTime::now()),
            wall_seconds: self.clock.elapsed().as_secs_f64(),
            notes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_a_repository_has_no_commit() {
        let folder = tempfile::tempdir().unwrap();
        let code = Code::at(folder.path());
        assert_eq!((code.commit, code.dirty), (None, None));
        assert!(code.rustc.starts_with("rustc "), "{}", code.rustc);
    }

    #[test]
    fn a_changed_checkout_is_dirty() {
        let folder = tempfile::tempdir().unwrap();
        let git = |arguments: &[&str]| {
            Command::new("git")
                .arg("-C")
                .arg(folder.path())
                .args(["-c", "user.name=a", "-c", "user.email=a@b"])
                .args(arguments)
                .output()
        };
        if git(&["init", "--quiet"]).is_err() {
            println!("not run: no git");
            return;
        }
        git(&["commit", "--quiet", "--allow-empty", "-m", "first"]).unwrap();
        let clean = Code::at(folder.path());
        assert_eq!(clean.commit.map(|hash| hash.len()), Some(40));
        assert_eq!(clean.dirty, Some(false));
        std::fs::write(folder.path().join("new"), "").unwrap();
        assert_eq!(Code::at(folder.path()).dirty, Some(true));
    }

    #[test]
    fn times_are_utc_and_in_order() {
        let provenance = Stopwatch::start(Code::detect()).stop(BTreeMap::new());
        assert!(
            provenance.started.ends_with('Z') && provenance.started.len() == "2026-01-01T00:00:00.000Z".len()
        );
        assert!(provenance.started <= provenance.finished);
        assert!(provenance.wall_seconds >= 0.0);
        assert!(provenance.machine.cores > 0);
        if cfg!(target_os = "linux") {
            assert!(provenance.machine.memory_bytes.is_some_and(|bytes| bytes > 1 << 26));
        }
    }
}
