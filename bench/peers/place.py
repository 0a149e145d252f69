"""Where the side-by-side runs keep checkpoints and data, and how each side is called."""

import json
import subprocess
import sys
from pathlib import Path

from tokenizers import Tokenizer

from measure import ROOT, run, target_directory
from tasks import SEED, TRAIN

HERE = Path(__file__).resolve().parent
# enough for most answers to be right
TAUGHT_WITH = {"examples": 400, "seed": 7, "epochs": 2, "learning_rate": {"5m": 1e-3, "50m": 5e-4, "150m": 3e-4}}


class Place:
    """One folder, and the settings that both sides share."""

    def __init__(self, folder, tokenizer, dtype, device, threads):
        self.folder, self.tokenizer = folder, tokenizer
        self.dtype, self.device, self.threads = dtype, device, threads
        built = target_directory() / "release"
        self.sapo, self.train_speed = built / "sapo", built / "examples/train_speed"

    @staticmethod
    def build():
        """Compiles our side."""
        command = ["cargo", "build", "--release", "-p", "sapo-cli", "-p", "sapo-learn"]
        subprocess.run([*command, "--bin", "sapo", "--example", "train_speed"], cwd=ROOT, check=True)

    def options(self):
        return ["--dtype", self.dtype, "--device", self.device, "--threads", self.threads]

    def peer(self, *arguments):
        return [sys.executable, HERE / "peer.py", *arguments]

    def selecting_peer(self, *arguments):
        return [sys.executable, HERE / "select_peer.py", *arguments]

    def ours_train_command(self, path):
        return [self.train_speed, path]

    def ours_train(self, path, *arguments):
        return run([*self.ours_train_command(path), *arguments], self.threads, self.device)

    def checkpoint(self, size):
        """The folder of a random checkpoint, made at its first use."""
        tokenizer = f"-{self.tokenizer.name}" if self.tokenizer else ""
        folder = self.folder / f"{size}-{self.dtype}{tokenizer}"
        if not (folder / "model.safetensors").exists():
            extra = ["--tokenizer", self.tokenizer] if self.tokenizer else []
            script = HERE / "make_checkpoint.py"
            run([sys.executable, script, size, folder, "--dtype", self.dtype, *extra], self.threads)
        return folder

    def data(self, examples, seed=0):
        """The folder of prompts with answers, made at its first use."""
        folder = self.folder / f"data-{examples}-{seed}"
        if not (folder / "score.jsonl").exists():
            run([sys.executable, HERE / "make_data.py", folder, "--examples", examples, "--seed", seed], self.threads)
        return folder

    def first_line(self, path):
        one = path.with_name(f"{path.stem}-first.jsonl")
        with open(path) as file:
            one.write_text(file.readline())
        return one

    def tokens(self, size, path):
        """Tokens of all texts of a file."""
        tokenizer = Tokenizer.from_file(str(self.checkpoint(size) / "tokenizer.json"))
        rows = map(json.loads, open(path))
        texts = [row["prompt"] + row["completion"] for row in rows]
        return sum(len(encoding.ids) for encoding in tokenizer.encode_batch(texts, add_special_tokens=False))

    def training_run(self, name, model, data, lora, learning_rate, **changes):
        """What both sides read, and the file that holds it."""
        settings = {
            "model": str(model),
            "data": str(data),
            "start": str(self.folder / f"start-{name}"),
            "dtype": self.dtype,
            "device": self.device,
            "threads": self.threads,
            "seed": SEED,
            "lora": lora,
            "train": {**TRAIN, "learning_rate": learning_rate, "epochs": 1, **changes},
        }
        path = self.folder / f"run-{name}.json"
        path.write_text(json.dumps(settings, indent=2) + "\n")
        return settings, path

    def taught(self, size):
        """A checkpoint trained for a few dozen steps, so that its answers are short and end as real ones do."""
        folder = self.folder / f"{self.checkpoint(size).name}-taught"
        if not (folder / "model.safetensors").exists():
            data = self.data(TAUGHT_WITH["examples"], TAUGHT_WITH["seed"]) / "train.jsonl"
            self.teach(folder, size, data, TAUGHT_WITH["learning_rate"][size], TAUGHT_WITH["epochs"])
        return folder

    def teach(self, folder, size, data, rate, epochs):
        """Trains all of a random checkpoint and puts the result into `folder`."""
        model = self.checkpoint(size)
        _, path = self.training_run(folder.name, model, data, None, rate, epochs=epochs)
        folder.mkdir(exist_ok=True)
        for name in ["config.json", "tokenizer.json", "tokenizer_config.json"]:
            (folder / name).write_bytes((model / name).read_bytes())
        self.ours_train(path, "save", folder)

    def gaps(self, model, data, rows, limit):
        """The peer's own doubts about its greedy answers to some lines of a file."""
        lines = open(data).read().splitlines()
        chosen = data.with_name("differing.jsonl")
        chosen.write_text("".join(lines[row] + "\n" for row in rows))
        measured = run(self.peer("gaps", model, chosen, *limit, *self.options()), self.threads, self.device)
        return json.loads(measured["stdout"])["answers"]
