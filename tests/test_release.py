"""A release: made from a commit alone, the same bytes each time, with sums that check."""

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest

from hybridlab import paths
from tools import release

FILES = {
    "_config.yml": 'title: A book\nexecute:\n  execute_notebooks: "off"\n',
    "_toc.yml": "format: jb-book\nroot: index\n",
    "index.md": "# A book\n\nText.\n",
    "hybridlab/__init__.py": "",
    "pyproject.toml": '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n\n'
                      '[project]\nname = "hybridlab"\nversion = "0.2"\n\n'
                      '[tool.setuptools]\npackages = ["hybridlab"]\n'}
AUTHOR = ["-c", "user.name=a", "-c", "user.email=a@example.org"]


@pytest.fixture
def book(tmp_path):
    """A committed book of one page, with an uncommitted change."""
    root = tmp_path / "book"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    release.git(tmp_path, "init", "-q", str(root))
    release.git(root, "add", ".")
    release.git(root, *AUTHOR, "commit", "-q", "-m", "first")
    (root / "index.md").write_text("# Another book\n")
    return root


def bundle(root, into):
    """File name -> bytes of a release."""
    return {path.name: path.read_bytes() for path in release.build(root, into)}


def pages(found):
    """Name -> bytes of what the site's zip holds."""
    name = next(name for name in found if name.endswith("-site.zip"))
    with zipfile.ZipFile(io.BytesIO(found[name])) as archive:
        return {entry: archive.read(entry) for entry in archive.namelist()}


def sums_hold(folder):
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
    lines = [line.split("  ") for line in (folder / "SHA256SUMS").read_text().splitlines()]
    assert [[release.digest(folder / name), name] for _, name in lines] == lines


@pytest.mark.slow
def test_a_commit_gives_the_same_bytes_twice(book, tmp_path, capsys):
    first = bundle(book, tmp_path / "one")
    for path in book.rglob("*"):
        os.utime(path, (1, 1))
    assert bundle(book, tmp_path / "two") == first
    assert list(first) == ["hybrid-ml-llm-companion-0.2-site.zip", "hybrid-ml-llm-companion-0.2-source.tar.gz",
                           "hybridlab-0.2-py3-none-any.whl", "SHA256SUMS"]
    sums_hold(tmp_path / "one")
    index = pages(first)["hybrid-ml-llm-companion-0.2-site/index.html"]
    assert b"A book" in index and b"Another" not in index
    with tarfile.open(tmp_path / "one" / "hybrid-ml-llm-companion-0.2-source.tar.gz") as archive:
        assert {Path(name).relative_to("hybrid-ml-llm-companion-0.2").as_posix()
                for name in archive.getnames()} >= set(FILES)
    release.main(["--root", str(book), "--into", str(tmp_path / "one")])
    assert "not committed, so left out:  M index.md" in capsys.readouterr().out
    assert bundle(book, tmp_path / "one") == first


@pytest.mark.slow
@pytest.mark.skipif(not (paths.ROOT / ".git").exists(), reason="no git repository here")
def test_the_course_gives_the_same_bytes_twice(tmp_path):
    first, second = bundle(paths.ROOT, tmp_path / "one"), bundle(paths.ROOT, tmp_path / "elsewhere" / "two")
    one, two = pages(first), pages(second)
    assert [name for name in one if one[name] != two.get(name)] == []
    assert first == second
    sums_hold(tmp_path / "one")
    built_in = [str(paths.ROOT).encode(), tempfile.gettempdir().encode() + b"/"]
    left = [name for name, text in one.items() if any(path in text for path in built_in)]
    assert left == [] and len([name for name in one if name.endswith(".html")]) > 10
