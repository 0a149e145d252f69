//! Promoted results: what of an experiment's runs is kept with the project, and a notebook that shows it.
//!
//! ```text
//! notebooks-export/<experiment>.ipynb           the notebook, with all its outputs inside
//! notebooks-export/<experiment>/<scale>/        promoted.json, tables/*.parquet and .md, figures/*.png
//! ```
//!
//! A notebook is made from promoted folders alone, one section a scale, so it can be made again without the runs. What its
//! cells would print is computed here: [`Sheet`] renders a table as `show.py`, the first code of every notebook, does, and
//! `scripts/tests/test_notebooks.py` executes the notebooks and compares.

mod document;
mod error;
mod number;
mod origin;
mod promoted;
mod promotion;
mod sheet;

#[cfg(test)]
mod tests;

pub use document::{notebook, write_notebook};
pub use error::NotebookError;
pub use origin::{Fact, Origin};
pub use promoted::{LeftOut, Promoted, VERSION};
pub use promotion::{MOST_BYTES, Promotion};
pub use sheet::Sheet;
