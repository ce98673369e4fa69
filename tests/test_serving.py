"""What measures the local server, on a server of sleeps: no model is needed."""

import json
import threading
import time

import numpy as np
import pandas as pd
import pytest

from hybridlab import paths
from hybridlab.tiers import LLM
from tools import serving, timings

SERVICE_S = 0.02


class Slots:
    """A server that takes the same time for each request, so many side by side, the others in line."""

    def __init__(self, slots):
        self.free, self.lock = threading.Semaphore(slots), threading.Lock()
        self.asked, self.inside, self.most = [], 0, 0

    def __call__(self, body):
        with self.free:
            with self.lock:
                self.asked.append(body)
                self.inside += 1
                self.most = max(self.most, self.inside)
            time.sleep(SERVICE_S)
            with self.lock:
                self.inside -= 1
        return reply(cached=3)


def reply(cached=None, top=(("positive", -0.1),)):
    pairs = [{"token": token, "logprob": logprob} for token, logprob in top]
    usage = {"prompt_tokens": 9, "completion_tokens": 1}
    if cached is not None:
        usage["prompt_tokens_details"] = {"cached_tokens": cached}
    return {"usage": usage, "choices": [{"logprobs": {"content": [{"top_logprobs": pairs}]}}]}


# --- clients ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("clients", [1, 4])
def test_clients_ask_every_body_once_and_never_more_at_a_time(clients):
    server = Slots(slots=8)
    frame, wall_s = serving.closed(server, list(range(20)), ["warm"] * clients, clients)
    assert sorted(server.asked[clients:]) == list(range(20)) and server.asked[:clients] == ["warm"] * clients
    assert server.most == clients and len(frame) == 20 and (frame["seconds"] >= SERVICE_S).all()
    assert wall_s >= 20 / clients * SERVICE_S
    assert frame["cached_tokens"].tolist() == [3] * 20


def test_a_reply_that_says_nothing_of_the_cache_had_none():
    assert serving.timed(lambda body: reply(), {})["cached_tokens"] == 0


def test_those_who_arrive_together_wait_in_line():
    server = Slots(slots=1)
    frame = serving.arriving(server, ["a", "b", "c", "d"], [0.0, 0.0, 0.0, 10 * SERVICE_S])
    answered = np.sort(frame["at"] + frame["seconds"])[:3]
    assert (answered >= SERVICE_S * np.arange(1, 4) - 0.001).all()
    assert (frame["at"] >= [0.0, 0.0, 0.0, 10 * SERVICE_S]).all()
    assert server.most == 1 and sorted(server.asked) == ["a", "b", "c", "d"]


def test_a_level_is_requests_over_seconds_and_percentiles():
    frame = pd.DataFrame({"seconds": [1.0, 2.0, 3.0], "cached_tokens": 0, "reply": None})
    rows = pd.DataFrame({"text": list("abc")}, index=[7, 8, 9])
    found = serving.level(frame, 2.0, rows)
    assert (found["queries_per_s"], found["p50"], found["mean"], found["n"]) == (1.5, 2.0, 2.0, 3)
    assert found["row"] == [7, 8, 9] and "reply" not in found
    json.dumps(found)


# --- prompts ---------------------------------------------------------------------------------------


def messages(variant, text):
    body = LLM(serving.orders()[variant], "qwen2.5-coder-0.5b").bodies([text])[0]
    return "\n".join(message["content"] for message in body["messages"])


def shared(one, other):
    return next(i for i, (a, b) in enumerate(zip(one, other)) if a != b)


def test_two_orders_of_the_same_lines():
    text = "Braces {are} kept, and {text} too."
    first, last = messages("prefix_first", text), messages("row_first", text)
    assert sorted(first.split("\n")) == sorted(last.split("\n")) and text in first
    assert shared(first, messages("prefix_first", "tea")) > 1000
    assert shared(last, messages("row_first", "tea")) < 100


def test_the_label_is_the_likeliest_word_and_silence_is_none():
    labels = {"positive": "great", "mixed": "other", "negative": "other"}
    assert serving.said(reply(top=[("neg", -0.2), (" positive", -2.0)]), labels) == "other"
    assert serving.said(reply(top=[("I", -0.2)]), labels) == "<abstain>"


def test_cuts():
    text = "The tea is not good, and  I " + "would " * 60
    assert serving.head(text).split() == text.split()[:40]
    assert serving.head("short <br /> one") == "short <br /> one"
    assert serving.content("The tea is not good, and I liked IT.") == "tea good, liked"
    rows = pd.DataFrame({"text": ["The tea is good"], "label": ["great"]}, index=[4])
    assert serving.shortened(rows, "content").loc[4].tolist() == ["tea good", "great"]
    assert rows.loc[4, "text"] == "The tea is good"


def test_the_rows_of_a_level_are_not_those_that_warm_it_up():
    rows, spare = serving.rows_of(serving.ROWS), serving.spare(max(serving.LEVELS))
    assert len(rows) == serving.ROWS and not set(rows.index) & set(spare.index)
    paired = timings.rows_of("reviews", n=4).index[1:]
    assert serving.rows_of(3, "test", skip=1).index.equals(paired)


# --- file ------------------------------------------------------------------------------------------


def test_a_section_that_is_measured_again_leaves_the_others(tmp_path, monkeypatch):
    (tmp_path / "timings").mkdir()
    monkeypatch.setenv("HYBRIDLAB_DATA", str(tmp_path))
    monkeypatch.setattr(serving, "busy", list)
    monkeypatch.setattr(serving.models, "stop", lambda: None)
    found = {"curve": {"levels": {}}, "talk": {"levels": {"1": 2}}}
    monkeypatch.setattr(serving, "SECTIONS", {name: lambda name=name: found[name] for name in found})
    serving.main(["talk", "--machine", "m"])
    serving.main(["curve", "--machine", "m"])
    stored = json.loads(paths.data("timings", "m.serving.json").read_text())
    assert stored["talk"]["levels"] == {"1": 2} and set(stored) > {"curve", "talk", "cpu", "machine", "date"}
    assert set(stored["curve"]) == {"levels", "date", "load"}


def test_a_busy_machine_is_refused(monkeypatch):
    monkeypatch.setattr(serving, "busy", lambda: ["a compiler takes 95 % of a core"])
    with pytest.raises(SystemExit, match="a compiler"):
        serving.main(["curve"])


def test_an_unknown_section_is_named():
    with pytest.raises(SystemExit, match="no section curves; there are prefix, curve"):
        serving.main(["curves"])
