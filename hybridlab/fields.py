"""Fields of a record: kinds that read, compare and prove values; the schema made of them; scores.

A schema is a pydantic model whose fields carry a kind. The kind alone decides how a field is asked for, read,
compared and scored. A value that is ``None`` is absent: the text does not say. ``"<abstain>"`` is unknown:
the extractor gave no answer, and a reason. Neither is a wrong value.
"""

import datetime as dt
import math
import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from rapidfuzz.distance import Levenshtein

from .errors import BadInput
from .evaluate import Estimate, bootstrap, wilson
from .grounding import Span, ground, named, supports
from .readings import dates, numbers
from .tiers import ABSTAIN

MOST_ITEMS = 8
_SHORT_TEXT = {"type": "string", "maxLength": 120}


# ---- kinds


@dataclass(frozen=True)
class Kind:
    """What a field holds; the base of ``Exact``, ``Number``, ``Date``, ``Text`` and ``Set``.

    Parameters
    ----------
    about : str
        What the field means, as the prompt says it.
    key : str, optional
        Its short name in the model's JSON; default: the field's own name.

    Examples
    --------
    >>> from hybridlab.fields import Number
    >>> kind = Number("people affected", whole=True)
    >>> kind.read("about 3,800 people"), kind.same(3800, 3801), kind.supports(3800, "of 3,800 individuals")
    (3800, False, True)
    """

    about: str = ""
    key: str | None = None

    def read(self, raw, sent=None):
        """The value in a model's reply or a stretch of text; ``BadInput`` if there is none."""
        raise NotImplementedError

    def same(self, value, gold):
        """Whether two values of this kind are the same."""
        return value == gold

    def supports(self, value, span, sent=None):
        """Whether a stretch of text carries the value."""
        return supports(value, span, sent=sent)

    def mentions(self, value, text, sent=None):
        """Where the text carries the value: list of ``Span``."""
        raise NotImplementedError

    def json(self):
        """The JSON schema of one value."""
        raise NotImplementedError

    def __get_pydantic_core_schema__(self, source, handler):
        from pydantic_core import core_schema

        def read(raw, info):
            return None if raw is None else self.read(raw, (info.context or {}).get("sent"))

        return core_schema.with_info_before_validator_function(read, handler(source))


@dataclass(frozen=True)
class Exact(Kind):
    """A name, a code, or one of a list of options.

    Parameters
    ----------
    options : mapping of value to its synonyms, or list of values, optional
        An option is read by its own name, or by a synonym inside a phrase; one without synonyms by its name
        alone, and then any quote carries it: there is nothing to check it by. Of overlapping names the
        longest counts.
    form : callable, optional
        Brings what is written into its one form, str to str; two values are the same when their forms are.
    pattern : str, optional
        A regular expression that finds the value in that form. A text carries the value where it stands
        whole: part of a longer number or code is another one.

    Examples
    --------
    >>> from hybridlab.fields import Exact
    >>> kind = Exact("what happened", options={"Theft": ["stolen", "stole"], "Loss": ["lost"]})
    >>> kind.read("was stolen"), kind.read("theft")
    ('Theft', 'Theft')
    >>> number = Exact("order number", form=lambda text: text.replace("-", ""), pattern="[A-Z][0-9]{4}")
    >>> number.read("no. A-2234"), number.supports("A2234", "about A-22-34")
    ('A2234', True)
    """

    options: dict | list | None = None
    form: object = None
    pattern: str | None = None

    def read(self, raw, sent=None):
        if self.options is not None:
            return self._option(raw)
        text = self.form(_text(raw)) if self.form else _text(raw)
        found = re.search(self.pattern or ".+", text, re.DOTALL)
        return found.group() if found else _unread(raw, f"something like {self.pattern or 'a word'}")

    def same(self, value, gold):
        first, second = ((self.form or str)(str(value)) for value in (value, gold))
        return first.casefold() == second.casefold()

    def supports(self, value, span, sent=None):
        if self.form:
            return bool(self.mentions(value, span))
        if self.options is not None and not self._synonyms.get(value):
            return bool(span.strip())
        return supports(value, span, synonyms=self._synonyms)

    def mentions(self, value, text, sent=None):
        if self.form:
            wanted = self.form(str(value))
            forms = {span: self.form(text[span.start:span.end]) for span in _runs(text)}
            whole = [span for span, form in forms.items() if form == wanted or self._is_code(form)]
            return [span for span in _apart(whole) if forms[span] == wanted]
        if self.options is None:
            return ground(value, text)
        return [Span(*reading[:2]) for reading in named(self._synonyms, text) if reading.values[0] == value]

    def _is_code(self, form):
        return self.pattern is not None and re.fullmatch(self.pattern, form) is not None

    def _option(self, raw):
        said = str(raw) if isinstance(raw, bool) else _text(raw)
        told = [option for option in self.options if _calls(str(option), said)]
        checked = {option: words for option, words in self._synonyms.items() if words}
        told = told or list({reading.values[0]: 0 for reading in named(checked, said)})
        return told[0] if len(told) == 1 else _unread(raw, f"one of {list(self.options)}")

    @property
    def _synonyms(self):
        return self.options if isinstance(self.options, dict) else {}

    def json(self):
        return _SHORT_TEXT if self.options is None else {"enum": list(self.options)}


@dataclass(frozen=True)
class Number(Kind):
    """A number, the same when within ``tolerance``, or within ``relative`` times the gold number.

    Examples
    --------
    >>> from hybridlab.fields import Number
    >>> Number(relative=0.01).same(1005, 1000), Number().read("two dozen")
    (True, 24)
    """

    tolerance: float = 0.0
    relative: float = 0.0
    whole: bool = False

    def read(self, raw, sent=None):
        if isinstance(raw, bool) or not isinstance(raw, (int, float, np.number)):
            raw = next((reading.values[0] for reading in numbers(_text(raw))), math.nan)
        if not abs(raw) <= 1e15 or (self.whole and raw != int(raw)):
            return _unread(raw, "a whole number" if self.whole else "a number")
        return int(raw) if raw == int(raw) else float(raw)

    def same(self, value, gold):
        return abs(value - gold) <= max(self.tolerance, self.relative * abs(gold))

    def supports(self, value, span, sent=None):
        return supports(value, span, tolerance=self.tolerance)

    def mentions(self, value, text, sent=None):
        return [Span(*reading[:2]) for reading in numbers(text)
                if any(self.same(number, value) for number in reading.values)]

    def json(self):
        return {"type": "integer" if self.whole else "number"}


@dataclass(frozen=True)
class Date(Kind):
    """A day. It is asked for as it is written; code, not the model, reads "next Tuesday" against ``sent``.

    Parameters
    ----------
    day_first : bool
        How 1/5/10 is read.
    ahead : bool
        Whether a day without a year is never before ``sent``; else it is the nearest.

    Examples
    --------
    >>> import datetime as dt
    >>> from hybridlab.fields import Date
    >>> Date().read("5 Jan 2010"), Date().read("tomorrow", sent=dt.date(2026, 3, 4))
    (datetime.date(2010, 1, 5), datetime.date(2026, 3, 5))
    """

    day_first: bool = False
    ahead: bool = False

    def read(self, raw, sent=None):
        if isinstance(raw, dt.date):
            return raw.date() if isinstance(raw, dt.datetime) else raw
        readings = dates(_text(raw), sent, self.day_first)
        found = (day.near(sent, self.ahead) for reading in readings for day in reading.values if day.day)
        return next(filter(None, found), None) or _unread(raw, "a date")

    def mentions(self, value, text, sent=None):
        return [Span(*reading[:2]) for reading in dates(text, sent, self.day_first)
                if any(day.day and day.near(sent, self.ahead) == value for day in reading.values)]

    def json(self):
        return {"type": "string", "maxLength": 40}


@dataclass(frozen=True)
class Text(Kind):
    """Free text, the same when the Levenshtein similarity reaches ``similarity``, case and spaces aside.

    Examples
    --------
    >>> from hybridlab.fields import Text
    >>> Text().same("Red-tailed hawk", "red tailed  hawk")
    True
    """

    similarity: float = 0.8

    def read(self, raw, sent=None):
        return " ".join(_text(raw).split()) or _unread(raw, "some words")

    def same(self, value, gold):
        return Levenshtein.normalized_similarity(_bare(value), _bare(gold)) >= self.similarity

    def supports(self, value, span, sent=None):
        places = ground(value, span) or ground(value + "s", span)
        return supports(value, span) and any(self.same(value, span[place.start:place.end]) for place in places)

    def mentions(self, value, text, sent=None):
        return ground(value, text)

    def json(self):
        return _SHORT_TEXT


@dataclass(frozen=True)
class Set(Kind):
    """Several values of one kind, in any order, each once.

    Parameters
    ----------
    of : Kind
    most : int
        As many items as a model may name: a small one likes to repeat itself.

    Examples
    --------
    >>> from hybridlab.fields import Exact, Set
    >>> kind = Set("where it was", of=Exact(options={"Laptop": ["laptop computer"], "Email": ["e-mail"]}))
    >>> kind.read(["email", "Laptop", "Email"]), kind.same(["Laptop", "Email"], ["Email", "Laptop"])
    (['Email', 'Laptop'], True)
    """

    of: Kind = field(default_factory=Text)
    most: int = MOST_ITEMS

    def read(self, raw, sent=None):
        items = []
        for item in raw if isinstance(raw, (list, tuple, set, frozenset)) else [raw]:
            value = self.of.read(item, sent)
            if not any(self.of.same(value, other) for other in items):
                items.append(value)
        return items

    def same(self, value, gold):
        return len(value) == len(gold) == len(align(value, gold, self.of))

    def supports(self, value, span, sent=None):
        return all(self.of.supports(item, span, sent) for item in value)

    def mentions(self, value, text, sent=None):
        return _apart(span for item in value for span in self.of.mentions(item, text, sent))

    def json(self):
        return {"type": "array", "items": self.of.json(), "maxItems": self.most}


def align(values, gold, kind):
    """Pairs (i, j) of values and gold items that are the same, each used once, as many as possible.

    Source: Hopcroft and Karp 1973, SIAM Journal on Computing 2:225; computed by SciPy.

    Examples
    --------
    >>> from hybridlab.fields import Number, align
    >>> align([11, 10], [10, 9], Number(tolerance=1))  # 11 takes 10, so 10 must take 9
    [(0, 0), (1, 1)]
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import maximum_bipartite_matching

    if not len(values) or not len(gold):
        return []
    same = csr_matrix([[kind.same(value, other) for other in gold] for value in values], dtype=int)
    partner = maximum_bipartite_matching(same, perm_type="column")
    return [(i, int(j)) for i, j in enumerate(partner) if j >= 0]


def _bare(text):
    """The words of a text, without case, points and spaces."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def _calls(name, said):
    """Whether what is said is a name and nothing more, its plural s aside."""
    said, bare = said.casefold(), _bare(name)
    return said == name.casefold() or bool(bare) and _bare(said) in (bare, bare + "s", bare + "es")


def _text(raw):
    if isinstance(raw, (str, int, float)) and not isinstance(raw, bool):
        return str(raw).strip()
    return _unread(raw, "a string or a number")


def _unread(raw, expected):
    shown = repr(str(raw)[:60]) if isinstance(raw, (str, int, float)) else f"a {type(raw).__name__}"
    raise BadInput(f"cannot read {shown}", expected=expected)


def _runs(text, most=10):
    """Every run of up to ten words or numbers with nothing but spaces and the marks of a code between them."""
    words, runs = [match.span() for match in re.finditer(r"\+?\w+", text)], []
    for i, (start, _) in enumerate(words):
        for before, (begin, end) in zip([start, *(word[1] for word in words[i:])], words[i:i + most]):
            if not _JOINT.fullmatch(text, before, begin):
                break
            runs.append(Span(start, end))
    return runs


_JOINT = re.compile(r"[-\s/()@#\u2013]{0,3}|\.")


def _apart(spans):
    """Spans in order, without those that overlap an earlier or longer one."""
    kept = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept


# ---- the schema


def kinds(schema):
    """Field name -> kind of a pydantic model; every field must carry one, so a record cannot hold a record.

    Examples
    --------
    >>> from typing import Annotated
    >>> from pydantic import BaseModel
    >>> from hybridlab.fields import Number, kinds
    >>> class Breach(BaseModel):
    ...     individuals: Annotated[int | None, Number("people affected", key="n")] = None
    >>> kinds(Breach)["individuals"].key
    'n'
    """
    try:
        fields = schema.model_fields
    except AttributeError:
        raise BadInput(f"the schema is {schema!r}", expected="a pydantic model") from None
    found = {name: next((item for item in info.metadata if isinstance(item, Kind)), None)
             for name, info in fields.items()}
    bare = [name for name, kind in found.items() if kind is None or fields[name].is_required()]
    if bare or not found:
        raise BadInput(f"{schema.__name__} has fields without a kind or a default: {bare}",
                       expected="name: Annotated[int | None, Number(...)] = None for every field")
    return found


def json_schema(schema, quotes=True):
    """The JSON schema that constrains decoding: short keys, each null or value ``v`` after its quote ``q``.

    Examples
    --------
    >>> from typing import Annotated
    >>> from pydantic import BaseModel
    >>> from hybridlab.fields import Number, json_schema
    >>> class Breach(BaseModel):
    ...     individuals: Annotated[int | None, Number("people affected", key="n", whole=True)] = None
    >>> json_schema(Breach, quotes=False)["properties"]
    {'n': {'anyOf': [{'type': 'integer'}, {'type': 'null'}]}}
    """
    properties = {kind.key or name: _nullable(kind, quotes) for name, kind in kinds(schema).items()}
    return _object(properties)


def _object(properties):
    return {"type": "object", "properties": properties, "required": list(properties),
            "additionalProperties": False}


def _nullable(kind, quotes):
    if isinstance(kind, Set):
        return kind.json() | {"items": _quoted(kind.of) if quotes else kind.of.json()}
    return {"anyOf": [_quoted(kind) if quotes else kind.json(), {"type": "null"}]}


def _quoted(kind):
    return _object({"q": _SHORT_TEXT, "v": kind.json()})


def describe(schema):
    """The fields as the prompt lists them, one a line, with the options that there are.

    Examples
    --------
    >>> from typing import Annotated
    >>> from pydantic import BaseModel
    >>> from hybridlab.fields import Exact, Number, describe
    >>> class Breach(BaseModel):
    ...     individuals: Annotated[int | None, Number("people affected", key="n")] = None
    ...     type: Annotated[str | None, Exact("what happened", options=["Theft", "Loss"])] = None
    >>> print(describe(Breach))
    n: people affected
    type: what happened; one of Theft, Loss
    """
    return "\n".join(f"{kind.key or name}: {kind.about or name}{_choice(kind)}"
                     for name, kind in kinds(schema).items())


def _choice(kind):
    options = getattr(kind.of if isinstance(kind, Set) else kind, "options", None)
    told = [str(option).lower() if isinstance(option, bool) else str(option) for option in options or ()]
    return f"; {'any' if isinstance(kind, Set) else 'one'} of {', '.join(told)}" if told else ""


# ---- what was found


@dataclass(frozen=True)
class Found:
    """One field of one record: the value, and what speaks for it.

    Parameters
    ----------
    value : object
        ``None``: the text does not say. ``"<abstain>"``: no answer, see ``reason``.
    source : str
        Name of the extractor; "a+b" when both say so.
    confidence : float
        Probability that the value is right; calibrated when the extractor was.
    spans : tuple of Span
        Where the text shows it.
    supported : bool
        Whether these spans carry the value.
    cost_usd : float
        The field's share of what its record cost.
    latency_s : float
        Seconds until its record was read.
    reason : str
        Why there is no answer; of a fallback, why the first choice gave none.
    tag : {"", "agreed", "overlap", "conflict", "fallback"}
    others : tuple of Found
        What was set aside; for a reviewer.

    Examples
    --------
    >>> from hybridlab.fields import Found
    >>> Found(3800, "rules", 0.9).answered, Found("<abstain>", "rules", reason="no_rule").answered
    (True, False)
    """

    value: object
    source: str = ""
    confidence: float = 0.0
    spans: tuple = ()
    supported: bool = False
    cost_usd: float = 0.0
    latency_s: float = 0.0
    reason: str = ""
    tag: str = ""
    others: tuple = ()

    @property
    def answered(self):
        return not (isinstance(self.value, str) and self.value == ABSTAIN)


@dataclass(frozen=True)
class Extraction:
    """One record: its fields, what it cost in all, and the calls that were made for it.

    ``cost_usd`` also holds what was spent without a value to show for it, such as a failed call.

    Examples
    --------
    >>> from hybridlab.fields import Extraction, Found
    >>> Extraction(7, {"n": Found(3), "type": Found("<abstain>", reason="no_rule")}).values
    {'n': 3}
    """

    row: object
    found: dict
    cost_usd: float = 0.0
    latency_s: float = 0.0
    calls: tuple = ()

    @property
    def values(self):
        """Field name -> value, for the fields that were answered."""
        return {name: found.value for name, found in self.found.items() if found.answered}

    @property
    def conflicts(self):
        """Names of the fields that a reviewer should look at: also fallbacks that were not the only answer."""
        return [name for name, found in self.found.items() if found.tag == "conflict"
                or (found.tag == "fallback" and any(other.answered and not other.reason for other in found.others))]


def as_frame(extractions):
    """Extractions as a DataFrame: a row a field, with the offsets of the first span.

    Examples
    --------
    >>> from hybridlab.fields import Extraction, Found, Span, as_frame
    >>> frame = as_frame([Extraction(7, {"individuals": Found(3800, "rules", 0.9, (Span(6, 11),), True)})])
    >>> frame[["row", "field", "value", "start", "end"]].values.tolist()
    [[7, 'individuals', 3800, 6, 11]]
    """
    names = ("value", "source", "confidence", "supported", "cost_usd", "latency_s", "reason", "tag")
    lines = [{"row": extraction.row, "field": name} | {key: getattr(found, key) for key in names}
             | dict(zip(("start", "end"), found.spans[0] if found.spans else (-1, -1)))
             for extraction in extractions for name, found in extraction.found.items()]
    return pd.DataFrame(lines, columns=["row", "field", *names, "start", "end"]).astype({"value": object})


# ---- scores


def outcomes(gold, extractions, schema):
    """What became of every field: one line a field and row, of a ``Set`` one line an item.

    Parameters
    ----------
    gold : sequence of dict, in the order of the extractions
        Field -> value; ``None`` (or an empty list) where the text does not say. A field left out is unknown,
        and not scored.
    extractions : list of Extraction
    schema : pydantic model

    Returns
    -------
    pandas.DataFrame
        row, field, gold, value, outcome, supported. Outcomes: ``right``; ``wrong`` (another value);
        ``omitted`` (said to be absent); ``abstained`` (no answer, though there is a value); ``invented`` (a
        value where the text has none); ``absent`` (rightly no value).

    Examples
    --------
    >>> from typing import Annotated
    >>> from pydantic import BaseModel
    >>> from hybridlab.fields import Extraction, Found, Number, outcomes
    >>> class Breach(BaseModel):
    ...     individuals: Annotated[int | None, Number("people affected")] = None
    >>> found = [Extraction(i, {"individuals": Found(value)}) for i, value in enumerate([3800, 12, None, 5])]
    >>> outcomes([{"individuals": n} for n in (3800, 13, 7, None)], found, Breach)["outcome"].tolist()
    ['right', 'wrong', 'omitted', 'invented']
    """
    if len(gold) != len(extractions):
        raise BadInput(f"{len(gold)} gold records, {len(extractions)} extractions", expected="one for each")
    fields, lines = kinds(schema), []
    for truth, extraction in zip(gold, extractions):
        _known(truth, fields)
        for name in truth:
            found = extraction.found[name]
            lines += [(extraction.row, name, *line, found.supported)
                      for line in _compare(truth[name], found, fields[name])]
    return pd.DataFrame(lines, columns=["row", "field", "gold", "value", "outcome", "supported"])


def _known(truth, fields):
    unknown = sorted(set(truth) - set(fields))
    if unknown:
        raise BadInput(f"gold has fields {unknown}", expected=f"fields among {list(fields)}")


def _compare(gold, found, kind):
    """(gold, value, outcome) of one field; of a set, of each item."""
    if isinstance(kind, Set):
        return _compare_items(gold or [], found, kind)
    if not found.answered:
        return [(gold, ABSTAIN, "absent" if gold is None else "abstained")]
    if gold is None or found.value is None:
        names = {(True, True): "absent", (True, False): "invented", (False, True): "omitted"}
        return [(gold, found.value, names[gold is None, found.value is None])]
    return [(gold, found.value, "right" if kind.same(found.value, gold) else "wrong")]


def _compare_items(gold, found, kind):
    values = (found.value or []) if found.answered else []
    pairs = align(values, gold, kind.of)
    matched, met = {i for i, _ in pairs}, {j for _, j in pairs}
    missing = "omitted" if found.answered else "abstained"
    lines = [(gold[j], values[i], "right") for i, j in pairs]
    lines += [(None, value, "invented") for i, value in enumerate(values) if i not in matched]
    lines += [(item, None, missing) for j, item in enumerate(gold) if j not in met]
    return lines or [(None, None, "absent")]


OUTCOMES = ["right", "wrong", "omitted", "abstained", "invented", "absent"]


def score(judged, *, rng, resamples=1000, level=0.95):
    """Precision, recall and F1 of every field, with intervals, omission apart from invention.

    precision = right / (right + wrong + invented); recall = right / (right + wrong + omitted + abstained);
    F1 = 2 right / (values given + gold values). Intervals: bootstrap over records, since the items of a set
    come together; Wilson's where every record is alike and a bootstrap cannot vary. ``unsupported`` is the
    share of given values that no evidence carries.

    Parameters
    ----------
    judged : DataFrame of ``outcomes``
    rng : numpy.random.Generator

    Returns
    -------
    pandas.DataFrame
        One line a field: n (records), counts of outcomes, and ``Estimate`` objects precision, recall, f1.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from hybridlab.fields import score
    >>> judged = pd.DataFrame({"row": range(8), "field": "individuals", "supported": True,
    ...                        "outcome": ["right"] * 6 + ["omitted", "wrong"]})
    >>> table = score(judged, rng=np.random.default_rng(0))
    >>> print(table.loc["individuals", "f1"])
    0.800 [0.533, 1.000], n 8
    """
    lines = {}
    for name, rows in judged.groupby("field", sort=False):
        counts = pd.crosstab(rows["row"], rows["outcome"]).reindex(columns=OUTCOMES, fill_value=0)
        given = rows[rows["outcome"].isin(["right", "wrong", "invented"])]
        lines[name] = {"n": len(counts), **counts.sum().to_dict(), **_measures(counts, rng, resamples, level),
                       "unsupported": float((~given["supported"].astype(bool)).mean())}
    return pd.DataFrame.from_dict(lines, orient="index").rename_axis("field")


def _measures(counts, rng, resamples, level):
    right = counts["right"].to_numpy()
    given = right + counts[["wrong", "invented"]].to_numpy().sum(axis=1)
    true = right + counts[["wrong", "omitted", "abstained"]].to_numpy().sum(axis=1)
    settings = {"rng": rng, "resamples": resamples, "level": level}
    return {"precision": _ratio(right, given, **settings), "recall": _ratio(right, true, **settings),
            "f1": _ratio(2 * right, given + true, **settings)}


def _ratio(part, whole, *, rng, resamples, level):
    """sum(part) / sum(whole) over records; records without a ``whole`` say nothing."""
    part, whole = part[whole > 0], whole[whole > 0]
    n = len(part)
    if n == 0:
        return Estimate(math.nan, math.nan, math.nan, 0)
    if (part == whole).all() or not part.any():
        return wilson(int((part == whole).sum()), n, level)
    if n == 1:
        return Estimate(float(part[0] / whole[0]), 0.0, 1.0, 1)
    return bootstrap(lambda a, b: a.sum() / b.sum(), part, whole, rng=rng, resamples=resamples, level=level)


def compare(first, second, *, rng, resamples=1000, level=0.95):
    """F1 of the first minus F1 of the second, on the same records, with a paired bootstrap interval.

    Parameters
    ----------
    first, second : DataFrames of ``outcomes`` against the same gold
    rng : numpy.random.Generator

    Returns
    -------
    pandas.Series
        Field -> ``Estimate``, and "all" for the values of all fields together.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from hybridlab.fields import compare
    >>> one = pd.DataFrame({"row": range(8), "field": "individuals", "outcome": ["right"] * 8})
    >>> other = one.assign(outcome=["right"] * 6 + ["omitted", "wrong"])
    >>> print(compare(one, other, rng=np.random.default_rng(0))["all"])
    0.200 [0.000, 0.500], n 8
    """
    parts = [_f1_parts(judged) for judged in (first, second)]
    if not parts[0].index.equals(parts[1].index):
        raise BadInput("the two judged other records or fields", expected="outcomes against the same gold")
    found = {}
    for name in [*first["field"].unique(), "all"]:
        pair = [each.groupby("row").sum() if name == "all" else each.loc[name] for each in parts]
        found[name] = bootstrap(lambda a, b: _f1(a) - _f1(b), *(each.to_numpy() for each in pair), rng=rng,
                                resamples=resamples, level=level)
    return pd.Series(found)


def _f1_parts(judged):
    """(field, row) -> twice the right values, and the values given plus those due."""
    counts = pd.crosstab([judged["field"], judged["row"]], judged["outcome"])
    counts = counts.reindex(columns=OUTCOMES, fill_value=0)
    both = counts["right"] + counts["wrong"]
    either = counts[["invented", "omitted", "abstained"]].sum(axis=1)
    return pd.DataFrame({"right": 2 * counts["right"], "whole": 2 * both + either})


def _f1(parts):
    right, whole = parts.sum(axis=0)
    return right / whole if whole else 0.0
