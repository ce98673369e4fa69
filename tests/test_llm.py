"""The seam: modes, store, faults, retries, spend limit, audit, secrets."""

import itertools
import json
import os
import pickle
import subprocess
import sys

import httpx2
import openai
import pytest
from scripted import Peer, reply

from hybridlab import llm, models, paths, recordings
from hybridlab.errors import BadInput, BudgetSpent, MissingRecording
from hybridlab.llm import audit_report, connect, label_probabilities

MODEL = "qwen2.5-coder-1.5b"
ASK = {"model": MODEL, "messages": [{"role": "user", "content": "Review: tea\nLabel:"}], "temperature": 0,
       "max_tokens": 1, "logprobs": True, "top_logprobs": 10}


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Empty recordings and local store; no endpoint set; no pauses."""
    (tmp_path / "recordings").mkdir()
    monkeypatch.setenv("HYBRIDLAB_DATA", str(tmp_path))
    (tmp_path / "machine.json").write_text('{"name": "test", "usd_per_hour": 0.1, "date": "2026-11-23"}')
    monkeypatch.setattr(recordings, "LOCAL", tmp_path / "local")
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "HYBRIDLAB_MODE", "HYBRIDLAB_TRACE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def client(peer, mode="auto", **settings):
    made = connect("demo", mode, upstream=peer, **settings)
    made.seam.sleep = lambda seconds: None
    return made


def ask(made, **change):
    return made.chat.completions.create(**{**ASK, **change})


def told(answer):
    return answer.model_extra["hybridlab"]["source"]


def test_the_client_is_the_unmodified_openai_class(store):
    assert type(connect("demo")) is openai.OpenAI


def test_auto_asks_once_and_replays_afterwards(store):
    peer = Peer()
    first, second = ask(client(peer)), ask(client(peer))
    assert (told(first), told(second)) == ("live", "local store")
    assert len(peer.requests) == 1
    assert first.choices[0].message.content == second.choices[0].message.content == "positive"


def test_record_writes_below_data_and_replay_reads_it(store):
    ask(client(Peer(), "record"))
    assert len(list((store / "recordings").glob("demo.*.jsonl"))) == 1
    assert not (store / "local").exists()
    assert told(ask(client(Peer(500), "replay"))) == "recording"


def test_live_asks_although_there_is_a_recording(store):
    ask(client(Peer(), "record"))
    assert told(ask(client(Peer(), "live"))) == "live"


def test_an_edited_prompt_misses(store):
    ask(client(Peer(), "record"))
    peer = Peer()
    ask(client(peer), messages=[{"role": "user", "content": "Review: coffee\nLabel:"}])
    assert len(peer.requests) == 1


def test_a_miss_in_replay_shows_the_prompt_and_the_commands(store):
    with pytest.raises(MissingRecording) as caught:
        ask(client(Peer(), "replay"))
    message = str(caught.value)
    for part in ("Review: tea", f"hybridlab pull {MODEL}", "OPENAI_BASE_URL", "HYBRIDLAB_MODE=auto"):
        assert part in message
    assert caught.value.evidence["model"] == MODEL


def test_a_miss_without_a_model_on_disk_says_how_to_get_one(store, monkeypatch):
    monkeypatch.setenv("HYBRIDLAB_HOME", str(store / "home"))
    with pytest.raises(MissingRecording, match=f"hybridlab pull {MODEL}"):
        ask(connect("demo", "auto"))


@pytest.fixture
def one_here(store, monkeypatch):
    """A machine with the file of the smallest model and no other."""
    home = store / "home"
    monkeypatch.setenv("HYBRIDLAB_HOME", str(home))
    (home / "models").mkdir(parents=True)
    models.get("smollm2-135m").path.write_bytes(b"")
    return home


def test_a_miss_names_the_models_that_are_here(one_here):
    with pytest.raises(MissingRecording, match=f"ask smollm2-135m, which is here(?s:.*)pull {MODEL}, or set OPENAI"):
        ask(connect("demo", "auto"))


@pytest.mark.parametrize("mode", ["auto", "replay", "live"])
def test_an_unknown_model_is_not_to_be_pulled(one_here, mode):
    with pytest.raises(MissingRecording) as caught:
        ask(connect("demo", mode), model="gpt-4o")
    for part in ("no local model is called 'gpt-4o'", *models.REGISTRY, "OPENAI_BASE_URL and OPENAI_API_KEY"):
        assert part in str(caught.value)
    assert "pull" not in str(caught.value)


def test_a_miss_in_replay_says_the_same_on_every_machine(one_here):
    (one_here.parent / "recordings" / "other.000.jsonl").touch()
    with pytest.raises(MissingRecording) as caught:
        ask(connect("demo", "replay"))
    assert str(caught.value) == (
        f"no recording for this call to {MODEL}: 'Review: tea\\nLabel:'\n"
        "  expected: a recorded prompt, or a live model (replay mode never asks a model)\n"
        f"  to do:    python -m hybridlab pull {MODEL}, or set OPENAI_BASE_URL and OPENAI_API_KEY; "
        "then HYBRIDLAB_MODE=auto")


@pytest.mark.parametrize("mode", ["auto", "replay"])
def test_recordings_that_are_not_here_are_to_be_checked_out(one_here, mode):
    with pytest.raises(MissingRecording, match="to do:    git checkout data/recordings"):
        ask(connect("demo", mode))


def test_a_batch_that_nobody_could_answer_is_refused_before_its_first_call(one_here):
    ask(client(Peer(), "record"))
    connect("demo", "auto").seam.check_live([ASK])
    client(Peer()).seam.check_live([{**ASK, "seed": 1}])
    with pytest.raises(MissingRecording, match=f"pull {MODEL}"):
        connect("demo", "auto").seam.check_live([ASK, {**ASK, "seed": 1}])


LOADED_FIRST = ("import numpy, threadpoolctl, hybridlab; "
                "print(*{library['num_threads'] for library in threadpoolctl.threadpool_info()})")


@pytest.mark.parametrize("chosen, threads", [(None, "1"), ("2", "2")])
def test_one_thread_unless_the_reader_chose_even_when_numpy_came_first(monkeypatch, chosen, threads):
    if (os.cpu_count() or 1) < 2:
        pytest.skip("one core has one thread anyway")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    environment = os.environ | ({"OMP_NUM_THREADS": chosen} if chosen else {})
    done = subprocess.run([sys.executable, "-c", LOADED_FIRST], capture_output=True, text=True, check=True,
                          env=environment, cwd=paths.ROOT)
    assert done.stdout.split() == [threads]


def test_unknown_mode():
    with pytest.raises(BadInput, match="mode is 'turbo'"):
        connect("demo", "turbo")


def test_streams_are_refused(store):
    with pytest.raises(BadInput, match="stream=True"):
        ask(client(Peer()), stream=True)


@pytest.mark.parametrize("fault, error", [
    ("timeout", openai.APITimeoutError), ("429", openai.RateLimitError), ("500", openai.InternalServerError)])
def test_an_outage_reaches_the_caller_after_bounded_retries(store, fault, error):
    peer = Peer()
    with pytest.raises(error):
        ask(client(peer, faults=itertools.repeat(fault)))
    assert peer.requests == []


def test_one_fault_is_survived(store):
    peer = Peer()
    assert told(ask(client(peer, faults=["429", "timeout"]))) == "live"
    assert len(peer.requests) == 1


def test_truncation_halves_the_reply_and_says_so(store):
    choice = ask(client(Peer(), faults=["truncation"])).choices[0]
    assert (choice.message.content, choice.finish_reason) == ("posi", "length")


def test_unknown_fault(store):
    with pytest.raises(BadInput, match="fault '418'"):
        ask(client(Peer(), faults=["418"]))


@pytest.mark.parametrize("status", [429, 500, 503])
def test_real_errors_are_retried_a_bounded_number_of_times(store, status):
    peer = Peer(status)
    with pytest.raises(openai.APIStatusError):
        ask(client(peer, retries=2))
    assert len(peer.requests) == 3
    assert list((store).rglob("*.jsonl")) == []


def test_a_wrong_key_is_not_retried(store):
    peer = Peer(401)
    with pytest.raises(openai.AuthenticationError):
        ask(client(peer))
    assert len(peer.requests) == 1


def test_a_time_out_then_an_answer(store):
    assert told(ask(client(Peer(httpx2.ReadTimeout("slow"), reply())))) == "live"


def test_the_pauses_double(store):
    waited, made = [], client(Peer(503), retries=3)
    made.seam.sleep = waited.append
    with pytest.raises(openai.InternalServerError):
        ask(made)
    assert waited == [0.5, 1.0, 2.0]


def test_the_spend_limit_stops_before_the_next_call(store):
    made = client(Peer(), limit_usd=0.0)
    with pytest.raises(BudgetSpent):
        for i in range(3):
            ask(made, model="gpt-4o-mini", seed=i)
    assert made.seam.ledger.calls == 1


def test_no_secret_reaches_a_recording(store, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-" + "x" * 24)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://models.example/v1")
    peer = Peer()
    answer = ask(client(peer, "record"))
    assert peer.requests[0][0]["authorization"].endswith("x" * 24)
    written = "".join(file.read_text() for file in store.rglob("*.jsonl")) + answer.model_dump_json()
    assert "sk-" not in written and "models.example" not in written


def test_trace_lists_the_keys_that_were_used(store, monkeypatch):
    monkeypatch.setenv("HYBRIDLAB_TRACE", str(store / "used.keys"))
    ask(client(Peer()))
    assert (store / "used.keys").read_text().split() == [recordings.recording_key("/chat/completions", ASK)]


def test_missing_counts_distinct_requests(store):
    made = client(Peer())
    assert made.seam.missing([ASK, ASK, {**ASK, "seed": 1}]) == 2
    ask(made)
    assert made.seam.missing([ASK, {**ASK, "seed": 1}]) == 1


def test_audit_asks_a_seeded_share_again_and_reports_agreement(store):
    recorder = client(Peer(), "record")
    for i in range(200):
        ask(recorder, seed=i)
    changed = reply("negative", (("negative", 0.6), ("positive", 0.3)))
    auditor = client(Peer(changed), "audit", audit_share=0.25, seed=1)
    answers = [ask(auditor, seed=i) for i in range(200)]
    assert {told(answer) for answer in answers} == {"recording"}
    report = audit_report(auditor.seam.audits, parse=str.upper)
    n = len(auditor.seam.audits)
    assert 25 <= n <= 75 and report.loc["same text", ["value", "n"]].tolist() == [0, n]
    assert report.loc["same label", "value"] == 0
    assert report.loc["largest difference of first-token probability", "value"] == pytest.approx(0.2, abs=1e-3)
    again = client(Peer(changed), "audit", audit_share=0.25, seed=1)
    for i in range(200):
        ask(again, seed=i)
    assert [old["key"] for old, _ in again.seam.audits] == [old["key"] for old, _ in auditor.seam.audits]


def test_an_empty_audit_is_an_error():
    with pytest.raises(BadInput, match="no audited calls"):
        audit_report([])


@pytest.mark.parametrize("pairs, wanted", [
    ([("positive", -0.7), (" positive", -0.7), ("Positive", -0.7)], {"positive": 1.49, "negative": 0}),
    ([("neg", -1.0), ("n", -1.0), ("ne", -1.0)], {"positive": 0, "negative": 0.74}),
    ([("positively", -0.1), ("POSITIVE.", -0.7)], {"positive": 0.5, "negative": 0}),
    ([("nope", -0.1)], {"positive": 0, "negative": 0}),
    ([], {"positive": 0, "negative": 0}),
])
def test_all_spellings_of_a_label_are_summed(pairs, wanted):
    assert label_probabilities(pairs, ["positive", "negative"]) == pytest.approx(wanted, abs=0.01)


def test_a_beginning_shared_by_two_labels_counts_for_neither():
    assert label_probabilities([("non", -1.0)], ["none", "nonsense"]) == {"none": 0, "nonsense": 0}
    assert label_probabilities([("no", -1.0)], ["no", "none"]) == {"no": pytest.approx(0.3679, abs=1e-4), "none": 0}


def test_errors_keep_their_evidence_through_pickle():
    error = pickle.loads(pickle.dumps(MissingRecording("gone", fix="record it", evidence={"a": 1})))
    assert (str(error), error.evidence) == ("gone\n  to do:    record it", {"a": 1})


def test_instructorlike_json_mode_replays(store):
    """A schema-constrained reply is a recording like any other."""
    schema = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
    peer = Peer(reply('{"n": 3}', logprobs=False))
    body = {"logprobs": None, "top_logprobs": None, "max_tokens": 50, "response_format": schema}
    ask(client(peer, "record"), **body)
    assert json.loads(ask(client(Peer(500), "replay"), **body).choices[0].message.content) == {"n": 3}


def test_modes_are_documented():
    assert all(f"``{mode}``" in connect.__doc__ or mode in connect.__doc__ for mode in llm.MODES)


@pytest.mark.parametrize("body", [b"<html>", b"", b"[]", b"null", b'{"choices": []}', b'{"choices": [{}], "usage": 3}'])
def test_a_200_that_is_no_completion_is_a_bad_gateway_and_is_not_recorded(body, store):
    made = client(httpx2.MockTransport(lambda request: httpx2.Response(200, content=body)))
    with pytest.raises(openai.InternalServerError, match="no completion"):
        ask(made)
    assert not list(store.rglob("*.jsonl"))
