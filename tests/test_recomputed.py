"""The filed figures of lab 12 against hand-worked values and against their own second computation."""

import math

import pytest

from hybridlab import results

HAND = {
    "fraud": 90_000, "contracts": 157_500, "contracts_after": 44_100, "saas": 990, "b2b": 3_358.5, "bert": 500,
    "mix": 88.2, "mix_first": 86.6, "mix_usd": 0.00244, "cascade": 0.00207, "ensemble": 0.00351, "router": 2.61,
    "tco_total": 10_055, "tco_eng": 8_000 / 100.55, "prompt_saves": 109.5, "pareto": 6, "cache": 450,
    "mini_table": 0.000021, "mini_cascade": 0.000195, "gpt4o_table": 0.00035, "embed_million": 4,
    "tickets": 0, "triage_passed_on": 3, "separable_linear": 1}
TWO_MODELS = {"ablation_columns", "ablation_noise", "ablation_both"}  # a second opinion, not a second computation


def filed():
    return results._stored("lab12")["audit"]


@pytest.mark.parametrize("name", HAND)
def test_against_paper(name):
    assert results.get(f"lab12:audit.{name}.recomputed") == pytest.approx(HAND[name], rel=1e-9, abs=1e-12)


def test_both_roads_meet():
    apart = {name for name, one in filed().items()
             if not math.isclose(one["recomputed"], one["again"], rel_tol=1e-4, abs_tol=1e-12)}
    assert apart == TWO_MODELS | {"alert"}  # the alert's second road is an expectation


def test_ceiling_is_the_integral_of_the_better_side():
    side = 0.5 * (1 + math.erf(1.5 / math.sqrt(2)))
    assert results.get("lab12:noise.ceiling")["value"] == pytest.approx(0.5 * side + 0.5 * 0.5)
    assert results.get("lab12:audit.ablation_both.printed") > results.get("lab12:noise.ceiling")["value"] + 0.1


def test_what_agrees_is_counted():
    flags = [one["agrees"] for one in filed().values()]
    assert (sum(flags), len(flags)) == (results.get("lab12:agree.n"), results.get("lab12:agree.of"))
    assert filed()["router"]["agrees"] and not filed()["cascade"]["agrees"]
