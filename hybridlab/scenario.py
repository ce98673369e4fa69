"""A scenario for a total cost of ownership: what it may say, and what is wrong with one that cannot be used.

Names carry their units. Every number may be a plain one or a range with a source; an input has an address:
``queries_per_month``, or ``hosted.prompt_tokens`` for an option's.
"""

import datetime as dt
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import (AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr,
                      ValidationError, field_validator, model_validator)

from .cost import MOST_REPAIR_TURNS, RATES, rates
from .errors import BadInput, DataMissing
from .evaluate import wilson

STRICT = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, validate_default=True)


class Range(BaseModel):
    """A stated number; where it is not certain ``low`` and ``high``, or for a share the ``n`` rows behind it.

    Examples
    --------
    >>> from hybridlab.scenario import Range
    >>> Range(value=2, low=1, high=4, source="assumption").uncertain
    True
    """

    model_config = STRICT
    value: float
    low: float | None = None
    high: float | None = None
    n: Annotated[int, Field(gt=0)] | None = None
    source: str = ""

    @model_validator(mode="before")
    @classmethod
    def _ends(cls, given):
        if isinstance(given, cls):
            return given
        return {"low": given.get("value"), "high": given.get("value")} | given

    @model_validator(mode="after")
    def _ordered(self):
        if not self.low <= self.value <= self.high:
            raise BadInput(f"is {self.value:g} between {self.low:g} and {self.high:g}",
                           expected="low <= value <= high")
        if (self.uncertain or self.n) and not self.source:
            raise BadInput("has a range without a source", fix="add source, if only `source: assumption`")
        return self

    @property
    def uncertain(self):
        """Whether it has a range."""
        return self.low < self.high

    def draw(self, draws, rng):
        """Random values: a Beta (Jeffreys) where n rows were counted, else a triangle with its top at value.

        Examples
        --------
        >>> import numpy as np
        >>> from hybridlab.scenario import Range
        >>> one = Range(value=2, low=1, high=6, source="assumption")
        >>> float(round(one.draw(100_000, np.random.default_rng(0)).mean(), 1))  # (1 + 2 + 6) / 3
        3.0
        """
        if self.n:
            return rng.beta(self.value * self.n + 0.5, (1 - self.value) * self.n + 0.5, draws)
        return rng.triangular(self.low, self.value, self.high, draws)


def _as_range(given):
    if isinstance(given, str):
        raise BadInput(f"is the text {given!r}", expected="a number", fix="write 1000000, not 1e6 or '1,000'")
    return given if isinstance(given, Mapping | Range) else {"value": given}


def _at_least_0(given):
    if given.low < 0:
        raise BadInput(f"is {given.low:g}", expected="0 or more", fix="state what is paid or counted")
    return given


def _share(given):
    if _at_least_0(given).high > 1:
        raise BadInput(f"is {given.high:g}", expected="a share from 0 to 1", fix="write 5 % as 0.05")
    if given.n and not given.uncertain:
        found = wilson(round(given.value * given.n), given.n)
        ends = {"low": min(found.low, given.value), "high": max(found.high, given.value)}
        return given.model_copy(update=ends)
    return given


def _counted(given):
    if given.n:
        raise BadInput("is no share but has n", fix="state low and high instead; n is for shares")
    return _at_least_0(given)


def _above_0(given):
    if not given.low > 0:
        raise BadInput(f"is {given.low:g}", expected="a number above 0")
    return given


def _whole(given):
    if any(one % 1 for one in (given.low, given.value, given.high)):
        raise BadInput(f"is {given.value:g} ({given.low:g} to {given.high:g})", expected="whole numbers")
    return given


def _few(given):
    if given.high > MOST_REPAIR_TURNS:
        raise BadInput(f"is {given.high:g}", expected=f"at most {MOST_REPAIR_TURNS} turns",
                       fix="state how many turns your code allows")
    return given


Amount = Annotated[Range, BeforeValidator(_as_range), AfterValidator(_counted)]
Share = Annotated[Range, BeforeValidator(_as_range), AfterValidator(_share)]
Count = Annotated[Amount, AfterValidator(_whole)]
Turns = Annotated[Count, AfterValidator(_few)]
Duration = Annotated[Amount, AfterValidator(_above_0)]


class Option(BaseModel):
    """One way to do the job. What is left out is 0; quality and latency are those of the whole system.

    ``model`` looks the rates up, at the stated length of the prompt; without it, state them.
    ``price_factor`` scales all that calls cost. ``escalates_to`` names the option that gets the
    ``escalation_share``; its calls and machines are added, its people are not. ``quality_by_escalation`` is a
    measured curve of (escalation share, quality), needed where that share moves. ``batch_share`` of the
    queries can wait ``batch_delay_s``; ``latency_s`` is the p95 of the others, and above a batch share of 5 %
    the p95 of all of them is the delay. ``labels`` and
    ``engineering_hours`` are paid once, and not at all where the option is ``running`` already: then they are
    sunk, as a baseline's mostly are. ``latency_s`` may be a range like any number; each draw of it is held
    against ``most_latency_s``.
    """

    model_config = STRICT
    quality: Share
    latency_s: Amount = 0
    model: str | None = None
    provider: str | None = None
    running: bool = False
    price_factor: Amount = 1
    usd_per_m_prompt_tokens: Amount = 0
    usd_per_m_cached_tokens: Amount = 0
    usd_per_m_completion_tokens: Amount = 0
    usd_per_call: Amount = 0
    prompt_tokens: Amount = 0
    cached_tokens: Amount = 0
    completion_tokens: Amount = 0
    retry_share: Share = 0
    failed_share: Share = 0
    repair_turns: Turns = 0
    feedback_tokens: Amount = 0
    reuse_share: Share = 0
    cache_hit_share: Share = 0
    false_hit_share: Share = 0
    lookup_usd: Amount = 0
    batch_share: Share = 0
    batch_discount: Share = 0
    batch_delay_s: Amount = 0
    escalates_to: str | None = None
    escalation_share: Share = 0
    quality_by_escalation: list[tuple[float, float]] | None = None
    usd_per_machine_hour: Amount = 0
    queries_per_s_per_machine: Amount = 0
    peak_to_mean: Amount = 1
    least_machines: Count = 1
    labels: Amount = 0
    labels_per_month: Amount = 0
    evaluation_queries_per_month: Amount = 0
    review_share: Share = 0
    review_minutes: Amount = 0
    caught_share: Share = 0
    engineering_hours: Amount = 0
    engineering_hours_per_month: Amount = 0
    operations_usd_per_month: Amount = 0

    @field_validator("quality_by_escalation", mode="before")
    @classmethod
    def _curve(cls, pairs):
        try:
            points = np.array(pairs, dtype=float).reshape(-1, 2)
            good = ((points >= 0) & (points <= 1)).all() and (np.diff(points[:, 0]) > 0).all() and len(points)
        except (TypeError, ValueError):
            good = False
        if pairs is not None and not good:
            raise BadInput(f"is {pairs!r}", expected="pairs [escalation share, quality], shares increasing")
        return pairs and [tuple(pair) for pair in points.tolist()]

    @model_validator(mode="after")
    def _fits_together(self):
        moves = self.escalation_share.uncertain and not self.quality_by_escalation
        for wrong, what, fix in [
                (self.model and any(getattr(self, rate).value for rate in RATES),
                 "names a model and states rates", "keep one of the two; price_factor scales a model's"),
                (self.provider and not self.model,
                 "names a provider and no model", "name the model that it sells, or take provider out"),
                (self.cached_tokens.high > self.prompt_tokens.low,
                 "has cached_tokens above prompt_tokens", "count cached tokens inside the prompt"),
                (self.usd_per_machine_hour.high and not self.queries_per_s_per_machine.low > 0,
                 "has machines of unknown speed", "measure queries_per_s_per_machine and state it"),
                (self.peak_to_mean.low < 1, "has a peak below the mean", "state peak_to_mean as 1 or more"),
                (self.escalation_share.high and not self.escalates_to,
                 "escalates to nobody", "name the option in escalates_to, or take escalation_share out"),
                (self.retry_share.high == 1,
                 "has retry_share 1", "a call that never gets through has no price"),
                (moves, "has a range for escalation_share",
                 "add quality_by_escalation, measured: quality moves with the share")]:
            if wrong:
                raise BadInput(what, fix=fix)
        return self


class Scenario(BaseModel):
    """A workload, prices of people and errors, limits, and the options; ``Scenario.read`` checks it.

    Examples
    --------
    >>> from hybridlab.scenario import Scenario
    >>> inbox = {"name": "inbox", "as_of": "2026-11-23", "queries_per_month": 100_000, "options": {
    ...     "hosted": {"quality": 0.9, "model": "gpt-4o-mini", "prompt_tokens": 900, "completion_tokens": 1}}}
    >>> Scenario.read(inbox).inputs()["hosted.usd_per_m_completion_tokens"].value
    0.6
    >>> Scenario.read(inbox | {"queries": 5})
    Traceback (most recent call last):
        ...
    hybridlab.errors.BadInput: queries has no unit
      expected: queries_per_month
      to do:    write the name with its unit
    """

    model_config = STRICT
    name: str
    as_of: dt.date
    queries_per_month: Amount
    options: dict[str, Option] = Field(min_length=1)
    months: Duration = 36
    baseline: str | None = None
    least_quality: Share = 0
    most_latency_s: Amount | None = None
    usd_per_label: Amount = 0
    usd_per_engineering_hour: Amount = 0
    usd_per_review_hour: Amount = 0
    usd_per_error: Amount = 0
    _stated: dict = PrivateAttr()

    @classmethod
    def read(cls, source):
        """Check a YAML file (its path) or a mapping; what is wrong first is named with its remedy."""
        if not isinstance(source, Mapping):
            if not isinstance(source, str | Path):
                raise BadInput(f"source is {source!r}", expected="the path of a YAML file, or a mapping")
            source = _parsed(Path(source))
        try:
            return cls.model_validate(source)
        except ValidationError as error:
            raise _explained(error.errors()[0]) from error

    @field_validator("as_of", mode="before")
    @classmethod
    def _day(cls, given):
        try:
            return dt.date.fromisoformat(str(given))
        except ValueError as error:
            raise BadInput(f"is {given!r}", expected="a date such as 2026-11-23") from error

    @model_validator(mode="after")
    def _whole(self):
        for name in filter(None, [self.baseline, *(one.escalates_to for one in self.options.values())]):
            one_of("option", name, self.options)
        for name in self.options:
            self._ends_somewhere(name)
        self._stated = _ranges(self)
        for name, option in self.options.items():
            self._stated |= _ranges(option, f"{name}.") | dict(self._listed(name, option))
        return self

    def _ends_somewhere(self, name):
        chain = [name]
        while after := self.options[chain[-1]].escalates_to:
            if after in chain:
                raise BadInput(f"{name!r} escalates in a circle", fix="let the last option escalate to none")
            chain.append(after)

    def _listed(self, name, option):
        """What the list says of a model; where sources disagree, ``price_factor`` gets their range."""
        if not option.model:
            return
        asked = {"prompt_tokens": option.prompt_tokens.value, "provider": option.provider}
        found = rates(option.model, self.as_of, **asked)
        for rate in RATES:
            yield f"{name}.{rate}", Range(value=getattr(found, rate))
        yield f"{name}.usd_per_call", Range(value=option.usd_per_call.value + found.usd_per_call)
        if "price_factor" not in option.model_fields_set:
            ends = {"value": 1, "low": found.low, "high": found.high}
            yield f"{name}.price_factor", Range(source=f"{found.source} and data/prices.toml", **ends)

    def inputs(self):
        """Every number of the scenario by its address, as ``Range``; a model's rates are looked up."""
        return dict(self._stated)


def one_of(what, name, known):
    """Raise ``BadInput`` with the nearest names when ``name`` is not known."""
    if name not in known:
        near = get_close_matches(str(name), known, n=3, cutoff=0.4) or list(known)[:6]
        raise BadInput(f"unknown {what} {name!r}", expected=f"one such as {', '.join(near)}")


def _ranges(model, prefix=""):
    return {f"{prefix}{key}": one for key, one in model if isinstance(one, Range)}


def _parsed(path):
    import yaml

    if not path.exists():
        raise DataMissing(f"{path} is not there", expected="the path of a scenario, a YAML file")
    try:
        given = yaml.safe_load(path.read_text("utf-8"))
    except yaml.YAMLError as error:
        raise BadInput(f"{path} is not YAML", fix=str(error)) from error
    if not isinstance(given, Mapping):
        raise BadInput(f"{path} holds no names with values", expected="`queries_per_month: 10000` and so on")
    return given


def _explained(error):
    """The first complaint of pydantic, as one of ours."""
    where, said = ".".join(map(str, error["loc"])), error.get("ctx", {}).get("error")
    if isinstance(said, BadInput):
        return BadInput(f"{where} {said.what}".strip(), expected=said.expected, fix=said.fix)
    if error["type"] == "extra_forbidden":
        return _unknown(where, error["loc"])
    if error["type"] == "missing":
        return BadInput(f"{where} is missing", fix="state it; a scenario has no default for it")
    return BadInput(f"{where} is {error['input']!r}", expected=error["msg"])


def _unknown(where, loc):
    kind = Scenario if len(loc) == 1 else Option if len(loc) == 3 and loc[0] == "options" else Range
    known, key = list(kind.model_fields), str(loc[-1])
    with_unit = [name for name in known if name.startswith(f"{key}_")]
    if with_unit:
        return BadInput(f"{where} has no unit", expected=" or ".join(with_unit),
                        fix="write the name with its unit")
    near = get_close_matches(key, known, n=3) or known
    return BadInput(f"{where} is no input", expected=f"a name such as {', '.join(near)}",
                    fix="correct the name or take the line out")
