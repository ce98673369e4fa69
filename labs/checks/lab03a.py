"""Checks of lab 03a."""

import math

import numpy as np
from scipy.stats import binom

from hybridlab import check, risk

SAYS = np.array([0.94, 0.55, 0.98, 0.6, 0.9, 0.65, 0.96, 0.92])
HIT = np.array([0, 1, 1, 1, 1, 0, 1, 1], dtype=bool)
TIED = np.array([0.9, 0.6, 0.6, 0.95, 0.6, 0.6, 0.8, 0.6])
TIED_HIT = np.array([1, 1, 1, 0, 1, 1, 0, 1], dtype=bool)  # the tied rows are alike: their order does not matter
TEN = np.array([0.97, 0.52, 0.71, 0.88, 0.6, 0.93, 0.8, 0.56, 0.66, 0.99])
TEN_HIT = np.array([1, 0, 1, 1, 1, 1, 0, 0, 1, 1], dtype=bool)


def same(found, wanted):
    """Whether an answer is that number; None and text are not."""
    return isinstance(found, (int, float, np.number)) and math.isclose(found, wanted, abs_tol=1e-6)


def mass(confidence, correct, bins, weigh=True):
    """The gap in bins of equal mass."""
    groups = np.array_split(np.argsort(confidence), bins)
    gaps = [abs(correct[group].mean() - confidence[group].mean()) for group in groups]
    return float(np.average(gaps, weights=[len(group) for group in groups] if weigh else None))


def check_03a_1(ece_mass):
    """Expected calibration error in bins of equal mass."""
    check.that(callable(ece_mass), "`ece_mass` is a function of confidence, correct and bins.")
    found = ece_mass(SAYS.copy(), HIT.copy(), 4)
    check.that(found is not None, "The function returns nothing yet: end it with `return ...`.")
    check.that(not same(found, risk.ece(SAYS, HIT, bins=4)),
               "These are bins of equal width. Sort the rows and give every bin as many of them.")
    unsorted = np.array_split(np.arange(8), 4)
    check.that(not same(found, np.mean([abs(HIT[at].mean() - SAYS[at].mean()) for at in unsorted])),
               "The rows are cut in the order in which they came: sort them by confidence first.")
    check.that(not same(found, abs(HIT - SAYS).mean()),
               "That is the gap of single rows, and a single row is right or wrong: take the means of a bin first.")
    check.that(not same(found, abs(HIT.mean() - SAYS.mean())),
               "Too high in one bin and too low in another may not cancel: take the absolute gap of each bin.")
    check.close(found, mass(SAYS, HIT, 4),
                "Eight rows in four bins: two rows a bin, gaps .425, .275, .43 and .03.")
    seven = ece_mass(SAYS[:7], HIT[:7], 3)
    check.that(not same(seven, mass(SAYS[:7], HIT[:7], 3, weigh=False)),
               "Seven rows in three bins: one bin has three rows, so weigh the gaps by the number of rows.")
    check.close(seven, mass(SAYS[:7], HIT[:7], 3), "Seven rows in three bins: cut them as `np.array_split` does.")
    check.close(ece_mass(TIED.copy(), TIED_HIT.copy(), 4), mass(TIED, TIED_HIT, 4),
                "Five of eight rows are equally sure, and still there are four bins of two rows: cut the sorted rows "
                "by their number, not at values of the confidence.")
    check.close(ece_mass(TEN.copy(), TEN_HIT.copy(), 4), mass(TEN, TEN_HIT, 4),
                "Ten rows in four bins: 3, 3, 2 and 2 rows, the larger bins first, as `np.array_split` cuts them.")
    check.right("with equal mass no bin stands on two rows, and none hides the crowd at the top.")


def check_03a_2(slice_accuracy):
    """Accuracy of the second tier on the rows that it gets."""
    check.that(callable(slice_accuracy), "`slice_accuracy` is a function of confidence, threshold and right.")
    confidence, right = np.array([0.9, 0.8, 0.8, 0.6, 0.5, 0.4]), np.array([1, 1, 0, 1, 0, 0], dtype=bool)
    found = slice_accuracy(confidence, 0.8, right)
    check.that(found is not None, "Three rows are passed on at 0.8, and the function returns None.")
    check.that(not same(found, 1 / 2), "That is the average over all rows. Only some of them are passed on.")
    check.that(not same(found, 2 / 3), "Those are the rows that the first tier keeps. Take the others.")
    check.that(not same(found, 2 / 5), "Two rows just reach the threshold: the first tier answers them.")
    check.that(not same(found, 1 / 6), "Divide by the rows that are passed on, not by all rows.")
    check.close(found, 1 / 3, "Three rows are passed on, and the second tier is right on one of them.")
    check.that(slice_accuracy(confidence, 0.4, right) is None,
               "At 0.4 no row is passed on: return None. There is no accuracy on nothing, neither 0 nor 1.")
    check.right("this number, and not the average, is what escalation buys.")


def needed(alpha, delta, errors):
    """The smallest number of answered rows that proves a risk of at most alpha."""
    n = errors + 1
    while binom.cdf(errors, n, alpha) > delta:
        n += 1
    return n


def check_03a_3(rows_needed):
    """Answered rows that a promise needs, given the errors among them."""
    check.that(callable(rows_needed), "`rows_needed` is a function of alpha, delta and errors.")
    found = check.number(rows_needed(0.2, 0.05))
    check.that(found != 5, "One error in 1 / alpha rows is what you expect on average; luck is not ruled out by that.")
    check.that(found != math.ceil(math.log(0.2) / math.log1p(-0.05)), "alpha and delta have changed places.")
    check.that(found != 13, "0.8 ** 13 is still above 0.05: the next whole number is the first that is enough.")
    check.that(found == int(found), "Rows are counted in whole numbers.")
    check.close(found, needed(0.2, 0.05, 0), "Without an error: if alpha of all answers were wrong, how likely are n right ones in a row? "
                "Find the first n at which that is rare enough.")
    two = check.number(rows_needed(0.2, 0.05, errors=2))
    check.that(two != needed(0.2, 0.05, 0), "Two errors need more rows than none: use `errors`.")
    check.that(two != exactly(0.2, 0.05, 2), "Luck may show two errors *or fewer*: add up the chances of 0, 1 and 2.")
    check.close(two, needed(0.2, 0.05, 2), "With errors: how likely are so few of them among n rows, if alpha of all answers were wrong? "
                "Add rows until that is at most delta.")
    check.right("a promise of one error in a hundred needs hundreds of answered rows without a single one.")


def exactly(alpha, delta, errors):
    """What comes out when the chance of exactly so many errors is taken, on the falling side."""
    n = math.ceil(errors / alpha)
    while binom.pmf(errors, n, alpha) > delta:
        n += 1
    return n


def check_03a_4(optimism):
    """Brier scores of an isotonic map on its own rows and on new ones."""
    check.that(callable(optimism), "`optimism` is a function of confidence, correct, fit_rows and new_rows.")
    rng = np.random.default_rng(3)
    truth = rng.uniform(0.5, 1, 400)
    confidence, correct = truth**0.3, rng.random(400) < truth
    fit_rows, new_rows, rest = np.split(rng.permutation(400), [60, 300])
    found = optimism(confidence, correct, fit_rows, new_rows)
    check.that(isinstance(found, (tuple, list)) and len(found) == 2, "Return a pair: (on fit_rows, on new_rows).")
    wanted = scores(fit_rows, fit_rows, new_rows, confidence, correct)
    check.that(not pair(found, wanted[::-1]), "The two are the wrong way round: first the rows that taught the map.")
    raw = [risk.brier(confidence[at], correct[at]) for at in (fit_rows, new_rows)]
    check.that(not pair(found, raw), "That is the raw confidence: transform it before you score it.")
    everything = np.concatenate([fit_rows, new_rows])
    leaks = [everything, np.arange(400), np.sort(everything)]
    check.that(not any(pair(found, scores(rows, fit_rows, new_rows, confidence, correct)) for rows in leaks),
               "The new rows helped to teach the map: that is the leak itself. Fit on fit_rows alone.")
    each = [scores(rows, rows, rows, confidence, correct)[0] for rows in (fit_rows, new_rows)]
    check.that(not pair(found, each), "A map of its own for each set of rows: both scores are then too beautiful.")
    check.that(not same(found[0], found[1]), "Both scores are the same: one of them belongs to new_rows.")
    check.that(pair(found, wanted), "Fit Calibrator('isotonic') on fit_rows, transform, and take risk.brier on each.")
    check.right(f"{wanted[0]:.3f} on its own rows, {wanted[1]:.3f} on new ones. Ask which rows a score stands on.")


def scores(fit_rows, first, second, confidence, correct):
    """Brier scores on two sets of rows of an isotonic map taught on a third."""
    fitted = risk.Calibrator("isotonic").fit(confidence[fit_rows], correct[fit_rows])
    return [risk.brier(fitted.transform(confidence[at]), correct[at]) for at in (first, second)]


def pair(found, wanted):
    """Whether two numbers are those two."""
    return all(same(one, other) for one, other in zip(found, wanted))
