"""Typical answers to exercise 3 of lab 01c."""

from hybridlab import datasets

REPORTS = datasets.load("hhs", "tune")
FILED = REPORTS["individuals_affected"].astype(int)
FOUND = REPORTS["text"].str.extract(r"(\d[\d,]*)")[0].dropna()
GIVEN = FOUND.str.replace(",", "").astype(int)
N, ANSWERED, HITS = len(REPORTS), len(GIVEN), int((GIVEN == FILED[GIVEN.index]).sum())
COMMAS = int((FOUND == FILED[GIVEN.index].astype(str)).sum())
COVERAGE, PRECISION = ANSWERED / N, HITS / ANSWERED

RIGHT = [(COVERAGE, PRECISION, ANSWERED - HITS)]
WRONG = [
    ((HITS / N, PRECISION, ANSWERED - HITS), "right or wrong"),
    ((1.0, PRECISION, ANSWERED - HITS), "answers / reports"),
    ((COVERAGE, COMMAS / ANSWERED, ANSWERED - COMMAS), "commas"),
    ((COVERAGE, HITS / N, ANSWERED - HITS), "not by all reports"),
    ((COVERAGE, PRECISION, N - HITS), "empty field"),
    ((COVERAGE, 100 * PRECISION, ANSWERED - HITS), "from 0 to 1"),
    ((COVERAGE, PRECISION), "three parts"),
]
