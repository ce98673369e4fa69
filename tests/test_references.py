"""The bibliography: every entry can be found, is used, and is complete; every source that is named has an entry."""

import re

import pytest
from pybtex.database import parse_string

from hybridlab import paths
from tools.gates.labs import markdown

ROOT = paths.ROOT
TEXT = (ROOT / "references.bib").read_text(encoding="utf-8")
ENTRIES = parse_string(TEXT, "bibtex").entries
FIELDS = {"misc": {"title", "year"}, "article": {"title", "journal", "volume", "year"},
          "inproceedings": {"title", "booktitle", "year"},
          "incollection": {"title", "booktitle", "publisher", "year"}}
ARXIV = re.compile(r"\b(\d\d(?:0[1-9]|1[0-2])\.\d{4,5})(?:v\d+)?\b")
DOI = re.compile(r"10\.\d{4,9}/\S+")
URL = re.compile(r"https://[\w.-]+/\S+")
CITE = re.compile(r"\{cite(?::\w+)?\}`([\w, -]+)`")

# Further reading for chapters that are on the map and not yet written.
FURTHER = {"hollmann2023caafe": "chapter 2", "han2024featllm": "chapter 2", "reimers2019sbert": "chapter 2",
           "muennighoff2022mteb": "chapter 2", "casanueva2020banking": "chapter 6", "larson2019clinc": "chapter 6",
           "ribeiro2020checklist": "chapter 6", "shazeer2017moe": "chapter 7",
           "hu2021lora": "chapter 9", "rafailov2023dpo": "chapter 9", "zhou2023lima": "chapter 9"}


def identifier(entry):
    """Kind and value of what leads to the text: arXiv id, DOI or address."""
    return next((kind, entry.fields[kind]) for kind in ("eprint", "doi", "url") if kind in entry.fields)


def problems(key, entry):
    """What is wrong with one entry."""
    missing = FIELDS[entry.type] - set(entry.fields)
    if missing:
        yield f"{key}: has no {', '.join(sorted(missing))}"
    people = entry.persons.get("author", [])
    if not people or any("others" in map(str, person.last_names) for person in people):
        yield f"{key}: name every author"
    if any(not person.first_names and not str(person).startswith("{") for person in people):
        yield f"{key}: an author has no first name; a name of one word goes into braces"
    if not {"eprint", "doi", "url"} & set(entry.fields):
        yield f"{key}: no arXiv id, DOI or address"
        return
    kind, value = identifier(entry)
    if not {"eprint": ARXIV, "doi": DOI, "url": URL}[kind].fullmatch(value):
        yield f"{key}: {value} is no {kind}"
    if kind == "eprint" and (entry.fields.get("archiveprefix") != "arXiv" or value[:2] != entry.fields["year"][2:]):
        yield f"{key}: {value} is of another year than {entry.fields['year']}, or is not said to be arXiv's"


def used():
    """The course's own words: pages, text cells, sources of the package and its tools, data cards."""
    pages = [text for _, text in markdown(ROOT)]
    code = [path.read_text(encoding="utf-8") for folder in ("hybridlab", "tools")
            for path in sorted((ROOT / folder).rglob("*.py"))]
    cards = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "data" / "cards").glob("*.md"))]
    return "\n".join([*pages, *code, *cards])


def cited(key, entry, text):
    """Whether the text names an entry: by its key, its arXiv id, or an older source by surname and year."""
    keys = {name.strip() for group in CITE.findall(text) for name in group.split(",")}
    surname = str(entry.persons["author"][0].last_names[0])
    old = "eprint" not in entry.fields and re.search(rf"\b{surname}\b[\w\s,.]{{0,30}}?\b(?:19|20)\d\d", text)
    return key in keys or entry.fields.get("eprint") in ARXIV.findall(text) or bool(old)


def test_entries_can_be_found_and_are_complete():
    assert [found for key, entry in ENTRIES.items() for found in problems(key, entry)] == []


def test_keys_and_identifiers_are_unique():
    keys = re.findall(r"^@\w+\{([^,]+),", TEXT, re.M)
    found = [identifier(entry)[1] for entry in ENTRIES.values()]
    assert len(set(map(str.lower, keys))) == len(keys) == len(ENTRIES) and len(set(found)) == len(found)


def test_every_entry_is_used_or_further_reading():
    text = used()
    unused = {key for key, entry in ENTRIES.items() if not cited(key, entry, text)}
    assert unused - set(FURTHER) == set(), "cite it, or delete it"
    assert set(FURTHER) <= set(ENTRIES), "FURTHER names an entry that is gone"
    assert set(FURTHER) <= unused, "cited by now: take it out of FURTHER"


def test_every_source_that_is_named_has_an_entry():
    text = used()
    keys = {name.strip() for group in CITE.findall(text) for name in group.split(",")}
    ids = {entry.fields.get("eprint") for entry in ENTRIES.values()}
    assert keys - set(ENTRIES) == set() and set(ARXIV.findall(text)) - ids == set()


@pytest.mark.parametrize("change, words", [
    (("eprint = {2305.05176}", "eprint = {2405.05176}"), "another year"),
    (("eprint = {2305.05176}", "eprint = {2313.05176}"), "is no eprint"),
    (("eprint = {2305.05176}", "howpublished = {a talk}"), "no arXiv id"),
    (("Zaharia, Matei and Zou, James", "others"), "every author"),
    (("Zou, James", "Zou"), "first name"),
    (("doi = {10.1007/BF02295996}", "doi = {BF02295996}"), "is no doi"),
    (("volume = {12},\n", ""), "has no volume"),
])
def test_a_bad_entry_is_noticed(change, words):
    assert change[0] in TEXT
    changed = parse_string(TEXT.replace(*change), "bibtex").entries
    found = [line for key, entry in changed.items() for line in problems(key, entry)]
    assert found and words in found[0]
