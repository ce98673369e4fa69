"""Pages and labs in a real browser: Debian's Chromium, driven by playwright."""

import functools
import http.server
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import tomllib
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hybridlab import check

ROOT = Path(__file__).resolve().parent.parent
HTML = ROOT / "_build" / "html"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PAGES = sorted(path.relative_to(HTML).as_posix() for path in HTML.rglob("*.html")
               if "_static" not in path.parts)
THEME = tomllib.loads((ROOT / "tests" / "axe_theme.toml").read_text(encoding="utf-8"))["finding"]
MADE_BY_SPHINX = {"genindex.html", "search.html"}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run", "--disable-quic"]

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """The site as a plain web server gives it, without a log."""

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def served():
    """Address of the built site on this machine."""
    handler = functools.partial(Quiet, directory=str(HTML))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_the_site_was_built():
    assert PAGES, "no page in _build/html: run `make test` or `make site` first"


# --- every page in every mode ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mode:
    """One way to read: from a server or the file system, in a light, on a screen, looked over by axe or not."""

    origin: str
    scheme: str
    width: int = 1280
    axe: bool = False


MODES = {"server-light": Mode("server", "light", axe=True), "server-dark": Mode("server", "dark", axe=True),
         "server-phone": Mode("server", "light", 390), "file-light": Mode("file", "light"),
         "file-dark-phone": Mode("file", "dark", 390)}
READY = "() => Promise.all([document.fonts.ready, window.MathJax?.startup?.promise]).then(() => true)"
# What is folded is read, too; an opening that fades in would be measured half transparent.
UNFOLD = """() => {
  document.querySelectorAll('details').forEach((one) => { one.open = true; });
  return new Promise((done) => requestAnimationFrame(() => {
    document.getAnimations().forEach((one) => one.finish());
    requestAnimationFrame(() => done(true));
  }));
}"""
# What stands out of a page that scrolls sideways: the innermost elements that cross its right edge.
WIDE = """() => {
  const over = document.documentElement.scrollWidth - window.innerWidth;
  const crosses = (e) => e.getBoundingClientRect().right > window.innerWidth + 1;
  const found = over > 1 ? [...document.body.querySelectorAll('*')].filter(crosses) : [];
  const inner = found.filter((e) => ![...e.children].some(crosses));
  return [over, inner.slice(0, 3).map((e) => e.outerHTML.slice(0, 120))];
}"""
AXE = """async (known) => {
  const found = await axe.run(document, {resultTypes: ['violations'], elementRef: true, preload: false});
  const listed = [], ours = [];
  for (const { id, help, nodes } of found.violations)
    for (const node of nodes) {
      const hit = known.findIndex((one) => one.rule === id && node.element.matches(one.selector));
      if (hit >= 0) listed.push(hit);
      else ours.push(`${id} (${help}) at ${node.target.join(' ')}: ${node.html.slice(0, 160)} `
                     + (node.any[0] || node.all[0] || node.none[0] || {message: ''}).message);
    }
  return { listed, ours };
}"""


@pytest.fixture(scope="module")
def visits(browser, served):
    """Mode -> page -> what was seen; each mode visits every page once, when it is first asked for."""
    seen = {}

    def of(name):
        if name not in seen:
            seen[name] = visit(browser, served, MODES[name])
        return seen[name]
    return of


def visit(browser, served, mode):
    """Open every page in one browser page, and note errors, requests, width, light and axe's findings."""
    base = served if mode.origin == "server" else HTML.as_uri() + "/"
    viewport = {"width": mode.width, "height": 900}
    context = browser.new_context(color_scheme=mode.scheme, viewport=viewport, reduced_motion="reduce")
    page, notes = context.new_page(), {}
    events = listen(page, base)
    if mode.axe:
        context.add_init_script(path=axe_script())
    for name in PAGES:
        events.clear()
        page.goto(base + name, wait_until="load")
        page.evaluate(READY)
        page.evaluate(UNFOLD)
        wide, what = page.evaluate(WIDE)
        note = {"wide": [f"{wide} px: {what}"] if wide > 1 else [],
                "scheme": page.evaluate("document.documentElement.dataset.theme")}
        if mode.axe:
            note |= page.evaluate(AXE, THEME)
        notes[name] = note | {"events": list(events)}
    context.close()
    return notes


def listen(page, base):
    """A list that fills with console errors, failed requests and requests to anywhere else."""
    events = []
    page.on("console", lambda said: events.append(f"console: {said.text}") if said.type == "error" else None)
    page.on("pageerror", lambda error: events.append(f"error: {error}"))
    page.on("requestfailed", lambda asked: events.append(f"failed: {asked.url} {asked.failure}"))
    page.on("response", lambda got: events.append(f"{got.status}: {got.url}") if got.status >= 400 else None)
    page.on("request", lambda asked: None if asked.url.startswith((base, "data:", "blob:"))
            else events.append(f"elsewhere: {asked.url}"))
    return events


def check_nothing(found):
    """Fail with what was found, the first lines of many."""
    assert len(found) == 0, "\n".join([f"{len(found)} found", *map(str, found[:25])])


def axe_script():
    import axe_playwright_python

    return Path(axe_playwright_python.__file__).with_name("axe.min.js")


def lines(notes, key):
    """What was noted under a key, each with its page."""
    return [f"{name}: {found}" for name, note in notes.items() for found in note[key]]


@pytest.mark.parametrize("mode", MODES)
def test_pages_are_quiet(visits, mode):
    """No console error, no failing request, and no request to anywhere else."""
    check_nothing(lines(visits(mode), "events"))


@pytest.mark.parametrize("mode", MODES)
def test_pages_fit(visits, mode):
    """Nothing is wider than the screen, and the light is the reader's."""
    check_nothing(lines(visits(mode), "wide"))
    assert {note["scheme"] for note in visits(mode).values()} == {MODES[mode].scheme}


LOOKED_OVER = [name for name, mode in MODES.items() if mode.axe]


@pytest.mark.parametrize("mode", LOOKED_OVER)
def test_axe_finds_nothing_in_what_is_ours(visits, mode):
    check_nothing(lines(visits(mode), "ours"))


def test_no_listed_finding_of_the_theme_is_stale(visits):
    """What the list excuses still occurs; a line that excuses nothing is taken out."""
    hits = {hit for mode in LOOKED_OVER for note in visits(mode).values() for hit in note["listed"]}
    check_nothing([one for position, one in enumerate(THEME) if position not in hits])
    assert all(len(one["reason"]) > 40 for one in THEME)


def test_axe_is_the_version_that_the_requirements_name():
    version = re.match(r"/\*! axe v([\d.]+)", axe_script().read_text(encoding="utf-8"))[1]
    assert f"axe-core {version}" in (ROOT / "requirements.txt").read_text(encoding="utf-8")


def test_axe_sees_a_barrier(browser):
    """The look-over is not blind: it names a picture without words, and excuses it when listed."""
    page = browser.new_page()
    page.set_content('<html lang="en"><title>A</title><main><h1>A</h1><img src="data:,"></main></html>')
    page.add_script_tag(path=axe_script())
    found, excused = page.evaluate(AXE, []), page.evaluate(AXE, [{"rule": "image-alt", "selector": "img"}])
    page.close()
    assert len(found["ours"]) == 1 and found["ours"][0].startswith("image-alt") and found["listed"] == []
    assert excused == {"ours": [], "listed": [0]}


# --- search ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", ["server", "file"])
def test_search_finds_pages(browser, served, origin):
    """From both; the file system refuses scripts to read other pages, so excerpts come from a server only."""
    base = served if origin == "server" else HTML.as_uri() + "/"
    page = browser.new_page()
    events = listen(page, base)
    page.goto(base + "search.html?q=threshold")
    page.locator("#search-results li a").first.wait_for(timeout=20_000)
    page.wait_for_timeout(1000)
    found = page.locator("#search-results li a").evaluate_all("all => all.map((one) => one.pathname)")
    excerpts = page.locator("#search-results li p.context").count()
    page.close()
    assert any("chapters/03_triage.html" in name for name in found)
    assert (excerpts > 0) is (origin == "server")
    check_nothing(events)


# --- keyboard ----------------------------------------------------------------------------------------------

# The stops of the article that a keyboard must reach; of a group of radio buttons one, the chosen.
STOPS = """() => {
  const inside = 'section.calculator :is(input, select, button, a)';
  const all = [...document.querySelectorAll(`article details > summary, ${inside}`)];
  const stops = all.filter((e) => e.checkVisibility() && !e.disabled && e.tabIndex >= 0
                                  && !(e.type === 'radio' && !e.checked));
  stops.forEach((e, at) => { e.dataset.stop = at; });
  return stops.map((e) => e.outerHTML.slice(0, 120));
}"""
# Whether a ring is drawn, and at least two of its sides are in what the boxes around it leave to be seen.
FOCUS = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const again = 'reached' in e.dataset;
  e.dataset.reached = '';
  const left = (drawn) => {
    let seen = { left: 0, top: 0, right: innerWidth, bottom: innerHeight };
    let look = getComputedStyle(drawn), at = drawn;
    while (look.position !== 'fixed') {
      const absolute = look.position === 'absolute';
      do { at = at.parentElement; look = getComputedStyle(at); }
      while (absolute && look.position === 'static' && at !== document.body);
      if (at === document.body) break;
      if (look.display === 'inline') continue;
      const box = at.getBoundingClientRect(), x = box.left + at.clientLeft, y = box.top + at.clientTop;
      if (look.overflowX !== 'visible')
        seen = { ...seen, left: Math.max(seen.left, x), right: Math.min(seen.right, x + at.clientWidth) };
      if (look.overflowY !== 'visible')
        seen = { ...seen, top: Math.max(seen.top, y), bottom: Math.min(seen.bottom, y + at.clientHeight) };
    }
    return seen;
  };
  // A radio button may be drawn, and its focus too, by the span right behind it.
  const seen = [e, e.nextElementSibling].some((drawn) => {
    if (!drawn) return false;
    const look = getComputedStyle(drawn), box = drawn.getBoundingClientRect();
    const ring = look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) >= 1;
    if (!ring || look.opacity <= 0.4 || box.width <= 4 || box.height <= 4) return false;
    const off = parseFloat(look.outlineOffset) + parseFloat(look.outlineWidth) / 2, to = left(drawn);
    const sides = [box.left - off >= to.left, box.top - off >= to.top,
                   box.right + off <= to.right, box.bottom + off <= to.bottom];
    return sides.filter(Boolean).length >= 2;
  });
  return { again, seen, stop: e.dataset.stop, what: e.outerHTML.slice(0, 120),
           nav: !!e.closest('.bd-sidebar-primary nav') };
}"""
LEAVE = "() => { window.was = document.activeElement; window.was.blur(); }"
BACK = "() => window.was.focus({ preventScroll: true, focusVisible: true })"
AROUND = """() => {
  const box = document.activeElement.getBoundingClientRect(), margin = 24;
  const x = Math.max(0, box.left - margin), y = Math.max(0, box.top - margin);
  return { x, y, width: Math.min(innerWidth, box.right + margin) - x,
           height: Math.min(innerHeight, box.bottom + margin) - y };
}"""
LEAST_PIXELS = 8  # in both directions: less is a line, not a ring
MOST_TABS = 900


@pytest.mark.parametrize("name", PAGES)
def test_a_keyboard_reaches_everything(browser, name):
    """Tab goes to the skip link, the navigation, all that is folded and every input; the focus is always seen."""
    page = browser.new_page(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page.goto((HTML / name).as_uri(), wait_until="load")
    page.evaluate(READY)
    wanted, focus = page.evaluate(STOPS), walk(page)
    reached = {one["stop"] for one in focus}
    opened = opens_by_enter(page)
    page.close()
    assert "main-content" in focus[0]["what"], f"the first stop is no skip link: {focus[0]['what']}"
    assert any(one["nav"] for one in focus)
    check_nothing([what for at, what in enumerate(wanted) if str(at) not in reached])
    check_nothing([one["what"] for one in focus if not one["seen"]])
    assert opened


def walk(page):
    """Every stop of the Tab key, until it comes round or leaves the page."""
    focus = []
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUS)
        if at is None or at["again"]:
            return focus
        focus.append(at | {"seen": at["seen"] or changes_the_picture(page)})
    raise AssertionError(f"no end after {MOST_TABS} stops")


def changes_the_picture(page):
    """Whether the focus can be seen: what counts in the end, when a ring is not where one looks for it first."""
    around = page.evaluate(AROUND)
    if not (around["width"] > 0 and around["height"] > 0):
        return False
    with_focus = picture(page, around)
    page.evaluate(LEAVE)
    without = picture(page, around)
    page.evaluate(BACK)
    changed = abs(with_focus - without).max(axis=2) > 40
    return bool(changed.any(axis=0).sum() >= LEAST_PIXELS and changed.any(axis=1).sum() >= LEAST_PIXELS)


def picture(page, around):
    """What a part of the window shows, as numbers."""
    return np.asarray(Image.open(io.BytesIO(page.screenshot(clip=around))).convert("RGB"), dtype=int)


@pytest.mark.parametrize("style, seen", [
    ("", True), ("outline: none", False), ("outline-offset: -3px", True),
    ("outline: none; background: black", True)])
def test_a_ring_that_is_cut_off_is_noticed(browser, style, seen):
    """The walk is not blind: a link that fills a box which hides what stands out of it shows no ring outside."""
    page = browser.new_page()
    box = "overflow: hidden; width: 200px; height: 60px"
    for where, expected in (("", seen), (box, seen and bool(style))):
        page.set_content(f"<style>a {{ display: block; height: 100% }} a:focus-visible {{ outline: 3px solid red; "
                         f"{style} }}</style><div style='{where}'><a href='#x'>A</a></div>")
        assert [one["seen"] for one in walk(page)] == [expected], where
    page.close()


def opens_by_enter(page):
    """Whether the Enter key opens the first quiz and closes it again; true where there is none."""
    quiz = page.locator("details.quiz").first
    if not quiz.count():
        return True
    quiz.locator("summary").focus()
    states = []
    for _ in range(2):
        page.keyboard.press("Enter")
        states.append(quiz.evaluate("one => one.open"))
    return states == [True, False]


# --- print -------------------------------------------------------------------------------------------------

PAPER = {"width": 718, "height": 1000}  # A4 less margins of one centimetre, at 96 dots an inch
PRINTED = """() => {
  const said = [];
  const box = (e) => e.getBoundingClientRect(), start = (e) => e.outerHTML.slice(0, 100);
  const shown = (e) => e.checkVisibility({ visibilityProperty: true }) && box(e).height > 0;
  for (const bar of document.querySelectorAll('.bd-sidebar-primary, .bd-sidebar-secondary, .bd-header, '
       + '.bd-header-article, .prev-next-footer, .skip-link'))
    if (shown(bar)) said.push(`a bar is printed: ${bar.className}`);
  const article = document.querySelector('article.bd-article');
  if (!shown(article) || article.innerText.trim().length < 40) said.push('the content is not printed');
  const light = (text) => { const [r, g, b] = text.match(/[\\d.]+/g).map(Number); return (r + g + b) / 765; };
  const ink = (e) => getComputedStyle(e)[e.matches('text') ? 'fill' : 'color'];
  const texts = 'p, h1, th, td, summary, code, pre span, label, figure.diagram text';
  for (const part of article.querySelectorAll(texts))
    if (shown(part) && light(ink(part)) > 0.62)
      said.push(`too light for paper: ${start(part)}`);
  const blocks = 'pre, table, svg:not(svg svg), img, section.calculator, mjx-container';
  for (const part of article.querySelectorAll(blocks))
    if (shown(part) && box(part).right > window.innerWidth + 1)
      said.push(`cut off by the paper: ${start(part)}`);
  for (const part of article.querySelectorAll('pre, .pst-scrollable-table-container, .output')) {
    const hidden = part.scrollWidth - part.clientWidth;
    if (shown(part) && hidden > 1 && getComputedStyle(part).overflowX !== 'visible')
      said.push(`${hidden} px behind a scroll bar: ${start(part)}`);
  }
  return [...new Set(said)].slice(0, 6);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_print(browser, scheme):
    """On paper there is the content alone, dark on white whatever the screen, and nothing is cut off."""
    context = browser.new_context(color_scheme=scheme, viewport=PAPER)
    page, said = context.new_page(), []
    for name in PAGES:
        if name in MADE_BY_SPHINX:
            continue
        page.goto((HTML / name).as_uri(), wait_until="load")
        page.evaluate(READY)
        page.emulate_media(media="print")
        said += [f"{name}: {found}" for found in page.evaluate(PRINTED)]
        page.emulate_media(media="screen")
    context.close()
    check_nothing(said)


# --- labs in JupyterLab ------------------------------------------------------------------------------------


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def jupyter(tmp_path_factory):
    """JupyterLab on a copy of the labs, in replay; one for each lab, so that no kernel is left from the last."""
    folder = tmp_path_factory.mktemp("labs")
    shutil.copytree(ROOT / "labs", folder / "labs")
    for path in (folder / "labs").rglob("*.ipynb"):
        forget_the_last_run(path)
    port = free_port()
    environment = {**os.environ, "HYBRIDLAB_MODE": "replay", "JUPYTER_CONFIG_DIR": str(folder / "config"),
                   "JUPYTER_DATA_DIR": str(folder / "data")}
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}", "--ip=127.0.0.1",
         "--IdentityProvider.token=", "--ServerApp.password=", f"--ServerApp.root_dir={folder}",
         "--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(address + "/api")
        yield address
    finally:
        server.terminate()
        server.wait(20)


def forget_the_last_run(path):
    """Clear counts and outputs, so that what the test finds at the end was made by it."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell.update(execution_count=None, outputs=[])
    path.write_text(json.dumps(notebook), encoding="utf-8")


def wait_for(address, seconds=60):
    begun = time.monotonic()
    while True:
        try:
            return urllib.request.urlopen(address, timeout=5).read()
        except OSError:
            if time.monotonic() - begun > seconds:
                raise
            time.sleep(0.5)


@pytest.mark.parametrize("lab", sorted(path.name for path in (ROOT / "labs").glob("*.ipynb")))
def test_a_lab_runs_to_its_end_in_jupyterlab(browser, jupyter, lab):
    """Open the lab as a reader does, restart, run all cells: every cell gets a number, none an error."""
    page = opened(browser, jupyter, lab)
    end = time.monotonic() + 300
    saved = None
    while time.monotonic() < end and not (saved and all(counts(saved))):
        if not saved or not any(counts(saved)):  # JupyterLab now and then restarts and forgets to run
            restart_and_run_all(page)
        saved = ran_and_saved(page, jupyter, lab)
    page.close()
    check_ran(saved)


def test_an_exercise_that_is_not_solved_gives_its_hint(browser, jupyter):
    """Run all cells of an exercise notebook: its first check stops with one line that says what to do."""
    name, end = "exercises/00.ipynb", time.monotonic() + 120
    page, saved = opened(browser, jupyter, name), None
    while time.monotonic() < end and not (saved and any(counts(saved))):
        restart_and_run_all(page)
        saved = ran_and_saved(page, jupyter, name)
    stopped = page.locator(", ".join(f".jp-OutputArea-output[data-mime-type*={kind}]" for kind in ("error", "stderr")))
    shown = [text.strip() for text in stopped.all_inner_texts()]
    page.close()
    cells = [cell for cell in json.loads(saved)["content"]["cells"] if cell["cell_type"] == "code"]
    errors = [(cell, output) for cell in cells for output in cell["outputs"] if output["output_type"] == "error"]
    assert [cell["metadata"].get("tags") for cell, _ in errors] == [["check"]]
    with pytest.raises(check.NotYet) as told:
        check.load("lab00").check_00_1(...)
    hint = f"Not yet: {told.value}"
    assert errors[0][1]["traceback"] == [hint] and shown == [hint]
    assert not any(counts(saved)[cells.index(errors[0][0]) + 1:])


def opened(browser, jupyter, name):
    """A notebook in JupyterLab, with a kernel that waits."""
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.goto(f"{jupyter}/lab/tree/labs/{name}?reset")
    page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=60_000)
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(timeout=60_000)
    return page


def ran_and_saved(page, jupyter, name):
    """Wait for the kernel, save, and read what was saved."""
    wait_until_calm(jupyter, name)
    page.keyboard.press("Control+s")
    page.wait_for_timeout(1500)
    return urllib.request.urlopen(f"{jupyter}/api/contents/labs/{name}", timeout=60).read()


def restart_and_run_all(page):
    page.locator('[data-command="notebook:restart-run-all"]').first.click()
    page.locator(".jp-Dialog-button.jp-mod-accept").click()
    page.wait_for_timeout(3000)


def wait_until_calm(jupyter, lab, seconds=300):
    """Wait until the lab's kernel has been idle for two seconds: between two cells it is idle for a moment."""
    calm, end = 0, time.monotonic() + seconds
    while calm < 5:
        assert time.monotonic() < end, f"{lab} was still running after {seconds} s"
        sessions = json.loads(urllib.request.urlopen(f"{jupyter}/api/sessions", timeout=60).read())
        states = [one["kernel"]["execution_state"] for one in sessions if one["path"].endswith(lab)]
        calm = calm + 1 if states and set(states) == {"idle"} else 0
        time.sleep(0.5)


def counts(saved):
    """Execution counts of the code cells; None where a cell was not run since the restart."""
    cells = [cell for cell in json.loads(saved)["content"]["cells"] if cell["cell_type"] == "code"]
    return [cell["execution_count"] for cell in cells]


def check_ran(saved):
    cells = [cell for cell in json.loads(saved)["content"]["cells"] if cell["cell_type"] == "code"]
    assert counts(saved) == list(range(1, len(cells) + 1))
    errors = [output for cell in cells for output in cell["outputs"] if output["output_type"] == "error"]
    assert not errors, errors[0]
