"""Typical answers to exercise 4 of lab 03b."""


def beyond_random(recovered, share, cheap_usd, strong_usd):
    return max(0.0, (recovered - share) * (strong_usd - cheap_usd))


def without_the_share(recovered, share, cheap_usd, strong_usd):
    return recovered * (strong_usd - cheap_usd)


def against_always(recovered, share, cheap_usd, strong_usd):
    return (1 - share) * (strong_usd - cheap_usd)


def both_calls(recovered, share, cheap_usd, strong_usd):
    return max(0.0, (recovered - share) * strong_usd)


def a_share(recovered, share, cheap_usd, strong_usd):
    return max(0.0, recovered - share)


def below_zero(recovered, share, cheap_usd, strong_usd):
    return (recovered - share) * (strong_usd - cheap_usd)


RIGHT = [beyond_random]
WRONG = [
    (without_the_share, "subtract the share"),
    (against_always, "every row"),
    (both_calls, "difference of the prices"),
    (a_share, "What is a call worth"),
    (below_zero, "return 0"),
    (0.003, "function"),
]
