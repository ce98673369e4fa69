"""The extraction viewer: the data against the extractors, Python against JavaScript, a page in a browser."""

import html
import json
import re
import runpy
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from hybridlab import sources
from hybridlab.fields import Found, Span, kinds
from hybridlab.grounding import supports
from test_browser import CHROMIUM, browser  # noqa: F401
from tools import viewer

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "_ext/calculators"
PYTHON = runpy.run_path(str(FOLDER / "viewer.py"))
DATA = json.loads((ROOT / "data/viewer.json").read_text("utf-8"))
VIEWS = ["all", *viewer.VIEWS]
PLACES = [(record, view) for record in DATA["records"] for view in VIEWS]
HOSTILE = "<b>&amp;\U0001f9ea\u00e9 \"'</script><script>stolen = 1</script>\n\n{num}`x` 38 & 3,800 people"


def planted():
    """Data with one record: a text that means harm, a character beyond 16 bits, marks that overlap."""
    word = HOSTILE.index("3,800")
    spans = {"rules": [[word, word + 5]], "tagger": [[word, len(HOSTILE)]], "llm": [[0, 8], [word, word + 5]]}
    views = {view: [line(view, spans.get(view, [[word, word + 5]]))] for view in viewer.VIEWS}
    record = {"source": "hhs", "row": 7, "case": "agreed", "note": HOSTILE, "credit": HOSTILE,
              "text": HOSTILE, "views": views}
    return DATA | {"records": [record], "selection": HOSTILE}


def line(view, spans):
    source = view if view in viewer.SHORT else "rules+llm"
    sure = {"rules": 0.9, "tagger": 0.25, "llm": 0.5}.get(view, 0.9)
    return {"field": "people <i>", "value": HOSTILE, "answered": True, "source": source, "confidence": sure,
            "spans": spans, "proved": "yes", "gold": "<u>", "outcomes": ["right"], "verdict": "<s>right",
            "tag": "agreed", "reason": "", "remark": "<hr>"}


# ---- the data


def test_the_data_are_up_to_date():
    assert DATA["sources"] == viewer.checksum(), "run python -m tools.viewer"


def apart(value):
    """The data without confidences, and these."""
    text, sure = json.dumps(value), r'"confidence": ([\d.]+)'
    return re.sub(sure, "", text), [float(one) for one in re.findall(sure, text)]


@pytest.mark.slow
def test_the_data_are_what_the_tool_writes():
    """Computed again; on another machine a confidence may round otherwise."""
    (text, sure), (stored, confidences) = apart(viewer.build()), apart(DATA)
    assert text == stored and sure == pytest.approx(confidences, abs=0.011)


@pytest.mark.slow
@pytest.mark.parametrize("source", sources.SCHEMAS)
def test_the_rows_are_the_first_that_show_their_cases(source):
    assert viewer.first(source) == {case: row for case, (row, _) in viewer.CHOSEN[source].items()}


def test_three_test_rows_of_each_source_show_every_case():
    for source, rows in viewer.CHOSEN.items():
        texts = sources.rows(source, "test")["text"]
        assert len(rows) == 3 and all(len(texts[row]) <= viewer.LONGEST for row, _ in rows.values())
    shown = {(one["source"], one["case"], one["row"]) for one in DATA["records"]}
    chosen = viewer.CHOSEN.items()
    assert shown == {(source, case, row) for source, rows in chosen for case, (row, _) in rows.items()}
    assert {case for _, case, _ in shown} == set(viewer.CASES)


def of_case(case):
    return [record["views"] for record in DATA["records"] if record["case"] == case]


def test_each_record_shows_what_its_case_says():
    """By the words of the table, not by the conditions that the tool chooses by."""
    for views in of_case("agreed"):
        given = [line for line in views["hybrid"] if line["spans"]]
        assert len(given) > 1 and all(line["tag"] == "agreed" and "+" in line["source"] for line in given)
        assert all(line["verdict"].startswith("right") for line in given)
    for views in of_case("conflict"):
        clash = next(line for line in views["hybrid"] if line["tag"] == "conflict")
        assert any(f"{name}: " in clash["remark"] for name in viewer.SHORT.values())
    for views in of_case("refused"):
        assert any(line["value"] == "no answer" and "refused: the quote does not" in line["remark"]
                   for line in views["llm"])
    for views in of_case("wrong"):
        assert any(line["proved"] == "yes" and re.search("wrong|invented", line["verdict"])
                   for line in views["llm"])
    for views in of_case("fallback"):
        line = next(line for line in views["outage"] if line["tag"] == "fallback")
        assert "no reply in time" in line["remark"] and "llm" not in line["source"] and line["spans"]
        assert not any("llm" in line["source"] for line in views["outage"])
    for views in of_case("filed"):
        assert any(re.fullmatch(r"wrong \(gold: .+\); by two readings: right", line["verdict"])
                   for line in views["hybrid"])


def told(source, case, view, field):
    """(text, line) of one field of one record."""
    record = next(one for one in DATA["records"] if (one["source"], one["case"]) == (source, case))
    return record["text"], next(line for line in record["views"][view] if line["field"] == field)


def test_each_note_is_true():
    """What the notes say of these rows, read from the data."""
    _, associate = told("hhs", "agreed", "hybrid", "business associate")
    assert associate["gold"].startswith("yes; by two readings: not said") and not associate["answered"]
    text, theft = told("hhs", "conflict", "hybrid", "type")
    assert (theft["source"], theft["value"]) == ("tagger", "Theft") and "postcards" in text
    assert all(told("hhs", "conflict", view, "type")[1]["outcomes"] == ["wrong"] for view in viewer.SHORT)
    for name in ("individuals", "location"):
        assert "; by two readings: right" in told("hhs", "filed", "hybrid", name)[1]["verdict"]
    text, struck = told("birds", "conflict", "tagger", "struck")
    assert text[slice(*struck["spans"][0])] == "2" and "#2 ENG" in text
    assert told("birds", "conflict", "rules", "species")[1]["verdict"] == "wrong (gold: owl)"
    text, species = told("birds", "refused", "llm", "species")
    filed = dict(zip(sources.rows("birds", "test").index, sources.filed("birds", "test")))[16]["species"]
    assert f"1.5B model: {filed} (quoted" in species["remark"] and species["gold"] == "not said"
    assert filed.upper() not in text
    text, struck = told("birds", "wrong", "llm", "struck")
    assert " MI " in text[slice(*struck["spans"][0])]
    text, order = told("messages", "refused", "llm", "order number")
    number = re.search(r"1.5B model: (\w+)", order["remark"])[1]
    assert number in (ROOT / "data/prompts/messages.extract.toml").read_text("utf-8") and number not in text
    assert told("messages", "wrong", "llm", "quantity")[1]["value"] \
        == told("messages", "wrong", "llm", "amount")[1]["gold"]
    (_, added), (_, down) = (told("messages", "fallback", view, "wishes") for view in ("hybrid", "outage"))
    assert (added["outcomes"], added["tag"]) == (["right", "invented"], "overlap")
    assert (down["outcomes"], down["tag"], down["value"]) == (["right"], "fallback", "appointment")


def test_spans_lie_in_the_texts_and_values_stand_in_their_quotes():
    for record in DATA["records"]:
        for name, line in ((name, line) for name, lines in record["views"].items() for line in lines):
            for start, end in line["spans"]:
                assert 0 <= start < end <= len(record["text"])
                quote = record["text"][start:end]
                assert quote.strip() == quote
                if line["proved"] == "yes" and line["field"] in ("individuals", "quantity", "amount"):
                    assert supports(float(line["value"].replace(",", "")), quote)
            assert bool(line["spans"]) == bool(line["proved"]), (record["row"], name, line)
            assert line["answered"] == (line["confidence"] is not None)


@pytest.mark.parametrize("text, place, shown", [
    ("the BA''s 12", 10, "12"), ("a'''b", 4, "b"), ("none", 0, "none")])
def test_offsets_move_with_the_squeezed_apostrophes(text, place, shown):
    squeezed = viewer.squeezed(text)
    assert squeezed[len(viewer.squeezed(text[:place])):] == shown


def test_a_quote_that_cannot_be_checked_is_called_so():
    """Wishes have no synonyms, so any quote would do; a product has them."""
    fields = kinds(sources.Message)
    values = {"wishes": ["order"], "product": "kettle", "quantity": 3, "name": "Ann"}
    found = {name: Found(value, "llm", 0.5, (Span(0, 3),), True) for name, value in values.items()}
    told = {name: viewer.proof(fields[name], one) for name, one in found.items()}
    assert told == {"wishes": "quote only", "product": "yes", "quantity": "yes", "name": "yes"}
    assert viewer.proof(fields["date"], Found(None, "llm", 0.5)) == ""


# ---- Python and JavaScript


@pytest.fixture(scope="module")
def page():
    """Evaluates an expression in a context that holds the script, the real data and the planted ones."""
    from py_mini_racer import MiniRacer

    context = MiniRacer()
    context.eval((FOLDER / "viewer.js").read_text("utf-8"))
    context.eval(f"const real = {json.dumps(DATA)}, evil = {json.dumps(planted())}")
    return lambda expression: json.loads(context.eval(f"JSON.stringify({expression})"))


def both(page, name, data, i, view):
    """Pieces and table of one record, by both languages."""
    python = ([[text, lines, filled, labels]
               for text, lines, filled, labels in PYTHON["pieces"](data["records"][i], view)],
              list(PYTHON["table"](data["records"][i], view, data)))
    pieces = page(f"viewer.pieces({name}.records[{i}], '{view}')")
    script = ([[one["text"], one["lines"], one["filled"], one["labels"]] for one in pieces],
              page(f"viewer.table({name}.records[{i}], '{view}', {name})"))
    return python, script


@pytest.mark.parametrize("view", VIEWS)
def test_python_and_javascript_show_the_same(page, view):
    for i, record in enumerate(DATA["records"]):
        python, script = both(page, "real", DATA, i, view)
        assert python == script
        assert "".join(text for text, *_ in python[0]) == record["text"]


@pytest.mark.parametrize("view", VIEWS)
def test_offsets_count_code_points(page, view):
    python, script = both(page, "evil", planted(), 0, view)
    assert python == script
    assert "".join(text for text, *_ in script[0]) == HOSTILE
    by_rules = [text for text, lines, *_ in script[0] if "rules" in lines]
    assert by_rules == ([] if view in ("tagger", "llm") else ["3,800"])
    assert "\u201c3,800\u201d" in json.dumps(script[1], ensure_ascii=False) or view in ("all", "tagger")


def test_overlapping_marks_keep_all_lines_and_labels(page):
    (pieces, _), _ = both(page, "evil", planted(), 0, "all")
    lines = {text: lines for text, lines, *_ in pieces}
    assert lines["3,800"] == {"rules": 0.9, "tagger": 0.25, "llm": 0.5}
    assert lines[" people"] == {"tagger": 0.25}
    labels = [one for *_, labels in pieces for one in labels]
    assert labels == ["people <i> M 0.50", "people <i> R 0.90 M 0.50", "people <i> T 0.25"]
    assert [text for text, _, filled, _ in pieces if filled] == ["3,800"]


def test_the_address_holds_record_and_view(page):
    record = DATA["records"][4]
    state = {"record": f"{record['source']}-{record['row']}", "view": "tagger"}
    address = page(f"viewer.toHash({json.dumps(state)})")
    assert address == f"#extraction?record={state['record']}&view=tagger"
    assert page(f"viewer.fromHash('{address}', real)") == state
    assert page("viewer.fromHash('#patterns', real)") is None
    first, opens = DATA["records"][0], DATA["cases"][DATA["records"][0]["case"]]["opens"]
    known = {"record": f"{first['source']}-{first['row']}", "view": opens}
    assert page("viewer.fromHash('#extraction?record=<b>&view=constructor', real)") == known


# ---- without JavaScript


class Tables(HTMLParser):
    """Cells of every table, and the words of every marked text without their labels."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.texts, self.inside, self.tags = [], [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.inside.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")
        if dict(attributes).get("class") == "viewer-text":
            self.texts.append("")
            self.inside[-1] = "text"

    def handle_endtag(self, tag):
        self.inside.pop()

    def handle_data(self, data):
        if {"th", "td"} & set(self.inside):
            self.rows[-1][-1] += data
        if "text" in self.inside and "sub" not in self.inside:
            self.texts[-1] += data


def test_the_page_without_javascript_holds_every_record():
    body = PYTHON["body"]({"viewer.json": DATA})
    read = Tables(body)
    assert read.texts == [record["text"] for record in DATA["records"]]
    opened = [DATA["cases"][record["case"]]["opens"] for record in DATA["records"]]
    views = [view if view in viewer.VIEWS else "hybrid" for view in opened]
    tables = [PYTHON["table"](record, view, DATA) for record, view in zip(DATA["records"], views)]
    assert read.rows == [row for heads, rows in tables for row in [heads, *rows]]
    assert "<mark class=filled>" in body and "\n\n" not in body and DATA["selection"] in html.unescape(body)


def test_hostile_text_stays_text():
    body = PYTHON["body"]({"viewer.json": planted()})
    read = Tables(body)
    assert read.texts == [HOSTILE] and read.rows[1][0] == "people <i>" and read.rows[1][1] == HOSTILE
    assert not read.tags & {"script", "b", "i", "s", "u", "hr"} and "\n\n" not in body


def built(folder, monkeypatch, data):
    """The HTML of a small page with the directive."""
    monkeypatch.syspath_prepend(str(ROOT / "_ext"))
    source = folder / "source"
    source.mkdir()
    (folder / "data").mkdir()
    (folder / "data/viewer.json").write_text(json.dumps(data))
    monkeypatch.setenv("HYBRIDLAB_DATA", str(folder / "data"))
    (source / "conf.py").write_text("extensions = ['myst_parser', 'hybridbook']\nhtml_theme = 'basic'\n")
    (source / "index.md").write_text("# Page\n\n```{viewer} extraction\n```\n\nAfterwards.\n")
    with docutils_namespace():
        Sphinx(source, source, folder / "html", folder / "tree", "html", status=None, warning=sys.stderr,
               warningiserror=True).build()
    return folder / "html/index.html"


def test_the_directive_writes_table_data_and_script(tmp_path, monkeypatch):
    text = built(tmp_path, monkeypatch, planted()).read_text("utf-8")
    section = text.split('data-calculator="viewer"')[1].split("</section>")[0]
    static, stored = section.split('<script type="application/json" class="calculator-data">')
    assert '<table class="viewer-table">' in static and "<script" not in static
    assert json.loads(stored.split("</script>")[0]) == {"viewer.json": planted()}
    assert "calculators/viewer.js" in text and (tmp_path / "html/_static/calculators/viewer.js").exists()


# ---- a real browser


def seen(tab):
    """What the open viewer shows: text without labels, heads and cells."""
    return tab.evaluate("""() => {
      const form = document.querySelector("form.viewer");
      const text = form.querySelector(".viewer-text").cloneNode(true);
      text.querySelectorAll("sub").forEach(one => one.remove());
      const cells = row => [...row.children].map(cell => cell.textContent);
      const rows = [...form.querySelectorAll("tr")].map(cells);
      return [text.textContent, rows[0], rows.slice(1)];
    }""")


def assert_shows(tab, data, record, view):
    text, heads, rows = seen(tab)
    assert text == record["text"]
    assert (heads, rows) == PYTHON["table"](record, view, data)


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_chips_keys_and_address(browser, tmp_path, monkeypatch):  # noqa: F811
    """Every record opens its view; arrows move; the address brings the state back."""
    path = built(tmp_path, monkeypatch, DATA)
    tab, problems = browser.new_page(viewport={"width": 390, "height": 900}), []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.goto(path.as_uri())
    for record in DATA["records"]:
        tab.locator(f'input[value="{record["source"]}-{record["row"]}"]').check(force=True)
        assert_shows(tab, DATA, record, DATA["cases"][record["case"]]["opens"])
    for view in VIEWS:
        tab.locator(f'[name="viewer-view"][value="{view}"]').check(force=True)
        assert_shows(tab, DATA, DATA["records"][-1], view)
    tab.locator('[name="viewer-record"]:checked').press("ArrowLeft")
    before = DATA["records"][-2]
    assert_shows(tab, DATA, before, DATA["cases"][before["case"]]["opens"])
    tab.locator('[name="viewer-view"][value="rules"]').press("Space")
    other = browser.new_page()
    other.goto(tab.url)
    assert_shows(other, DATA, before, "rules")
    assert not tab.locator(".calculator-default").is_visible()
    other.close(), tab.close()
    assert not problems, problems


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_hostile_text_runs_nothing(browser, tmp_path, monkeypatch):  # noqa: F811
    path, data = built(tmp_path, monkeypatch, planted()), planted()
    for javascript in (True, False):
        context = browser.new_context(java_script_enabled=javascript)
        tab = context.new_page()
        tab.goto(path.as_uri())
        if javascript:
            assert_shows(tab, data, data["records"][0], "all")
            assert tab.evaluate("typeof stolen") == "undefined"
        else:
            assert tab.locator(".viewer-table td").first.text_content() == HOSTILE
        context.close()
