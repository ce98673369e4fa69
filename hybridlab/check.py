"""Checks of the exercises: a check prints that an answer is right, or stops with a hint.

A check is a plain function ``check_<id>(value)`` in ``labs/checks/<lab>.py``.
"""

import importlib.util
import math
import numbers

from . import paths
from .errors import BadInput

__all__ = ["NotYet", "close", "load", "number", "right", "that"]


class NotYet(AssertionError):
    """An answer that is not right yet; the message is the hint, and a notebook shows nothing else."""

    def _render_traceback_(self):
        return [f"Not yet: {self}"]


def that(ok, hint):
    """Stop with the hint unless ``ok``.

    Examples
    --------
    >>> from hybridlab import check
    >>> check.that(2 > 1, "compare again")
    >>> check.that(1 > 2, "compare again")
    Traceback (most recent call last):
        ...
    hybridlab.check.NotYet: compare again
    """
    if not ok:
        raise NotYet(hint)


def number(value):
    """The answer as a float; stop when it is the unfilled ``...`` or no number at all."""
    that(value is not ..., "Replace the `...` by your own line, then run the cell again.")
    that(isinstance(value, numbers.Real), f"One number is asked for; this is {type(value).__name__}.")
    return float(value)


def close(value, wanted, hint, within=1e-6):
    """Stop with the hint unless the number is within ``within`` of the wanted one.

    Examples
    --------
    >>> from hybridlab import check
    >>> check.close(0.3333, 1 / 3, "divide by three", within=0.001)
    """
    that(math.isclose(number(value), wanted, rel_tol=0, abs_tol=within), hint)


def right(why):
    """Say that the answer is right, and why it matters.

    Examples
    --------
    >>> from hybridlab import check
    >>> check.right("one token is one step of the model.")
    Right: one token is one step of the model.
    """
    print(f"Right: {why}")


def load(lab, root=None):
    """The checks of a lab, such as "lab00": a module with its ``check_<id>`` functions."""
    path = (root or paths.ROOT) / "labs" / "checks" / f"{lab}.py"
    if not path.exists():
        known = ", ".join(sorted(file.stem for file in path.parent.glob("lab*.py"))) or "none yet"
        raise BadInput(f"{lab!r} has no checks", expected=f"one of: {known}")
    spec = importlib.util.spec_from_file_location(f"checks_{lab}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
