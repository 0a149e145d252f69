"""Prints every curve of a folder of event files as TensorBoard reads it: {tag: [[step, value], ...]}.

    python3 scripts/tests/tensorboard_opens.py FOLDER

Tried with tensorboard 2.20.0 and setuptools 80; where it is not installed this says "not run" and ends well.
"""

import json
import sys

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError as error:
    print(f"not run: TensorBoard is not installed ({error}); TENSORBOARD_PYTHON names a Python that has it")
    sys.exit(0)

events = EventAccumulator(sys.argv[1])
events.Reload()
curves = {tag: [[event.step, event.value] for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
print(json.dumps(curves))
