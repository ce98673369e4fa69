"""Gates over the labs: run, listed, readable, described, with exercises whose checks can say no."""

import contextlib
import io
import re
import runpy

import yaml
from markdown_it import MarkdownIt

from hybridlab import check

from .. import cut, notebooks

MOST_LINES = 15
LEAST_ALT = 20
IMAGE_DIRECTIVE = re.compile(r"\{(?:figure|image)\}")


def cells_of(root):
    """Path, notebook and cell of every code cell of every lab."""
    for path in notebooks.labs(root):
        notebook = notebooks.read(path)
        for cell in notebooks.code(notebook):
            yield path, notebook, cell


def gate_executed(root):
    """Every code cell was run, in order, from a fresh kernel, and stored by `make refresh`."""
    problems = []
    for path in notebooks.labs(root):
        notebook = notebooks.read(path)
        cells = notebooks.code(notebook)
        counts = [cell.execution_count for cell in cells]
        if counts != list(range(1, len(cells) + 1)):
            problems.append(f"{path.name}: execution counts {shorten(counts)}, not 1 to {len(cells)}; "
                            f"run `make refresh`")
        if not any(cell.outputs for cell in cells):
            problems.append(f"{path.name}: no output, so its test compares nothing; run `make refresh`")
        if path.read_text(encoding="utf-8") != notebooks.text(notebooks.tidy(notebook, path)):
            problems.append(f"{path.name}: metadata or ids that an editor left; run `make refresh`")
        problems += [f"{notebooks.place(path, cell)}: {found}" for cell in cells
                     for found in notebooks.output_problems(cell)]
    return problems


def shorten(values):
    """A list as text, cut in the middle of a long one."""
    shown = str(values)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def gate_toc(root):
    """The labs on the site are exactly the labs that are tested."""
    listed = set(files_in(yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))))
    labs = {name.removesuffix(".ipynb") for name in listed if name.startswith("labs/")}
    tested = {f"labs/{path.stem}" for path in notebooks.labs(root)}
    return [f"_toc.yml: {name} is on the site and no tested lab; take it out, or add labs/*.ipynb"
            for name in sorted(labs - tested)] + [
            f"{name}.ipynb: tested and not on the site; add it to _toc.yml" for name in sorted(tested - labs)]


def files_in(entry):
    """Every ``file`` of a table of contents, at any depth."""
    if isinstance(entry, list):
        for item in entry:
            yield from files_in(item)
    elif isinstance(entry, dict):
        for key, value in entry.items():
            if key in ("file", "root"):
                yield value
            else:
                yield from files_in(value)


def gate_cells(root):
    """A cell shows one idea in a few lines, and prose stands between any two of them."""
    problems = []
    for path, _, cell in cells_of(root):
        lines = sum(bool(line.strip()) for line in cell.source.splitlines())
        if lines > MOST_LINES:
            problems.append(f"{notebooks.place(path, cell)}: {lines} lines, the most is {MOST_LINES}; "
                            "split it, or move it to hybridlab once the reader has seen the idea by hand")
    for path in notebooks.labs(root):
        cells = [cell for cell in notebooks.read(path).cells if cell.source.strip()]
        for before, cell in zip(cells, cells[1:]):
            bare = before.cell_type == cell.cell_type == "code"
            if bare and not {"check", "solution"} & set(notebooks.tags(cell)):
                problems.append(f"{notebooks.place(path, cell)}: code right after code; "
                                "say in a Markdown cell between them what to look for")
    return problems


def gate_alt(root):
    """Every picture says in words what it shows."""
    problems = []
    for path, _, cell in cells_of(root):
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        if notebooks.pictures(cell) and len(alt) < LEAST_ALT:
            problems.append(f"{notebooks.place(path, cell)}: alt text {alt!r}; give plots.show(fig, alt=...) "
                            "the winner and the range, then `make refresh`")
        elif notebooks.pictures(cell) and alt != notebooks.alt(cell):
            problems.append(f"{notebooks.place(path, cell)}: not the printed alt text; run `make refresh`")
    for where, text in markdown(root):
        problems += [f"{where}: {found}" for found in images_without_alt(text)]
    for path in sorted((root / "_ext" / "svg").glob("*.svg")):
        drawing = path.read_text(encoding="utf-8")
        problems += [f"{path.relative_to(root)}: {found}" for found in html_without_alt(drawing)]
    return problems


def markdown(root):
    """Where and text of every page and every Markdown cell of the book."""
    for path in [*sorted((root / "chapters").rglob("*.md")), root / "index.md"]:
        if path.exists():
            yield str(path.relative_to(root)), path.read_text(encoding="utf-8")
    for path in notebooks.labs(root):
        for cell in notebooks.read(path).cells:
            if cell.cell_type == "markdown" and cell.source.strip():
                yield notebooks.place(path, cell), cell.source


def images_without_alt(text):
    """One line for each image of a Markdown text that has no words."""
    for token in MarkdownIt("commonmark").parse(text):
        if token.type == "fence" and IMAGE_DIRECTIVE.match(token.info) and ":alt:" not in token.content:
            yield f"{token.info.strip()} has no alt text; add a line `:alt: ...`"
        inner = token.children or []
        for image in inner:
            if image.type == "image" and not image.content.strip():
                yield f"the image {image.attrs['src']} has no alt text; write it between the brackets"
        for html in [token, *inner]:
            if html.type in ("html_block", "html_inline"):
                yield from html_without_alt(html.content)


def html_without_alt(html):
    """The same for tags written by hand."""
    for tag in re.findall(r"<(?:img|svg)\b[^>]*>", html):
        words = re.search(r"""\b(?:alt|aria-label)=["'][^"']+["']|aria-hidden=["']true""", tag)
        if not words and "<title" not in html:
            yield f"{tag[:40]} has no alt text; add alt=..., or aria-label=... to an svg"


def gate_exercises(root):
    """Every lab ends in exercises, and the exercise notebooks are cut from their solutions."""
    problems = []
    for path in notebooks.labs(root):
        cells = notebooks.code(notebooks.read(path))
        tagged = [next(iter({"solution", "check"} & set(notebooks.tags(cell))), None) for cell in cells]
        order = [tag for tag in tagged if tag]
        if not order:
            problems.append(f"{path.name}: no exercise; tag a cell solution and the one after it check")
        elif order != ["solution", "check"] * (len(order) // 2):
            problems.append(f"{path.name}: the order is {order}; put one check cell after each solution")
    return problems + cut.stale(root)


def gate_checks(root):
    """A check takes the right answer and rejects three typical wrong ones, each with a hint of its own."""
    problems = []
    for path in notebooks.labs(root):
        lab = notebooks.lab_name(path)
        cells = notebooks.code(notebooks.read(path))
        checks = "\n".join(cell.source for cell in cells if "check" in notebooks.tags(cell))
        used = set(re.findall(r"\bcheck_(\w+)\(", checks))
        problems += check_problems(root, lab, used) if used else []
    return problems


def check_problems(root, lab, used):
    """What is wrong with the checks of one lab."""
    file = root / "labs" / "checks" / f"{lab}.py"
    if not file.exists():
        return [f"{lab}: labs/checks/{lab}.py is not there; write check_{min(used)}(value) in it"]
    functions = {name.removeprefix("check_"): function
                 for name, function in vars(check.load(lab, root)).items() if name.startswith("check_")}
    problems = [f"labs/checks/{lab}.py: check_{name} is used by the lab and not here; write it"
                for name in sorted(used - set(functions))]
    problems += [f"labs/checks/{lab}.py: check_{name} is not used by the lab; use it or delete it"
                 for name in sorted(set(functions) - used)]
    for name in sorted(used & set(functions)):
        file = f"tests/exercises/{name}.py"
        problems += [f"{file}: {found}" for found in answer_problems(root, name, functions[name])]
    return problems


def answer_problems(root, name, function):
    """What is wrong with one check, tried on its right and wrong answers."""
    file = root / "tests" / "exercises" / f"{name}.py"
    if not file.exists():
        return ["not there; write RIGHT = [value, ...] and WRONG = [(value, 'words of its hint'), ...]"]
    answers = runpy.run_path(str(file))
    right, wrong = answers.get("RIGHT", []), answers.get("WRONG", [])
    problems = [f"the right answer {value!r} is rejected ({hint}); mend check_{name}"
                for value in right if (hint := hint_for(function, value)) is not None]
    hints = [hint_for(function, value) for value, _ in wrong]
    for (value, words), hint in zip(wrong, hints):
        if hint is None:
            problems.append(f"the wrong answer {value!r} passes; make check_{name} reject it")
        elif words not in hint:
            problems.append(f"the wrong answer {value!r} gets {hint!r}, without {words!r}; mend either")
    if not right or len(set(hints) - {None}) < 3:
        problems.append(f"{len(right)} right answers and {len(set(hints) - {None})} different hints; "
                        "give one right answer and three wrong ones, each with a hint of its own")
    return problems


def hint_for(function, value):
    """The hint that a check gives for a value; None when it passes."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            function(value)
    except check.NotYet as hint:
        return str(hint)
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        return f"a crash: {type(error).__name__}: {error}"
    return None
