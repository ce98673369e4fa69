"""Typical answers to exercise 3 of lab 03a."""

import math

from scipy.stats import binom


def enough(alpha, delta, errors=0):
    n = errors + 1
    while binom.cdf(errors, n, alpha) > delta:
        n += 1
    return n


def by_formula_and_search(alpha, delta, errors=0):
    n = math.ceil(math.log(delta) / math.log1p(-alpha))
    return next(size for size in range(n, 10_000) if binom.cdf(errors, size, alpha) <= delta)


def on_average(alpha, delta, errors=0):
    return math.ceil((errors + 1) / alpha)


def rounded_down(alpha, delta, errors=0):
    return enough(alpha, delta, errors) - 1


def changed_places(alpha, delta, errors=0):
    return enough(delta, alpha, errors)


def not_rounded(alpha, delta, errors=0):
    return math.log(delta) / math.log1p(-alpha)


def errors_forgotten(alpha, delta, errors=0):
    return enough(alpha, delta)


def exactly_so_many(alpha, delta, errors=0):
    n = math.ceil(max(errors, 1) / alpha)
    while binom.pmf(errors, n, alpha) > delta:
        n += 1
    return n


RIGHT = [enough, by_formula_and_search]
WRONG = [
    (14, "is a function"),
    (on_average, "1 / alpha"),
    (rounded_down, "still above"),
    (changed_places, "changed places"),
    (not_rounded, "whole numbers"),
    (errors_forgotten, "use `errors`"),
    (exactly_so_many, "or fewer"),
]
