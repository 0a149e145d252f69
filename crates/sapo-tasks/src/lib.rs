//! Text in, examples out: tasks, streams, the prompt layout, dataset readers and the built-in benchmark.
//!
//! A [`Task`] is an original instruction, a fixed suffix and examples in three splits; a [`TaskStream`] is tasks in the
//! order of training. [`readers`] make them from files, [`builtin`] from a seed; [`check`] says all that is wrong with a
//! folder, and [`get`] brings one to this machine.
//!
//! Deliberately absent: silent repair (a row that is not as it should be is an error that names its file and number), and
//! archives (what is downloaded are single files; nothing is unpacked or run).

pub mod builtin;
pub mod check;
pub mod get;
mod hash;
pub mod layout;
pub mod readers;
mod subset;
mod task;

pub use sapo_prompts::Instruction;
pub use subset::subset;
pub use task::{Example, Language, Task, TaskKind, TaskStream};
