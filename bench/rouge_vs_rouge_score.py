"""ROUGE-L of this project against Google's rouge_score: the same pairs, one core, one run; speed as a ratio.

    python -m venv venv && venv/bin/pip install -r bench/requirements-rouge.txt
    venv/bin/python bench/rouge_vs_rouge_score.py [--pairs 20000] [--seed 0] [--stem] [--rounds 3]

The pairs are those of the parity fixtures (empty, Unicode, near copies, long) and, as a second set, plain sentences of
30 words of ASCII. Every score is compared too; the run fails where one differs by more than 1e-9. Tokenising counts on both
sides, reading the file on neither. Each side's time is the best of the rounds, which are taken in turns.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rouge_score.rouge_scorer import RougeScorer

ROOT = Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "crates/sapo-metrics/tests/fixtures"))
from pairs import pairs  # noqa: E402


def sentences(seed, n):
    rng = random.Random(seed)
    vocabulary = [f"word{i}" for i in range(60)]
    sentence = lambda: " ".join(rng.choices(vocabulary, k=30)).capitalize() + "."
    return [(sentence(), sentence()) for _ in range(n)]


def python_side(rows, stem):
    scorer = RougeScorer(["rougeL"], use_stemmer=stem)
    start = time.perf_counter()
    scores = [100 * scorer.score(reference, prediction)["rougeL"].fmeasure for prediction, reference in rows]
    return time.perf_counter() - start, scores


def rust_side(path, stem):
    command = ["cargo", "run", "--quiet", "--release", "-p", "sapo-metrics", "--example", "rouge_throughput", "--"]
    out = subprocess.run(command + [str(path)] + ["stem"] * stem, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    return json.loads(out.stdout)


def compare(name, rows, stem, rounds):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pairs.jsonl"
        python_seconds, rust_seconds, difference = [], [], 0.0
        for _ in range(rounds):
            seconds, scores = python_side(rows, stem)
            python_seconds.append(seconds)
            with path.open("w", encoding="utf-8") as file:
                for (prediction, reference), score in zip(rows, scores):
                    file.write(json.dumps([prediction, reference, score]) + "\n")
            result = rust_side(path, stem)
            assert result["compared"] == len(rows)
            rust_seconds.append(result["seconds"])
            difference = max(difference, result["largest_difference"])
    ours, theirs = min(rust_seconds), min(python_seconds)
    print(json.dumps({
        "pairs": name, "n": len(rows), "stem": stem,
        "rouge_score_us": round(1e6 * theirs / len(rows), 2), "sapo_us": round(1e6 * ours / len(rows), 3),
        "ratio": round(theirs / ours, 1), "largest_difference": difference,
    }), flush=True)
    return difference


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stem", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    differences = [
        compare(name, make(args.seed, args.pairs), args.stem, args.rounds)
        for name, make in [("mixed", pairs), ("sentences", sentences)]
    ]
    if max(differences) > 1e-9:
        sys.exit(f"scores differ by {max(differences)}")


if __name__ == "__main__":
    main()
