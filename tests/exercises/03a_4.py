"""Typical answers to exercise 4 of lab 03a."""

import numpy as np

from hybridlab import risk


def scored(fit_rows, confidence, correct, *judged):
    fitted = risk.Calibrator("isotonic").fit(confidence[fit_rows], correct[fit_rows])
    return tuple(risk.brier(fitted.transform(confidence[at]), correct[at]) for at in judged)


def honest(confidence, correct, fit_rows, new_rows):
    return scored(fit_rows, confidence, correct, fit_rows, new_rows)


def wrong_way_round(confidence, correct, fit_rows, new_rows):
    return scored(fit_rows, confidence, correct, new_rows, fit_rows)


def raw(confidence, correct, fit_rows, new_rows):
    return tuple(risk.brier(confidence[at], correct[at]) for at in (fit_rows, new_rows))


def leaked(confidence, correct, fit_rows, new_rows):
    return scored(np.concatenate([fit_rows, new_rows]), confidence, correct, fit_rows, new_rows)


def taught_on_everything(confidence, correct, fit_rows, new_rows):
    return scored(np.arange(len(confidence)), confidence, correct, fit_rows, new_rows)


def a_map_each(confidence, correct, fit_rows, new_rows):
    return scored(fit_rows, confidence, correct, fit_rows) + scored(new_rows, confidence, correct, new_rows)


def twice_its_own(confidence, correct, fit_rows, new_rows):
    return scored(fit_rows, confidence, correct, fit_rows, fit_rows)


def one_number(confidence, correct, fit_rows, new_rows):
    return scored(fit_rows, confidence, correct, new_rows)[0]


def by_platt(confidence, correct, fit_rows, new_rows):
    fitted = risk.Calibrator("platt").fit(confidence[fit_rows], correct[fit_rows])
    return tuple(risk.brier(fitted.transform(confidence[at]), correct[at]) for at in (fit_rows, new_rows))


RIGHT = [honest]
WRONG = [
    (0.15, "is a function"),
    (one_number, "Return a pair"),
    (wrong_way_round, "wrong way round"),
    (raw, "raw confidence"),
    (leaked, "helped to teach"),
    (a_map_each, "map of its own"),
    (twice_its_own, "Both scores are the same"),
    (by_platt, "isotonic"),
]
