"""Rules, classical models, LLMs and people behind one protocol, with cost and latency beside every answer."""

import contextlib
import os

from .llm import connect, default_model

__version__ = "0.1.0"
__all__ = ["connect", "default_model"]


def _one_thread():
    """Make the numerical libraries use one thread, unless the reader has chosen a number."""
    # The order of a sum, and with it the last digits that the labs compare, depends on how many threads share it.
    if "OMP_NUM_THREADS" in os.environ:
        return
    os.environ["OMP_NUM_THREADS"] = "1"
    # The variable is read when a library loads; a notebook that imports numpy before us has loaded some already.
    with contextlib.suppress(ImportError):
        from threadpoolctl import threadpool_limits

        threadpool_limits(1)


_one_thread()
