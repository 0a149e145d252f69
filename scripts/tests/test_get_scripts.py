"""Tests of the scripts that bring libtorch and just; offline, with small made-up wheels and a stand-in for pip."""

import contextlib
import hashlib
import importlib.util
import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest
import zipfile
from pathlib import Path
from unittest import mock

SCRIPTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(SCRIPTS))

import wheels  # noqa: E402


def load(name):
    spec = importlib.util.spec_from_file_location(name.replace("-", "_"), SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# Stands in for `python -m pip`: takes the wheel from WHEELS, counts calls, and can damage it, fail, or hang half way.
PIP = """
import os, pathlib, shutil, sys, time
args = sys.argv[1:]
wanted = pathlib.Path(args[args.index("-r") + 1]).read_text().split("==")[0]
got = pathlib.Path(args[args.index("-d") + 1]); got.mkdir()
store = pathlib.Path(os.environ["WHEELS"])
with open(store / "calls", "a") as calls: calls.write(wanted + "\\n")
act, _, target = os.environ.get("PIP_ACT", "").partition(":")
source = store / (wanted + ".whl"); to = got / (wanted + "-1.0-py3-none-any.whl")
if target == wanted and act == "hang":
    to.write_bytes(source.read_bytes()[:10]); (store / "hanging").touch(); time.sleep(600)
if target == wanted and act == "damage":
    to.write_bytes(b"not what was asked for"); sys.exit(0)
if target == wanted and act == "full":
    sys.exit("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device")
if target == wanted and act == "missing":
    sys.exit("/usr/bin/python3: No module named pip")
if target == wanted and act == "offline":
    sys.exit("ERROR: No matching distribution found for " + wanted)
shutil.copy(source, to)
"""

TORCH_FILES = {
    "torch/lib/libtorch_cpu.so": b"cpu",
    "torch/lib/libc10.so": b"c10",
    "torch/lib/libtorch_cuda.so": b"must not be taken",
    "torch/include/torch/torch.h": b"header",
}
CUDART = {"nvidia/cu13/lib/libcudart.so.13": b"cudart"}
LIBRARIES = ("torch/lib/libtorch_cpu.so", "torch/lib/libc10.so", "nvidia/cu13/lib/libcudart.so.13")


class Sandbox(unittest.TestCase):
    """A made-up package index, a cache and a checkout in a temporary folder."""

    def setUp(self):
        self.root = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        self.store, self.cache = self.root / "store", self.root / "cache"
        self.link = self.root / "checkout" / "third_party" / "libtorch"
        self.store.mkdir()
        (self.root / "fake" / "pip").mkdir(parents=True)
        (self.root / "fake" / "pip" / "__init__.py").touch()
        (self.root / "fake" / "pip" / "__main__.py").write_text(PIP)
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "SAPO_CACHE": str(self.cache),
            "PYTHONPATH": str(self.root / "fake"),
            "WHEELS": str(self.store),
        }
        patch = mock.patch.dict(os.environ, self.env, clear=True)
        patch.start()
        self.addCleanup(patch.stop)

    def wheel(self, name, files):
        path = self.store / f"{name}.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for inside, content in files.items():
                archive.writestr(inside, content)
        return wheels.Wheel(f"{name}==1.0", hashlib.sha256(path.read_bytes()).hexdigest(), ("any",))

    def calls(self):
        record = self.store / "calls"
        return record.read_text().split() if record.exists() else []

    def tidy(self):
        """Nothing half-done and nothing superfluous is left in the cache."""
        self.assertEqual([], list(self.cache.glob("tmp-*")))
        self.assertEqual([], list((self.cache / "downloads").glob("*")))


class GetLibtorch(Sandbox):
    def setUp(self):
        super().setUp()
        self.script = load("get-libtorch")
        pins = [self.wheel("torch", TORCH_FILES), self.wheel("cudart", CUDART)]
        self.script.SOURCES = {wheels.this_platform(): (pins, LIBRARIES, (1, 1))}
        self.folder = self.cache / f"libtorch-{self.script.TORCH}-cpu"

    def main(self, **env):
        """Runs the script's main; what it told the user."""
        told = io.StringIO()
        argv = ["get-libtorch.py", str(self.link)]
        with mock.patch.object(sys, "argv", argv), mock.patch.dict(os.environ, env), contextlib.ExitStack() as stack:
            # pip's stdout goes to the real stderr; only our own words are caught
            stack.enter_context(mock.patch.object(wheels, "say", lambda text: told.write(f"{text}\n")))
            self.script.main()
        return told.getvalue()

    def refusal(self, **env):
        with self.assertRaises(wheels.Refusal) as caught:
            self.main(**env)
        return str(caught.exception)

    def test_makes_folder_and_link_with_one_line(self):
        told = self.main()
        self.assertEqual(1, told.count("\n"))
        self.assertIn("1 MB", told)
        self.assertIn(str(self.cache), told)
        self.assertEqual(self.folder, self.link.resolve())
        found = {str(p.relative_to(self.folder)) for p in self.folder.rglob("*") if p.is_file()}
        libraries = {"lib/libtorch_cpu.so", "lib/libc10.so", "lib/libcudart.so.13", "lib/libtorch.so"}
        self.assertEqual(libraries | {"include/torch/torch.h", "build-version"}, found)
        self.assertEqual("INPUT(libtorch_cpu.so libc10.so)\n", (self.folder / "lib/libtorch.so").read_text())
        self.tidy()

    def test_second_run_is_silent_and_downloads_nothing(self):
        self.main()
        self.assertEqual("", self.main())
        self.assertEqual(["torch", "cudart"], self.calls())

    def test_second_checkout_shares_the_cache(self):
        self.main()
        self.link = self.root / "other" / "libtorch"
        self.assertEqual("", self.main())
        self.assertEqual(self.folder, self.link.resolve())

    def test_damaged_download_is_refused_and_not_kept(self):
        text = self.refusal(PIP_ACT="damage:torch")
        self.assertIn("checksum of torch==1.0 is wrong", text)
        self.assertIn("run this again", text)
        self.assertFalse(self.folder.exists())
        self.tidy()
        self.main()
        self.assertTrue(self.script.usable(self.link))

    def test_kept_wheel_that_was_damaged_later_is_downloaded_again(self):
        self.refusal(PIP_ACT="offline:cudart")
        (kept,) = (self.cache / "downloads").iterdir()
        kept.write_bytes(b"bit rot")
        self.assertIn("damaged", self.main())
        self.assertEqual(["torch", "cudart", "torch", "cudart"], self.calls())

    def test_offline_and_full_disk_and_no_pip_say_so(self):
        self.assertIn("pip is missing", self.refusal(PIP_ACT="missing:torch"))
        self.assertIn("check the network", self.refusal(PIP_ACT="offline:torch"))
        self.assertIn("is full", self.refusal(PIP_ACT="full:torch"))
        usage = mock.Mock(free=2**20)
        with mock.patch.object(shutil, "disk_usage", return_value=usage):
            self.assertRegex(self.refusal(), r"needs \d+ MB .* 1 MB are free")

    def test_wheel_without_a_library_leaves_nothing(self):
        platform = wheels.this_platform()
        pins, libraries, size = self.script.SOURCES[platform]
        self.script.SOURCES = {platform: (pins, libraries + ("torch/lib/libgone.so",), size)}
        self.assertIn("torch/lib/libgone.so", self.refusal())
        self.assertFalse(self.folder.exists())
        self.assertEqual([], list(self.cache.glob("tmp-*")))

    def test_incomplete_cache_is_made_again(self):
        self.main()
        (self.folder / "lib" / "libtorch_cpu.so").unlink()
        self.assertIn("incomplete", self.main())
        self.assertTrue(self.script.usable(self.link))

    def test_own_folder_in_the_place_of_the_link_is_kept(self):
        self.link.mkdir(parents=True)
        (self.link / "mine").touch()
        self.assertIn("remove it", self.refusal())
        self.assertTrue((self.link / "mine").exists())

    def test_libtorch_variable(self):
        self.main()
        good = str(self.folder)
        self.assertEqual("", self.main(LIBTORCH=good))
        self.assertIn("absolute", self.refusal(LIBTORCH="third_party/libtorch"))
        self.assertIn("no lib/libtorch_cpu", self.refusal(LIBTORCH=str(self.root)))
        (self.folder / "build-version").write_text("2.9.1+cpu\n")
        self.assertIn("torch 2.9.1+cpu", self.refusal(LIBTORCH=good))
        (self.folder / "build-version").unlink()
        (self.folder / "version.py").write_text(f"__version__ = '{self.script.TORCH}+cu130'\n")
        self.assertEqual("", self.main(LIBTORCH=good))
        (self.folder / "version.py").unlink()
        self.assertIn("cannot be told", self.main(LIBTORCH=good))

    def test_installed_pytorch(self):
        package = self.root / "fake" / "torch"
        self.assertIn("has no torch", self.refusal(LIBTORCH_USE_PYTORCH="1"))
        package.mkdir()
        (package / "__init__.py").write_text("raise ImportError('must not be imported: that takes seconds')")
        (package / "version.py").write_text(f"__version__ = '{self.script.TORCH}+cu130'\n")
        self.assertEqual("", self.main(LIBTORCH_USE_PYTORCH="1", LIBTORCH="/nowhere"))
        (package / "version.py").write_text("__version__ = '2.12.0'\n")
        self.assertIn("torch 2.12.0", self.refusal(LIBTORCH_USE_PYTORCH="1"))
        self.assertEqual([], self.calls())

    def test_unknown_platform_names_the_way_out(self):
        self.script.SOURCES = {}
        self.assertIn("LIBTORCH_USE_PYTORCH=1", self.refusal())

    def start(self, **env):
        """The script as a process of its own, with this test's pins."""
        driver = textwrap.dedent(f"""
            import importlib.util, sys
            sys.path.insert(0, {str(SCRIPTS)!r})
            import wheels
            spec = importlib.util.spec_from_file_location("g", {str(SCRIPTS / "get-libtorch.py")!r})
            g = importlib.util.module_from_spec(spec); spec.loader.exec_module(g)
            Wheel = wheels.Wheel
            g.SOURCES = {self.script.SOURCES!r}
            wheels.run(g.main)
        """)
        return subprocess.Popen(
            [sys.executable, "-c", driver, str(self.link)],
            env={**self.env, **env},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def wait_for(self, condition):
        for _ in range(600):
            if condition():
                return
            time.sleep(0.05)
        self.fail("waited 30 s in vain")

    def interrupt(self, sign):
        """Starts a run, waits until its second download hangs half way, and ends it with all its children."""
        process = self.start(PIP_ACT="hang:cudart")
        self.wait_for(lambda: (self.store / "hanging").exists())
        os.killpg(process.pid, sign)
        told = process.communicate(timeout=30)[1]
        self.assertFalse(self.folder.exists())
        self.assertFalse(self.link.exists())
        return process.returncode, told

    def test_killed_run_is_resumed(self):
        self.interrupt(signal.SIGKILL)
        self.main()
        self.assertTrue(self.script.usable(self.link))
        # the wheel that had arrived is not asked for again
        self.assertEqual(["torch", "cudart", "cudart"], self.calls())
        self.tidy()

    def test_ctrl_c_says_how_to_go_on(self):
        code, told = self.interrupt(signal.SIGINT)
        self.assertEqual(130, code)
        self.assertIn("run the same command again", told)
        self.assertNotIn("Traceback", told)

    def test_runs_at_the_same_time_download_once(self):
        runs = [self.start() for _ in range(3)]
        for process in runs:
            told = process.communicate(timeout=60)[1]
            self.assertEqual(0, process.returncode, told)
        self.assertEqual(["torch", "cudart"], self.calls())
        self.assertTrue(self.script.usable(self.link))
        self.tidy()


class GetJust(Sandbox):
    def setUp(self):
        super().setUp()
        self.script = load("get-just")
        inside = f"rust_just-{self.script.JUST}.data/scripts/just"
        self.script.SOURCES = {wheels.this_platform(): self.wheel("rust-just", {inside: b"#!/bin/sh\necho cached\n"})}

    def found(self):
        out = io.StringIO()
        with contextlib.redirect_stdout(out), mock.patch.object(wheels, "say"):
            self.script.main()
        return out.getvalue().strip()

    def on_path(self, version):
        """Puts a `just` on PATH that says `version`; the script must take it for a program, not for a script."""
        folder = self.root / "bin"
        folder.mkdir(exist_ok=True)
        (folder / "just").write_text(f"#!/bin/sh\necho 'just {version}'\n")
        (folder / "just").chmod(0o755)
        os.environ["PATH"] = f"{folder}:/usr/bin:/bin"
        return str(folder / "just")

    def test_takes_a_new_enough_just_on_path(self):
        mine = self.on_path("1.40.0")
        with mock.patch.object(self.script, "is_script", return_value=False):
            self.assertEqual(mine, self.found())
        self.assertEqual([], self.calls())

    def test_brings_its_own_where_path_has_none_an_old_one_or_a_script(self):
        own = str(self.cache / f"just-{self.script.JUST}-{wheels.this_platform()}" / "bin" / "just")
        os.environ["PATH"] = "/nowhere"
        self.assertEqual(own, self.found())
        self.on_path("1.60.0")  # a shell script, as ./just is
        self.assertEqual(own, self.found())
        self.on_path("1.21.0")
        with mock.patch.object(self.script, "is_script", side_effect=lambda file: file == own):
            self.assertEqual(own, self.found())
        self.assertEqual(["rust-just"], self.calls())
        self.assertEqual("cached\n", subprocess.run([own], capture_output=True, text=True).stdout)
        self.tidy()


class Pins(unittest.TestCase):
    """The versions that several files name agree."""

    def test_libtorch_is_the_one_that_tch_binds_to(self):
        manifest = (SCRIPTS.parent / "Cargo.toml").read_text()
        self.assertIn('tch = "=0.24.0"', manifest)
        self.assertEqual("2.11.0", load("get-libtorch").TORCH)

    def test_every_pin_is_a_sha256(self):
        pins = [wheel for source in load("get-libtorch").SOURCES.values() for wheel in source[0]]
        pins += load("get-just").SOURCES.values()
        self.assertGreaterEqual(len(pins), 13)
        for wheel in pins:
            self.assertRegex(wheel.sha256, r"^[0-9a-f]{64}$")
        self.assertEqual(len(pins), len({wheel.sha256 for wheel in pins}))


if __name__ == "__main__":
    unittest.main()
