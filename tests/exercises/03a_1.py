"""Typical answers to exercise 1 of lab 03a."""

import numpy as np

from hybridlab import risk


def equal_mass(confidence, correct, bins):
    groups = np.array_split(np.argsort(confidence), bins)
    gaps = [abs(correct[group].mean() - confidence[group].mean()) for group in groups]
    return float(np.average(gaps, weights=[len(group) for group in groups]))


def equal_width(confidence, correct, bins):
    return risk.ece(confidence, correct, bins=bins)


def not_sorted(confidence, correct, bins):
    groups = np.array_split(np.arange(len(confidence)), bins)
    gaps = [abs(correct[group].mean() - confidence[group].mean()) for group in groups]
    return float(np.average(gaps, weights=[len(group) for group in groups]))


def row_by_row(confidence, correct, bins):
    return float(abs(correct - confidence).mean())


def cancelled(confidence, correct, bins):
    return float(abs(correct.mean() - confidence.mean()))


def not_weighed(confidence, correct, bins):
    groups = np.array_split(np.argsort(confidence), bins)
    return float(np.mean([abs(correct[group].mean() - confidence[group].mean()) for group in groups]))


def nothing(confidence, correct, bins):
    order = np.argsort(confidence)


RIGHT = [equal_mass]
WRONG = [
    (..., "is a function"),
    (nothing, "returns nothing"),
    (equal_width, "equal width"),
    (not_sorted, "sort them by confidence"),
    (row_by_row, "single rows"),
    (cancelled, "may not cancel"),
    (not_weighed, "weigh the gaps"),
]
