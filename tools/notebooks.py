"""Labs as files: where they are, how they read, and the one form in which they are written."""

import itertools
import os
import re

import nbformat

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {"file_extension": ".py", "mimetype": "text/x-python", "name": "python",
            "pygments_lexer": "ipython3"}
KEPT = ("jupyter", "mystnb", "tags")
IMAGES = ("image/png", "image/svg+xml", "image/jpeg")
MACHINE_PATH = re.compile(r"(?<![\w.~/])/(?:home|root|work|tmp|Users|private/var)/[\w.-]+"
                          r"|[A-Z]:\\+Users\\|file:/{3}")
UNSTABLE = {"a memory address": re.compile(r"\b0x[0-9a-f]{7,}"), "a path of this machine": MACHINE_PATH}
RANDOM_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f-]+)?")


def labs(root):
    """The labs of a repository, in order."""
    return sorted((root / "labs").glob("*.ipynb"))


def lab_name(path):
    """``labs/01a_three_winners.ipynb`` is "lab01a"."""
    return "lab" + path.stem.split("_")[0]


def read(path):
    """The notebook at a path."""
    return nbformat.read(path, as_version=4)


def text(notebook):
    """The text of a notebook file; the same notebook always gives the same bytes."""
    return nbformat.writes(notebook, indent=1).rstrip("\n") + "\n"


def write(notebook, path):
    """Write a notebook whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(text(notebook), encoding="utf-8")
    os.replace(part, path)


def code(notebook):
    """Code cells that hold code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def tags(cell):
    """The tags of a cell."""
    return cell.metadata.get("tags", [])


def place(path, cell):
    """How a message names a cell."""
    return f"{path.name} cell {cell.get('id', '?')} ({cell.source.strip().splitlines()[0][:40]!r})"


def printed(cell):
    """What a cell wrote to standard output."""
    return "".join(out.text for out in cell.outputs if out.output_type == "stream" and out.name == "stdout")


def pictures(cell):
    """The outputs of a cell that are images."""
    return [out for out in cell.outputs if set(out.get("data", {})) & set(IMAGES)]


def alt(cell):
    """The alt text that ``plots.show`` printed, or an empty string."""
    return "".join(line[5:].strip() for line in printed(cell).splitlines() if line.startswith("Alt: "))


def tidy(notebook, path):
    """The stored form: fixed metadata, readable ids, folded solutions, alt text beside each figure."""
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNELSPEC, "language_info": LANGUAGE})
    _name_cells(notebook, lab_name(path))
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({key: cell.metadata[key] for key in KEPT if key in cell.metadata})
        if cell.cell_type == "code":
            _fold(cell)
            _describe(cell)
    return notebook


def _name_cells(notebook, lab):
    taken = {cell.get("id") for cell in notebook.cells}
    fresh = (name for name in (f"{lab}-{count}" for count in itertools.count(1)) if name not in taken)
    for cell in notebook.cells:
        if RANDOM_ID.fullmatch(cell.get("id", "0" * 8)):
            cell.id = next(fresh)


def _fold(cell):
    if "solution" in tags(cell):
        cell.metadata.tags = sorted({*tags(cell), "hide-cell"})
        cell.metadata.jupyter = {"outputs_hidden": True, "source_hidden": True}


def _describe(cell):
    settings = cell.metadata.pop("mystnb", {})
    image = {key: value for key, value in settings.pop("image", {}).items() if key != "alt"}
    if pictures(cell):
        image["alt"] = alt(cell)
    if image:
        settings["image"] = image
    if settings:
        cell.metadata.mystnb = settings


def output_problems(cell):
    """What must not be in a stored output; each line says what to do instead."""
    for output in cell.outputs:
        if output.output_type == "error" and "raises-exception" not in tags(cell):
            yield f"stopped with {output.ename}; mend it, or tag it raises-exception if that is the lesson"
        if output.get("name") == "stderr":
            yield f"wrote to stderr ({output.text.strip()[:60]!r}); cure the warning at its source"
        data = output.get("data", {})
        shown = "\n".join([output.get("text", ""), data.get("text/plain", ""), *output.get("traceback", [])])
        for what, pattern in UNSTABLE.items():
            if found := pattern.search(shown):
                yield f"shows {what} ({found.group()!r}), another on every machine; do not print it"
    if len(pictures(cell)) > 1:
        yield f"draws {len(pictures(cell))} figures; one a cell, so that each has its own alt text"
    if pictures(cell) and not alt(cell):
        yield "draws a figure without alt text; use hybridlab.plots.show(fig, finding=..., alt=...)"
