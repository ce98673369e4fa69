"""What tiers made of tiers share: asking some of the rows, adding up what they cost, keeping what was said.

Also ``Queue``, the people at the end of a chain.
"""

import numpy as np
import pandas as pd
from sklearn.base import clone

from .errors import BadInput
from .tiers import ABSTAIN, COLUMNS, Human, Tier, as_rows

SUMS = ["cost_usd", "latency_s"]
ENDS = ["_low", "_high"]
KEPT = ["error_rate_low", "error_rate_high", "wait_days"]
NUMBERS = ["confidence", *SUMS, *(name + end for name in SUMS for end in ENDS), *KEPT]


class Combined(Tier):
    """What ``Cascade``, ``Router`` and ``Vote`` share; a subclass says in ``_walk`` who is asked about what.

    ``tiers`` is a list of (name, tier), the cheap ones first. The tiers may be fitted before; ``fit`` fits
    clones of them and leaves the given ones alone.
    """

    def fit(self, X, y=None):
        """Fit a clone of every tier on the same rows."""
        self.tiers_ = [(name, clone(tier).fit(X, y)) for name, tier in _named(self.tiers)]
        return self

    @property
    def classes_(self):
        """All labels that a tier knows, sorted."""
        known = [tier.classes_ for _, tier in self._asked() if hasattr(tier, "classes_")]
        if not known:
            raise AttributeError(f"no tier of this {type(self).__name__} has classes_ yet; fit it")
        return np.unique(np.concatenate(known).astype(str)).astype(object)

    def answer(self, X):
        """Answer frame; cost and latency summed over the tiers asked, ``path`` with their names."""
        rows = as_rows(X)
        return self._answer(rows, [_Live(name, tier, rows) for name, tier in self._asked()])

    @classmethod
    def combine(cls, frames, *, rows=None, **settings):
        """The same on recorded answers.

        Parameters
        ----------
        frames : mapping of name to answer frame, in the order in which they are asked
            Same row ids in the same order. A value may also be a tier, such as ``Queue``.
        rows : DataFrame, optional
            What tiers among the values are asked about; default: row ids without columns.
        settings : as in the constructor
        """
        recorded = {name: frame for name, frame in frames.items() if isinstance(frame, pd.DataFrame)}
        if not recorded:
            raise BadInput(f"frames holds {list(frames)}", expected="at least one answer frame")
        index = next(iter(recorded.values())).index
        wrong = [name for name, frame in recorded.items() if not frame.index.equals(index)]
        if wrong or not len(index):
            sizes = {name: len(frame) for name, frame in recorded.items()}
            raise BadInput(f"the frames are of other rows: {sizes}" if wrong else "the frames have no rows",
                           expected="the same row ids in the same order, at least one")
        rows = pd.DataFrame(index=index) if rows is None else rows.loc[index]
        sources = [_Recorded(name, one) if name in recorded else _Live(name, one, rows)
                   for name, one in frames.items()]
        return cls(list(frames.items()), **settings)._answer(rows, sources)

    def _asked(self):
        return _named(getattr(self, "tiers_", self.tiers) or ())

    def _answer(self, rows, sources):
        names = [source.name for source in sources]
        if not names or len(set(names)) < len(names):
            raise BadInput(f"tiers are named {names}", expected="one tier or more, each with its own name")
        run = _Run(rows.index, sources, self.budget_usd)
        self._walk(run, rows)
        return run.frame()


def _named(tiers):
    pairs = isinstance(tiers, (list, tuple)) and all(isinstance(one, (list, tuple)) and len(one) == 2 for one in tiers)
    if not pairs or not all(isinstance(name, str) and not isinstance(tier, str) for name, tier in tiers):
        raise BadInput(f"tiers is {tiers!r}", expected="a list of pairs (name, tier), cheap ones first",
                       fix='such as [("rules", rules), ("llm", llm)]')
    return tiers


class _Live:
    """A tier that is asked about some of the rows."""

    def __init__(self, name, tier, rows):
        # A person's stated ranges must reach the frame, so a bare Human gets a queue without a limit.
        self.name, self.rows = name, rows
        self.tier = Queue(tier) if isinstance(tier, Human) else tier

    def __call__(self, at):
        rows = self.rows if len(at) == len(self.rows) else self.rows.iloc[at]
        return _said(self.name, self.tier.answer(rows))

    def affordable(self, at, left_usd):
        """Ask block by block, each as large as the dearest answer so far lets it be."""
        parts, dearest, done = [], np.inf, 0
        while done < len(at) and left_usd > 0:
            block = max(1, int(min(len(at), left_usd / dearest)))
            parts.append(self(at[done:done + block]))
            spent = _priced(self.name, parts[-1]["cost_usd"])
            dearest = max(spent.max(), 1e-300 if dearest == np.inf else dearest)
            left_usd, done = left_usd - spent.sum(), done + len(spent)
        parts = parts or [_said(self.name, pd.DataFrame(columns=COLUMNS))]
        return at[:done], {column: np.concatenate([part[column] for part in parts]) for column in parts[0]}


class _Recorded:
    """Recorded answers of a tier."""

    def __init__(self, name, frame):
        self.name, self.said = name, _said(name, frame)

    def __call__(self, at):
        whole = len(at) == len(self.said["label"])
        return self.said if whole else {column: values[at] for column, values in self.said.items()}

    def affordable(self, at, left_usd):
        """The rows before which the money is not yet spent."""
        spent = _priced(self.name, self.said["cost_usd"][at])
        at = at[np.cumsum(spent) - spent < left_usd]
        return at, self(at)


def _said(name, frame):
    """The columns of an answer frame as arrays, checked, and whether each row is ``answered``."""
    missing = [column for column in ("label", "confidence", *SUMS) if column not in frame]
    if missing:
        raise BadInput(f"the frame {name!r} has no column {missing[0]!r}",
                       expected=f"columns {', '.join(COLUMNS)}",
                       fix="price recorded answers with cost.price and cost.seconds")
    numbers = [column for column in frame if column in NUMBERS or column.startswith("p_")]
    said = {column: frame[column].to_numpy(dtype=float) for column in numbers}
    said["label"] = frame["label"].to_numpy(dtype=object)
    said["reason"] = np.full(len(frame), "", dtype=object)
    if "reason" in frame:
        said["reason"] = frame["reason"].fillna("").to_numpy(dtype=object)
    said["answered"] = said["label"] != ABSTAIN
    _check(name, frame["label"], said)
    return said


def _check(name, labels, said):
    if labels.isna().any():
        raise BadInput(f"{labels.isna().sum()} labels of {name!r} are missing",
                       expected=f'"{ABSTAIN}" in their place')
    confidence = said["confidence"]
    bad = said["answered"] & ~((confidence >= 0) & (confidence <= 1))
    if bad.any():
        raise BadInput(f"confidence of {name!r} is {confidence[bad][0]}",
                       expected="numbers from 0 to 1 where it answers")
    for column in SUMS:
        if (said[column] < 0).any():
            raise BadInput(f"{column} of {name!r} is {said[column].min():g}", expected="numbers >= 0")


def _priced(name, cost_usd):
    if np.isnan(cost_usd).any():
        raise BadInput(f"cost_usd of {name!r} has missing values", expected="a price for every row",
                       fix="leave out budget_usd, or price the answers")
    return cost_usd


class _Run:
    """Rows on their way through tiers: what each has cost, whom it has asked, what was said last."""

    def __init__(self, index, sources, budget_usd):
        if budget_usd is not None and not budget_usd >= 0:
            raise BadInput(f"budget_usd is {budget_usd!r}", expected="a number >= 0, or None for no limit")
        self.index, self.sources = index, sources
        self.left_usd = np.inf if budget_usd is None else budget_usd
        self.columns = {"label": self._all(ABSTAIN, object), "confidence": self._all(np.nan)}
        self.columns |= {name: self._all(0.0) for name in SUMS}
        self.reason, self.last = self._all("", object), self._all(-1, np.int16)
        self.visited = self._all(0, np.int64)

    def __len__(self):
        return len(self.index)

    def _all(self, value, dtype=float):
        return np.full(len(self.index), value, dtype)

    def spend(self, cost_usd, latency_s):
        """What every row costs beside its answers, such as the router itself."""
        for name, value in zip(SUMS, (cost_usd, latency_s)):
            self.columns[name] += value

    def ask(self, i, at):
        """Ask tier ``i`` about rows; those beyond the budget stop. Returns rows asked and their answers."""
        source = self.sources[i]
        if self.left_usd == np.inf:
            asked, said = at, source(at)
        else:
            asked, said = source.affordable(at, self.left_usd)
            self.left_usd -= said["cost_usd"].sum()
        stopped = at[len(asked):]
        self.columns["label"][stopped], self.reason[stopped] = ABSTAIN, "budget"
        self.last[asked] = i
        self.visited[asked] |= 1 << i
        for name in SUMS:
            self._add(name, asked, said)
        return asked, said

    def _add(self, name, asked, said):
        """Sum a column; its low and high end start where the plain sum stands when they first appear."""
        ends = [name + end for end in ENDS if name + end in said or name + end in self.columns]
        for end in ends:
            self.columns.setdefault(end, self.columns[name].copy())
            self.columns[end][asked] += said.get(end, said[name])
        self.columns[name][asked] += said[name]

    def keep(self, at, said, sure):
        """Take over what was said about the rows ``at``; where it is not ``sure`` they abstain."""
        unsure = said["answered"] & ~sure
        self.columns["label"][at] = np.where(sure, said["label"], ABSTAIN)
        self.reason[at] = np.where(unsure, "low_confidence", said["reason"])
        self.columns["confidence"][at] = said["confidence"]
        for name in [name for name in said if len(at) and (name.startswith("p_") or name in KEPT)]:
            self.columns.setdefault(name, self._all(np.nan))[at] = said[name]

    def frame(self):
        """The answer frame."""
        names = [source.name for source in self.sources]
        masks, which = np.unique(self.visited, return_inverse=True)
        paths = [" > ".join(name for i, name in enumerate(names) if mask >> i & 1) for mask in masks]
        self.columns["tier"] = np.array([*names, ""], dtype=object)[self.last]
        self.columns |= {"reason": self.reason, "path": np.array(paths, dtype=object)[which]}
        last = [name for name in self.columns if name not in COLUMNS]
        return pd.DataFrame({name: self.columns[name] for name in COLUMNS + last}, index=self.index)


class Queue(Tier):
    """People who take so many decisions a day; what is beyond that waits for the next day.

    Parameters
    ----------
    human : Human
        Minutes, price and error rate, as stated ranges.
    per_day : int, optional
        Decisions a day. Default: no limit.
    day : str, optional
        Column of the rows with the day on which each arrives (0, 1, ...). Default: all on one day.
    name : str

    First come, first served. Every row abstains with the reason ``waiting``: nobody's answer is made up.
    ``wait_days`` is the number of days until a person takes a row, and infinite for those still waiting at
    the end of the last day; these cost nothing yet. The low and high ends of cost, latency (waiting included)
    and error rate stand in columns of their own, the middle in ``cost_usd`` and ``latency_s``.

    Examples
    --------
    >>> import pandas as pd
    >>> from hybridlab.cascade import Queue
    >>> from hybridlab.tiers import Human
    >>> person = Human((1, 3), usd_per_hour=(30, 30), error_rate=(.02, .10), source="our own estimate")
    >>> frame = Queue(person, per_day=2, day="day").answer(pd.DataFrame({"day": [0, 0, 0, 1, 1]}))
    >>> frame["wait_days"].tolist()
    [0.0, 0.0, 1.0, 0.0, inf]
    >>> frame[["cost_usd_low", "cost_usd", "cost_usd_high"]].iloc[0].tolist()
    [0.5, 1.0, 1.5]
    """

    def __init__(self, human, per_day=None, day=None, name="human"):
        self.human = human
        self.per_day = per_day
        self.day = day
        self.name = name

    def fit(self, X=None, y=None):
        """Nothing is learnt."""
        return self

    def answer(self, X):
        """Answer frame of rows that wait, with the stated ranges."""
        rows, band = as_rows(X), self.human.band()
        arrived = np.zeros(len(rows), dtype=int) if self.day is None else self._days(rows)
        wait = self._waits(arrived)
        wait[arrived + wait > arrived.max(initial=0)] = np.inf
        frame = pd.DataFrame({"label": ABSTAIN, "confidence": np.nan}, index=rows.index)
        for end, pick in {"": lambda ends: sum(ends) / 2, "_low": min, "_high": max}.items():
            frame["cost_usd" + end] = np.where(np.isinf(wait), 0.0, pick(band["cost_usd"]))
            frame["latency_s" + end] = pick(band["latency_s"]) + wait * 86400
        for end, rate in zip(ENDS, band["error_rate"]):
            frame["error_rate" + end] = np.where(np.isinf(wait), np.nan, rate)
        return frame.assign(wait_days=wait, tier=self.name, reason="waiting")

    def _days(self, rows):
        days = rows[self.day].to_numpy() if self.day in rows else np.array([np.nan])
        if not (days >= 0).all() or (days % 1).any():
            raise BadInput(f"column {self.day!r} of the rows is {days[:5]}",
                           expected="whole numbers of days from 0")
        return days.astype(int)

    def _waits(self, arrived):
        """Days from arrival to decision: row k takes the first free slot from its own day on."""
        if self.per_day is None:
            return np.zeros(len(arrived))
        if not (self.per_day >= 1 and self.per_day % 1 == 0):
            raise BadInput(f"per_day is {self.per_day!r}", expected="a whole number >= 1, or None")
        order, wait = np.argsort(arrived, kind="stable"), np.empty(len(arrived))
        place = np.arange(len(arrived))
        slot = np.maximum.accumulate(arrived[order] * self.per_day - place) + place
        wait[order] = slot // self.per_day - arrived[order]
        return wait
