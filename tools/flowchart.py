"""Writes what is drawn from ``data/framework.yml``: the flow chart, the wizard's data, tables of pages.

``python -m tools.flowchart`` writes; ``--check`` only says what is out of date. A page keeps a table between
``<!-- framework:axes -->`` and ``<!-- /framework -->``; everything else in it is prose and left alone.
"""

import argparse
import json
import re
import sys
from html import escape
from pathlib import Path
from textwrap import wrap

from hybridlab import decide

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("chapters/01_deciding.md", "chapters/framework.md")
BLOCK = re.compile(r"(<!-- framework:(\w+) -->\n).*?(<!-- /framework -->)", re.S)

LEFT, RIGHT, GAP = 268, 158, 46
LETTERS, WIDE_LETTERS = 29, 15  # a line of each box; the widest font of a fallback still fits
LINE, PAD, SPACE = 20, 12, 26
BREAK = "<br>"


# The drawing

def chart(rules):
    """The ordered list ``chart`` as SVG: questions down the left, answers on the right."""
    *asked, last = rules["chart"]["questions"]
    width = LEFT + GAP + RIGHT + 2
    parts, top = [], 2
    for question in asked:
        lines, answer = _lines(question["ask"]), wrap(_title(rules, question["answer"]), WIDE_LETTERS)
        height = max(_height(lines), _height(answer))
        parts += [_box(1, top, LEFT, height, lines), _arrow_right(top + height / 2),
                  _box(LEFT + GAP + 1, top, RIGHT, height, answer, mark=True), _arrow_down(top + height)]
        top += height + SPACE
    lines = _lines(_title(rules, last["answer"]))
    parts.append(_box(1, top, LEFT, _height(lines), lines, mark=True))
    return "\n".join([
        f'<svg viewBox="0 0 {width} {top + _height(lines) + 2}" style="max-width: 31rem" role="img" '
        'aria-labelledby="framework-title framework-desc" xmlns="http://www.w3.org/2000/svg">',
        '<title id="framework-title">Flow chart: which architecture first?</title>',
        f'<desc id="framework-desc">{escape(in_words(rules))}</desc>', *parts, "</svg>", ""])


def in_words(rules):
    """The chart as sentences, for those who cannot see it."""
    *asked, last = rules["chart"]["questions"]
    steps = [f"{question['ask']} If yes: {_title(rules, question['answer'])}." for question in asked]
    return " If no: ".join(steps) + f" If no: {_title(rules, last['answer'])}."


def _title(rules, name):
    return {one["name"]: one["title"] for one in rules["architectures"]}.get(name, rules["messages"]["none"])


def _lines(text):
    return wrap(text, LETTERS)


def _height(lines):
    return max(2, len(lines)) * LINE + 2 * PAD


def _box(x, y, width, height, lines, mark=False):
    kind, name = (' class="mark"', ' class="name"') if mark else ("", "")
    first = y + height / 2 - (len(lines) - 1) * LINE / 2 + 5
    text = "".join(f'<text x="{x + PAD}" y="{first + row * LINE:g}"{name}>{escape(line)}</text>'
                   for row, line in enumerate(lines))
    return (f'<g class="box"><rect{kind} x="{x}" y="{y}" width="{width}" height="{height}" rx="8"/>'
            f'{text}</g>')


def _arrow_right(y):
    x, end = LEFT + 1, LEFT + GAP - 1
    return (f'<g class="line"><path d="M{x} {y:g}H{end}m-6 -5l6 5l-6 5"/></g>'
            f'<text class="note" x="{x + 8}" y="{y - 7:g}">yes</text>')


def _arrow_down(y):
    x = 36
    return (f'<g class="line"><path d="M{x} {y:g}v{SPACE - 2}m-5 -6l5 6l5 -6"/></g>'
            f'<text class="note" x="{x + 10}" y="{y + 17:g}">no</text>')


# The tables

def tables(rules):
    """Name of a block -> Markdown table."""
    used = {rule["source"] for rule in rules["vetoes"] + rules["weights"]}
    return {
        "axes": _table(["Axis", "Ask", "Bands"], [
            [one["title"], one["ask"], BREAK.join(value["label"] for value in one["values"])]
            for one in rules["axes"]]),
        "names": _table(["Axis", "Name", "Bands", "As a number"], [
            [one["title"], f"`{one['name']}`", ", ".join(f"`{value['name']}`" for value in one["values"]),
             f"`{one['number']['name']}`, {one['number']['unit']}" if "number" in one else ""]
            for one in rules["axes"]]),
        "architectures": _table(["Architecture", "What it is", "What you pay"], [
            [f"**{one['title']}**", one["is"], one["cost"]] for one in rules["architectures"]]),
        "vetoes": _table(["When", "Cannot work", "Because", "Source"], [
            [_when(rule), BREAK.join(_title(rules, name) for name in rule["out"]), rule["because"],
             _source(rules, rule["source"])] for rule in rules["vetoes"]]),
        "weights": _table(["When", "Points", "Because", "Source"], [
            [_when(rule), _points(rules, rule), rule["because"], _source(rules, rule["source"])]
            for rule in rules["weights"]]),
        "contradictions": _table(["Facts", "Cannot hold together, because", "To do"], [
            [_when(rule), rule["because"], rule["fix"]] for rule in rules["contradictions"]]),
        "warnings": _table(["When", "Note"], [[_when(rule), rule["say"]] for rule in rules["warnings"]]),
        "sources": _table(["Source", "What it is"], [
            [_source(rules, name), one["text"]] for name, one in rules["sources"].items()
            if name in used and "cite" not in one]),
    }


def _table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n" + "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |"
                            for row in lines) + "\n\n"


def _points(rules, rule):
    signed = [(name, f"+{weight}") for name, weight in rule.get("for", {}).items()]
    signed += [(name, f"\N{MINUS SIGN}{weight}") for name, weight in rule.get("against", {}).items()]
    return BREAK.join(f"{_title(rules, name)}\N{NO-BREAK SPACE}{weight}" for name, weight in signed)


def _when(rule):
    return BREAK.join(f"`{axis}` " + " or ".join(f"`{value}`" for value in values)
                      for axis, values in rule["when"].items())


def _source(rules, name):
    cite = rules["sources"][name].get("cite")
    return f"{{cite}}`{cite}`" if cite else rules["sources"][name].get("short", name)


# The files

def outputs(rules, root=ROOT):
    """Path -> text of every file that is drawn from the framework."""
    files = {"_ext/svg/framework.svg": chart(rules),
             "data/framework.json": json.dumps(rules, indent=1, ensure_ascii=False) + "\n"}
    made = tables(rules)
    for page in PAGES:
        if (root / page).exists():
            text = (root / page).read_text("utf-8")
            files[page] = BLOCK.sub(lambda found: found[1] + made[found[2]] + found[3], text)
    return files


def stale(files, root=ROOT):
    """Paths whose text on disk is another one."""
    return [path for path, text in files.items()
            if not (root / path).exists() or (root / path).read_text("utf-8") != text]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail if a file is out of date")
    check = parser.parse_args(arguments).check
    files = outputs(decide.framework())
    for path in stale(files):
        print(f"{path}: {'out of date; run python -m tools.flowchart' if check else 'written'}")
        if not check:
            (ROOT / path).write_text(files[path], "utf-8")
    sys.exit(bool(check and stale(files)))


if __name__ == "__main__":
    main()
