//! Which run of which Slurm job a process is part of, and whether that run may still be at work.
//!
//! A lock on another host cannot be judged by its process number. Where its holder is part of a Slurm job, Slurm can: it
//! says whether the job runs, and how often it was started again.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::commands::{self, Phase, QueuedTask};

/// How long an answer of Slurm is believed.
const FRESH: Duration = Duration::from_secs(5);

/// One run of a Slurm job; after a requeue the same job has another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlurmRun {
    /// Name of the cluster.
    pub cluster: String,
    /// Whose job it is.
    pub user: u32,
    /// Number of the job: `12`, or `12_3` for a task of an array.
    pub job: String,
    /// How often Slurm had started it again.
    pub restarts: u32,
}

impl SlurmRun {
    /// The run that this process is part of, if any.
    #[must_use]
    pub fn of_this_process() -> Option<Self> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        // Set on nodes alone: a shell of `salloc` has a job's number, too, but outlives the job.
        variable("SLURMD_NODENAME")?;
        let job = match (variable("SLURM_ARRAY_JOB_ID"), variable("SLURM_ARRAY_TASK_ID")) {
            (Some(array), Some(task)) => format!("{array}_{task}"),
            _ => variable("SLURM_JOB_ID")?,
        };
        Some(Self {
            cluster: variable("SLURM_CLUSTER_NAME").unwrap_or_default(),
            user: rustix::process::getuid().as_raw(),
            job,
            restarts: variable("SLURM_RESTART_COUNT").and_then(|count| count.parse().ok()).unwrap_or(0),
        })
    }

    /// Whether the processes of the run may be at work. Doubt means yes.
    #[must_use]
    pub fn may_be_at_work(&self) -> bool {
        let own = Self::of_this_process();
        if let Some(own) = own.as_ref().filter(|own| own.cluster == self.cluster && own.job == self.job) {
            return own.restarts <= self.restarts;
        }
        // Slurm may hide the jobs of others, and knows nothing of another cluster's.
        self.user != rustix::process::getuid().as_raw()
            || snapshot().is_none_or(|seen| seen.cluster != self.cluster || self.is_at_work_in(&seen.queue))
    }

    fn is_at_work_in(&self, queue: &[QueuedTask]) -> bool {
        let task = queue.iter().find(|task| task.id == self.job);
        task.is_some_and(|task| task.phase() == Phase::Running && task.restarts <= self.restarts)
    }
}

/// What Slurm said.
#[derive(Debug, Clone)]
struct Seen {
    cluster: String,
    queue: Vec<QueuedTask>,
}

/// What Slurm says, or said a moment ago; absent where it does not answer.
fn snapshot() -> Option<Seen> {
    static LAST: Mutex<Option<(Instant, Option<Seen>)>> = Mutex::new(None);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((at, seen)) = last.as_ref()
        && at.elapsed() < FRESH
    {
        return seen.clone();
    }
    let ask = || Some(Seen { cluster: commands::site().ok()?.cluster, queue: commands::queue().ok()? });
    let seen = ask();
    *last = Some((Instant::now(), seen.clone()));
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_of_slurm_name_a_run() {
        let task = [
            ("SLURMD_NODENAME", "node1"),
            ("SLURM_CLUSTER_NAME", "lab"),
            ("SLURM_JOB_ID", "14"),
            ("SLURM_ARRAY_JOB_ID", "12"),
            ("SLURM_ARRAY_TASK_ID", "3"),
            ("SLURM_RESTART_COUNT", "2"),
        ];
        let named = |known: &[(&str, &str)]| {
            SlurmRun::from_variables(|name| {
                known.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            })
        };
        let run = named(&task).unwrap();
        assert_eq!((run.cluster.as_str(), run.job.as_str(), run.restarts), ("lab", "12_3", 2));
        let run = named(&task[..3]).unwrap();
        assert_eq!((run.job.as_str(), run.restarts), ("14", 0));
        assert_eq!(named(&task[1..]), None, "a shell of salloc is no part of the job");
    }

    #[test]
    fn a_run_is_over_when_its_job_waits_ended_was_restarted_or_is_forgotten() {
        let run = SlurmRun { cluster: "lab".into(), user: 0, job: "12_3".into(), restarts: 1 };
        let queued = |state: &str, restarts| {
            [QueuedTask { id: "12_3".into(), state: state.into(), restarts, reason: String::new() }]
        };
        for (state, restarts, at_work) in [
            ("RUNNING", 1, true),
            ("COMPLETING", 1, true),
            ("SUSPENDED", 1, true),
            ("RUNNING", 2, false),
            ("PENDING", 1, false),
            ("COMPLETED", 1, false),
            ("NODE_FAIL", 1, false),
        ] {
            assert_eq!(run.is_at_work_in(&queued(state, restarts)), at_work, "{state} {restarts}");
        }
        assert!(!run.is_at_work_in(&[]));
    }
}
