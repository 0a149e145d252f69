"""Pinned Python wheels as a source of native files: checked, kept until unpacked, put in place whole or not at all.

Everything happens in one per-user cache under one lock. A process that is killed leaves at most a `tmp-*` folder, which
the next one removes, and the wheels that it had finished, which the next one uses. Standard library and pip only.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path


class Refusal(Exception):
    """Something that only the user can mend; its text says what."""


@dataclass(frozen=True)
class Wheel:
    """One wheel of the package index; the tags make it the same one whatever Python runs this script."""

    requirement: str
    sha256: str
    platforms: tuple

    def kept_as(self):
        return f"{self.requirement.replace('==', '-')}-{self.sha256[:12]}.whl"


def say(text):
    """Talks to the user; stdout is left to data."""
    print(f"sapo: {text}", file=sys.stderr, flush=True)


def this_platform():
    """For example `linux-x86_64`, `linux-musl-aarch64`, `macos-arm64`."""
    machine = platform.machine().lower()
    if sys.platform == "darwin":
        return f"macos-{machine}"
    if sys.platform.startswith("linux"):
        libc = "" if platform.libc_ver()[0] == "glibc" else "musl-"
        return f"linux-{libc}{machine}"
    return f"{sys.platform}-{machine}"


def cache_dir():
    """The per-user cache, outside every checkout."""
    own = os.environ.get("SAPO_CACHE")
    if own:
        return Path(own).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "sapo"


def install(destination, wheels, unpack, what, size, megabytes):
    """Makes the folder `destination` from `wheels`, unless another process has just made it.

    `unpack(wheel files, empty folder)` fills the folder; `size` tells the user what is downloaded, `megabytes` is the
    room needed while that goes on.
    """
    cache = destination.parent
    with _plain_errors(cache), locked(cache):
        if destination.is_dir():
            return
        for left in cache.glob("tmp-*"):  # we hold the lock, so whoever made these is gone
            shutil.rmtree(left, ignore_errors=True)
        free = shutil.disk_usage(cache).free // 2**20
        if free < megabytes:
            raise Refusal(
                f"{what} needs {megabytes} MB in {cache}, {free} MB are free; "
                "make room, or set SAPO_CACHE to a folder on a larger disk"
            )
        say(f"downloading {what} ({size}, once) into {cache}")
        files = [_fetch(wheel, cache) for wheel in wheels]
        with _scratch(cache) as scratch:
            out = scratch / "out"
            out.mkdir()
            unpack(files, out)
            os.sync()  # a rename that outlives its files' contents would leave a whole-looking ruin
            out.rename(destination)
        for file in files:
            file.unlink()


def _fetch(wheel, cache):
    """The verified wheel in the cache; a wheel that an interrupted run had finished is not downloaded again."""
    kept = cache / "downloads" / wheel.kept_as()
    if kept.exists():
        if _sha256(kept) == wheel.sha256:
            return kept
        say(f"{kept} is damaged; downloading it again")
        kept.unlink()
    kept.parent.mkdir(exist_ok=True)
    with _scratch(cache) as scratch:
        wanted = scratch / "requirement.txt"
        wanted.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n")
        got = scratch / "got"
        _pip_download(wheel, wanted, got, scratch)
        (file,) = got.glob("*.whl")
        found = _sha256(file)
        if found != wheel.sha256:
            raise Refusal(_checksum_text(wheel, f"expected sha256 {wheel.sha256}, got {found}"))
        file.rename(kept)
    return kept


def _pip_download(wheel, wanted, got, scratch):
    command = [sys.executable, "-m", "pip", "download", "--no-cache-dir", "--no-deps", "--require-hashes"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", "--implementation", "cp"]
    command += ["--python-version", "3.11", "--abi", "cp311", "--abi", "none"]
    for tag in wheel.platforms:
        command += ["--platform", tag]
    command += ["-r", str(wanted), "-d", str(got)]
    if not sys.stderr.isatty():
        command.append("--quiet")
    # pip's own temporary files go beside ours: /tmp is often a small memory disk
    env = dict(os.environ, TMPDIR=str(scratch))
    done = subprocess.run(command, stdout=sys.stderr, stderr=subprocess.PIPE, text=True, env=env)
    if done.returncode == 0:
        return
    errors = [line for line in done.stderr.splitlines() if line.strip()]
    text = "\n".join(errors)
    if "No module named pip" in text:
        raise Refusal("pip is missing; install it (Debian, Ubuntu: apt-get install python3-pip) and run this again")
    if "No space left" in text:
        raise OSError(errno.ENOSPC, "No space left on device")
    if "DO NOT MATCH THE HASHES" in text:
        raise Refusal(_checksum_text(wheel, errors[-1].strip()))
    raise Refusal(
        f"pip could not download {wheel.requirement}; check the network and run this again. pip said:\n  "
        + "\n  ".join(errors[-4:])
    )


def _checksum_text(wheel, detail):
    return (
        f"checksum of {wheel.requirement} is wrong: {detail}. The download was thrown away; run this again, and if it "
        "happens again, something between here and the package index changes files"
    )


def _sha256(file):
    digest = hashlib.sha256()
    with open(file, "rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextlib.contextmanager
def _scratch(cache):
    folder = Path(tempfile.mkdtemp(prefix="tmp-", dir=cache))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def locked(cache):
    """One process at a time; the kernel drops the lock of a killed process, so it cannot go stale."""
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another run that is downloading")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _plain_errors(cache):
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Refusal(f"the disk that holds {cache} is full; make room and run this again") from error
        raise Refusal(f"cannot use the cache {cache}: {error}; SAPO_CACHE puts it elsewhere") from error


def run(main):
    """Runs a script's `main`: a refusal is one line and exit code 1, Ctrl-C a hint and 130."""
    try:
        main()
    except Refusal as refusal:
        say(refusal)
        sys.exit(1)
    except KeyboardInterrupt:
        say("interrupted; run the same command again, it goes on from what was finished")
        sys.exit(130)
