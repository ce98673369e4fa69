"""Scores with intervals, comparisons on the same rows, and what would change the decision.

Everything works on plain arrays and on answer frames. An abstention is wrong; coverage stands beside.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .errors import BadInput
from .tiers import ABSTAIN


@dataclass(frozen=True)
class Estimate:
    """A measured number with its interval, the number of rows, and the share of rows answered.

    Examples
    --------
    >>> from hybridlab.evaluate import Estimate
    >>> print(Estimate(0.875, 0.846, 0.899, n=600, coverage=0.98))
    0.875 [0.846, 0.899], n 600, coverage 0.98
    """

    value: float
    low: float
    high: float
    n: int
    coverage: float = 1.0

    def __str__(self):
        text = f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}], n {self.n:,}"
        return text if self.coverage == 1 else f"{text}, coverage {self.coverage:.3g}"

    def leaf(self, unit=None):
        """The same as a leaf of a result file.

        Examples
        --------
        >>> from hybridlab.evaluate import Estimate
        >>> Estimate(0.875, 0.846, 0.899, n=600).leaf("%")
        {'value': 0.875, 'low': 0.846, 'high': 0.899, 'n': 600, 'unit': '%'}
        """
        names = ("value", "low", "high", "n")
        return {name: getattr(self, name) for name in names} | ({"unit": unit} if unit else {})


# ---- one tier


def wilson(right, n, level=0.95, coverage=1.0):
    """Share ``right / n`` with Wilson's score interval.

    With p = right / n and z the normal quantile of ``level``: centre (p + z^2 / 2n) / (1 + z^2 / n), half
    width z sqrt(p (1 - p) / n + z^2 / 4n^2) / (1 + z^2 / n). Unlike p +- z se it never leaves [0, 1] and is
    not empty at 0 or n. Source: Wilson 1927, Journal of the American Statistical Association 22:209.

    Examples
    --------
    >>> from hybridlab.evaluate import wilson
    >>> print(wilson(35, 40))
    0.875 [0.739, 0.945], n 40
    """
    from scipy.stats import binomtest

    _tails(level)
    if not 0 <= right <= n > 0:
        raise BadInput(f"right is {right} and n is {n}", expected="0 <= right <= n and at least one row")
    low, high = binomtest(right, n).proportion_ci(level, method="wilson")
    return Estimate(right / n, float(low), float(high), n, coverage)


def accuracy(gold, answers, level=0.95):
    """Share of rows answered rightly, with Wilson's interval; an abstention is wrong.

    Parameters
    ----------
    gold : sequence of str, length n, or Series indexed by row id
    answers : answer frame, or sequence of str, length n
    level : float, coverage of the interval

    Examples
    --------
    >>> from hybridlab.evaluate import accuracy
    >>> accuracy(["great", "other", "great"], ["great", "<abstain>", "other"])
    ... # doctest: +ELLIPSIS
    Estimate(value=0.333..., low=0.061..., high=0.792..., n=3, coverage=0.666...)
    """
    gold = _gold(gold, answers)
    return wilson(int((gold == _labels(answers)).sum()), len(gold), level, _coverage(answers))


def average_precision(gold, answers, positive, *, rng, resamples=2000, level=0.95):
    """Average precision of ranking rows by their score for ``positive``, with a bootstrap interval.

    AP = sum over score levels of (recall gained) x (precision there), ties taken together. A row without a
    score, such as an abstention, ranks below every row with one; so a tier that always abstains scores the
    prevalence, as the dummy does. The interval takes percentiles over resampled rows.

    Parameters
    ----------
    gold : sequence of str, length n, or Series indexed by row id
    answers : answer frame (its ``p_<positive>``, else its confidence in its label), or scores, length n
    positive : str, the label to be found
    rng : numpy.random.Generator

    Examples
    --------
    >>> import numpy as np
    >>> from hybridlab.evaluate import average_precision
    >>> gold = ["effect", "none", "effect", "none"]
    >>> ap = average_precision(gold, [0.9, 0.8, 0.7, 0.1], "effect", rng=np.random.default_rng(0))
    >>> round(ap.value, 4)  # 1/2 x 1/1 + 1/2 x 2/3
    0.8333
    """
    return _ranking("ap", gold, answers, positive, rng, resamples, level)


def roc_auc(gold, answers, positive, *, rng, resamples=2000, level=0.95):
    """Share of (positive, other) pairs ranked rightly, ties half, with a bootstrap interval.

    Arguments and the treatment of abstentions are those of ``average_precision``. Source: Hanley and McNeil
    1982, Radiology 143:29.

    Examples
    --------
    >>> import numpy as np
    >>> from hybridlab.evaluate import roc_auc
    >>> gold = ["effect", "none", "effect", "none"]
    >>> roc_auc(gold, [0.9, 0.8, 0.7, 0.1], "effect", rng=np.random.default_rng(0)).value
    0.75
    """
    return _ranking("auc", gold, answers, positive, rng, resamples, level)


def bootstrap(statistic, *arrays, rng, resamples=2000, level=0.95, method="percentile"):
    """Any statistic of rows with a bootstrap interval; rows stay together over the arrays.

    Parameters
    ----------
    statistic : callable
        Takes the arrays with resampled rows, returns a number.
    arrays : sequences, Series or DataFrames, each of length n
    rng : numpy.random.Generator
    method : {"percentile", "BCa"}
        "BCa" corrects for bias and skew (Efron 1987, Journal of the American Statistical Association 82:171)
        and costs n more evaluations.

    Examples
    --------
    >>> import numpy as np
    >>> from hybridlab.evaluate import bootstrap
    >>> seconds = np.array([0.9, 1.1, 1.3, 1.0, 4.2, 1.2])
    >>> middle = bootstrap(np.median, seconds, rng=np.random.default_rng(0))
    >>> print(middle)
    1.150 [0.950, 2.750], n 6
    """
    from scipy import stats

    n = _one_length(**{f"array {i + 1}": array for i, array in enumerate(arrays)})
    _check(rng, level)
    arrays = [_sliceable(array) for array in arrays]

    def resampled(index):
        return float(statistic(*(_take(array, index) for array in arrays)))

    settings = {"n_resamples": resamples, "confidence_level": level, "method": method, "vectorized": False}
    low, high = stats.bootstrap((np.arange(n),), resampled, rng=rng, **settings).confidence_interval
    return Estimate(resampled(np.arange(n)), float(low), float(high), n)


# ---- several tiers on the same rows


def paired_difference(gold, first, second, metric="accuracy", *, rng, positive=None, resamples=2000,
                      level=0.95):
    """Metric of ``first`` minus metric of ``second`` on the same rows, with a paired bootstrap interval.

    Pairing takes out the rows that are easy or hard for both: the interval is narrower than the two intervals
    of the tiers suggest.

    Parameters
    ----------
    gold, first, second : of the same rows, as in ``accuracy`` or ``average_precision``
    metric : {"accuracy", "ap", "auc"} or callable
        A callable takes gold and answers (as given here) and returns a number.
    positive : str, needed for "ap" and "auc"

    Examples
    --------
    >>> import numpy as np
    >>> from hybridlab.evaluate import paired_difference
    >>> gold = np.array(["great", "other"] * 50)
    >>> first = np.where(np.arange(100) < 80, gold, "<abstain>")
    >>> second = np.where(np.arange(100) < 70, gold, "<abstain>")
    >>> print(paired_difference(gold, first, second, rng=np.random.default_rng(0)))
    0.100 [0.040, 0.160], n 100
    """
    if callable(metric):
        settings = {"rng": rng, "resamples": resamples, "level": level}
        return bootstrap(lambda g, a, b: metric(g, a) - metric(g, b), gold, first, second, **settings)
    _check(rng, level)
    gold = _gold(gold, first, second)
    one, two = (_metric(metric, gold, answers, positive) for answers in (first, second))
    positives = None if metric == "accuracy" else gold == positive
    return _percentile(lambda w: one(w) - two(w), len(gold), positives, rng, resamples, level)


@dataclass(frozen=True)
class McNemar:
    """Rows that only one of two tiers has right, and the exact two-sided p value."""

    first_only: int
    second_only: int
    p: float


def mcnemar(gold, first, second):
    """Exact test that two tiers are right equally often on the same rows.

    Only the rows where one is right and the other wrong say anything; if neither is better they are fair coin
    tosses. Source: McNemar 1947, Psychometrika 12:153; exact binomial form.

    Examples
    --------
    >>> from hybridlab.evaluate import mcnemar
    >>> mcnemar(["a"] * 6, ["a"] * 6, ["b"] * 5 + ["a"])
    McNemar(first_only=5, second_only=0, p=0.0625)
    """
    from scipy.stats import binomtest

    gold = _gold(gold, first, second)
    one, two = gold == _labels(first), gold == _labels(second)
    only = int((one & ~two).sum()), int((two & ~one).sum())
    return McNemar(*only, float(binomtest(only[0], sum(only)).pvalue) if sum(only) else 1.0)


def holm(p):
    """P values adjusted for being many: the chance of one false finding or more stays at the level.

    Sorted upwards, the i-th of m (from 0) is multiplied by m - i; none may be below the one before it.
    Source: Holm 1979, Scandinavian Journal of Statistics 6:65.

    Parameters
    ----------
    p : mapping of name to p value, or sequence

    Returns
    -------
    pandas.Series

    Examples
    --------
    >>> from hybridlab.evaluate import holm
    >>> holm({"rules": 0.01, "tfidf": 0.04, "llm": 0.03}).to_dict()
    {'rules': 0.03, 'tfidf': 0.06, 'llm': 0.06}
    """
    p = pd.Series(p, dtype=float)
    if not p.between(0, 1).all():
        raise BadInput(f"p holds {p[~p.between(0, 1)].iloc[0]}", expected="numbers from 0 to 1")
    upwards = p.sort_values()
    return (upwards * np.arange(len(p), 0, -1)).cummax().clip(upper=1).reindex(p.index)


def majority(train_labels, rows):
    """Answer frame of the dummy that gives every row the commonest training label; it is what to beat.

    Examples
    --------
    >>> from hybridlab.evaluate import majority
    >>> majority(["great", "great", "other"], rows=[7, 8])["label"].to_dict()
    {7: 'great', 8: 'great'}
    """
    shares = pd.Series(list(train_labels)).value_counts(normalize=True)
    answers = pd.DataFrame({"label": shares.index[0], "confidence": shares.iloc[0]}, index=pd.Index(rows))
    answers = answers.assign(cost_usd=0.0, latency_s=0.0, tier="majority", reason="")
    return answers.assign(**{f"p_{label}": share for label, share in sorted(shares.items())})


def scoreboard(frames, gold, metric="accuracy", *, positive=None, rng=None, resamples=2000, level=0.95):
    """One row a tier: quality with interval, coverage, dollars per 1,000 answers, p50 and p95 seconds.

    Parameters
    ----------
    frames : mapping of tier name to answer frame
    gold : Series indexed by row id, or a sequence in the order of every frame
    metric : {"accuracy", "ap", "auc"}
    positive, rng : needed for "ap" and "auc"

    Examples
    --------
    >>> import pandas as pd
    >>> from hybridlab.evaluate import majority, scoreboard
    >>> gold = pd.Series(["great", "other", "great", "great"])
    >>> scoreboard({"majority": majority(gold, gold.index)}, gold).round(3).iloc[0].to_dict()
    ... # doctest: +NORMALIZE_WHITESPACE
    {'n': 4.0, 'accuracy': 0.75, 'low': 0.301, 'high': 0.954, 'coverage': 1.0, 'usd_per_1000': 0.0,
     'p50_s': 0.0, 'p95_s': 0.0}
    """
    def line(frame):
        if metric == "accuracy":
            found = accuracy(gold, frame, level)
        else:
            found = _ranking(metric, gold, frame, positive, rng, resamples, level)
        p50, p95 = frame["latency_s"].quantile([0.5, 0.95])
        quality = {"n": found.n, metric: found.value, "low": found.low, "high": found.high}
        usd = 1000 * frame["cost_usd"].mean()
        return quality | {"coverage": found.coverage, "usd_per_1000": usd, "p50_s": p50, "p95_s": p95}

    table = pd.DataFrame.from_dict({name: line(frame) for name, frame in frames.items()}, orient="index")
    return table.rename_axis("tier")


def disagreements(first, second, gold, n=10, *, rng):
    """A random sample of rows on which two tiers differ, to be read.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from hybridlab.evaluate import disagreements, majority
    >>> gold = pd.Series(["great", "other"], index=[7, 8])
    >>> first, second = majority(["great"], [7, 8]), majority(["other"], [7, 8])
    >>> disagreements(first, second, gold, rng=np.random.default_rng(0))[["gold", "right"]].to_dict("index")
    {7: {'gold': 'great', 'right': 'first'}, 8: {'gold': 'other', 'right': 'second'}}
    """
    truth = _gold(gold, first, second)
    both = [frame[["label", "confidence"]] for frame in (first, second)]
    table = both[0].join(both[1], suffixes=("_first", "_second")).assign(gold=truth)
    right = [table["label_first"] == truth, table["label_second"] == truth]
    table["right"] = np.select(right, ["first", "second"], "neither")
    differ = table[table["label_first"] != table["label_second"]]
    return differ.sample(min(n, len(differ)), random_state=rng).sort_index()


# ---- how many labels?


@dataclass(frozen=True)
class Curve:
    """Learning curve of a model, kept row by row so that its uncertainty can be told.

    Parameters
    ----------
    sizes : array of int, shape (sizes,)
        Numbers of training labels, increasing.
    outcomes : array, shape (sizes, repeats, n)
        For each test row 1 if right else 0 (accuracy), or the score of the positive label.
    gold : labels of the test rows, length n
    metric, positive : as in ``paired_difference``

    Examples
    --------
    >>> import numpy as np
    >>> from hybridlab.evaluate import Curve
    >>> right = np.array([[[1, 0, 0, 1]], [[1, 1, 0, 1]]])  # two sizes, one repeat, four test rows
    >>> Curve(np.array([20, 50]), right, ["great"] * 4).frame["score"].tolist()
    [0.5, 0.75]
    """

    sizes: np.ndarray
    outcomes: np.ndarray
    gold: object
    metric: str = "accuracy"
    positive: str | None = None

    @property
    def frame(self):
        """Long DataFrame: size, repeat, score."""
        scores = self._scores(_once(self.outcomes.shape[2]))[:, :, 0]
        wide = pd.DataFrame(scores, index=pd.Index(self.sizes, name="size"))
        return wide.rename_axis(columns="repeat").stack().rename("score").reset_index()

    def summary(self, *, rng, resamples=1000, level=0.95):
        """One row a size: mean score with its interval, worst and best repeat.

        The interval resamples test rows and repeats. Repeats share one pool of labels, so near the full
        pool they say little about other pools.
        """
        _check(rng, level)
        low, high = np.quantile(self._means(rng, resamples)[0], _tails(level), axis=1)
        table = self.frame.groupby("size")["score"].agg(score="mean", worst="min", best="max")
        return table.assign(low=low, high=high).reset_index()

    def _scores(self, weights):
        """Scores under each row of weights, shape (sizes, repeats, resamples)."""
        positives = np.asarray(self.gold) == self.positive
        rows = self.outcomes.reshape(-1, self.outcomes.shape[2])
        scores = [_measure(self.metric, row, positives)(weights) for row in rows]
        return np.reshape(scores, (*self.outcomes.shape[:2], len(weights)))

    def _means(self, rng, resamples):
        """Mean score of each size in each resample, shape (sizes, resamples), and the row weights used."""
        positives = None if self.metric == "accuracy" else np.asarray(self.gold) == self.positive
        weights = _weights(self.outcomes.shape[2], resamples, rng, positives)
        repeats = _weights(self.outcomes.shape[1], resamples, rng) / self.outcomes.shape[1]
        return np.einsum("srb,br->sb", self._scores(weights), repeats), weights


def learning_curve(make_model, texts, labels, *, test, sizes, repeats=20, rng, metric="accuracy",
                   positive=None):
    """Score of a model against the number of training labels, over random draws of the labels.

    Each repeat shuffles the training rows once and takes the first ``size`` of them, so its sizes are nested.
    A draw with one class only gives every test row that class, as its owner would have to. At the full number
    of labels all repeats would train on the same rows; the model is fitted once there.

    Parameters
    ----------
    make_model : callable without arguments
        Returns a fresh scikit-learn classifier.
    texts, labels : training rows (list, array, Series or DataFrame) and their labels, length m
    test : (texts, labels), the same test rows for every fit, length n
    sizes : increasing ints, 1 to m
    metric : {"accuracy", "ap", "auc"}; the last two need ``positive``

    Returns
    -------
    Curve
        ``.frame`` is the long DataFrame, ``.summary(rng=rng)`` the table with intervals.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from hybridlab.evaluate import learning_curve
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.choice(["great", "other"], 400)
    >>> X = rng.normal(size=(400, 2)) + (labels == "great")[:, None]
    >>> curve = learning_curve(GaussianNB, X[:200], labels[:200], test=(X[200:], labels[200:]),
    ...                        sizes=[4, 50, 200], repeats=5, rng=rng)
    >>> curve.frame.shape
    (15, 3)
    """
    from sklearn.dummy import DummyClassifier

    _check(rng)
    labels, gold, sizes = np.asarray(labels), np.asarray(test[1]), np.asarray(sizes)
    n = _one_length(texts=texts, labels=labels)
    outcomes = np.empty((len(sizes), repeats, _one_length(test_texts=test[0], test_labels=gold)))
    if not (sizes[0] >= 1 and sizes[-1] <= n and (np.diff(sizes) > 0).all()):
        raise BadInput(f"sizes is {sizes.tolist()}", expected=f"increasing numbers from 1 to {n}, all labels")
    texts = _sliceable(texts)
    for repeat in range(repeats):
        order = rng.permutation(n)
        for i, size in enumerate(sizes):
            rows = np.sort(order[:size])
            if size == n and repeat:
                outcomes[i, repeat] = outcomes[i, 0]
                continue
            model = make_model() if len(set(labels[rows])) > 1 else DummyClassifier(strategy="prior")
            model.fit(_take(texts, rows), labels[rows])
            outcomes[i, repeat] = _answered(model, test[0], gold, metric, positive)
    return Curve(sizes, outcomes, test[1], metric, positive)


def _answered(model, texts, gold, metric, positive):
    if metric == "accuracy":
        return model.predict(texts) == gold
    return model.predict_proba(texts)[:, model.classes_ == positive].sum(axis=1)


@dataclass(frozen=True)
class Crossover:
    """Number of labels at which the winner changes. ``None`` means: not up to ``last`` labels.

    ``never`` is the share of resamples in which the winner does not change up to ``last``.
    """

    labels: float | None
    low: float | None
    high: float | None
    first: int
    last: int
    never: float
    level: float = 0.95

    def __str__(self):
        def say(labels):
            if labels is None:
                return f"none up to {self.last:,}"
            return f"at most {self.first:,}" if labels <= self.first else f"{float(f'{labels:.2g}'):,.0f}"

        if self.low is None:
            return f"none up to {self.last:,} labels ({100 * self.never:.0f} % of resamples agree)"
        interval = f"{100 * self.level:g} % interval {say(self.low)} to {say(self.high)}"
        return f"{say(self.labels)} labels ({interval})"


def crossover(curve, reference, *, rng, resamples=1000, level=0.95):
    """Number of labels from which a learned model beats a tier that needs none, with an interval.

    The mean curve and the reference are compared on the same test rows; the crossing lies between the last
    size at which the reference leads and the next one, linear in the logarithm of the size. The interval
    resamples test rows and repeats together (percentiles). "None up to the last size" is a valid answer and a
    valid end of the interval.

    Parameters
    ----------
    curve : Curve
    reference : answer frame of the test rows, or their labels (accuracy) or scores (AP, AUC), length n
        A frame is put into the order of ``curve.gold`` when that is a Series.

    Returns
    -------
    Crossover

    Examples
    --------
    >>> import numpy as np
    >>> from hybridlab.evaluate import Curve, crossover
    >>> rng = np.random.default_rng(0)
    >>> right = np.array([0.6, 0.7, 0.8])[:, None, None]  # 100, 1,000 and 10,000 labels
    >>> outcomes = (rng.random((3, 20, 4000)) < right).astype(float)
    >>> gold = np.full(4000, "great")
    >>> curve = Curve(np.array([100, 1000, 10000]), outcomes, gold)
    >>> llm = np.where(np.arange(4000) < 3000, "great", "other")  # .75 right
    >>> print(crossover(curve, llm, rng=rng))
    3,200 labels (95 % interval 2,300 to 4,400)
    >>> print(crossover(curve, np.where(np.arange(4000) < 3600, "great", "other"), rng=rng))
    none up to 10,000 labels (100 % of resamples agree)
    """
    _check(rng, level)
    if isinstance(curve.gold, pd.Series) and isinstance(reference, pd.DataFrame):
        reference = reference.reindex(curve.gold.index)
    fixed = _metric(curve.metric, _gold(curve.gold, reference), reference, curve.positive)
    means, weights = curve._means(rng, resamples)
    draws = np.array([_crossing(curve.sizes, lead) for lead in (means - fixed(weights)).T])
    once = _once(curve.outcomes.shape[2])
    exact = _crossing(curve.sizes, curve._scores(once).mean(axis=(1, 2)) - fixed(once))
    ends = np.quantile(draws, _tails(level), method="inverted_cdf")
    labels, low, high = (float(x) if np.isfinite(x) else None for x in (exact, *ends))
    first, last = int(curve.sizes[0]), int(curve.sizes[-1])
    return Crossover(labels, low, high, first, last, float(np.isinf(draws).mean()), level)


def _crossing(sizes, lead):
    behind = np.flatnonzero(lead < 0)
    if not len(behind):
        return sizes[0]
    i = behind[-1]
    if i == len(sizes) - 1:
        return np.inf
    step = -lead[i] / (lead[i + 1] - lead[i])
    return sizes[i] * (sizes[i + 1] / sizes[i]) ** step


# ---- would the decision flip?


@dataclass(frozen=True)
class Flip:
    """A decision between two tiers and how far each input is from turning it.

    ``saved_usd`` is what the winner saves a row; ``stable`` the share of resamples with the same winner;
    ``table`` has a row an input: its value now, where the decision flips, and the interval of that point.
    """

    winner: str
    saved_usd: float
    stable: float
    table: pd.DataFrame


def would_flip(gold, first, second, *, error_usd, wait_usd=0.0, rng, resamples=2000, level=0.95):
    """Which of two tiers is the cheaper when errors cost money, and how far each input is from turning that.

    A row costs price + error_usd x (1 - accuracy) + wait_usd x seconds. With D = cost of ``first`` - cost of
    ``second``, the second's accuracy flips the decision at accuracy - D / error_usd, its price at price + D,
    its latency at latency + D / wait_usd, and the price of an error at (extra price and wait) / (extra
    accuracy); that is infinite where the second is not more accurate. An accuracy above 1 or a price below 0
    says that no value of this input alone turns the decision.

    Parameters
    ----------
    gold : labels, or Series indexed by row id
    first, second : answer frames of the same rows, the dearer one (price and wait) second
    error_usd : float > 0, what a wrong or missing answer costs
    wait_usd : float >= 0, what a second of waiting costs

    Returns
    -------
    Flip

    Examples
    --------
    >>> import numpy as np
    >>> from hybridlab.evaluate import majority, would_flip
    >>> gold = np.array(["great"] * 70 + ["other"] * 30)
    >>> cheap = majority(["great"], range(100))
    >>> dear = cheap.assign(label=gold, cost_usd=0.01)
    >>> flip = would_flip(gold, cheap, dear, error_usd=0.10, rng=np.random.default_rng(0))
    >>> flip.winner, round(flip.saved_usd, 3)
    ('second', 0.02)
    >>> flip.table["flips_at"].round(3).to_dict()
    {'accuracy of second': 0.8, 'cost_usd of second': 0.03, 'error_usd': 0.033}
    """
    _check(rng, level)
    if not (error_usd > 0 and wait_usd >= 0):
        what = f"error_usd is {error_usd!r}, wait_usd is {wait_usd!r}"
        raise BadInput(what, expected="error_usd > 0, wait_usd >= 0")
    gold = _gold(gold, first, second)
    parts = [[gold == _labels(frame), frame["cost_usd"], frame["latency_s"]] for frame in (first, second)]
    parts = np.array(parts, dtype=float)[:, : 3 if wait_usd else 2]
    if np.isnan(parts).any():
        raise BadInput("cost_usd or latency_s has missing values", expected="a number for every row")

    def points(weights):
        right, paid, *took = np.einsum("tpn,bn->ptb", parts, weights / len(gold))
        extra = np.diff(paid + wait_usd * sum(took), axis=0)[0]
        gain = right[1] - right[0]
        saved = error_usd * gain - extra
        worth = np.divide(extra, gain, out=np.full_like(gain, np.inf), where=gain > 0)
        waits = [seconds[1] + saved / wait_usd for seconds in took]
        return np.array([extra, saved, right[1] - saved / error_usd, paid[1] + saved, *waits, worth])

    extra, saved, *exact = points(_once(len(gold)))[:, 0]
    if extra < 0:
        raise BadInput("first costs more than second", fix="pass the cheaper tier first")
    _, draws, *flips = points(_weights(len(gold), resamples, rng))
    low, high = np.quantile(flips, _tails(level), axis=1, method="inverted_cdf")
    names = ["accuracy of second", "cost_usd of second", "latency_s of second"][: len(exact) - 1]
    now = [*parts[1].mean(axis=1), error_usd]
    columns = {"now": now, "flips_at": exact, "low": low, "high": high}
    table = pd.DataFrame(columns, index=[*names, "error_usd"])
    stable = float(((draws > 0) == (saved > 0)).mean())
    return Flip("second" if saved > 0 else "first", float(abs(saved)), stable, table)


# ---- the machinery: a resample is a row of weights, how often each row was drawn


def _once(n):
    return np.ones((1, n))


def _weights(n, resamples, rng, positives=None):
    """Rows drawn with replacement; with ``positives``, draws without one class are drawn again.

    Not stratified by class: average precision moves with the prevalence, and intervals that hold it fixed are
    too narrow (they cover .88 instead of .93 at prevalence .1, n 600).
    """
    weights = rng.multinomial(n, np.full(n, 1 / n), resamples).astype(float)
    if positives is not None:
        empty = ~np.isin(weights @ positives, np.arange(1, n))
        if empty.any():
            weights[empty] = _weights(n, empty.sum(), rng, positives)
    return weights


def _percentile(statistic, n, positives, rng, resamples, level, coverage=1.0):
    """Statistic of weights with its percentile interval, resampled in blocks that fit into memory."""
    block = max(1, 2_000_000 // n)
    blocks = [min(block, resamples - start) for start in range(0, resamples, block)]
    draws = np.concatenate([statistic(_weights(n, size, rng, positives)) for size in blocks])
    low, high = np.quantile(draws, _tails(level))
    return Estimate(float(statistic(_once(n))[0]), float(low), float(high), n, coverage)


def _ranking(metric, gold, answers, positive, rng, resamples, level):
    _check(rng, level)
    gold = _gold(gold, answers)
    measure = _metric(metric, gold, answers, positive)
    coverage = _coverage(answers) if isinstance(answers, pd.DataFrame) else 1.0
    return _percentile(measure, len(gold), gold == positive, rng, resamples, level, coverage)


def _metric(metric, gold, answers, positive):
    """The metric as a function of weights, shape (resamples, n)."""
    if metric == "accuracy":
        return _measure(metric, gold == _labels(answers), None)
    if metric not in ("ap", "auc"):
        raise BadInput(f"metric is {metric!r}", expected='"accuracy", "ap" or "auc"')
    if not 0 < (gold == positive).sum() < len(gold):
        raise BadInput(f"{(gold == positive).sum()} of {len(gold)} gold labels are {positive!r}",
                       expected="rows with that label and rows without", fix="pass positive=...")
    return _measure(metric, _scores(answers, positive), gold == positive)


def _measure(metric, outcome, positives):
    if metric == "accuracy":
        return lambda weights: weights @ outcome.astype(float) / len(outcome)
    order = np.argsort(-outcome, kind="stable")
    falling = outcome[order]
    ends = np.append(np.flatnonzero(falling[1:] != falling[:-1]), len(falling) - 1)

    def measure(weights):
        drawn = weights[:, order]
        found = np.cumsum(drawn * positives[order], axis=1)[:, ends]
        seen = np.cumsum(drawn, axis=1)[:, ends]
        gained = np.diff(found, axis=1, prepend=0)
        if metric == "ap":
            return (gained * found / np.maximum(seen, 1)).sum(axis=1) / found[:, -1]
        wrong = seen - found
        below = wrong[:, -1:] - wrong + np.diff(wrong, axis=1, prepend=0) / 2
        return (gained * below).sum(axis=1) / (found[:, -1] * wrong[:, -1])

    return measure


def _scores(answers, positive):
    if not isinstance(answers, pd.DataFrame):
        return np.nan_to_num(np.asarray(answers, dtype=float), nan=-np.inf)
    if f"p_{positive}" in answers:
        scores = answers[f"p_{positive}"]
    else:
        scores = answers["confidence"].where(answers["label"] == positive, 1 - answers["confidence"])
    return scores.where(answers["label"] != ABSTAIN).fillna(-np.inf).to_numpy(dtype=float)


def _labels(answers):
    labels = answers["label"] if isinstance(answers, pd.DataFrame) else answers
    labels = np.asarray(labels, dtype=object)
    if pd.isna(labels).any():
        raise BadInput(f"{pd.isna(labels).sum()} labels are missing", expected=f'"{ABSTAIN}" in their place')
    return labels


def _coverage(answers):
    return float((_labels(answers) != ABSTAIN).mean())


def _gold(gold, *answers):
    """Gold labels in the order of the answers, which must be of the same rows."""
    if isinstance(gold, pd.Series) and isinstance(answers[0], pd.DataFrame):
        unknown = answers[0].index.difference(gold.index)
        if len(unknown):
            raise BadInput(f"gold has no row {unknown[0]}", expected="a gold label for every answered row")
        gold = gold.loc[answers[0].index]
    _one_length(gold=gold, **{f"answers {i + 1}": answer for i, answer in enumerate(answers)})
    frames = [answer for answer in answers if isinstance(answer, pd.DataFrame)]
    if any(not frame.index.equals(frames[0].index) for frame in frames):
        raise BadInput("the answer frames are of other rows", expected="the same row ids in the same order")
    gold = np.asarray(gold, dtype=object)
    if pd.isna(gold).any() or ABSTAIN in gold:
        raise BadInput("gold has rows without a label", expected="a label for every row")
    return gold


def _sliceable(array):
    return array if hasattr(array, "iloc") or isinstance(array, np.ndarray) else pd.Series(array)


def _take(array, index):
    return array.iloc[index] if hasattr(array, "iloc") else array[index]


def _one_length(**arrays):
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1 or 0 in lengths.values():
        raise BadInput(f"lengths are {lengths}", expected="one length, at least one row")
    return next(iter(lengths.values()))


def _check(rng, level=0.95):
    _tails(level)
    if not isinstance(rng, np.random.Generator):
        raise BadInput(f"rng is {rng!r}", expected="a generator", fix="rng=np.random.default_rng(0)")


def _tails(level):
    if not 0 < level < 1:
        raise BadInput(f"level is {level!r}", expected="a number between 0 and 1, such as 0.95")
    return (1 - level) / 2, (1 + level) / 2
