"""Typical answers to exercise 2 of lab 01b."""


def total(roads, volume, error_usd):
    return roads["once_usd"] + volume * (roads["row_usd"] + error_usd * (1 - roads["accuracy"]))


def right(roads, volume, error_usd, least):
    good = roads[roads["accuracy"] >= least]
    return None if good.empty else total(good, volume, error_usd).idxmin()


def not_once(roads, volume, error_usd, least):
    return right(roads.assign(once_usd=0), volume, error_usd, least)


def one_row(roads, volume, error_usd, least):
    return right(roads, 1, error_usd, least)


def errors_free(roads, volume, error_usd, least):
    return right(roads, volume, 0, least)


def any_quality(roads, volume, error_usd, least):
    return total(roads, volume, error_usd).idxmin()


def above(roads, volume, error_usd, least):
    return right(roads, volume, error_usd, least + 1e-9 if least else 0)


def stops(roads, volume, error_usd, least):
    return total(roads[roads["accuracy"] >= least], volume, error_usd).idxmin()


def dollars(roads, volume, error_usd, least):
    return total(roads, volume, error_usd).min()


RIGHT = [right]
WRONG = [
    (not_once, "paid once"),
    (one_row, "by the volume"),
    (errors_free, "the errors decide"),
    (any_quality, "below the least accuracy"),
    (above, "exactly as good"),
    (stops, "return None"),
    (dollars, "name of a road"),
    ("taught", "function"),
]
