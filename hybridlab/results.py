"""The numbers of a lab: stored once, compared at every later run, quoted by the prose.

A leaf is a number, or a dict with ``value`` and any of ``low``, ``high``, ``n`` and ``unit``. A share is
stored as a fraction: 0.875 with the unit ``"%"`` is shown as 87.5 %.
"""

import json
import math
import numbers
import os
from difflib import get_close_matches

from . import paths
from .errors import BadInput, HybridlabError

__all__ = ["ResultsDiffer", "compare", "dumps", "format", "get", "save"]

LEAF = {"value", "low", "high", "n", "unit"}


class ResultsDiffer(HybridlabError):
    """A lab computed other numbers than the stored ones; ``.evidence`` lists the differences."""


def save(lab, values, rel=1e-9):
    """Compare the numbers of a lab with the stored ones; ``make refresh`` stores them.

    In replay a difference is an error. In the other modes the reader may have changed the lab, so the
    differences are printed.

    Parameters
    ----------
    lab : str
        "lab00", "lab01a", ...
    values : dict
        Nested dicts of leaves.
    rel : float
        Largest relative difference that counts as equal; ``HYBRIDLAB_RTOL`` overrides it on machines
        whose arithmetic rounds otherwise.

    Raises
    ------
    BadInput
        NaN, infinity, a value outside its interval, or something that is not a number.
    ResultsDiffer
        In replay, with the address, the stored and the new value of each difference.

    Examples
    --------
    >>> import os, tempfile
    >>> from hybridlab import results
    >>> os.environ["HYBRIDLAB_DATA"] = tempfile.mkdtemp()
    >>> results.save("lab00", {"acc": 0.875})
    lab00 differs from the stored results:
      lab00:acc: stored nothing, new 0.875
    That is expected if a cell was changed or asked live.
    >>> results.save("lab00", {"acc": float("nan")})
    Traceback (most recent call last):
        ...
    hybridlab.errors.BadInput: lab00:acc is nan
      expected: a finite number, or a dict with one as its value
    >>> del os.environ["HYBRIDLAB_DATA"]
    """
    new = dumps(lab, values)
    if os.environ.get("HYBRIDLAB_REFRESH") == "1":
        paths.data("results").mkdir(parents=True, exist_ok=True)
        paths.data("results", f"{lab}.json").write_text(new, encoding="utf-8")
        return
    found = compare(lab, _stored(lab), json.loads(new), float(os.environ.get("HYBRIDLAB_RTOL", rel)))
    report = "\n  ".join([f"{lab} differs from the stored results:", *found])
    if found and os.environ.get("HYBRIDLAB_MODE") == "replay":
        raise ResultsDiffer(report, expected="the stored results, unless a cell was changed or asked live",
                            fix="`make refresh` if the change is meant, else undo it", evidence=found)
    if found:
        print(f"{report}\nThat is expected if a cell was changed or asked live.")


def compare(lab, stored, new, rel=1e-9):
    """One line for each address whose stored and new value differ.

    Examples
    --------
    >>> from hybridlab import results
    >>> results.compare("lab00", {"a": {"b": 1.0}}, {"a": {"b": 1.5}})
    ['lab00:a.b: stored 1.0, new 1.5']
    """
    old, new = _flat(lab, stored), _flat(lab, new)
    return [f"{address}: stored {old.get(address, 'nothing')}, new {new.get(address, 'nothing')}"
            for address in sorted(old | new) if not _same(old.get(address), new.get(address), rel)]


def dumps(lab, values):
    """The text of a results file: checked, keys sorted, floats at ten significant digits."""
    return json.dumps(_tidy(lab, values), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def get(address):
    """The leaf at an address such as ``lab01a:reviews.llm15.acc``, or a number inside it (``...acc.low``).

    Raises
    ------
    BadInput
        When nothing is stored there; the message names the nearest addresses.
    """
    lab, _, keys = address.partition(":")
    stored = found = _stored(lab)
    for key in keys.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    if found is None or isinstance(found, dict) and "value" not in found:
        near = " or ".join(get_close_matches(address, _flat(lab, stored), n=3, cutoff=0.3))
        raise BadInput(f"nothing is stored at {address}", expected=near, fix="mend it, or run `make refresh`")
    return found


def reference(text):
    """Address and format of a quoted result, which is ``address`` or ``address, format``.

    Examples
    --------
    >>> from hybridlab import results
    >>> results.reference("lab01a:birds.rules.ap, .2f")
    ('lab01a:birds.rules.ap', '.2f')
    >>> results.reference("lab01a:birds.rules.ap|.2f")
    Traceback (most recent call last):
        ...
    hybridlab.errors.BadInput: 'lab01a:birds.rules.ap|.2f' holds a bar, which ends the cell of a table
      expected: an address, or an address, a comma and a format
      to do:    write lab01a:birds.rules.ap, .2f
    """
    if "|" in text:
        raise BadInput(f"{text!r} holds a bar, which ends the cell of a table",
                       expected="an address, or an address, a comma and a format",
                       fix=f"write {text.replace('|', ', ')}")
    address, _, fmt = (part.strip() for part in text.partition(","))
    return address, fmt


def format(leaf, fmt=""):
    """A leaf as the prose shows it: value, unit, interval and n, where it has them.

    Parameters
    ----------
    leaf : number or dict
    fmt : str
        ``%``, ``usd``, ``s`` or ``n`` (a whole number); a digit count such as ``.0%``; or a format
        specification of Python for the bare number. Without it the unit decides, at three digits.

    Examples
    --------
    >>> from hybridlab import results
    >>> results.format({"value": 0.875, "low": 0.8125, "high": 0.93, "n": 40, "unit": "%"})
    '87.5 % (81.2 to 93.0 %, n 40)'
    >>> results.format(0.00205, "usd"), results.format(4000, "n")
    ('$0.00205', '4,000')
    >>> results.format(1.3219, "s"), results.format(0.00124, "s")
    ('1.32 s', '1.24 ms')
    >>> results.format({"value": 0.875, "low": 0.8125, "high": 0.93}, ".2f")
    '0.88 (0.81 to 0.93)'
    """
    leaf = leaf if isinstance(leaf, dict) else {"value": leaf}
    before, spec, after, scale = _style(fmt or leaf.get("unit", ""), leaf["value"])
    shown = [leaf[key] * scale for key in ("value", "low", "high") if key in leaf]
    try:
        value, *ends = [f"{before}{number:{spec}}" for number in shown]
    except ValueError as error:
        raise BadInput(f"the format is {fmt!r}", expected="%, usd, s, n, or such as .2f and .0%") from error
    inside = [" to ".join(ends) + after] if len(ends) == 2 else []
    inside += [f"n {leaf['n']:,}"] if "n" in leaf else []
    return value + after + (f" ({', '.join(inside)})" if inside else "")


def _style(style, value):
    if style.endswith("%"):
        return "", (style[:-1] or ".1") + "f", " %", 100
    if style == "usd":
        return "$", ",.2f" if abs(value) >= 1 else _three_digits(value), "", 1
    if style == "n" or not (style == "" or style.isalpha()):
        return "", {"n": ",.0f"}.get(style, style), "", 1
    if style == "s" and abs(value) < 0.1:
        return "", _three_digits(1000 * value), " ms", 1000
    return "", _three_digits(value), f" {style}".rstrip(), 1


def _three_digits(value):
    whole = value == 0 or isinstance(value, int)
    return f",.{0 if whole else max(0, 2 - math.floor(math.log10(abs(value))))}f"


def _stored(lab):
    path = paths.data("results", f"{lab}.json")
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _flat(address, values):
    if not isinstance(values, dict):
        return {address: values}
    return {at: end for key, inner in values.items() for at, end in _flat(_join(address, key), inner).items()}


def _join(address, key):
    if not isinstance(key, str) or not key or set(key) & set(".:|` "):
        raise BadInput(f"{address} has the key {key!r}", expected="a word without . : | ` or space")
    return f"{address}{'.' if ':' in address else ':'}{key}"


def _same(old, new, rel):
    if isinstance(old, numbers.Real) and isinstance(new, numbers.Real):
        return math.isclose(old, new, rel_tol=rel, abs_tol=1e-12)
    return old == new


def _tidy(address, values):
    if not isinstance(values, dict):
        return _number(address, values)
    leaf = "value" in values
    walk = _number if leaf else _tidy
    tidy = {key: str(inner) if leaf and key == "unit" else walk(_join(address, key), inner)
            for key, inner in values.items()}
    if leaf and set(tidy) - LEAF:
        raise BadInput(f"{address} holds {sorted(tidy)}", expected="value, and any of low, high, n, unit")
    if leaf and not tidy.get("low", -math.inf) <= tidy["value"] <= tidy.get("high", math.inf):
        raise BadInput(f"{address} is {tidy}", expected="low <= value <= high")
    return tidy


def _number(address, value):
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(value):
        raise BadInput(f"{address} is {value}", expected="a finite number, or a dict with one as its value")
    return int(value) if isinstance(value, numbers.Integral) else float(f"{float(value):.10g}")
