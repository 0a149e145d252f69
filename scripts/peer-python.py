#!/usr/bin/env python3
"""Prints the path of a Python that holds the packages of bench/peers/requirements.txt.

usage: peer-python.py

PEER_PYTHON names one of your own. Otherwise a virtual environment in the per-user cache, made at the first call; its name
holds a hash of the requirements, so that another list makes another one.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import wheels

REQUIREMENTS = Path(__file__).resolve().parent.parent / "bench/peers/requirements.txt"


def main():
    print(os.environ.get("PEER_PYTHON") or cached())


def cached():
    """The Python of our own environment, made if it is not there."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    folder = wheels.cache_dir() / f"peer-python-{digest}"
    ready = folder / "ready"  # written last: an environment cannot be made beside its place and renamed there
    with wheels.locked(folder.parent):
        if not ready.exists():
            shutil.rmtree(folder, ignore_errors=True)
            wheels.say(f"installing PyTorch, transformers and PEFT (some 3 GB with CUDA's libraries, once) into {folder}")
            install(folder)
            ready.touch()
    return folder / "bin/python"


def install(folder):
    python = folder / "bin/python"
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--quiet", "-r", str(REQUIREMENTS)],
    ):
        if subprocess.run(command, stdout=sys.stderr).returncode != 0:
            raise wheels.Refusal(f"{' '.join(command)} failed (its messages are above)")


if __name__ == "__main__":
    wheels.run(main)
