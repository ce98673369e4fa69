"""The one base exception. It keeps what came in, so that a caller can look at the evidence."""

__all__ = ["HybridlabError", "BadInput", "MissingRecording", "DataMissing", "ModelError", "BudgetSpent"]


class HybridlabError(Exception):
    """What came in, what was expected, what to do next.

    Parameters
    ----------
    what : str
        What happened, naming the argument and the value that came in.
    expected : str, optional
        What would have been right.
    fix : str, optional
        The next step: a command to type or a change to make.
    evidence : object, optional
        The thing itself (a reply, a row, a path), kept on ``.evidence``.

    Examples
    --------
    >>> from hybridlab.errors import HybridlabError
    >>> error = HybridlabError("alpha is 1.5", expected="a number between 0 and 1", fix="pass alpha=0.1")
    >>> print(error)
    alpha is 1.5
      expected: a number between 0 and 1
      to do:    pass alpha=0.1
    """

    def __init__(self, what, *, expected=None, fix=None, evidence=None):
        self.what, self.expected, self.fix, self.evidence = what, expected, fix, evidence
        lines = [what]
        if expected:
            lines.append(f"  expected: {expected}")
        if fix:
            lines.append(f"  to do:    {fix}")
        super().__init__("\n".join(lines))

    def _render_traceback_(self):
        # A notebook shows the message, which says what to do, and not forty lines of HTTP library above it.
        return [f"{type(self).__name__}: {self}"]

    def __reduce__(self):
        keywords = {"expected": self.expected, "fix": self.fix, "evidence": self.evidence}
        return _rebuild, (type(self), self.what, keywords)


def _rebuild(kind, what, keywords):
    return kind(what, **keywords)


class BadInput(HybridlabError, ValueError):
    """An argument that cannot be used; also a ``ValueError``, as scikit-learn's users expect."""


class MissingRecording(HybridlabError):
    """A call that was never recorded, and no live model to answer it."""


class DataMissing(HybridlabError):
    """A data source or a committed file that is not there."""


class ModelError(HybridlabError):
    """A model file or server that cannot be used."""


class BudgetSpent(HybridlabError):
    """The spend limit of a session has been reached."""
