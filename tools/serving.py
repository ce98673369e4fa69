"""Measures how one small machine serves a model: ``python -m tools.serving [section ...]``, alone and idle.

Seconds on two cores, and calls after warm-up; all sections together take about 11 minutes:

    prefix    270 s   140 calls  one prompt in two orders, 60 rows each, and 20 rows with the prefix cache off
    curve     170 s   240 calls  1, 2, 4 and 8 clients on as many slots, the same 60 rows each
    talk       55 s    40 calls  1 and 4 clients, replies of 24 tokens, 20 rows each
    arrivals   45 s    40 calls  the first rows of the curve, arriving at random at 70 % of the pace of a slot
    cuts      110 s   200 calls  shortened reviews, two ways: 60 test rows by the 0.5B model, 40 by the 1.5B

Rows are reviews of the route split, of the test split in ``cuts``, where row i pairs with row i of
``reviews.<tier>`` in the timings of the same machine. Each section starts a server of its own, so nothing is
in its cache but the warm-up. Requests go straight to the server, not through the seam, which knows one slot
only. It writes ``data/timings/<machine>.serving.json``; a section that is not measured now stays.

    python -m tools.serving record   1,200 calls, about 12 minutes, busy or not: what the models say to 300
                                     shortened test reviews, as recordings; lab 04 replays them
"""

import argparse
import datetime as dt
import json
import os
import re
import string
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import httpx2
import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from hybridlab import cost, datasets, models, paths, recordings
from hybridlab.evaluate import accuracy
from hybridlab.llm import label_probabilities
from hybridlab.tiers import ABSTAIN, LLM, Prompt
from tools.outcomes import MODELS, frozen
from tools.timings import busy, machine, summary

LEVELS, TALK_LEVELS, SPARE = (1, 2, 4, 8), (1, 4), 8
ROWS, UNCACHED_ROWS, TALK_ROWS, ARRIVING_ROWS = 60, 20, 20, 40
BUSY_SHARE, TALK_TOKENS = 0.7, 24
CUT_ROWS, RECORDED_ROWS = {"llm05": 60, "llm15": 40}, 300


# --- asking ----------------------------------------------------------------------------------------


def fresh(model, slots=1):
    """A function that posts a body to a new server of a model and returns the reply."""
    models.stop()
    server = models.serve(model, slots=slots)
    client = httpx2.Client(timeout=300, trust_env=False)

    def post(body):
        reply = client.post(f"{server.base_url}/chat/completions", json=body)
        reply.raise_for_status()
        return reply.json()

    return post


def timed(post, body, clock=time.perf_counter):
    """Seconds, token counts and the reply of one request."""
    begun = clock()
    reply = post(body)
    seconds, usage = clock() - begun, reply["usage"]
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    return {"seconds": round(seconds, 6), "prompt_tokens": usage["prompt_tokens"], "cached_tokens": cached,
            "completion_tokens": usage["completion_tokens"], "reply": reply}


def closed(post, bodies, warm, clients=1, clock=time.perf_counter):
    """So many clients, each sending its next request as soon as its last one is answered.

    Parameters
    ----------
    post : callable, body -> reply
    bodies, warm : lists of bodies
        ``warm`` goes first, all at once and not counted, so that every slot has read what prompts share.

    Returns
    -------
    frame with a row a body, in their order, and the seconds from the first request to the last answer
    """
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(post, warm))
        begun = clock()
        frame = pd.DataFrame(list(pool.map(partial(timed, post), bodies)))
        return frame, clock() - begun


def arriving(post, bodies, at, clock=time.perf_counter):
    """Each request is sent at its second ``at``, whether the last one is answered or not."""
    begun = clock()

    def one(body, second):
        time.sleep(max(0.0, begun + second - clock()))
        return {"at": round(clock() - begun, 6)} | timed(post, body)

    with ThreadPoolExecutor(len(bodies)) as pool:
        return pd.DataFrame(list(pool.map(one, bodies, at)))


def rows_of(n, split="route", skip=SPARE):
    """``n`` reviews after the ``skip`` rows that warm up."""
    return datasets.load("reviews", split).iloc[skip:skip + n]


def spare(n, split="route"):
    """The rows that warm up."""
    return datasets.load("reviews", split).iloc[:n]


def columns(frame, rows):
    """A measured frame as lists, with row ids and without replies."""
    return {"row": rows.index.tolist(), **frame.drop(columns=["reply"]).to_dict("list")}


def level(frame, wall_s, rows):
    """What a throughput curve says of one load."""
    found = summary(frame["seconds"].tolist())
    rate = {"wall_s": round(wall_s, 6), "queries_per_s": round(len(frame) / wall_s, 6)}
    return rate | {name: found[name] for name in ("n", "p50", "p95", "mean")} | columns(frame, rows)


# --- sections --------------------------------------------------------------------------------------


def orders():
    """One prompt in two orders, of the same lines: what every call shares first, or the row first."""
    prompt = Prompt.load("reviews.v3")
    role, _, rule = prompt.system.partition(". ")
    shots = "\n".join(f"{asked} {answered}" for asked, answered in prompt.shots)
    same = f"{rule}\n{shots}".replace("{", "{{").replace("}", "}}")
    row, end = "The review to label: {text}", "Label of the review to label:"
    lines = {"prefix_first": [same, row, end], "row_first": [row, same, end]}
    return {name: replace(prompt, system=f"{role}.", template="\n".join(parts), shots=(), variant=name)
            for name, parts in lines.items()}


def said(reply, labels):
    """The label that a reply gives the most probability."""
    top = reply["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
    words = label_probabilities([(one["token"], one["logprob"]) for one in top], list(labels))
    return labels[max(words, key=words.get)] if sum(words.values()) > 0 else ABSTAIN


ARMS = {"prefix_first": ("prefix_first", ROWS, {}), "row_first": ("row_first", ROWS, {}),
        "cache_off": ("prefix_first", UNCACHED_ROWS, {"cache_prompt": False})}


def prefix():
    """What the order of a prompt and the prefix cache are worth."""
    post, arms, both = fresh(MODELS["llm05"]), {}, orders()
    for arm, (order, n, extra) in ARMS.items():
        tier, rows = LLM(both[order], MODELS["llm05"]), rows_of(n)
        warm, bodies = ([body | extra for body in tier.bodies(some)] for some in (spare(1), rows))
        frame, _ = closed(post, bodies, warm)
        labels = [said(reply, both[order].labels) for reply in frame["reply"]]
        arms[arm] = columns(frame, rows) | {"right": (labels == rows["label"]).astype(int).tolist()}
    return {"model": MODELS["llm05"], "arms": arms}


def curve(levels=LEVELS):
    """Throughput and latency of the review task at several loads."""
    tier, rows, found = LLM(frozen("reviews", "llm05"), MODELS["llm05"]), rows_of(ROWS), {}
    for clients in levels:
        post = fresh(MODELS["llm05"], slots=clients)
        frame, wall_s = closed(post, tier.bodies(rows), tier.bodies(spare(clients)), clients)
        found[str(clients)] = level(frame, wall_s, rows)
    return {"model": MODELS["llm05"], "levels": found}


def talk_body(text):
    """A request for a sentence."""
    asked = f"Say in one sentence what the customer thinks.\nReview: {text[:800]}"
    return {"model": MODELS["llm05"], "messages": [{"role": "user", "content": asked}], "temperature": 0,
            "max_tokens": TALK_TOKENS}


def talk():
    """The same curve for replies of a sentence: writing is bound by memory, reading by arithmetic."""
    rows, found = rows_of(TALK_ROWS), {}
    for clients in TALK_LEVELS:
        post = fresh(MODELS["llm05"], slots=clients)
        bodies, warm = (list(map(talk_body, some["text"])) for some in (rows, spare(clients)))
        frame, wall_s = closed(post, bodies, warm, clients)
        found[str(clients)] = level(frame, wall_s, rows)
    return {"model": MODELS["llm05"], "levels": found}


def arrivals(rng=None):
    """Waiting in line: requests that arrive at random at one slot."""
    tier, rows = LLM(frozen("reviews", "llm05"), MODELS["llm05"]), rows_of(ARRIVING_ROWS)
    rate = BUSY_SHARE / cost.timing("reviews.llm05")["mean"]
    gaps = (rng or np.random.default_rng(0)).exponential(1 / rate, len(rows))
    post = fresh(MODELS["llm05"])
    post(tier.bodies(spare(1))[0])
    frame = arriving(post, tier.bodies(rows), np.cumsum(gaps))
    return {"model": MODELS["llm05"], "queries_per_s": round(rate, 6)} | columns(frame, rows)


def head(text, words=40):
    """The first words of a text."""
    return " ".join(text.split()[:words])


def content(text):
    """A text without the stop words of scikit-learn's list, which holds *not*, *no* and *never* as well."""
    kept = [word for word in text.split() if word.strip(string.punctuation).lower() not in ENGLISH_STOP_WORDS]
    return " ".join(kept)


CUTS = {"head": head, "content": content}


def shortened(rows, cut):
    """Rows with every text cut one way."""
    return rows.assign(text=rows["text"].map(CUTS[cut]))


def cuts():
    """Latency of shortened reviews, 0.5B and 1.5B."""
    found = {}
    for tier, n in CUT_ROWS.items():
        post, asked = fresh(MODELS[tier]), LLM(frozen("reviews", tier), MODELS[tier])
        warm, rows = asked.bodies(spare(1, "test")), rows_of(n, "test", skip=1)
        for cut in CUTS:
            frame, _ = closed(post, asked.bodies(shortened(rows, cut)), warm)
            found[f"{tier}.{cut}"] = columns(frame, rows)
    return {"tiers": {tier: MODELS[tier] for tier in CUT_ROWS}, "arms": found}


SECTIONS = {section.__name__: section for section in (prefix, curve, talk, arrivals, cuts)}


def record(limit=RECORDED_ROWS):
    """What the models say to shortened test reviews; answers may be recorded under load, seconds not."""
    rows = datasets.load("reviews", "test").iloc[:limit]
    for tier, model in MODELS.items():
        for cut in CUTS:
            asked = LLM(frozen("reviews", tier), model, min_mass=0.0, mode="record")
            frame = asked.answer(shortened(rows, cut))
            print(f"{tier} {cut}: {accuracy(rows['label'], frame)}", flush=True)
    recordings.tidy(paths.data("recordings"))


# --- storing ---------------------------------------------------------------------------------------


def store(path, header, section, found):
    """Put one section into a file; the others stay."""
    old = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    when = {"date": header["date"], "load": header["load"]}
    whole = old | header | {section: when | found}
    path.write_text(json.dumps(whole, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def main(arguments=None):
    here = machine()
    name = re.sub(r"[^a-z0-9]+", "-", f"{here['cores']}x {here['cpu']}".lower()).strip("-")
    parser = argparse.ArgumentParser(prog="python -m tools.serving", description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", help=f"of {', '.join(SECTIONS)}, all without one; or record")
    parser.add_argument("--machine", default=name, help="name of the file and of the machine in it")
    chose = parser.parse_args(arguments)
    if chose.sections == ["record"]:
        return record()
    if unknown := [section for section in chose.sections if section not in SECTIONS]:
        sys.exit(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}, and record alone")
    if reasons := busy():
        sys.exit("\n".join(["This machine is busy:", *reasons, "Stop that, wait a minute, and start again."]))
    load = round(os.getloadavg()[0], 2)
    header = {"machine": chose.machine, "date": dt.date.today().isoformat(), "load": load} | here
    for section in chose.sections or SECTIONS:
        print(f"{section} ...", end=" ", flush=True)
        begun = time.perf_counter()
        store(paths.data("timings", f"{chose.machine}.serving.json"), header, section, SECTIONS[section]())
        print(f"{time.perf_counter() - begun:.0f} s", flush=True)
    models.stop()


if __name__ == "__main__":
    main()
