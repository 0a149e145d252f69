//! Several observers as one.

use crate::cell::CellSpec;
use crate::told::Told;

use super::Observer;

/// Tells each of them, in order.
#[derive(Default)]
pub struct Audience(pub Vec<Box<dyn Observer + Send>>);

impl std::fmt::Debug for Audience {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Audience of {}", self.0.len())
    }
}

impl Observer for Audience {
    fn started(&mut self, cell: &CellSpec) {
        self.0.iter_mut().for_each(|observer| observer.started(cell));
    }

    fn progress(&mut self, cell: &CellSpec, told: &Told) {
        self.0.iter_mut().for_each(|observer| observer.progress(cell, told));
    }

    fn finished(&mut self, cell: &CellSpec) {
        self.0.iter_mut().for_each(|observer| observer.finished(cell));
    }

    fn failed(&mut self, cell: &CellSpec, reason: &str) {
        self.0.iter_mut().for_each(|observer| observer.failed(cell, reason));
    }

    fn postponed(&mut self, cell: &CellSpec, why: &str) {
        self.0.iter_mut().for_each(|observer| observer.postponed(cell, why));
    }

    fn waiting(&mut self, text: &str) {
        self.0.iter_mut().for_each(|observer| observer.waiting(text));
    }

    fn tick(&mut self) {
        self.0.iter_mut().for_each(|observer| observer.tick());
    }
}
