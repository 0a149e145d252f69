//! Compiles `native/` against libtorch's headers, and lets tests find libtorch at run time.

use std::path::{Path, PathBuf};

#[path = "../../scripts/link_libtorch.rs"]
mod link_libtorch;

/// Name, compiler flag: the levels of x86-64 that `native/loops.cpp` is compiled for.
const X86_LEVELS: [(&str, &str); 3] =
    [("v2", "-march=x86-64-v2"), ("v3", "-march=x86-64-v3"), ("v4", "-march=x86-64-v4")];

fn main() {
    link_libtorch::main();
    println!("cargo:rerun-if-changed=native");
    let Some(lib) = std::env::var_os("DEP_TCH_LIBTORCH_LIB").map(PathBuf::from) else {
        return; // link_libtorch has said so
    };
    let include = lib.parent().unwrap_or(Path::new("")).join("include");

    let is_x86 = std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "x86_64");
    let levels: &[(&str, &str)] = if is_x86 { &X86_LEVELS } else { &[("v1", "-O3")] };
    for (level, flag) in levels {
        compiler()
            .flag(flag)
            .flag("-fno-math-errno")
            .flag("-fno-trapping-math")
            .flag_if_supported("-mprefer-vector-width=512")
            .define("SAPO_LOOPS", format!("loops_{level}").as_str())
            .file("native/loops.cpp")
            .compile(&format!("sapo_loops_{level}"));
    }
    let mut shim = compiler();
    if is_x86 {
        shim.define("SAPO_X86_LEVELS", None);
    }
    shim.include(&include)
        .include(include.join("torch/csrc/api/include"))
        .define("_GLIBCXX_USE_CXX11_ABI", "1")
        .file("native/dispatch.cpp")
        .file("native/shim.cpp")
        .compile("sapo_native");
}

fn compiler() -> cc::Build {
    let mut build = cc::Build::new();
    build.cpp(true).std("c++17").opt_level(3).warnings(false);
    build
}
