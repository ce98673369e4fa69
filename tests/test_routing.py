"""Routing metrics against the published definitions, written out here once more, and hand cases."""

import numpy as np
import pandas as pd
import pytest

from hybridlab import routing
from hybridlab.cascade import Cascade, Queue
from hybridlab.errors import BadInput
from hybridlab.tiers import ABSTAIN, Human


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def outcomes(n, seed=0, hint=0.5):
    """Outcomes of two tiers (.6 and .8 right) and scores that know a little."""
    rng = np.random.default_rng(seed)
    cheap, dear = (rng.random(n) < 0.6).astype(float), (rng.random(n) < 0.8).astype(float)
    return hint * (dear - cheap) + rng.normal(size=n), cheap, dear


# ---- RouteLLM


def as_routellm(scores, cheap, dear, points=10):
    """Thresholds by pandas.qcut, strong at or above them (above the last), trapezoid and np.interp."""
    _, thresholds = pd.qcut(scores, points, retbins=True)
    rows = []
    for i, threshold in enumerate(thresholds):
        strong = scores > threshold if i == points else scores >= threshold
        rows.append((strong.mean(), np.where(strong, dear, cheap).mean()))
    share, quality = np.array(sorted(rows)).T
    weak, strong = cheap.mean(), dear.mean()
    area = np.trapezoid(quality, share)
    return share, quality, (area - weak) / (strong - weak)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("points", [2, 10])
def test_curve_and_apgr_are_those_of_the_published_code(seed, points):
    scores, cheap, dear = outcomes(500, seed)
    share, quality, expected = as_routellm(scores, cheap, dear, points)
    curve = routing.quantile_curve(scores, cheap, dear, points)
    np.testing.assert_allclose(curve["share"], share)
    np.testing.assert_allclose(curve["quality"], quality)
    assert routing.apgr(scores, cheap, dear, points) == pytest.approx(expected)


@pytest.mark.parametrize("x", [0.2, 0.5, 0.8, 1.0])
def test_cpt_is_that_of_the_published_code_where_the_curve_rises(x):
    n = 1000
    cheap, dear = np.zeros(n), (np.arange(n) < 800).astype(float)
    scores = np.linspace(1, 0, n)
    share, quality, _ = as_routellm(scores, cheap, dear)
    rising = np.append(True, np.diff(quality) > 0)
    expected = np.interp(x * dear.mean(), quality[rising], share[rising])
    assert routing.cpt(x, scores, cheap, dear) == pytest.approx(expected)


def test_cpt_takes_the_first_crossing_of_a_curve_that_falls_again():
    cheap, dear, scores = np.array([0, 0, 1, 1]), np.array([1, 1, 1, 0]), [4, 3, 2, 1]
    curve = routing.quantile_curve(scores, cheap, dear, points=4)
    assert curve["quality"].tolist() == [0.5, 0.75, 1.0, 1.0, 0.75]
    assert routing.cpt(0.5, scores, cheap, dear, points=4) == pytest.approx(0.125)
    assert routing.cpt(1, scores, cheap, dear, points=4) == 0.25
    assert routing.cpt(0, scores, cheap, dear, points=4) == 0.0


def test_a_random_router_has_apgr_one_half_and_its_cpt_is_x():
    _, cheap, dear = outcomes(500)
    assert routing.apgr(np.zeros(500), cheap, dear) == pytest.approx(0.5)
    assert routing.cpt(0.3, np.zeros(500), cheap, dear) == pytest.approx(0.3)
    drawn = [routing.apgr(np.random.default_rng(i).random(500), cheap, dear) for i in range(400)]
    assert np.mean(drawn) == pytest.approx(0.5, abs=4 * np.std(drawn) / 20)


def test_the_mean_over_ten_shares_is_a_twentieth_more():
    """Where quality is linear in the share: the sum in the paper, at 10 % to 100 %, gives .55 for random."""
    scores, cheap, dear = np.linspace(1, 0, 1000), np.zeros(1000), np.tile([1.0, 0], 500)
    curve = routing.quantile_curve(scores, cheap, dear)
    ten = routing.pgr(curve["quality"], cheap.mean(), dear.mean())[1:].mean()
    assert ten == pytest.approx(routing.apgr(scores, cheap, dear) + 0.05, abs=2e-3)


def test_apgr_of_every_row_is_the_scaled_deferral_area():
    scores, cheap, dear = outcomes(400)
    exact = routing.pgr(routing.deferral_area(scores, cheap, dear), cheap.mean(), dear.mean())
    assert routing.apgr(scores, cheap, dear, points=400) == pytest.approx(exact, abs=2e-3)


# ---- the deferral curve


def test_the_deferral_curve_is_that_of_each_cut():
    scores, cheap, dear = outcomes(60)
    scores = scores.round(1)
    curve = routing.deferral_curve(scores, cheap, dear)
    for share, quality in curve.to_numpy():
        cut = np.sort(scores)[::-1][int(round(share * 60)) - 1] if share else np.inf
        assert quality == pytest.approx(np.where(scores >= cut, dear, cheap).mean())
    assert curve["share"].is_monotonic_increasing and len(curve) == len(set(scores)) + 1


def test_ties_are_broken_at_random_on_average(rng):
    scores, cheap, dear = outcomes(50)
    scores = scores.round(0)
    tied = routing.deferral_area(scores, cheap, dear)
    broken = [routing.deferral_area(scores + 1e-6 * rng.random(50), cheap, dear) for _ in range(500)]
    assert tied == pytest.approx(np.mean(broken), abs=4 * np.std(broken) / np.sqrt(500))


# ---- RouterBench


def hull_height(cost, costs, qualities):
    """The highest chord or earlier point at a cost: any two points can be mixed, money may be left over."""
    best = max(q for c, q in zip(costs, qualities) if c <= cost)
    for a, p in zip(costs, qualities):
        for b, q in zip(costs, qualities):
            if a < cost < b:
                best = max(best, p + (q - p) * (cost - a) / (b - a))
    return best


@pytest.mark.parametrize("seed", range(6))
def test_aiq_is_the_mean_height_of_all_mixtures(seed):
    rng = np.random.default_rng(seed)
    costs, qualities = rng.uniform(1, 5, 8).round(2), rng.random(8).round(2)
    grid = np.linspace(costs.min(), 6, 2001)
    height = [hull_height(cost, costs, qualities) for cost in grid]
    found = routing.aiq(costs, qualities, high=6)
    assert found == pytest.approx(np.trapezoid(height, grid) / (6 - costs.min()), abs=1e-4)
    corners = routing.hull(costs, qualities)
    assert (np.diff(corners, axis=0) > 0).all()
    slopes = np.divide(*np.diff(corners, axis=0).T[::-1])
    assert (np.diff(slopes) < 0).all()


def test_the_repository_of_routerbench_divides_by_the_highest_cost():
    costs, qualities = np.array([1.0, 2, 4]), np.array([0.4, 0.7, 0.8])
    theirs = np.trapezoid(qualities, costs) / 4
    assert routing.aiq(costs, qualities) * (4 - 1) / 4 == pytest.approx(theirs)


def test_aiq_of_points_with_one_cost_takes_the_best():
    assert routing.aiq([1, 1, 3], [0.2, 0.5, 0.7]) == pytest.approx(0.6)


# ---- other areas


def test_area_between_is_zero_for_a_mixture_and_falls_with_the_price_of_the_router():
    costs = np.linspace(1, 3, 11)
    qualities = 0.5 + 0.1 * (costs - 1)
    assert routing.area_between(costs, qualities, (1, 0.5), (3, 0.7)) == pytest.approx(0)
    falling = [routing.area_between(costs + fee, qualities, (1, 0.5), (3, 0.7)) for fee in (0, 0.2, 0.5, 1)]
    assert (np.diff(falling) < 0).all() and falling[1] == pytest.approx(-0.1 * 0.2 * (2 - 0.1) / 2)


def test_error_cost_area_is_one_minus_the_area_of_quality(rng):
    costs, errors = np.sort(rng.random(7)), rng.random(7)
    expected = np.trapezoid(errors, costs) / (costs[-1] - costs[0])
    assert routing.error_cost_area(costs, errors) == pytest.approx(expected)
    assert routing.error_cost_area(costs, errors, high=2) == pytest.approx(
        (np.trapezoid(errors, costs) + errors[-1] * (2 - costs[-1])) / (2 - costs[0]))


# ---- money


def test_expected_usd_with_people_worked_by_hand(rng):
    """Ten rows: four right and two wrong by the rules, four for people of whom two are taken."""
    person = Human((2, 4), (30, 30), (0.1, 0.2), "our own estimate")
    frame = pd.DataFrame({"label": ["a"] * 6 + [ABSTAIN] * 4})
    frame = frame.assign(confidence=0.9, cost_usd=0.01, latency_s=1.0)
    found = Cascade.combine({"rules": frame, "human": Queue(person, per_day=2)})
    gold = ["a"] * 4 + ["b"] * 6
    usd = routing.expected_usd(gold, found, error_usd=10, unanswered_usd=5, rng=rng, resamples=200)
    assert usd.low.value == pytest.approx((10 * 0.01 + 2 * 10 + 2 * (1 + 1) + 2 * 5) / 10)
    assert usd.high.value == pytest.approx((10 * 0.01 + 2 * 10 + 2 * (2 + 2) + 2 * 5) / 10)
    assert usd.low.low < usd.low.value < usd.low.high


def test_without_people_the_band_is_a_line():
    frame = pd.DataFrame({"label": ["a", "b", ABSTAIN]}).assign(confidence=0.9, cost_usd=0.5, latency_s=1.0)
    usd = routing.decision_usd(["a", "a", "a"], frame, error_usd=2)
    assert usd.tolist() == [[0.5, 0.5], [2.5, 2.5], [2.5, 2.5]]


# ---- baselines and report


def frames_of(cheap, dear):
    cheap = pd.DataFrame({"label": np.where(cheap, "a", "b")})
    cheap = cheap.assign(confidence=0.8, cost_usd=0.001, latency_s=0.1)
    return {"cheap": cheap, "dear": cheap.assign(label=np.where(dear, "a", "b"), cost_usd=0.01)}


def test_outcomes_read_gold_by_row_id():
    frames = frames_of([1, 0, 1], [1, 1, 0])
    gold = pd.Series("a", index=[2, 1, 0])
    assert routing.outcomes(frames, gold).to_numpy().tolist() == [[1, 1], [0, 1], [1, 0]]


def test_the_oracle_is_right_wherever_a_tier_is_and_pays_only_where_it_must(rng):
    _, cheap, dear = outcomes(300)
    texts = ["x" * i for i in range(300)]
    found = routing.baselines(frames_of(cheap, dear), ["a"] * 300, texts, 0.3, rng=rng)
    assert list(found) == ["cheap", "dear", "random", "length", "oracle"]
    assert ((found["oracle"]["label"] == "a") == (np.maximum(cheap, dear) > 0)).all()
    assert ((found["oracle"]["tier"] == "dear") == (dear > cheap)).all()
    assert (found["random"]["tier"] == "dear").sum() == (found["length"]["tier"] == "dear").sum() == 90
    assert set(found["length"].index[found["length"]["tier"] == "dear"]) == set(range(210, 300))


def test_the_report_always_shows_random_length_and_oracle(rng):
    scores, cheap, dear = outcomes(300, hint=2)
    texts = ["x" * int(5 + 10 * (d > c)) for c, d in zip(cheap, dear)]
    table = routing.router_report({"mine": scores}, cheap, dear, texts, rng=rng, resamples=100)
    assert list(table.index) == ["mine", "random", "length", "oracle"]
    assert table.loc["random", "gain"] == 0 and table.loc["random", "apgr"] == pytest.approx(0.5)
    assert table.loc["oracle", "area"] == table["area"].max()
    assert table.loc["mine", "area"] == pytest.approx(routing.deferral_area(scores, cheap, dear))
    assert table.loc["mine", "apgr"] == pytest.approx(routing.apgr(scores, cheap, dear))
    assert table.loc["mine", "cpt_80"] == pytest.approx(routing.cpt(0.8, scores, cheap, dear))
    assert 0 < table.loc["mine", "low"] < table.loc["mine", "gain"] < table.loc["mine", "high"]
    length = routing.deferral_area([len(text) for text in texts], cheap, dear)
    assert table.loc["mine", "over_length"] == pytest.approx(table.loc["mine", "area"] - length)
    assert table.loc["length", "over_length"] == 0


def test_where_the_dear_tier_is_no_better_the_ratios_are_left_out(rng):
    scores, cheap, dear = outcomes(100)
    table = routing.router_report({"mine": scores}, dear, cheap, ["x"] * 100, rng=rng, resamples=50)
    assert table[["apgr", "cpt_50"]].isna().all().all() and table["gain"].notna().all()


# ---- bad input

TWO = ([0.1, 0.2], [0, 0], [1, 1])
FRAMES = frames_of([1, 0], [1, 1])
BAD = {
    "lengths are .*'scores': 2, 'cheap': 3": lambda: routing.apgr([0.1, 0.2], [0, 0, 1], [1, 1]),
    "scores holds nan": lambda: routing.deferral_area([0.1, np.nan], *TWO[1:]),
    "dear holds inf": lambda: routing.deferral_curve(TWO[0], [0, 0], [1, np.inf]),
    "cheap is 1.0, dear is 0.0": lambda: routing.apgr(TWO[0], [1, 1], [0, 0]),
    "cheap is 0.5, dear is 0.5": lambda: routing.pgr(0.6, 0.5, 0.5),
    "x is 50": lambda: routing.cpt(50, *TWO),
    "points is 0": lambda: routing.apgr(*TWO, points=0),
    "lengths are .*'costs': 2": lambda: routing.aiq([1, 2], [0.5]),
    "lengths are .*'costs': 0": lambda: routing.hull([], []),
    "costs are": lambda: routing.aiq([-1, 2], [0.5, 0.6]),
    "qualities": lambda: routing.aiq([1, 2], [0.5, np.nan]),
    "low is 0.5, the cheapest point costs 1": lambda: routing.aiq([1, 2], [0.5, 0.6], low=0.5),
    "the range of costs is 1 to 1": lambda: routing.aiq([1], [0.5]),
    "low is 0, the cheapest": lambda: routing.error_cost_area([1, 2], [0.5, 0.4], low=0),
    "cheapest costs 3, dearest 1": lambda: routing.area_between([1, 2], [0.5, 0.6], (3, 0.5), (1, 0.6)),
    "error_usd is 0": lambda: routing.decision_usd(["a", "a"], FRAMES["cheap"], error_usd=0),
    "cost_usd of the answers": lambda: routing.decision_usd(
        ["a", "a"], FRAMES["cheap"].assign(cost_usd=np.nan), error_usd=1),
    "frames is empty": lambda: routing.outcomes({}, []),
    "share is 2": lambda: routing.baselines(FRAMES, ["a", "a"], ["x", "y"], 2, rng=np.random.default_rng(0)),
    "frames are .'cheap'.": lambda: routing.baselines(
        {"cheap": FRAMES["cheap"]}, ["a", "a"], ["x", "y"], 0.5, rng=np.random.default_rng(0)),
    "rng is None": lambda: routing.baselines(FRAMES, ["a", "a"], ["x", "y"], 0.5, rng=None),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_names_argument_and_value(what):
    with pytest.raises(BadInput, match=what):
        BAD[what]()
