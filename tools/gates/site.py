"""The gate over the built site: it stands alone, its links lead where the book chose, its images have words.

A page asks no other host for anything. It may link to the addresses of ``data/outward.txt``, one a line: a host,
or a host and the start of a path.
"""

import json
import re
from urllib.parse import urlsplit

from bs4 import BeautifulSoup

OUTWARD = "data/outward.txt"
# Whatever tag they stand in, these make a browser fetch or send something; in the last three it may be a list.
FETCHING = ("src", "poster", "data", "background", "action", "formaction", "manifest", "xlink:href", "ping",
            "srcset", "imagesrcset")
FETCHING_LINKS = {"stylesheet", "preload", "prefetch", "modulepreload", "preconnect", "dns-prefetch", "prerender",
                  "icon", "shortcut", "apple-touch-icon", "manifest"}
FETCHING_HREF = {"image", "use", "feimage", "base", "script"}
LINKS = {"a", "area", "link"}
OUTSIDE = re.compile(r"\s*(?:(?:https?|wss?|ftp):)?//", re.I)
CSS_OUTSIDE = re.compile(r"""(?:url\(|@import)\s*["']?\s*((?:https?:)?//[^"')\s;]+)""", re.I)
# Any quoted address, whatever the script does with it; the names of XML languages are no addresses.
SCRIPT_OUTSIDE = re.compile(r"""["'`]\s*((?:(?:https?|wss?):)?//(?!www\.w3\.org/)\w[\w-]*(?:\.[\w-]+)+[^"'`\s<>]*)""",
                            re.I)
REFRESH = re.compile(r"""url\s*=\s*["']?\s*((?:https?:)?//[^"'\s]+)""", re.I)
FIX = "ship the file in _static, or drop it in _ext"


def gate_site(root):
    """No page asks another host for anything, links lead where the book chose, every image has alt text."""
    site = root / "_build" / "html"
    pages = sorted(site.rglob("*.html"))
    if not pages:
        return ["_build/html: no site; run `make book`"]
    allowed, problems = listed(root), []
    unused = set(allowed)
    for path in pages:
        page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        asked = [f"asks for {address[:80]}; {FIX}" for address in sorted(set(addresses(page)))]
        strange = []
        for address in sorted(set(outward(page))):
            starts = [start for start in allowed if leads(address, start)]
            unused -= set(starts)
            strange += [] if starts else [unlisted(address)]
        problems += [f"{path.relative_to(root)}: {problem}" for problem in [*asked, *strange, *images(page)]]
    return [*problems, *scripts_and_styles(root, site), *list_problems(allowed, unused)]


def scripts_and_styles(root, site):
    """Addresses on other hosts in the style sheets, and in the scripts that are ours."""
    for pattern, names in ((CSS_OUTSIDE, "*.css"), (SCRIPT_OUTSIDE, "_static/calculators/*.js")):
        for path in sorted(site.rglob(names)):
            for address in pattern.findall(path.read_text(encoding="utf-8")):
                yield f"{path.relative_to(root)}: asks for {address[:80]}; {FIX}"


def addresses(page):
    """Addresses on other hosts that a browser would fetch to show a page, or send a form to."""
    for tag in page.find_all(True):
        for name in FETCHING:
            if tag.name != "a" or name == "ping":
                parts = tag.get(name, "").split(",") if name.endswith("srcset") else tag.get(name, "").split()[:1]
                yield from (part.split()[0] for part in parts if OUTSIDE.match(part))
        href = tag.get("href", "")
        if OUTSIDE.match(href) and (tag.name in FETCHING_HREF or fetches(tag)):
            yield href.strip()
        yield from CSS_OUTSIDE.findall(tag.get("style", "") + (tag.string or "" if tag.name == "style" else ""))
        yield from REFRESH.findall(tag.get("content", "") if tag.get("http-equiv", "").lower() == "refresh" else "")
        for script in scripts(tag):
            yield from SCRIPT_OUTSIDE.findall(script)


def fetches(tag):
    """Whether a tag is a ``link`` that a browser follows by itself."""
    return tag.name == "link" and bool(FETCHING_LINKS & {one.lower() for one in tag.get("rel", [])})


def scripts(tag):
    """What a tag runs: its text, unless it holds data, and what it does at an event."""
    if tag.name == "script" and not is_data(tag):
        yield tag.string or ""
    yield from (value for name, value in tag.attrs.items() if name.startswith("on") and isinstance(value, str))
    if tag.get("href", "").strip().lower().startswith("javascript:"):
        yield tag["href"]


def is_data(tag):
    """Whether a ``script`` holds data for another one."""
    return tag.get("type", "").endswith("json")


def outward(page):
    """Addresses on other hosts to which a page links, those in the data of its scripts included."""
    for tag in page.find_all([*LINKS, "script"]):
        for href in (tag.get("href", ""), tag.get("xlink:href", "")) if tag.name in LINKS else ():
            if OUTSIDE.match(href) and not fetches(tag):
                yield href.strip()
        if tag.name == "script" and is_data(tag):
            yield from texts(json.loads(tag.string or "null"))


def texts(value):
    """Every text of a JSON value that is an address.

    >>> list(texts({"a": ["https://example.org/b", "c"], "d": 1}))
    ['https://example.org/b']
    """
    if isinstance(value, str) and OUTSIDE.match(value):
        yield value.strip()
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from texts(inner)


def listed(root):
    """The lines of the list of outward addresses; ``#`` starts a comment."""
    path = root / OUTWARD
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def leads(address, start):
    """Whether an address is below a line of the list: the same host, and the same folders.

    >>> leads("https://doi.org/10.1/x", "doi.org"), leads("https://doi.org.evil.example/", "doi.org")
    (True, False)
    >>> leads("http://example.org/us/page?a=1", "example.org/us/"), leads("//example.org/user", "example.org/us")
    (True, False)
    """
    parts = urlsplit(address.strip())
    return f"{parts.netloc.lower()}{parts.path}/".startswith(start.rstrip("/") + "/")


def unlisted(address):
    """What to do about a link that is not on the list."""
    host = urlsplit(address).netloc
    return (f"links to {address[:80]}, which is not in {OUTWARD}; take the link out of the text, or, if the reader "
            f"needs it, add {host} to the list")


def list_problems(allowed, unused):
    """Whether the list is in order and holds nothing that no page needs."""
    if allowed != sorted(set(allowed)):
        yield f"{OUTWARD}: not sorted and once each; sort its lines"
    yield from (f"{OUTWARD}: no page links to {start}; delete the line" for start in sorted(unused))


def images(page):
    """One line for each image without words; an empty alt is right for ornament outside the article only."""
    article = page.find("article") or page
    for image in page.find_all("img"):
        ornament = image.get("alt") == "" and article not in image.parents
        if not image.get("alt") and not ornament:
            yield f"the image {image.get('src', '')[:60]} has no alt text; write one where it is drawn"
