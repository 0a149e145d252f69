"""Executes every notebook of notebooks-export and compares what it shows with what is stored in it.

    python3 -m unittest scripts/tests/test_notebooks.py

Needs nbformat, nbclient, ipykernel and polars (tried with 5.11.1, 0.11.0, 7.4.0 and 2.1.0); NOTEBOOK_PYTHON names a Python
that has them, NOTEBOOKS another folder of notebooks. Without them the tests say "not run" and end well.
"""

import os
import subprocess
import sys
import unittest
from pathlib import Path

NEEDED = ("nbformat", "nbclient", "ipykernel", "polars")
FOLDER = Path(os.environ.get("NOTEBOOKS") or Path(__file__).resolve().parents[2] / "notebooks-export")


def execute(path):
    """Problems of one notebook; none where all is well."""
    import nbclient
    import nbformat

    stored = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(stored)
    if (stored.nbformat, stored.nbformat_minor) != (4, 5):
        return [f"{path.name}: form {stored.nbformat}.{stored.nbformat_minor}, expected 4.5"]
    executed = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(executed, timeout=120, kernel_name="python3", resources={"metadata": {"path": path.parent}}).execute()
    problems = []
    for before, after in zip(stored.cells, executed.cells):
        if before.cell_type == "code" and shown(before) != shown(after):
            problems.append(f"{path.name}, cell {before.id}: shows\n{shown(after)}\nstored is\n{shown(before)}")
    return problems


def shown(cell):
    """What a cell shows, with its place in the order of execution."""
    outputs = [(output.output_type, output.get("data"), output.get("metadata")) for output in cell.outputs]
    return cell.execution_count, outputs


def missing():
    """The first package that this Python lacks."""
    for name in NEEDED:
        try:
            __import__(name)
        except ImportError as error:
            return str(error)
    return None


class Notebooks(unittest.TestCase):
    def test_every_notebook_shows_when_executed_what_is_stored_in_it(self):
        notebooks = sorted(FOLDER.glob("*.ipynb"))
        if not notebooks:
            print(f"not run: no notebook in {FOLDER}", file=sys.stderr)
        elif python := os.environ.get("NOTEBOOK_PYTHON"):
            other = {name: value for name, value in os.environ.items() if name != "NOTEBOOK_PYTHON"}
            self.assertEqual(subprocess.run([python, __file__], env=other, check=False).returncode, 0)
        elif lacks := missing():
            print(f"not run: {lacks}; NOTEBOOK_PYTHON names a Python that has {', '.join(NEEDED)}", file=sys.stderr)
        else:
            for path in notebooks:
                with self.subTest(notebook=path.name):
                    self.assertEqual(execute(path), [])


if __name__ == "__main__":
    unittest.main()
