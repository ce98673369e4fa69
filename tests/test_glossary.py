"""The first time that a chapter or the landing page uses a word of the glossary in its prose, the word leads there.

Prose is paragraphs and list items, also inside boxes. Headings, words in bold, tables, code, quotations, quizzes
(HTML), titles of works and the texts of links are none.
"""

import re

import pytest

from hybridlab import paths
from tools.gates.prose import CODE_DIRECTIVES, DIRECTIVE, OPTION, parser

CHAPTERS = paths.ROOT / "chapters"
ENTRY = re.compile(r"^(?!\s|`|#|\{)(\S.*)\n {2}\S", re.M)
ROLE = re.compile(r"\{([\w:-]+)\}$")
TARGET = re.compile(r"(?:.*<)?([^<>]+)>?\Z", re.S)
SKIPPED = {"heading_open": "heading_close", "table_open": "table_close", "blockquote_open": "blockquote_close"}
GONE = "\x00"

# Pages that are not read from the top: the glossary itself, lists, the notation that defines words of its own, and
# the cards, which are read on paper.
NO_CHAPTER = {"glossary.md", "notation.md", "references.md", "cards.md"}

# (page, words of the page) -> why they are not the glossary's word.
EXCEPTIONS = {
    ("index.md", "Every lab replays"): "a verb, on a card that is a link",
    ("00_how_to_use.md", "The labs replay"): "a verb",
    ("01_deciding.md", "exact audit"): "a duty to explain an answer, not our check of recordings",
    ("04_cost.md", "the price of support"): "people who help customers",
    ("04_cost.md", "costs and guarantees"): "a verb",
    ("05_extraction.md", "not an audit"): "a reading of rows by people, not our check of recordings",
    ("05_extraction.md", "A grammar guarantees"): "a verb",
    ("recomputed.md", "An audit that lists errors"): "a check of a book, not of recordings",
}


def terms(glossary):
    """The words of the glossary, longest first, so that "prompt cache" is found before "prompt".

    >>> terms("```{glossary}\\ntier\\n  Answers rows.\\n\\nprompt cache\\n  Memory.\\n```")
    ['prompt cache', 'tier']
    """
    return sorted(ENTRY.findall(glossary), key=lambda term: (-len(term), term))


def first_uses(text, words, name=""):
    """Term -> (line, whether it is a link) of its first use in the prose of a page."""
    for page, phrase in EXCEPTIONS:
        text = text.replace(phrase, GONE) if page == name else text
    pattern, known = word_pattern(words), {word.lower(): word for word in words}
    found = {}
    for line, kind, part in pieces(text):
        if kind == "term":
            found.setdefault(known.get(part.lower(), part), (line, True))
        for use in pattern.findall(part) if kind == "text" else ():
            found.setdefault(known[use.lower()], (line, False))
    return found


def word_pattern(words):
    return re.compile(r"(?<![\w-])(" + "|".join(map(re.escape, words)) + r")s?(?![\w-])", re.I)


def used(text, words):
    """The words that a page uses anywhere, tables and links included: those are the words that a reader meets."""
    met = {use.lower() for use in word_pattern(words).findall(text)}
    return {word for word in words if word.lower() in met}


def pieces(text, first_line=1):
    """Line, kind ("text" or "term") and words of the prose, in order."""
    tokens, until, line = parser().parse(text), None, first_line
    for token in tokens:
        line = first_line + token.map[0] if token.map else line
        if until:
            until = None if token.type == until else until
        elif token.type in SKIPPED:
            until = SKIPPED[token.type]
        elif token.type in ("fence", "colon_fence"):
            yield from directive_pieces(token, line)
        elif token.type == "inline":
            yield from inline_pieces(token, line)


def directive_pieces(token, line):
    """The prose of a directive's body."""
    name = DIRECTIVE.match(token.info.strip())
    if name and name[1] not in CODE_DIRECTIVES:
        options = OPTION.match(token.content)
        skipped = options.group() if options else ""
        yield from pieces(token.content[len(skipped):], line + 1 + skipped.count("\n"))


def inline_pieces(token, line):
    """The words of a paragraph; what stands in bold or in a link is left out."""
    text, inside, before = "", 0, line
    for child in token.children:
        inside += {"strong_open": 1, "link_open": 1, "strong_close": -1, "link_close": -1}.get(child.type, 0)
        role = ROLE.search(text) if child.type == "code_inline" else None
        if role and role[1] == "term":
            yield before, "text", text[: role.start()]
            yield line, "term", TARGET.match(child.content.replace("\n", " "))[1].strip()
            text, before = GONE, line
        elif child.type == "softbreak":
            text, line = text + " ", line + 1
        elif child.type == "text" and not inside:
            text += child.content
        else:
            text += GONE
    yield before, "text", text


def chapters():
    return [paths.ROOT / "index.md", *(path for path in sorted(CHAPTERS.glob("*.md")) if path.name not in NO_CHAPTER)]


def unlinked(name, text, words):
    """One line for each term whose first use is no link."""
    return [f"{name}:{line}: the first {term!r} has no link; write {{term}}`{term}`"
            for term, (line, linked) in first_uses(text, words, name).items() if not linked]


WORDS = terms((CHAPTERS / "glossary.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", chapters(), ids=lambda path: path.stem)
def test_the_first_use_of_a_word_leads_to_the_glossary(path):
    problems = unlinked(path.name, path.read_text(encoding="utf-8"), WORDS)
    assert not problems, "\n".join(problems)


def test_the_glossary_is_sorted_and_every_word_is_used():
    text = (CHAPTERS / "glossary.md").read_text(encoding="utf-8")
    order = ENTRY.findall(text)
    assert len(order) > 20 and order == sorted(order, key=str.lower)
    met = set().union(*(used(path.read_text(encoding="utf-8"), WORDS) for path in chapters()))
    assert set(WORDS) - met == set(), "no chapter uses it: delete it, or the chapter has another word for it"


def test_a_word_that_no_page_uses_would_be_found():
    words = ["AUC", "tier", "token"]
    assert used("| AUC |\n|---|\n| a {term}`tiers <tier>` |\n\nA tokenizer.", words) == {"AUC", "tier"}


def test_exceptions_are_needed():
    for name, phrase in EXCEPTIONS:
        text = next(path for path in chapters() if path.name == name).read_text(encoding="utf-8")
        assert phrase in text and unlinked("", text, WORDS), f"{name}: {phrase!r} is not needed; take it out"


@pytest.mark.parametrize("text, found", [
    ("A tier answers.", [1]),
    ("# A tier\n\nA {term}`tier` answers. A tier waits.", []),
    ("Two\n{term}`tiers <tier>` answer.", []),
    ("| tier |\n|---|\n| tier |\n\nNone.\n\nTiers answer.", [7]),
    ("> A tier\n\n`tier`, **tier**, [a tier](x.md), {doc}`tier <x>`, a tier-list.", []),
    (":::{admonition} Note\n:class: tip\n\nA tier.\n:::", [4]),
    ("```python\ntier = 1\n```\n\nA line\nand a tier.", [5]),
    ("The {term}`prompt cache` of a prompt.", [1]),
])
def test_uses_are_found(text, found):
    lines = [line for line, linked in first_uses(text, ["prompt cache", "prompt", "tier"]).values() if not linked]
    assert lines == found
