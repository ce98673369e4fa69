"""What all tests share: an environment without the reader's own settings, and a small whole course."""

import base64
import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import cut, notebooks, sums

KEY = "ab" * 32
PIXEL = base64.b64encode(b"a picture").decode()
OURS = ("MODE", "REFRESH", "TRACE", "DATA", "RTOL", "MODEL", "HOME")
ALT = "Bars of accuracy: the rules reach 0.70, the model 0.875."

RECORDING = {
    "key": KEY, "key_version": 1, "model": "m", "engine": "e 1", "date": "2026-11-23", "seconds": 1.0,
    "load": 0.1, "slots": 1, "usage": {"prompt_tokens": 5, "cached_tokens": 0, "completion_tokens": 1},
    "timings": {"prompt_ms": 1.0, "predicted_ms": 2.0}, "finish_reason": "stop", "content": "positive"}

CHAPTER = """# Deciding

The model was right in {num}`lab00:acc` of the rows. See 0.603 in {cite}`ong2024`.

![Bars of accuracy, the model ahead](bars.svg)
"""

CHECKS = '''from hybridlab import check


def check_00_1(value):
    check.that(check.number(value) >= 0, "A share is never below zero.")
    check.that(value <= 1, "That is a percentage; a share lies between 0 and 1.")
    check.close(value, 0.125, "That is the share that is right; take the rest.")
    check.right("one row in eight is wrong.")
'''

ANSWERS = '''RIGHT = [0.125]
WRONG = [(-0.125, "below zero"), (12.5, "percentage"), (0.875, "the rest"), (..., "Replace")]
'''

PAGE = '<html><head><link rel="stylesheet" href="a.css"></head><body><article><img src="b.png" alt="Bars">' \
       '<a href="https://example.org">source</a></article></body></html>'


@pytest.fixture(autouse=True)
def no_settings_of_the_reader(request, monkeypatch):
    """Tests give the same result whatever the reader has set."""
    if not request.node.get_closest_marker("live"):
        for name in [*(f"HYBRIDLAB_{ours}" for ours in OURS), "OPENAI_API_KEY", "OPENAI_BASE_URL"]:
            monkeypatch.delenv(name, raising=False)


def prose(text, *tags):
    """A Markdown cell."""
    return new_markdown_cell(text, metadata={"tags": list(tags)} if tags else {})


def code(source, count=None, printed="", tags=(), image=False):
    """A code cell that was run."""
    outputs = [new_output("stream", name="stdout", text=printed)] if printed else []
    outputs += [new_output("display_data", data={"image/png": PIXEL})] if image else []
    metadata = {"tags": list(tags)} if tags else {}
    return new_code_cell(source, execution_count=count, outputs=outputs, metadata=metadata)


def lab_cells():
    """The cells of a lab that passes every gate."""
    return [
        prose("# First call\n\nWhat does one call cost?"),
        code("from hybridlab import check, results\nchecks = check.load('lab00')", 1),
        prose("The model was right in 87.5 %<!--=lab00:acc--> of the rows."),
        code("results.save('lab00', {'acc': 0.875})\nprint(0.875)", 2, "0.875\n"),
        prose("A figure says the same."),
        code("show_bars()", 3, f"Finding: the model leads\nAlt: {ALT}\n", image=True),
        prose("**Exercise 1.** What share of the rows is wrong?", "exercise"),
        code("wrong = 1 - 0.875", 4, tags=["solution"]),
        code("checks.check_00_1(wrong)", 5, "Right: one row in eight is wrong.\n", tags=["check"]),
    ]


def write_lab(root, cells, name="00_first_call.ipynb"):
    """Write a lab in its stored form."""
    path = root / "labs" / name
    notebooks.write(notebooks.tidy(new_notebook(cells=nbformat.from_dict(cells)), path), path)
    return path


@pytest.fixture
def course(tmp_path):
    """The root of a small course on which every gate is green."""
    files = {
        "_toc.yml": "format: jb-book\nroot: index\nchapters:\n- file: chapters/01_deciding\n"
                    "  sections:\n  - file: labs/00_first_call\n",
        "index.md": "# Hybrid\n",
        "chapters/01_deciding.md": CHAPTER,
        "labs/checks/lab00.py": CHECKS,
        "tests/exercises/00_1.py": ANSWERS,
        "data/results/lab00.json": '{\n "acc": 0.875\n}\n',
        "data/recordings/lab00.m.jsonl": json.dumps(RECORDING, separators=(",", ":")) + "\n",
        "data/prose_parameters.txt": "# chosen numbers\n",
        "data/outward.txt": "# where pages may link to\nexample.org\n",
        "hybridlab/models.py": '"""Models."""\n\nHUB = "https://huggingface.co/{repo}"\n',
        "_build/trace/lab00.keys": KEY + "\n",
        "_build/html/index.html": PAGE,
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    sums.note(tmp_path, write_lab(tmp_path, lab_cells()))
    cut.write_all(tmp_path)
    sums.write(tmp_path)
    return tmp_path
