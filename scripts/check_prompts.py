#!/usr/bin/env python3
"""Checks the paraphrase bank under data/prompts/ and prints how varied it is.

    python3 scripts/check_prompts.py                          # this workspace's bank
    python3 scripts/check_prompts.py --bank DIR --data DIR    # another bank, other task data

Standard library only. Exit code 0 if every file is sound, 1 if any is not, 2 if there is nothing to check.
The table goes to stdout, problems to stderr. Where the task data (`<data>/<suite>/instructions.json`) is missing,
the checks against the original wording are left out and said to be.
"""

import argparse
import hashlib
import itertools
import json
import re
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEYS = ["version", "task", "language", "original_sha256", "labels", "variants"]
MIN_VARIANTS = 20
WORDS = {"en": (5, 130), "zh": (8, 200)}  # zh counts characters
# The suffix is appended to every prompt, so a variant that brings its own would say it twice.
SUFFIX_WORDING = ["directly output", "direclty output", "output only", "直接只回答"]
# Two variants that share more than this part of the smaller one's 4-grams are one variant twice.
# It is not nearer to 0 because a short text has few 4-grams and every variant must name the same things.
MAX_SHARED_4GRAMS = 0.35


def tokens(text, language):
    """Lower-case words without punctuation; in Chinese every character is a word, a Latin word stays whole."""
    return re.findall(r"[\u4e00-\u9fff]|[a-z0-9äöüß]+" if language == "zh" else r"[^\W_]+", text.lower())


def normal(text):
    """What is left of a text when case, space and punctuation do not count."""
    return "".join(re.findall(r"[^\W_]", text.lower()))


def ngrams(words, n):
    return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}


def has_label(text, label):
    """Whether the label stands in the text letter for letter and as a whole word."""
    return re.search(rf"(?<![A-Za-z0-9]){re.escape(label)}(?![A-Za-z0-9])", text) is not None


def without_labels(text, labels):
    """The text less the words that every variant must repeat, which say nothing about how alike two variants are."""
    for label in sorted(labels, key=len, reverse=True):
        text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(label)}(?![A-Za-z0-9])", " ", text)
    return text


def jaccard_distance(a, b):
    return 1 - len(a & b) / len(a | b) if a | b else 0.0


def check_shape(path, raw):
    """Problems of form, and the entry if it can be read at all."""
    try:
        entry = json.loads(raw)
    except ValueError as error:
        return [f"not JSON: {error}"], None
    if not isinstance(entry, dict) or list(entry) != KEYS:
        return [f"keys: expected {KEYS} in this order"], None
    found = []
    if entry["version"] != 1:
        found.append(f"version: expected 1, got {entry['version']!r}")
    if entry["task"] != path.stem:
        found.append(f"task: expected {path.stem!r} (the file's name), got {entry['task']!r}")
    if entry["language"] not in WORDS:
        return found + [f"language: expected one of {sorted(WORDS)}, got {entry['language']!r}"], None
    if not re.fullmatch(r"[0-9a-f]{64}", str(entry["original_sha256"])):
        found.append("original_sha256: expected 64 lower-case hexadecimal digits")
    if not all(isinstance(label, str) and label for label in entry["labels"]):
        return found + ["labels: expected non-empty strings"], None
    for variant in entry["variants"]:
        if not isinstance(variant, dict) or list(variant) != ["id", "text"]:
            return found + [f"variant: expected the keys id and text, got {variant!r}"], None
        if not all(isinstance(value, str) for value in variant.values()):
            return found + [f"variant: id and text must be strings, got {variant!r}"], None
    if raw != json.dumps(entry, ensure_ascii=False, indent=2) + "\n":
        found.append("layout: expected two-space indent, UTF-8 without escapes, one newline at the end")
    return found, entry


def check_texts(entry):
    """Problems of the variants, each alone and against each other."""
    language, variants, found = entry["language"], entry["variants"], []
    if len(variants) < MIN_VARIANTS:
        found.append(f"variants: expected at least {MIN_VARIANTS}, got {len(variants)}")
    expected_ids = [f"p{i:02d}" for i in range(1, len(variants) + 1)]
    if [v["id"] for v in variants] != expected_ids:
        found.append("ids: expected p01, p02, ... in order")
    low, high = WORDS[language]
    seen = {}
    for variant in variants:
        name, text = variant["id"], variant["text"]
        count = len(tokens(text, language))
        if not low <= count <= high:
            found.append(f"{name}: expected {low} to {high} words, got {count}")
        if text != " ".join(text.split()):
            found.append(f"{name}: expected one line with single spaces")
        for label in entry["labels"]:
            if not has_label(text, label):
                found.append(f"{name}: label {label!r} is missing")
        for wording in SUFFIX_WORDING:
            if wording in text.lower():
                found.append(f"{name}: repeats the output suffix ({wording!r})")
        cjk = len(re.findall(r"[\u4e00-\u9fff]", text))
        if (language == "zh") != (cjk > 0) or (language == "zh" and cjk < len(normal(text)) / 2):
            found.append(f"{name}: is not written in {language!r}")
        twin = seen.setdefault(normal(text), name)
        if twin != name:
            found.append(f"{name}: equals {twin} up to case, space and punctuation")
    bare = [(v["id"], without_labels(v["text"], entry["labels"])) for v in variants]
    grams = [(name, ngrams(tokens(text, language), 4)) for name, text in bare]
    for (a, grams_a), (b, grams_b) in itertools.combinations(grams, 2):
        shared = len(grams_a & grams_b) / max(1, min(len(grams_a), len(grams_b)))
        # Very short texts have so few 4-grams that one shared turn of phrase is a large part of them.
        if shared > MAX_SHARED_4GRAMS and len(grams_a & grams_b) > 2:
            found.append(f"{a} and {b} share {shared:.0%} of the smaller one's 4-grams")
    return found


def check_original(entry, source):
    """Problems of the entry against the task's original wording."""
    if source is None:
        return ["the task data has no such task"]
    original, found = source["instruction"], []
    digest = hashlib.sha256(original.encode("utf-8")).hexdigest()
    if entry["original_sha256"] != digest:
        found.append(f"original_sha256: expected {digest}, got {entry['original_sha256']}")
    for label in source["labels"]:
        if has_label(original, label) and label not in entry["labels"]:
            found.append(f"labels: {label!r} stands in the original but not in the list")
    for label in entry["labels"]:
        if not has_label(original, label):
            found.append(f"labels: {label!r} does not stand in the original")
    for variant in entry["variants"]:
        if normal(variant["text"]) == normal(original):
            found.append(f"{variant['id']}: is the original")
    return found


def row(entry, source):
    """The line of the table: size, lengths, variety, closeness to the original."""
    language = entry["language"]
    words = [tokens(v["text"], language) for v in entry["variants"]]
    lengths = [len(w) for w in words]
    trigrams = [ngrams(w, 3) for w in words]
    distance = statistics.fmean(jaccard_distance(a, b) for a, b in itertools.combinations(trigrams, 2))
    overlap = "-"
    if source is not None:
        original = set(tokens(source["instruction"], language))
        overlap = f"{statistics.fmean(len(original & set(w)) / len(original) for w in words):.2f}"
    return [
        entry["task"],
        str(len(words)),
        f"{min(lengths)}/{statistics.median(lengths):g}/{max(lengths)}",
        f"{distance:.3f}",
        overlap,
    ]


def print_table(rows):
    head = ["task", "n", "words min/median/max", "3-gram distance", "vocabulary of original"]
    widths = [max(len(r[i]) for r in [head, *rows]) for i in range(len(head))]
    for r in [head, ["-" * w for w in widths], *rows]:
        print("  ".join([r[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(r[1:], widths[1:]))]))
    print("3-gram distance: mean Jaccard distance over pairs of variants (1 = nothing shared).")
    print("vocabulary of original: part of the original's words found in a variant, mean over variants.")


def main():
    parser = argparse.ArgumentParser(description="Check the paraphrase bank.")
    parser.add_argument("--bank", type=Path, default=ROOT / "data" / "prompts")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    args = parser.parse_args()

    problems, rows, files = [], [], sorted(args.bank.glob("*/*.json"))
    if not files:
        print(f"no bank under {args.bank}", file=sys.stderr)
        return 2
    sources = {}
    for suite in sorted({path.parent.name for path in files}):
        listing = args.data / suite / "instructions.json"
        if not listing.is_file():
            print(f"not compared with the originals of {suite}: no {listing}", file=sys.stderr)
            continue
        sources[suite] = json.loads(listing.read_text(encoding="utf-8"))
        for task, source in sources[suite].items():
            if source["instruction"].strip() and not (args.bank / suite / f"{task}.json").is_file():
                problems.append(f"{suite}/{task}: has an instruction but no file in the bank")
    for path in files:
        suite = path.parent.name
        try:
            found, entry = check_shape(path, path.read_text(encoding="utf-8"))
        except UnicodeDecodeError as error:
            found, entry = [f"not UTF-8: {error}"], None
        if entry is not None:
            source = sources.get(suite, {}).get(path.stem)
            found += check_texts(entry)
            if suite in sources:
                found += check_original(entry, source)
            if len(entry["variants"]) >= 2:
                rows.append(row(entry, source))
        problems += [f"{suite}/{path.name}: {text}" for text in found]
    print_table(rows)
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(files)} files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
