"""Runs labs and stores what they print: ``python -m tools.refresh [lab00 ...] [--live | --record]``.

The only writer of stored outputs, of their digests and of ``data/results``. Without an option every call is
replayed and the network is refused. ``--live`` asks the model again and writes to ``_build/live`` only.
``--record`` asks what was never recorded, and stores answers but no outputs: refresh without an option
afterwards.
"""

import argparse
import os
import sys
import time
from pathlib import Path

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

from . import cut, notebooks, sums

ROOT = Path(__file__).resolve().parent.parent
NOTHING_STORED = "The notebook was not stored: mend the cell and refresh again."
TIMEOUT_S = {"replay": 600, "live": None, "record": None}


class NotRefreshed(Exception):
    """A lab that cannot be stored; the message names the cell and the fix."""


def environment(root, lab, mode="replay", store=False):
    """Variables of a kernel that runs a lab; with ``store`` its results are written, else compared."""
    search = [str(ROOT / "tools" / "offline"), str(ROOT), os.environ.get("PYTHONPATH", "")]
    fixed = {"HYBRIDLAB_MODE": mode, "HYBRIDLAB_DATA": str(root / "data"),
             "PYTHONPATH": os.pathsep.join(filter(None, search)),
             "HYBRIDLAB_TRACE": str(root / "_build" / "trace" / f"{lab}.keys"),
             "IPYTHONDIR": str(root / "_build" / "ipython"), "OMP_NUM_THREADS": "1",
             "MPLBACKEND": "module://matplotlib_inline.backend_inline",
             "HYBRIDLAB_REFRESH": str(int(store)), "HYBRIDLAB_OFFLINE": str(int(mode == "replay"))}
    return os.environ | fixed


def execute(notebook, path, root, mode="replay", store=False):
    """Run a notebook in place, from a fresh kernel in the folder of ``path``."""
    kernel = environment(root, notebooks.lab_name(path), mode, store)
    Path(kernel["IPYTHONDIR"]).mkdir(parents=True, exist_ok=True)
    trace = Path(kernel["HYBRIDLAB_TRACE"])
    trace.parent.mkdir(parents=True, exist_ok=True)
    trace.write_text("", encoding="utf-8")
    client = NotebookClient(notebook, kernel_name="python3", timeout=TIMEOUT_S[mode], record_timing=False,
                            store_widget_state=False, coalesce_streams=True,
                            extra_arguments=["--log-level=40"],
                            resources={"metadata": {"path": str(path.parent)}})
    try:
        client.execute(env=kernel)
    except (CellExecutionError, DeadKernelError, TimeoutError) as error:
        raise NotRefreshed(f"{path.name}: {error}\n{NOTHING_STORED}") from error


def refresh(path, root, mode="replay"):
    """Run one lab and store it; returns the file that was written."""
    notebook = notebooks.tidy(notebooks.read(path), path)
    execute(notebook, path, root, mode, store=mode == "replay")
    notebooks.tidy(notebook, path)
    problems = [f"{notebooks.place(path, cell)}: {found}" for cell in notebooks.code(notebook)
                for found in notebooks.output_problems(cell)]
    if problems and mode == "replay":
        raise NotRefreshed("\n".join([*problems, NOTHING_STORED]))
    if mode == "record":
        return None
    target = path if mode == "replay" else root / "_build" / "live" / path.name
    notebooks.write(notebook, target)
    if mode == "replay":
        sums.write(root, sums.note(root, path))
    return target


def chosen(names, root):
    """Paths of the named labs; all without names."""
    labs = {notebooks.lab_name(path): path for path in notebooks.labs(root)}
    unknown = [name for name in names if name not in labs]
    if unknown:
        raise SystemExit(f"no lab {', '.join(unknown)}; there are {', '.join(labs) or 'none'}")
    return [labs[name] for name in names or labs]


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tools.refresh", description=__doc__.splitlines()[0])
    parser.add_argument("labs", nargs="*", help="lab00, lab01a, ...; all without one")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--live", dest="mode", action="store_const", const="live", default="replay")
    mode.add_argument("--record", dest="mode", action="store_const", const="record")
    parser.add_argument("--root", type=Path, default=ROOT)
    chose = parser.parse_args(arguments)
    for path in chosen(chose.labs, chose.root):
        begun = time.perf_counter()
        print(f"{path.name} ...", end=" ", flush=True)
        try:
            target = refresh(path, chose.root, chose.mode)
        except NotRefreshed as error:
            sys.exit(f"FAIL\n{error}")
        done = f"-> {target.relative_to(chose.root)}" if target else "(answers recorded)"
        print(f"{time.perf_counter() - begun:.1f} s {done}")
    if chose.mode == "replay":
        cut.write_all(chose.root)


if __name__ == "__main__":
    main()
