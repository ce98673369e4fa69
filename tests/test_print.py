"""Paper and dark: the cards are four sheets of A4 to write on, a page is printed as a page and not as a web site, and
a figure that was drawn on pale paper can be read on a dark page.
"""

import base64
import io
import itertools
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageColor

from hybridlab import plots

ROOT = Path(__file__).resolve().parent.parent
HTML = ROOT / "_build" / "html"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MM = 96 / 25.4  # CSS pixels
SHEET = {"width": 178 * MM, "height": 263 * MM}  # A4 within the margins that `@page` of hybridbook.css sets
TITLES = ["Card 1: Decide", "Card 2: Escalate", "Card 3: Price", "Card 4: Extract"]
CARDS = "chapters/cards.html"
ROOM = {".measured": 18, ".checks": 60, ".bill": 18, ".tall": 15}  # table -> mm that an empty cell is wide, at least
LINE = 7  # mm that an empty cell is high, at least

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


@pytest.fixture
def scheme():
    return "light"


both = pytest.mark.parametrize("scheme", ["light", "dark"])


@pytest.fixture
def paper(browser, scheme):
    """Opens a page as it lies on paper, as wide as a sheet within its margins: name -> page."""
    context = browser.new_context(color_scheme=scheme,
                                  viewport={side: round(length) for side, length in SHEET.items()})

    def opened(name):
        page = context.new_page()
        page.goto((HTML / name).as_uri(), wait_until="load")
        page.evaluate("() => document.fonts.ready.then(() => true)")
        page.emulate_media(media="print")
        return page
    yield opened
    context.close()


def pages_of(pdf):
    """How many pages a PDF has.

    >>> pages_of(b"<< /Type /Pages >> << /Type /Page /Parent 1 0 R >> <</Type/Page>>")
    2
    """
    return len(re.findall(rb"/Type\s*/Page(?![A-Za-z])", pdf))


# Sheets: what of the article is printed, by the sheet that a forced break puts it on. A sheet without a break
# inside is as high as what stands on it.
SHEETS = """() => {
  const shown = (e) => e.checkVisibility() && e.getBoundingClientRect().height > 0;
  const sections = [...document.querySelectorAll('section:has(> .card-sheet)')];
  const outside = [...document.querySelectorAll('article.bd-article :is(h1, h2, p, table)')]
    .filter((e) => shown(e) && !sections.some((one) => one.contains(e)));
  return { outside: outside.map((e) => e.textContent.slice(0, 60)), sheets: sections.map((one) => ({
    title: one.querySelector('h2').firstChild.textContent, titled: shown(one.querySelector('h2')),
    breaks: getComputedStyle(one).breakBefore, height: one.getBoundingClientRect().height })) };
}"""
EMPTY = """(table) => [...document.querySelectorAll(`.card-sheet ${table} tbody td`)]
  .filter((cell) => !cell.textContent.trim()).map((cell) => cell.getBoundingClientRect())
  .map((box) => [box.width, box.height])"""


def faults(found, pages):
    """What is wrong with four cards on so many pages; each card needs a sheet of its own, with its title on it."""
    said = [f"printed outside the cards: {text}" for text in found["outside"]]
    if pages != len(TITLES):
        said.append(f"{pages} pages for {len(TITLES)} cards")
    if [one["title"] for one in found["sheets"] if one["titled"]] != TITLES:
        said.append(f"titles printed: {[one['title'] for one in found['sheets'] if one['titled']]}")
    for one in found["sheets"]:
        if one["height"] > SHEET["height"]:
            said.append(f"{one['title']} is {one['height'] / MM:.0f} mm high; a sheet has {SHEET['height'] / MM:.0f}")
    said += [f"{one['title']} begins on no page of its own" for one in found["sheets"][1:] if one["breaks"] != "page"]
    return said


@both
def test_the_cards_are_four_sheets_with_their_titles(paper):
    page = paper(CARDS)
    said = faults(page.evaluate(SHEETS), pages_of(page.pdf(format="A4")))
    assert not said, "\n".join(said)


@pytest.mark.parametrize("table", ROOM)
def test_the_columns_of_the_cards_can_be_written_in(paper, table):
    empty = paper(CARDS).evaluate(EMPTY, table)
    assert empty, f"no empty cell in {table}"
    width, height = (min(sizes) / MM for sizes in zip(*empty))
    assert width >= ROOM[table] and height >= LINE, f"{table}: {width:.0f} mm wide, {height:.1f} mm high"


BAD = {"section:has(> .card-sheet) { break-before: auto !important }": "begins on no page of its own",
       ".card-sheet { padding-bottom: 120mm !important }": "mm high; a sheet has 263",
       "section:has(> section > .card-sheet) > p { display: block !important }": "printed outside the cards",
       "section:has(> .card-sheet) > h2 { display: none !important }": "titles printed"}


@pytest.mark.parametrize("rule", BAD)
def test_a_card_that_does_not_fit_would_be_found(paper, rule):
    page = paper(CARDS)
    page.add_style_tag(content=f"@media print {{ {rule} }}")
    assert BAD[rule] in "\n".join(faults(page.evaluate(SHEETS), pages_of(page.pdf(format="A4"))))


# Every page: one title, no list of contents of the theme, no heading that a page break may cut off, no picture greyed.
LEFTOVERS = """() => {
  const said = [], shown = (e) => e.checkVisibility() && e.getBoundingClientRect().height > 0;
  for (const one of document.querySelectorAll('#jb-print-docs-body, #jb-print-toc'))
    if (shown(one)) said.push(`printed before the page: ${one.textContent.trim().slice(0, 60)}`);
  const titles = [...document.querySelectorAll('h1')].filter(shown);
  if (titles.length > 1) said.push(`${titles.length} titles`);
  const article = document.querySelector('article.bd-article');
  for (const one of article.querySelectorAll('h2, h3, h4'))
    if (shown(one) && getComputedStyle(one).breakAfter !== 'avoid') said.push(`left behind: ${one.textContent}`);
  for (const one of article.querySelectorAll('tr'))
    if (shown(one) && getComputedStyle(one).breakInside !== 'avoid') said.push('a row may be cut in two');
  for (const one of article.querySelectorAll('table'))
    if (shown(one) && getComputedStyle(one).breakInside === 'avoid') said.push('a table leaves half a page empty');
  for (const one of article.querySelectorAll('img'))
    if (getComputedStyle(one).filter !== 'none') said.push('a picture is printed through a filter');
  return [...new Set(said)];
}"""


def pages():
    return [path.relative_to(HTML).as_posix() for folder in ("chapters", "labs")
            for path in sorted((HTML / folder).glob("*.html"))]


@both
def test_pages_have_one_title_and_keep_together_what_belongs_together(paper):
    assert pages(), "no page in _build/html: run `make test` or `make site` first"
    said = []
    for name in pages():
        page = paper(name)
        said += [f"{name}: {one}" for one in page.evaluate(LEFTOVERS)]
        page.close()
    assert not said, "\n".join(said)


@pytest.mark.parametrize("rule, says", [
    (".bd-main .bd-content #jb-print-docs-body.onlyprint { display: block !important }", "printed before the page"),
    ("article h2 { break-after: auto !important }", "left behind"),
    ("article tr { break-inside: auto !important }", "may be cut in two"),
    ("article table { break-inside: avoid !important }", "half a page empty")])
def test_leftovers_would_be_found(paper, rule, says):
    page = paper(CARDS)
    page.add_style_tag(content=rule)
    assert says in "\n".join(page.evaluate(LEFTOVERS))


# Figures of labs are pictures on a pale card. In the dark they are turned over by the style sheet alone.
DARK_PAGE = "#14191c"


def swatches(colours, size=40):
    """A figure of the labs in little: its paper, and a square of each colour."""
    drawn = Image.new("RGB", (size * (len(colours) + 1), size), plots.TOKENS["paper"])
    for place, colour in enumerate(colours, 1):
        drawn.paste(colour, (place * size, 0, (place + 1) * size, size))
    file = io.BytesIO()
    drawn.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def contrast(first, second):
    """Contrast of two colours by WCAG 2.

    >>> contrast((0, 0, 0), (255, 255, 255))
    21.0
    """
    def light(colour):
        parts = [part / 255 for part in colour]
        parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    low, high = sorted((light(first), light(second)))
    return round((high + 0.05) / (low + 0.05), 2)


def shown_in_the_dark(browser, colours, rule="/* none */"):
    """Colours of paper and swatches as a reader in the dark sees them where the first figure of lab 01a stands."""
    page = browser.new_page(color_scheme="dark", viewport={"width": 1280, "height": 900})
    page.goto((HTML / next(name for name in pages() if "/01a" in name)).as_uri(), wait_until="load")
    page.add_style_tag(content=rule)
    figure = page.locator("div.cell_output img").first
    figure.evaluate("(e, src) => { e.src = src; e.removeAttribute('width'); return e.decode(); }", swatches(colours))
    seen = Image.open(io.BytesIO(figure.screenshot())).convert("RGB")
    page.close()
    step = seen.width / (len(colours) + 1)
    return [seen.getpixel((round((place + 0.5) * step), seen.height // 2)) for place in range(len(colours) + 1)]


def test_figures_in_the_dark_have_no_box_and_can_be_told_apart(browser):
    colours = [*plots.SERIES, plots.TOKENS["ink"], plots.TOKENS["muted"]]
    paper, *inks = shown_in_the_dark(browser, colours)
    assert paper == pytest.approx(ImageColor.getrgb(DARK_PAGE), abs=4), "the paper of a figure is a box on the page"
    assert {colour: contrast(ink, paper) for colour, ink in zip(colours, inks) if contrast(ink, paper) < 4.5} == {}
    series = inks[:len(plots.SERIES)]
    near = [(a, b) for a, b in itertools.combinations(series, 2) if sum(abs(x - y) for x, y in zip(a, b)) < 60]
    assert not near, f"hardly to be told apart: {near}"


def test_a_grey_box_in_the_dark_would_be_found(browser):
    paper, _ = shown_in_the_dark(browser, [plots.TOKENS["muted"]], "article img { filter: none !important }")
    assert paper != pytest.approx(ImageColor.getrgb(DARK_PAGE), abs=4)
