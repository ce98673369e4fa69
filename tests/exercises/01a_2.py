"""Typical answers to exercise 2 of lab 01a."""

from hybridlab.tiers import Rules

OURS = Rules.load("reviews").rules

RIGHT = [OURS, [(r"\b(four|4|three|3|two|2) stars?\b", "other"), *OURS]]
WRONG = [
    (..., "your own list"),
    ("great", "list of pairs"),
    ([("", "great")], "the dummy"),
    ([("love|great", "great"), ("stale|awful", "other")], "match no rule"),
    ([("love|great|best", "positive"), ("", "great")], "no label of this task"),
    ([("love|great|best|good", "other"), ("", "great")], "worse than the dummy"),
    ([("love|great|best|good", "other"), ("", "great")], "give it the other label"),
    ([("stale|awful|refund", "other"), ("", "great")], "better than nothing"),
    ([("stale|awful|refund", "other"), ("", "great")], "make them wider"),
    ([("taste|product|but", "other"), ("", "great")], "make it narrower"),
    ([("(great", "great"), ("", "great")], "could not be run"),
]
