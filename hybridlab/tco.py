"""Total cost of ownership: a scenario's bill, the option to pick, break-evens, and what would change them.

``outcomes`` is the whole model, a function of arrays: a sweep, a tornado and a Monte Carlo are one call each.
"""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pandas as pd

from .cost import MOST_REPAIR_TURNS, RATES, Reserved, call_usd, repaired, reserved, within
from .errors import BadInput
from .scenario import Scenario, one_of

LINES = ["calls", "escalation", "machines", "labels", "evaluation", "review", "engineering", "operations",
         "errors"]
SUMS = ["usd_per_month", "once_usd", "usd_total", "invoices_usd", "usd_per_query", "usd_per_success", "quality",
        "latency_s", "machine_count", "utilisation"]
BATCH_SHARE_OF_P95 = 0.05  # latency_s is a p95: a larger share in the batch makes the batch's delay the p95
MACHINE = ["queries_per_s_per_machine", "usd_per_machine_hour", "peak_to_mean", "least_machines"]


# ---- the model


def outcomes(scenario, inputs=None):
    """The whole model: dollars, quality and latency of every option.

    For q queries a month, of which the answer cache answers a share h, and calls that are each sent
    1 / (1 - r) times: calls = q (1 - h) / (1 - r) x price of the repaired conversation x (1 - batch share x
    discount) + q x lookup. A share p of what is asked goes on to ``escalates_to``, so without cache and
    retries c(p) = c_cheap + p c_strong (Chen 2023, arXiv 2305.05176). A false cache hit is a wrong answer,
    and so is an error that review does not catch.

    Parameters
    ----------
    scenario : Scenario
    inputs : mapping of address to number or array, optional
        They take the place of stated values; all arrays broadcast.

    Returns
    -------
    dict of option to dict of arrays
        A month's dollars by line (``LINES``), their sum ``usd_per_month``, ``once_usd``, ``usd_total`` (over
        all ``months``, once included), ``invoices_usd`` (the same without the line of errors),
        ``usd_per_query`` and ``usd_per_success`` (of ``usd_total``),
        ``quality``, ``latency_s``, own ``machine_count`` and ``utilisation``, and ``fits``, within the
        limits.

    Examples
    --------
    >>> from hybridlab.tco import Scenario, outcomes
    >>> options = {"api": {"quality": 0.9, "usd_per_call": 0.002}}
    >>> scenario = {"name": "inbox", "as_of": "2026-11-23", "queries_per_month": 1000, "options": options}
    >>> outcomes(Scenario.read(scenario), {"queries_per_month": np.array([0, 500])})["api"]["usd_per_month"]
    array([0., 1.])
    """
    stated = scenario.inputs()
    for address, value in (inputs or {}).items():
        one_of("input", address, stated)
        within(address, value, *_allowed(address))
    values = {address: one.value for address, one in stated.items()} | dict(inputs or {})
    shared = SimpleNamespace(**{name: values.get(name) for name in Scenario.model_fields})
    options = {name: SimpleNamespace(**{key: values.get(f"{name}.{key}", one) for key, one in option})
               for name, option in scenario.options.items()}
    with np.errstate(divide="ignore", invalid="ignore"):
        return {name: _outcome(scenario.options[name], options, name, shared) for name in options}


def _allowed(address):
    """The ends between which an input means something; what a scenario may state is held to the same ones."""
    key = address.rpartition(".")[2]
    if key.endswith(("_share", "_discount")) or "quality" in key:
        return 0.0, 1.0
    if key == "repair_turns":
        return 0.0, MOST_REPAIR_TURNS
    return {"months": np.finfo(float).tiny, "peak_to_mean": 1.0}.get(key, 0.0), np.inf


def _outcome(stated, options, name, shared):
    o, q = options[name], shared.queries_per_month
    calls, escalation, own, others = _spent(options, name, q)
    quality = _quality(stated, o)
    month = dict(zip(LINES, [
        calls, escalation, own.usd_per_month + others, o.labels_per_month * shared.usd_per_label,
        sum(_spent(options, name, o.evaluation_queries_per_month)[:2]),
        q * o.review_share * o.review_minutes / 60 * shared.usd_per_review_hour,
        o.engineering_hours_per_month * shared.usd_per_engineering_hour, o.operations_usd_per_month,
        q * (1 - quality) * shared.usd_per_error], strict=True))
    start = o.labels * shared.usd_per_label + o.engineering_hours * shared.usd_per_engineering_hour
    once = 0.0 * start if o.running else start
    usd = sum(month.values())
    total, asked = once + usd * shared.months, np.multiply(q, shared.months)
    waits = np.greater(o.batch_share, BATCH_SHARE_OF_P95)
    latency_s = np.where(waits, np.maximum(o.batch_delay_s, o.latency_s), o.latency_s)
    most_s = np.inf if shared.most_latency_s is None else shared.most_latency_s
    return month | {
        "usd_per_month": usd, "once_usd": once, "usd_total": total,
        "invoices_usd": once + (usd - month["errors"]) * shared.months, "usd_per_query": np.divide(total, asked),
        "usd_per_success": np.divide(total, asked * quality), "quality": quality, "latency_s": latency_s,
        "machine_count": own.machines, "utilisation": own.utilisation,
        "fits": (quality >= shared.least_quality) & (latency_s <= most_s)}


def _spent(options, name, queries):
    """A month's dollars for own and for escalated calls, own machines, dollars for the others' machines."""
    o = options[name]
    asked = queries * (1 - o.cache_hit_share)
    sent = asked / (1 - o.retry_share)
    talk = repaired(o.prompt_tokens, o.cached_tokens, o.completion_tokens, failed_share=o.failed_share,
                    repair_turns=np.rint(o.repair_turns), feedback_tokens=o.feedback_tokens, reuse_share=o.reuse_share)
    usd = call_usd(*talk[:3], **{rate: getattr(o, rate) for rate in RATES}) + talk.turns * o.usd_per_call
    calls = sent * usd * o.price_factor * (1 - o.batch_share * o.batch_discount) + queries * o.lookup_usd
    own = Reserved(0.0, 0.0, 0.0)
    if np.any(o.usd_per_machine_hour):
        size = {key: getattr(o, key) for key in MACHINE} | {"least_machines": np.rint(o.least_machines)}
        own = reserved(sent * talk.turns, **size)
    if not o.escalates_to:
        return calls, 0.0, own, 0.0
    theirs, further, machines, others = _spent(options, o.escalates_to, asked * o.escalation_share)
    return calls, theirs + further, own, machines.usd_per_month + others


def _quality(stated, o):
    """Share right: moved along the measured curve, less false cache hits, plus what review catches."""
    quality = o.quality
    if stated.quality_by_escalation:
        shares, heights = zip(*stated.quality_by_escalation)
        here = np.interp(stated.escalation_share.value, shares, heights)
        quality = np.clip(quality + np.interp(o.escalation_share, shares, heights) - here, 0, 1)
    quality = quality * (1 - o.cache_hit_share * o.false_hit_share)
    return quality + (1 - quality) * o.review_share * o.caught_share


def table(scenario, inputs=None):
    """One row an option at the stated values, cheapest over the whole time first.

    Where the scenario names a ``baseline``: ``saves_usd`` against it over the whole time; ``payback_months``,
    what is spent more at the start over what is spent less a month (NaN: never); and ``roi``, what is saved
    over what is spent more at the start (NaN: nothing is). A baseline that already works is to be stated as
    ``running: true``: its start is paid, whatever is decided, and must not shrink the others' investment.

    Examples
    --------
    >>> from hybridlab.tco import Scenario, table
    >>> options = {"person": {"quality": 0.95, "usd_per_call": 1.0},
    ...            "rules": {"quality": 0.8, "engineering_hours": 80, "operations_usd_per_month": 100}}
    >>> mails = Scenario.read({"name": "mails", "as_of": "2026-11-23", "queries_per_month": 900,
    ...     "usd_per_engineering_hour": 100, "baseline": "person", "options": options})
    >>> table(mails).loc["rules", ["usd_total", "saves_usd", "payback_months"]].tolist()  # 8,000 / 800
    [11600.0, 20800.0, 10.0]
    """
    found = outcomes(scenario, inputs)
    frame = pd.DataFrame.from_dict({name: {key: np.asarray(one).item() for key, one in row.items()}
                                    for name, row in found.items()}, orient="index")
    if scenario.baseline:
        less = frame.loc[scenario.baseline, ["usd_total", "usd_per_month", "once_usd"]] - frame
        invested, a_month = (-less["once_usd"]).clip(lower=0), less["usd_per_month"]
        frame["saves_usd"] = less["usd_total"]
        frame["payback_months"] = invested / a_month.where(a_month > 0)
        frame["roi"] = less["usd_total"] / invested.where(invested > 0)
    return frame.sort_values("usd_total", kind="stable").rename_axis("option")


# ---- which one?


def frontier(table, *, high=("quality",), low=("usd_per_month",)):
    """Whether nothing beats an option: no other is as good on every axis and better on one.

    Parameters
    ----------
    table : DataFrame with one row an option, or mapping of axis to array of shape (..., options)
    high, low : names of the axes on which more, or less, is better; two axes, three or more. Every option
        needs a number on each: what is not known is neither beaten nor free.

    Returns
    -------
    Boolean array of shape (..., options); a Series for a DataFrame.

    Examples
    --------
    >>> import pandas as pd
    >>> from hybridlab.tco import frontier
    >>> rows = {"quality": [0.8, 0.9, 0.85], "usd_per_month": [1, 50, 60], "latency_s": [0.1, 2.0, 0.5]}
    >>> options = pd.DataFrame(rows, index=["tfidf", "hosted", "own"])
    >>> frontier(options).to_dict()
    {'tfidf': True, 'hosted': True, 'own': False}
    >>> frontier(options, low=("usd_per_month", "latency_s"))["own"]  # the third axis lets it in
    np.True_
    """
    for name in (*high, *low):
        one_of("axis", name, list(table))
        if np.isnan(np.asarray(table[name], dtype=float)).any():
            raise BadInput(f"{name} is nan for an option", fix="measure it, or take that option out of the table")
    axes = [np.asarray(table[name], dtype=float) for name in high]
    axes = np.stack(axes + [-np.asarray(table[name], dtype=float) for name in low])
    one, other = axes[..., :, None], axes[..., None, :]
    free = ~((other >= one).all(axis=0) & (other > one).any(axis=0)).any(axis=-1)
    return pd.Series(free, table.index) if isinstance(table, pd.DataFrame) else free


@dataclass(frozen=True)
class Choice:
    """The cheapest option within the limits (None: none is), and why each other one is out."""

    option: str | None
    excluded: dict

    def __str__(self):
        why = [f"not {name}: {reason}" for name, reason in self.excluded.items()]
        return "\n  ".join([self.option or "none fits", *why])


def pick(table, *, at_least=None, at_most=None, cheapest="usd_total"):
    """The cheapest option within limits, and what each limit excluded.

    Parameters
    ----------
    table : DataFrame, one row an option
    at_least, at_most : mapping of column to limit
        Name the unkind end of an interval (``quality_low``) to be on the safe side.
    cheapest : column that decides among those left

    Returns
    -------
    Choice

    Examples
    --------
    >>> import pandas as pd
    >>> from hybridlab.tco import pick
    >>> rows = {"quality": [0.8, 0.9], "usd_total": [1, 50], "latency_s": [0.1, 2.0]}
    >>> options = pd.DataFrame(rows, index=["tfidf", "hosted"])
    >>> print(pick(options, at_least={"quality": 0.85}, at_most={"latency_s": 3}))
    hosted
      not tfidf: quality 0.8 < 0.85
    """
    one_of("column", cheapest, list(table))
    broken = {name: [] for name in table.index}
    for limits, misses, sign in [(at_least, np.less, "<"), (at_most, np.greater, ">")]:
        for column, limit in (limits or {}).items():
            one_of("column", column, list(table))
            within(f"the limit of {column}", limit, least=-np.inf)
            for name in table.index[misses(table[column], limit) | table[column].isna()]:
                broken[name].append(f"{column} {say(table.at[name, column])} {sign} {say(limit)}")
    excluded = {name: "; ".join(why) for name, why in broken.items() if why}
    left = table[cheapest].drop(list(excluded)).sort_values(kind="stable")
    dearer = {name: f"{cheapest} {say(usd)} > {say(left.iloc[0])}" for name, usd in left[1:].items()}
    return Choice(left.index[0] if len(left) else None, excluded | dearer)


def winners(found):
    """The option that is cheapest over the whole time among those that fit, for each set of inputs.

    Parameters
    ----------
    found : what ``outcomes`` returns

    Returns
    -------
    Array of names; ``"none"`` where no option fits.

    Examples
    --------
    >>> import numpy as np
    >>> from hybridlab.tco import winners
    >>> winners({"a": {"usd_total": np.array([1, 3]), "fits": True}, "b": {"usd_total": 2, "fits": True}})
    array(['a', 'b'], dtype=object)
    """
    usd = [np.where(one["fits"], one["usd_total"], np.inf) for one in found.values()]
    usd = np.stack(np.broadcast_arrays(*usd, np.inf))
    usd[-1] = np.where(np.isinf(usd).all(axis=0), -np.inf, np.inf)
    return np.array([*found, "none"], dtype=object)[usd.argmin(axis=0)]


# ---- where does it turn?


@dataclass(frozen=True)
class BreakEven:
    """Where one input makes an option good enough and no dearer than another, or why it never is."""

    over: str
    ranges: tuple
    between: tuple
    why: str = ""

    @property
    def at(self):
        """The first crossing inside what was searched, or None."""
        ends = [end for pair in self.ranges for end in pair if end not in self.between]
        return ends[0] if ends else None

    def __str__(self):
        return ", ".join(self._said(*pair) for pair in self.ranges) or f"never: {self.why}"

    def _said(self, low, high):
        first, last = say(low), say(high)
        if (low, high) == self.between:
            return f"always ({self.over} {first} to {last})"
        if low == self.between[0]:
            return f"up to {last} {self.over}"
        return f"from {first} {self.over}" + ("" if high == self.between[1] else f" up to {last}")


def break_even(scenario, option, against, over="queries_per_month", between=None, points=20_001):
    """Values of one input at which an option is good enough and no dearer over the whole time than another.

    The input is swept, and every crossing narrowed. Reserved machines come in steps, so there may be several
    ranges. A cheaper option that is not good enough has no break-even; a good enough one beats one that is
    not, at any price. Where nothing but two prices a call is stated, the share escalated may go up to
    p* = 1 - c_cheap / c_strong.

    Parameters
    ----------
    option, against : names of two options
    over : address of an input
    between : (low, high), optional
        What is searched: 0 to 1 for shares and quality; 0 to 100 for ``repair_turns``; what the prompt leaves
        for ``cached_tokens`` and the other way round; a thousandth to a thousand for ``price_factor``; a
        millionth to a million for what counts dollars; else 1 to a billion.
    points : int
        How many values are tried before crossings are narrowed; a range narrower than a step is not seen.

    Returns
    -------
    BreakEven

    Examples
    --------
    >>> from hybridlab.tco import Scenario, break_even
    >>> options = {"api": {"quality": 0.9, "usd_per_call": 0.002},
    ...            "own": {"quality": 0.9, "operations_usd_per_month": 1000, "usd_per_call": 0.001}}
    >>> scenario = {"name": "inbox", "as_of": "2026-11-23", "queries_per_month": 1000, "options": options}
    >>> print(break_even(Scenario.read(scenario), "own", "api"))  # 1,000 / (0.002 - 0.001)
    from 1,000,000 queries_per_month
    >>> options["own"]["quality"] = 0.8
    >>> print(break_even(Scenario.read(scenario | {"least_quality": 0.85}), "own", "api"))
    never: quality 0.8 < 0.85
    """
    for name in (option, against):
        one_of("option", name, scenario.options)
    _curve_is_known(scenario, over)
    one_of("input", over, scenario.inputs())
    within("points", points, least=2, whole=True)
    low, high = _ends(over, _searched(scenario, over) if between is None else between)
    x = np.linspace(low, high, points) if low == 0 else np.geomspace(low, high, points)
    found = outcomes(scenario, {over: x})
    won = _wins(found, option, against, x)
    turns = np.flatnonzero(won[1:] != won[:-1])
    ends = [_narrowed(scenario, option, against, over, x[i], x[i + 1]) for i in turns]
    ends = [low] * bool(won[0]) + ends + [high] * bool(won[-1])
    why = "" if ends else _why_never(scenario, found[option], against)
    return BreakEven(over, tuple(zip(ends[::2], ends[1::2])), (low, high), why)


def _ends(over, between):
    within(f"between of {over}", between, *_allowed(over))
    if not (np.shape(between) == (2,) and between[0] < between[1] < np.inf):
        raise BadInput(f"between is {between!r}", expected="two finite numbers, the lower one first")
    return tuple(map(float, between))


def _searched(scenario, over):
    owner, _, key = over.rpartition(".")
    if np.isfinite(_allowed(over)[1]):
        return _allowed(over)
    if key == "cached_tokens":
        return 0.0, scenario.options[owner].prompt_tokens.value
    if key == "prompt_tokens":
        return max(1.0, scenario.options[owner].cached_tokens.value), 1e9
    if key == "price_factor":
        return 1e-3, 1e3
    return (1e-6, 1e6) if "usd" in key else (1.0, 1e9)


def _curve_is_known(scenario, over):
    option, _, key = over.rpartition(".")
    if key == "escalation_share" and option in scenario.options:
        if not scenario.options[option].quality_by_escalation:
            raise BadInput(f"{option} has no quality_by_escalation",
                           fix="measure it and state it: quality moves with the share")


def _wins(found, option, against, x):
    new, old = found[option], found[against]
    no_dearer = new["usd_total"] <= old["usd_total"] + 1e-12 * np.abs(old["usd_total"])
    return np.broadcast_to(new["fits"] & (no_dearer | ~old["fits"]), x.shape)


def _narrowed(scenario, option, against, over, low, high):
    """The end of the winning side between two values of which one wins, to about ten digits."""
    for _ in range(4):
        x = np.linspace(low, high, 257)
        won = _wins(outcomes(scenario, {over: x}), option, against, x)
        i = np.argmax(won != won[0])
        low, high = x[i - 1], x[i]
    return float(high if won[i] else low)


def _why_never(scenario, new, against):
    if np.any(new["fits"]):
        return f"dearer than {against} wherever it is good enough"
    best, least = np.max(new["quality"]), scenario.least_quality.value
    if best < least:
        return f"quality {say(best)} < {say(least)}"
    return f"latency_s {say(np.min(new['latency_s']))} > {say(scenario.most_latency_s.value)}"


def tornado(scenario, option, against=None, points=101):
    """What each uncertain input does alone, from its low end to its high end, widest first.

    Parameters
    ----------
    option : whose ``usd_total`` is looked at; less that of ``against`` where one is named
    points : values tried in each range

    Returns
    -------
    DataFrame indexed by address
        ``low``, ``value``, ``high``; ``usd_at_low``, ``usd_at_high`` and ``swing`` (largest less smallest);
        ``becomes``, the option that the decision turns to inside the range ("" where it does not turn), and
        ``flips_at``, the value nearest to the stated one at which it does, narrowed by bisection.

    Examples
    --------
    >>> from hybridlab.tco import Scenario, tornado
    >>> volume = {"value": 10_000, "low": 5_000, "high": 40_000, "source": "assumption"}
    >>> options = {"api": {"quality": 0.9, "usd_per_call": 0.01},
    ...            "own": {"quality": 0.9, "operations_usd_per_month": 200}}
    >>> scenario = Scenario.read({"name": "inbox", "as_of": "2026-11-23", "months": 1,
    ...     "queries_per_month": volume, "options": options})
    >>> tornado(scenario, "api")[["usd_at_low", "usd_at_high", "becomes"]].values.tolist()
    [[50.0, 400.0, 'own']]
    """
    for name in filter(None, (option, against)):
        one_of("option", name, scenario.options)
    doubts = _doubts(scenario)
    x = np.stack([np.linspace(one.low, one.high, points) for one in doubts.values()])
    found = _each_alone(scenario, doubts, x)
    usd = np.broadcast_to(found[option]["usd_total"] - (found[against]["usd_total"] if against else 0), x.shape)
    stated = np.array([one.value for one in doubts.values()])
    decided = winners(outcomes(scenario))
    gap = np.where(np.broadcast_to(winners(found), x.shape) == decided, np.inf, np.abs(x - stated[:, None]))
    flips, nearest = np.isfinite(gap).any(axis=1), x[np.arange(len(x)), gap.argmin(axis=1)]
    flips_at, becomes = _flip(scenario, doubts, decided, stated, nearest)
    frame = pd.DataFrame({
        "low": [one.low for one in doubts.values()], "value": stated, "high": [one.high for one in doubts.values()],
        "usd_at_low": usd[:, 0], "usd_at_high": usd[:, -1], "swing": np.ptp(usd, axis=1),
        "becomes": np.where(flips, becomes, ""), "flips_at": np.where(flips, flips_at, np.nan),
    }, index=pd.Index(doubts, name="input"))
    return frame.sort_values("swing", ascending=False, kind="stable")


def _each_alone(scenario, doubts, x):
    """Outcomes where row i of ``x`` moves uncertain input i, and all others stay as stated."""
    grid = {address: np.full(x.shape, one.value) for address, one in doubts.items()}
    for row, address in enumerate(doubts):
        grid[address][row] = x[row]
    return outcomes(scenario, grid)


def _flip(scenario, doubts, decided, still, turned):
    """Where the decision turns between a value at which it stands and one at which it does not, and to what."""
    for _ in range(60):
        middle = (still + turned) / 2
        stands = np.broadcast_to(winners(_each_alone(scenario, doubts, middle)), middle.shape) == decided
        still, turned = np.where(stands, middle, still), np.where(stands, turned, middle)
    return turned, np.broadcast_to(winners(_each_alone(scenario, doubts, turned)), turned.shape)


def _doubts(scenario):
    doubts = {address: one for address, one in scenario.inputs().items() if one.uncertain}
    if not doubts:
        raise BadInput("no input of the scenario has a range",
                       fix="give what is not certain low, high and a source")
    return doubts


def draw(scenario, draws, *, rng):
    """Random values of every uncertain input, for ``outcomes``.

    A share with ``n`` rows behind it comes from its Beta, any other range from a triangle with its top at the
    value. Inputs are drawn independently of each other; that is an assumption as well. So a slow draw of
    ``queries_per_s_per_machine`` rents more machines and leaves ``latency_s`` alone: machines are sized to
    serve the peak. Give ``latency_s`` a range of its own, measured at the load that speed stands for; each
    draw of it meets the deadline or does not.

    Parameters
    ----------
    draws : int
    rng : numpy.random.Generator

    Returns
    -------
    dict of address to array of shape (draws,)
    """
    within("draws", draws, least=1, whole=True)
    return {address: one.draw(draws, rng) for address, one in _doubts(scenario).items()}


def simulate(scenario, draws=10_000, *, rng):
    """Draw every uncertain input at once and see what comes out (Monte Carlo).

    Returns
    -------
    DataFrame, one row an option and a last one ``none``
        Medians of ``usd_total``, ``usd_per_success``, ``quality`` with their 5 and 95 % points (``_low``,
        ``_high``); ``wins``, the share of draws in which the option is the cheapest that fits (``none``:
        nothing fits); ``fits``, with the latency of the draw; ``frontier``, the share in which nothing beats
        it on quality and ``invoices_usd`` (the price of errors is left out: quality counts already). With a
        ``baseline``: ``saves_usd`` against it, with its ends, and ``loses``, as in ``savings``.

    Examples
    --------
    >>> import numpy as np
    >>> from hybridlab.tco import Scenario, simulate
    >>> volume = {"value": 10_000, "low": 0, "high": 40_000, "source": "assumption"}
    >>> options = {"api": {"quality": 0.9, "usd_per_call": 0.01},
    ...            "own": {"quality": 0.9, "operations_usd_per_month": 100}}
    >>> scenario = Scenario.read({"name": "inbox", "as_of": "2026-11-23", "months": 1,
    ...     "queries_per_month": volume, "options": options})
    >>> found = simulate(scenario, 20_000, rng=np.random.default_rng(0))
    >>> bool(abs(found.loc["api", "wins"] - 0.25) < 0.01)  # a quarter of the triangle lies below 10,000
    True
    """
    found = outcomes(scenario, draw(scenario, draws, rng=rng))
    wide = {axis: np.stack([np.broadcast_to(one[axis], draws) for one in found.values()], axis=-1)
            for axis in ("usd_total", "invoices_usd", "usd_per_success", "quality", "fits")}
    summary = pd.DataFrame(index=pd.Index(found, name="option"))
    for axis in ("usd_total", "usd_per_success", "quality"):
        ends = np.quantile(wide[axis], [0.5, 0.05, 0.95], axis=0)
        summary[[axis, f"{axis}_low", f"{axis}_high"]] = ends.T
    won = np.broadcast_to(winners(found), draws)
    summary["fits"] = wide["fits"].mean(axis=0)
    summary["frontier"] = frontier(wide, low=("invoices_usd",)).mean(axis=0)
    if scenario.baseline:
        saved = [_saving(found, name, scenario.baseline, draws) for name in found]
        summary[["saves_usd", "saves_usd_low", "saves_usd_high", "loses"]] = np.array(saved)
    summary = summary.reindex([*found, "none"])
    return summary.assign(wins=[np.mean(won == name) for name in summary.index])


class Saving(NamedTuple):
    """Median dollars saved, the 5 and 95 % points, and the share of draws in which nothing is saved but lost."""

    usd: float
    low: float
    high: float
    loses: float


def savings(scenario, option, baseline=None, draws=10_000, *, rng):
    """What an option saves over the whole time against another, with its doubt (Monte Carlo).

    Both are priced on the same draws, so what they share (volume, the price of an hour) cancels; the
    difference of two intervals would be far too wide. The same generator gives the draws of ``simulate``.

    Parameters
    ----------
    option : name of an option
    baseline : name of the one it is compared with; the scenario's ``baseline`` where none is named
    draws : int
    rng : numpy.random.Generator

    Returns
    -------
    Saving
        Of ``usd_total(baseline) - usd_total(option)``, the price of errors included; ``loses`` is the share
        of draws below zero.

    Examples
    --------
    >>> import numpy as np
    >>> from hybridlab.tco import Scenario, savings
    >>> volume = {"value": 10_000, "low": 0, "high": 40_000, "source": "assumption"}
    >>> options = {"api": {"quality": 0.9, "usd_per_call": 0.01},
    ...            "own": {"quality": 0.9, "operations_usd_per_month": 100}}
    >>> scenario = Scenario.read({"name": "inbox", "as_of": "2026-11-23", "months": 1,
    ...     "queries_per_month": volume, "options": options})
    >>> saved = savings(scenario, "own", "api", rng=np.random.default_rng(0))
    >>> round(saved.loses, 2)  # below 10,000 queries, a quarter of the triangle, the API is cheaper
    0.25
    """
    baseline = baseline or scenario.baseline
    for name in (option, baseline):
        one_of("option", name, scenario.options)
    return _saving(outcomes(scenario, draw(scenario, draws, rng=rng)), option, baseline, draws)


def _saving(found, option, baseline, draws):
    saved = np.broadcast_to(found[baseline]["usd_total"] - found[option]["usd_total"], draws)
    return Saving(*map(float, (*np.quantile(saved, [0.5, 0.05, 0.95]), np.mean(saved < 0))))


# ---- on one page


def page(scenario, *, rng, draws=10_000):
    """One page of Markdown for a review: the decision, the bill, what would change it, what is assumed.

    Examples
    --------
    >>> import numpy as np
    >>> from hybridlab import paths
    >>> from hybridlab.tco import Scenario, page
    >>> text = page(Scenario.read(paths.data("scenarios", "inbox.yml")), rng=np.random.default_rng(0))
    >>> [line for line in text.splitlines() if line.startswith("## ")]
    ['## The bill', '## Break-even in volume', '## What would change it', '## Where the ranges come from']
    """
    bill, doubts = table(scenario), _doubts(scenario)
    limit = {} if scenario.most_latency_s is None else {"latency_s": scenario.most_latency_s.value}
    choice = pick(bill, at_least={"quality": scenario.least_quality.value}, at_most=limit)
    drawn, storm = simulate(scenario, draws, rng=rng), tornado(scenario, choice.option or bill.index[0])
    flips = storm["becomes"] != ""
    storm = pd.concat([storm[flips], storm[~flips]]).head(max(8, flips.sum()))
    return "\n\n".join([
        f"# {scenario.name}",
        f"**Decision: {choice.option or 'no option fits'}**, in {drawn.loc[choice.option or 'none', 'wins']:.0%} "
        f"of {draws:,} draws of what is uncertain. {scenario.queries_per_month.value:,.0f} queries a month, "
        f"{scenario.months.value:g} months, list prices of {scenario.as_of}.",
        _listed([*_money(scenario, bill, drawn, choice.option),
                 f"No option fits in {drawn.loc['none', 'wins']:.1%} of the draws."]),
        _listed(f"not {name}: {why}" for name, why in choice.excluded.items()),
        "## The bill", _rows(bill[[*LINES, *SUMS]].T),
        "## Break-even in volume", _listed(
            f"{choice.option} against {name}: {break_even(scenario, choice.option, name)}"
            for name in choice.excluded if choice.option),
        "## What would change it", _rows(storm),
        "## Where the ranges come from", _listed(
            f"{name}: {say(one.low)} to {say(one.high)}, {one.source}"
            for name, one in doubts.items())]) + "\n"


def _money(scenario, bill, drawn, option):
    """Total, saving, payback and return of the option that was picked, in words."""
    if not option:
        return
    stated, doubt, baseline = bill.loc[option], drawn.loc[option], scenario.baseline
    yield f"Total: {_usd(stated['usd_total'])}{_nine_in_ten(doubt, 'usd_total')}."
    if option == baseline:
        yield f"Saving: {option} is the baseline, so there is none to state."
    elif baseline:
        yield (f"Saving against {baseline}: {_usd(stated['saves_usd'])}{_nine_in_ten(doubt, 'saves_usd')}; "
               f"a loss in {doubt['loses']:.1%}.")
        paid_back = stated["payback_months"]
        months = f"after {say(paid_back)} months" if np.isfinite(paid_back) else "never, it saves nothing a month"
        yield (f"Payback: {months}. ROI: {say(stated['roi'])} times what is spent more at the start."
               if np.isfinite(stated["roi"]) else
               "Payback and ROI: not defined, nothing more is spent at the start.")


def _nine_in_ten(doubt, axis):
    return f", in nine draws of ten {_usd(doubt[f'{axis}_low'])} to {_usd(doubt[f'{axis}_high'])}"


def _usd(number):
    return f"{'-' if number < 0 else ''}${say(abs(number))}"


def say(number):
    """A number as it stands on a page: four digits, or all before the point.

    Examples
    --------
    >>> from hybridlab.tco import say
    >>> say(0.0123456), say(1234567.8)
    ('0.01235', '1,234,568')
    """
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}"


def _rows(frame):
    said = frame.map(lambda cell: cell if isinstance(cell, str) else say(cell) if np.isfinite(cell) else "–")
    lines = [[frame.index.name or "", *frame.columns], ["---"] + ["---:"] * len(frame.columns)]
    lines += [[name, *row] for name, row in zip(frame.index, said.to_numpy())]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _listed(items):
    return "\n".join(f"- {item}" for item in items)
