"""Typical answers to exercise 2 of lab 03b."""

import numpy as np


def by_the_gap(routed, cheap, dear):
    routed, cheap, dear = (float(np.mean(one)) for one in (routed, cheap, dear))
    return None if dear <= cheap else (routed - cheap) / (dear - cheap)


def in_sums(routed, cheap, dear):
    gap = sum(dear) - sum(cheap)
    return float((sum(routed) - sum(cheap)) / gap) if gap > 0 else None


def of_the_dear(routed, cheap, dear):
    return float(np.mean(routed) / np.mean(dear))


def gain(routed, cheap, dear):
    return float(np.mean(routed) - np.mean(cheap))


def still_open(routed, cheap, dear):
    return float((np.mean(dear) - np.mean(routed)) / (np.mean(dear) - np.mean(cheap)))


def by_the_cheap(routed, cheap, dear):
    return float((np.mean(routed) - np.mean(cheap)) / np.mean(cheap))


def cut_at_one(routed, cheap, dear):
    found = by_the_gap(routed, cheap, dear)
    return None if found is None else min(found, 1.0)


def never_below_zero(routed, cheap, dear):
    found = by_the_gap(routed, cheap, dear)
    return None if found is None else max(found, 0.0)


def no_gap_forgotten(routed, cheap, dear):
    routed, cheap, dear = (float(np.mean(one)) for one in (routed, cheap, dear))
    return (routed - cheap) / (dear - cheap)


def only_equal(routed, cheap, dear):
    routed, cheap, dear = (float(np.mean(one)) for one in (routed, cheap, dear))
    return None if dear == cheap else (routed - cheap) / (dear - cheap)


RIGHT = [by_the_gap, in_sums]
WRONG = [
    (of_the_dear, "dear tier's quality"),
    (gain, "Divide it by the gap"),
    (still_open, "still open"),
    (by_the_cheap, "divide by the cheap"),
    (cut_at_one, "do not cut at 1"),
    (never_below_zero, "below 0"),
    (no_gap_forgotten, "same quality"),
    (only_equal, "worse here"),
    (0.75, "function"),
]
