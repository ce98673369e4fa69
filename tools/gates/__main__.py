"""One OK or FAIL line a gate; the lines below a FAIL name each place and its fix."""

import argparse
import sys
from pathlib import Path

from . import GATES

ROOT = Path(__file__).resolve().parents[2]
MOST_SHOWN = 40


def reason(gate):
    """Why a gate exists: the first line of its docstring."""
    return gate.__doc__.strip().splitlines()[0]


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tools.gates", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=GATES, default=list(GATES), metavar="NAME",
                        help=" ".join(GATES))
    parser.add_argument("--skip", nargs="+", choices=GATES, default=[], metavar="NAME")
    parser.add_argument("--root", type=Path, default=ROOT)
    chose = parser.parse_args(arguments)
    failed = 0
    for name in (name for name in chose.only if name not in chose.skip):
        problems = GATES[name](chose.root)
        failed += bool(problems)
        count = f" [{len(problems)}]" if problems else ""
        print(f"{'FAIL' if problems else 'OK  '} {name:<11}{reason(GATES[name])}{count}")
        for problem in problems[:MOST_SHOWN]:
            print(f"       {problem}")
        if len(problems) > MOST_SHOWN:
            print(f"       ... and {len(problems) - MOST_SHOWN} more")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
