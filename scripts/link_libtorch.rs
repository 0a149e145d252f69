//! Build script of every crate that links libtorch: lets its binaries and tests find the libraries at run time.
//!
//! torch-sys passes the folder that it linked against (from `LIBTORCH` or from an installed PyTorch) as
//! `DEP_TCH_LIBTORCH_LIB`. Where that libtorch has CUDA, the linker must be told to keep `libtorch_cuda`, which no
//! symbol refers to directly; otherwise CUDA is not found.

use std::path::Path;

pub(crate) fn main() {
    println!("cargo:rerun-if-env-changed=DEP_TCH_LIBTORCH_LIB");
    let Ok(lib) = std::env::var("DEP_TCH_LIBTORCH_LIB") else {
        println!("cargo:warning=torch-sys named no libtorch folder; run ./just once, or set LIBTORCH");
        return;
    };
    println!("cargo:rustc-link-arg=-Wl,-rpath,{lib}");
    if Path::new(&lib).join("libtorch_cuda.so").exists() {
        println!("cargo:rustc-link-arg=-Wl,--no-as-needed,-L{lib},-ltorch_cuda,-ltorch,--as-needed");
    }
}
