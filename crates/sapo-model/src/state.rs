//! The name of what decides a loss: weights, adapters, number format, and what computes.

use std::path::Path;

use sapo_files::checksum;
use sha2::{Digest, Sha256};
use tch::Device;

use crate::hash::{adapter_sha256, model_sha256};
use crate::{FileHashes, LanguageModel, Lora, ModelError, runtime};

/// The files that the weights in memory are the sum of, beside the model's directory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin {
    /// SHA-256 of each, in the order in which they were added.
    adapters: Vec<[u8; 32]>,
}

/// Names a state of a model, and what computes with it: losses measured under equal names are equal, in another process
/// and at another time too, up to the order of float sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ModelState([u8; 32]);

impl ModelState {
    /// The 32 bytes of a SHA-256.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Display for ModelState {
    /// Lower-case hexadecimal digits.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&checksum::hexadecimal(&self.0))
    }
}

impl LanguageModel {
    /// The name of the state that the model is in; absent where files do not decide it, because the weights are fresh, or
    /// might have been trained since they were read.
    ///
    /// It is a SHA-256 over the files of the model's directory ([`crate::directory_sha256`]) and of the adapters that
    /// [`LanguageModel::fold_adapter_from`] added, the dtype, the kind of device, the library for products, the level of
    /// the CPU and libtorch's version. The directory is read now: whoever changes it under an open model gets the name of
    /// what lies there.
    ///
    /// # Errors
    /// Names the file that cannot be read.
    pub fn state(&self, hashes: &mut FileHashes) -> Result<Option<ModelState>, ModelError> {
        let Some(origin) = self.origin() else { return Ok(None) };
        let mut all = Sha256::new();
        all.update(model_sha256(self.path(), hashes)?);
        origin.adapters.iter().for_each(|adapter| all.update(adapter));
        let device = match self.device() {
            Device::Cpu => "cpu",
            Device::Cuda(_) => "cuda",
            _ => "other",
        };
        let dtype = format!("{:?}", self.kind());
        let (library, level) = (runtime::matmul_library().name(), runtime::cpu_level());
        all.update([&dtype, device, library, level, runtime::TORCH_VERSION].join("/"));
        Ok(Some(ModelState(all.finalize().into())))
    }

    /// Adds a saved adapter to the weights.
    ///
    /// # Errors
    /// As [`Lora::open`] and [`LanguageModel::fold_adapter`].
    pub fn fold_adapter_from(&mut self, directory: &Path) -> Result<(), ModelError> {
        let mut origin = self.origin().cloned();
        let sha256 = adapter_sha256(directory)?;
        let folded = self.fold_adapter(&Lora::open(directory)?);
        if let (Some(origin), Ok(())) = (&mut origin, &folded) {
            origin.adapters.push(sha256);
        }
        self.set_origin(origin);
        folded
    }
}
