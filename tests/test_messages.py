"""The authored messages: form, evidence, split, coverage, and what the guide promises about values."""

import calendar
import datetime as dt
import json
import random
import re
import tomllib
from collections import Counter

import numpy as np
import pytest

from hybridlab import datasets, paths

WISHES = ["order", "complaint", "appointment", "return", "cancel", "question"]
VALUES = ["product", "quantity", "date", "order_number", "amount", "urgent", "contact", "name"]
CAN_BE_UNCLEAR = set(VALUES) - {"urgent", "name"}
SPOKEN = dict(zip("oh zero one two three four five six seven eight nine".split(), "00123456789", strict=True))
WEEKDAYS = [day.lower() for day in calendar.day_name]
SHORT = {"thurs": "thursday", "fri": "friday", "wed": "wednesday", "sat'day": "saturday"}
DAYS_AHEAD = {"today": 0, "this evening": 0, "tomorrow": 1}


def folder(name):
    return paths.data("messages", name).read_text(encoding="utf-8")


def read(name):
    return [json.loads(line) for line in folder(name).splitlines()]


MESSAGES, GOLD = read("messages.jsonl"), read("gold.jsonl")
TEXT = {row["id"]: row["text"] for row in MESSAGES}
SENT = {row["id"]: dt.date.fromisoformat(row["sent"]) for row in MESSAGES}
DEV = [row["id"] for row in MESSAGES if row["split"] == "dev"]
TEST = [row["id"] for row in MESSAGES if row["split"] == "test"]
SYNONYMS = {entry["id"]: entry["synonyms"] for entry in tomllib.loads(folder("catalogue.toml"))["product"]}


def filled(field):
    """Id, value and quote of every message that has a value."""
    return [(row["id"], row["fields"][field], row["evidence"][field])
            for row in GOLD if row["fields"][field] is not None]


def having(name, ids):
    """How many of some messages fill a field or have a wish."""
    return sum(row["fields"].get(name) is not None or name in row["fields"]["wishes"]
               for row in GOLD if row["id"] in ids)


def spoken_to_digits(quote):
    words = re.sub(r"double (\w+)", r"\1 \1", quote.lower())
    return re.sub(r"\b(" + "|".join(SPOKEN) + r")\b", lambda found: SPOKEN[found[0]], words)


def letters(text):
    return re.sub(r"[^a-z]", "", text.lower())


def test_files_hold_150_messages_with_their_gold_in_order():
    assert list(TEXT) == [row["id"] for row in GOLD] == list(range(1, 151))
    for message, gold in zip(MESSAGES, GOLD, strict=True):
        assert list(message) == ["id", "split", "sent", "text"]
        assert list(gold) == ["id", "fields", "unclear", "evidence"]
        assert message["text"] == message["text"].strip() != ""


def test_every_gold_value_has_its_type():
    kinds = {"product": str, "quantity": int, "date": str, "order_number": str, "amount": dict,
             "urgent": bool, "contact": str, "name": str}
    for row in GOLD:
        fields = row["fields"]
        assert list(fields) == ["wishes", *VALUES]
        assert fields["wishes"] == [wish for wish in WISHES if wish in fields["wishes"]]
        for field, kind in kinds.items():
            assert fields[field] is None or type(fields[field]) is kind, (row["id"], field)


def test_unclear_fields_are_null_and_declared():
    for row in GOLD:
        assert set(row["unclear"]) <= CAN_BE_UNCLEAR
        assert all(row["fields"][field] is None for field in row["unclear"])


def test_every_quote_stands_in_its_message_exactly_once():
    for row in GOLD:
        evidence, fields = row["evidence"], row["fields"]
        stated = [field for field in VALUES if fields[field] is not None]
        assert set(evidence) == {"wishes", *stated, *row["unclear"]}, row["id"]
        assert list(evidence["wishes"]) == fields["wishes"]
        quotes = [*evidence["wishes"].values(), *(evidence[field] for field in evidence if field != "wishes")]
        assert [quote for quote in quotes if TEXT[row["id"]].count(quote) != 1] == [], row["id"]


def test_split_is_the_seeded_one_and_halves_are_alike():
    def halves(seed):
        dev = set(random.Random(seed).sample(range(1, 151), 75))
        return dev, set(TEXT) - dev

    def widest_gap(seed):
        dev, test = halves(seed)
        return max(abs(having(name, dev) - having(name, test)) for name in [*VALUES, *WISHES])

    assert (set(DEV), set(TEST)) == halves(3) and len(DEV) == len(TEST) == 75
    assert [seed for seed in range(4) if widest_gap(seed) <= 7] == [3]


def test_the_guide_lists_the_messages_that_are_labelled_twice():
    rng = random.Random(50)
    for split, ids in [("dev", DEV), ("test", TEST)]:
        drawn = ", ".join(map(str, sorted(rng.sample(ids, 25))))
        assert f"- {split}: {drawn}\n" in folder("README.md")


def test_no_two_messages_are_alike():
    groups = datasets.near_duplicate_groups(list(TEXT.values()), threshold=0.4)
    assert np.bincount(groups).max() == 1


def test_no_two_messages_share_six_words_in_a_row():
    seen = Counter()
    for text in TEXT.values():
        words = re.findall(r"[\w']+", text.lower())
        seen.update({tuple(words[i:i + 6]) for i in range(len(words) - 5)})
    assert [run for run, count in seen.items() if count > 1] == []


def test_every_field_is_often_filled_and_often_empty():
    for field in VALUES:
        assert 25 <= len(filled(field)) <= 125, field
        assert all(12 <= having(field, half) <= 63 for half in (DEV, TEST)), field
    counts = {wish: having(wish, TEXT) for wish in WISHES}
    assert counts.pop("cancel") >= 12 and min(counts.values()) >= 25
    assert set(SYNONYMS) == {product for _, product, _ in filled("product")}


def test_the_counts_of_the_guide_are_those_of_the_gold():
    printed = dict(re.findall(r"^\| `(\w+)` \| ([\d |]+) \|$", folder("README.md"), re.M))
    unclear = Counter(field for row in GOLD for field in row["unclear"])
    assert printed == {field: f"{having(field, TEXT)} | {unclear[field]}" for field in VALUES} | {
        wish: str(having(wish, TEXT)) for wish in WISHES}
    urgent = Counter(value for _, value, _ in filled("urgent"))
    assert f"true in {urgent[True]} messages and false in {urgent[False]}." in folder("README.md")
    sizes = [len(row["fields"]["wishes"]) for row in GOLD]
    assert sizes.count(0) == 6 and sum(size > 1 for size in sizes) == 50


def test_products_are_named_by_a_word_of_the_catalogue():
    slips = {34: "bulp", 99: "jars, canning"}
    for number, product, quote in filled("product"):
        named = any(letters(synonym) in letters(quote) for synonym in SYNONYMS[product])
        assert named or quote == slips[number], (number, quote)


def test_synonyms_belong_to_one_product():
    every = [letters(synonym) for synonyms in SYNONYMS.values() for synonym in synonyms]
    assert len(every) == len(set(every)) and len(SYNONYMS) == 12


def test_order_numbers_are_the_quoted_ones_in_the_form_of_the_guide():
    for number, value, quote in filled("order_number"):
        assert re.fullmatch(r"(HL)?\d{5}|W\d{6}|R\d{4}", value), number
        assert re.sub(r"[^A-Z\d]", "", spoken_to_digits(quote).upper()) == value, number


def test_contacts_are_the_quoted_ones_in_the_form_of_the_guide():
    for number, value, quote in filled("contact"):
        form = r"[a-z.]+@example\.(com|org|net)|(\+44)?0?(7700900|2079460|1632960)\d{3}|202555\d{4}"
        assert re.fullmatch(form, value), number
        kept = quote.lower() if "@" in quote else re.sub(r"[^+\d]", "", spoken_to_digits(quote))
        assert kept == value, number


def test_amounts_written_in_digits_are_the_quoted_ones():
    spelt = {35: 64, 122: 10, 127: 40, 147: 189}
    for number, value, quote in filled("amount"):
        digits = re.sub(r"[,.]?\s*POUNDS\s*|,", ".", quote) if "POUNDS" in quote or "," in quote else quote
        found = re.search(r"\d+(\.\d+)?", digits)
        assert float(found[0]) == value["value"] if found else spelt[number] == value["value"], number
        signs = {"£": "GBP", "$": "USD", "€": "EUR", "pound": "GBP", "quid": "GBP", "tenner": "GBP",
                 "eur": "EUR"}
        stated = {signs[sign] for sign in signs if sign in quote.lower()}
        assert stated == ({value["currency"]} - {None}), number


def test_quantities_written_in_digits_are_the_quoted_ones():
    for number, value, quote in filled("quantity"):
        digits = re.search(r"\d+", quote)
        dozens = 12 if "doz" in quote else 1
        assert value >= 1 and (not digits or int(digits[0]) * dozens == value), number


def test_dates_are_iso_and_not_before_the_day_of_sending():
    for number, value, _ in filled("date"):
        ahead = (dt.date.fromisoformat(value) - SENT[number]).days
        assert dt.date.fromisoformat(value).isoformat() == value and 0 <= ahead <= 31, number
    assert all(dt.date(2025, 9, 1) <= day <= dt.date(2026, 11, 20) for day in SENT.values())


def resolve(words, sent):
    """The day that the guide's table gives for the plain forms; None for the others."""
    words = words.lower()
    if words in DAYS_AHEAD:
        return sent + dt.timedelta(DAYS_AHEAD[words])
    if found := re.fullmatch(r"the (\d+)(?:st|nd|rd|th)", words):
        days = (sent + dt.timedelta(n) for n in range(1, 63))
        return next(day for day in days if day.day == int(found[1]))
    if not (found := re.fullmatch(r"(this |next )?([a-z']+)( week| next)?", words)):
        return None
    name = SHORT.get(found[2], found[2])
    if name not in WEEKDAYS:
        return None
    weekday = WEEKDAYS.index(name)
    if "next" in (found[1] or "") + (found[3] or ""):
        return sent + dt.timedelta(7 - sent.weekday() + weekday)
    first = (weekday - sent.weekday() - 1) % 7 + 1
    return sent + dt.timedelta(first + (7 if found[3] else 0))


@pytest.mark.parametrize(("words", "sent", "day"), [  # Monday 5 January 2026 begins a week
    ("Friday", "2026-01-05", "2026-01-09"), ("Monday", "2026-01-05", "2026-01-12"),
    ("next Friday", "2026-01-05", "2026-01-16"), ("Friday week", "2026-01-05", "2026-01-16"),
    ("next Monday", "2026-01-11", "2026-01-12"), ("the 4th", "2026-01-05", "2026-02-04"),
    ("the 5th", "2026-01-05", "2026-02-05"), ("tomorrow", "2026-01-31", "2026-02-01")])
def test_hand_worked_days(words, sent, day):
    assert resolve(words, dt.date.fromisoformat(sent)) == dt.date.fromisoformat(day)


def test_plain_dates_are_resolved_as_the_guide_says():
    resolved = {number: (resolve(quote, SENT[number]), value) for number, value, quote in filled("date")}
    plain = {number: pair for number, pair in resolved.items() if pair[0]}
    assert len(plain) >= 35
    assert [number for number, (ours, value) in plain.items() if ours.isoformat() != value] == []


def test_a_weekday_beside_a_date_fits_it():
    for number, value, quote in filled("date"):
        named = [day for day in WEEKDAYS if day in quote.lower() and re.search(r"\d", quote)]
        assert not named or WEEKDAYS[dt.date.fromisoformat(value).weekday()] == named[0], number


def test_nothing_here_is_a_real_number():
    for number, text in TEXT.items():
        for found in re.findall(r"(?:\+44 ?|\b0)\d[\d ]{7,}\d", text):
            digits = re.sub(r"^(\+44|0)", "", found).replace(" ", "")
            assert re.match(r"7700900|2079460|1632960", digits), (number, found)
