"""Typical answers to exercise 1 of lab 01a."""

import numpy as np


def on_the_axis(summary, target):
    size, score = summary["size"].to_numpy(), summary["score"].to_numpy()
    if not (score >= target).any():
        return None
    i = int(np.argmax(score >= target))
    if i == 0:
        return float(size[0])
    share = (target - score[i - 1]) / (score[i] - score[i - 1])
    return float(size[i - 1] * (size[i] / size[i - 1]) ** share)


def on_a_plain_scale(summary, target):
    if summary["score"].max() < target:
        return None
    return max(20.0, float(np.interp(target, summary["score"], summary["size"])))


def always_a_number(summary, target):
    return float(np.interp(target, summary["score"], summary["size"]))


def next_size(summary, target):
    reached = summary.loc[summary["score"] >= target, "size"]
    return float(reached.iloc[0]) if len(reached) else None


def last_time(summary, target):
    size, score = summary["size"].to_numpy(), summary["score"].to_numpy()
    if not (score >= target).any():
        return None
    if score[0] >= target:
        return float(size[0])
    behind = np.flatnonzero(score < target)[-1]
    if behind == len(size) - 1:
        return None
    share = (target - score[behind]) / (score[behind + 1] - score[behind])
    return float(size[behind] * (size[behind + 1] / size[behind]) ** share)


RIGHT = [on_the_axis]
WRONG = [
    (on_a_plain_scale, "logarithmic"),
    (always_a_number, "return None"),
    (next_size, "measured sizes"),
    (last_time, "first"),
    (42, "function"),
]
