"""Proof for a value: where its quote stands in a text (``ground``), and whether that says it (``supports``).

Strings in, offsets and verdicts out: no model, no file, no state.
"""

import datetime as dt
import functools
import logging
import re
import unicodedata
from bisect import bisect_right
from itertools import product
from typing import NamedTuple

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from .errors import BadInput

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


class Reading(NamedTuple):
    """What ``text[start:end]`` can be read as, likeliest first."""

    start: int
    end: int
    values: tuple


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
        With it, "tomorrow" and "next Tuesday" are read too (by ctparse).

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


def numbers(text):
    """Numbers in figures or English words, in order.

    Separators of thousands, decimal points and commas, signs, "k" and "million", dozens and halves are read;
    3.800 and "12 345" have several readings. Ordinals, and digits inside a word such as B737, are no numbers.

    Examples
    --------
    >>> from hybridlab.grounding import numbers
    >>> numbers("1.5 million, or twelve hundred and six")
    [Reading(start=0, end=11, values=(1500000,)), Reading(start=16, end=38, values=(1206,))]
    >>> numbers("3.800")[0].values
    (3.8, 3800)
    """
    found = [Reading(match.start(), match.end(), values) for match in _FIGURES.finditer(text)
             if (values := _figures(**match.groupdict()))]
    inside = {place for reading in found for place in range(reading.start, reading.end)}
    found += [Reading(match.start(), match.end(), _spelt(re.findall(r"[a-z]+", match.group().lower())))
              for match in _SPELT.finditer(text) if match.start() not in inside]
    return sorted(found)


_UNITS = {word: i for i, word in enumerate(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen".split())}
_UNITS |= {word: 10 * i for i, word in enumerate(
    "twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)} | {"half": 0.5, "both": 2}
_SCALES = {"hundred": 100, "dozen": 12, "couple": 2, "pair": 2, "gross": 144, "thousand": 10**3,
           "million": 10**6, "billion": 10**9}
_SHORT = {"k": 10**3, "mn": 10**6, "bn": 10**9, "doz": 12}
_FIGURES = re.compile(
    r"(?<!\w)(?P<sign>(?<![\w)])[-\u2212])?(?P<body>\d+(?:[.,'\u2019\u00a0\u202f ]\d+)*)"
    r"(?!\d|(?:st|nd|rd|th)\b)"
    rf"(?:[\s-]?(?P<scale>{'|'.join([*_SCALES, *_SHORT])})s?\b)?", re.IGNORECASE)
_NUMBER_WORD = rf"(?:{'|'.join([*_UNITS, *_SCALES])})s?"
_SPELT = re.compile(rf"\b{_NUMBER_WORD}(?:[\s-]+(?:(?:and|of|an?)\s+)*{_NUMBER_WORD})*\b", re.IGNORECASE)
LONGEST = 15  # more digits are no count but a code
FARTHEST = 1000  # days or weeks away; more is no date that anyone means


def _figures(sign, body, scale):
    groups, marks = re.split(r"\D", body), re.findall(r"\D", body)
    if sum(map(len, groups)) > LONGEST:
        return ()
    in_threes = len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])
    values = [int("".join(groups))] if not marks or (in_threes and len(set(marks)) == 1) else []
    last = marks[-1] if marks else ""
    if last == "." and "." not in marks[:-1] or last == "," and "," not in marks[:-1] and not in_threes:
        values.insert(0, float("".join(groups[:-1]) + "." + groups[-1]))
    if not values or " " in marks:
        values += map(int, groups)
    factor = (_SCALES | _SHORT).get((scale or "").lower(), 1) * (-1 if sign else 1)
    return tuple(_whole(factor * value) for value in values)


def _whole(value):
    return int(value) if value == int(value) else round(value, 9)


def _spelt(words):
    """Values of a run of number words: two hundred and five -> 205; two three -> 2, 3."""
    values, total, current = [], 0, 0
    for word in (word for word in words if word not in ("and", "of", "a", "an")):
        word = word if word in _UNITS or word in _SCALES else word.removesuffix("s")
        unit, scale = _UNITS.get(word), _SCALES.get(word)
        if scale and scale >= 1000:
            total, current = total + (current or 1) * scale, 0
        elif scale:
            current = (current or 1) * scale
        elif current and not _joins(current % 100, unit):
            values, total, current = [*values, total + current], 0, unit
        else:
            current += unit
    return tuple(map(_whole, [*values, total + current]))


def _joins(tens, unit):
    """Whether a unit goes on the number before it: hundred five, twenty five, two and a half."""
    return tens == 0 or unit < 1 or (tens >= 20 and tens % 10 == 0 < unit < 10)


class Day(NamedTuple):
    """A date as far as it is written; None for a part that is not."""

    year: int | None
    month: int
    day: int | None

    def near(self, sent, ahead=False):
        """The date nearest to ``sent`` that agrees, ``ahead`` not before it; or None."""
        years = [self.year] if self.year else [sent.year - 1, sent.year, sent.year + 1] if sent else []
        days = [date for year in years if (date := _date(year, self.month, self.day))
                and not (ahead and sent and date < sent)]
        return min(days, key=lambda date: abs(date - (sent or date)), default=None)


def dates(text, sent=None, day_first=False):
    """Dates in any common English form, in order, as far as they are written.

    Parameters
    ----------
    text : str
    sent : date, optional
        With it, a text without a written date is read as a relative one ("tomorrow") by ctparse.
    day_first : bool
        Which order of 1/5/10 is the likelier; both are given.

    Examples
    --------
    >>> import datetime as dt
    >>> from hybridlab.grounding import dates
    >>> dates("sent 5 Jan 2010")
    [Reading(start=5, end=15, values=(Day(year=2010, month=1, day=5),))]
    >>> dates("see you tomorrow", sent=dt.date(2026, 3, 4))[0].values
    (Day(year=2026, month=3, day=5),)
    """
    found = sorted((Reading(match.start(), match.end(), days) for pattern in _DATES
                    for match in pattern.finditer(text) if (days := _days(match, day_first))),
                   key=lambda reading: (reading.start, -reading.end))
    apart = [reading for i, reading in enumerate(found)
             if all(reading.start >= other.end for other in found[:i])]
    return apart or (_relative(text, sent) if sent else [])


_MONTHS = "january february march april may june july august september october november december".split()
_SHORT_MONTHS = [name[:3] for name in _MONTHS]
_MONTH = r"(?P<m>" + "|".join(f"{name[:3]}(?:{name[3:]})?" if name != "september" else "sept?(?:ember)?"
                              for name in _MONTHS) + r")\b\.?"
_DAY, _YEAR = r"(?P<d>\d{1,2})(?:st|nd|rd|th)?", r"(?P<y>\d{4}|'?\d{2})\b"
_DATES = [re.compile(pattern, re.IGNORECASE) for pattern in (
    r"(?<!\d)(?P<y>\d{4})(?P<mark>[-/.]?)(?P<m>\d{2})(?P=mark)(?P<d>\d{2})(?!\d)",
    r"(?<!\d)(?P<y>\d{4})\u5e74\s?(?P<m>\d{1,2})\u6708\s?(?P<d>\d{1,2})\u65e5",
    rf"(?<!\d){_DAY}(?:\s+of)?[\s/-]*{_MONTH}(?:,?[\s/-]*{_YEAR})?",
    rf"\b{_MONTH}[\s-]*(?:the\s+)?{_DAY}\b(?:,?[\s-]+{_YEAR})?",
    rf"\b{_MONTH},?\s+(?:of\s+)?(?P<y>\d{{4}})\b",
    r"(?<![\d/.-])(?P<d>\d{1,2})(?P<either>[-/.])(?P<m>\d{1,2})(?:(?P=either)(?P<y>\d{4}|\d{2}))?(?![\d/])")]


def _days(match, day_first):
    parts = match.groupdict()
    year = int(parts["y"].strip("'")) if parts["y"] else None
    if year is not None and year < 100:
        year += 2000 if year < 70 else 1900
    month = int(parts["m"]) if parts["m"].isdigit() else 1 + _SHORT_MONTHS.index(parts["m"][:3].lower())
    days = [Day(year, month, int(parts["d"]) if parts.get("d") else None)]
    if "either" in parts:
        days.insert(1 if day_first else 0, Day(year, days[0].day, month))
    return tuple(dict.fromkeys(day for day in days if _date(day.year or 2000, day.month, day.day)))


def _date(year, month, day):
    try:
        return dt.date(year, month, day or 1)
    except ValueError:
        return None


def _agrees(written, date):
    parts = zip(written, (date.year, date.month, date.day))
    return all(part is None or part == true for part, true in parts)


_COUNTED = re.compile(r"\b(?:in|within)\s+(?P<ahead>[\w -]{1,20}?)\s+(day|week|fortnight)s?\b|"
                      r"\b(?P<ago>\w+|a couple of)\s+(day|week|fortnight)s?\s+ago\b|"
                      r"\b(?P<named>day after tomorrow|day before yesterday)\b", re.IGNORECASE)
_LENGTHS = {"day": 1, "week": 7, "fortnight": 14}


def _relative(text, sent):
    """A counted distance, else what ctparse reads; "next" and "last" leave open which of two weeks.

    "Sunday week" is a week after Sunday.
    """
    counted = _COUNTED.search(text)
    if counted:
        days = _distance(counted)
        return [Reading(*counted.span(), (_day(sent + dt.timedelta(days)),))] if days is not None else []
    from ctparse import ctparse

    logging.getLogger("ctparse").setLevel(logging.ERROR)
    found = ctparse(text[:300], ts=dt.datetime.combine(sent, dt.time(12)), timeout=0, latent_time=False)
    time = found and getattr(found.resolution, "t_from", found.resolution)
    if not getattr(time, "hasDate", False):
        return []
    first = dt.date(time.year, time.month, time.day)
    weeks = [0, 7] if re.search(r"\b(?:next|last)\b", text, re.IGNORECASE) else [0]
    weeks = [-7] if re.search(r"day week\b|\bweek on \w+day\b", text, re.IGNORECASE) else weeks
    days = tuple(_day(first - dt.timedelta(back)) for back in weeks)
    return [Reading(found.resolution.mstart, found.resolution.mend, days)]


def _distance(counted):
    if counted["named"]:
        return 2 if "after" in counted["named"].lower() else -2
    count = counted["ahead"] or counted["ago"]
    values = (1,) if count.lower() in ("a", "an") else next((r.values for r in numbers(count)), None)
    unit = _LENGTHS[(counted[2] or counted[4]).lower()]
    if not values or values[0] > FARTHEST:
        return None
    return int(values[0] * unit) * (1 if counted["ahead"] else -1)


def _day(date):
    return Day(date.year, date.month, date.day)


def _strings(**values):
    for name, value in values.items():
        if not isinstance(value, str):
            raise BadInput(f"{name} is {value!r}", expected="a string")
