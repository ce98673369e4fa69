"""The role, the directives and the page cleaner, against small sites built on the spot."""

import json
import re
import sys
from pathlib import Path

import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

sys.path.append(str(Path(__file__).parent.parent / "_ext"))

import hybridbook  # noqa: E402

RESULTS = {"reviews": {"acc": {"value": 0.875, "low": 0.846, "high": 0.901, "n": 600, "unit": "%"},
                       "change": {"value": -0.0012, "low": -0.034, "high": 0.031, "n": 600},
                       "p": 3.161474817e-07, "rows": 4000,
                       "seconds": {"value": 1.3219, "unit": "s"}, "cost": 0.0000321}}


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    (tmp_path / "data" / "results").mkdir(parents=True)
    (tmp_path / "data" / "results" / "lab01a.json").write_text(json.dumps(RESULTS))
    (tmp_path / "data" / "machine.json").write_text('{"usd_per_hour": 0.1, "name": "</script>"}')
    monkeypatch.setenv("HYBRIDLAB_DATA", str(tmp_path / "data"))


@pytest.fixture
def site(tmp_path):
    """Build pages of Markdown; returns a reader of their HTML, and the warnings."""
    def build(**pages):
        source, out = tmp_path / "source", tmp_path / "html"
        source.mkdir()
        for name, text in pages.items():
            (source / f"{name}.md").write_text(text)
        (source / "conf.py").write_text("extensions = ['myst_parser', 'hybridbook']\n"
                                        "myst_enable_extensions = ['colon_fence']\nhtml_theme = 'basic'\n")
        warnings = Collected()
        with docutils_namespace():
            Sphinx(source, source, out, tmp_path / "tree", "html", status=None, warning=warnings).build()
        return (lambda name="index": (out / f"{name}.html").read_text()), warnings.text, out
    return build


class Collected:
    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass


SHOWN = {
    "lab01a:reviews.acc": "87.5 % (95 % CI 84.6 to 90.1 %)",
    "lab01a:reviews.acc, .2f": "0.88 (95 % CI 0.85 to 0.90)",
    "lab01a:reviews.acc, .0%": "88 % (95 % CI 85 to 90 %)",
    "lab01a:reviews.acc.low, %": "84.6 %",
    "lab01a:reviews.acc.n, n": "600",
    "lab01a:reviews.change, .3f": "−0.001 (95 % CI −0.034 to 0.031)",
    "lab01a:reviews.change, .2f": "0.00 (95 % CI −0.03 to 0.03)",
    "lab01a:reviews.change.low, .1f": "0.0",
    "lab01a:reviews.rows, n": "4,000",
    "lab01a:reviews.p, .1g": "3 × 10⁻⁷",
    "lab01a:reviews.seconds": "1.32 s",
    "lab01a:reviews.cost, usd": "$0.0000321",
}
BAD = {
    "lab01a:reviews.acd": "nothing is stored at lab01a:reviews.acd",
    "lab01a:reviews": "nothing is stored at lab01a:reviews",
    "lab99:x": "nothing is stored at lab99:x",
    "nonsense": "nothing is stored at nonsense",
    "lab01a:reviews.acc, %d": "the format is '%d'",
}


def numbers(written):
    return "# Page\n\n" + "".join(f"It is {{num}}`{address}` here.\n\n" for address in written)


def test_num_shows_value_unit_and_interval(site):
    read, warnings, _ = site(index=numbers(SHOWN))
    spans = re.findall(r'<span class="num" data-num="([^"]*)"[^>]*>(.*?)</span>', read())
    addresses = [address.partition(",")[0] for address in SHOWN]
    assert [(address, shown.replace("\N{NO-BREAK SPACE}", " ")) for address, shown in spans] \
        == list(zip(addresses, SHOWN.values()))
    assert all(shown.count(" ") == shown.count("(") for _, shown in spans), "a line breaks before the interval only"
    assert warnings == ""


def test_a_bad_num_is_a_warning_so_that_the_build_fails(site):
    warnings = site(index=numbers(BAD))[1]
    found = re.findall(r"index\.md:(\d+): WARNING: num: (.*)", warnings)
    assert [int(line) for line, _ in found] == [3, 5, 7, 9, 11]
    for (_, warning), says in zip(found, BAD.values()):
        assert warning.startswith(says)


def test_a_bad_address_names_the_nearest_one(site):
    assert "lab01a:reviews.acc" in site(index="# Page\n\n{num}`lab01a:reviews.acd`\n")[1]


def test_the_drawing_is_inside_the_page_with_its_caption(site):
    read, warnings, _ = site(index="# Page\n\n:::{diagram} call\nWhere a *call* goes.\n:::\n")
    assert "<svg" in read() and "<em>call</em>" in read() and 'role="img"' in read() and warnings == ""


def test_an_unknown_drawing_is_a_warning_that_names_the_known_ones(site):
    assert "no drawing none.svg; there are call" in site(index="# Page\n\n:::{diagram} none\n:::\n")[1]


@pytest.fixture
def calculators(tmp_path, monkeypatch):
    for folder in ("calculators", "static", "svg"):
        (tmp_path / "ext" / folder).mkdir(parents=True)
    (tmp_path / "ext" / "static" / "hybridbook.css").write_text("")
    (tmp_path / "ext" / "calculators" / "even.js").write_text("'use strict';\n")
    monkeypatch.setattr(hybridbook, "HERE", tmp_path / "ext")


CALCULATOR = """# Page

:::{calculator} even
:data: lab01a:reviews.acc machine.json
:label: Break even

By default {num}`lab01a:reviews.acc`.
:::
"""


@pytest.mark.usefixtures("calculators")
def test_a_calculator_has_its_data_a_default_and_one_script_on_its_page_only(site):
    read, warnings, out = site(index=CALCULATOR + "\n```{toctree}\nother\n```\n", other="# Other\n")
    inlined = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', read(), re.S)[1]
    assert json.loads(inlined) == {"lab01a:reviews.acc": RESULTS["reviews"]["acc"],
                                   "machine.json": {"usd_per_hour": 0.1, "name": "</script>"}}
    assert 'data-calculator="even"' in read() and 'aria-label="Break even"' in read()
    assert 'class="num"' in read().split("calculator-default")[1]
    assert len(re.findall(r"<script[^>]*calculators/even\.js", read())) == 1
    assert "even.js" not in read("other") and (out / "_static" / "calculators" / "even.js").exists()
    assert warnings == ""


@pytest.mark.usefixtures("calculators")
@pytest.mark.parametrize("page, says", [
    (CALCULATOR.replace("} even", "} odd"), "no calculator odd; there are even"),
    (CALCULATOR.replace("machine.json", "engine.json"), "no such data"),
    (CALCULATOR.replace("lab01a:reviews.acc m", "lab01a:reviews.acd m"), "no such data: KeyError('acd')"),
    (CALCULATOR.replace("By default {num}`lab01a:reviews.acc`.\n", ""), "has no body"),
])
def test_a_bad_calculator_is_a_warning(site, page, says):
    warnings = site(index=page)[1]
    assert "WARNING" in warnings and says in warnings


@pytest.mark.parametrize("html", [
    '<script src="https://cdn.example/x.js"></script>',
    '<script async="async" src="//cdn.example/x.js"></script>',
    '<link rel="stylesheet" href="https://fonts.example/css">',
    "<script>const THEBE_JS_URL = 'x'</script>",
    '<link rel="stylesheet" type="text/css" href="../_static/sphinx-thebe.css?v=4" />',
])
def test_what_asks_another_host_is_taken_off_the_page(html):
    assert hybridbook.alone(html) == ""


@pytest.mark.parametrize("html, told", [
    ("<tr><th></th><th>a</th></tr>", "<tr><td></td><th>a</th></tr>"),
    ('<th class="head text-right"><p></p>\n</th>', '<td class="head text-right"></td>'),
    ("<thead><th>a <p></p></th></thead>", "<thead><th>a <p></p></th></thead>"),
    ('<div class="citation" role="doc-biblioentry">', '<div class="citation" role="listitem">')])
def test_a_screen_reader_is_told_what_is_there(html, told):
    assert hybridbook.told(html) == told


@pytest.mark.parametrize("html", [
    '<script src="_static/doctools.js"></script>',
    '<a href="https://arxiv.org/abs/2305.05176">paper</a>',
    '<script type="application/json">{"a": 1}</script><script type="application/json">{"a": 1}</script>',
])
def test_what_is_ours_stays(html):
    assert hybridbook.alone(html) == html


def test_cells_of_words_are_marked_and_numbers_are_not(site):
    read, warnings, _ = site(index="# Page\n\n| a | b | c |\n|---|---|---|\n"
                                   "| a cell of some words | short | {num}`lab01a:reviews.acc` |\n")
    cells = re.findall(r"<td([^>]*)>(?:<p>)?(\w*)", read())
    assert [("words" in attributes, text) for attributes, text in cells] == [(True, "a"), (False, "short"), (False, "")]
    assert warnings == ""


def test_a_lab_offers_its_notebook_without_solutions(tmp_path):
    exercises = tmp_path / "labs" / "exercises"
    exercises.mkdir(parents=True)
    (exercises / "01a.ipynb").write_text("{}")
    app = type("App", (), {"srcdir": tmp_path, "outdir": tmp_path / "html"})

    def buttons(page):
        given = {"label": "download-buttons", "buttons": [{"text": ".ipynb"}, {"text": ".pdf"}]}
        context = {"header_buttons": [given], "pathto": lambda name, _: f"../{name}"}
        hybridbook.offer_exercises(app, page, "", context, None)
        return {button["text"]: button.get("url") for button in given["buttons"]}

    offered = buttons("labs/01a_three_winners")
    assert list(offered) == ["To work on (.ipynb)", "With solutions (.ipynb)", ".pdf"]
    assert offered["To work on (.ipynb)"] == "../_sources/labs/exercises/01a.ipynb"
    assert (tmp_path / "html" / "_sources" / "labs" / "exercises" / "01a.ipynb").exists()
    assert list(buttons("chapters/01a_x")) == list(buttons("labs/02_none")) == [".ipynb", ".pdf"]
