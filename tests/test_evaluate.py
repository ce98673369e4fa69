"""Scores against scikit-learn, scipy, closed forms and hand cases; intervals against their coverage."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline

from hybridlab import evaluate as ev
from hybridlab.errors import BadInput
from hybridlab.tiers import ABSTAIN


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def frame(labels, confidence=0.9, usd=0.0, seconds=0.0, index=None, **columns):
    table = pd.DataFrame({"label": labels}, index=index).assign(confidence=confidence, cost_usd=usd)
    return table.assign(latency_s=seconds, tier="t", reason="", **columns)


# ---- one tier


@pytest.mark.parametrize(("right", "n"), [(0, 10), (1, 10), (35, 40), (10, 10), (525, 600)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_wilson_solves_its_own_equation(right, n, level):
    """The ends are where the score test is just rejected: (p - q)^2 = z^2 q (1 - q) / n."""
    found, z = ev.wilson(right, n, level), stats.norm.ppf((1 + level) / 2)
    for q in (found.low, found.high):
        assert (right / n - q) ** 2 == pytest.approx(z**2 * q * (1 - q) / n, abs=1e-12)
    assert found.low <= found.value <= found.high


@pytest.mark.parametrize(("n", "p"), [(40, 0.9), (100, 0.5), (600, 0.98)])
def test_wilson_covers_the_truth(n, p):
    k = np.arange(n + 1)
    ends = [ev.wilson(int(i), n) for i in k]
    covered = np.array([e.low <= p <= e.high for e in ends])
    assert 0.92 < stats.binom.pmf(k, n, p)[covered].sum() < 0.98


def test_an_abstention_is_wrong_and_coverage_stands_beside():
    found = ev.accuracy(["a", "b", "a", "b"], ["a", ABSTAIN, "a", "a"])
    assert (found.value, found.coverage, found.n) == (0.5, 0.75, 4)
    assert "coverage 0.75" in str(found)


def test_accuracy_aligns_gold_by_row_id():
    gold = pd.Series({7: "a", 8: "b", 9: "b"})
    assert ev.accuracy(gold, frame(["b", "a"], index=[9, 7])).value == 1.0


def test_leaf_has_what_a_result_file_needs():
    assert ev.Estimate(1.0, 0.5, 1.0, 4).leaf() == {"value": 1.0, "low": 0.5, "high": 1.0, "n": 4}


@pytest.mark.parametrize("ties", [False, True])
def test_ranking_metrics_are_those_of_scikit_learn_also_when_weighted(rng, ties):
    gold = rng.random(300) < 0.2
    scores = rng.normal(size=300) + gold
    scores = scores.round(0 if ties else 12)
    weights = rng.integers(0, 4, size=(20, 300)).astype(float)
    for metric, reference in (("ap", average_precision_score), ("auc", roc_auc_score)):
        ours = ev._measure(metric, scores, gold)(weights)
        theirs = [reference(gold, scores, sample_weight=w) for w in weights]
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_ap_and_auc_of_frames(rng):
    gold = np.where(rng.random(200) < 0.3, "effect", "none")
    p = np.clip(rng.normal(0.3, 0.2, 200) + 0.3 * (gold == "effect"), 0, 1)
    labels = np.where(p > 0.5, "effect", "none")
    by_column = frame(labels, np.maximum(p, 1 - p), p_effect=p, p_none=1 - p)
    by_confidence = by_column.drop(columns=["p_effect", "p_none"])
    for answers in (by_column, by_confidence, p):
        ap = ev.average_precision(gold, answers, "effect", rng=rng, resamples=200)
        auc = ev.roc_auc(gold, answers, "effect", rng=rng, resamples=200)
        assert ap.value == pytest.approx(average_precision_score(gold == "effect", p))
        assert auc.value == pytest.approx(roc_auc_score(gold == "effect", p))
        assert ap.low < ap.value < ap.high and auc.low < auc.value < auc.high


def test_an_abstention_ranks_last_and_silence_scores_as_the_dummy(rng):
    gold = np.array(["effect", "none", "none", "effect", "none"])
    silent = frame([ABSTAIN] * 5, 0.99, p_effect=[0.9, 0.1, 0.2, 0.8, 0.1])
    assert ev.average_precision(gold, silent, "effect", rng=rng).value == pytest.approx(0.4)
    assert ev.roc_auc(gold, silent, "effect", rng=rng).value == 0.5
    dummy = ev.majority(gold, range(5))
    assert ev.average_precision(gold, dummy, "effect", rng=rng).value == pytest.approx(0.4)
    half = silent.assign(label=["effect", "none", "none", ABSTAIN, "none"])
    found = ev.average_precision(gold, half, "effect", rng=rng)
    assert found.value == pytest.approx(0.5 * 1 + 0.5 * 2 / 5) and found.coverage == 0.8


def test_bootstrap_of_a_mean_is_near_its_standard_error(rng):
    x = rng.exponential(size=400)
    found = ev.bootstrap(np.mean, x, rng=rng, resamples=4000)
    assert found.value == pytest.approx(x.mean())
    assert found.high - found.low == pytest.approx(2 * 1.96 * x.std() / 20, rel=0.06)


def test_bca_is_that_of_scipy():
    x = np.random.default_rng(1).exponential(size=60)
    ours = ev.bootstrap(np.var, x, rng=np.random.default_rng(2), method="BCa", resamples=999)
    options = {"n_resamples": 999, "method": "BCa", "vectorized": False}
    theirs = stats.bootstrap((x,), np.var, rng=np.random.default_rng(2), **options).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


def test_bootstrap_keeps_rows_together_over_arrays_of_every_kind(rng):
    texts = [f"row {i}" for i in range(50)]
    table = pd.DataFrame({"i": range(50)})

    def torn(texts, table, numbers):
        same = [int(text.split()[1]) == i == number for text, i, number in zip(texts, table["i"], numbers)]
        return 1 - np.mean(same)

    found = ev.bootstrap(torn, texts, table, np.arange(50), rng=rng, resamples=20)
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_resamples_without_one_class_are_drawn_again(rng):
    weights = ev._weights(6, 4000, rng, np.array([1, 0, 0, 0, 0, 0], dtype=bool))
    assert (weights.sum(axis=1) == 6).all() and (weights[:, 0] > 0).all() and (weights[:, 0] < 6).all()
    given = stats.binom(6, 1 / 6)
    assert weights[:, 0].mean() == pytest.approx(1 / (1 - given.pmf(0)), rel=0.03)


def test_interval_of_ap_knows_that_prevalence_varies(rng):
    """Holding the classes fixed gives intervals that are too narrow."""
    gold = rng.random(600) < 0.1
    scores = rng.normal(size=600) + gold
    measure = ev._measure("ap", scores, gold)
    fixed = np.zeros((2000, 600))
    for rows in (np.flatnonzero(gold), np.flatnonzero(~gold)):
        fixed[:, rows] = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), 2000)
    found = ev.average_precision(gold, scores, True, rng=rng)
    assert found.high - found.low > np.ptp(np.quantile(measure(fixed), [0.025, 0.975]))


# ---- the same rows


def test_paired_difference_closed_form(rng):
    """Standard error of a paired difference of shares: sqrt((b + c) / n - d^2) / sqrt(n)."""
    gold = np.full(600, "a")
    first, second = gold.copy(), gold.copy()
    first[:60], second[30:180] = "x", "x"
    found = ev.paired_difference(gold, first, second, rng=rng, resamples=8000)
    d = (150 - 60) / 600
    se = np.sqrt((120 + 30) / 600 - d**2) / np.sqrt(600)
    assert found.value == pytest.approx(d)
    assert (found.high - found.low) == pytest.approx(2 * 1.96 * se, rel=0.05)


def test_paired_difference_takes_metrics_and_callables(rng):
    gold = np.where(rng.random(300) < 0.3, "effect", "none")
    good, poor = (rng.normal(size=300) + shift * (gold == "effect") for shift in (2, 0.5))
    for metric, reference in (("ap", average_precision_score), ("auc", roc_auc_score)):
        found = ev.paired_difference(gold, good, poor, metric, positive="effect", rng=rng, resamples=500)
        want = reference(gold == "effect", good) - reference(gold == "effect", poor)
        assert found.value == pytest.approx(want) and 0 < found.low < found.high
    by_hand = ev.paired_difference(
        gold, good, poor, lambda g, s: roc_auc_score(g == "effect", s), rng=rng, resamples=200)
    assert by_hand.value == pytest.approx(want) and by_hand.low > 0


def test_a_tier_against_itself_differs_by_nothing(rng):
    gold = rng.choice(["a", "b"], 100)
    found = ev.paired_difference(gold, np.full(100, "a"), np.full(100, "a"), rng=rng)
    assert (found.value, found.low, found.high) == (0, 0, 0)


def simulated_coverage(draw, interval, truth, times):
    generators = [np.random.default_rng(i) for i in range(times)]
    found = [interval(*draw(rng), rng) for rng in generators]
    return np.mean([f.low <= truth <= f.high for f in found])


@pytest.mark.slow
def test_paired_intervals_cover_the_truth():
    """600 rows, tiers right with .80 and .75, correlated through a shared difficulty of the row."""
    def draw(rng):
        ease = rng.normal(size=600)
        right = [ease + rng.normal(size=600) > stats.norm.ppf(1 - p) * np.sqrt(2) for p in (0.80, 0.75)]
        return [np.where(r, "a", "b") for r in right]

    def interval(first, second, rng):
        return ev.paired_difference(np.full(600, "a"), first, second, rng=rng, resamples=400)

    assert 0.90 <= simulated_coverage(draw, interval, 0.05, 300) <= 0.985


@pytest.mark.slow
@pytest.mark.parametrize("prevalence", [0.1, 0.5])
def test_ap_and_auc_intervals_cover_the_truth(prevalence):
    """Normal scores one standard deviation apart; the population value comes from two million rows."""
    def population(rng, n):
        gold = rng.random(n) < prevalence
        return gold, rng.normal(size=n) + gold

    gold, scores = population(np.random.default_rng(99), 2_000_000)
    for metric, reference in ((ev.average_precision, average_precision_score), (ev.roc_auc, roc_auc_score)):
        def interval(gold, scores, rng, metric=metric):
            return metric(gold, scores, True, rng=rng, resamples=300)

        covered = simulated_coverage(lambda rng: population(rng, 600), interval, reference(gold, scores), 200)
        assert 0.89 <= covered <= 0.99


def test_mcnemar_is_a_sign_test_of_the_discordant_rows():
    gold = np.full(40, "a")
    first, second = gold.copy(), gold.copy()
    first[:3], second[3:15] = "x", ABSTAIN
    found = ev.mcnemar(gold, first, second)
    assert (found.first_only, found.second_only) == (12, 3)
    by_hand = 2 * sum(stats.binom.pmf(k, 15, 0.5) for k in range(4))
    assert found.p == pytest.approx(by_hand)
    assert ev.mcnemar(gold, first, first).p == 1.0


def test_holm_hand_case_and_order():
    assert ev.holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert ev.holm({"a": 0.9, "b": 0.8}).to_dict() == {"a": 1.0, "b": 1.0}


def test_holm_keeps_false_findings_at_the_level(rng):
    p = rng.random((4000, 5))
    any_false = np.mean([ev.holm(row).min() < 0.05 for row in p[:1000]])
    assert any_false < 0.07


def test_majority_is_scikit_learns_dummy():
    labels = ["great"] * 3 + ["other"] * 2
    dummy = DummyClassifier(strategy="prior").fit([[0]] * 5, labels)
    answers = ev.majority(labels, [4, 5])
    assert answers["label"].tolist() == dummy.predict([[0]] * 2).tolist()
    assert answers[["p_great", "p_other"]].to_numpy() == pytest.approx(dummy.predict_proba([[0]] * 2))
    assert answers.index.tolist() == [4, 5] and (answers["cost_usd"] == 0).all()


def test_scoreboard_by_hand(rng):
    gold = pd.Series(["a", "b", "a", "b"], index=[3, 1, 4, 5])
    quick = frame(["a", "a", ABSTAIN, "b"], usd=0.001, seconds=[1, 2, 3, 4], index=gold.index, p_a=0.5)
    part = frame(["a"], usd=0.002, seconds=9.0, index=[4], p_a=0.9)
    board = ev.scoreboard({"quick": quick, "part": part}, gold)
    line = board.loc["quick"]
    assert (line["n"], line["accuracy"], line["coverage"]) == (4, 0.5, 0.75)
    assert line["usd_per_1000"] == pytest.approx(1.0)
    assert line["p50_s"] == 2.5 and line["p95_s"] == pytest.approx(3.85)
    assert board.loc["part", ["n", "accuracy", "p95_s"]].tolist() == [1, 1.0, 9.0]
    ranked = ev.scoreboard({"quick": quick}, gold, "ap", positive="a", rng=rng)
    assert ranked.loc["quick", "ap"] == pytest.approx(0.5 * 1 / 3 + 0.5 * 2 / 4)


def test_disagreements_are_a_sample_of_the_rows_that_differ(rng):
    gold = pd.Series(["a", "b", "a", "b"], index=[3, 1, 4, 5])
    first = frame(["a", "b", "b", ABSTAIN], 0.8, index=gold.index)
    second = frame(["a", "a", "a", "a"], 0.7, index=gold.index)
    table = ev.disagreements(first, second, gold, rng=rng)
    assert table["right"].to_dict() == {1: "first", 4: "second", 5: "neither"}
    assert table["confidence_first"].eq(0.8).all() and table.loc[5, "label_first"] == ABSTAIN
    assert len(ev.disagreements(first, second, gold, n=2, rng=rng)) == 2
    assert ev.disagreements(first, first, gold, rng=rng).empty


# ---- learning curves


def make_rows(rng, n):
    labels = rng.choice(["a", "b"], n)
    return rng.normal(size=(n, 2)) + (labels == "a")[:, None], labels


def test_learning_curve_is_what_fitting_by_hand_gives(rng):
    X, labels = make_rows(rng, 300)
    test = X[200:], labels[200:]
    settings = {"test": test, "sizes": [10, 200], "repeats": 3, "rng": np.random.default_rng(5)}
    curve = ev.learning_curve(GaussianNB, X[:200], labels[:200], **settings)
    order = np.random.default_rng(5).permutation(200)[:10]
    by_hand = GaussianNB().fit(X[order], labels[order]).score(*test)
    assert curve.frame.query("size == 10 and repeat == 0")["score"].item() == pytest.approx(by_hand)
    full = GaussianNB().fit(X[:200], labels[:200]).score(*test)
    assert curve.frame.query("size == 200")["score"].to_numpy() == pytest.approx([full] * 3)


def test_learning_curve_takes_texts_and_ranks(rng):
    texts = pd.Series(["good tea", "bad tea", "good cup", "bad cup"] * 20)
    labels = pd.Series(["great", "other"] * 40)
    settings = {"test": (texts, labels), "sizes": [1, 40], "repeats": 3, "metric": "ap", "positive": "great"}

    def make():
        return make_pipeline(CountVectorizer(), LogisticRegression())

    for given in (texts, texts.tolist(), texts.to_numpy()):
        curve = ev.learning_curve(make, given, labels, rng=rng, **settings)
        scores = curve.frame.groupby("size")["score"].mean()
        assert scores[1] == pytest.approx(0.5), "one label is one class: the score of the dummy"
        assert scores[40] == pytest.approx(1.0)


def test_summary_interval_has_both_sources_of_luck(rng):
    """Rows and repeats independent: variance of the mean is about p (1 - p) / n when repeats agree by row."""
    right = (rng.random(600) < 0.7).astype(float)
    same = ev.Curve(np.array([10]), np.tile(right, (1, 20, 1)), np.full(600, "a"))
    wide = same.summary(rng=rng, resamples=4000).iloc[0]
    assert wide["high"] - wide["low"] == pytest.approx(2 * 1.96 * np.sqrt(0.21 / 600), rel=0.08)
    shifts = rng.normal(0, 0.05, 20)
    outcomes = np.tile(0.7 + shifts[:, None], (1, 1, 600))
    luck = ev.Curve(np.array([10]), outcomes, np.full(600, "a")).summary(rng=rng, resamples=4000).iloc[0]
    assert luck["high"] - luck["low"] == pytest.approx(2 * 1.96 * shifts.std() / np.sqrt(20), rel=0.08)
    assert luck["worst"] == pytest.approx(0.7 + shifts.min())


def planted(rng, n=600, repeats=20, reference=0.75):
    """Accuracy .60 at 100 labels, .02 more a doubling, so .75 is reached at 100 x 2^7.5."""
    sizes = 100 * 2 ** np.arange(11)
    p = 0.60 + 0.02 * np.arange(11)
    ease = rng.random(n)
    noise = rng.normal(0, 0.01, (11, repeats, 1))
    outcomes = (ease < p[:, None, None] + noise).astype(float)
    fixed = np.where(rng.permutation(ease) < reference, "a", "b")
    return ev.Curve(sizes, outcomes, np.full(n, "a")), fixed


@pytest.mark.slow
def test_crossover_covers_a_planted_crossing():
    truth, times, inside = 100 * 2**7.5, 100, 0
    for i in range(times):
        rng = np.random.default_rng(i)
        found = ev.crossover(*planted(rng), rng=rng, resamples=300)
        inside += (found.low or np.inf) <= truth <= (found.high or np.inf)
    assert inside >= 0.89 * times


def test_crossover_needs_no_interpolation_where_the_curve_meets_the_reference(rng):
    outcomes = np.zeros((3, 2, 100))
    for i, right in enumerate((50, 75, 90)):
        outcomes[i, :, :right] = 1
    curve = ev.Curve(np.array([10, 40, 160]), outcomes, np.full(100, "a"))
    fixed = np.where(np.arange(100) < 75, "a", "b")
    assert ev.crossover(curve, fixed, rng=rng).labels == pytest.approx(40)
    between = np.where(np.arange(100) < 65, "a", "b")  # 3/5 of the way from 10 to 40 on the logarithm
    assert ev.crossover(curve, between, rng=rng).labels == pytest.approx(10 * 4**0.6)


def test_crossover_none_and_at_once_are_answers(rng):
    curve, _ = planted(rng)
    never = ev.crossover(curve, np.full(600, "a"), rng=rng, resamples=100)
    assert (never.labels, never.low, never.high, never.never) == (None, None, None, 1.0)
    assert str(never) == "none up to 102,400 labels (100 % of resamples agree)"
    at_once = ev.crossover(curve, np.full(600, "b"), rng=rng, resamples=100)
    assert at_once.labels == at_once.high == 100 and "at most 100" in str(at_once)


def test_crossover_open_above_says_so(rng):
    curve, fixed = planted(rng, reference=0.80)
    found = ev.crossover(curve, fixed, rng=rng, resamples=300)
    assert found.high is None and 0 < found.never < 1
    assert "to none up to 102,400)" in str(found)


def test_crossover_puts_a_frame_into_the_order_of_the_test_rows(rng):
    gold = pd.Series(["a", "b", "a", "b"], index=[9, 2, 7, 4])
    curve = ev.Curve(np.array([10, 20]), np.array([[[1, 1, 0, 0]], [[1, 1, 1, 1]]]), gold)
    answers = frame(["b", "b", "a", "a"], index=[2, 4, 7, 9])
    assert ev.crossover(curve, answers, rng=rng, resamples=50).labels == 20
    with pytest.raises(BadInput):
        ev.crossover(curve, answers.drop(index=9), rng=rng, resamples=50)


# ---- would it flip?


def flip_case(n=1000, cheap=0.70, dear=0.80, usd=0.01, seconds=2.0):
    gold = np.full(n, "a")
    first = frame(np.where(np.arange(n) < cheap * n, "a", "b"))
    second = frame(np.where(np.arange(n) < dear * n, "a", "b"), usd=usd, seconds=seconds)
    return gold, first, second


def test_flip_points_make_the_costs_equal(rng):
    """Putting each flip point back in must make the two tiers cost the same."""
    flip = ev.would_flip(*flip_case(), error_usd=0.5, wait_usd=0.005, rng=rng)
    now = {"accuracy of second": 0.80, "cost_usd of second": 0.01, "latency_s of second": 2.0}
    now["error_usd"] = 0.5
    assert flip.table["now"].to_dict() == pytest.approx(now)
    for changed, point in flip.table["flips_at"].items():
        acc, usd, seconds, error = (point if name == changed else value for name, value in now.items())
        assert error * (1 - 0.70) == pytest.approx(usd + 0.005 * seconds + error * (1 - acc))
    assert flip.winner == "second" and flip.saved_usd == pytest.approx(0.05 - 0.02)
    assert (flip.table["low"] <= flip.table["flips_at"]).all()
    assert (flip.table["flips_at"] <= flip.table["high"]).all()
    assert flip.stable > 0.99


def test_flip_of_a_tier_that_is_dearer_and_no_better(rng):
    flip = ev.would_flip(*flip_case(dear=0.65), error_usd=0.5, rng=rng)
    assert flip.winner == "first" and flip.table.loc["error_usd", "flips_at"] == np.inf
    assert flip.table.loc["accuracy of second", "flips_at"] == pytest.approx(0.72)
    assert flip.table.loc["cost_usd of second", "flips_at"] < 0, "it would have to be paid for"
    assert "latency_s of second" not in flip.table.index


@pytest.mark.slow
def test_flip_interval_covers_the_truth():
    inside = 0
    for i in range(200):
        rng = np.random.default_rng(i)
        ease = rng.random(500)
        first = frame(np.where(ease < 0.70, "a", "b"))
        second = frame(np.where(rng.random(500) < 0.85, "a", "b"), usd=0.01)
        row = ev.would_flip(np.full(500, "a"), first, second, error_usd=0.5, rng=rng, resamples=300)
        low, high = row.table.loc["error_usd", ["low", "high"]]
        inside += low <= 0.01 / 0.15 <= high
    assert inside >= 0.89 * 200


# ---- bad input names its argument


def test_bad_input_is_named(rng):
    gold, texts = ["a", "b"], ["x", "y"]
    half = {"test": (texts, gold), "sizes": [3], "rng": rng}
    paid, unknown = frame(gold, usd=1), frame(gold, usd=np.nan)
    cases = [
        (lambda: ev.accuracy(gold, ["a"]), "lengths are"),
        (lambda: ev.accuracy([], []), "lengths are"),
        (lambda: ev.accuracy(["a", None], gold), "gold has rows without a label"),
        (lambda: ev.accuracy([ABSTAIN, "a"], gold), "gold has rows without a label"),
        (lambda: ev.accuracy(gold, ["a", None]), "1 labels are missing"),
        (lambda: ev.accuracy(gold, gold, level=95), "level is 95"),
        (lambda: ev.accuracy(pd.Series(gold), frame(gold, index=[0, 5])), "gold has no row 5"),
        (lambda: ev.wilson(3, 2), "right is 3"),
        (lambda: ev.bootstrap(np.mean, [1.0], rng=0), "rng is 0"),
        (lambda: ev.paired_difference(gold, gold, gold, "f1", rng=rng), "metric is 'f1'"),
        (lambda: ev.average_precision(gold, [0.1, 0.2], "c", rng=rng), "0 of 2 gold labels are 'c'"),
        (lambda: ev.mcnemar(gold, frame(gold), frame(gold, index=[1, 0])), "other rows"),
        (lambda: ev.holm([0.5, 1.5]), "p holds 1.5"),
        (lambda: ev.learning_curve(GaussianNB, texts, gold, **half), r"sizes is \[3\]"),
        (lambda: ev.would_flip(gold, frame(gold), frame(gold), error_usd=0, rng=rng), "error_usd is 0"),
        (lambda: ev.would_flip(gold, paid, frame(gold), error_usd=1, rng=rng), "first costs more"),
        (lambda: ev.would_flip(gold, frame(gold), unknown, error_usd=1, rng=rng), "missing values"),
    ]
    for call, message in cases:
        with pytest.raises(BadInput, match=message):
            call()
