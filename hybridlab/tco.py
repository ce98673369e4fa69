"""Total cost of ownership: a scenario's bill, the option to pick, break-evens, and what would change them.

``outcomes`` is the whole model, a function of arrays: a sweep, a tornado and a Monte Carlo are one call each.
"""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pandas as pd

from .cost import RATES, Reserved, call_usd, repaired, reserved
from .errors import BadInput
from .scenario import Scenario, one_of

LINES = ["calls", "escalation", "machines", "labels", "evaluation", "review", "engineering", "operations",
         "errors"]
SUMS = ["usd_per_month", "once_usd", "usd_total", "usd_per_query", "usd_per_success", "quality", "latency_s",
        "machine_count", "utilisation"]
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
        all ``months``, once included), ``usd_per_query`` and ``usd_per_success`` (of that total),
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
    for address in inputs or {}:
        one_of("input", address, stated)
    values = {address: one.value for address, one in stated.items()} | dict(inputs or {})
    shared = SimpleNamespace(**{name: values.get(name) for name in Scenario.model_fields})
    options = {name: SimpleNamespace(**{key: values.get(f"{name}.{key}", one) for key, one in option})
               for name, option in scenario.options.items()}
    with np.errstate(divide="ignore", invalid="ignore"):
        return {name: _outcome(scenario.options[name], options, name, shared) for name in options}


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
    once = o.labels * shared.usd_per_label + o.engineering_hours * shared.usd_per_engineering_hour
    usd = sum(month.values())
    total, asked = once + usd * shared.months, np.multiply(q, shared.months)
    latency_s = np.where(np.equal(o.batch_share, 1), o.batch_delay_s, o.latency_s)
    most_s = np.inf if shared.most_latency_s is None else shared.most_latency_s
    return month | {
        "usd_per_month": usd, "once_usd": once, "usd_total": total, "usd_per_query": np.divide(total, asked),
        "usd_per_success": np.divide(total, asked * quality), "quality": quality, "latency_s": latency_s,
        "machine_count": own.machines, "utilisation": own.utilisation,
        "fits": (quality >= shared.least_quality) & (latency_s <= most_s)}


def _spent(options, name, queries):
    """A month's dollars for own and for escalated calls, own machines, dollars for the others' machines."""
    o = options[name]
    asked = queries * (1 - o.cache_hit_share)
    sent = asked / (1 - o.retry_share)
    talk = repaired(o.prompt_tokens, o.cached_tokens, o.completion_tokens, failed_share=o.failed_share,
                    repair_turns=o.repair_turns, feedback_tokens=o.feedback_tokens, reuse_share=o.reuse_share)
    usd = call_usd(*talk[:3], **{rate: getattr(o, rate) for rate in RATES}) + talk.turns * o.usd_per_call
    calls = sent * usd * o.price_factor * (1 - o.batch_share * o.batch_discount) + queries * o.lookup_usd
    own = Reserved(0.0, 0.0, 0.0)
    if np.any(o.usd_per_machine_hour):
        own = reserved(sent * talk.turns, **{key: getattr(o, key) for key in MACHINE})
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
    over what is spent more at the start (NaN: nothing is).

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
    high, low : names of the axes on which more, or less, is better; two axes, three or more

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
    broken = {name: [] for name in table.index}
    for limits, misses, sign in [(at_least, np.less, "<"), (at_most, np.greater, ">")]:
        for column, limit in (limits or {}).items():
            one_of("column", column, list(table))
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
        What is searched: 0 to 1 for shares and quality; a thousandth to a thousand for ``price_factor``; a
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
    low, high = between or _searched(over.rpartition(".")[2])
    x = np.linspace(low, high, points) if low == 0 else np.geomspace(low, high, points)
    found = outcomes(scenario, {over: x})
    won = _wins(found, option, against, x)
    turns = np.flatnonzero(won[1:] != won[:-1])
    ends = [_narrowed(scenario, option, against, over, x[i], x[i + 1]) for i in turns]
    ends = [low] * bool(won[0]) + ends + [high] * bool(won[-1])
    why = "" if ends else _why_never(scenario, found[option], against)
    return BreakEven(over, tuple(zip(ends[::2], ends[1::2])), (low, high), why)


def _searched(key):
    if key.endswith(("_share", "_discount")) or "quality" in key:
        return 0.0, 1.0
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
        ``flips_at``, the value nearest to the stated one at which it does.

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
    doubts = _doubts(scenario)
    shape = len(doubts), points
    grid = {address: np.full(shape, one.value) for address, one in doubts.items()}
    for row, (address, one) in enumerate(doubts.items()):
        grid[address][row] = np.linspace(one.low, one.high, points)
    found = outcomes(scenario, grid)
    usd = np.broadcast_to(found[option]["usd_total"] - (found[against]["usd_total"] if against else 0), shape)
    turned = np.broadcast_to(winners(found), shape)
    turned = np.where(turned == winners(outcomes(scenario)), "", turned)
    lines = [_line(one, grid[address][row], usd[row], turned[row])
             for row, (address, one) in enumerate(doubts.items())]
    frame = pd.DataFrame(lines, index=pd.Index(doubts, name="input"))
    return frame.sort_values("swing", ascending=False, kind="stable")


def _line(one, x, usd, turned):
    nearest = np.where(turned == "", np.inf, np.abs(x - one.value)).argmin()
    flips_at = x[nearest] if turned[nearest] else np.nan
    return {"low": one.low, "value": one.value, "high": one.high,
            "usd_at_low": usd[0], "usd_at_high": usd[-1], "swing": np.ptp(usd),
            "becomes": turned[nearest], "flips_at": flips_at}


def _doubts(scenario):
    doubts = {address: one for address, one in scenario.inputs().items() if one.uncertain}
    if not doubts:
        raise BadInput("no input of the scenario has a range",
                       fix="give what is not certain low, high and a source")
    return doubts


def draw(scenario, draws, *, rng):
    """Random values of every uncertain input, for ``outcomes``.

    A share with ``n`` rows behind it comes from its Beta, any other range from a triangle with its top at the
    value. Inputs are drawn independently of each other; that is an assumption as well.

    Parameters
    ----------
    draws : int
    rng : numpy.random.Generator

    Returns
    -------
    dict of address to array of shape (draws,)
    """
    return {address: one.draw(draws, rng) for address, one in _doubts(scenario).items()}


def simulate(scenario, draws=10_000, *, rng):
    """Draw every uncertain input at once and see what comes out (Monte Carlo).

    Returns
    -------
    DataFrame, one row an option and a last one ``none``
        Medians of ``usd_total``, ``usd_per_success``, ``quality`` with their 5 and 95 % points (``_low``,
        ``_high``); ``wins``, the share of draws in which the option is the cheapest that fits (``none``:
        nothing fits); ``fits``; ``frontier``, the share in which nothing beats it on quality and total cost.

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
            for axis in ("usd_total", "usd_per_success", "quality", "fits")}
    summary = pd.DataFrame(index=pd.Index(found, name="option"))
    for axis in ("usd_total", "usd_per_success", "quality"):
        ends = np.quantile(wide[axis], [0.5, 0.05, 0.95], axis=0)
        summary[[axis, f"{axis}_low", f"{axis}_high"]] = ends.T
    won = np.broadcast_to(winners(found), draws)
    summary["fits"] = wide["fits"].mean(axis=0)
    summary["frontier"] = frontier(wide, low=("usd_total",)).mean(axis=0)
    summary = summary.reindex([*found, "none"])
    return summary.assign(wins=[np.mean(won == name) for name in summary.index])


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
    wins = simulate(scenario, draws, rng=rng)["wins"][choice.option or "none"]
    return "\n\n".join([
        f"# {scenario.name}",
        f"**Decision: {choice.option or 'no option fits'}**, in {wins:.0%} of {draws:,} draws of what is "
        f"uncertain. {scenario.queries_per_month.value:,.0f} queries a month, "
        f"{scenario.months.value:g} months, list prices of {scenario.as_of}.",
        _listed(f"not {name}: {why}" for name, why in choice.excluded.items()),
        "## The bill", _rows(bill[[*LINES, *SUMS]].T),
        "## Break-even in volume", _listed(
            f"{choice.option} against {name}: {break_even(scenario, choice.option, name)}"
            for name in choice.excluded if choice.option),
        "## What would change it", _rows(tornado(scenario, choice.option or bill.index[0]).head(8)),
        "## Where the ranges come from", _listed(
            f"{name}: {say(one.low)} to {say(one.high)}, {one.source}"
            for name, one in doubts.items())]) + "\n"


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
    said = frame.map(lambda cell: cell if isinstance(cell, str) else say(cell))
    lines = [[frame.index.name or "", *frame.columns], ["---"] + ["---:"] * len(frame.columns)]
    lines += [[name, *row] for name, row in zip(frame.index, said.to_numpy())]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _listed(items):
    return "\n".join(f"- {item}" for item in items)
