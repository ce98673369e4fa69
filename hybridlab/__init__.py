"""Rules, classical models, LLMs and people behind one protocol, with cost and latency beside every answer."""

from .llm import connect, default_model

__version__ = "0.1.0"
__all__ = ["connect", "default_model"]
