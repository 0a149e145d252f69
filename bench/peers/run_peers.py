"""This project's model core against transformers and PEFT: whole processes, side by side, in one run on one machine.

    just bench-peers [--sizes 5m,50m,150m] [--tasks lora,full,score,generate,first-token,matmul] [--rounds 3] [--threads 1]
                     [--dtype f32] [--device cpu] [--tokenizer DIR] [--quick]
    just bench-peers --tasks select --superni DIR [--models DIR,50m] [--superni-tasks 363,195] ...

Both sides read the same checkpoint, data, dtype and thread count. Jobs are run in turns, so that a slow minute of the machine
meets all of them; a ratio is formed within a round, and the least, median and largest over the rounds are kept. What the two
sides computed is compared each time: losses to a stated tolerance, greedy answers up to near ties. The run fails where they
differ. Results are added to `bench/results/<device>-<dtype>-<threads>.json`; `report.py` writes them into docs/performance.md.
`--quick` runs a few examples of everything and keeps the results out of the repository.

`select` is a whole selection on SuperNI rows (`selection.py`), with results in a file of its own, `select-...json`. A model is a
folder, or a size: a random checkpoint of that size that is taught a little on the tasks first.
"""

import argparse
import json
import os
import statistics
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import measure  # noqa: E402
import selection  # noqa: E402
import tasks  # noqa: E402
from place import HERE, Place  # noqa: E402

RESULTS = HERE.parent / "results"
TASKS = ["lora", "full", "score", "generate", "first-token", "matmul"]


def cache_dir():
    """As in scripts/wheels.py."""
    own = os.environ.get("SAPO_CACHE")
    return Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sapo"


def compare(task, place, rounds):
    """Runs every job in turns and sums up."""
    measured = {name: [] for name in task.jobs}
    compared = task.compared or {name for name in task.jobs if name != "peer"}
    worst = {name: 0.0 for name in task.jobs if name in compared}
    for _ in range(rounds):
        results = {}
        start_up = {name: measure.run(job, place.threads, place.device) for name, job in task.start_up.items()}
        for name, job in task.jobs.items():
            cost = measure.run(job, place.threads, place.device)
            read = task.read(cost.pop("stdout"))
            results[name] = read.pop("result")
            before = start_up.get(name) or start_up.get(name.split(",")[0])
            if before:
                cost["start_up_seconds"] = before["wall_seconds"]
                cost["work_seconds"] = cost["wall_seconds"] - before["wall_seconds"]
                cost["work_cpu_seconds"] = cost["cpu_seconds"] - before["cpu_seconds"]
            measured[name].append({**cost, **read})
        for name in worst:
            worst[name] = max(worst[name], task.differences(results["peer"], results[name]))
    return {
        **task.facts,
        **task.summary(results),
        "largest_difference": worst,
        "tolerance": task.tolerance,
        "ratios": {name: ratios(measured[name], measured["sapo"]) for name in measured if name != "sapo"},
        "measured": measured,
    }


def ratios(theirs, ours):
    """Theirs over ours, round by round: above 1 is faster, or smaller, here."""
    keys = [key for key in theirs[0] if key in ours[0] and key not in ("tokens", "targets")]
    return {key: spread([a[key] / b[key] for a, b in zip(theirs, ours)]) for key in keys}


def spread(values):
    return {"least": min(values), "median": statistics.median(values), "largest": max(values)}


def matmul(place, size, rounds):
    """The rate of matrix products at the model's shapes; the best of the rounds, since noise only slows."""
    command = [sys.executable, HERE / "matmul_rate.py", place.checkpoint(size) / "config.json", *place.options()]
    rows = [json.loads(measure.run(command, place.threads, place.device)["stdout"]) for _ in range(rounds)]
    return {key: max(row[key] for row in rows) for key in rows[0]}


def keep(path, entry, machine):
    """Adds an entry to the results, in place of an older one of the same name."""
    stored = json.loads(path.read_text()) if path.exists() else {"machine": machine, "entries": []}
    if stored["machine"] != machine:
        raise SystemExit(f"{path} holds results of another machine or of other versions; move it away")
    same = lambda old: (old["task"], old["size"]) == (entry["task"], entry["size"])
    stored["entries"] = [old for old in stored["entries"] if not same(old)] + [entry]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(stored, indent=1) + "\n")


def say(entry):
    """One line on what was found."""
    if entry["task"] == "matmul":
        return print(f"{entry['size']} matmul: {json.dumps(entry)}", flush=True)
    ratio = entry["ratios"]["peer"]
    shown = ", ".join(f"{key.split('_')[0]} {ratio[key]['median']:.2f}" for key in ratio)
    difference = max(x for name, x in entry["largest_difference"].items() if name.startswith("sapo"))
    print(f"{entry['size']} {entry['task']}: theirs / ours: {shown}; largest difference {difference:.2g}", flush=True)


def sizes(name, args):
    """What a task is run for."""
    if name == "select":
        return selection.sizes(args.models, args.superni_tasks)
    return ["1gb"] if name == "first-token" else args.sizes.split(",")


def make(name, place, size, args):
    if name == "select":
        return selection.make(place, args.superni.absolute(), size, args.superni_tasks, args.quick)
    return tasks.make(name, place, size, args.quick)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="5m,50m,150m")
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--superni", type=Path, help="folder of SuperNI tasks, for `select`")
    parser.add_argument("--models", default="50m", help="of `select`: folders, or sizes to be taught")
    parser.add_argument("--superni-tasks", default=selection.NUMBERS, help="of `select`, by number")
    parser.add_argument("--tokenizer", type=Path, help="folder of a tokenizer of up to 50304 entries for the larger models")
    parser.add_argument("--folder", type=Path, help="for checkpoints and data [default: bench-peers in the per-user cache]")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    names = args.tasks.split(",")
    if "select" in names and args.superni is None:
        parser.error("--tasks select needs --superni DIR")

    folder = (args.folder or cache_dir() / "bench-peers").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    kept_in = folder if args.quick else RESULTS
    file_name = f"{args.device.split(':')[0]}-{args.dtype}-{args.threads}.json"
    Place.build()
    place = Place(folder, args.tokenizer, args.dtype, args.device, args.threads)
    machine = measure.machine(args.device)
    too_far = []
    for name in names:
        out = args.out or kept_in / (f"select-{file_name}" if name == "select" else file_name)
        for size in sizes(name, args):
            moment = measure.moment()
            if name == "matmul":
                found = matmul(place, size, args.rounds)
            else:
                found = compare(make(name, place, size, args), place, args.rounds)
            entry = {"task": name, "size": size, "rounds": args.rounds, **moment, **found}
            say(entry)
            keep(out, entry, machine)
            differences = found.get("largest_difference", {})
            too_far += [f"{name} {size} {job}: {x}" for job, x in differences.items() if not x <= found["tolerance"]]
        print(out)
    if too_far:
        raise SystemExit("results differ: " + "; ".join(too_far))


if __name__ == "__main__":
    main()
