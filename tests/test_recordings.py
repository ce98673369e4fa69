"""The key of a request, the store of replies, and the way back to a response."""

import hashlib
import json
import random
import time
import tracemalloc

import pytest
from scripted import reply

from hybridlab import recordings
from hybridlab.errors import BadInput
from hybridlab.recordings import Recordings, canonical, recording_key

ASK = {"model": "m", "messages": [{"role": "system", "content": "One word."}, {"role": "user", "content": "Tea"}],
       "temperature": 0, "max_tokens": 1, "logprobs": True, "top_logprobs": 10}
SCHEMA = {"type": "object", "title": "Order", "required": ["title"],
          "properties": {"title": {"type": "string", "description": "Of the book."}, "n": {"type": "integer"}}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "order", "strict": True, "schema": SCHEMA}}
TOOL = {"type": "function", "function": {"name": "look_up", "description": "Find an order.",
                                         "parameters": {"type": "object", "title": "P", "properties": {}}}}

# Golden request bodies: when one of these changes, every recording is lost. Raise KEY_VERSION and use tools/rekey.
GOLDEN = [
    ("/chat/completions", ASK,
     "618c384775d08288cc07a64ecde54017826efc20c0bea0ff50f1186ac688fa63"),
    ("/chat/completions", {**ASK, "response_format": FORMAT},
     "6de14f0f81fad82d8471928c408ad6779a873077069614e0c7c1210e88ee1318"),
    ("/chat/completions", {**ASK, "tools": [TOOL], "tool_choice": "required"},
     "ab99a99e834c1aa1b527665f2b80b52cfee0a99f3bcde474012a6cd7f2d1688b"),
    ("/completions", {"model": "m", "prompt": "Tea is", "max_tokens": 8, "temperature": 0.5, "seed": 3},
     "5fc8b5e27e3b339fc99cd0515151c80ff71d8d03bdd5d20ab72a7ee0424fc0e0"),
    ("/embeddings", {"model": "m", "input": ["good tea", "Käse 茶"]},
     "04ce391296f2433e9c36eb78aaadb41447b53f7c739843a1dbe9f4c530f25c0d"),
]


@pytest.mark.parametrize("path, body, wanted", GOLDEN)
def test_golden_keys(path, body, wanted):
    assert recording_key(path, body) == wanted


def test_canonical_form_written_by_hand():
    by_hand = '{"input":["b","a"],"model":"m","path":"/embeddings"}'
    body = {"input": ["b", "a"], "model": "m", "user": "me"}
    assert canonical("/v1/embeddings", body) == by_hand
    assert recording_key("/v1/embeddings", body) == hashlib.sha256(by_hand.encode()).hexdigest()


@pytest.mark.parametrize("change", [
    {"temperature": 0.0}, {"stream": False}, {"top_p": 1.0}, {"top_p": None}, {"n": 1}, {"user": "someone"},
    {"max_tokens": None, "max_completion_tokens": 1}, {"frequency_penalty": 0.0}, {"tools": []},
    {"metadata": {"a": "b"}}, {"logit_bias": {}},
])
def test_changes_that_cannot_change_the_reply_keep_the_key(change):
    assert recording_key("/chat/completions", {**ASK, **change}) == recording_key("/v1/chat/completions", ASK)


@pytest.mark.parametrize("change", [
    {"model": "n"}, {"temperature": 0.2}, {"max_tokens": 2}, {"seed": 1}, {"stop": ["."]}, {"logprobs": False},
    {"top_logprobs": 5}, {"messages": ASK["messages"][::-1]}, {"top_p": 0.9}, {"n": 2}, {"tools": [TOOL]},
    {"response_format": FORMAT},
])
def test_changes_that_can_change_the_reply_change_the_key(change):
    assert recording_key("/chat/completions", {**ASK, **change}) != recording_key("/chat/completions", ASK)


def with_schema(schema):
    return {**ASK, "response_format": {"type": "json_schema", "json_schema": {"name": "order", "schema": schema}}}


def test_notes_of_a_schema_do_not_count_but_a_property_called_title_does():
    bare = {"type": "object", "required": ["title"],
            "properties": {"title": {"type": "string"}, "n": {"type": "integer"}}}
    key = recording_key("/chat/completions", with_schema(SCHEMA))
    assert key == recording_key("/chat/completions", with_schema(bare))
    without = {**bare, "properties": {"n": {"type": "integer"}}}
    assert key != recording_key("/chat/completions", with_schema(without))


def test_the_order_of_an_enum_counts():
    one, other = ({"enum": ["a", "b"]}, {"enum": ["b", "a"]})
    assert recording_key("/x", with_schema(one)) != recording_key("/x", with_schema(other))


def test_a_tools_own_description_counts():
    silent = {**TOOL, "function": {**TOOL["function"], "description": ""}}
    assert recording_key("/x", {**ASK, "tools": [TOOL]}) != recording_key("/x", {**ASK, "tools": [silent]})


def test_unknown_key_version():
    with pytest.raises(BadInput, match="key version 2"):
        recording_key("/chat/completions", ASK, version=2)


def line(body=ASK, answer=None, key=None):
    return recordings.line_from_response(
        key or recording_key("/chat/completions", body), body["model"], body, answer or reply(),
        engine="e 1", date="2026-11-23", seconds=1.23456, load=0.0, slots=1)


def test_a_line_holds_the_reply_and_neither_prompt_nor_header():
    kept = line()
    assert list(kept)[0] == "key"
    assert set(kept) == {"key", "key_version", "model", "engine", "date", "seconds", "load", "slots", "usage",
                         "timings", "finish_reason", "content", "logprobs"}
    assert "Tea" not in json.dumps(kept)
    assert kept["logprobs"] == [[["positive", -0.2231], ["positive", -0.2231], ["negative", -2.3026]]]


def test_logprobs_of_a_long_reply_are_refused():
    long = reply()
    long["choices"][0]["logprobs"]["content"] *= 17
    with pytest.raises(BadInput, match="17-token reply"):
        line(answer=long)


def test_what_comes_back_is_what_was_said():
    from openai.types.chat import ChatCompletion

    body = recordings.response_from_line(line(), "/v1/chat/completions", "recording")
    back = ChatCompletion.model_validate(body)
    assert back.choices[0].message.content == "positive"
    assert back.usage.prompt_tokens_details.cached_tokens == 26
    assert [t.token for t in back.choices[0].logprobs.content[0].top_logprobs] == ["positive", "negative"]


def test_embeddings_come_back():
    answer = {"data": [{"embedding": [0.123456789, -1.0]}], "usage": {"prompt_tokens": 3}}
    kept = line({"model": "m", "input": ["tea"]}, answer)
    body = recordings.response_from_line(kept, "/v1/embeddings", "recording")
    assert body["data"] == [{"object": "embedding", "index": 0, "embedding": [0.12346, -1.0]}]


def test_store_appends_whole_lines_and_drops_a_broken_tail(tmp_path):
    store = Recordings(tmp_path)
    store.add("demo", line(key="a" * 64))
    file = tmp_path / "demo.m.jsonl"
    file.write_bytes(file.read_bytes() + b'{"key":"' + b"b" * 64 + b'","content":"half')
    again = Recordings(tmp_path)
    assert len(again) == 1 and again.get("b" * 64) is None
    again.add("demo", line(key="c" * 64))
    assert sorted(Recordings(tmp_path)) == ["a" * 64, "c" * 64]


def test_tidy_sorts_and_keeps_the_last_of_a_key(tmp_path):
    store = Recordings(tmp_path)
    for key, content in (("b", "old"), ("a", "x"), ("b", "new")):
        store.add("demo", {"key": key * 64, "model": "m", "content": content})
    recordings.tidy(tmp_path)
    lines = (tmp_path / "demo.m.jsonl").read_text().splitlines()
    assert [json.loads(text)["content"] for text in lines] == ["x", "new"]


def test_odd_text_survives_the_store(tmp_path):
    for i, content in enumerate(["\u2028\x1a\r\n", "茶 \U0001f375", "\ud800", ""]):
        Recordings(tmp_path).add("demo", {"key": f"{i:064x}", "model": "m/1 2", "content": content})
        assert Recordings(tmp_path).get(f"{i:064x}")["content"] == content
    assert (tmp_path / "demo.m_1_2.jsonl").exists()


@pytest.mark.slow
def test_ten_thousand_recordings_load_fast_and_small(tmp_path):
    rng = random.Random(0)
    keys = [f"{rng.getrandbits(256):064x}" for _ in range(10_000)]
    (tmp_path / "demo.m.jsonl").write_bytes(b"".join(recordings.dump(line(key=key)) for key in keys))
    begun = time.perf_counter()
    store = Recordings(tmp_path)
    assert store.get(keys[5_000])["content"] == "positive"
    assert time.perf_counter() - begun < 0.2
    del store
    tracemalloc.start()
    store = Recordings(tmp_path)
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()
