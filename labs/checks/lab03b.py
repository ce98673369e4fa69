"""Checks of lab 03b."""

import math

import numpy as np

from hybridlab import check


def near(value, wanted, within=1e-9):
    return math.isclose(check.number(value), wanted, rel_tol=0, abs_tol=within)


def check_03b_1(average_usd):
    """The mean price of a row that pays for every tier it has asked."""
    check.that(callable(average_usd), "`average_usd` is a function of two lists: shares answered, and prices.")
    answered, usd = [0.3, 0.5, 0.2], [0, 0.0001, 0.01]
    found = average_usd(answered, usd)
    for wrong, hint in (
            (0.00205, "That pays only for the tier that answers, as the chapter did. The rows that the last tier "
                      "answers have asked the second one as well."),
            (sum(usd) / 3, "That is the mean of the price list. Not every tier is asked equally often."),
            (sum(usd), "That asks every tier about every row; a vote does so, a cascade stops."),
            (0.01008, "You add up the shares from the front. The first tier is asked about all rows, and each "
                      "answer leaves fewer for the next.")):
        check.that(not near(found, wrong), hint)
    check.that(near(found, 0.00207), "All rows pay the first tier, seven in ten the second, two in ten the third: "
                                     "0.7 x 0.0001 + 0.2 x 0.01.")
    unanswered = average_usd([0.3, 0.4, 0.2], usd)
    check.that(near(unanswered, 0.00307), "Now a tenth of the rows gets no answer. They have asked every tier: count "
                                          "who *arrives* at a tier, not who is answered from there on.")
    check.that(near(average_usd([1.0], [0.25]), 0.25), "One tier that answers everything costs its own price.")
    check.right("$0.00207. A share of answers is not a share of calls.")


def rows(right, n=20):
    """Outcomes with ``right`` ones among ``n`` rows."""
    return (np.arange(n) < right).astype(int)


def check_03b_2(gap_recovered):
    """PGR from outcomes row by row."""
    check.that(callable(gap_recovered), "`gap_recovered` is a function of three lists of 0 and 1.")

    def ask(routed, cheap, dear):
        try:
            return gap_recovered(rows(routed), rows(cheap), rows(dear))
        except ZeroDivisionError:
            return math.inf

    found = ask(16, 10, 18)  # .8 between .5 and .9
    for wrong, hint in (
            (0.8 / 0.9, "That is the share of the dear tier's quality. A router that never calls it gets most of that "
                        "for nothing: start counting at the cheap tier."),
            (0.3, "That is the gain in quality. Divide it by the gap between the two tiers."),
            (0.25, "That is the part of the gap that is still open."),
            (0.6, "You divide by the cheap tier's quality; divide by the gap.")):
        check.that(not near(found, wrong), hint)
    check.that(near(found, 0.75), "Between .5 and .9 a system that is right on .8 has made three quarters of the way.")
    check.that(near(ask(20, 10, 18), 1.25), "A router may beat the dear tier, where the cheap one is right and the dear "
                                            "one wrong: do not cut at 1.")
    check.that(near(ask(8, 10, 18), -0.25), "A router may be worse than the cheap tier: then PGR is below 0.")
    level, worse = ask(10, 10, 10), ask(9, 10, 8)
    check.that(level is None, f"Two tiers of the same quality have no gap; you return {level!r}. Return None.")
    check.that(worse is None, f"The dear tier is worse here, so there is no gap to recover; you return {worse!r}. "
                              "Return None.")
    check.right("and a random router that passes on the share s recovers s of it: never read PGR without the share.")


def check_03b_3(weighted_vote):
    """A vote by confidence, abstentions and ties included."""
    check.that(callable(weighted_vote), "`weighted_vote` is a function of labels and confidences.")

    def ask(labels, confidences):
        try:
            return weighted_vote(labels, confidences)
        except (ValueError, IndexError, KeyError) as error:
            return f"an error ({type(error).__name__})"

    check.that(ask(["great", "other", "great"], [0.3, 0.9, 0.4]) == "other",
               "Two votes of 0.3 and 0.4 for great, one of 0.9 for other: heads are not counted, confidences are.")
    check.that(ask(["great", "great", "other"], [0.5, 0.6, 0.9]) == "great",
               "0.5 and 0.6 for great add up to more than 0.9 for other: the loudest voter alone does not decide.")
    silent = ask(["<abstain>", "great", "other"], [0.95, 0.6, 0.5])
    check.that(silent != "<abstain>", "The first tier abstains with a confidence of 0.95. That is no vote for silence.")
    check.that(silent == "great", f"Without the silent voter it is 0.6 against 0.5 for great; you say {silent!r}.")
    nobody = ask(["<abstain>", "<abstain>"], [0.0, 0.4])
    check.that(nobody == "<abstain>", f"Nobody votes and you say {nobody!r}. There is no default label: say '<abstain>'.")
    check.that(ask(["great", "other"], [0.7, 0.7]) == "other", "0.7 against 0.7 is a tie; it goes to the label given "
                                                                "later, which the dearer tier gave.")
    check.that(ask(["other", "great"], [0.7, 0.7]) == "great", "A tie goes to the label given later, whatever the "
                                                                "alphabet says.")
    check.right("an abstention says nothing, and a tie is decided by a rule that was written down before.")


def check_03b_4(most_usd):
    """The most that a router may cost before a random router does as well."""
    check.that(callable(most_usd), "`most_usd` is a function of recovered, share, cheap_usd and strong_usd.")
    found = most_usd(0.6, 0.3, 0.0001, 0.0101)
    for wrong, hint in (
            (0.006, "A random router that passes on three rows in ten recovers three tenths for nothing: subtract the "
                    "share."),
            (0.007, "That compares with asking the strong tier about every row. Compare with a random router of the "
                    "same quality."),
            (0.00303, "A row that is passed on saves the cheap tier's call: take the difference of the prices."),
            (0.3, "That is the share of calls that the router saves. What is a call worth?")):
        check.that(not near(found, wrong), hint)
    check.that(near(found, 0.003), "A random router recovers 0.6 of the gap by passing on 0.6 of the rows, you pass on "
                                   "0.3: you save 0.3 of the extra price of a strong call, 0.01.")
    below = check.number(most_usd(0.2, 0.3, 0.0001, 0.0101))
    check.that(below >= 0, f"A router that recovers 0.2 of the gap with 0.3 of the rows is worth nothing; you return "
                           f"{below:g}. Nobody pays you to use it: return 0.")
    check.that(near(below, 0), "A router that a random one beats may cost nothing at all: return 0.")
    check.right("so a router that calls a model must recover a lot more than the share that it passes on.")
