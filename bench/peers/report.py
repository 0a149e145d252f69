"""Writes the tables of docs/performance.md from the results in bench/results, between its marks.

    python report.py [--check]      (with --check nothing is written; the exit code says whether the document is up to date)
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import flops  # noqa: E402
import report_selection  # noqa: E402
from make_checkpoint import SIZES  # noqa: E402
from tables import heading, ratio, table  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT, RESULTS = ROOT / "docs/performance.md", ROOT / "bench/results"

NAMES = {
    "lora": "LoRA training",
    "full": "full training",
    "score": "loss scoring, 21 wordings",
    "generate": "greedy short answers",
    "first-token": "start-up to first token",
}
TARGETS = {"lora": 1.2, "full": 1.1, "score": 3.0, "generate": 3.0, "first-token": 3.0}


def rate(entry, side):
    """Median tokens a second of the work after start-up; seconds of the whole process where there is no work to part off."""
    rounds = entry["measured"][side]
    if entry["task"] == "first-token":
        return f"{statistics.median(row['wall_seconds'] for row in rounds):.2f} s"
    return f"{statistics.median(tokens(entry, row) / row['work_seconds'] for row in rounds):,.0f} tok/s"


def tokens(entry, row):
    return row.get("tokens", entry.get("tokens"))


def memory(entry, side):
    return f"{max(row['peak_mb'] for row in entry['measured'][side]):,.0f}"


def comparison(entries):
    rows = []
    for entry in entries:
        ratios = entry["ratios"]["peer"]
        counted = ratios["wall_seconds" if entry["task"] == "first-token" else "work_seconds"]
        target = TARGETS[entry["task"]]
        rows.append([
            f"{NAMES[entry['task']]}, {entry['size']}",
            rate(entry, "peer"),
            rate(entry, "sapo"),
            ratio(counted),
            f"{target} {'met' if counted['median'] >= target else 'missed'}",
            ratio(ratios["wall_seconds"]),
            ratio(ratios["cpu_seconds"]),
            f"{memory(entry, 'peer')} / {memory(entry, 'sapo')}",
            f"{entry['largest_difference']['sapo']:.1g}",
        ])
    header = ["job", "transformers + PEFT", "this project", "times faster", "target", "whole process", "CPU time",
              "peak MB, theirs / ours", "largest difference"]
    return table(header, rows)


def attribution(entries):
    rows = []
    for entry in entries:
        for name, ratios in entry["ratios"].items():
            if name != "peer" and "work_seconds" in ratios:
                job = f"{NAMES[entry['task']]}, {entry['size']}"
                rows.append([job, name, rate(entry, name), ratio(ratios["work_seconds"])])
    return table(["job", "variant", "rate", "this project is faster than it by"], rows)


def fractions(entries):
    """Training's useful operations a second over the machine's rate of products."""
    reached = {entry["size"]: entry for entry in entries if entry["task"] == "matmul"}
    rows = []
    for entry in entries:
        best = reached.get(entry["size"])
        if entry["task"] not in ("lora", "full") or best is None:
            continue
        peak = max(value for key, value in best.items() if key.endswith("_gflops") and "square" not in key)
        cells = [f"{NAMES[entry['task']]}, {entry['size']}", f"{best['torch_gflops']:.0f}",
                 f"{best['onednn_gflops']:.0f}" if "onednn_gflops" in best else ""]
        for side in ["peer", "sapo"]:
            found = statistics.median(useful(entry, row) / row["work_seconds"] for row in entry["measured"][side]) / 1e9
            cells += [f"{found:.0f}", f"{100 * found / peak:.0f} %"]
        rows.append(cells)
    header = ["job", "products, torch's own, GFLOP/s", "products, oneDNN", "theirs, GFLOP/s", "of the best products",
              "ours, GFLOP/s", "of the best products"]
    return table(header, rows)


def useful(entry, row):
    targets = entry["measured"]["peer"][0]["targets"]  # both sides see the same batches
    return flops.training(SIZES[entry["size"]], entry["lora"], row["tokens"], targets)


def section(path):
    stored = json.loads(path.read_text())
    entries, order = stored["entries"], list(NAMES)
    entries.sort(key=lambda entry: (order.index(entry["task"]) if entry["task"] in order else 9, list(SIZES).index(entry["size"])))
    compared = [entry for entry in entries if entry["task"] in NAMES]
    return heading(path, stored) + comparison(compared) + attribution(compared) + fractions(entries)


def between_marks(document, name, text):
    """The document with `text` between `<!-- name: begin -->` and `<!-- name: end -->`."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    before, rest = document.split(begin)
    _, after = rest.split(end)
    return before + begin + "\n" + text + end + after


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    old = DOCUMENT.read_text()
    selections = sorted(RESULTS.glob("select-*.json"))
    others = sorted(set(RESULTS.glob("*.json")) - set(selections))
    new = between_marks(old, "results", "".join(map(section, others)))
    new = between_marks(new, "selection", "".join(map(report_selection.section, selections)))
    if args.check:
        sys.exit(new != old)
    DOCUMENT.write_text(new)


if __name__ == "__main__":
    main()
