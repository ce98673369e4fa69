"""The landing page draws from results, and the cards keep to the framework and the chapters."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from hybridlab import decide, results
from tools import cover

ROOT = Path(__file__).resolve().parents[1]
SVG = "{http://www.w3.org/2000/svg}"
CARDS = (ROOT / "chapters" / "cards.md").read_text(encoding="utf-8")


def leaf(value, low=None, high=None):
    return {"value": value, "low": low or value - 0.05, "high": high or value + 0.05}


FOUND = {"curve": {20: leaf(0.2), 200: leaf(0.5), 2000: leaf(0.8)}, "llm": leaf(0.475), "dummy": leaf(0.15),
         "crossing": {"value": 200 / 10 ** (1 / 12), "low": 100, "high": 400}}


def card(name):
    return CARDS.partition(f"({name})=")[2].partition("\n(card-")[0]


def test_figure_and_map_are_those_of_the_stored_results():
    assert cover.stale(ROOT) == [], "run `python -m tools.cover`"


def test_a_changed_result_makes_the_figure_stale(monkeypatch):
    stored = results.get
    monkeypatch.setattr(results, "get", lambda address: {**stored(address), "value": 123.4}
                        if address == "lab01a:birds.crossover.llm15.labels" else stored(address))
    assert "_ext/svg/cover.svg" in cover.stale(ROOT) and "123 labels" in cover.cover()


def test_the_figure_is_sound_and_says_its_numbers():
    root = ElementTree.fromstring(cover.cover())
    texts = [text.text for text in root.iter(SVG + "text")]
    assert root.get("role") == "img" and len(root.findall(SVG + "g")) == 2
    for address in ("lab01a:reviews.llm15.acc", "lab01a:birds.llm15.ap", "lab01a:birds.tfidf.ap"):
        assert f"{results.get(address)['value']:.2f}" in texts
    crossing = results.get("lab01a:birds.crossover.llm15.labels")
    assert f"{crossing['value']:.0f} labels" in texts
    assert f"{crossing['value']:.0f} labels" in root.find(SVG + "desc").text


def test_the_crossing_is_drawn_where_the_lines_meet():
    drawn = ElementTree.fromstring(f'<svg xmlns="http://www.w3.org/2000/svg">{cover.panel("birds", FOUND, 0)}</svg>')
    circle = drawn.find(f".//{SVG}circle[@class='cross']")
    points = [tuple(map(float, pair.split(","))) for pair in
              re.findall(r"[\d.]+,[\d.]+", drawn.find(f".//{SVG}path[@class='own']").get("d"))]
    (x0, y0), (x1, y1) = points[:2]
    x, y = float(circle.get("cx")), float(circle.get("cy"))
    assert y == pytest.approx(y0 + (y1 - y0) * (x - x0) / (x1 - x0), abs=0.2)


def test_without_a_crossing_none_is_drawn():
    drawn = cover.panel("reviews", {**FOUND, "crossing": None}, 0)
    assert "never, up to 2,000" in drawn and "cross" not in drawn
    assert "do not meet" in cover.in_words({"reviews": {**FOUND, "crossing": None}})


CHAPTER_0 = """
| Chapter | Lab | You learn to |
|---|---|---|
| {doc}`1 Deciding <01_deciding>`, with the {doc}`framework <framework>` | {doc}`01a Three <../labs/01a_x>`, {doc}`01b Two <../labs/01b_y>` | choose |
| 0 How | {doc}`00 First call <../labs/00_z>` | ask |
| {doc}`Notation <notation>` | | use one word |

| Chapter | You will learn to |
|---|---|
| 2 Features | feed |
"""
MAP = """<!-- Written by python -m tools.cover. -->

| Chapter | Labs | Minutes | |
|---|---|---|---|
| {doc}`0 How </chapters/00_how_to_use>` | {doc}`00 First call </labs/00_z>` | 25 | ready |
| {doc}`1 Deciding </chapters/01_deciding>` | {doc}`01a Three </labs/01a_x>`<br>{doc}`01b Two </labs/01b_y>` | 70 | ready |
| 2 Features |  |  | planned |
"""


def test_the_map_follows_chapter_0():
    assert cover.course_map(CHAPTER_0, {"00_z": 25, "01a_x": 30, "01b_y": 40}) == MAP


def test_the_map_names_every_lab_of_the_table_of_contents():
    toc = set(re.findall(r"file: (labs/\S+)", (ROOT / "_toc.yml").read_text(encoding="utf-8")))
    assert toc == set(re.findall(r"</(labs/[^>]+)>", (ROOT / "data" / "map.md").read_text(encoding="utf-8")))


def test_the_first_card_has_every_axis_with_a_box_for_each_band():
    rows = dict(re.findall(r"^\| ([^|*]+?) \| (.*\{\.tick\}.*) \|$", card("card-decide"), re.M))
    expected = {axis["title"]: len(axis["values"]) for axis in decide.framework()["axes"]}
    drawn = {next(axis for axis in expected if title.startswith(axis)): line.count("{.tick}")
             for title, line in rows.items()}
    assert drawn == expected


@pytest.mark.parametrize(("name", "chapter", "heading"), [
    ("card-escalate", "03_triage.md", "## The escalation checklist"), ("card-price", "04_cost.md", "## The bill")])
def test_a_card_has_every_line_of_its_chapter(name, chapter, heading):
    section = (ROOT / "chapters" / chapter).read_text(encoding="utf-8").partition(heading)[2].partition("\n## ")[0]
    lines = re.findall(r"^(?:- |\| )\*\*(?:The )?(\w[\w ]*?)s?\.?\*\*", section, re.M)
    assert len(lines) > 10
    mine = re.findall(r"^\| \*\*(?:The )?(\w[\w ]*?)s?\*\*", card(name), re.M)
    assert set(map(str.lower, lines)) <= set(map(str.lower, mine))


def test_names_of_lines_that_end_close_together_stand_apart():
    close = {**FOUND, "curve": {**FOUND["curve"], 2000: leaf(0.5)}, "llm": leaf(0.48), "crossing": None}
    for found in (close, {**close, "llm": leaf(0.52)}):
        drawn = ElementTree.fromstring(f'<svg xmlns="{SVG[1:-1]}">{cover.panel("birds", found, 0)}</svg>')
        own, llm = (float(drawn.find(f".//{SVG}text[@class='series {kind}']").get("y")) for kind in ("own", "llm"))
        assert abs(own - llm) == pytest.approx(cover.APART, abs=0.2)
        assert (own < llm) == (found["curve"][2000]["value"] > found["llm"]["value"])
