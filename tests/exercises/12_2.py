"""Typical answers to exercise 2 of lab 12."""

from itertools import accumulate


def right(shares, prices):
    reached = [1 - before for before in accumulate([0, *shares[:-1]])]
    return sum(share * usd for share, usd in zip(reached, prices))


def item_by_item(shares, prices):
    paid = list(accumulate(prices))
    return sum(share * usd for share, usd in zip(shares, paid))


def answering_tier_only(shares, prices):
    return sum(share * usd for share, usd in zip(shares, prices))


def all_tiers(shares, prices):
    return sum(prices)


def stops_pay_the_next(shares, prices):
    return sum(share * usd for share, usd in zip(shares, prices[1:]))


def first_tier_for_free(shares, prices):
    return right(shares, [0, *prices[1:]])


RIGHT = [right, item_by_item]
WRONG = [
    (answering_tier_only, "asked, too"),
    (all_tiers, "ensemble"),
    (stops_pay_the_next, "stop"),
    (first_tier_for_free, "only the first is paid"),
    (0.0027, "function"),
]
