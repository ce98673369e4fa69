"""The outcome table: its answers are those of the recordings, and its prompts were frozen."""

import numpy as np
import pandas as pd
import pytest

from hybridlab import datasets, paths, recordings
from hybridlab.tiers import ABSTAIN, Prompt
from tools import outcomes

ANSWERS = sorted(paths.data("answers").glob("*.csv"))


@pytest.mark.parametrize("task", outcomes.TASKS)
def test_every_tier_has_a_frozen_prompt_and_three_variants_were_tried(task):
    assert len(outcomes.variants(task)) >= 3
    for tier in outcomes.MODELS | outcomes.SMALL:
        assert outcomes.frozen(task, tier) in outcomes.variants(task)


@pytest.mark.parametrize("task", outcomes.TASKS)
def test_the_words_of_every_variant_cover_the_labels(task):
    labels = set(datasets.load(task)["label"])
    assert all(set(Prompt.load(name).labels.values()) == labels for name in outcomes.variants(task))


@pytest.mark.parametrize("file", ANSWERS, ids=lambda file: file.stem)
def test_a_committed_frame_holds_the_whole_split_and_no_text(file):
    task, tier, split = file.stem.split(".")
    frame = pd.read_csv(file, index_col="row", keep_default_na=False)
    rows = datasets.load(task, split)
    assert list(frame.index) == list(rows.index)
    assert (frame["gold"] == rows["label"]).all()
    assert set(frame["label"]) <= {*rows["label"], ABSTAIN}
    assert frame["confidence"].between(0, 1).all()
    assert frame.select_dtypes(["object", "str"]).map(len).max().max() < 30


@pytest.mark.parametrize("file", ANSWERS, ids=lambda file: file.stem)
def test_a_committed_frame_is_what_the_recordings_say(file):
    task, tier, split = file.stem.split(".")
    frame = pd.read_csv(file, index_col="row", keep_default_na=False)
    model = (outcomes.MODELS | outcomes.SMALL)[tier]
    again = outcomes.answers(task, outcomes.frozen(task, tier), model, split, "replay")
    assert (again["label"] == frame["label"]).all()
    assert (again["confidence"] - frame["confidence"]).abs().max() < 1e-6


def test_the_listed_keys_are_recorded():
    listed = paths.data("answers", "keys.txt").read_text().split()
    assert listed == sorted(set(listed)) and set(listed) <= set(recordings.committed())


@pytest.mark.parametrize("file", ANSWERS, ids=lambda file: file.stem)
def test_calibrated_confidence_is_a_probability_or_missing_without_tune_rows(file):
    frame = pd.read_csv(file, index_col="row")
    task, tier, _ = file.stem.split(".")
    if paths.data("answers", f"{task}.{tier}.tune.csv").exists():
        assert frame["calibrated"].between(0, 1).all()
    else:
        assert frame["calibrated"].isna().all()


def test_calibration_undoes_a_known_overconfidence():
    """Labels drawn from p, shares stated as twice its log-odds: the map must halve them again."""
    rng = np.random.default_rng(0)
    true_odds = rng.normal(size=20_000)
    gold = np.where(rng.random(20_000) < 1 / (1 + np.exp(-true_odds)), "effect", "none")
    share = 1 / (1 + np.exp(-2 * true_odds))
    frame = pd.DataFrame({"gold": gold, "p_effect": share, "label": np.where(share > 0.5, "effect", "none")})
    found = outcomes.calibrated("birds", frame, frame, "test")
    assert np.abs(found - 1 / (1 + np.exp(-np.abs(true_odds)))).max() < 0.02
    assert np.abs(outcomes.calibrated("birds", frame, frame, "tune") - found).max() < 0.02
