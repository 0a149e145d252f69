//! R\[i, j\], the score on task j after training on task i, and AP, BWT and FWT in the definitions that share these
//! names.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Which definition of BWT and FWT; AP is the same in all.
///
/// With N tasks and row 0 the untouched model:
///
/// | | BWT | FWT |
/// |---|---|---|
/// | `released` | mean over i = 2..N of mean over j < i of R\[i,j\] - R\[j,j\] | mean over i = 1..N-1 of mean over j > i of R\[i,j\] - R\[0,j\] |
/// | `printed` | 1/N times the sum over i = 2..N of mean over j < i of R\[i,j\] - R\[i-1,j\] | 1/N times the sum over i = 1..N-1 of mean over j > i of R\[i,j\] - R\[i-1,j\] |
/// | `gem` | mean over i = 1..N-1 of R\[N,i\] - R\[i,i\] | mean over i = 2..N of R\[i-1,i\] - R\[0,i\] |
///
/// # Source
/// `released`, `printed`: Shi et al., "Training Prompt Matters" (arXiv 2606.01967), the evaluation code and the
/// formulas in print. `gem`: Lopez-Paz and Ranzato (2017), "Gradient episodic memory for continual learning", where
/// row 0 stands for their model at random initialisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Convention {
    /// As the paper's released evaluation computes it: against the task's own row and the untouched model.
    Released,
    /// As the paper prints it: step by step.
    Printed,
    /// As in gradient episodic memory.
    Gem,
}

impl Convention {
    /// Every convention.
    pub const ALL: [Self; 3] = [Self::Released, Self::Printed, Self::Gem];

    /// The name in configurations and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Printed => "printed",
            Self::Gem => "gem",
        }
    }
}

impl fmt::Display for Convention {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Convention {
    type Err = MatrixError;

    fn from_str(name: &str) -> Result<Self, MatrixError> {
        Self::ALL
            .into_iter()
            .find(|convention| convention.name() == name)
            .ok_or_else(|| MatrixError::UnknownConvention { name: name.to_string() })
    }
}

/// A transfer matrix is not what it should be.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum MatrixError {
    /// There is no task.
    #[error("transfer matrix: expected at least one task, got none")]
    NoTask,
    /// A task is named twice.
    #[error("transfer matrix: task `{task}` is named more than once")]
    DuplicateTask {
        /// The task's name.
        task: String,
    },
    /// The number of rows is not one more than the number of tasks.
    #[error("transfer matrix: expected {expected} rows (the untouched model, then one a task), got {got}")]
    RowCount {
        /// One more than the number of tasks.
        expected: usize,
        /// The number of rows.
        got: usize,
    },
    /// A row has too few or too many cells.
    #[error("transfer matrix: row {row}: expected {expected} scores (one a task), got {got}")]
    Ragged {
        /// The row: how many tasks had been trained.
        row: usize,
        /// The number of tasks.
        expected: usize,
        /// The number of cells.
        got: usize,
    },
    /// A place outside of the matrix.
    #[error("transfer matrix: no cell at row {row}, column {column}: there are {tasks} tasks")]
    OutOfRange {
        /// The row that was asked for.
        row: usize,
        /// The column that was asked for, from 0.
        column: usize,
        /// The number of tasks.
        tasks: usize,
    },
    /// A score that is needed has not been measured.
    #[error("transfer matrix: R[{row}, {}] is missing: the score on task `{task}` {}", column + 1, when(*row))]
    Missing {
        /// The row: how many tasks had been trained.
        row: usize,
        /// The column, from 0.
        column: usize,
        /// The column's task.
        task: String,
    },
    /// A score is NaN or infinite.
    #[error(
        "transfer matrix: R[{row}, {}] is {value}: expected a finite score on task `{task}` {}", column + 1, when(*row)
    )]
    NotFinite {
        /// The row: how many tasks had been trained.
        row: usize,
        /// The column, from 0.
        column: usize,
        /// The column's task.
        task: String,
        /// NaN or an infinity.
        value: f64,
    },
    /// There is no convention of this name.
    #[error("unknown convention `{name}`: expected released, printed or gem")]
    UnknownConvention {
        /// The name as it was given.
        name: String,
    },
}

fn when(row: usize) -> String {
    match row {
        0 => "of the untouched model".to_string(),
        1 => "after training 1 task".to_string(),
        _ => format!("after training {row} tasks"),
    }
}

/// AP, BWT and FWT in one convention.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transfer {
    /// Average performance: the mean of the last row.
    #[serde(rename = "AP")]
    pub ap: f64,
    /// Backward transfer: what later training did to earlier tasks; `None` for a single task.
    #[serde(rename = "BWT")]
    pub bwt: Option<f64>,
    /// Forward transfer: what training did to tasks not trained yet; `None` for a single task.
    #[serde(rename = "FWT")]
    pub fwt: Option<f64>,
}

/// The scores of a run on a stream of N tasks.
///
/// # Shapes
/// N + 1 rows of N cells. Row i is the model after training its first i tasks, so row 0 is the untouched model;
/// column j (from 0) is task j of the stream. A task's own score is at row j + 1, column j.
///
/// # Units
/// Those of the scores put in; AP, BWT and FWT are in the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked", into = "Unchecked")]
pub struct TransferMatrix {
    tasks: Vec<String>,
    rows: Vec<Vec<Option<f64>>>,
}

/// The matrix as it is written, before it is checked.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    tasks: Vec<String>,
    rows: Vec<Vec<Option<f64>>>,
}

impl TryFrom<Unchecked> for TransferMatrix {
    type Error = MatrixError;

    fn try_from(Unchecked { tasks, rows }: Unchecked) -> Result<Self, MatrixError> {
        Self::from_rows(tasks, rows)
    }
}

impl From<TransferMatrix> for Unchecked {
    fn from(TransferMatrix { tasks, rows }: TransferMatrix) -> Self {
        Self { tasks, rows }
    }
}

impl TransferMatrix {
    /// A matrix without any score.
    ///
    /// # Errors
    /// No task, or one named twice.
    pub fn new(tasks: Vec<String>) -> Result<Self, MatrixError> {
        let rows = vec![vec![None; tasks.len()]; tasks.len() + 1];
        Self::from_rows(tasks, rows)
    }

    /// A matrix from its rows, the untouched model's first.
    ///
    /// # Errors
    /// No task or one named twice, a wrong number of rows, a ragged row, a score that is not finite.
    pub fn from_rows(tasks: Vec<String>, rows: Vec<Vec<Option<f64>>>) -> Result<Self, MatrixError> {
        if tasks.is_empty() {
            return Err(MatrixError::NoTask);
        }
        let mut seen = BTreeSet::new();
        if let Some(task) = tasks.iter().find(|task| !seen.insert(*task)) {
            return Err(MatrixError::DuplicateTask { task: task.clone() });
        }
        if rows.len() != tasks.len() + 1 {
            return Err(MatrixError::RowCount { expected: tasks.len() + 1, got: rows.len() });
        }
        let mut matrix = Self { rows: vec![Vec::new(); rows.len()], tasks };
        for (row, cells) in rows.into_iter().enumerate() {
            if cells.len() != matrix.tasks.len() {
                return Err(MatrixError::Ragged { row, expected: matrix.tasks.len(), got: cells.len() });
            }
            for (column, value) in
                cells.iter().enumerate().filter_map(|(j, cell)| cell.map(|value| (j, value)))
            {
                matrix.check_finite(row, column, value)?;
            }
            matrix.rows[row] = cells;
        }
        Ok(matrix)
    }

    /// Puts in the score on task `column` of the model after `row` trained tasks.
    ///
    /// # Errors
    /// A place outside of the matrix, a score that is not finite.
    pub fn set(&mut self, row: usize, column: usize, score: f64) -> Result<(), MatrixError> {
        self.check_place(row, column)?;
        self.check_finite(row, column, score)?;
        self.rows[row][column] = Some(score);
        Ok(())
    }

    /// The score on task `column` of the model after `row` trained tasks.
    ///
    /// # Errors
    /// A place outside of the matrix, a score that has not been put in.
    pub fn get(&self, row: usize, column: usize) -> Result<f64, MatrixError> {
        self.check_place(row, column)?;
        self.rows[row][column].ok_or_else(|| MatrixError::Missing {
            row,
            column,
            task: self.tasks[column].clone(),
        })
    }

    /// The tasks in the order of the stream.
    pub fn tasks(&self) -> &[String] {
        &self.tasks
    }

    /// The cells, the untouched model's row first.
    pub fn rows(&self) -> &[Vec<Option<f64>>] {
        &self.rows
    }

    /// AP, BWT and FWT in one convention.
    ///
    /// # Errors
    /// The first missing score among those that the convention uses.
    pub fn transfer(&self, convention: Convention) -> Result<Transfer, MatrixError> {
        Ok(Transfer { ap: self.ap()?, bwt: self.bwt(convention)?, fwt: self.fwt(convention)? })
    }

    /// Average performance: the mean over all tasks of the score after the last was trained.
    ///
    /// # Errors
    /// A missing score in the last row.
    pub fn ap(&self) -> Result<f64, MatrixError> {
        let n = self.n();
        mean((1..=n).map(|j| self.r(n, j)))
    }

    /// Backward transfer, or `None` for a single task, which has no earlier one.
    ///
    /// # Errors
    /// The first missing score among those that the convention uses.
    pub fn bwt(&self, convention: Convention) -> Result<Option<f64>, MatrixError> {
        let n = self.n();
        if n == 1 {
            return Ok(None);
        }
        let earlier_tasks_since = |i: usize, since: fn(usize, usize) -> usize| {
            mean((1..i).map(move |j| self.change(j, since(i, j), i)))
        };
        match convention {
            Convention::Released => mean((2..=n).map(|i| earlier_tasks_since(i, |_, j| j))),
            Convention::Printed => Ok(sum((2..=n).map(|i| earlier_tasks_since(i, |i, _| i - 1)))? / n as f64),
            Convention::Gem => mean((1..n).map(|j| self.change(j, j, n))),
        }
        .map(Some)
    }

    /// Forward transfer, or `None` for a single task, which has no later one.
    ///
    /// # Errors
    /// The first missing score among those that the convention uses.
    pub fn fwt(&self, convention: Convention) -> Result<Option<f64>, MatrixError> {
        let n = self.n();
        if n == 1 {
            return Ok(None);
        }
        let later_tasks_since =
            |i: usize, since: usize| mean((i + 1..=n).map(move |j| self.change(j, since, i)));
        match convention {
            Convention::Released => mean((1..n).map(|i| later_tasks_since(i, 0))),
            Convention::Printed => Ok(sum((1..n).map(|i| later_tasks_since(i, i - 1)))? / n as f64),
            Convention::Gem => mean((2..=n).map(|j| self.change(j, 0, j - 1))),
        }
        .map(Some)
    }

    /// Forgetting: the mean over all tasks but the last of the best score of any trained model before the last less
    /// the last model's; `None` for a single task. Lower is better.
    ///
    /// # Errors
    /// A missing score in the rows of trained models.
    ///
    /// # Source
    /// Chaudhry et al. (2018), "Riemannian walk for incremental learning", equation 3 with k = N.
    pub fn forgetting(&self) -> Result<Option<f64>, MatrixError> {
        let n = self.n();
        if n == 1 {
            return Ok(None);
        }
        mean((1..n).map(|j| {
            let best =
                (1..n).map(|i| self.r(i, j)).try_fold(f64::NEG_INFINITY, |best, r| r.map(|r| best.max(r)))?;
            Ok(best - self.r(n, j)?)
        }))
        .map(Some)
    }

    /// Learning accuracy: the mean over all tasks of the score just after the task was trained.
    ///
    /// # Errors
    /// A missing score on the diagonal.
    ///
    /// # Source
    /// Riemer et al. (2019), "Learning to learn without forgetting by maximizing transfer and minimizing interference".
    pub fn learning_accuracy(&self) -> Result<f64, MatrixError> {
        mean((1..=self.n()).map(|j| self.r(j, j)))
    }

    fn n(&self) -> usize {
        self.tasks.len()
    }

    /// R[i, j] in the numbering of the formulas: tasks from 1.
    fn r(&self, i: usize, j: usize) -> Result<f64, MatrixError> {
        self.get(i, j - 1)
    }

    /// How the score on task j changed from row `from` to row `to`.
    fn change(&self, j: usize, from: usize, to: usize) -> Result<f64, MatrixError> {
        Ok(self.r(to, j)? - self.r(from, j)?)
    }

    fn check_place(&self, row: usize, column: usize) -> Result<(), MatrixError> {
        if row < self.rows.len() && column < self.tasks.len() {
            Ok(())
        } else {
            Err(MatrixError::OutOfRange { row, column, tasks: self.tasks.len() })
        }
    }

    fn check_finite(&self, row: usize, column: usize, value: f64) -> Result<(), MatrixError> {
        if value.is_finite() {
            Ok(())
        } else {
            Err(MatrixError::NotFinite { row, column, task: self.tasks[column].clone(), value })
        }
    }
}

fn sum(values: impl Iterator<Item = Result<f64, MatrixError>>) -> Result<f64, MatrixError> {
    values.sum()
}

/// The mean; the formulas never take one of nothing.
fn mean(values: impl Iterator<Item = Result<f64, MatrixError>>) -> Result<f64, MatrixError> {
    let mut n = 0;
    let total = sum(values.inspect(|_| n += 1))?;
    Ok(total / f64::from(n))
}
