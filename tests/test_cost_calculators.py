"""The cost calculators on their page: what stands there without JavaScript, and a real Chromium with it.

The formulas are compared with Python and with hand-worked cases in ``test_tco.py``; here the cases are typed.
"""

import json
import re
from pathlib import Path

import pytest
from test_browser import CHROMIUM, HTML, browser  # noqa: F401 (a fixture)
from test_tco import CASES, IN_PYTHON, page, told  # noqa: F401 (page is a fixture)

from hybridlab import results

ROOT = Path(__file__).resolve().parent.parent
CHAPTER = ROOT / "chapters" / "04_cost.md"
PAGE = HTML / "chapters" / "04_cost.html"

# What stands beside each number on the page, and which number that is.
SHOWN = {
    "monthly": {
        "a query, repairs included": "usd_per_call", "a right answer": "usd_per_success",
        "the other option, a month": "other_usd_per_month",
        "the other option, a right answer": "other_usd_per_success",
        "the other option is good enough and no dearer": "break_even"},
    "hosting": {
        "machines reserved": "machine_count", "how busy they are": "utilisation",
        "our own, a query": "own_usd_per_query", "our own, a right answer": "own_usd_per_success",
        "our own is good enough and no dearer": "break_even"},
    "cascade": {
        "p*, the share it may escalate": "p_star", "a query": "usd_per_query", "a month": "usd_per_month",
        "a right answer": "usd_per_success",
        "the strong tier alone, a right answer": "strong_usd_per_success",
        "good enough and no dearer, if every share kept this quality": "break_even"}}

MANY_STEPS = dict(api_usd_per_query=0.000267, queries_per_s_per_machine=1, peak_to_mean=10,
                    usd_per_machine_hour=0.096, operations_usd_per_month=0)


# ---- without a browser


def directive(name):
    """The addresses of a calculator's data, and the addresses of the numbers in its static result."""
    body = re.search(rf"^:::\{{calculator\}} {name}\n(.*?)^:::", CHAPTER.read_text("utf-8"), re.S | re.M)[1]
    data = re.search(r"^:data: (.*)$", body, re.M)
    return data[1].split() if data else [], re.findall(r"\{num\}`([^`,]+)", body)


def handed_over(address):
    """The numbers below an address of results, by their last name."""
    found = json.loads((ROOT / f"data/results/{address.partition(':')[0]}.json").read_text("utf-8"))
    for key in address.partition(":")[2].split("."):
        found = found[key]
    return {key: leaf["value"] if isinstance(leaf, dict) else leaf for key, leaf in found.items()}


@pytest.mark.parametrize("name", IN_PYTHON)
def test_the_static_result_is_what_the_form_opens_with(name, page):  # noqa: F811
    addresses, quoted = directive(name)
    stored = {key: value for address in addresses for key, value in handed_over(address).items()}
    inputs = CASES["defaults"][name] | {key: value for key, value in stored.items()
                                        if key in CASES["defaults"][name]}
    script = page(f"{name}.result({json.dumps(inputs)})")
    bound = {address.rpartition(".")[2]: address for address in quoted}
    assert set(bound) & set(script), f"the static result of {name} quotes none of {sorted(script)}"
    for key in set(bound) & set(script):
        leaf = results.get(bound[key])
        assert (leaf["value"] if isinstance(leaf, dict) else leaf) == pytest.approx(script[key], rel=1e-6), key


@pytest.mark.parametrize(("calculator", "change", "headline"), [
    ("hosting", {"own_quality": 0.5, "api_quality": 0.6}, "Neither: 0.5 and 0.6 are both below 0.8."),
    ("hosting", {"api_quality": 0.6, "api_usd_per_query": 0},
     "Our own, $240.16 a month: the API's quality is 0.6, below 0.8."),
    ("hosting", {"api_usd_per_query": 0.0001}, "The API: $100 a month against $240.16."),
    ("cascade", {"strong_quality": 0.8, "cheap_usd": 0.003},
     "Yes: the strong tier alone, at 0.8, is below 0.85."),
    ("cascade", {"escalation_share": 0.95, "least_quality": 0},
     "Yes: it saves $0 of $600 a month at quality 0.7875."),
    ("cascade", {"cheap_usd": 0.003, "escalation_share": 0},
     "No: it costs $300 a month more than the strong tier alone."),
])
def test_what_is_not_good_enough_is_never_advised(calculator, change, headline, page):  # noqa: F811
    inputs = json.dumps(CASES["defaults"][calculator] | change)
    assert page(f"{calculator}.words({calculator}.result({inputs}), {inputs})")[0] == headline


def test_many_ranges_are_told_in_short(page):  # noqa: F811
    """A full machine costs 70.08 and saves 70.17: each of the next 800 pays only when it is nearly full."""
    inputs = json.dumps(CASES["defaults"]["hosting"] | MANY_STEPS)
    long = page(f"hosting.result({inputs}).break_even")
    short = dict(page(f"hosting.words(hosting.result({inputs}), {inputs})")[1])[
        "our own is good enough and no dearer"]
    more = long.count("from") - 3
    assert more > 100 and short.endswith(f", and {more} more ranges") and len(short) < 200


# ---- in Chromium


def in_chromium(test):
    missing = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
    return pytest.mark.browser(missing(test))


@pytest.fixture
def opened(browser):  # noqa: F811
    """Opens the chapter in a context of its own; a console error fails the test."""
    contexts, said = [], []

    def open_at(fragment="", **settings):
        assert PAGE.exists(), "no chapters/04_cost.html in _build/html: build the site first"
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | settings)
        contexts.append(context)
        tab = context.new_page()
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.goto(PAGE.as_uri() + fragment, wait_until="load")
        return tab

    yield open_at
    for context in contexts:
        context.close()
    assert not said, said


def section(tab, name):
    return tab.locator(f'section.calculator[data-calculator="{name}"]')


def fill(tab, name, inputs):
    for key, value in inputs.items():
        tab.locator(f"#{name}-{key}").fill(f"{value:.12g}")


def answer(tab, name):
    """The headline and the numbers as the page shows them, by what stands beside them."""
    return section(tab, name).locator(".costs-answer").evaluate(
        "box => [box.querySelector('p').textContent, Object.fromEntries([...box.querySelectorAll('dt')]"
        ".map(term => [term.textContent, term.nextElementSibling.textContent]))]")


def is_shown(shown, value):
    """Whether a text on the page is a value: dollars to the cent or four digits, shares to three."""
    if value is None:
        return shown == "not defined"
    if isinstance(value, str):
        return shown == value.replace("cascade.escalation_share", "of queries escalated").replace(
            "queries_per_month", "queries a month")
    number = float(re.sub(r"[$,% ]", "", shown)) / (100 if "%" in shown else 1)
    coarse = 0.5 if abs(value) >= 1000 else 0.005 if abs(value) >= 1 else 0
    return number == pytest.approx(value, rel=5e-3 if "%" in shown else 5.1e-4, abs=coarse + 1e-12)


@in_chromium
@pytest.mark.parametrize("name", IN_PYTHON)
def test_typed_cases_show_what_python_computes(name, opened):
    tab = opened()
    for case in CASES["cases"]:
        if case["calculator"] != name:
            continue
        inputs = CASES["defaults"][name] | case["in"]
        fill(tab, name, inputs)
        python, (_, shown) = told(IN_PYTHON[name](**inputs)), answer(tab, name)
        for label, key in SHOWN[name].items():
            assert is_shown(shown[label], python[key]), (case["name"], label, shown[label], python[key])


@in_chromium
@pytest.mark.parametrize("name", IN_PYTHON)
def test_the_address_brings_a_case_back(name, opened):
    tab = opened()
    inputs = CASES["defaults"][name] | {"least_quality": 0.5, "queries_per_month": 123456}
    fill(tab, name, inputs)
    fragment = tab.evaluate("location.hash")
    assert fragment.startswith(f"#{name}?") and "queries_per_month=123456" in fragment
    again = opened(fragment + "&colour=red")
    assert answer(again, name) == answer(tab, name)
    for key, value in inputs.items():
        assert float(again.locator(f"#{name}-{key}").input_value()) == pytest.approx(value), key
    assert "Not known, left out: colour=red." in section(again, name).inner_text()
    again.evaluate(f"location.hash = '#{name}?queries_per_month=7'")
    again.wait_for_function(f"document.getElementById('{name}-queries_per_month').value === '7'")


@in_chromium
@pytest.mark.parametrize("name", IN_PYTHON)
def test_a_wrong_input_is_named_and_kept_out_of_the_address(name, opened):
    tab = opened()
    fill(tab, name, CASES["defaults"][name])
    before = tab.evaluate("location.hash")
    box = tab.locator(f"#{name}-least_quality")
    box.fill("85")
    headline, shown = answer(tab, name)
    assert "write 5 % as 0.05" in headline and shown == {}
    assert box.get_attribute("aria-invalid") == "true" and tab.evaluate("location.hash") == before
    box.fill("0.85")
    assert box.get_attribute("aria-invalid") == "false" and answer(tab, name)[1]


@in_chromium
@pytest.mark.parametrize("name", IN_PYTHON)
def test_by_keyboard_alone(name, opened):
    """Tab visits every input in order and both buttons, each with a visible outline; keys do the rest."""
    tab = opened()
    fields, opening = list(CASES["defaults"][name]), answer(tab, name)
    tab.locator(f"#{name}-{fields[0]}").focus()
    visited = []
    for _ in fields:
        visited.append(tab.evaluate("document.activeElement.name"))
        outline = tab.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", visited[-1]
        if visited[-1] == "queries_per_month":
            tab.keyboard.press("Control+a")
            tab.keyboard.type("424242")
        if visited[-1] == "least_quality":
            held = float(tab.evaluate("document.activeElement.value"))
            tab.keyboard.press("ArrowUp")
            assert 0 < float(tab.evaluate("document.activeElement.value")) - held <= 0.0101
        tab.keyboard.press("Tab")
    assert sorted(visited) == sorted(fields)
    assert "queries_per_month=424242" in tab.evaluate("location.hash") and answer(tab, name) != opening
    assert tab.evaluate("document.activeElement.textContent") == "Copy a link to this case"
    tab.keyboard.press("Enter")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "First case again"
    tab.keyboard.press("Space")
    assert answer(tab, name) == opening


@in_chromium
def test_the_folded_answers_open_by_keyboard(opened):
    tab = opened()
    folded = tab.locator("article details")
    assert folded.count() >= 25
    folded.first.locator("summary").focus()
    tab.keyboard.press("Enter")
    assert folded.first.evaluate("one => one.open")


@in_chromium
def test_the_answer_of_the_exercise_leads_to_its_case(opened):
    tab = opened()
    tab.locator("article details", has_text="this case in the form").locator("summary").first.click()
    tab.get_by_text("this case in the form below").click()
    tab.wait_for_function("document.getElementById('hosting-usd_per_machine_hour').value === '4'")
    headline, shown = answer(tab, "hosting")
    assert headline == "The API: $1,500 a month against $5,840."
    assert shown["our own is good enough and no dearer"].startswith("never")


@in_chromium
def test_without_javascript_every_calculator_shows_a_result(opened):
    tab = opened(java_script_enabled=False)
    for name in IN_PYTHON:
        default = section(tab, name).locator(".calculator-default")
        assert default.is_visible() and re.search(r"\$\d", default.inner_text()), name
        assert section(tab, name).locator("input").count() == 0


@in_chromium
def test_with_javascript_the_form_takes_its_place(opened):
    tab = opened()
    for name in IN_PYTHON:
        assert not section(tab, name).locator(".calculator-default").is_visible()
        assert section(tab, name).locator("input").count() == len(CASES["defaults"][name])


CONTRAST = """element => {
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(part => part / 255)
    .map(part => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4)
    .reduce((sum, part, i) => sum + part * [.2126, .7152, .0722][i], 0);
  let behind = element;
  const paper = () => rgb(getComputedStyle(behind).backgroundColor);
  while (behind.parentElement && paper()[3] === 0) behind = behind.parentElement;
  const [a, b] = [light(rgb(getComputedStyle(element).color)), light(paper())].sort((a, b) => b - a);
  return (a + .05) / (b + .05);
}"""


@in_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390], ids=["desk", "phone"])
def test_forms_fit_and_can_be_read(scheme, width, opened):
    tab = opened(color_scheme=scheme, viewport={"width": width, "height": 900})
    assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 1
    for name in IN_PYTHON:
        for box in section(tab, name).locator("input, button").all():
            place = box.bounding_box()
            assert place["height"] >= 40 and 0 <= place["x"] and place["x"] + place["width"] <= width, name
        for kind in ("label", "input", "button", "dt", "dd", "p", "h3"):
            contrast = section(tab, name).locator(f".costs {kind}").first.evaluate(CONTRAST)
            assert contrast >= 4.5, (name, kind, contrast)
