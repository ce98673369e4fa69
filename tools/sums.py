"""Holds the files to what was committed: ``python -m tools.sums [--check]``, or ``make sums``.

``data/SHA256SUMS`` has a line for each file that was measured or frozen; ``sha256sum -c SHA256SUMS`` reads it.
``data/outputs.txt`` has a line for each cell of a lab that shows something, images included. Only
``make refresh``, which runs the cells, writes it. ``data/quizzes.txt`` has a line for each quiz, so that one that
changed is named here and read again.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

from . import notebooks

ROOT = Path(__file__).resolve().parent.parent
SUMS, OUTPUTS = "SHA256SUMS", "outputs.txt"
FROZEN = ("answers", "audits", "gold", "machine.json", "messages", OUTPUTS, "prices.toml", "prompts",
          "recordings", "results", "rules", "splits", "timings")
# Written by hand, or counted from the others and held by tests of their own; so is all Markdown.
FREE = ("cards", "explorer.json", "framework.json", "framework.yml", "outward.txt", "prose_parameters.txt",
        "provenance.json", "quizzes.txt", "scenarios", "viewer.json", "workload.json", SUMS)


def frozen(root):
    """Names below ``data`` of the files that have a line, in order; notes in Markdown have none."""
    data = root / "data"
    found = (path.relative_to(data) for path in data.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in found
                  if path.parts[0] in FROZEN and path.suffix != ".md" and not path.name.startswith("."))


def digest(path):
    """SHA-256 of a file, as 64 hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def stored(root):
    """Name -> digest, as ``data/SHA256SUMS`` has them."""
    path = root / "data" / SUMS
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {name: found for found, _, name in (line.partition("  ") for line in lines)}


def write(root, names=None):
    """Write ``data/SHA256SUMS``; with ``names`` only their lines: a tool vouches for what it wrote itself."""
    there = frozen(root)
    before = stored(root)
    wanted = there if names is None else sorted(set(before) | set(names) & set(there))
    lines = [f"{digest(root / 'data' / name) if names is None or name in names else before[name]}  {name}\n"
             for name in wanted]
    (root / "data" / SUMS).write_text("".join(lines), encoding="utf-8")


def changed(root):
    """One line for each file that is not as ``data/SHA256SUMS`` says."""
    path = root / "data" / SUMS
    if not path.exists():
        yield f"data/{SUMS}: not there; run `make sums`"
        return
    sums, there = stored(root), frozen(root)
    for name in sorted(set(sums) - set(there)):
        yield (f"data/{SUMS}: names {name}, which is not there; `git checkout data/{name}` brings it back, "
               "`make sums` forgets it")
    for name in there:
        if name not in sums:
            yield f"data/{name}: has no line in data/{SUMS}; run `make sums`"
        elif digest(root / "data" / name) != sums[name]:
            yield (f"data/{name}: not the bytes of data/{SUMS}; `git checkout data/{name}` brings them back; "
                   "if it was measured again, `make sums`")
    if path.read_text(encoding="utf-8") != "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)):
        yield f"data/{SUMS}: not as it is written, sorted and once each; run `make sums`"


def unknown(root):
    """One line for each new thing in ``data`` of which nobody said whether it is frozen."""
    for path in sorted((root / "data").iterdir()):
        if path.name not in FROZEN + FREE and path.suffix != ".md" and not path.name.startswith("."):
            yield f"data/{path.name}: neither frozen nor free; add it to one of the two lists in tools/sums.py"


# --- outputs of labs -------------------------------------------------------------------------------------


def shown(notebook):
    """Id -> digest of what each cell shows."""
    return {cell.id: hashlib.sha256(json.dumps(cell.outputs, sort_keys=True).encode()).hexdigest()
            for cell in notebooks.code(notebook) if cell.outputs}


def noted(root):
    """Lab -> id -> digest, as ``data/outputs.txt`` has them."""
    path = root / "data" / OUTPUTS
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        shows, lab, cell = line.split(maxsplit=2)
        found.setdefault(lab, {})[cell] = shows
    return found


def note(root, path):
    """Note what the lab at ``path`` shows, right after it ran; returns names of the files that changed."""
    lab = notebooks.lab_name(path)
    there = {notebooks.lab_name(one) for one in notebooks.labs(root)}
    labs = {name: cells for name, cells in noted(root).items() if name in there}
    labs[lab] = shown(notebooks.read(path))
    (root / "data").mkdir(exist_ok=True)
    text = "".join(f"{found} {name} {cell}\n" for name in sorted(labs) for cell, found in labs[name].items())
    (root / "data" / OUTPUTS).write_text(text, encoding="utf-8")
    return [OUTPUTS, f"results/{lab}.json"]


def edited(root):
    """One line for each cell whose stored output is not what it showed when it ran."""
    before = noted(root)
    labs = {notebooks.lab_name(path): path for path in notebooks.labs(root)}
    for lab in sorted(set(before) - set(labs)):
        yield f"data/{OUTPUTS}: has {lab}, which is no lab; run `make refresh`"
    for lab, path in labs.items():
        notebook = notebooks.read(path)
        now, then = shown(notebook), before.get(lab, {})
        for cell in notebooks.code(notebook):
            if now.get(cell.id) != then.get(cell.id):
                yield (f"{notebooks.place(path, cell)}: its output is not what it showed when it ran; "
                       f"`git checkout {path.relative_to(root)}` brings it back, "
                       f"`python -m tools.refresh {lab}` runs it again")


# --- quizzes ---------------------------------------------------------------------------------------------


def read_quizzes(root, write=True):
    """One line for each quiz that changed since it was read last; with ``write`` all count as read from now on."""
    from .gates import quizzes  # the gates read this module

    found = quizzes.everywhere(root)
    changed = quizzes.unread(root, found)
    if write:
        (root / quizzes.READ).write_text(quizzes.as_read(found), encoding="utf-8")
    return changed


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tools.sums", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; say what differs")
    parser.add_argument("--root", type=Path, default=ROOT)
    chose = parser.parse_args(arguments)
    if chose.check:
        sys.exit("\n".join([*changed(chose.root), *unknown(chose.root), *edited(chose.root),
                            *read_quizzes(chose.root, write=False)]) or 0)
    print("".join(f"{line}\n" for line in read_quizzes(chose.root)), end="")
    write(chose.root)
    print(f"data/{SUMS}: {len(frozen(chose.root))} files; `sha256sum -c {SUMS}` in data/ checks them")


if __name__ == "__main__":
    main()
