"""Three sources of records to extract: for each a schema, rows in three parts, gold, rules and a prompt.

Breach reports (``hhs``), remarks on bird strikes (``birds``) and messages to a shop (``messages``). On the
part ``learn`` rules were written, prompts tried and the sequence model is trained; on ``choose`` extractors
are chosen and calibrated; ``test`` is for measuring and nothing else.
"""

import datetime as dt
import functools
import json
import re
import tomllib
from typing import Annotated

import pandas as pd
from pydantic import BaseModel

from . import datasets, paths
from .asker import Asker
from .errors import BadInput, DataMissing
from .evaluate import wilson
from .extract import Patterns
from .fields import Date, Exact, Number, Set, Text, kinds
from .grounding import named
from .readings import dates, numbers

PARTS = {
    "hhs": {"learn": slice(0, None, 2), "choose": slice(1, None, 2), "test": slice(None)},
    "birds": {"learn": slice(0, None, 2), "choose": slice(1, None, 2), "test": slice(0, None, 2)},
    "messages": {"learn": slice(0, None, 2), "choose": slice(1, None, 2), "test": slice(None)},
}
# Short remarks say next to nothing; and enough is enough.
LEAST_WORDS = {"birds": 12}
MOST_ROWS = {("birds", "choose"): 50, ("birds", "test"): 120}


# ---- schemas


PLACES = {
    "Laptop": ["laptop computer", "notebook computer"],
    "Desktop Computer": ["desktop", "computer", "CPU", "workstation", "hard drive"],
    "Network Server": ["server", "network", "website", "web site", "internet", "database"],
    "Other Portable Electronic Device": [
        "flash drive", "thumb drive", "USB", "USB drive", "portable", "external hard drive", "backup tape",
        "tape", "CD", "DVD", "disk", "memory card", "iPad", "tablet", "smartphone", "cell phone", "camera"],
    "Paper/Films": [
        "paper", "film", "x-ray", "record", "document", "letter", "mailing", "envelope", "postcard", "form",
        "chart", "binder", "box", "list", "log", "invoice"],
    "Email": ["e-mail"],
    "Electronic Medical Record": ["EMR", "EHR", "electronic health record"],
    "Other": [],
}
TYPES = {
    "Theft": ["stolen", "stole", "steal", "burglary", "burglarized", "break-in", "broke into", "broken into",
              "broken in", "robbery", "robbed", "thief", "taken"],
    "Loss": ["lost", "missing", "misplaced", "could not be located", "fell"],
    "Unauthorized Access/Disclosure": [
        "unauthorized", "disclosed", "disclosure", "accessed", "access", "mailed", "sent", "posted",
        "visible", "viewed", "impermissible", "impermissibly", "error"],
    "Hacking/IT Incident": ["hacked", "hacker", "hacking", "malware", "virus", "intrusion", "compromised"],
    "Improper Disposal": [
        "disposal", "disposed", "discarded", "dumpster", "trash", "recycling", "recycled", "thrown away"],
    "Other": [],
    "Unknown": [],
}


class Breach(BaseModel):
    """A breach of health data, reported to the US Department of Health and Human Services."""

    individuals: Annotated[int | None, Number("how many people's data it was", key="n", whole=True)] = None
    location: Annotated[list[str] | None, Set(
        "what held the data", key="loc", of=Exact(options=PLACES), most=4)] = None
    type: Annotated[str | None, Exact("what happened to it", options=TYPES)] = None
    business_associate: Annotated[bool | None, Exact(
        "true if a business associate (BA), a firm that works for the covered entity, was involved", key="ba",
        options={True: ["business associate", "BA", "contractor", "vendor", "subcontractor"]})] = None


ANIMALS = {
    "gull": ["seagull", "sea gull", "herring gull", "ring-billed gull", "ring-bill", "laughing gull"],
    "goose": ["geese", "canada goose", "canada geese", "snow goose", "snow geese", "brant"],
    "duck": ["mallard", "teal", "pintail"], "dove": ["mourning dove", "zebra dove", "spotted dove"],
    "pigeon": ["rock pigeon", "rock dove", "homing pigeon"], "hawk": ["red-tailed hawk", "red tail"],
    "kestrel": ["american kestrel", "sparrow hawk"], "eagle": ["bald eagle"], "falcon": ["peregrine"],
    "osprey": [], "harrier": [], "vulture": ["turkey vulture", "buzzard"], "owl": ["barn owl"], "crow": [],
    "raven": [], "sparrow": [], "starling": [], "blackbird": ["red-winged blackbird"], "grackle": [],
    "cowbird": [], "swallow": ["martin"], "robin": [], "meadowlark": [], "lark": ["horned lark"],
    "killdeer": [], "plover": ["golden-plover"], "sandpiper": [], "tern": [], "heron": [], "egret": [],
    "crane": ["sandhill crane"], "pelican": [], "cormorant": [], "pheasant": [], "quail": ["bobwhite"],
    "turkey": ["wild turkey"], "swift": [], "finch": ["goldfinch"], "bunting": [], "mannikin": [],
    "woodpecker": ["flicker"], "grebe": [], "nighthawk": [], "mockingbird": [], "bat": [],
    "deer": ["white-tailed deer", "mule deer"], "coyote": [], "fox": [], "dog": [], "rabbit": ["hare"],
    "groundhog": ["ground hog", "woodchuck"], "skunk": [], "turtle": [],
}
_FEW = "two three four five six seven eight nine ten several few couple pair both multiple".split()
_MANY = "eleven twelve fifteen twenty thirty forty fifty dozen".split()
COUNTS = {
    "1": ["one", "single", "a bird", "bird", *ANIMALS],
    "2-10": [*map(str, range(2, 11)), *_FEW, "birds", "geese", *[f"{animal}s" for animal in ANIMALS]],
    "11-100": [*map(str, range(11, 101)), *_MANY],
    "Over 100": ["hundred", "hundreds", "thousands"],
}
AIRCRAFT = {
    "windshield": ["windscreen", "windshld", "window", "wiper"],
    "nose": ["radome", "nose cone"],
    "engine": ["eng", "cowl", "cowling", "fan", "blade", "compressor", "intake", "inlet", "nacelle",
               "spinner", "ingested", "ingestion", "turbine"],
    "propeller": ["prop", "prop blade"],
    "wing": ["slat", "flap", "leading edge", "le", "aileron", "wing tip"],
    "fuselage": ["cockpit", "cabin"],
    "landing gear": ["gear", "nose gear", "main gear", "gear door", "nose wheel", "wheel", "tire"],
    "tail": ["stabilizer", "stabilator", "rudder", "elevator"],
    "light": ["landing light", "taxi light", "ldg light", "lt"],
    "other": [],
}


class Strike(BaseModel):
    """A collision of an aircraft with birds, reported to the US Federal Aviation Administration."""

    species: Annotated[str | None, Exact("the kind of animal", options=ANIMALS)] = None
    struck: Annotated[str | None, Exact("how many animals were struck", key="n", options=COUNTS)] = None
    part: Annotated[list[str] | None, Set(
        "every part of the aircraft that was struck", of=Exact(options=AIRCRAFT), most=4)] = None


def _catalogue():
    """Product id -> its declared synonyms."""
    text = paths.data("messages", "catalogue.toml").read_text(encoding="utf-8")
    return {product["id"]: product["synonyms"] for product in tomllib.loads(text)["product"]}


def order_form(text):
    """An order number in its one form: capitals and digits.

    Examples
    --------
    >>> from hybridlab.sources import order_form
    >>> order_form("no. hl 31-882")
    'NOHL31882'
    """
    return "".join(char for char in text.upper() if char.isalnum() and char.isascii())


def contact_form(text):
    """A mail address in small letters, or the digits of a telephone number.

    Examples
    --------
    >>> from hybridlab.sources import contact_form
    >>> contact_form("ring +44 20 7946-0177"), contact_form("Mail A.Osei@example.com")
    ('+442079460177', 'a.osei@example.com')
    """
    address = re.search(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", text)
    return address.group().lower() if address else re.sub(r"[^\d+]", "", text)


WISHES = ["order", "complaint", "appointment", "return", "cancel", "question"]
HASTE = {
    True: [
        "urgent", "urgently", "urgency", "emergency", "immediately", "at once", "straight away", "right away",
        "right now", "without delay", "asap", "as soon as possible", "as soon as you can",
        "as quick as you can", "quick as u can", "as fast as you can", "at the earliest", "hurry"],
    False: [
        "not urgent", "no urgency", "no rush", "not in a rush", "not in any rush", "no hurry",
        "not in a hurry", "do not hurry", "don't hurry", "take your time", "in your own time",
        "whenever you like", "not fussed when", "at your convenience"],
}
CURRENCIES = {
    "GBP": ["£", "pound", "quid", "pence", "sterling", "fiver", "tenner"],
    "EUR": ["€", "euro"],
    "USD": ["$", "dollar", "buck"],
}


class Message(BaseModel):
    """A message to a shop."""

    wishes: Annotated[list[str] | None, Set(
        "what the writer wants: order (get goods), complaint (the shop did something wrong), appointment (a "
        "visit or repair, made or moved), return (give goods back, money back, exchange), cancel (stop an "
        "order or visit), question (get information)", key="wish", of=Exact(options=WISHES), most=4)] = None
    product: Annotated[str | None, Exact("the product it is about", options=_catalogue())] = None
    quantity: Annotated[int | None, Number("how many of the product", key="qty", whole=True)] = None
    date: Annotated[dt.date | None, Date("the day it is wanted for, in the writer's words", day_first=True,
                                         ahead=True)] = None
    order_number: Annotated[str | None, Exact(
        "the number of the order (HL 12345, W 1234 56) or repair (R 1234)", key="order", form=order_form,
        pattern=r"HL\d{5}|W\d{6}|R\d{4}|\d{4,6}")] = None
    amount: Annotated[float | None, Number("the sum of money", key="sum", tolerance=0.005)] = None
    currency: Annotated[str | None, Exact("of that sum, if it is said", key="cur", options=CURRENCIES)] = None
    urgent: Annotated[bool | None, Exact(
        "true if the writer asks for haste, false if there is no hurry", options=HASTE)] = None
    contact: Annotated[str | None, Exact(
        "telephone number or mail address of the writer", form=contact_form,
        pattern=r"\S+@\S+|\+?\d{7,15}")] = None
    name: Annotated[str | None, Text("of the person who writes, without titles", similarity=1.0)] = None


SCHEMAS = {"hhs": Breach, "birds": Strike, "messages": Message}


# ---- rows and gold


def rows(source, part):
    """Rows of one part of a source: ``text`` and, for the messages, ``sent``; no filed column comes along.

    Parameters
    ----------
    source : {"hhs", "birds", "messages"}
    part : {"learn", "choose", "test"}

    Examples
    --------
    >>> from hybridlab import sources
    >>> [len(sources.rows("messages", part)) for part in ("learn", "choose", "test")]
    [38, 37, 75]
    """
    table = _filed(source, part)
    return table[["text", "sent"] if "sent" in table else ["text"]].copy()


def _filed(source, part):
    """Rows with everything that is filed about them."""
    known = PARTS.get(source)
    if known is None or part not in known:
        raise BadInput(f"there is no part {part!r} of {source!r}",
                       expected=f"a source among {', '.join(PARTS)} and a part among learn, choose, test")
    split = "test" if part == "test" else "dev" if source == "messages" else "tune"
    table = _messages(split) if source == "messages" else datasets.load(source, split)
    table = table.iloc[known[part]]
    long = table["text"].str.split().str.len() >= LEAST_WORDS.get(source, 0)
    return table[long].iloc[:MOST_ROWS.get((source, part))]


def _messages(split):
    table = pd.DataFrame(_lines("messages", "messages.jsonl")).set_index("id").rename_axis("row")
    return table[table["split"] == split]


def _lines(*parts):
    text = paths.data(*parts).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def gold(source, part):
    """Gold records, in the order of ``rows``: as filed, or for the messages as the authors coded them.

    For the remarks on bird strikes it is what two readings agree on, where a row was read: what was filed
    need not stand in a remark. ``None`` is a value that the text does not state. A field that is left out is
    unknown and not scored: a part of an aircraft, which nobody filed, an animal filed as unknown, a breach
    filed under several types.

    Examples
    --------
    >>> from hybridlab import sources
    >>> sources.gold("hhs", "learn")[0].keys() >= {"individuals", "location", "business_associate"}
    True
    """
    given = filed(source, part)
    if source != "birds" or not has_readings(source):
        return given
    read = agreed(source, *readings(source))
    return [read.get(row, record) for row, record in zip(rows(source, part).index, given)]


def filed(source, part):
    """Gold records as they were filed with the texts, whatever a reader says; the messages as they were coded.

    Examples
    --------
    >>> from hybridlab import sources
    >>> filed, read = sources.filed("birds", "test")[0], sources.gold("birds", "test")[0]
    >>> sorted(set(read) - set(filed))
    ['part']
    """
    reader = {"hhs": _breach, "birds": _strike, "messages": _message}[source]
    return [reader(row) for _, row in _filed(source, part).reset_index().iterrows()]


def _breach(row):
    types = [item.strip() for item in row["type_of_breach"].split(",")]
    places = [item.strip() for item in row["location_of_breached_information"].split(",")]
    record = {"individuals": int(row["individuals_affected"]), "location": places,
              "business_associate": True if row["business_associate_present"] else None}
    return record | ({"type": types[0]} if len(types) == 1 else {})


def _strike(row):
    found = {reading.values[0] for reading in named(ANIMALS, row["species"])}
    animal = {"species": found.pop()} if len(found) == 1 else {}
    return animal | ({"struck": row["birds_struck"]} if row["birds_struck"] in COUNTS else {})


def _message(row):
    fields = dict(_coded()[row["row"]])
    money = fields.pop("amount") or {"value": None, "currency": None}
    day = fields.pop("date")
    return fields | {"date": day and dt.date.fromisoformat(day), "amount": money["value"],
                     "currency": money["currency"]}


@functools.lru_cache
def _coded():
    """Message id -> coded fields."""
    return {line["id"]: line["fields"] for line in _lines("messages", "gold.jsonl")}


# ---- what two readings said


READINGS = ("first.jsonl", "second.jsonl")


def readings(source):
    """What two blind passes of reading wrote down, from text and guide alone: row id -> record, twice.

    Raises
    ------
    DataMissing
        When a source was not read twice.
    """
    if not has_readings(source):
        raise DataMissing(f"{source!r} was not read twice",
                          expected=f"{' and '.join(READINGS)} in data/gold/{source}_audit",
                          fix=f"python -m tools.extraction form {source}")
    return [{line["row"]: _typed(source, line["fields"]) for line in _lines("gold", f"{source}_audit", name)}
            for name in READINGS]


def has_readings(source):
    """Whether a source was read twice.

    Examples
    --------
    >>> from hybridlab import sources
    >>> sources.has_readings("reviews")
    False
    """
    return all(paths.data("gold", f"{source}_audit", name).exists() for name in READINGS)


def _typed(source, fields):
    """A record as it was written down, read by the kinds of the schema."""
    known = kinds(SCHEMAS[source])
    if set(fields) - set(known):
        raise BadInput(f"a reader wrote {sorted(fields)}", expected=f"fields among {list(known)}")
    return {name: None if value is None else known[name].read(value) for name, value in fields.items()}


def agreement(source, first, second):
    """Share of rows on which two readings of a field are the same, with Wilson's interval.

    Parameters
    ----------
    source : str
    first, second : mapping of row id to record

    Returns
    -------
    dict of field -> Estimate, over the rows and fields that both have

    Examples
    --------
    >>> from hybridlab.sources import agreement
    >>> once, again = {7: {"individuals": 12}, 9: {"individuals": None}}, {7: {"individuals": 12}, 9: {}}
    >>> print(agreement("hhs", once, again)["individuals"])
    1.000 [0.207, 1.000], n 1
    """
    found = {}
    for name, kind in kinds(SCHEMAS[source]).items():
        same = [alike(kind, first[row][name], second[row][name]) for row in first
                if row in second and name in first[row] and name in second[row]]
        if same:
            found[name] = wilson(sum(same), len(same))
    return found


def alike(kind, one, other):
    """Whether two values of a kind are the same; absent is like absent alone.

    Examples
    --------
    >>> from hybridlab.fields import Number
    >>> from hybridlab.sources import alike
    >>> alike(Number(), None, None), alike(Number(), 3, None)
    (True, False)
    """
    if one in (None, []) or other in (None, []):
        return one in (None, []) and other in (None, [])
    return kind.same(one, other)


def agreed(source, first, second):
    """Row id -> record of what both readings say; where they differ the field is left out, so not scored.

    Examples
    --------
    >>> from hybridlab.sources import agreed
    >>> agreed("hhs", {7: {"individuals": 12, "type": "Loss"}}, {7: {"individuals": 12, "type": "Theft"}})
    {7: {'individuals': 12}}
    """
    known = kinds(SCHEMAS[source])
    return {row: {name: value for name, value in first[row].items()
                  if name in second[row] and alike(known[name], value, second[row][name])}
            for row in first if row in second}


# ---- rules and prompts


def rules(source):
    """The rules of ``data/rules/<source>.extract.toml``, as an extractor."""
    spec, schema = _toml("rules", source), SCHEMAS[source]
    read = {name: [_rule(rule, kinds(schema)[name]) for rule in written]
            for name, written in spec.items() if name in kinds(schema)}
    return Patterns(schema, read)


def _rule(rule, kind):
    """A rule as ``Patterns`` takes it: a pattern, a pattern with its value, or a finder."""
    if "find" in rule:
        options = (kind.of if isinstance(kind, Set) else kind).options if rule["find"] == "names" else None
        return functools.partial(_find, rule["find"], options)
    return (rule["pattern"], rule["value"]) if "value" in rule else rule["pattern"]


def _find(what, options, text, sent):
    if what == "names":
        return named(options, text)
    return dates(text, sent) if what == "dates" else numbers(text)


def asker(source, model=None, repair=False, **settings):
    """The language model with the prompt of ``data/prompts/<source>.extract.toml``; settings override it.

    Parameters
    ----------
    source : {"hhs", "birds", "messages"}
    model : str, optional
    repair : bool
        Whether it may try again within the prompt's ``retry_tokens``.

    Examples
    --------
    >>> from hybridlab import sources
    >>> sources.asker("messages").schema.__name__
    'Message'
    """
    spec = _toml("prompts", source)
    shots = tuple(({"text": shot["text"]}, json.loads(shot["reply"])) for shot in spec["shots"])
    ours = {"max_tokens": spec["max_tokens"], "retry_tokens": spec["retry_tokens"] if repair else 0}
    return Asker(SCHEMAS[source], task="lab05", shots=shots, model=model, **ours | settings)


def _toml(kind, source):
    return tomllib.loads(paths.data(kind, f"{source}.extract.toml").read_text(encoding="utf-8"))
