"""Checks of lab 01c."""

import functools
import math

import pandas as pd

from hybridlab import check, datasets, decide, results
from hybridlab.errors import BadInput

WEIGHTS = {"quality": 4, "cost": 2, "latency": 1, "reasons": 2, "upkeep": 2}


@functools.cache
def volume():
    """How many problems the volume question concerns, and how many it decides."""
    row = decide.reachability().loc["volume"]
    return int(row["applies"]), int(row["decides"])


def check_01c_1(answer):
    """Problems that change their answer when volume is asked first, and one with four answers."""
    check.that(isinstance(answer, tuple) and len(answer) == 2, "`answer` is a pair: (changed, problem).")
    changed, problem = check.number(answer[0]), answer[1]
    applies, decides = volume()
    check.that(changed != applies, "That is every problem which the question concerns. Some of them it "
                                   "decided before, too: their answer stays.")
    check.that(changed != decides, "That is what the question decides in the old order: those answers stay.")
    check.that(changed > 1, "Count problems, not a share of them.")
    check.close(changed, applies - decides, "A problem changes when volume concerns it and an earlier "
                                            "question had answered it; no other question answers triage.")
    check.that(isinstance(problem, dict), "`problem` is a dictionary such as {'labels': 'none'}.")
    try:
        facts = decide.recommend(problem).facts
    except BadInput as wrong:
        check.that(False, f"The framework does not take this problem: {wrong.what}.")
    row = pd.DataFrame([facts], columns=[axis["name"] for axis in decide.framework()["axes"]])
    ways = int(decide.order_dependence(table=row).index[0])
    check.that(ways >= 4, f"This problem has {ways} different answers. Make questions apply that answer "
                          "rules, classical, llm and triage.")
    check.right("when two questions that apply disagree, the order decides, not the problem.")


def check_01c_2(answer):
    """The weight of quality at which two options tie, and its share of all weight."""
    check.that(isinstance(answer, tuple) and len(answer) == 2, "`answer` is a pair: (weight, share).")
    weight, share = map(check.number, answer)
    scores = {option: {name: results.get(f"lab01c:scorecard.{option}.scores.{name}") for name in WEIGHTS}
              for option in ("classical", "llm")}
    lead = {name: scores["classical"][name] - scores["llm"][name] for name in WEIGHTS}
    behind = sum(weight * lead[name] for name, weight in WEIGHTS.items() if name != "quality")
    wanted, rest = behind / -lead["quality"], sum(WEIGHTS.values()) - WEIGHTS["quality"]
    check.that(not math.isclose(weight, -wanted, rel_tol=1e-3),
               "The sign is turned: what one option gains in quality has to make up for its lag in the rest.")
    with_quality = (behind + WEIGHTS["quality"] * lead["quality"]) / -lead["quality"]
    check.that(not math.isclose(weight, with_quality, rel_tol=1e-3),
               "Leave quality itself out of the sum: its weight is what you are looking for.")
    check.close(weight, wanted, "Set the two weighted sums equal and solve for the weight of quality.",
                within=0.01)
    check.that(not math.isclose(share, weight / sum(WEIGHTS.values()), rel_tol=1e-3),
               "When quality weighs more, the whole weighs more: divide by the new sum of weights.")
    check.close(share, weight / (weight + rest), "The share is weight / (weight + the other weights).",
                within=0.001)
    check.right("the distance from the weight you wrote to this one is how far the card has decided.")


def check_01c_3(answer):
    """Coverage, precision and false positives of the first number in the tune reports."""
    check.that(isinstance(answer, tuple) and len(answer) == 3,
               "`answer` has three parts: (coverage, precision, false positives).")
    coverage, precision, wrong = map(check.number, answer)
    reports = datasets.load("hhs", "tune")
    filed, found = reports["individuals_affected"].astype(int), reports["text"].str.extract(r"(\d[\d,]*)")[0]
    given = found.dropna().str.replace(",", "").astype(int)
    n, right = len(reports), int((given == filed[given.index]).sum())
    check.that(0 <= coverage <= 1 and 0 <= precision <= 1, "Coverage and precision are shares from 0 to 1.")
    check.that(not math.isclose(coverage, right / n), "That is the share of all reports answered rightly. "
                                                      "Coverage counts every answer, right or wrong.")
    check.close(coverage, len(given) / n, "Coverage is answers / reports; a report without a number has "
                                          "no answer.", within=1e-4)
    unread = int((found.dropna() == filed[given.index].astype(str)).sum())
    check.that(not math.isclose(precision, unread / len(given)),
               "'3,800' and 3800 are the same number: take the commas out before you compare.")
    check.that(not math.isclose(precision, right / n), "Precision divides by the answers given, "
                                                       "not by all reports.")
    check.close(precision, right / len(given), "Precision is right answers / answers given.", within=1e-4)
    check.that(wrong != n - right, "An empty field is a miss, not a false positive: nobody is misled by it.")
    check.close(wrong, len(given) - right, "A false positive is an answer that is given and wrong.")
    check.right("a rule that nearly always answers is not a rule that is nearly always right.")
