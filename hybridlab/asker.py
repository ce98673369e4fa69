"""The extractor that asks a language model, and believes it only as far as its quotes carry."""

import json
import re
import time

from pydantic import ValidationError

from .extract import Extractor, _readable, _rows, clean
from .fields import Found, Set, describe, json_schema, kinds
from .grounding import ground
from .tiers import ABSTAIN, TOKENS, _announce, _bill, ask

PROBLEMS = {
    "unparseable": "the reply is not the JSON that was asked for",
    "truncated": "the reply was cut off; copy fewer words",
    "missing": "this field is missing", "invalid": "the value is not of the kind that was asked for",
    "ungrounded": "the quote does not stand in the text", "unsupported": "the quote does not say this value",
}
ASK = ("Read the text and fill in the record as JSON. {quoting}Write null, or an empty list, when the text "
       "does not say.")
QUOTING = "For each field first copy the few words of the text that show it (q), then give the value (v). "
DEMANDS = ("nothing", "quote", "support")
LEAST_REPLY = 16
PATIENCE = 3
SLIPS = (TypeError, AttributeError, LookupError, ArithmeticError)


class Asker(Extractor):
    """A language model that fills in the schema, each value after the words that show it.

    Decoding is constrained by ``json_schema(schema)``; that guarantees form, not truth, and not every server
    keeps to it. So each value is held against that schema, read and validated, its quote is looked for
    (``ground``) and read (``supports``). What fails is named to the model and asked again while the budget
    lasts; then the field abstains with the reason, and the refused value is kept in ``others``. Raw confidence:
    0.9 supported, 0.5 quoted, 0.2 neither; ``calibrate`` it.

    Parameters
    ----------
    schema : pydantic model
    task : str
        Passed to ``connect``.
    system, template : str
        Default: what to do and the fields; "{text}". The template may use any column of the row.
    shots : sequence of (row mapping, reply as dict)
    demand : {"support", "quote", "nothing"}
        What a value must have to be accepted; without quotes, "nothing".
    retry_tokens : int
        Most tokens, prompt and completion, that repairs of one record may take; none begins with less room than
        half of the last reply.
    max_tokens, max_chars : int
        Of a reply; of a text that is sent.

    After three time-outs in a row the rest of a batch is not asked: its fields abstain with that reason.

    Each call is a line of ``Extraction.calls``: tokens, cost_usd, latency_s, and field -> problem.

    Examples
    --------
    >>> from typing import Annotated
    >>> from pydantic import BaseModel
    >>> from hybridlab.asker import Asker
    >>> from hybridlab.fields import Number
    >>> class Breach(BaseModel):
    ...     individuals: Annotated[int | None, Number("people affected", key="n")] = None
    >>> asker = Asker(Breach, quotes=False)
    >>> asker.bodies(["A thief took files of 3,800 patients."])[0]["response_format"]["json_schema"]["schema"]
    {'type': 'object', 'properties': {'n': {'anyOf': [{'type': 'number'}, {'type': 'null'}]}},
     'required': ['n'], 'additionalProperties': False}
    """

    paid = True

    def __init__(self, schema, task="local", system=None, template="{text}", shots=(), model=None,
                 quotes=True, demand="support", retry_tokens=0, max_tokens=400, max_chars=6000, mode=None,
                 name="llm"):
        self.schema = schema
        self.task = task
        self.system = system
        self.template = template
        self.shots = shots
        self.model = model
        self.quotes = quotes
        self.demand = demand
        self.retry_tokens = retry_tokens
        self.max_tokens = max_tokens
        self.max_chars = max_chars
        self.mode = mode
        self.name = name

    def __getstate__(self):
        return {name: value for name, value in super().__getstate__().items() if name not in ("_client", "_late")}

    @property
    def client(self):
        """The openai client; set it to one of your own to send the calls elsewhere."""
        if not hasattr(self, "_client"):
            from .llm import connect

            self._client = connect(self.task, self.mode)
        return self._client

    @client.setter
    def client(self, client):
        self._client = client

    def bodies(self, X):
        """The first request of every row, as it is sent and as recordings are keyed."""
        return [self._body(self._messages(row), self.max_tokens) for _, row in _rows(X)
                if isinstance(row["text"], str) and len(row["text"]) <= self.max_chars]

    def _begin(self, X):
        self._late = 0
        bodies = self.bodies(X)
        if bodies:
            _announce(self.client, bodies)

    def _messages(self, row):
        told = ASK.format(quoting=QUOTING if self.quotes else "")
        asked = self.system or f"{told}\n{describe(self.schema)}"
        turns = [{"role": "system", "content": asked}]
        for shot, answer in self.shots:
            turns += [{"role": "user", "content": self.template.format_map(shot)},
                      {"role": "assistant", "content": json.dumps(answer, ensure_ascii=False)}]
        said = self.template.format_map({**row, "text": re.sub("''+", "'", clean(row["text"]))})
        return [*turns, {"role": "user", "content": said}]

    def _body(self, messages, max_tokens):
        from .llm import default_model

        form = {"name": "record", "strict": True, "schema": json_schema(self.schema, self.quotes)}
        return {"model": self.model or default_model(), "messages": messages, "temperature": 0,
                "max_tokens": max_tokens, "response_format": {"type": "json_schema", "json_schema": form}}

    def _read(self, row):
        messages, found, calls, room = self._messages(row), {}, [], self.max_tokens
        said = messages[-1]["content"]
        while not calls or room >= max(LEAST_REPLY, calls[-1]["completion_tokens"] / 2):
            call, text, read = self._call(self._body(messages, room), row)
            found = {name: found[name] if name in found and not found[name].reason else new
                     for name, new in read.items()}
            problems = {name: value.reason for name, value in found.items() if value.reason}
            calls.append(call | {"problems": problems})
            if not problems or "reason" in call:
                break
            messages = [*messages, {"role": "assistant", "content": text},
                        {"role": "user", "content": self._complaint(problems, said)}]
            room = min(self.max_tokens, self._left(calls, messages))
        return found, calls

    def _complaint(self, problems, said):
        """What is wrong, and the text again: a small model takes a turn without one for a text to be read."""
        fields, keys = kinds(self.schema), {}
        for name, reason in problems.items():
            keys.setdefault(reason, []).append(fields[name].key or name)
        lines = [f"{', '.join(wrong)}: {PROBLEMS.get(reason, reason)}" for reason, wrong in keys.items()]
        return "\n".join(["Wrong in that record:", *lines, "The text again:", said])

    def _left(self, calls, messages):
        """Tokens that a repair may still write; its prompt is the last one, the reply and the complaint."""
        spent = sum(call["prompt_tokens"] + call["completion_tokens"] for call in calls[1:])
        said = len(messages[-1]["content"]) // 2 + 20
        return self.retry_tokens - spent - calls[-1]["prompt_tokens"] - calls[-1]["completion_tokens"] - said

    def _call(self, body, row):
        """(bill, reply text, field -> Found) of one request."""
        begun = time.perf_counter()
        reply, reason = ask(self.client, body) if self._late < PATIENCE else (None, "timeout")
        self._late = self._late + 1 if reason == "timeout" else 0
        seconds = time.perf_counter() - begun
        if reply is None:
            failed = {"cost_usd": 0.0, "latency_s": seconds, "reason": reason}
            return failed | dict.fromkeys(TOKENS, 0), "", self._all(reason)
        choice = reply.choices[0]
        return _bill(reply, body["model"], seconds), choice.message.content or "", self._judge(choice, row)

    def _all(self, reason):
        return {name: Found(ABSTAIN, self.name, reason=reason) for name in kinds(self.schema)}

    def _judge(self, choice, row):
        """Field -> Found; nothing passes that is not valid and proved as demanded."""
        if choice.message.refusal:
            return self._all("refusal")
        keys = {kind.key or name: name for name, kind in kinds(self.schema).items()}
        try:
            data = _loads(choice.message.content or "")
        except (ValueError, RecursionError):
            return self._all("truncated" if choice.finish_reason == "length" else "unparseable")
        if not isinstance(data, dict) or set(data) - set(keys):
            return self._all("unparseable")
        return self._fields({name: data[key] for key, name in keys.items() if key in data}, row)

    def _fields(self, data, row):
        """Field -> Found from the parsed reply."""
        fields, found, said = kinds(self.schema), self._all("missing"), {}
        forms = json_schema(self.schema, self.quotes)["properties"]
        for name, given in data.items():
            if fits(given, forms[fields[name].key or name]):
                said[name] = _pairs(given, self.quotes)
            else:
                found[name] = Found(ABSTAIN, self.name, reason="invalid")
        raw = {name: _raw(fields[name], pairs) for name, pairs in said.items()}
        values = self._validated(raw, row["sent"])
        for name, pairs in said.items():
            if name not in values:
                refused = Found(raw[name], self.name)
                found[name] = Found(ABSTAIN, self.name, reason="invalid", others=(refused,))
            elif values[name] is None or values[name] == []:
                found[name] = Found(values[name], self.name, 0.5)
            else:
                found[name] = self._proved(fields[name], values[name], pairs, row)
        return found

    def _validated(self, raw, sent):
        """Field -> value of the fields that the pydantic model accepts, by their names, whatever its aliases."""
        try:
            record = self.schema.model_validate(raw, context={"sent": sent}, by_alias=False, by_name=True)
        except SLIPS:
            # A validator of the schema's author broke down and does not say over which field.
            alone = [self._validated({name: raw[name]}, sent) for name in raw] if len(raw) > 1 else []
            return {name: value for one in alone for name, value in one.items()}
        except ValidationError as error:
            bad = {problem["loc"][0] for problem in error.errors() if problem["loc"]} & set(raw)
            rest = {name: value for name, value in raw.items() if name not in bad}
            return self._validated(rest, sent) if bad and rest else {}
        return {name: getattr(record, name) for name in raw}

    def _proved(self, kind, value, pairs, row):
        """The value with its evidence, or an abstention that keeps what was refused; a set item by item."""
        one = kind.of if isinstance(kind, Set) else kind
        items = [self._item(one, item, pairs, row) for item in (value if isinstance(kind, Set) else [value])]
        kept, refused = ([item for item in items if bool(item.reason) == bad] for bad in (False, True))
        reason = refused[0].reason if refused else ""
        if not kept:
            return Found(ABSTAIN, self.name, reason=reason, others=tuple(refused))
        if one is kind:
            return kept[0]
        return Found([item.value for item in kept], self.name, min(item.confidence for item in kept),
                     spans=tuple(span for item in kept for span in item.spans),
                     supported=all(item.supported for item in kept), reason=reason, others=tuple(refused))

    def _item(self, kind, value, pairs, row):
        text, sent = row["text"], row["sent"]
        quotes = [quote for quote, raw in pairs if _same(kind, _readable(kind, raw, sent), value)]
        places = [span for quote in quotes for span in ground(quote, text)] if self.quotes \
            else kind.mentions(value, text, sent)
        carrying = [span for span in places if kind.supports(value, text[span.start:span.end], sent)]
        level = 2 if carrying else 1 if places else 0
        reason = "" if level >= DEMANDS.index(self._demand()) else ("ungrounded", "unsupported")[level]
        spans = tuple((carrying or places)[:1])
        return Found(value, self.name, (0.2, 0.5, 0.9)[level], spans, bool(carrying), reason=reason)

    def _demand(self):
        return self.demand if self.quotes else "nothing"


def fits(value, form):
    """Whether a parsed JSON value is valid under a schema as ``json_schema`` writes them.

    Examples
    --------
    >>> from hybridlab.asker import fits
    >>> from hybridlab.fields import Number
    >>> fits(3800, Number(whole=True).json()), fits("3800", Number(whole=True).json())
    (True, False)
    """
    if "anyOf" in form:
        return any(fits(value, one) for one in form["anyOf"])
    if "enum" in form:
        return any(type(value) is type(option) and value == option for option in form["enum"])
    if not _TYPES[form["type"]](value):
        return False
    if isinstance(value, dict):
        known = form["properties"]
        return set(value) == set(known) and all(fits(value[name], known[name]) for name in known)
    if isinstance(value, list):
        return len(value) <= form["maxItems"] and all(fits(item, form["items"]) for item in value)
    return not isinstance(value, str) or len(value) <= form["maxLength"]


_TYPES = {
    "object": lambda value: isinstance(value, dict), "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str), "null": lambda value: value is None,
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool)
    or isinstance(value, float) and value.is_integer()}


def _loads(content):
    def unique(pairs):
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError("a name stands twice")
        return dict(pairs)

    def no_constant(name):
        raise ValueError(f"{name} is no JSON")

    return json.loads(content, object_pairs_hook=unique, parse_constant=no_constant)


def _pairs(given, quotes):
    """[(quote, raw value)] of a field of a reply, None where it says absent."""
    if given is None:
        return None
    items = given if isinstance(given, list) else [given]
    return [(item["q"], item["v"]) if quotes else (None, item) for item in items]


def _raw(kind, pairs):
    if pairs is None:
        return None
    values = [value for _, value in pairs]
    return values if isinstance(kind, Set) else values[0]


def _same(kind, raw, value):
    return raw is not None and kind.same(raw, value)
