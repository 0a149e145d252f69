//! Process-wide settings of libtorch and of the C allocator.
//!
//! Some are read from environment variables; one that says what nobody would follow is refused when a model is opened.

use std::ffi::OsStr;
use std::sync::OnceLock;

use crate::ModelError;

/// Prepares this process for model work: call first thing in `main`.
///
/// `threads` is the number of cores that libtorch may use for one operation. On glibc the allocator is told to keep
/// large freed blocks: returning them to the system after every tensor costs a quarter of a forward pass in page faults
/// (docs/performance.md). Numbers below the normal range of floats count as zero from then on: a trained model's attention
/// is full of them, and the processor takes many times as long over each.
pub fn init(threads: usize) {
    keep_large_blocks();
    crate::native::flush_denormals();
    tch::set_num_threads(i32::try_from(threads.max(1)).unwrap_or(i32::MAX));
}

/// What computes f32 products on the CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatmulLibrary {
    /// The BLAS that libtorch was linked with.
    Blas,
    /// oneDNN, which libtorch has too.
    OneDnn,
}

impl MatmulLibrary {
    /// As `SAPO_MATMUL` and run records spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blas => "blas",
            Self::OneDnn => "onednn",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Blas, Self::OneDnn].into_iter().find(|library| library.name() == name)
    }
}

/// The library for f32 products: `SAPO_MATMUL` where it says `blas` or `onednn`; otherwise oneDNN on a CPU with AVX-512
/// that is not Intel's, where MKL keeps to AVX2 and is half as fast (docs/performance.md), and the BLAS elsewhere.
///
/// Results differ in the last bits between the two, never between two runs with the same one. It is decided once a
/// process.
pub fn matmul_library() -> MatmulLibrary {
    static DECIDED: OnceLock<MatmulLibrary> = OnceLock::new();
    let fitting = || if mkl_keeps_to_avx2() { MatmulLibrary::OneDnn } else { MatmulLibrary::Blas };
    *DECIDED.get_or_init(|| MATMUL.get().ok().flatten().unwrap_or_else(fitting))
}

#[cfg(target_arch = "x86_64")]
fn mkl_keeps_to_avx2() -> bool {
    let vendor = std::arch::x86_64::__cpuid(0);
    let name: Vec<u8> =
        [vendor.ebx, vendor.edx, vendor.ecx].iter().flat_map(|part| part.to_le_bytes()).collect();
    std::arch::is_x86_feature_detected!("avx512f") && name != b"GenuineIntel"
}

#[cfg(not(target_arch = "x86_64"))]
fn mkl_keeps_to_avx2() -> bool {
    false
}

/// The level of x86-64 whose loops run on the CPU, `v2`, `v3` or `v4`: the best that this CPU has, or a lower one that
/// `SAPO_CPU_LEVEL` names; `v1` for the plain loops of other processors. Results differ in the last bits between levels.
pub fn cpu_level() -> &'static str {
    crate::native::cpu_level()
}

/// Threads that this process should use: `SAPO_THREADS` where the lab set it, otherwise all cores.
pub fn threads_from_env() -> usize {
    let all = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    THREADS.get().ok().flatten().unwrap_or(all)
}

/// An environment variable that decides how this process computes.
struct Variable<T> {
    name: &'static str,
    expected: &'static str,
    read: fn(&str) -> Option<T>,
}

const MATMUL: Variable<MatmulLibrary> =
    Variable { name: "SAPO_MATMUL", expected: "blas or onednn", read: MatmulLibrary::named };

const THREADS: Variable<usize> = Variable {
    name: "SAPO_THREADS",
    expected: "a whole number, 1 or more",
    read: |text| text.parse().ok().filter(|threads| *threads > 0),
};

/// What it says is followed by `native/dispatch.cpp`; the levels are those of `build.rs`.
const CPU_LEVEL: Variable<()> = if cfg!(target_arch = "x86_64") {
    Variable {
        name: "SAPO_CPU_LEVEL",
        expected: "v2, v3 or v4",
        read: |text| matches!(text, "v2" | "v3" | "v4").then_some(()),
    }
} else {
    Variable { name: "SAPO_CPU_LEVEL", expected: "v1", read: |text| (text == "v1").then_some(()) }
};

impl<T> Variable<T> {
    /// What it says; nothing where it is not set.
    fn get(&self) -> Result<Option<T>, ModelError> {
        let value = std::env::var_os(self.name);
        value.as_deref().map(OsStr::to_string_lossy).map(|value| self.of(&value)).transpose()
    }

    fn of(&self, value: &str) -> Result<T, ModelError> {
        let (variable, expected) = (self.name, self.expected);
        let refused = || ModelError::Environment { variable, expected, got: value.to_string() };
        (self.read)(value).ok_or_else(refused)
    }
}

/// Refuses environment variables that say what nobody would follow.
pub(crate) fn check_environment() -> Result<(), ModelError> {
    MATMUL.get()?;
    CPU_LEVEL.get()?;
    THREADS.get()?;
    Ok(())
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
fn keep_large_blocks() {
    // SAFETY: mallopt only sets allocator parameters; any value is allowed, a refused one is reported by its result.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 30);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
        libc::mallopt(libc::M_TOP_PAD, 256 << 20);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn keep_large_blocks() {}

/// Version of the libtorch that tch 0.24 binds, for run records.
pub const TORCH_VERSION: &str = "2.11.0";

/// The device that a command-line name stands for: `cpu`, `cuda`, `cuda:1`.
///
/// # Errors
/// A message that names the accepted forms, or says that this libtorch sees no such device.
pub fn parse_device(name: &str) -> Result<tch::Device, String> {
    let index = match name {
        "cpu" => return Ok(tch::Device::Cpu),
        "cuda" => 0,
        other => other
            .strip_prefix("cuda:")
            .and_then(|n| n.parse::<usize>().ok())
            .ok_or_else(|| format!("unknown device {other:?}: expected cpu, cuda or cuda:N"))?,
    };
    let count = tch::Cuda::device_count();
    if i64::try_from(index).is_ok_and(|index| index < count) {
        Ok(tch::Device::Cuda(index))
    } else {
        Err(format!("no CUDA device {index}: this libtorch sees {count}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environment_variables_say_what_is_known_or_are_refused_by_name() {
        assert_eq!(MATMUL.of("onednn").unwrap(), MatmulLibrary::OneDnn);
        assert_eq!(MATMUL.of("blas").unwrap(), MatmulLibrary::Blas);
        assert_eq!(THREADS.of("3").unwrap(), 3);
        assert!(CPU_LEVEL.of(cpu_level()).is_ok());
        let told = |refused: ModelError| refused.to_string();
        assert_eq!(
            told(MATMUL.of("mkl").unwrap_err()),
            "environment variable SAPO_MATMUL: expected blas or onednn, got \"mkl\""
        );
        for threads in ["0", "-1", "all", ""] {
            let refused = told(THREADS.of(threads).unwrap_err());
            assert!(refused.starts_with("environment variable SAPO_THREADS: expected a whole"), "{refused}");
        }
        let refused = told(CPU_LEVEL.of("avx2").unwrap_err());
        assert!(refused.contains("SAPO_CPU_LEVEL") && refused.ends_with("got \"avx2\""), "{refused}");
    }
}
