"""Where the course keeps its files; ``HYBRIDLAB_DATA`` points elsewhere (tests do)."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def data(*parts):
    """Path below ``data/``.

    Examples
    --------
    >>> from hybridlab import paths
    >>> paths.data("splits").name
    'splits'
    """
    return Path(os.environ.get("HYBRIDLAB_DATA", ROOT / "data")).joinpath(*parts)
