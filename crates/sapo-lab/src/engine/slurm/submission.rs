//! What was submitted, on disk, so that any process on any machine that sees the store can find it again.
//!
//! ```text
//! runs/<experiment>/.slurm/<submission>/
//!     plan.json          what its tasks need to know besides their cells
//!     program            this program as it was: one submission, one version
//!     array-0.jsonl      a line for each task: the cells that it computes
//!     array-0.sh         what sbatch was given
//!     array-0.job        the number that Slurm gave the array
//!     printed/0-3.txt    what task 3 printed outside its workers (whose logs are where the local engine's are)
//!     cells/<cell>.json  how far a cell is, written by its task
//!     told/<cell>        a failure of which somebody was told: the cell may be submitted again
//! ```
//!
//! The folder appears whole, by a rename, before anything is submitted. It goes when all its cells are stored or told.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sapo_files::whole;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::cell::{CellId, CellSpec};
use crate::provenance::Code;
use crate::told::Told;

use super::commands::SlurmError;
use super::profile::SlurmProfile;
use super::script::Script;

/// What the tasks of a submission need to know besides their cells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Plan {
    /// Folder of all experiments.
    pub(super) root: PathBuf,
    /// Name of the experiment.
    pub(super) experiment: String,
    /// The source that the program was built from.
    pub(super) code: Code,
    /// Where cells are computed.
    pub(super) device: String,
    /// How often a cell is tried again whose worker died without saying why.
    pub(super) retries: usize,
    /// Threads of a worker.
    pub(super) threads: usize,
    /// Seconds between two notes about how far a cell is.
    pub(super) note_seconds: f64,
    /// Arrays that it consists of.
    pub(super) arrays: usize,
}

/// How far a cell is, in the words of the task that has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum Note {
    /// A worker has it.
    Running(Told),
    /// It is stored.
    Finished,
    /// It could not be computed.
    Failed {
        /// Why.
        reason: String,
    },
}

/// The folder of a submission.
#[derive(Debug, Clone)]
pub(super) struct Submission {
    pub(super) folder: PathBuf,
}

const PLAN: &str = "plan.json";
/// Begins the names of folders that are submissions no more, or not yet.
const HALF_MADE: &str = ".half-";

impl Submission {
    /// The submissions below `all` (`runs/<experiment>/.slurm`), oldest first.
    pub(super) fn list(all: &Path) -> Result<Vec<Self>, SlurmError> {
        let entries = match fs::read_dir(all) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(SlurmError::file(all, "list"))?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let folder = entry.map_err(SlurmError::file(all, "list"))?.path();
            if !is_half_made(&folder) && folder.join(PLAN).exists() {
                found.push(Self { folder });
            }
        }
        found.sort_by(|one, other| one.folder.cmp(&other.folder));
        Ok(found)
    }

    /// A submission to be, below `all`, whose tasks deal with `arrays`; nothing is given to Slurm yet. What a death in the
    /// middle of this left is removed: to be called by one process at a time.
    pub(super) fn make(
        all: &Path,
        plan: &Plan,
        arrays: &[Vec<Vec<CellSpec>>],
        profile: &SlurmProfile,
        max_running: Option<usize>,
        program: &Path,
    ) -> io::Result<Self> {
        for entry in fs::read_dir(all)? {
            let path = entry?.path();
            if is_half_made(&path) {
                fs::remove_dir_all(&path)?;
            }
        }
        let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string().replace([':', '-'], "");
        let making =
            tempfile::Builder::new().prefix(&format!("{HALF_MADE}{now}-")).rand_bytes(4).tempdir_in(all)?;
        fs::set_permissions(making.path(), fs::Permissions::from_mode(0o755))?;
        let hidden = making.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let made = Self { folder: all.join(hidden.trim_start_matches(HALF_MADE)) };
        Self { folder: making.path().to_owned() }.write(plan, arrays, program)?;
        for (number, tasks) in arrays.iter().enumerate() {
            let script = Script {
                profile,
                tasks: tasks.len(),
                max_running,
                program: &made.program(),
                list: &made.list_of(number),
                output: &made.printed(number, "%a"),
            };
            let place = made.script(number);
            let name = place.file_name().unwrap_or_default();
            whole::write(&making.path().join(name), script.render().as_bytes())?;
        }
        fs::rename(making.keep(), &made.folder)?;
        whole::sync_folder(all)?;
        Ok(made)
    }

    /// The submission that the list of an array belongs to.
    pub(super) fn of_list(list: &Path) -> Self {
        Self { folder: list.parent().unwrap_or(Path::new(".")).to_owned() }
    }

    pub(super) fn program(&self) -> PathBuf {
        self.folder.join("program")
    }

    pub(super) fn list_of(&self, array: usize) -> PathBuf {
        self.folder.join(format!("array-{array}.jsonl"))
    }

    pub(super) fn script(&self, array: usize) -> PathBuf {
        self.folder.join(format!("array-{array}.sh"))
    }

    /// Where the tasks of an array print; Slurm puts their numbers in place of `%a`.
    pub(super) fn printed(&self, array: usize, task: &str) -> PathBuf {
        self.folder.join("printed").join(format!("{array}-{task}.txt"))
    }

    fn job_file(&self, array: usize) -> PathBuf {
        self.folder.join(format!("array-{array}.job"))
    }

    /// A name for an array in Slurm, by which it is found where its number was lost.
    pub(super) fn job_name(&self, experiment: &str, array: usize) -> String {
        let name = self.folder.file_name().unwrap_or_default().to_string_lossy();
        format!("{experiment}-{name}-{array}")
    }

    pub(super) fn plan(&self) -> Result<Plan, SlurmError> {
        read_json(&self.folder.join(PLAN))
    }

    fn write(&self, plan: &Plan, arrays: &[Vec<Vec<CellSpec>>], program: &Path) -> io::Result<()> {
        for name in ["printed", "cells", "told"] {
            fs::create_dir_all(self.folder.join(name))?;
        }
        fs::copy(program, self.program())?;
        // A cell goes on from what another process left only if both are one program, which its file's time tells.
        let built = fs::metadata(program)?.modified()?;
        File::options().append(true).open(self.program())?.set_modified(built)?;
        for (number, tasks) in arrays.iter().enumerate() {
            let mut lines = String::new();
            for cells in tasks {
                lines += &serde_json::to_string(cells)?;
                lines.push('\n');
            }
            whole::write(&self.list_of(number), lines.as_bytes())?;
        }
        whole::write(&self.folder.join(PLAN), serde_json::to_string_pretty(plan)?.as_bytes())
    }

    /// The cells of each task of an array.
    pub(super) fn tasks(&self, array: usize) -> Result<Vec<Vec<CellSpec>>, SlurmError> {
        let path = self.list_of(array);
        let text = fs::read_to_string(&path).map_err(SlurmError::file(&path, "read"))?;
        text.lines()
            .map(|line| serde_json::from_str(line).map_err(SlurmError::file(&path, "understand")))
            .collect()
    }

    /// The number that Slurm gave an array, if it is known.
    pub(super) fn job(&self, array: usize) -> Option<String> {
        let number = fs::read_to_string(self.job_file(array)).ok()?;
        let number = number.trim();
        (!number.is_empty()).then(|| number.to_owned())
    }

    pub(super) fn keep_job(&self, array: usize, job: &str) -> Result<(), SlurmError> {
        let path = self.job_file(array);
        whole::write(&path, job.as_bytes()).map_err(SlurmError::file(&path, "write"))
    }

    pub(super) fn note(&self, cell: &CellId) -> Option<Note> {
        read_json(&self.note_file(cell)).ok()
    }

    /// Replaces what is noted about a cell; not synced, since a lost note costs a line on a screen.
    pub(super) fn take_note(&self, cell: &CellId, note: &Note) -> io::Result<()> {
        whole::replace(&self.note_file(cell), serde_json::to_string(note)?.as_bytes())
    }

    fn note_file(&self, cell: &CellId) -> PathBuf {
        self.folder.join("cells").join(format!("{cell}.json"))
    }

    pub(super) fn was_told(&self, cell: &CellId) -> bool {
        self.folder.join("told").join(cell.as_str()).exists()
    }

    /// Notes that somebody was told of a cell's failure; false where that was noted before.
    pub(super) fn tell(&self, cell: &CellId) -> io::Result<bool> {
        match File::create_new(self.folder.join("told").join(cell.as_str())) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes the folder, at one instant for any reader.
    pub(super) fn remove(&self) -> Result<(), SlurmError> {
        let name = self.folder.file_name().unwrap_or_default().to_string_lossy();
        let aside = self.folder.with_file_name(format!("{HALF_MADE}removed-{name}"));
        match fs::rename(&self.folder, &aside).and_then(|()| fs::remove_dir_all(&aside)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(SlurmError::file(&self.folder, "remove")(error))
            }
            _ => Ok(()),
        }
    }
}

fn is_half_made(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(HALF_MADE))
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, SlurmError> {
    let bytes = fs::read(path).map_err(SlurmError::file(path, "read"))?;
    serde_json::from_slice(&bytes).map_err(SlurmError::file(path, "understand"))
}

/// Cells dealt out to tasks, and tasks to arrays: no more tasks than `max_tasks`, no array larger than `max_array`, and
/// tasks as even as can be.
pub(super) fn deal(cells: Vec<CellSpec>, max_tasks: usize, max_array: usize) -> Vec<Vec<Vec<CellSpec>>> {
    let tasks = cells.len().min(max_tasks.max(1));
    let mut dealt = vec![Vec::new(); tasks];
    // Like cards: the first cells of the grid are computed first, whichever task has them.
    for (place, cell) in cells.into_iter().enumerate() {
        dealt[place % tasks].push(cell);
    }
    dealt.chunks(max_array.max(1)).map(<[_]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn cells(number: usize) -> Vec<CellSpec> {
        (0..number).map(|seed| CellSpec::new(json!({"seed": seed}), &["seed"]).unwrap()).collect()
    }

    fn shape(number: usize, max_tasks: usize, max_array: usize) -> Vec<Vec<usize>> {
        let arrays = deal(cells(number), max_tasks, max_array);
        let mut dealt: Vec<_> = arrays.iter().flatten().flatten().map(CellSpec::id).collect();
        dealt.sort();
        let mut all: Vec<_> = cells(number).iter().map(CellSpec::id).collect();
        all.sort();
        assert_eq!(dealt, all, "every cell once");
        arrays.iter().map(|tasks| tasks.iter().map(Vec::len).collect()).collect()
    }

    #[test]
    fn cells_become_tasks_and_tasks_become_arrays() {
        assert_eq!(shape(3, 1000, 1001), [[1, 1, 1]]);
        assert_eq!(shape(7, 5, 1001), [[2, 2, 1, 1, 1]]);
        assert_eq!(shape(5, 1000, 2), [vec![1, 1], vec![1, 1], vec![1]]);
        assert_eq!(shape(0, 10, 10), Vec::<Vec<usize>>::new());
        let large = shape(10_000, 2000, 1001);
        assert_eq!(large.iter().map(Vec::len).collect::<Vec<_>>(), [1001, 999]);
        assert!(large.iter().flatten().all(|&cells| cells == 5));
    }

    #[test]
    fn a_submission_is_read_as_it_was_written() {
        let root = tempfile::tempdir().unwrap();
        let plan = Plan {
            root: "/runs".into(),
            experiment: "toy".into(),
            code: Code::detect(),
            device: "cpu".into(),
            retries: 1,
            threads: 2,
            note_seconds: 5.0,
            arrays: 2,
        };
        let arrays = deal(cells(5), 5, 3);
        let program = root.path().join("tool");
        fs::write(&program, "#!/bin/sh\n").unwrap();
        fs::create_dir(root.path().join(".half-of-a-dead-process")).unwrap();
        let profile = SlurmProfile::default();
        let submission = Submission::make(root.path(), &plan, &arrays, &profile, Some(2), &program).unwrap();
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2, "the submission and the program");
        let built = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
        assert_eq!(built(&program), built(&submission.program()));
        let script = fs::read_to_string(submission.script(1)).unwrap();
        let list = submission.list_of(1);
        assert!(script.ends_with(&format!(" --slurm-task '{}'\n", list.display())), "{script}");
        assert!(script.contains("#SBATCH --array=0-1%2\n"), "{script}");
        assert_eq!(submission.plan().unwrap(), plan);
        assert_eq!([submission.tasks(0).unwrap(), submission.tasks(1).unwrap()].to_vec(), arrays);
        assert_eq!(Submission::list(root.path()).unwrap().len(), 1);

        assert_eq!(submission.job(1), None);
        submission.keep_job(1, "12").unwrap();
        assert_eq!(submission.job(1).as_deref(), Some("12"));
        let id = arrays[0][0][0].id();
        assert_eq!(submission.note(&id), None);
        let note = Note::Running(Told::of(3, 5, "adding"));
        submission.take_note(&id, &note).unwrap();
        assert_eq!(submission.note(&id), Some(note));
        assert!(!submission.was_told(&id));
        assert!(submission.tell(&id).unwrap());
        assert!(!submission.tell(&id).unwrap());
        assert!(submission.was_told(&id));
        submission.remove().unwrap();
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
        submission.remove().unwrap();
    }
}
