"""The threshold explorer in Python: the numbers of ``thresholds.js``, and the result without JavaScript.

The data are those of ``data/explorer.json``: for each task, tier and split a list with a whole number a row,
which is the confidence in thousandths, below 0 where the answer was wrong, 0 where there was none.
"""

import numpy as np
from scipy import stats

from hybridlab import evaluate, risk

GRID = [i / 100 for i in range(50, 101)]
DEFAULTS = {"task": "reviews", "first": "tfidf", "then": "person", "error_usd": 2, "person_usd": 0.5,
            "delta": 0.1, "threshold": "advance"}
SECOND = "llm15"


def result(inputs, data):
    """What a threshold does on the test rows, and the bound that the calibration rows give."""
    threshold = inputs["threshold"] if inputs["threshold"] != "advance" else in_advance(inputs, data)
    tiers = data["tasks"][inputs["task"]]["tiers"]
    cheap, strong = tiers[inputs["first"]], tiers[SECOND]
    place, correct = placed(tiers, "test", inputs, threshold)
    n, passed, wrong = len(place), place != 0, errors(place, correct)
    answered = int((place >= 0).sum())
    seconds = np.asarray(cheap["seconds"]) + passed * np.asarray(strong["seconds"])
    share = evaluate.wilson(answered - wrong, answered) if answered else None
    tested, right_there = placed(tiers, "calibrate", inputs, threshold)
    found, known = errors(tested, right_there), int((tested >= 0).sum())
    calls_usd = 1000 * data["usd_per_s"] * seconds.mean()
    beside_usd = inputs["error_usd"] * wrong / n + inputs["person_usd"] * (n - answered) / n
    return {
        "threshold": threshold, "right": share and share.value, "low": share and share.low,
        "high": share and share.high, "answered": answered, "coverage": answered / n,
        "passed_on": float(passed.mean()), "to_person": 1 - answered / n,
        "slice_first": float(correct[passed, 0].mean()) if passed.any() else None,
        "slice_right": float(correct[passed, 1].mean()) if passed.any() else None,
        "first_right": float(correct[:, 0].mean()), "strong_right": float(correct[:, 1].mean()),
        "calls_usd": float(calls_usd), "total_usd": float(calls_usd + 1000 * beside_usd),
        "p50_s": float(np.percentile(seconds, 50)), "p95_s": float(np.percentile(seconds, 95)),
        "bound": bound(found, known, inputs["delta"]), "bound_answered": known, "bound_wrong": found}


def in_advance(inputs, data):
    """The threshold that costs least on the tune rows, the lowest of several."""
    tiers = data["tasks"][inputs["task"]]["tiers"]
    n = len(tiers[SECOND]["test"])
    usd = [data["usd_per_s"] * np.broadcast_to(tiers[name]["seconds"], n).mean()
           for name in (inputs["first"], SECOND)]
    confidence, correct = chain(tiers, "tune", inputs["first"])
    prices = {"cost_usd": usd, "error_usd": inputs["error_usd"], "abstain_usd": inputs["person_usd"]}
    costs = np.array([risk.chain_cost(confidence, correct, pair(inputs, one), **prices) for one in GRID])
    return GRID[int(np.argmax(costs <= costs.min() + 1e-12))]


def bound(wrong, answered, delta):
    """The largest error rate that ``wrong`` of ``answered`` leave possible, with probability 1 - delta.

    It solves P(Binomial(answered, rate) <= wrong) = delta. Source: Clopper and Pearson 1934.

    >>> round(bound(0, 29, 0.05), 4)  # 1 - .05 ** (1 / 29)
    0.0981
    """
    return float(stats.beta.ppf(1 - delta, wrong + 1, answered - wrong)) if wrong < answered else 1.0


def chain(tiers, split, first):
    """Confidences and whether each answer was right, shape (n, 2)."""
    rows = np.column_stack([tiers[first][split], tiers[SECOND][split]])
    return np.abs(rows) / 1000, rows > 0


def pair(inputs, threshold):
    """The same threshold for both tiers; 0 for the second where it answers all the same."""
    return [threshold, 0 if inputs["then"] == "llm" else threshold]


def placed(tiers, split, inputs, threshold):
    confidence, correct = chain(tiers, split, inputs["first"])
    return risk.apply_thresholds(confidence, pair(inputs, threshold)), correct


def errors(place, correct):
    return int((~correct[place == 0, 0]).sum() + (~correct[place == 1, 1]).sum())


def body(data):
    """The result for the default inputs, as Markdown."""
    inputs, (data,) = DEFAULTS, data.values()
    found, task = result(inputs, data), data["tasks"][inputs["task"]]
    cheap, strong = (task["tiers"][name]["title"] for name in (inputs["first"], SECOND))
    lines = {
        "right among the answered rows": f"{percent(found['right'])} (95 % interval {percent(found['low'])} "
                                         f"to {percent(found['high'])}), {found['answered']} test rows",
        f"{cheap} alone, {strong} alone, on all rows": f"{percent(found['first_right'])}, "
                                                       f"{percent(found['strong_right'])}",
        f"passed on to {strong}": percent(found["passed_on"]),
        f"{strong} on the rows it gets": percent(found["slice_right"]),
        f"{cheap} on the same rows": percent(found["slice_first"]),
        "left to a person": percent(found["to_person"]),
        "calls, 1,000 rows": f"\\${found['calls_usd']:.3g}",
        "calls, errors and people, 1,000 rows": f"\\${found['total_usd']:,.0f}",
        "half of the rows leave the machines within": duration(found["p50_s"]),
        "95 % of them within": duration(found["p95_s"])}
    table = "\n".join(f"| {name} | {value} |" for name, value in lines.items())
    counted = f"{found['bound_wrong']} of {found['bound_answered']}"
    return (f"**{task['title']}, threshold {found['threshold']:.2f}**, fixed in advance on the tune rows for "
            f"an error at \\${inputs['error_usd']:.2f} "
            f"and a person's decision at \\${inputs['person_usd']:.2f}. "
            f"With probability {1 - inputs['delta']:g}, at most {percent(found['bound'])} of the answered "
            f"rows are wrong: {counted} were on the calibration rows.\n\n"
            f"| Both tiers at this threshold | |\n|---|---|\n{table}\n")


def percent(share):
    return "no row" if share is None else f"{share:.1%}".replace("%", " %")


def duration(number):
    return f"{1000 * number:.2g} ms" if number < 0.1 else f"{number:.1f} s"
