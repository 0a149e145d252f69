"""The tables of a whole selection, stage by stage, and of its share of the training that it serves."""

import json
import statistics

from tables import heading, ratio, table

STAGES = {
    "peer": "released way",
    "peer, target logits": "target logits",
    "peer, target logits, by length": "by length",
    "sapo, every text alone": "this core",
    "sapo, shared prefix": "shared prefix",
    "sapo": "racing",
}
TARGET, SHARE_TARGET = 15, 0.02
PAPERS_EPOCHS, FEW_EPOCHS = 10, 3


def section(path):
    stored = json.loads(path.read_text())
    models = {}
    for entry in sorted(stored["entries"], key=lambda entry: entry["parameters"]):
        models.setdefault(entry["model"], []).append(entry)
    return heading(path, stored, "selection, ") + "".join(map(of_model, models.values()))


def of_model(entries):
    first = entries[0]
    text = f"**{first['model']}**, {first['parameters'] / 1e6:.1f} M parameters; {first['wordings']} wordings, "
    text += f"{first['examples']} examples. Seconds of the work alone, and in brackets how many times faster that is than the "
    text += "released way; tokens that went through the model, those of padding left out; the winners; the share of training:\n\n"
    return text + seconds(entries) + tokens(entries) + winners(entries) + shares(entries)


def name(entry):
    """`363 sst2 polarity classification`"""
    return entry["superni_task"].removeprefix("task").replace("_", " ")


def times(entry, job, key="work_seconds"):
    """How many times faster a job is than the released way, round by round."""
    rounds = zip(entry["measured"]["peer"], entry["measured"][job])
    values = [theirs[key] / ours[key] for theirs, ours in rounds]
    return {"least": min(values), "median": statistics.median(values), "largest": max(values)}


def median(entry, job, key):
    return statistics.median(row[key] for row in entry["measured"][job])


def seconds(entries):
    rows = []
    for entry in entries:
        cells = [f"{median(entry, job, 'work_seconds'):.2f} ({times(entry, job)['median']:.1f})" for job in STAGES if job != "peer"]
        found = times(entry, "sapo")
        verdict = f"{TARGET} {'met' if found['median'] >= TARGET else 'missed'}"
        start = f"{median(entry, 'peer', 'work_seconds'):.1f}"
        others = [ratio(times(entry, "sapo", key)) for key in ("work_cpu_seconds", "wall_seconds")]
        rows.append([name(entry), start, *cells, ratio(found), verdict, *others])
    return table(["task", *STAGES.values(), "times faster", "target", "CPU time", "whole process"], rows)


def tokens(entries):
    rows = []
    for entry in entries:
        row = lambda job: entry["measured"][job][0]
        padded = ["peer", "peer, target logits, by length"]
        padding = [f"{row(job)['padded_tokens'] - entry['tokens']:,}" for job in padded]
        spent = [row(job)["forward_tokens"] for job in ("sapo, shared prefix", "sapo")]
        cells = [f"{count:,} ({100 * count / entry['tokens']:.0f} %)" for count in spent]
        rows.append([name(entry), f"{entry['tokens']:,}", *padding, *cells, str(entry["shortened"])])
    header = ["task", "tokens of all texts", "padding, released way", "padding, by length", "shared prefix", "racing", "inputs cut"]
    return table(header, rows)


def winners(entries):
    rows = []
    for entry in entries:
        found, stages = entry["winners"], entry["winners"]["stages"]
        released, exact, race = (stages[job] for job in ("peer", "sapo, shared prefix", "sapo"))
        worst = max(entry["largest_difference"].values())
        batches = f"{released['winner_by_batch_means']}{behind(released['batch_means_behind'], worst)}"
        cells = [f"{stage['winner']}{behind(stage['behind'], worst)}" for stage in (exact, race)]
        rows.append([name(entry), batches, released["winner"], *cells, f"{found['second_behind']:.4f}", f"{found['spread']:.3f}",
                     f"{worst:.1g}"])
    header = ["task", "released way (mean of batch means)", "token mean of its losses", "shared prefix", "racing",
              "the second is behind by", "spread", "largest difference of a mean"]
    return table(header, rows)


def behind(nats, noise):
    """Said where a winner is further above the lowest mean than two sides differ in the same mean."""
    return "" if nats <= 2 * noise else f" ({nats:.4f} nats behind)"


def shares(entries):
    rows = []
    for entry in entries:
        epochs = {count: [count * row["work_seconds"] for row in entry["measured"]["training"]] for count in (PAPERS_EPOCHS, FEW_EPOCHS)}
        share = lambda job, count: statistics.median(
            row["work_seconds"] / training for row, training in zip(entry["measured"][job], epochs[count])
        )
        met = "met" if share("sapo", PAPERS_EPOCHS) <= SHARE_TARGET else "missed"
        percent = [f"{100 * share(job, count):.1f} %" for count in (PAPERS_EPOCHS, FEW_EPOCHS) for job in ("sapo", "sapo, shared prefix")]
        rows.append([name(entry), f"{median(entry, 'training', 'work_seconds'):.1f}", f"{median(entry, 'sapo', 'work_seconds'):.2f}",
                     percent[0], f"{100 * SHARE_TARGET:.0f} % {met}", *percent[1:]])
    first = entries[0]
    header = ["task", f"an epoch of {first['training_rows']:,} examples, s", "racing, s", f"of {PAPERS_EPOCHS} epochs", "target",
              f"without racing, of {PAPERS_EPOCHS}", f"racing, of {FEW_EPOCHS}", f"without racing, of {FEW_EPOCHS}"]
    return table(header, rows)
