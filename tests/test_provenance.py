"""The pages that are counted out of files: provenance, and what a lab asks of a student."""

import json
import re
import shutil

import pandas as pd
import pytest

from hybridlab import models, paths
from tools import notebooks, provenance, workload

ROOT = paths.ROOT
PAGES = {"provenance": (provenance, "provenance.md"), "workload": (workload, "instructors.md")}
INCLUDE = re.compile(r"```\{include\} \.\./data/(\w+)\.md\n:start-after: <!-- (\w+) -->\n:end-before: <!-- /(\w+) -->\n```")
COPIED = ("answers", "audits", "cards", "gold", "messages", "prompts", "splits", "timings", "machine.json")


@pytest.fixture
def small(tmp_path):
    """The data of the course with one small recording file."""
    (tmp_path / "data" / "recordings").mkdir(parents=True)
    for name in COPIED:
        source = ROOT / "data" / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / "data" / name)
    for name in ("constraints.txt", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    record(tmp_path, {"load": 0.0}, {"load": 0.3}, {"load": 0.1, "date": "2026-11-24", "slots": 2})
    return tmp_path


def record(root, *changes):
    """Write recordings that differ from a plain one as told."""
    plain = {"key": "ab" * 32, "engine": "e 1", "date": "2026-11-23", "slots": 1, "load": 0.0}
    text = "".join(json.dumps(plain | change) + "\n" for change in changes)
    (root / "data" / "recordings" / "lab00.m.jsonl").write_text(text, encoding="utf-8")


# --- both ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
def test_the_files_are_up_to_date(name):
    tool = PAGES[name][0]
    assert provenance.stale(ROOT, tool.outputs(ROOT)) == [], f"run python -m tools.{name}"


@pytest.mark.parametrize("name", PAGES)
def test_the_page_shows_every_table_once(name):
    tool, page = PAGES[name]
    found = INCLUDE.findall((ROOT / "chapters" / page).read_text(encoding="utf-8"))
    text = (ROOT / tool.FILES[1]).read_text(encoding="utf-8")
    assert sorted(found) == sorted((name, table, table) for table in tool.TABLES)
    assert all(text.count(f"<!-- {mark}{table} -->") == 1 for table in tool.TABLES for mark in ("", "/"))


@pytest.mark.parametrize("name", PAGES)
def test_tables_have_no_ragged_line(name):
    for table in re.findall(r"(?:^\|.*\n)+", (ROOT / PAGES[name][0].FILES[1]).read_text(encoding="utf-8"), re.M):
        assert len({line.count("|") for line in table.splitlines()}) == 1


# --- provenance ------------------------------------------------------------------------------------------


def test_recordings_are_counted_as_a_search_counts_them():
    found = provenance.recording_facts(ROOT)
    for path in (ROOT / "data" / "recordings").glob("*.jsonl"):
        text, one = path.read_text(encoding="utf-8"), found[path.name]
        dates = re.findall(r'"date":"([\d-]+)"', text)
        assert one["lines"] == text.count('{"key":"') == len(dates)
        assert (one["first"], one["last"]) == (min(dates), max(dates))
        assert one["slots"] == sorted({int(slots) for slots in re.findall(r'"slots":(\d+)', text)})


def test_answers_are_counted_as_pandas_counts_them():
    for name, one in provenance.answer_facts(ROOT).items():
        frame = pd.read_csv(ROOT / "data" / "answers" / f"{name}.csv", keep_default_na=False)
        assert one == {"rows": len(frame), "silent": int((frame["label"] == "<abstain>").sum())}


def test_a_small_file_is_counted_by_hand(small):
    assert provenance.recording_facts(small)["lab00.m.jsonl"] == {
        "lines": 3, "first": "2026-11-23", "last": "2026-11-24", "engines": ["e 1"], "slots": [1, 2],
        "load_p50": 0.1, "busy_share": 1 / 3}


def test_a_change_is_noticed(small):
    provenance.write(small)
    assert provenance.stale(small, provenance.outputs(small)) == []
    record(small, {"load": 0.0})
    assert len(provenance.stale(small, provenance.outputs(small))) == 2
    provenance.write(small)
    (small / "data" / "provenance.md").write_text("1 reply", encoding="utf-8")
    assert provenance.stale(small, provenance.outputs(small)) == ["data/provenance.md: out of date"]


def test_hashes_are_those_that_pull_asks_for():
    text = (ROOT / "data" / "provenance.md").read_text(encoding="utf-8")
    assert re.findall(r"^([0-9a-f]{64})  (\S+)$", text, re.M) == [
        (model.sha256, model.file) for model in models.REGISTRY.values()]


def test_versions_are_the_pinned_ones():
    found = provenance.package_facts(ROOT)
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert set(found["pins"]) == set(provenance.PINS) and found["count"] == sum("==" in line for line in pins)
    assert all(f"{name}=={one['version']}" in pins for name, one in found["pins"].items())


def test_a_licence_is_cut_after_two_sentences():
    card = "**Licence.** None for rows (17 U.S.C. 105). See [the text](x.md). A third.\n\n**Cite.** No."
    assert provenance._licence(card) == "None for rows (17 U.S.C. 105). See."
    assert provenance._licence("**Licence.** CC BY 4.0 ([text](x)), as all. **Who.** We.") == "CC BY 4.0, as all."


# --- workload --------------------------------------------------------------------------------------------


def test_cells_and_exercises_are_counted_as_in_the_file():
    for lab, one in workload.facts(ROOT)["labs"].items():
        cells = json.loads((ROOT / "labs" / f"{one['file']}.ipynb").read_text(encoding="utf-8"))["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code" and "".join(cell["source"]).strip()]
        plain = [cell for cell in code if not {"solution", "check", "exercise"} & set(cell["metadata"].get("tags", []))]
        assert one["cells"] == len(plain)
        assert one["exercises"] == len(list((ROOT / "tests" / "exercises").glob(f"{lab.removeprefix('lab')}_*.py")))


def test_words_and_minutes_of_a_small_lab_by_hand():
    from conftest import code, prose
    from nbformat.v4 import new_notebook

    cells = [prose("# Small lab\n\nTwo *words*<!--=lab00:acc--> and `code`.\n\n```python\nx = 1\n```"), code("1 + 1"),
             prose("## Next\n\nMore."), code("2"), code("x = 2", tags=["solution"]), code("check(x)", tags=["check"])]
    parts = workload.sections(new_notebook(cells=cells))
    assert parts == {"Small lab": {"words": 6, "cells": 1, "exercises": 0},
                     "Next": {"words": 2, "cells": 1, "exercises": 1}}
    assert workload.minutes(400, 10, 2) == pytest.approx(2 + 4 + 8)


def test_a_short_class_leaves_out_sections_that_exist():
    for path in notebooks.labs(ROOT):
        lab, parts = notebooks.lab_name(path), workload.sections(notebooks.read(path))
        leave, home = workload.SHORT.get(lab, ([], 0))
        assert set(leave) <= set(parts), f"{lab}: a heading has changed; mend SHORT in tools/workload.py"
        assert home < sum(part["exercises"] for part in parts.values())


def test_a_short_class_keeps_the_promise():
    for lab, one in workload.facts(ROOT)["labs"].items():
        assert one["short"]["minutes"] <= workload.LIMIT, f"{lab}: leave more out in SHORT of tools/workload.py"


def test_measured_seconds_are_kept_and_replaced(tmp_path):
    (tmp_path / "labs").mkdir()
    shutil.copy(next(iter(notebooks.labs(ROOT))), tmp_path / "labs")
    (tmp_path / "data").mkdir()
    first = {"seconds": 5, "load": 0.1, "cores": 2, "date": "2026-11-24"}
    assert "not measured yet" in workload.outputs(tmp_path)[workload.FILES[1]]
    workload.write(tmp_path, {"lab00": first})
    workload.write(tmp_path)
    assert workload.facts(tmp_path)["labs"]["lab00"]["replay"] == first
    assert workload.facts(tmp_path, {"lab00": first | {"seconds": 6}})["labs"]["lab00"]["replay"]["seconds"] == 6


def test_every_misunderstanding_has_its_exercise_and_every_exercise_its_misunderstanding():
    page = (ROOT / "chapters" / "instructors.md").read_text(encoding="utf-8")
    named = [f"{lab}_{number}" for lab, number in re.findall(r"\| lab (\w+), exercise (\d) \|", page)]
    there = {path.stem for path in (ROOT / "tests" / "exercises").glob("[0-9]*.py")}
    assert len(set(named)) == len(named) and set(named) <= there
    labs = {notebooks.lab_name(path).removeprefix("lab") for path in notebooks.labs(ROOT)}
    assert {name for name in there if name.partition("_")[0] in labs} <= set(named)
