"""Bundles one commit for readers without git: ``python -m tools.release [COMMIT] [--into FOLDER]``.

Writes the site (zip), everything that git tracks (tar.gz), the package alone (wheel) and their ``SHA256SUMS``.
All of it is made from the commit, never from the working folder, with its time and in fixed order: the same
commit in the same environment gives the same bytes. A source distribution would only repeat the tar.gz.
"""

import argparse
import gzip
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
import zipfile
from pathlib import Path

from .sums import digest

ROOT = Path(__file__).resolve().parent.parent
NAME = "hybrid-ml-llm-companion"
BOOK = [str(Path(sys.executable).with_name("jupyter-book")), "build", "--all", "-W", "--keep-going", "-n", "-q"]
WHEEL = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-cache-dir",
         "--disable-pip-version-check"]


def git(root, *arguments):
    """What git prints, as bytes."""
    return subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True).stdout


def left_out(root):
    """Files that differ from the last commit, and so are in no release."""
    return git(root, "status", "--porcelain").decode().splitlines()


def build(root, into, commit="HEAD"):
    """Make the release of a commit and copy it to the folder ``into``; returns its files, the sums last."""
    into.mkdir(parents=True, exist_ok=True)
    stamp = int(git(root, "show", "-s", "--format=%ct", commit))
    with tempfile.TemporaryDirectory() as scratch:
        tree, made = Path(scratch, "tree"), Path(scratch, "made")
        made.mkdir()
        archived = git(root, "archive", "--format=tar", commit)
        with tarfile.open(fileobj=io.BytesIO(archived)) as archive:
            archive.extractall(tree, filter="data")
        version = tomllib.loads((tree / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
        base = f"{NAME}-{version}"
        source(root, commit, base, made)
        run([*BOOK, "."], tree, stamp)
        zipped(tree / "_build" / "html", f"{base}-site", made, stamp)
        shutil.rmtree(tree / "_build")
        run([*WHEEL, "-w", str(made), "."], tree, stamp)
        files = sorted(made.iterdir())
        sums = "".join(f"{digest(path)}  {path.name}\n" for path in files)
        (made / "SHA256SUMS").write_text(sums, encoding="utf-8")
        return [Path(shutil.copy(path, into)) for path in [*files, made / "SHA256SUMS"]]


def source(root, commit, base, into):
    """Everything that git tracks, below one folder."""
    tar = git(root, "archive", "--format=tar", f"--prefix={base}/", commit)
    (into / f"{base}-source.tar.gz").write_bytes(gzip.compress(tar, mtime=0))


def run(command, tree, stamp):
    """Run a command in an exported tree, on the package of that tree."""
    fixed = {"PYTHONPATH": str(tree), "SOURCE_DATE_EPOCH": str(stamp), "PYTHONHASHSEED": "0", "TZ": "UTC",
             "PYTHONDONTWRITEBYTECODE": "1"}
    dropped = {name: value for name, value in os.environ.items() if not name.startswith("HYBRIDLAB_")}
    subprocess.run(command, cwd=tree, env=dropped | fixed, umask=0o022, check=True)


def zipped(folder, base, into, stamp):
    """A zip of a folder: sorted, one time, one mode. Sphinx's note to itself, ``.buildinfo``, stays out."""
    when = max(time.gmtime(stamp)[:6], (1980, 1, 1, 0, 0, 0))  # a zip knows no year before
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != ".buildinfo")
    with zipfile.ZipFile(into / f"{base}.zip", "w") as archive:
        for path in files:
            entry = zipfile.ZipInfo(f"{base}/{path.relative_to(folder).as_posix()}", when)
            entry.external_attr, entry.compress_type = 0o100644 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tools.release", description=__doc__.splitlines()[0])
    parser.add_argument("commit", nargs="?", default="HEAD")
    parser.add_argument("--into", type=Path, default=ROOT / "_build" / "release")
    parser.add_argument("--root", type=Path, default=ROOT)
    chose = parser.parse_args(arguments)
    for line in left_out(chose.root):
        print(f"not committed, so left out: {line}")
    for path in build(chose.root, chose.into, chose.commit):
        print(f"{path.stat().st_size:12,} bytes  {path}")


if __name__ == "__main__":
    main()
