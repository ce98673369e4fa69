"""Cascade, router, vote and queue against row-by-row references, hand cases and planted signal."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from joblib.externals.loky import get_reusable_executor
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from hybridlab.cascade import Cascade, Queue, Router, Vote
from hybridlab.errors import BadInput
from hybridlab.tiers import ABSTAIN, COLUMNS, REASONS, Classifier, Human, Rules, Tier

PERSON = Human((1, 3), (30, 60), (0.02, 0.10), "our own estimate")
WORDS = ("tea", "coffee", "bread", "honey", "salt", "jam")
TEXTS = [f"{mood} {word}" for word in WORDS for mood in ("lovely", "awful")]
LABELS = ["great", "other"] * len(WORDS)


def recorded(n, rng, usd=0.001, silent=0.1, labels=("great", "other"), p=True):
    """A random answer frame; a share of its rows abstains."""
    label = rng.choice([*labels, ABSTAIN], n, p=[*[(1 - silent) / len(labels)] * len(labels), silent])
    frame = pd.DataFrame({"label": label,
                          "confidence": np.where(label == ABSTAIN, 0.0, rng.uniform(0.5, 1, n)),
                          "cost_usd": usd * rng.uniform(0.5, 1.5, n), "latency_s": rng.uniform(0, 1, n),
                          "tier": "x", "reason": np.where(label == ABSTAIN, "unparseable", "")},
                         index=rng.permutation(n) + 100)
    great = frame["confidence"].where(label == "great", 1 - frame["confidence"])
    return frame.assign(p_great=great) if p else frame


def chain(n, seed, k=3):
    """Recorded frames of the same rows, each ten times as dear as the one before."""
    rng = np.random.default_rng(seed)
    frames = [recorded(n, rng, 10.0**i) for i in range(k)]
    return {f"t{i}": frame.set_axis(frames[0].index) for i, frame in enumerate(frames)}


class Recorded(Tier):
    """A tier that answers from a frame and counts the rows it was asked about."""

    def __init__(self, frame):
        self.frame = frame

    def fit(self, X, y=None):
        return self

    def answer(self, X):
        self.asked = getattr(self, "asked", 0) + len(X)
        return self.frame.loc[X.index]


def live(frames):
    return [(name, Recorded(frame)) for name, frame in frames.items()]


def rows_of(frames):
    return pd.DataFrame({"text": "x"}, index=next(iter(frames.values())).index)


# ---- cascade


def by_hand(frames, thresholds, budget=np.inf):
    """The same cascade row by row: stages in order, rows in order, and what is spent so far."""
    index = next(iter(frames.values())).index
    done = {row: {"label": ABSTAIN, "cost_usd": 0.0, "latency_s": 0.0, "tier": "", "reason": "", "path": []}
            for row in index}
    waiting, spent = list(index), 0.0
    for (name, frame), threshold in zip(frames.items(), thresholds):
        onward = []
        for row in waiting:
            said, mine = frame.loc[row], done[row]
            if spent >= budget:
                mine |= {"label": ABSTAIN, "reason": "budget"}
                continue
            spent += said["cost_usd"]
            mine["cost_usd"] += said["cost_usd"]
            mine["latency_s"] += said["latency_s"]
            mine["path"].append(name)
            sure = said["label"] != ABSTAIN and said["confidence"] >= threshold
            mine |= {"tier": name, "label": said["label"] if sure else ABSTAIN,
                     "confidence": said["confidence"],
                     "reason": said["reason"] if sure or said["label"] == ABSTAIN else "low_confidence"}
            if not sure:
                onward.append(row)
        waiting = onward
    table = pd.DataFrame.from_dict(done, orient="index")
    return table.assign(path=table["path"].map(" > ".join))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("thresholds", [(0.8, 0.7, 0.6), (0,) * 3, (1,) * 3, (0.9, np.inf, 0), (np.inf,) * 3])
def test_a_recorded_cascade_is_the_one_worked_row_by_row(seed, thresholds):
    frames = chain(60, seed)
    pd.testing.assert_frame_equal(Cascade.combine(frames, thresholds=thresholds)[COLUMNS + ["path"]],
                                  by_hand(frames, thresholds)[COLUMNS + ["path"]], check_dtype=False)


@pytest.mark.parametrize("budget", [0, 0.02, 1.0, 30.0, 1e6])
def test_rows_beyond_the_budget_abstain_and_the_rest_is_as_without(budget):
    frames = chain(60, 0)
    found = Cascade.combine(frames, thresholds=(0.8, 0.7), budget_usd=budget)
    expected = by_hand(frames, (0.8, 0.7, 0), budget)
    for column in ["label", "cost_usd", "reason", "path"]:
        pd.testing.assert_series_equal(found[column], expected[column], check_dtype=False)
    paid = found["cost_usd"].sum()
    assert paid <= budget + max(frame["cost_usd"].max() for frame in frames.values())


def test_live_and_recorded_agree_and_only_open_rows_are_asked():
    frames = chain(80, 1)
    cascade, expected = Cascade(live(frames), (0.8, 0.7)), Cascade.combine(frames, thresholds=(0.8, 0.7))
    pd.testing.assert_frame_equal(cascade.answer(rows_of(frames)), expected)
    went = expected["path"].str.count(">")
    assert [tier.asked for _, tier in cascade.tiers] == [80, (went >= 1).sum(), (went == 2).sum()]


def test_a_live_budget_stops_within_the_last_answer_when_prices_are_equal():
    frames = {name: frame.assign(cost_usd=10.0**i) for i, (name, frame) in enumerate(chain(80, 2).items())}
    for budget in (0, 0.5, 40, 85, 200, 1000):
        settings = {"thresholds": (0.8, 0.7), "budget_usd": budget}
        pd.testing.assert_frame_equal(Cascade(live(frames), **settings).answer(rows_of(frames)),
                                      Cascade.combine(frames, **settings))


def test_free_tiers_never_spend_a_budget():
    frames = {name: frame.assign(cost_usd=0.0) for name, frame in chain(30, 3).items()}
    assert "budget" not in set(Cascade(live(frames), budget_usd=1.0).answer(rows_of(frames))["reason"])


def test_a_cascade_of_cascades_adds_up():
    frames = chain(50, 4)
    inner = Cascade.combine({name: frames[name] for name in ("t0", "t1")}, thresholds=(0.8, 0.7))
    outer = Cascade.combine({"both": inner, "t2": frames["t2"]})
    flat = Cascade.combine(frames, thresholds=(0.8, 0.7))
    same = ["label", "cost_usd", "latency_s", "reason"]
    pd.testing.assert_frame_equal(outer[same], flat[same])


def test_the_probabilities_are_those_of_the_tier_that_answered():
    frames = chain(50, 5)
    found = Cascade.combine(frames, thresholds=(0.9,) * 2)
    for name, frame in frames.items():
        rows = found.index[found["tier"] == name]
        pd.testing.assert_series_equal(found.loc[rows, "p_great"], frame.loc[rows, "p_great"])


def test_an_unknown_price_stays_unknown():
    frames = chain(20, 6)
    frames["t1"]["cost_usd"] = np.nan
    found = Cascade.combine(frames, thresholds=(0.8, 0.7))
    assert (found["cost_usd"].isna() == (found["path"] != "t0")).all()


# ---- people


def test_a_person_is_a_band_and_never_an_answer():
    frames = {"t0": chain(40, 7)["t0"]}
    found = Cascade.combine({**frames, "human": PERSON}, thresholds=(0.8,))
    people = found["tier"] == "human"
    assert people.any() and (found.loc[people, "label"] == ABSTAIN).all()
    assert set(found.loc[people, "reason"]) == {"waiting"}
    paid = frames["t0"]["cost_usd"][people]
    for end, usd in {"_low": 0.5, "": 1.75, "_high": 3.0}.items():
        np.testing.assert_allclose(found.loc[people, "cost_usd" + end], paid + usd)
        np.testing.assert_array_equal(found.loc[~people, "cost_usd" + end], frames["t0"]["cost_usd"][~people])
    assert (found.loc[people, ["error_rate_low", "error_rate_high"]] == [0.02, 0.10]).all().all()
    assert found.loc[~people, ["error_rate_low", "wait_days"]].isna().all().all()


def waits_by_hand(days, per_day):
    """One day after the other: at most ``per_day`` of those who wait, in order of arrival."""
    order, taken, day = sorted(range(len(days)), key=lambda i: days[i]), {}, 0
    while order:
        today = [i for i in order if days[i] <= day][:per_day]
        taken |= dict.fromkeys(today, day)
        order, day = [i for i in order if i not in today], day + 1
    last = max(days)
    return [taken[i] - days[i] if taken[i] <= last else np.inf for i in range(len(days))]


@pytest.mark.parametrize("per_day", [1, 2, 5, 100])
@pytest.mark.parametrize("seed", range(3))
def test_the_queue_is_the_one_worked_day_by_day(per_day, seed):
    days = np.random.default_rng(seed).integers(0, 12, 50)
    found = Queue(PERSON, per_day, day="day").answer(pd.DataFrame({"day": days}))
    assert found["wait_days"].tolist() == waits_by_hand(days.tolist(), per_day)


def test_beyond_the_capacity_rows_wait_and_cost_nothing_yet():
    frame = recorded(10, np.random.default_rng(0)).assign(label=ABSTAIN, cost_usd=0.01, latency_s=1.0)
    found = Cascade.combine({"t0": frame, "human": Queue(PERSON, per_day=4)})
    assert (found["wait_days"] == 0).sum() == 4 and (found["wait_days"] == np.inf).sum() == 6
    waits = found["wait_days"] == np.inf
    assert set(found.loc[waits, "cost_usd_high"]) == {0.01} and set(found.loc[waits, "latency_s"]) == {np.inf}
    assert found.loc[waits, "error_rate_low"].isna().all()
    assert found.loc[~waits, "latency_s_high"].tolist() == [181.0] * 4


def test_a_queue_reads_the_day_of_arrival_from_the_rows():
    frames = {"t0": chain(6, 8)["t0"].assign(label=ABSTAIN)}
    rows = pd.DataFrame({"day": [0, 0, 0, 1, 1, 2]}, index=frames["t0"].index)
    found = Cascade.combine({**frames, "human": Queue(PERSON, per_day=2, day="day")}, rows=rows)
    assert found["wait_days"].tolist() == [0, 0, 1, 0, 1, 0]


# ---- vote


def vote_by_hand(frames, rule):
    """Labels by counting, a tie to the label that the later tier gave."""
    found = []
    for row in next(iter(frames.values())).index:
        counts, latest = {}, {}
        for i, frame in enumerate(frames.values()):
            label, confidence = frame.loc[row, ["label", "confidence"]]
            if label != ABSTAIN:
                counts[label] = counts.get(label, 0) + (confidence if rule == "confidence" else 1)
                latest[label] = i
        found.append(max(counts, key=lambda label: (counts[label], latest[label]), default=ABSTAIN))
    return found


@pytest.mark.parametrize("rule", ["majority", "confidence", "cost"])
@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_a_vote_is_the_one_counted_by_hand(rule, k):
    rng = np.random.default_rng(k)
    frames = [recorded(80, rng, labels=("a", "b", "c"), silent=0.2, p=False) for _ in range(k)]
    frames = {f"t{i}": frame.set_axis(frames[0].index) for i, frame in enumerate(frames)}
    found = Vote.combine(frames, rule=rule)
    assert found["label"].tolist() == vote_by_hand(frames, rule)
    assert (found["reason"].eq("") == found["label"].ne(ABSTAIN)).all() and set(found["tier"]) == {"vote"}
    answered = found[found["label"] != ABSTAIN]
    np.testing.assert_allclose(answered.filter(like="p_").sum(axis=1), 1)
    np.testing.assert_allclose(answered["confidence"], answered.filter(like="p_").max(axis=1))


def test_the_cost_aware_vote_gives_the_majority_for_less():
    frames = chain(200, 9)
    all_asked, fewer = Vote.combine(frames), Vote.combine(frames, rule="cost")
    assert (all_asked["label"] == fewer["label"]).all()
    agree = (frames["t0"]["label"] == frames["t1"]["label"]) & (frames["t0"]["label"] != ABSTAIN)
    assert (fewer["path"].eq("t0 > t1") == agree).all()
    expected = sum(frame["cost_usd"] for frame in frames.values()) - frames["t2"]["cost_usd"] * agree
    np.testing.assert_allclose(fewer["cost_usd"], expected)
    np.testing.assert_allclose(all_asked["latency_s"], sum(frame["latency_s"] for frame in frames.values()))


def test_a_vote_is_live_too():
    frames = chain(40, 10)
    vote = Vote(live(frames), rule="cost")
    pd.testing.assert_frame_equal(vote.answer(rows_of(frames)), Vote.combine(frames, rule="cost"))
    assert vote.tiers[2][1].asked < 40


def test_a_vote_that_cannot_be_paid_abstains():
    found = Vote.combine(chain(20, 11), budget_usd=700)
    assert set(found.loc[found["reason"] == "budget", "label"]) == {ABSTAIN}
    assert 0 < (found["reason"] == "budget").sum() < 20


# ---- router: what it does with answers


def test_a_routed_row_has_one_answer_and_pays_for_the_router():
    frames = chain(30, 12)
    choice = np.random.default_rng(0).choice(list(frames), 30)
    found = Router.combine(frames, choice, cost_usd=0.5, latency_s=2.0)
    for row, name in zip(found.index, choice):
        assert found.loc[row, "label"] == frames[name].loc[row, "label"]
        assert found.loc[row, "cost_usd"] == pytest.approx(frames[name].loc[row, "cost_usd"] + 0.5)
        assert found.loc[row, "latency_s"] == pytest.approx(frames[name].loc[row, "latency_s"] + 2)
    assert (found["tier"] == choice).all() and (found["path"] == choice).all()


def planted(signal, n, seed):
    """Rows of which some are hard for the cheap tier (.4 against .9 right), and outcomes of two tiers."""
    rng = np.random.default_rng([seed, n])
    size, kind, height = rng.integers(4, 30, n), rng.integers(0, 6, n), rng.normal(size=n)
    words = [" ".join(f"w{i}" for i in rng.zipf(1.4, k) % 150) for k in size]
    word = rng.random(n) < 0.35
    texts = [text + " refund" if one else text for text, one in zip(words, word)]
    signals = {"text": word, "category": kind < 2, "length": size > 20, "number": height > 0.4,
               "none": rng.random(n) < 0.35}
    hard = signals[signal]
    outcomes = np.column_stack([rng.random(n) < np.where(hard, 0.4, 0.9), rng.random(n) < 0.9]).astype(float)
    rows = pd.DataFrame({"text": texts, "kind": np.array(list("abcdef"))[kind], "height": height,
                         "vector_0": hard + rng.normal(size=n), "vector_1": rng.normal(size=n)})
    return rows, outcomes, hard


def beyond_random(router, rows, outcomes):
    """Mean outcome of the routed rows beyond that of as many at random, and its standard error."""
    dear = (router.route(rows) == "tier 2").astype(float)
    gain = outcomes[:, 1] - outcomes[:, 0]
    each = (dear - dear.mean()) * (gain - gain.mean())
    return each.mean(), each.std() / np.sqrt(len(each))


GROUP = {"text": "text", "category": "category", "number": "category", "length": "length"}


@pytest.mark.parametrize("signal", GROUP)
def test_planted_signal_is_found_with_400_outcomes(signal):
    rows, outcomes, _ = planted(signal, 400, 0)
    router = Router(share=0.35, categories=["kind", "height"]).fit(rows, outcomes)
    test, outcomes, hard = planted(signal, 3000, 1)
    gain, error = beyond_random(router, test, outcomes)
    best = np.cov(hard, outcomes[:, 1] - outcomes[:, 0])[0, 1]
    assert gain > 3 * error and gain > 0.5 * best
    assert router.weights_.iloc[0].idxmax() == GROUP[signal]
    assert np.mean(router.route(test) == "tier 2") == pytest.approx(0.35, abs=0.1)


def test_embeddings_help_as_a_table_and_as_a_function():
    rows, outcomes, _ = planted("none", 400, 0)
    vectors = rows[["vector_0", "vector_1"]]
    table = Router(share=0.35, embed=vectors).fit(rows, outcomes)
    function = Router(share=0.35, embed=vector_columns).fit(rows, outcomes)
    assert table.weights_.iloc[0].idxmax() == "embedding"
    np.testing.assert_array_equal(table.gain(rows), function.gain(rows))
    test, outcomes, _ = planted("none", 3000, 1)
    gain, error = beyond_random(function, test, outcomes)
    assert gain > 3 * error
    with pytest.raises(BadInput, match="embed has no row"):
        table.gain(test)


def vector_columns(rows):
    return rows[["vector_0", "vector_1"]]


def test_without_signal_the_router_is_as_good_as_random():
    for seed in range(3):
        rows, outcomes, _ = planted("none", 300, seed)
        router = Router(share=0.5, categories=["kind"]).fit(rows, outcomes)
        gain, error = beyond_random(router, *planted("none", 3000, seed + 10)[:2])
        assert gain > -3 * max(error, 1e-3)
        assert np.mean(router.route(rows) == "tier 2") == pytest.approx(0.5, abs=0.12)


def test_a_constant_gain_is_routed_by_the_share():
    router = Router().fit(TEXTS * 5, np.tile([0.0, 1.0], (60, 1)))
    for share in (0, 0.25, 0.7, 1):
        routed = router.set_params(share=share).route(TEXTS * 100) == "tier 2"
        assert routed.mean() == pytest.approx(share, abs=0.05)


def test_the_price_decides_and_the_best_of_three_is_taken():
    texts = [f"{word} {i % 9}" for i in range(40) for word in ("easy", "middle", "hard")]
    outcomes = pd.DataFrame(np.tile([[1, 1, 1], [0, 1, 1], [0, 0, 1]], (40, 1)), columns=["a", "b", "c"])
    router = Router(price=(0.1, 0.3)).fit(texts, outcomes)
    assert router.route(["easy 1", "middle 1", "hard 1"]).tolist() == ["a", "b", "c"]
    assert router.set_params(price=(0.1, 2.0)).route(["middle 1", "hard 1"]).tolist()[1] != "c"
    assert router.set_params(price=2.0).route(["easy 1", "hard 1"]).tolist() == ["a", "a"]
    assert router.gain(texts).shape == (120, 2)
    assert router.set_params(price=0.0).score(texts, outcomes) == 1.0
    assert router.set_params(price=(0.1, 0.3)).score(texts, outcomes) == pytest.approx(1 - 0.4 / 3)
    with pytest.raises(BadInput, match="two tiers"):
        router.set_params(share=0.5).route(texts)


def test_columns_in_another_order_are_put_right():
    outcomes = pd.DataFrame({"dear": [1.0, 1] * 30, "cheap": [0.0, 1] * 30})
    texts = ["refund", "thanks"] * 30
    router = Router(live({"cheap": None, "dear": None}), share=0.5).fit(texts, outcomes)
    assert router.route(["refund", "thanks"]).tolist() == ["dear", "cheap"]


def test_a_live_router_asks_one_tier_a_row_and_counts_its_own_time():
    frames = {name: frame for name, frame in chain(60, 13).items() if name != "t2"}
    rows = rows_of(frames).assign(text=["refund", "thanks"] * 30)
    outcomes = pd.DataFrame({"t0": [0.0, 1] * 30, "t1": [1.0, 1] * 30}, index=rows.index)
    router = Router(live(frames), share=0.5).fit(rows, outcomes)
    found = router.answer(rows)
    assert found["tier"].tolist() == ["t1", "t0"] * 30
    assert [tier.asked for _, tier in router.tiers] == [30, 30]
    plain = Router.combine(frames, router.route(rows))
    extra = (found["latency_s"] - plain["latency_s"]).round(9)
    assert extra.nunique() == 1 and 0 < extra.iloc[0] < 1


# ---- the estimator suite


def classifier(name):
    return name, Classifier(make_pipeline(TfidfVectorizer(), LogisticRegression()), name=name)


TIERS = {
    "cascade": lambda: Cascade([("rules", Rules([("lovely", "great")])), classifier("tfidf")], [0.8]),
    "vote": lambda: Vote([("rules", Rules([("lovely", "great")])), classifier("one"), classifier("two")]),
    "with a person": lambda: Cascade([classifier("tfidf"), ("human", Queue(PERSON, per_day=2))], [0.55]),
}


@pytest.fixture(params=TIERS)
def tier(request):
    return TIERS[request.param]()


def test_clone_keeps_the_settings_and_forgets_the_fit(tier):
    fitted = tier.fit(TEXTS, LABELS)
    copy = clone(fitted)
    assert repr(copy) == repr(fitted) and not hasattr(copy, "classes_")


def test_pickle_refit_and_settings(tier):
    before = repr(tier.get_params())
    swapped = ["other" if label == "great" else "great" for label in LABELS]
    fitted = tier.fit(TEXTS, swapped).fit(TEXTS, LABELS)
    again = pickle.loads(pickle.dumps(fitted))
    assert (again.predict(TEXTS) == clone(tier).fit(TEXTS, LABELS).predict(TEXTS)).all()
    assert repr(tier.get_params()) == before
    assert not hasattr(tier.tiers[0][1], "classes_") and list(fitted.classes_) == ["great", "other"]


def test_frame_follows_the_protocol(tier):
    X = pd.Series(TEXTS, index=range(100, 100 + len(TEXTS)))
    frame = tier.fit(X, LABELS).answer(X)
    assert list(frame.columns[: len(COLUMNS)]) == COLUMNS and list(frame.index) == list(X.index)
    assert set(frame["reason"]) <= set(REASONS) and (frame["latency_s"] >= 0).all()
    np.testing.assert_allclose(tier.predict_proba(X).sum(axis=1), 1)
    table = pd.DataFrame({"n": 1, "text": TEXTS})
    assert (tier.predict(table) == tier.predict(TEXTS)).all() and len(tier.answer([])) == 0


def test_cross_validation_and_grid_search():
    X, y = np.array(TEXTS, dtype=object), np.array(LABELS)
    assert cross_val_score(TIERS["cascade"](), X, y, cv=3).mean() > 0.9
    get_reusable_executor().shutdown(wait=True)
    grid = {"thresholds": [[0.8, 0.0], [1.0, 1.0]]}
    search = GridSearchCV(TIERS["cascade"](), grid, cv=2, n_jobs=2).fit(X, y)
    assert search.best_params_ == {"thresholds": [0.8, 0.0]} and search.best_score_ > 0.9


def test_the_router_is_an_estimator():
    texts, outcomes = ["refund", "thanks"] * 30, np.array([[0.0, 1], [1, 1]] * 30)
    router = Router(price=0.2).fit(texts, outcomes)
    again = pickle.loads(pickle.dumps(router))
    np.testing.assert_array_equal(again.gain(texts), router.gain(texts))
    refit = clone(router).fit(texts, 1 - outcomes).fit(texts, outcomes)
    np.testing.assert_array_equal(refit.gain(texts), router.gain(texts))
    assert not hasattr(clone(router), "gains_") and router.get_params()["price"] == 0.2
    X = np.array(texts, dtype=object)
    assert cross_val_score(Router(price=0.2), X, outcomes, cv=3).mean() == pytest.approx(0.9)
    search = GridSearchCV(Router(), {"price": [0.2, 2.0]}, cv=2).fit(X, outcomes)
    assert search.best_params_ == {"price": 0.2}


def test_tiers_that_are_fitted_already_need_no_fit():
    rules = Rules([("lovely", "great"), ("awful", "other")])
    assert Cascade([("rules", rules)]).predict(TEXTS).tolist() == LABELS


def test_nothing_warns(recwarn):
    warnings.simplefilter("error")
    rows, outcomes, _ = planted("category", 120, 0)
    rows.loc[:9, "height"] = np.nan
    Router(share=0.3, categories=["kind", "height"]).fit(rows, outcomes).route(rows)
    assert not recwarn.list


# ---- bad input


def bad(frames, **changes):
    name = next(iter(frames))
    return {**frames, name: frames[name].assign(**changes)}


FRAMES = chain(10, 0)
BAD = {
    "confidence of 't0' is 1.5": lambda: Cascade.combine(bad(FRAMES, label="a", confidence=1.5)),
    "confidence of 't0' is nan": lambda: Vote.combine(bad(FRAMES, label="a", confidence=np.nan)),
    "cost_usd of 't0' is -1": lambda: Cascade.combine(bad(FRAMES, cost_usd=-1.0)),
    "latency_s of 't0' is -2": lambda: Cascade.combine(bad(FRAMES, latency_s=-2.0)),
    "10 labels of 't0' are missing": lambda: Cascade.combine(bad(FRAMES, label=None)),
    "has no column 'cost_usd'": lambda: Cascade.combine({"t0": FRAMES["t0"].drop(columns="cost_usd")}),
    "the frames are of other rows: .*'t0': 10, 't1': 9": lambda: Vote.combine(
        {"t0": FRAMES["t0"], "t1": FRAMES["t1"].iloc[:9]}),
    "the frames have no rows": lambda: Cascade.combine({"t0": FRAMES["t0"].iloc[:0]}),
    "frames holds": lambda: Cascade.combine({}),
    "thresholds is .0.5. for 3 tiers": lambda: Cascade.combine(FRAMES, thresholds=[0.5]),
    r"thresholds is .0.5, 1.2.": lambda: Cascade.combine(FRAMES, thresholds=[0.5, 1.2]),
    r"thresholds is .0.5, nan.": lambda: Cascade.combine(FRAMES, thresholds=[0.5, np.nan]),
    "budget_usd is -1": lambda: Cascade.combine(FRAMES, budget_usd=-1),
    "cost_usd of 't0' has missing": lambda: Cascade.combine(bad(FRAMES, cost_usd=np.nan), budget_usd=1),
    "rule is 'best'": lambda: Vote.combine(FRAMES, rule="best"),
    "tiers are named .'a', 'a'.": lambda: Cascade([("a", PERSON), ("a", PERSON)]).answer(["tea"]),
    r"tiers is \[Human(.|\n)*pairs \(name, tier\)": lambda: Cascade([PERSON, PERSON]).answer(["tea"]),
    r"tiers is \{": lambda: Vote({"a": PERSON}).answer(["tea"]),
    r"tiers is \[\('a', 'tea'\)": lambda: Cascade([("a", "tea")]).fit(["tea"], ["a"]),
    r"tiers are named \[\]": lambda: Cascade([]).answer(["tea"]),
    "choice names 't9'": lambda: Router.combine(FRAMES, ["t9"] * 10),
    "choice has 3 rows of 10": lambda: Router.combine(FRAMES, ["t0"] * 3),
    "per_day is 0": lambda: Queue(PERSON, per_day=0).answer(["tea"]),
    "column 'day' of the rows": lambda: Queue(PERSON, 1, day="day").answer(pd.DataFrame({"day": [0.5]})),
    "outcomes has shape .2, 2. for 3 rows": lambda: Router().fit(["a", "b", "c"], [[0, 1], [1, 1]]),
    "1 of its values missing": lambda: Router().fit(["a", "b"], [[0, 1], [1, np.nan]]),
    "outcomes has shape .2, 1.": lambda: Router().fit(["a", "b"], [[0], [1]]),
    "outcomes has shape .0, 2.": lambda: Router().fit([], np.empty((0, 2))),
    "outcomes has columns .*'b', 'x'": lambda: Router(live({"b": None, "c": None})).fit(
        ["a", "b"], pd.DataFrame({"b": [0, 1], "x": [0, 1]})),
    "outcomes are of other rows": lambda: Router().fit(
        pd.Series(["a", "b"], index=[7, 8]), pd.DataFrame({"b": [0, 1], "c": [0, 1]})),
    "the rows have no column 'text'": lambda: Router().fit(pd.DataFrame({"x": range(12)}), np.ones((12, 2))),
    "outcomes has 2 rows for 5 folds": lambda: Router().fit(["a", "b"], [[0, 1], [1, 1]]),
    "share is 1.5": lambda: Router(share=1.5).fit(TEXTS, np.ones((12, 2))).route(TEXTS),
    "price is -1": lambda: Router(price=-1).fit(TEXTS, np.ones((12, 2))).route(TEXTS),
    r"price is .0.3, 0.1.": lambda: Router(price=[0.3, 0.1]).fit(TEXTS, np.ones((12, 3))).route(TEXTS),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_names_argument_and_value(what):
    with pytest.raises(BadInput, match=what):
        BAD[what]()


# ---- simulation


@pytest.mark.slow
@pytest.mark.parametrize("n", [300, 1500])
@pytest.mark.parametrize("signal", [*GROUP, "none"])
def test_on_average_the_router_gains_what_is_planted_and_loses_nothing_without(signal, n):
    gains = []
    for seed in range(5):
        rows, outcomes, _ = planted(signal, n, seed)
        router = Router(share=0.35, categories=["kind", "height"]).fit(rows, outcomes)
        test, outcomes, hard = planted(signal, 4000, seed + 100)
        gains.append(beyond_random(router, test, outcomes)[0])
        best = np.cov(hard, outcomes[:, 1] - outcomes[:, 0])[0, 1]
    if signal == "none":
        assert np.mean(gains) > -3 * 0.002
    else:
        assert np.mean(gains) > (0.5 if n == 300 else 0.75) * best
