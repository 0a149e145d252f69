"""Markdown that all reports share."""


def table(header, rows):
    line = lambda cells: "| " + " | ".join(cells) + " |\n"
    return line(header) + line(["---"] + ["---:"] * (len(header) - 1)) + "".join(map(line, rows)) + "\n"


def ratio(spread):
    """Median, with least and largest."""
    return f"{spread['median']:.2f} [{spread['least']:.2f}, {spread['largest']:.2f}]"


def heading(path, stored, what=""):
    """Title of a file of results, and what they were measured on."""
    machine, entries = stored["machine"], stored["entries"]
    device, dtype, threads = path.stem.split("-")[-3:]
    facts = ", ".join(f"{key} {value}" for key, value in machine.items() if not isinstance(value, list))
    when = f"{min(entry['time'] for entry in entries)} to {max(entry['time'] for entry in entries)} UTC"
    commits = ", ".join(sorted({entry["commit"] for entry in entries}))
    load = max(entry["load_1_minute"] for entry in entries)
    text = f"### {what}{device}, {dtype}, {threads} thread{'s' if threads != '1' else ''}\n\n"
    text += f"Machine: {facts}; {', '.join(machine['instructions'])}. Measured {when}, commit {commits}; "
    return text + f"{entries[0]['rounds']} rounds; load of the machine at the start of a job at most {load}.\n\n"
