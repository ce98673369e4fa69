"""The gate over numbers in prose: each is computed by a lab, cited, or listed as a parameter.

A chapter writes the role ``{num}`lab01a:reviews.llm15.acc` ``; the Markdown of a lab writes the number and
behind it ``<!--=lab01a:reviews.llm15.acc-->``. A number is looked at when it is a decimal, a percentage,
money, a time or a count (``n 40``, ``35 of 40``). Left alone are code, maths, headings, dates, sentences with
a citation or a link to a source, and the phrases of ``data/prose_parameters.txt``.
"""

import os
import re
from unittest import mock

from markdown_it import MarkdownIt
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.front_matter import front_matter_plugin

from hybridlab import results
from hybridlab.errors import BadInput

from .labs import markdown

CITED, HIDDEN = "\x02", "\x03"
SCALE = {"%": 100, "per cent": 100, "percent": 100, "percentage points": 100, "points": 100,
         "ms": 1000, "s": 1, "second": 1, "seconds": 1, "min": 1 / 60, "minute": 1 / 60, "minutes": 1 / 60,
         "h": 1 / 3600, "hour": 1 / 3600, "hours": 1 / 3600,
         "cent": 100, "cents": 100, "dollar": 1, "dollars": 1, "USD": 1}
NUMBER = re.compile(
    r"(?<![\w.,])(?P<money>[$€£]\s?)?(?P<number>[-−+]?(?:\d[\d,]*(?:\.\d+)?|\.\d+))"
    r"(?:\s?(?P<unit>" + "|".join(sorted(map(re.escape, SCALE), key=len, reverse=True)) + r"))?(?!\w)"
    r"(?:\s?<!--=(?P<address>[^>]*?)-->)?")
BINDING = re.compile(r"<!--=[^>]*?-->")
COUNT_BEFORE = re.compile(r"\bn\s?=?\s?$")
COUNT_AFTER = re.compile(r"\s(?:out of|of)\s(?:the\s)?\d")
NO_CLAIM = re.compile(
    r"\b\d{4}-\d{2}(?:-\d{2})?\b|\b\d{1,2} (?:January|February|March|April|May|June|July|August|September"
    r"|October|November|December) \d{4}\b|\b\d{4}\.\d{4,5}\b|\b\d+(?:\.\d+){2,}\S*")
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[\"'(\[A-Z\x02])")
MONEY = re.compile(r"(?m)(?<!\\)\$\d[\d,.]*(?=\s|<!--|[;:)]|$)")
BROKEN_ROLE = re.compile(r"\{num\}(?!\x03)")
ROLE = re.compile(r"\{([\w:-]+)\}$")
DIRECTIVE = re.compile(r"\{([\w:-]+)\}")
CODE_DIRECTIVES = {"code", "code-block", "literalinclude", "math", "raw", "toctree", "bibliography"}
OPTION = re.compile(r"\A(?:---\n[\s\S]*?\n---\n|(?::[\w-]+:.*(?:\n|\Z))+)")
FIX = "bind it to a result, cite its source in the sentence, or list the phrase in data/prose_parameters.txt"


def gate_prose(root):
    """Every number in the prose is a stored result, cited, or a listed parameter."""
    parameters = listed_parameters(root)
    unused = set(parameters)
    problems = []
    with mock.patch.dict(os.environ, HYBRIDLAB_DATA=str(root / "data")):
        for where, text in markdown(root):
            is_lab = not where.endswith(".md")
            problems += [f"{where}: {found}; write \\{found}, or JupyterLab reads on to the next dollar as maths"
                         for found in MONEY.findall(text) if is_lab]
            for line, sentence, roles in sentences(text):
                here = where if is_lab else f"{where}:{line}"
                for phrase in parameters:
                    sentence, count = parameters[phrase].subn(HIDDEN, sentence)
                    unused -= {phrase} if count else set()
                problems += [f"{here}: {found}" for found in sentence_problems(sentence)]
                problems += [f"{here}: {found}" for found in role_problems(roles, is_lab)]
    return problems + [f"data/prose_parameters.txt: {phrase!r} is in no text; delete the line"
                       for phrase in sorted(unused)]


def listed_parameters(root):
    """Phrase -> pattern, from the committed list; ``#`` starts a comment."""
    path = root / "data" / "prose_parameters.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    phrases = [line.partition("#")[0].strip() for line in lines]
    return {phrase: re.compile(rf"(?<![\w.]){re.escape(phrase)}(?!\w)") for phrase in phrases if phrase}


def sentence_problems(sentence):
    """What is wrong with the numbers of one sentence."""
    cited = CITED in sentence or "[@" in sentence
    orphans = set(BINDING.findall(sentence))
    if BROKEN_ROLE.search(sentence):
        yield "a {num} role is cut in two, so it is printed as it stands; is there a bar in it, inside a table?"
    for found in NUMBER.finditer(NO_CLAIM.sub(HIDDEN, sentence)):
        if found["address"] is not None:
            orphans -= set(BINDING.findall(found.group()))
            yield from binding_problems(found)
        elif not cited and is_claim(found):
            yield f"{found.group().strip()!r} is bound to nothing; {FIX}"
    for orphan in sorted(orphans):
        yield f"{orphan} stands behind no number; put it right behind the number and its unit"


def is_claim(found):
    """Whether a number is a decimal, a percentage, money, a time or a count."""
    before, after = found.string[: found.start()], found.string[found.end():]
    return bool(found["money"] or found["unit"] or "." in found["number"]
                or COUNT_BEFORE.search(before) or COUNT_AFTER.match(after))


def binding_problems(found):
    """Whether a bound number is its result, rounded to the digits that are printed."""
    try:
        value = results.get(found["address"].strip())
    except BadInput as error:
        yield " ".join(str(error).split())
        return
    value = value["value"] if isinstance(value, dict) else value
    scaled = value * SCALE.get(found["unit"], 1)
    if not agrees(scaled, found["number"]):
        shown = found["number"] + (f" {found['unit']}" if found["unit"] else "")
        yield (f"{shown} is bound to {found['address'].strip()}, which is {scaled:.6g}; write that, rounded: "
               f"{rounded(scaled, found['number'])}")


def agrees(value, printed):
    """Whether a printed number is ``value`` at the digits that are printed, rounded as ``results.format`` rounds.

    A binary fraction is seldom a tie: 0.1125 lies a little above one, 0.8125 is one, and goes to the even digit.

    >>> agrees(0.875, "0.88"), agrees(0.875, ".9"), agrees(1298, "1,298"), agrees(0.875, "0.86")
    (True, True, True, False)
    >>> agrees(0.1125, "0.113"), agrees(0.1125, "0.112"), agrees(81.25, "81.2"), agrees(81.25, "81.3")
    (True, False, True, False)
    """
    return float(rounded(value, printed)) == float(printed.replace(",", "").replace("−", "-"))


def rounded(value, printed):
    """A value at the digits of a printed number, without commas.

    >>> rounded(0.1125, "0.112")
    '0.113'
    """
    return f"{value:.{len(printed.partition('.')[2])}f}"


def role_problems(roles, is_lab):
    """Whether every ``num`` role has a result, and none stands in a lab, where it would not be rendered."""
    for role in roles:
        if is_lab:
            yield (f"{{num}}`{role}` is not rendered in a lab; write the number, and "
                   f"<!--={role.partition(',')[0]}--> behind")
            continue
        try:
            address, fmt = results.reference(role)
            results.format(results.get(address), fmt)
        except BadInput as error:
            yield " ".join(str(error).split())


def parser():
    """CommonMark with what the book adds: tables, maths, front matter, colon fences."""
    markdown_it = MarkdownIt("commonmark").enable("table")
    dollarmath_plugin(markdown_it, allow_space=False, allow_digits=False)
    return markdown_it.use(front_matter_plugin).use(colon_fence_plugin)


def sentences(text, first_line=1):
    """Line, sentence and ``num`` roles of the prose of a Markdown text; a table row is one sentence."""
    tokens = parser().parse(text)
    row, line = None, first_line
    for before, token in zip([None, *tokens], tokens):
        line = first_line + token.map[0] if token.map else line
        if token.type in ("fence", "colon_fence"):
            yield from directive_sentences(token, line)
        elif token.type == "tr_open":
            row = []
        elif token.type == "tr_close":
            yield line, " | ".join(part for part, _ in row), [role for _, roles in row for role in roles]
            row = None
        elif token.type == "inline" and row is not None:
            row.append(plain(token))
        elif token.type == "inline" and before.type != "heading_open":
            whole, roles = plain(token)
            for position, sentence in enumerate(SENTENCE.split(whole)):
                yield line, sentence, [] if position else roles


def directive_sentences(token, line):
    """The prose inside a directive; code and maths have none."""
    name = DIRECTIVE.match(token.info.strip())
    if name and name[1] not in CODE_DIRECTIVES:
        options = OPTION.match(token.content)
        skipped = options.group() if options else ""
        yield from sentences(token.content[len(skipped):], line + 1 + skipped.count("\n"))


def plain(inline):
    """The text of a paragraph, with code and maths hidden and citations marked; and its ``num`` roles."""
    text, roles = "", []
    for child in inline.children:
        if child.type == "code_inline":
            role = ROLE.search(text)
            name = role[1] if role else ""
            text += CITED if name.startswith("cite") else HIDDEN
            roles += [child.content] if name == "num" else []
        elif child.type == "link_open" and child.attrs["href"].startswith("http"):
            text += CITED
        elif child.type == "html_inline":
            text += child.content if BINDING.match(child.content) else ""
        elif child.type in ("softbreak", "hardbreak"):
            text += " "
        elif child.type == "math_inline":
            text += HIDDEN
        elif child.type == "text":
            text += child.content
    return text, roles
