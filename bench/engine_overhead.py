#!/usr/bin/env python3
"""What the local engine costs between two cells: cells that only sleep, several at a time, and the gaps between them.

    cargo build --release --workspace --example toy
    python3 bench/engine_overhead.py target/release/examples/toy [--out FOLDER] [--cells 80] [--jobs 8]

A gap is the time from the end of a cell's computing to the beginning of the next in its place: it holds storing (as far
as that is in the way), the engine, the start of a process, and the lock and first files of the next cell. The store is
made below --out, so that file systems can be compared: durable writes are the larger part on a disk.
"""

import argparse
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import tempfile

STEPS = 5  # of a cell of the toy


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def gaps(cells, jobs):
    """The n-th end is followed by the (n + jobs)-th start."""
    starts = sorted(start for start, _, _ in cells)[jobs:]
    ends = sorted(end for _, end, _ in cells)
    return [start - end for start, end in zip(starts, ends)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("toy", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()))
    parser.add_argument("--cells", type=int, default=80, help="an even number")
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a cell")
    args = parser.parse_args()
    environment = dict(os.environ, TOY_STEP_MS=str(round(args.seconds * 1000 / STEPS)))
    with tempfile.TemporaryDirectory(dir=args.out) as folder:
        command = [args.toy.resolve(), "--quiet", f"--jobs={args.jobs}", f"--seeds={args.cells // 2}"]
        subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        cells = []
        for manifest in pathlib.Path(folder).glob("runs/toy/*/manifest.json"):
            made = json.loads(manifest.read_text())["provenance"]
            cells.append((seconds(made["started"]), seconds(made["finished"]), made["wall_seconds"]))
    found = gaps(cells, args.jobs)
    cell = statistics.mean(wall for _, _, wall in cells)
    mean = statistics.mean(found)
    load = os.getloadavg()[0]
    print(
        f"{len(cells)} cells of {cell:.3f} s, {args.jobs} at a time: gap mean {mean * 1e3:.1f} ms, "
        f"median {statistics.median(found) * 1e3:.1f} ms, {100 * mean / cell:.2f} % of a cell; load {load:.1f}"
    )


if __name__ == "__main__":
    main()
