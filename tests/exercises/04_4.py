"""Typical answers to exercise 4 of lab 04."""


def window(shares, quality, floor, cheap_usd, strong_usd):
    p_star = 1 - cheap_usd / strong_usd
    allowed = [share for share, right in zip(shares, quality) if right >= floor and share <= p_star]
    return (min(allowed), max(allowed)) if allowed else None


def price_alone(shares, quality, floor, cheap_usd, strong_usd):
    allowed = [share for share in shares if share <= 1 - cheap_usd / strong_usd]
    return min(allowed), max(allowed)


def quality_alone(shares, quality, floor, cheap_usd, strong_usd):
    allowed = [share for share, right in zip(shares, quality) if right >= floor]
    return min(allowed), max(allowed)


def up_to_p_star(shares, quality, floor, cheap_usd, strong_usd):
    first = next(share for share, right in zip(shares, quality) if right >= floor)
    return first, 1 - cheap_usd / strong_usd


def always_a_pair(shares, quality, floor, cheap_usd, strong_usd):
    return window(shares, quality, floor, cheap_usd, strong_usd) or (0, 0)


def strictly_cheaper(shares, quality, floor, cheap_usd, strong_usd):
    p_star = 1 - cheap_usd / strong_usd
    allowed = [share for share, right in zip(shares, quality) if right >= floor and share < p_star]
    return (min(allowed), max(allowed)) if allowed else None


RIGHT = [window]
WRONG = [
    (price_alone, "below the floor"),
    (quality_alone, "costs more than the strong tier"),
    (up_to_p_star, "measured"),
    (always_a_pair, "return None"),
    (strictly_cheaper, "exactly at p*"),
]
