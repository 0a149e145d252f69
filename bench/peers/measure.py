"""Runs one process and says what it cost; and the facts of the machine it ran on. Standard library only."""

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MEGABYTE = 1e6
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


def run(command, threads, device="cpu"):
    """Wall and CPU seconds and peak memory of a whole process, and its stdout.

    Peak memory is the process's largest resident set, or on a GPU what `nvidia-smi` saw in use beyond the start.
    """
    environment = dict(
        os.environ,
        OMP_NUM_THREADS=str(threads),
        MKL_NUM_THREADS=str(threads),
        RAYON_NUM_THREADS=str(threads),  # tokenizers
        SAPO_THREADS=str(threads),
        HF_HUB_OFFLINE="1",
        PYTHONWARNINGS="ignore",
        TRANSFORMERS_VERBOSITY="error",
    )
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors, GpuMemory(device) as gpu:
        start = time.perf_counter()
        process = subprocess.Popen([str(part) for part in command], stdout=out, stderr=errors, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        if process.returncode != 0:
            errors.seek(0)
            tail = errors.read().decode(errors="replace")[-4000:]
            raise SystemExit(f"{' '.join(map(str, command))} ended with {process.returncode}:\n{tail}")
        out.seek(0)
        return {
            "wall_seconds": wall,
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "peak_mb": gpu.peak_mb if gpu.peak_mb is not None else usage.ru_maxrss * MAXRSS_UNIT / MEGABYTE,
            "stdout": out.read().decode(),
        }


class GpuMemory:
    """Watches the memory in use on a GPU while a process runs; on a CPU it does nothing."""

    def __init__(self, device):
        self.peak_mb = None
        self._watcher = threading.Thread(target=self._watch) if device != "cpu" else None
        self._done = threading.Event()

    def __enter__(self):
        if self._watcher:
            self._before = self._used()
            self.peak_mb = 0.0
            self._watcher.start()
        return self

    def __exit__(self, *_):
        if self._watcher:
            self._done.set()
            self._watcher.join()

    def _watch(self):
        while not self._done.wait(0.1):
            self.peak_mb = max(self.peak_mb, self._used() - self._before)

    @staticmethod
    def _used():
        query = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
        first = subprocess.run(query, check=True, capture_output=True, text=True).stdout.splitlines()[0]
        return float(first) * 2**20 / MEGABYTE


def machine(device):
    """What the numbers were measured on."""
    cpu = [line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    flags = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags")).split()
    interesting = [flag for flag in flags if flag in {"avx2", "avx512f", "avx512_bf16", "amx_bf16"}]
    kilobytes = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    facts = {
        "cpu": cpu[0],
        "cores": len(cpu),
        "instructions": interesting,
        "memory_gb": round(int(kilobytes.split()[1]) * 1024 / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}, {' '.join(platform.libc_ver())}",
        "python": platform.python_version(),
        "rustc": _said("rustc", "--version"),
    }
    for package in ["torch", "transformers", "peft", "tokenizers"]:
        facts[package] = importlib.metadata.version(package)
    if device != "cpu":
        facts["gpu"] = _said("nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader")
    return facts


def moment():
    """When, of which commit, and how busy the machine was beside us."""
    # results themselves are written one by one while a run goes on
    results = ":(exclude)bench/results"
    dirty = _said("git", "status", "--porcelain", "--untracked-files=no", "--", ".", results) != ""
    return {
        "time": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
        "commit": _said("git", "rev-parse", "--short=12", "HEAD") + (" with changes" if dirty else ""),
        "load_1_minute": round(os.getloadavg()[0], 2),
    }


def target_directory():
    """Where cargo puts what it compiles."""
    return Path(json.loads(_said("cargo", "metadata", "--no-deps", "--format-version", "1"))["target_directory"])


def _said(*command):
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
