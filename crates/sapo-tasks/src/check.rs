//! What is wrong with a folder of tasks, all of it and not only the first thing.
//!
//! A *problem* keeps a task from being read as it should be. A *warning* is something that a reader of results should know:
//! rows that repeat, rows to train on that are scored as well, empty answers, very long inputs, other files or other row
//! counts than the benchmark's. Published datasets have such rows, so a warning alone fails nothing.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use sapo_files::checksum;

use crate::readers::{Dataset, ReadError, Rows, Split};

/// About the 1,536 tokens that the paper reads of an input, at four characters a token.
pub const LONG_INPUT: usize = 6_144;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Weight {
    /// It has to be mended.
    Problem,
    /// It is good to know.
    Warning,
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A file that is not there.
    Missing,
    /// A file or a description that cannot be read as a whole.
    File,
    /// A row that is not as it should be.
    Row,
    /// An answer of nothing but space.
    EmptyTarget,
    /// An input of more characters than was said to be long.
    LongInput,
    /// A row that was there before in the split.
    Repeated,
    /// An input that was there before in the split, with another answer.
    OtherAnswer,
    /// A row to be scored whose input is trained on.
    Shared,
    /// Another number of rows than the benchmark has.
    Count,
    /// Other bytes than those that `benchmark.toml` knows.
    Checksum,
    /// A stream that names a task that is not there.
    Stream,
}

impl Kind {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::File => "file",
            Self::Row => "row",
            Self::EmptyTarget => "empty_target",
            Self::LongInput => "long_input",
            Self::Repeated => "repeated",
            Self::OtherAnswer => "other_answer",
            Self::Shared => "shared",
            Self::Count => "count",
            Self::Checksum => "checksum",
            Self::Stream => "stream",
        }
    }

    /// How much it weighs.
    pub fn weight(self) -> Weight {
        match self {
            Self::Missing | Self::File | Self::Row | Self::Stream => Weight::Problem,
            _ => Weight::Warning,
        }
    }
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The task, where it is one's.
    pub task: Option<String>,
    /// The file or folder.
    pub file: PathBuf,
    /// What the number counts (`row`, `line`), and the number, from 1.
    pub place: Option<(&'static str, usize)>,
    /// What it is about.
    pub kind: Kind,
    /// What was expected and what came.
    pub text: String,
}

/// How many rows a task has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRows {
    /// The task's name.
    pub name: String,
    /// Good rows of train, dev and test; none where the split is not there or cannot be read.
    pub rows: [Option<usize>; 3],
}

/// What a folder holds and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Every task.
    pub tasks: Vec<TaskRows>,
    /// All that was found, by task and split.
    pub findings: Vec<Finding>,
}

/// Checks every task of a folder; inputs of more than `long_input` characters are long.
pub fn check(dataset: &Dataset, long_input: usize) -> Report {
    let mut report = Report::default();
    for name in dataset.task_names() {
        let mut of_task = TaskCheck { dataset, name, long_input, findings: Vec::new() };
        let rows = of_task.run();
        report.tasks.push(TaskRows { name: name.to_owned(), rows });
        report.findings.append(&mut of_task.findings);
    }
    report.findings.extend(streams(dataset));
    report
}

/// What is to be said of the rows of one file.
pub fn check_rows(rows: &Rows, long_input: usize) -> Vec<Finding> {
    let finding = |number, kind, text| Finding {
        task: None,
        file: rows.file.clone(),
        place: Some((rows.unit, number)),
        kind,
        text,
    };
    let mut findings: Vec<Finding> =
        rows.faults.iter().map(|fault| finding(fault.number, Kind::Row, fault.reason.clone())).collect();
    let mut first: HashMap<&str, (usize, &[String])> = HashMap::new();
    for (number, example) in &rows.examples {
        let input = example.input.as_str();
        let characters = input.chars().count();
        if characters > long_input {
            findings.push(finding(*number, Kind::LongInput, format!("an input of {characters} characters")));
        }
        if example.target().trim().is_empty() {
            findings.push(finding(*number, Kind::EmptyTarget, "an answer of nothing but space".into()));
        }
        match first.get(input) {
            None => drop(first.insert(input, (*number, &example.targets))),
            Some((earlier, targets)) if *targets == example.targets => {
                findings.push(finding(
                    *number,
                    Kind::Repeated,
                    format!("the same as {} {earlier}", rows.unit),
                ));
            }
            Some((earlier, _)) => {
                let text = format!("the input of {} {earlier} with another answer", rows.unit);
                findings.push(finding(*number, Kind::OtherAnswer, text));
            }
        }
    }
    if rows.examples.is_empty() && rows.faults.is_empty() {
        let text = format!("expected at least one {}, got none", rows.unit);
        findings.push(Finding { place: None, ..finding(1, Kind::File, text) });
    }
    findings.sort_by_key(|finding| finding.place.map(|(_, number)| number)); // stable: faults stay first
    findings
}

struct TaskCheck<'a> {
    dataset: &'a Dataset,
    name: &'a str,
    long_input: usize,
    findings: Vec<Finding>,
}

impl TaskCheck<'_> {
    fn run(&mut self) -> [Option<usize>; 3] {
        if let Err(error) = self.dataset.describe(self.name) {
            self.failed(self.dataset.dir().join(self.name), &error);
            return [None; 3];
        }
        let mut train: Option<Rows> = None;
        let mut seen: Vec<PathBuf> = Vec::new();
        Split::ALL.map(|split| {
            let file = self.dataset.file(self.name, split);
            let rows = match self.dataset.all_rows(self.name, split) {
                Ok(rows) => rows?,
                Err(error) => {
                    // one file may hold all splits
                    if !seen.contains(&file) {
                        self.failed(file.clone(), &error);
                    }
                    seen.push(file);
                    return None;
                }
            };
            if !seen.contains(&file) {
                self.checksum(&file);
            }
            seen.push(file);
            self.extend(check_rows(&rows, self.long_input));
            self.count(split, &rows);
            match (&train, split) {
                (_, Split::Train) => train = Some(rows.clone()),
                (Some(train), _) => self.extend(shared(train, &rows)),
                (None, _) => {}
            }
            Some(rows.examples.len())
        })
    }

    fn extend(&mut self, findings: Vec<Finding>) {
        let task = Some(self.name.to_owned());
        self.findings.extend(findings.into_iter().map(|finding| Finding { task: task.clone(), ..finding }));
    }

    fn add(&mut self, file: &Path, kind: Kind, text: String) {
        self.extend(vec![Finding { task: None, file: file.into(), place: None, kind, text }]);
    }

    fn failed(&mut self, file: PathBuf, error: &ReadError) {
        self.extend(vec![of_error(file, error)]);
    }

    /// Says where the number of rows is not the benchmark's, and why, if that is known.
    fn count(&mut self, split: Split, rows: &Rows) {
        let benchmark = self.dataset.benchmark();
        let Some(size) = benchmark.task(self.name).and_then(|spec| spec.size) else { return };
        let (expected, got) = (size[split as usize], rows.examples.len() + rows.faults.len());
        if expected != got {
            let gap = benchmark.gaps(self.name).find(|gap| gap.partial && gap.splits.contains(&split));
            let known = gap.map(|gap| format!(": {}; {}", gap.what, gap.advice)).unwrap_or_default();
            self.add(&rows.file, Kind::Count, format!("expected {expected} rows, got {got}{known}"));
        }
    }

    fn checksum(&mut self, file: &Path) {
        let Some(expected) = self.dataset.known_checksum(file) else { return };
        match checksum::of_file(file) {
            Ok((_, got)) if got == expected => {}
            Ok((_, got)) => {
                let of = &self.dataset.benchmark().checksums_of;
                let text = format!("SHA-256 {got}, in benchmark.toml {expected} ({of})");
                self.add(file, Kind::Checksum, text);
            }
            Err(source) => {
                let error = ReadError::Io { path: file.into(), source };
                self.failed(file.into(), &error);
            }
        }
    }
}

/// Rows of `scored` whose input is trained on.
fn shared(train: &Rows, scored: &Rows) -> Vec<Finding> {
    let trained: HashMap<&str, usize> =
        train.examples.iter().rev().map(|(number, example)| (example.input.as_str(), *number)).collect();
    let of = train.file.file_name().unwrap_or_default().to_string_lossy();
    let findings = scored.examples.iter().filter_map(|(number, example)| {
        let earlier = trained.get(example.input.as_str())?;
        Some(Finding {
            task: None,
            file: scored.file.clone(),
            place: Some((scored.unit, *number)),
            kind: Kind::Shared,
            text: format!("its input is trained on: {of}, {} {earlier}", train.unit),
        })
    });
    findings.collect()
}

/// Streams of the folder itself that name tasks that are not there.
fn streams(dataset: &Dataset) -> Vec<Finding> {
    let Some(file) = dataset.streams_file() else { return Vec::new() };
    let mut findings = Vec::new();
    let mut add = |text: String| {
        findings.push(Finding { task: None, file: file.clone(), place: None, kind: Kind::Stream, text });
    };
    for sequence in dataset.sequences() {
        if sequence.tasks.is_empty() {
            add(format!("stream `{}`: expected at least one task, got none", sequence.name));
        }
        for task in &sequence.tasks {
            if !dataset.task_names().any(|name| name == task) {
                add(format!("stream `{}` names `{task}`, but there is no {task}/task.toml", sequence.name));
            }
        }
    }
    findings
}

/// A reader's error as a finding; `file` is where it was looking.
fn of_error(file: PathBuf, error: &ReadError) -> Finding {
    let text = error.to_string();
    let (file, kind, place, text) = match error {
        ReadError::Missing { path, what, advice } => {
            (path.clone(), Kind::Missing, None, format!("is missing: {what}; {advice}"))
        }
        ReadError::File { path, reason } => (path.clone(), Kind::File, None, reason.clone()),
        ReadError::Row { path, unit, number, reason } => {
            (path.clone(), Kind::Row, Some((*unit, *number)), reason.clone())
        }
        ReadError::Io { path, source } => (path.clone(), Kind::File, None, source.to_string()),
        _ => (file, Kind::File, None, text),
    };
    Finding { task: None, file, place, kind, text }
}
