"""Results against hand-worked numbers; checks against what a notebook shows."""

import json
import math

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from hybridlab import check, results
from hybridlab.errors import BadInput

ACC = {"value": 0.875, "low": 0.81, "high": 0.93, "n": 40, "unit": "%"}
VALUES = {"reviews": {"llm15": {"acc": ACC}}, "calls": 3}


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """A data folder in which the results of lab00 are stored."""
    monkeypatch.setenv("HYBRIDLAB_DATA", str(tmp_path))
    monkeypatch.setenv("HYBRIDLAB_REFRESH", "1")
    results.save("lab00", VALUES)
    monkeypatch.setenv("HYBRIDLAB_REFRESH", "0")
    monkeypatch.setenv("HYBRIDLAB_MODE", "replay")
    return tmp_path / "results" / "lab00.json"


def test_equal_numbers_pass_in_silence(stored, capsys):
    results.save("lab00", VALUES)
    assert capsys.readouterr().out == ""


def test_a_difference_names_address_both_values_and_the_fix(stored):
    with pytest.raises(results.ResultsDiffer) as error:
        results.save("lab00", {**VALUES, "calls": 4})
    assert "lab00:calls: stored 3, new 4" in str(error.value) and "make refresh" in str(error.value)
    assert error.value.evidence == ["lab00:calls: stored 3, new 4"]


def test_new_and_lost_addresses_differ_too(stored):
    with pytest.raises(results.ResultsDiffer) as error:
        results.save("lab00", {"reviews": VALUES["reviews"], "rows": 1})
    assert error.value.evidence == ["lab00:calls: stored 3, new nothing", "lab00:rows: stored nothing, new 1"]


def test_nothing_stored_is_a_difference(stored):
    stored.unlink()
    with pytest.raises(results.ResultsDiffer, match="stored nothing, new 3"):
        results.save("lab00", VALUES)


def test_a_reader_who_changed_the_lab_is_told_and_not_stopped(stored, monkeypatch, capsys):
    monkeypatch.setenv("HYBRIDLAB_MODE", "auto")
    results.save("lab00", {**VALUES, "calls": 4})
    assert "lab00:calls: stored 3, new 4" in capsys.readouterr().out
    assert json.loads(stored.read_text())["calls"] == 3


@pytest.mark.parametrize("factor, same", [(1 + 1e-10, True), (1 + 1e-6, False)])
def test_tolerance_is_relative(factor, same):
    assert (results.compare("l", {"a": 1e-5}, {"a": 1e-5 * factor}) == []) is same


def test_other_machines_may_widen_the_tolerance(stored, monkeypatch):
    monkeypatch.setenv("HYBRIDLAB_RTOL", "0.5")
    results.save("lab00", {**VALUES, "calls": 4})


def test_the_file_is_stable(stored):
    first = stored.read_bytes()
    assert first == results.dumps("lab00", json.loads(first)).encode()
    thirds = results.dumps("l", {"b": 1 / 3, "a": np.float64(2 / 3)})
    assert thirds == '{\n "a": 0.6666666667,\n "b": 0.3333333333\n}\n'
    assert results.dumps("l", {"n": np.int64(3)}) == '{\n "n": 3\n}\n'


@pytest.mark.parametrize("values, message", [
    ({"a": {"b": math.nan}}, "l:a.b is nan"),
    ({"a": math.inf}, "l:a is inf"),
    ({"a": "high"}, "l:a is high"),
    ({"a": True}, "l:a is True"),
    ({"a": None}, "l:a is None"),
    ({"a": {"value": 0.5, "low": 0.6, "high": 0.7}}, "low <= value <= high"),
    ({"a": {"value": 0.8, "high": 0.7}}, "low <= value <= high"),
    ({"a": {"value": 0.5, "sd": 0.1}}, "any of low, high, n, unit"),
    ({"a": {"value": {"b": 1}}}, "l:a.value is"),
    ({"a.b": 1}, "key 'a.b'"),
    ({3: 1}, "key 3"),
])
def test_what_is_no_result_is_refused_with_its_address(values, message):
    with pytest.raises(BadInput) as error:
        results.dumps("l", values)
    assert message in str(error.value)


def test_addresses(stored):
    assert results.get("lab00:calls") == 3
    assert results.get("lab00:reviews.llm15.acc")["n"] == 40
    assert results.get("lab00:reviews.llm15.acc.low") == 0.81


@pytest.mark.parametrize("address, hint", [
    ("lab00:reviews.llm15.auc", "lab00:reviews.llm15.acc"), ("lab00:reviews", "make refresh"),
    ("lab07:calls", "make refresh"), ("calls", "make refresh"), ("lab00:calls.low", "lab00:calls")])
def test_a_wrong_address_says_what_is_near(stored, address, hint):
    with pytest.raises(BadInput) as error:
        results.get(address)
    assert f"nothing is stored at {address}" in str(error.value) and hint in str(error.value)


@pytest.mark.parametrize("leaf, fmt, text", [
    (0.875, "", "0.875"), (0.875, "%", "87.5 %"), (0.875, ".0%", "88 %"), (0.875, ".2f", "0.88"),
    (4000, "", "4,000"), (4000.0, "n", "4,000"), (0, "", "0"), (0.0, "usd", "$0"), (12345.6, "", "12,346"),
    (0.00136, "usd", "$0.00136"), (1234.5, "usd", "$1,234.50"), (23.04, "s", "23.0 s"),
    (0.16, "s", "0.160 s"),
    ({"value": 0.5, "unit": "%"}, "", "50.0 %"), ({"value": 31, "unit": "tokens"}, "", "31 tokens"),
    ({"value": 2.0, "low": 1.5, "high": 2.25, "unit": "s"}, "", "2.00 s (1.50 to 2.25 s)"),
    ({"value": 0.002, "low": 0.0015, "high": 0.0025}, "usd", "$0.00200 ($0.00150 to $0.00250)"),
    ({"value": 0.5, "n": 1000}, ".1f", "0.5 (n 1,000)"), (-0.0213, "", "-0.0213")])
def test_formats_by_hand(leaf, fmt, text):
    assert results.format(leaf, fmt) == text


@pytest.mark.parametrize("fmt", [".zz", "7q"])
def test_an_unknown_format_is_refused(fmt):
    with pytest.raises(BadInput, match="the format is"):
        results.format(0.5, fmt)


@pytest.mark.parametrize("value, words", [(..., "Replace the"), ("0.5", "is str"), (None, "is NoneType")])
def test_a_check_of_a_number_says_what_came_in(value, words):
    with pytest.raises(check.NotYet, match=words):
        check.close(value, 0.5, "hint")


def test_a_notebook_shows_the_hint_and_nothing_else(capsys):
    shell = InteractiveShell()
    shell.run_cell("from hybridlab import check\ncheck.that(False, 'count the rows again')")
    shown = capsys.readouterr()
    assert (shown.out + shown.err).strip() == "Not yet: count the rows again"


def test_an_unknown_lab_has_no_checks(tmp_path):
    with pytest.raises(BadInput, match="'lab99' has no checks"):
        check.load("lab99", tmp_path)
