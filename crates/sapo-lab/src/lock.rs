//! A cell that a live process computes is not computed by a second one.
//!
//! A lock is a small file that names its holder. It is made at one instant (a file with that name must not exist), so it
//! needs no locking from the file system; it expires when its holder, on this host, is dead. For a holder on another host
//! that is part of a Slurm job, Slurm is asked. All others on other hosts are believed to live: nothing here can know
//! better, and the file says whom to ask.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::slurm::SlurmRun;

/// A process that holds a lock, told apart from a later one with the same number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Host name.
    pub host: String,
    /// Which start of the host; empty where the system does not tell.
    pub boot: String,
    /// Process number.
    pub pid: u32,
    /// When the process started, in the kernel's ticks since boot; absent where the system does not tell.
    pub started_ticks: Option<u64>,
    /// When the lock was taken (RFC 3339, UTC).
    pub since: String,
    /// The Slurm job that the process is part of, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slurm: Option<Box<SlurmRun>>,
}

impl Holder {
    fn this_process() -> Self {
        let pid = std::process::id();
        Self {
            host: host_name(),
            boot: boot_id(),
            pid,
            started_ticks: running_since(pid).flatten(),
            since: humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string(),
            slurm: SlurmRun::of_this_process().map(Box::new),
        }
    }

    /// Whether it is the process of this host with this number.
    #[must_use]
    pub fn is_process(&self, pid: u32) -> bool {
        self.pid == pid && self.host == host_name()
    }

    /// Whether the process may still be at work.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        if self.host != host_name() {
            return self.slurm.as_ref().is_none_or(|run| run.may_be_at_work());
        }
        if self.boot != boot_id() {
            return false;
        }
        match running_since(self.pid) {
            None => false,
            Some(now) => now == self.started_ticks,
        }
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "process {} on {} since {}", self.pid, self.host, self.since)?;
        self.slurm.as_ref().map_or(Ok(()), |run| write!(formatter, " (Slurm job {})", run.job))
    }
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default()
}

/// `None`: no such process at work. `Some(None)`: there is one, but this system does not tell when it started.
fn running_since(pid: u32) -> Option<Option<u64>> {
    if !Path::new("/proc/self/stat").exists() {
        let pid = rustix::process::Pid::from_raw(i32::try_from(pid).ok()?)?;
        return rustix::process::test_kill_process(pid).is_ok().then_some(None);
    }
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command, in brackets, may hold anything; the fields after it are plain. proc(5): state is field 3, start 22.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let state = *fields.first()?;
    // A zombie computes nothing, even where nobody collects it.
    if matches!(state, "Z" | "X" | "x") {
        return None;
    }
    Some(fields.get(19)?.parse().ok())
}

/// Begins the names of files that are locks no more, or not yet.
const HALF_MADE: &str = ".new-";
/// After this nobody works on a half-made file any more.
const OLD: Duration = Duration::from_secs(3600);

/// The locks of one experiment, one file a cell.
#[derive(Debug, Clone)]
pub(crate) struct Locks {
    folder: PathBuf,
}

impl Locks {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.lock"))
    }

    /// The live holder of a lock, if any.
    pub(crate) fn holder(&self, name: &str) -> io::Result<Option<Holder>> {
        Ok(read(&self.path(name))?.filter(Holder::is_alive))
    }

    /// Takes a lock, or says who has it.
    pub(crate) fn take(&self, name: &str) -> io::Result<Result<Lock, Box<Holder>>> {
        fs::create_dir_all(&self.folder)?;
        let _guard = self.guard()?;
        let path = self.path(name);
        if let Some(holder) = read(&path)? {
            if holder.is_alive() {
                return Ok(Err(holder.into()));
            }
            if let Some(quicker) = self.break_dead(&path, &holder)? {
                return Ok(Err(quicker.into()));
            }
        }
        let holder = Holder::this_process();
        let mut file = tempfile::Builder::new().prefix(HALF_MADE).tempfile_in(&self.folder)?;
        file.write_all(serde_json::to_string(&holder)?.as_bytes())?;
        match file.persist_noclobber(&path) {
            Ok(_) => Ok(Ok(Lock { path, holder })),
            // Another process was quicker; whoever it is, it lives.
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                Ok(Err(read(&path)?.unwrap_or(holder).into()))
            }
            Err(error) => Err(error.error),
        }
    }

    /// Removes the locks of dead holders, and what a death in the middle of taking or breaking one left.
    pub(crate) fn sweep(&self) -> io::Result<()> {
        if !self.folder.exists() {
            return Ok(());
        }
        let _guard = self.guard()?;
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with(HALF_MADE) {
                // A young one may be in the hands of another host.
                let age = path
                    .metadata()
                    .and_then(|data| data.modified())
                    .ok()
                    .and_then(|time| time.elapsed().ok());
                if age.is_some_and(|age| age > OLD) {
                    remove(&path)?;
                }
            } else if let (true, Some(holder)) = (name.ends_with(".lock"), read(&path)?)
                && !holder.is_alive()
            {
                self.break_dead(&path, &holder)?;
            }
        }
        Ok(())
    }

    /// Removes the lock of a holder that is dead, unless another process has broken and taken it since it was read. That
    /// process is returned; it has its lock back at once.
    fn break_dead(&self, path: &Path, dead: &Holder) -> io::Result<Option<Holder>> {
        let aside = tempfile::Builder::new().prefix(HALF_MADE).tempfile_in(&self.folder)?.into_temp_path();
        match fs::rename(path, &aside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            moved => moved?,
        }
        let taken = read(&aside)?.filter(|holder| holder != dead);
        if taken.is_some() {
            // Where a third process has taken the lock by now, the second finds that out (see the local engine).
            let _ = fs::hard_link(&aside, path);
        }
        Ok(taken)
    }

    /// Keeps two processes of this host (on many network file systems: of any host) from breaking the same dead lock. Where
    /// the file system has no such locks, [`Locks::break_dead`] gives back what was not dead.
    fn guard(&self) -> io::Result<Option<File>> {
        let file = File::create(self.folder.join(".guard"))?;
        match file.lock() {
            Ok(()) => Ok(Some(file)),
            Err(error) if matches!(error.kind(), io::ErrorKind::Unsupported) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A lock held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    holder: Holder,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A lock that cannot be removed expires with this process; one that another process has taken over is its own.
        if read(&self.path).is_ok_and(|holder| holder.as_ref() == Some(&self.holder)) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A file that says nothing understandable (a power loss) holds nothing: it counts as a dead holder.
fn read(path: &Path) -> io::Result<Option<Holder>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(serde_json::from_str(&text).unwrap_or(Holder {
            host: host_name(),
            boot: "unreadable".to_owned(),
            pid: 0,
            started_ticks: None,
            since: String::new(),
            slurm: None,
        }))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn locks() -> (tempfile::TempDir, Locks) {
        let folder = tempfile::tempdir().unwrap();
        let locks = Locks::new(folder.path().join("locks"));
        (folder, locks)
    }

    fn plant(locks: &Locks, name: &str, holder: &Holder) {
        fs::create_dir_all(&locks.folder).unwrap();
        fs::write(locks.path(name), serde_json::to_string(holder).unwrap()).unwrap();
    }

    #[test]
    fn a_lock_is_held_by_one_and_freed_when_dropped() {
        let (_folder, locks) = locks();
        let lock = locks.take("cell").unwrap().unwrap();
        let holder = locks.take("cell").unwrap().unwrap_err();
        assert_eq!(holder.pid, std::process::id());
        assert!(locks.take("another").unwrap().is_ok());
        drop(lock);
        assert!(locks.holder("cell").unwrap().is_none());
        assert!(locks.take("cell").unwrap().is_ok());
    }

    #[test]
    fn a_lock_expires_with_its_process_even_before_anyone_collects_it() {
        let (_folder, locks) = locks();
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let holder = Holder {
            pid: child.id(),
            started_ticks: running_since(child.id()).flatten(),
            ..Holder::this_process()
        };
        plant(&locks, "cell", &holder);
        assert!(locks.take("cell").unwrap().is_err());
        child.kill().unwrap();
        // Not waited for: the process stays as a zombie.
        while holder.is_alive() {
            std::thread::yield_now();
        }
        assert!(locks.take("cell").unwrap().is_ok());
        child.wait().unwrap();
    }

    #[test]
    fn the_same_number_after_a_restart_is_another_process() {
        let alive = Holder::this_process();
        assert!(alive.is_alive());
        assert!(!Holder { boot: "an earlier start".into(), ..alive.clone() }.is_alive());
        let reused = Holder { started_ticks: alive.started_ticks.map(|ticks| ticks + 1), ..alive.clone() };
        assert_eq!(reused.is_alive(), alive.started_ticks.is_none());
        assert!(Holder { host: "elsewhere".into(), pid: 4_000_000, slurm: None, ..alive }.is_alive());
    }

    #[test]
    fn a_lock_that_was_taken_over_is_not_removed_by_its_old_holder() {
        let (_folder, locks) = locks();
        let lock = locks.take("cell").unwrap().unwrap();
        let other = Holder { host: "elsewhere".into(), slurm: None, ..Holder::this_process() };
        plant(&locks, "cell", &other);
        drop(lock);
        assert_eq!(locks.holder("cell").unwrap(), Some(other));
    }

    #[test]
    fn a_lock_that_was_taken_since_it_was_read_is_given_back() {
        let (_folder, locks) = locks();
        let dead = Holder { boot: "an earlier start".into(), ..Holder::this_process() };
        let lock = locks.take("cell").unwrap().unwrap();
        let quicker = locks.break_dead(&lock.path, &dead).unwrap();
        assert_eq!(quicker.as_ref(), Some(&lock.holder));
        assert_eq!(locks.holder("cell").unwrap(), quicker);
        plant(&locks, "cell", &dead);
        assert_eq!(locks.break_dead(&lock.path, &dead).unwrap(), None);
        assert!(!lock.path.exists());
        assert_eq!(locks.break_dead(&lock.path, &dead).unwrap(), None);
        assert_eq!(fs::read_dir(&locks.folder).unwrap().count(), 1, "the guard alone is left");
    }

    #[test]
    fn sweeping_keeps_live_locks_and_removes_dead_and_unreadable_ones() {
        let (_folder, locks) = locks();
        let kept = locks.take("live").unwrap().unwrap();
        plant(&locks, "dead", &Holder { boot: "an earlier start".into(), ..Holder::this_process() });
        fs::write(locks.path("cut"), "").unwrap();
        locks.sweep().unwrap();
        assert!(kept.path.exists());
        assert!(!locks.path("dead").exists());
        assert!(!locks.path("cut").exists());
    }

    #[test]
    fn eight_threads_break_one_dead_lock_and_one_wins() {
        let (_folder, locks) = locks();
        for _ in 0..50 {
            plant(&locks, "cell", &Holder { boot: "an earlier start".into(), ..Holder::this_process() });
            let taken: Vec<_> = std::thread::scope(|scope| {
                let takers: Vec<_> = (0..8).map(|_| scope.spawn(|| locks.take("cell").unwrap())).collect();
                takers.into_iter().map(|taker| taker.join().unwrap()).collect()
            });
            assert_eq!(taken.iter().filter(|lock| lock.is_ok()).count(), 1);
        }
    }
}
