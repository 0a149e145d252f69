"""A selection on real text: SuperNI rows under the wordings of the bank, as `sapo select` and the peer read them.

The rows come from a folder with `instructions.json` and one folder a task with `train.json` (`[{"sentence", "label"}]`), as
`just experiment ni-seq-c1 --data` takes it. What is written from them stays in the per-user cache. An input that does not fit
the model beside the longest wording and the target is cut at its end, the same for every wording and on both sides.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path


@dataclass
class SuperniTask:
    """A task's instruction, suffix, labels and training rows, in the source's order."""

    name: str
    instruction: str
    suffix: str
    labels: list
    rows: list

    @staticmethod
    def read(folder, number):
        """The task of that number."""
        described = json.loads((folder / "instructions.json").read_text(encoding="utf-8"))
        named = [name for name in described if name.startswith(f"task{int(number):03}_")]
        if len(named) != 1:
            raise SystemExit(f"{folder}: expected one task of number {number}, got {named}")
        rows = json.loads((folder / named[0] / "train.json").read_text(encoding="utf-8"))
        task = described[named[0]]
        pairs = [(row["sentence"], row["label"]) for row in rows]
        return SuperniTask(named[0], task["instruction"], task["suffix"], task["labels"], pairs)


def layout(wording, text, suffix):
    """The paper's: instruction, input, suffix."""
    return f"{wording}\n\nText:\n{text}\n\n{suffix}"


class Form:
    """How a model turns a prompt and a target into a text, and a text into tokens."""

    def __init__(self, tokenizer, limit, template=None, bos_token=None, eos_token=""):
        self.tokenizer, self.limit, self.template = tokenizer, limit, template
        self.bos_token, self.eos_token = bos_token, eos_token

    @staticmethod
    def of(model):
        """That of a checkpoint in Hugging Face layout."""
        # here, because the tests know neither
        from jinja2 import Environment
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
        # some files pad and truncate every text
        tokenizer.no_padding()
        tokenizer.no_truncation()
        limit = json.loads((model / "config.json").read_text())["max_position_embeddings"]
        config = json.loads((model / "tokenizer_config.json").read_text())
        source = config.get("chat_template")
        # as Hugging Face renders them
        template = Environment(trim_blocks=True, lstrip_blocks=True).from_string(source) if source else None
        return Form(tokenizer, limit, template, config.get("bos_token"), config["eos_token"])

    def pair(self, prompt, target):
        """Prompt and completion; joined they are the text that the model reads."""
        if self.template is None:
            return prompt + "\n", target + self.eos_token
        user, assistant = {"role": "user", "content": prompt}, {"role": "assistant", "content": target}
        opening, whole = self._render([user], True), self._render([user, assistant], False)
        assert whole.startswith(opening), "the chat template's text with an answer does not begin with its generation prompt"
        return opening, whole[len(opening):]

    def _render(self, messages, add_generation_prompt):
        return self.template.render(
            messages=messages,
            add_generation_prompt=add_generation_prompt,
            enable_thinking=False,
            bos_token=self.bos_token,
            eos_token=self.eos_token,
        )

    def lengths(self, pairs):
        """Tokens of each text."""
        texts = [prompt + completion for prompt, completion in pairs]
        return [len(encoding.ids) for encoding in self.tokenizer.encode_batch(texts, add_special_tokens=False)]

    def fitted(self, wordings, text, target, suffix):
        """The input, cut at its end by whole tokens until it fits under every wording."""
        places = self.tokenizer.encode(text, add_special_tokens=False).offsets
        kept, cut = len(places), text
        while True:
            pairs = [self.pair(layout(wording, cut, suffix), target) for wording in wordings]
            excess = max(self.lengths(pairs)) - self.limit
            if excess <= 0:
                return cut
            kept -= excess
            if kept <= 0:
                raise SystemExit(f"the longest wording with the target {target!r} leaves no room for an input")
            cut = text[: places[kept - 1][1]]


class Selection:
    """The files of one selection, made from a task, a pool and a model's form."""

    def __init__(self, folder, form, task, pool, examples):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.form, self.task, self.examples = folder, form, task, examples
        self.ids = [variant["id"] for variant in pool["variants"]]
        self.wordings = [variant["text"] for variant in pool["variants"]]
        assert len(task.rows) >= examples, f"{task.name} has {len(task.rows)} training rows"
        fitted = self._fitted(task.rows[:examples])
        self.shortened = sum(text != row[0] for (text, _), row in zip(fitted, task.rows))

        self.data, self.pool, self.lines = (folder / name for name in ("data.jsonl", "pool.json", "lines.jsonl"))
        write_lines(self.data, ({"input": text, "target": target} for text, target in fitted))
        self.pool.write_text(json.dumps(pool, ensure_ascii=False))
        pairs = [self._pair(wording, *row) for wording in self.wordings for row in fitted]
        write_lines(self.lines, ({"prompt": prompt, "completion": completion} for prompt, completion in pairs))
        self.tokens = sum(form.lengths(pairs))
        # the same with one wording and one example: what it costs to begin
        self.one_pool = folder / "pool-one.json"
        self.one_pool.write_text(json.dumps({**pool, "variants": pool["variants"][:1]}, ensure_ascii=False))

    def training_file(self, arm, rows):
        """The first rows of the task under one wording, as a trainer reads them."""
        path = self.folder / "train.jsonl"
        wording, fitted = self.wordings[self.ids.index(arm)], self._fitted(self.task.rows[:rows])
        pairs = [self._pair(wording, *row) for row in fitted]
        write_lines(path, ({"prompt": prompt, "completion": completion} for prompt, completion in pairs))
        return path

    def _fitted(self, rows):
        fitted = lambda text, target: self.form.fitted(self.wordings, text, target, self.task.suffix)
        return [(fitted(text, target), target) for text, target in rows]

    def _pair(self, wording, text, target):
        return self.form.pair(layout(wording, text, self.task.suffix), target)


def write_lines(path, objects):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(value, ensure_ascii=False) + "\n" for value in objects)


def parameters(model):
    """Numbers in a checkpoint."""
    with open(Path(model) / "model.safetensors", "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    sizes = (entry["shape"] for name, entry in header.items() if name != "__metadata__")
    return sum(math.prod(shape) for shape in sizes)
