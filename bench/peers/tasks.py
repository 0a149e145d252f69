"""What is compared: for each task the commands of both sides, how their output is read, and how it is checked.

A task has jobs by name: "peer" and "sapo", then variants of either that show what is due to what.
"""

import json
from dataclasses import dataclass, field

WARM_UP_STEPS = 3
LORA = {"r": 8, "lora_alpha": 32.0, "lora_dropout": 0.0, "target_modules": ["q_proj", "v_proj"]}
BATCH = 8
TRAIN = {
    "batch_size": BATCH,
    "micro_batch_size": BATCH,
    "warmup_ratio": 0.05,
    "max_gradient_norm": 1.0,
}
NEW_TOKENS = 12  # more than the longest answer has, as in the experiments
SEED = 1

# Largest difference of a loss in nats. Training adds up rounding over its steps, and bf16 has 8 bits.
LOSS_TOLERANCE = {"f32": 2e-3, "bf16": 1e-1}
# A greedy choice may differ where the second-best logit was this near.
LOGIT_TOLERANCE = {"f32": 1e-4, "bf16": 5e-2}

# Examples of each task, so that a round takes minutes; "score" is multiplied by the 21 wordings.
WORK = {
    "5m": {"lora": 248, "full": 248, "score": 250, "generate": 250},
    "50m": {"lora": 96, "full": 64, "score": 25, "generate": 100},
    "150m": {"lora": 48, "full": 32, "score": 8, "generate": 50},
    "qwen3-1b": {"lora": 248, "score": 250},
    "qwen3-8b": {"lora": 120, "score": 25},
}
QUICK = {"lora": 40, "full": 40, "score": 2, "generate": 10}


@dataclass
class Task:
    """Jobs by name, and for the first two how a job's stdout becomes numbers to compare."""

    jobs: dict
    read: callable
    differences: callable
    tolerance: float
    facts: dict = field(default_factory=dict)
    # jobs whose whole time is taken off that of the job of the same name, to leave the work alone
    start_up: dict = field(default_factory=dict)
    # jobs whose result has to be the peer's; all where None
    compared: set | None = None
    # further facts, from the results of the jobs by name
    summary: callable = lambda results: {}


def train(place, size, lora, count):
    """LoRA or full training on the same examples in the same order from the same weights."""
    if not lora and place.dtype != "f32":
        raise SystemExit("full training is compared in f32 alone: in bf16 ours keeps f32 masters, torch.optim.AdamW does not")
    name = f"{size}-{place.dtype}-{'lora' if lora else 'full'}-{count}"
    data = place.data(count) / "train.jsonl"
    run, path = place.training_run(name, place.checkpoint(size), data, LORA if lora else None, learning_rate=1e-3 if lora else 1e-4)
    place.ours_train(path, "prepare")
    peer, sapo = place.peer("train", path), place.ours_train_command(path)
    jobs = {"peer": peer, "sapo": sapo, "peer, head at targets": [*peer, "--head", "targets"], **with_blas(place, sapo)}
    facts = {"examples": count, "batch_size": BATCH, "lora": run["lora"], "learning_rate": run["train"]["learning_rate"]}
    return Task(jobs, read_training, loss_differences, LOSS_TOLERANCE[place.dtype], facts)


def with_blas(place, command):
    """Our side with the matrix products of the peer: torch's BLAS instead of oneDNN."""
    return {"sapo, BLAS": ["env", "SAPO_MATMUL=blas", *command]} if (place.device, place.dtype) == ("cpu", "f32") else {}


def read_training(out):
    measured = json.loads(out)
    timed = measured["steps"][WARM_UP_STEPS:]
    return {
        "tokens": sum(step["tokens"] for step in timed),
        "targets": sum(step.get("targets", 0) for step in timed),  # the peer's alone says
        "work_seconds": sum(step["seconds"] for step in timed),
        "result": [step["loss"] for step in measured["steps"]],
    }


def score(place, size, count):
    """Losses of every example under every wording."""
    model, data = place.checkpoint(size), place.data(count) / "score.jsonl"
    peer = lambda data, *options: place.peer("score", model, data, *place.options(), *options)
    sapo = lambda data: [place.sapo, "loss", "--json", "--model", model, "--data", data, *place.options()]
    jobs = {
        "peer": peer(data),
        "sapo": sapo(data),
        "peer, sorted": peer(data, "--order", "sorted"),
        "peer, sorted, last logits": peer(data, "--order", "sorted", "--logits", "last"),
        **with_blas(place, sapo(data)),
    }
    one = place.first_line(data)
    facts = {"examples": sum(1 for _ in open(data)), "tokens": place.tokens(size, data)}
    start_up = {"peer": peer(one), "sapo": sapo(one)}
    return Task(jobs, read_scores, loss_differences, LOSS_TOLERANCE[place.dtype], facts, start_up)


def read_scores(out):
    if out.startswith('{"index"'):
        return {"result": [json.loads(line)["loss"] for line in out.splitlines()[:-1]]}
    return {"result": json.loads(out)["losses"]}


def generate(place, size, count):
    """Greedy answers of a model that was taught to answer shortly."""
    model, data = place.taught(size), place.data(count) / "prompts.jsonl"
    limit = ["--max-new-tokens", NEW_TOKENS]
    peer = lambda data, *options: place.peer("generate", model, data, *limit, *place.options(), *options)
    sapo = lambda data: [place.sapo, "generate", "--json", "--model", model, "--data", data, *limit, *place.options()]
    jobs = {"peer": peer(data), "sapo": sapo(data), "peer, sorted": peer(data, "--order", "sorted")}
    one = place.first_line(data)
    gaps = lambda rows: place.gaps(model, data, rows, limit)
    facts = {"examples": count, "max_new_tokens": NEW_TOKENS}
    differences = lambda peer, ours: answer_differences(peer, ours, gaps)
    start_up = {"peer": peer(one), "sapo": sapo(one)}
    return Task(jobs, read_answers, differences, LOGIT_TOLERANCE[place.dtype], facts, start_up)


def read_answers(out):
    if out.startswith('{"index"'):
        answers = [json.loads(line) for line in out.splitlines()]
    else:
        answers = json.loads(out)["answers"]
    result = [[answer["text"], answer["tokens"]] for answer in answers]
    return {"tokens": sum(tokens for _, tokens in result), "result": result}


def first_token(place, size):
    """From nothing to the first token of an answer: start-up, loading, one prompt."""
    model, data = place.checkpoint(size), place.first_line(place.data(8) / "prompts.jsonl")
    limit = ["--max-new-tokens", 1]
    jobs = {
        "peer": place.peer("generate", model, data, *limit, *place.options()),
        "sapo": [place.sapo, "generate", "--json", "--model", model, "--data", data, *limit, *place.options()],
    }
    gaps = lambda rows: place.gaps(model, data, rows, limit)
    differences = lambda peer, ours: answer_differences(peer, ours, gaps)
    weights = (model / "model.safetensors").stat().st_size
    return Task(jobs, read_answers, differences, LOGIT_TOLERANCE[place.dtype], {"checkpoint_mb": round(weights / 1e6)})


def loss_differences(peer, ours):
    """The largest difference, after a check that every loss is there."""
    assert len(peer) == len(ours), f"{len(peer)} losses against {len(ours)}"
    return max(abs(a - b) for a, b in zip(peer, ours))


def answer_differences(peer, ours, gaps):
    """How far the peer was from choosing as we did, where answers differ; 0 where none does."""
    assert len(peer) == len(ours), f"{len(peer)} answers against {len(ours)}"
    rows = [i for i, (a, b) in enumerate(zip(peer, ours)) if a != b]
    if not rows:
        return 0.0
    return max(gap_of(steps, ours[i][0]) for i, steps in zip(rows, gaps(rows)))


def gap_of(steps, text):
    """The gap of the step that led away from `text`; where none did, the peer differs from itself by its batch: the least."""
    parted = [step["gap"] for step in steps if not text.startswith(step["text"].strip())]
    return parted[0] if parted else min(step["gap"] for step in steps)


def make(name, place, size, quick):
    """The task of that name."""
    work = QUICK if quick else WORK.get(size, {})
    if name in ("lora", "full"):
        return train(place, size, name == "lora", work[name])
    if name == "score":
        return score(place, size, work[name])
    if name == "generate":
        return generate(place, size, work[name])
    return first_token(place, size)
