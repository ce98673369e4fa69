"""Typical answers to exercise 1 of lab 01b."""

import math


def right(rate, votes):
    wrong = range(votes // 2 + 1, votes + 1)
    return sum(math.comb(votes, k) * rate**k * (1 - rate) ** (votes - k) for k in wrong)


def by_three(rate, votes):
    return rate if votes == 1 else 3 * rate**2 * (1 - rate) + rate**3


def two_wrong(rate, votes):
    k = votes // 2 + 1
    return math.comb(votes, k) * rate**k * (1 - rate) ** (votes - k)


def without_ways(rate, votes):
    return sum(rate**k * (1 - rate) ** (votes - k) for k in range(votes // 2 + 1, votes + 1))


RIGHT = [right]
WRONG = [
    (lambda rate, votes: rate**votes, "all three wrong"),
    (lambda rate, votes: rate / votes, "not averaged"),
    (lambda rate, votes: rate if votes == 1 else 1 - right(rate, votes), "share of right labels"),
    (two_wrong, "exactly two wrong"),
    (without_ways, "three ways"),
    (by_three, "Three is right, five is not"),
    (lambda rate, votes: 1 - right(rate, votes), "One vote is the label itself"),
    (0.104, "function"),
]
