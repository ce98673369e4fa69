"""Typical answers to exercise 4 of lab 05."""

from hybridlab.extract import FAILED
from hybridlab.tiers import ABSTAIN


def by_the_book(first, second):
    if first.answered and second.answered:
        return first.value, "agreed" if first.value == second.value else "conflict"
    if first.answered or not second.answered:
        return first.value, ""
    return second.value, "fallback" if first.reason in FAILED else ""


def untagged(first, second):
    if first.answered and second.answered:
        return first.value, "agreed" if first.value == second.value else ""
    return by_the_book(first, second)


def second_wins(first, second):
    if first.answered and second.answered and first.value != second.value:
        return second.value, "conflict"
    return by_the_book(first, second)


def every_gap_is_an_outage(first, second):
    value, tag = by_the_book(first, second)
    return value, "fallback" if not first.answered and second.answered else tag


def time_outs_alone(first, second):
    value, tag = by_the_book(first, second)
    return value, "" if tag == "fallback" and first.reason != "timeout" else tag


def none_is_a_gap(first, second):
    if first.value is None:
        return second.value, ""
    return by_the_book(first, second)


def lost(first, second):
    if not first.answered and first.reason in FAILED:
        return ABSTAIN, ""
    return by_the_book(first, second)


def always_tagged(first, second):
    value, tag = by_the_book(first, second)
    return value, tag or "conflict"


RIGHT = [by_the_book]
WRONG = [
    (untagged, "hides it"),
    (second_wins, "first choice stands"),
    (every_gap_is_an_outage, "no failure"),
    (time_outs_alone, "not the time-out alone"),
    (none_is_a_gap, "is an answer"),
    (lost, "timed out"),
    (always_tagged, "no tag"),
    ("conflict", "function"),
]
