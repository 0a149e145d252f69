//! What becomes of the cells, as JSON lines on standard output, for programs that start an experiment.

use std::io::{Write, stdout};
use std::time::Instant;

use serde_json::{Map, Value, json};

use crate::cell::CellSpec;
use crate::engine::Observer;
use crate::told::Told;

/// Prints a line for everything that it is told.
#[derive(Debug)]
pub(crate) struct Events {
    begun: Instant,
    /// What was last waited for: it is said once, however often it is told.
    waited_for: String,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self { begun: Instant::now(), waited_for: String::new() }
    }

    fn say(&mut self, event: &str, cell: &CellSpec, more: Value) {
        self.waited_for.clear();
        let mut line = json!({
            "event": event,
            "seconds": self.begun.elapsed().as_secs_f64(),
            "cell": cell.id(),
            "axes": axes(cell),
        });
        if let (Value::Object(line), Value::Object(more)) = (&mut line, more) {
            line.extend(more);
        }
        print(&line);
    }
}

/// The axes of a cell by name.
pub(crate) fn axes(cell: &CellSpec) -> Map<String, Value> {
    cell.axes().into_iter().map(|(axis, value)| (axis.to_owned(), value.into())).collect()
}

/// Prints one object; a reader that has gone (`| head`) is no failure.
pub(crate) fn print(line: &Value) {
    let _ = writeln!(stdout(), "{line}").and_then(|()| stdout().flush());
}

impl Observer for Events {
    fn started(&mut self, cell: &CellSpec) {
        self.say("started", cell, json!({}));
    }

    fn progress(&mut self, cell: &CellSpec, told: &Told) {
        self.say("progress", cell, json!(told));
    }

    fn finished(&mut self, cell: &CellSpec) {
        self.say("finished", cell, json!({}));
    }

    fn failed(&mut self, cell: &CellSpec, reason: &str) {
        self.say("failed", cell, json!({ "reason": reason }));
    }

    fn postponed(&mut self, cell: &CellSpec, why: &str) {
        self.say("postponed", cell, json!({ "reason": why }));
    }

    fn waiting(&mut self, text: &str) {
        if self.waited_for != text {
            let seconds = self.begun.elapsed().as_secs_f64();
            print(&json!({"event": "waiting", "seconds": seconds, "for": text}));
            text.clone_into(&mut self.waited_for);
        }
    }

    fn tick(&mut self) {}
}
