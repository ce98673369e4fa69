"""Checks of lab 04."""

import math

from hybridlab import check


def check_04_1(reserved_usd):
    """Machines reserved for the peak, paid by the hour, busy or not."""
    check.that(callable(reserved_usd), "`reserved_usd` is a function of four numbers.")
    found = check.number(reserved_usd(1_000_000, 1, 0.1, 3))  # 0.3805 a second, 1.14 at the peak: two machines
    mean = 1_000_000 / (730 * 3600)
    check.that(not math.isclose(found, 146 * mean / 2, rel_tol=1e-6),
               f"${found:.2f}: that is the bill of the busy hours. An idle hour is paid as well: utilisation is told, never multiplied in.")
    check.that(not math.isclose(found, 3 * mean * 73, rel_tol=1e-6),
               f"${found:.2f}: that rents {3 * mean:.2f} machines. Machines come whole: round up.")
    check.that(not math.isclose(found, 73, rel_tol=1e-6),
               "$73 is one machine. At the peak, three times the mean, 1.14 queries come a second and one machine falls behind.")
    check.that(not math.isclose(found, 2 * 720 * 0.1, rel_tol=1e-6), "A month has 730 hours here (8,760 / 12), not 720.")
    check.close(found, 146, "Two machines x 730 hours x $0.10 = $146.", within=1e-6)
    check.close(reserved_usd(0, 1, 0.1, 3), 73, "A month without a query still has its machine: at least one is reserved.")
    check.close(reserved_usd(730 * 3600, 1, 0.1, 1), 73, "One query a second at one query a second needs one machine, and fills it.")
    check.right("the API is compared with reserved hours. Night is when your machines are dearest: nobody uses them, and you pay.")


def check_04_2(repairs_within):
    """The most repair turns whose prompt tokens, added up, stay within a budget."""
    check.that(callable(repairs_within), "`repairs_within` is a function of budget, prompt, written and feedback.")
    found = repairs_within(3000, 500, 100, 50)  # 500 + 650 + 800 = 1,950, and 950 more are 2,900, 1,100 more are 4,000
    check.that(found is not ..., "Replace the `...` by your own lines.")
    far = repairs_within(10_000, 100, 300, 200)  # 100 + 600 + ... + 2,600 = 8,100, and 3,100 more are 11,200: five
    check.that(far != 7, "Your turns grow by the reply alone. The *feedback* stays in the conversation as well: written + feedback.")
    check.that(far != 9, "Your turns grow by the feedback alone. The *reply* that failed is sent again as well: written + feedback.")
    check.that(found != 5, "5 repairs would be right if every turn sent 500 tokens. Each turn sends again all that was said before.")
    check.that(found != 16, "16: every single turn stays below the budget. *Added up*, they are far above it.")
    check.that(found != 4, "4 turns fit, and the first of them is no repair: count the turns after the first.")
    check.close(found, 3, "500 + 650 + 800 + 950 = 2,900 fit into 3,000: three repairs.")
    check.close(repairs_within(2900, 500, 100, 50), 3, "2,900 tokens are within a budget of 2,900: compare with <=.")
    check.close(repairs_within(600, 500, 100, 50), 0, "Into 600 tokens only the first turn fits: no repair, 0.")
    check.that(repairs_within(400, 500, 100, 50) is None, "Into 400 tokens not even the first turn fits: return None.")
    check.right("three repairs cost 2,900 tokens here and six cost 6,650, more than twice as much: tokens grow faster than turns. Limit the turns before you limit the price.")


def check_04_3(net_usd):
    """What an answer cache saves a query, net of false hits and look-ups."""
    check.that(callable(net_usd), "`net_usd` is a function of five numbers.")
    found = check.number(net_usd(0.5, 0.1, 0.01, 0.02, 0.0004))
    check.that(not math.isclose(found, 0.0046), "$0.0046 leaves the false hits out: each is a wrong answer, and it costs.")
    check.that(not math.isclose(found, 0.0041),
               "$0.0041 lets a false hit save nothing and cost nothing. The call is saved; the error is paid.")
    check.that(not math.isclose(found, 0.004), "$0.0040 leaves the look-up out: every query pays it, whether it hits or not.")
    check.that(not math.isclose(found, 0.0031),
               "$0.0031 charges a false hit twice: it lets it save no call *and* takes its error off. The call was saved; only the error costs.")
    check.that(not math.isclose(net_usd(0.4, 0.1, 0.01, 0.02, 0.0004), 0.002),
               "You charge a false hit twice: one wrong answer costs one error_usd.")
    check.that(not math.isclose(found, 0.0026), "$0.0026 takes false_share of all queries. It is a share of the hits.")
    check.that(not math.isclose(found, 0.0038), "The look-up is paid by every query, whether it hits or not.")
    check.that(found < 0.005, "More than all hits save: take the false hits off, do not add them.")
    check.close(found, 0.0036, "0.5 x (0.01 - 0.1 x 0.02) - 0.0004 = 0.0036.", within=1e-9)
    check.close(net_usd(0.5, 0.1, 0.01, 0.2, 0.0004), -0.0054,
                "At 20 cents an error this cache loses half a cent a query: let it be negative.", within=1e-9)
    check.right("a cache is worth it while an error costs less than the call divided by the share of false hits.")


def check_04_4(window):
    """The measured shares at which a cascade is good enough and no dearer."""
    check.that(callable(window), "`window` is a function of shares, quality, floor and two prices.")
    shares, quality = [0, 0.2, 0.4, 0.6, 0.8, 1], [0.78, 0.82, 0.86, 0.88, 0.88, 0.87]
    found = window(shares, quality, 0.85, 0.3, 1.0)  # p* = 0.7; good enough from 0.4 on
    check.that(found is not ..., "Replace the `...` by your own lines.")
    check.that(found != (0, 0.6), "(0, 0.6) is cheap enough. But at a share of 0 the quality is 0.78, below the floor of 0.85.")
    check.that(found != (0.4, 1), "(0.4, 1) is good enough. But above p* = 0.7 the cascade costs more than the strong tier alone.")
    check.that(found not in (None, (0.4, 0.7)),
               "p* = 1 - 0.3 / 1.0 = 0.7, and the largest *measured* share below it is 0.6: report what was measured.")
    check.that(isinstance(found, tuple) and len(found) == 2, "Return a pair: (smallest, largest).")
    check.that(found == (0.4, 0.6), "Good enough are 0.4 and more, cheap enough 0.7 and less: (0.4, 0.6).")
    check.that(window(shares, quality, 0.85, 0.7, 1.0) is None,
               "With p* = 0.3 the cheap shares are not good enough: no share is allowed, so return None.")
    check.that(window(shares, quality, 0.88, 0.2, 1.0) == (0.6, 0.8), "A share exactly at p* costs the same: it is no dearer, so it counts.")
    check.right("p* alone is half of the answer; the floor is the other half, and together they may leave nothing.")
