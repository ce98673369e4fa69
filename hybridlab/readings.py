"""What a text can be read as: numbers in figures or words, and days, written out or near the day it was sent."""

import datetime as dt
import functools
import logging
import re
from typing import NamedTuple


class Reading(NamedTuple):
    """What ``text[start:end]`` can be read as, likeliest first."""

    start: int
    end: int
    values: tuple


def numbers(text):
    """Numbers in figures or English words, in order.

    Separators of thousands, decimal points and commas, signs, "k" and "million", dozens and halves are read;
    3.800 and "12 345" have several readings. Ordinals, and digits inside a word such as B737, are no numbers.

    Examples
    --------
    >>> from hybridlab.readings import numbers
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
        With it, a text without a written date is read as a relative one ("tomorrow", "a week on Friday"; by
        ctparse, "the 14th"). A weekday is the first after ``sent``, "next Friday" the one of the next calendar
        week, or else that first one: both are given.
    day_first : bool
        Which order of 1/5/10 is the likelier; both are given.

    Examples
    --------
    >>> import datetime as dt
    >>> from hybridlab.readings import dates
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


_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_SHORT_WEEKDAYS = [name[:3] for name in _WEEKDAYS]
# "sat", "sun" and "wed" are words too: in small letters only alone or after a word that calls for a day.
_WEEKDAY = (r"(?:(?:mon|tues?|thu(?:rs?)?|fri)(?:day)?|(?:wednes|satur|sat'|sun)day|"
            r"(?-i:Wed|Sat|Sun|WED|SAT|SUN)|\A(?:wed|sat|sun)\Z|"
            r"(?:(?<=\bon\s)|(?<=\bby\s)|(?<=next\s)|(?<=this\s))(?:wed|sat|sun))\b\.?")
_COUNTED = re.compile(r"\b(?:in|within)\s+(?P<ahead>[\w -]{1,20}?)\s+(day|week|fortnight)s?\b|"
                      r"\b(?P<ago>\w+|a couple of)\s+(day|week|fortnight)s?\s+ago\b|"
                      r"\b(?P<named>day after tomorrow|day before yesterday)\b", re.IGNORECASE)
_LENGTHS = {"day": 1, "week": 7, "fortnight": 14}
_NEAR = re.compile(rf"""
    \b(?P<week>(?:a\s+)?week\s+(?:on\s+|from\s+)?)?(?P<turn>(?:next|this|last|past)\s+)?
    (?P<day>today|tonight|tomorrow|yesterday|this\s+(?:morning|afternoon|evening)|{_WEEKDAY})
    (?P<later>\s+week\b|\s+after\s+next\b|\s+(?:of\s+)?next\s+week\b|\s+(?:coming|last)\b|
              ,?\s+next\b(?!\s+(?:to|door|time|month|year|{_WEEKDAY})))?""", re.IGNORECASE | re.VERBOSE)
_FIXED = {"eve": (12, 24), "day": (12, 25), "boxing": (12, 26), "last": (12, 31), "first": (1, 1)}
_FEASTS = re.compile(r"\b(?:(?P<eve>christmas eve)|(?P<day>christmas day)|(?P<boxing>boxing day)|"
                     r"(?P<last>new year'?s eve)|(?P<first>new year'?s day))\b", re.IGNORECASE)
_NAMED_DAYS = {"tomorrow": 1, "yesterday": -1}
AROUND = 30
# What ctparse could read as a day: it is slow, so it is asked about the characters around such words only.
_DAYLIKE = re.compile(r"\d(?:st|nd|rd|th)\b|\b(?:day|week|month|year|weekend|morning|noon|night|midnight|evening|"
                      r"afternoon|eom|eoy|christmas|new\s+year|first|second|third)\w*", re.IGNORECASE)


def _relative(text, sent):
    """A counted distance, or days near ``sent`` by their names, or what ctparse reads."""
    counted = _COUNTED.search(text)
    if counted:
        days = _distance(counted)
        return [Reading(*counted.span(), (_day(sent + dt.timedelta(days)),))] if days is not None else []
    near = [Reading(*match.span(), tuple(_day(sent + dt.timedelta(days)) for days in _days_ahead(match, sent)))
            for match in _NEAR.finditer(text)]
    if near:
        return near
    feast = _FEASTS.search(text)
    if feast:
        return [Reading(*feast.span(), (Day(None, *_FIXED[feast.lastgroup]),))]
    hint = _DAYLIKE.search(text)
    if not hint:
        return []
    around = text.rfind(" ", 0, max(hint.start() - AROUND, 0)) + 1
    return [reading._replace(start=reading.start + around, end=reading.end + around)
            for reading in _parsed(text[around:hint.end() + AROUND], sent)]


def _days_ahead(near, sent):
    """How many days away it can be, likeliest first."""
    word = near["day"].lower()
    turn, later = ((near[name] or "").strip(" ,").lower() for name in ("turn", "later"))
    on = 7 if near["week"] or later == "week" else 0
    later = "next" if later.endswith("next week") else later
    if word[:3] not in _SHORT_WEEKDAYS:
        return (_NAMED_DAYS.get(word, 0) + on,)
    at = _SHORT_WEEKDAYS.index(word[:3])
    first = (at - sent.weekday() - 1) % 7 + 1
    in_next_week = 7 - sent.weekday() + at
    if "last" in (turn, later) or turn == "past":
        return first - 7 - 7 * (first == 7), first - 14
    if later == "after next":
        return (in_next_week + 7,)
    if "next" in (turn, later):
        return tuple(dict.fromkeys((in_next_week + on, first + on)))
    return (first + on,)


@functools.lru_cache(maxsize=256)
def _parsed(text, sent):
    from ctparse import ctparse

    logging.getLogger("ctparse").setLevel(logging.ERROR)
    found = ctparse(text, ts=dt.datetime.combine(sent, dt.time(12)), timeout=0, latent_time=False)
    time = found and getattr(found.resolution, "t_from", found.resolution)
    if not getattr(time, "hasDate", False) or text[found.resolution.mend:][:1].isalnum():
        return ()
    return (Reading(found.resolution.mstart, found.resolution.mend, (Day(time.year, time.month, time.day),)),)


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
