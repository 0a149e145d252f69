"""A whole selection, stage by stage from the released way to a race, and beside it the training that it serves.

Every stage has the same texts: `peer` is the released way, then variants of it, then ours: every text alone (`sapo loss`), with
shared prefixes (`sapo select --selector exhaustive`), and racing (`sapo select`, which is what is compared: "sapo"). "training"
is one epoch of LoRA on the first rows of the same task under the chosen wording; its time is what selection is a share of.
"""

import json
from pathlib import Path

import superni
from measure import ROOT, run
from tasks import LORA, LOSS_TOLERANCE, Task, with_blas

NUMBERS = "363,195,1310,618,273"
PARAPHRASES = 20
EXAMPLES, TRAINING_ROWS = 250, 1000  # the paper's
QUICK = {"examples": 20, "training_rows": 64}
TRAINING_BATCH = 16  # of the experiments on real text; the paper's 64 takes no less time a token
# A checkpoint without a taught one beside it learns from rows that neither selection nor training sees, under all wordings.
TAUGHT_WITH = {"rows": 200, "after": 1000, "learning_rate": 5e-4, "epochs": 1}


def sizes(models, numbers):
    """What is compared: each model on each task."""
    return [f"{model}:{number}" for model in models.split(",") for number in numbers.split(",")]


def make(place, folder, size, numbers, quick):
    """The comparison of one model on one SuperNI task; `size` is of `sizes`."""
    name, number = size.rsplit(":", 1)
    model = taught(place, folder, name, numbers) if not Path(name).is_dir() else Path(name).absolute()
    examples, rows = QUICK.values() if quick else (EXAMPLES, TRAINING_ROWS)
    task = superni.SuperniTask.read(folder, number)
    files = place.folder / f"select-{model.name}-{place.dtype}-{number}"
    chosen = superni.Selection(files, superni.Form.of(model), task, pool(place, task), examples)

    peer = lambda lines, count, way: place.selecting_peer(model, lines, "--examples", count, "--way", way, *place.options())
    loss = lambda lines: [place.sapo, "loss", "--json", "--model", model, "--data", lines, *place.options()]
    select = lambda data, pool, rule: [
        *[place.sapo, "select", "--json", "--no-cache", "--model", model, "--data", data, "--pool", pool, "--suffix", task.suffix],
        *["--selector", rule, *place.options()],
    ]
    race = select(chosen.data, chosen.pool, "race")
    winner = json.loads(run(race, place.threads, place.device)["stdout"])["winner"]
    jobs = {
        "peer": peer(chosen.lines, examples, "released"),
        "peer, target logits": peer(chosen.lines, examples, "targets"),
        "peer, target logits, by length": peer(chosen.lines, examples, "length"),
        "sapo, every text alone": loss(chosen.lines),
        "sapo, shared prefix": select(chosen.data, chosen.pool, "exhaustive"),
        "sapo": race,
        **with_blas(place, race),
        "training": training(place, files.name, model, chosen.training_file(winner, rows)),
    }
    one_line, one_example = place.first_line(chosen.lines), place.first_line(chosen.data)
    start_up = {
        "peer": peer(one_line, 1, "released"),
        "sapo, every text alone": loss(one_line),
        "sapo": select(one_example, chosen.one_pool, "race"),
    }
    facts = {
        "size": f"{model.name}:{number}",
        "model": model.name,
        "superni_task": task.name,
        "parameters": superni.parameters(model),
        "examples": examples,
        "wordings": len(chosen.ids),
        "tokens": chosen.tokens,
        "shortened": chosen.shortened,
        "training_rows": rows,
        "training_batch": TRAINING_BATCH,
    }
    read = lambda out: read_job(out, chosen.ids, examples)
    summary = lambda results: {"winners": winners(results)}
    exact = {"peer, target logits", "peer, target logits, by length", "sapo, every text alone", "sapo, shared prefix"}
    return Task(jobs, read, mean_differences, LOSS_TOLERANCE[place.dtype], facts, start_up, exact, summary)


def pool(place, task):
    """The original and paraphrases of the bank."""
    command = ["paraphrase", "--source", "bank", "--bank", ROOT / "data/prompts", "--count", PARAPHRASES]
    text = run([place.sapo, *command, "--instruction", task.instruction], place.threads)["stdout"]
    return json.loads(text)


def training(place, name, model, data):
    """One epoch of LoRA; what it takes is the sum of its steps."""
    settings = {"batch_size": TRAINING_BATCH, "micro_batch_size": TRAINING_BATCH}
    _, path = place.training_run(name, model, data, {**LORA, "lora_dropout": 0.1}, 1e-4, **settings)
    return place.ours_train_command(path)


def taught(place, folder, size, numbers):
    """A random checkpoint of that size, trained a little on the tasks themselves, so that losses differ as real ones do."""
    made = place.folder / f"{place.checkpoint(size).name}-superni"
    if not (made / "model.safetensors").exists():
        form, rows = superni.Form.of(place.checkpoint(size)), TAUGHT_WITH["rows"]
        pairs = []
        for number in numbers.split(","):
            task = superni.SuperniTask.read(folder, number)
            wordings = [variant["text"] for variant in pool(place, task)["variants"]]
            for place_of_row, (text, target) in enumerate(task.rows[TAUGHT_WITH["after"] :][:rows]):
                text = form.fitted(wordings, text, target, task.suffix)
                wording = wordings[place_of_row % len(wordings)]
                pairs.append(form.pair(superni.layout(wording, text, task.suffix), target))
        data = place.folder / f"{made.name}.jsonl"
        superni.write_lines(data, ({"prompt": prompt, "completion": completion} for prompt, completion in pairs))
        place.teach(made, size, data, TAUGHT_WITH["learning_rate"], TAUGHT_WITH["epochs"])
    return made


def read_job(out, ids, examples):
    """Mean losses of the wordings that were asked about everything, the winner, and the tokens that it took."""
    if out.startswith('{"index"'):
        return read_losses([json.loads(line) for line in out.splitlines()[:-1]], ids, examples)
    found = json.loads(out)
    if "steps" in found:
        return {"work_seconds": sum(step["seconds"] for step in found["steps"]),
                "trained_tokens": sum(step["tokens"] for step in found["steps"]), "result": None}
    if "winner" in found:
        means = {arm["id"]: arm["mean"] for arm in found["arms"] if arm["examples"] == examples}
        result = {"means": means, "winner": found["winner"], "promise": found["promise"]}
        return {"forward_tokens": found["forward_tokens"], "selection_seconds": found["seconds"], "result": result}
    arms = dict(zip(ids, found.pop("arms"), strict=True))
    means = {arm: values["token_mean"] for arm, values in arms.items()}
    result = {"means": means, "winner": min(means, key=means.get)}
    released = {arm: values["mean_of_batch_means"] for arm, values in arms.items() if "mean_of_batch_means" in values}
    if released:
        result["winner_by_batch_means"] = min(released, key=released.get)
    return {**found, "result": result}


def read_losses(lines, ids, examples):
    assert len(lines) == len(ids) * examples, f"{len(lines)} losses of {len(ids)} wordings on {examples} examples"
    means = {}
    for place, arm in enumerate(ids):
        of_arm = lines[place * examples : (place + 1) * examples]
        means[arm] = sum(line["loss"] * line["tokens"] for line in of_arm) / sum(line["tokens"] for line in of_arm)
    return {"result": {"means": means, "winner": min(means, key=means.get)}}


def mean_differences(peer, ours):
    """The largest difference of a wording's mean, in nats, after a check that none is missing."""
    assert peer["means"].keys() == ours["means"].keys(), f"{sorted(ours['means'])} against {sorted(peer['means'])}"
    return max(abs(mean - ours["means"][arm]) for arm, mean in peer["means"].items())


def winners(results):
    """For each stage its winner and how far it is behind the lowest mean, both by the peer's own losses of every token."""
    means = results["peer"]["means"]
    lowest = min(means.values())
    found = {}
    for job, result in results.items():
        if result is None:
            continue
        found[job] = {"winner": result["winner"], "behind": means[result["winner"]] - lowest}
        found[job] |= {key: result[key] for key in ("winner_by_batch_means", "promise") if key in result}
        if "winner_by_batch_means" in result:
            found[job]["batch_means_behind"] = means[result["winner_by_batch_means"]] - lowest
    spread = max(means.values()) - lowest
    return {"spread": spread, "second_behind": sorted(means.values())[1] - lowest, "stages": found}
