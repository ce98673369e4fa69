"""The calculators in Python against the cases that were worked by hand."""

import json
import math
from pathlib import Path

import pytest

from hybridlab import calculators

CASES = json.loads((Path(__file__).parent / "cases" / "tco.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: f"{case['calculator']}: {case['name']}")
def test_python_agrees_with_the_arithmetic(case):
    inputs = CASES["defaults"][case["calculator"]] | case["in"]
    answer = getattr(calculators, case["calculator"])(**inputs)
    for key, value in case["out"].items():
        if value is None:
            assert not math.isfinite(answer[key]), case["work"]
        else:
            about = value if isinstance(value, str) else pytest.approx(value, rel=1e-8, abs=1e-9)
            assert answer[key] == about, (key, case["work"])
