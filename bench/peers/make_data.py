"""Prompts with short answers for the side-by-side runs: topics of made-up articles, drawn from a seed.

    python make_data.py OUT_DIR [--examples 250] [--seed 0] [--end "<|endoftext|>"]

Writes `train.jsonl` and `prompts.jsonl` (every example once, under the first wording) and `score.jsonl` (every example
under each of 21 wordings, wording by wording). A line is {"prompt", "completion"}; the layout is that of the paper:
instruction, text, suffix. An input has one to twelve sentences (20 to 200 tokens in the tokenizers used here), so that
lengths vary as they do in practice; an answer has one to three words and the end-of-text token.
"""

import argparse
import json
import random
from pathlib import Path

TOPICS = {
    "Company": "factory market brand investors retail software exports warehouse profits board",
    "Educational Institution": "campus students faculty degree library scholarship lectures dormitory dean alumni",
    "Artist": "singer painter gallery melody exhibition portrait concert guitar sculpture studio",
    "Athlete": "striker season medal sprint tournament coach stadium championship goals relay",
    "Office Holder": "senator election parliament minister council campaign committee vote mayor treaty",
    "Mean Of Transportation": "locomotive destroyer engine hull aircraft cylinders wheels cargo deck propeller",
    "Building": "tower architect cathedral bricks facade chapel restoration courtyard columns roof",
    "Natural Place": "river glacier valley summit lake basin waterfall ridge estuary volcano",
    "Village": "district census parish farms households province crossroads mill hamlet county",
    "Animal": "beetle wings larvae species feathers predator habitat nest fins mollusc",
    "Plant": "leaves orchid blossoms shrub seeds bark pollen roots petals evergreen",
    "Album": "tracks recording single label chart producer remix vinyl release chorus",
    "Film": "director screenplay premiere actors camera sequel drama audience scenes studio",
    "Written Work": "novel chapters publisher essay journal manuscript edition readers poems translation",
}
PLACES = "the north|the south|a small town|the old capital|the coast|an island|the border|the highlands".split("|")
TIMES = "In 1887|After the war|For many years|During the summer|In the same decade|Since 1964|At first|Last year".split("|")
OPENINGS = "It is known for|Records mention|Visitors remember|Most reports describe|A survey listed|Critics praised".split("|")
LINKS = "together with|rather than|because of|in spite of|as well as|long before".split("|")

VERBS = "Classify|Categorise|Label|Assign a topic to|Name the topic of|Decide on the topic of|Identify the topic of".split("|")
OBJECTS = "the following text|this short article|the passage below".split("|")
SUFFIX = "Answer with one topic:"


def wordings():
    """21 instructions that ask for the same: 7 verbs times 3 objects."""
    return [f"{verb} {thing}. Choose one of these topics: {', '.join(TOPICS)}." for thing in OBJECTS for verb in VERBS]


def sentence(rng, words):
    a, b, c = rng.sample(words, 3)
    return rng.choice([
        f"{rng.choice(TIMES)}, the {a} and the {b} came to {rng.choice(PLACES)} {rng.choice(LINKS)} the {c}.",
        f"{rng.choice(OPENINGS)} a {a} near {rng.choice(PLACES)}, {rng.choice(LINKS)} its {b}.",
        f"The {a} of {rng.choice(PLACES)} had {rng.randint(2, 900)} {b} {rng.choice(LINKS)} the {c}.",
    ])


def examples(seed, n):
    """Pairs of an input and its topic."""
    rng = random.Random(seed)
    for _ in range(n):
        topic = rng.choice(list(TOPICS))
        words = TOPICS[topic].split()
        yield " ".join(sentence(rng, words) for _ in range(rng.randint(1, 12))), topic


def line(instruction, text, topic, end):
    prompt = f"{instruction}\n\nText:\n{text}\n\n{SUFFIX}"
    return json.dumps({"prompt": prompt, "completion": f" {topic}{end}"}) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--examples", type=int, default=250)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--end", default="<|endoftext|>", help="text of the end-of-text token")
    args = parser.parse_args()
    rows = list(examples(args.seed, args.examples))
    instructions = wordings()
    args.out.mkdir(parents=True, exist_ok=True)
    for name, asked in [("train", instructions[:1]), ("prompts", instructions[:1]), ("score", instructions)]:
        with open(args.out / f"{name}.jsonl", "w", encoding="utf-8") as file:
            file.writelines(line(instruction, *row, args.end) for instruction in asked for row in rows)


if __name__ == "__main__":
    main()
