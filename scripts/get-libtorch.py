#!/usr/bin/env python3
"""Makes sure that there is a libtorch of the version that `tch` binds to.

usage: get-libtorch.py LINK

Honours LIBTORCH_USE_PYTORCH and LIBTORCH (checks their version). Otherwise brings a CPU-only libtorch, made from pinned
wheels, into the per-user cache and points the symbolic link LINK at it; `.cargo/config.toml` names that link.
"""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import wheels

TORCH = "2.11.0"  # tch 0.24.0 binds to this one version

_X86 = ("manylinux_2_28_x86_64", "manylinux_2_25_x86_64", "manylinux2014_x86_64")
_ARM = ("manylinux_2_28_aarch64", "manylinux_2_25_aarch64", "manylinux2014_aarch64")
_MAC = ("macosx_11_0_arm64",)
_CUDA_STUBS = ("nvidia/cu13/lib/libcudart.so.13", "nvidia/cu13/lib/libcupti.so.13")

# For each platform: the wheels, the libraries taken from them, and the megabytes to download and to keep.
# The Linux wheels' libtorch_cpu names two small CUDA libraries even where there is no GPU; hence the second and third.
SOURCES = {
    "linux-x86_64": (
        [
            wheels.Wheel("torch==2.11.0", "7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a", _X86),
            wheels.Wheel(
                "nvidia-cuda-runtime==13.0.96", "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548", _X86
            ),
            wheels.Wheel(
                "nvidia-cuda-cupti==13.0.85", "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8", _X86
            ),
        ],
        ("torch/lib/libtorch_cpu.so", "torch/lib/libc10.so", "torch/lib/libgomp.so.1", *_CUDA_STUBS),
        (544, 498),
    ),
    "linux-aarch64": (
        [
            wheels.Wheel("torch==2.11.0", "d91aac77f24082809d2c5a93f52a5f085032740a1ebc9252a7b052ef5a4fddc6", _ARM),
            wheels.Wheel(
                "nvidia-cuda-runtime==13.0.96", "ef9bcbe90493a2b9d810e43d249adb3d02e98dd30200d86607d8d02687c43f55", _ARM
            ),
            wheels.Wheel(
                "nvidia-cuda-cupti==13.0.85", "796bd679890ee55fb14a94629b698b6db54bcfd833d391d5e94017dd9d7d3151", _ARM
            ),
        ],
        (
            "torch/lib/libtorch_cpu.so",
            "torch/lib/libc10.so",
            "torch/lib/libgomp.so.1",
            "torch/lib/libarm_compute.so",
            "torch/lib/libarm_compute_graph.so",
            "torch/lib/libnvpl_blas_core.so.0",
            "torch/lib/libnvpl_blas_lp64_gomp.so.0",
            "torch/lib/libnvpl_lapack_core.so.0",
            "torch/lib/libnvpl_lapack_lp64_gomp.so.0",
            *_CUDA_STUBS,
        ),
        (433, 350),
    ),
    "macos-arm64": (
        [wheels.Wheel("torch==2.11.0", "7b6a60d48062809f58595509c524b88e6ddec3ebe25833d6462eeab81e5f2ce4", _MAC)],
        (
            "torch/lib/libtorch.dylib",
            "torch/lib/libtorch_cpu.dylib",
            "torch/lib/libc10.dylib",
            "torch/lib/libomp.dylib",
        ),
        (81, 280),
    ),
}

PYTHON_PRINT_TORCH_VERSION = """
import importlib.util, pathlib, runpy
found = importlib.util.find_spec("torch")
if found: print(runpy.run_path(str(pathlib.Path(found.origin).with_name("version.py")))["__version__"])
"""


def main():
    link = Path(sys.argv[1]).absolute()
    if "LIBTORCH_USE_PYTORCH" in os.environ:  # torch-sys, too, looks at this one first and takes any value for yes
        check_pytorch()
    elif os.environ.get("LIBTORCH"):
        check_folder(Path(os.environ["LIBTORCH"]))
    elif not usable(link):
        point(link, bring())


def check_pytorch():
    """Refuses unless the Python that torch-sys will ask has PyTorch of the right version."""
    python = "python" if "VIRTUAL_ENV" in os.environ else "python3"
    try:
        # version.py is run by itself: `import torch` takes seconds, and this is asked at every start
        asked = subprocess.run([python, "-c", PYTHON_PRINT_TORCH_VERSION], capture_output=True, text=True)
        found = asked.stdout.strip()
    except FileNotFoundError:
        found = ""
    if not same_version(found):
        raise wheels.Refusal(
            f"LIBTORCH_USE_PYTORCH is set, but `{python}` has {'torch ' + found if found else 'no torch'}; "
            f"`pip install torch=={TORCH}` there, or unset the variable"
        )


def check_folder(folder):
    """Refuses unless `folder` is what LIBTORCH must be."""
    if not folder.is_absolute():
        raise wheels.Refusal(f"LIBTORCH is {folder}; it must be an absolute path, or unset")
    if not has_libraries(folder):
        raise wheels.Refusal(f"LIBTORCH is {folder}, which has no lib/libtorch_cpu and include/torch; mend or unset it")
    found = version_of(folder)
    if found is None:
        wheels.say(f"LIBTORCH is {folder}, whose version cannot be told; torch {TORCH} is needed")
    elif not same_version(found):
        raise wheels.Refusal(f"LIBTORCH is {folder}, which is torch {found}; {TORCH} is needed; mend or unset it")


def usable(folder):
    return has_libraries(folder) and same_version(version_of(folder) or "")


def has_libraries(folder):
    return any((folder / "lib").glob("libtorch_cpu.*")) and (folder / "include" / "torch").is_dir()


def version_of(folder):
    """Torch's version, from the file that a libtorch folder has or from the one that a Python package has."""
    for name, pattern in (("build-version", r"\s*(\S+)"), ("version.py", r"__version__ = ['\"]([^'\"]+)")):
        try:
            found = re.search(pattern, (folder / name).read_text())
        except OSError:
            continue
        if found:
            return found[1]
    return None


def same_version(found):
    return found.split("+")[0] == TORCH or (bool(found) and "LIBTORCH_BYPASS_VERSION_CHECK" in os.environ)


def bring():
    """The cached libtorch, made if it is not there."""
    name = wheels.this_platform()
    if name not in SOURCES:
        raise wheels.Refusal(
            f"there is no ready libtorch for {name}; install PyTorch {TORCH} and set LIBTORCH_USE_PYTORCH=1, "
            "or set LIBTORCH to a libtorch folder"
        )
    pinned, libraries, (download, keep) = SOURCES[name]
    folder = wheels.cache_dir() / f"libtorch-{TORCH}-cpu"
    if folder.exists() and not usable(folder):  # someone removed files from it
        wheels.say(f"{folder} is incomplete; making it again")
        shutil.rmtree(folder)
    if not folder.exists():
        wheels.install(
            folder,
            pinned,
            lambda files, out: unpack(files, out, libraries),
            f"libtorch {TORCH} for CPU",
            f"{download} MB",
            download + keep + 50,
        )
    return folder


def unpack(files, out, libraries):
    """Takes headers and the CPU libraries out of the wheels, in the layout that torch-sys expects of LIBTORCH."""
    lib = out / "lib"
    lib.mkdir()
    missing = set(libraries)
    for file in files:
        with zipfile.ZipFile(file) as wheel:
            for name in wheel.namelist():
                if name in missing:
                    missing.discard(name)
                    to = lib / Path(name).name
                elif name.startswith("torch/include/") and not name.endswith("/"):
                    to = out / name[len("torch/") :]
                else:
                    continue
                to.parent.mkdir(parents=True, exist_ok=True)
                with wheel.open(name) as source, open(to, "wb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
    if missing:
        raise wheels.Refusal(f"the wheels of torch {TORCH} lack {', '.join(sorted(missing))}")
    if not any(lib.glob("libtorch.*")):
        # the wheel's libtorch.so only pulls in libtorch_cpu and libtorch_cuda; a linker script stands in for it
        (lib / "libtorch.so").write_text("INPUT(libtorch_cpu.so libc10.so)\n")
    for file in lib.iterdir():
        file.chmod(0o755)
    (out / "build-version").write_text(TORCH + "\n")  # torch-sys checks it


def point(link, folder):
    """Makes `link` a symbolic link to `folder`, at once; a real folder of the user's is never replaced."""
    if link.exists() and not link.is_symlink():
        raise wheels.Refusal(f"{link} is there but is no libtorch {TORCH}; remove it and run this again")
    try:
        link.parent.mkdir(parents=True, exist_ok=True)
        beside = link.with_name(f"{link.name}.{os.getpid()}")
        beside.symlink_to(folder)
        beside.replace(link)
    except OSError as error:
        raise wheels.Refusal(f"cannot make the link {link}: {error}") from error


if __name__ == "__main__":
    wheels.run(main)
