"""The decision framework: hand-worked cases, the same in JavaScript, closed forms, brute force."""

import itertools
import json
import re
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hybridlab import decide
from hybridlab.decide import Scorecard, recommend
from hybridlab.errors import BadInput
from tools import flowchart

ROOT = Path(__file__).resolve().parents[1]
CASES = json.loads((ROOT / "tests/cases/decide.json").read_text("utf-8"))
RULES = decide.framework()
AXES = {axis["name"]: [value["name"] for value in axis["values"]] for axis in RULES["axes"]}


@pytest.fixture(scope="module")
def table():
    return decide.problems()


# recommend


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["name"])
def test_hand_worked_cases(case):
    answer = asdict(recommend(case["problem"]))
    assert {name: answer[name] for name in case["is"]} == case["is"]
    assert answer["scores"] == case.get("scores", answer["scores"])


@pytest.mark.parametrize("case", CASES["errors"], ids=lambda case: case["what"])
def test_an_error_names_the_fact_and_the_remedy(case):
    with pytest.raises(BadInput) as caught:
        recommend(case["problem"])
    assert caught.value.what == case["what"]
    assert caught.value.fix and case.get("fix", caught.value.fix) == caught.value.fix


def test_a_row_of_a_table_is_a_problem():
    row = pd.DataFrame({"n_labels": [5000.0], "input": ["table"], "cost": [np.nan], "batch": [True]}).iloc[0]
    assert recommend(row).facts == {"input": "table", "labels": "thousands", "latency": "batch"}
    with pytest.raises(BadInput, match="a problem of type str"):
        recommend("a table")


def generated(n, seed=0):
    """Random problems, facts missing, numbers and flags among them, some contradicting themselves."""
    rng = np.random.default_rng(seed)
    numbers = {"n_labels": [0, 1, 99, 100, 1000, 40000], "rows_per_day": [0, 999, 1000, 250000, 1000000],
               "latency_s": [0, 0.05, 0.1, 2.5, 3, 60], "usd_per_1000": [0, 0.009, 0.01, 0.5, 1, 20],
               "batch": [True, False]}
    problems = []
    for _ in range(n):
        stated = rng.random() ** 0.5
        problem = {axis: str(rng.choice(values)) for axis, values in AXES.items() if rng.random() < stated}
        for name, values in numbers.items():
            if rng.random() < 0.08:
                problem[name] = values[rng.integers(len(values))]
        problems.append(problem)
    return problems


def test_the_table_and_the_single_problem_agree(table):
    rows = table.sample(60, random_state=0).astype(object)
    alone = [recommend(row).architecture for _, row in rows.iterrows()]
    assert alone == decide.recommend_all(rows).tolist()
    assert alone == decide.recommend_all(rows[rows.columns[::-1]]).tolist(), "order is not a fact"
    with pytest.raises(BadInput, match="unknown value of labels 'loads'"):
        decide.recommend_all(pd.DataFrame({"labels": ["few", "loads"]}))


def test_a_change_that_is_named_changes_the_answer_and_no_other_does(table):
    for _, row in table.sample(5, random_state=1).astype(object).iterrows():
        answer = recommend(row)
        named = {(one["axis"], one["value"]): one["architecture"] for one in answer.would_change}
        for axis, values in AXES.items():
            for value in values:
                try:
                    other = recommend({**row, axis: value}).architecture
                except BadInput:
                    other = answer.architecture
                assert named.get((axis, value), answer.architecture) == other


def test_a_framework_of_your_own_is_checked():
    def broken(kind, change):
        mine = decide.framework()
        mine[kind][0].update(change)
        return mine

    for kind, change, message in [
        ("weights", {"when": {"colour": ["red"]}}, "unknown axis 'colour'"),
        ("weights", {"when": {"labels": ["loads"]}}, "unknown value of labels 'loads'"),
        ("weights", {"for": {"rule": 1}}, "unknown architecture 'rule'"),
        ("weights", {"for": {"rules": -2}}, "a weight of 'rules' is not above 0"),
        ("weights", {"against": {"llm": -2}}, "a weight of 'llm' is not above 0"),
        ("weights", {"for": {"rules": float("nan")}}, "a weight of 'rules' is not above 0"),
        ("vetoes", {"source": "hearsay"}, "unknown source 'hearsay'"),
        ("warnings", {"when": [{"labels": ["lots"]}]}, "unknown value of labels 'lots'"),
    ]:
        with pytest.raises(BadInput, match=message):
            recommend({"labels": "none"}, broken(kind, change))


def test_changing_your_copy_leaves_the_framework_alone():
    mine = decide.framework()
    mine["weights"].clear()
    assert recommend({"input": "table"}, mine).architecture == "rules"
    assert recommend({"input": "table"}).architecture == "classical"


# The same in the page


@pytest.fixture(scope="module")
def page():
    context = script(json.loads((ROOT / "data/framework.json").read_text("utf-8")))
    context.eval("""const asked = problem => {
      try { return wizard.recommend(problem, rules); }
      catch (error) { if (!error.what) throw error; return { what: error.what, fix: error.fix }; } }""")
    return lambda problems: json.loads(context.eval(f"JSON.stringify({json.dumps(problems)}.map(asked))"))


def in_python(problem):
    try:
        return json.loads(json.dumps(asdict(recommend(problem))))
    except BadInput as error:
        return {"what": error.what, "fix": error.fix}


def test_python_and_javascript_agree(page):
    problems = [case["problem"] for case in CASES["cases"] + CASES["errors"]] + generated(300)
    answers = [in_python(problem) for problem in problems]
    assert sum("what" in answer for answer in answers) > 40
    assert len({answer["architecture"] for answer in answers if "what" not in answer}) == 8
    for problem, python, script in zip(problems, answers, page(problems), strict=True):
        if "unknown" in python.get("what", ""):
            python.pop("fix"), script.pop("fix")
        assert script == python, problem
        assert list(script.get("scores", {})) == list(python.get("scores", {}))


def script(rules):
    from py_mini_racer import MiniRacer

    context = MiniRacer()
    context.eval((ROOT / "_ext/calculators/wizard.js").read_text("utf-8"))
    context.eval(f"const rules = {json.dumps(rules)}")
    return context


def test_one_of_several_conditions_is_enough_in_both_languages():
    mine = decide.framework()
    either = [{"labels": ["few"]}, {"volume": ["low"], "error": ["high"]}]
    mine["weights"].append({"when": either, "for": {"human": 9}, "source": "judgement", "because": "a test"})
    for problem, wins in [({"labels": "few"}, True), ({"volume": "low"}, False),
                          ({"volume": "low", "error": "high", "labels": "none"}, True)]:
        found = script(mine).eval(f"wizard.recommend({json.dumps(problem)}, rules).architecture")
        assert found == recommend(problem, mine).architecture
        assert (found == "human") == wins


def test_the_address_holds_the_case():
    context = script(RULES)
    facts = {"input": "text", "labels": "few"}
    assert context.eval(f"wizard.toHash({json.dumps(facts)})") == "#wizard?input=text&labels=few"

    def read(address):
        return json.loads(context.eval(f"JSON.stringify(wizard.fromHash({json.dumps(address)}, rules))"))

    assert read("#wizard?input=text&labels=few") == {"facts": facts, "unknown": []}
    assert read("#wizard?labels=few&labels2=x&cost=<b>&toString=1") == {
        "facts": {"labels": "few"}, "unknown": ["labels2=x", "cost=<b>", "toString=1"]}
    assert read("#latency-bands") is None


# Ordered lists


def test_every_problem_is_there_once(table):
    everything = np.prod([len(values) for values in AXES.values()])
    assert len(table) == everything * Fraction(3, 4) * Fraction(8, 9), "two contradictions, on separate axes"
    assert not table.duplicated().any()


def test_shares_of_the_book_list_are_those_of_the_closed_form():
    """The axes are independent but for one pair: of nine inputs and outputs, fields of a table are out."""
    pattern, labelled, unlabelled, prose = Fraction(1, 4), Fraction(1, 4), Fraction(1, 2), Fraction(1, 3)
    is_table, rushed = Fraction(2, 8), Fraction(1, 4) * Fraction(2, 3)
    left = (1 - pattern) * (1 - is_table)
    middle = left * (1 - labelled - unlabelled)
    shares = {"pattern": pattern, "table": (1 - pattern) * is_table, "labels": left * labelled,
              "no_labels": left * unlabelled, "prose": middle * prose,
              "volume": middle * (1 - prose) * rushed,
              "otherwise": middle * (1 - prose) * (1 - rushed)}
    found = decide.reachability()
    assert found["share"].to_dict() == {name: float(share) for name, share in shares.items()}
    assert found.loc["volume", "applies"] == rushed * len(decide.problems())
    assert found.loc["volume", "unheard"] == pytest.approx(float(1 - shares["volume"] / rushed), abs=1e-15)


def test_a_question_with_two_conditions_concerns_whoever_meets_one():
    """Three of eight pairs of input and output write; those neither at once nor exact are not concerned."""
    concerned = Fraction(3, 8) * (1 - Fraction(2, 3) ** 2)
    assert decide.reachability("chart").loc["clash", "applies"] == concerned * len(decide.problems())


def test_read_the_other_way_the_volume_question_is_never_asked():
    mine = decide.framework()
    mine["list"]["questions"][3]["when"] = {"labels": ["none", "few", "hundreds"]}
    found = decide.reachability(framework=mine)
    assert found.loc[["prose", "volume", "otherwise"], "decides"].tolist() == [0, 0, 0]


def test_order_dependence_and_shares_against_all_orders(table):
    """Brute force over the 5,040 orders, on each pattern of applicable questions once."""
    questions = RULES["list"]["questions"]
    answers = np.array([question["answer"] for question in questions])
    applies = decide._applies("list", table, RULES)
    patterns = applies.value_counts()
    masks = np.array(patterns.index.tolist())
    firsts = np.array([np.array(order)[masks[:, order].argmax(axis=1)]
                       for order in itertools.permutations(range(len(questions)))])
    assert firsts.shape[0] == 5040
    distinct = [len(set(answers[column])) for column in firsts.T]
    different = pd.Series(patterns.to_numpy()).groupby(distinct).sum()
    assert decide.order_dependence()["problems"].to_dict() == different.to_dict()
    shares = [(firsts == k).mean(axis=0) @ patterns.to_numpy() / len(table) for k in range(len(questions))]
    np.testing.assert_allclose(decide.reachability()["share_any_order"], shares, rtol=1e-12)


def test_an_order_of_your_own(table):
    names = [question["name"] for question in RULES["list"]["questions"]]
    found = decide.reachability(order=["volume", *[name for name in names if name != "volume"]])
    assert found.index[0] == "volume" and found.loc["volume", "unheard"] == 0
    with pytest.raises(BadInput, match="an order of"):
        decide.reachability(order=names[:-1])
    with pytest.raises(BadInput, match="unknown list 'charts'"):
        decide.reachability("charts")
    mine = table[table["labels"] == "none"]
    assert decide.reachability(table=mine).loc["labels", "decides"] == 0


# Scorecard


def card(rng, options=4, criteria=3):
    scores = pd.DataFrame(rng.normal(5, 2, (options, criteria)), columns=list("abcdef")[:criteria])
    return Scorecard(dict(zip(scores, rng.integers(1, 6, criteria))), scores)


@pytest.mark.parametrize("seed", range(12))
def test_flips_are_where_a_scan_finds_them(seed):
    one = card(np.random.default_rng(seed))
    for name, row in one.sensitivity().iterrows():
        rest = one.weights.drop(name) / one.weights.drop(name).sum()

        def winner(share):
            totals = one.scores[rest.index] @ rest * (1 - share) + one.scores[name] * share
            return totals.idxmax()

        for side, outward in [("below", -1), ("above", 1)]:
            edge, to = row[f"flips_{side}"], row[f"to_{side}"]
            last = (1 if outward > 0 else 0) if np.isnan(edge) else edge
            inside = np.linspace(row["share"], last, 50)[:-1]
            assert {winner(share) for share in inside} == {one.winner}
            if not np.isnan(edge):
                assert winner(edge - outward * 1e-7) == one.winner and winner(edge + outward * 1e-7) == to


def test_a_hand_worked_scorecard():
    """quality 6 against 9, cost 9 against 3: 6q + 9(1 - q) = 9q + 3(1 - q) at q = 2/3."""
    scores = pd.DataFrame({"quality": [6, 9], "cost": [9, 3]}, index=["classical", "llm"])
    one = Scorecard({"quality": 2, "cost": 2}, scores)
    assert one.totals().to_dict() == {"classical": 7.5, "llm": 6.0} and one.winner == "classical"
    flips = one.sensitivity()
    assert flips.loc["quality", "flips_above"] == pytest.approx(2 / 3)
    assert flips.loc["cost", "flips_below"] == pytest.approx(1 / 3)
    assert flips.loc["quality", "to_above"] == flips.loc["cost", "to_below"] == "llm"
    assert np.isnan(flips.loc["quality", "flips_below"]) and flips.loc["quality", "to_below"] == ""
    shares = one.simulate(np.random.default_rng(0), draws=20_000)
    assert abs(shares.loc["classical", "share"] - 2 / 3) < 4 * np.sqrt(2 / 9 / 20_000), "q is uniform"
    assert shares["share"].sum() == pytest.approx(1)


def test_three_options_that_differ_by_name_only_share_the_weights():
    scores = pd.DataFrame(np.eye(3), index=list("xyz"), columns=list("abc"))
    shares = Scorecard(dict.fromkeys("abc", 1), scores).simulate(np.random.default_rng(1), draws=20_000)
    assert (abs(shares["share"] - 1 / 3) < 4 * np.sqrt(2 / 9 / 20_000)).all()
    assert ((shares["low"] < shares["share"]) & (shares["share"] < shares["high"])).all()


@pytest.mark.parametrize(("weights", "scores", "message"), [
    ({}, {"a": [1]}, "an empty scorecard"),
    ({"a": 1}, {}, "an empty scorecard"),
    ({"a": -1}, {"a": [1]}, "weight of 'a' is -1"),
    ({"a": float("nan")}, {"a": [1]}, "weight of 'a' is nan"),
    ({"a": "high"}, {"a": [1]}, "weight of 'a' is 'high'"),
    ({"a": 0}, {"a": [1]}, "all weights are 0"),
    ({"a": 1, "b": 1}, {"a": [1]}, "criterion 'b' has only a weight"),
    ({"a": 1}, {"a": [1], "b": [1]}, "criterion 'b' has only"),
    ({"a": 1}, {"a": [1, None]}, "score of 1 in 'a' is nan"),
    ({"a": 1}, {"a": [1, float("inf")]}, "score of 1 in 'a' is inf"),
])
def test_a_bad_scorecard_is_refused(weights, scores, message):
    with pytest.raises(BadInput, match=message):
        Scorecard(weights, pd.DataFrame(scores))


# Framework against measurement


def test_compare_keeps_the_disagreements():
    tasks = pd.DataFrame({
        "input": ["table", "text", "text"], "regularity": [None, "plain", "jargon"],
        "n_labels": [2000, 800, 2000], "measured": ["classical", "classical|llm", "rules_llm"]},
        index=["a", "b", "c"])
    found = decide.compare(tasks)
    assert found["framework"].tolist() == ["classical", "triage", "classical"]
    assert found["verdict"].tolist() == ["agrees", "runner-up", "disagrees"]
    assert found.loc["a", "sources"] == "lab01a, trees"
    with pytest.raises(BadInput, match="unknown architecture 'boosting'"):
        decide.compare(tasks.assign(measured="boosting"))
    with pytest.raises(BadInput, match="no column 'measured'"):
        decide.compare(tasks.drop(columns="measured"))


# What is drawn from the framework


def test_the_drawn_files_are_up_to_date():
    assert flowchart.stale(flowchart.outputs(RULES)) == [], "run python -m tools.flowchart"


def test_a_change_of_the_framework_is_noticed():
    mine = decide.framework()
    mine["chart"]["questions"][0]["ask"] = "Is it raining?"
    mine["axes"][0]["title"] = "Weather"
    assert {"_ext/svg/framework.svg", "data/framework.json", "chapters/framework.md"} <= set(
        flowchart.stale(flowchart.outputs(mine)))


def test_the_drawing_says_in_words_what_it_shows():
    from xml.etree import ElementTree

    drawing = ElementTree.fromstring(flowchart.chart(RULES))
    space = "{http://www.w3.org/2000/svg}"
    words = drawing.find(f"{space}desc").text
    for question in RULES["chart"]["questions"][:-1]:
        assert question["ask"] in words
    labels = [drawing.find(f"{space}{tag}").get("id") for tag in ("title", "desc")]
    assert drawing.get("aria-labelledby").split() == labels
    painted = [part for part in drawing.iter() if {"fill", "stroke"} & set(part.attrib)]
    assert not painted, "colours belong to the style sheet, for light and dark"


def test_the_page_without_javascript_shows_the_default_answer():
    static = chapter().split("{calculator} wizard")[1].split(":::")[0]
    answer = recommend(RULES["default"])
    titles = {one["name"]: one["title"] for one in RULES["architectures"]}
    assert answer.title in static and f"Runner-up: {titles[answer.runner_up]}" in static
    for reason in answer.reasons[:1]:
        assert reason["because"] in static


# The chapter


def chapter():
    return (ROOT / "chapters/01_deciding.md").read_text("utf-8")


def test_the_questions_of_the_chapter_are_those_of_the_framework():
    for question in RULES["list"]["questions"]:
        assert f"| {question['ask']} |" in chapter()


# In a browser


@pytest.fixture(scope="module")
def browser():
    from shutil import which

    from playwright.sync_api import sync_playwright

    found = which("chromium") or which("chromium-browser") or which("google-chrome")
    if not found:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])


@pytest.fixture
def wizard(browser, tmp_path):
    """The wizard alone on a page, as the directive writes it; a function that opens it at an address."""
    page = browser.new_page(viewport={"width": 390, "height": 800})
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    data = json.dumps({"framework.json": RULES})
    (tmp_path / "wizard.js").write_text((ROOT / "_ext/calculators/wizard.js").read_text("utf-8"), "utf-8")
    (tmp_path / "page.html").write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<section class="calculator" data-calculator="wizard">'
        '<div class="calculator-default">static</div>'
        f'<script type="application/json" class="calculator-data">{data}</script></section>'
        '<script src="wizard.js"></script></html>', "utf-8")

    def at(address=""):
        page.goto("about:blank")
        page.goto((tmp_path / "page.html").as_uri() + address)
        return page

    yield at
    assert faults == []
    page.close()


@pytest.mark.browser
def test_the_wizard_opens_with_the_first_case_and_follows_the_keyboard(wizard):
    page = wizard()
    assert page.locator(".wizard-title").inner_text() == recommend(RULES["default"]).title
    assert not page.locator(".calculator-default").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "input"
    page.get_by_label("How long may one answer take?").focus()
    page.keyboard.press("ArrowUp")
    expected = recommend({**RULES["default"], "latency": "instant"})
    assert page.locator(".wizard-title").inner_text() == expected.title
    assert "latency=instant" in page.url
    again = wizard("#" + page.url.split("#")[1])
    assert again.locator(".wizard-title").inner_text() == expected.title


@pytest.mark.browser
def test_the_wizard_says_what_is_wrong_with_a_case(wizard):
    page = wizard("#wizard?privacy=stays&hosting=hosted_only&labels=loads")
    assert "contradict each other" in page.locator(".wizard-answer").inner_text()
    assert "left out: labels=loads" in page.locator(".wizard-buttons").inner_text()
    page.get_by_role("button", name="Clear all").click()
    assert "states no fact" in page.locator(".wizard-answer").inner_text()
    page.get_by_label("What does one row look like?").select_option("table")
    assert page.locator(".wizard-title").inner_text() == "Classical ML"
    change = page.locator(".wizard-changes button").first
    target = change.inner_text().split(" \N{RIGHTWARDS ARROW} ")[1]
    change.click()
    assert page.locator(".wizard-title").inner_text() == target
