//! Slurm's own programs: what they are asked, and what their answers mean.
//!
//! States come from `squeue` and `scontrol`, which every site has; `sacct` is asked only about jobs that the controller
//! has forgotten, and may be switched off.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What can go wrong between us and Slurm; each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum SlurmError {
    /// There is no such program.
    #[error("cannot start `{program}`: {source}; --engine slurm needs Slurm's commands on PATH")]
    NoProgram {
        /// Its name.
        program: String,
        /// The reason.
        source: io::Error,
    },
    /// The program failed.
    #[error("`{command}` failed ({status}): {message}")]
    Refused {
        /// The whole command line.
        command: String,
        /// How it ended.
        status: String,
        /// What it said.
        message: String,
    },
    /// The program said something else than it should.
    #[error("`{command}` printed `{got}`, expected {expected}")]
    Unexpected {
        /// The whole command line.
        command: String,
        /// What should have come.
        expected: &'static str,
        /// What came.
        got: String,
    },
    /// A file of a submission or a profile cannot be used.
    #[error("cannot {operation} {path}: {what}")]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried.
        operation: &'static str,
        /// What is wrong.
        what: String,
    },
    /// Another process is submitting.
    #[error("{holder} is submitting cells of this experiment; if that host is gone, delete {lock}")]
    Submitting {
        /// Who.
        holder: String,
        /// Its lock.
        lock: PathBuf,
    },
}

impl SlurmError {
    pub(super) fn file<E: ToString>(path: &Path, operation: &'static str) -> impl FnOnce(E) -> Self {
        let path = path.to_owned();
        move |error| Self::File { path, operation, what: error.to_string() }
    }
}

/// What a site's configuration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Site {
    /// Name of the cluster.
    pub(super) cluster: String,
    /// Tasks that one array may have.
    pub(super) max_array_size: usize,
}

/// A task of an array, or a job, as the controller knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct QueuedTask {
    /// `12_3` or `12`.
    pub(super) id: String,
    /// Slurm's word: `RUNNING`, `PENDING`, `NODE_FAIL`, ...
    pub(super) state: String,
    /// How often Slurm started it again.
    pub(super) restarts: u32,
    /// Why it is in that state; empty where Slurm says `None`.
    pub(super) reason: String,
}

/// What a state means for what is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// It will run.
    Waiting,
    /// Its processes may be at work.
    Running,
    /// It will not run again by itself.
    Over,
}

impl QueuedTask {
    /// What its state means.
    #[must_use]
    pub(super) fn phase(&self) -> Phase {
        match self.state.as_str() {
            "RUNNING" | "COMPLETING" | "SUSPENDED" | "STOPPED" | "SIGNALING" | "STAGE_OUT" | "RESIZING" => {
                Phase::Running
            }
            "BOOT_FAIL" | "CANCELLED" | "COMPLETED" | "DEADLINE" | "FAILED" | "NODE_FAIL"
            | "OUT_OF_MEMORY" | "PREEMPTED" | "REVOKED" | "TIMEOUT" => Phase::Over,
            // PENDING, CONFIGURING, the holds and requeues: and where Slurm learns a new word, patience harms least.
            _ => Phase::Waiting,
        }
    }
}

/// Reads cluster name and array size.
///
/// # Errors
/// [`SlurmError`].
pub(super) fn site() -> Result<Site, SlurmError> {
    parse_site(&output("scontrol", &["show", "config"])?)
}

fn parse_site(text: &str) -> Result<Site, SlurmError> {
    let value =
        |key: &str| text.lines().filter_map(|line| line.split_once('=')).find(|(name, _)| name.trim() == key);
    let unexpected = |expected| SlurmError::Unexpected {
        command: "scontrol show config".to_owned(),
        expected,
        got: text.lines().take(3).collect::<Vec<_>>().join(" "),
    };
    let (_, cluster) = value("ClusterName").ok_or_else(|| unexpected("a line `ClusterName = ...`"))?;
    let size = value("MaxArraySize").and_then(|(_, size)| size.trim().parse::<usize>().ok());
    // 0 forbids arrays altogether.
    let max_array_size =
        size.filter(|&size| size > 0).ok_or_else(|| unexpected("a `MaxArraySize` above 0"))?;
    Ok(Site { cluster: cluster.trim().to_owned(), max_array_size })
}

/// All jobs of this user that the controller remembers, every task of an array on its own.
///
/// # Errors
/// [`SlurmError`].
pub(super) fn queue() -> Result<Vec<QueuedTask>, SlurmError> {
    let user = rustix::process::getuid().as_raw().to_string();
    let columns = "ArrayJobID:20,ArrayTaskID:20,State:20,RestartCnt:10,Reason:64";
    let arguments = ["--noheader", "--array", "--states=all", "--user", &user, "--Format", columns];
    output("squeue", &arguments)?.lines().filter(|line| !line.trim().is_empty()).map(parse_queued).collect()
}

fn parse_queued(line: &str) -> Result<QueuedTask, SlurmError> {
    let mut words = line.split_whitespace();
    let mut parse = || {
        let (job, task, state) = (words.next()?, words.next()?, words.next()?);
        let restarts = words.next()?.parse().ok()?;
        let reason = words.by_ref().collect::<Vec<_>>().join(" ");
        let numeric = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let id = match task {
            "N/A" => job.to_owned(),
            task if numeric(task) => format!("{job}_{task}"),
            // Tasks that Slurm still keeps in one: no array of ours, which `--array` takes apart.
            range => format!("{job}_[{range}]"),
        };
        let reason = if reason == "None" { String::new() } else { reason };
        numeric(job).then(|| QueuedTask { id, state: state.to_owned(), restarts, reason })
    };
    parse().ok_or_else(|| SlurmError::Unexpected {
        command: "squeue --Format".to_owned(),
        expected: "job, task, state, restarts, reason",
        got: line.to_owned(),
    })
}

/// Submits a script under a name and returns the number of the job.
///
/// # Errors
/// [`SlurmError`].
pub(super) fn submit(script: &Path, name: &str) -> Result<String, SlurmError> {
    let script = script.to_string_lossy();
    let arguments = ["--parsable", "--job-name", name, &script];
    let answer = output("sbatch", &arguments)?;
    parse_submitted(&answer)
}

/// `12`, or `12;cluster` where there are several clusters.
fn parse_submitted(answer: &str) -> Result<String, SlurmError> {
    let last = answer.lines().last().unwrap_or_default();
    let number = last.split(';').next().unwrap_or_default().trim();
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(SlurmError::Unexpected {
            command: "sbatch --parsable".to_owned(),
            expected: "the number of a job",
            got: answer.to_owned(),
        });
    }
    Ok(number.to_owned())
}

/// The number of this user's array with a name that is used once, if the controller remembers one.
///
/// # Errors
/// [`SlurmError`].
pub(super) fn array_named(name: &str) -> Result<Option<String>, SlurmError> {
    let user = rustix::process::getuid().as_raw().to_string();
    let arguments =
        ["--noheader", "--states=all", "--user", &user, "--name", name, "--Format", "ArrayJobID:20"];
    Ok(output("squeue", &arguments)?.split_whitespace().next().map(str::to_owned))
}

/// Cancels jobs; those that have ended already are no error.
///
/// # Errors
/// [`SlurmError`].
pub(super) fn cancel(ids: &[String]) -> Result<(), SlurmError> {
    for part in ids.chunks(500) {
        let mut arguments = vec!["--quiet"];
        arguments.extend(part.iter().map(String::as_str));
        output("scancel", &arguments)?;
    }
    Ok(())
}

/// How a task ended, in a few words: `TIMEOUT, exit code 0:15, node1`. From the controller, or, when it has forgotten,
/// from the accounting where that is kept.
#[must_use]
pub(super) fn how_it_ended(id: &str) -> Option<String> {
    if let Some(ended) = output("scontrol", &["show", "job", id]).ok().and_then(|text| parse_shown(&text)) {
        return Some(ended);
    }
    let columns = "State,ExitCode,NodeList";
    let arguments = ["--noheader", "--allocations", "--parsable2", "--jobs", id, "--format", columns];
    output("sacct", &arguments).ok().and_then(|text| parse_accounted(&text))
}

fn parse_shown(text: &str) -> Option<String> {
    let field = |name: &str| {
        let value = text.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))?;
        (!matches!(value, "" | "None" | "(null)")).then_some(value)
    };
    Some(words(field("JobState")?, field("Reason"), field("ExitCode"), field("NodeList")))
}

fn parse_accounted(text: &str) -> Option<String> {
    // The last line is the last run.
    let mut fields = text.lines().rfind(|line| !line.trim().is_empty())?.split('|');
    let state = fields.next()?.trim();
    let exit = fields.next().map(str::trim);
    let node = fields.next().map(str::trim).filter(|node| !node.is_empty() && *node != "None assigned");
    (!state.is_empty()).then(|| words(state, None, exit, node))
}

fn words(state: &str, reason: Option<&str>, exit: Option<&str>, node: Option<&str>) -> String {
    let mut text = state.to_owned();
    if let Some(reason) = reason.filter(|reason| *reason != "NonZeroExitCode") {
        text += &format!(", reason {reason}");
    }
    if let Some(exit) = exit.filter(|exit| *exit != "0:0") {
        text += &format!(", exit code {exit}");
    }
    if let Some(node) = node {
        text += &format!(", on {node}");
    }
    text
}

fn output(program: &str, arguments: &[&str]) -> Result<String, SlurmError> {
    let mut command = Command::new(program);
    command.args(arguments);
    // What a user has set for reading these lists at the prompt (formats, filters) is not for us.
    for (name, _) in std::env::vars_os() {
        if ["SQUEUE_", "SCANCEL_", "SACCT_", "SCONTROL_"]
            .iter()
            .any(|prefix| name.to_string_lossy().starts_with(prefix))
        {
            command.env_remove(name);
        }
    }
    let ran =
        command.output().map_err(|source| SlurmError::NoProgram { program: program.to_owned(), source })?;
    if ran.status.success() {
        return Ok(String::from_utf8_lossy(&ran.stdout).into_owned());
    }
    Err(SlurmError::Refused {
        command: format!("{program} {}", arguments.join(" ")),
        status: ran.status.to_string(),
        message: String::from_utf8_lossy(&ran.stderr).trim().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_read() {
        let line = "1                   2                   PENDING             0         Resources         ";
        let task = parse_queued(line).unwrap();
        assert_eq!(
            task,
            QueuedTask { id: "1_2".into(), state: "PENDING".into(), restarts: 0, reason: "Resources".into() }
        );
        assert_eq!(task.phase(), Phase::Waiting);
        let job = parse_queued("7  N/A  RUNNING  1  None").unwrap();
        assert_eq!((job.id.as_str(), job.restarts, job.reason.as_str()), ("7", 1, ""));
        assert_eq!(job.phase(), Phase::Running);
        let held = parse_queued("8 3-9%2 PENDING 0 (launch failed requeued held)").unwrap();
        assert_eq!((held.id.as_str(), held.reason.as_str()), ("8_[3-9%2]", "(launch failed requeued held)"));
        for wrong in ["slurm_load_jobs error: Unable to contact", "1 2 PENDING", "1 2 PENDING x None"] {
            assert!(parse_queued(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_end_is_an_end() {
        let phase = |state: &str| parse_queued(&format!("1 2 {state} 0 None")).unwrap().phase();
        for state in
            ["COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED"]
        {
            assert_eq!(phase(state), Phase::Over, "{state}");
        }
        for state in ["CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "A_WORD_OF_TOMORROW"] {
            assert_eq!(phase(state), Phase::Waiting, "{state}");
        }
    }

    #[test]
    fn the_site_is_read() {
        let text =
            "Configuration data as of now\nClusterName             = lab\nMaxArraySize            = 1001\n";
        assert_eq!(parse_site(text).unwrap(), Site { cluster: "lab".into(), max_array_size: 1001 });
        let error = parse_site("ClusterName = lab\nMaxArraySize = 0\n").unwrap_err().to_string();
        assert!(error.contains("expected a `MaxArraySize` above 0"), "{error}");
    }

    #[test]
    fn a_submission_names_its_job() {
        assert_eq!(parse_submitted("12\n").unwrap(), "12");
        assert_eq!(parse_submitted("12;lab\n").unwrap(), "12");
        assert_eq!(parse_submitted("a greeting of the site\n12\n").unwrap(), "12");
        assert!(parse_submitted("").is_err());
        assert!(parse_submitted("Submitted batch job 12").is_err());
    }

    #[test]
    fn ends_are_told_with_and_without_accounting() {
        let shown = "JobId=2 ArrayJobId=1 ArrayTaskId=0\n   JobState=FAILED Reason=NonZeroExitCode Dependency=(null)\n   \
                     Requeue=1 Restarts=0 BatchFlag=1 Reboot=0 ExitCode=3:0\n   ReqNodeList=(null) NodeList=node1\n";
        assert_eq!(parse_shown(shown).unwrap(), "FAILED, exit code 3:0, on node1");
        let memory = "JobState=OUT_OF_MEMORY Reason=OutOfMemory ExitCode=0:125 NodeList=node2";
        assert_eq!(
            parse_shown(memory).unwrap(),
            "OUT_OF_MEMORY, reason OutOfMemory, exit code 0:125, on node2"
        );
        assert_eq!(parse_shown("slurm_load_jobs error"), None);
        let requeued = "NODE_FAIL|1:0|node1\nTIMEOUT|0:0|node2\n";
        assert_eq!(parse_accounted(requeued).unwrap(), "TIMEOUT, on node2");
        assert_eq!(parse_accounted("CANCELLED by 0|0:0|None assigned\n").unwrap(), "CANCELLED by 0");
        assert_eq!(parse_accounted("\n"), None);
    }
}
