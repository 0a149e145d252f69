use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use crate::failure::InputError;
use crate::jsonl::{self, LineShape, Problem, TaskLine};

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    Check(CheckArgs),
}

impl DataCommand {
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        match self {
            Self::Check(args) => check(args, out),
        }
    }
}

/// Check rows of your own, line by line
///
/// Reads one file, or every *.jsonl below a folder. A line is {"input": str, "target": str}; further fields and blank
/// lines are ignored. Every problem is listed with its file and line, not only the first. The exit code is 1 if there is
/// any problem or nothing to check.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// A folder or a file
    #[arg(value_name = "DIR")]
    path: PathBuf,
    /// The only targets there may be (for classification)
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    labels: Vec<String>,
    /// Print JSON Lines: one object a problem, the summary last
    #[arg(long)]
    json: bool,
}

fn check(args: &CheckArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let files = jsonl_files(&args.path)?;
    let (mut examples, mut count) = (0, 0);
    for file in &files {
        let (good, problems) = check_file(file, &args.labels)?;
        examples += good;
        count += problems.len();
        for Problem { number, reason } in problems {
            if args.json {
                writeln!(
                    out,
                    "{}",
                    json!({"file": file.display().to_string(), "line": number, "problem": reason})
                )?;
            } else {
                writeln!(out, "{}, line {number}: {reason}", file.display())?;
            }
        }
    }
    if args.json {
        let summary = json!({"files": files.len(), "examples": examples, "problems": count});
        writeln!(out, "{}", json!({"summary": summary}))?;
    } else {
        writeln!(out, "files {}, good examples {examples}, problems {count}", files.len())?;
    }
    out.flush()?; // the problems before the verdict, where both go to one terminal
    let path = args.path.display();
    let verdict = match count {
        0 if files.is_empty() => format!("{path}: no file *.jsonl in it"),
        0 => return Ok(()),
        1 => format!("{path}: 1 problem; a line is {}", TaskLine::EXPECTED),
        _ => format!("{path}: {count} problems; a line is {}", TaskLine::EXPECTED),
    };
    Err(InputError::ProblemsFound(verdict).into())
}

/// The number of good lines, and all problems by line. A file without a line has one problem.
fn check_file(path: &Path, labels: &[String]) -> Result<(usize, Vec<Problem>), InputError> {
    let (lines, mut problems) = jsonl::read_with_problems::<TaskLine>(path)?;
    if lines.is_empty() && problems.is_empty() {
        problems.push(Problem { number: 1, reason: "expected at least one line, got none".into() });
    }
    let read = lines.len();
    let strange = lines.into_iter().filter(|line| !labels.is_empty() && !labels.contains(&line.value.target));
    let before = problems.len();
    problems.extend(strange.map(|line| Problem {
        number: line.number,
        reason: format!("`target`: expected one of {labels:?}, got {:?}", line.value.target),
    }));
    let good = read - (problems.len() - before);
    problems.sort_by_key(|problem| problem.number);
    Ok((good, problems))
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
