"""What a confidence is worth: calibration, selective risk, and thresholds with a guarantee or a price.

Everything works on arrays. ``confidence`` has a number from 0 to 1 a row, ``correct`` says whether that answer
was right. A chain of tiers has a column a tier, and a row is answered by the first tier whose confidence
reaches its threshold. Confidence 0 means that the tier said nothing: such a row always passes on.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import bdtr, expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

from .errors import BadInput

STEPS = 200  # thresholds on the path of a guarantee
GRACE = 0.6  # log odds by which each tier is stricter than the one after it
OWN = 0.3  # how far a tier may differ from the others, relative to what they share

# ---- calibration


class Calibrator(BaseEstimator):
    """Turns a confidence, or the probabilities of many classes, into calibrated ones.

    "platt" fits a logistic curve to the log odds (Platt 1999), "isotonic" a rising step function (Zadrozny and
    Elkan 2002), "temperature" one divisor of the log probabilities (Guo 2017, 1706.04599). With many classes
    the first two calibrate one class against the rest and normalise; temperature never changes the order of
    the classes. scikit-learn does the fitting.

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
        given.classes_ = np.arange(proba.shape[1] if self.width_ else 2)
        rows = np.arange(len(gold))
        frozen = CalibratedClassifierCV(FrozenEstimator(given), method=METHODS[self.method], cv=[(rows, rows)])
        self.model_ = frozen.fit(proba.reshape(len(gold), -1), gold)
        return self

    def transform(self, proba):
        """Calibrated numbers, in the shape of ``proba``."""
        proba = _unit("proba", proba)
        if proba.shape[1:] != self.width_:
            raise BadInput(f"proba has shape {proba.shape}", expected=f"(n, *{self.width_}), as it was fitted")
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
    inner = np.linspace(0, 1, bins + 1)[1:-1]
    edges = inner if by == "width" else np.quantile(confidence, inner, method="inverted_cdf")
    place = np.searchsorted(edges, confidence)
    rows = pd.DataFrame({"confidence": confidence, "accuracy": correct}).groupby(place)
    table = rows.mean().assign(n=rows.size()).reset_index(drop=True)
    ends = [wilson(round(n * share), n) for n, share in zip(table["n"], table["accuracy"])]
    return table.assign(low=[end.low for end in ends], high=[end.high for end in ends])


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
    """Mean squared error of probabilities: 0 to 1 for a confidence, summed over the classes (0 to 2) for many.

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
    return float(brier_score_loss(gold, proba, labels=range(max(2, proba.shape[-1]) if proba.ndim > 1 else 2)))


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
    return float(metrics.log_loss(gold, proba, labels=range(proba.shape[1] if proba.ndim > 1 else 2)))


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
    return _route(confidences, thresholds)


@dataclass(frozen=True, eq=False)
class Guarantee:
    """Thresholds, what they promise and what they did on the rows that tested them.

    ``thresholds`` has a number a tier, all infinite where nothing passed. ``n`` rows tested them, ``answered``
    were answered and ``errors`` of these were wrong. ``path`` lists the tests made, strictest first.

    Examples
    --------
    >>> import numpy as np
    >>> from hybridlab.risk import guarantee
    >>> rng = np.random.default_rng(0)
    >>> confidence = rng.uniform(0.5, 1, 500)
    >>> found = guarantee(confidence, rng.random(500) < confidence, alpha=0.2, rng=rng)
    >>> old, new = rng.uniform(0.5, 1, (2, 200))
    >>> print(found.shift(old))
    No shift is seen ...
    >>> print(found.shift(new**2))
    VOID ...
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
            least = int(np.ceil(np.log(self.delta) / np.log1p(-self.alpha)))
            return (f"Abstain on everything: no thresholds passed on {self.n:,} rows. For error at most "
                    f"{self.alpha:g} with probability {1 - self.delta:g} the smallest proof is {least} answered "
                    "rows without an error.")
        return (f"With probability {1 - self.delta:g} over the calibration rows, at most {self.alpha:g} of the "
                f"answered rows are wrong. Tested on {self.n:,} rows: coverage {self.coverage:.3f}, "
                f"{self.errors:,} of {self.answered:,} wrong. It holds for rows drawn like these; after a shift "
                "it is void.")

    def shift(self, confidences, level=0.01):
        """Say whether new rows are like the tested ones; where they are not, the guarantee is void.

        A Kolmogorov-Smirnov test a tier, Bonferroni over tiers. It sees the confidences only: errors can
        change behind the same confidences, and then the guarantee is void without a sign.

        Parameters
        ----------
        confidences : array, shape (m, tiers) or (m,), of the new rows
        """
        new = _columns(_unit("confidences", confidences))
        if new.shape[1] != len(self.thresholds):
            raise BadInput(f"confidences has {new.shape[1]} columns", expected=f"{len(self.thresholds)}, one a tier")
        p = min(1, new.shape[1] * min(map(_kolmogorov, self.confidences.T, new.T)))
        if p <= level:
            return (f"VOID: the confidences of these {len(new):,} rows have shifted (p = {p:.2g}), so the "
                    "guarantee does not hold for them. Calibrate again on rows like these.")
        return (f"No shift is seen in the confidences of these {len(new):,} rows (p = {p:.2g}). That is no proof: "
                "if errors changed behind the same confidences the guarantee is void. Label some of these rows.")


def guarantee(confidences, correct, alpha, delta=0.1, *, rng, learn=0.2):
    """Thresholds of a chain such that, with probability 1 - delta, at most alpha of the answers are wrong.

    The probability is over the calibration rows; "wrong" is P(error | answered) on new rows drawn like them.
    Where that cannot be shown the thresholds are infinite: abstain on everything. It holds for any confidence,
    however bad; a bad one only answers less.

    How: a share ``learn`` of the rows, drawn at random, lays out a path of joint thresholds from strict to
    "answer all" and picks the place where a test should be strongest. From there the other rows test one step
    after the other: with k answered rows the errors are Binomial(k, risk), so p = P(Binomial(k, alpha) <=
    errors) is an exact p value of "the risk is above alpha". The first step with p > delta ends the walk, the
    step before it is the answer. A false step needs a first false rejection, which has probability delta at
    most; so no correction for the number of steps is due. Source: fixed sequence testing in Angelopoulos 2021
    (learn then test), 2110.01052, section 2.3, on a path learnt from other rows.

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
    >>> print(found)
    With probability 0.9 ...
    >>> tier = apply_thresholds(confidences, found.thresholds)

    A useless confidence and a third of the answers wrong: nothing can be promised.

    >>> print(guarantee(rng.random(500), rng.random(500) < 2 / 3, alpha=0.2, rng=rng))
    Abstain on everything: ...
    """
    confidences, correct = _chain(confidences, correct)
    _shares(alpha=alpha, delta=delta, learn=learn)
    order = rng.permutation(len(correct))
    laid, tested = np.split(order, [max(1, round(learn * len(order)))])
    path, start = _path(confidences[laid], correct[laid], alpha)
    confidences, correct = confidences[tested], correct[tested]
    walk, passed = [], (np.full(path.shape[1], np.inf), 0, 0)
    for thresholds in path[start:]:
        answered, errors = _outcome(_route(confidences, thresholds), ~correct)
        p = float(bdtr(errors, answered, alpha)) if answered else 1.0
        walk.append([*thresholds, answered, int(errors), p])
        if p > delta:
            break
        passed = thresholds, answered, int(errors)
    names = [f"threshold_{tier + 1}" for tier in range(path.shape[1])]
    table = pd.DataFrame(walk, columns=[*names, "answered", "errors", "p"])
    return Guarantee(passed[0], alpha, delta, len(tested), *passed[1:], table, confidences)


def _path(confidences, correct, alpha):
    """Joint thresholds from strict to "answer all", shape (STEPS, tiers), and the most promising of them."""
    odds = _log_odds(confidences, correct)
    # Who passes a row on gives others a chance, so the earlier tiers are the stricter ones.
    level = odds - GRACE * np.arange(odds.shape[1])[::-1]
    cuts = np.quantile(level.max(axis=1), np.linspace(1, 0, STEPS))
    pairs = zip(np.sort(level, axis=0).T, np.sort(confidences, axis=0).T)
    path = np.column_stack([np.interp(cuts, rising, known, right=np.inf) for rising, known in pairs])
    path[-1, -1] = 0
    outcomes = [_outcome(_route(confidences, thresholds), expit(-odds)) for thresholds in path]
    answered, wrong = np.array(outcomes).T
    return path, int(np.argmax((alpha - wrong / np.maximum(answered, 1)) * np.sqrt(answered)))


def _log_odds(confidences, correct):
    """Log odds of being right by the place of a confidence within its tier, rising.

    One logistic regression for all tiers. How a tier differs from the others is shrunk more than what they
    share, which 50 rows can bear. One right and one wrong row are added, so that both exist.
    """
    n, tiers = correct.shape
    place = stats.norm.ppf((stats.rankdata(confidences, axis=0) - 0.5) / n)
    owner = OWN * np.repeat(np.eye(tiers), n, axis=0)
    features = np.hstack([10 * place.reshape(-1, 1, order="F"), owner, owner * place.reshape(-1, 1, order="F")])
    features = np.vstack([features, np.zeros((2, features.shape[1]))])
    fitted = LogisticRegression().fit(features, np.append(correct.ravel(order="F"), [True, False]))
    shared, *own = fitted.coef_[0]
    slope = np.maximum(10 * shared + OWN * np.array(own[tiers:]), 1e-3)
    return fitted.intercept_ + OWN * np.array(own[:tiers]) + slope * place


def _route(confidences, thresholds):
    passes = (confidences >= thresholds) & (confidences > 0)
    return np.where(passes.any(axis=1), passes.argmax(axis=1), -1)


def _outcome(tier, wrong):
    """Rows answered, and the sum of ``wrong`` over them."""
    rows = np.flatnonzero(tier >= 0)
    return len(rows), wrong[rows, tier[rows]].sum()


def tune_thresholds(confidences, correct, cost_usd, error_usd, abstain_usd=None):
    """Thresholds of a chain at which an average row costs least, calls, errors and abstentions together.

    A row pays every tier it is passed to, then ``error_usd`` if its answer is wrong, or ``abstain_usd`` if no
    tier answers.

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
    cost_usd, give_up = _prices(cost_usd, error_usd, abstain_usd, correct.shape[1])
    stop = error_usd * expit(-_log_odds(confidences, correct))
    return _descend(confidences, stop, cost_usd, give_up)


def _descend(confidences, stop, cost_usd, give_up):
    """Thresholds, the last tier's first, each the best given the others, until none changes."""
    n, tiers = stop.shape
    thresholds = np.full(tiers, np.inf)
    for _ in range(20):
        before, go_on = thresholds.copy(), np.full(n, give_up)
        for tier in reversed(range(tiers)):
            reached = _route(confidences[:, :tier], thresholds[:tier]) < 0 if tier else np.ones(n, bool)
            thresholds[tier] = _cut(confidences[:, tier], np.where(reached, go_on - stop[:, tier], 0))
            answered = _route(confidences[:, [tier]], thresholds[[tier]]) == 0
            go_on = cost_usd[tier] + np.where(answered, stop[:, tier], go_on)
        if (before == thresholds).all():
            break
    return thresholds


def _cut(confidence, gain):
    """The threshold at and above which the gains add up to most; infinite where no sum is above 0."""
    rows = pd.Series(gain).groupby(confidence).sum()[::-1].cumsum()
    rows = rows[rows.index > 0]
    return rows.idxmax() if len(rows) and rows.max() > 0 else np.inf


def chain_cost(confidences, correct, thresholds, cost_usd, error_usd, abstain_usd=None):
    """Mean USD a row of a chain: the calls up to the tier that answers, and what its error costs.

    Arguments are those of ``tune_thresholds`` and ``apply_thresholds``.

    Examples
    --------
    >>> from hybridlab.risk import chain_cost
    >>> chain_cost([[0.9, 0.9], [0.1, 0.9]], [[1, 1], [0, 0]], [0.5, 0.5], [1, 2], error_usd=10)  # (1 + 13) / 2
    7.0
    """
    confidences, correct = _chain(confidences, correct)
    cost_usd, give_up = _prices(cost_usd, error_usd, abstain_usd, correct.shape[1])
    tier = apply_thresholds(confidences, thresholds)
    errors = _outcome(tier, ~correct)[1]
    return float((cost_usd.cumsum()[tier].sum() + error_usd * errors + give_up * (tier < 0).sum()) / len(tier))


# ---- bad input


def _unit(name, values):
    values = np.asarray(values, dtype=float)
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
    wrong = gold[~np.isin(gold, range(proba.shape[1] if proba.ndim > 1 else 2))]
    if wrong.size:
        raise BadInput(f"gold holds {wrong[0]!r}", expected="True or False, or the column of the true class")
    return proba, gold.astype(int)


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
    if not min(error_usd, abstain_usd) >= 0:
        what = f"error_usd is {error_usd!r}, abstain_usd is {abstain_usd!r}"
        raise BadInput(what, expected="numbers from 0 up")
    return cost_usd, abstain_usd


def _kolmogorov(old, new):
    return stats.ks_2samp(old, new).pvalue
