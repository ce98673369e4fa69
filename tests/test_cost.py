"""Prices against hand-worked invoices; every bad count is refused by name."""

import datetime as dt
import json
import sys
from decimal import Decimal
from types import ModuleType, SimpleNamespace

import pandas as pd
import pytest

from hybridlab.cost import Call, Ledger, price, seconds
from hybridlab.errors import BadInput, BudgetSpent, DataMissing

DAY = "2026-11-23"
MACHINE = {"name": "test 2-vCPU", "vcpu": 2, "usd_per_hour": 0.09, "date": "2026-11-01"}
RATE = {"fixed_s": 0.2, "s_per_prompt_token": 0.03, "s_per_output_token": 0.1, "n": 200}


@pytest.fixture(autouse=True)
def local_names(monkeypatch):
    """Prices need the names of the local models only."""
    stub = ModuleType("hybridlab.models")
    stub.REGISTRY = {"qwen2.5-coder-1.5b": None, "smollm2-135m": None}
    monkeypatch.setitem(sys.modules, "hybridlab.models", stub)


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("HYBRIDLAB_DATA", str(tmp_path))
    (tmp_path / "timings").mkdir()
    (tmp_path / "machine.json").write_text(json.dumps(MACHINE))
    card = {"machine": "x", "date": DAY, "rates": {"qwen2.5-coder-1.5b": RATE}}
    (tmp_path / "timings" / "x.json").write_text(json.dumps(card))
    return tmp_path


def hosted(prompt, cached, out, model="gpt-4o-mini", **more):
    counts = {"prompt_tokens": prompt, "cached_tokens": cached, "completion_tokens": out}
    return {"model": model, **counts, **more}


def local(prompt=100, cached=60, out=5, **more):
    return hosted(prompt, cached, out, "qwen2.5-coder-1.5b", **more)


# ---- hosted: invoices worked by hand, dollars a million tokens: input, cached input, output

INVOICES = [
    ("gpt-4o-mini", "0.15", "0.075", "0.60"),
    ("gpt-4o", "2.50", "1.25", "10"),
    ("claude-sonnet-4-5", "3", "0.30", "15"),
]


@pytest.mark.parametrize(("model", "fresh_usd", "cached_usd", "out_usd"), INVOICES)
@pytest.mark.parametrize(("prompt", "cached", "out"), [(1000, 0, 100), (1000, 400, 100), (800, 800, 0)])
def test_invoice(model, fresh_usd, cached_usd, out_usd, prompt, cached, out):
    by_hand = (prompt - cached) * Decimal(fresh_usd) + cached * Decimal(cached_usd) + out * Decimal(out_usd)
    paid = price(hosted(prompt, cached, out, model), as_of=DAY)
    assert paid.usd == pytest.approx(float(by_hand / 1_000_000), rel=1e-12)
    assert paid.low == paid.usd == paid.high
    assert model in paid.source and paid.as_of == dt.date(2026, 11, 23)


def test_cached_tokens_are_inside_the_prompt():
    cached, none = price(hosted(1000, 400, 0), DAY).usd, price(hosted(1000, 0, 0), DAY).usd
    assert none - cached == pytest.approx(400 * (0.15 - 0.075) / 1e6)


def test_the_day_decides_where_a_price_has_changed():
    from genai_prices.data_snapshot import get_snapshot
    from genai_prices.types import StartDateConstraint

    dated = [
        (provider.id, model.id, condition.constraint.start_date)
        for provider in get_snapshot().providers
        for model in provider.models
        if isinstance(model.prices, list)
        for condition in model.prices
        if isinstance(condition.constraint, StartDateConstraint)
    ]
    moved = 0
    for provider, model, start in dated:
        call = hosted(1000, 0, 1000, model, provider=provider)
        try:
            before = price(call, as_of=start - dt.timedelta(days=1))
            after = price(call, as_of=start)
        except BadInput:
            continue
        moved += before.usd != after.usd
    assert moved >= 1


def test_as_of_defaults_to_the_recording_date_then_to_today():
    assert price(hosted(10, 0, 1, date="2026-01-02")).as_of == dt.date(2026, 1, 2)
    assert price(hosted(10, 0, 1, date="2026-01-02"), as_of="2026-03-04").as_of == dt.date(2026, 3, 4)
    assert price(hosted(10, 0, 1)).as_of == dt.date.today()


@pytest.mark.parametrize("day", [DAY, dt.date(2026, 11, 23), dt.datetime(2026, 11, 23, 8), pd.Timestamp(DAY)])
def test_as_of_takes_every_usual_form(day):
    assert price(hosted(10, 0, 1), as_of=day).as_of == dt.date(2026, 11, 23)


def test_unknown_model_names_the_nearest():
    with pytest.raises(BadInput, match="gpt-4o-minni.*\n.*gpt-4o-mini"):
        price(hosted(10, 0, 1, "gpt-4o-minni"))
    with pytest.raises(BadInput, match=r"qwen2\.5-coder-1\.5b"):
        price(hosted(10, 0, 1, "qwen2.5-coder-15b"))
    with pytest.raises(BadInput, match="None"):
        price({"prompt_tokens": 3})


def test_a_model_listed_without_a_price_is_not_free():
    with pytest.raises(BadInput, match="without a price"):
        price(hosted(10, 0, 1, "gpt-4o-mini", provider="github-copilot"))


# ---- local: seconds times the hourly price

def test_local_by_its_own_seconds(data):
    paid = price(local(seconds=2.0))
    assert paid.usd == pytest.approx(2 * 0.09 / 3600)
    assert paid.as_of == dt.date(2026, 11, 1) and "test 2-vCPU" in paid.source


def test_local_by_the_rate_card_counts_fresh_tokens_only(data):
    assert seconds(local()) == pytest.approx(0.2 + 0.03 * 40 + 0.1 * 5)
    assert seconds(local(cached=100, out=0)) == pytest.approx(0.2)
    assert price(local()).usd == pytest.approx(1.9 * 0.09 / 3600)


def test_the_later_rate_card_counts_and_a_change_on_disk_is_seen(data):
    newer = {"machine": "a", "date": "2026-12-01", "rates": {"qwen2.5-coder-1.5b": {**RATE, "fixed_s": 1.2}}}
    file = data / "timings" / "a.json"
    file.write_text(json.dumps(newer))
    assert seconds(local(cached=100, out=0)) == pytest.approx(1.2)
    file.unlink()
    assert seconds(local(cached=100, out=0)) == pytest.approx(0.2)


def test_missing_rate_and_missing_machine_say_what_to_do(data):
    with pytest.raises(DataMissing, match="make timings"):
        seconds({"model": "smollm2-135m", "prompt_tokens": 3})
    (data / "machine.json").unlink()
    with pytest.raises(DataMissing, match=r"machine\.json"):
        price(local())


# ---- what counts as a call

def test_a_reply_a_recording_and_a_row_are_one_call():
    details = SimpleNamespace(cached_tokens=26)
    usage = SimpleNamespace(prompt_tokens=51, prompt_tokens_details=details, completion_tokens=1)
    recording = {"model": "m", "usage": {"prompt_tokens": 51, "cached_tokens": 26, "completion_tokens": 1}}
    row = pd.Series({"model": "m", "prompt_tokens": 51, "cached_tokens": 26, "completion_tokens": 1})
    want = Call("m", 51, 26, 1)
    assert Call.of(SimpleNamespace(model="m", usage=usage)) == want
    assert Call.of(recording) == Call.of(row) == Call.of(want) == want


def test_a_reply_of_the_openai_client():
    from openai.types.chat import ChatCompletion

    usage = {"prompt_tokens": 51, "completion_tokens": 1, "total_tokens": 52}
    usage["prompt_tokens_details"] = {"cached_tokens": 26}
    body = {"id": "x", "object": "chat.completion", "created": 0, "model": "gpt-4o-mini", "choices": []}
    assert Call.of(ChatCompletion(**body, usage=usage)) == Call("gpt-4o-mini", 51, 26, 1)


BAD = [
    ({"prompt_tokens": -1}, "prompt_tokens is -1"),
    ({"prompt_tokens": float("nan")}, "prompt_tokens is nan"),
    ({"prompt_tokens": None}, "prompt_tokens is None"),
    ({"prompt_tokens": "51"}, "prompt_tokens is '51'"),
    ({"completion_tokens": 1.5}, "completion_tokens is 1.5"),
    ({"cached_tokens": 11}, "cached_tokens': 11"),
    ({"seconds": -0.1}, "seconds is -0.1"),
    ({"seconds": float("nan")}, "seconds is nan"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_bad_counts_are_named(change, message):
    with pytest.raises(BadInput, match=message):
        price({**hosted(10, 0, 1), **change})


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", object()])
def test_bad_day_is_named(day):
    with pytest.raises(BadInput, match="as_of is"):
        price(hosted(10, 0, 1), as_of=day)


# ---- the ledger

def test_ledger_adds_up_by_model(data):
    ledger = Ledger()
    calls = hosted(1000, 0, 100), hosted(1000, 400, 100), local(seconds=2.0)
    paid = [ledger.add(call, DAY) for call in calls]
    frame = ledger.frame()
    assert ledger.calls == 3 and ledger.usd == pytest.approx(sum(p.usd for p in paid))
    assert frame.loc["gpt-4o-mini", ["calls", "prompt_tokens", "cached_tokens"]].tolist() == [2, 2000, 400]
    assert frame.loc["qwen2.5-coder-1.5b", "seconds"] == 2.0 and frame.loc["gpt-4o-mini", "seconds"] == 0
    assert frame.loc["total", "usd"] == pytest.approx(ledger.usd)
    assert "total" in repr(ledger)


def test_empty_ledger_prints():
    assert Ledger().frame().loc["total", "calls"] == 0


def test_ledger_stops_at_its_limit_and_counts_what_was_spent():
    ledger = Ledger(limit_usd=0.0003)
    ledger.add(hosted(1000, 0, 100), DAY)
    with pytest.raises(BudgetSpent, match="0.0003"):
        ledger.check(next_usd=0.0001)
    with pytest.raises(BudgetSpent):
        ledger.add(hosted(1000, 0, 100), DAY)
    assert ledger.calls == 2 and ledger.usd == pytest.approx(0.00042)
