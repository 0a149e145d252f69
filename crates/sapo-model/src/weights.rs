//! Named tensors on disk: safetensors files, whole or sharded, memory-mapped.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::{MmapMut, MmapOptions};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use safetensors::tensor::{Dtype, View};
use safetensors::{SafeTensorError, SafeTensors};
use sapo_files::whole;
use tch::{Device, Kind, Tensor};

use crate::linear::{Linear, WeightLayout};
use crate::norm::Norm;
use crate::{ModelError, native};

/// Hands tensors out by name and shape, and at the end says what did not fit.
///
/// Files are mapped, not read: a tensor that is wanted on the CPU in the dtype it has on disk is the file's own memory,
/// shared with the system's cache until somebody writes to it (then page by page a private copy), so that no second copy
/// of the weights exists. The same interface makes fresh random weights for pre-training, so that a family has one way of
/// being built.
#[derive(Debug)]
pub struct Weights {
    source: Source,
    path: PathBuf,
    kind: Kind,
    device: Device,
    /// Left out in front of names where no name in the files begins with it.
    prefix: &'static str,
    missing: Vec<String>,
    misfits: Vec<String>,
}

/// The weights in one file.
pub(crate) const SINGLE: &str = "model.safetensors";

/// Where the tensors of sharded weights are.
pub(crate) const INDEX: &str = "model.safetensors.index.json";

#[derive(Debug)]
enum Source {
    Files(HashMap<String, Stored>),
    Random { std: f64, rng: Box<ChaCha8Rng> },
}

/// A tensor in a mapped file.
#[derive(Debug)]
struct Stored {
    file: Arc<Mapped>,
    dtype: Dtype,
    shape: Vec<i64>,
    /// Where its bytes begin, in a file long enough to hold them all.
    start: usize,
}

/// A whole file in memory, private to this process: writing to it does not reach the disk.
#[derive(Debug)]
struct Mapped {
    /// Kept for unmapping it at the end; reached through `data` alone.
    _map: MmapMut,
    data: *mut u8,
}

// SAFETY: `data` points into `_map`, which does not move; who writes through it is libtorch's affair, as with any tensor.
#[allow(unsafe_code)]
unsafe impl Send for Mapped {}
#[allow(unsafe_code)]
unsafe impl Sync for Mapped {}

/// Names that some checkpoints carry and no decoder reads: heads that are tied, constant masks and frequencies.
fn is_ignorable(name: &str) -> bool {
    ["lm_head.weight", "embed_out.weight"].contains(&name)
        || [
            "rotary_emb.inv_freq",
            ".attn.bias",
            ".attn.masked_bias",
            ".attention.bias",
            ".attention.masked_bias",
        ]
        .iter()
        .any(|ending| name.ends_with(ending))
}

impl Weights {
    /// Maps `model.safetensors`, or the shards that `model.safetensors.index.json` lists.
    ///
    /// # Errors
    /// Names the file that is missing, cut short or not a safetensors file.
    pub fn open(directory: &Path, kind: Kind, device: Device) -> Result<Self, ModelError> {
        let single = directory.join(SINGLE);
        let index = directory.join(INDEX);
        let paths =
            if single.exists() || !index.exists() { vec![single] } else { shards(directory, &index)? };
        Self::open_files(&paths, directory, kind, device)
    }

    /// Maps one safetensors file.
    ///
    /// # Errors
    /// As [`Weights::open`].
    pub fn open_file(path: &Path, kind: Kind, device: Device) -> Result<Self, ModelError> {
        Self::open_files(&[path.to_path_buf()], path, kind, device)
    }

    fn open_files(paths: &[PathBuf], shown: &Path, kind: Kind, device: Device) -> Result<Self, ModelError> {
        let mut stored = HashMap::new();
        for path in paths {
            stored.extend(map_file(path)?);
        }
        Ok(Self::from_source(Source::Files(stored), shown, kind, device))
    }

    /// Fresh weights: matrices normal with standard deviation `std`, factors of norms one, biases zero; the same for a seed.
    pub fn random(std: f64, seed: u64, kind: Kind, device: Device) -> Self {
        let rng = Box::new(ChaCha8Rng::seed_from_u64(seed));
        Self::from_source(Source::Random { std, rng }, Path::new("(random)"), kind, device)
    }

    fn from_source(source: Source, path: &Path, kind: Kind, device: Device) -> Self {
        Self {
            source,
            path: path.to_path_buf(),
            kind,
            device,
            prefix: "",
            missing: Vec::new(),
            misfits: Vec::new(),
        }
    }

    /// Where the tensors are wanted.
    pub(crate) fn device(&self) -> Device {
        self.device
    }

    /// Whether the files hold a tensor of that name.
    pub(crate) fn has(&self, name: &str) -> bool {
        matches!(&self.source, Source::Files(stored) if stored.contains_key(name))
    }

    /// Names that the files hold and that nobody has taken yet, in no order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let stored = match &self.source {
            Source::Files(stored) => Some(stored.keys().map(String::as_str)),
            Source::Random { .. } => None,
        };
        stored.into_iter().flatten()
    }

    /// Shape of the tensor of that name in the files.
    pub(crate) fn shape(&self, name: &str) -> Option<Vec<i64>> {
        match &self.source {
            Source::Files(stored) => stored.get(name).map(|found| found.shape.clone()),
            Source::Random { .. } => None,
        }
    }

    /// From now on `prefix` in front of a name may be left out in the files, in all of them or in none.
    pub(crate) fn allow_without_prefix(&mut self, prefix: &'static str) {
        let is_without = matches!(&self.source, Source::Files(stored) if !stored.keys().any(|name| name.starts_with(prefix)));
        self.prefix = if is_without { prefix } else { "" };
    }

    /// `{name}.weight` `[out, in]` and, with `bias`, `{name}.bias` `[out]`.
    pub(crate) fn linear(&mut self, name: &str, out: i64, inp: i64, bias: bool) -> Linear {
        let weight = self.take(&format!("{name}.weight"), &[out, inp]);
        let bias = bias.then(|| self.take(&format!("{name}.bias"), &[out]));
        Linear { weight, bias, layout: WeightLayout::OutIn, lora: RefCell::default() }
    }

    /// `{name}.weight` `[in, out]` and `{name}.bias` `[out]`: GPT-2's layout.
    pub(crate) fn conv1d(&mut self, name: &str, out: i64, inp: i64) -> Linear {
        let weight = self.take(&format!("{name}.weight"), &[inp, out]);
        let bias = Some(self.take(&format!("{name}.bias"), &[out]));
        Linear { weight, bias, layout: WeightLayout::InOut, lora: RefCell::default() }
    }

    /// `{name}.weight` and `{name}.bias`, both `[width]`.
    pub(crate) fn layer_norm(&mut self, name: &str, width: i64, eps: f64) -> Norm {
        let weight = self.take(&format!("{name}.weight"), &[width]);
        let bias = self.take(&format!("{name}.bias"), &[width]);
        Norm::Layer { weight, bias, eps }
    }

    /// `{name}.weight` `[width]` of an RMSNorm that multiplies by `offset + weight`.
    pub(crate) fn rms_norm(&mut self, name: &str, width: i64, eps: f64, offset: f64) -> Norm {
        let stored = self.take(&format!("{name}.weight"), &[width]);
        let weight = match self.source {
            Source::Files(_) => stored,
            Source::Random { .. } => stored - offset, // so that a fresh norm changes no sizes
        };
        Norm::Rms { weight, eps, offset }
    }

    /// The tensor of that name. A missing or wrongly shaped one is noted for [`Weights::finish`], and zeros stand in.
    pub fn take(&mut self, name: &str, shape: &[i64]) -> Tensor {
        let zeros = || Tensor::zeros(shape, (self.kind, self.device));
        match &mut self.source {
            Source::Random { .. } if name.ends_with(".bias") => zeros(),
            Source::Random { std, rng } => {
                random_tensor(shape, *std, rng).to_kind(self.kind).to_device(self.device)
            }
            Source::Files(stored) => {
                let Some(found) = stored.remove(name.strip_prefix(self.prefix).unwrap_or(name)) else {
                    self.missing.push(name.to_string());
                    return zeros();
                };
                if kind_of(found.dtype).is_none() {
                    let problem =
                        format!("{name} has dtype {:?}, expected F32, F16, BF16 or F64", found.dtype);
                    self.misfits.push(problem);
                    return zeros();
                }
                if found.shape != shape {
                    self.misfits.push(format!("{name} is {:?}, expected {shape:?}", found.shape));
                    return zeros();
                }
                found.tensor().to_kind(self.kind).to_device(self.device)
            }
        }
    }

    /// Ends the loading.
    ///
    /// # Errors
    /// Lists every name that was missing, left over, or of a wrong shape or dtype.
    pub fn finish(self) -> Result<(), ModelError> {
        let mut left_over: Vec<String> = match self.source {
            Source::Files(stored) => stored.into_keys().filter(|name| !is_ignorable(name)).collect(),
            Source::Random { .. } => Vec::new(),
        };
        left_over.sort();
        let mut problems = Vec::new();
        for (what, names) in
            [("missing", self.missing), ("wrong shape or dtype", self.misfits), ("left over", left_over)]
        {
            if !names.is_empty() {
                problems.push(format!("{what}: {}", names.join(", ")));
            }
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(ModelError::Weights { path: self.path, problem: problems.join("; ") })
        }
    }
}

/// The files that the index lists, each once.
pub(crate) fn shards(directory: &Path, index: &Path) -> Result<Vec<PathBuf>, ModelError> {
    #[derive(serde::Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let text = std::fs::read_to_string(index).map_err(ModelError::io("read", index))?;
    let index: Index = serde_json::from_str(&text).map_err(|error| ModelError::malformed(index, error))?;
    let mut names: Vec<String> = index.weight_map.into_values().collect();
    names.sort();
    names.dedup();
    Ok(names.into_iter().map(|name| directory.join(name)).collect())
}

/// The tensors of a mapped file.
#[allow(unsafe_code)]
fn map_file(path: &Path) -> Result<Vec<(String, Stored)>, ModelError> {
    let file = std::fs::File::open(path).map_err(ModelError::io("open", path))?;
    // SAFETY: the map is private to this process. A file that another program shortens meanwhile would fault; checkpoints
    // are written by rename (here and by Hugging Face tools), never in place.
    let mut map = unsafe { MmapOptions::new().map_copy(&file) }.map_err(ModelError::io("map", path))?;
    let refused = |error| ModelError::malformed(path, format!("not a whole safetensors file: {error}"));
    let mut found = Vec::new();
    for (name, view) in SafeTensors::deserialize(&map).map_err(refused)?.iter() {
        let dtype = view.dtype(); // of any kind: masks that nobody reads are of booleans
        let shape: Vec<i64> = view.shape().iter().map(|&n| n as i64).collect();
        let start = view.data().as_ptr() as usize - map.as_ptr() as usize;
        found.push((name.to_string(), dtype, shape, start));
    }
    let data = map.as_mut_ptr();
    let file = Arc::new(Mapped { _map: map, data });
    let stored = |dtype, shape, start| Stored { file: Arc::clone(&file), dtype, shape, start };
    Ok(found.into_iter().map(|(name, dtype, shape, start)| (name, stored(dtype, shape, start))).collect())
}

fn kind_of(dtype: Dtype) -> Option<Kind> {
    match dtype {
        Dtype::F32 => Some(Kind::Float),
        Dtype::F16 => Some(Kind::Half),
        Dtype::BF16 => Some(Kind::BFloat16),
        Dtype::F64 => Some(Kind::Double),
        _ => None,
    }
}

impl Stored {
    /// The tensor over the file's memory, or a copy of it where it begins at an odd address.
    #[allow(unsafe_code)]
    fn tensor(&self) -> Tensor {
        let kind = kind_of(self.dtype).unwrap_or(Kind::Float);
        let width = kind.elt_size_in_bytes();
        // SAFETY: safetensors has checked that every tensor lies within the file, which `file` keeps mapped.
        unsafe {
            let data = self.file.data.add(self.start);
            if (data as usize).is_multiple_of(width) {
                return native::tensor_over(data, &self.shape, kind, Arc::clone(&self.file));
            }
            let count: i64 = self.shape.iter().product();
            Tensor::from_data_size(
                std::slice::from_raw_parts(data, count as usize * width),
                &self.shape,
                kind,
            )
        }
    }
}

/// Standard normal values by Box and Muller from a named generator, so that initial weights do not depend on libtorch's
/// process-wide random state.
fn random_tensor(shape: &[i64], std: f64, rng: &mut ChaCha8Rng) -> Tensor {
    if shape.len() == 1 {
        return Tensor::ones(shape, (Kind::Float, Device::Cpu));
    }
    let count = shape.iter().product::<i64>() as usize;
    let values: Vec<f32> = (0..count)
        .map(|_| {
            let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
            ((-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos() * std) as f32
        })
        .collect();
    Tensor::from_slice(&values).reshape(shape)
}

/// Writes tensors as one safetensors file in their own dtype, whole or not at all: beside, fsync, rename. Tensors on the
/// CPU are written from where they are, without a copy.
///
/// # Errors
/// Names the file and the operation.
pub fn save_safetensors(path: &Path, tensors: &[(String, &Tensor)]) -> Result<(), ModelError> {
    let mut views = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        let tensor = tensor.detach().to_device(Device::Cpu).contiguous();
        let dtype = match tensor.kind() {
            Kind::Float => Dtype::F32,
            Kind::Half => Dtype::F16,
            Kind::BFloat16 => Dtype::BF16,
            other => return Err(ModelError::malformed(path, format!("{name}: cannot save dtype {other:?}"))),
        };
        let shape = tensor.size().iter().map(|&n| n as usize).collect();
        views.push((name.clone(), Saved { tensor, dtype, shape }));
    }
    // transformers refuses a file that does not say which framework's layout it has
    let metadata = HashMap::from([("format".to_string(), "pt".to_string())]);
    let written: Result<(), SafeTensorError> = whole::write_with(path, |beside| {
        // the library makes a file that nobody else may read; this one gets the permissions of any new file
        let permissions = std::fs::metadata(beside)?.permissions();
        safetensors::serialize_to_file(views, Some(metadata), beside)?;
        Ok(std::fs::set_permissions(beside, permissions)?)
    });
    written.map_err(|error| match error {
        SafeTensorError::IoError(source) => ModelError::io("write", path)(source),
        other => ModelError::malformed(path, other),
    })?;
    sync_name(path)
}

/// A contiguous tensor on the CPU, as safetensors writes it.
struct Saved {
    tensor: Tensor,
    dtype: Dtype,
    shape: Vec<usize>,
}

impl View for Saved {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    #[allow(unsafe_code)]
    fn data(&self) -> Cow<'_, [u8]> {
        // SAFETY: a contiguous tensor on the CPU holds that many bytes from there on, for as long as it lives.
        Cow::Borrowed(unsafe { std::slice::from_raw_parts(self.tensor.data_ptr().cast(), self.data_len()) })
    }

    fn data_len(&self) -> usize {
        self.tensor.numel() * self.tensor.kind().elt_size_in_bytes()
    }
}

/// Writes a file beside its place, syncs it and renames it there.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    whole::write_with(path, |beside| std::fs::write(beside, bytes)).map_err(ModelError::io("write", path))?;
    sync_name(path)
}

/// Without it the name may be lost with the power.
fn sync_name(path: &Path) -> Result<(), ModelError> {
    whole::sync_folder(whole::folder_of(path)).map_err(ModelError::io("write", path))
}
