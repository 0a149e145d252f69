#!/usr/bin/env python3
"""Prints the path of a `just` (the command runner): the one on PATH if it is new enough, else one in the per-user cache.

usage: get-just.py
"""

import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import wheels

JUST = "1.59.0"
OLDEST = (1, 40, 0)  # the oldest that this justfile was tried with

_PINS = {
    "linux-x86_64": ("manylinux2014_x86_64", "3ee47f26e3aff917107602d57a08ede20df447f78dc4f9ceb08e57a883c56eb9"),
    "linux-aarch64": ("manylinux2014_aarch64", "a305aa91fc425c44e3bcc7d5faae7b8c1503091d8e79aae1f6801dbdca478e20"),
    "linux-musl-x86_64": ("musllinux_1_2_x86_64", "55a22dbd38fb3491d221da1e45184d09460526fae73b845eb9cdfbefcf06822b"),
    "linux-musl-aarch64": ("musllinux_1_2_aarch64", "58b64060b424f6a6ced877b4664122f9ac454d1302d97b73b170557b6c11568d"),
    "macos-arm64": ("macosx_11_0_arm64", "105f7d21ff3a36ffbe1c2039bcac2c63b92941a11e3531ecdff3e4b6411f87d4"),
    "macos-x86_64": ("macosx_10_12_x86_64", "68795a4da5ffb65ed79a79ffaa8cdb06b7db15feba82a36fb0855a3eb964eb24"),
}
SOURCES = {name: wheels.Wheel(f"rust-just=={JUST}", sha, (tag,)) for name, (tag, sha) in _PINS.items()}


def main():
    print(on_path() or cached())


def on_path():
    """The first real `just` on PATH that is new enough."""
    for folder in os.get_exec_path():
        found = shutil.which("just", path=folder)
        # scripts are passed over: ours is one, and asking a shim may run ours again
        if found and not is_script(found) and version_of(found) >= OLDEST:
            return found
    return None


def is_script(file):
    try:
        with open(file, "rb") as stream:
            return stream.read(2) == b"#!"
    except OSError:
        return True


def version_of(just):
    try:
        said = subprocess.run([just, "--version"], capture_output=True, text=True).stdout
    except OSError:
        return ()
    found = re.match(r"just (\d+)\.(\d+)\.(\d+)", said)
    return tuple(int(part) for part in found.groups()) if found else ()


def cached():
    """Our own `just`, brought if it is not there."""
    name = wheels.this_platform()
    folder = wheels.cache_dir() / f"just-{JUST}-{name}"
    just = folder / "bin" / "just"
    if folder.exists() and not os.access(just, os.X_OK):
        shutil.rmtree(folder)
    if not folder.exists():
        if name in SOURCES:
            wheels.install(folder, [SOURCES[name]], unpack, f"just {JUST}", "3 MB", 20)
        else:
            wheels.install(folder, [], compile_it, f"just {JUST}", "as source, to be compiled", 1000)
    return just


def unpack(files, out):
    (file,) = files
    with zipfile.ZipFile(file) as wheel:
        (name,) = [n for n in wheel.namelist() if n.endswith(".data/scripts/just")]
        (out / "bin").mkdir()
        with wheel.open(name) as source, open(out / "bin" / "just", "wb") as target:
            shutil.copyfileobj(source, target)
    (out / "bin" / "just").chmod(0o755)


def compile_it(_files, out):
    built = Path(out).with_name("target")
    done = subprocess.run(
        ["cargo", "install", "just", "--locked", "--version", JUST, "--root", str(out), "--target-dir", str(built)],
        stdout=subprocess.DEVNULL,
        cwd="/",  # away from this workspace's toolchain file and cargo settings
    )
    if done.returncode != 0:
        raise wheels.Refusal(f"cargo could not install just {JUST} (its messages are above)")


if __name__ == "__main__":
    wheels.run(main)
