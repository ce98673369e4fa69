"""Typical answers to exercise 2 of lab 00."""

from hybridlab.tiers import ABSTAIN

LABELS = ("positive", "negative")


def right(reply):
    word = reply.strip().rstrip(".").casefold()
    return word if word in LABELS else ABSTAIN


def exact_only(reply):
    return reply if reply in LABELS else ABSTAIN


def default(reply):
    return "positive" if reply.strip().rstrip(".").lower() == "positive" else "negative"


def search(reply):
    found = [label for label in LABELS if label in reply.lower()]
    return found[0] if found else ABSTAIN


def beginning(reply):
    word = reply.strip().rstrip(".").lower()
    return next((label for label in LABELS if word and label.startswith(word)), ABSTAIN)


def nothing(reply):
    reply.strip()


def only_labels(reply):
    word = reply.strip().rstrip(".").lower()
    if word in LABELS:
        return word


def none_for_unknown_words(reply):
    return only_labels(reply) if reply else ABSTAIN


RIGHT = [right]
WRONG = [
    (nothing, "end it with"),
    (only_labels, "For '' the function returns None"),
    (none_for_unknown_words, "For 'mixed' the function returns None"),
    (exact_only, "mind case"),
    (default, "empty reply"),
    (search, "do not search"),
    (beginning, "not exactly a label"),
    ("positive", "function"),
]
