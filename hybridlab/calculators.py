"""The three calculators of chapter 4 in Python: the same inputs, the same sums, through ``hybridlab.tco``.

The pages compute in JavaScript; a test holds both against one table of cases worked by hand.
"""

from .tco import Scenario, break_even, outcomes, table

DAY = "2026-11-23"


def monthly(queries_per_month, least_quality, other_quality, other_usd_per_query, other_usd_per_month,
            **inputs):
    """A month of a model that is paid by the token, against something with a price a month.

    Parameters
    ----------
    inputs : inputs of an ``Option`` of ``hybridlab.scenario``, ``quality`` among them

    Returns
    -------
    dict of numbers, and ``break_even`` in words: from which volume on the other one pays

    Examples
    --------
    >>> from hybridlab.calculators import monthly
    >>> bill = monthly(100_000, 0.8, 0.9, 0.0, 500, quality=0.9, usd_per_call=0.001)
    >>> bill["usd_per_month"], bill["break_even"]
    (100.0, 'from 500,000 queries_per_month')
    """
    other = {"quality": other_quality, "usd_per_call": other_usd_per_query,
             "operations_usd_per_month": other_usd_per_month}
    case = _case({"this": inputs, "other": other}, queries_per_month, least_quality)
    this, that = table(case).loc[["this", "other"]].to_dict("records")
    return {"usd_per_call": outcomes(case, {"queries_per_month": 1})["this"]["calls"],
            "usd_per_month": this["usd_per_month"], "usd_per_success": this["usd_per_success"],
            "other_usd_per_month": that["usd_per_month"], "other_usd_per_success": that["usd_per_success"],
            "break_even": str(break_even(case, "other", "this"))}


def hosting(queries_per_month, least_quality, api_usd_per_query, api_quality, own_quality, **inputs):
    """Machines of our own, reserved for the peak, against a price a query.

    Examples
    --------
    >>> from hybridlab.calculators import hosting
    >>> bill = hosting(1_000_000, 0.8, 0.0005, 0.9, 0.9, queries_per_s_per_machine=1, peak_to_mean=3,
    ...                usd_per_machine_hour=0.1)
    >>> bill["machine_count"], bill["own_usd_per_month"], bill["api_usd_per_month"]
    (2.0, 146.0, 500.0)
    """
    options = {"api": {"quality": api_quality, "usd_per_call": api_usd_per_query},
               "own": {"quality": own_quality, **inputs}}
    case = _case(options, queries_per_month, least_quality)
    api, own = table(case).loc[["api", "own"]].to_dict("records")
    return {"api_usd_per_month": api["usd_per_month"],
            **{f"own_{key}": own[key] for key in ("usd_per_month", "usd_per_query", "usd_per_success")},
            "machine_count": own["machine_count"], "utilisation": own["utilisation"],
            "break_even": str(break_even(case, "own", "api"))}


def cascade(cheap_usd, strong_usd, kept_quality, escalated_quality, strong_quality, escalation_share,
            queries_per_month=1000, least_quality=0):
    """A cheap tier before a strong one, against the strong one alone.

    Examples
    --------
    >>> from hybridlab.calculators import cascade
    >>> bill = cascade(0.0001, 0.002, 0.93, 0.78, 0.9, 0.3)
    >>> round(bill["quality"], 3), round(bill["p_star"], 3), bill["break_even"]
    (0.885, 0.95, 'up to 0.95 cascade.escalation_share')
    """
    quality = (1 - escalation_share) * kept_quality + escalation_share * escalated_quality
    both = {"quality": quality, "usd_per_call": cheap_usd, "escalates_to": "strong",
            "escalation_share": escalation_share, "quality_by_escalation": [[0, quality], [1, quality]]}
    options = {"strong": {"quality": strong_quality, "usd_per_call": strong_usd}, "cascade": both}
    case, over = _case(options, queries_per_month, least_quality), "cascade.escalation_share"
    strong, both = table(case).loc[["strong", "cascade"]].to_dict("records")
    p_star = break_even(_case(options, queries_per_month, 0), "cascade", "strong", over).ranges
    return {**{key: both[key] for key in ("usd_per_query", "usd_per_month", "usd_per_success", "quality")},
            **{f"strong_{key}": strong[key] for key in ("usd_per_month", "usd_per_success")},
            "p_star": p_star[0][1] if p_star else 0,
            "break_even": str(break_even(case, "cascade", "strong", over))}


def _case(options, queries_per_month, least_quality):
    return Scenario.read({"name": "calculator", "as_of": DAY, "months": 1, "options": options,
                          "queries_per_month": queries_per_month, "least_quality": least_quality})
