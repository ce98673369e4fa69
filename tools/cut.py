"""Cuts the exercise notebooks out of the labs: ``python -m tools.cut [--check]``.

A lab keeps its exercises at the end. Cells tagged ``exercise`` (the task) and ``check`` go over as they are,
and so does the first code cell, the set-up. A cell tagged ``solution`` is cut: lines between the marks
``### solution`` and ``### end`` become one line; without marks the whole cell does, and the names that the
next check reads stay, to be filled in.
"""

import argparse
import ast
import re
import sys
from pathlib import Path

import nbformat

from . import notebooks

ROOT = Path(__file__).resolve().parent.parent
STUB = "...  # your turn"
MARKED = re.compile(r"^([ \t]*)### solution\n.*?^[ \t]*### end$", re.M | re.S)
OPENING = """# Exercises: {title}

Run the set-up cell first. Replace each `...` by your own lines, then run the check below it: it says that the
answer is right, or gives a hint. The solutions are in [the lab](../{lab}), folded, right after each task.
"""


def cut(path):
    """The exercise notebook of the lab at ``path``."""
    lab = notebooks.read(path)
    opening = OPENING.format(title=title(lab), lab=path.name).strip()
    cells = [nbformat.v4.new_markdown_cell(opening, id="opening")]
    setup = notebooks.code(lab)[0]
    for position, cell in enumerate(lab.cells):
        if cell is setup or {"exercise", "check"} & set(notebooks.tags(cell)):
            cells.append(blank(cell, cell.source))
        elif "solution" in notebooks.tags(cell):
            cells.append(blank(cell, stub(cell.source, reads(lab.cells[position + 1:]))))
    notebook = nbformat.v4.new_notebook(cells=cells)
    return notebooks.tidy(notebook, path)


def title(lab):
    """The first heading of a lab."""
    first = lab.cells[0].source.strip().splitlines()[0]
    return first.lstrip("# ")


def blank(cell, source):
    """A cell without outputs, under the same id."""
    kept = [tag for tag in notebooks.tags(cell) if tag in ("exercise", "check")]
    metadata = {"tags": kept} if kept else {}
    if cell.cell_type == "markdown":
        return nbformat.v4.new_markdown_cell(source, id=cell.id, metadata=metadata)
    return nbformat.v4.new_code_cell(source, id=cell.id, metadata=metadata)


def stub(source, wanted):
    """The source of a solution without the solution.

    >>> stub("rows = 4\\nshare = rows / 5", {"share"})
    'share = ...  # your turn'
    >>> print(stub("def route(text):\\n    ### solution\\n    return 'llm'\\n    ### end", set()))
    def route(text):
        ...  # your turn
    """
    if MARKED.search(source):
        return MARKED.sub(rf"\1{STUB}", source)
    names = [name for name in assigned(source) if name in wanted]
    return "\n".join(f"{name} = {STUB}" for name in names) or STUB


def assigned(source):
    """Names that the statements of a cell bind, in order."""
    nodes = list(ast.walk(ast.parse(source)))
    stored = [node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    functions = [node.name for node in nodes if isinstance(node, ast.FunctionDef)]
    return list(dict.fromkeys(stored + functions))


def reads(cells):
    """Names that the next check reads."""
    check = next((cell.source for cell in cells if "check" in notebooks.tags(cell)), "")
    return {node.id for node in ast.walk(ast.parse(check)) if isinstance(node, ast.Name)}


def target(path):
    """Where the exercises of a lab go: labs/exercises/00.ipynb."""
    return path.parent / "exercises" / f"{notebooks.lab_name(path).removeprefix('lab')}.ipynb"


def wanted(root):
    """Path and text of every exercise notebook that there should be."""
    labs = [path for path in notebooks.labs(root)
            if any("solution" in notebooks.tags(cell) for cell in notebooks.read(path).cells)]
    return {target(path): notebooks.text(cut(path)) for path in labs}


def stale(root):
    """One line for each exercise notebook that differs from what the labs give."""
    texts = wanted(root)
    extra = set((root / "labs" / "exercises").glob("*.ipynb")) - set(texts)
    differing = [path for path, text in texts.items()
                 if not path.exists() or path.read_text(encoding="utf-8") != text]
    problems = [f"{path.name}: not what its lab gives; edit the lab, then run `python -m tools.cut`"
                for path in sorted(differing)]
    problems += [f"{path.name}: no lab with a solution cell gives this; delete it" for path in sorted(extra)]
    return [f"labs/exercises/{problem}" for problem in problems]


def write_all(root):
    """Write every exercise notebook."""
    for path, text in wanted(root).items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"labs/exercises/{path.name}")


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tools.cut", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; say which notebooks are stale")
    parser.add_argument("--root", type=Path, default=ROOT)
    chose = parser.parse_args(arguments)
    if chose.check:
        sys.exit("\n".join(stale(chose.root)) or 0)
    write_all(chose.root)


if __name__ == "__main__":
    main()
