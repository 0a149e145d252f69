use std::sync::{Arc, Mutex, PoisonError};

use sapo_lab::engine::{Audience, Observer};
use sapo_lab::progress::Display;
use sapo_lab::tensorboard::TensorBoard;
use sapo_lab::worker::Listener;
use sapo_lab::{CellSpec, Store, Told};

/// Who is told how far the run is: the display of experiments, with one cell, and TensorBoard where that is asked for.
pub(super) struct Watch(Arc<Mutex<Watchers>>);

struct Watchers {
    cell: CellSpec,
    audience: Audience,
    begun: bool,
}

impl Watch {
    pub(super) fn over(cell: &CellSpec, store: &Store, quiet: bool, tensorboard: bool) -> Self {
        let mut audience = Audience(vec![Box::new(Display::of_one(quiet))]);
        if tensorboard {
            audience.0.push(Box::new(TensorBoard::new(store)));
        }
        Self(Arc::new(Mutex::new(Watchers { cell: cell.clone(), audience, begun: false })))
    }

    pub(super) fn listener(&self) -> Listener {
        let watchers = self.0.clone();
        Box::new(move |told| watchers.lock().unwrap_or_else(PoisonError::into_inner).hear(&told))
    }

    pub(super) fn finished(self) {
        let Watchers { cell, audience, begun } = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *begun {
            audience.finished(cell);
        }
    }
}

impl Watchers {
    fn hear(&mut self, told: &Told) {
        let Self { cell, audience, begun } = self;
        // Not before something is told: another process may have the cell.
        if !std::mem::replace(begun, true) {
            audience.started(cell);
        }
        audience.progress(cell, told);
        audience.tick();
    }
}
