"""What a call costs, a task, a month: dated list prices, machine seconds, and the sums behind a bill.

The functions of the second half are plain formulas; every argument may be a number or an array.
"""

import datetime as dt
import json
import tomllib
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib.metadata import version
from numbers import Real
from typing import NamedTuple

import numpy as np
import pandas as pd

from . import paths
from .errors import BadInput, BudgetSpent, DataMissing

COUNTED = ("prompt_tokens", "cached_tokens", "completion_tokens")
RATES = tuple(f"usd_per_m_{name}" for name in COUNTED)
HOURS_PER_MONTH = 8760 / 12
MOST_REPAIR_TURNS = 100
BATCH = {"processing": "batch"}


@dataclass(frozen=True)
class Call:
    """The part of a call that decides its price.

    ``cached_tokens`` is the part of ``prompt_tokens`` that the server had already read: inside, not on top.

    Examples
    --------
    >>> from hybridlab.cost import Call
    >>> reply = {"model": "gpt-4o-mini", "usage": {"prompt_tokens": 51, "completion_tokens": 1}}
    >>> Call.of(reply)  # doctest: +ELLIPSIS
    Call(model='gpt-4o-mini', prompt_tokens=51, cached_tokens=0, completion_tokens=1, seconds=None, ...)
    """

    model: str
    prompt_tokens: int
    cached_tokens: int = 0
    completion_tokens: int = 0
    seconds: float | None = None
    date: str | None = None
    provider: str | None = None

    @classmethod
    def of(cls, call):
        """Read a call from a mapping, a recording, a row of answers or a reply of the openai client."""
        if isinstance(call, cls):
            return call
        usage = _get(call, "usage") or call
        tokens = {name: _get(usage, name) for name in COUNTED}
        if tokens["cached_tokens"] is None:
            tokens["cached_tokens"] = _get(_get(usage, "prompt_tokens_details"), "cached_tokens")
        tokens = {name: _count(name, value) for name, value in tokens.items()}
        if tokens["cached_tokens"] > tokens["prompt_tokens"]:
            raise BadInput(f"{tokens}", expected="cached tokens counted inside prompt_tokens")
        named = {name: _get(call, name) for name in ("model", "seconds", "date", "provider")}
        if named["seconds"] is not None and not (isinstance(named["seconds"], Real) and named["seconds"] >= 0):
            raise BadInput(f"seconds is {named['seconds']!r}", expected="a number >= 0, or None")
        return cls(**named, **tokens)


@dataclass(frozen=True)
class Price:
    """A price in US dollars with where it comes from and the day it holds for.

    ``low`` and ``high`` enclose what the sources say; with one source they equal ``usd``.
    """

    usd: float
    low: float
    high: float
    source: str
    as_of: dt.date

    def __str__(self):
        return f"${self.usd:.3g} ({self.source}, {self.as_of})"


@dataclass(frozen=True)
class Rates:
    """What a million tokens cost in US dollars, and a call on top; ``rates`` looks them up.

    ``low`` and ``high`` are factors: what other sources say is between ``low`` and ``high`` times as much.
    """

    usd_per_m_prompt_tokens: float
    usd_per_m_cached_tokens: float
    usd_per_m_completion_tokens: float
    usd_per_call: float
    low: float
    high: float
    source: str
    as_of: dt.date


def price(call, as_of=None, *, batch=False):
    """Price of one call in US dollars.

    A hosted model is priced from the table of ``genai-prices`` on the day ``as_of``: cached tokens at their
    own rate, a long prompt at the rate of its length. Where ``data/prices.toml`` knows another source that
    says otherwise, ``low`` and ``high`` enclose both. A local model costs the seconds it kept the machine
    busy: ``seconds(call) * usd_per_hour / 3600``, whole machine, idle time left out. The hourly list price
    is in ``data/machine.json``.

    Parameters
    ----------
    call : mapping or object
        ``model``, ``prompt_tokens``, ``cached_tokens`` (inside the prompt tokens), ``completion_tokens``, and
        where there are any ``seconds`` (server seconds), ``date`` and ``provider`` (of a hosted model that
        several sell). The counts may sit in ``usage``, as in a reply of the openai client.
    as_of : date, datetime or ISO string, optional
        The day of the price list; the call's own date, else today. A day without an hour means noon UTC. The
        list dates only the changes it knows of; an entry without a date is what it said on the day it was
        read. For an earlier ``as_of`` such a price comes back stamped with that day and called ``undated``:
        what the model cost before, or whether it existed, the list cannot tell. A local model is priced at the
        date of ``data/machine.json``, whatever ``as_of`` says.
    batch : bool
        Ask for the hosted model's batch rates: about half, for an answer within a day.

    Returns
    -------
    Price

    Raises
    ------
    BadInput
        The model is in no list (the nearest names are given), the day is outside the list, no batch rate is
        known for it, or a count makes no sense.

    Examples
    --------
    >>> from hybridlab.cost import price
    >>> call = {"model": "gpt-4o-mini", "prompt_tokens": 1000, "cached_tokens": 400, "completion_tokens": 100}
    >>> paid = price(call, as_of="2026-11-23")  # 600 x $0.15 + 400 x $0.075 + 100 x $0.60 a million
    >>> round(paid.usd, 6), str(paid.as_of)
    (0.00018, '2026-11-23')
    """
    call = Call.of(call)
    if not isinstance(call.model, str):
        raise _unknown(call.model)
    if call.model in _local_names():
        return _local_price(call, batch)
    return _hosted_price(call, _moment(as_of or call.date), batch)


def rates(model, as_of=None, *, prompt_tokens=1000, provider=None, batch=False):
    """What a million tokens of a model cost, for sums over many calls.

    For a local model they follow from its measured seconds a token and the machine's price; its fixed time is
    ``usd_per_call``.

    Parameters
    ----------
    model, as_of, provider, batch : as in ``price``
    prompt_tokens : int
        Length of the prompts in question; some lists charge long prompts more, for all of their tokens.

    Returns
    -------
    Rates

    Examples
    --------
    >>> from hybridlab.cost import rates
    >>> found = rates("gpt-4o-mini", "2026-11-23")
    >>> found.usd_per_m_prompt_tokens, found.usd_per_m_cached_tokens, found.usd_per_m_completion_tokens
    (0.15, 0.075, 0.6)
    """
    within("prompt_tokens", prompt_tokens, most=1e12)
    n, million = max(int(prompt_tokens), 1), 1_000_000

    def paid(prompt, cached=0, out=0):
        return price(Call(model, prompt, cached, out, provider=provider), as_of, batch=batch)

    fixed = paid(0).usd if model in _local_names() else 0.0
    fresh, cached, out = paid(n), paid(n, n), paid(n, 0, n)
    usd = fresh.usd - fixed, cached.usd - fixed, out.usd - fresh.usd
    each = (round(million * one / n, 9) for one in usd)
    return Rates(*each, fixed, out.low / out.usd, out.high / out.usd, fresh.source, fresh.as_of)


def seconds(call):
    """Server seconds of a call: its own when it has them, else those of the idle rate card.

    The card in ``data/timings`` was measured on an idle machine at one slot:
    ``fixed_s + s_per_prompt_token * (prompt - cached) + s_per_output_token * completion``.

    Examples
    --------
    >>> from hybridlab.cost import seconds
    >>> seconds({"model": "smollm2-135m", "prompt_tokens": 51, "completion_tokens": 1, "seconds": 0.25})
    0.25
    """
    call = Call.of(call)
    if call.seconds is not None:
        return call.seconds
    rate = _rates().get(call.model)
    if rate is None:
        expected = "seconds in the call, or the model under 'rates' in data/timings/*.json"
        what = f"no measured speed for {call.model!r}"
        raise DataMissing(what, expected=expected, fix="run `make timings`")
    reading = rate["s_per_prompt_token"] * (call.prompt_tokens - call.cached_tokens)
    return rate["fixed_s"] + reading + rate["s_per_output_token"] * call.completion_tokens


def timing(name):
    """Seconds an answer of a tier, as ``make timings`` measured them alone on an idle machine.

    Parameters
    ----------
    name : str
        ``"<task>.<tier>"``, such as ``"reviews.llm15"``.

    Returns
    -------
    dict with ``p50``, ``p95``, ``mean`` (seconds) and ``n``.

    Raises
    ------
    DataMissing
        When that tier has not been measured; the message names the ones that were.

    Examples
    --------
    >>> from hybridlab.cost import timing
    >>> timing("reviews.llm15")["n"]
    200
    """
    measured = {}
    for file in sorted(paths.data("timings").glob("*.json")):
        measured |= _read(file).get("tiers", {})
    if name not in measured:
        known = f"one of {', '.join(measured)}"
        raise DataMissing(f"{name!r} was not timed", expected=known, fix="run `make timings`")
    return {key: measured[name][key] for key in ("p50", "p95", "mean", "n")}


def serving(section):
    """How one small machine served a model, as ``python -m tools.serving`` measured it alone and idle.

    Parameters
    ----------
    section : {"prefix", "curve", "talk", "arrivals", "cuts"}
        The order of a prompt; throughput of labels and of sentences at several loads; waiting in line;
        shortened reviews.

    Returns
    -------
    dict with ``date`` and ``model``, and the measurements, seconds among them.

    Raises
    ------
    DataMissing
        When that section has not been measured.

    Examples
    --------
    >>> from hybridlab.cost import serving
    >>> serving("images")
    Traceback (most recent call last):
        ...
    hybridlab.errors.DataMissing: 'images' was not measured
      to do:    run `python -m tools.serving images`
    """
    files = [_read(file) for file in paths.data("timings").glob("*.serving.json")]
    found = [file[section] for file in files if section in file]
    if not found:
        raise DataMissing(f"{section!r} was not measured", fix=f"run `python -m tools.serving {section}`")
    return max(found, key=lambda one: one["date"])


def machine_usd(took):
    """Price in US dollars of ``took`` seconds of the whole machine in ``data/machine.json``.

    Examples
    --------
    >>> from hybridlab.cost import machine_usd
    >>> machine_usd(0)
    0.0
    """
    return float(took * _read(paths.data("machine.json"))["usd_per_hour"] / 3600)


class Ledger:
    """Adds up calls, tokens, seconds and dollars by model, and stops at a limit.

    Parameters
    ----------
    limit_usd : float, optional
        The most that may be spent. ``add`` counts the call and raises when the sum is above it;
        ``check(next_usd)`` raises before a call that would go above it.

    Examples
    --------
    >>> from hybridlab.cost import Ledger
    >>> ledger = Ledger(limit_usd=0.001)
    >>> call = {"model": "gpt-4o-mini", "prompt_tokens": 1000, "completion_tokens": 100}
    >>> paid = ledger.add(call, as_of="2026-11-23")
    >>> ledger.calls, round(ledger.usd, 6)
    (1, 0.00021)
    >>> ledger.check(next_usd=0.001)
    Traceback (most recent call last):
        ...
    hybridlab.errors.BudgetSpent: $0.00021 spent in 1 calls, the limit is $0.001
      to do:    raise limit_usd, or ask less
    """

    def __init__(self, limit_usd=None):
        self.limit_usd, self.usd, self.calls, self._lines = limit_usd, 0.0, 0, []

    def add(self, call, as_of=None):
        """Count one call and return its price."""
        call = Call.of(call)
        paid = price(call, as_of)
        took = seconds(call) if call.model in _local_names() else call.seconds
        self._lines.append({**asdict(call), "calls": 1, "seconds": took, "usd": paid.usd})
        self.calls, self.usd = self.calls + 1, self.usd + paid.usd
        self.check()
        return paid

    def check(self, next_usd=0.0):
        """Raise ``BudgetSpent`` when ``next_usd`` more would pass the limit."""
        if self.limit_usd is not None and self.usd + next_usd > self.limit_usd:
            spent = f"${self.usd:.3g} spent in {self.calls} calls, the limit is ${self.limit_usd:.3g}"
            raise BudgetSpent(spent, fix="raise limit_usd, or ask less")

    def frame(self):
        """One row a model and a last row ``total``: calls, tokens, seconds (where known), dollars."""
        columns = ["calls", *COUNTED, "seconds", "usd"]
        frame = pd.DataFrame(self._lines, columns=["model", *columns]).groupby("model")[columns].sum()
        total = frame.sum().to_frame("total").T
        kinds = dict.fromkeys(("calls", *COUNTED), int) | {"seconds": float, "usd": float}
        return pd.concat([frame, total]).astype(kinds)

    def __repr__(self):
        return self.frame().to_string(float_format="{:.6g}".format)


# ---- from calls to months


def within(name, value, least=0.0, most=np.inf, whole=False):
    """Raise ``BadInput`` unless a number, or every one of an array, lies between two ends; NaN never does.

    Examples
    --------
    >>> from hybridlab.cost import within
    >>> within("quality", [0.8, 0.9], most=1)
    >>> within("quality", 90, most=1)
    Traceback (most recent call last):
        ...
    hybridlab.errors.BadInput: quality is 90
      expected: a number from 0 to 1
    """
    try:
        found = np.asarray(value, dtype=float)
        good = (found >= least) & (found <= most) & (~np.bool_(whole) | (found % 1 == 0))
    except (TypeError, ValueError):
        good = np.False_
    if not good.all():
        ends = f"from {least:g} to {most:g}" if np.isfinite(most) else f"of {least:g} or more"
        bad = np.ravel(value)[~good.ravel()][0] if good.ndim and good.shape == np.shape(value) else value
        raise BadInput(f"{name} is {bad}", expected=f"a {'whole ' if whole else ''}number {ends}")


def call_usd(prompt_tokens, cached_tokens, completion_tokens, *, usd_per_m_prompt_tokens,
             usd_per_m_cached_tokens, usd_per_m_completion_tokens, usd_per_call=0.0):
    """Price of a call from its tokens: fresh, cached and written ones, each at its own rate.

    Examples
    --------
    >>> from hybridlab.cost import call_usd
    >>> usd = call_usd(1000, 400, 100, usd_per_m_prompt_tokens=0.15, usd_per_m_cached_tokens=0.075,
    ...                usd_per_m_completion_tokens=0.60)
    >>> round(usd, 6)  # 600 x $0.15 + 400 x $0.075 + 100 x $0.60 a million
    0.00018
    """
    for name, count in zip(COUNTED, (prompt_tokens, cached_tokens, completion_tokens)):
        within(name, count)
    _cached_inside(prompt_tokens, cached_tokens)
    fresh = (prompt_tokens - cached_tokens) * usd_per_m_prompt_tokens
    read = cached_tokens * usd_per_m_cached_tokens
    return (fresh + read + completion_tokens * usd_per_m_completion_tokens) / 1e6 + usd_per_call


def _cached_inside(prompt_tokens, cached_tokens):
    # A little slack: cached tokens of an average conversation are rounded on another way.
    if np.any(np.greater(cached_tokens, np.multiply(prompt_tokens, 1 + 1e-9))):
        raise BadInput("cached_tokens above prompt_tokens", expected="cached tokens counted inside prompt_tokens")


class Conversation(NamedTuple):
    """Expected tokens and turns of a task, and the share of tasks that still fail at the end."""

    prompt_tokens: float
    cached_tokens: float
    completion_tokens: float
    turns: float
    failed_share: float


def repaired(prompt_tokens, cached_tokens, completion_tokens, *, failed_share, repair_turns,
             feedback_tokens=0, reuse_share=0):
    """Expected tokens of a task whose failed replies are sent back with feedback.

    Turn k (from 0) is reached with probability f^k and re-sends all that was said:
    P_k = P + k (C + F) prompt tokens. So tokens grow with the square of the turns, not in step with them:
    after k failures they are k P + k (k - 1) (C + F) / 2.

    Parameters
    ----------
    prompt_tokens, cached_tokens, completion_tokens : of the first turn (P, of which cached, and C)
    failed_share : share f of replies that do not pass, 0 to 1, the same in every turn
    repair_turns : the most turns after the first, a whole number up to 100
    feedback_tokens : what a repair turn adds (F)
    reuse_share : share of the earlier conversation that a repair turn finds in the prefix cache

    Returns
    -------
    Conversation

    Examples
    --------
    >>> from hybridlab.cost import repaired
    >>> repaired(500, 0, 100, failed_share=1, repair_turns=2, feedback_tokens=50)  # 500 + 650 + 800
    Conversation(prompt_tokens=1950, cached_tokens=0, completion_tokens=300, turns=3, failed_share=1)
    """
    _cached_inside(prompt_tokens, cached_tokens)
    within("failed_share", failed_share, most=1)
    within("repair_turns", repair_turns, most=MOST_REPAIR_TURNS, whole=True)
    prompt = cached = turns = 0
    for turn in range(int(np.max(repair_turns)) + 1):
        reached = failed_share**turn * (turn <= repair_turns)
        grown = turn * (completion_tokens + feedback_tokens)
        said = prompt_tokens + grown - feedback_tokens  # the prompt of the turn before, and its reply
        prompt = prompt + reached * (prompt_tokens + grown)
        cached = cached + reached * (reuse_share * said if turn else cached_tokens)
        turns = turns + reached
    return Conversation(prompt, cached, turns * completion_tokens, turns, failed_share ** (repair_turns + 1))


def prefix_tokens(parts, *, least=0, block=1):
    """Tokens at the start of a prompt that every call shares, as far as a prefix cache can use them.

    A cache stops at the first part that differs, so the order of a prompt decides: what is the same in every
    call goes first.

    Parameters
    ----------
    parts : sequence of (tokens, same), in the order of the prompt
    least, block : shortest prefix that is cached, and its granularity. OpenAI documents 1,024 and 128 for
        models before GPT-5.6 (its cookbook, "Prompt Caching 201"); llama.cpp's server takes any length.

    Examples
    --------
    >>> from hybridlab.cost import prefix_tokens
    >>> rules, examples, question = (400, True), (900, True), (60, False)
    >>> prefix_tokens([rules, examples, question]), prefix_tokens([rules, question, examples])
    (1300, 400)
    >>> prefix_tokens([rules, examples, question], least=1024, block=128)  # 10 x 128
    1280
    """
    within("block", block, least=1)
    shared = 0
    for tokens, same in parts:
        if not same:
            break
        shared += tokens
    return shared // block * block if shared >= least else 0


def warm_share(queries_per_month, keep_s):
    """Share of calls that find the prefix still cached when it is kept ``keep_s`` seconds after each use.

    Calls that arrive at random at rate r leave a gap under t with probability 1 - exp(-r t).

    Examples
    --------
    >>> from hybridlab.cost import warm_share
    >>> round(float(warm_share(8760, keep_s=300)), 3)  # 12 calls an hour, kept five minutes: 1 - 1/e
    0.632
    """
    return -np.expm1(-queries_per_month / (HOURS_PER_MONTH * 3600) * keep_s)


def throughput(curve, most_latency_s):
    """Queries a second that one machine serves within a latency, from a measured curve.

    Parameters
    ----------
    curve : sequence of (queries_per_s, latency_s), one pair a measured load
    most_latency_s : the longest wait that is allowed

    Returns
    -------
    The highest measured throughput within it, never one in between; 0.0 when no load is.

    Examples
    --------
    >>> from hybridlab.cost import throughput
    >>> throughput([(0.7, 1.4), (0.8, 2.5), (0.8, 5.0)], most_latency_s=3)
    0.8
    """
    return max((float(rate) for rate, latency_s in curve if latency_s <= most_latency_s), default=0.0)


class Reserved(NamedTuple):
    """Machines that are paid whether they work or not."""

    machines: float
    usd_per_month: float
    utilisation: float


def reserved(queries_per_month, *, queries_per_s_per_machine, usd_per_machine_hour, peak_to_mean=1,
             least_machines=1):
    """Machines reserved for a month so that the peak is served, and what they cost.

    n = max(least, ceil(peak / capacity)), cost = n x 730 h x price. Utilisation is told, never multiplied in:
    an idle hour is paid as well.

    Examples
    --------
    >>> from hybridlab.cost import reserved
    >>> busy = reserved(1_000_000, queries_per_s_per_machine=1, usd_per_machine_hour=0.1, peak_to_mean=3)
    >>> float(busy.machines), float(busy.usd_per_month), round(float(busy.utilisation), 3)
    (2.0, 146.0, 0.19)
    """
    within("queries_per_month", queries_per_month)
    within("queries_per_s_per_machine", queries_per_s_per_machine, least=np.finfo(float).tiny)
    within("least_machines", least_machines, whole=True)
    mean = queries_per_month / (HOURS_PER_MONTH * 3600)
    # A little slack: rounding must not rent a machine.
    machines = np.maximum(np.ceil(mean * peak_to_mean / queries_per_s_per_machine - 1e-9), least_machines)
    usd = machines * HOURS_PER_MONTH * usd_per_machine_hour
    busy = mean / np.maximum(machines * queries_per_s_per_machine, np.finfo(float).tiny)
    return Reserved(machines, usd, busy)


def break_even_error_usd(saved_usd, lost_share):
    """Price of a wrong answer below which a saving that costs accuracy is worth it.

    A saving of s dollars a query that loses a share e of right answers (a false cache hit, a compressed
    prompt, a smaller model) pays while an error costs less than s / e; infinity when nothing is lost,
    or even won (e below 0, as an end of an interval may be). What saves nothing has no such price.

    Examples
    --------
    >>> from hybridlab.cost import break_even_error_usd
    >>> round(float(break_even_error_usd(0.0004, 0.02)), 4)  # two cents
    0.02
    """
    within("saved_usd", saved_usd)
    within("lost_share", lost_share, least=-1, most=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.asarray(lost_share) > 0, np.divide(saved_usd, lost_share), np.inf)


# ---- lists


def _local_price(call, batch):
    if batch:
        raise BadInput(f"batch rates for {call.model!r}", fix="a local model has none; it costs its seconds")
    machine, took = _read(paths.data("machine.json")), seconds(call)
    usd = machine_usd(took)
    source = f"{took:.3g} s of {machine['name']} at ${machine['usd_per_hour']} an hour"
    return Price(usd, usd, usd, source, dt.date.fromisoformat(machine["date"]))


def _hosted_price(call, moment, batch):
    from genai_prices import Usage, calc_price

    counts = {"input_tokens": call.prompt_tokens, "cache_read_tokens": call.cached_tokens}
    usage = Usage(**counts, output_tokens=call.completion_tokens)
    where = {"provider_id": call.provider, "genai_request_timestamp": moment}
    where["price_context"] = BATCH if batch else None
    try:
        found = calc_price(usage, model_ref=str(call.model), **where)
    except LookupError as error:
        raise _unknown(call.model, call.provider) from error
    if batch:
        _batch_is_listed(found.model, moment)
    usd = float(found.total_price)
    if usd == 0 < call.prompt_tokens + call.completion_tokens:
        raise BadInput(f"{call.model!r} is listed without a price per token", fix="price it by hand")
    said = [usd] if batch else [usd, *_said_elsewhere(call, found.provider.id, moment)]
    source = f"genai-prices {version('genai-prices')}, {found.provider.id}/{found.model.id}"
    day, read = moment.date(), _list_read_on()
    if day < read and not _is_dated(found.model, batch):
        day, source = read, f"{source}, undated entry, list of {read}"
    return Price(usd, min(said), max(said), source, day)


def _is_dated(model, batch):
    """Whether the entry says from which day on: only then is a price known for a day before the list's."""
    prices = model.prices if isinstance(model.prices, list) else []
    return batch or any(hasattr(one.constraint, "start_date") for one in prices)


def _list_read_on():
    """The day of the installed list; where ``data/prices.toml`` was compared with another one, today."""
    known = _own_notes().get("list", {})
    return known["read"] if known.get("version") == version("genai-prices") else dt.date.today()


def _own_notes():
    path = paths.data("prices.toml")
    return _read(path) if path.exists() else {}


def _said_elsewhere(call, provider, moment):
    """What other sources ask for the call; ``data/prices.toml`` lists where they disagree."""
    tokens = [getattr(call, name) for name in COUNTED]
    for other in _own_notes().get("price", ()):
        if (other["model"], other["provider"]) == (call.model, provider) and other["read"] <= moment.date():
            yield call_usd(*tokens, **{rate: other[rate] for rate in RATES})


def _batch_is_listed(model, moment):
    """The list falls back on its standard price where it knows no batch price; we do not."""
    listed = [variant.constraint for variant in model.price_variants or [] if variant.when == BATCH]
    if not any(from_day is None or from_day.active(moment) for from_day in listed):
        days = ", ".join(str(one.start_date) for one in listed if one is not None)
        raise BadInput(f"no batch price of {model.id!r} is listed on {moment.date()}",
                       expected=f"a day from {days} on" if days else "a model with batch prices",
                       fix="or state the discount yourself, as batch_discount of a scenario")


def _unknown(model, provider=None):
    from genai_prices.data_snapshot import get_snapshot

    sellers = {one.id for one in get_snapshot().providers}
    if provider is not None and provider not in sellers:
        near = get_close_matches(str(provider), sorted(sellers), n=4, cutoff=0.5) or ["openai", "anthropic"]
        return BadInput(f"provider is {provider!r}, which no price list knows",
                        expected=f"a provider such as {', '.join(near)}")
    hosted = {found.id for provider in get_snapshot().providers for found in provider.models}
    near = get_close_matches(str(model), sorted(hosted | set(_local_names())), n=4, cutoff=0.5)
    expected = f"a name such as {', '.join(near)}" if near else "the name of a hosted or a local model"
    where = f" of {provider}" if provider else ""
    return BadInput(f"model is {model!r}, which no price list{where} knows", expected=expected)


def _moment(day):
    try:
        moment = pd.Timestamp(day or dt.date.today())
        if pd.isna(moment):
            raise ValueError("not a time")
    except (ValueError, TypeError) as error:
        raise BadInput(f"as_of is {day!r}", expected="a date such as '2026-11-23'") from error
    if moment == moment.normalize():
        moment += pd.Timedelta(hours=12)
    first, last = _listed_days()
    if not first <= moment.date() <= max(last, dt.date.today()):
        raise BadInput(f"as_of is {moment.date()}, a day without a price list",
                       expected=f"a day from {first} to {max(last, dt.date.today())}",
                       fix="take the nearest day, or price the call by hand with cost.call_usd")
    return moment if moment.tzinfo else moment.tz_localize("UTC")


@lru_cache(maxsize=1)
def _listed_days():
    """First and last day on which the list has changed; before the first it knows no history."""
    from genai_prices.data_snapshot import get_snapshot

    models = (model for provider in get_snapshot().providers for model in provider.models)
    dated = (one.constraint for model in models if isinstance(model.prices, list) for one in model.prices)
    days = [constraint.start_date for constraint in dated if hasattr(constraint, "start_date")]
    return min(days), max(days)


def _local_names():
    from .models import REGISTRY

    return REGISTRY


def _rates():
    """Rate cards of all timing files; where two know a model, the later date counts."""
    files = sorted(paths.data("timings").glob("*.json"))
    cards = sorted((_read(file) for file in files), key=lambda card: card["date"])
    return {model: rate for card in cards for model, rate in card.get("rates", {}).items()}


def _read(path):
    if not path.exists():
        raise DataMissing(f"{path} is not there", fix="restore it from the repository")
    return _parse(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _parse(path, changed):
    load = tomllib.loads if path.suffix == ".toml" else json.loads
    return load(path.read_text(encoding="utf-8"))


def _get(thing, name):
    if hasattr(thing, "get"):
        return thing.get(name)
    return getattr(thing, name, None)


def _count(name, value):
    if value is None and name != "prompt_tokens":
        return 0
    if not (isinstance(value, Real) and value >= 0 and value % 1 == 0):
        raise BadInput(f"{name} is {value!r}", expected="a whole number >= 0")
    return int(value)
