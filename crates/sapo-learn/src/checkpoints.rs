//! The state of a training under way, for another process to go on with it bit for bit.
//!
//! `state.json` names the file of tensors beside it and that file's checksum; it is replaced last, so that a kill at any
//! instant leaves the state before or the state after.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sapo_files::checksum;
use sapo_model::{Device, Kind, Weights, native, save_safetensors};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tch::Tensor;

use crate::{AdamW, LearnError, TrainOutcome, sealed};

/// Where and how often a training writes its state down.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    folder: PathBuf,
    every: Duration,
    stop: fn() -> bool,
}

/// The state of a training after an optimiser step, but for the tensors.
///
/// The order of the examples and the learning rate follow from the seed and the number of the step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TrainingState {
    pub(crate) seed: u64,
    /// Examples of an epoch.
    pub(crate) examples: usize,
    /// Of libtorch's generator, which draws the dropout.
    pub(crate) generator: Vec<u8>,
    /// What the source of texts remembers.
    pub(crate) texts: Value,
    /// All steps so far.
    pub(crate) outcomes: Vec<TrainOutcome>,
    /// Wall-clock so far.
    pub(crate) seconds: f64,
}

#[derive(Serialize, Deserialize)]
struct StateFile {
    tensors: String,
    tensors_sha256: String,
    #[serde(flatten)]
    state: TrainingState,
}

impl Checkpoints {
    /// In `folder`, after a step where `every` has passed since the last time.
    pub fn new(folder: &Path, every: Duration) -> Self {
        Self { folder: folder.into(), every, stop: || false }
    }

    /// Training stops after a step, with its state written down, as soon as `stop` says so.
    #[must_use]
    pub fn until(self, stop: fn() -> bool) -> Self {
        Self { stop, ..self }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the training has been asked to stop.
    pub(crate) fn stop_is_asked(&self) -> bool {
        (self.stop)()
    }

    /// Whether the state is to be written down again.
    pub(crate) fn is_due(&self, last: Instant) -> bool {
        last.elapsed() >= self.every
    }

    /// Wall-clock seconds that earlier processes spent on the training under way.
    ///
    /// # Errors
    /// Names the file that cannot be read.
    pub fn earlier_seconds(&self) -> Result<f64, LearnError> {
        Ok(self.read()?.map_or(0.0, |file| file.state.seconds))
    }

    /// Seconds from now on, and those that earlier processes spent on the training under way.
    ///
    /// # Errors
    /// As [`Checkpoints::earlier_seconds`].
    pub(crate) fn stopwatch(checkpoints: Option<&Self>) -> Result<impl Fn() -> f64, LearnError> {
        let earlier = checkpoints.map_or(Ok(0.0), Self::earlier_seconds)?;
        let started = Instant::now();
        Ok(move || earlier + started.elapsed().as_secs_f64())
    }

    /// Writes the state down, in place of the last one.
    pub(crate) fn save(&self, optimizer: &AdamW, state: TrainingState) -> Result<(), LearnError> {
        let folder = &self.folder;
        std::fs::create_dir_all(folder).map_err(io("create", folder))?;
        let tensors = format!("step-{}.safetensors", state.outcomes.len());
        let path = folder.join(&tensors);
        let (_, first, second) = optimizer.state();
        let lists = [optimizer.masters(), first, second];
        let named = names(first.len()).into_iter().zip(lists.into_iter().flatten());
        save_safetensors(&path, &named.collect::<Vec<_>>())?;
        let (_, tensors_sha256) = checksum::of_file(&path).map_err(io("read", &path))?;
        let file = StateFile { tensors, tensors_sha256, state };
        sealed::write(&self.state_file(), &file)?;
        for entry in std::fs::read_dir(folder).map_err(io("list", folder))? {
            let path = entry.map_err(io("list", folder))?.path();
            if path != self.state_file() && path != folder.join(&file.tensors) {
                std::fs::remove_file(&path).map_err(io("remove", &path))?;
            }
        }
        Ok(())
    }

    /// Gives the optimiser and its parameters the state that was written down last; none where nothing was.
    pub(crate) fn restore(&self, optimizer: &mut AdamW) -> Result<Option<TrainingState>, LearnError> {
        let Some(StateFile { tensors, tensors_sha256, state }) = self.read()? else { return Ok(None) };
        let path = self.folder.join(tensors);
        let (_, found) = checksum::of_file(&path).map_err(io("read", &path))?;
        if found != tensors_sha256 {
            let problem = format!("its SHA-256 is {found}, expected {tensors_sha256}");
            return Err(LearnError::Damaged { path, problem });
        }
        let mut file = Weights::open_file(&path, Kind::Float, Device::Cpu)?;
        let shapes: Vec<Vec<i64>> = optimizer.parameters().iter().map(Tensor::size).collect();
        let device = optimizer.parameters().first().map_or(Device::Cpu, Tensor::device);
        let lists: Vec<Tensor> = names(shapes.len())
            .iter()
            .zip(shapes.iter().cycle())
            .map(|(name, shape)| file.take(name, shape).to_device(device))
            .collect();
        file.finish()?;
        let mut lists = lists.into_iter();
        let mut next = || lists.by_ref().take(shapes.len()).collect::<Vec<_>>();
        let (masters, first, second) = (next(), next(), next());
        optimizer.restore(state.outcomes.len() as i32, &masters, first, second);
        if let Some(like) = optimizer.parameters().first() {
            native::set_generator_state(like, &state.generator);
        }
        Ok(Some(state))
    }

    /// The training is over, and what it led to is kept elsewhere.
    ///
    /// # Errors
    /// Names the folder that cannot be removed.
    pub fn remove(&self) -> Result<(), LearnError> {
        // the state first: without it the tensors are nobody's
        for result in [std::fs::remove_file(self.state_file()), std::fs::remove_dir_all(&self.folder)] {
            match result {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(io("remove", &self.folder)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn read(&self) -> Result<Option<StateFile>, LearnError> {
        sealed::read(&self.state_file())
    }

    fn state_file(&self) -> PathBuf {
        self.folder.join("state.json")
    }
}

/// Names of the masters, the first and the second moments of `count` parameters.
fn names(count: usize) -> Vec<String> {
    let of = |list: &'static str| (0..count).map(move |i| format!("{list}.{i}"));
    ["parameter", "first_moment", "second_moment"].into_iter().flat_map(of).collect()
}

fn io(operation: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> LearnError {
    let path = path.to_owned();
    move |source| LearnError::State { operation, path, source }
}
