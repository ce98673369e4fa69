"""Typical answers to exercise 3 of lab 04."""


def net(hit_share, false_share, call_usd, error_usd, lookup_usd):
    return hit_share * (call_usd - false_share * error_usd) - lookup_usd


def false_hits_as_savings(hit_share, false_share, call_usd, error_usd, lookup_usd):
    return hit_share * call_usd - lookup_usd


def false_hits_as_misses(hit_share, false_share, call_usd, error_usd, lookup_usd):
    return hit_share * (1 - false_share) * call_usd - lookup_usd


def false_of_all(hit_share, false_share, call_usd, error_usd, lookup_usd):
    return hit_share * call_usd - false_share * error_usd - lookup_usd


def looked_up_on_hits(hit_share, false_share, call_usd, error_usd, lookup_usd):
    return hit_share * (call_usd - false_share * error_usd - lookup_usd)


def never_negative(hit_share, false_share, call_usd, error_usd, lookup_usd):
    return max(0.0, net(hit_share, false_share, call_usd, error_usd, lookup_usd))


def added(hit_share, false_share, call_usd, error_usd, lookup_usd):
    return hit_share * (call_usd + false_share * error_usd)


def without_look_up(hit_share, false_share, call_usd, error_usd, lookup_usd):
    return hit_share * (call_usd - false_share * error_usd)


def lost_and_paid(hit_share, false_share, call_usd, error_usd, lookup_usd):
    return hit_share * ((1 - false_share) * call_usd - false_share * error_usd) - lookup_usd


def two_errors(hit_share, false_share, call_usd, error_usd, lookup_usd):
    return hit_share * (call_usd - 2 * false_share * error_usd) - lookup_usd


RIGHT = [net]
WRONG = [
    (without_look_up, "leaves the look-up out"),
    (lost_and_paid, "charges a false hit twice"),
    (two_errors, "one wrong answer costs one"),
    (false_hits_as_savings, "leaves the false hits out"),
    (false_hits_as_misses, "the error is paid"),
    (false_of_all, "share of the hits"),
    (looked_up_on_hits, "look-up"),
    (never_negative, "negative"),
    (added, "do not add"),
]
