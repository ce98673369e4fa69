"""Typical answers to exercise 1 of lab 12."""

RIGHT = [(680 - 150) / 4_500, 0.1178]
WRONG = [
    (680 / 4_500, "classifier"),
    ((680 + 150) / 4_500, "take them off"),
    ((680 - 150) / (4_500 - 150), "every ticket"),
    (53_000 / 4_500, "not per cent"),
    (530 / 680, "new bill"),
    (0.22, "1,500,000"),
    (..., "Replace"),
]
