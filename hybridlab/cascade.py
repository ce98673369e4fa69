"""Tiers made of tiers: a cascade, a vote and a router.

Each works live on rows and, by ``combine``, on recorded answer frames of the same rows. Cost and latency add
up over all tiers that a row has visited; ``path`` names them.
"""

import time
from itertools import product

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, RidgeCV
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (FunctionTransformer, PolynomialFeatures, QuantileTransformer,
                                   StandardScaler, TargetEncoder)
from sklearn.utils.validation import check_is_fitted

from .combined import Combined, Queue
from .errors import BadInput
from .tiers import as_rows

__all__ = ["Cascade", "Vote", "Router", "Queue"]


# ---- one after another


class Cascade(Combined):
    """Tiers in order: a row goes on when the tier abstains or its confidence is below the threshold.

    Parameters
    ----------
    tiers : list of (name, tier), cheap ones first
    thresholds : sequence of float, optional
        Least confidence (0 to 1) at which a tier's answer stands, one a tier; the last may be left out and is
        then 0. Infinity: none of its answers does. Default: every answer stands.
    budget_usd : float, optional
        Tiers are asked one after another, rows in order. Once so much is spent, rows that still need a tier
        abstain with the reason ``budget``. The answer that crosses the limit is kept.
    name : str

    A cascade pays for every tier on the way, which a router does not. In the frame, ``tier`` is the last tier
    asked and ``path`` all of them. Where a person is among the tiers, ``cost_usd_low`` to ``error_rate_high``
    carry the stated ranges.

    Examples
    --------
    >>> import pandas as pd
    >>> from hybridlab.cascade import Cascade
    >>> rules = pd.DataFrame({"label": ["great", "other", "<abstain>"], "confidence": [.9, .6, 0]})
    >>> rules = rules.assign(cost_usd=.001, latency_s=.1)
    >>> llm = rules.assign(label="great", confidence=[.7, .8, .3], cost_usd=.01, latency_s=1.5)
    >>> frame = Cascade.combine({"rules": rules, "llm": llm}, thresholds=[.8, .5])
    >>> frame[["label", "cost_usd", "latency_s", "reason", "path"]].values.tolist()
    [['great', 0.001, 0.1, '', 'rules'],
     ['great', 0.011, 1.6, '', 'rules > llm'],
     ['<abstain>', 0.011, 1.6, 'low_confidence', 'rules > llm']]
    """

    def __init__(self, tiers, thresholds=None, budget_usd=None, name="cascade"):
        self.tiers = tiers
        self.thresholds = thresholds
        self.budget_usd = budget_usd
        self.name = name

    def _walk(self, run, rows):
        at = np.arange(len(run))
        for i, threshold in enumerate(self._least_confidences()):
            if not len(at):
                break
            at, said = run.ask(i, at)
            sure = said["answered"] & (said["confidence"] >= threshold)
            run.keep(at, said, sure)
            at = at[~sure]

    def _least_confidences(self):
        given = [] if self.thresholds is None else list(self.thresholds)
        if given and len(given) not in (len(self.tiers), len(self.tiers) - 1):
            raise BadInput(f"thresholds is {given} for {len(self.tiers)} tiers",
                           expected="one a tier, the last may be left out")
        if not all(0 <= one <= 1 or one == np.inf for one in given):
            raise BadInput(f"thresholds is {given}", expected="numbers from 0 to 1, or infinity")
        return given + [0.0] * (len(self.tiers) - len(given))


# ---- all together


class Vote(Combined):
    """Several tiers answer, and the label with the most votes wins.

    Parameters
    ----------
    tiers : list of (name, tier), cheap ones first
    rule : {"majority", "confidence", "cost"}
        "majority": a vote each. "confidence": a vote counts as much as its confidence. "cost": a vote each,
        but tiers are asked in order and only while the rest could still change the winner; the labels are
        those of "majority", for less.
    budget_usd : float, optional
        As in ``Cascade``.
    name : str

    An abstention is no vote. A tie goes to the label that the later tier gave. ``p_<label>`` is the share of
    the votes cast, ``confidence`` that of the winner. Tiers are asked one after another, so seconds add up.

    Examples
    --------
    >>> import pandas as pd
    >>> from hybridlab.cascade import Vote
    >>> one = pd.DataFrame({"label": ["great", "other"]}).assign(confidence=.6, cost_usd=.001, latency_s=.1)
    >>> two, three = one.assign(label="great"), one.assign(label="other", confidence=.9)
    >>> frames = {"one": one, "two": two, "three": three}
    >>> Vote.combine(frames)["label"].tolist(), Vote.combine(frames, rule="confidence")["label"].tolist()
    (['great', 'other'], ['great', 'other'])
    >>> Vote.combine(frames, rule="cost")["path"].tolist()
    ['one > two', 'one > two > three']
    """

    def __init__(self, tiers, rule="majority", budget_usd=None, name="vote"):
        self.tiers = tiers
        self.rule = rule
        self.budget_usd = budget_usd
        self.name = name

    def _answer(self, rows, sources):
        return super()._answer(rows, sources).assign(tier=self.name)

    def _walk(self, run, rows):
        if self.rule not in ("majority", "confidence", "cost"):
            raise BadInput(f"rule is {self.rule!r}", expected='"majority", "confidence" or "cost"')
        votes, at, paid = {}, np.arange(len(run)), np.ones(len(run), bool)
        for i in range(len(run.sources)):
            if not len(at):
                break
            asked, said = run.ask(i, at)
            paid[at[len(asked):]] = False
            run.reason[asked] = said["reason"]
            self._count(votes, i, asked, said, len(run))
            at = asked[self._open(votes, asked, len(run.sources) - 1 - i)]
        if votes:
            self._decide(run, votes, np.flatnonzero(paid))

    def _count(self, votes, i, asked, said, n):
        """Add tier ``i``'s votes: for each label its votes and the last tier that gave it."""
        weight = said["confidence"] if self.rule == "confidence" else np.ones(len(asked))
        codes, labels = pd.factorize(np.where(said["answered"], said["label"], None))
        for code, label in enumerate(labels):
            counts, latest = votes.setdefault(label, (np.zeros(n), np.zeros(n)))
            counts[asked[codes == code]] += weight[codes == code]
            latest[asked[codes == code]] = i + 1

    def _open(self, votes, asked, left):
        """Can the tiers that are left still change the winner? A tie would go to them."""
        if self.rule != "cost" or not votes:
            return np.ones(len(asked), bool)
        counts = np.sort([np.zeros(len(asked)), *(counts[asked] for counts, _ in votes.values())], axis=0)
        return (counts[-1] - counts[-2] <= left) if left else np.zeros(len(asked), bool)

    def _decide(self, run, votes, at):
        labels = sorted(votes)
        counts, latest = (np.stack([votes[label][part][at] for label in labels]) for part in (0, 1))
        cast, top = latest.max(axis=0) > 0, counts.max(axis=0)
        winner = np.where(counts == top, latest, -1).argmax(axis=0)
        share = counts / np.where(top > 0, counts.sum(axis=0), 1)
        said = {"label": np.array(labels, dtype=object)[winner], "answered": cast,
                "reason": np.where(cast, "", run.reason[at]),
                "confidence": np.where(cast, share.max(axis=0), 0.0)}
        said |= {f"p_{label}": np.where(cast, one, np.nan) for label, one in zip(labels, share)}
        run.keep(at, said, cast)


# ---- before the call


class Router(Combined):
    """Chooses one tier a row before any is asked, from outcomes recorded on other rows.

    The gain of a dearer tier over the first is predicted by ridge regression in up to four groups of
    features: words (TF-IDF), categories (shrunken means), prompt length, embeddings. The groups are weighed
    on predictions for rows they have not seen; a group that does not help there has weight 0.

    Parameters
    ----------
    tiers : list of (name, tier), optional
        Fitted, cheap ones first. Without them the router routes but does not answer.
    share : float, optional
        Share of rows (0 to 1) for the dearer of two tiers: those with the largest gain. Which gain is large
        is read off the training rows, so a row's route does not depend on its neighbours.
    price : float or sequence, one for each tier but the first
        Without ``share``: the least gain for which a dearer tier is worth its cost, that is, its extra cost
        divided by what an outcome of 1 rather than 0 is worth.
    categories : sequence of str
        Columns with metadata known before the call; numbers are cut into eight bins.
    embed : callable or DataFrame, optional
        Called on the rows, gives shape (n, d); or the vectors themselves, indexed by row id.
    text : str
        Column with the prompt.
    folds, random_state : int
        Of the cross-validation, and of the draw where gains are tied at the cut.
    budget_usd, name : as in ``Cascade``

    Examples
    --------
    >>> import numpy as np
    >>> from hybridlab.cascade import Router
    >>> texts = [f"{word} {i % 7}" for i in range(60) for word in ("refund", "thanks")]
    >>> outcomes = np.array([[0, 1], [1, 1]] * 60)  # the dearer tier is better on refunds only
    >>> router = Router(share=0.5).fit(texts, outcomes)
    >>> router.route(["refund 9", "thanks 9"]).tolist()
    ['tier 2', 'tier 1']
    >>> router.weights_.round(1).to_dict("records")
    [{'text': 1.0, 'length': 0.0}]
    """

    def __init__(self, tiers=None, share=None, price=0.0, categories=(), embed=None, text="text", folds=5,
                 random_state=0, budget_usd=None, name="router"):
        self.tiers = tiers
        self.share = share
        self.price = price
        self.categories = categories
        self.embed = embed
        self.text = text
        self.folds = folds
        self.random_state = random_state
        self.budget_usd = budget_usd
        self.name = name

    def fit(self, X, outcomes):
        """Learn the gains.

        Parameters
        ----------
        X : list of texts or DataFrame, n rows
        outcomes : DataFrame or array, shape (n, tiers)
            What each tier got on each row, 1 right and 0 wrong, or any utility; columns in the order of cost.
        """
        rows = as_rows(X)
        if isinstance(X, pd.Series | pd.DataFrame) and isinstance(outcomes, pd.DataFrame):
            if not X.index.equals(outcomes.index):
                raise BadInput("outcomes are of other rows", expected="the row ids of X in the same order")
        self.names_, outcomes = _outcomes(outcomes, len(rows), self.tiers)
        if len(rows) < 2 * self.folds:
            raise BadInput(f"outcomes has {len(rows)} rows for {self.folds} folds",
                           expected="at least two rows a fold; 300 and more to be of use")
        groups = self._groups(rows)
        gains = (outcomes[:, 1:] - outcomes[:, :1]).T
        self.gains_ = [_Gain(groups, rows, gain, self._folds()) for gain in gains]
        table = [gain.weights for gain in self.gains_]
        self.weights_ = pd.DataFrame(table, columns=list(groups), index=self.names_[1:])
        return self

    def gain(self, X):
        """Predicted gain over the first tier, shape (n,) for two tiers, else (n, tiers - 1)."""
        check_is_fitted(self)
        rows = as_rows(X)
        gains = np.column_stack([gain(rows) for gain in self.gains_])
        return gains[:, 0] if gains.shape[1] == 1 else gains

    def route(self, X):
        """Name of the tier that each row goes to, shape (n,)."""
        gains = self.gain(X).reshape(-1, len(self.names_) - 1)
        chosen = self._by_price(gains) if self.share is None else self._by_share(gains)
        return np.array(self.names_, dtype=object)[chosen]

    def score(self, X, outcomes):
        """Mean outcome of the tiers that the rows go to, less their price."""
        names, outcomes = _outcomes(outcomes, len(X), self.tiers)
        chosen = pd.Index(names).get_indexer(self.route(X))
        paid = np.append(0.0, self._prices()) if self.share is None else np.zeros(len(names))
        return float((outcomes[np.arange(len(chosen)), chosen] - paid[chosen]).mean())

    @classmethod
    def combine(cls, frames, choice, *, rows=None, cost_usd=0.0, latency_s=0.0, budget_usd=None):
        """The same on recorded answers: each row takes the answer of the tier that ``choice`` names.

        Parameters
        ----------
        frames, rows : as in ``Cascade.combine``
        choice : sequence of tier names, length n, such as ``router.route(texts)``
        cost_usd, latency_s : float or array, what routing itself costs a row

        Examples
        --------
        >>> import pandas as pd
        >>> from hybridlab.cascade import Router
        >>> cheap = pd.DataFrame({"label": ["great", "other"]})
        >>> cheap = cheap.assign(confidence=.6, cost_usd=.001, latency_s=.1)
        >>> dear = cheap.assign(label="great", cost_usd=.01)
        >>> frame = Router.combine({"cheap": cheap, "dear": dear}, ["cheap", "dear"], cost_usd=.002)
        >>> frame[["label", "cost_usd", "tier"]].values.tolist()
        [['great', 0.003, 'cheap'], ['great', 0.012, 'dear']]
        """
        return _Routed.combine(frames, rows=rows, choice=choice, cost_usd=cost_usd, latency_s=latency_s,
                               budget_usd=budget_usd)

    def _walk(self, run, rows):
        from .cost import machine_usd

        begun = time.perf_counter()
        choice = self.route(rows)
        took = (time.perf_counter() - begun) / max(len(rows), 1)
        _Routed(self.tiers, choice, machine_usd(took), took)._walk(run, rows)

    def _by_price(self, gains):
        return np.column_stack([np.zeros(len(gains)), gains - self._prices()]).argmax(axis=1)

    def _prices(self):
        prices, tiers = np.atleast_1d(np.asarray(self.price, dtype=float)), len(self.names_) - 1
        prices = prices.repeat(tiers) if len(prices) == 1 else prices
        if len(prices) != tiers or not (prices >= 0).all() or (np.diff(prices) < 0).any():
            raise BadInput(f"price is {self.price!r}", expected="numbers >= 0, increasing, one a dearer tier")
        return prices

    def _by_share(self, gains):
        """Above the cut of the training rows; at the cut itself as many, drawn, as the share still needs."""
        if len(self.names_) != 2 or not 0 <= self.share <= 1:
            raise BadInput(f"share is {self.share!r} for {len(self.names_)} tiers",
                           expected="a number from 0 to 1 and two tiers", fix="route by price")
        if self.share in (0, 1):
            return np.full(len(gains), int(self.share))
        seen, gains = self.gains_[0].held_out, gains[:, 0]
        cut = np.quantile(seen, 1 - self.share, method="inverted_cdf")
        needed = (self.share - (seen > cut).mean()) / (seen == cut).mean()
        drawn = np.random.default_rng(self.random_state).random(len(gains)) < needed
        return ((gains > cut) | ((gains == cut) & drawn)).astype(int)

    def _folds(self):
        return KFold(self.folds, shuffle=True, random_state=self.random_state)

    def _groups(self, rows):
        """Untrained models by group of features; a group needs its columns."""
        groups = {}
        if self.text in rows:
            words = TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
            groups["text"] = [_step(_column, name=self.text), words]
        if len(self.categories):
            encoder = TargetEncoder(target_type="continuous", cv=self._folds())
            groups["category"] = [_Categories(tuple(self.categories)), encoder]
        if self.text in rows:
            evenly = QuantileTransformer(n_quantiles=min(20, len(rows) // 2))
            curve = [evenly, PolynomialFeatures(3, include_bias=False)]
            groups["length"] = [_step(_lengths, name=self.text), *curve]
        if self.embed is not None:
            groups["embedding"] = [_step(_embedded, embed=self.embed), StandardScaler()]
        if not groups:
            raise BadInput(f"the rows have no column {self.text!r}", expected="text, categories or embed")
        strengths = np.logspace(-2, 4, 13)
        return {name: make_pipeline(*steps, RidgeCV(strengths)) for name, steps in groups.items()}


class _Routed(Combined):
    """Rows whose tier is already chosen."""

    def __init__(self, tiers, choice, cost_usd=0.0, latency_s=0.0, budget_usd=None):
        self.tiers = tiers
        self.choice = choice
        self.cost_usd = cost_usd
        self.latency_s = latency_s
        self.budget_usd = budget_usd

    def _walk(self, run, rows):
        names = [source.name for source in run.sources]
        chosen = pd.Index(names).get_indexer(np.asarray(self.choice, dtype=object))
        if len(chosen) != len(run) or (chosen < 0).any():
            odd = [f"choice names {one!r}" for one in np.asarray(self.choice, dtype=object)[chosen < 0]]
            what = [*odd, f"choice has {len(chosen)} rows of {len(run)}"][0]
            raise BadInput(what, expected=f"for every row one of {names}")
        run.spend(self.cost_usd, self.latency_s)
        for i in range(len(names)):
            at = np.flatnonzero(chosen == i)
            if len(at):
                at, said = run.ask(i, at)
                run.keep(at, said, said["answered"])


class _Gain:
    """Gain of one tier over another: a model a group of features, and their weights."""

    def __init__(self, groups, rows, gain, cv):
        seen = [cross_val_predict(model, rows, gain, cv=cv) for model in groups.values()]
        self.weights, self.constant = _weighed(np.column_stack(seen), gain)
        self.held_out = np.column_stack(seen) @ self.weights + self.constant
        self.models = [clone(model).fit(rows, gain) if weight > 0 else None
                       for model, weight in zip(groups.values(), self.weights)]

    def __call__(self, rows):
        total = np.full(len(rows), self.constant)
        for weight, model in zip(self.weights, self.models):
            if weight > 0 and len(rows):
                total += weight * model.predict(rows)
        return total


def _weighed(seen, gain):
    """Weights >= 0 of the predictions and a constant, for the subset of predictions with the least AIC.

    n log(residual sum of squares) + 2 (predictions used), Akaike 1974: one that does no better on unseen rows
    than chance would is left out.
    """
    found = []
    for used in product([False, True], repeat=seen.shape[1]):
        kept = np.where(used, seen, 0.0)
        model = LinearRegression(positive=True).fit(kept, gain)
        left = ((gain - model.predict(kept)) ** 2).sum()
        aic = len(gain) * np.log(max(left, 1e-300)) + 2 * sum(used)
        found.append((aic, np.where(used, model.coef_, 0.0), model.intercept_))
    return min(found, key=lambda one: one[0])[1:]


def _outcomes(outcomes, n, tiers):
    """Names and values of recorded outcomes, checked against the rows and the tiers."""
    values = np.asarray(outcomes, dtype=float)
    if values.ndim != 2 or values.shape[1] < 2 or len(values) != n or not n or not np.isfinite(values).all():
        holes = int((~np.isfinite(values)).sum())
        raise BadInput(f"outcomes has shape {values.shape} for {n} rows, {holes} of its values missing",
                       expected="a number for every row (one or more) and two or more tiers")
    named = [str(name) for name in getattr(outcomes, "columns", [])]
    plain = [f"tier {i + 1}" for i in range(values.shape[1])]
    names = [name for name, _ in tiers] if tiers else named or plain
    if len(names) != values.shape[1] or (named and set(named) != set(names)):
        raise BadInput(f"outcomes has columns {named or values.shape[1]}", expected=f"the tiers {names}")
    return names, values[:, [named.index(name) for name in names]] if named else values


def _step(function, **settings):
    return FunctionTransformer(function, kw_args=settings)


def _column(rows, name):
    return rows[name]


def _lengths(rows, name):
    return rows[name].str.len().to_numpy(dtype=float).reshape(-1, 1)


def _embedded(rows, embed):
    if isinstance(embed, pd.DataFrame):
        unknown = rows.index.difference(embed.index)
        if len(unknown):
            raise BadInput(f"embed has no row {unknown[0]}", expected="a vector for every row id")
        return embed.loc[rows.index].to_numpy(dtype=float)
    return np.asarray(embed(rows), dtype=float)


class _Categories(TransformerMixin, BaseEstimator):
    """Metadata columns as categories: numbers in eight bins, what is missing as a category of its own."""

    def __init__(self, columns):
        self.columns = columns

    def fit(self, rows, y=None):
        numbers = [name for name in self.columns if pd.api.types.is_numeric_dtype(rows[name])]
        inner = np.linspace(0, 1, 9)[1:-1]
        self.edges_ = {name: np.nanquantile(rows[name].astype(float), inner) for name in numbers}
        return self

    def transform(self, rows):
        return np.column_stack([self._one(rows[name]) for name in self.columns])

    def _one(self, column):
        if column.name in self.edges_:
            bins = np.searchsorted(self.edges_[column.name], column.to_numpy(dtype=float), side="right")
            column = pd.Series(bins).where(column.notna().to_numpy())
        return column.astype(object).where(column.notna(), "missing").astype(str).to_numpy(dtype=object)
