"""Typical answers to exercise 1 of lab 03b."""

import numpy as np


def arriving(answered, usd):
    arrive = 1 - np.append(0, np.cumsum(answered)[:-1])
    return float(arrive @ np.asarray(usd))


def in_a_loop(answered, usd):
    left, paid = 1.0, 0.0
    for share, price in zip(answered, usd):
        paid += left * price
        left -= share
    return paid


def only_who_answers(answered, usd):
    return float(np.dot(answered, usd))


def mean_price(answered, usd):
    return float(np.mean(usd))


def everybody(answered, usd):
    return float(np.sum(usd))


def from_the_front(answered, usd):
    return float(np.cumsum(answered) @ np.asarray(usd))


def from_the_answers(answered, usd):
    return float(np.cumsum(answered[::-1])[::-1] @ np.asarray(usd))


RIGHT = [arriving, in_a_loop]
WRONG = [
    (only_who_answers, "only for the tier that answers"),
    (mean_price, "price list"),
    (everybody, "a vote does so"),
    (from_the_front, "from the front"),
    (from_the_answers, "arrives"),
    (0.00207, "function"),
]
