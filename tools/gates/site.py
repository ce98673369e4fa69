"""The gate over the built site: it stands alone, and its images have words."""

import re

from bs4 import BeautifulSoup

FETCHED = {"script": "src", "img": "src", "source": "src", "iframe": "src", "video": "src", "audio": "src",
           "embed": "src", "object": "data", "track": "src", "image": "href", "use": "href"}
FETCHING_LINKS = {"stylesheet", "preload", "prefetch", "modulepreload", "preconnect", "dns-prefetch", "icon",
                  "shortcut", "apple-touch-icon", "manifest"}
OUTSIDE = re.compile(r"\s*(?:https?:)?//", re.I)
CSS_OUTSIDE = re.compile(r"""(?:url\(|@import)\s*["']?\s*((?:https?:)?//[^"')\s;]+)""", re.I)
SCRIPT_OUTSIDE = re.compile(r"""["'`]((?:https?:)?//[^"'`\s]+\.(?:m?js|css|woff2?|json))["'`]""")
FIX = "ship the file in _static, or drop it in _ext"


def gate_site(root):
    """No page asks another host for anything, and every image has alt text."""
    site = root / "_build" / "html"
    pages = sorted(site.rglob("*.html"))
    if not pages:
        return ["_build/html: no site; run `make book`"]
    problems = []
    for path in pages:
        page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        asked = [f"asks for {address[:80]}; {FIX}" for address in sorted(set(addresses(page)))]
        problems += [f"{path.relative_to(root)}: {problem}" for problem in [*asked, *images(page)]]
    for path in sorted(site.rglob("*.css")):
        problems += [f"{path.relative_to(root)}: asks for {address[:80]}; {FIX}"
                     for address in CSS_OUTSIDE.findall(path.read_text(encoding="utf-8"))]
    return problems


def addresses(page):
    """Addresses on other hosts that a browser would fetch to show a page."""
    for tag in page.find_all([*FETCHED, "link", "style", "script"]):
        address = tag.get(FETCHED.get(tag.name, ""), "")
        if tag.name == "link" and FETCHING_LINKS & set(tag.get("rel", [])):
            address = tag.get("href", "")
        if OUTSIDE.match(address):
            yield address
        yield from (part.split()[0] for part in tag.get("srcset", "").split(",") if OUTSIDE.match(part))
        yield from (CSS_OUTSIDE if tag.name == "style" else SCRIPT_OUTSIDE).findall(tag.string or "")
    for tag in page.find_all(style=True):
        yield from CSS_OUTSIDE.findall(tag["style"])


def images(page):
    """One line for each image without words; an empty alt is right for ornament outside the article only."""
    article = page.find("article") or page
    for image in page.find_all("img"):
        ornament = image.get("alt") == "" and article not in image.parents
        if not image.get("alt") and not ornament:
            yield f"the image {image.get('src', '')[:60]} has no alt text; write one where it is drawn"
