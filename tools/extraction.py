"""The recordings of lab 05: every extraction asked once, in row order, one task at a time.

    python -m tools.extraction plan     what would be asked, and how long it takes; asks nothing
    python -m tools.extraction record   asks it
    python -m tools.extraction freeze   what is sent, to data/prompts/<source>.extract.json
    python -m tools.extraction form     texts and rows for two blind readers of one source
    python -m tools.extraction agree    how far the two readers of one source agree

A source behind it, ``--part``, ``--tier`` and ``--limit`` ask for less. Recording needs a live model and states
its budget first; it can be interrupted and goes on where it stopped. Of the rows to learn from the log shows the
answers; of all others it counts tokens and problems only, so that nobody tunes a prompt on them.
"""

import argparse
import collections
import json
import random
import time

import pandas as pd

from hybridlab import cost, paths, recordings, sources
from tools.outcomes import MODELS

MOST_MINUTES = 180
LEARN = 20  # rows to try a prompt on; their answers go to the local store, as no lab uses them
READ = {"hhs": 60, "birds": 170}  # rows for the readers: some test rows; all that choose and all test rows
# In first trials a repair mostly said the same again; so it is measured on some test rows, and not used elsewhere.
REPAIRED = {"hhs": 40, "messages": 40}
# Tokens of a usual reply, as first trials showed them.
REPLY = {"hhs": 80, "birds": 50, "messages": 170}


def jobs():
    """(tier, source, part): rows to learn from first, so that a prompt can still be mended."""
    for part in ("learn", "choose", "test"):
        yield from (("llm15", source, part) for source in ("messages", "hhs", "birds"))
    yield "llm05", "messages", "test"


def rows_of(source, part, limit=None):
    """The rows of a job."""
    rows = sources.rows(source, part)
    return rows.iloc[:LEARN].iloc[:limit] if part == "learn" else rows.iloc[:limit]


def chosen(args):
    """The jobs that the options leave."""
    wanted = {"tier": args.tier, "source": args.source, "part": args.part}
    for job in jobs():
        if all(want in (None, is_) for want, is_ in zip(wanted.values(), job)):
            yield job


# ---- the budget


def repaired(tier, source, part):
    """How many rows of a job, from the first on, may be asked twice."""
    return REPAIRED.get(source, 0) if (tier, part) == ("llm15", "test") else 0


def minutes(tier, source, part, limit, store):
    """(records, calls to make at most, minutes for these) by the measured speed of the model."""
    bodies = sources.asker(source, MODELS[tier]).bodies(rows_of(source, part, limit))
    texts = [len(body["messages"][-1]["content"]) / 4 for body in bodies
             if recordings.recording_key("/chat/completions", body) not in store]
    again = texts[:repaired(tier, source, part)]
    read = sum(texts) + sum(again) + len(again) * (REPLY[source] + 60)
    calls = len(texts) + len(again)
    took = cost.seconds({"model": MODELS[tier], "prompt_tokens": round(read),
                         "completion_tokens": calls * REPLY[source]})
    return len(bodies), calls, took / 60


def plan(args):
    """Print what would be asked; returns the minutes."""
    store, total, asked = set(recordings.committed()), 0.0, 0
    for tier, source, part in chosen(args):
        rows, calls, took = minutes(tier, source, part, args.limit, store)
        print(f"{tier} {source:8} {part:6} {rows:4} rows, {calls:4} calls, about {took:5.1f} minutes", flush=True)
        total, asked = total + took, asked + calls
    print(f"at most {asked} calls, about {total:.0f} minutes; the most is {MOST_MINUTES}", flush=True)
    return total


# ---- recording


def record(args):
    """Ask what is missing, one row after the other."""
    if plan(args) > MOST_MINUTES:
        raise SystemExit("that is more than the budget; ask for one source, --part, --tier or --limit")
    for name in sources.SCHEMAS:
        check_frozen(name)
    try:
        for tier, source, part in chosen(args):
            record_job(tier, source, part, args.limit)
    except KeyboardInterrupt:
        print("interrupted; what was answered is kept")
    finally:
        recordings.tidy(paths.data("recordings"))


def record_job(tier, source, part, limit):
    """One job; progress every ten rows."""
    rows = rows_of(source, part, limit)
    mode, twice = "auto" if part == "learn" else "record", repaired(tier, source, part)
    askers = [sources.asker(source, MODELS[tier], repair, mode=mode) for repair in (False, True)]
    tally, begun = collections.Counter(), time.perf_counter()
    for i in range(len(rows)):
        extraction, = askers[i < twice].extract(rows.iloc[i:i + 1])
        count(tally, extraction)
        if part == "learn":
            print(f"{tier} {source} {extraction.row}", told(extraction), flush=True)
        if i % 10 == 9 or i == len(rows) - 1:
            spent = (time.perf_counter() - begun) / (i + 1)
            print(f"{tier} {source} {part}: {i + 1} of {len(rows)}, {spent:.1f} s a record, {dict(tally)}", flush=True)


def count(tally, extraction):
    """Calls, tokens and problems of a record."""
    tally["calls"] += len(extraction.calls)
    tally["tokens"] += sum(call["completion_tokens"] for call in extraction.calls)
    for call in extraction.calls:
        tally.update(call["problems"].values())


def told(extraction):
    """A record as a line of the log: values, and why there is none."""
    return json.dumps({name: found.reason or found.value for name, found in extraction.found.items()},
                      ensure_ascii=False, default=str)


# ---- what is sent


def sent(source):
    """Everything of a request but the text: it stands before every row, so it decides every key."""
    body, = sources.asker(source).bodies([""])
    return {"messages": body["messages"][:-1], "max_tokens": body["max_tokens"],
            "response_format": body["response_format"]}


def frozen(source):
    """Where it is kept."""
    return paths.data("prompts", f"{source}.extract.json")


def freeze(args):
    """Write what is sent for every source."""
    for source in sources.SCHEMAS:
        text = json.dumps(sent(source), indent=1, ensure_ascii=False) + "\n"
        frozen(source).write_text(text, encoding="utf-8")
        print(frozen(source).name, len(text))


def check_frozen(source):
    """Stop when schema or prompt are not what was frozen: every recording would be lost."""
    if json.loads(frozen(source).read_text(encoding="utf-8")) != sent(source):
        raise SystemExit(f"schema or prompt of {source} changed; `python -m tools.extraction freeze`, then record again")


# ---- readers


def sample(source):
    """Rows for the readers, in row order; of the breach reports 60 test rows, drawn once with a seed."""
    parts = ("test",) if source == "hhs" else ("choose", "test")
    rows = pd.concat([sources.rows(source, part) for part in parts])
    return rows.loc[sorted(random.Random(60).sample(list(rows.index), READ[source]))]


def form(args):
    """What a reader gets beside the guide: row ids and texts."""
    for row, text in sample(args.source)["text"].items():
        print(f"## {row}\n\n{text}\n")


def agree(args):
    """Agreement of two readings, and the rows to look at again."""
    first, second = sources.readings(args.source)
    for name, found in sources.agreement(args.source, first, second).items():
        print(f"{name:20} {found}")
    missing = sorted(set(sample(args.source).index) - (set(first) & set(second)))
    print("not read by both:", missing or "none")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = {"plan": plan, "record": record, "freeze": freeze, "form": form, "agree": agree}
    parser.add_argument("what", choices=commands)
    parser.add_argument("source", nargs="?", choices=sources.SCHEMAS)
    parser.add_argument("--part", choices=("learn", "choose", "test"))
    parser.add_argument("--tier", choices=MODELS)
    parser.add_argument("--limit", type=int, help="rows a job, to try a prompt")
    args = parser.parse_args()
    commands[args.what](args)


if __name__ == "__main__":
    main()
