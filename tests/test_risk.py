"""Calibration and selective risk against hand cases, closed forms and scikit-learn."""

import itertools
import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit
from sklearn.base import clone
from sklearn.calibration import calibration_curve
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from hybridlab import risk
from hybridlab.errors import BadInput


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def answers(rng, n, sharpen=1.0):
    """Confidence whose log odds are ``sharpen`` times too large, and whether each answer was right."""
    truth = rng.uniform(0.5, 1, n)
    return expit(sharpen * logit(np.clip(truth, 0, 1 - 1e-6))), rng.random(n) < truth


# ---- calibration


def test_temperature_finds_the_factor_that_was_planted(rng):
    confidence, correct = answers(rng, 40_000, sharpen=3)
    calibrated = risk.Calibrator("temperature").fit(confidence, correct).transform(confidence)
    inside = (confidence > 0.6) & (confidence < 1 - 1e-5)
    factor = logit(confidence[inside]) / logit(calibrated[inside])
    assert np.ptp(factor) < 1e-6
    assert factor.mean() == pytest.approx(3, rel=0.05)


def test_temperature_of_many_classes_is_the_divisor_of_least_log_loss(rng):
    logs = rng.normal(size=(500, 4)) * 2
    proba = np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True)
    gold = np.array([rng.choice(4, p=p**0.5 / (p**0.5).sum()) for p in proba])

    def loss(divisor):
        cooled = proba ** (1 / divisor)
        return -np.log((cooled / cooled.sum(axis=1, keepdims=True))[np.arange(500), gold]).mean()

    best = minimize_scalar(loss, bounds=(0.1, 10), method="bounded").x
    cooled = proba ** (1 / best)
    calibrated = risk.Calibrator("temperature").fit(proba, gold).transform(proba)
    assert calibrated == pytest.approx(cooled / cooled.sum(axis=1, keepdims=True), abs=1e-4)
    assert (calibrated.argmax(axis=1) == proba.argmax(axis=1)).all()


def test_platt_is_logistic_regression_on_smoothed_targets(rng):
    """Platt's targets (n+ + 1) / (n+ + 2) and 1 / (n- + 2) as weights of two copies of each row."""
    confidence, correct = answers(rng, 300, sharpen=2)
    high, low = (correct.sum() + 1) / (correct.sum() + 2), 1 / ((~correct).sum() + 2)
    share = np.where(correct, high, low)
    odds = np.tile(logit(confidence), 2)[:, None]
    plain = LogisticRegression(C=np.inf, tol=1e-8)
    plain.fit(odds, np.repeat([1, 0], 300), np.append(share, 1 - share))
    calibrated = risk.Calibrator("platt").fit(confidence, correct).transform(confidence)
    assert calibrated == pytest.approx(plain.predict_proba(odds[:300])[:, 1], abs=1e-4)


def test_isotonic_pools_adjacent_violators():
    confidence, correct = [0.1, 0.2, 0.3, 0.4], [False, True, False, True]
    calibrated = risk.Calibrator("isotonic").fit(confidence, correct).transform(confidence)
    assert calibrated.tolist() == [0, 0.5, 0.5, 1]


def test_isotonic_agrees_with_scikit_learn(rng):
    confidence, correct = answers(rng, 400)
    plain = IsotonicRegression(out_of_bounds="clip").fit(logit(confidence), correct)
    calibrated = risk.Calibrator("isotonic").fit(confidence, correct).transform(confidence)
    assert calibrated == pytest.approx(plain.predict(logit(confidence)))


@pytest.mark.parametrize("method", risk.METHODS)
def test_calibration_helps_an_over_confident_tier_and_fits_every_shape(method, rng):
    confidence, correct = answers(rng, 4000, sharpen=3)
    one = risk.Calibrator(method).fit(confidence, correct)
    assert risk.log_loss(one.transform(confidence), correct) < risk.log_loss(confidence, correct)
    both = np.column_stack([1 - confidence, confidence])
    two = risk.Calibrator(method).fit(both, correct.astype(int))
    assert two.transform(both)[:, 1] == pytest.approx(one.transform(confidence))
    three = np.column_stack([both[:, 0] / 2, both[:, 0] / 2, both[:, 1]])
    gold = np.where(correct, 2, rng.integers(0, 2, 4000))
    assert risk.Calibrator(method).fit(three, gold).transform(three).sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize("method", risk.METHODS)
def test_certain_confidences_do_not_break_a_calibrator(method):
    confidence, correct = [0, 1, 1, 0, 1], [False, True, False, True, True]
    calibrated = risk.Calibrator(method).fit(confidence, correct).transform(confidence)
    assert np.isfinite(calibrated).all() and calibrated[1] > calibrated[0]


def test_a_calibrator_can_be_cloned_and_pickled(rng):
    confidence, correct = answers(rng, 100)
    fitted = risk.Calibrator("temperature").fit(confidence, correct)
    assert clone(fitted).method == "temperature"
    copy = pickle.loads(pickle.dumps(fitted))
    assert (copy.transform(confidence) == fitted.transform(confidence)).all()


# ---- reliability


def test_reliability_of_equal_width_agrees_with_scikit_learn(rng):
    confidence, correct = answers(rng, 2000)
    curve = risk.reliability_curve(confidence, correct, bins=10)
    accuracy, mean = calibration_curve(correct, confidence, n_bins=10)
    assert curve["accuracy"].tolist() == pytest.approx(accuracy)
    assert curve["confidence"].tolist() == pytest.approx(mean)
    assert curve["n"].sum() == 2000
    assert (curve["low"] <= curve["accuracy"]).all() and (curve["accuracy"] <= curve["high"]).all()


def test_bins_are_closed_on_the_right_and_equal_confidences_stay_together():
    width = risk.reliability_curve([0, 0.5, 0.51, 1], [True] * 4, bins=2)
    assert width["confidence"].tolist() == pytest.approx([0.25, 0.755])
    mass = risk.reliability_curve([0.7] * 5 + [0.9], [True] * 6, bins=3, by="mass")
    assert mass["n"].tolist() == [5, 1]
    assert risk.reliability_curve([0.7] * 5, [True] * 5, by="mass")["n"].tolist() == [5]


def test_equal_mass_has_equal_numbers(rng):
    confidence, correct = answers(rng, 1000)
    assert set(risk.reliability_curve(confidence, correct, bins=10, by="mass")["n"]) == {100}


def test_ece_of_one_bin_is_the_gap_of_the_means(rng):
    confidence, correct = answers(rng, 500, sharpen=3)
    assert risk.ece(confidence, correct, bins=1) == pytest.approx(confidence.mean() - correct.mean())


def test_ece_of_a_calibrated_confidence_vanishes_with_n(rng):
    assert risk.ece(*answers(rng, 200_000)) < 0.01


def test_brier_and_log_loss_by_hand():
    assert risk.brier([0.9, 0.4], [True, False]) == pytest.approx((0.01 + 0.16) / 2)
    assert risk.log_loss([0.9, 0.4], [True, False]) == pytest.approx(-(np.log(0.9) + np.log(0.6)) / 2)
    proba = [[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]
    assert risk.brier(proba, [0, 1]) == pytest.approx((0.09 + 0.04 + 0.01 + 0.01 + 0.81 + 0.64) / 2)
    assert risk.log_loss(proba, [0, 1]) == pytest.approx(-(np.log(0.7) + np.log(0.1)) / 2)
    assert risk.brier([0.9], [True]) == pytest.approx(0.01)  # one class is enough for a score


# ---- selective risk


def test_risk_coverage_by_hand():
    curve = risk.risk_coverage([0.9, 0.9, 0.7, 0.5], [True, False, True, False])
    assert curve["threshold"].tolist() == [0.9, 0.7, 0.5]
    assert curve["errors"].tolist() == [1, 1, 2]
    assert curve["coverage"].tolist() == [0.5, 0.75, 1]
    assert curve["risk"].tolist() == pytest.approx([1 / 2, 1 / 3, 2 / 4])


def area(order):
    return np.mean(np.cumsum(order) / np.arange(1, len(order) + 1))


def test_aurc_is_the_mean_over_all_orders_of_equal_confidences():
    confidence = np.array([0.9, 0.8, 0.8, 0.8, 0.3, 0.3])
    wrong = np.array([0, 1, 0, 0, 1, 0])
    orders = [np.array(order) for order in itertools.permutations(range(6))]
    areas = [area(wrong[order]) for order in orders if (np.diff(confidence[order]) <= 0).all()]
    assert len(areas) == 6 * 2
    assert risk.aurc(confidence, wrong == 0) == pytest.approx(np.mean(areas))


def test_a_constant_confidence_scores_the_error_rate(rng):
    correct = rng.random(57) < 0.7
    assert risk.aurc(np.full(57, 0.8), correct) == pytest.approx(1 - correct.mean())


def test_excess_area_is_zero_for_a_perfect_order_and_agrees_with_the_closed_form():
    correct = np.arange(20_000) >= 5000
    assert risk.eaurc(np.linspace(0, 1, 20_000), correct) == pytest.approx(0, abs=1e-12)
    r = 0.25
    best = r + (1 - r) * np.log(1 - r)
    assert risk.eaurc(np.full(20_000, 0.5), correct) == pytest.approx(r - best, abs=1e-4)
    assert risk.eaurc(np.linspace(1, 0, 20_000), correct) > r - best


# ---- bad input

HALF, RIGHT = [0.5, 0.6, 0.7], [True, False, True]
FRAME = pd.DataFrame({"label": ["great", "other", "great"], "confidence": HALF})


@pytest.mark.parametrize(("call", "names"), [
    (lambda: risk.ece([0.5, 1.2, 0.1], RIGHT), "confidence holds 1.2"),
    (lambda: risk.ece([0.5, -0.2, 0.1], RIGHT), "confidence holds -0.2"),
    (lambda: risk.aurc([0.5, np.nan, 0.1], RIGHT), "confidence holds nan"),
    (lambda: risk.risk_coverage([0.5], RIGHT), r"shape \(1,\), correct \(3,\)"),
    (lambda: risk.aurc([], []), "confidence has no rows"),
    (lambda: risk.aurc(HALF, [0, 0.5, 1]), "correct holds 0.5"),
    (lambda: risk.aurc(HALF, [True, np.nan, False]), "correct holds nan"),
    (lambda: risk.aurc([HALF], [RIGHT]), r"shape \(1, 3\)"),
    (lambda: risk.reliability_curve(HALF, RIGHT, by="size"), "by is 'size'"),
    (lambda: risk.reliability_curve(HALF, RIGHT, bins=0), "bins is 0"),
    (lambda: risk.Calibrator().fit(HALF, [True] * 3), "gold is 1 in all 3 rows"),
    (lambda: risk.Calibrator().fit(HALF, [True]), "proba has 3 rows, gold 1"),
    (lambda: risk.Calibrator("beta").fit(HALF, RIGHT), "method is 'beta'"),
    (lambda: risk.Calibrator().fit(HALF, [0, 1, 2]), "gold holds"),
    (lambda: risk.Calibrator().fit(HALF, RIGHT).transform([[0.5, 0.5]]), r"shape \(1, 2\)"),
    (lambda: risk.guarantee(FRAME, RIGHT, 0.1, rng=np.random.default_rng(0)),
     r"confidences is a table with the columns \['label', 'confidence'\](.|\n)*frame\[\"confidence\"\]"),
    (lambda: risk.guarantee(HALF, FRAME, 0.1, rng=np.random.default_rng(0)), "correct is a table with"),
    (lambda: risk.ece(["sure", "unsure", "sure"], RIGHT), "confidence is not numeric"),
    (lambda: risk.brier([[0.2, 0.9], [0.5, 0.5]], [0, 1]), "row 0 of proba adds up to 1.1"),
])
def test_bad_input_names_the_argument_and_the_value(call, names):
    with pytest.raises(BadInput, match=names):
        call()
