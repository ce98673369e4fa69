"""Moves recordings to a new key version: ``python -m tools.rekey OLD``, once hybridlab has the new version.

Every lab runs in replay. Each call is looked up by its key of version OLD, and its key of the current version
is noted; then the lines are written under the new keys. A line that no lab asks for keeps its old key, and
the gate ``recordings`` names it.
"""

import argparse
import json
import tempfile
from pathlib import Path

import nbformat

from hybridlab import recordings

from . import notebooks, refresh

ROOT = Path(__file__).resolve().parent.parent


def install(old, pairs):
    """Answer every call of this process by its old key, and append "old new" to the file ``pairs``."""
    current = recordings.recording_key

    def by_old_key(path, body, version=old):
        before = current(path, body, version=version)
        with open(pairs, "a", encoding="utf-8") as out:
            out.write(f"{before} {current(path, body)}\n")
        return before

    recordings.recording_key = by_old_key


def ask(path, root, old, pairs):
    """Run a lab with old keys; it is not stored."""
    notebook = notebooks.read(path)
    source = f"from tools import rekey\nrekey.install({old!r}, {str(pairs)!r})"
    notebook.cells.insert(0, nbformat.v4.new_code_cell(source))
    refresh.execute(notebook, path, root)


def rewrite(folder, renamed, version):
    """Give lines their new keys; returns how many changed."""
    changed = 0
    for file in sorted(folder.glob("*.jsonl")):
        lines = [json.loads(line) for line in file.read_bytes().splitlines()]
        for line in lines:
            if line["key"] in renamed:
                line |= {"key": renamed[line["key"]], "key_version": version}
                changed += 1
        file.write_bytes(b"".join(recordings.dump(line) for line in lines))
    recordings.tidy(folder)
    return changed


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tools.rekey", description=__doc__.splitlines()[0])
    parser.add_argument("old", type=int, help="the key version of the recordings")
    parser.add_argument("--root", type=Path, default=ROOT)
    chose = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        pairs = Path(folder, "pairs")
        pairs.touch()
        for path in notebooks.labs(chose.root):
            print(path.name, flush=True)
            ask(path, chose.root, chose.old, pairs)
        renamed = dict(line.split() for line in pairs.read_text(encoding="utf-8").splitlines())
    count = rewrite(chose.root / "data" / "recordings", renamed, recordings.KEY_VERSION)
    print(f"{count} lines moved from key version {chose.old} to {recordings.KEY_VERSION}; now `make test`")


if __name__ == "__main__":
    main()
