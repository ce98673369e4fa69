"""Speed promises, measured: ``python -m tools.bench``. Prints measured, promised and OK or FAIL.

Each promise is a ratio or a bound that holds on a two-core machine; run it on an idle one. The throughput of the
local model is measured when the smallest one is on disk.
"""

import json
import os
import random
import statistics
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import httpx2
import openai

from hybridlab import connect, recordings
from hybridlab.recordings import Recordings, recording_key

MODEL = "smollm2-135m"
ASK = {"model": MODEL, "temperature": 0, "max_tokens": 1, "logprobs": True, "top_logprobs": 10}
TOP = [{"token": f"word{i}", "logprob": -0.5 * i, "bytes": None} for i in range(1, 11)]
REPLY = {
    "id": "x", "object": "chat.completion", "created": 0, "model": MODEL,
    "choices": [{"index": 0, "finish_reason": "length", "message": {"role": "assistant", "content": "positive"},
                 "logprobs": {"content": [TOP[0] | {"top_logprobs": TOP}]}}],
    "usage": {"prompt_tokens": 51, "completion_tokens": 1, "total_tokens": 52,
              "prompt_tokens_details": {"cached_tokens": 26}},
}


def body(i):
    """One label request; every ``i`` has a key of its own."""
    return ASK | {"messages": [{"role": "user", "content": f"Review: tea number {i}\nLabel:"}]}


def line(key):
    """A recording line of the usual size."""
    return recordings.line_from_response(key, MODEL, ASK, REPLY, engine="bench", date="2026-11-23", seconds=1.0,
                                         load=0.0, slots=1)


def paired_s(first, second, n=300, rounds=7):
    """Seconds a call of two callables: medians over rounds that take turns, so that load hits both."""
    means = ([], [])
    for _ in range(rounds):
        for call, kept in zip((first, second), means):
            begun = time.perf_counter()
            for i in range(n):
                call(i)
            kept.append((time.perf_counter() - begun) / n)
    return map(statistics.median, means)


def in_memory_client():
    """The plain SDK over a transport that returns one prepared reply, the same that ours replays."""
    replayed = recordings.response_from_line(line("0" * 64), "/chat/completions", "recording")
    content = json.dumps(replayed).encode()

    class InMemory(httpx2.BaseTransport):
        def handle_request(self, request):
            return httpx2.Response(200, content=content, headers={"content-type": "application/json"})

    return openai.OpenAI(base_url="http://memory.invalid/v1", api_key="none",
                         http_client=httpx2.Client(transport=InMemory()))


def bench_replay():
    """A replayed call against the SDK over an in-memory transport."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HYBRIDLAB_DATA"] = folder
        store = Recordings(Path(folder) / "recordings")
        for i in range(300):
            store.add("bench", line(recording_key("/chat/completions", body(i))))
        replay, plain = connect("bench", "replay"), in_memory_client()
        del os.environ["HYBRIDLAB_DATA"]
    ours, theirs = paired_s(lambda i: replay.chat.completions.create(**body(i)),
                            lambda i: plain.chat.completions.create(**body(i)))
    return "replayed call / SDK in memory", ours / theirs, 1.2, f"{1e3 * ours:.2f} ms against {1e3 * theirs:.2f} ms"


def bench_load(n=10_000):
    """Time and peak memory of opening ten thousand recordings."""
    rng = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        lines = (recordings.dump(line(f"{rng.getrandbits(256):064x}")) for _ in range(n))
        (Path(folder) / "bench.m.jsonl").write_bytes(b"".join(lines))
        begun = time.perf_counter()
        Recordings(Path(folder))
        took = time.perf_counter() - begun
        tracemalloc.start()
        store = Recordings(Path(folder))
        peak = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
    yield f"load {len(store):,} recordings, seconds", took, 0.2, ""
    yield f"load {len(store):,} recordings, peak MB", peak, 50, ""


def bench_live(n=40):
    """Raw HTTP seconds over ours, in pairs of new prompts to the same server; the promise is at least 0.95."""
    from hybridlab import models

    server = models.serve(MODEL)
    raw, ours = httpx2.Client(timeout=60), connect("bench", "live")
    spent = {"raw": 0.0, "ours": 0.0}
    for i in range(n):
        for who in ("raw", "ours") if i % 2 else ("ours", "raw"):
            asked = body(f"{i} {who} {time.time_ns()}")
            begun = time.perf_counter()
            if who == "raw":
                raw.post(server.base_url + "/chat/completions", json=asked).json()
            else:
                ours.chat.completions.create(**asked)
            spent[who] += time.perf_counter() - begun
    return "live: ours / raw HTTP", spent["ours"] / spent["raw"], 1 / 0.95, f"{n / spent['ours']:.1f} calls a second"


def new_texts(rows, n):
    """``n`` rows: a table's own over and over, each time with another number at the end, so that no cache helps."""
    rows = rows.iloc[[i % len(rows) for i in range(n)]]
    return rows.assign(text=[f"{text} {i}" for i, text in enumerate(rows["text"])]).set_axis(range(n))


def bench_extract(n=10_000):
    """Shipped rules, grounding and scores of every source, and one quote in 2,000 characters."""
    import numpy as np

    from hybridlab import grounding, sources
    from hybridlab.fields import outcomes, score

    for source, schema in sources.SCHEMAS.items():
        rules, rows, gold = sources.rules(source), sources.rows(source, "learn"), sources.gold(source, "learn")
        rows, gold = new_texts(rows, n), [gold[i % len(gold)] for i in range(n)]
        begun = time.perf_counter()
        for text in rows["text"]:
            grounding.ground(text[len(text) // 4:len(text) // 2].replace("e", "x", 2), text)
        score(outcomes(gold, rules.extract(rows), schema), rng=np.random.default_rng(0))
        yield f"rules, grounding and scores of {n:,} {source} records, seconds", time.perf_counter() - begun, 60, ""

    rows = new_texts(sources.rows("hhs", "learn"), n)
    seconds, long = [], " ".join(rows["text"])
    for i in range(300):
        text, quote = long[2000 * i:2000 * (i + 1)], long[2000 * i + 900:2000 * i + 980].replace("e", "x", 2)
        begun = time.perf_counter()
        grounding.ground(quote, text)
        seconds.append(time.perf_counter() - begun)
    yield "a spoilt quote in 2,000 characters, median ms", 1e3 * statistics.median(seconds), 1, ""


def bench_tco(draws=100_000):
    """Draws of every uncertain input of a whole cost scenario, with the summary."""
    import numpy as np

    from hybridlab import paths
    from hybridlab.tco import Scenario, simulate

    scenario = Scenario.read(paths.data("scenarios", "inbox.yml"))
    ranges = sum(one.uncertain for one in scenario.inputs().values())
    begun = time.perf_counter()
    simulate(scenario, draws, rng=np.random.default_rng(0))
    note = f"{len(scenario.options)} options, {ranges} ranges"
    return f"{draws:,} draws of a cost scenario, seconds", time.perf_counter() - begun, 1, note


def bench_cascade(n=1_000_000):
    """Time and peak memory of a million recorded rows through three tiers."""
    import numpy as np
    import pandas as pd

    from hybridlab.cascade import Cascade

    rng = np.random.default_rng(0)
    frames = {f"t{i}": pd.DataFrame({"label": rng.choice(["great", "other"], n), "confidence": rng.random(n)})
              .assign(cost_usd=10.0**i, latency_s=0.1, tier="x", reason="") for i in range(3)}
    begun = time.perf_counter()
    Cascade.combine(frames, thresholds=[0.8, 0.7])
    yield f"cascade of {n:,} recorded rows, seconds", time.perf_counter() - begun, 2, "three tiers"
    tracemalloc.start()
    Cascade.combine(frames, thresholds=[0.8, 0.7])
    peak = tracemalloc.get_traced_memory()[1] + sum(frame.memory_usage().sum() for frame in frames.values())
    tracemalloc.stop()
    yield f"cascade of {n:,} recorded rows, peak MB", peak / 1e6, 1000, "with its frames"


def bench_nothing_escalated(n=2000):
    """A cascade in which the pipeline answers everything: at least 0.9 of the pipeline's rows a second."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    from hybridlab.cascade import Cascade
    from hybridlab.tiers import Classifier

    rng, words = np.random.default_rng(0), np.array([f"word{i}" for i in range(5000)])
    texts = [" ".join(words[rng.zipf(1.3, 80) % 5000]) for _ in range(n)]
    labels = np.where(["word7 " in text for text in texts], "great", "other")
    tier = Classifier(make_pipeline(TfidfVectorizer(), LogisticRegression())).fit(texts, labels)
    cascade = Cascade([("tfidf", tier), ("never", tier)])
    ours, bare = paired_s(lambda i: cascade.answer(texts), lambda i: tier.estimator_.predict_proba(texts), 1, 15)
    return "cascade, nothing escalated / bare pipeline", ours / bare, 1 / 0.9, f"{n / ours:,.0f} rows a second"


def main():
    from hybridlab import models

    rows = [bench_replay(), *bench_load(), *bench_extract(), bench_tco(),
            *bench_cascade(), bench_nothing_escalated()]
    if models.find(MODEL):
        rows.append(bench_live())
    else:
        print(f"left out: live throughput; first `python -m hybridlab pull {MODEL}`")
    for what, measured, bound, note in rows:
        print(f"{'OK  ' if measured <= bound else 'FAIL'} {what}: {measured:.3g} (promised at most {bound:.3g}) {note}")
    sys.exit(any(measured > bound for _, measured, bound, _ in rows))


if __name__ == "__main__":
    main()
