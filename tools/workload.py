"""What a lab asks of a student: ``python -m tools.workload [--measure [lab00 ...]] [--check]``.

Counts words, code cells, exercises and figures of every lab and writes ``data/workload.json`` and the tables of
the instructors' page, ``data/workload.md``. The minutes are an estimate by the formula that the table states.
``--measure`` also runs the labs in replay and notes the seconds; without it the noted ones are kept.
"""

import argparse
import datetime as dt
import json
import os
import re
import sys
import time
from pathlib import Path

import psutil

from . import notebooks, refresh
from .provenance import read, stale, table

ROOT = Path(__file__).resolve().parent.parent
FILES = ("data/workload.json", "data/workload.md")
WORDS_A_MINUTE, MINUTES_A_CELL, MINUTES_AN_EXERCISE = 200, 0.4, 4
PROMISED, LIMIT = 30, 35
NO_PROSE = re.compile(r"<!--.*?-->|```.*?```|\$\$.*?\$\$", re.S)
WORD = re.compile(r"\S*\w\S*")
HEADING = re.compile(r"^##? (.+)$", re.M)

# For a short class: sections to run without discussing them, and how many exercises to leave for home.
SHORT = {
    "lab01b": (["Numbers for the book"], 1),
    "lab01c": (["The regularity spectrum", "Ten reports, read"], 1),
    "lab03a": (["When the rows change", "Ten answers that should not have left the house"], 3),
    "lab03b": (["People, as a band", "When does a light router beat a cascade, and when not?"], 3),
    "lab04": (["How sure are we?", "The frontier, on two axes and on three",
               "What a stronger or a cheaper model would change"], 3),
    "lab05": (["Repair, and what it costs", "Agreement and conflict", "Is the gold true?"], 3),
    "lab12": (["Prices without a date"], 3),
}


def sections(notebook):
    """Heading -> words, code cells and exercises below it; solutions and checks belong to their exercise.

    >>> from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
    >>> sections(new_notebook(cells=[new_markdown_cell("# One"), new_code_cell("1 + 1")]))
    {'One': {'words': 1, 'cells': 1, 'exercises': 0}}
    """
    found, here = {}, ""
    for cell in notebook.cells:
        marks = set(notebooks.tags(cell))
        if cell.cell_type == "markdown" and (heading := HEADING.search(cell.source)):
            here = heading[1].strip()
        part = found.setdefault(here, {"words": 0, "cells": 0, "exercises": 0})
        if cell.cell_type == "markdown":
            part["words"] += len(WORD.findall(NO_PROSE.sub(" ", cell.source).replace("#", " ")))
        elif "solution" in marks:
            part["exercises"] += 1
        elif cell.source.strip() and not marks & {"check", "exercise"}:
            part["cells"] += 1
    return found


def minutes(words, cells, exercises):
    """Estimated minutes of a student who reads, runs and does the exercises.

    >>> minutes(2000, 30, 2)
    30.0
    """
    return words / WORDS_A_MINUTE + MINUTES_A_CELL * cells + MINUTES_AN_EXERCISE * exercises


def lab_facts(path):
    """Title, counts and estimates of one lab."""
    notebook = notebooks.read(path)
    parts = sections(notebook)
    count = {key: sum(part[key] for part in parts.values()) for key in ("words", "cells", "exercises")}
    figures = sum(bool(notebooks.pictures(cell)) for cell in notebooks.code(notebook))
    return {"file": path.stem, "title": next(iter(parts)), **count, "figures": figures,
            "minutes": round(minutes(**count)), "minutes_reading": round(minutes(count["words"], count["cells"], 0)),
            "short": short_facts(notebooks.lab_name(path), parts, count)}


def short_facts(lab, parts, count):
    """What a short class leaves out of a lab, and the minutes that are left."""
    leave, home = SHORT.get(lab, ([], 0))
    kept = [part for heading, part in parts.items() if heading not in leave]
    left = {key: sum(part[key] for part in kept) for key in ("words", "cells")}
    return {"leave": leave, "home": home,
            "minutes": round(minutes(left["words"], left["cells"], count["exercises"] - home))}


def facts(root=ROOT, seconds=None):
    """Everything that the tables show; ``seconds`` are new replay times, else the stored ones are kept."""
    stored = json.loads(read(root / FILES[0])) if (root / FILES[0]).exists() else {"labs": {}}
    kept = {lab: one["replay"] for lab, one in stored["labs"].items() if "replay" in one} | (seconds or {})
    labs = {notebooks.lab_name(path): lab_facts(path) for path in notebooks.labs(root)}
    return {"labs": {lab: one | ({"replay": kept[lab]} if lab in kept else {}) for lab, one in labs.items()}}


def measure(root, names=()):
    """Lab -> seconds of one run in replay, with kernel start, and the load before it. Nothing is stored."""
    return {notebooks.lab_name(path): _timed(path, root) for path in refresh.chosen(names, root)}


def _timed(path, root):
    load = psutil.cpu_percent(1) / 100
    begun = time.perf_counter()
    refresh.execute(notebooks.read(path), path, root)
    return {"seconds": round(time.perf_counter() - begun), "load": round(load, 2), "cores": os.cpu_count(),
            "date": dt.date.today().isoformat()}


def labs_table(found):
    rows = [[f"{{doc}}`{_number(lab)} <../labs/{one['file']}>`", one["words"], one["cells"], one["figures"],
             one["exercises"], one["minutes_reading"], one["minutes"], one.get("replay", {}).get("seconds", "")]
            for lab, one in found["labs"].items()]
    head = ["Lab", "Words", "Code cells", "Figures", "Exercises", "Minutes without exercises", "Minutes, all",
            "Replay, seconds"]
    formula = (f"words / {WORDS_A_MINUTE} + {MINUTES_A_CELL} × code cells + {MINUTES_AN_EXERCISE} × exercises")
    return f"*Minutes are an estimate: {formula}.*\n\n{table(head, rows)}\n\n{_replayed(found)}"


def _number(lab):
    return lab.removeprefix("lab")


def _replayed(found):
    runs = [one["replay"] for one in found["labs"].values() if "replay" in one]
    if not runs:
        return "*The replay times of this edition are not measured yet.*"
    days = sorted({run["date"] for run in runs})
    return (f"*Replay: one run of the whole lab, kernel start included, on {runs[0]['cores']} cores; measured on "
            f"{' and '.join(days)}, with other work at up to {100 * max(run['load'] for run in runs):.0f} % of "
            "the machine before the run.*")


def short_table(found):
    rows = [[_number(lab), one["minutes"], "; ".join(f"*{name}*" for name in one["short"]["leave"]) or "nothing yet",
             one["short"]["home"], one["short"]["minutes"]]
            for lab, one in found["labs"].items() if one["minutes"] > LIMIT]
    head = ["Lab", "Minutes, all", "Run, and do not discuss", "Exercises for home", "Minutes then"]
    return f"Promised are about {PROMISED} minutes; listed is what is estimated above {LIMIT}.\n\n{table(head, rows)}"


TABLES = {"labs": labs_table, "short": short_table}


def outputs(root=ROOT, seconds=None):
    """Path below the root -> text of the two files."""
    found = facts(root, seconds)
    parts = [f"<!-- {name} -->\n\n{draw(found)}\n\n<!-- /{name} -->\n" for name, draw in TABLES.items()]
    return dict(zip(FILES, (json.dumps(found, indent=1, ensure_ascii=False) + "\n",
                            "<!-- Written by python -m tools.workload. -->\n\n" + "\n".join(parts))))


def write(root=ROOT, seconds=None):
    """Write both files; ``tools.refresh`` calls this."""
    for name, text in outputs(root, seconds).items():
        (root / name).write_text(text, encoding="utf-8")


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tools.workload", description=__doc__.splitlines()[0])
    parser.add_argument("--measure", nargs="*", metavar="LAB", help="run these labs, or all, and note the seconds")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--root", type=Path, default=ROOT)
    chose = parser.parse_args(arguments)
    if chose.check:
        found = stale(chose.root, outputs(chose.root))
        sys.exit("\n".join([*found, "run python -m tools.workload"]) if found else 0)
    write(chose.root, None if chose.measure is None else measure(chose.root, chose.measure))


if __name__ == "__main__":
    main()
