"""ROUGE-1 and ROUGE-L of this project against Google's rouge_score: the same pairs, one core, one run.

    python -m venv venv && venv/bin/pip install -r bench/requirements-rouge.txt
    venv/bin/python bench/rouge_vs_rouge_score.py [--pairs 100000] [--seed 0] [--rounds 3]

Three sets of pairs: mixed (those of the parity fixtures: empty, Unicode, near copies, up to 300 words), sentences (30 words
of ASCII, five times fewer) and long (1,000 to 2,000 words, 5,000 times fewer). Every score is compared, with and without the stemmer; then
ROUGE-L is timed, the sides taking turns, each side's time the best of its rounds. Tokenising counts on both sides, reading
the file on neither. The process and its children stay on one core. Fails where a score differs by more than 1e-9, or where
ROUGE-L is less than 50 times as fast.
"""

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

from rouge_score.rouge_scorer import RougeScorer

ROOT = Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "crates/sapo-metrics/tests/fixtures"))
from pairs import near, pairs, words  # noqa: E402

TOLERANCE = 1e-9
SPEED = 50
METRICS = ["rouge1", "rougeL"]


def sentences(seed, n):
    rng = random.Random(seed)
    vocabulary = [f"word{i}" for i in range(60)]
    sentence = lambda: " ".join(rng.choices(vocabulary, k=30)).capitalize() + "."
    return [(sentence(), sentence()) for _ in range(n // 5)]


def long(seed, n):
    """Half near copies, half unrelated."""
    rng = random.Random(seed)
    text = lambda: words(rng, rng.randint(1000, 2000))
    references = [text() for _ in range(max(n // 5000, 2))]
    return [(near(rng, reference) if i % 2 else text(), reference) for i, reference in enumerate(references)]


def python_side(rows, metrics, stem):
    """Seconds, and a list of scores a metric."""
    scorer = RougeScorer(metrics, use_stemmer=stem)
    start = time.perf_counter()
    scores = [scorer.score(reference, prediction) for prediction, reference in rows]
    seconds = time.perf_counter() - start
    return seconds, {metric: [100 * score[metric].fmeasure for score in scores] for metric in metrics}


def build():
    command = ["cargo", "build", "--release", "-p", "sapo-metrics", "--example", "rouge_throughput",
               "--message-format=json"]
    out = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    built = [json.loads(line).get("executable") for line in out.stdout.splitlines()]
    return next(path for path in built if path)


def rust_side(program, folder, rows, expected, metric, stem):
    path = Path(folder) / "pairs.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for (prediction, reference), score in zip(rows, expected):
            file.write(json.dumps([prediction, reference, score]) + "\n")
    out = subprocess.run([program, path, metric] + ["stem"] * stem, check=True, stdout=subprocess.PIPE)
    result = json.loads(out.stdout)
    assert result["compared"] == len(rows)
    return result


def compare(program, name, rows, stem, rounds):
    """Prints one line; whether it is as it should be."""
    with tempfile.TemporaryDirectory() as folder:
        run = lambda metric, expected: rust_side(program, folder, rows, expected, metric, stem)
        _, expected = python_side(rows, METRICS, stem)
        differences = {metric: run(metric, expected[metric])["largest_difference"] for metric in METRICS}
        theirs, ours = [], []
        for _ in range(rounds):
            theirs.append(python_side(rows, ["rougeL"], stem)[0])
            ours.append(run("rougeL", expected["rougeL"])["seconds"])
    theirs, ours = min(theirs), min(ours)
    print(json.dumps({
        "pairs": name, "n": len(rows), "empty": sum(not p or not r for p, r in rows),
        "not_ascii": sum(not (p + r).isascii() for p, r in rows),
        "longest_words": max(len(text.split()) for row in rows for text in row),
        "stem": stem, "largest_difference": differences,
        "rouge_score_us": round(1e6 * theirs / len(rows), 2), "sapo_us": round(1e6 * ours / len(rows), 3),
        "ratio": round(theirs / ours, 1),
    }), flush=True)
    return max(differences.values()) <= TOLERANCE and theirs >= SPEED * ours


def processor():
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    program = build()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(json.dumps({
        "date": str(date.today()), "processor": processor(), "python": platform.python_version(),
        "rouge_score": version("rouge-score"), "seed": args.seed, "rounds": args.rounds,
    }), flush=True)
    good = [
        compare(program, name, make(args.seed, args.pairs), stem, args.rounds)
        for name, make in [("mixed", pairs), ("sentences", sentences), ("long", long)]
        for stem in [False, True]
    ]
    if not all(good):
        sys.exit(f"expected differences of at most {TOLERANCE} and {SPEED} times the speed")


if __name__ == "__main__":
    main()
