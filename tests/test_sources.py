"""The three sources of lab 05: parts that do not meet, prompts that prove themselves, what is sent frozen."""

import datetime as dt
import json
from types import SimpleNamespace

import pandas as pd
import pytest

from hybridlab import sources
from hybridlab.errors import BadInput, DataMissing
from hybridlab.fields import Set, kinds, outcomes
from tools import extraction

SOURCES = sorted(sources.SCHEMAS)
SENT = dt.date(2026, 3, 4)


@pytest.mark.parametrize("source", SOURCES)
def test_the_parts_do_not_meet_and_carry_no_filed_column(source):
    parts = [sources.rows(source, part) for part in ("learn", "choose", "test")]
    ids = [set(rows.index) for rows in parts]
    assert not ids[0] & ids[1] and not (ids[0] | ids[1]) & ids[2] and all(len(rows) >= 37 for rows in parts)
    assert all(set(rows) <= {"text", "sent"} for rows in parts)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("part", ["learn", "choose", "test"])
def test_gold_fits_the_schema(source, part):
    """Every gold value is one that its field's kind reads as itself."""
    fields, gold = kinds(sources.SCHEMAS[source]), sources.gold(source, part)
    assert len(gold) == len(sources.rows(source, part))
    for record in gold:
        for name, value in record.items():
            if value not in (None, []):
                assert fields[name].same(fields[name].read(value), value)


def test_no_such_source_or_part():
    for wrong in (("reviews", "test"), ("hhs", "train")):
        with pytest.raises(BadInput, match="no part"):
            sources.rows(*wrong)


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_sent_is_what_was_frozen(source):
    """A change of schema or prompt loses every recording; it must be meant."""
    extraction.check_frozen(source)


@pytest.mark.parametrize("source", SOURCES)
def test_the_examples_of_a_prompt_prove_themselves(source):
    """Their replies are valid, and each quote stands in its text and says its value."""
    asker = sources.asker(source)
    for shot, answer in asker.shots:
        message = SimpleNamespace(refusal=None, content=json.dumps(answer))
        found = asker._judge(SimpleNamespace(message=message, finish_reason="stop"), shot | {"sent": SENT})
        assert {name: field.reason for name, field in found.items() if field.reason} == {}
        assert set(answer) == {kind.key or name for name, kind in kinds(asker.schema).items()}


@pytest.mark.parametrize("source", SOURCES)
def test_no_example_of_a_prompt_is_a_row(source):
    texts = {text for part in ("learn", "choose", "test") for text in sources.rows(source, part)["text"]}
    assert not texts & {shot["text"] for shot, _ in sources.asker(source).shots}


@pytest.mark.parametrize("source", SOURCES)
def test_rules_find_something_and_say_where(source):
    rows = sources.rows(source, "learn").iloc[:10]
    extractions = sources.rules(source).extract(rows)
    assert sum(len(extraction.values) for extraction in extractions) >= 6
    judged = outcomes(sources.gold(source, "learn")[:10], extractions, sources.SCHEMAS[source])
    assert (judged["outcome"] == "right").sum() >= 3
    for extraction, text in zip(extractions, rows["text"]):
        for found in extraction.found.values():
            assert all(text[start:end] for start, end, _ in found.spans)


# ---- two readings


FIRST = {1: {"individuals": 12, "location": ["Laptop", "Email"], "type": None}, 2: {"individuals": None}}
SECOND = {1: {"individuals": 12, "location": ["Email", "Laptop"], "type": "Loss"}, 3: {"individuals": 5}}


def test_agreement_is_counted_field_by_field():
    found = sources.agreement("hhs", FIRST, SECOND)
    assert {name: (share.value, share.n) for name, share in found.items()} \
        == {"individuals": (1, 1), "location": (1, 1), "type": (0, 1)}


def test_where_readers_differ_a_field_is_not_scored():
    assert sources.agreed("hhs", FIRST, SECOND) == {1: {"individuals": 12, "location": ["Laptop", "Email"]}}


def test_readings_are_typed_and_their_absence_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("hybridlab.paths.data", lambda *parts: tmp_path.joinpath(*parts))
    with pytest.raises(DataMissing, match="not read twice"):
        sources.readings("hhs")
    folder = tmp_path / "gold" / "hhs_audit"
    folder.mkdir(parents=True)
    for name in ("first", "second"):
        line = {"row": 7, "fields": {"individuals": 12, "location": ["laptop"], "type": None}}
        (folder / f"{name}.jsonl").write_text(json.dumps(line) + "\n")
    assert sources.has_readings("hhs")
    assert sources.readings("hhs")[0] == {7: {"individuals": 12, "location": ["Laptop"], "type": None}}
    (folder / "first.jsonl").write_text('{"row": 7, "fields": {"people": 3}}\n')
    with pytest.raises(BadInput, match="a reader wrote"):
        sources.readings("hhs")


def test_what_no_reader_can_mean_is_no_reading():
    for location in (["Lap-topp"], ["banana"], [None], [{}]):
        with pytest.raises(BadInput, match="cannot read"):
            sources._typed("hhs", {"location": location})


@pytest.mark.parametrize("words, day", [
    ("Friday week", 16), ("a week on Friday", 16), ("next Monday", 12), ("a week tomorrow", 15), ("Friday next", 16),
    ("the Friday after next", 23), ("tomorrow", 8), ("the 14th", 14)])
def test_the_rule_for_dates_reads_the_whole_phrase(words, day):
    text = f"Hello there. Could you send two lamps {words}, please? Kim"
    rows = pd.DataFrame({"text": [text], "sent": ["2026-01-07"]})
    found = sources.rules("messages").extract(rows)[0].found["date"]
    assert found.value == dt.date(2026, 1, day) and found.supported
    kind = kinds(sources.Message)["date"]
    assert found.value == kind.read(text[found.spans[0].start:found.spans[0].end], dt.date(2026, 1, 7))


def test_remarks_are_judged_by_what_was_read_where_they_were(monkeypatch):
    rows = sources.rows("birds", "choose")
    once = {rows.index[0]: {"species": "owl", "struck": None, "part": ["nose"]}, rows.index[1]: {"species": "owl"}}
    again = {rows.index[0]: once[rows.index[0]], rows.index[1]: {"species": "gull"}}
    monkeypatch.setattr(sources, "has_readings", lambda source: True)
    monkeypatch.setattr(sources, "readings", lambda source: [once, again])
    gold = sources.gold("birds", "choose")
    assert gold[:2] == [{"species": "owl", "struck": None, "part": ["nose"]}, {}] and gold[2]


# ---- the recorder


@pytest.mark.parametrize("source", extraction.READ)
def test_the_readers_get_no_row_that_rules_were_written_on(source):
    rows = extraction.sample(source)
    assert len(rows) == extraction.READ[source] and rows.index.is_unique
    assert not set(rows.index) & set(sources.rows(source, "learn").index)


def test_the_budget_is_stated_and_within_bounds(capsys):
    args = SimpleNamespace(tier=None, source=None, part=None, limit=None)
    assert 0 <= extraction.plan(args) <= extraction.MOST_MINUTES
    assert "minutes" in capsys.readouterr().out


def test_sets_bound_what_a_model_may_repeat():
    for schema in sources.SCHEMAS.values():
        for kind in kinds(schema).values():
            assert not isinstance(kind, Set) or kind.json()["maxItems"] == kind.most <= 4
