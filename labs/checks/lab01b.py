"""Checks of lab 01b."""

import math

import pandas as pd

from hybridlab import check


def check_01b_1(vote_error):
    """The share of wrong labels after a majority vote of independent labellers."""
    check.that(callable(vote_error), "`vote_error` is a function of a rate and a number of votes.")
    check.close(vote_error(0.2, 1), 0.2, "One vote is the label itself: its error is the rate.")
    three = check.number(vote_error(0.2, 3))
    for wrong, hint in (
            (0.008, "That is all three wrong. Two wrong votes of three carry the majority as well."),
            (0.2 / 3, "Votes are not averaged: count the cases in which more than half are wrong."),
            (0.896, "That is the share of right labels; the error is asked for."),
            (0.096, "That is exactly two wrong. Add the case in which all three are."),
            (0.04, "Two wrong votes of three can fall in three ways: which one is right?")):
        check.that(not math.isclose(three, wrong, abs_tol=1e-9), hint)
    check.close(three, 0.104, "Three votes at 0.2: 3 x 0.2 x 0.2 x 0.8 for two wrong, and 0.008 for three.")
    check.close(vote_error(0.2, 5), 0.05792, "Three is right, five is not: sum over 3, 4 and 5 wrong votes, each with "
                                             "its number of ways, `math.comb(5, k)`.")
    check.close(vote_error(0.5, 3), 0.5, "Labellers who toss a coin do not get better by voting.")
    check.right("votes help when errors are independent; one model asked three times repeats itself.")


ROADS = pd.DataFrame({"once_usd": [0, 90, 300], "row_usd": [4e-5, 0, 0], "accuracy": [0.84, 0.78, 0.79]},
                     index=["every row", "taught", "gold"])


def check_01b_2(cheapest):
    """The cheapest road that is good enough, errors included, or None."""
    check.that(callable(cheapest), "`cheapest` is a function of roads, volume, error_usd and least.")

    def ask(volume, error_usd, least):
        try:
            return cheapest(ROADS.copy(), volume, error_usd, least)
        except ValueError:
            return "an error"

    first = ask(10_000, 0, 0)
    check.that(isinstance(first, str), f"The name of a road is asked for; this is {first!r}.")
    check.that(first == "every row", f"For 10,000 rows you say {first!r}. What is paid once has to be added to what "
                                     "the rows cost.")
    check.that(ask(10_000_000, 0, 0) == "taught", "For ten million rows without a price of errors, 'taught' costs $90 "
                                                  "and 'every row' $400: multiply a row's price by the volume.")
    check.that(ask(10_000_000, 0.001, 0) == "every row", "When an error costs a tenth of a cent, the errors decide: each "
                                                         "row costs `error_usd * (1 - accuracy)` more.")
    check.that(ask(10_000_000, 0, 0.8) == "every row", "A road below the least accuracy is out, however cheap it is.")
    check.that(ask(10_000_000, 0, 0.84) == "every row", "A road that is exactly as good as asked for is good enough.")
    check.that(ask(10_000_000, 0, 0.9) is None, "No road is good enough here: return None.")
    check.right("the wall comes first, then the sum; and the volume decides between one run and a call a row.")
