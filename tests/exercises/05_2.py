"""Typical answers to exercise 2 of lab 05."""

import re


def every_number(number, span):
    return number in [int(found.replace(",", "")) for found in re.findall(r"\d+(?:,\d{3})*", span)]


def as_it_stands(number, span):
    return str(number) in span


def digits_anywhere(number, span):
    return str(number) in span.replace(",", "")


def split_at_commas(number, span):
    return str(number) in re.findall(r"\d+", span) or f"{number:,}" in span


def first_only(number, span):
    found = re.search(r"\d+(?:,\d{3})*", span)
    return bool(found) and int(found.group().replace(",", "")) == number


def by_word(number, span):
    return str(number) in [word.replace(",", "") for word in span.split()]


RIGHT = [every_number]
WRONG = [
    (as_it_stands, "take the commas out"),
    (digits_anywhere, "another number"),
    (split_at_commas, "ends in 800"),
    (first_only, "every number"),
    (by_word, "full stop"),
    (3800, "function"),
]
