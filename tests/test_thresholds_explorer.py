"""The threshold explorer: Python and JavaScript against hand-worked cases, the library, a browser."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from hybridlab import datasets
from hybridlab.cascade import Cascade
from hybridlab.combined import COLUMNS
from test_browser import CHROMIUM, HTML, browser  # noqa: F401
from tools import explorer, outcomes

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "_ext/calculators"
PYTHON = runpy.run_path(str(FOLDER / "thresholds.py"))
CASES = json.loads((ROOT / "tests/cases/thresholds.json").read_text("utf-8"))
DATA = json.loads((ROOT / "data/explorer.json").read_text("utf-8"))
PAGE = HTML / "chapters/03_triage.html"


@pytest.fixture(scope="module")
def page():
    """Evaluates an expression in a context that holds the script, the cases' data and the real ones."""
    from py_mini_racer import MiniRacer

    context = MiniRacer()
    context.eval((FOLDER / "thresholds.js").read_text("utf-8"))
    context.eval(f"const toy = {json.dumps(CASES['data'])}, real = {json.dumps(DATA)}")
    return lambda expression: json.loads(context.eval(f"JSON.stringify({expression})"))


def about(value):
    return value if value is None else pytest.approx(value, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["name"])
def test_python_and_javascript_agree_with_the_arithmetic(case, page):
    inputs = CASES["defaults"] | case["in"]
    script = page(f"thresholds.result({json.dumps(inputs)}, toy)")
    python = PYTHON["result"](inputs, CASES["data"])
    for where, answer in {"JavaScript": script, "Python": python}.items():
        for key, value in case["out"].items():
            assert answer[key] == about(value), (where, key, case["work"])
    assert script == {key: about(value) for key, value in python.items()}


def test_defaults_are_the_same_everywhere(page):
    assert page("thresholds.defaults") == PYTHON["DEFAULTS"] == CASES["defaults"]


def drawn(rng):
    """Inputs as a reader may choose them."""
    return {"task": str(rng.choice(list(DATA["tasks"]))), "first": str(rng.choice(["tfidf", "llm05"])),
            "then": str(rng.choice(["person", "llm"])), "error_usd": round(float(rng.exponential(1)), 3),
            "person_usd": round(float(rng.exponential(0.5)), 3),
            "delta": float(rng.choice([0.1, 0.05, 0.01])), "threshold": float(rng.choice(PYTHON["GRID"]))}


def test_random_inputs_agree_on_the_real_rows(page):
    rng = np.random.default_rng(3)
    for _ in range(40):
        inputs = drawn(rng)
        for one in (inputs, inputs | {"threshold": "advance"}):
            python = PYTHON["result"](one, DATA)
            script = page(f"thresholds.result({json.dumps(one)}, real)")
            assert script == {key: about(value) for key, value in python.items()}, one


def test_the_bound_is_the_exact_one(page):
    """P(X <= wrong) at the bound is delta, by scipy; without an error it is 1 - delta ** (1 / n)."""
    from scipy.stats import binom

    cases = [(0, 1, 0.1), (0, 500, 0.01), (3, 40, 0.05), (117, 500, 0.1), (499, 500, 0.1)]
    for wrong, answered, delta in cases:
        script = page(f"thresholds.bound({wrong}, {answered}, {delta})")
        for found in (script, PYTHON["bound"](wrong, answered, delta)):
            assert binom.cdf(wrong, answered, found) == pytest.approx(delta, abs=1e-9)
    assert page("[thresholds.bound(0, 0, .1), thresholds.bound(4, 4, .1)]") == [1, 1]


@pytest.mark.slow
def test_a_threshold_fixed_first_keeps_the_promise_and_one_chosen_after_does_not():
    """1,000 calibration samples of a known population: how often the true error lies above the bound."""
    rng, broken = np.random.default_rng(0), {"fixed": 0, "chosen": 0}
    grid, bound = np.arange(0.5, 0.96, 0.01), PYTHON["bound"]
    for _ in range(1000):
        confidence = rng.uniform(0.5, 1, 200)
        right = rng.random(200) < 0.8  # the confidence says nothing: the error is .2 at every threshold
        kept = [right[confidence >= threshold] for threshold in grid]
        bounds = [bound(int((~one).sum()), len(one), 0.1) for one in kept]
        broken["fixed"] += bounds[20] < 0.2
        broken["chosen"] += min(bounds) < 0.2
    assert broken["fixed"] <= 130 < 200 < broken["chosen"], broken


# The data


def test_the_data_are_up_to_date():
    assert DATA["sources"] == explorer.checksum(), "run python -m tools.explorer"


@pytest.mark.slow
def test_the_data_are_what_the_tool_writes():
    """Computed again; another machine may round a thousandth otherwise."""
    again = explorer.build()
    for task, stored in DATA["tasks"].items():
        for tier, lists in stored["tiers"].items():
            for split in explorer.SPLITS:
                new = np.array(again["tasks"][task]["tiers"][tier][split])
                assert abs(np.abs(new) - np.abs(lists[split])).max() <= 1
                assert (np.sign(new) != np.sign(lists[split])).mean() <= 0.002
    assert len(json.dumps(DATA, separators=(",", ":"))) < 60_000


@pytest.mark.parametrize("task", DATA["tasks"])
@pytest.mark.parametrize("then", ["person", "llm"])
def test_the_numbers_are_those_of_a_cascade_of_the_recorded_answers(task, then):
    """The same chain by ``Cascade.combine`` on the recorded frames, without the packed numbers."""
    frames = {tier: bets(task, tier) for tier in ("llm05", "llm15")}
    threshold = 0.8
    frame = Cascade.combine(frames, thresholds=[threshold, 0 if then == "llm" else threshold])
    gold = datasets.answers(task, "llm15", "test")["gold"]
    found = PYTHON["result"](CASES["defaults"] | {"task": task, "first": "llm05", "then": then,
                                                  "threshold": threshold}, DATA)
    answered = frame["label"] != "<abstain>"
    assert found["answered"] == answered.sum()
    assert found["right"] == pytest.approx((frame["label"] == gold)[answered].mean())
    assert found["passed_on"] == pytest.approx((frame["path"] != "llm05").mean())
    assert found["calls_usd"] == pytest.approx(1000 * frame["cost_usd"].mean(), rel=0.01)
    assert found["p95_s"] == pytest.approx(frame["latency_s"].quantile(0.95), abs=0.02)


def bets(task, tier):
    """Recorded test answers; the label is the likelier one by the calibrated probability."""
    frame, (no, yes) = datasets.answers(task, tier, "test"), labels(task)
    share = np.where(frame["label"] == yes, frame["calibrated"], 1 - frame["calibrated"])
    silent = frame["label"] == "<abstain>"
    said = np.where(silent, "<abstain>", np.where(share > 0.5, yes, no))
    sure = np.where(silent, 0, np.maximum(share, 1 - share))
    return frame.assign(label=said, confidence=sure)[COLUMNS]


def labels(task):
    positive = outcomes.POSITIVE[task]
    return next(iter(set(datasets.load(task, "test")["label"]) - {positive})), positive


# The address and the words


def test_the_address_holds_the_case(page):
    inputs = CASES["defaults"] | {"task": "birds", "threshold": 0.83, "error_usd": 0.05}
    address = page(f"thresholds.toHash({json.dumps(inputs)})")
    assert address.startswith("#thresholds?task=birds&first=tfidf&then=person&error_usd=0.05&")
    assert page(f"thresholds.fromHash({json.dumps(address)}, real)") == {"inputs": inputs, "unknown": []}
    assert page("thresholds.fromHash('#patterns', real)") is None
    strange = "#thresholds?task=mails&threshold=0.123&delta=0.05&error_usd=-1&<b>=1&then="
    found = page(f"thresholds.fromHash({json.dumps(strange)}, real)")
    assert found["inputs"] == CASES["defaults"] | {"delta": 0.05}
    assert found["unknown"] == ["task=mails", "threshold=0.123", "error_usd=-1", "<b>=1", "then="]


@pytest.mark.parametrize("change, says", [
    ({"error_usd": -1}, "Price of an error: write a number that is 0 or more"),
    ({"person_usd": "NaN"}, "Price of a person's decision: write a number that is 0 or more"),
    ({"task": "mails"}, "task: choose one of reviews, birds"),
    ({"delta": 0.5}, "delta: choose one of 0.1, 0.05, 0.01"),
    ({"threshold": 0.2}, "threshold: choose one of 0.50, 0.51 ... 1.00"),
    ({}, ""), ({"threshold": 0.77}, "")])
def test_bad_input_is_told(change, says, page):
    assert page(f"thresholds.wrong({json.dumps(CASES['defaults'] | change)}, real)") == says


def said(page, threshold):
    inputs = json.dumps(CASES["defaults"] | {"threshold": threshold})
    return page(f"thresholds.words(thresholds.result({inputs}, real), {inputs}, real)")


def test_only_a_threshold_fixed_in_advance_is_called_a_promise(page):
    headline, promise, lines = said(page, "advance")
    assert promise.startswith("With probability 0.9, at most ") and "had no part in the choice" in promise
    assert "Threshold 0." in headline and len(lines) == 11
    assert "so for you it is no promise" in said(page, 0.8)[1]
    assert said(page, 1.0)[1].startswith("At this threshold no calibration row is answered")
    assert said(page, 1.0)[0] == "Threshold 1.00: no row is answered"


def test_the_result_without_javascript_is_that_of_the_script(page):
    body = PYTHON["body"]({"explorer.json": DATA})
    _, _, lines = said(page, "advance")
    shown = body.replace("\\$", "$")
    told = dict(lines)
    for name in ("right among the answered rows", "passed on to the 1.5B model", "left to a person",
                 "half of the rows leave the machines within", "95 % of them within"):
        assert f"| {name} | {told[name]} |" in shown
    assert "With probability 0.9, at most " in body and "$" not in body.replace("\\$", "")


SMALL_SITE = {
    "static/hybridbook.css": "",
    "calculators/even.js": "'use strict';\n",
    "calculators/even.py": "def body(data):\n    return f'It is **{len(data)}** file.\\n'\n",
    "source/index.md": "# Page\n\n:::{calculator} even\n:data: machine.json\n\nWords.\n:::\n",
    "source/conf.py": "extensions = ['myst_parser', 'hybridbook']\n"
                      "myst_enable_extensions = ['colon_fence']\nhtml_theme = 'basic'\n"}


def test_a_module_beside_the_script_writes_the_default_result(tmp_path, monkeypatch):
    """The book's directive asks it at build time, before the body of the directive."""
    monkeypatch.syspath_prepend(str(ROOT / "_ext"))
    import hybridbook

    for name, text in SMALL_SITE.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(hybridbook, "HERE", tmp_path)
    source = tmp_path / "source"
    with docutils_namespace():
        Sphinx(source, source, tmp_path / "html", tmp_path / "tree", "html", status=None, warning=sys.stderr,
               warningiserror=True).build()
    shown = (tmp_path / "html/index.html").read_text().split('class="calculator-default"')[1]
    assert shown.index("<strong>1</strong> file") < shown.index("Words.") < shown.index("calculator-data")


# A real browser


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_the_slider_moves_what_python_says(browser):  # noqa: F811
    """From the built site: default, slider by key and by script, choices, address, and the way back."""
    assert PAGE.exists(), "run `make site` first"
    tab, problems = browser.new_page(viewport={"width": 390, "height": 900}), []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.goto(PAGE.as_uri())
    assert_shows(tab, CASES["defaults"])
    slider = tab.locator("#thresholds-threshold")
    start = round(float(slider.input_value()), 2)
    slider.press("ArrowRight")
    assert_shows(tab, CASES["defaults"] | {"threshold": round(start + 0.01, 2)})
    for threshold in (0.5, 0.66, 0.9, 1.0):
        slider.fill(str(threshold))
        assert_shows(tab, CASES["defaults"] | {"threshold": threshold})
    tab.select_option("#thresholds-task", "birds")
    tab.select_option("#thresholds-then", "llm")
    tab.fill("#thresholds-error_usd", "0.25")
    slider.fill("0.8")
    inputs = CASES["defaults"] | {"task": "birds", "then": "llm", "error_usd": 0.25, "threshold": 0.8}
    assert_shows(tab, inputs)
    other = browser.new_page()
    other.goto(tab.url)
    assert_shows(other, inputs)
    tab.get_by_role("button", name="First case again").click()
    assert_shows(tab, CASES["defaults"])
    tab.fill("#thresholds-error_usd", "")
    assert "write a number" in tab.locator(".thresholds-answer").inner_text()
    other.close(), tab.close()
    assert not problems, problems


def assert_shows(tab, inputs):
    """The form shows what Python computes, in words and in the drawings."""
    found, text = PYTHON["result"](inputs, DATA), tab.locator("form.thresholds").inner_text()
    assert tab.locator(".thresholds-slide output").inner_text() == f"{found['threshold']:.2f}"
    for key in ("passed_on", "to_person", "coverage", "right", "slice_right"):
        if found[key] is not None:
            assert f"{100 * found[key]:.1f} %" in text, key
    if found["bound_answered"]:
        assert f"{100 * found['bound']:.1f} % of the answered" in text
    assert ("no promise" in text) == (inputs["threshold"] != "advance" and found["bound_answered"] > 0)
    circles = tab.locator(".thresholds-panels circle.dot0").count()
    assert circles == (3 if found["right"] is not None else 2)
