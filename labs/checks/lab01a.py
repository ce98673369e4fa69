"""Checks of lab 01a."""

import numpy as np
import pandas as pd

from hybridlab import check, datasets, evaluate
from hybridlab.errors import HybridlabError
from hybridlab.tiers import Rules

LEAST = 0.68


def check_01a_1(labels_needed):
    """Where a learning curve first reaches a target, in the logarithm of the size."""
    check.that(callable(labels_needed), "`labels_needed` is a function of a summary and a target.")
    curve = pd.DataFrame({"size": [20, 200, 2000], "score": [0.6, 0.7, 0.8]})
    check.that(labels_needed(curve, 0.9) is None,
               "The curve ends at 0.8 and the target is 0.9: return None. A last size would be a promise that nobody measured.")
    check.close(labels_needed(curve, 0.5), 20, "The curve begins at 0.6, above the target of 0.5: return the first size, 20.")
    check.close(labels_needed(curve, 0.7), 200, "The curve is exactly on the target at 200 labels.", within=0.01)
    found = check.number(labels_needed(curve, 0.75))
    check.that(abs(found - 1100) > 1, "1,100 is half way between 200 and 2,000 on a plain scale. The axis is logarithmic.")
    check.that(found not in (200, 2000), "That is one of the measured sizes. Half way up, the answer lies between them.")
    check.close(found, 200 * np.sqrt(10), "Half way up between 200 and 2,000 labels is 200 x 10 ** 0.5.", within=0.5)
    dip = pd.DataFrame({"size": [20, 200, 2000], "score": [0.6, 0.75, 0.7]})
    first = labels_needed(dip, 0.75)
    check.that(first is not None and abs(first - 200) < 0.01, "A curve may fall again: report where it *first* gets there.")
    check.right("a target has a price in labels, or no price at all.")


def check_01a_2(rules):
    """Rules that beat the ones of the lab on the tune rows, and answer every row."""
    check.that(rules is not ..., "Replace the `...` by your own list, then run the cell again.")
    check.that(isinstance(rules, list) and all(isinstance(rule, tuple) and len(rule) == 2 for rule in rules),
               "`my_rules` is a list of pairs: (pattern, label).")
    tune = datasets.load("reviews", "tune")
    unknown = sorted({str(label) for _, label in rules} - set(tune["label"]))
    check.that(not unknown, f"{unknown} is no label of this task: they are 'great' and 'other'.")
    try:
        answers = Rules(rules).answer(tune)
    except (HybridlabError, ValueError) as error:
        raise check.NotYet(f"The rules could not be run: {error}") from error
    silent = int((answers["reason"] == "no_rule").sum())
    check.that(silent == 0, f"{silent} rows match no rule. End with ('', 'great') or ('', 'other'), and know that you did.")
    found = evaluate.accuracy(tune["label"], answers)
    dummy = float((tune["label"] == "great").mean())
    check.that(answers["label"].nunique() > 1, f"These rules say the same to every row: that is the dummy, {dummy:.3f}.")
    check.that(found.value > dummy, f"{found}: worse than the dummy ({dummy:.3f}). {advice(rules)}")
    check.that(found.value >= LEAST, f"{found}: better than nothing. {advice(rules)}")
    check.right(f"{found}. The interval is wide: on other rows it may be a few points less.")


def advice(rules):
    """What the rules do on train rows, one a line, and what to change first: precision or coverage."""
    table = on_train(rules)
    lines = [f"  {one.pattern!r} fires first on {one.coverage:.1%} and is right on {one.precision:.1%} of them"
             for one in table.itertuples()]
    named = table.iloc[:-1]  # the last one takes whatever is left
    weak = named[named["precision"] < LEAST]
    if len(weak):
        worst = weak.loc[(weak["coverage"] * (1 - weak["precision"])).idxmax()]
        cure = "give it the other label" if worst["precision"] < 0.4 else "make it narrower"
        todo = f"{worst['pattern']!r} is wrong too often: {cure}."
    else:
        todo = (f"The rules before the last are right where they fire, but they fire on {named['coverage'].sum():.1%} "
                "only: make them wider, or write more.")
    return "\n".join(["On train rows:", *lines, todo])


def on_train(rules):
    """Share of the train rows on which each rule fires first, and how often it is right there."""
    rows = datasets.load("reviews", "train")
    first = Rules([(pattern, str(i)) for i, (pattern, _) in enumerate(rules)]).answer(rows)["label"].astype(int)
    right = rows["label"].to_numpy() == np.array([label for _, label in rules])[first]
    table = pd.DataFrame({"rule": first.to_numpy(), "right": right}).groupby("rule")["right"].agg(["size", "mean"])
    return pd.DataFrame({"pattern": [rules[i][0] for i in table.index], "coverage": table["size"].to_numpy() / len(rows),
                         "precision": table["mean"].to_numpy()})
