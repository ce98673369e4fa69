"""Typical answers to exercise 1 of lab 03a."""

import numpy as np
import pandas as pd

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


def grouped(confidence, correct, group):
    table = pd.DataFrame({"says": confidence, "right": correct}).groupby(group, observed=True)
    gaps = (table["right"].mean() - table["says"].mean()).abs()
    return float(np.average(gaps, weights=table.size()))


def by_quantiles(confidence, correct, bins):
    return grouped(confidence, correct, pd.qcut(confidence, bins, labels=False, duplicates="drop"))


def by_quantiles_of_ranks(confidence, correct, bins):
    ranks = pd.Series(confidence).rank(method="first")
    return grouped(confidence, correct, pd.qcut(ranks, bins, labels=False).to_numpy())


def by_whole_division(confidence, correct, bins):
    order = np.argsort(confidence)
    return grouped(confidence[order], correct[order], np.arange(len(order)) * bins // len(order))


RIGHT = [equal_mass]
WRONG = [
    (..., "is a function"),
    (nothing, "returns nothing"),
    (equal_width, "equal width"),
    (not_sorted, "sort them by confidence"),
    (row_by_row, "single rows"),
    (cancelled, "may not cancel"),
    (not_weighed, "weigh the gaps"),
    (by_quantiles, "not at values"),
    (by_quantiles_of_ranks, "3, 3, 2 and 2"),
    (by_whole_division, "3, 3, 2 and 2"),
]
