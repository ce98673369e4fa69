"""Typical answers to exercise 1 of lab 00."""

import math

from hybridlab import cost, results

S, USD = results.get("lab00:call.latency_s.value"), cost.machine_usd(3600)
BUSY = 40_000 * S / 86_400
MACHINES = math.ceil(BUSY)

RIGHT = [(MACHINES, MACHINES * 720 * USD)]
WRONG = [
    ((BUSY, BUSY * 720 * USD), "Machines come whole"),
    ((MACHINES - 1, (MACHINES - 1) * 720 * USD), "fall behind"),
    ((MACHINES + 1, (MACHINES + 1) * 720 * USD), "Fewer machines"),
    ((MACHINES, MACHINES * 24 * USD), "30 days"),
    ((MACHINES, 40_000 * 30 * S / 3600 * USD), "busy seconds"),
    (MACHINES, "pair"),
]
