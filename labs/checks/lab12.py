"""Checks of lab 12."""

import math

from hybridlab import check


def check_12_1(answer):
    """The escalated share at which the printed bill would be right."""
    share = check.number(answer)
    check.that(not math.isclose(share, 680 / 4_500, rel_tol=1e-3),
               "15.1 % leaves nothing for the classifier. It reads all 1,500,000 tickets and is paid first.")
    check.that(not math.isclose(share, (680 + 150) / 4_500, rel_tol=1e-3),
               "The classifier's $150 are inside the $680: take them off, do not add them.")
    kept = (680 - 150) / (4_500 - 150)  # the classifier is paid on the kept tickets alone
    check.that(not math.isclose(share, kept, rel_tol=1e-3),
               "That pays the classifier for the tickets it keeps. It reads every ticket before it knows which.")
    check.that(not math.isclose(share, 530 / 4_500 * 100, rel_tol=1e-3), "A share, not per cent: divide by 100.")
    check.that(not math.isclose(share, 530 / 680, rel_tol=1e-3),
               "That is the share of the new bill. Divide by what all tickets cost at the old price.")
    check.close(share, 530 / 4_500, "(680 - 1,500,000 x 0.0001) / 4,500.", within=1e-4)
    check.right("the printed bill needs about half of the printed share to be passed on.")


def check_12_2(cascade_usd):
    """The average price of a query when every tier on its way is paid."""
    check.that(callable(cascade_usd), "`cascade_usd` is a function of shares and prices.")
    found = cascade_usd([0.3, 0.5, 0.2], [0, 0.001, 0.01])  # 0.7 x 0.001 + 0.2 x 0.01 = 0.0027
    check.that(found is not ... and found is not None, "Return a number.")
    check.that(not math.isclose(found, 0.0025), "$0.0025 pays only the tier that answers. The tiers before it were asked, too.")
    check.that(not math.isclose(found, 0.011), "$0.011 sends every query to every tier: that is an ensemble.")
    check.that(not math.isclose(found, 0.0053), "$0.0053 lets 30 and 50 % pay for the next tier. Those are the shares that *stop* there.")
    check.close(found, 0.0027, "0.7 of the queries reach the second tier, 0.2 the third: 0.7 x 0.001 + 0.2 x 0.01.", within=1e-9)
    check.close(cascade_usd([1.0, 0.0], [0.002, 5]), 0.002, "If all stop at the first tier, only the first is paid.", within=1e-9)
    check.close(cascade_usd([0.0, 1.0], [0.002, 0.01]), 0.012,
                "The first tier is asked even when it answers nothing: 0.002 + 0.01.", within=1e-9)
    check.right("a tier is paid by all that reach it. A cheap first tier that answers nothing is not free.")


def check_12_3(mix_range):
    """The lowest and the highest accuracy of a mix."""
    check.that(callable(mix_range), "`mix_range` is a function of shares and accuracies.")
    found = mix_range([0.5, 0.5], [0.8, 0.9])  # 0.5 - 0.2 + 0.5 - 0.1 = 0.7, and 1.0
    check.that(isinstance(found, tuple) and len(found) == 2, "Return a pair: (lowest, highest).")
    low, high = map(check.number, found)
    check.that(not (math.isclose(low, 0.85) and math.isclose(high, 0.85)),
               "0.85 is the mix when queries are dealt out blindly. A router can do worse, and better.")
    check.that(not (math.isclose(low, 0.8) and math.isclose(high, 0.9)),
               "The best and the worst tier are no bounds: a mix can beat both, or be worse than either.")
    check.that(low <= high, "The lowest comes first.")
    check.close(low, 0.7, "At worst a tier gets all of its errors: share - (1 - accuracy) is left, for each tier.", within=1e-9)
    check.close(high, 1.0, "At best a tier gets none of its errors: the smaller of share and accuracy, for each tier.", within=1e-9)
    low, high = map(check.number, mix_range([0.1, 0.9], [0.8, 0.6]))
    check.close(low, 0.5, "With a share of 0.1 and 20 % errors the tier can be wrong on all it gets: 0, not -0.1.", within=1e-9)
    check.close(high, 0.7, "A tier that is right on 0.6 of all queries cannot be right on 0.9 of them.", within=1e-9)
    check.right("between the two lies the router's work, and only a measurement says where.")


def check_12_4(leaked):
    """The share of test texts that are in train."""
    check.that(callable(leaked), "`leaked` is a function of train and test.")
    train, test = ["My parcel is late", "Hello"], ["my  parcel is late", "my parcel is LATE ", "Hello?", "Bye"]
    found = check.number(leaked(train, test))
    check.that(found != 2, "2 of 4 is a count. A share was asked for.")
    check.that(found != 0, "'my  parcel' and 'My parcel' are the same text here: bring both to one form.")
    check.that(not math.isclose(found, 1 / 3), "1 of 3 counts each text once. Two test rows with one text are two leaked rows.")
    check.that(not math.isclose(found, 0.25), "One of the two copies is missed: capitals *and* white space do not count.")
    check.that(found != 0.75, "'Hello?' is not 'Hello': leave the punctuation as it is.")
    check.close(found, 0.5, "The first two test texts are copies: 2 of 4.", within=1e-9)
    check.close(leaked(["a"], ["a", "A"]), 1, "All copies: 1.", within=1e-9)
    check.right("run it on your own split before you quote a score. Near copies need more than this, but start here.")
