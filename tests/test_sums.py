"""Sums of the data files, against coreutils' own reading of them, and digests of what the labs show."""

import hashlib
import json
import shutil
import subprocess

import pytest
from conftest import code, prose, write_lab

from tools import refresh, sums


def sha256sum(root):
    """What ``sha256sum -c`` says; None where there is no such command."""
    if not shutil.which("sha256sum"):
        return None
    return subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=root / "data", capture_output=True, text=True,
                          check=False)


def test_the_lines_are_those_of_coreutils(course):
    lines = (course / "data/SHA256SUMS").read_text().splitlines()
    by_hand = [f"{hashlib.sha256((course / 'data' / name).read_bytes()).hexdigest()}  {name}"
               for name in ("outputs.txt", "recordings/lab00.m.jsonl", "results/lab00.json")]
    assert lines == by_hand
    ran = sha256sum(course)
    assert ran is None or ran.returncode == 0 and ran.stdout.count(": OK") == 3


def test_both_see_a_changed_byte(course):
    path = course / "data/results/lab00.json"
    path.write_text(path.read_text().replace("5", "6"))
    assert len(list(sums.changed(course))) == 1
    ran = sha256sum(course)
    assert ran is None or ran.returncode == 1 and "results/lab00.json: FAILED" in ran.stdout


def test_a_tool_vouches_only_for_what_it_wrote(course):
    for name in ("results/lab00.json", "recordings/lab00.m.jsonl"):
        (course / "data" / name).write_text("{}\n")
    sums.write(course, ["results/lab00.json", "results/lab07.json"])
    assert [line.partition(":")[0] for line in sums.changed(course)] == ["data/recordings/lab00.m.jsonl"]
    sums.write(course)
    assert list(sums.changed(course)) == []


def test_notes_and_hidden_files_have_no_line(course):
    for name in ("gold/x/README.md", "recordings/.x.jsonl.swp", "prose_parameters.txt"):
        (course / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (course / "data" / name).write_text("words\n")
    assert list(sums.changed(course)) == [] == list(sums.unknown(course))


def test_refresh_notes_what_it_ran_and_mends_no_other_line(tmp_path):
    path = write_lab(tmp_path, [prose("# Tiny"), code("share = 7 / 8\nshare"), prose("Nothing."), code("x = 1")])
    (tmp_path / "data" / "recordings").mkdir(parents=True)
    (tmp_path / "data" / "recordings" / "lab00.m.jsonl").write_text("{}\n")
    refresh.refresh(path, tmp_path)
    assert list(sums.noted(tmp_path)) == ["lab00"] and list(sums.noted(tmp_path)["lab00"]) == ["lab00-2"]
    assert list(sums.edited(tmp_path)) == []
    assert [line.partition(":")[0] for line in sums.changed(tmp_path)] == ["data/recordings/lab00.m.jsonl"]
    path.write_text(path.read_text().replace("0.875", "0.675"))
    assert "cell lab00-2" in next(sums.edited(tmp_path))


def test_a_lab_that_was_renamed_leaves_the_notes(tmp_path):
    old = write_lab(tmp_path, [prose("# A"), code("1", 1, "1\n")])
    sums.note(tmp_path, old)
    old.unlink()
    sums.note(tmp_path, write_lab(tmp_path, [prose("# B"), code("2", 1, "2\n")], "02_features.ipynb"))
    assert list(sums.noted(tmp_path)) == ["lab02"] and list(sums.edited(tmp_path)) == []


QUIZ = """
**1. Of 40 rows, 4 are wrong. What share?**

<details class="quiz"><summary>10 %</summary><p>Right. Four of forty, one row in ten.</p></details>
"""


def test_quizzes_are_named_once_and_read_from_then_on(course, capsys):
    path = course / "chapters/01_deciding.md"
    path.write_text(path.read_text() + QUIZ)
    assert len(sums.read_quizzes(course, write=False)) == 1 and not (course / "data/quizzes.txt").exists()
    with pytest.raises(SystemExit, match="01_deciding.md:9: this quiz has changed"):
        sums.main(["--check", "--root", str(course)])
    sums.main(["--root", str(course)])
    assert "01_deciding.md:9: this quiz has changed" in capsys.readouterr().out
    sums.main(["--root", str(course)])
    assert "quiz" not in capsys.readouterr().out
    words = ["**1. Of 40 rows, 4 are wrong. What share?**", "10 %", "Right. Four of forty, one row in ten."]
    by_hand = hashlib.sha256(json.dumps(words).encode()).hexdigest()
    assert (course / "data/quizzes.txt").read_text() == f"{by_hand} chapters/01_deciding.md\n"


def test_the_command(course, capsys):
    sums.main(["--root", str(course)])
    assert capsys.readouterr().out.startswith("data/SHA256SUMS: 3 files")
    with pytest.raises(SystemExit) as good:
        sums.main(["--check", "--root", str(course)])
    assert good.value.code == 0
    (course / "data/results/lab00.json").unlink()
    with pytest.raises(SystemExit, match="git checkout data/results/lab00.json"):
        sums.main(["--check", "--root", str(course)])
