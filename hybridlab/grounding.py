"""Proof for a value: where its quote stands in a text (``ground``), and whether that says it (``supports``).

Strings in, offsets and verdicts out: no model, no file, no state.
"""

import datetime as dt
import functools
import re
import unicodedata
from bisect import bisect_right
from itertools import product
from typing import NamedTuple

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from .errors import BadInput
from .readings import Reading, dates, numbers

LEAST = 0.75
LEAST_ONE_WORD = 0.8
REACH = 3
APOSTROPHES = "'\u2018\u2019\u02bc`"
WEIGHTS = (2, 4, 3)  # a word that the quote lost, made up, changed: what the quote says must be met first


class Span(NamedTuple):
    """Characters ``text[start:end]``, and how like the quote they are, 0 to 1."""

    start: int
    end: int
    similarity: float = 1.0


# ---- where is it?


def ground(quote, text):
    """Find a quote in a text despite typos, a lost or changed word, case, spaces and Unicode forms.

    Both are folded first: compatibility forms (NFKD), case, Latin, Greek and Cyrillic accents, invisible
    characters; whatever is neither letter nor digit becomes one space. Where the folded quote stands word for
    word, these places are the answer. Else the nearest stretch of whole words is, if its Levenshtein
    similarity, by characters or (from four words on) by words, reaches 0.75: one word in four. A single word
    needs 0.8 and five letters; one with a digit must be exact. Source: Levenshtein 1966, Soviet Physics
    Doklady 10:707; computed by RapidFuzz.

    Parameters
    ----------
    quote, text : str

    Returns
    -------
    list of Span
        All places that are equally good, in order; empty for a quote that is not there.

    Examples
    --------
    >>> from hybridlab.grounding import ground
    >>> text = "A laptop was stolen. The stolen laptop held data of 3,800 patients."
    >>> [span[:2] for span in ground("LAPTOP", text)]
    [(2, 8), (32, 38)]
    >>> place, = ground("the stollen lapto held of 3,800 patients", text)
    >>> text[place.start:place.end]
    'The stolen laptop held data of 3,800 patients'
    >>> ground("a server was hacked from abroad", text)
    []
    """
    _strings(quote=quote, text=text)
    sought, read = _fold(quote), _fold(text)
    if not sought.words or not read.words:
        return []
    spans = _exact(sought, read) or _near(sought, read)
    return [_with_edges(span, quote, sought, text) for span in spans]


class _Folded(NamedTuple):
    """A text as words: joined by single spaces, where each starts in that, and where in the original."""

    joined: str
    words: list
    begins: list
    starts: list
    ends: list

    def span(self, first, last, similarity=1.0):
        return Span(self.starts[first], self.ends[last], similarity)

    def cut(self, first, last):
        return self.joined[self.begins[first]:self.begins[last] + len(self.words[last])]


@functools.lru_cache(maxsize=8)
def _fold(text):
    pieces = text.translate(_FOLDS) if text.isascii() else [_FOLDS[ord(char)] for char in text]
    folded, origin = "".join(pieces), range(len(text))
    if len(folded) != len(text) or not text.isascii():
        origin = [i for i, piece in enumerate(pieces) for _ in piece]
    words, begins, starts, ends, at = [], [], [], [], 0
    for found in _WORD.finditer(folded):
        words.append(found.group().translate(_INNER))
        begins.append(at)
        at += len(words[-1]) + 1
        starts.append(origin[found.start()])
        ends.append(_after_marks(text, origin[found.end() - 1] + 1))
    return _Folded(" ".join(words), words, begins, starts, ends)


class _Folds(dict):
    """Character code -> folded string; filled as characters are met."""

    def __missing__(self, code):
        folded = "".join(map(_fold_one, unicodedata.normalize("NFKD", chr(code)).casefold()))
        self[code] = f" {folded} " if code > 127 and _UNSPACED.match(chr(code)) else folded
        return self[code]


def _fold_one(char):
    kind = unicodedata.category(char)
    if kind == "Cf" or "\u0300" <= char <= "\u036f":
        return ""
    if char in APOSTROPHES or (kind == "Cc" and not char.isspace()):
        return "'"  # some texts hold control characters where apostrophes were
    return char if kind[0] in "LNM" or char in ",." else " "


# Scripts that put no space between words: each character is a word.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
                       "\U00020000-\U0003ffff]")
_FOLDS = _Folds()
# 3,800 and 2.5 and OCR's are one word each.
_WORD = re.compile(r"(?:[^ ',.]|(?<=\d)[,.](?=\d)|(?<=[^ ',.])'++(?=[^ ',.]))+")
_INNER = str.maketrans("", "", "',")


def _after_marks(text, end):
    while end < len(text) and unicodedata.combining(text[end]):
        end += 1
    return end


def _exact(sought, read):
    """Every place where the folded quote stands word for word."""
    padded, wanted, places = f" {read.joined} ", f" {sought.joined} ", []
    at = padded.find(wanted)
    while at >= 0:
        first = bisect_right(read.begins, at) - 1
        places.append(read.span(first, first + len(sought.words) - 1))
        at = padded.find(wanted, at + len(wanted) - 1)
    return places


def _near(sought, read):
    """The stretches of whole words nearest to the quote, if near enough."""
    quote, alone = sought.joined, len(sought.words) == 1
    least = LEAST_ONE_WORD if alone else LEAST
    if alone and (len(quote) < 5 or any(char.isdigit() for char in quote)):
        return []
    best = _best(sought, read, 0, len(read.words), least)
    if best is None:
        return []
    left = _best(sought, read, 0, best[0], best[2])
    right = _best(sought, read, best[1] + 1, len(read.words), best[2])
    return [read.span(*place) for place in (left, best, right) if place]


def _best(sought, read, begin, end, least):
    """(first word, last word, similarity) of the best stretch among words begin to end, or None."""
    if begin >= end:
        return None
    low, high, searched = begin, end - 1, read.cut(begin, end - 1)
    if len(sought.joined) < len(searched):
        # d edits cost at most twice as much here as in Levenshtein's measure; 0.15 is for another length.
        window = fuzz.partial_ratio_alignment(sought.joined, searched, score_cutoff=100 * (2 * least - 1.15))
        if window is None:
            return None
        edges = window.dest_start, window.dest_end - 1
        low, high = (bisect_right(read.begins, read.begins[begin] + edge) - 1 for edge in edges)
    firsts = range(max(begin, low - REACH), min(end, low + REACH + 1))
    lasts = range(max(begin, high - REACH), min(end, high + REACH + 1))
    stretches = [(i, j) for i, j in product(firsts, lasts) if i <= j]
    first, last = max(stretches, key=lambda ends: _rank(sought, read, *ends))
    similarity = _similarity(sought, read, first, last)
    return (first, last, similarity) if similarity >= least else None


def _rank(sought, read, first, last):
    """What makes a stretch the better end of a quote: every word of it is met, if need be by another word."""
    distance = Levenshtein.distance(sought.words, read.words[first:last + 1], weights=WEIGHTS)
    return -distance, Levenshtein.normalized_similarity(sought.joined, read.cut(first, last))


def _similarity(sought, read, first, last):
    """The larger of the similarities by characters and, from four words on, by words."""
    by_character = Levenshtein.normalized_similarity(sought.joined, read.cut(first, last))
    if len(sought.words) < 4:
        return by_character
    return max(by_character, Levenshtein.normalized_similarity(sought.words, read.words[first:last + 1]))


def _with_edges(span, quote, sought, text):
    """Take in the quote's own punctuation at both ends where the text has it too."""
    start, end = span.start - sought.starts[0], span.end + len(quote) - sought.ends[-1]
    outside = quote[:sought.starts[0]], quote[sought.ends[-1]:]
    same = start >= 0 and (text[start:span.start], text[span.end:end]) == outside
    return span._replace(start=start, end=end) if same else span



# ---- does it say that?


def supports(value, span, *, synonyms=None, tolerance=0.0, sent=None):
    """Whether a stretch of text carries a value, in any common way of writing it.

    Parameters
    ----------
    value : number, date, str, bool, or a list of these (all must be carried)
        A bool needs synonyms. A date is carried by whatever parts of it are written: "5 January" carries
        every 5 January; both orders of 1/5/10 are accepted.
    span : str
    synonyms : mapping of value to words, optional
        Other ways to say a value; whole words, case ignored, with or without a plural s.
    tolerance : float
        Largest difference of numbers.
    sent : date, optional
        With it, "tomorrow" and "next Tuesday" are read too.

    Denial is not noticed: "no laptop" carries "laptop".

    Examples
    --------
    >>> import datetime as dt
    >>> from hybridlab.grounding import supports
    >>> supports(3800, "about 3,800 individuals"), supports(3800, "three thousand eight hundred people")
    (True, True)
    >>> supports(3800, "38,000 individuals")
    False
    >>> supports(dt.date(2010, 1, 5), "On Jan. 5th, 2010, it was stolen")
    True
    >>> supports("Theft", "the unit was stolen", synonyms={"Theft": ["stolen", "burglary"]})
    True
    """
    _strings(span=span)
    if isinstance(value, (list, tuple, set, frozenset)):
        return all(supports(item, span, synonyms=synonyms, tolerance=tolerance, sent=sent) for item in value)
    if isinstance(value, (str, bool)):
        return _told(value, span, synonyms or {})
    value = value.item() if hasattr(value, "item") else value
    if not isinstance(value, (int, float, dt.date)):
        raise BadInput(f"the value is {value!r}", expected="a number, date, string, bool, or a list of them")
    if value in (synonyms or {}) and _told(value, span, synonyms):
        return True
    if isinstance(value, dt.date):
        return any(_agrees(date, value) for reading in dates(span, sent) for date in reading.values)
    return any(abs(number - value) <= tolerance for reading in numbers(span) for number in reading.values)


def _told(value, span, synonyms):
    """Whether the span names the value (the longest name counts), or holds a word very like its name."""
    told = {reading.values[0] for reading in named(synonyms, span)} if value in synonyms else ()
    if told:
        return value in told
    words = [value] * isinstance(value, str) + _listed(synonyms.get(value, ()))
    return any(_says(word, span) for word in words)


def _says(word, span):
    """Whether the word, its plural or something very like it stands in the span; digits must be the same.

    A sign such as £ has no letters to compare and must stand as it is.
    """
    if not _fold(word).words:
        return bool(word.strip()) and word.strip() in span
    digits = set(re.findall(r"\d+", word))
    return digits <= set(re.findall(r"\d+", span)) and bool(ground(word, span) or ground(word + "s", span))


def _listed(words):
    return [words] if isinstance(words, str) else list(words)


def named(options, text):
    """Which of some options a text names, and where; of overlapping names the longest counts.

    Parameters
    ----------
    options : mapping of value to its synonyms; a string value is its own first name
    text : str

    Examples
    --------
    >>> from hybridlab.grounding import named
    >>> named({"vacuum": ["hoover"], "vacuum_bag": ["hoover bag"]}, "two Hoover-bags, please")
    [Reading(start=4, end=15, values=('vacuum_bag',))]
    """
    pattern, owners = _names(tuple((value, tuple(_listed(words))) for value, words in options.items()))
    read = _fold(text)
    found = pattern.finditer(read.joined) if pattern else ()
    return [_place(read, match, owners[match.lastgroup]) for match in found]


@functools.lru_cache(maxsize=64)
def _names(options):
    """A pattern over folded text with a group for each name, longest first, and group -> value."""
    names = {}
    for value, words in options:
        for word in [value] * isinstance(value, str) + list(words):
            names.setdefault(_fold(word).joined, value)
    longest = sorted(filter(None, names), key=len, reverse=True)
    spelt = [" ?".join(map(re.escape, name.split())) for name in longest]
    groups = [f"(?P<n{i}>{pattern}(?:e?s)?)" for i, pattern in enumerate(spelt)]
    pattern = re.compile(rf"(?<!\S)(?:{'|'.join(groups)})(?!\S)") if groups else None
    return pattern, {f"n{i}": names[name] for i, name in enumerate(longest)}


def _place(read, match, value):
    first, last = (bisect_right(read.begins, at) - 1 for at in (match.start(), match.end() - 1))
    return Reading(read.starts[first], read.ends[last], (value,))


def _agrees(written, date):
    parts = zip(written, (date.year, date.month, date.day))
    return all(part is None or part == true for part, true in parts)


def _strings(**values):
    for name, value in values.items():
        if not isinstance(value, str):
            raise BadInput(f"{name} is {value!r}", expected="a string")
