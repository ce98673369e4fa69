"""Tiers: whatever answers rows. Rules, a classical model, an LLM and a person share one method, ``answer``."""

import numbers
import re
import string
import time
import tomllib
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.validation import check_is_fitted

from . import paths
from .errors import BadInput, BudgetSpent, DataMissing

ABSTAIN = "<abstain>"
REASONS = ("", "low_confidence", "no_rule", "unparseable", "no_logprobs", "refusal", "timeout", "too_long",
           "rate_limit", "server_error", "unreachable", "refused", "budget", "waiting")
COLUMNS = ["label", "confidence", "cost_usd", "latency_s", "tier", "reason"]
TOKENS = ["prompt_tokens", "cached_tokens", "completion_tokens"]


def as_rows(X):
    """Texts or a DataFrame as a DataFrame with a ``text`` column or the table's own columns.

    Examples
    --------
    >>> from hybridlab.tiers import as_rows
    >>> as_rows(["good", "bad"])["text"].tolist()
    ['good', 'bad']
    >>> as_rows("good")
    Traceback (most recent call last):
        ...
    hybridlab.errors.BadInput: one string came in: 'good'
      expected: a list of texts or a DataFrame
      to do:    put it in a list: ['good']
    """
    if isinstance(X, str):
        raise BadInput(f"one string came in: {X!r}", expected="a list of texts or a DataFrame",
                       fix=f"put it in a list: [{X!r}]")
    if isinstance(X, pd.DataFrame):
        return X
    series = X if isinstance(X, pd.Series) else pd.Series(list(X), dtype=object)
    wrong = [value for value in series if not isinstance(value, str)]
    if wrong:
        raise BadInput(f"a text is {wrong[0]!r}", expected="strings only", fix="fill missing texts with ''")
    return series.rename("text").to_frame()


def _column(X, name):
    """One column of texts or of a DataFrame."""
    rows = as_rows(X)
    if name not in rows:
        raise BadInput(f"the rows have no column {name!r}", expected=f"one of the columns {list(rows.columns)}",
                       fix="name the one that holds the texts: column=...")
    return rows[name]


def frame_from_proba(index, proba, classes, tier, *, threshold=0.0, latency_s=np.nan, cost_usd=np.nan):
    """An answer frame from class probabilities.

    Parameters
    ----------
    index : pandas.Index of length n
    proba : array, shape (n, k), each row sums to 1
    classes : sequence of k labels
    threshold : float
        Rows below it abstain with the reason ``low_confidence``; their confidence is kept.

    Examples
    --------
    >>> from hybridlab.tiers import frame_from_proba
    >>> frame_from_proba([7, 8], [[.9, .1], [.4, .6]], ["no", "yes"], "demo", threshold=.7)["label"].to_dict()
    {7: 'no', 8: '<abstain>'}
    """
    proba = np.asarray(proba, dtype=float)
    confidence = proba.max(axis=1)
    sure = confidence >= threshold
    label = np.where(sure, np.asarray(classes, dtype=object)[proba.argmax(axis=1)], ABSTAIN)
    frame = pd.DataFrame({"label": label, "confidence": confidence, "cost_usd": cost_usd, "latency_s": latency_s,
                          "tier": tier, "reason": np.where(sure, "", "low_confidence")}, index=index)
    return frame.assign(**{f"p_{name}": proba[:, i] for i, name in enumerate(classes)})


class Tier(ClassifierMixin, BaseEstimator):
    """What all tiers share: ``predict`` and ``predict_proba`` are read off ``answer``.

    ``predict`` returns ``"<abstain>"`` where the tier does not answer. ``predict_proba`` is uniform there: a
    tier that said nothing has told nothing.
    """

    def predict(self, X):
        """Labels, shape (n,); ``"<abstain>"`` where there is none."""
        return self.answer(X)["label"].to_numpy(dtype=object)

    def predict_proba(self, X):
        """Probabilities, shape (n, k), columns in the order of ``classes_``."""
        frame = self.answer(X)
        known = frame.reindex(columns=[f"p_{name}" for name in self.classes_]).to_numpy(dtype=float)
        return np.where(np.isnan(known).any(axis=1, keepdims=True), 1 / len(self.classes_), known)


class Rules(Tier):
    """Regular expressions in order; the first that matches gives the label.

    Parameters
    ----------
    rules : list of (pattern, label)
        Searched in each text, case ignored.
    name : str
        What the frame's ``tier`` column says.
    column : str
        Column of a DataFrame that the rules search.

    A row that no rule matches abstains with the reason ``no_rule``. Without ``fit`` a rule that fires is taken
    at its word (confidence 1); ``fit`` measures each rule's precision on the rows where it fires first, with
    Laplace's add-one estimate ``(hits + 1) / (fires + 2)``.

    Examples
    --------
    >>> from hybridlab.tiers import Rules
    >>> rules = Rules([(r"refund|stale", "other"), (r"love|great", "great")])
    >>> rules.fit(["great tea", "stale", "great, but stale"], ["great", "other", "other"])
    Rules(rules=[('refund|stale', 'other'), ('love|great', 'great')])
    >>> rules.answer(["I love it", "arrived"])[["label", "confidence", "reason"]].values.tolist()
    [['great', 0.6666666666666666, ''], ['<abstain>', 0.0, 'no_rule']]
    """

    def __init__(self, rules, name="rules", column="text"):
        self.rules = rules
        self.name = name
        self.column = column

    @classmethod
    def load(cls, name):
        """Read ``data/rules/<name>.toml``.

        Examples
        --------
        >>> from hybridlab.tiers import Rules
        >>> Rules.load("birds").answer(["ABTD T/O. NO DAMAGE."])["label"].tolist()
        ['effect']
        """
        spec = _toml("rules", name)
        return cls([(rule["pattern"], rule["label"]) for rule in spec["rules"]])

    def fit(self, X, y):
        """Learn the classes and each rule's precision."""
        fired, y = self._fired(_column(X, self.column)), np.asarray(y, dtype=object)
        self.classes_ = np.unique(y.astype(str)).astype(object)
        hits = [((fired == i) & (y == label)).sum() for i, (_, label) in enumerate(self.rules)]
        self.precision_ = np.array([(hit + 1) / ((fired == i).sum() + 2) for i, hit in enumerate(hits)])
        return self

    def answer(self, X):
        """Answer frame for texts or a DataFrame with the column that the rules search."""
        begun, texts = time.perf_counter(), _column(X, self.column)
        fired = self._fired(texts)
        precision = np.append(getattr(self, "precision_", np.ones(len(self.rules))), 0.0)
        labels = np.array([label for _, label in self.rules] + [ABSTAIN], dtype=object)
        frame = pd.DataFrame({"label": labels[fired], "confidence": precision[fired], "cost_usd": np.nan,
                              "latency_s": np.nan, "tier": self.name,
                              "reason": np.where(fired < 0, "no_rule", "")}, index=texts.index)
        return _with_machine_time(frame, begun)

    def _fired(self, texts):
        pairs = isinstance(self.rules, (list, tuple)) and all(
            isinstance(rule, (list, tuple)) and len(rule) == 2 for rule in self.rules)
        if not pairs:
            raise BadInput(f"rules is {self.rules!r}", expected="a list of pairs (pattern, label), the first that "
                           "matches decides", fix="such as Rules([('stale|refund', 'other'), ('', 'great')])")
        fired = np.full(len(texts), -1)
        for i, (pattern, _) in reversed(list(enumerate(self.rules))):
            search = _compiled(pattern).search
            fired[np.fromiter((search(text) is not None for text in texts), bool, len(texts))] = i
        return fired


def _compiled(pattern):
    try:
        return re.compile(pattern, re.IGNORECASE)
    except (re.error, TypeError) as error:
        raise BadInput(f"the rule {pattern!r} is no regular expression: {error}", expected="such as 'stale|refund'",
                       fix="escape ( ) [ ] . * + ? with a backslash where they are meant literally") from error


class Classifier(Tier):
    """Any scikit-learn classifier with ``predict_proba``, as a tier.

    Parameters
    ----------
    estimator : classifier or pipeline
        Cloned at ``fit``.
    threshold : float
        From 0 to 1; below this confidence the tier abstains.
    column : str or None
        Column of a DataFrame that the estimator reads as texts; None hands the table over as it is.
    name : str

    Examples
    --------
    >>> from sklearn.feature_extraction.text import TfidfVectorizer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from hybridlab.tiers import Classifier
    >>> tier = Classifier(make_pipeline(TfidfVectorizer(), LogisticRegression()), name="tfidf")
    >>> tier = tier.fit(["good tea", "bad tea", "good", "bad"], ["great", "other", "great", "other"])
    >>> tier.answer(["so good"])["label"].tolist()
    ['great']
    """

    def __init__(self, estimator, threshold=0.0, column="text", name="classifier"):
        self.estimator = estimator
        self.threshold = threshold
        self.column = column
        self.name = name

    def fit(self, X, y):
        """Fit a clone of the estimator."""
        fitted = clone(self.estimator).fit(self._features(X), np.asarray(y))
        if not hasattr(fitted, "predict_proba"):  # a stack of models shows it only when it is fitted
            raise BadInput(f"the estimator {self.estimator!r} has no predict_proba, so no confidence",
                           expected="a classifier with predict_proba, such as LogisticRegression()",
                           fix="give an SVM or a RidgeClassifier one by sklearn.calibration.CalibratedClassifierCV")
        self.estimator_ = fitted
        self.classes_ = self.estimator_.classes_
        return self

    def answer(self, X):
        """Answer frame; latency and cost are this machine's time shared over the batch."""
        check_is_fitted(self)
        if not isinstance(self.threshold, numbers.Real) or not 0 <= self.threshold <= 1:
            raise BadInput(f"threshold is {self.threshold!r}", expected="a number from 0 to 1",
                           fix="threshold=0.7 abstains below a confidence of 70 %")
        begun, features = time.perf_counter(), self._features(X)
        proba = self.estimator_.predict_proba(features)
        index = X.index if hasattr(X, "index") and not isinstance(X, list) else range(len(proba))
        frame = frame_from_proba(index, proba, self.classes_, self.name, threshold=self.threshold)
        return _with_machine_time(frame, begun)

    def _features(self, X):
        return X if self.column is None else _column(X, self.column)


@dataclass(frozen=True)
class Prompt:
    """What an LLM is asked: system text, a template over a row's columns, examples, and reply word -> label.

    Examples
    --------
    >>> from hybridlab.tiers import Prompt
    >>> prompt = Prompt("Answer yes or no.", "Report: {text}", {"yes": "effect", "no": "none"})
    >>> prompt.messages({"text": "NO DAMAGE"})[-1]
    {'role': 'user', 'content': 'Report: NO DAMAGE'}
    """

    system: str
    template: str
    labels: dict
    shots: tuple = ()
    task: str = "local"
    variant: str = "local"

    @classmethod
    def load(cls, name):
        """Read ``data/prompts/<task>.<variant>.toml``; its example rows come through ``datasets``.

        Raises
        ------
        DataMissing
            No such prompt; the message lists the ones there are.
        """
        spec = _toml("prompts", name)
        prompt = cls(spec["system"], spec["template"], spec["labels"], task=spec["task"], variant=spec["variant"])
        return replace(prompt, shots=tuple(_shots(prompt, spec.get("shots", []))))

    def messages(self, row):
        """Chat messages for one row (a mapping)."""
        turns = [{"role": "system", "content": self.system}]
        for asked, answered in self.shots:
            turns += [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
        return [*turns, {"role": "user", "content": self.fill(row)}]

    def fill(self, row):
        """The user's message for one row; a missing value is said to be unknown."""
        fields = {field: spec for _, field, spec, _ in string.Formatter().parse(self.template) if field}
        unknown = [field for field in fields if field not in row]
        if unknown:
            raise BadInput(f"the template needs {unknown}", expected=f"columns among {list(row)}")
        return self.template.format_map({field: row[field] if spec else _said(row[field])
                                         for field, spec in fields.items()})


def _said(value):
    """A value as a prompt says it: whole floats without a point, a missing one as unknown."""
    if isinstance(value, str):
        return value
    return "unknown" if pd.isna(value) else f"{value:g}"


def _toml(kind, name):
    """A committed file of ``data/prompts`` or ``data/rules``."""
    file = paths.data(kind, f"{name}.toml")
    if not file.exists():
        stems = sorted(path.stem for path in file.parent.glob("*.toml"))
        known = ", ".join(stem for stem in stems if not stem.endswith(".extract"))  # those belong to sources
        raise DataMissing(f"no {kind.removesuffix('s')} {name!r}", expected=f"one of {known}")
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _shots(prompt, shots):
    """Examples as (asked, answered); a shot names a row of the train split and the word to answer."""
    from . import datasets

    rows = datasets.load(prompt.task) if shots else None
    for shot in shots:
        yield prompt.fill(rows.loc[shot["row"]].to_dict()), shot["answer"]


class LLM(Tier):
    """A language model as a tier: one token out, the probability of every label's spellings summed.

    Parameters
    ----------
    prompt : str or Prompt
        ``"reviews.v1"`` loads a committed prompt.
    model : str, optional
        Default: ``hybridlab.default_model()``.
    threshold : float
        Below this confidence the tier abstains (``low_confidence``).
    min_mass : float
        Least probability that the first token must give to the labels together; below it the reply is no
        known label and the tier abstains (``unparseable``).
    max_chars : int
        A filled template longer than this abstains (``too_long``) and is not sent.
    mode : str, optional
        Passed to ``connect``.
    name : str, optional

    The client is made at the first answer and is not part of the estimator's state, so ``clone`` and pickle
    work. Columns ``p_<label>`` hold the label probabilities divided by their mass.

    Examples
    --------
    >>> from sklearn.base import clone
    >>> from hybridlab.tiers import LLM, Prompt
    >>> prompt = Prompt("Answer yes or no.", "Report: {text}", {"yes": "effect", "no": "none"})
    >>> tier = clone(LLM(prompt, threshold=0.7))
    >>> tier.bodies(["NO DAMAGE"])[0]["max_tokens"]
    1
    """

    def __init__(self, prompt, model=None, threshold=0.0, min_mass=0.5, max_chars=6000, mode=None, name=None):
        self.prompt = prompt
        self.model = model
        self.threshold = threshold
        self.min_mass = min_mass
        self.max_chars = max_chars
        self.mode = mode
        self.name = name

    def __getstate__(self):
        return {name: value for name, value in super().__getstate__().items() if name != "_client"}

    def fit(self, X=None, y=None):
        """Nothing is learnt; ``classes_`` is read off the prompt."""
        self.classes_ = self._classes()
        return self

    @property
    def client(self):
        """The openai client; set it to one of your own to send the calls elsewhere."""
        if not hasattr(self, "_client"):
            from .llm import connect

            self._client = connect(self._prompt().task, self.mode)
        return self._client

    @client.setter
    def client(self, client):
        self._client = client

    def bodies(self, X):
        """The request bodies, one a row, as they are sent and as recordings are keyed."""
        prompt = self._prompt()
        return [self._body(prompt, row) for row in as_rows(X).to_dict("records")]

    def answer(self, X):
        """Answer frame with label probabilities and token counts; live calls are announced first."""
        rows, prompt = as_rows(X), self._prompt()
        bodies = self.bodies(rows)
        _announce(self.client, bodies)
        said = [self._one(prompt, body) for body in bodies]
        columns = COLUMNS + [f"p_{name}" for name in self._classes()] + TOKENS
        frame = pd.DataFrame(said, index=rows.index, columns=columns)
        frame["tier"] = self.name or self._model()
        return frame.astype({"label": object, "confidence": float})

    def _one(self, prompt, body):
        if len(body["messages"][-1]["content"]) > self.max_chars:
            return _silent("too_long")
        reply, reason = ask(self.client, body)
        if reply is None:
            return _silent(reason)
        answer = self._read(prompt, reply.choices[0])
        if answer["reason"] == "" and answer["confidence"] < self.threshold:
            answer |= {"label": ABSTAIN, "reason": "low_confidence"}
        return answer | _bill(reply, body["model"])

    def _read(self, prompt, choice):
        """Label, confidence and reason from one choice of a reply."""
        from .llm import label_probabilities

        if choice.message.refusal:
            return _silent("refusal")
        if not (choice.logprobs and choice.logprobs.content):
            return _silent("no_logprobs")
        pairs = [(top.token, top.logprob) for top in choice.logprobs.content[0].top_logprobs]
        words = label_probabilities(pairs, list(prompt.labels))
        mass = sum(words.values())
        if mass <= 0:
            return _silent("unparseable")
        share = dict.fromkeys(self._classes(), 0.0)
        for word, label in prompt.labels.items():
            share[label] += words[word] / mass
        label = max(share, key=share.get)
        probabilities = {f"p_{name}": value for name, value in share.items()}
        if mass < self.min_mass:
            return _silent("unparseable") | {"confidence": share[label]} | probabilities
        return {"label": label, "confidence": share[label], "reason": ""} | probabilities

    def _body(self, prompt, row):
        return {"model": self._model(), "messages": prompt.messages(row), "temperature": 0, "max_tokens": 1,
                "logprobs": True, "top_logprobs": 10}

    def _prompt(self):
        return Prompt.load(self.prompt) if isinstance(self.prompt, str) else self.prompt

    def _classes(self):
        return np.unique(list(self._prompt().labels.values())).astype(object)

    def _model(self):
        from .llm import default_model

        return self.model or default_model()


def ask(client, body):
    """One chat completion: (reply, ""), or (None, reason) when there is none to read.

    Reasons: ``timeout``, ``unreachable``, ``rate_limit``, ``server_error``, ``too_long`` (the server says that
    the prompt exceeds the context), ``refused`` (any other status: the server will not take this request),
    ``unparseable`` (it answers, but with no chat completion), ``budget`` (the client's spend limit is reached).
    A missing recording or a wrong key concerns every record and is raised.
    """
    import openai

    try:
        reply = client.chat.completions.create(**body)
    except BudgetSpent:
        return None, "budget"
    except (openai.AuthenticationError, openai.PermissionDeniedError):
        raise
    except openai.APITimeoutError:
        return None, "timeout"
    except openai.APIConnectionError:
        return None, "unreachable"
    except openai.RateLimitError:
        return None, "rate_limit"
    except openai.InternalServerError:
        return None, "server_error"
    except openai.APIStatusError as error:
        return None, "too_long" if "context" in str(error).casefold() else "refused"
    except (openai.APIResponseValidationError, ValueError):
        return None, "unparseable"
    return (reply, "") if _readable(reply) else (None, "unparseable")


def _readable(reply):
    """Whether a reply is a chat completion; a server may send anything, and the client lets it through."""
    choices = getattr(reply, "choices", None)
    message = getattr(choices[0], "message", None) if isinstance(choices, list) and choices else None
    return message is not None and isinstance(getattr(message, "content", None), (str, type(None)))


class Human(Tier):
    """A person in the loop, as stated ranges: nobody's answers are made up.

    Parameters
    ----------
    minutes : (low, high)
        Minutes a decision.
    usd_per_hour : (low, high)
        Loaded hourly price.
    error_rate : (low, high)
        Share of decisions that are wrong.
    source : str
        Where the ranges come from.

    ``answer`` returns rows that wait for a person (``<abstain>``, reason ``waiting``) at the middle of the
    ranges; ``band`` gives the edges.

    Examples
    --------
    >>> from hybridlab.tiers import Human
    >>> person = Human(minutes=(1, 3), usd_per_hour=(20, 40), error_rate=(.02, .10), source="our own estimate")
    >>> [round(usd, 2) for usd in person.band()["cost_usd"]]
    [0.33, 2.0]
    """

    def __init__(self, minutes, usd_per_hour, error_rate, source, name="human"):
        self.minutes = minutes
        self.usd_per_hour = usd_per_hour
        self.error_rate = error_rate
        self.source = source
        self.name = name

    def band(self):
        """Low and high of cost in USD, latency in seconds (without queueing) and error rate, a decision."""
        for name in ("minutes", "usd_per_hour", "error_rate"):
            low, high = getattr(self, name)
            if not 0 <= low <= high or (name == "error_rate" and high > 1):
                raise BadInput(f"{name} is {(low, high)}", expected="0 <= low <= high (an error rate at most 1)")
        cost = tuple(m / 60 * usd for m, usd in zip(self.minutes, self.usd_per_hour))
        return {"cost_usd": cost, "latency_s": tuple(60 * m for m in self.minutes), "error_rate": self.error_rate}

    def fit(self, X=None, y=None):
        """Nothing is learnt."""
        return self

    def answer(self, X):
        """Every row waits for a person, at the middle of the stated ranges."""
        rows, band = as_rows(X), self.band()
        middle = {name: sum(band[name]) / 2 for name in ("cost_usd", "latency_s")}
        waiting = {"label": ABSTAIN, "confidence": np.nan, **middle, "tier": self.name, "reason": "waiting"}
        return pd.DataFrame(waiting, index=rows.index, columns=COLUMNS)


def _silent(reason):
    return {"label": ABSTAIN, "confidence": 0.0, "reason": reason}


def _with_machine_time(frame, begun):
    """Share the batch's wall time over its rows, and price it as machine time."""
    from .cost import machine_usd

    seconds = (time.perf_counter() - begun) / max(len(frame), 1)
    return frame.assign(latency_s=seconds, cost_usd=machine_usd(seconds))


def _bill(reply, model, clock=None):
    """Cost, latency and tokens of a reply; a replayed call made under load is timed by the idle rate card.

    ``clock`` are the seconds of a call that did not go through our seam. Tokens that the server does not tell
    count as none, and their price as unknown.
    """
    from .cost import price, seconds
    from .llm import IDLE

    usage, told = reply.usage, (reply.model_extra or {}).get("hybridlab") or {"seconds": clock}
    cached = getattr(getattr(usage, "prompt_tokens_details", None), "cached_tokens", None)
    counts = (getattr(usage, "prompt_tokens", None), cached, getattr(usage, "completion_tokens", None))
    call = dict(zip(TOKENS, (count or 0 for count in counts)))
    alone = told.get("load") is None or told["load"] <= IDLE
    timed = {"model": model, "date": told.get("date"), "seconds": told.get("seconds") if alone else None, **call}
    try:
        return call | {"latency_s": seconds(timed), "cost_usd": price(timed).usd if counts[0] else np.nan}
    except (DataMissing, BadInput):
        return call | {"latency_s": np.nan if timed["seconds"] is None else timed["seconds"],
                       "cost_usd": np.nan}


def _announce(client, bodies):
    """Before a batch goes live, say how many calls that is and how long it will take."""
    seam = getattr(client, "seam", None)
    misses = seam.missing(bodies) if seam is not None and seam.mode in ("auto", "record", "live") else 0
    if misses > 1:
        seam.check_live(bodies)
        print(f"{misses} live calls to {bodies[0]['model']}, {_pace(bodies, misses)}; "
              "interrupt when you like, what is answered is kept.")


def _pace(bodies, misses):
    from .cost import seconds

    # About four characters a token; the shared beginning of the prompt is cached, so the last message counts.
    tokens = sum(len(body["messages"][-1]["content"]) for body in bodies) / len(bodies) / 4
    try:
        each = seconds({"model": bodies[0]["model"], "prompt_tokens": round(tokens), "completion_tokens": 1})
    except DataMissing:
        return "speed not measured yet (make timings)"
    return f"about {each:.1f} s each, {misses * each / 60:.0f} minutes"
