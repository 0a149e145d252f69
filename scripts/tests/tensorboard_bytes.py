"""Prints the events of the unit test in crates/sapo-lab/src/tensorboard/event_file.rs as tensorboard 2.20.0 writes them.

    python -m venv v && v/bin/pip install tensorboard==2.20.0 'setuptools<81'
    v/bin/python scripts/tests/tensorboard_bytes.py > crates/sapo-lab/tests/fixtures/tensorboard_events.hex
"""

import io

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter


class Unclosed(io.BytesIO):
    def close(self):
        pass


out = Unclosed()
writer = RecordWriter(out)
loss = Summary(value=[Summary.Value(tag="training/loss", simple_value=0.25)])
for event in [
    Event(wall_time=1.5, file_version="brain.Event:2"),
    Event(wall_time=2.0, step=300, summary=loss),
    Event(wall_time=2.5, session_log=SessionLog(status=SessionLog.START)),
]:
    writer.write(event.SerializeToString())
writer.flush()
print(out.getvalue().hex())
