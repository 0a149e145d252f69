"""Tests of the script that makes the Python of the side-by-side runs; offline, with lists that need no download."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1]


class PeerPython(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "scripts").mkdir()
        for name in ["peer-python.py", "wheels.py"]:
            shutil.copy(SCRIPTS / name, self.folder / "scripts" / name)
        self.requirements = self.folder / "bench/peers/requirements.txt"
        self.requirements.parent.mkdir(parents=True)
        self.environment = dict(os.environ, SAPO_CACHE=str(self.folder / "cache"), PIP_NO_INDEX="1")
        self.environment.pop("PEER_PYTHON", None)

    def call(self):
        command = [sys.executable, "-B", self.folder / "scripts/peer-python.py"]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True)

    def test_it_is_made_once_and_again_for_another_list(self):
        self.requirements.write_text("# none\n")
        first = self.call()
        python = first.stdout.strip()
        said = subprocess.run([python, "-c", "import sys; print(sys.prefix)"], check=True, capture_output=True, text=True)
        self.assertEqual(said.stdout.strip(), str(Path(python).parents[1]))
        self.assertIn("installing", first.stderr)
        again = self.call()
        self.assertEqual((again.stdout.strip(), again.stderr), (python, ""))
        self.requirements.write_text("# none, but another list\n")
        self.assertNotEqual(self.call().stdout.strip(), python)

    def test_one_that_failed_is_not_taken_for_ready(self):
        self.requirements.write_text("no-such-package==1.0\n")
        for _ in range(2):
            failed = self.call()
            self.assertEqual((failed.returncode, failed.stdout), (1, ""))
            self.assertRegex(failed.stderr, "sapo: .* failed")

    def test_a_python_of_the_users_own_wins(self):
        self.environment["PEER_PYTHON"] = "/somewhere/python"
        self.assertEqual(self.call().stdout, "/somewhere/python\n")


if __name__ == "__main__":
    unittest.main()
