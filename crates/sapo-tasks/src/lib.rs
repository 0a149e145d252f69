//! Text in, examples out: tasks, streams, the prompt layout, dataset readers and the built-in benchmark.
//!
//! A [`Task`] is an original instruction, a fixed suffix and examples in three splits; a [`TaskStream`] is tasks in the
//! order of training. [`readers`] make them from files, [`builtin`] from a seed.
//!
//! Deliberately absent: downloads (data are other people's; a reader takes a folder), and silent repair (a row that is
//! not as it should be is an error that names its file and number).

pub mod builtin;
mod hash;
pub mod layout;
pub mod readers;
mod subset;
mod task;

pub use sapo_prompts::Instruction;
pub use subset::subset;
pub use task::{Example, Language, Task, TaskKind, TaskStream};
