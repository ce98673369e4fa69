"""The LLM seam: the unmodified ``openai`` client on a transport that replays, records, asks and audits."""

import contextlib
import datetime as dt
import json
import os
import random
import time

from . import paths, recordings
from .errors import BadInput, BudgetSpent, MissingRecording, ModelError

MODES = ("auto", "replay", "live", "record", "audit")
FAULTS = {"timeout": None, "429": "rate limit reached", "500": "internal server error", "truncation": None}
IDLE = 0.1
BAD_GATEWAY = 502  # HTTP's name for an upstream server whose answer cannot be read
UNREADABLE = "the model's server answered 200 with something that is no completion"
_RETRIED = (408, 409, 429, 500, 502, 503, 504)


def default_model():
    """The model the labs ask: ``HYBRIDLAB_MODEL``, else the 1.5B one.

    Examples
    --------
    >>> from hybridlab import default_model
    >>> default_model()
    'qwen2.5-coder-1.5b'
    """
    return os.environ.get("HYBRIDLAB_MODEL", "qwen2.5-coder-1.5b")


def connect(task="local", mode=None, *, faults=(), timeout_s=120, retries=2, limit_usd=None,
            audit_share=0.05, seed=0, upstream=None):
    """An ``openai.OpenAI`` client whose calls are replayed, recorded or asked live.

    Parameters
    ----------
    task : str
        Name of the recording file that new answers go to.
    mode : {"auto", "replay", "live", "record", "audit"}, optional
        Default: ``HYBRIDLAB_MODE``, else auto. ``auto`` replays and asks live on a miss; ``replay`` makes a
        miss an error; ``live`` always asks; ``record`` asks on a miss and writes below ``data/recordings``;
        ``audit`` replays and re-asks a seeded share live.
    faults : iterable of str or None
        Transport faults to inject, one an attempt: "timeout", "429", "500", "truncation" or None. Once it is
        used up no fault follows; ``itertools.repeat("timeout")`` is an outage.
    timeout_s : float
        Seconds before a live attempt is given up.
    retries : int
        Further attempts after a time-out, a 429 or a 5xx, with doubling pauses.
    limit_usd : float, optional
        Spend limit of this client's live calls; ``BudgetSpent`` beyond it.
    audit_share, seed : float, int
        The share of calls that ``audit`` re-asks, and its seed.
    upstream : httpx2.BaseTransport, optional
        Where live calls go instead of the network; tests use it.

    Returns
    -------
    openai.OpenAI
        Unmodified; ``client.seam`` is our transport (``ledger``, ``audits``, ``missing``). Every reply carries
        ``reply.model_extra["hybridlab"]``: source, date, seconds and load of the recording.

    Examples
    --------
    >>> from hybridlab import connect
    >>> client = connect("lab00", mode="replay")
    >>> ask = [{"role": "user", "content": "never asked before"}]
    >>> client.chat.completions.create(model="qwen2.5-coder-1.5b", messages=ask)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    hybridlab.errors.MissingRecording: no recording for this call to qwen2.5-coder-1.5b: 'never asked before'
    ...
    """
    import httpx2
    import openai

    class Transport(Seam, httpx2.BaseTransport):
        """Mixes the seam into the HTTP library's own base class without importing it at start."""

    seam = Transport(task, mode, faults=faults, timeout_s=timeout_s, retries=retries, limit_usd=limit_usd,
                     audit_share=audit_share, seed=seed, upstream=upstream)
    client = openai.OpenAI(base_url="http://hybridlab.invalid/v1", api_key="kept-by-the-seam", max_retries=0,
                           http_client=httpx2.Client(transport=seam, timeout=timeout_s))
    client.seam = seam
    return client


class Seam:
    """The transport behind ``connect``; see there for the parameters."""

    def __init__(self, task="local", mode=None, *, faults=(), timeout_s=120, retries=2, limit_usd=None,
                 audit_share=0.05, seed=0, upstream=None, sleep=time.sleep):
        from .cost import Ledger

        self.task, self.mode = task, mode or os.environ.get("HYBRIDLAB_MODE", "auto")
        if self.mode not in MODES:
            raise BadInput(f"mode is {self.mode!r}", expected="one of " + ", ".join(MODES),
                           fix="set HYBRIDLAB_MODE or pass mode=")
        self.timeout_s, self.retries, self.sleep = timeout_s, retries, sleep
        self.faults, self.audit_share, self.seed = iter(faults), audit_share, seed
        self.ledger, self.audits = Ledger(limit_usd), []
        self._committed, self._local = recordings.committed(), recordings.local()
        self._upstream, self._live = upstream, None

    # --- what the HTTP library calls -------------------------------------------------------------------

    def handle_request(self, request):
        """Answer one HTTP request: from the recordings, or live."""
        body = json.loads(request.read() or b"{}")
        if body.get("stream"):
            raise BadInput("stream=True", expected="stream=False: a recording is a whole reply")
        path = request.url.path
        key = recordings.recording_key(path, body)
        line, source = self._find(key)
        if line is None:
            return self._with_faults(request, lambda: self._ask(request, path, body, key))
        _trace(key)
        if self.mode == "audit" and self._sampled(key):
            self._audit(request, path, body, key, line)
        return self._with_faults(request, lambda: self._respond(request, path, line, source))

    def close(self):
        """Close the connection to the live model."""
        if self._live is not None:
            self._live.close()

    # --- replay ----------------------------------------------------------------------------------------

    def missing(self, bodies, path="/chat/completions"):
        """How many of these request bodies would go live."""
        keys = {recordings.recording_key(path, body) for body in bodies}
        return sum(self._find(key)[0] is None for key in keys)

    def check_live(self, bodies, path="/chat/completions"):
        """``MissingRecording`` now, before any call, when one would go live and nothing here could answer it."""
        from . import models

        if self._upstream is not None or os.environ.get("OPENAI_BASE_URL"):
            return
        for body in bodies:
            if self._find(recordings.recording_key(path, body))[0] is None:
                with _explained(body, self.mode):
                    models.require(body["model"])

    def _find(self, key):
        if self.mode == "live":
            return None, None
        line = self._committed.get(key)
        if line is None and self.mode == "auto":
            return self._local.get(key), "local store"
        return line, "recording"

    def _respond(self, request, path, line, source):
        import httpx2

        content = json.dumps(recordings.response_from_line(line, path, source)).encode()
        return httpx2.Response(200, content=content, headers={"content-type": "application/json"}, request=request)

    # --- live ------------------------------------------------------------------------------------------

    def _ask(self, request, path, body, key):
        if self.mode in ("replay", "audit"):
            raise _missing(body, self.mode)
        self.ledger.check()
        _trace(key)
        response, line = self._send(request, path, body, key)
        if line is None:
            return response
        store = self._committed if self.mode == "record" else self._local
        store.add(self.task, line)
        self._book(line)
        return self._respond(request, path, line, "live")

    def _book(self, line):
        try:
            self.ledger.add(line)
        except BudgetSpent:
            pass  # this answer is paid for and kept; the check before the next call stops it
        except BadInput:
            # An endpoint's own model has no public price; the spend limit can only count priced calls.
            if self.ledger.limit_usd is not None:
                raise

    def _send(self, request, path, body, key):
        """The response of the live model, and its recording line when it is a good one."""
        import httpx2

        base, headers, engine, meter = self._endpoint(body, path)
        begun, before = time.perf_counter(), meter()
        live = self._live.handle_request(httpx2.Request(
            "POST", base + path.removeprefix("/v1"), json=body, headers=headers,
            extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), self.timeout_s)}))
        live.read()
        seconds, load = time.perf_counter() - begun, meter(before)
        if live.status_code != 200:
            return httpx2.Response(live.status_code, content=live.content, request=request), None
        try:
            line = recordings.line_from_response(
                key, body["model"], body, _reply(live), engine=engine, date=dt.date.today().isoformat(),
                seconds=seconds, load=load, slots=1)
        except (ValueError, TypeError, LookupError, AttributeError):
            return httpx2.Response(BAD_GATEWAY, json={"error": {"message": UNREADABLE}}, request=request), None
        return None, line

    def _endpoint(self, body, path):
        """Base address, headers, engine name and load meter of the live model."""
        import httpx2

        if self._live is None:
            self._live = self._upstream or httpx2.HTTPTransport(trust_env=False)
        remote = os.environ.get("OPENAI_BASE_URL")
        if self._upstream is not None or remote:
            secret = os.environ.get("OPENAI_API_KEY", "none")
            return (remote or "http://upstream").rstrip("/"), {"Authorization": f"Bearer {secret}"}, "remote", _no_meter
        from . import models

        with _explained(body, self.mode):
            server = models.serve(body["model"], embedding=path.endswith("/embeddings"))
        return server.base_url, {}, server.engine, _Meter(server.pid)

    # --- faults, retries, audit ------------------------------------------------------------------------

    def _with_faults(self, request, answer):
        import httpx2

        for attempt in range(self.retries + 1):
            fault = next(self.faults, None)
            try:
                response = _injected(fault, request) or answer()
            except httpx2.TimeoutException:
                if attempt == self.retries:
                    raise
                response = None
            if response is not None and (response.status_code not in _RETRIED or attempt == self.retries):
                return _truncated(response, request) if fault == "truncation" else response
            self.sleep(min(0.5 * 2**attempt, 8))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _sampled(self, key):
        return random.Random(f"{self.seed}:{key}").random() < self.audit_share

    def _audit(self, request, path, body, key, line):
        again = self._send(request, path, body, key)[1]
        if again is not None:
            self.audits.append((line, again))


def audit_report(audits, parse=None):
    """How well live answers agree with the recorded ones.

    Parameters
    ----------
    audits : list of (recorded line, live line)
        ``client.seam.audits`` of a client in audit mode.
    parse : callable, optional
        From reply text to label; adds label agreement.

    Returns
    -------
    pandas.DataFrame
        One row a measure: share or largest difference, n, and a 95 % Wilson interval for shares.

    Examples
    --------
    >>> from hybridlab.llm import audit_report
    >>> same = {"content": "positive", "logprobs": [[["positive", -0.10]]]}
    >>> near = {"content": "positive", "logprobs": [[["positive", -0.12]]]}
    >>> audit_report([(same, same), (same, near)])["value"].round(3).to_dict()
    {'same text': 1.0, 'largest difference of first-token probability': 0.018}
    """
    import pandas as pd

    if not audits:
        raise BadInput("no audited calls", expected="at least one", fix="raise audit_share or ask more rows")
    rows = {"same text": _share(old["content"] == new["content"] for old, new in audits)}
    if parse is not None:
        rows["same label"] = _share(parse(old["content"]) == parse(new["content"]) for old, new in audits)
    gaps = [abs(_first(old) - _first(new)) for old, new in audits if old.get("logprobs") and new.get("logprobs")]
    if gaps:
        rows["largest difference of first-token probability"] = (max(gaps), len(gaps), None, None)
    return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "n", "low", "high"])


def _share(hits):
    from .evaluate import wilson

    hits = list(hits)
    found = wilson(sum(hits), len(hits))
    return found.value, found.n, found.low, found.high


def _first(line):
    from math import exp

    return exp(line["logprobs"][0][0][1])


def label_probabilities(pairs, labels):
    """Probability of each label, summed over all its spellings among the first token's candidates.

    A candidate counts for a label when, without case, spaces and punctuation, it equals the label, or is a
    beginning of two letters or more of this label alone. What is left to reach 1 went to other words.

    Parameters
    ----------
    pairs : sequence of (token, log-probability)
        Candidates of the first token; a repeated token counts once.
    labels : sequence of str

    Returns
    -------
    dict
        label -> probability. The sum is the *mass* that the model gave to the labels.

    Examples
    --------
    >>> from math import log
    >>> from hybridlab.llm import label_probabilities
    >>> pairs = [("positive", log(.5)), (" Positive", log(.25)), ("neg", log(.125)), ("I", log(.1))]
    >>> {label: round(p, 4) for label, p in label_probabilities(pairs, ["positive", "negative"]).items()}
    {'positive': 0.75, 'negative': 0.125}
    """
    from math import exp

    sums = dict.fromkeys(labels, 0.0)
    for token, logprob in dict(pairs).items():
        label = _label_of(token, labels)
        if label is not None:
            sums[label] += exp(logprob)
    return sums


def _label_of(token, labels):
    word = _bare(token)
    exact = [label for label in labels if _bare(label) == word]
    if exact:
        return exact[0]
    begun = [label for label in labels if len(word) >= 2 and _bare(label).startswith(word)]
    return begun[0] if len(begun) == 1 else None


def _bare(text):
    return text.strip(" \t\r\n.,;:!?\"'`*#()[]{}").casefold()


def _reply(live):
    """The JSON of a live reply, where a count that is null is left out."""
    reply = live.json()
    told = {name: count for name, count in (reply.get("usage") or {}).items() if count is not None}
    for choice in reply.get("choices", ()):
        content = (choice.get("message") or {}).get("content")
        if not isinstance(content, (str, type(None))):
            raise TypeError(f"content is a {type(content).__name__}")
    return reply | {"usage": told}


@contextlib.contextmanager
def _explained(body, mode):
    """Why the live model is no help, told as an error about the call."""
    try:
        yield
    except (ModelError, BadInput) as error:
        raise _missing(body, mode, error) from error


def _missing(body, mode, error=None):
    """``error`` is why the live model is no help; without one, this mode never asks it."""
    asked = body.get("messages") or [{"content": body.get("prompt") or body.get("input")}]
    prompt = str(asked[-1].get("content"))
    short = prompt if len(prompt) <= 300 else prompt[:300] + " ..."
    what, expected = ("no model answers", "a live model") if mode == "live" else (
        "no recording for", "a recorded prompt, or a live model")
    reason, fix = _advice(body.get("model"), mode, error)
    if mode != "live" and not any(paths.data("recordings").glob("*.jsonl")):
        fix = f"git checkout data/recordings, which are not here; or {fix}"
    return MissingRecording(f"{what} this call to {body.get('model')}: {short!r}",
                            expected=f"{expected} ({reason})", fix=fix, evidence=body)


def _advice(model, mode, error):
    from . import models

    hosted = "set OPENAI_BASE_URL and OPENAI_API_KEY"
    if model not in models.REGISTRY:
        names = ", ".join(models.REGISTRY)
        return f"no local model is called {model!r}", f"use a local model ({names}); for a hosted one {hosted}"
    if error:
        return error.what, f"{error.fix}, or {hosted}"
    # The labs store this message: no path and no model of this machine may be in it.
    then = "; then HYBRIDLAB_MODE=auto" if mode == "replay" else ""
    return "replay mode never asks a model", f"python -m hybridlab pull {model}, or {hosted}{then}"


def _injected(fault, request):
    import httpx2

    if fault is None or fault == "truncation":
        return None
    if fault not in FAULTS:
        raise BadInput(f"fault {fault!r}", expected="one of " + ", ".join(FAULTS))
    if fault == "timeout":
        raise httpx2.ReadTimeout("injected fault: timeout", request=request)
    error = {"error": {"message": f"injected fault: {FAULTS[fault]}", "type": "injected", "code": fault}}
    return httpx2.Response(int(fault), json=error, headers={"x-hybridlab-fault": fault}, request=request)


def _truncated(response, request):
    import httpx2

    if response.status_code != 200:
        return response
    reply = json.loads(response.read())
    for choice in reply.get("choices", []):
        message = choice.get("message") or choice
        name = "content" if "content" in message else "text"
        message[name] = message[name][: len(message[name]) // 2]
        choice["finish_reason"] = "length"
    return httpx2.Response(200, json=reply, headers={"x-hybridlab-fault": "truncation"}, request=request)


def _trace(key):
    file = os.environ.get("HYBRIDLAB_TRACE")
    if file:
        with open(file, "a", encoding="utf-8") as out:
            out.write(key + "\n")


class _Meter:
    """Share of the machine that others than the model server used during a call."""

    def __init__(self, pid):
        self.pid = pid

    def __call__(self, before=None):
        import psutil

        busy = sum(value for name, value in psutil.cpu_times()._asdict().items() if name not in ("idle", "iowait"))
        own = sum(psutil.Process(self.pid).cpu_times()[:2])
        now = (time.perf_counter(), busy - own)
        if before is None:
            return now
        used = (now[1] - before[1]) / max(now[0] - before[0], 1e-6) / (os.cpu_count() or 1)
        return round(min(max(used, 0.0), 1.0), 2)


def _no_meter(before=None):
    return None

