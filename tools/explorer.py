"""Writes ``data/explorer.json``, the rows behind the threshold explorer of chapter 3.

``python -m tools.explorer`` writes; ``--check`` only says whether the file is out of date. Every tier bets on
the likelier label by its calibrated probability. A row of a tier is one whole number: that probability in
thousandths, below 0 where the bet was wrong, 0 where there was no answer. Thousandths are cut off, not
rounded, so that no row crosses a threshold of two decimals.
"""

import argparse
import hashlib
import json
import re
import sys

import numpy as np
import pandas as pd

from hybridlab import cost, datasets, paths
from hybridlab.tiers import ABSTAIN
from tools import outcomes, timings

TITLES = {"tfidf": "TF-IDF", "llm05": "the 0.5B model", "llm15": "the 1.5B model"}
TASKS = {"reviews": "Food reviews", "birds": "Bird strike reports"}
SPLITS = ("tune", "calibrate", "test")


def sources():
    """The files that the numbers come from, beside the rows themselves."""
    answers = [paths.data("answers", f"{task}.{tier}.{split}.csv")
               for task in TASKS for tier in outcomes.MODELS for split in SPLITS]
    splits = [paths.data("splits", f"{task}.csv") for task in TASKS]
    return [*answers, *splits, *sorted(paths.data("timings").glob("*.json")), paths.data("machine.json")]


def checksum():
    """SHA-256 over the sources, cut to sixteen digits."""
    found = hashlib.sha256()
    for path in sources():
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()[:16]


def build():
    """The whole file as a dict."""
    return {"about": "written by python -m tools.explorer", "sources": checksum(),
            "usd_per_s": cost.machine_usd(1), "tasks": {task: one_task(task) for task in TASKS}}


def one_task(task):
    """Title and tiers of a task."""
    every = {"tfidf": words(task)} | {tier: recorded(task, tier) for tier in outcomes.MODELS}
    tiers = {tier: {"title": TITLES[tier], "seconds": seconds(task, tier, frames["test"])}
             | {split: packed(frame) for split, frame in frames.items()} for tier, frames in every.items()}
    return {"title": TASKS[task], "tiers": tiers}


def words(task):
    """Answers of TF-IDF and a linear model, calibrated as the models are: by Platt on the tune rows."""
    model, rows = timings.tfidf(task), {split: datasets.load(task, split) for split in SPLITS}
    frames = {split: model.answer(rows[split]).assign(gold=rows[split]["label"]) for split in SPLITS}
    return {split: frame.assign(calibrated=outcomes.calibrated(task, frame, frames["tune"], split))
            for split, frame in frames.items()}


def recorded(task, tier):
    """Recorded answers of a model on the three splits."""
    files = {split: paths.data("answers", f"{task}.{tier}.{split}.csv") for split in SPLITS}
    read = {"index_col": "row", "keep_default_na": False}
    frames = {split: pd.read_csv(file, **read) for split, file in files.items()}
    return frames | {"test": datasets.answers(task, tier, "test")}


def seconds(task, tier, test):
    """Idle seconds of each test row to the hundredth; one number where they hardly differ."""
    if tier == "tfidf":
        return cost.timing(f"{task}.{tier}")["mean"]
    return [round(float(one), 2) for one in test["latency_s"]]


def packed(frame):
    """A row as one whole number.

    >>> import pandas as pd
    >>> rows = pd.DataFrame({"label": ["a", "b", "b", "<abstain>"], "calibrated": [.87, .9996, .4, .4]})
    >>> packed(rows.assign(gold="a"))
    [870, -999, 600, 0]
    """
    right, stays = frame["label"] == frame["gold"], frame["calibrated"] >= 0.5
    bet = np.maximum(frame["calibrated"], 1 - frame["calibrated"])
    thousandths = np.floor((bet * 1e6).round() / 1000).clip(1, 999).astype(int)
    signed = np.where(right == stays, thousandths, -thousandths)
    return np.where(frame["label"] == ABSTAIN, 0, signed).tolist()


def dumps(data):
    """JSON with each list on a line of its own."""
    text = json.dumps(data, indent=1)
    return re.sub(r"\[[^\[\]]*\]", lambda found: re.sub(r"\s+", "", found.group()), text) + "\n"


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tools.explorer", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when it is out of date")
    chose, path = parser.parse_args(arguments), paths.data("explorer.json")
    if chose.check:
        stored = json.loads(path.read_text(encoding="utf-8"))["sources"] if path.exists() else "nothing"
        stale = "data/explorer.json is out of date: run python -m tools.explorer"
        sys.exit(0 if stored == checksum() else stale)
    path.write_text(dumps(build()), encoding="utf-8")
    print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
