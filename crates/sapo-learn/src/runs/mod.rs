//! A whole run over a stream, from a configuration that names the model, the tasks and everything else: what `sapo train`
//! reads from a file, and what an experiment makes of a cell of its grid.

mod config;
mod origin;
mod shorten;
mod streams;

pub use config::{Places, PoolSource, RunConfig};
pub use origin::note_origin;
pub use shorten::{shorten_inputs, taken_tokens};
pub use streams::{PARAPHRASES, RowCounts, StreamSource, builtin_seed, fingerprint};
