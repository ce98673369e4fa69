"""Typical answers to exercise 2 of lab 01c."""

from hybridlab import results

REST = {"cost": 2, "latency": 1, "reasons": 2, "upkeep": 2}


def lead(name):
    """Classical ahead of the LLM in one criterion."""
    one, two = (results.get(f"lab01c:scorecard.{option}.scores.{name}") for option in ("classical", "llm"))
    return one - two


BEHIND = sum(weight * lead(name) for name, weight in REST.items())
TIE = BEHIND / -lead("quality")

RIGHT = [(TIE, TIE / (TIE + 7))]
WRONG = [
    ((-TIE, TIE / (TIE + 7)), "sign"),
    ((TIE - 4, (TIE - 4) / (TIE + 3)), "Leave quality itself out"),
    ((TIE, TIE / 11), "the whole weighs more"),
    ((TIE / (TIE + 7), TIE), "Set the two"),
    ((TIE, 1 - TIE / (TIE + 7)), "other weights"),
    (TIE, "pair"),
]
