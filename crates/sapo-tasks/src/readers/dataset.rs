use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use sapo_prompts::Instruction;

use super::layouts::{Layout, own};
use super::{Benchmark, LayoutName, ReadError, Rows, Sequence, Split, TrainFrom};
use crate::{Example, Task, TaskStream};

/// A folder of a benchmark, or of tasks of your own, in whichever of its layouts it is.
#[derive(Debug, Clone)]
pub struct Dataset {
    dir: PathBuf,
    benchmark: Benchmark,
    layout_name: LayoutName,
    layout: Arc<dyn Layout>,
    names: Vec<String>,
    train_from: TrainFrom,
}

impl Dataset {
    /// The folder `dir` of the benchmark with this name; no rows are read yet.
    ///
    /// # Errors
    /// An unknown benchmark, a folder in none of its layouts, or a file of the layout that is not as it should be.
    pub fn open(benchmark: &str, dir: impl AsRef<Path>) -> Result<Self, ReadError> {
        Self::of(Benchmark::named(benchmark)?, dir.as_ref())
    }

    /// The folder `dir` of tasks of your own: `streams.toml`, `<task>/task.toml`, `<task>/train.jsonl` and so on.
    ///
    /// # Errors
    /// As [`Dataset::open`].
    pub fn own(dir: impl AsRef<Path>) -> Result<Self, ReadError> {
        let dir = dir.as_ref();
        let sequences = own::streams(dir)?;
        Self::of(Benchmark::of_your_own(sequences), dir)
    }

    /// Whether `dir` looks like a folder of tasks of your own.
    pub fn is_own(dir: impl AsRef<Path>) -> bool {
        own::fits(dir.as_ref())
    }

    fn of(benchmark: Benchmark, dir: &Path) -> Result<Self, ReadError> {
        std::fs::read_dir(dir).map_err(|source| ReadError::Io { path: dir.into(), source })?;
        let Some(layout_name) = benchmark.layouts.iter().copied().find(|name| name.fits(dir, &benchmark))
        else {
            let landmark =
                benchmark.layouts.first().map(|name| name.landmark(&benchmark)).unwrap_or_default();
            let what = format!("the folder is in no known layout of {}", benchmark.title);
            let advice = format!(
                "expected in it: {}; {}",
                benchmark.layout.trim_end_matches('.'),
                benchmark.how_to_get
            );
            return Err(ReadError::Missing { path: dir.join(landmark), what, advice });
        };
        let layout = layout_name.open(dir, &benchmark)?;
        let names = layout.task_names();
        if let Some(name) = names.iter().find(|name| !names_one_folder(name)) {
            let reason =
                format!("the name of a task is that of a folder: expected one without `/`, got {name:?}");
            return Err(ReadError::File { path: dir.join(layout_name.landmark(&benchmark)), reason });
        }
        Ok(Self { dir: dir.into(), benchmark, layout_name, layout, names, train_from: TrainFrom::Train })
    }

    /// Where training rows come from when a task has no training file; without this call, nowhere.
    pub fn with_train_from(self, train_from: TrainFrom) -> Self {
        Self { train_from, ..self }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What is known of the benchmark: sequences, metric, gaps, checksums.
    pub fn benchmark(&self) -> &Benchmark {
        &self.benchmark
    }

    /// How the folder is laid out.
    pub fn layout(&self) -> LayoutName {
        self.layout_name
    }

    /// The tasks that the folder names or holds.
    pub fn task_names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// A task without its rows.
    ///
    /// # Errors
    /// An unknown task, or a malformed description.
    pub fn describe(&self, name: &str) -> Result<Task, ReadError> {
        let task = self.layout.describe(name)?;
        let of_benchmark = self.benchmark.task(name).and_then(|spec| spec.native_metric.clone());
        Ok(Task { native_metric: of_benchmark.or(task.native_metric), ..task })
    }

    /// The instruction of a task, without reading its rows.
    ///
    /// # Errors
    /// As [`Dataset::describe`].
    pub fn instruction(&self, name: &str) -> Result<Instruction, ReadError> {
        Ok(self.describe(name)?.instruction)
    }

    /// A task with all its rows; classification where it has labels.
    ///
    /// # Errors
    /// An unknown task, a missing file (with what to do), or a malformed row.
    pub fn task(&self, name: &str) -> Result<Task, ReadError> {
        let task = self.describe(name)?;
        let no_train = !self.layout.file(name, Split::Train).exists();
        let (train, dev) = match no_train && self.train_from == TrainFrom::DevWhereMissing {
            true => (self.rows(name, Split::Dev)?, Vec::new()),
            false => (self.rows(name, Split::Train)?, self.rows(name, Split::Dev)?),
        };
        Ok(Task { train, dev, test: self.rows(name, Split::Test)?, ..task })
    }

    /// A task with its training rows alone, for pre-training: some tasks have nothing else.
    ///
    /// # Errors
    /// As [`Dataset::task`].
    pub fn training_task(&self, name: &str) -> Result<Task, ReadError> {
        Ok(Task { train: self.rows(name, Split::Train)?, ..self.describe(name)? })
    }

    /// The rows of one split of a task, for a task whose other splits may be missing. None where the layout can do without
    /// the split.
    ///
    /// # Errors
    /// As [`Dataset::task`].
    pub fn rows(&self, name: &str, split: Split) -> Result<Vec<Example>, ReadError> {
        self.all_rows(name, split)?.map_or(Ok(Vec::new()), Rows::strict)
    }

    /// The good rows of a split and what is wrong with the others; none where the layout can do without the split.
    ///
    /// # Errors
    /// An unknown task, or a file that is missing or is no list of rows.
    pub fn all_rows(&self, name: &str, split: Split) -> Result<Option<Rows>, ReadError> {
        self.layout.rows(name, split)
    }

    /// Where the rows of a split are, there or not.
    pub fn file(&self, name: &str, split: Split) -> PathBuf {
        self.layout.file(name, split)
    }

    /// The SHA-256 that `benchmark.toml` has of a file of this folder.
    pub fn known_checksum(&self, file: &Path) -> Option<&str> {
        let known = self.benchmark.checksums.get(&self.layout_name)?;
        let inside = file.strip_prefix(&self.dir).ok()?.to_string_lossy().into_owned();
        let folder = self.dir.file_name().map(|name| format!("{}/{inside}", name.to_string_lossy()));
        known.get(&inside).or_else(|| known.get(&folder?)).map(String::as_str)
    }

    /// The file of the folder's own streams, where it has one.
    pub fn streams_file(&self) -> Option<PathBuf> {
        let file = self.dir.join(own::STREAMS);
        (self.layout_name == LayoutName::Own && file.is_file()).then_some(file)
    }

    /// The orders of tasks that are known.
    pub fn sequences(&self) -> &[Sequence] {
        &self.benchmark.sequences
    }

    /// A known order with all rows of its tasks: `ni-seq-c1` or just `c1`, `trace`, `order-4`, one of `streams.toml`.
    ///
    /// # Errors
    /// An unknown sequence, or one of its tasks cannot be read.
    pub fn stream(&self, name: &str) -> Result<TaskStream, ReadError> {
        let sequence = self.benchmark.sequence(name)?;
        self.stream_of(&sequence.name, &sequence.tasks)
    }

    /// An order of your own.
    ///
    /// # Errors
    /// No task at all, or one that cannot be read.
    pub fn stream_of<S: AsRef<str>>(&self, name: &str, tasks: &[S]) -> Result<TaskStream, ReadError> {
        if tasks.is_empty() {
            return Err(ReadError::EmptyStream { name: name.to_owned() });
        }
        let tasks = tasks.iter().map(|task| self.task(task.as_ref())).collect::<Result<Vec<_>, _>>()?;
        Ok(TaskStream { name: name.to_owned(), tasks })
    }
}

/// Whether a name leads to one folder below another: the files of a task, read and written, are found by its name.
fn names_one_folder(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name)
}
