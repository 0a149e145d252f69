//! The cluster that the tests share, the toy experiment on it, and what they ask and do to both.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::toy::{self, entries, err, out};

/// A Slurm of two nodes, or why there is none.
pub(crate) struct Cluster {
    state: Result<PathBuf, String>,
    /// Ends the cluster when its input is closed: with this process.
    _script: Child,
}

impl Cluster {
    #[allow(clippy::zombie_processes, reason = "it ends with this process, which keeps it to its own end")]
    fn start(accounting: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/tests/slurm/cluster.sh");
        let folder = tempfile::Builder::new().prefix("slurm-").tempdir().unwrap().keep();
        let mut child = Command::new(script)
            .arg(&folder)
            .args(accounting)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut answer = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut answer).unwrap();
        let state = match answer.trim() {
            "ready" => Ok(folder),
            why => Err(if why.is_empty() {
                "not run: cluster.sh said nothing".to_owned()
            } else {
                why.to_owned()
            }),
        };
        Self { state, _script: child }
    }
}

static CLUSTER: LazyLock<Mutex<Cluster>> = LazyLock::new(|| Mutex::new(Cluster::start(&[])));
/// One that keeps accounts, and forgets what has ended after two seconds.
pub(crate) static ACCOUNTING: LazyLock<Mutex<Cluster>> =
    LazyLock::new(|| Mutex::new(Cluster::start(&["--accounting"])));

/// A folder of runs, the toy experiment on it, and the cluster for as long as the test runs.
pub(crate) struct Lab {
    toy: toy::Lab,
    slurm: PathBuf,
    _cluster: MutexGuard<'static, Cluster>,
}

impl Lab {
    /// Nothing where there is no cluster, after saying so.
    pub(crate) fn new() -> Option<Self> {
        Self::on(&CLUSTER)
    }

    pub(crate) fn on(cluster: &'static Mutex<Cluster>) -> Option<Self> {
        let cluster = cluster.lock().unwrap_or_else(PoisonError::into_inner);
        let slurm = match &cluster.state {
            Ok(folder) => folder.clone(),
            Err(why) => {
                println!("{why}");
                return None;
            }
        };
        let lab = Self { toy: toy::Lab::new(), slurm, _cluster: cluster };
        // What a failed test may have left.
        lab.ask("scancel", "--user=root");
        ["node1", "node2"].into_iter().filter(|node| !is_alive(lab.daemon_of(node))).for_each(|node| {
            lab.bring_node_back(node);
        });
        lab.wait_until("the cluster is idle", |lab| {
            lab.resume();
            let alive = "--noheader --states=PENDING,RUNNING,COMPLETING,CONFIGURING";
            lab.ask("squeue", alive).is_empty() && lab.idle_nodes() == 2
        });
        lab.profile("poll_seconds = 0.3");
        Some(lab)
    }

    pub(crate) fn with(self, variable: &'static str, value: &str) -> Self {
        Self { toy: self.toy.with(variable, value), ..self }
    }

    /// The same runs in another environment.
    pub(crate) fn without_faults(self) -> Self {
        Self { toy: self.toy.without_faults(), ..self }
    }

    pub(crate) fn profile(&self, text: &str) {
        fs::write(self.folder().join("profile.toml"), text).unwrap();
    }

    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = self.toy.command(arguments);
        command.env("SLURM_CONF", self.slurm.join("slurm.conf"));
        command
    }

    pub(crate) fn run(&self, arguments: &str) -> Output {
        self.command(&format!("--engine slurm --slurm-profile profile.toml {arguments}")).output().unwrap()
    }

    pub(crate) fn start(&self, arguments: &str) -> Child {
        self.command(&format!("--engine slurm --slurm-profile profile.toml {arguments}")).spawn().unwrap()
    }

    /// Has the first run of a task take long and a later one, after a requeue, no time.
    pub(crate) fn slow_at_first(&self) {
        self.profile(
            "poll_seconds = 0.3\nsetup = ['if [ -z \"$SLURM_RESTART_COUNT\" ]; then export TOY_STEP_MS=60000; fi']",
        );
    }

    /// What one of Slurm's commands prints.
    pub(crate) fn ask(&self, program: &str, arguments: &str) -> String {
        let output = self.slurm_command(program, arguments).output().unwrap();
        assert!(output.status.success(), "{program} {arguments}: {}", err(&output));
        out(&output)
    }

    fn slurm_command(&self, program: &str, arguments: &str) -> Command {
        let mut command = Command::new(program);
        command.args(arguments.split_whitespace()).env("SLURM_CONF", self.slurm.join("slurm.conf"));
        command
    }

    pub(crate) fn idle_nodes(&self) -> usize {
        let nodes = self.ask("sinfo", "--noheader --Node --partition=main --format=%T");
        nodes.lines().filter(|state| *state == "idle").count()
    }

    /// A node that was said to be down stays so until it is said to be up.
    fn resume(&self) {
        let nodes = self.ask("sinfo", "--noheader --Node --partition=main --format=%N/%T");
        for node in nodes.lines().filter_map(|line| line.strip_suffix("/down")) {
            // refused where the node has come back by itself meanwhile
            self.slurm_command("scontrol", &format!("update NodeName={node} State=RESUME")).output().unwrap();
        }
    }

    /// Slurm lets a task that was requeued wait for two minutes, unless it is told not to. That must not be before its
    /// first run has ended on its node, or the end of that run would be taken for the end of the second; nor in the
    /// same second, or the node would take the second run for the one whose credential was revoked.
    pub(crate) fn hurry(&self) {
        // in this order: a task that waits now may have begun to end after the nodes were asked
        let waiting = self.ask("squeue", "--noheader --array --states=PENDING --format=%i/%r");
        if self.ask("sinfo", "--noheader --Node --partition=main --format=%T").contains("completing") {
            return;
        }
        let requeued: Vec<_> = waiting.lines().filter_map(|line| line.strip_suffix("/BeginTime")).collect();
        if !requeued.is_empty() {
            std::thread::sleep(Duration::from_secs(2));
        }
        for job in requeued {
            self.ask("scontrol", &format!("update JobId={job} StartTime=now"));
        }
    }

    /// Waits for a submitter, and hurries what it waits for.
    pub(crate) fn until_ended(&self, mut parent: Child) -> Output {
        let start = Instant::now();
        while parent.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < Duration::from_secs(120), "waited in vain for the submitter");
            self.hurry();
            std::thread::sleep(Duration::from_millis(200));
        }
        parent.wait_with_output().unwrap()
    }

    pub(crate) fn submissions(&self) -> Vec<PathBuf> {
        entries(&self.runs().join(".slurm"))
            .into_iter()
            .filter(|path| path.join("plan.json").exists())
            .collect()
    }

    /// The holders of all locks.
    pub(crate) fn holders(&self) -> Vec<Value> {
        let locks = entries(&self.runs().join(".locks")).into_iter();
        locks.filter_map(|path| serde_json::from_slice(&fs::read(path).ok()?).ok()).collect()
    }

    pub(crate) fn wait_until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !condition(self) {
            let queue = || {
                self.ask(
                    "squeue",
                    "--array --states=all --Format=ArrayJobID,State,RestartCnt,exit_code,Reason,Partition",
                ) + &self.ask("sinfo", "--Node --long")
            };
            assert!(start.elapsed() < Duration::from_secs(90), "waited in vain until {what}\n{}", queue());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn nothing_is_left_over(&self) {
        assert_eq!(self.submissions(), Vec::<PathBuf>::new());
        assert_eq!(self.holders(), Vec::<Value>::new());
        assert_eq!(entries(&self.runs().join(".staging")), Vec::<PathBuf>::new());
    }

    /// Ends a node as a power cut does: its daemon, and all that belongs to its jobs where `also_jobs`.
    pub(crate) fn lose_node(&self, node: &str, also_jobs: bool) {
        let mut ended = vec![self.daemon_of(node)];
        let named = format!("SLURMD_NODENAME={node}");
        for process in entries(Path::new("/proc")) {
            let Some(pid) = process.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()) else {
                continue;
            };
            let bytes = |name| fs::read(process.join(name)).unwrap_or_default();
            let command = String::from_utf8_lossy(&bytes("cmdline")).into_owned();
            let environment = bytes("environ");
            let variables: Vec<_> = environment.split(|&byte| byte == 0).collect();
            let of_this_cluster = variables.contains(&self.conf_variable().as_bytes());
            let of_a_job = also_jobs && variables.contains(&named.as_bytes());
            // A step's daemon is a child of the node's, with its host name, and does not say whose it is.
            let of_a_step =
                command.starts_with("slurmstepd: ") && self.host_name_of(pid).as_deref() == Some(node);
            if of_this_cluster && (of_a_job || of_a_step) {
                ended.push(pid);
            }
        }
        ended.into_iter().for_each(kill);
    }

    fn daemon_of(&self, node: &str) -> u32 {
        fs::read_to_string(self.slurm.join("run").join(format!("{node}.pid")))
            .unwrap()
            .trim()
            .parse()
            .unwrap()
    }

    fn conf_variable(&self) -> String {
        format!("SLURM_CONF={}", self.slurm.join("slurm.conf").display())
    }

    fn host_name_of(&self, pid: u32) -> Option<String> {
        let output = Command::new("nsenter")
            .args(["--uts", "--target", &pid.to_string(), "hostname"])
            .output()
            .ok()?;
        Some(out(&output).trim().to_owned())
    }

    fn bring_node_back(&self, node: &str) {
        let mut command = Command::new(self.slurm.join("node"));
        // Not waited for: it ends with the cluster.
        drop(command.arg(node).stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap());
    }
}

impl std::ops::Deref for Lab {
    type Target = toy::Lab;

    fn deref(&self) -> &toy::Lab {
        &self.toy
    }
}

pub(crate) fn kill(pid: u32) {
    let _ = kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), Signal::KILL);
}

pub(crate) fn is_alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z"))
}
