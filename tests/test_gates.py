"""Each gate is green on a good course and red on a bad one, with a message that names the fix."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ALT, KEY, PIXEL, RECORDING, code, lab_cells, prose, write_lab

from hybridlab import paths, results
from tools import sums
from tools.gates import GATES, __main__, files, prose as prose_gate, quizzes as quiz_gate


def change(name, old, new):
    """A function that replaces text in a file of a course."""
    def apply(course):
        text = (course / name).read_text(encoding="utf-8")
        assert old in text
        (course / name).write_text(text.replace(old, new), encoding="utf-8")
    return apply


def add(name, text):
    """A function that adds text to a file of a course."""
    def apply(course):
        path = course / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((path.read_text(encoding="utf-8") if path.exists() else "") + text, encoding="utf-8")
    return apply


def without(name):
    """A function that deletes a file of a course."""
    return lambda course: (course / name).unlink()


def relab(edit):
    """A function that rewrites the lab of a course after an edit of its cells."""
    def apply(course):
        cells = lab_cells()
        edit(cells)
        write_lab(course, cells)
    return apply


def cell(position, **fields):
    """Change fields of one cell of the lab."""
    return relab(lambda cells: cells[position].update(fields))


def insert(position, new):
    """Insert a cell into the lab."""
    return relab(lambda cells: cells.insert(position, new))


def as_line(record):
    """A recording as it stands in its file."""
    return json.dumps(record, separators=(",", ":")) + "\n"


def line(**fields):
    """Change fields of the recording; a field that is None goes."""
    record = {name: value for name, value in (RECORDING | fields).items() if value is not None}

    def apply(course):
        (course / LINES).write_text(as_line(record))
    return apply


def page(html):
    """A function that puts HTML on the site."""
    return change("_build/html/index.html", "</article>", html + "</article>")


def option(says, why):
    """An option of a quiz as a chapter writes it."""
    return f'<details class="quiz"><summary>{says}</summary>\n<p>{why}</p></details>\n'


WRONG = [("The mean", "A mean hides the tail of slow calls."),
         ("Nothing", "Silence is no answer to a reviewer."),
         ("The largest value ever seen", "One outlier decides it then.")]
RIGHT = ("The 95th one by one", "Right. It is what one caller in twenty waits.")


def quiz(*options, question="**1. Of 1,000 waits, 400 are short. Which 95th do you report?**"):
    """A quiz; without options, a good one."""
    return f"\n{question}\n\n" + "".join(option(*one) for one in options or [WRONG[0], RIGHT, *WRONG[1:]])


def number(says):
    """A quiz with a number in an option."""
    return quiz(WRONG[0], RIGHT, (says, "It would be too many for one day."))


def habit(make, count=8):
    """Good quizzes in which the right answer is found by a habit."""
    return "".join(make(position) for position in range(count))


def shuffled(position, right):
    """A quiz with its right answer at a position."""
    return quiz(*WRONG[:position % 4], right, *WRONG[position % 4:])


LAB, CHAPTER = "labs/00_first_call.ipynb", "chapters/01_deciding.md"
LINES = "data/recordings/lab00.m.jsonl"
SAMPLE_KEY = "sk" + "-" + "a1b2c3d4e5f6g7h8i9"
HOME = "/ho" + "me/ada/book"
STDERR = [{"output_type": "stream", "name": "stderr", "text": "UserWarning: old"}]
ADDRESS = [{"output_type": "stream", "name": "stdout", "text": "<Axes at 0x7f1c2d3e4f50>"}]
LONG = "\n".join(f"step_{i} = {i}" for i in range(16))

BAD = [
    ("executed", cell(3, execution_count=None), "execution counts [1, None, 3, 4, 5]", "make refresh"),
    ("executed", cell(3, execution_count=7), "not 1 to 5", "make refresh"),
    ("executed", cell(3, outputs=STDERR), "stderr ('UserWarning: old')", "at its source"),
    ("executed", cell(3, outputs=ADDRESS), "memory address", "do not print it"),
    ("executed", change(LAB, '"name": "python3"', '"name": "mine"'), "metadata or ids", "make refresh"),
    ("executed", relab(lambda cells: [c.update(outputs=[]) for c in cells if c.cell_type == "code"]),
     "compares nothing", "make refresh"),
    ("toc", change("_toc.yml", "  sections:\n  - file: labs/00_first_call\n", ""), "not on the site",
     "add it to _toc.yml"),
    ("toc", add("_toc.yml", "- file: labs/09_gone\n"), "labs/09_gone is on the site", "take it out"),
    ("cells", cell(3, source=LONG), "16 lines, the most is 15", "split it"),
    ("cells", insert(4, code("print(1)", 3, "1\n")), "code right after code", "Markdown cell between"),
    ("alt", cell(5, outputs=lab_cells()[5].outputs[1:]), "alt text ''", "plots.show(fig, alt=...)"),
    ("alt", change(LAB, f'"alt": "{ALT}"', '"alt": "Bars that say something else"'), "not the printed",
     "refresh"),
    ("alt", change(CHAPTER, "Bars of accuracy, the model ahead", ""), "bars.svg has no alt",
     "between the brackets"),
    ("alt", add(CHAPTER, "\n```{figure} bars.svg\nA caption.\n```\n"), "{figure} bars.svg", ":alt:"),
    ("alt", add(CHAPTER, '\n<svg viewBox="0 0 1 1"></svg>\n'), "<svg", "aria-label"),
    ("alt", add("_ext/svg/tiers.svg", '<svg viewBox="0 0 1 1"></svg>'), "_ext/svg/tiers.svg", "aria-label"),
    ("exercises", add("labs/exercises/00.ipynb", "\n"), "labs/exercises/00.ipynb", "edit the lab"),
    ("exercises", without("labs/exercises/00.ipynb"), "not what its lab gives", "tools.cut"),
    ("exercises", add("labs/exercises/07.ipynb", "{}"), "no lab with a solution", "delete it"),
    ("exercises", relab(lambda cells: cells.__delitem__(slice(7, 9))), "no exercise", "tag a cell solution"),
    ("exercises", relab(lambda cells: cells.pop()), "['solution']", "one check cell after each"),
    ("checks", without("tests/exercises/00_1.py"), "not there", "write RIGHT"),
    ("checks", without("labs/checks/lab00.py"), "labs/checks/lab00.py is not there", "write check_00_1"),
    ("checks", change("tests/exercises/00_1.py", "[0.125]", "[0.5]"), "right answer 0.5 is rejected", "mend"),
    ("checks", change("tests/exercises/00_1.py", "(12.5,", "(0.125,"), "wrong answer 0.125 passes",
     "reject it"),
    ("checks", change("tests/exercises/00_1.py", "percentage", "per mille"), "without 'per mille'",
     "mend either"),
    ("checks", change("tests/exercises/00_1.py", "12.5, \"percentage\"), (0.875, \"the rest\"), (", ""),
     "2 different hints", "three wrong ones"),
    ("checks", change("tests/exercises/00_1.py", "(12.5,", "('12',"), "'12' gets 'One number", "mend either"),
    ("checks", add("labs/checks/lab00.py", "\n\ndef check_00_2(value):\n    pass\n"), "check_00_2",
     "delete it"),
    ("prose", change(LAB, "87.5 %", "86 %"), "86 % is bound to lab00:acc, which is 87.5",
     "write that, rounded"),
    ("prose", change(LAB, "<!--=lab00:acc-->", ""), "'87.5 %' is bound to nothing", "bind it to a result"),
    ("prose", change(LAB, "lab00:acc-->", "lab00:auc-->"), "nothing is stored at lab00:auc", "make refresh"),
    ("prose", change(LAB, "87.5 %<!", "most <!"), "stands behind no number", "right behind the number"),
    ("prose", insert(0, prose("See {num}`lab00:acc`.")), "not rendered in a lab", "<!--=lab00:acc-->"),
    ("prose", add(CHAPTER, "\nIt costs \\$0.002 a call.\n"), "01_deciding.md:7: '$0.002'",
     "prose_parameters.txt"),
    ("prose", add(CHAPTER, "\n{num}`lab00:auc`\n"), "nothing is stored at lab00:auc", "make refresh"),
    ("prose", add(CHAPTER, "\n{num}`lab00:acc, .zz`\n"), "the format is '.zz'", ".2f"),
    ("prose", add(CHAPTER, "\n{num}`lab00:acc|.2f`\n"), "ends the cell of a table", "write lab00:acc, .2f"),
    ("prose", add(CHAPTER, "\n| a |\n|---|\n| {num}`lab00:acc|.2f` |\n"), "cut in two", "is there a bar in it"),
    ("prose", insert(0, prose("From $2 to $3 a day.")), "$2; write \\$2", "as maths"),
    ("prose", add(CHAPTER, "\n:::{note}\nIt took 3.5 s.\n:::\n"), "01_deciding.md:8: '3.5 s'",
     "cite its source"),
    ("prose", add("data/prose_parameters.txt", "the 40 % rule\n"), "'the 40 % rule' is in no text", "delete"),
    ("recordings", add("_build/trace/lab00.keys", "cd" * 32 + "\n"), "nothing for the key cdcdcd",
     "--record"),
    ("recordings", change("_build/trace/lab00.keys", KEY, ""), "delete the lines 1", "no lab and no answer"),
    ("recordings", without("_build/trace/lab00.keys"), "no trace", "run `make test`"),
    ("lines", line(messages=[{"role": "user"}]), "holds messages", "take it out"),
    ("lines", line(usage=RECORDING["usage"] | {"authorization": "x"}), "holds authorization", "take it out"),
    ("lines", line(engine=None), "has no engine", "record it again"),
    ("lines", line(key="short"), "64 hexadecimal", "record it again"),
    ("lines", line(date="yesterday"), "YYYY-MM-DD", "record it again"),
    ("lines", line(model="other"), "of the model other", "move it"),
    ("lines", add(LINES, '{"key":'), "last line is broken", "delete it"),
    ("lines", add(LINES, as_line(RECORDING)), "there twice", "delete one"),
    ("lines", add(LINES, as_line(RECORDING | {"key": "0" * 64})), "not sorted", "tidy"),
    ("results", without("data/results/lab00.json"), "not there", "make refresh"),
    ("results", add("data/results/lab07.json", "{}\n"), "no lab saves", "delete the file"),
    ("results", change("data/results/lab00.json", "0.875", "NaN"), "lab00:acc is nan", "make refresh"),
    ("results", change("data/results/lab00.json", " ", ""), "written by hand", "make refresh"),
    ("outputs", change(LAB, '"0.875\\n"', '"0.876\\n"'), "cell lab00-4 (\"results.save(",
     "tools.refresh lab00"),
    ("outputs", cell(3, outputs=[]), "not what it showed", "git checkout labs/00_first_call.ipynb"),
    ("outputs", change(LAB, PIXEL, PIXEL.lower()), "cell lab00-6", "brings it back"),
    ("outputs", without(LAB), "has lab00, which is no lab", "make refresh"),
    ("sums", change(LINES, '"load":0.1', '"load":0.2'), "data/recordings/lab00.m.jsonl: not the bytes",
     "`git checkout data/recordings/lab00.m.jsonl`"),
    ("sums", change("data/results/lab00.json", "0.875", "0.876"), "data/results/lab00.json", "make sums"),
    ("sums", without("data/results/lab00.json"), "names results/lab00.json", "forgets it"),
    ("sums", add("data/answers/x.csv", "row,label\n"), "data/answers/x.csv: has no line", "make sums"),
    ("sums", add("data/SHA256SUMS", "0" * 64 + "  results/lab00.json\n"), "sorted and once each", "make sums"),
    ("sums", without("data/SHA256SUMS"), "data/SHA256SUMS: not there", "make sums"),
    ("sums", add("data/new/x.csv", "1\n"), "data/new: neither frozen nor free", "tools/sums.py"),
    ("quizzes", add(CHAPTER, quiz(WRONG[0], RIGHT)), "01_deciding.md:9: 2 options", "give 3 or more"),
    ("quizzes", add(CHAPTER, quiz(*WRONG)), "0 right answers, not 1", '"Right."'),
    ("quizzes", add(CHAPTER, quiz(RIGHT, *WRONG, ("A", "Right. It is one, too."))), "2 right answers, not 1",
     "Two answers are right"),
    ("quizzes", add(CHAPTER, quiz(RIGHT, *WRONG, question="**Which? Two answers are right.**")),
     "1 right answers, not 2", '"Right."'),
    ("quizzes", add(CHAPTER, quiz(RIGHT, *WRONG, ("Both", "No."))), "option 5: the reason 'No.'", "say why"),
    ("quizzes", add(CHAPTER, quiz((RIGHT[0], "Right. Yes."), *WRONG)), "option 1: the reason 'Right. Yes.'",
     "right answers too"),
    ("quizzes", add(CHAPTER, quiz(RIGHT, *WRONG, ("Both", "Right, but nobody asked."))), "sounds right",
     "another word"),
    ("quizzes", add(CHAPTER, quiz(RIGHT, *WRONG, WRONG[0])), "the option 'The mean' is there twice", "its own"),
    ("quizzes", add(CHAPTER, quiz(RIGHT, *WRONG, ("", "It says nothing at all."))), "says nothing", "write"),
    ("quizzes", add(CHAPTER, quiz(RIGHT, *WRONG, question="Which?")), "no question right above", "in bold"),
    ("quizzes", add(CHAPTER, quiz() + '<details class="quiz"><summary>Half</summary>'),
     "01_deciding.md:17: an option", "write <details"),
    ("quizzes", add(CHAPTER, number("All 777 of them")), "option 3: '777' is not in its question",
     "cite its source"),
    ("quizzes", add(CHAPTER, number("At <code>0.9</code>")), "'0.9' is not in its question", "lab00:address"),
    ("quizzes", add(CHAPTER, number("86 %<!--=lab00:acc-->")), "which is 87.5", "write that"),
    ("quizzes", add(CHAPTER, number("801<!--=1,000 - 400 / 2-->")), "which is 800", "write that"),
    ("quizzes", add(CHAPTER, quiz(RIGHT, *WRONG[1:], ("85 of them", "That is the other one."),
                                  question="**Of 85 and 88, which?**")), "85 is one digit from 88", "85<!--=85-->"),
    ("quizzes", add(CHAPTER, number("800<!--=1,000 - 200-->")), "200 of the sum", "the question's numbers"),
    ("quizzes", add(CHAPTER, number("800<!--=1,000 - -->")), "is no sum", "+ - * /"),
    ("quizzes", add(CHAPTER, habit(lambda at: quiz(RIGHT, *WRONG))), "the first in 8 of 8 quizzes",
     "move it in 4 of"),
    ("quizzes", add(CHAPTER, habit(lambda at: shuffled(at, ("A" * 30, RIGHT[1])))), "the longest in 8",
     "shorten it"),
    ("quizzes", add(CHAPTER, habit(lambda at: shuffled(at, ("A", RIGHT[1])))), "the shortest in 8",
     "lengthen it"),
    ("quizzes", add(CHAPTER, habit(lambda at: shuffled(at, RIGHT), 24)), "the longest in 0 of 24",
     "make it the longest in 3 more"),
    ("quizzes", add(CHAPTER, quiz()), "01_deciding.md:9: this quiz has changed", "run `make sums`"),
    ("quizzes", add("data/quizzes.txt", "0" * 64 + " chapters/09_gone.md\n"), "data/quizzes.txt: not as it is",
     "make sums"),
    ("secrets", add("notes.md", f"use {SAMPLE_KEY} here\n"), "notes.md:1: an API key ('sk-", "revoke it"),
    ("secrets", add("a.py", 'api_key = "' + "Zm9vYmFy1" * 4 + '"\n'), "beside the word key", "take it out"),
    ("secrets", add("b.txt", "Authorization: Bear" + "er abcdef0123456789abcd\n"), "bearer token",
     "take it out"),
    ("paths", add("README.md", f"see {HOME}\n"), "README.md:1: a path of one machine", "relative"),
    ("paths", add("notes.txt", "file:" + "///etc\n"), "notes.txt:1", "relative"),
    ("hosts", add("pip.conf", "--index" + "-url https://x.org/simple\n"), "an index option", "pip settings"),
    ("hosts", add("a.md", "http://10.0" + ".0.7:8080/models\n"), "a private host", "pip settings"),
    ("hosts", add("hybridlab/models.py", 'M = "https://models.example.org/a"\n'), "models.example.org",
     "huggingface"),
    ("size", add("hybridlab/big.py", "x = 1\n" * 331), "hybridlab/big.py: 331 code lines",
     "split it by idea"),
    ("size", lambda course: [add(f"hybridlab/m{i}.py", "x = 1\n" * 320)(course) for i in range(19)],
     "hybridlab: 6081 code lines", "library"),
    ("site", page('<script src="https://cdn.org/a.js"></script>'), "asks for https://cdn.org/a.js",
     "_static"),
    ("site", page('<script>load("https://cdn.org/thebe.js")</script>'), "thebe.js", "_ext"),
    ("site", page('<link rel="stylesheet" href="//fonts.org/f.css">'), "//fonts.org/f.css", "_static"),
    ("site", page('<div style="background: url(https://x.org/a.png)"></div>'), "https://x.org/a.png",
     "_static"),
    ("site", page('<style>@import "https://x.org/b.css";</style>'), "https://x.org/b.css", "_static"),
    ("site", page('<img src="c.png" srcset="https://x.org/c2.png 2x" alt="C">'), "c2.png", "_static"),
    ("site", page('<form action="https://x.org/ask"></form>'), "asks for https://x.org/ask", "_static"),
    ("site", page('<form><button formaction="//x.org/ask">Go</button></form>'), "//x.org/ask", "_static"),
    ("site", page('<script>fetch("https://x.org/api")</script>'), "asks for https://x.org/api", "_static"),
    ("site", page("<script>new Image().src='//x.org/dot?' + here</script>"), "//x.org/dot?", "_static"),
    ("site", page('<script>new WebSocket(`wss://x.org/${here}`)</script>'), "wss://x.org/", "_static"),
    ("site", page("<p onclick=\"fetch('https://x.org/api')\">A</p>"), "https://x.org/api", "_static"),
    ("site", page('<meta http-equiv="Refresh" content="0; url=https://x.org/b">'), "https://x.org/b", "_static"),
    ("site", page('<video poster="https://x.org/p.png"></video>'), "https://x.org/p.png", "_static"),
    ("site", page('<input type="image" src="https://x.org/i.png" alt="Go">'), "https://x.org/i.png", "_static"),
    ("site", page('<svg><image xlink:href="https://x.org/s.png"/></svg>'), "https://x.org/s.png", "_static"),
    ("site", page('<svg><image href="https://x.org/s.png"/></svg>'), "https://x.org/s.png", "_static"),
    ("site", page('<link rel="preload" as="font" href="https://x.org/f.woff2">'), "f.woff2", "_static"),
    ("site", page('<base href="https://x.org/">'), "asks for https://x.org/", "_static"),
    ("site", page('<a href="b.html" ping="https://x.org/seen">A</a>'), "asks for https://x.org/seen", "_static"),
    ("site", add("_build/html/_static/calculators/a.js", 'fetch("https://x.org/api");'), "calculators/a.js: asks",
     "_static"),
    ("site", page('<a href="https://shop.org/b">A</a>'), "index.html: links to https://shop.org/b",
     "add shop.org to the list"),
    ("site", page('<a href="HTTP://example.org.shop.org">A</a>'), "links to HTTP://example.org.shop.org", "take the"),
    ("site", page('<a href="https://example.org@shop.org/">A</a>'), "links to https://example.org@shop", "take the"),
    ("site", page('<svg><a xlink:href="//shop.org">A</a></svg>'), "links to //shop.org", "add shop.org"),
    ("site", page('<script type="application/json">[{"a": "https://shop.org/b"}]</script>'),
     "links to https://shop.org/b", "add shop.org"),
    ("site", without("data/outward.txt"), "links to https://example.org", "data/outward.txt"),
    ("site", add("data/outward.txt", "example.net\n"), "no page links to example.net", "delete the line"),
    ("site", add("data/outward.txt", "example.org\n"), "not sorted and once each", "sort its lines"),
    ("site", page('<img src="c.png">'), "c.png has no alt text", "where it is drawn"),
    ("site", add("_build/html/a.css", "@font-face { src: url('https://fonts.org/a.woff2') }"), "a.css",
     "_static"),
    ("site", without("_build/html/index.html"), "no site", "make book"),
]


@pytest.mark.parametrize("name", GATES)
def test_green_on_a_good_course(course, name):
    assert GATES[name](course) == []


@pytest.mark.parametrize("name, spoil, what, fix", BAD, ids=[f"{bad[0]}-{bad[2][:40]}" for bad in BAD])
def test_red_on_a_bad_course(course, name, spoil, what, fix):
    spoil(course)
    problems = GATES[name](course)
    assert any(what in problem and fix in problem for problem in problems), problems


def test_every_gate_has_been_seen_red():
    assert {name for name, *_ in BAD} == set(GATES)


def test_one_line_a_gate_and_the_exit_status(course, capsys):
    with pytest.raises(SystemExit) as good:
        __main__.main(["--root", str(course)])
    lines = capsys.readouterr().out.splitlines()
    assert good.value.code == 0 and len(lines) == len(GATES) and all(line.startswith("OK") for line in lines)
    (course / "data/results/lab00.json").unlink()
    with pytest.raises(SystemExit) as bad:
        __main__.main(["--root", str(course), "--only", "results", "toc"])
    assert bad.value.code == 1
    assert re.search(r"^FAIL results .*\[1\]$", capsys.readouterr().out, re.M)


@pytest.mark.slow
@pytest.mark.parametrize("text, passes", [("# Good\n", True), ("# Bad\n\nSee {ref}`nowhere`.\n", False)])
def test_the_site_build_stops_at_a_warning(tmp_path, text, passes):
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: index\n")
    (tmp_path / "_config.yml").write_text('title: A book\nexecute:\n  execute_notebooks: "off"\n')
    (tmp_path / "index.md").write_text(text)
    options = ["--all", "-W", "--keep-going", "-n", "-q"]
    book = str(Path(sys.executable).with_name("jupyter-book"))
    command = [book, "build", *options, str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode == 0) is passes
    assert passes or "nowhere" in ran.stderr


def test_a_secret_is_not_shown_whole(course):
    add("notes.md", SAMPLE_KEY)(course)
    assert SAMPLE_KEY not in "".join(GATES["secrets"](course))


def problems_of(text):
    """What the gate says of the numbers in a Markdown text."""
    parts = [part for _, part, _ in prose_gate.sentences(text)]
    return [found for part in parts for found in prose_gate.sentence_problems(part)]


@pytest.mark.parametrize("text", [
    "# Speed: 1.5 s", "It costs `0.002` a call.", "```\nx = 0.5\n```", "Let $p = 0.5$ be given.",
    "It was 0.603 {cite}`ong2024`.", "It was 0.603 ([paper](https://arxiv.org/abs/2406.18665)).",
    "On 23 November 2026 and on 2026-11-23.", "See arXiv 2406.18665.", "We ask a 1.5B model 40 times.",
    "Version 1.0.4 of it.", "```{code-block} python\nx = 0.5\n```",
    "| a | b |\n|---|---|\n| 0.5 | {cite}`ong2024` |",
    "```{figure} a.svg\n:alt: Bars\n:width: 0.5\nThe caption.\n```", "---\nversion: 0.5\n---\nText."])
def test_prose_that_is_left_alone(text):
    assert problems_of(text) == []


@pytest.mark.parametrize("text, number", [
    ("It was .875.", ".875"), ("It was 88 per cent.", "88 per cent"), ("At \\$3 a day.", "$3"),
    ("It took 40 ms.", "40 ms"), ("On 40 rows (n 1,000).", "1,000"), ("Right in 35 of 40.", "35"),
    ("Up 6 points.", "6 points"), ("| a |\n|---|\n| 0.5 |", "0.5"),
    ("See [lab](../labs/00.ipynb): 0.5.", "0.5"),
    ("```{note}\n:class: tip\nIt was 0.5.\n```", "0.5"), ("It was 0.6 {cite}`a`. Ours is 0.7.", "0.7"),
    ("- first\n- it was −0.25", "−0.25"), ("> quoted 12 %", "12 %")])
def test_prose_that_must_be_bound(text, number):
    found = problems_of(text)
    assert len(found) == 1 and found[0].startswith(f"'{number}'")


@pytest.mark.parametrize("printed", ["1.32 s", "1.3 s", "1 s", "1,320 ms", "0.022 minutes", "1.32"])
def test_a_bound_number_may_change_its_unit(course, monkeypatch, printed):
    monkeypatch.setenv("HYBRIDLAB_DATA", str(course / "data"))
    (course / "data/results/lab00.json").write_text('{"wait": {"value": 1.3201, "low": 1.2, "unit": "s"}}')
    assert problems_of(f"It took {printed}<!--=lab00:wait-->.") == []
    assert problems_of(f"It took {printed}<!--=lab00:wait.low-->.") or printed == "1 s"


def test_listed_parameters_are_left_alone(course):
    add(CHAPTER, "\nA 95 % interval.\n")(course)
    assert GATES["prose"](course)
    add("data/prose_parameters.txt", "95 % interval  # everywhere\n")(course)
    assert GATES["prose"](course) == []


def test_code_lines_against_a_hand_count():
    source = '"""Doc."""\n\nimport os  # why\n\n\ndef f(\n    a,\n):\n    """Doc\n    more."""\n    # no\n' \
             '    return """text\n    of two lines"""\n'
    assert files.code_lines(source) == 6


def test_the_gates_own_files_need_no_exemption():
    own = [paths.ROOT / "tools" / "gates" / "files.py", paths.ROOT / "tests" / "test_gates.py"]
    for patterns in (files.SECRETS, files.HOSTS, {"path": files.MACHINE_PATH.pattern}):
        for path in own:
            text = path.read_text(encoding="utf-8")
            assert not [what for what, pattern in patterns.items() if re.search(pattern, text, re.M)]


@pytest.mark.parametrize("text", [
    quiz(), number("All 1,000 of them"), number("400<!--=400-->"), number("800<!--=1,000 - 400 / 2-->"),
    number("88 %<!--=lab00:acc-->"),
    number('All 777, <a href="https://example.org">they say</a>'),
    quiz(RIGHT, ("The median", "Right. It is one, too."), *WRONG, question="**Which? Two answers are right.**"),
    "".join(shuffled(position, RIGHT) for position in range(8))])
def test_good_quizzes(course, text):
    add(CHAPTER, text)(course)
    sums.read_quizzes(course)
    assert GATES["quizzes"](course) == []


def test_a_quiz_is_also_read_in_a_lab(course):
    insert(1, prose(quiz(*WRONG)))(course)
    assert GATES["quizzes"](course)[0].startswith("00_first_call.ipynb cell lab00-2")


def test_luck_is_counted_as_by_hand():
    """Of eight quizzes with four options, luck finds five or more with probability 0.027, four 0.114."""
    found = list(quiz_gate.quizzes(habit(lambda at: shuffled(at if at > 3 else 0, RIGHT)), "a.md"))
    assert [len(one.right) for one in found] == [1] * 8 and [one.right[0] for one in found].count(0) == 5
    assert "in 5 of 8 quizzes, luck gives at most 4" in next(quiz_gate.habit_problems("a.md", found, False))


def test_where_a_quiz_stands_and_how_its_lines_break_do_not_matter(course):
    add(CHAPTER, quiz())(course)
    sums.read_quizzes(course)
    change(CHAPTER, "# Deciding\n", "# Deciding\n\nMore words.\n")(course)
    change(CHAPTER, "<p>Silence is", "<p>Silence\nis")(course)
    assert GATES["quizzes"](course) == []
    change(CHAPTER, "Of 1,000 waits", "Of 1,001 waits")(course)
    assert [found.partition(" (")[0] for found in GATES["quizzes"](course)] == [
        f"{CHAPTER}:11: this quiz has changed since it was last read"]


def test_the_sites_that_a_page_may_link_to(course):
    page('<a href="https://EXAMPLE.org/a?b=1#c">A</a><a href="b.html">B</a><link rel="license" '
         'href="http://example.org/by"><script type="application/json">["https://example.org/d"]</script>'
         '<script>const svg = "http://www.w3.org/2000/svg";  // a name</script>')(course)
    assert GATES["site"](course) == []


@pytest.mark.parametrize("value, unit, style", [
    (0.1125, "", ".3f"), (0.8125, "%", ".1%"), (0.0625, "%", ".1%"), (2.5, "", ".0f"), (3.5, "", ".0f"),
    (0.28345, "%", ".2%"), (1298.5, "", ",.0f"), (-0.0004, "", ".2f")])
def test_a_lab_rounds_as_the_pages_do(value, unit, style):
    """What the role prints passes, and the same with another last digit does not."""
    shown = results.format({"value": value}, style).removesuffix(" %")
    scaled = value * prose_gate.SCALE.get(unit, 1)
    assert prose_gate.agrees(scaled, shown)
    for other in set("0123456789") - {shown[-1]}:
        assert not prose_gate.agrees(scaled, shown[:-1] + other)


def test_sums_of_a_quiz():
    assert quiz_gate.reckon("1,000 - (400 + 2) * .5") == 799
    assert "is no sum" in next(quiz_gate.sum_problems("800", "1,000 - 400 / 0", {"1000", "400"}))
