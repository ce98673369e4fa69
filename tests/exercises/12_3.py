"""Typical answers to exercise 3 of lab 12."""


def right(shares, accuracies):
    lowest = sum(max(0, share - (1 - acc)) for share, acc in zip(shares, accuracies))
    return lowest, sum(map(min, shares, accuracies))


def blind(shares, accuracies):
    mix = sum(share * acc for share, acc in zip(shares, accuracies))
    return mix, mix


def best_and_worst_tier(shares, accuracies):
    return min(accuracies), max(accuracies)


def turned(shares, accuracies):
    return right(shares, accuracies)[::-1]


def below_nothing(shares, accuracies):
    return sum(share - (1 - acc) for share, acc in zip(shares, accuracies)), right(shares, accuracies)[1]


def always_perfect(shares, accuracies):
    return right(shares, accuracies)[0], 1.0


RIGHT = [right]
WRONG = [
    (blind, "dealt out blindly"),
    (best_and_worst_tier, "no bounds"),
    (turned, "lowest comes first"),
    (below_nothing, "not -0.1"),
    (always_perfect, "cannot be right"),
    ((0.68, 1.0), "function"),
]
