"""Checks of lab 00."""

import math

from hybridlab import check, cost, results
from hybridlab.tiers import ABSTAIN


def check_00_1(answer):
    """Machines needed for 40,000 texts a day, and their bill for 30 days."""
    first_s, usd_per_hour = results.get("lab00:call.latency_s.value"), cost.machine_usd(3600)
    check.that(isinstance(answer, tuple) and len(answer) == 2, "`answer` is a pair: (machines, usd).")
    machines, usd = map(check.number, answer)
    busy = 40_000 * first_s / 86_400
    check.that(machines == int(machines), "Machines come whole: round up, or a part of the texts waits for tomorrow.")
    check.that(machines >= busy, f"{machines:.0f} machines fall behind: a day has 86,400 s and the texts need "
                                 f"{busy:.2f} machine-days.")
    check.that(machines == math.ceil(busy), "Fewer machines would do. Divide by the seconds of a day, once.")
    around_the_clock = machines * 24 * 30 * usd_per_hour
    busy_only = 40_000 * 30 * first_s / 3600 * usd_per_hour
    check.that(not math.isclose(usd, busy_only, rel_tol=1e-3) or math.isclose(busy_only, around_the_clock, rel_tol=1e-3),
               "That is the bill of the busy seconds. These machines are paid around the clock, idle time included.")
    check.close(usd, around_the_clock, "The bill is machines x 24 hours x 30 days x USD an hour.", within=0.01)
    check.right("idle hours are on the bill; cost a call falls only when the machines are kept busy.")


def check_00_2(parse):
    """A parser that abstains on everything that is not a label."""
    check.that(callable(parse), "`parse` is a function of one reply.")
    check.that(parse("positive") is not None, "The function returns nothing for 'positive': end it with `return ...`.")
    for reply in ("positive", " Negative.", "POSITIVE\n"):
        wanted = reply.strip().rstrip(".").lower()
        check.that(parse(reply) == wanted, f"{reply!r} is the label {wanted!r}: mind case, spaces and the full stop.")
    for reply in ("", "mixed"):
        check.that(parse(reply) is not None, f"For {reply!r} the function returns None, which nobody can count: "
                                             "return ABSTAIN.")
    check.that(parse("") == ABSTAIN, "An empty reply became a label. Return ABSTAIN when nothing was said.")
    check.that(parse("I would not call this positive.") == ABSTAIN,
               "'I would not call this positive.' is no label. Compare the whole reply, do not search in it.")
    check.that(parse("mixed") == ABSTAIN, "'mixed' is not one of the two labels: no default for unknown words.")
    for reply in ("positive or negative", "positively", "pos"):
        check.that(parse(reply) == ABSTAIN, f"{reply!r} is not exactly a label: abstain.")
    check.right("what is not a known label is an abstention, and you can count them.")
