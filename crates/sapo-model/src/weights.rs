//! Named tensors on disk: safetensors files, whole or sharded, memory-mapped.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use tch::{Device, Kind, Tensor};

use crate::ModelError;

/// Hands tensors out by name and shape, and at the end says what did not fit.
///
/// The same interface makes fresh random weights for pre-training, so that a family has one way of being built.
#[derive(Debug)]
pub struct Weights {
    source: Source,
    path: PathBuf,
    kind: Kind,
    device: Device,
    missing: Vec<String>,
    misfits: Vec<String>,
}

#[derive(Debug)]
enum Source {
    Files { files: Vec<Mmap>, place: HashMap<String, usize> },
    Random { std: f64, rng: Box<ChaCha8Rng> },
}

/// Names that some checkpoints carry and no decoder reads.
fn is_ignorable(name: &str) -> bool {
    name.ends_with("rotary_emb.inv_freq") || name == "lm_head.weight"
}

impl Weights {
    /// Maps `model.safetensors`, or the shards that `model.safetensors.index.json` lists.
    ///
    /// # Errors
    /// Names the file that is missing, cut short or not a safetensors file.
    pub fn open(directory: &Path, kind: Kind, device: Device) -> Result<Self, ModelError> {
        let single = directory.join("model.safetensors");
        let index = directory.join("model.safetensors.index.json");
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
        let mut files = Vec::new();
        let mut place = HashMap::new();
        for path in paths {
            let map = map_file(path)?;
            let tensors = SafeTensors::deserialize(&map).map_err(|error| {
                ModelError::malformed(path, format!("not a whole safetensors file: {error}"))
            })?;
            for name in tensors.names() {
                place.insert(name.to_string(), files.len());
            }
            files.push(map);
        }
        Ok(Self::from_source(Source::Files { files, place }, shown, kind, device))
    }

    /// Fresh weights: matrices normal with standard deviation `std`, norms one, biases zero; the same for a seed.
    pub fn random(std: f64, seed: u64, kind: Kind, device: Device) -> Self {
        let rng = Box::new(ChaCha8Rng::seed_from_u64(seed));
        Self::from_source(Source::Random { std, rng }, Path::new("(random)"), kind, device)
    }

    fn from_source(source: Source, path: &Path, kind: Kind, device: Device) -> Self {
        Self { source, path: path.to_path_buf(), kind, device, missing: Vec::new(), misfits: Vec::new() }
    }

    /// The tensor of that name. A missing or wrongly shaped one is noted for [`Weights::finish`], and zeros stand in.
    pub fn take(&mut self, name: &str, shape: &[i64]) -> Tensor {
        let zeros = || Tensor::zeros(shape, (self.kind, self.device));
        match &mut self.source {
            Source::Random { .. } if name.ends_with(".bias") => zeros(),
            Source::Random { std, rng } => {
                random_tensor(shape, *std, rng).to_kind(self.kind).to_device(self.device)
            }
            Source::Files { files, place } => {
                let Some(file) = place.remove(name) else {
                    self.missing.push(name.to_string());
                    return zeros();
                };
                match read_tensor(&files[file], name) {
                    Err(problem) => {
                        self.misfits.push(format!("{name} {problem}"));
                        zeros()
                    }
                    Ok(tensor) if tensor.size() != shape => {
                        self.misfits.push(format!("{name} is {:?}, expected {shape:?}", tensor.size()));
                        zeros()
                    }
                    Ok(tensor) => tensor.to_kind(self.kind).to_device(self.device),
                }
            }
        }
    }

    /// Ends the loading.
    ///
    /// # Errors
    /// Lists every name that was missing, left over, or of a wrong shape or dtype.
    pub fn finish(self) -> Result<(), ModelError> {
        let mut left_over: Vec<String> = match self.source {
            Source::Files { place, .. } => place.into_keys().filter(|name| !is_ignorable(name)).collect(),
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

fn shards(directory: &Path, index: &Path) -> Result<Vec<PathBuf>, ModelError> {
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

#[allow(unsafe_code)]
fn map_file(path: &Path) -> Result<Mmap, ModelError> {
    let file = std::fs::File::open(path).map_err(ModelError::io("open", path))?;
    // SAFETY: the map is read-only and private to this struct. A file that another program shortens meanwhile would
    // fault; checkpoints are written by rename (here and by Hugging Face tools), never in place.
    unsafe { Mmap::map(&file) }.map_err(ModelError::io("map", path))
}

/// The tensor of that name in a mapped file, or what is wrong with it.
fn read_tensor(file: &Mmap, name: &str) -> Result<Tensor, String> {
    let tensors = SafeTensors::deserialize(file).map_err(|error| format!("cannot be read: {error}"))?;
    let view = tensors.tensor(name).map_err(|error| format!("cannot be read: {error}"))?;
    let kind = match view.dtype() {
        Dtype::F32 => Kind::Float,
        Dtype::F16 => Kind::Half,
        Dtype::BF16 => Kind::BFloat16,
        Dtype::F64 => Kind::Double,
        other => return Err(format!("has dtype {other:?}, expected F32, F16, BF16 or F64")),
    };
    let shape: Vec<i64> = view.shape().iter().map(|&n| n as i64).collect();
    Tensor::f_from_data_size(view.data(), &shape, kind).map_err(|error| format!("cannot be read: {error}"))
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

/// Writes tensors as one safetensors file in their own dtype, whole or not at all: beside, fsync, rename.
///
/// # Errors
/// Names the file and the operation.
pub fn save_safetensors(path: &Path, tensors: &[(String, &Tensor)]) -> Result<(), ModelError> {
    let mut held: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
    for (name, tensor) in tensors {
        let tensor = tensor.detach().to_device(Device::Cpu).contiguous();
        let (dtype, width) = match tensor.kind() {
            Kind::Float => (Dtype::F32, 4),
            Kind::Half => (Dtype::F16, 2),
            Kind::BFloat16 => (Dtype::BF16, 2),
            other => return Err(ModelError::malformed(path, format!("{name}: cannot save dtype {other:?}"))),
        };
        let count = tensor.numel();
        let mut bytes = vec![0_u8; count * width];
        tensor.f_copy_data_u8(&mut bytes, count)?;
        held.push((name.clone(), dtype, tensor.size().iter().map(|&n| n as usize).collect(), bytes));
    }
    let mut views = Vec::new();
    for (name, dtype, shape, bytes) in &held {
        let view = TensorView::new(*dtype, shape.clone(), bytes)
            .map_err(|error| ModelError::malformed(path, error))?;
        views.push((name.clone(), view));
    }
    // transformers refuses a file that does not say which framework's layout it has
    let metadata = HashMap::from([("format".to_string(), "pt".to_string())]);
    let bytes =
        safetensors::serialize(views, Some(metadata)).map_err(|error| ModelError::malformed(path, error))?;
    write_whole(path, &bytes)
}

/// Writes a file beside its place, syncs it and renames it there.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    let beside = path.with_extension(format!("partial-{}", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut file = std::fs::File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    };
    write().map_err(|error| {
        let _ = std::fs::remove_file(&beside);
        ModelError::io("write", path)(error)
    })
}
