"""What a call costs: dated list prices for hosted models, machine seconds for local ones."""

import datetime as dt
import json
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib.metadata import version
from numbers import Real

import pandas as pd

from . import paths
from .errors import BadInput, BudgetSpent, DataMissing

COUNTED = ("prompt_tokens", "cached_tokens", "completion_tokens")


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
        if named["seconds"] is not None and not named["seconds"] >= 0:
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


def price(call, as_of=None):
    """Price of one call in US dollars.

    A hosted model is priced from the table of ``genai-prices`` on the day ``as_of``. A local model costs the
    seconds it kept the machine busy: ``seconds(call) * usd_per_hour / 3600``, whole machine, idle time left
    out. The hourly list price is in ``data/machine.json``.

    Parameters
    ----------
    call : mapping or object
        ``model``, ``prompt_tokens``, ``cached_tokens`` (inside the prompt tokens), ``completion_tokens``, and
        where there are any ``seconds`` (server seconds), ``date`` and ``provider`` (of a hosted model that
        several sell). The counts may sit in ``usage``, as in a reply of the openai client.
    as_of : date, datetime or ISO string, optional
        The day of the price list; the call's own date, else today. A day without an hour means noon UTC. A
        local model is priced at the date of ``data/machine.json``, whatever ``as_of`` says.

    Returns
    -------
    Price

    Raises
    ------
    BadInput
        The model is in no list (the nearest names are given), or a count makes no sense.

    Examples
    --------
    >>> from hybridlab.cost import price
    >>> call = {"model": "gpt-4o-mini", "prompt_tokens": 1000, "cached_tokens": 400, "completion_tokens": 100}
    >>> paid = price(call, as_of="2026-11-23")  # 600 x $0.15 + 400 x $0.075 + 100 x $0.60 a million
    >>> round(paid.usd, 6), str(paid.as_of)
    (0.00018, '2026-11-23')
    """
    call = Call.of(call)
    if call.model in _local_names():
        return _local_price(call)
    return _hosted_price(call, _moment(as_of or call.date))


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


def _local_price(call):
    machine, took = _read(paths.data("machine.json")), seconds(call)
    usd = machine_usd(took)
    source = f"{took:.3g} s of {machine['name']} at ${machine['usd_per_hour']} an hour"
    return Price(usd, usd, usd, source, dt.date.fromisoformat(machine["date"]))


def _hosted_price(call, moment):
    from genai_prices import Usage, calc_price

    counts = {"input_tokens": call.prompt_tokens, "cache_read_tokens": call.cached_tokens}
    usage = Usage(**counts, output_tokens=call.completion_tokens)
    where = {"provider_id": call.provider, "genai_request_timestamp": moment}
    try:
        found = calc_price(usage, model_ref=str(call.model), **where)
    except LookupError as error:
        raise _unknown(call.model) from error
    usd = float(found.total_price)
    if usd == 0 < call.prompt_tokens + call.completion_tokens:
        raise BadInput(f"{call.model!r} is listed without a price per token", fix="price it by hand")
    source = f"genai-prices {version('genai-prices')}, {found.provider.id}/{found.model.id}"
    return Price(usd, usd, usd, source, moment.date())


def _unknown(model):
    from genai_prices.data_snapshot import get_snapshot

    hosted = {found.id for provider in get_snapshot().providers for found in provider.models}
    near = get_close_matches(str(model), sorted(hosted | set(_local_names())), n=4, cutoff=0.5)
    expected = f"a name such as {', '.join(near)}" if near else "the name of a hosted or a local model"
    return BadInput(f"model is {model!r}, which no price list knows", expected=expected)


def _moment(day):
    try:
        moment = pd.Timestamp(day or dt.date.today())
    except (ValueError, TypeError) as error:
        raise BadInput(f"as_of is {day!r}", expected="a date such as '2026-11-23'") from error
    if moment == moment.normalize():
        moment += pd.Timedelta(hours=12)
    return moment if moment.tzinfo else moment.tz_localize("UTC")


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
    return json.loads(path.read_text(encoding="utf-8"))


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
