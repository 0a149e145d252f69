use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use sapo_tasks::check::{self, Finding, Kind, LONG_INPUT, Weight};
use sapo_tasks::readers::{Dataset, rows_of_jsonl};
use serde_json::json;

use super::tell_task;
use crate::failure::InputError;
use crate::jsonl::{LineShape, TaskLine};

/// Warnings of one kind about one file that are shown; the others are counted.
const SHOWN: usize = 3;

/// Check data: rows of your own line by line, or a benchmark's folder task by task
///
/// Three kinds of folders. With --benchmark: a folder of that benchmark, in whichever of its layouts. A folder with
/// TASK/task.toml in it: tasks of your own. Any other: one file, or every *.jsonl below a folder, of lines
/// {"input": str, "target": str}; further fields and blank lines are ignored.
///
/// Every problem is listed with its file and line or row, not only the first. Warnings are what a reader of results should
/// know: rows that repeat, rows to train on that are scored too, empty answers, very long inputs, other files or row counts
/// than the benchmark's. The exit code is 1 if there is any problem (with --strict: any warning) or nothing to check.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// A folder or a file
    #[arg(value_name = "DIR")]
    path: PathBuf,
    /// The benchmark that the folder is of: builtin, superni, trace, text-classification, natural-instructions
    #[arg(long, value_name = "NAME")]
    benchmark: Option<String>,
    /// The only targets there may be (for classification, in files without a task.toml)
    #[arg(long, value_name = "A,B", value_delimiter = ',', conflicts_with = "benchmark")]
    labels: Vec<String>,
    /// Characters of an input from which it is called very long
    #[arg(long, value_name = "N", default_value_t = LONG_INPUT)]
    long: usize,
    /// Warnings fail too
    #[arg(long)]
    strict: bool,
    /// Print JSON Lines: one object a task and a finding, the summary last
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &CheckArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let path = args.path.as_path();
    let dataset = match &args.benchmark {
        Some(name) => Some(Dataset::open(name, path)?),
        None if Dataset::is_own(path) => Some(Dataset::own(path)?),
        None => None,
    };
    match dataset {
        Some(dataset) => check_tasks(args, &dataset, out),
        None => check_files(args, out),
    }
}

fn check_tasks(args: &CheckArgs, dataset: &Dataset, out: &mut dyn Write) -> anyhow::Result<()> {
    let report = check::check(dataset, args.long);
    let rows: usize = report.tasks.iter().flat_map(|task| task.rows).flatten().sum();
    for task in &report.tasks {
        tell_task(task, args.json, out)?;
    }
    print_findings(&report.findings, args.json, out)?;
    let (problems, warnings) = counted(&report.findings);
    let (tasks, layout) = (report.tasks.len(), dataset.layout().name());
    if args.json {
        let summary = json!({"layout": layout, "tasks": tasks, "examples": rows, "problems": problems, "warnings": warnings});
        writeln!(out, "{}", json!({"summary": summary}))?;
    } else {
        writeln!(
            out,
            "layout {layout}, tasks {tasks}, good examples {rows}, problems {problems}, warnings {warnings}"
        )?;
    }
    out.flush()?; // the findings before the verdict, where both go to one terminal
    verdict(args, problems, warnings, tasks == 0, "no task in it", "")
}

fn check_files(args: &CheckArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let files = jsonl_files(&args.path)?;
    let (mut examples, mut findings) = (0, Vec::new());
    for file in &files {
        let rows = rows_of_jsonl(file, &args.labels)?;
        examples += rows.examples.len();
        findings.extend(check::check_rows(&rows, args.long));
    }
    print_findings(&findings, args.json, out)?;
    let (problems, warnings) = counted(&findings);
    if args.json {
        let summary =
            json!({"files": files.len(), "examples": examples, "problems": problems, "warnings": warnings});
        writeln!(out, "{}", json!({"summary": summary}))?;
    } else {
        let files = files.len();
        writeln!(out, "files {files}, good examples {examples}, problems {problems}, warnings {warnings}")?;
    }
    out.flush()?;
    let shape = format!("; a line is {}", TaskLine::EXPECTED);
    verdict(args, problems, warnings, files.is_empty(), "no file *.jsonl in it", &shape)
}

fn counted(findings: &[Finding]) -> (usize, usize) {
    let problems = findings.iter().filter(|finding| finding.kind.weight() == Weight::Problem).count();
    (problems, findings.len() - problems)
}

/// Well, or an error that says how much is wrong.
fn verdict(
    args: &CheckArgs,
    problems: usize,
    warnings: usize,
    is_empty: bool,
    nothing: &str,
    shape: &str,
) -> anyhow::Result<()> {
    let path = args.path.display();
    let many = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    };
    let text = match (problems, warnings) {
        (0, _) if is_empty => format!("{path}: {nothing}"),
        (0, 1..) if args.strict => format!("{path}: {}", many(warnings, "warning")),
        (0, _) => return Ok(()),
        _ => format!("{path}: {}{shape}", many(problems, "problem")),
    };
    Err(InputError::ProblemsFound(text).into())
}

/// As JSON, all of them; as text, all problems and the first warnings of each kind about each file.
fn print_findings(findings: &[Finding], json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    if json {
        for finding in findings {
            writeln!(out, "{}", as_json(finding))?;
        }
        return Ok(());
    }
    let mut left: HashMap<(&Path, Kind), usize> = HashMap::new();
    for finding in findings.iter().filter(|finding| finding.kind.weight() == Weight::Warning) {
        *left.entry((finding.file.as_path(), finding.kind)).or_default() += 1;
    }
    let mut shown: HashMap<(&Path, Kind), usize> = HashMap::new();
    for finding in findings {
        let key = (finding.file.as_path(), finding.kind);
        if finding.kind.weight() == Weight::Problem {
            writeln!(out, "{}", as_text(finding))?;
            continue;
        }
        let shown = shown.entry(key).or_default();
        *shown += 1;
        if *shown <= SHOWN {
            writeln!(out, "warning: {}", as_text(finding))?;
        } else if *shown == left[&key] {
            let more = left[&key] - SHOWN;
            writeln!(out, "warning: {}: {more} more like this (--json lists all)", finding.file.display())?;
        }
    }
    Ok(())
}

fn as_text(Finding { file, place, text, kind, .. }: &Finding) -> String {
    match place {
        Some((unit, number)) => format!("{}, {unit} {number}: {text}", file.display()),
        None if *kind == Kind::Missing => format!("{} {text}", file.display()),
        None => format!("{}: {text}", file.display()),
    }
}

fn as_json(finding: &Finding) -> serde_json::Value {
    let mut object = serde_json::Map::new();
    if let Some(task) = &finding.task {
        object.insert("task".into(), json!(task));
    }
    object.insert("file".into(), json!(finding.file.display().to_string()));
    if let Some((unit, number)) = finding.place {
        let unit = if unit == "line" { "line" } else { "row" };
        object.insert(unit.into(), json!(number));
    }
    let weight = match finding.kind.weight() {
        Weight::Problem => "problem",
        Weight::Warning => "warning",
    };
    object.insert(weight.into(), json!(finding.text));
    object.insert("kind".into(), json!(finding.kind.name()));
    object.into()
}

/// The file itself, or every `*.jsonl` below the folder, by path.
fn jsonl_files(path: &Path) -> Result<Vec<PathBuf>, InputError> {
    let failed = |source| InputError::Read { path: path.into(), source };
    if !std::fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![path.into()]);
    }
    let mut entries = std::fs::read_dir(path)
        .and_then(|entries| {
            entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()
        })
        .map_err(failed)?;
    entries.sort();
    let mut files = Vec::new();
    for entry in entries {
        // a link to a folder is not followed: it may lead back here
        if entry.is_dir() && !entry.is_symlink() {
            files.extend(jsonl_files(&entry)?);
        } else if entry.extension().is_some_and(|extension| extension == "jsonl") {
            files.push(entry);
        }
    }
    Ok(files)
}
