"""Answers to try the exercise checks on: one file an exercise, named by its id, such as ``00_1.py``.

Each file holds ``RIGHT``, a list of values that the check accepts, and ``WRONG``, a list of at least three pairs:
a typical wrong value, and words that its hint must hold. No two wrong answers share a hint. The gate ``checks``
runs them all.
"""
