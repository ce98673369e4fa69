"""The decision framework as data: recommend an architecture, test ordered lists, weigh options."""

import math
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from . import paths
from .errors import BadInput
from .evaluate import wilson

__all__ = ["framework", "recommend", "recommend_all", "Recommendation", "problems", "reachability",
           "order_dependence", "Scorecard", "compare"]

NONE = "none"


# The framework: axes, contradictions, vetoes, weights.

def framework(path=None):
    """Read the decision framework, checked, as a dictionary of your own to change.

    Parameters
    ----------
    path : path, optional
        A YAML file of the same form; ``data/framework.yml`` when left out.

    Returns
    -------
    dict with axes, flags, architectures, contradictions, vetoes, weights, warnings, list, chart, sources.

    Raises
    ------
    BadInput
        An unknown axis, value, architecture or source, or a weight that is not positive.

    Examples
    --------
    >>> from hybridlab import decide
    >>> mine = decide.framework()
    >>> [arch["name"] for arch in mine["architectures"]][:3]
    ['rules', 'classical', 'rules_llm']
    >>> mine["weights"][0]["for"] = {"rules": -1}
    >>> decide.recommend({"labels": "none"}, mine)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    hybridlab.errors.BadInput: a weight of 'rules' is not above 0 in: a pattern is short, ...
      to do:    name what it speaks against under 'against', with a weight above 0
    """
    return deepcopy(_read(Path(path or paths.data("framework.yml"))))


@lru_cache(maxsize=4)
def _read(path):
    import yaml

    return _checked(yaml.safe_load(path.read_text("utf-8")))


def _rules(given):
    return _read(paths.data("framework.yml")) if given is None else _checked(given)


def _axes(rules):
    return {axis["name"]: [value["name"] for value in axis["values"]] for axis in rules["axes"]}


def _names(rules):
    return [arch["name"] for arch in rules["architectures"]]


def _checked(rules):
    axes, names = _axes(rules), [*_names(rules), NONE]
    questions = rules["list"]["questions"] + rules["chart"]["questions"]
    for entry in rules["contradictions"] + rules["vetoes"] + rules["weights"] + rules["warnings"] + questions:
        for when in _either(entry["when"]):
            _known(when, axes)
        for name, weight in _points(entry).items():
            _one_of("architecture", name, names)
            if not weight * (1 if name in entry.get("for", {}) else -1) > 0:
                raise BadInput(f"a weight of {name!r} is not above 0 in: {entry['because']}",
                               fix="name what it speaks against under 'against', with a weight above 0")
        _one_of("source", entry.get("source", "judgement"), rules["sources"])
    return rules


def _points(rule):
    """What a rule gives each architecture: a weight for, a weight against, or a veto."""
    against = {name: -weight for name, weight in rule.get("against", {}).items()}
    return {**rule.get("for", {}), **against, **dict.fromkeys(rule.get("out", []), -np.inf)}


def _one_of(what, given, known):
    if given not in known:
        near = get_close_matches(str(given), known, n=1)
        raise BadInput(f"unknown {what} {_show(given)}", expected=", ".join(map(str, known)),
                       fix=f"did you mean {near[0]!r}?" if near else "use one of the names above")


def _known(table, axes):
    for axis in table:
        _one_of("axis", axis, axes)
        for value in table[axis]:
            _one_of(f"value of {axis}", value, axes[axis])


def _number(value):
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and math.isfinite(value)


# Facts: what the reader says about a problem.

def _facts(problem, rules):
    """The stated band of each axis; says so when two facts cannot hold together."""
    if not isinstance(problem, Mapping | pd.Series):
        raise BadInput(f"a problem of type {type(problem).__name__}", expected="a dictionary or a row")
    said, where = {}, {}
    for name, value in dict(problem).items():
        if value is None or value is pd.NA or value != value:
            continue
        axis, bands = _stated(name, value, rules)
        left = [band for band in said.get(axis, bands) if band in bands]
        if not left:
            raise BadInput(f"{where[axis]} and {name}={_show(value)} contradict each other",
                           fix=f"both state {axis}: keep the one that is true and drop the other")
        said[axis], where[axis] = left, f"{name}={_show(value)}"
    facts = {axis: said[axis][0] for axis in _axes(rules) if len(said.get(axis, [])) == 1}
    if not facts:
        raise BadInput("the problem states no fact", fix=f"state some of {', '.join(_axes(rules))}")
    for clash in rules["contradictions"]:
        if all(facts.get(axis) in values for axis, values in clash["when"].items()):
            both = " and ".join(where[axis] for axis in clash["when"])
            raise BadInput(f"{both} contradict each other: {clash['because']}", fix=clash["fix"])
    return facts


def _stated(name, value, rules):
    """The axis that a fact is about, and the bands that it leaves open."""
    axes, flags = _axes(rules), {flag["name"]: flag for flag in rules["flags"]}
    numbers = {axis["number"]["name"]: axis for axis in rules["axes"] if "number" in axis}
    _one_of("axis", name, [*axes, *numbers, *flags])
    if name in axes:
        _known({name: [value]}, axes)
        return name, [value]
    unit = "True or False" if name in flags else f"0 or more {numbers[name]['number']['unit']}"
    if not (isinstance(value, bool | np.bool_) if name in flags else _number(value) and value >= 0):
        raise BadInput(f"{name}={_show(value)}", expected=unit, fix="leave it out if it is not known")
    if name in flags:
        axis = flags[name]["axis"]
        return axis, [band for band in axes[axis] if (band == flags[name]["value"]) == value]
    axis = numbers[name]["name"]
    return axis, [axes[axis][sum(value >= edge for edge in numbers[name]["number"]["edges"])]]


def _show(value):
    return repr(value.item() if isinstance(value, np.generic) else value)


# Evaluation: one table of problems, one column an architecture.

def _either(when):
    return when if isinstance(when, list) else [when]


def _holds(when, table):
    """Boolean array: the rows for which one of the conditions holds on every axis it names."""
    always = np.ones(len(table), bool)
    return np.logical_or.reduce([
        np.logical_and.reduce([always, *(table[axis].isin(values) for axis, values in condition.items())])
        for condition in _either(when)])


def _scores(table, rules):
    """Points of each architecture for each row; minus infinity where it is ruled out."""
    points = {name: np.zeros(len(table)) for name in _names(rules)}
    for rule in rules["weights"] + rules["vetoes"]:
        holds = _holds(rule["when"], table)
        for name, weight in _points(rule).items():
            points[name] += np.where(holds, weight, 0)
    return pd.DataFrame(points, index=table.index)


def _best(scores):
    names = scores.columns.to_numpy()[scores.to_numpy().argmax(axis=1)]
    return pd.Series(np.where(np.isinf(scores.max(axis=1)), NONE, names), scores.index, name="architecture")


def recommend_all(table, framework=None):
    """Recommend an architecture for every row of a table of bands.

    Parameters
    ----------
    table : DataFrame
        One row a problem, one column an axis, values as in the framework (None: not stated).
    framework : dict, optional
        A framework of your own.

    Returns
    -------
    Series of architecture names, ``"none"`` where every one is ruled out.

    Examples
    --------
    >>> from hybridlab import decide
    >>> decide.recommend_all(decide.problems()).value_counts().idxmax()
    'classical'
    """
    rules = _rules(framework)
    _known({axis: table[axis].dropna().unique() for axis in table}, _axes(rules))
    return _best(_scores(table.reindex(columns=list(_axes(rules))), rules))


@dataclass(frozen=True)
class Recommendation:
    """What the framework says about one problem, and why.

    ``reasons`` are the weights that fired for the winner, those against it with a minus; ``scores`` the
    points (None: ruled out, for the reason in ``ruled_out``); ``margin`` the points to the runner-up;
    ``would_change`` every single fact, stated or not, that would change the answer.
    """

    architecture: str
    title: str
    facts: dict
    scores: dict
    reasons: list
    ruled_out: dict
    runner_up: str | None
    margin: float | None
    would_change: list
    warnings: list

    def __str__(self):
        behind = f" (runner-up: {self.runner_up}, {self.margin:g} behind)" if self.runner_up else ""
        return "\n  ".join([
            self.title + behind,
            *(f"{one['weight']:+g} {one['because']} [{one['source']}]" for one in self.reasons),
            *(f"not {name}: {because}" for name, because in self.ruled_out.items()),
            *(f"{one['axis']}={one['value']} makes it {one['architecture']}" for one in self.would_change),
            *(f"note: {text}" for text in self.warnings)])


def recommend(problem, framework=None):
    """Recommend an architecture for one problem, with reasons, runner-up and what would change it.

    Vetoes come first, then weighted reasons; the most points win, the simpler architecture wins a tie.

    Parameters
    ----------
    problem : dict or Series
        Facts: an axis and its band (``labels="few"``), or its number (``n_labels=40``), or a flag
        (``batch=True``). Axes may be left out; None and NaN count as left out.
    framework : dict, optional
        A framework of your own.

    Returns
    -------
    Recommendation

    Raises
    ------
    BadInput
        An unknown axis or value, an impossible number, or facts that contradict each other.

    Examples
    --------
    >>> from hybridlab import decide
    >>> answer = decide.recommend({"input": "table", "n_labels": 5000, "latency": "instant"})
    >>> answer.title, answer.runner_up
    ('Classical ML', 'rules')
    >>> answer.ruled_out["llm"]
    'an LLM call or a person does not fit in a tenth of a second, and the slowest row counts'
    >>> decide.recommend({"privacy": "stays", "hosting": "hosted_only"})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    hybridlab.errors.BadInput: privacy='stays' and hosting='hosted_only' contradict each other: ...
      to do:    get leave for one provider (privacy='may_leave'), or a machine of your own (hosting='own')
    """
    rules = _rules(framework)
    facts = _facts(problem, rules)
    axes = _axes(rules)
    changes = [(axis, value) for axis in axes for value in axes[axis] if facts.get(axis) != value]
    table = pd.DataFrame([facts, *({**facts, axis: value} for axis, value in changes)], columns=list(axes))
    points = _scores(table, rules)
    scores = points.iloc[0].sort_values(ascending=False, kind="stable")
    left = scores[np.isfinite(scores)]
    titles = {arch["name"]: arch["title"] for arch in rules["architectures"]}
    winner, second = [*left.index, None, None][:2] if len(left) else (NONE, None)
    margin = float(left[winner] - left[second]) if second else None
    others = _best(points).mask(_contradict(table, rules), winner)[1:]
    fired = {kind: [rule for rule in rules[kind] if _holds(rule["when"], table[:1])[0]]
             for kind in ("weights", "vetoes", "warnings")}
    notes = ["weak"] * bool(len(left) and left[winner] <= 0) + ["close"] * bool(second and margin <= 1)
    return Recommendation(
        architecture=winner, title=titles.get(winner, rules["messages"][NONE]), facts=facts,
        scores={name: float(left[name]) if name in left else None for name in titles},
        reasons=_reasons(fired["weights"], winner),
        ruled_out={name: next(veto["because"] for veto in fired["vetoes"] if name in veto["out"])
                   for name in titles if name not in left},
        runner_up=second, margin=margin,
        would_change=[{"axis": axis, "value": value, "architecture": other}
                      for (axis, value), other in zip(changes, others, strict=True) if other != winner],
        warnings=[one["say"] for one in fired["warnings"]] + [rules["messages"][note] for note in notes])


def _reasons(fired, winner):
    found = [{"because": rule["because"], "weight": _points(rule)[winner], "source": rule["source"]}
             for rule in fired if winner in _points(rule)]
    return sorted(found, key=lambda one: -one["weight"])


def _contradict(table, rules):
    return np.logical_or.reduce([_holds(clash["when"], table) for clash in rules["contradictions"]])


# Ordered lists: which question decides, and does the order matter?

def problems(framework=None):
    """Every problem that the axes can state without contradicting itself, one row each.

    They are cases, not a forecast: no row is more likely than another here, and in your work some are.

    Examples
    --------
    >>> from hybridlab import decide
    >>> decide.problems().shape
    (373248, 12)
    """
    rules = _rules(framework)
    axes = _axes(rules)
    codes = np.indices([len(values) for values in axes.values()], dtype=np.int8).reshape(len(axes), -1)
    table = pd.DataFrame({axis: pd.Categorical.from_codes(code, axes[axis])
                          for axis, code in zip(axes, codes, strict=True)})
    return table[~_contradict(table, rules)].reset_index(drop=True)


def _applies(which, table, rules):
    """Boolean frame (problems, questions); the last question applies where no other does."""
    questions = rules[which]["questions"]
    applies = pd.DataFrame({question["name"]: _holds(question["when"], table) for question in questions[:-1]})
    return applies.assign(**{questions[-1]["name"]: ~applies.any(axis=1)})


def reachability(which="list", order=None, table=None, framework=None):
    """How often each question of an ordered list decides, over all problems or over yours.

    Parameters
    ----------
    which : str
        ``"list"``, the book's seven questions, or ``"chart"``, the flow chart of this course.
    order : list of str, optional
        The names of the questions in another order.
    table : DataFrame, optional
        Your own mix of problems, bands as in the framework; ``problems()`` when left out.

    Returns
    -------
    DataFrame, one row a question in the order read: ask, answer; ``applies`` and ``decides``, counts of
    problems; ``share``, decided by it; ``unheard``, the share of problems it applies to that an earlier
    question answered; ``share_any_order``, decided by it on average over all orders;
    ``agrees``, the share of its decisions that the full framework shares.

    Raises
    ------
    BadInput
        An unknown list, or an order that is not the same questions.

    Examples
    --------
    >>> from hybridlab import decide
    >>> volume = decide.reachability().loc["volume"]
    >>> int(volume["decides"]), f"{volume['share']:.1%} decided, {volume['applies'] / 373248:.1%} concerned"
    (5832, '1.6% decided, 16.7% concerned')
    """
    rules = _rules(framework)
    _one_of("list", which, ["list", "chart"])
    asked = {question["name"]: question for question in rules[which]["questions"]}
    order = list(asked) if order is None else list(order)
    if sorted(order) != sorted(asked):
        raise BadInput(f"an order of {order}", expected=f"each of {', '.join(asked)} once")
    table = problems(rules) if table is None else table
    applies = _applies(which, table, rules)[order]
    out = pd.DataFrame([asked[name] for name in order], index=order)[["ask", "answer"]]
    first = applies.to_numpy().argmax(axis=1)
    agree = recommend_all(table, rules).to_numpy() == out["answer"].to_numpy()[first]
    out["applies"], out["decides"] = applies.sum(), np.bincount(first, minlength=len(order))
    out["share"], out["unheard"] = out["decides"] / len(table), 1 - out["decides"] / out["applies"]
    out["share_any_order"] = applies.div(applies.sum(axis=1), axis=0).mean()
    out["agrees"] = np.bincount(first, agree, len(order)) / out["decides"]
    return out


def order_dependence(which="list", table=None, framework=None):
    """How many different answers a problem can get when the questions are read in another order.

    Whichever question applies can be put first, so the answer depends on the order exactly when two
    applicable questions answer differently: no order has to be tried.

    Returns
    -------
    DataFrame, index ``answers`` (1 means that the order does not matter), columns problems and share.

    Examples
    --------
    >>> from hybridlab import decide
    >>> decide.order_dependence()["problems"].sum()
    np.int64(373248)
    """
    rules = _rules(framework)
    table = problems(rules) if table is None else table
    answers = [question["answer"] for question in rules[which]["questions"]]
    given = _applies(which, table, rules).T.groupby(answers).any().sum()
    counts = given.value_counts().sort_index().rename_axis("answers")
    return pd.DataFrame({"problems": counts, "share": counts / len(table)})


# The scorecard.

class Scorecard:
    """A weighted scorecard that says how far its own answer can be trusted.

    Parameters
    ----------
    weights : dict
        Criterion to weight, 0 or more, not all 0; only their proportions count.
    scores : DataFrame
        One row an option, one column a criterion, higher is better, all on one scale.

    Raises
    ------
    BadInput
        An empty card, a negative or missing number, a criterion without weight or without scores.

    Examples
    --------
    >>> import pandas as pd
    >>> from hybridlab.decide import Scorecard
    >>> scores = pd.DataFrame({"quality": [6, 9], "cost": [9, 3]}, index=["classical", "llm"])
    >>> card = Scorecard({"quality": 1, "cost": 1}, scores)
    >>> card.totals().to_dict(), card.winner
    ({'classical': 7.5, 'llm': 6.0}, 'classical')
    >>> float(card.sensitivity().loc["quality", "flips_above"].round(3))
    0.667
    """

    def __init__(self, weights, scores):
        self.weights, self.scores = pd.Series(weights, dtype=object), pd.DataFrame(scores)
        self._check()
        self.weights, self.scores = self.weights.astype(float), self.scores[self.weights.index].astype(float)

    def _check(self):
        if not len(self.weights) or self.scores.empty:
            raise BadInput("an empty scorecard", fix="give weights by criterion and scores by option")
        for name in self.weights.index.symmetric_difference(self.scores.columns):
            raise BadInput(f"criterion {name!r} has only a weight or only scores", fix="give both or drop it")
        cells = [(f"weight of {name!r}", value, 0) for name, value in self.weights.items()]
        cells += [(f"score of {option!r} in {name!r}", value, -np.inf)
                  for name in self.scores for option, value in self.scores[name].items()]
        for what, value, least in cells:
            if not _number(value) or value < least:
                raise BadInput(f"{what} is {_show(value)}", expected="a number; a weight is 0 or more",
                               fix="give 0 to what does not count; turn a scale where less is better")
        if not self.weights.sum() > 0:
            raise BadInput("all weights are 0", expected="one above 0", fix="weigh what matters")

    def totals(self):
        """Weighted mean score of each option."""
        return self.scores @ (self.weights / self.weights.sum())

    @property
    def winner(self):
        """The option with the highest total; the first one of a tie."""
        return self.totals().idxmax()

    def sensitivity(self):
        """For each weight, the share of all weight at which another option wins.

        The other weights keep their proportions. Between options a (the winner) and b the totals meet where
        w_k = sum over j != k of w_j (s_aj - s_bj), divided by (s_bk - s_ak).

        Returns
        -------
        DataFrame, one row a criterion: ``share`` now; ``flips_below`` and ``flips_above``, the nearest
        shares at which the winner changes (NaN: never), with ``to_below`` and ``to_above``, the new winners.
        """
        return pd.DataFrame([self._flips(name) for name in self.weights.index], index=self.weights.index)

    def _flips(self, name):
        rest = self.weights.drop(name)
        leads = self.scores.loc[self.winner] - self.scores.drop(index=self.winner)
        meet = (leads[rest.index] @ rest) / -leads[name].where(leads[name] != 0)
        shares = meet / (meet + rest.sum())
        below, above = shares[(leads[name] > 0) & (meet > 0)], shares[leads[name] < 0]
        return {"share": self.weights[name] / self.weights.sum(),
                "flips_below": below.max(), "to_below": below.idxmax() if len(below) else "",
                "flips_above": above.min(), "to_above": above.idxmin() if len(above) else ""}

    def simulate(self, rng, draws=10_000):
        """Share of random weights under which each option wins, with its 95 % Wilson interval.

        The weights are Dirichlet(1, ..., 1): every mix is equally likely. An option that wins under few of
        them needs its weights defended.

        Examples
        --------
        >>> import numpy as np, pandas as pd
        >>> from hybridlab.decide import Scorecard
        >>> card = Scorecard({"a": 1, "b": 1}, pd.DataFrame({"a": [1, 0], "b": [0, 1]}, index=["x", "y"]))
        >>> bool(abs(card.simulate(np.random.default_rng(0)).loc["x", "share"] - 0.5) < 0.02)
        True
        """
        totals = rng.dirichlet(np.ones(len(self.weights)), draws) @ self.scores.to_numpy().T
        wins = np.bincount(totals.argmax(axis=1), minlength=len(self.scores))
        shares = [wilson(int(won), draws) for won in wins]
        return pd.DataFrame([(one.value, one.low, one.high) for one in shares], self.scores.index,
                            ["share", "low", "high"])


# The framework against measurement.

def compare(measured, framework=None):
    """What the framework says beside what was measured, disagreements included.

    Parameters
    ----------
    measured : DataFrame
        One row a task: facts as for :func:`recommend`, and ``measured``, the architecture that won,
        or several joined by ``|`` where the intervals overlap.

    Returns
    -------
    DataFrame, one row a task: framework, runner_up, measured; ``verdict`` (agrees, runner-up, disagrees);
    ``because``, its strongest reason; ``sources``, of all its reasons. A task that taught the framework
    one of these sources is no evidence for it.

    Examples
    --------
    >>> import pandas as pd
    >>> from hybridlab import decide
    >>> tasks = pd.DataFrame({"input": ["table"], "output": ["label"], "n_labels": [2000],
    ...                       "measured": ["classical"]}, index=["strikes"])
    >>> decide.compare(tasks).loc["strikes", ["framework", "verdict"]].tolist()
    ['classical', 'agrees']
    """
    if "measured" not in measured:
        raise BadInput("no column 'measured'", fix="name the architecture that won each task in it")
    return pd.DataFrame([_verdict(row, framework) for _, row in measured.iterrows()], index=measured.index)


def _verdict(row, framework):
    won = row["measured"].split("|")
    for name in won:
        _one_of("architecture", name, [*_names(_rules(framework)), NONE])
    answer = recommend(row.drop("measured"), framework)
    verdicts = {answer.runner_up: "runner-up", answer.architecture: "agrees"}
    return {"framework": answer.architecture, "runner_up": answer.runner_up, "measured": row["measured"],
            "verdict": next((verdicts[name] for name in reversed(verdicts) if name in won), "disagrees"),
            "because": answer.reasons[0]["because"] if answer.reasons else "",
            "sources": ", ".join(sorted({one["source"] for one in answer.reasons}))}
