"""Measures latency on an idle machine: ``python -m tools.timings [task.tier ...]``.

One slot, one request at a time, each prompt once (a prompt seen before answers ten times faster), at least
200 distinct rows a task and tier (of the records all there are), after one row of warm-up that is not counted.
Answers may be recorded under load; these numbers may not, so the tool refuses to start on a busy machine.
It writes ``data/timings/<machine>.json``.
"""

import argparse
import datetime as dt
import json
import os
import platform
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from scipy.optimize import nnls

from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from hybridlab import connect, datasets, paths, sources
from hybridlab.errors import BadInput
from hybridlab.extract import Tagger
from hybridlab.tiers import LLM, TOKENS, Classifier, Prompt, Rules, as_rows, ask
from tools import outcomes

LEAST_ROWS, LEAST_FOR_P99 = 200, 1000
MOST_LOAD, MOST_OTHERS = 0.3, 20


@dataclass(frozen=True)
class Task:
    """What is measured: a tier, its rows, and the local model that answers, if one does.

    A task that is not ``stored`` serves the rates alone.
    """

    tier: Callable
    rows: Callable
    model: str = ""
    least: int = LEAST_ROWS
    stored: bool = True


class Talk:
    """Replies of twenty-four tokens: they tell the price of an output token from that of a prompt token."""

    def __init__(self, model):
        self.model, self.client = model, connect("timings", "live")

    def answer(self, X):
        rows = as_rows(X)
        asked = "Say in one sentence what the customer thinks.\nReview: " + rows["text"].iloc[0][:800]
        body = {"model": self.model, "messages": [{"role": "user", "content": asked}], "temperature": 0,
                "max_tokens": 24}
        usage = ask(self.client, body)[0].usage
        cached = usage.prompt_tokens_details.cached_tokens
        return pd.DataFrame([[usage.prompt_tokens, cached, usage.completion_tokens]], rows.index, TOKENS)


class Reader:
    """Extractors of records, one after the other; their answers are not kept, only the time that they take."""

    def __init__(self, *extractors):
        self.extractors = extractors

    def answer(self, X):
        for extractor in self.extractors:
            extractor.extract(X)
        return pd.DataFrame(index=as_rows(X).index)


def records(source):
    """All rows of a source of records; the rules and the tagger take the same time on rows they know."""
    return pd.concat([sources.rows(source, part) for part in sources.PARTS[source]])


def reader(source, names):
    """The rules of lab 05, its tagger, fitted before the clock starts, or both, as a hybrid runs them."""
    learn = sources.rows(source, "learn"), sources.gold(source, "learn")
    made = {"rules": sources.rules(source), "tagger": Tagger(sources.SCHEMAS[source]).fit(*learn)}
    return Reader(*(made[name] for name in names))


def rows_of(task, split="test", n=LEAST_ROWS + 1):
    """The first ``n`` rows of a split; ``columns`` are the bird strikes with their columns written as text."""
    if task != "columns":
        return datasets.load(task, split).iloc[:n]
    rows, prompt = datasets.load("birds", split).iloc[:n], Prompt.load("birds.columns8")
    return rows.assign(text=[prompt.fill(row) for row in rows.to_dict("records")])


def rules(task):
    """The committed rules of a task."""
    return Rules.load(task)


def tfidf(task):
    """TF-IDF and logistic regression, fitted on the train split before the clock starts."""
    train = rows_of(task, "train", None)
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    return Classifier(make_pipeline(words, LogisticRegression(C=10, max_iter=1000))).fit(train, train["label"])


@cache
def kinds():
    """The columns that the template of ``birds.columns8`` names, and the words of train and test rows in them."""
    rows = pd.concat([datasets.load("birds", split) for split in ("train", "test")])
    template = Prompt.load("birds.columns8").template
    used = [name for name in rows if f"{{{name}}}" in template]
    words = {name: sorted(rows[name].dropna().unique()) for name in used if rows[name].dtype == object}
    return used, {name: pd.CategoricalDtype(found) for name, found in words.items()}


def categories(rows):
    """The columns as numbers and categories."""
    used, words = kinds()
    return rows[used].astype(words)


def trees():
    """Boosted trees on the columns, fitted before the clock starts; turning words to categories is timed."""
    train = datasets.load("birds", "train")
    boosted = HistGradientBoostingClassifier(min_samples_leaf=5, random_state=0)
    model = make_pipeline(FunctionTransformer(categories), boosted)
    return Classifier(model, column=None).fit(train, train["label"])


def tasks():
    """"<task>.<tier>" -> Task. Rows come first to last; each is asked once. One model after the other."""
    found = {f"{task}.{tier.__name__}": Task(partial(tier, task), partial(rows_of, task))
             for task in (*outcomes.TASKS, "columns") for tier in (rules, tfidf)}
    for source in sources.SCHEMAS:
        rows = partial(records, source)
        for name, names in (("rules", ["rules"]), ("tagger", ["tagger"]), ("both", ["rules", "tagger"])):
            found[f"{source}_records.{name}"] = Task(partial(reader, source, names), rows, least=140)
    found["columns.trees"] = Task(trees, partial(rows_of, "birds"))
    for tier, model in (outcomes.MODELS | outcomes.SMALL).items():
        for task in outcomes.TASKS:
            prompt = outcomes.frozen(task, tier)
            found[f"{task}.{tier}"] = Task(partial(LLM, prompt, model, mode="live"), partial(rows_of, task), model)
        found[f"talk.{tier}"] = Task(partial(Talk, model), partial(rows_of, "reviews", n=41), model, least=40,
                                      stored=False)
    for tier, model in outcomes.MODELS.items():
        asked = partial(LLM, "birds.columns8", model, mode="live")
        found[f"columns.{tier}"] = Task(asked, partial(rows_of, "birds"), model)
    return found


TASKS = tasks()


def busy():
    """Reasons not to measure now, each a line; none on an idle machine."""
    load = os.getloadavg()[0]
    reasons = [f"the load of the last minute is {load:.2f}, the most is {MOST_LOAD}"] * (load > MOST_LOAD)
    own = {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
    others = [process for process in psutil.process_iter(["name"]) if process.pid not in own]
    shares = zip(others, cpu_shares(others))
    return reasons + [f"{process.info['name']} (process {process.pid}) takes {share:.0f} % of a core"
                      for process, share in shares if share > MOST_OTHERS]


def cpu_shares(processes, seconds=1.0):
    """Per cent of a core that each process takes over a second."""
    for process in processes:
        cpu_share(process)
    time.sleep(seconds)
    return [cpu_share(process) for process in processes]


def cpu_share(process):
    """Per cent of a core since the last call; 0 for a process that is gone."""
    try:
        return process.cpu_percent()
    except psutil.Error:
        return 0.0


def measure(tier, rows, clock=time.perf_counter, least=LEAST_ROWS):
    """Seconds and token counts of each row, asked one at a time; the first row warms up and is left out.

    Parameters
    ----------
    tier : object with ``answer``
    rows : list of texts or DataFrame, at least 201 distinct rows

    Returns
    -------
    pandas.DataFrame
        Column ``seconds``, and the token counts where the tier gives them.
    """
    rows = as_rows(rows)
    distinct = len(rows.astype(str).drop_duplicates())
    if distinct < len(rows) or distinct <= least:
        raise BadInput(f"{len(rows)} rows, {distinct} distinct", expected=f"over {least}, all distinct")
    return pd.DataFrame([timed(tier, rows.iloc[[at]], clock) for at in range(len(rows))][1:])


def timed(tier, row, clock):
    """Seconds and token counts of one row."""
    begun = clock()
    answer = tier.answer(row)
    seconds = clock() - begun
    return {"seconds": seconds} | {name: int(answer[name].iloc[0]) for name in TOKENS if name in answer}


def summary(seconds):
    """Count, mean and percentiles of a list of seconds; no p99 under 1,000 rows.

    >>> summary([1.0, 2.0, 3.0])
    {'n': 3, 'p50': 2.0, 'p90': 2.8, 'p95': 2.9, 'mean': 2.0, 'seconds': [1.0, 2.0, 3.0]}
    """
    levels = [50, 90, 95] + [99] * (len(seconds) >= LEAST_FOR_P99)
    found = {f"p{level}": round(float(np.percentile(seconds, level)), 6) for level in levels}
    listed = [round(float(value), 6) for value in seconds]
    return {"n": len(listed), **found, "mean": round(float(np.mean(seconds)), 6), "seconds": listed}


def rates(frame):
    """Seconds a request, a prompt token and an output token, by least squares with no negative rate.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``seconds`` and the token counts of all tasks of one model. Cached prompt tokens are not read again,
        so they do not count.

    Raises
    ------
    BadInput
        When the token counts do not vary enough to tell the three apart.
    """
    read = frame["prompt_tokens"] - frame["cached_tokens"]
    causes = np.column_stack([np.ones(len(frame)), read, frame["completion_tokens"]]).astype(float)
    if np.linalg.matrix_rank(causes) < 3:
        raise BadInput("prompt or output tokens do not vary", expected="tasks with short and long replies",
                       fix="measure a second task of this model in the same run")
    fixed, prompt, output = (float(f"{rate:.6g}") for rate in nnls(causes, frame["seconds"])[0])
    return {"fixed_s": fixed, "s_per_prompt_token": prompt, "s_per_output_token": output, "n": len(frame)}


def all_rates(frames):
    """Rates of every local model; a model whose rates cannot be told apart is left out with a line."""
    cards = {}
    for model in sorted({TASKS[name].model for name in frames} - {""}):
        try:
            cards[model] = rates(pd.concat(frames[name] for name in frames if TASKS[name].model == model))
        except BadInput as error:
            print(f"no rates for {model}: {error}")
    return cards


def machine():
    """CPU and cores of this machine."""
    info = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", info.read_text()) if info.exists() else None
    return {"cpu": found[1] if found else platform.processor() or platform.machine(), "cores": os.cpu_count()}


def store(path, header, frames):
    """Add measurements to a timings file; tiers and models that were not measured now stay."""
    old = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    kept = {name: frame for name, frame in frames.items() if TASKS[name].stored}
    tiers = {name: summary(frame["seconds"].tolist()) for name, frame in kept.items()}
    cards = old.get("rates", {}) | all_rates(frames)
    whole = header | {"tiers": old.get("tiers", {}) | tiers, "rates": cards}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(whole, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def main(arguments=None):
    here = machine()
    name = re.sub(r"[^a-z0-9]+", "-", f"{here['cores']}x {here['cpu']}".lower()).strip("-")
    parser = argparse.ArgumentParser(prog="python -m tools.timings", description=__doc__.splitlines()[0])
    parser.add_argument("tiers", nargs="*", help=f"of {', '.join(TASKS) or 'none yet'}; all without one")
    parser.add_argument("--machine", default=name, help="name of the file and of the machine in it")
    chose = parser.parse_args(arguments)
    unknown = [tier for tier in chose.tiers if tier not in TASKS]
    if unknown or not TASKS:
        sys.exit(f"not in TASKS of tools/timings.py: {', '.join(unknown) or 'anything to measure'}")
    if reasons := busy():
        sys.exit("\n".join(["This machine is busy:", *reasons, "Stop that, wait a minute, and start again."]))
    load = round(os.getloadavg()[0], 2)
    header = {"machine": chose.machine, "date": dt.date.today().isoformat(), "load": load}
    os.environ["HYBRIDLAB_MODE"] = "live"
    frames = {}
    for tier in chose.tiers or TASKS:
        print(f"{tier} ...", end=" ", flush=True)
        frames[tier] = measure(TASKS[tier].tier(), TASKS[tier].rows(), least=TASKS[tier].least)
        print(f"{frames[tier]['seconds'].sum():.0f} s, p50 {frames[tier]['seconds'].median():.3g} s")
    store(paths.data("timings", f"{chose.machine}.json"), header | here, frames)


if __name__ == "__main__":
    main()
