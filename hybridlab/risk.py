"""What a confidence is worth: calibration, selective risk, and thresholds with a guarantee or a price.

Everything works on arrays. ``confidence`` has a number from 0 to 1 a row, ``correct`` says whether that
answer was right. A chain of tiers has a column a tier, and a row is answered by the first tier whose
confidence reaches its threshold. Confidence 0 means that the tier said nothing: such a row always passes on.
"""

from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import bdtr, ndtr, ndtri
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from .errors import BadInput

POINTS = 1024  # rows that stand for the learnt model of a chain
PRICES, STEPS = 60, 240  # prices of an error that lay out a path, joint thresholds on it
CAUTION = 0.3  # coverage at which the test of a threshold is seldom weak

# ---- calibration


class Calibrator(BaseEstimator):
    """Turns a confidence, or the probabilities of many classes, into calibrated ones.

    "platt" fits a logistic curve to the log odds (Platt 1999), "isotonic" a rising step function (Zadrozny
    and Elkan 2002), "temperature" one divisor of the log probabilities (Guo 2017, 1706.04599). With many
    classes the first two calibrate one class against the rest and normalise; temperature never changes the
    order of the classes. scikit-learn does the fitting.

    Parameters
    ----------
    method : {"platt", "isotonic", "temperature"}
        Isotonic needs about 1,000 rows; temperature has one parameter and Platt two.

    Examples
    --------
    >>> import numpy as np
    >>> from hybridlab.risk import Calibrator, ece
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.uniform(0.5, 1, 2000)
    >>> correct = rng.random(2000) < truth
    >>> confidence = truth**3 / (truth**3 + (1 - truth)**3)  # over-confident: the log odds times three
    >>> calibrated = Calibrator("temperature").fit(confidence, correct).transform(confidence)
    >>> bool(ece(calibrated, correct) < 0.03 < 0.1 < ece(confidence, correct))
    True
    """

    def __init__(self, method="platt"):
        self.method = method

    def fit(self, proba, gold):
        """Learn the map.

        Parameters
        ----------
        proba : array, shape (n,), confidence of each answer; or shape (n, k), a column a class
        gold : bool, shape (n,), was the answer right; or int, shape (n,), the column of the true class
        """
        from sklearn.calibration import CalibratedClassifierCV
        from sklearn.frozen import FrozenEstimator

        if self.method not in METHODS:
            raise BadInput(f"method is {self.method!r}", expected=f"one of {', '.join(METHODS)}")
        proba, gold = _classes(proba, gold)
        if len(np.unique(gold)) < 2:
            raise BadInput(f"gold is {gold[0]} in all {len(gold)} rows", expected="two classes or more")
        self.width_ = proba.shape[1:]
        given = _Given(self.method)
        given.classes_ = np.arange(_width(proba))
        rows = np.arange(len(gold))
        known = {"method": METHODS[self.method], "cv": [(rows, rows)], "ensemble": True}
        frozen = CalibratedClassifierCV(FrozenEstimator(given), **known)
        self.model_ = frozen.fit(proba.reshape(len(gold), -1), gold)
        return self

    def transform(self, proba):
        """Calibrated numbers, in the shape of ``proba``."""
        proba = _unit("proba", proba)
        if proba.shape[1:] != self.width_:
            shape = str(self.width_).replace("(", "(n, ", 1)
            raise BadInput(f"proba has shape {proba.shape}", expected=f"{shape}, as it was fitted")
        calibrated = self.model_.predict_proba(proba.reshape(len(proba), -1))
        return calibrated if self.width_ else calibrated[:, 1]


METHODS = {"platt": "sigmoid", "isotonic": "isotonic", "temperature": "temperature"}


class _Given(ClassifierMixin, BaseEstimator):
    """A classifier that was fitted elsewhere: its rows are its probabilities."""

    def __init__(self, method):
        self.method = method

    def fit(self, X, y):
        return self

    def decision_function(self, X):
        proba = np.clip(X, 1e-6, 1 - 1e-6)
        odds = np.log(proba) - (self.method != "temperature" or X.shape[1] < 3) * np.log1p(-proba)
        return odds if X.shape[1] > 2 else odds[:, -1]


def reliability_curve(confidence, correct, bins=15, by="width"):
    """Accuracy against mean confidence in bins of the confidence, with Wilson's 95 % interval.

    A calibrated confidence has the two equal in every bin. Bins are closed on the right; empty ones are left
    out. Source: Guo 2017, 1706.04599, equations 3 and 4, which takes 15 bins of equal width.

    Parameters
    ----------
    confidence : array, shape (n,), from 0 to 1
    correct : bool, shape (n,)
    bins : int
    by : {"width", "mass"}
        Bins of equal width, or of equal numbers of rows (equal confidences stay together).

    Returns
    -------
    DataFrame, a row a bin: n, confidence, accuracy, low, high

    Examples
    --------
    >>> from hybridlab.risk import reliability_curve
    >>> curve = reliability_curve([0.6, 0.6, 0.9, 0.9], [True, False, True, True], bins=2, by="mass")
    >>> curve[["n", "confidence", "accuracy"]].to_numpy().tolist()
    [[2.0, 0.6, 0.5], [2.0, 0.9, 1.0]]
    """
    from .evaluate import wilson

    confidence, correct = _answers(confidence, correct)
    if by not in ("width", "mass"):
        raise BadInput(f"by is {by!r}", expected='"width" or "mass"')
    if not bins >= 1:
        raise BadInput(f"bins is {bins!r}", expected="1 or more")
    inner = np.linspace(0, 1, bins + 1)[1:-1]
    ends = np.sort(confidence)[np.maximum(np.round(len(confidence) * inner).astype(int) - 1, 0)]
    edges = inner if by == "width" else ends
    place = np.searchsorted(edges, confidence)
    rows = pd.DataFrame({"confidence": confidence, "accuracy": correct}).groupby(place)
    table = rows.mean().assign(n=rows.size()).reset_index(drop=True)
    shares = [wilson(round(n * share), n) for n, share in zip(table["n"], table["accuracy"])]
    return table.assign(low=[share.low for share in shares], high=[share.high for share in shares])


def ece(confidence, correct, bins=15, by="width"):
    """Expected calibration error: mean over rows of |accuracy - confidence| of their bin.

    It falls with fewer bins and is above 0 for a calibrated confidence (about sqrt(bins / n) / 2), so compare
    it only at the same n, bins and binning. Source: Guo 2017, 1706.04599, equation 5.

    Examples
    --------
    >>> from hybridlab.risk import ece
    >>> round(ece([0.6, 0.6, 0.9, 0.9], [True, False, True, True]), 3)  # (2 x 0.1 + 2 x 0.1) / 4
    0.1
    """
    curve = reliability_curve(confidence, correct, bins, by)
    return float(np.average((curve["accuracy"] - curve["confidence"]).abs(), weights=curve["n"]))


def brier(proba, gold):
    """Mean squared error of probabilities: 0 to 1 for two classes, summed over the classes (0 to 2) for more.

    Parameters
    ----------
    proba, gold : as in ``Calibrator.fit``

    Source: Brier 1950, Monthly Weather Review 78:1; by scikit-learn.

    Examples
    --------
    >>> from hybridlab.risk import brier
    >>> round(brier([0.8, 0.6], [True, False]), 3)  # (0.04 + 0.36) / 2
    0.2
    """
    from sklearn.metrics import brier_score_loss

    proba, gold = _classes(proba, gold)
    return float(brier_score_loss(gold, proba, labels=range(_width(proba))))


def log_loss(proba, gold):
    """Mean of -log of the probability given to what turned out true, in nats; by scikit-learn.

    Parameters
    ----------
    proba, gold : as in ``Calibrator.fit``

    Examples
    --------
    >>> from hybridlab.risk import log_loss
    >>> round(log_loss([0.5, 0.5], [True, False]), 4)  # log 2
    0.6931
    """
    from sklearn import metrics

    proba, gold = _classes(proba, gold)
    return float(metrics.log_loss(gold, proba, labels=range(_width(proba))))


# ---- selective risk


def risk_coverage(confidence, correct):
    """Error among answered rows (risk) against the share answered (coverage), a row a threshold.

    Rows of the same confidence are answered together or not at all. Source: Geifman 2017, 1705.08500,
    equations 1 and 2.

    Returns
    -------
    DataFrame, strictest first: threshold, n, errors, coverage, risk

    Examples
    --------
    >>> from hybridlab.risk import risk_coverage
    >>> curve = risk_coverage([0.9, 0.8, 0.8, 0.6], [True, True, False, False])
    >>> curve[["threshold", "coverage", "risk"]].round(3).to_numpy().tolist()
    [[0.9, 0.25, 0.0], [0.8, 0.75, 0.333], [0.6, 1.0, 0.5]]
    """
    confidence, correct = _answers(confidence, correct)
    rows = pd.DataFrame({"threshold": confidence, "n": 1, "errors": (~correct).astype(int)})
    table = rows.groupby("threshold").sum().sort_index(ascending=False).cumsum().reset_index()
    return table.assign(coverage=table["n"] / len(correct), risk=table["errors"] / table["n"])


def aurc(confidence, correct):
    """Area under the risk-coverage curve: the mean over k = 1..n of the error among the k surest rows.

    Rows of the same confidence count as if in random order, in expectation and exactly, so a constant
    confidence scores the error rate. Lower is better. Source: Geifman 2019, 1805.08206, section 3.

    Examples
    --------
    >>> from hybridlab.risk import aurc
    >>> round(aurc([0.9, 0.8, 0.7], [True, False, True]), 4)  # (0 + 1/2 + 1/3) / 3
    0.2778
    >>> aurc([0.8, 0.8], [True, False])
    0.5
    """
    confidence, correct = _answers(confidence, correct)
    wrong = pd.Series(~correct).groupby(confidence).transform("mean").to_numpy()
    falling = wrong[np.argsort(-confidence, kind="stable")]
    return float((falling.cumsum() / np.arange(1, len(falling) + 1)).mean())


def eaurc(confidence, correct):
    """Excess area: ``aurc`` less that of the best possible order, all right rows before all wrong ones.

    0 is a perfect order whatever the accuracy, so it compares tiers of different accuracy. Source: Geifman
    2019, 1805.08206, section 3, with the finite sum in place of its limit r + (1 - r) log(1 - r).

    Examples
    --------
    >>> from hybridlab.risk import eaurc
    >>> eaurc([0.9, 0.8, 0.1], [True, True, False])
    0.0
    """
    return aurc(confidence, correct) - aurc(correct, correct)


# ---- thresholds


def apply_thresholds(confidences, thresholds):
    """Which tier of a chain answers each row: its place from 0, or -1 where none does.

    A row goes to the first tier whose confidence is at least its threshold and above 0.

    Parameters
    ----------
    confidences : array, shape (n, tiers) or (n,) for one tier
    thresholds : one number a tier, at least 0; infinite where the tier never answers

    Examples
    --------
    >>> from hybridlab.risk import apply_thresholds
    >>> apply_thresholds([[0.9, 0.2], [0.5, 0.8], [0.5, 0.1]], [0.7, 0.6]).tolist()
    [0, 1, -1]
    """
    confidences = _columns(_unit("confidences", confidences))
    thresholds = np.atleast_1d(np.asarray(thresholds, dtype=float))
    if thresholds.shape != confidences.shape[1:] or not (thresholds >= 0).all():
        tiers = confidences.shape[1]
        raise BadInput(f"thresholds is {thresholds.tolist()}", expected=f"{tiers} numbers, none below 0")
    passes = (confidences >= thresholds) & (confidences > 0)
    return np.where(passes.any(axis=1), passes.argmax(axis=1), -1)


@dataclass(frozen=True)
class Shift:
    """Whether the confidences of ``n`` new rows differ from the calibration rows', and with which p value."""

    p: float
    n: int
    level: float = 0.01

    @property
    def void(self):
        """True where the rows are not alike, so that the guarantee says nothing about the new ones."""
        return self.p <= self.level

    def __str__(self):
        rows = f"the confidences of these {self.n:,} rows (p = {self.p:.2g})"
        if self.void:
            return f"VOID: a shift in {rows}. The guarantee does not hold for them; calibrate on such rows."
        return (f"No shift is seen in {rows}. That is no proof: where errors change behind the same "
                "confidences the guarantee is void as well. Label some of these rows.")


@dataclass(frozen=True, eq=False)
class Guarantee:
    """Thresholds, what they promise and what they did on the rows that tested them.

    ``thresholds`` has a number a tier, all infinite where nothing passed. ``n`` rows tested them,
    ``answered`` were answered and ``errors`` of these were wrong. ``path`` lists the tests made, strictest
    first.

    Examples
    --------
    >>> import numpy as np
    >>> from hybridlab.risk import guarantee
    >>> rng = np.random.default_rng(0)
    >>> confidence = rng.uniform(0.5, 1, 500)
    >>> found = guarantee(confidence, rng.random(500) < confidence, alpha=0.2, rng=rng)
    >>> old, new = rng.uniform(0.5, 1, (2, 200))
    >>> found.shift(old).void, found.shift(new**2).void
    (False, True)
    """

    thresholds: np.ndarray
    alpha: float
    delta: float
    n: int
    answered: int
    errors: int
    path: pd.DataFrame = field(repr=False)
    confidences: np.ndarray = field(repr=False)

    @property
    def coverage(self):
        """Share of the tested rows that are answered."""
        return self.answered / self.n if self.n else 0.0

    def __str__(self):
        if not self.answered:
            return (f"Abstain on everything: no thresholds passed on {self.n:,} rows. For error at most "
                    f"{self.alpha:g} with probability {1 - self.delta:g} the smallest proof is "
                    f"{_least(self.alpha, self.delta)} answered rows without an error.")
        return (f"With probability {1 - self.delta:g} over the calibration rows, at most {self.alpha:g} of "
                f"the answered rows are wrong. Tested on {self.n:,} rows: coverage {self.coverage:.3f}, "
                f"{self.errors:,} of {self.answered:,} wrong. It holds for rows drawn like these; after a "
                "shift it is void.")

    def shift(self, confidences, level=0.01):
        """Whether new rows are like the tested ones; where they are not, the guarantee is void.

        A Kolmogorov-Smirnov test a tier, Bonferroni over tiers. It sees the confidences only: errors can
        change behind the same confidences, and then the guarantee is void without a sign.

        Parameters
        ----------
        confidences : array, shape (m, tiers) or (m,), of the new rows
        level : float, the probability of a false alarm

        Returns
        -------
        Shift
        """
        new = _columns(_unit("confidences", confidences))
        if new.shape[1] != len(self.thresholds):
            what = f"confidences has {new.shape[1]} columns"
            raise BadInput(what, expected=f"{len(self.thresholds)}, one a tier")
        p = [stats.ks_2samp(*tier).pvalue for tier in zip(self.confidences.T, new.T)]
        return Shift(float(min(1, len(p) * min(p))), len(new), level)


def guarantee(confidences, correct, alpha, delta=0.1, *, rng, learn=0.1):
    """Thresholds of a chain such that, with probability 1 - delta, at most alpha of the answers are wrong.

    The probability is over the calibration rows; "wrong" is P(error | answered) on new rows. Calibration and
    new rows must be independent draws of one population: after a shift nothing is promised. Of the confidence
    nothing is assumed; a bad one only answers less. Where the promise cannot be made the thresholds are
    infinite: abstain on everything.

    How: a share ``learn`` of the rows, drawn at random, lays out a path of joint thresholds from strict to
    "answer all": those that would cost least at a falling price of an error. It also picks where to start.
    The other rows test one step after the other: at fixed thresholds the errors among k answered rows are
    Binomial(k, risk), so p = P(Binomial(k, alpha) <= errors) is an exact p value of "the risk is above
    alpha". The first step with p > delta ends the walk, the one before it is the answer. To break the promise
    the walk must pass the first step of the path whose risk is above alpha, which has probability delta at
    most; so there is no correction for the number of steps. Source: fixed sequence testing in Angelopoulos
    2021 (learn then test), 2110.01052.

    Parameters
    ----------
    confidences : array, shape (n, tiers), or (n,) for one tier; from 0 to 1, 0 where a tier said nothing
    correct : bool, the same shape: was that answer right, whether or not it would be used
    alpha : float, the share of answered rows that may be wrong
    delta : float, the probability that the promise fails
    rng : numpy.random.Generator, draws the rows that lay out the path
    learn : float, their share

    Returns
    -------
    Guarantee

    Examples
    --------
    >>> import numpy as np
    >>> from hybridlab.risk import apply_thresholds, guarantee
    >>> rng = np.random.default_rng(0)
    >>> confidences = rng.uniform(0.5, 1, (500, 2))  # two tiers, calibrated, .75 right
    >>> correct = rng.random((500, 2)) < confidences
    >>> found = guarantee(confidences, correct, alpha=0.2, rng=rng)
    >>> print(found)  # doctest: +ELLIPSIS
    With probability 0.9 over the calibration rows, at most 0.2 of the answered rows are wrong. Tested on 450
    rows: coverage ...
    >>> tier = apply_thresholds(confidences, found.thresholds)

    A useless confidence and a third of the answers wrong: nothing can be promised.

    >>> print(guarantee(rng.random(500), rng.random(500) < 2 / 3, alpha=0.2, rng=rng))  # doctest: +ELLIPSIS
    Abstain on everything: ...
    """
    confidences, correct = _chain(confidences, correct)
    _shares(alpha=alpha, delta=delta, learn=learn)
    if not isinstance(rng, np.random.Generator):
        raise BadInput(f"rng is {rng!r}", expected="a generator", fix="rng=np.random.default_rng(0)")
    laid, tested = np.split(rng.permutation(len(correct)), [max(1, round(learn * len(correct)))])
    needed = 2 * _least(alpha, delta) / max(1, len(tested))  # a test of fewer rows is hardly ever passed
    path = _path(confidences[laid], correct[laid], alpha, needed)
    path = np.vstack([np.full(path.shape[1], np.inf), path])  # the strictest of all: abstain on everything
    answered, errors = _outcomes(confidences[tested], ~correct[tested], path)
    p = np.where(answered, bdtr(errors, answered, alpha), 1.0)
    p[0] = 0
    last = int(np.append(p > delta, True).argmax()) - 1
    names = [f"threshold_{tier + 1}" for tier in range(path.shape[1])]
    table = pd.DataFrame(path, columns=names).assign(answered=answered, errors=errors, p=p)
    found = path[last], alpha, delta, len(tested), int(answered[last]), int(errors[last])
    return Guarantee(*found, table[1 : last + 2].reset_index(drop=True), confidences[tested])


def _least(alpha, delta):
    """The fewest answered rows that, without an error, prove a risk of at most alpha."""
    return int(np.ceil(np.log(delta) / np.log1p(-alpha)))


def _path(confidences, correct, alpha, needed):
    """Joint thresholds to be tested one after the other, the last answering all, shape (steps, tiers)."""
    place = _place(confidences)
    known, wrong = _population(confidences, place, _logistic(place, correct, own=0.1))
    bounds = np.append(np.quantile(wrong.min(axis=1), np.linspace(0.02, 1, PRICES - 1)), 1)
    found = _cheapest(known, wrong, 1 / bounds, np.zeros(place.shape[1]), 1.0)
    found[-1, -1] = 0
    steps = np.linspace(0, PRICES - 1, STEPS)
    path = [np.interp(steps, range(PRICES), np.minimum(tier, 1 + 1e-6)) for tier in found.T]
    path = np.column_stack(path)
    start = _start(*_outcomes(known, wrong, path), alpha, needed)
    return np.where(path > 1, np.inf, path)[start:]


def _start(answered, errors, alpha, needed):
    """The step at which to begin.

    A test is strongest where (alpha - risk) sqrt(answered) is largest. Few rows learn that place badly, so it
    is met half-way from a coverage at which a test is seldom weak.
    """
    coverage = answered / max(1, answered[-1])
    strongest = ((alpha - errors / np.maximum(answered, 1)) * np.sqrt(answered)).argmax()
    return (coverage >= min(1, max(needed, (coverage[strongest] + CAUTION) / 2))).argmax()


def _outcomes(confidences, wrong, path):
    """Rows answered at each of many joint thresholds, and the sum of ``wrong`` over them."""
    waiting, errors = np.ones((len(path), len(confidences)), bool), 0
    for tier, known in enumerate(confidences.T):
        answers = waiting & (known > 0) & (known >= path[:, [tier]])
        errors = errors + np.where(answers, wrong[:, tier], False).sum(axis=1)
        waiting &= ~answers
    return (~waiting).sum(axis=1), errors


def tune_thresholds(confidences, correct, cost_usd, error_usd, abstain_usd=None):
    """Thresholds of a chain at which an average row costs least, calls, errors and abstentions together.

    A row pays every tier it is passed to, then ``error_usd`` if its answer is wrong, or ``abstain_usd`` if no
    tier answers.

    How: a model of the chain is learnt, and its thresholds are set where answering and passing on cost the
    same, the last tier's first, repeated until none changes. In the model the confidences of the tiers depend
    on each other as correlated normal scores do. The chance of being right is a logistic curve of a tier's
    confidence and the mean of the others', an isotonic one of its own, or the mean of the two, whichever
    predicts rows left out best (5 folds). So 300 rows are enough, where a search of a grid fits its noise; on
    thousands of rows a grid is as good.

    Parameters
    ----------
    confidences, correct : as in ``guarantee``
    cost_usd : one number a tier, USD a call, none below the one before it
    error_usd : float, USD a wrong answer
    abstain_usd : float, USD a row without an answer (such as a person's price); by default ``error_usd``

    Returns
    -------
    array, shape (tiers,)

    Examples
    --------
    >>> import numpy as np
    >>> from hybridlab.risk import chain_cost, tune_thresholds
    >>> rng = np.random.default_rng(0)
    >>> confidences = rng.uniform(0.5, 1, (300, 2))
    >>> correct = rng.random((300, 2)) < confidences
    >>> prices = {"cost_usd": [0.001, 0.01], "error_usd": 0.1}
    >>> thresholds = tune_thresholds(confidences, correct, **prices)
    >>> chain_cost(confidences, correct, thresholds, **prices) < 0.025  # the first tier alone costs 0.026
    True
    """
    confidences, correct = _chain(confidences, correct)
    cost_usd, abstain_usd = _prices(cost_usd, error_usd, abstain_usd, correct.shape[1])
    place = _place(confidences)
    known, wrong = _population(confidences, place, _best_curve(place, correct))
    return _cheapest(known, wrong, np.array([error_usd]), cost_usd, abstain_usd)[0]


def _cheapest(known, wrong, error_usd, cost_usd, abstain_usd):
    """Thresholds that cost least at each of several prices of an error, shape (prices, tiers)."""
    order = np.argsort(-known, axis=0, kind="stable")
    falling = np.take_along_axis(known, order, axis=0)
    cuts = (np.diff(falling, axis=0, append=-1) < 0) & (falling > 0)
    thresholds = np.full((len(error_usd), len(cost_usd)), np.inf)
    answers = np.zeros((len(cost_usd), len(known), len(error_usd)), bool)
    for _ in range(20):
        before, go_on = thresholds.copy(), np.full(answers.shape[1:], abstain_usd)
        for tier in reversed(range(len(cost_usd))):
            stop = wrong[:, [tier]] * error_usd
            saved = np.where(answers[:tier].any(axis=0), 0, go_on - stop)[order[:, tier]].cumsum(axis=0)
            saved = np.where(cuts[:, [tier]], saved, 0)
            best = saved.argmax(axis=0)
            thresholds[:, tier] = np.where(saved.max(axis=0) > 0, falling[best, tier], np.inf)
            answers[tier] = known[:, [tier]] >= thresholds[:, tier]
            go_on = cost_usd[tier] + np.where(answers[tier], stop, go_on)
        if (before == thresholds).all():
            break
    return np.where(thresholds <= np.where(known > 0, known, np.inf).min(axis=0), 0, thresholds)


def chain_cost(confidences, correct, thresholds, cost_usd, error_usd, abstain_usd=None):
    """Mean USD a row of a chain: the calls up to the tier that answers, and what its error costs.

    Arguments are those of ``tune_thresholds`` and ``apply_thresholds``.

    Examples
    --------
    >>> from hybridlab.risk import chain_cost
    >>> confidences, correct = [[0.9, 0.9], [0.1, 0.9]], [[True, True], [False, False]]
    >>> chain_cost(confidences, correct, [0.5, 0.5], cost_usd=[1, 2], error_usd=10)  # (1 + 1 + 2 + 10) / 2
    7.0
    """
    confidences, correct = _chain(confidences, correct)
    cost_usd, abstain_usd = _prices(cost_usd, error_usd, abstain_usd, correct.shape[1])
    tier = apply_thresholds(confidences, thresholds)
    wrong = ~np.take_along_axis(correct, np.maximum(tier, 0)[:, None], axis=1)[:, 0]
    end = np.where(tier < 0, abstain_usd, error_usd * wrong)
    return float((cost_usd.cumsum()[tier] + end).mean())


# ---- the model of a chain


def _place(confidences):
    """The normal quantile of each confidence's rank within its tier: the same for any rising map of it."""
    return ndtri((stats.rankdata(confidences, axis=0) - 0.5) / len(confidences))


def _population(confidences, place, curve):
    """Confidences that stand for all rows of the chain, and the chance that each tier is wrong there.

    Each tier keeps the distribution it has in the sample. Between tiers there is a Gaussian copula: the
    correlations of the places, drawn towards .6 with the weight of 200 rows.
    """
    n, tiers = place.shape
    correlation = (place.T @ place + 200 * 0.6) / (n + 200)
    np.fill_diagonal(correlation, 1)
    share = ndtr(_normal(tiers) @ np.linalg.cholesky(correlation).T)
    known = np.column_stack([np.quantile(*tier) for tier in zip(confidences.T, share.T)])
    rising = np.sort(confidences, axis=0).T, np.sort(place, axis=0).T
    return known, 1 - curve(np.column_stack([np.interp(*tier) for tier in zip(known.T, *rising)]))


@cache
def _normal(tiers):
    """Points spread evenly over a normal distribution, shape (POINTS, tiers), by Sobol's sequence."""
    from scipy.stats.qmc import Sobol

    return ndtri(Sobol(tiers, scramble=False).random(POINTS) + 0.5 / POINTS)


def _logistic(place, correct, own=1.0):
    """P(right) by place: one logistic regression for all tiers.

    What the tiers share is hardly shrunk, how each differs is shrunk the more the smaller ``own`` is, so that
    50 rows are enough. A sure row that is right and an unsure one that is wrong are added: both must exist.
    """
    features = _features(place, own)
    added = np.outer([10, -10], np.eye(features.shape[1])[0])
    right = np.append(correct.ravel(order="F"), [True, False])
    fitted = LogisticRegression(solver="newton-cholesky").fit(np.vstack([features, added]), right)
    return lambda at: fitted.predict_proba(_features(at, own))[:, 1].reshape(at.shape, order="F")


def _features(place, own):
    """A row a confidence, tier by tier: its place, what is the tier's own, the mean place of the others."""
    n, tiers = place.shape
    others = 0.3 * own * (place.sum(axis=1, keepdims=True) - place) / max(1, tiers - 1)
    place, others = place.reshape(-1, 1, order="F"), others.reshape(-1, 1, order="F")
    tier = np.repeat(np.eye(tiers), n, axis=0)
    return np.hstack([10 * place, own * tier, own * tier * place, others, tier * others])


def _isotonic(place, correct):
    """P(right) by place: a rising step function for each tier."""
    steps = [IsotonicRegression(y_min=0.02, y_max=0.98, out_of_bounds="clip").fit(*tier)
             for tier in zip(place.T, correct.T)]
    return lambda at: np.column_stack([step.predict(column) for step, column in zip(steps, at.T)])


def _both(place, correct):
    """P(right) by place: the mean of the two."""
    curves = _logistic(place, correct), _isotonic(place, correct)
    return lambda at: (curves[0](at) + curves[1](at)) / 2


def _best_curve(place, correct):
    """The curve that predicts rows left out best; under 50 rows the logistic one."""
    if len(correct) < 50:
        return _logistic(place, correct)
    fits = _logistic, _both, _isotonic
    return min(fits, key=lambda fit: _left_out(fit, place, correct))(place, correct)


def _left_out(fit, place, correct):
    """Mean squared error of a curve on rows left out, in 5 folds."""
    fold = np.arange(len(correct)) % 5
    parts = [(fold != i, fold == i) for i in range(5)]
    missed = [fit(place[kept], correct[kept])(place[out]) - correct[out] for kept, out in parts]
    return (np.concatenate(missed) ** 2).mean()


# ---- bad input


def _unit(name, values):
    try:
        values = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        came = f"a table with the columns {list(values.columns)}" if isinstance(values, pd.DataFrame) else "not numeric"
        raise BadInput(f"{name} is {came}", expected="an array of numbers from 0 to 1",
                       fix='of an answer frame take frame["confidence"], and frame["label"] == gold as correct') from error
    wrong = values[~((values >= 0) & (values <= 1))]
    if wrong.size:
        raise BadInput(f"{name} holds {wrong[0]}", expected="numbers from 0 to 1")
    if not values.size:
        raise BadInput(f"{name} has no rows", expected="at least one row")
    return values


def _answers(confidence, correct, name="confidence", ndim=1):
    confidence, correct = _unit(name, confidence), _unit("correct", correct)
    if confidence.shape != correct.shape or confidence.ndim > ndim:
        what = f"{name} has shape {confidence.shape}, correct {correct.shape}"
        raise BadInput(what, expected="the same shape, (n,)" + " or (n, tiers)" * (ndim - 1))
    if ((correct > 0) & (correct < 1)).any():
        raise BadInput(f"correct holds {correct[(correct > 0) & (correct < 1)][0]}", expected="True or False")
    return confidence, correct.astype(bool)


def _chain(confidences, correct):
    return map(_columns, _answers(confidences, correct, "confidences", ndim=2))


def _columns(values):
    return values.reshape(len(values), -1)


def _classes(proba, gold):
    """Probabilities, and the true class of each row as a number."""
    proba, gold = _unit("proba", proba), np.asarray(gold)
    if len(proba) != len(gold):
        raise BadInput(f"proba has {len(proba)} rows, gold {len(gold)}", expected="one length")
    wrong = gold[~np.isin(gold, range(_width(proba)))]
    if wrong.size:
        raise BadInput(f"gold holds {wrong[0]!r}", expected="True or False, or the column of the true class")
    off = np.flatnonzero(abs(proba.sum(axis=1) - 1) > 1e-3) if proba.ndim > 1 else []
    if len(off):
        raise BadInput(f"row {off[0]} of proba adds up to {proba[off[0]].sum():g}", expected="1")
    return proba, gold.astype(int)


def _width(proba):
    return proba.shape[1] if proba.ndim > 1 else 2


def _shares(**shares):
    for name, share in shares.items():
        if not 0 < share < 1:
            raise BadInput(f"{name} is {share!r}", expected="a number between 0 and 1")


def _prices(cost_usd, error_usd, abstain_usd, tiers):
    cost_usd = np.atleast_1d(np.asarray(cost_usd, dtype=float))
    abstain_usd = error_usd if abstain_usd is None else abstain_usd
    if cost_usd.shape != (tiers,) or not (np.diff(cost_usd, prepend=0) >= 0).all():
        what = f"cost_usd is {cost_usd.tolist()}"
        raise BadInput(what, expected=f"{tiers} numbers, none below 0 or below the one before it")
    if not (error_usd >= 0 and abstain_usd >= 0):
        what = f"error_usd is {error_usd!r}, abstain_usd is {abstain_usd!r}"
        raise BadInput(what, expected="numbers from 0 up")
    return cost_usd, abstain_usd
