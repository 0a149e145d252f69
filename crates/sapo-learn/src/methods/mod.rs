//! How to train on the next task without forgetting: one file a method, one line in [`MethodConfig`].
//!
//! A method is its parameters: it keeps nothing in memory from task to task. What a later task needs it finds in the
//! model, in the stream, or among the artifacts.

mod ewc;
mod frozen;
mod full;
mod inscl;
mod lesson;
mod lora_inc;
mod lwf;
mod multi_task;
mod o_lora;
mod paft;
mod replay;
mod seq_lora;

pub use ewc::{Ewc, QuadraticPenalty, fisher};
pub use frozen::Frozen;
pub use full::Full;
pub use inscl::{InsCl, replay_counts};
pub use lesson::{Lesson, StreamTask};
pub use lora_inc::LoraInc;
pub use lwf::{Distillation, Lwf};
pub use multi_task::MultiTask;
pub use o_lora::{OLora, Orthogonality};
pub use paft::Paft;
pub use replay::Replay;
pub use seq_lora::SeqLora;

use std::path::Path;

use sapo_model::{LanguageModel, LoraConfig};
use serde::{Deserialize, Serialize};

use crate::LearnError;

/// A continual-learning method.
pub trait Method {
    /// Learns one task and leaves the model ready to be evaluated and to learn the next.
    ///
    /// # Errors
    /// When training fails or what was learnt cannot be kept.
    fn learn(&self, model: &mut LanguageModel, lesson: Lesson<'_>) -> Result<(), LearnError>;

    /// Brings the untouched model to where [`Method::learn`] left it after the first `steps` tasks, at least one, from what
    /// those left among the artifacts.
    ///
    /// # Errors
    /// Names the file that is missing or damaged.
    fn recall(&self, model: &mut LanguageModel, artifacts: &Path, steps: usize) -> Result<(), LearnError>;

    /// Removes what only [`Method::recall`] of fewer than `steps` tasks would need and nobody asked to keep.
    ///
    /// # Errors
    /// Names what cannot be removed.
    fn tidy(&self, _artifacts: &Path, _steps: usize) -> Result<(), LearnError> {
        Ok(())
    }

    /// The adapter that is put on afresh for every task, its seed being the lesson's; absent where the method has none.
    fn fresh_adapter(&self) -> Option<&LoraConfig> {
        None
    }

    /// Whether the method draws the wordings of its batches itself, whatever was chosen.
    fn words_itself(&self) -> bool {
        false
    }

    /// Whether the whole stream is learnt at its first task: all wordings are chosen then, and nothing after.
    fn all_at_once(&self) -> bool {
        false
    }
}

/// Makes the enum of all methods, and what can be asked of it, from one line a method.
macro_rules! registry {
    ($($(#[$doc:meta])* $method:ident = $name:literal,)*) => {
        /// A method by its name, with its parameters: `{ name = "o-lora", lambda = 0.5 }`.
        ///
        /// Parameters left out are the defaults. Written back, all parameters stand there, so
        /// that a stored configuration keeps its meaning if a default changes.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "name")]
        pub enum MethodConfig {
            $($(#[$doc])* #[serde(rename = $name)] $method($method),)*
        }

        impl MethodConfig {
            /// Every method, with its default parameters.
            pub fn all() -> Vec<Self> {
                vec![$(Self::$method($method::default()),)*]
            }

            /// The method's name.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$method(_) => $name,)*
                }
            }

            /// The method itself.
            pub fn method(&self) -> &dyn Method {
                match self {
                    $(Self::$method(method) => method,)*
                }
            }
        }
    };
}

registry! {
    /// A new LoRA a task; earlier ones stay frozen and add up.
    LoraInc = "lora-inc",
    /// LoraInc, each new A kept orthogonal to the earlier ones.
    OLora = "o-lora",
    /// One LoRA throughout.
    SeqLora = "seq-lora",
    /// SeqLora, what mattered to earlier tasks held by a quadratic penalty.
    Ewc = "ewc",
    /// SeqLora, its predictions held to those before the task.
    Lwf = "lwf",
    /// SeqLora, with the same number of examples of each earlier task.
    Replay = "replay",
    /// SeqLora, with more examples of those earlier tasks whose instruction is unlike the present one.
    InsCl = "inscl",
    /// LoraInc, every batch in a wording drawn at random.
    Paft = "paft",
    /// Every weight.
    Full = "full",
    /// All tasks at once: the upper bound.
    MultiTask = "multi-task",
    /// Nothing: the lower bound.
    Frozen = "frozen",
}

impl std::str::FromStr for MethodConfig {
    type Err = String;

    /// The method of this name with its default parameters.
    fn from_str(name: &str) -> Result<Self, String> {
        let known = || Self::all().iter().map(Self::name).collect::<Vec<_>>().join(", ");
        let method = Self::all().into_iter().find(|method| method.name() == name);
        method.ok_or_else(|| format!("there is no method `{name}`; there are {}", known()))
    }
}
