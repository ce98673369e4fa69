"""Typical answers to exercise 1 of lab 05."""

import re


def by_pattern(quote, text):
    found = re.search(r"\s+".join(map(re.escape, quote.split())), text, re.IGNORECASE)
    return found.span() if found else None


def plain_find(quote, text):
    start = text.find(quote)
    return None if start < 0 else (start, start + len(quote))


def minus_one(quote, text):
    start = text.lower().find(quote.lower())
    return (start, start + len(quote))


def in_a_tidied_copy(quote, text):
    start = " ".join(text.split()).lower().find(quote.lower())
    return None if start < 0 else (start, start + len(quote))


def case_alone(quote, text):
    start = text.lower().find(quote.lower())
    return None if start < 0 else (start, start + len(quote))


def unescaped(quote, text):
    found = re.search(r"\s+".join(quote.split()), text, re.IGNORECASE)
    return found.span() if found else None


def last_place(quote, text):
    places = list(re.finditer(r"\s+".join(map(re.escape, quote.split())), text, re.IGNORECASE))
    return places[-1].span() if places else None


def by_index(quote, text):
    start = text.lower().index(quote.lower())
    return start, start + len(quote)


def span_of_nothing(quote, text):
    return re.search(r"\s+".join(map(re.escape, quote.split())), text, re.IGNORECASE).span()


RIGHT = [by_pattern]
WRONG = [
    (plain_find, "Case does not matter"),
    (minus_one, "return None"),
    (by_index, "do not stop"),
    (span_of_nothing, "do not stop"),
    (in_a_tidied_copy, "as it is"),
    (case_alone, "line break"),
    (unescaped, "escape it"),
    (last_place, "first place"),
    (..., "function"),
]
