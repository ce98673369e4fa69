"""Prices against hand-worked invoices; every bad count is refused by name."""

import datetime as dt
import json
import sys
import tomllib
from decimal import Decimal
from types import ModuleType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridlab import paths
from hybridlab.cost import (Call, Ledger, break_even_error_usd, call_usd, prefix_tokens, price, rates, repaired,
                            reserved, seconds, serving, throughput, timing, warm_share)
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
    recorded = hosted(10, 0, 1, "gpt-5.6-luna", date="2026-01-02")  # an entry with dates
    assert price(recorded).as_of == dt.date(2026, 1, 2)
    assert price(recorded, as_of="2026-03-04").as_of == dt.date(2026, 3, 4)
    assert price(hosted(10, 0, 1)).as_of == dt.date.today()


@pytest.mark.parametrize("day", [DAY, dt.date(2026, 11, 23), dt.datetime(2026, 11, 23, 8), pd.Timestamp(DAY)])
def test_as_of_takes_every_usual_form(day):
    assert price(hosted(10, 0, 1), as_of=day).as_of == dt.date(2026, 11, 23)


@pytest.mark.parametrize("model", ["claude-haiku-5-5", "gpt-4o-mini"])
def test_an_entry_without_a_date_is_not_stamped_with_a_day_before_the_list(model):
    early, late = price(hosted(10, 0, 1, model), "2025-11-23"), price(hosted(10, 0, 1, model), DAY)
    assert early.as_of == late.as_of == dt.date(2026, 11, 23) and early.usd == late.usd
    assert "undated entry, list of 2026-11-23" in str(early) and "undated" not in str(late)
    assert rates(model, "2025-11-23").as_of == dt.date(2026, 11, 23)
    dated = price(hosted(10, 0, 1, "gpt-5.6-luna"), "2025-11-23")
    assert dated.as_of == dt.date(2025, 11, 23) and "undated" not in dated.source


def test_a_list_of_another_version_is_dated_today(monkeypatch):
    monkeypatch.setattr("hybridlab.cost.version", lambda package: "9.9")
    assert price(hosted(10, 0, 1), DAY).as_of == dt.date.today()


def test_an_unknown_provider_is_named_and_not_the_model():
    with pytest.raises(BadInput, match=r"provider is 'opnai'.*\n.*openai"):
        price(hosted(10, 0, 1, provider="opnai"), DAY)
    with pytest.raises(BadInput, match="model is 'gpt-4o-minni', which no price list of openai knows"):
        price(hosted(10, 0, 1, "gpt-4o-minni", provider="openai"), DAY)


NONSENSE = [
    (lambda: price(hosted(10, 0, 1), as_of=float("nan")), "as_of is nan"),
    (lambda: price(hosted(10, 0, 1, seconds="3")), "seconds is '3'"),
    (lambda: price(hosted(10, 0, 1, ["gpt-4o-mini"])), r"model is \['gpt-4o-mini'\]"),
    (lambda: rates("gpt-4o-mini", DAY, prompt_tokens=float("nan")), "prompt_tokens is nan"),
    (lambda: call_usd(100, 4000, 1, **CALL_RATES), "cached_tokens above prompt_tokens"),
    (lambda: call_usd(-1, 0, 1, **CALL_RATES), "prompt_tokens is -1"),
    (lambda: repaired(10, 0, 1, failed_share=2, repair_turns=1), "failed_share is 2"),
    (lambda: repaired(10, 0, 1, failed_share=0.1, repair_turns=1.5), "repair_turns is 1.5"),
    (lambda: repaired(10, 0, 1, failed_share=0.1, repair_turns=10**9), "repair_turns is 1000000000"),
    (lambda: reserved(-1e6, queries_per_s_per_machine=1, usd_per_machine_hour=1), "queries_per_month is -1000000"),
    (lambda: reserved(1e6, queries_per_s_per_machine=0, usd_per_machine_hour=1), "queries_per_s_per_machine is 0"),
    (lambda: reserved(1e6, queries_per_s_per_machine=1, usd_per_machine_hour=1, least_machines=1.5),
     "least_machines is 1.5"),
    (lambda: prefix_tokens([(400, True)], block=0), "block is 0"),
    (lambda: break_even_error_usd(-0.1, 0.1), "saved_usd is -0.1"),
    (lambda: break_even_error_usd(float("nan"), 0.1), "saved_usd is nan"),
    (lambda: break_even_error_usd(0.1, [0.1, float("nan")]), "lost_share is nan"),
    (lambda: break_even_error_usd(0.1, -2), "lost_share is -2"),
]
CALL_RATES = dict(usd_per_m_prompt_tokens=1, usd_per_m_cached_tokens=1, usd_per_m_completion_tokens=1)


@pytest.mark.parametrize(("ask", "says"), NONSENSE, ids=[says for _, says in NONSENSE])
def test_nonsense_is_refused_by_name(ask, says):
    with pytest.raises(BadInput, match=says):
        ask()


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


def test_unknown_days_are_told():
    with pytest.raises(BadInput, match=r"as_of is 2019-05-01, .*\n.*a day from 2025-05-22 to"):
        price(hosted(10, 0, 1), as_of="2019-05-01")
    with pytest.raises(BadInput, match="2199-01-01"):
        price(hosted(10, 0, 1), as_of="2199-01-01")


# ---- long prompts, batches, and sources that disagree

def test_a_long_prompt_is_charged_at_its_own_rate():
    """Claude Sonnet 4.5: $3 and $15 a million to 200,000 prompt tokens, then $6 and $22.50 for all of them."""
    short, long = (price(hosted(n, 0, 1000, "claude-sonnet-4-5"), DAY).usd for n in (200_000, 200_001))
    assert short == pytest.approx((200_000 * 3 + 1000 * 15) / 1e6)
    assert long == pytest.approx((200_001 * 6 + 1000 * 22.5) / 1e6)


def test_batch_invoice():
    """gpt-4o-mini in a batch: $0.075 in and $0.30 out; cached input keeps its standard $0.075."""
    paid = price(hosted(1000, 400, 100), DAY, batch=True)
    assert paid.usd == pytest.approx((600 * 0.075 + 400 * 0.075 + 100 * 0.30) / 1e6)


def test_a_batch_price_that_is_not_listed_is_not_the_standard_price(data):
    with pytest.raises(BadInput, match=r"no batch price of 'gpt-4o-mini' is listed on 2026-01-02\n.*2026-10-14"):
        price(hosted(10, 0, 1), "2026-01-02", batch=True)
    with pytest.raises(BadInput, match="a model with batch prices"):
        price(hosted(10, 0, 1, "mistral-large-latest"), DAY, batch=True)
    with pytest.raises(BadInput, match="a local model has none"):
        price(local(), batch=True)


def test_an_independent_call_of_the_price_list_agrees():
    from genai_prices import Usage, calc_price

    for model, provider in [("gpt-4o", "openai"), ("claude-haiku-4-5", "anthropic"), ("gemini-2.5-pro", "google")]:
        theirs = calc_price(Usage(input_tokens=3000, cache_read_tokens=1000, output_tokens=200), model,
                            provider_id=provider, genai_request_timestamp=dt.datetime(2026, 11, 23, 12))
        ours = price(hosted(3000, 1000, 200, model, provider=provider), DAY)
        assert ours.usd == pytest.approx(float(theirs.total_price), rel=1e-12)


def test_sources_that_disagree_give_an_interval_from_the_day_they_were_read():
    """mistral-large-latest, 10,000 in and 1,000 out: 2 and 6 a million here, 0.5 and 1.5 there."""
    call = hosted(10_000, 0, 1000, "mistral-large-latest")
    paid, before = price(call, DAY), price(call, "2026-11-22")
    assert (paid.usd, paid.low, paid.high) == pytest.approx((0.026, 0.0065, 0.026))
    assert before.low == before.usd == before.high


def test_every_listed_disagreement_is_one_and_has_a_source():
    for other in tomllib.loads(paths.data("prices.toml").read_text())["price"]:
        paid = price(hosted(10_000, 0, 1000, other["model"], provider=other["provider"]), DAY)
        assert paid.high > 1.02 * paid.low and other["source"]


# ---- rates

@pytest.mark.parametrize(("model", "fresh_usd", "cached_usd", "out_usd"), INVOICES)
def test_rates_are_those_of_the_invoices(model, fresh_usd, cached_usd, out_usd):
    found = rates(model, DAY)
    assert (found.usd_per_m_prompt_tokens, found.usd_per_m_cached_tokens, found.usd_per_m_completion_tokens) == (
        float(fresh_usd), float(cached_usd), float(out_usd))
    assert found.usd_per_call == 0 and found.low == found.high == 1


def test_rates_of_long_prompts_and_batches():
    assert rates("claude-sonnet-4-5", DAY, prompt_tokens=300_000).usd_per_m_completion_tokens == 22.5
    assert rates("gpt-4o-mini", DAY, batch=True).usd_per_m_completion_tokens == 0.3


def test_rates_of_a_local_model_are_its_seconds_at_the_machine_price(data):
    """.2 s fixed, .03 s a prompt token, .1 s a written one, at $0.09 an hour; a cached token costs no time."""
    found, second = rates("qwen2.5-coder-1.5b"), 0.09 / 3600
    assert found.usd_per_call == pytest.approx(0.2 * second)
    assert found.usd_per_m_prompt_tokens == pytest.approx(0.03e6 * second)
    assert found.usd_per_m_completion_tokens == pytest.approx(0.1e6 * second)
    assert found.usd_per_m_cached_tokens == pytest.approx(0)


# ---- from calls to months

@given(st.integers(0, 2000), st.integers(0, 300), st.integers(0, 80), st.integers(0, 6))
def test_repair_turns_grow_with_their_square(prompt, written, feedback, turns):
    """If every reply fails: (k + 1) P + k (k + 1) / 2 x (C + F)."""
    talk = repaired(prompt, 0, written, failed_share=1, repair_turns=turns, feedback_tokens=feedback)
    assert talk.prompt_tokens == (turns + 1) * prompt + turns * (turns + 1) // 2 * (written + feedback)
    assert talk.completion_tokens == (turns + 1) * written and talk.turns == turns + 1 and talk.failed_share == 1


def test_repair_turns_in_expectation_against_a_simulation():
    rng, rounds = np.random.default_rng(0), 20_000
    prompts = []
    for _ in range(rounds):
        said, total = 500, 0
        for _ in range(4):
            total += said
            if rng.random() >= 0.3:
                break
            said += 100 + 50
        prompts.append(total)
    talk = repaired(500, 0, 100, failed_share=0.3, repair_turns=3, feedback_tokens=50)
    assert talk.prompt_tokens == pytest.approx(np.mean(prompts), abs=4 * np.std(prompts) / np.sqrt(rounds))
    assert talk.failed_share == pytest.approx(0.3**4)


def test_no_failure_no_repair():
    assert repaired(500, 200, 100, failed_share=0, repair_turns=5) == (500, 200, 100, 1, 0)


def test_a_repair_turn_reads_the_earlier_conversation_from_the_prefix_cache():
    """Turn 0 has 200 of 500 cached. Turn 1 has 500 + 100 + 50 = 650, of which 600 were said before."""
    talk = repaired(500, 200, 100, failed_share=1, repair_turns=1, feedback_tokens=50, reuse_share=1)
    assert talk.prompt_tokens == 1150 and talk.cached_tokens == 200 + 600


def test_formulas_take_arrays():
    failed = np.array([0, 0.1, 1])
    talk = repaired(500, 0, 100, failed_share=failed, repair_turns=np.array([2, 2, 0]))
    assert talk.turns.tolist() == pytest.approx([1, 1.11, 1])
    own = reserved(np.array([0, 1e7]), queries_per_s_per_machine=1, usd_per_machine_hour=1)
    assert own.machines.tolist() == [1, 4]
    assert warm_share(np.array([0, 1e12]), 300).tolist() == [0, 1]
    assert break_even_error_usd(np.array([1, 1]), np.array([0, 0.5])).tolist() == [np.inf, 2]


@given(st.lists(st.tuples(st.integers(0, 500), st.booleans()), max_size=6))
def test_only_the_leading_shared_parts_can_be_cached(parts):
    found = prefix_tokens(parts)
    leading = [same for _, same in parts].index(False) if not all(same for _, same in parts) else len(parts)
    assert found == sum(tokens for tokens, _ in parts[:leading])
    assert prefix_tokens(sorted(parts, key=lambda part: not part[1])) >= found, "shared parts first is never worse"


def test_short_prefixes_are_not_cached_and_blocks_are_whole():
    assert prefix_tokens([(1023, True)], least=1024, block=128) == 0
    assert prefix_tokens([(1151, True)], least=1024, block=128) == 1024


def test_warm_share_against_a_simulation():
    gaps = np.random.default_rng(0).exponential(3600 / 12, 100_000)
    assert warm_share(12 * 730, keep_s=200) == pytest.approx(np.mean(gaps < 200), abs=0.006)


def test_throughput_is_measured_never_between():
    curve = [(0.5, 1.0), (0.8, 2.0), (0.9, 6.0)]
    assert [throughput(curve, limit) for limit in (0.5, 1, 3.9, 60)] == [0, 0.5, 0.8, 0.9]


def test_rounding_rents_no_machine():
    """One query a second, three at peak, a tenth a machine: 30.000000000000004 is 30 machines, not 31."""
    busy = reserved(730 * 3600, queries_per_s_per_machine=0.1, usd_per_machine_hour=1, peak_to_mean=0.1 * 3 / 0.1)
    assert busy.machines == 30


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


# ---- how a machine serves

def test_the_latest_measurement_of_a_section_counts(data):
    for name, day, rate in [("a", "2026-01-02", 1.0), ("b", "2026-03-04", 2.0)]:
        levels = {"levels": {"1": {"queries_per_s": rate}}, "date": day}
        (data / "timings" / f"{name}.serving.json").write_text(json.dumps({"date": day, "curve": levels}))
    assert serving("curve")["levels"]["1"]["queries_per_s"] == 2.0
    with pytest.raises(DataMissing, match="python -m tools.serving talk"):
        serving("talk")
    with pytest.raises(DataMissing, match="was not timed"):
        timing("reviews.llm15")
