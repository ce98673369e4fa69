"""Gates keep the course true: ``python -m tools.gates [--only NAME ...]``.

A gate is a function from the root of a repository to a list of problems, each a line that names the place and
the fix. No problem, no line. The first line of its docstring is the reason it exists.
"""

from . import files, labs, prose, quizzes, records, site

GATES = {
    "executed": labs.gate_executed,
    "toc": labs.gate_toc,
    "cells": labs.gate_cells,
    "alt": labs.gate_alt,
    "exercises": labs.gate_exercises,
    "checks": labs.gate_checks,
    "prose": prose.gate_prose,
    "quizzes": quizzes.gate_quizzes,
    "recordings": records.gate_recordings,
    "lines": records.gate_lines,
    "results": records.gate_results,
    "outputs": records.gate_outputs,
    "sums": records.gate_sums,
    "secrets": files.gate_secrets,
    "paths": files.gate_paths,
    "hosts": files.gate_hosts,
    "size": files.gate_size,
    "site": site.gate_site,
}
