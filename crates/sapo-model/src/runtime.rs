//! Process-wide settings of libtorch and of the C allocator.

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
}

/// The library for f32 products: `SAPO_MATMUL` where it says `blas` or `onednn`; otherwise oneDNN on a CPU with AVX-512
/// that is not Intel's, where MKL keeps to AVX2 and is half as fast (docs/performance.md), and the BLAS elsewhere.
///
/// Results differ in the last bits between the two, never between two runs with the same one.
pub fn matmul_library() -> MatmulLibrary {
    match std::env::var("SAPO_MATMUL").as_deref() {
        Ok("blas") => MatmulLibrary::Blas,
        Ok("onednn") => MatmulLibrary::OneDnn,
        _ if mkl_keeps_to_avx2() => MatmulLibrary::OneDnn,
        _ => MatmulLibrary::Blas,
    }
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
    std::env::var("SAPO_THREADS").ok().and_then(|text| text.parse().ok()).filter(|n| *n > 0).unwrap_or(all)
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
