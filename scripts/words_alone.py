#!/usr/bin/env python3
"""How far the words of a text alone decide its label: naive Bayes over words and pairs of words, on the rows of
classification tasks in SuperNI's layout. What it reaches from 1,000 rows says what a small base without knowledge of the
world can be expected to learn from them; a task on which it does no better than the commonest label is out of its reach.

    python3 scripts/words_alone.py DATA/superni TASK... [--train 1000] [--test 500]

Needs nothing but Python 3. Tasks without train.json are trained on dev.json, as the scales `small` and `paper` do.
"""

import argparse
import json
import math
import re
from collections import Counter
from pathlib import Path


def rows(task: Path, split: str) -> list[tuple[set[str], str]]:
    def label(row):
        return row["label"] if isinstance(row["label"], str) else row["label"][0]

    return [(features(row["sentence"]), label(row)) for row in json.loads((task / f"{split}.json").read_text())]


def features(text: str) -> set[str]:
    words = re.findall(r"[a-z']+|[!?.:;()]+|\d+", text.lower())
    return set(words) | {f"{a} {b}" for a, b in zip(words, words[1:])}


class NaiveBayes:
    def __init__(self, train: list[tuple[set[str], str]]):
        self.labels = Counter(label for _, label in train)
        self.counts = {label: Counter() for label in self.labels}
        for present, label in train:
            self.counts[label].update(present)
        self.known = set().union(*self.counts.values())

    def answer(self, present: set[str]) -> str:
        def score(label: str) -> float:
            seen, of_label = self.counts[label], self.labels[label]
            words = (math.log((seen[word] + 1) / (of_label + 2)) for word in present & self.known)
            return math.log(of_label) + sum(words)

        return max(self.labels, key=score)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("tasks", nargs="+")
    parser.add_argument("--train", type=int, default=1000)
    parser.add_argument("--test", type=int, default=500)
    args = parser.parse_args(arguments)
    print("| task | rows | right, % | commonest label, % |\n|---|---:|---:|---:|")
    for name in args.tasks:
        task = args.data / name
        split = "train" if (task / "train.json").exists() else "dev"
        train, test = rows(task, split)[: args.train], rows(task, "test")[: args.test]
        model = NaiveBayes(train)
        right = sum(model.answer(present) == label for present, label in test)
        commonest = Counter(label for _, label in test).most_common(1)[0][1]
        print(f"| {name} | {len(train)} | {100 * right / len(test):.1f} | {100 * commonest / len(test):.1f} |")


if __name__ == "__main__":
    main()
