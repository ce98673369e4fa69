"""Writes what the landing page draws from results: the cover figure and the map of the course.

``python -m tools.cover`` writes ``_ext/svg/cover.svg`` and ``data/map.md``; ``--check`` only says what is out of
date. The figure takes its numbers from labs 01a and 01b, the map its chapters from the tables of chapter 0 and
its minutes from ``data/workload.json``.
"""

import argparse
import json
import math
import re
import sys
from html import escape
from pathlib import Path

from hybridlab import results

ROOT = Path(__file__).resolve().parents[1]
CHAPTER_0 = "chapters/00_how_to_use.md"
ROW = re.compile(r"^\| (?P<chapter>\{doc\}`\d+ |\d+ ).*\|$", re.M)
LINK = re.compile(r"\{doc\}`([^<`]+) <([^>`]+)>`")

WIDTH, HEIGHT = 432, 360
LEFT, RIGHT, TOP, BOTTOM = 46, 316, 76, 296
LABELS = (20, 200, 2000)
APART = 50  # between the names of two lines, so that the figure under the upper one stands clear of the lower
PANELS = {
    "reviews": {"title": "Food reviews", "what": "share right", "leaf": "acc", "low": 0.55, "high": 0.9,
                "ticks": ("0.6", "0.7", "0.8", "0.9")},
    "birds": {"title": "Pilots’ reports", "what": "average precision", "leaf": "ap", "low": 0.1, "high": 0.85,
              "ticks": ("0.2", "0.4", "0.6", "0.8")},
}


# The figure

def numbers(task):
    """The curve of the linear model, the 1.5B model's line and the crossing, from labs 01a and 01b."""
    leaf = PANELS[task]["leaf"]
    curve = {n: results.get(f"lab01b:{task}.curve.gold.n{n}") for n in (20, 50, 100, 300, 1000)}
    curve[2000] = results.get(f"lab01a:{task}.tfidf.{leaf}")
    crossing = f"lab01a:{task}.crossover.llm15"
    never = results.get(f"{crossing}.never")["value"]
    return {"curve": curve, "llm": results.get(f"lab01a:{task}.llm15.{leaf}"),
            "dummy": results.get(f"lab01a:{task}.dummy.{leaf}"),
            "crossing": results.get(f"{crossing}.labels") if never < 0.5 else None}


def cover(tasks=None):
    """Two panels in one SVG: on reviews the two lines do not meet, on pilots' reports they cross."""
    tasks = tasks or {task: numbers(task) for task in PANELS}
    parts = [panel(task, found, i) for i, (task, found) in enumerate(tasks.items())]
    return "\n".join([
        f'<svg viewBox="0 0 {2 * WIDTH + 36} {HEIGHT}" role="img" aria-labelledby="cover-title cover-desc" '
        'xmlns="http://www.w3.org/2000/svg">',
        '<title id="cover-title">Two tasks, two winners</title>',
        f'<desc id="cover-desc">{escape(in_words(tasks))}</desc>', *parts, "</svg>", ""])


def in_words(tasks):
    """The figure for those who do not see it."""
    return " ".join(_sentence(PANELS[task], found) for task, found in tasks.items())


def _sentence(look, found):
    crossing, first, last = found["crossing"], found["curve"][20]["value"], found["curve"][2000]["value"]
    told = f"{look['title']}, {look['what']} by labels of your own: a linear model rises from {first:.2f} with " \
           f"20 labels to {last:.2f} with 2,000; the 1.5B model stands at {found['llm']['value']:.2f}, " \
           f"the dummy at {found['dummy']['value']:.2f}."
    if crossing is None:
        return f"{told} The lines do not meet."
    return f"{told} The lines cross at {crossing['value']:.0f} labels ({_range(crossing)})."


def _range(leaf):
    return f"{leaf['low']:.0f} to {leaf['high']:.0f}"


def panel(task, found, place):
    """One task as a group, so that a narrow page can put one below the other."""
    look = PANELS[task]
    xs = {n: _x(n) for n in found["curve"]}
    ys = {n: {key: _y(look, leaf[key]) for key in ("value", "low", "high")} for n, leaf in found["curve"].items()}
    line = " ".join(f"{xs[n]:.1f},{ys[n]['value']:.1f}" for n in xs)
    band = [f"{xs[n]:.1f},{ys[n]['high']:.1f}" for n in xs] + [f"{xs[n]:.1f},{ys[n]['low']:.1f}"
                                                               for n in reversed(xs)]
    llm = {key: _y(look, found["llm"][key]) for key in ("value", "low", "high")}
    return "\n".join([
        f'<g class="panel" transform="translate({place * (WIDTH + 36)} 0)">',
        f'<text class="name" x="0" y="22">{look["title"]}</text>',
        f'<text class="tick" x="0" y="44">{look["what"]}</text>', *_grid(look),
        f'<rect class="band llm" x="{LEFT}" y="{llm["high"]:.1f}" width="{RIGHT - LEFT}" '
        f'height="{llm["low"] - llm["high"]:.1f}"/>', f'<path class="band own" d="M{" L".join(band)}Z"/>',
        _level("llm", llm["value"]), _level("dummy", _y(look, found["dummy"]["value"])),
        f'<path class="own" d="M{line.replace(" ", " L")}"/>',
        *(f'<circle class="own" cx="{xs[n]:.1f}" cy="{ys[n]["value"]:.1f}" r="4.2"/>' for n in xs),
        *_names(look, found, llm["value"], ys[2000]["value"]), *_crossing(found["crossing"], llm["value"]),
        "</g>"])


def _level(kind, y):
    return f'<line class="{kind}" x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'


def _x(n):
    return LEFT + (RIGHT - LEFT) * math.log(n / LABELS[0]) / math.log(LABELS[-1] / LABELS[0])


def _y(look, value):
    return BOTTOM - (BOTTOM - TOP) * (value - look["low"]) / (look["high"] - look["low"])


def _grid(look):
    for tick in look["ticks"]:
        y = _y(look, float(tick))
        yield f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="tick" x="{LEFT - 10}" y="{y + 5:.1f}" text-anchor="end">{tick}</text>'
    yield f'<line class="axis" x1="{LEFT}" x2="{RIGHT}" y1="{BOTTOM}" y2="{BOTTOM}"/>'
    for n in LABELS:
        yield f'<text class="tick" x="{_x(n):.1f}" y="{BOTTOM + 22}" text-anchor="middle">{n:,}</text>'
    yield f'<text class="tick" x="{(LEFT + RIGHT) / 2:.1f}" y="{BOTTOM + 46}" text-anchor="middle">' \
          "labels of your own</text>"


def _apart(first, second):
    """Both heights, moved away from each other where they are closer than two names need."""
    move = max(0, APART - abs(first - second)) / 2
    return (first - move, second + move) if first < second else (first + move, second - move)


def _names(look, found, llm, own):
    llm, own = _apart(llm, own)
    for kind, name, leaf, y in (("llm", "1.5B model", found["llm"], llm),
                                ("own", "linear model", found["curve"][2000], own)):
        yield f'<text class="series {kind}" x="{RIGHT + 12}" y="{y + 1:.1f}">{name}</text>'
        yield f'<text class="{kind}" x="{RIGHT + 12}" y="{y + 20:.1f}">{leaf["value"]:.2f}</text>'
    dummy = found["dummy"]["value"]
    yield f'<text class="tick" x="{RIGHT + 12}" y="{_y(look, dummy) + 5:.1f}">dummy {dummy:.2f}</text>'


def _crossing(leaf, y):
    if leaf is None:
        yield f'<text class="big" x="{RIGHT}" y="{BOTTOM - 16}" text-anchor="end">never, up to 2,000</text>'
        return
    x, low, high = _x(leaf["value"]), _x(leaf["low"]), _x(leaf["high"])
    yield f'<path class="span" fill="none" d="M{low:.1f} {BOTTOM - 7}V{BOTTOM}M{high:.1f} {BOTTOM - 7}V{BOTTOM}"/>'
    yield f'<line class="span" x1="{low:.1f}" x2="{high:.1f}" y1="{BOTTOM - 3.5}" y2="{BOTTOM - 3.5}"/>'
    yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{y:.1f}" y2="{BOTTOM}"/>'
    yield f'<circle class="cross" cx="{x:.1f}" cy="{y:.1f}" r="7"/>'
    yield f'<text class="big" x="{x + 14:.1f}" y="{BOTTOM - 46}">{leaf["value"]:.0f} labels</text>'
    yield f'<text class="tick" x="{x + 14:.1f}" y="{BOTTOM - 24}">95 % interval {_range(leaf)}</text>'


# The map

def course_map(chapter_0, minutes):
    """The table of the landing page: chapters with their labs, minutes, and what is still planned.

    Parameters
    ----------
    chapter_0 : str
        Chapter 0, whose tables name the chapters and their labs.
    minutes : mapping of a lab's file name to its estimated minutes, exercises included
    """
    rows = {}
    for row in ROW.finditer(chapter_0):
        chapter, labs, *more = [cell.strip() for cell in row.group().strip("|").split("|")]
        found = LINK.findall(labs) if more else []
        spent = sum(minutes.get(Path(path).name, 0) for _, path in found)
        cells = [_linked(chapter), "<br>".join(_absolute(*one) for one in found), str(spent or ""), "ready"]
        rows[int(re.search(r"\d+", chapter)[0])] = cells if more else [chapter, "", "", "planned"]
    head = ["<!-- Written by python -m tools.cover. -->", "", "| Chapter | Labs | Minutes | |", "|---|---|---|---|"]
    return "\n".join([*head, *(f"| {' | '.join(rows[number])} |" for number in sorted(rows)), ""])


def _linked(chapter):
    """Only the chapter itself, without its companions; chapter 0 names itself without a link."""
    found = LINK.search(chapter)
    return _absolute(*found.groups()) if found else f"{{doc}}`{chapter} </{CHAPTER_0.removesuffix('.md')}>`"


def _absolute(title, path):
    folder = "chapters" if "/" not in path else path.split("/")[-2]
    return f"{{doc}}`{title.strip()} </{folder}/{path.split('/')[-1]}>`"


# Files

def files(root=ROOT):
    """File -> text, as it should be."""
    labs = json.loads((root / "data" / "workload.json").read_text(encoding="utf-8"))["labs"].values()
    chapter_0 = (root / CHAPTER_0).read_text(encoding="utf-8")
    return {"_ext/svg/cover.svg": cover(),
            "data/map.md": course_map(chapter_0, {lab["file"]: lab["minutes"] for lab in labs})}


def stale(root=ROOT):
    """Names of the files that differ from what they should hold."""
    return [name for name, text in files(root).items()
            if not (root / name).exists() or (root / name).read_text(encoding="utf-8") != text]


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tools.cover", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="say what is out of date, write nothing")
    if parser.parse_args(arguments).check:
        found = stale()
        sys.exit(f"out of date: {', '.join(found)}; run `python -m tools.cover`" if found else None)
    for name, text in files().items():
        (ROOT / name).write_text(text, encoding="utf-8")
        print(name)


if __name__ == "__main__":
    main()
