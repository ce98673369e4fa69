"""Typical answers to exercise 2 of lab 03a."""

import numpy as np


def on_the_slice(confidence, threshold, right):
    sent = confidence < threshold
    return float(right[sent].mean()) if sent.any() else None


def counted(confidence, threshold, right):
    passed = [hit for says, hit in zip(confidence, right) if says < threshold]
    return sum(passed) / len(passed) if passed else None


def average(confidence, threshold, right):
    return float(right.mean())


def what_is_kept(confidence, threshold, right):
    return float(right[confidence >= threshold].mean())


def ties_go_on(confidence, threshold, right):
    return float(right[confidence <= threshold].mean())


def of_all_rows(confidence, threshold, right):
    return float((right & (confidence < threshold)).sum() / len(right))


def never_empty(confidence, threshold, right):
    sent = confidence < threshold
    return float(right[sent].sum() / np.maximum(sent.sum(), 1))


RIGHT = [on_the_slice, counted]
WRONG = [
    (..., "is a function"),
    (average, "average over all rows"),
    (what_is_kept, "keeps"),
    (ties_go_on, "just reach"),
    (of_all_rows, "not by all rows"),
    (never_empty, "no row is passed on"),
]
