"""Typical answers to exercise 1 of lab 01c."""

from hybridlab import decide

VOLUME = decide.reachability().loc["volume"]
CHANGED = int(VOLUME["applies"] - VOLUME["decides"])
FOUR = {"regularity": "pattern", "input": "table", "labels": "none", "volume": "millions", "cost": "cent"}

RIGHT = [(CHANGED, FOUR), (CHANGED, {**FOUR, "labels": "few", "cost": "dollar", "output": "prose"})]
WRONG = [
    ((int(VOLUME["applies"]), FOUR), "concerns"),
    ((int(VOLUME["decides"]), FOUR), "old order"),
    ((CHANGED / 373_248, FOUR), "not a share"),
    ((CHANGED + 1, FOUR), "no other question"),
    ((CHANGED, {**FOUR, "labels": "hundreds"}), "3 different answers"),
    ((CHANGED, {**FOUR, "cost": "cheap"}), "does not take"),
    ((CHANGED, "pattern"), "dictionary"),
    (CHANGED, "pair"),
]
