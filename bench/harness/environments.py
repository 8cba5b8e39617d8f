"""Environments of the peers: one virtual environment each, from a pinned list of requirements."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
REQUIREMENTS = BENCH / "environments"
OWN = "project"
"""The environment that runs the benchmark: this project's own, with PyTorch."""


class Unavailable(Exception):
    """A peer cannot take part; the message says why in one line."""


def fingerprint(environment: str, worker: str) -> str:
    """Return a word that changes with what ``worker`` converts: its source and its packages."""
    digest = hashlib.sha256((BENCH / "workers" / f"{worker}.py").read_bytes())
    if environment != OWN:
        digest.update((REQUIREMENTS / f"{environment}.txt").read_bytes())
    return digest.hexdigest()[:12]


def python(environment: str, folder: Path) -> Path:
    """Return the Python of ``environment`` under ``folder``; install it if it is not there.

    Its requirements are `environments/<environment>.txt`, which may name the Pythons that its
    packages exist for in a line `# python: 3.11 3.10`, and say `# pip: …` for pip's options.

    Raises:
        Unavailable: there is no such Python, or pip fails.
    """
    if environment == OWN:
        return Path(sys.executable)
    requirements = REQUIREMENTS / f"{environment}.txt"
    own, found = folder / environment, folder / environment / "bin" / "python"
    stamp = own / "requirements.txt"
    if stamp.exists() and stamp.read_bytes() == requirements.read_bytes():
        return found
    shutil.rmtree(own, ignore_errors=True)
    settings = _settings(requirements)
    _run([_interpreter(settings.get("python", "").split()), "-m", "venv", "--without-pip", own])
    options = settings.get("pip", "").split()
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        found,
        "--disable-pip-version-check",
    ]
    _run([*pip, "install", "--quiet", *options, "-r", requirements])
    shutil.copyfile(requirements, stamp)
    return found


def available_cores() -> list[int]:
    """Return the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _settings(requirements: Path) -> dict[str, str]:
    """Return the settings in the comments of a list of requirements."""
    comments = [line[1:] for line in requirements.read_text().splitlines() if line[:1] == "#"]
    pairs = [comment.partition(":") for comment in comments]
    return {name.strip(): value.strip() for name, colon, value in pairs if colon}


def _interpreter(versions: list[str]) -> str:
    """Return a Python of one of ``versions``, best first; without any, the one that runs this."""
    if not versions or "{}.{}".format(*sys.version_info) in versions:
        return sys.executable
    for version in versions:
        program = shutil.which(f"python{version}")
        if program and subprocess.run([program, "-c", ""], capture_output=True).returncode == 0:
            return program
    raise Unavailable(f"needs Python {' or '.join(versions)}, which is not installed")


def _run(command: list[str | Path]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or [f"exit {done.returncode}"]
        raise Unavailable(f"cannot be installed: {lines[-1]}")
