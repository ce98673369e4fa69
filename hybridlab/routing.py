"""How good is a router? The published measures on recorded outcomes, and the baselines it must beat.

Everything works on plain arrays. ``scores`` say how much a row would gain from the dearer tier; ``cheap`` and
``dear`` are what the two tiers got on the same rows: 1 right and 0 wrong, or any utility.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from . import evaluate
from .cascade import Router
from .combined import ENDS
from .errors import BadInput
from .tiers import ABSTAIN


def outcomes(frames, gold):
    """What each tier got on each row: 1 right, 0 wrong or abstained.

    Parameters
    ----------
    frames : mapping of tier name to answer frame, of the same rows
    gold : labels in the order of the frames, or a Series indexed by row id

    Returns
    -------
    DataFrame, shape (n, tiers)

    Examples
    --------
    >>> import pandas as pd
    >>> from hybridlab.routing import outcomes
    >>> rules = pd.DataFrame({"label": ["great", "<abstain>"]})
    >>> outcomes({"rules": rules, "llm": rules.assign(label="great")}, ["great"] * 2).values.tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    if not frames:
        raise BadInput("frames is empty", expected="a mapping of tier name to answer frame")
    right = {name: evaluate._gold(gold, frame) == evaluate._labels(frame) for name, frame in frames.items()}
    return pd.DataFrame(right, index=next(iter(frames.values())).index, dtype=float)


# ---- two tiers: share of calls against quality


def pgr(routed, cheap, dear):
    """Performance gap recovered: (routed - cheap) / (dear - cheap).

    0 is the cheap tier, 1 the dear one. Source: Ong et al. 2024, arXiv 2406.18665.

    Parameters
    ----------
    routed, cheap, dear : numbers or arrays, mean quality

    Examples
    --------
    >>> from hybridlab.routing import pgr
    >>> round(pgr(0.85, cheap=0.80, dear=0.90), 6)
    0.5
    """
    if not np.all(np.subtract(dear, cheap) > 0):
        raise BadInput(f"cheap is {cheap}, dear is {dear}", expected="a dear tier that is the better one",
                       fix="there is no gap to recover; compare deferral areas")
    return (routed - cheap) / (dear - cheap)


def deferral_curve(scores, cheap, dear):
    """Quality against the share of rows that the dearer tier answers, highest scores first.

    Rows with the same score go together; between two points of the curve they are drawn at random, so equal
    scores for all rows give the straight line of a random router. Source: Gupta et al. 2024,
    arXiv 2404.10136.

    Returns
    -------
    DataFrame with ``share`` (0 to 1) and ``quality``.

    Examples
    --------
    >>> from hybridlab.routing import deferral_curve
    >>> deferral_curve([.9, .5, .1, .1], cheap=[0, 0, 1, 1], dear=[1, 0, 1, 0]).values.tolist()
    [[0.0, 0.5], [0.25, 0.75], [0.5, 0.75], [1.0, 0.5]]
    """
    return pd.DataFrame(dict(zip(("share", "quality"), _deferred(*_checked(scores, cheap, dear)))))


def deferral_area(scores, cheap, dear):
    """Area under the deferral curve: quality averaged over all shares.

    A random router has (mean of cheap + mean of dear) / 2.

    Examples
    --------
    >>> from hybridlab.routing import deferral_area
    >>> deferral_area([.9, .5, .1, .1], cheap=[0, 0, 1, 1], dear=[1, 0, 1, 0])
    0.65625
    """
    share, quality = _deferred(*_checked(scores, cheap, dear))
    return float(np.trapezoid(quality, share))


def quantile_curve(scores, cheap, dear, points=10):
    """The curve that RouteLLM's metrics are read off: ``points + 1`` thresholds at quantiles of the scores.

    A row goes to the dear tier when its score is at least the threshold; at the last threshold, the highest
    score, when it is above. So the ends are the two tiers alone. Source: github.com/lm-sys/RouteLLM,
    ``routellm/evals/benchmarks.py`` (``pd.qcut``), commit 0d78f12. With many equal scores several thresholds
    are the same, where ``pd.qcut`` gives up.

    Returns
    -------
    DataFrame with ``threshold``, ``share`` and ``quality``, by rising share.

    Examples
    --------
    >>> from hybridlab.routing import quantile_curve
    >>> quantile_curve([.9, .5, .2, .1], [0, 0, 1, 1], [1, 0, 1, 0], points=2).values.tolist()
    [[0.9, 0.0, 0.5], [0.35, 0.5, 0.75], [0.1, 1.0, 0.5]]
    """
    scores, cheap, dear = _checked(scores, cheap, dear)
    columns = ("threshold", "share", "quality")
    return pd.DataFrame(dict(zip(columns, _at_quantiles(scores, cheap, dear, points))))


def apgr(scores, cheap, dear, points=10):
    """Average performance gap recovered: the mean of PGR over all shares of dear calls.

    APGR = integral of PGR over the share, here by the trapezoid rule over ``quantile_curve``, as RouteLLM's
    published numbers were computed (``routellm/evals/evaluate.py``); a random router has 0.5. The paper also
    writes a mean over ten shares; taken at 10 % to 100 % that is 0.05 more.
    Source: Ong et al. 2024, arXiv 2406.18665.

    Examples
    --------
    >>> from hybridlab.routing import apgr
    >>> cheap, dear = [0, 0, 1, 1], [1, 1, 1, 1]
    >>> apgr([.9, .8, .2, .1], cheap, dear, points=2)  # PGR 0, 1, 1 at shares 0, 1/2, 1
    0.75
    >>> apgr([0, 0, 0, 0], cheap, dear, points=2)
    0.5
    """
    scores, cheap, dear = _checked(scores, cheap, dear)
    pgr(0, cheap.mean(), dear.mean())
    return _apgr(scores, cheap, dear, points)


def cpt(x, scores, cheap, dear, points=10):
    """Call-performance threshold: the least share of dear calls that recovers the share ``x`` of the gap.

    Linear between the points of ``quantile_curve``, at the first crossing. RouteLLM's code interpolates the
    share over the quality, which is the same where the curve rises throughout and undefined where it falls.
    Source: Ong et al. 2024, arXiv 2406.18665, where x is in per cent.

    Parameters
    ----------
    x : float, 0 to 1

    Examples
    --------
    >>> from hybridlab.routing import cpt
    >>> cpt(.5, [.9, .8, .2, .1], cheap=[0, 0, 1, 1], dear=[1, 1, 1, 1], points=2)
    0.25
    """
    if not 0 <= x <= 1:
        raise BadInput(f"x is {x!r}", expected="a share of the gap from 0 to 1")
    scores, cheap, dear = _checked(scores, cheap, dear)
    pgr(0, cheap.mean(), dear.mean())
    return _cpt(x, scores, cheap, dear, points)


# ---- any number of tiers: dollars against quality


def hull(costs, qualities):
    """Non-decreasing convex hull: the best quality at each cost when points are mixed by tossing a coin.

    Source: Hu et al. 2024 (RouterBench), arXiv 2403.12031.

    Returns
    -------
    array, shape (corners, 2) of cost and quality, both rising

    Examples
    --------
    >>> from hybridlab.routing import hull
    >>> hull([1, 2, 3, 4], [.5, .55, .8, .7]).tolist()  # the second lies below the line, the last has lost
    [[1.0, 0.5], [3.0, 0.8]]
    """
    corners = []
    for cost, quality in _points(costs, qualities):
        if corners and quality <= corners[-1][1]:
            continue
        while len(corners) > 1 and _slope(corners[-2], corners[-1]) <= _slope(corners[-2], (cost, quality)):
            corners.pop()
        corners.append((cost, quality))
    return np.array(corners)


def aiq(costs, qualities, low=None, high=None):
    """RouterBench's average improvement in quality: the mean height of the hull over a range of costs.

    AIQ = integral of the non-decreasing convex hull from ``low`` to ``high``, divided by (high - low); beyond
    the dearest point the hull stays level. AIQ of the tiers alone is that of the Zero router, the mixture
    without any routing. Source: Hu et al. 2024, arXiv 2403.12031, equation for AIQ. The paper's repository
    (withmartian/routerbench, ``evaluation/AIQ.py``) starts at the cheapest point and divides by ``high``,
    which is smaller by the factor (high - low) / high.

    Parameters
    ----------
    costs, qualities : arrays, shape (points,), mean cost and quality at each setting of a router
    low, high : float, default: cheapest and dearest point. Give the same to every router that is compared.

    Examples
    --------
    >>> from hybridlab.routing import aiq
    >>> round(aiq([1, 2, 3], [.5, .8, .7]), 3)  # .65 from 1 to 2, .8 from 2 to 3
    0.725
    """
    corners, costs = hull(costs, qualities), np.asarray(costs, dtype=float)
    low, high = corners[0, 0] if low is None else low, costs.max() if high is None else high
    if low < corners[0, 0]:
        raise BadInput(f"low is {low:g}, the cheapest point costs {corners[0, 0]:g}",
                       expected="low at the cheapest point or above",
                       fix="add what you would do for less, such as a cheaper tier, or no answer at (0, 0)")
    return _mean_height(*corners.T, low, high)


def area_between(costs, qualities, cheapest, dearest):
    """Mean height of a router above the straight line from the cheapest to the dearest tier.

    The line is what a random mixture of the two gets; the height is in units of quality, and negative where
    tossing a coin is better, as it may be once the router's own price is counted. Points are joined as they
    are, without a hull; for less than the first point the cheapest tier is mixed in, beyond the last the
    quality stays level.

    Parameters
    ----------
    costs, qualities : arrays, shape (points,), everything paid for included
    cheapest, dearest : (cost, quality) of the tiers alone

    Examples
    --------
    >>> from hybridlab.routing import area_between
    >>> round(area_between([1, 2, 3], [.5, .7, .7], (1, .5), (3, .7)), 3)  # a triangle .1 high
    0.05
    >>> round(area_between([1.5, 3.5], [.5, .7], (1, .5), (3, .7)), 3)  # a random router that costs .5
    -0.044
    """
    if not dearest[0] > cheapest[0]:
        raise BadInput(f"cheapest costs {cheapest[0]}, dearest {dearest[0]}", expected="increasing costs")
    points = _points([cheapest[0], *costs], [cheapest[1], *qualities])
    kept = [points[0], *(point for point in points[1:] if point[0] > cheapest[0])]
    height = _mean_height(*np.transpose(kept), cheapest[0], dearest[0])
    return height - (cheapest[1] + dearest[1]) / 2


def error_cost_area(costs, errors, low=None, high=None):
    """Area under the curve of error against cost, divided by its width: the mean error over a range of costs.

    Points are joined by straight lines in the order of their cost, as they were measured; of points with one
    cost the best counts. After Zellinger and Thomson 2025, arXiv 2501.09345, who compare cascades by it.

    Parameters
    ----------
    costs, errors : arrays, shape (points,)
    low, high : float, default: cheapest and dearest point

    Examples
    --------
    >>> from hybridlab.routing import error_cost_area
    >>> round(error_cost_area([1, 2, 3], [.5, .2, .3]), 3)
    0.3
    """
    points = _points(costs, -np.asarray(errors, dtype=float))
    costs, qualities = points.T
    low, high = costs[0] if low is None else low, costs[-1] if high is None else high
    if low < costs[0]:
        raise BadInput(f"low is {low:g}, the cheapest point costs {costs[0]:g}",
                       expected="low at the cheapest point or above")
    return -_mean_height(costs, qualities, low, high)


# ---- what a decision costs, people included


class Expected(NamedTuple):
    """Cost of a decision at the low and at the high end of the people's ranges, each with its interval."""

    low: evaluate.Estimate
    high: evaluate.Estimate


def decision_usd(gold, answers, *, error_usd, unanswered_usd=None):
    """What each row costs in US dollars: answers paid, errors made, rows left without an answer.

    paid + error_usd x (wrong, or a person's error rate) + unanswered_usd x (nobody decided). A row that a
    person takes (``Queue``) counts with the stated ranges; nobody's answer is made up.

    Parameters
    ----------
    gold : labels in the order of the answers, or a Series indexed by row id
    answers : answer frame, of any tier
    error_usd : float > 0, what a wrong answer costs
    unanswered_usd : float >= 0, what a row costs that nobody decides. Default: error_usd

    Returns
    -------
    array, shape (n, 2), low and high end

    Examples
    --------
    >>> import pandas as pd
    >>> from hybridlab.cascade import Cascade
    >>> from hybridlab.routing import decision_usd
    >>> from hybridlab.tiers import Human
    >>> person = Human((1, 2), usd_per_hour=(30, 30), error_rate=(.02, .10), source="our own estimate")
    >>> rules = pd.DataFrame({"label": ["great", "great", "<abstain>"]})
    >>> rules = rules.assign(confidence=.9, cost_usd=.001, latency_s=.1)
    >>> frame = Cascade.combine({"rules": rules, "people": person})
    >>> decision_usd(["great", "other", "other"], frame, error_usd=5).round(3).tolist()
    [[0.001, 0.001], [5.001, 5.001], [0.601, 1.501]]
    """
    unanswered_usd = error_usd if unanswered_usd is None else unanswered_usd
    if not (error_usd > 0 and unanswered_usd >= 0):
        raise BadInput(f"error_usd is {error_usd!r}, unanswered_usd is {unanswered_usd!r}",
                       expected="error_usd > 0, unanswered_usd >= 0")
    labels = evaluate._labels(answers)
    wrong = ((evaluate._gold(gold, answers) != labels) & (labels != ABSTAIN)).astype(float)
    silent = labels == ABSTAIN
    return np.column_stack([_end_usd(answers, end, wrong, silent, error_usd, unanswered_usd) for end in ENDS])


def expected_usd(gold, answers, *, error_usd, unanswered_usd=None, rng, resamples=2000, level=0.95):
    """Expected cost of a decision with people in the loop, as a band with bootstrap intervals over rows.

    Arguments are those of ``decision_usd`` and ``evaluate.bootstrap``.

    Returns
    -------
    Expected

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from hybridlab.routing import expected_usd
    >>> rules = pd.DataFrame({"label": ["great"] * 100}).assign(confidence=.9, cost_usd=.01, latency_s=.1)
    >>> gold = ["great"] * 90 + ["other"] * 10
    >>> print(expected_usd(gold, rules, error_usd=1, rng=np.random.default_rng(0)).low)
    0.110 [0.050, 0.170], n 100
    """
    usd = decision_usd(gold, answers, error_usd=error_usd, unanswered_usd=unanswered_usd)
    settings = {"rng": rng, "resamples": resamples, "level": level}
    return Expected(*(evaluate.bootstrap(np.mean, end, **settings) for end in usd.T))


# ---- what a router must beat


def oracle(outcomes):
    """The choice of somebody who knows all outcomes: the best tier of each row, the cheapest among equals.

    Parameters
    ----------
    outcomes : DataFrame, shape (n, tiers), cheap ones first

    Returns
    -------
    array of tier names, shape (n,)

    Examples
    --------
    >>> import pandas as pd
    >>> from hybridlab.routing import oracle
    >>> oracle(pd.DataFrame({"cheap": [1, 0, 0], "dear": [1, 1, 0]})).tolist()
    ['cheap', 'dear', 'cheap']
    """
    return np.array(outcomes.columns, dtype=object)[outcomes.to_numpy().argmax(axis=1)]


def baselines(frames, gold, texts, share, *, rng):
    """Answer frames of what a router must beat: each tier alone, random, prompt length, oracle.

    Random and length send ``share`` of the rows to the last tier and the others to the first; length sends
    the longest.

    Parameters
    ----------
    frames : mapping of tier name to answer frame, cheap ones first
    gold : labels in the order of the frames, or a Series indexed by row id
    texts : sequence of str, length n
    share : float, 0 to 1

    Returns
    -------
    dict of name to answer frame

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from hybridlab.routing import baselines
    >>> cheap = pd.DataFrame({"label": ["great"] * 2}).assign(confidence=.6, cost_usd=.001, latency_s=.1)
    >>> frames = {"cheap": cheap, "dear": cheap.assign(label="other", cost_usd=.01)}
    >>> texts, rng = ["long text", "text"], np.random.default_rng(0)
    >>> found = baselines(frames, ["great", "other"], texts, share=.5, rng=rng)
    >>> found["length"]["label"].tolist(), found["oracle"]["label"].tolist()
    (['other', 'great'], ['great', 'other'])
    """
    evaluate._check(rng)
    if not (0 <= share <= 1 and len(frames) > 1):
        raise BadInput(f"share is {share!r}, frames are {list(frames)}",
                       expected="a number from 0 to 1, and two frames or more")
    first, *_, last = frames
    n = evaluate._one_length(gold=gold, texts=texts, **frames)
    chosen = {"random": rng.random(n), "length": np.array([len(text) for text in texts])}
    choices = {name: np.where(_highest(scores, share), last, first) for name, scores in chosen.items()}
    choices["oracle"] = oracle(outcomes(frames, gold))
    return {**frames, **{name: Router.combine(frames, choice) for name, choice in choices.items()}}


def router_report(scores, cheap, dear, texts, *, rng, resamples=1000, level=0.95):
    """Routers side by side, always with random, prompt length and the oracle.

    Parameters
    ----------
    scores : mapping of router name to predicted gains, shape (n,)
    cheap, dear : outcomes of the two tiers on the same n rows, not those that the routers learnt from
    texts : sequence of str, length n; the longest go to the dear tier first
    rng : numpy.random.Generator

    Returns
    -------
    DataFrame, one row a router: ``area`` under its deferral curve; ``gain``, area beyond a random router's,
    with its interval (bootstrap over rows); ``over_length`` the same against prompt length; and where the
    dear tier is better on these rows ``apgr``, ``cpt_50`` and ``cpt_80``.

    Examples
    --------
    >>> import numpy as np
    >>> from hybridlab.routing import router_report
    >>> cheap, dear = np.array([0, 1] * 50), np.ones(100)
    >>> texts = ["some text"] * 100
    >>> table = router_report({"knows": 1 - cheap}, cheap, dear, texts, rng=np.random.default_rng(0))
    >>> table[["area", "gain", "apgr", "cpt_50"]].round(3).to_dict("index")["knows"]
    {'area': 0.875, 'gain': 0.125, 'apgr': 0.75, 'cpt_50': 0.25}
    >>> table["gain"].round(3).to_dict()
    {'knows': 0.125, 'random': 0.0, 'length': 0.0, 'oracle': 0.125}
    """
    cheap, dear = (np.asarray(one, dtype=float) for one in (cheap, dear))
    length = np.array([len(text) for text in texts], dtype=float)
    every = {**scores, "random": np.zeros(len(length)), "length": length, "oracle": dear - cheap}
    settings = {"rng": rng, "resamples": resamples, "level": level}
    return pd.DataFrame({name: _line(one, length, cheap, dear, settings) for name, one in every.items()}).T


def _line(scores, length, cheap, dear, settings):
    scores, cheap, dear = _checked(scores, cheap, dear)
    gain = evaluate.bootstrap(_gained, scores, cheap, dear, **settings)
    over = evaluate.bootstrap(lambda s, t, c, d: _gained(s, c, d) - _gained(t, c, d), scores, length, cheap,
                              dear, **settings)
    line = {"area": gain.value + (cheap.mean() + dear.mean()) / 2, "gain": gain.value, "low": gain.low,
            "high": gain.high, "over_length": over.value, "over_length_low": over.low,
            "over_length_high": over.high, "apgr": np.nan, "cpt_50": np.nan, "cpt_80": np.nan}
    if dear.mean() > cheap.mean():
        line["apgr"] = _apgr(scores, cheap, dear, 10)
        line |= {f"cpt_{x}": _cpt(x / 100, scores, cheap, dear, 10) for x in (50, 80)}
    return line


# ---- the machinery


def _checked(scores, cheap, dear):
    evaluate._one_length(scores=scores, cheap=cheap, dear=dear)
    arrays = [np.asarray(one, dtype=float) for one in (scores, cheap, dear)]
    for name, array in zip(("scores", "cheap", "dear"), arrays):
        if not np.isfinite(array).all():
            raise BadInput(f"{name} holds {array[~np.isfinite(array)][0]}", expected="a number for every row")
    return arrays


def _deferred(scores, cheap, dear):
    """Share and quality at the end of each run of equal scores."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])) + 1, len(scores))
    gained = np.cumsum((dear - cheap)[order])[ends - 1] / len(scores)
    return np.append(0, ends) / len(scores), cheap.mean() + np.append(0, gained)


def _gained(scores, cheap, dear):
    share, quality = _deferred(scores, cheap, dear)
    return np.trapezoid(quality, share) - (cheap.mean() + dear.mean()) / 2


def _at_quantiles(scores, cheap, dear, points):
    if not points >= 1:
        raise BadInput(f"points is {points!r}", expected="a whole number >= 1, ten as published")
    thresholds = np.quantile(scores, np.linspace(0, 1, points + 1))[::-1]
    deferred = scores >= thresholds[:, None]
    deferred[0] = scores > thresholds[0]
    return thresholds, deferred.mean(axis=1), cheap.mean() + deferred @ (dear - cheap) / len(scores)


def _apgr(scores, cheap, dear, points):
    _, share, quality = _at_quantiles(scores, cheap, dear, points)
    return float(np.trapezoid((quality - cheap.mean()) / (dear.mean() - cheap.mean()), share))


def _cpt(x, scores, cheap, dear, points):
    _, share, quality = _at_quantiles(scores, cheap, dear, points)
    target = cheap.mean() + x * (dear.mean() - cheap.mean())
    i = int(np.argmax(quality >= target - 1e-12))
    if i == 0:
        return float(share[0])
    step = min((target - quality[i - 1]) / (quality[i] - quality[i - 1]), 1.0)
    return float(share[i - 1] + step * (share[i] - share[i - 1]))


def _points(costs, qualities):
    """Cost and quality by rising cost, of points with one cost the best."""
    evaluate._one_length(costs=costs, qualities=qualities)
    costs, qualities = np.asarray(costs, dtype=float), np.asarray(qualities, dtype=float)
    if not (costs >= 0).all() or not np.isfinite([costs, qualities]).all():
        raise BadInput(f"costs are {costs}, qualities {qualities}", expected="numbers, no cost below 0")
    order = np.lexsort((-qualities, costs))
    first = np.append(True, np.diff(costs[order]) > 0)
    return np.column_stack([costs, qualities])[order][first]


def _slope(one, two):
    return (two[1] - one[1]) / (two[0] - one[0])


def _mean_height(costs, qualities, low, high):
    if not high > low:
        raise BadInput(f"the range of costs is {low:g} to {high:g}", expected="high above low")
    grid = np.unique([low, *costs[(costs > low) & (costs < high)], high])
    return float(np.trapezoid(np.interp(grid, costs, qualities), grid) / (high - low))


def _end_usd(answers, end, wrong, silent, error_usd, unanswered_usd):
    paid = answers.get("cost_usd" + end, answers["cost_usd"]).to_numpy(dtype=float)
    if np.isnan(paid).any():
        raise BadInput("cost_usd of the answers has missing values", expected="a price for every row")
    person = np.full(len(wrong), np.nan)
    if "error_rate" + end in answers:
        person = answers["error_rate" + end].to_numpy(dtype=float)
    nobody = silent & np.isnan(person)
    return paid + error_usd * (wrong + np.nan_to_num(person)) + unanswered_usd * nobody


def _highest(scores, share):
    """True for the ``share`` of rows with the highest scores, earlier rows first among equals."""
    picked = np.zeros(len(scores), dtype=bool)
    picked[np.argsort(-scores, kind="stable")[:round(share * len(scores))]] = True
    return picked
