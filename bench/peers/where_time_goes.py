"""Where training spends its time: `perf` over one run of our side, samples grouped by kind of work.

    python where_time_goes.py RUN.json...      (a run that run_peers.py has left in its folder: run-5m-f32-lora-248.json)

Prints one JSON object a run. Needs Linux `perf`. A sample belongs to the function at work. oneDNN makes its kernels at run
time, in memory that belongs to no file; nothing else here does.
"""

import argparse
import collections
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True

from measure import target_directory  # noqa: E402

# the first pattern that a sample's "object symbol" matches
KINDS = [
    ("products by oneDNN", r"\[JIT\]|^\[unknown\]|dnnl"),
    ("products by MKL", r"mkl_|gemm"),
    ("attention", r"sapo::.*(attention|product)|flash_attention"),
    ("norms, rotary positions, SwiGLU", r"sapo::\("),
    ("other element by element, copies", r"Vectorized|vectorized|_kernel|vec::|softmax|memcpy|memmove|memset|Sleef"),
    ("page faults and other kernel work", r"\[k\]"),
    ("autograd, dispatch, allocation", r"libtorch|libc10|c10::|malloc|free|unlink_chunk|at::"),
    ("start-up, tokenizer, the rest", r""),
]


def shares(samples):
    """Percent of each kind."""
    kinds = collections.Counter()
    for count, symbol in samples:
        kinds[next(kind for kind, pattern in KINDS if re.search(pattern, symbol))] += count
    return {kind: round(100 * kinds[kind] / kinds.total(), 1) for kind, _ in KINDS}


def samples(train_speed, run):
    """Number of samples and `object symbol` of every function in which the program was seen."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "perf.data"
        record = ["perf", "record", "--quiet", "--freq", "500", "--output", data, train_speed, run]
        subprocess.run(record, check=True, stdout=subprocess.DEVNULL)
        report = ["perf", "report", "--stdio", "--no-children", "--input", data, "--fields", "sample,dso,symbol"]
        text = subprocess.run(report, check=True, capture_output=True, text=True).stdout
    for line in text.splitlines():
        found = re.match(r"\s*(\d+)\s+(.*)", line)
        if found:
            yield int(found[1]), found[2]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    args = parser.parse_args()
    for run in args.runs:
        found = shares(samples(target_directory() / "release/examples/train_speed", run))
        print(json.dumps({"run": run.stem, "percent": found}), flush=True)


if __name__ == "__main__":
    main()
