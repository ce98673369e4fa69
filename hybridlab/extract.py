"""Extractors of records: rules, a sequence model, and the hybrid of any, chosen field by field.

Each extractor has ``fit(X, gold)``, ``calibrate(X, gold)`` and ``extract(X)``; the last returns one
``Extraction`` a row, whatever comes in. ``gold`` is a list of dicts, as in ``fields.outcomes``. The extractor
that asks a language model is in ``asker``.
"""

import datetime as dt
import functools
import math
import re
import time
from dataclasses import replace

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from .errors import BadInput
from .fields import Extraction, Found, Set, kinds, outcomes, score
from .grounding import Span
from .tiers import ABSTAIN, as_rows

MAX_CHARS = 20_000
# Reasons for which a first choice has failed, so that the next answer is a fallback.
FAILED = ("timeout", "rate_limit", "server_error", "unreachable", "refused", "too_long", "budget", "refusal",
          "truncated", "unparseable", "missing", "invalid", "ungrounded", "unsupported")


class Extractor(BaseEstimator):
    """What all extractors share. A subclass reads one record in ``_read(row)``: (field -> Found, calls).

    A row that is no text, or is longer than ``max_chars``, is an ``Extraction`` without answers and with the
    reason ``not_text`` or ``too_long``. Texts are read as ``clean`` gives them; a ``sent`` that is no date
    counts as none.

    Examples
    --------
    >>> from typing import Annotated
    >>> from pydantic import BaseModel
    >>> from hybridlab.extract import Extractor
    >>> from hybridlab.fields import Found, Text
    >>> class Strike(BaseModel):
    ...     species: Annotated[str | None, Text("the kind of bird")] = None
    >>> class LastWord(Extractor):
    ...     schema, name = Strike, "last word"
    ...     def _read(self, row):
    ...         return {"species": Found(row["text"].split()[-1], self.name, 0.5)}, ()
    >>> LastWord().extract(["hit a gull"])[0].values
    {'species': 'gull'}
    """

    max_chars = MAX_CHARS
    paid = False

    def fit(self, X=None, gold=None):
        """Learn from gold rows; rules and LLMs learn nothing."""
        return self

    def calibrate(self, X, gold):
        """Learn on development rows how often a value of each field is right, given its raw confidence.

        Platt's logistic curve on the raw confidence, with one right and one wrong row added at the mean:
        where all are alike this is Laplace's (right + 1) / (n + 2). Source: Platt 1999, Advances in Large
        Margin Classifiers, 61.
        """
        self.curves_ = {}
        return self._learn(self.extract(X), gold)

    def _learn(self, extractions, gold):
        self.curves_, gold = {}, _one_each(extractions, gold)
        for name, kind in kinds(self.schema).items():
            pairs = [(e.found[name], truth[name]) for e, truth in zip(extractions, gold) if name in truth]
            for absent in (False, True):
                said = [pair for pair in pairs if pair[0].answered and _absent(pair[0].value) == absent]
                raw = [found.confidence for found, _ in said]
                right = [_right(kind, found.value, value) for found, value in said]
                self.curves_[name, absent] = _platt(raw, right)
        return self

    def extract(self, X):
        """One ``Extraction`` a row.

        Parameters
        ----------
        X : list of texts, or DataFrame with a ``text`` column (and ``sent``, where dates are relative)
        """
        self._begin(X)
        return [self._one(index, row) for index, row in _rows(X)]

    def _begin(self, X):
        """What is to be done once before a batch."""

    def _one(self, index, row):
        begun, text = time.perf_counter(), row.get("text")
        if not isinstance(text, str) or len(text) > self.max_chars:
            return _nothing(self, index, "too_long" if isinstance(text, str) else "not_text")
        found, calls = self._read({**row, "text": clean(text), "sent": _day(row.get("sent"))})
        seconds, usd = _spent(calls, time.perf_counter() - begun)
        found = {name: self._calibrated(name, replace(value, cost_usd=usd / len(found), latency_s=seconds))
                 for name, value in found.items()}
        return Extraction(index, found, usd, seconds, tuple(calls))

    def _calibrated(self, name, found):
        curve = getattr(self, "curves_", {}).get((name, _absent(found.value)))
        return replace(found, confidence=curve(found.confidence)) if curve and found.answered else found


def clean(text):
    """The text with control characters as apostrophes and lone surrogates as spaces; no offset moves.

    Runs of control characters stand for apostrophes in the HHS texts; white space stays.

    Examples
    --------
    >>> from hybridlab.extract import clean
    >>> clean("the doctor\\x1as office")
    "the doctor's office"
    """
    return _SURROGATE.sub(" ", _CONTROL.sub("'", text))


_CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def _rows(X):
    """(row id, mapping with a text) of every row; what is no text is left for ``_one`` to report."""
    if isinstance(X, pd.DataFrame):
        if "text" not in X:
            raise BadInput(f"columns are {list(X)}", expected="a column text")
        return list(zip(X.index, X.to_dict("records")))
    if isinstance(X, str):
        as_rows(X)
    rows = X.items() if isinstance(X, pd.Series) else enumerate(X)
    return [(i, {"text": text}) for i, text in rows]


def _one_each(X, gold):
    gold = list(gold)
    if len(gold) != len(X):
        raise BadInput(f"{len(X)} rows, {len(gold)} gold records", expected="one for each")
    return gold


def _texts(X):
    """Rows to learn from: each must hold a text."""
    rows = _rows(X)
    wrong = [index for index, row in rows if not isinstance(row["text"], str)]
    if wrong:
        raise BadInput(f"no text in {len(wrong)} of {len(rows)} rows: {wrong[:5]}", expected="a text to learn from",
                       fix="leave these rows and their gold out")
    return [row for _, row in rows]


def _day(sent):
    if isinstance(sent, (str, dt.date)):
        sent = pd.to_datetime(sent, errors="coerce")
        return None if pd.isna(sent) else sent.date()
    return None


def _nothing(extractor, index, reason):
    found = Found(ABSTAIN, extractor.name, reason=reason)
    return Extraction(index, dict.fromkeys(kinds(extractor.schema), found))


def _absent(value):
    return value is None or (isinstance(value, list) and not value)


def _right(kind, value, gold):
    if _absent(value) or _absent(gold):
        return _absent(value) and _absent(gold)
    return kind.same(value, gold)


def _platt(raw, right):
    """From raw to calibrated confidence; None when nothing was said."""
    from sklearn.linear_model import LogisticRegression

    if not raw:
        return None
    x = np.array(raw + [np.mean(raw)] * 2)[:, None]
    curve = LogisticRegression(C=100).fit(x, [*map(int, right), 1, 0])
    if curve.coef_[0, 0] < 0:  # surer and yet less often right: that is chance, so one level for all
        curve.fit(np.zeros_like(x), [*map(int, right), 1, 0])
    return functools.partial(_logistic, float(curve.intercept_[0]), float(curve.coef_[0, 0]))


def _logistic(intercept, slope, raw):
    return 1 / (1 + math.exp(-intercept - slope * raw))


def _spent(calls, seconds):
    """(seconds, USD) of a record: its calls, or this machine's time."""
    from .cost import machine_usd

    if calls:
        return tuple(float(sum(call[name] for call in calls)) for name in ("latency_s", "cost_usd"))
    return seconds, machine_usd(seconds)


# ---- rules


class Patterns(Extractor):
    """Regular expressions and small parsers, field by field; the first that yields a value gives it.

    Parameters
    ----------
    schema : pydantic model
    rules : mapping of field to list of rules
        A rule is a pattern (its first group, or all of it, is read by the field's kind), a pair
        (pattern, value), or a function of (text, sent) that returns ``readings.Reading``s or spans. For a
        ``Set`` all matches of all rules count.

    A field without a match abstains with the reason ``no_rule``.

    Examples
    --------
    >>> from typing import Annotated
    >>> from pydantic import BaseModel
    >>> from hybridlab.extract import Patterns
    >>> from hybridlab.fields import Exact, Number
    >>> class Breach(BaseModel):
    ...     individuals: Annotated[int | None, Number("people affected", key="n")] = None
    ...     type: Annotated[str | None, Exact(options={"Theft": ["stolen"], "Loss": ["lost"]})] = None
    >>> patterns = {"individuals": ["([0-9,]+) (?:individuals|patients)"], "type": ["stolen|lost"]}
    >>> Patterns(Breach, patterns).extract(["A laptop with data of 3,800 patients was stolen."])[0].values
    {'individuals': 3800, 'type': 'Theft'}
    """

    def __init__(self, schema, rules, name="rules", max_chars=MAX_CHARS):
        self.schema = schema
        self.rules = rules
        self.name = name
        self.max_chars = max_chars

    def _read(self, row):
        text, sent = row["text"], row.get("sent")
        return {name: self._field(kind, self.rules.get(name, ()), text, sent)
                for name, kind in kinds(self.schema).items()}, ()

    def _field(self, kind, rules, text, sent):
        hits = ((*value, span) for rule in rules for span, *value in _matches(rule, text, sent))
        return _first(kind, hits, text, sent, self.name) or Found(ABSTAIN, self.name, reason="no_rule")


def _matches(rule, text, sent):
    """(span, raw value) of every match of a rule."""
    if callable(rule):
        return [(Span(*place[:2]), text[place[0]:place[1]]) for place in rule(text, sent)]
    pattern, value = rule if isinstance(rule, tuple) else (rule, None)
    found = [(match, min(1, match.re.groups)) for match in re.finditer(pattern, text, re.IGNORECASE)]
    return [(Span(*match.span(group)), match[group] if value is None else value) for match, group in found]


def _first(kind, hits, text, sent, source, confidence=1.0):
    """A ``Found`` of the first readable hit, of a set of all; None when none is readable."""
    one, read = kind.of if isinstance(kind, Set) else kind, []
    for raw, span in hits:
        value = _readable(one, raw, sent)
        if value is not None and not any(one.same(value, other) for other, _ in read):
            read.append((value, span))
            if one is kind:
                break
    if not read:
        return None
    values, spans = zip(*read)
    supported = all(one.supports(value, text[span.start:span.end], sent) for value, span in read)
    return Found(values[0] if one is kind else list(values), source, confidence, spans, supported)


def _readable(kind, raw, sent=None):
    """The value that a kind reads, or None."""
    try:
        return kind.read(raw, sent)
    except BadInput:
        return None


# ---- a sequence model


class Tagger(Extractor):
    """A linear-chain conditional random field over words; it marks where each field is written.

    Gold values become labels where the text carries them (``kind.mentions``); what the text does not carry is
    not learnt and not found. Features: a word, its shape and ends, and its two neighbours on both sides. The
    confidence is the least marginal probability of a marked word. Source: Lafferty, McCallum and Pereira
    2001, International Conference on Machine Learning, 282; trained by CRFsuite.

    Parameters
    ----------
    schema : pydantic model
    iterations : int
    l1, l2 : float
        Penalties on the weights.

    Examples
    --------
    >>> from typing import Annotated
    >>> from pydantic import BaseModel
    >>> from hybridlab.extract import Tagger
    >>> from hybridlab.fields import Number
    >>> class Breach(BaseModel):
    ...     individuals: Annotated[int | None, Number("people affected")] = None
    >>> texts = [f"On day {n} a thief took files of {n * 100} patients." for n in range(2, 12)]
    >>> tagger = Tagger(Breach).fit(texts, [{"individuals": n * 100} for n in range(2, 12)])
    >>> tagger.extract(["On day 7 a thief took files of 4242 patients."])[0].values
    {'individuals': 4242}
    """

    def __init__(self, schema, iterations=60, l1=0.05, l2=0.05, name="tagger", max_chars=MAX_CHARS):
        self.schema = schema
        self.iterations = iterations
        self.l1 = l1
        self.l2 = l2
        self.name = name
        self.max_chars = max_chars

    def fit(self, X, gold):
        """Train on rows whose gold values are known."""
        import os
        import tempfile

        import pycrfsuite

        settings = {"max_iterations": self.iterations, "c1": self.l1, "c2": self.l2}
        trainer = pycrfsuite.Trainer(verbose=False, params=settings)
        for row, truth in zip(_texts(X), _one_each(X, gold)):
            words = _words(clean(row["text"]))
            if words:
                trainer.append(_features(words), self._labels(words, row, truth))
        self.__dict__.pop("_open", None)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model")
            trainer.train(path)
            with open(path, "rb") as file:
                self.model_ = file.read()
        return self

    def _labels(self, words, row, truth):
        labels, text, sent = ["O"] * len(words), clean(row["text"]), _day(row.get("sent"))
        for name, kind in kinds(self.schema).items():
            value = truth.get(name)
            for span in [] if _absent(value) else kind.mentions(value, text, sent):
                inside = [i for i, word in enumerate(words) if word[1] < span.end and word[2] > span.start]
                if inside and all(labels[i] == "O" for i in inside):
                    labels[inside[0]:inside[-1] + 1] = [f"B-{name}"] + [f"I-{name}"] * (len(inside) - 1)
        return labels

    def _read(self, row):
        text, sent = row["text"], row.get("sent")
        marked = self._marked(text)
        return {name: self._field(kind, marked.get(name, []), text, sent)
                for name, kind in kinds(self.schema).items()}, ()

    def _field(self, kind, marked, text, sent):
        """The surest readable mark; of a set, every mark."""
        sure = sorted(marked, key=lambda mark: -mark[1])
        hits = [(text[span.start:span.end], span) for span, _ in sure]
        found = _first(kind, hits, text, sent, self.name)
        if found is None:
            return Found(ABSTAIN, self.name, reason="no_mark")
        return replace(found, confidence=min(p for span, p in sure if span in found.spans))

    def _marked(self, text):
        """Field -> list of (span, probability)."""
        words, marked = _words(text), {}
        if not words:
            return marked
        tagger = self._tagger()
        labels = tagger.tag(_features(words))
        for i, (label, (_, start, end)) in enumerate(zip(labels, words)):
            mark, _, name = label.partition("-")
            p = tagger.marginal(label, i)
            if mark == "I" and i and labels[i - 1].endswith(f"-{name}"):
                span, before = marked[name].pop()
                marked[name].append((Span(span.start, end), min(before, p)))
            elif mark != "O":
                marked.setdefault(name, []).append((Span(start, end), p))
        return marked

    def _tagger(self):
        import pycrfsuite

        check_is_fitted(self, "model_")
        if not hasattr(self, "_open"):
            self._open = pycrfsuite.Tagger()
            self._open.open_inmemory(self.model_)
        return self._open

    def __getstate__(self):
        return {name: value for name, value in super().__getstate__().items() if name != "_open"}


def _words(text):
    return [(match.group(), *match.span()) for match in re.finditer(r"\d[\d.,]*\d|\w+|[^\w\s]", text)]


def _features(words):
    own = [{"word": word.lower(), "shape": _shape(word), "end": word[-3:].lower()} for word, _, _ in words]
    return [features | {f"{name}{step:+d}": own[i + step][name] for step in (-2, -1, 1, 2)
                        if 0 <= i + step < len(own) for name in ("word", "shape")}
            for i, features in enumerate(own)]


def _shape(word):
    kinds_of = ("0" if c.isdigit() else "A" if c.isupper() else "a" if c.isalpha() else c for c in word)
    return re.sub(r"(.)\1+", r"\1", "".join(kinds_of))


# ---- together


def prefer(candidates, kind):
    """One value of several candidates, in order of preference: the first that answers stands.

    ``tag`` says what the others say: ``agreed`` (all the same; the larger confidence, both sources),
    ``overlap`` (the same words read otherwise, or sets that share items), ``conflict`` (anything else, also
    "absent" against a value), ``fallback`` (the first choice failed; ``reason`` says why). Whoever differs is
    kept in ``others``, for a reviewer.

    Parameters
    ----------
    candidates : list of Found, at least one
    kind : Kind

    Examples
    --------
    >>> from hybridlab.extract import prefer
    >>> from hybridlab.fields import Found, Number
    >>> rules, llm = Found(3800, "rules", 0.9), Found(3900, "llm", 0.8)
    >>> late = Found("<abstain>", "llm", reason="timeout")
    >>> prefer([rules, llm], Number()).tag, prefer([late, rules], Number()).tag
    ('conflict', 'fallback')
    """
    first, answered = candidates[0], [found for found in candidates if found.answered]
    if not answered:
        return first
    chosen, rest = answered[0], answered[1:]
    relations = [_relation(kind, chosen, other) for other in rest]
    differ = tuple(other for other, relation in zip(rest, relations) if relation != "agreed")
    tag = next((tag for tag in ("conflict", "overlap", "agreed") if tag in relations), "")
    chosen = replace(chosen, tag=tag, others=chosen.others + differ)
    if tag == "agreed":
        chosen = replace(chosen, source="+".join(found.source for found in answered),
                         confidence=max(found.confidence for found in answered))
    if first.reason in FAILED and not first.answered:
        return replace(chosen, tag="fallback", reason=first.reason, others=first.others + chosen.others)
    return chosen


def unite(candidates, kind):
    """As ``prefer``, but where candidates overlap they are joined: sets united, else the longer reading.

    Examples
    --------
    >>> from hybridlab.extract import unite
    >>> from hybridlab.fields import Exact, Found, Set
    >>> unite([Found(["Laptop"]), Found(["Laptop", "Email"])], Set(of=Exact())).value
    ['Laptop', 'Email']
    """
    chosen = prefer(candidates, kind)
    if chosen.tag != "overlap":
        return chosen
    answered = [found for found in candidates if found.answered]
    if isinstance(kind, Set):
        return replace(chosen, value=kind.read([item for found in answered for item in found.value]),
                       spans=tuple(dict.fromkeys(span for found in answered for span in found.spans)),
                       supported=all(found.supported for found in answered),
                       source="+".join(found.source for found in answered))
    longest = max(answered, key=lambda found: sum(span.end - span.start for span in found.spans))
    return replace(longest, tag="overlap", others=tuple(found for found in answered if found is not longest))


def _relation(kind, first, other):
    if _right(kind, first.value, other.value):
        return "agreed"
    if _absent(first.value) or _absent(other.value):
        return "conflict"
    if isinstance(kind, Set):
        return "overlap" if any(kind.of.same(a, b) for a in first.value for b in other.value) else "conflict"
    same_words = any(a.start < b.end and b.start < a.end for a in first.spans for b in other.spans)
    return "overlap" if same_words else "conflict"


class Hybrid(Extractor):
    """For each field the extractor that development rows speak for; the others fill in and check.

    Among the extractors within the limits, those whose F1 is at most ``slack`` below the best are ranked by
    what they add in cost, then in latency (an unpaid one runs anyway and adds nothing; what is unknown counts as
    beyond any limit), the rest by F1. The
    first is the field's own; where it gives nothing, the next of those that ran anyway does. Unpaid
    extractors always run, a paid one only where it is some field's first; so a classical answer always
    stands behind an LLM's.

    Parameters
    ----------
    extractors : list of Extractor, fitted where they learn
    slack : float
        F1 that a cheaper extractor may lack.
    min_precision, max_cost_usd, max_latency_s : float
        Limits on development rows; cost and latency are means a record. Beyond them an extractor ranks last.
    merge : callable
        ``prefer`` or ``unite``, or one of your own: (candidates, kind) -> Found.

    ``order_`` holds field -> names, best first; ``table_`` what they were ranked by. The same rows choose and
    calibrate, so judge the hybrid on others.

    Examples
    --------
    >>> from typing import Annotated
    >>> from pydantic import BaseModel
    >>> from hybridlab.extract import Hybrid, Patterns
    >>> from hybridlab.fields import Number
    >>> class Breach(BaseModel):
    ...     individuals: Annotated[int | None, Number("people affected")] = None
    >>> strict = Patterns(Breach, {"individuals": ["([0-9]+) patients"]}, name="strict")
    >>> loose = Patterns(Breach, {"individuals": ["[0-9]+"]}, name="loose")
    >>> texts = ["on day 3, 500 patients", "1 thief, 20 patients"]
    >>> Hybrid([loose, strict]).fit(texts, [{"individuals": 500}, {"individuals": 20}]).order_
    {'individuals': ['strict', 'loose']}
    """

    def __init__(self, extractors, slack=0.02, min_precision=0.0, max_cost_usd=math.inf,
                 max_latency_s=math.inf, merge=prefer, name="hybrid"):
        self.extractors = extractors
        self.slack = slack
        self.min_precision = min_precision
        self.max_cost_usd = max_cost_usd
        self.max_latency_s = max_latency_s
        self.merge = merge
        self.name = name

    @property
    def schema(self):
        return self.extractors[0].schema

    def fit(self, X, gold):
        """Calibrate each extractor on development rows, and rank them for each field."""
        boards = []
        for extractor in self.extractors:
            extractions = extractor.extract(X)
            extractor._learn(extractions, gold)
            board = score(outcomes(gold, extractions, self.schema), rng=np.random.default_rng(0))
            board["usd"] = np.mean([extraction.cost_usd for extraction in extractions])
            board["seconds"] = np.mean([extraction.latency_s for extraction in extractions])
            boards.append(board.assign(extractor=extractor.name))
        self.table_ = pd.concat(boards).set_index("extractor", append=True)
        self.order_ = {name: self._ranked(self.table_, name) for name in kinds(self.schema)}
        return self

    def _ranked(self, table, name):
        if name not in table.index:
            return [extractor.name for extractor in self.extractors]
        rows = table.loc[name].fillna({"usd": math.inf, "seconds": math.inf})  # unknown is not free
        f1, precision = (rows[name].map(lambda found: found.value).fillna(0) for name in ("f1", "precision"))
        within = ((precision >= self.min_precision) & (rows["usd"] <= self.max_cost_usd)
                  & (rows["seconds"] <= self.max_latency_s))
        close = within & (f1 >= f1[within].max() - self.slack)
        keys = pd.DataFrame({"group": np.select([close, within], [0, 1], 2), "f1": -f1})
        paid = rows.index.isin([extractor.name for extractor in self.extractors if extractor.paid])
        keys[["usd", "seconds"]] = rows[["usd", "seconds"]].where(close & paid, 0)
        keys = keys[["group", "usd", "seconds", "f1"]]
        return keys.sort_values(list(keys), kind="stable").index.tolist()

    def _used(self):
        first = {names[0] for names in self.order_.values()}
        return [extractor for extractor in self.extractors if not extractor.paid or extractor.name in first]

    def _begin(self, X):
        check_is_fitted(self, "order_")
        for extractor in self._used():
            extractor._begin(X)

    def _one(self, index, row):
        records = {extractor.name: extractor._one(index, row) for extractor in self._used()}
        merged = {}
        for name, kind in kinds(self.schema).items():
            ranked = [records[who].found[name] for who in self.order_[name] if who in records]
            merged[name] = self.merge(ranked, kind)
        return Extraction(index, self._shared(merged, records), sum(r.cost_usd for r in records.values()),
                          sum(r.latency_s for r in records.values()),
                          tuple(call for record in records.values() for call in record.calls))

    def _shared(self, merged, records):
        """What an extractor cost is shared by the fields it gave."""
        gave = {name: records.keys() & found.source.split("+") for name, found in merged.items()}
        users = {who: sum(who in given for given in gave.values()) for who in records}
        return {name: replace(found, cost_usd=sum(records[who].cost_usd / users[who] for who in gave[name]))
                for name, found in merged.items()}
