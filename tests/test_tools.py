"""The tools on small notebooks: refresh, cut, rekey, timings, and the network that is refused."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import code, lab_cells, prose, write_lab

from hybridlab import paths, recordings, results
from hybridlab.errors import BadInput
from tools import cut, notebooks, refresh, rekey, timings

FIGURE = """import matplotlib.pyplot as plt
figure, axes = plt.subplots()
axes.plot([0, 1], [0.2, 0.9])
print("Finding: up")
print("Alt: A line that rises from 0.2 to 0.9.")
plt.show()"""
TINY = [prose("# Tiny"), code("from hybridlab import results\nshare = 7 / 8"),
        prose("A figure."), code(FIGURE),
        prose("Kept."), code("results.save('lab00', {'share': share})\nshare"),
        code("share = 1", tags=["solution"])]


@pytest.fixture
def tiny(tmp_path):
    """A course of one small lab that was never run."""
    return write_lab(tmp_path, TINY)


# --- refresh --------------------------------------------------------------------------------------


def test_refresh_twice_gives_the_same_bytes(tiny, tmp_path):
    refresh.refresh(tiny, tmp_path)
    first, stored = tiny.read_bytes(), (tmp_path / "data/results/lab00.json").read_bytes()
    refresh.refresh(tiny, tmp_path)
    assert tiny.read_bytes() == first and (tmp_path / "data/results/lab00.json").read_bytes() == stored
    cells = notebooks.code(notebooks.read(tiny))
    assert [cell.execution_count for cell in cells] == [1, 2, 3, 4]
    assert cells[1].metadata.mystnb.image.alt == "A line that rises from 0.2 to 0.9."
    assert cells[2].outputs[0].data["text/plain"] == "0.875" and json.loads(stored) == {"share": 0.875}
    assert b"execution\":" not in first and b"version" not in first and str(tmp_path).encode() not in first


@pytest.mark.parametrize("source, reason", [
    ("1 / 0", "ZeroDivisionError"),
    ("import sys\nprint('log', file=sys.stderr)", "wrote to stderr"),
    ("object()", "a memory address"),
    ("import os\nprint(os.getcwd())", "a path of this machine"),
    ("import socket\nsocket.create_connection(('192.0.2.1', 80))", "NetworkRefused"),
])
def test_refresh_stores_nothing_that_would_differ_elsewhere(tmp_path, source, reason):
    path = write_lab(tmp_path, [prose("# Bad"), code(source)])
    before = path.read_bytes()
    if reason == "a path of this machine":
        assert notebooks.MACHINE_PATH.search(str(tmp_path))
    with pytest.raises(refresh.NotRefreshed, match=reason):
        refresh.refresh(path, tmp_path)
    assert path.read_bytes() == before


def test_live_runs_leave_the_lab_alone(tmp_path):
    path = write_lab(tmp_path, [prose("# Live"), code("import os\nos.environ['HYBRIDLAB_MODE']")])
    before = path.read_bytes()
    target = refresh.refresh(path, tmp_path, "live")
    assert target == tmp_path / "_build/live/00_first_call.ipynb" and path.read_bytes() == before
    assert notebooks.code(notebooks.read(target))[0].outputs[0].data["text/plain"] == "'live'"


def test_ids_stay_and_new_cells_get_readable_ones(tmp_path):
    cells = [prose("a"), prose("b"), prose("c")]
    cells[0].id, cells[1].id, cells[2].id = "lab00-1", "deadbeef", "1b4e28ba-2fa1-11d2-883f-0016d3cca427"
    notebook = notebooks.read(write_lab(tmp_path, cells))
    assert [cell.id for cell in notebook.cells] == ["lab00-1", "lab00-2", "lab00-3"]


def test_an_editor_leaves_nothing_behind(tmp_path):
    cell = code("x = 1", tags=["solution"])
    cell.metadata |= {"execution": {"iopub.execute_input": "2026-11-23"}, "scrolled": True,
                      "mystnb": {"image": {"alt": "old", "width": "80%"}}}
    notebook = notebooks.read(write_lab(tmp_path, [cell]))
    assert notebook.cells[0].metadata == {
        "tags": ["hide-cell", "solution"], "jupyter": {"outputs_hidden": True, "source_hidden": True},
        "mystnb": {"image": {"width": "80%"}}}
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


def test_an_unknown_lab_is_named(tiny, tmp_path):
    with pytest.raises(SystemExit, match="no lab lab07; there are lab00"):
        refresh.main(["lab07", "--root", str(tmp_path)])


# --- cut ------------------------------------------------------------------------------------------


def test_cut_keeps_task_setup_and_check_and_takes_the_solution(tmp_path):
    exercise = cut.cut(write_lab(tmp_path, lab_cells()))
    sources = [cell.source for cell in exercise.cells]
    assert sources[0].startswith("# Exercises: First call") and "../00_first_call.ipynb" in sources[0]
    assert sources[1:] == [lab_cells()[1].source, lab_cells()[6].source, "wrong = ...  # your turn",
                           "checks.check_00_1(wrong)"]
    assert all(not cell.outputs and cell.execution_count is None for cell in notebooks.code(exercise))


MARKED = """def cheapest(prices):
    first = prices[0]
    ### solution
    for price in prices:
        first = min(first, price)
    ### end
    return first"""


@pytest.mark.parametrize("source, wanted, stub", [
    (MARKED, set(), "def cheapest(prices):\n    first = prices[0]\n    ...  # your turn\n    return first"),
    ("rows = 8\nshare = 1 / rows", {"share"}, "share = ...  # your turn"),
    ("low, high = 1, 2", {"low", "high"}, "low = ...  # your turn\nhigh = ...  # your turn"),
    ("def f(x):\n    return x", {"f"}, "f = ...  # your turn"),
    ("print(1)", set(), "...  # your turn"),
])
def test_stubs(source, wanted, stub):
    assert cut.stub(source, wanted) == stub


def test_check_mode_names_what_is_stale(course, capsys):
    with pytest.raises(SystemExit) as good:
        cut.main(["--check", "--root", str(course)])
    assert not good.value.code
    (course / "labs/exercises/00.ipynb").write_text("{}")
    with pytest.raises(SystemExit, match="edit the lab, then run `python -m tools.cut`"):
        cut.main(["--check", "--root", str(course)])


# --- the network ----------------------------------------------------------------------------------

SHIM = paths.ROOT / "tools" / "offline"
OFFLINE = {"PYTHONPATH": str(SHIM), "HYBRIDLAB_OFFLINE": "1"}
CONNECT = "import socket; socket.socket(socket.{family}, socket.{kind}).{call}"


def python(source, **variables):
    """What a fresh Python says."""
    return subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False,
                          env=os.environ | OFFLINE | variables)


@pytest.mark.parametrize("source", [
    CONNECT.format(family="AF_INET", kind="SOCK_STREAM", call="connect(('192.0.2.1', 80))"),
    CONNECT.format(family="AF_INET", kind="SOCK_DGRAM", call="sendto(b'x', ('192.0.2.1', 53))"),
    CONNECT.format(family="AF_INET6", kind="SOCK_STREAM", call="connect_ex(('2001:db8::1', 80))"),
    "import socket; socket.getaddrinfo('example.org', 443)",
    "import urllib.request; urllib.request.urlopen('https://example.org')",
    "import httpx2; httpx2.get('https://192.0.2.1')",
    "import subprocess, sys; subprocess.run([sys.executable, '-c', "
    "'import socket; socket.create_connection((\"192.0.2.1\", 80))'], check=True)",
])
def test_the_network_is_refused(source):
    ran = python(source)
    assert ran.returncode != 0 and "HYBRIDLAB_OFFLINE=1 keeps labs and tests on this machine" in ran.stderr


@pytest.mark.parametrize("host, family", [("127.0.0.1", "AF_INET"), ("localhost", "AF_INET")])
def test_loopback_stays_open(host, family):
    ran = python("import socket\nserver = socket.create_server(('127.0.0.1', 0))\n"
                 f"socket.create_connection(({host!r}, server.getsockname()[1]))\nprint('open')")
    assert ran.stdout == "open\n", ran.stderr


def test_without_the_switch_nothing_is_refused():
    ran = python("import sitecustomize, socket\ntry:\n    socket.create_connection(('192.0.2.1', 80), 0.01)\n"
                 "except OSError as error:\n    print(type(error).__name__)", HYBRIDLAB_OFFLINE="0")
    assert "NetworkRefused" not in ran.stdout + ran.stderr


def test_another_sitecustomize_still_runs(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import builtins\nbuiltins.other_ran = True\n")
    both = os.pathsep.join([str(SHIM), str(tmp_path)])
    assert python("print(other_ran)", PYTHONPATH=both).stdout == "True\n"


def test_a_missing_recording_in_replay_reaches_no_server_not_even_a_local_one():
    ran = python("import sys, hybridlab\n"
                 "sys.addaudithook(lambda event, args: print(event) if event == 'socket.connect' else None)\n"
                 "client = hybridlab.connect('lab00')\n"
                 "client.chat.completions.create(model='m', messages=[{'role': 'user', 'content': 'new'}])",
                 HYBRIDLAB_MODE="replay", PYTHONPATH=os.pathsep.join([str(SHIM), str(paths.ROOT)]))
    assert "MissingRecording" in ran.stderr and ran.stdout == ""


# --- strict nbval ---------------------------------------------------------------------------------


def test_nbval_sees_a_changed_output_and_a_call_to_the_network(tmp_path):
    reach = "import socket\nsocket.create_connection(('192.0.2.1', 80))"
    write_lab(tmp_path, [code("1 + 1", 1, "2\n"), code("print(3)", 2, "3\n")], "00_changed.ipynb")
    write_lab(tmp_path, [code(reach, 1)], "01_network.ipynb")
    write_lab(tmp_path, [code("print(3)", 1, "3\n")], "02_good.ipynb")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "--nbval-cell-timeout=120", "-q",
         "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path / "labs")],
        capture_output=True, text=True, check=False, env=os.environ | OFFLINE, cwd=tmp_path)
    assert ran.returncode == 1 and "2 failed, 2 passed" in ran.stdout
    assert "NetworkRefused" in ran.stdout and "00_changed.ipynb::Cell 0" in ran.stdout


# --- rekey ----------------------------------------------------------------------------------------

ASK = {"model": "m", "messages": [{"role": "user", "content": "good?"}], "temperature": 0, "max_tokens": 1}
NEXT_VERSION = """import hashlib, hybridlab
from hybridlab import recordings
first = recordings.recording_key
def second(path, body, version=2):
    key = first(path, body)
    return key if version == 1 else hashlib.sha256(key.encode()).hexdigest()
recordings.recording_key = second"""
CALL = f"""client = hybridlab.connect('lab00')
client.chat.completions.create(**{ASK!r}).choices[0].message.content"""


def test_rekey_moves_what_the_labs_ask_for(course):
    """The lab itself brings the new version here, so the old keys are installed behind it."""
    old, other = recordings.recording_key("/chat/completions", ASK), "0" * 64
    file = course / "data/recordings/lab00.m.jsonl"
    line = json.loads(file.read_text())
    file.write_bytes(b"".join(recordings.dump(line | {"key": key}) for key in (other, old)))
    path = write_lab(course, [code(NEXT_VERSION), code("from tools import rekey\nrekey.install(1, 'pairs')"),
                              code(CALL)])
    notebook = notebooks.read(path)
    refresh.execute(notebook, path, course)
    assert notebook.cells[2].outputs[0].data["text/plain"] == "'positive'"
    renamed = dict(pair.split() for pair in (course / "labs/pairs").read_text().splitlines())
    assert set(renamed) == {old} and renamed[old] != old
    assert rekey.rewrite(file.parent, renamed, 2) == 1
    lines = [json.loads(line) for line in file.read_bytes().splitlines()]
    assert {line["key"]: line["key_version"] for line in lines} == {other: 1, renamed[old]: 2}
    assert [line["key"] for line in lines] == sorted(line["key"] for line in lines)
    assert all(list(line)[0] == "key" for line in lines)


def test_rekey_to_the_same_version_changes_nothing(course, capsys):
    key = recordings.recording_key("/chat/completions", ASK)
    file = course / "data/recordings/lab00.m.jsonl"
    file.write_bytes(recordings.dump(json.loads(file.read_text()) | {"key": key}))
    before = file.read_bytes()
    write_lab(course, [code("import hybridlab\n" + CALL)])
    rekey.main(["1", "--root", str(course)])
    assert "1 lines moved from key version 1 to 1" in capsys.readouterr().out and file.read_bytes() == before


# --- timings --------------------------------------------------------------------------------------


class Stopwatch:
    """A clock that moves a tenth of a second between two looks."""

    now = 0.0

    def __call__(self):
        self.now += 0.1
        return self.now


class Echo:
    """A tier that keeps what it was asked."""

    def __init__(self):
        self.asked = []

    def answer(self, rows):
        self.asked += rows["text"].tolist()
        return pd.DataFrame({"label": "yes", "prompt_tokens": 9, "cached_tokens": 4, "completion_tokens": 1},
                            index=rows.index)


def test_each_row_is_asked_once_and_the_first_is_not_counted():
    texts, tier = [f"row {i}" for i in range(201)], Echo()
    frame = timings.measure(tier, texts, clock=Stopwatch())
    assert tier.asked == texts and len(frame) == 200
    assert np.allclose(frame["seconds"], 0.1) and frame["prompt_tokens"].tolist() == [9] * 200


@pytest.mark.parametrize("texts", [["same"] * 300, [f"row {i}" for i in range(200)]])
def test_too_few_distinct_rows_are_refused(texts):
    with pytest.raises(BadInput, match="distinct"):
        timings.measure(Echo(), texts)


def test_percentiles_against_numpy_and_no_p99_under_a_thousand():
    seconds = np.random.default_rng(0).exponential(size=1000)
    found = timings.summary(seconds)
    assert found["p99"] == pytest.approx(np.quantile(seconds, 0.99), abs=1e-6)
    assert found["p50"] == pytest.approx(np.median(seconds), abs=1e-6)
    assert "p99" not in timings.summary(seconds[:999])


def test_rates_come_back_from_synthetic_calls():
    rng = np.random.default_rng(0)
    counts = {"prompt_tokens": (60, 400), "cached_tokens": (0, 50), "completion_tokens": (1, 80)}
    frame = pd.DataFrame({name: rng.integers(*ends, 500) for name, ends in counts.items()})
    read = frame["prompt_tokens"] - frame["cached_tokens"]
    frame["seconds"] = 0.2 + 0.026 * read + 0.1 * frame["completion_tokens"]
    found = timings.rates(frame)
    assert [found[name] for name in ("fixed_s", "s_per_prompt_token", "s_per_output_token")] == pytest.approx(
        [0.2, 0.026, 0.1], rel=1e-4)
    assert found["n"] == 500
    with pytest.raises(BadInput, match="do not vary"):
        timings.rates(frame.assign(completion_tokens=1))


def test_a_busy_machine_is_refused(monkeypatch):
    monkeypatch.setitem(timings.TASKS, "demo.echo", timings.Task(Echo, lambda: []))
    monkeypatch.setattr(timings.os, "getloadavg", lambda: (1.9, 1.0, 1.0))
    monkeypatch.setattr(timings, "cpu_shares", lambda processes: [95.0] + [0.0] * (len(processes) - 1))
    with pytest.raises(SystemExit) as refused:
        timings.main(["demo.echo"])
    assert "load of the last minute is 1.90" in str(refused.value) and "95 % of a core" in str(refused.value)


def test_readers_of_records_are_timed_on_every_record_and_none_is_a_rate():
    task = timings.TASKS["hhs_records.both"]
    rows = task.rows()
    assert len(rows) == 199 and rows.index.is_unique and task.stored and not task.model
    frame = timings.measure(task.tier(), rows.iloc[:4], clock=Stopwatch(), least=3)
    assert list(frame) == ["seconds"] and len(frame) == 3


def test_measuring_one_tier_keeps_the_others(monkeypatch, tmp_path):
    monkeypatch.setattr(timings, "TASKS", dict.fromkeys(["demo.a", "demo.b"], timings.Task(Echo, list)))
    frame = pd.DataFrame({"seconds": [1.0, 3.0]})
    timings.store(tmp_path / "m.json", {"machine": "m"}, {"demo.a": frame})
    timings.store(tmp_path / "m.json", {"machine": "m"}, {"demo.b": frame})
    stored = json.loads((tmp_path / "m.json").read_text())
    assert set(stored["tiers"]) == {"demo.a", "demo.b"} and stored["tiers"]["demo.a"]["mean"] == 2.0
