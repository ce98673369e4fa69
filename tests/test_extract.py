"""Extraction: hand-worked scores, injected faults that must be found and named, bad replies and bad input."""

import datetime as dt
import itertools
import json
import math
import pickle
import random
from typing import Annotated

import numpy as np
import openai
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, field_validator
from pydantic import Field as PydanticField
from scripted import Peer, reply
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from hybridlab import datasets, paths, recordings, sources
from hybridlab.asker import Asker, fits
from hybridlab.errors import BadInput
from hybridlab.extract import Extractor, Hybrid, Patterns, Tagger, clean, prefer, unite
from hybridlab.fields import (Date, Exact, Extraction, Found, Number, Set, Span, Text, align, as_frame, compare,
                              describe, json_schema, kinds, outcomes, score)
from hybridlab.grounding import dates
from hybridlab.llm import connect
from hybridlab.tiers import ABSTAIN

DATA = paths.data
LOCATIONS = {"Laptop": ["laptop computer", "notebook"], "Email": ["e-mail"], "Paper/Films": ["paper", "mailing"],
             "Other": []}
TYPES = {"Theft": ["stolen", "stole"], "Loss": ["lost"]}


class Breach(BaseModel):
    individuals: Annotated[int | None, Number("people affected", key="n", whole=True)] = None
    location: Annotated[list[str] | None, Set("where the data was", key="loc", of=Exact(options=LOCATIONS))] = None
    type: Annotated[str | None, Exact("what happened", options=TYPES)] = None


class Strike(BaseModel):
    species: Annotated[str | None, Text("the kind of bird")] = None
    struck: Annotated[str | None, Exact("birds struck", options={"1": ["one bird"], "2-10": ["flock"]})] = None
    part: Annotated[list[str] | None, Set("parts struck", of=Exact(options={"WING": [], "NOSE": ["radome"]}))] = None


class Message(BaseModel):
    wishes: Annotated[list[str] | None, Set("what is wanted", of=Exact(options=["order", "return"]))] = None
    product: Annotated[str | None, Exact("product", options={"kettle": ["jug kettle"], "vacuum": ["hoover"]})] = None
    quantity: Annotated[int | None, Number("how many", key="qty", whole=True)] = None
    date: Annotated[dt.date | None, Date("the day it is for", ahead=True, day_first=True)] = None
    order_number: Annotated[str | None, Exact("order number", form=lambda text: "".join(
        char for char in text.upper() if char.isalnum()), pattern=r"HL\d{5}")] = None
    amount: Annotated[float | None, Number("money", tolerance=0.005)] = None
    urgent: Annotated[bool | None, Exact("haste", options={True: ["urgent"], False: ["no rush"]})] = None
    name: Annotated[str | None, Text("who writes", similarity=1.0)] = None


TEXT = "A laptop computer and e-mails with data of 3,800 patients were stolen."
GOOD = {"n": {"q": "data of 3,800 patients", "v": 3800},
        "loc": [{"q": "A laptop computer", "v": "Laptop"}, {"q": "e-mails", "v": "Email"}],
        "type": {"q": "were stolen", "v": "Theft"}}
RULES = Patterns(Breach, {"individuals": [r"([\d,]+) (?:patients|individuals)"],
                          "location": ["laptop|e-?mail|paper"], "type": ["stolen|lost"]})


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    """Empty recordings, no endpoint."""
    (tmp_path / "machine.json").write_text('{"name": "test", "usd_per_hour": 0.1, "date": "2026-11-23"}')
    monkeypatch.setattr(recordings, "LOCAL", tmp_path / "local")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    real = datasets.paths.data
    monkeypatch.setattr("hybridlab.paths.data",
                        lambda *parts: real(*parts) if parts[0] == "splits" else tmp_path.joinpath(*parts))


def asker(*items, schema=Breach, faults=(), limit_usd=None, **settings):
    """An asker whose calls are answered by a script; a dict without choices is the content of a reply."""
    made = [reply(json.dumps(item), logprobs=False) if isinstance(item, dict) and "choices" not in item
            else reply(item, logprobs=False) if isinstance(item, str) else item for item in items]
    ours = Asker(schema, model="gpt-4o-mini", **settings)
    ours.client = connect("demo", "live", upstream=Peer(*made), faults=faults, limit_usd=limit_usd)
    ours.client.seam.sleep = lambda seconds: None
    return ours


def one(extractor, text=TEXT):
    return extractor.extract([text])[0]


def found_of(*values, **more):
    return [Extraction(i, {"individuals": Found(value, **more)}) for i, value in enumerate(values)]


# ---- the schema drives prompt, decoding, validation and scores


@pytest.mark.parametrize("schema", [Breach, Strike, Message])
def test_one_schema_for_prompt_decoding_and_validation(schema):
    body = Asker(schema).bodies(["text"])[0]
    form = body["response_format"]["json_schema"]["schema"]
    assert form == json.loads(json.dumps(json_schema(schema))) and form["additionalProperties"] is False
    assert all(line in body["messages"][0]["content"] for line in describe(schema).splitlines())
    assert schema.model_validate(dict.fromkeys(kinds(schema)))


def test_the_prompt_names_the_options_and_a_set_is_bounded():
    assert "type: what happened; one of Theft, Loss" in describe(Breach) and "any of Laptop, Email" in describe(Breach)
    assert Set(of=Exact(options=["a"]), most=2).json()["maxItems"] == 2


def test_pydantic_reads_through_the_kinds():
    sent = {"sent": dt.date(2026, 3, 4)}
    message = Message.model_validate({"wishes": ["Order", "order"], "product": "Hoover", "quantity": "two",
                                      "date": "tomorrow", "order_number": "hl-20 417", "amount": "34.50 quid",
                                      "urgent": "no rush"}, context=sent)
    assert message.model_dump() == {"wishes": ["order"], "product": "vacuum", "quantity": 2, "amount": 34.5,
                                    "date": dt.date(2026, 3, 5), "order_number": "HL20417", "urgent": False,
                                    "name": None}


@pytest.mark.parametrize("kind, raw", [
    (Number(whole=True), 2.5), (Number(), "many"), (Number(), True), (Number(), math.nan), (Number(), 10**400),
    (Number(), []), (Date(), "soon"), (Date(), 5), (Exact(options=["a"]), "b"),
    (Exact(options={"a": [], "b": []}), "a b"),
    (Exact(pattern=r"\d{4}"), "12"), (Text(), " "), (Text(), {}), (Set(of=Number()), ["x"]), (Set(of=Number()), [[]]),
    (Exact(), None), (Date(), "\ud800"),
    *[(Exact(options=LOCATIONS), raw) for raw in ("banana", "null", "", " ", "Centers", "another one", "Lap-topp",
                                                  {}, [], ["Theft"], {"x": "Laptop"}, False, None, 1e308, b"Email")],
    (Exact(options=["a"]), ["a"]), (Exact(options={True: ["urgent"]}), {}), (Text(), ["a"]), (Number(), {"v": 3}),
])
def test_what_cannot_be_read(kind, raw):
    with pytest.raises(BadInput, match="cannot read"):
        kind.read(raw)


@pytest.mark.parametrize("raw, value", [
    ("Other", "Other"), (" other. ", "Other"), ("paper films", "Paper/Films"), ("two laptops", "Laptop"),
    ("old notebooks", "Laptop"), ("a mailing", "Paper/Films"), ("e-mails", "Email")])
def test_an_option_is_read_by_its_name_or_a_declared_synonym(raw, value):
    assert Exact(options=LOCATIONS).read(raw) == value


def test_a_flag_is_read_as_itself():
    haste = Exact(options={True: ["urgent"], False: ["no rush"]})
    assert [haste.read(raw) for raw in (True, False, "true", "no rush at all")] == [True, False, True, False]


@pytest.mark.parametrize("kind, value, gold, same", [
    (Number(tolerance=1), 10, 11, True), (Number(relative=0.1), 89, 100, False),
    (Text(), "Ann  LEE.", "ann lee", True),
    (Text(similarity=1.0), "Ann", "Anna", False), (Exact(), "Laptop", "laptop", True),
    (Set(of=Number(tolerance=1)), [11, 10], [10, 9], True), (Set(of=Exact()), ["a"], ["a", "b"], False),
    (Date(), dt.date(2010, 1, 5), dt.date(2010, 1, 5), True),
])
def test_what_is_the_same(kind, value, gold, same):
    assert kind.same(value, gold) is same


def test_mentions_lead_back_to_the_value():
    text = "Two vacuums, HL 20-417, by 5 March 2026, for Ann Lee; 3,800 pounds"
    sent = dt.date(2026, 3, 1)
    written = [("product", "vacuum", "vacuums"), ("quantity", 2, "Two"), ("order_number", "HL20417", "HL 20-417"),
               ("date", dt.date(2026, 3, 5), "5 March 2026"), ("amount", 3800, "3,800"),
               ("name", "ann lee", "Ann Lee")]
    for name, value, part in written:
        span, = kinds(Message)[name].mentions(value, text, sent)
        assert text[span.start:span.end] == part and kinds(Message)[name].read(part, sent) in (value, part)


class Node(BaseModel):
    child: "Node | None" = None


class Bare(BaseModel):
    n: int | None = None


class Required(BaseModel):
    n: Annotated[int, Number()]


@pytest.mark.parametrize("schema", [Node, Bare, Required, BaseModel, dict, None])
def test_a_schema_that_cannot_be_used_is_an_error(schema):
    with pytest.raises(BadInput):
        Asker(schema).bodies(["text"])
    with pytest.raises(BadInput):
        Patterns(schema, {}).extract(["text"])


# ---- scores


def test_hand_worked_scores():
    gold = [{"individuals": n} for n in (1, 2, 3, 4, 5, None, None)] + [{}]
    found = found_of(1, 2, 99, None, ABSTAIN, 7, None, 8, supported=True)
    judged = outcomes(gold, found, Breach)
    assert judged["outcome"].tolist() == ["right", "right", "wrong", "omitted", "abstained", "invented", "absent"]
    row = score(judged, rng=np.random.default_rng(0)).loc["individuals"]
    assert row["n"] == 7 and row["unsupported"] == 0
    assert row["precision"].value == pytest.approx(2 / 4)  # 2 right of 1, 2, 99 and 7
    assert row["recall"].value == pytest.approx(2 / 5)
    assert row["f1"].value == pytest.approx(2 * 2 / (4 + 5))
    assert row["f1"].low <= row["f1"].value <= row["f1"].high


def test_hand_worked_set_scores():
    gold = [{"location": ["Laptop", "Email"]}, {"location": ["Other"]}, {"location": []}]
    found = [Extraction(i, {"location": Found(value)}) for i, value in enumerate([["Email", "Other"], ABSTAIN, None])]
    judged = outcomes(gold, found, Breach)
    assert judged["outcome"].tolist() == ["right", "invented", "omitted", "abstained", "absent"]
    row = score(judged, rng=np.random.default_rng(0)).loc["location"]
    assert (row["precision"].value, row["recall"].value) == (1 / 2, 1 / 3)


def test_nothing_to_score_is_no_number_and_all_right_is_no_certainty():
    none = score(outcomes([{"individuals": None}], found_of(None), Breach), rng=np.random.default_rng(0))
    assert math.isnan(none.loc["individuals", "f1"].value) and none.loc["individuals", "f1"].n == 0
    right = score(outcomes([{"individuals": 1}] * 20, found_of(*[1] * 20), Breach), rng=np.random.default_rng(0))
    assert right.loc["individuals", "f1"].value == 1 and 0.8 < right.loc["individuals", "f1"].low < 1


def test_f1_is_compared_on_the_same_records():
    gold = [{"individuals": n} for n in (1, 2, 3, None)]
    first, second = (outcomes(gold, found_of(*values), Breach) for values in ((1, 2, 9, None), (1, None, 9, 4)))
    gap = compare(first, second, rng=np.random.default_rng(0))
    assert gap["individuals"].value == pytest.approx(4 / 6 - 2 / 6) and gap["all"].value == gap["individuals"].value
    with pytest.raises(BadInput, match="other records"):
        compare(first, outcomes(gold[:3], found_of(1, 2, 3), Breach), rng=np.random.default_rng(0))


def test_alignment_uses_each_item_once():
    assert align(["a", "a"], ["a"], Exact()) in ([(0, 0)], [(1, 0)])
    assert align([], ["a"], Exact()) == align(["a"], [], Exact()) == []


FAULTS = {"right": lambda n: n, "wrong": lambda n: n + 1, "omitted": lambda n: None, "abstained": lambda n: ABSTAIN}


FAULTY = st.tuples(st.none() | st.integers(0, 9999), st.sampled_from(list(FAULTS)))


@given(st.lists(FAULTY, min_size=1, max_size=30))
def test_every_injected_fault_is_found_and_named(rows):
    """Gold values are spoilt in a known way; where there is none, a value is invented or the field left alone."""
    gold = [{"individuals": n} for n, _ in rows]
    spoilt = [FAULTS[fault](n) if n is not None else (5 if fault == "wrong" else None) for n, fault in rows]
    named = [fault if n is not None else ("invented" if fault == "wrong" else "absent") for n, fault in rows]
    judged = outcomes(gold, found_of(*spoilt), Breach)
    assert judged["outcome"].tolist() == named


@given(st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)))
def test_set_faults_are_counted_one_by_one(gold, value):
    class Numbers(BaseModel):
        ns: Annotated[list[int] | None, Set(of=Number())] = None

    judged = outcomes([{"ns": sorted(gold)}], [Extraction(0, {"ns": Found(sorted(value))})], Numbers)
    counts = judged["outcome"].value_counts()
    for outcome, items in {"right": gold & value, "omitted": gold - value, "invented": value - gold}.items():
        assert counts.get(outcome, 0) == len(items)


@pytest.mark.slow
def test_f1_intervals_cover_the_truth():
    """Rows right, wrong or omitted with known chances: the 95 % interval holds the true F1 in about 95 %."""
    rng, hits, chances = np.random.default_rng(1), 0, (0.7, 0.1, 0.2)
    truth = 2 * 0.7 / (0.8 + 1)
    for _ in range(300):
        drawn = rng.choice(["right", "wrong", "omitted"], size=75, p=chances)
        judged = pd.DataFrame({"row": range(75), "field": "f", "outcome": drawn, "supported": True})
        interval = score(judged, rng=rng, resamples=400).loc["f", "f1"]
        hits += interval.low <= truth <= interval.high
    assert 0.90 <= hits / 300 <= 0.99


def test_gold_that_does_not_fit_is_an_error():
    with pytest.raises(BadInput, match="one for each"):
        outcomes([{}], [], Breach)
    with pytest.raises(BadInput, match="gold has fields"):
        outcomes([{"people": 3}], found_of(3), Breach)


# ---- rules and the sequence model


def test_rules_give_values_with_evidence():
    found = one(RULES).found
    assert one(RULES).values == {"individuals": 3800, "location": ["Laptop", "Email"], "type": "Theft"}
    assert [TEXT[start:end] for start, end, _ in found["location"].spans] == ["laptop", "e-mail"]
    assert all(field.supported and field.source == "rules" and field.cost_usd > 0 for field in found.values())


def test_rules_of_every_form():
    rules = Patterns(Message, {"date": [dates], "quantity": [r"\d+ of"],
                               "urgent": [("asap", True), ("no rush", False)]})
    texts = ["2 of them tomorrow, asap", "whenever, no rush"]
    X = pd.DataFrame({"text": texts, "sent": ["2026-03-04", None]}, index=[7, 9])
    first, second = rules.extract(X)
    assert first.values == {"date": dt.date(2026, 3, 5), "urgent": True, "quantity": 2} and first.row == 7
    assert second.values == {"urgent": False} and second.found["date"].reason == "no_rule"


NARRATIVES = [f"A laptop with files of {n} patients was {how} on day {n % 7}." for n in range(500, 900, 20)
              for how in ("stolen", "lost")]
TRUTH = [{"individuals": n, "location": ["Laptop"], "type": how} for n in range(500, 900, 20)
         for how in ("Theft", "Loss")]


@pytest.fixture(scope="module")
def tagger():
    return Tagger(Breach).fit(NARRATIVES, TRUTH)


def test_the_tagger_learns_where_values_stand(tagger):
    text = "A laptop with files of 4,242 patients was lost on day 3."
    found = one(tagger, text).found
    assert one(tagger, text).values == {"individuals": 4242, "location": ["Laptop"], "type": "Loss"}
    assert text[slice(*found["individuals"].spans[0][:2])] == "4,242" and 0 < found["individuals"].confidence <= 1
    assert one(tagger, "nothing here").found["type"].reason == "no_mark"
    assert one(tagger, "").values == {}


def test_the_tagger_is_an_estimator(tagger):
    again = pickle.loads(pickle.dumps(tagger))
    assert one(again).values == one(tagger).values
    assert not hasattr(clone(tagger), "model_")
    with pytest.raises(NotFittedError):
        clone(tagger).extract(["text"])
    refitted = clone(tagger).fit(NARRATIVES, TRUTH).fit(NARRATIVES[:2], [{"type": "Theft"}, {}])
    assert "individuals" not in one(refitted, NARRATIVES[5]).values


def test_confidence_is_calibrated_on_development_rows():
    texts = ["5 patients"] * 8
    rules = clone(RULES).calibrate(texts, [{"individuals": 5}] * 6 + [{"individuals": 6}] * 2)
    assert one(rules, "7 patients").found["individuals"].confidence == pytest.approx((6 + 1) / (8 + 2), abs=1e-3)


# ---- the language model: form, evidence, repair


def test_a_good_reply_gives_values_with_evidence():
    extraction = one(asker(GOOD))
    assert extraction.values == {"individuals": 3800, "location": ["Laptop", "Email"], "type": "Theft"}
    assert all(found.supported and found.confidence == 0.9 for found in extraction.found.values())
    assert TEXT[slice(*extraction.found["individuals"].spans[0][:2])] == "data of 3,800 patients"
    assert extraction.cost_usd == pytest.approx(sum(found.cost_usd for found in extraction.found.values()))
    assert len(extraction.calls) == 1 and extraction.calls[0]["problems"] == {}


def test_null_and_an_empty_list_say_absent():
    extraction = one(asker({"n": None, "loc": [], "type": {"q": "stolen", "v": "Theft"}}))
    assert extraction.values == {"individuals": None, "location": [], "type": "Theft"}


def spoilt(**fields):
    return GOOD | fields


BAD_FIELDS = {
    "quote not in the text": (spoilt(n={"q": "in the year of the flood nobody slept", "v": 3800}), "individuals",
                              "ungrounded"),
    "value not in the quote": (spoilt(n={"q": "data of 3,800 patients", "v": 38000}), "individuals", "unsupported"),
    "another option": (spoilt(type={"q": "were stolen", "v": "Loss"}), "type", "unsupported"),
    "not of the kind": (spoilt(n={"q": "of 3,800", "v": "many"}), "individuals", "invalid"),
    "no such option": (spoilt(type={"q": "were stolen", "v": "Fire"}), "type", "invalid"),
    "field missing": ({"n": GOOD["n"], "loc": GOOD["loc"]}, "type", "missing"),
    "no quote": (spoilt(n=3800), "individuals", "invalid"),
    "list for one": (spoilt(n=[GOOD["n"]]), "individuals", "invalid"),
    "one for a list": (spoilt(loc=GOOD["loc"][0]), "location", "invalid"),
    "extra key beside": (spoilt(n=GOOD["n"] | {"sure": True}), "individuals", "invalid"),
    "quote is a number": (spoilt(n={"q": 3800, "v": 3800}), "individuals", "invalid"),
}


@pytest.mark.parametrize("kind", BAD_FIELDS)
def test_a_bad_field_abstains_with_its_reason_and_the_others_stay(kind):
    said, name, reason = BAD_FIELDS[kind]
    extraction = one(asker(said))
    assert extraction.found[name].value == ABSTAIN and extraction.found[name].reason == reason
    assert set(extraction.values) == set(kinds(Breach)) - {name}
    assert extraction.calls[0]["problems"] == {name: reason}


BAD_REPLIES = {
    "empty": ("", "unparseable"), "prose": ("I think 3800.", "unparseable"), "a list": ("[1]", "unparseable"),
    "unknown key": (json.dumps(GOOD | {"x": 1}), "unparseable"), "twice": ('{"n": null, "n": null}', "unparseable"),
    "NaN": ('{"n": NaN}', "unparseable"), "deep": ("[" * 100_000, "unparseable"),
    "cut off": (reply(json.dumps(GOOD)[:60], finish_reason="length", logprobs=False), "truncated"),
    "refusal": (reply("", refusal="I cannot.", logprobs=False), "refusal"),
    "429": (429, "rate_limit"), "500": (500, "server_error"),
    "too long": ((400, "exceeds the context size"), "too_long"),
}


@pytest.mark.parametrize("kind", BAD_REPLIES)
def test_a_bad_reply_abstains_in_every_field(kind):
    item, reason = BAD_REPLIES[kind]
    extraction = one(asker(item))
    assert extraction.values == {} and {found.reason for found in extraction.found.values()} == {reason}


def test_a_set_keeps_its_proved_items():
    said = spoilt(loc=[*GOOD["loc"], {"q": "on old paper records", "v": "Paper/Films"}])
    found = one(asker(said)).found["location"]
    assert found.value == ["Laptop", "Email"] and found.others[0].value == "Paper/Films"
    assert found.others[0].reason == "ungrounded"


@pytest.mark.parametrize("demand, kept", [("support", False), ("quote", True), ("nothing", True)])
def test_what_is_demanded_of_a_value(demand, kept):
    said = spoilt(n={"q": "data of 3,800 patients", "v": 38000})
    assert ("individuals" in one(asker(said, demand=demand)).values) is kept


def test_a_validator_of_the_model_is_obeyed():
    class Small(Breach):
        @field_validator("individuals")
        @classmethod
        def below_a_thousand(cls, n):
            if n is not None and n >= 1000:
                raise ValueError("too many")
            return n

    extraction = one(asker(GOOD, schema=Small))
    assert extraction.found["individuals"].reason == "invalid" and "type" in extraction.values


def test_repair_names_the_problem_and_keeps_what_was_good():
    first = spoilt(n={"q": "data of 3,800 patients", "v": 38000})
    second = {"n": GOOD["n"], "loc": [], "type": None}
    ours = asker(first, second, retry_tokens=1000)
    extraction = one(ours)
    assert extraction.values == {"individuals": 3800, "location": ["Laptop", "Email"], "type": "Theft"}
    asked = ours.client.seam._upstream.requests[1][1]["messages"]
    assert asked[-2]["content"] == json.dumps(first)
    assert "n: the quote does not say this value" in asked[-1]["content"]
    assert [call["problems"] for call in extraction.calls] == [{"individuals": "unsupported"}, {}]
    assert extraction.cost_usd == pytest.approx(sum(call["cost_usd"] for call in extraction.calls))


@pytest.mark.parametrize("budget, calls", [(0, 1), (100, 1), (200, 2), (250, 3)])
def test_the_retry_budget_is_in_tokens(budget, calls):
    extraction = one(asker("nonsense", retry_tokens=budget, max_tokens=40))
    spent = sum(call["prompt_tokens"] + call["completion_tokens"] for call in extraction.calls[1:])
    assert len(extraction.calls) == calls and spent <= budget
    assert {found.reason for found in extraction.found.values()} == {"unparseable"}


@pytest.mark.parametrize("budget", range(100, 500, 20))
def test_no_repair_begins_that_could_not_hold_half_the_record(budget):
    said = reply("nonsense", logprobs=False)
    said["usage"]["completion_tokens"] = 80
    ours = asker(said, retry_tokens=budget, max_tokens=100)
    one(ours)
    assert all(asked["max_tokens"] >= 40 for _, asked in ours.client.seam._upstream.requests)


class Counting(Peer):
    """Talks nonsense for as long as it may, and counts four characters as a token."""

    def handle_request(self, request):
        asked = json.loads(request.read())
        said = reply("x" * 4 * asked["max_tokens"], logprobs=False)
        prompt = len(json.dumps(asked["messages"])) // 4
        said["usage"] = {"prompt_tokens": prompt, "completion_tokens": asked["max_tokens"], "total_tokens": 0,
                         "prompt_tokens_details": {"cached_tokens": 0}}
        self.items = [said]
        return super().handle_request(request)


@pytest.mark.parametrize("budget", [0, 300, 500, 1000, 5000])
def test_no_reply_however_long_breaks_the_retry_budget(budget):
    ours = Asker(Breach, model="gpt-4o-mini", retry_tokens=budget, max_tokens=60)
    ours.client = connect("demo", "live", upstream=Counting())
    calls = one(ours).calls
    assert sum(call["prompt_tokens"] + call["completion_tokens"] for call in calls[1:]) <= budget
    assert (len(calls) > 2) is (budget >= 1000)


def test_quotes_find_control_characters_and_prompts_do_not_carry_them():
    text = "OCR\x1a\x1a\x1as investigation found 12 lost files"
    ours = asker({"n": {"q": "OCR's investigation found 12", "v": 12}, "loc": [], "type": None})
    extraction = one(ours, text)
    assert extraction.found["individuals"].spans[0][:2] == (0, 30)
    assert "OCR's investigation" in ours.bodies([text])[0]["messages"][-1]["content"]


def test_without_quotes_the_text_itself_is_searched():
    said = {"n": 3800, "loc": ["Laptop", "Paper/Films"], "type": "Theft"}
    found = one(asker(said, quotes=False)).found
    assert found["individuals"].supported and not found["location"].supported
    assert found["location"].value == ["Laptop", "Paper/Films"]


def test_asker_pickles_and_clones_without_its_client():
    ours = asker(GOOD)
    one(ours)
    again = pickle.loads(pickle.dumps(ours))
    assert not hasattr(again, "_client") and clone(ours).get_params() == ours.get_params()


# ---- the hybrid, merging, outages


DEV = ["A laptop with files of 20 patients was stolen.", "30 files lost, of 15 patients.",
       "Paper for 9 patients lost."] * 5
DEV_GOLD = [{"individuals": 20, "location": ["Laptop"], "type": "Theft"},
            {"individuals": 15, "location": [], "type": "Loss"},
            {"individuals": 9, "location": ["Paper/Films"], "type": "Loss"}] * 5
WEAK = Patterns(Breach, {"individuals": [r"\d+"], "type": [("(?:stolen|lost)", "Theft")], "location": ["laptop"]},
                name="weak")


class Oracle(Extractor):
    """Stands for an LLM in tests of choosing: right, dear and slow; it is no model."""

    paid = True

    def __init__(self, schema, gold, name="llm", reason=""):
        self.schema, self.gold, self.name, self.reason = schema, gold, name, reason

    def _read(self, row):
        failed = Found(ABSTAIN, self.name, reason=self.reason)
        found = {name: failed if self.reason else Found(value, self.name, 0.9)
                 for name, value in self.gold[row["text"]].items()}
        return found, [{"cost_usd": 0.03, "latency_s": 2.0, "problems": {}}]


def oracle(**settings):
    known = dict(zip(DEV, DEV_GOLD)) | {TEXT: {"individuals": 3800, "location": ["Email"], "type": "Theft"}}
    return Oracle(Breach, known, **settings)


def test_each_field_gets_the_extractor_that_development_rows_speak_for():
    hybrid = Hybrid([WEAK, oracle(), clone(RULES)]).fit(DEV, DEV_GOLD)
    assert {name: order[0] for name, order in hybrid.order_.items()} \
        == {"individuals": "rules", "location": "rules", "type": "rules"}  # as good as the LLM, and cheaper
    hybrid = Hybrid([WEAK, oracle()]).fit(DEV, DEV_GOLD)
    assert hybrid.order_["individuals"] == ["llm", "weak"]
    limited = Hybrid([WEAK, oracle()], max_latency_s=1).fit(DEV, DEV_GOLD)
    assert limited.order_["individuals"] == ["weak", "llm"]
    assert {"precision", "recall", "f1", "usd", "seconds"} <= set(hybrid.table_)


def test_what_runs_anyway_is_ranked_by_f1_and_not_by_its_clock():
    slow, quick = clone(RULES).set_params(name="slow"), clone(RULES).set_params(name="quick")
    hybrid = Hybrid([slow, quick]).fit(DEV, DEV_GOLD)
    table = hybrid.table_.copy()
    table.loc[(slice(None), "slow"), ["usd", "seconds"]] = 9.0
    assert hybrid._ranked(table, "individuals") == ["slow", "quick"]


def test_the_paid_extractor_runs_only_when_it_is_chosen():
    chosen = Hybrid([WEAK, oracle()]).fit(DEV, DEV_GOLD).extract([TEXT])[0]
    spared = Hybrid([clone(RULES), oracle()]).fit(DEV, DEV_GOLD).extract([TEXT])[0]
    assert len(chosen.calls) == 1 and len(spared.calls) == 0 and spared.cost_usd < 0.001 < chosen.cost_usd
    assert sum(found.cost_usd for found in chosen.found.values()) <= chosen.cost_usd + 1e-9


@pytest.mark.parametrize("reason", ["timeout", "rate_limit", "server_error", "unreachable", "truncated",
                                    "unparseable"])
def test_in_an_outage_the_classical_answer_comes_back_tagged(reason):
    hybrid = Hybrid([WEAK, oracle()]).fit(DEV, DEV_GOLD)
    hybrid.extractors[1].reason = reason
    for extraction in hybrid.extract([TEXT] * 3):
        found = extraction.found["individuals"]
        assert (found.value, found.tag, found.reason, found.source) == (3, "fallback", reason, "weak")


@pytest.mark.parametrize("faults, reason", [
    (itertools.repeat("timeout"), "timeout"), (itertools.repeat("429"), "rate_limit"),
    (itertools.repeat("500"), "server_error"), (itertools.repeat("truncation"), "truncated")])
def test_injected_transport_faults_end_in_the_classical_answer(faults, reason):
    llm = asker(GOOD, faults=faults)
    hybrid = Hybrid([llm, clone(RULES)])
    hybrid.order_ = {name: ["llm", "rules"] for name in kinds(Breach)}
    extraction = one(hybrid)
    assert extraction.values == one(RULES).values
    assert {(found.tag, found.reason) for found in extraction.found.values()} == {("fallback", reason)}
    assert extraction.calls


def test_an_outage_in_the_middle_loses_no_record():
    llm = asker(GOOD, 500, 500, 500, GOOD)
    hybrid = Hybrid([llm, clone(RULES)])
    hybrid.order_ = {name: ["llm", "rules"] for name in kinds(Breach)}
    tags = [extraction.found["type"].tag for extraction in hybrid.extract([TEXT] * 3)]
    assert tags == ["agreed", "fallback", "agreed"]


def test_an_unreachable_model_and_a_spent_limit_fall_back_too():
    import httpx2

    for llm, reason in [(asker(httpx2.ConnectError("refused")), "unreachable"), (asker(GOOD, limit_usd=0), "budget")]:
        hybrid = Hybrid([llm, clone(RULES)])
        hybrid.order_ = {name: ["llm", "rules"] for name in kinds(Breach)}
        first, second = hybrid.extract([TEXT] * 2)
        assert second.found["type"].tag == "fallback" and second.found["type"].reason == reason


@pytest.mark.parametrize("status, error", [(401, openai.AuthenticationError), (403, openai.PermissionDeniedError)])
def test_a_wrong_key_concerns_every_record_and_is_raised(status, error):
    with pytest.raises(error):
        one(asker(status))


# ---- one bad reply between two good ones


def said(**changes):
    """A good reply with parts of its JSON changed."""
    return reply(json.dumps(GOOD), logprobs=False) | changes


def with_content(content):
    made = said()
    made["choices"][0]["message"]["content"] = content
    return made


BODIES = {  # what a server sends with status 200, and why there is no answer then
    "HTML": (b"<html>Welcome</html>", "server_error"), "empty": (b"", "server_error"),
    "cut": (json.dumps(said()).encode()[:90], "server_error"), "binary": (bytes(range(256)), "server_error"),
    "a list": (b"[]", "server_error"), "null": (b"null", "server_error"), "a string": (b'"hi"', "server_error"),
    "no choices": (said(choices=[]), "server_error"), "null choices": (said(choices=None), "server_error"),
    "no message": (said(choices=[{}]), "unparseable"), "choices of text": (said(choices=["hi"]), "server_error"),
    "content in parts": (with_content([{"type": "text", "text": "hi"}]), "server_error"),
    "usage is a list": (said(usage=[1]), "server_error"),
}
STATUSES = {400: "refused", 404: "refused", 409: "refused", 413: "refused", 418: "refused", 422: "refused",
            500: "server_error", 503: "server_error"}


class Between(Peer):
    """Answers well, except for requests about a text with the word BAD."""

    def __init__(self, bad):
        super().__init__()
        self.bad = bad

    def handle_request(self, request):
        import httpx2

        if b"BAD" not in request.read():
            return httpx2.Response(200, json=said())
        if isinstance(self.bad, int):
            return httpx2.Response(self.bad, json={"error": {"message": "content policy"}})
        body = self.bad if isinstance(self.bad, bytes) else json.dumps(self.bad).encode()
        return httpx2.Response(200, content=body, headers={"content-type": "application/json"})


def through_the_seam(bad):
    client = connect("demo", "live", upstream=Between(bad))
    client.seam.sleep = lambda seconds: None
    return client


def plain(bad):
    import httpx2

    return openai.OpenAI(base_url="http://plain.invalid/v1", api_key="none", max_retries=0,
                         http_client=httpx2.Client(transport=Between(bad)))


def between(client, schema=Breach, **settings):
    llm = Asker(schema, **{"model": "gpt-4o-mini"} | settings)
    llm.client = client
    hybrid = Hybrid([llm, clone(RULES)])
    hybrid.order_ = {name: ["llm", "rules"] for name in kinds(Breach)}
    return hybrid.extract([TEXT, TEXT + " BAD", TEXT])


def check_only_the_middle_fell_back(extractions, *reasons):
    first, bad, last = extractions
    assert {found.tag for record in (first, last) for found in record.found.values()} == {"agreed"}
    assert {found.tag for found in bad.found.values()} == {"fallback"} and bad.values == one(RULES).values
    assert {found.reason for found in bad.found.values()} <= set(reasons)


@pytest.mark.parametrize("body", BODIES)
def test_a_reply_that_is_no_completion_costs_one_record_its_model(body):
    bad, reason = BODIES[body]
    check_only_the_middle_fell_back(between(through_the_seam(bad)), reason)
    if "usage" not in body:
        check_only_the_middle_fell_back(between(plain(bad)), "unparseable")


@pytest.mark.parametrize("status", STATUSES)
def test_a_refused_request_costs_one_record_its_model(status):
    for client in (through_the_seam(status), plain(status)):
        check_only_the_middle_fell_back(between(client), STATUSES[status])


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": None, "completion_tokens": None, "total_tokens": 1}])
def test_tokens_that_nobody_tells_are_an_unknown_price(usage):
    for client in (through_the_seam(said(usage=usage)), plain(said(usage=usage))):
        records = between(client)
        assert all(record.values == one(RULES).values for record in records)
        assert math.isnan(records[1].cost_usd) and not math.isnan(records[0].cost_usd)


def test_a_client_of_ones_own_with_an_unknown_model_is_timed_by_the_clock():
    first, *_ = between(plain(said()), model="our-own-finetune")
    assert first.found["type"].tag == "agreed" and math.isnan(first.cost_usd) and 0 < first.calls[0]["latency_s"] < 9


@pytest.mark.parametrize("slip", [TypeError, KeyError, ZeroDivisionError, AttributeError])
def test_a_validator_that_breaks_down_costs_its_own_field(slip):
    class Broken(Breach):
        @field_validator("individuals")
        @classmethod
        def breaks(cls, n):
            raise slip("oops")

    found = one(asker(GOOD, schema=Broken)).found
    assert found["individuals"].reason == "invalid" and found["type"].value == "Theft"
    assert found["location"].value == ["Laptop", "Email"]


def test_an_alias_of_a_field_loses_nothing():
    class Named(BaseModel):
        individuals: Annotated[int | None, Number("people affected", key="n", whole=True)] \
            = PydanticField(None, alias="numberOfPeople")
        type: Annotated[str | None, Exact("what happened", options=TYPES)] = None

    said = {"n": GOOD["n"], "type": GOOD["type"]}
    assert one(asker(said, schema=Named)).values == {"individuals": 3800, "type": "Theft"}
    bad = said | {"n": {"q": "of 3,800", "v": 10**17}}
    found = one(asker(bad, schema=Named)).found
    assert found["individuals"].reason == "invalid" and found["type"].value == "Theft"


def test_a_slow_endpoint_is_given_up_for_the_rest_of_the_batch():
    import httpx2

    ours = asker(GOOD, httpx2.ReadTimeout("slow"))
    ours.client.seam.retries = 0
    extractions = ours.extract([TEXT] * 10)
    assert len(ours.client.seam._upstream.requests) == 1 + 3
    assert [len(extraction.values) for extraction in extractions] == [3] + [0] * 9
    assert {found.reason for record in extractions[1:] for found in record.found.values()} == {"timeout"}
    assert all(extraction.calls for extraction in extractions)
    ours.client.seam._upstream.items = [reply(json.dumps(GOOD), logprobs=False)]
    assert one(ours).values  # a new batch tries again


def test_an_unknown_price_is_not_a_low_one():
    hybrid = Hybrid([WEAK, oracle()], max_cost_usd=0.05).fit(DEV, DEV_GOLD)
    assert hybrid.order_["individuals"] == ["llm", "weak"]
    table = hybrid.table_.copy()
    table.loc[(slice(None), "llm"), "usd"] = math.nan
    assert hybrid._ranked(table, "individuals") == ["weak", "llm"]
    assert clone(hybrid).set_params(max_cost_usd=math.inf)._ranked(table, "individuals") == ["llm", "weak"]
    dear = table.copy()
    dear.loc[(slice(None), "weak"), :] = table.loc[(slice(None), "llm"), :].to_numpy()
    dear.loc[(slice(None), "weak"), "usd"] = 0.01
    assert Hybrid([oracle(), oracle(name="weak")])._ranked(dear, "individuals") == ["weak", "llm"]


@pytest.mark.parametrize("rows, gold, told", [
    ([NARRATIVES[0], None], TRUTH[:2], r"no text in 1 of 2 rows: \[1\]"), ([b"x"], TRUTH[:1], "no text"),
    ([math.nan], TRUTH[:1], "no text"), (NARRATIVES[:6], TRUTH[:3], "6 rows, 3 gold records")])
def test_what_the_tagger_cannot_learn_from_is_named(rows, gold, told):
    with pytest.raises(BadInput, match=told):
        Tagger(Breach).fit(rows, gold)


def test_gold_for_other_rows_calibrates_nothing():
    with pytest.raises(BadInput, match="6 rows, 3 gold records"):
        clone(RULES).calibrate(NARRATIVES[:6], TRUTH[:3])


LATE = Found(ABSTAIN, "llm", reason="timeout")


@pytest.mark.parametrize("candidates, seen", [
    ([LATE, RULED_BY := Found(3800, "rules"), Found(38, "tagger")], True), ([LATE, RULED_BY], False),
    ([LATE, RULED_BY, Found(3800, "tagger")], False), ([LATE, RULED_BY, Found(None, "tagger")], True),
    ([Found(ABSTAIN, "llm", reason="unsupported", others=(Found(7, "llm", reason="unsupported"),)), RULED_BY], False)])
def test_an_outage_hides_no_conflict_of_the_others(candidates, seen):
    merged = prefer(candidates, Number())
    assert merged.tag == "fallback" and Extraction(1, {"n": merged}).conflicts == ["n"] * seen


RULED, ASKED = Found(3800, "rules", 0.9, (Span(5, 10),)), Found(3800, "llm", 0.95, (Span(0, 20),))


@pytest.mark.parametrize("candidates, value, tag", [
    ([RULED, ASKED], 3800, "agreed"),
    ([RULED, Found(38, "llm", 0.99, (Span(30, 40),))], 3800, "conflict"),
    ([RULED, Found(38, "llm", 0.99, (Span(8, 12),))], 3800, "overlap"),
    ([RULED, Found(None, "llm", 0.5)], 3800, "conflict"),
    ([Found(None, "llm", 0.5), RULED], None, "conflict"),
    ([Found(ABSTAIN, "rules", reason="no_rule"), ASKED], 3800, ""),
    ([Found(ABSTAIN, "llm", reason="timeout"), RULED], 3800, "fallback"),
    ([Found(ABSTAIN, "llm", reason="timeout"), Found(ABSTAIN, "rules", reason="no_rule")], ABSTAIN, ""),
])
def test_merging(candidates, value, tag):
    merged = prefer(candidates, Number())
    assert (merged.value, merged.tag) == (value, tag)
    differing = [found for found in candidates if found.answered and found.value != value]
    assert list(merged.others) == differing


def test_agreement_joins_and_conflict_is_kept_for_a_reviewer():
    merged = prefer([RULED, ASKED], Number())
    assert (merged.source, merged.confidence) == ("rules+llm", 0.95)
    extraction = Extraction(1, {"individuals": prefer([RULED, Found(38, "llm")], Number()), "type": Found("Theft")})
    assert extraction.conflicts == ["individuals"]
    assert extraction.found["individuals"].others[0].value == 38


def test_uniting_takes_the_longer_reading_and_all_items():
    short, long = Found("hawk", "rules", 0.9, (Span(11, 15),)), Found("red-tailed hawk", "llm", 0.8, (Span(0, 15),))
    assert unite([short, long], Text()).value == "red-tailed hawk" and unite([short, long], Text()).others == (short,)
    sets = [Found(["Laptop"], "a"), Found(["Laptop", "Email"], "b"), Found(["Email"], "c")]
    assert unite(sets[:2], Set(of=Exact())).value == ["Laptop", "Email"]
    assert unite([sets[0], sets[2]], Set(of=Exact())).tag == "conflict"


# ---- bad input


ODD = {"binary": "".join(map(chr, range(256))), "surrogate": "lone \ud800 of 12 patients", "control": "\x1a" * 5000,
       "empty": "", "spaces": " \n\t ", "right to left": "\u202e12 patients", "long digits": "9" * 5000 + " patients"}


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_text_is_read_or_abstains(kind, tagger):
    for extractor in (RULES, tagger, asker(GOOD)):
        extraction = one(extractor, ODD[kind])
        assert set(extraction.found) == set(kinds(Breach))
        as_frame([extraction])
        for found in extraction.found.values():
            assert all(0 <= start <= end <= len(ODD[kind]) for start, end, _ in found.spans)


@pytest.mark.parametrize("value, reason", [(None, "not_text"), (3, "not_text"), (b"x", "not_text"),
                                           (math.nan, "not_text"), ("x" * 1_000_000, "too_long")])
def test_what_is_no_text_does_not_stop_the_batch(value, reason, tagger):
    for extractor in (RULES, tagger, asker(GOOD), Hybrid([clone(RULES)]).fit(DEV, DEV_GOLD)):
        good, bad, again = extractor.extract([TEXT, value, TEXT])
        assert {found.reason for found in bad.found.values()} == {reason} and bad.values == {}
        assert good.values == again.values and good.values


def test_one_string_and_a_table_without_text_are_errors():
    for wrong in ("one string", pd.DataFrame({"words": ["a"]})):
        with pytest.raises(BadInput):
            RULES.extract(wrong)
    assert RULES.extract([]) == []


@given(st.text())
def test_cleaning_moves_no_offset(text):
    assert len(clean(text)) == len(text)
    clean(text).encode("utf-8")


def test_real_narratives_of_three_sources():
    hhs = datasets.load("hhs", "tune").head(20)
    found = RULES.extract(hhs)
    assert sum("individuals" in extraction.values for extraction in found) >= 10
    for extraction, text in zip(found, hhs["text"]):
        for field in extraction.found.values():
            assert all(text[start:end] for start, end, _ in field.spans)


# ---- no reply crashes it, and no value comes out unproved


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
                        ["n", "loc", "type", "q", "v", "x"]), inner, max_size=4), max_leaves=12)
QUOTES = st.one_of(st.text(max_size=20), st.sampled_from(["3,800 patients", "stolen", "laptop computer", "\ud800"]))
FIELDS = st.fixed_dictionaries({"q": QUOTES, "v": st.one_of(JSON, st.sampled_from([3800, "Theft", "Laptop", "38"]))})
RECORDS = st.dictionaries(st.sampled_from(["n", "loc", "type"]), FIELDS | st.lists(FIELDS, max_size=3) | JSON)
REPLIES = st.one_of(st.text(), JSON.map(json.dumps), RECORDS.map(json.dumps),
                    st.tuples(RECORDS.map(json.dumps), st.integers(0, 80)).map(lambda cut: cut[0][:cut[1]]))


def judge(content):
    """What comes of a reply, without the transport."""
    from types import SimpleNamespace

    message = SimpleNamespace(refusal=None, content=content)
    choice = SimpleNamespace(message=message, finish_reason="stop")
    return Asker(Breach)._judge(choice, {"text": TEXT, "sent": None})


def check_proved(content):
    found = judge(content)
    assert set(found) == set(kinds(Breach))
    for name, field in found.items():
        kind = kinds(Breach)[name]
        if field.value == ABSTAIN:
            assert field.reason
        elif field.value not in (None, []):
            parts = [TEXT[start:end] for start, end, _ in field.spans]
            for item in field.value if isinstance(kind, Set) else [field.value]:
                one_kind = kind.of if isinstance(kind, Set) else kind
                assert any(one_kind.supports(item, part) for part in parts)


@settings(max_examples=300, deadline=None)
@given(REPLIES)
def test_a_malformed_reply_gives_no_crash_and_no_silent_value(content):
    check_proved(content)
    check_valid(Breach, content, {"text": TEXT, "sent": None})


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None)
@given(REPLIES)
def test_ten_thousand_malformed_replies(content):
    check_proved(content)
    check_valid(Breach, content, {"text": TEXT, "sent": None})


# ---- what an independent validator calls invalid is never an answer


def check_valid(schema, content, row, quotes=True):
    """Each answered field was valid under the JSON schema that was sent, says the package jsonschema."""
    found = judged_by(Asker(schema, quotes=quotes), content, row)
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        data = None
    forms = json_schema(schema, quotes)["properties"]
    for name, kind in kinds(schema).items():
        if found[name].answered:
            given, form = data[kind.key or name], forms[kind.key or name]
            assert VALIDATOR(form).is_valid(given), (name, given, found[name])
    return found


def judged_by(ours, content, row):
    from types import SimpleNamespace

    message = SimpleNamespace(refusal=None, content=content)
    return ours._judge(SimpleNamespace(message=message, finish_reason="stop"), row)


def VALIDATOR(form):
    return pytest.importorskip("jsonschema").Draft202012Validator(form)


SPOILS = [None, True, False, 0, 1, -1, 2.0, 2.5, 1e308, 10**400, "", " ", "null", "banana", "other", "OTHER", "Other",
          "true", "3800", "Theft", "x" * 121, "\ud800", [], {}, [None], [[]], ["Theft"], ["Other"], {"x": "gull"},
          {"q": "a", "v": None}, {"q": None, "v": 1}, {"q": "a", "v": []}, {"v": 3}, {"q": "a", "v": 1, "z": 2}]


def spoil(node, rng):
    """The JSON value with one part somewhere in it replaced, doubled or lost."""
    parts = list(node.items()) if isinstance(node, dict) else list(enumerate(node)) if isinstance(node, list) else []
    if not parts or rng.random() < 0.25:
        return rng.choice([str(node), [node], {"v": node}, *SPOILS])
    key, part = rng.choice(parts)
    if isinstance(node, dict):
        return {name: spoil(part, rng) if name == key else kept for name, kept in node.items()
                if name != key or rng.random() < 0.95}
    spoilt = node[:key] + [spoil(part, rng)] + node[key + 1:]
    return spoilt * rng.choice([1, 1, 1, 2, 5])


def spoilt_replies(source, n, quotes=True):
    """``n`` replies of a prompt's examples, spoilt one to three times, each with its row."""
    shots, rng = sources.asker(source).shots, random.Random(source)
    for _ in range(n):
        shot, answer = rng.choice(shots)
        if not quotes:
            answer = {name: [item["v"] for item in given] if isinstance(given, list) else given and given["v"]
                      for name, given in answer.items()}
        for _ in range(rng.randint(1, 3)):
            answer = spoil(answer, rng)
        yield json.dumps(answer), shot | {"sent": dt.date(2026, 3, 4)}


def check_spoilt(source, n, quotes=True):
    validator, schema = VALIDATOR(json_schema(sources.SCHEMAS[source], quotes)), sources.SCHEMAS[source]
    invalid = answers = 0
    for content, row in spoilt_replies(source, n, quotes):
        found = check_valid(schema, content, row, quotes)
        invalid += not validator.is_valid(json.loads(content))
        answers += sum(field.answered for field in found.values())
    assert invalid > 0.5 * n and answers > 0.5 * n  # most are spoilt, and what was left good is read


@pytest.fixture
def shipped(monkeypatch):
    """The data of the repository instead of the empty store."""
    monkeypatch.setattr("hybridlab.paths.data", DATA)


@pytest.mark.parametrize("source", sources.SCHEMAS)
@pytest.mark.parametrize("quotes", [True, False])
def test_no_invalid_part_of_a_spoilt_reply_is_an_answer(source, quotes, shipped):
    check_spoilt(source, 150, quotes)


@pytest.mark.slow
@pytest.mark.parametrize("source", sources.SCHEMAS)
def test_no_invalid_part_of_ten_thousand_spoilt_replies_is_an_answer(source, shipped):
    check_spoilt(source, 3400)


@given(JSON)
def test_the_schema_check_agrees_with_an_independent_validator(value):
    for form in [*json_schema(Breach)["properties"].values(), *json_schema(Message, False)["properties"].values(),
                 json_schema(Breach), Number().json()]:
        assert fits(value, form) is VALIDATOR(form).is_valid(value)
