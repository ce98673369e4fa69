"""Pages and labs in a real browser: Debian's Chromium, driven by playwright."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HTML = ROOT / "_build" / "html"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PAGES = sorted(path.relative_to(HTML).as_posix() for path in HTML.rglob("*.html")
               if "_static" not in path.parts and path.name not in ("search.html", "genindex.html"))
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


def test_the_site_was_built():
    assert PAGES, "no page in _build/html: run `make test` or `make site` first"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390], ids=["desk", "phone"])
def test_pages_are_quiet_and_fit(browser, scheme, width):
    """From the file system: no console error, no request to anywhere, nothing wider than the screen."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    page, said, asked = context.new_page(), [], []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url) if request.url.startswith("http") else None)
    for name in PAGES:
        page.goto((HTML / name).as_uri(), wait_until="load")
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 1, f"{name} is {wide} px wider than a {width} px screen"
        assert page.evaluate("document.documentElement.dataset.theme") == scheme, name
    context.close()
    assert not said, said
    assert not asked, asked


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory):
    """JupyterLab on a copy of the labs, in replay."""
    folder = tmp_path_factory.mktemp("labs")
    shutil.copytree(ROOT / "labs", folder / "labs")
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
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.goto(f"{jupyter}/lab/tree/labs/{lab}?reset")
    page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=60_000)
    idle = page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]")
    idle.wait_for(timeout=60_000)
    page.locator('[data-command="notebook:restart-run-all"]').first.click()
    page.locator(".jp-Dialog-button.jp-mod-accept").click()
    page.wait_for_timeout(3000)
    end = time.monotonic() + 300
    saved = None
    while time.monotonic() < end and not (saved and all(counts(saved))):
        wait_until_calm(jupyter, lab)
        page.keyboard.press("Control+s")
        page.wait_for_timeout(1500)
        saved = urllib.request.urlopen(f"{jupyter}/api/contents/labs/{lab}", timeout=10).read()
    page.close()
    check_ran(saved)


def wait_until_calm(jupyter, lab, seconds=300):
    """Wait until the lab's kernel has been idle for two seconds: between two cells it is idle for a moment."""
    calm, end = 0, time.monotonic() + seconds
    while calm < 5:
        assert time.monotonic() < end, f"{lab} was still running after {seconds} s"
        sessions = json.loads(urllib.request.urlopen(f"{jupyter}/api/sessions", timeout=10).read())
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
