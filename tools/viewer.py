"""Writes ``data/viewer.json``, the records behind the extraction viewer of chapter 5.

``python -m tools.viewer`` writes; ``--check`` only says whether the file is out of date; ``--first`` prints
the first test row of each source that shows each case. The extractors are those of lab 05: trained on the
part ``learn``, chosen and calibrated on ``choose``, shown at work on ``test``; the model answers from
recordings. Offsets count code points of the text as it is shown.
"""

import argparse
import datetime as dt
import hashlib
import itertools
import json
import re
import sys

import pandas as pd

from hybridlab import connect, paths, sources
from hybridlab.asker import PROBLEMS
from hybridlab.extract import Hybrid, Tagger, clean
from hybridlab.fields import Exact, Set, kinds, outcomes

SHORT = {"rules": "rules", "tagger": "tagger", "llm": "1.5B model"}
VIEWS = {"hybrid": "hybrid"} | SHORT | {"outage": "hybrid, model down"}
MERGED = ("hybrid", "outage")
TITLES = {"hhs": "Breach reports", "birds": "Bird strikes", "messages": "Messages"}
CREDITS = {
    "hhs": "Source: breach report to the US Department of Health and Human Services, row {row}. "
           "Gold: the columns filed with it.",
    "birds": "Source: strike report to the US Federal Aviation Administration, row {row}. "
             "Gold: what two readings of the remark agree on.",
    "messages": "Source: text and gold by the authors of this course, message {row}, "
                "sent on {sent.day} {sent:%B %Y}."}
REASONS = PROBLEMS | {"no_rule": "no rule matches", "no_mark": "no word is marked",
                      "timeout": "no reply in time", "refused": "the request was refused"}
READ = ["rules/*.extract.toml", "prompts/*.extract.toml", "messages/*.*l", "gold/*/*.jsonl",
        "splits/hhs.csv", "splits/birds.csv", "recordings/lab05.qwen2.5-coder-1.5b.jsonl"]
LONGEST = 700
SELECTION = ("These are test rows, which no rule and no choice of an extractor has seen. Of each source, the "
             f"first of at most {LONGEST} characters that shows a case; so they are cases, not a sample.")


# ---- which records


def all_agree(views):
    said = [line for line in views["hybrid"] if line["spans"]]
    return len(said) > 1 and all((line["tag"], {*line["outcomes"]}) == ("agreed", {"right"}) for line in said)


def in_conflict(views):
    return any(line["tag"] == "conflict" and line["spans"] for line in views["hybrid"])


def refused(views):
    unproved = [line for line in views["llm"] if line["reason"] in ("ungrounded", "unsupported")]
    return any(not line["answered"] for line in unproved)


def proved_and_wrong(views):
    proved = [line for line in views["llm"] if line["proved"] == "yes"]
    return any({"wrong", "invented"} & {*line["outcomes"]} for line in proved)


def model_down(views):
    return any(line["tag"] == "fallback" and "right" in line["outcomes"] for line in views["outage"])


def filed_otherwise(views):
    return any(line["verdict"].startswith("wrong") and line["verdict"].endswith("by two readings: right")
               for line in views["hybrid"])


# Case -> what the button says, what there is to see, the view that it opens with, how it is known.
CASES = {
    "agreed": ("all agree", "All who answer give the same value, and it is right.", "all", all_agree),
    "conflict": ("a conflict", "Two readers differ. The first choice is kept, tagged; the other stays beside "
                 "it, for a reviewer.", "all", in_conflict),
    "refused": ("a quote that proves nothing", "The model gives a value that its quote does not show. It is "
                "refused; the next reader's comes in its place, if there is one.", "llm", refused),
    "wrong": ("proved, and yet wrong", "The quote stands in the text and says the value, and the value is "
              "still not the one in the gold: a proof has its limits.", "llm", proved_and_wrong),
    "fallback": ("the model is down", "Every call times out. The classical value comes back, tagged as a "
                 "fallback.", "outage", model_down),
    "filed": ("wrong by the file", "The filed column says otherwise than the text. Two blind readings say "
              "what the hybrid says.", "hybrid", filed_otherwise)}
# Case -> (row, what to look at), three a source. The row is the first that shows the case, see --first.
CHOSEN = {
    "hhs": {
        "agreed": (11, "A number before a noun, a thing, a deed. The file also knows of a business "
                       "associate; the text does not, and nobody invents one."),
        "conflict": (49, "The tagger reads a theft out of a word further down; rules and model read what was "
                         "done with the postcards. None of it is what was filed."),
        "filed": (32, "The file holds another number and another place than the text.")},
    "birds": {
        "conflict": (2712, "How many were struck? The tagger takes the number of an engine. And the last "
                           "word on the species is not the pilot's."),
        "refused": (16, "The remark says no more than bird. The model names an animal; so does the file, and "
                        "nobody can know it from the text."),
        "wrong": (1683, "The quoted number counts miles.")},
    "messages": {
        "refused": (1, "The refused order number stands in an example of the prompt, not in the message."),
        "wrong": (2, "The quoted number is a sum of money, not a quantity."),
        "fallback": (3, "With the model a complaint is invented beside the wish; without it the rules' "
                        "one wish comes back, tagged, and is right.")}}


def first(source, cases=None):
    """Case -> the first row that shows it, not counting rows that an earlier case took."""
    read, rows, found = reader(source), sources.rows(source, "test"), {}
    short = rows.index[rows["text"].str.len() <= LONGEST]
    views = {row: read(row)["views"] for row in short}
    for case in cases or CHOSEN[source]:
        left = (row for row in short if row not in found.values())
        found[case] = next((row for row in left if CASES[case][3](views[row])), None)
    return found


# ---- the extractors of lab 05


def reader(source):
    """A function from the id of a test row to everything that is shown of it."""
    learn, choose, (rows, gold) = ((sources.rows(source, part), sources.gold(source, part))
                                   for part in ("learn", "choose", "test"))
    llm = sources.asker(source, mode="replay")
    tagger = Tagger(sources.SCHEMAS[source]).fit(*learn)
    hybrid = Hybrid([sources.rules(source), tagger, llm]).fit(*choose)
    replayed, truths = llm.client, dict(zip(rows.index, gold))

    def read(row):
        one = rows.loc[[row]]
        said = {extractor.name: extractor.extract(one)[0] for extractor in [*hybrid.extractors, hybrid]}
        llm.client = connect("lab05", "replay", faults=itertools.repeat("timeout"), retries=0)
        said["outage"] = hybrid.extract(one)[0]
        llm.client = replayed
        return record(source, one.iloc[0], said, truths[row])
    return read


# ---- one record


def record(source, row, said, truth):
    """Source, text, and the lines of every view."""
    text, sent = clean(row["text"]), pd.Timestamp(row.get("sent"))
    credit = CREDITS[source].format(row=row.name, sent=sent)
    views = {view: lines(source, text, said[view], truth, view in MERGED) for view in VIEWS}
    return {"source": source, "row": int(row.name), "credit": credit,
            "text": squeezed(text).rstrip("\\ \n"), "views": views}


def lines(source, text, extraction, truth, merged):
    """One line a field: value, evidence, verdict, remark."""
    fields, schema = kinds(sources.SCHEMAS[source]), sources.SCHEMAS[source]
    judged = outcomes([truth], [extraction], schema)
    read = twice_read(source, extraction.row)
    again, found = outcomes([read], [extraction], schema), []
    for name, kind in fields.items():
        mine, theirs = (table[table["field"] == name] for table in (judged, again))
        found.append(line(extraction.found[name], text, merged) | {
            "proved": proof(kind, extraction.found[name]),
            "field": name.replace("_", " "), "gold": due(kind, name, truth, read),
            "outcomes": mine["outcome"].tolist(), "verdict": verdict(mine, theirs, isinstance(kind, Set))})
    return found


def due(kind, name, truth, read):
    """The gold value, and that of two readings where it is another."""
    gold = shown(truth[name]) if name in truth else "not known"
    same = name not in read or name in truth and sources.alike(kind, truth[name], read[name])
    return gold if same else f"{gold}; by two readings: {shown(read[name])}"


def twice_read(source, row):
    """What two blind readings of a breach report agree on; the other sources have it in their gold."""
    return sources.agreed(source, *sources.readings(source)).get(row, {}) if source == "hhs" else {}


def line(found, text, merged):
    """What was found in one field, in words; ``merged`` by a hybrid."""
    given = found.answered and found.value not in (None, [])
    spans = sorted({(span.start, span.end) for span in found.spans}) if given else []
    return {"value": shown(found.value) if found.answered else "no answer", "answered": found.answered,
            "source": found.source if found.answered else "",
            "confidence": round(found.confidence, 2) if found.answered else None,
            "spans": [[len(squeezed(text[:place])) for place in span] for span in spans],
            "reason": found.reason, "tag": found.tag or ("alone" if merged and given else ""),
            "remark": remark(found, text)}


def proof(kind, found):
    """Whether the quote says the value: yes, no, or "quote only" where there is nothing to check it by."""
    if not found.spans:
        return ""
    one, values = (kind.of, found.value) if isinstance(kind, Set) else (kind, [found.value])
    options = one.options if isinstance(one, Exact) and not one.form else None
    synonyms = options if isinstance(options, dict) else {}
    if options is not None and not all(synonyms.get(value) for value in values):
        return "quote only"
    return "yes" if found.supported else "no"


def shown(value):
    """A value as it is printed.

    >>> shown(["Laptop", "Email"]), shown(3800), shown(None), shown(True)
    ('Laptop, Email', '3,800', 'not said', 'yes')
    """
    if isinstance(value, (list, tuple)):
        return ", ".join(map(shown, value)) or "not said"
    if value is None or value != value:
        return "not said"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return f"{value:,.10g}"
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def squeezed(text):
    """The text with one apostrophe for a run of them, which the breach reports hold."""
    return re.sub("''+", "'", text)


def remark(found, text):
    """Why there is no value, or none of the first choice; and what was set aside."""
    reasons = [other.reason for other in found.others]
    if found.reason == "invalid" and reasons:
        reasons[0] = "invalid"  # the refused value comes first, and does not say why it was refused
    told = [] if found.reason in ["", *reasons] else [REASONS.get(found.reason, found.reason)]
    return "; ".join(told + [beside(other, reason, text) for other, reason in zip(found.others, reasons)])


def beside(other, reason, text):
    """A value that was set aside, with its quote and why."""
    quote = [f"quoted \u201c{squeezed(text[span.start:span.end])}\u201d" for span in other.spans[:1]]
    why = ", ".join(quote + [f"refused: {REASONS.get(reason, reason)}"] * bool(reason))
    return f"{SHORT[other.source]}: {shown(other.value)}" + (f" ({why})" if why else "")


def verdict(judged, again, many):
    """Right or what else, with the gold value; where two readings judge otherwise, that too."""
    mine, theirs = (words(table, many) for table in (judged, again))
    return f"{mine}; by two readings: {theirs}" if len(again) and mine != theirs else mine


def words(judged, many):
    if not len(judged):
        return "not scored"
    gold, outcome = judged[["gold", "outcome"]].values[0]
    if many and outcome != "absent":
        items = {outcome: [] for outcome in judged["outcome"]}
        for gold, value, outcome in judged[["gold", "value", "outcome"]].values:
            items[outcome].append(value if outcome in ("right", "invented") else gold)
        return "; ".join(f"{outcome}: {shown(values)}" for outcome, values in items.items())
    return outcome if outcome in ("right", "absent") else f"{outcome} (gold: {shown(gold)})"


# ---- the file


def checksum():
    """SHA-256 over the files that the records come from, cut to sixteen digits."""
    found = hashlib.sha256()
    for pattern in READ:
        for path in sorted(paths.data().glob(pattern)):
            found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()[:16]


def chosen(found, case, note):
    """A record with its case, which it must show, and what to look at."""
    if not CASES[case][3](found["views"]):
        sys.exit(f"{found['source']} {found['row']} does not show {case!r}: run tools.viewer with --first")
    return found | {"case": case, "note": note}


def records():
    for source, rows in CHOSEN.items():
        read = reader(source)
        yield from (chosen(read(row), case, note) for case, (row, note) in rows.items())


def build():
    """The whole file as a dict."""
    cases = {case: {"title": title, "shows": shows, "opens": opens}
             for case, (title, shows, opens, _) in CASES.items()}
    return {"about": "written by python -m tools.viewer", "sources": checksum(), "selection": SELECTION,
            "views": VIEWS, "short": SHORT, "titles": TITLES, "cases": cases, "records": [*records()]}


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tools.viewer", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when it is out of date")
    parser.add_argument("--first", action="store_true", help="write nothing; print rows that show the cases")
    chose, path = parser.parse_args(arguments), paths.data("viewer.json")
    if chose.check:
        stored = json.loads(path.read_text(encoding="utf-8"))["sources"] if path.exists() else "nothing"
        sys.exit(0 if stored == checksum() else "data/viewer.json is out of date: run python -m tools.viewer")
    if chose.first:
        print(*(f"{source}: {first(source)}" for source in CHOSEN), sep="\n")
        return
    path.write_text(json.dumps(build(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
