"""The gates against a hundred seeded mutations of each kind: red every time, with a place and a fix.

Each mutation is made on a copy of the real files that the gate concerned reads, one lab or page at a time. It is
caught when the gate says something new that names the place and the fix. What nbval compares in `make test` by
running a lab, the gate ``outputs`` compares here by the digest that was noted when the lab ran.
"""

import functools
import json
import random
import re
import shutil
from types import SimpleNamespace

import pytest
from conftest import PAGE

from hybridlab import paths
from tools import notebooks, sums
from tools.gates import GATES, files, prose, quizzes

pytestmark = pytest.mark.slow

ROOT, SEEDS = paths.ROOT, 100
LABS = [path.relative_to(ROOT).as_posix() for path in notebooks.labs(ROOT)]
CHAPTERS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "chapters").glob("*.md"))
DIGIT = re.compile(r"\d")
ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"


def copied(root, *names):
    """Copy files and folders of the repository into ``root``, under the same names."""
    for name in names:
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, dirs_exist_ok=True)
        elif (ROOT / name).exists():
            shutil.copyfile(ROOT / name, target)
    return root


def other_digit(rng, digit):
    """Another digit."""
    return rng.choice([one for one in "0123456789" if one != digit])


def digit_changed(rng, text, spans):
    """The text with one digit changed inside one of the spans, each a pair of positions."""
    at = rng.choice([found.start() for span in spans for found in DIGIT.finditer(text, *span)])
    return text[:at] + other_digit(rng, text[at]) + text[at + 1:]


# Each kind is a function of a generator and an empty root: it copies what the gate needs, and returns the file to
# spoil, its spoilt text and the words by which a message names the place.


def lab(rng, root, wanted, *more):
    """A copied lab with its cells that are wanted; the lab is one that has some."""
    for name in rng.sample(LABS, len(LABS)):
        notebook = notebook_of(name)
        cells = [cell for cell in notebook.cells if wanted(cell)]
        if cells:
            copied(root, name, *more)
            return SimpleNamespace(path=root / name, notebook=notebook, cell=rng.choice(cells))
    raise AssertionError("no lab has such a cell")


def notebook_of(name):
    return notebooks.read(ROOT / name)


def spoilt(found):
    """What a kind returns when it changed a cell of a lab."""
    return found.path, notebooks.text(found.notebook), found.cell.id


def texts_of(cell):
    """Where the texts of a code cell's outputs are: pairs of a dictionary and a key."""
    for output in cell.get("outputs", []):
        for holder, key in ((output, "text"), (output.get("data", {}), "text/plain"),
                            (output.get("data", {}), "text/html")):
            if DIGIT.search(holder.get(key, "")):
                yield holder, key


def output(rng, root):
    """A digit of a stored text output."""
    found = lab(rng, root, lambda cell: any(texts_of(cell)))
    copied(root, "data/outputs.txt")
    keep_lab(root, found.path)
    holder, key = rng.choice(list(texts_of(found.cell)))
    holder[key] = digit_changed(rng, holder[key], [(0, len(holder[key]))])
    return spoilt(found)


def keep_lab(root, path):
    """Keep the digests of one lab."""
    name = notebooks.lab_name(path)
    lines = (root / "data" / sums.OUTPUTS).read_text(encoding="utf-8").splitlines(keepends=True)
    (root / "data" / sums.OUTPUTS).write_text("".join(line for line in lines if line.split()[1] == name))


def bound(text):
    """Where the bound numbers of a Markdown text are."""
    return [found.span("number") for found in prose.NUMBER.finditer(text) if found["address"]]


def bound_number(rng, root):
    """A digit of a bound number in the text of a lab."""
    found = lab(rng, root, lambda cell: cell.cell_type == "markdown" and bound(cell.source), "data/results",
                "data/prose_parameters.txt")
    found.cell.source = digit_changed(rng, found.cell.source, bound(found.cell.source))
    return spoilt(found)


def measured(folder, pattern):
    """A kind that changes a digit of a file below data/."""
    def kind(rng, root):
        name = rng.choice(sorted(path.name for path in (ROOT / "data" / folder).glob(pattern)))
        copied(root, f"data/{folder}/{name}")
        sums.write(root)
        path = root / "data" / folder / name
        text = path.read_text(encoding="utf-8")
        digit = DIGIT.search(text, rng.randrange(len(text))) or DIGIT.search(text)
        return path, digit_changed(rng, text, [digit.span()]), f"data/{folder}/{name}"
    return kind


def page_with_quizzes(rng, root):
    """A copied page and its quizzes."""
    names = [name for name in CHAPTERS if quizzes.OPTION.search((ROOT / name).read_text(encoding="utf-8"))]
    path = copied(root, name := rng.choice(names), "data/results") / name
    text = path.read_text(encoding="utf-8")
    return path, text, list(quizzes.OPTION.finditer(text))


def quiz_number(rng, root):
    """A digit of a number in an option or a reason of a quiz, or of the sum behind it; F1 is a name."""
    path, text, options = page_with_quizzes(rng, root)
    spans = [span for one in options for part in (1, 2) for span in numbers(text, *one.span(part))]
    return (path, digit_changed(rng, text, spans), "option ") if spans else quiz_number(rng, root)


def numbers(text, start, end):
    """Where the numbers in a part of a text are, and the sums behind them."""
    for found in prose.NUMBER.finditer(text, start, end):
        yield found.span("number")
        if found["address"] and quizzes.SUM.fullmatch(found["address"].strip()):
            yield found.span("address")


def quiz_digit(part):
    """A kind that changes any digit of the questions, the options or the reasons of a page."""
    def kind(rng, root):
        path, text, options = page_with_quizzes(rng, root)
        quizzes_read(root)
        spans = {"question": questions(text, path), "option": [one.span(1) for one in options],
                 "reason": [one.span(2) for one in options]}[part]
        if not any(DIGIT.search(text, *span) for span in spans):
            return kind(rng, root)
        return path, digit_changed(rng, text, spans), path.name
    return kind


def quizzes_read(root):
    """Take the copied quizzes as read, whatever the repository's own list says meanwhile."""
    (root / quizzes.READ).write_text(quizzes.as_read(quizzes.everywhere(root)), encoding="utf-8")


def questions(text, path):
    """Where the questions of a page are."""
    for quiz in quizzes.quizzes(text, path.name):
        start = text.index(quiz.question)
        yield start, start + len(quiz.question)


def quiz_answer(rng, root):
    """A right answer that is none, a wrong one that is right, or a reason that is gone."""
    path, text, options = page_with_quizzes(rng, root)
    right = [one for one in options if one[2].startswith("Right.")]
    wrong = [one for one in options if not one[2].startswith("Right.")]
    start, end, new = rng.choice([
        lambda: (*rng.choice(right).span(2), "It is not, because of the volume."),
        lambda: (*rng.choice(wrong).span(2), "Right. It is the cheapest one."),
        lambda: (*rng.choice(options).span(2), "")])()
    return path, text[:start] + new + text[end:], path.name


def alt(rng, root):
    """The alt text of a figure of a lab."""
    found = lab(rng, root, lambda cell: cell.cell_type == "code" and notebooks.pictures(cell))
    del found.cell.metadata.mystnb["image"]["alt"]
    return spoilt(found)


def unrun(rng, root):
    """A code cell without a number."""
    found = lab(rng, root, lambda cell: cell.cell_type == "code" and cell.execution_count)
    found.cell.execution_count = None
    return *spoilt(found)[:2], found.path.name


def letters(rng, count):
    """Random letters with a digit among the first ones."""
    drawn = [rng.choice(ALPHABET) for _ in range(count)]
    drawn[rng.randrange(6)] = str(rng.randrange(10))
    return "".join(drawn)


def secret(rng, root):
    """A string like a key, in any file of the repository that people write."""
    name = rng.choice([name for name in written() if (ROOT / name).stat().st_size < 200_000])
    path = copied(root, name) / name
    keys = {"sk" + "-": 32, "hf" + "_": 34, "gh" + "p_": 36, "api_" + "key = '": 40, "Bear" + "er ": 24}
    start, count = rng.choice(sorted(keys.items()))
    lines = path.read_text(encoding="utf-8").splitlines()
    at = rng.randrange(len(lines) + 1)
    lines.insert(at, f"key: {start}{letters(rng, count)}")
    return path, "\n".join(lines), f"{name}:{at + 1}: "


@functools.lru_cache
def written():
    """Names of the text files of the repository, without its data."""
    kinds = {".py", ".md", ".toml", ".yml", ".js", ".css", ".ipynb", ".txt", ".json"}
    names = (path.relative_to(ROOT).as_posix() for path in files.tracked(ROOT) if path.suffix in kinds)
    return [name for name in names if not name.startswith("data/")]


REQUESTS = ['<script src="{}/a.js"></script>', '<link rel="stylesheet" href="{}/a.css">',
            '<img src="{}/a.png" alt="A">', '<img src="a.png" srcset="{}/b.png 2x" alt="A">',
            '<iframe src="{}/"></iframe>', '<div style="background: url({}/a.png)"></div>',
            '<style>@import "{}/a.css";</style>', '<video src="{}/a.mp4"></video>',
            '<script>import("{}/a.mjs")</script>', '<link rel="preconnect" href="{}">',
            '<form action="{}/ask"></form>', '<script>fetch("{}/api")</script>',
            "<script>new Image().src = '{}/dot'</script>", '<meta http-equiv="refresh" content="3; url={}/">',
            '<video poster="{}/p.png"></video>', '<input type="image" src="{}/i.png" alt="Go">',
            '<svg><image xlink:href="{}/s.png"/></svg>', '<link rel="preload" as="font" href="{}/f.woff2">']
LINKED = ['<a href="{}/">A</a>', '<a class="reference external" href="{}/paper?id=3">A</a>', '<area href="{}/b">',
          '<a href=" {}:8080/">A</a>', '<svg><a xlink:href="{}"><text>A</text></a></svg>',
          '<p>See <a target="_blank" rel="noopener" href="{}/arxiv.org/abs/1">A</a>.</p>',
          '<script type="application/json">{{"more": ["{}/c"]}}</script>', '<link rel="license" href="{}/by/4.0/">']


def on_a_page(rng, root, tag):
    """A tag at a random place of a page of the site, with its list of outward addresses."""
    site = ROOT / "_build" / "html"
    chosen = rng.choice(sorted(path for path in site.rglob("*.html") if "_static" not in path.parts) or [None])
    text = chosen.read_text(encoding="utf-8") if chosen else PAGE
    path = copied(root, "data/outward.txt") / "_build" / "html" / "page.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    start = text.find("<article") if "<article" in text else text.find("<body")
    at = rng.choice([found.end() for found in re.finditer("</p>|</h2>|</article>|</body>", text)
                     if found.start() > start])
    return path, text[:at] + tag + text[at:]


def external(rng, root):
    """A request to another host."""
    host = rng.choice(["https:", "http:", ""]) + f"//{letters(rng, 8).lower()}.example"
    return *on_a_page(rng, root, rng.choice(REQUESTS).format(host)), host


def link(rng, root):
    """A link to a host that is not on the list, or to another folder of a host of which one folder is."""
    listed = (ROOT / "data" / "outward.txt").read_text(encoding="utf-8").splitlines()
    known = rng.choice([one for one in listed if not one.startswith("#")])
    name, host = letters(rng, 8).lower(), known.partition("/")[0]
    shared = rng.choice([one for one in listed if "/" in one and not one.startswith("#")]).partition("/")[0]
    start = rng.choice([f"{name}.example", f"{host}.{name}.example", f"{host}@{name}.example", f"{name}.{host}",
                        f"{shared}/{name}"])
    address = rng.choice(["https:", "http:", "HTTPS:", ""]) + f"//{start}"
    return *on_a_page(rng, root, rng.choice(LINKED).format(address)), f"links to {address}"


KINDS = {
    "a digit of a stored text output": (output, "outputs", "tools.refresh"),
    "a digit of a bound number": (bound_number, "prose", "write that, rounded"),
    "a digit of a recording": (measured("recordings", "*.jsonl"), "sums", "git checkout"),
    "a digit of an answer frame": (measured("answers", "*.csv"), "sums", "git checkout"),
    "a digit of a result": (measured("results", "*.json"), "sums", "git checkout"),
    "a digit of a timing": (measured("timings", "*.json"), "sums", "git checkout"),
    "a digit of a question of a quiz": (quiz_digit("question"), "quizzes", "read it once more .* `make sums`"),
    "a digit of an option of a quiz": (quiz_digit("option"), "quizzes", "read it once more .* `make sums`"),
    "a digit of a reason of a quiz": (quiz_digit("reason"), "quizzes", "read it once more .* `make sums`"),
    "a number of a quiz against its sum": (quiz_number, "quizzes", "write|take|<!--="),
    "an answer of a quiz": (quiz_answer, "quizzes", '"Right."|say why'),
    "a dropped alt text": (alt, "alt", r"plots\.show"),
    "an unrun cell": (unrun, "executed", "make refresh"),
    "a string like a key": (secret, "secrets", "take it out"),
    "a request to another host": (external, "site", "_static"),
    "a link to another host": (link, "site", "take the link out .* add .* to the list"),
}


def caught(kind, seed, root):
    """Whether the gate says something new that names place and fix; else what it says."""
    mutate, gate, fix = KINDS[kind]
    path, spoilt_text, place = mutate(random.Random(f"{kind} {seed}"), root)
    before = set(GATES[gate](root))
    assert path.read_text(encoding="utf-8") != spoilt_text
    path.write_text(spoilt_text, encoding="utf-8")
    new = [problem for problem in GATES[gate](root) if problem not in before]
    helpful = [problem for problem in new if place in problem and re.search(fix, problem)]
    return True if helpful else f"{path.name}, {place!r}: {new}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_mutation_is_caught(kind, tmp_path):
    missed = []
    for seed in range(SEEDS):
        found = caught(kind, seed, root := tmp_path / str(seed))
        missed += [] if found is True else [f"seed {seed}: {found}"]
        shutil.rmtree(root)
    assert not missed, f"{SEEDS - len(missed)} of {SEEDS} caught\n" + "\n".join(missed[:5])


@pytest.mark.parametrize("tag", LINKED)
def test_no_other_gate_sees_a_link(course, tag):
    """What one gate looks after, the others leave alone: the message that helps is the only one."""
    path = course / "_build/html/index.html"
    spoilt_text = path.read_text().replace("</article>", tag.format("https://shop.example") + "</article>")
    path.write_text(spoilt_text)
    assert {name: len(gate(course)) for name, gate in GATES.items() if gate(course)} == {"site": 1}


def test_a_mutation_is_one_digit(tmp_path):
    """The mutations are as small as they say."""
    path, text, _ = KINDS["a digit of a result"][0](random.Random(1), tmp_path)
    before = path.read_text(encoding="utf-8")
    assert len(before) == len(text) and sum(a != b for a, b in zip(before, text)) == 1
    json.loads(before)


def test_a_blind_gate_is_noticed(tmp_path, monkeypatch):
    """The count is not a hundred whatever the gates do."""
    kind = "a digit of a result"
    assert caught(kind, 0, tmp_path / "a") is True
    monkeypatch.setitem(GATES, "sums", lambda root: [])
    assert caught(kind, 0, tmp_path / "b") is not True
    monkeypatch.setitem(GATES, "sums", lambda root: [f"something is wrong {root.stat()}, `git checkout` it"])
    assert caught(kind, 0, tmp_path / "c") is not True
