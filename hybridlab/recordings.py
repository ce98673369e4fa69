"""Recorded answers: the key of a request, the store of replies, and how a reply turns back into a response."""

import functools
import hashlib
import json
import os

from . import paths
from .errors import BadInput

KEY_VERSION = 1
MAX_LOGPROB_TOKENS = 16
LOCAL = paths.ROOT / ".hybridlab" / "recordings"
_HEAD = b'{"key":"'

# The request fields that can change a reply. Everything else (user, metadata, stream options) is left out.
_FIELDS = (
    "model", "messages", "prompt", "input", "response_format", "tools", "tool_choice", "temperature", "top_p",
    "seed", "max_tokens", "stop", "logprobs", "top_logprobs", "frequency_penalty", "presence_penalty", "n",
    "logit_bias", "dimensions", "encoding_format",
)
_DEFAULTS = {"top_p": 1, "n": 1, "logprobs": False, "frequency_penalty": 0, "presence_penalty": 0,
             "temperature": 1, "tool_choice": "auto", "encoding_format": "float", "logit_bias": {}, "tools": []}


def recording_key(path, body, version=KEY_VERSION):
    """SHA-256 of the canonical form of a request.

    Parameters
    ----------
    path : str
        Path of the endpoint, ``"/chat/completions"`` or ``"/embeddings"``; a prefix such as ``/v1`` is ignored.
    body : dict
        The JSON body of the request.
    version : int
        Key version; only 1 exists.

    Returns
    -------
    str
        64 hexadecimal digits. Two requests that must get the same reply have the same key: numbers are
        normalised (``1.0`` is ``1``), nulls and defaults are dropped, titles and descriptions of a JSON schema
        do not count, dictionary order does not count, list order does.

    Examples
    --------
    >>> from hybridlab.recordings import recording_key
    >>> ask = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "temperature": 0}
    >>> recording_key("/v1/chat/completions", ask) == recording_key(
    ...     "/chat/completions", {**ask, "temperature": 0.0, "stream": False, "top_p": None})
    True
    >>> recording_key("/chat/completions", {**ask, "temperature": 0.1}) == recording_key("/chat/completions", ask)
    False
    """
    if version != KEY_VERSION:
        raise BadInput(f"key version {version!r}", expected=f"{KEY_VERSION}", fix="see tools/rekey.py")
    return hashlib.sha256(canonical(path, body).encode()).hexdigest()


def canonical(path, body):
    """The text that is hashed: sorted, compact JSON of the fields that count."""
    if "max_completion_tokens" in body:
        body = {**body, "max_tokens": body["max_completion_tokens"]}
    fields = {name: _plain(body[name]) for name in _FIELDS if body.get(name) is not None}
    if "response_format" in fields:
        fields["response_format"] = _without_notes(fields["response_format"])
    if "tools" in fields:
        fields["tools"] = [_tool_without_notes(tool) for tool in fields["tools"]]
    counted = {name: value for name, value in fields.items() if value != _DEFAULTS.get(name, _DEFAULTS)}
    endpoint = "/" + path.strip("/").removeprefix("v1/")
    return json.dumps({"path": endpoint, **counted}, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _plain(value):
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _without_notes(schema):
    """Drop ``title`` and ``description`` of schemas, and keep properties that happen to bear these names."""
    if isinstance(schema, list):
        return [_without_notes(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {}
    for name, value in schema.items():
        if name in ("properties", "$defs", "definitions", "patternProperties") and isinstance(value, dict):
            kept[name] = {inner: _without_notes(item) for inner, item in value.items()}
        elif name in ("enum", "const", "required", "default", "examples"):
            kept[name] = value
        elif not (name in ("title", "description") and isinstance(value, str)):
            kept[name] = _without_notes(value)
    return kept


def _tool_without_notes(tool):
    # A tool's own description steers the model; only the notes inside its parameter schema do not count.
    function = tool.get("function", {})
    return {**tool, "function": {**function, "parameters": _without_notes(function.get("parameters", {}))}}


def line_from_response(key, model, body, reply, *, engine, date, seconds, load, slots):
    """One recording line (a dict, ``key`` first) from a request body and the JSON of its reply.

    It holds no prompt text and no header. Log-probabilities are rounded to 4 decimals and kept for short
    replies only: those of a 200-token reply would take a hundred times the room of its text.
    """
    usage = reply.get("usage") or {}
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    timings = reply.get("timings") or {}
    line = {
        "key": key, "key_version": KEY_VERSION, "model": model, "engine": engine, "date": date,
        "seconds": round(seconds, 4), "load": load, "slots": slots,
        "usage": {"prompt_tokens": usage.get("prompt_tokens", 0), "cached_tokens": cached,
                  "completion_tokens": usage.get("completion_tokens", 0)},
        "timings": {name: round(timings[name], 2) for name in ("prompt_ms", "predicted_ms") if name in timings},
    }
    if "data" in reply:
        return {**line, "embeddings": [[round(x, 5) for x in item["embedding"]] for item in reply["data"]]}
    choice = reply["choices"][0]
    message = choice.get("message") or {"content": choice.get("text")}
    line |= {"finish_reason": choice.get("finish_reason"), "content": message.get("content") or ""}
    for extra in ("refusal", "tool_calls"):
        if message.get(extra):
            line[extra] = message[extra]
    if body.get("logprobs"):
        line["logprobs"] = _short_logprobs(choice)
    return line


def _short_logprobs(choice):
    tokens = (choice.get("logprobs") or {}).get("content") or []
    if len(tokens) > MAX_LOGPROB_TOKENS:
        raise BadInput(f"log-probabilities of a {len(tokens)}-token reply",
                       expected=f"at most {MAX_LOGPROB_TOKENS} tokens", fix="lower max_tokens or leave logprobs out")
    return [[_pair(token), *map(_pair, token.get("top_logprobs") or [])] for token in tokens]


def _pair(token):
    return [token["token"], round(token["logprob"], 4)]


def response_from_line(line, path, source):
    """The JSON of an OpenAI response made from a recording line; ``source`` says where the line came from."""
    usage = line["usage"]
    body = {
        "id": "rec-" + line["key"][:12], "model": line["model"], "created": 0,
        "usage": {"prompt_tokens": usage["prompt_tokens"], "completion_tokens": usage["completion_tokens"],
                  "total_tokens": usage["prompt_tokens"] + usage["completion_tokens"],
                  "prompt_tokens_details": {"cached_tokens": usage["cached_tokens"]}},
        "hybridlab": {name: line[name] for name in ("key", "date", "seconds", "load", "engine")} | {"source": source},
    }
    if "embeddings" in line:
        data = [{"object": "embedding", "index": i, "embedding": row} for i, row in enumerate(line["embeddings"])]
        return body | {"object": "list", "data": data}
    choice = {"index": 0, "finish_reason": line["finish_reason"], "logprobs": _full_logprobs(line)}
    if path.endswith("/chat/completions"):
        message = {"role": "assistant", "content": line["content"], "refusal": line.get("refusal")}
        if line.get("tool_calls"):
            message["tool_calls"] = line["tool_calls"]
        return body | {"object": "chat.completion", "choices": [choice | {"message": message}]}
    return body | {"object": "text_completion", "choices": [choice | {"text": line["content"], "logprobs": None}]}


def _full_logprobs(line):
    if "logprobs" not in line:
        return None
    return {"content": [_token(first) | {"top_logprobs": [_token(pair) for pair in top]}
                        for first, *top in line["logprobs"]]}


def _token(pair):
    return {"token": pair[0], "logprob": pair[1], "bytes": list(pair[0].encode())}


def dump(line):
    """A recording line as bytes, ending in a newline."""
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass") + b"\n"


class Recordings:
    """All recordings below a folder, indexed by key; a line is parsed only when it is asked for.

    Parameters
    ----------
    folder : path
        Holds ``<task>.<model>.jsonl`` files. Lines that do not end in a newline are broken and dropped.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from hybridlab.recordings import Recordings
    >>> store = Recordings(pathlib.Path(tempfile.mkdtemp()))
    >>> store.add("demo", {"key": "0" * 64, "model": "m", "content": "positive"})
    >>> store.get("0" * 64)["content"], store.get("1" * 64), len(store)
    ('positive', None, 1)
    """

    def __init__(self, folder):
        self.folder = folder
        self._lines = {}
        for file in sorted(folder.glob("*.jsonl")):
            self._lines.update(_index(file.read_bytes()))

    def __len__(self):
        return len(self._lines)

    def __iter__(self):
        return (key.decode() for key in self._lines)

    def get(self, key):
        """The line of a key as a dict, or None."""
        line = self._lines.get(key.encode())
        return None if line is None else json.loads(line)

    def add(self, task, line):
        """Append one whole line to ``<task>.<model>.jsonl``."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{task}.{_file_part(line['model'])}.jsonl"
        _drop_broken_tail(file)
        written = dump(line)
        with open(file, "ab", buffering=0) as out:
            out.write(written)
        self._lines[line["key"].encode()] = written


def _index(content):
    whole = content[: content.rfind(b"\n") + 1]
    return {line[8:72]: line for line in whole.splitlines() if line.startswith(_HEAD)}


def _file_part(model):
    return "".join(c if c.isalnum() or c in "-._" else "_" for c in model)


def _drop_broken_tail(file):
    if file.exists() and file.stat().st_size:
        with open(file, "rb+") as content:
            content.seek(-1, os.SEEK_END)
            if content.read(1) != b"\n":
                content.seek(0)
                content.truncate(content.read().rfind(b"\n") + 1)


def tidy(folder):
    """Sort the lines of every file by key and drop broken and repeated ones; the last of a key stays."""
    for file in sorted(folder.glob("*.jsonl")):
        lines = _index(file.read_bytes())
        file.write_bytes(b"".join(lines[key].rstrip(b"\n") + b"\n" for key in sorted(lines)))


@functools.lru_cache
def _opened(folder, stamp):
    return Recordings(folder)


def committed():
    """The recordings that came with the course, read once and again when a file changes."""
    folder = paths.data("recordings")
    return _opened(folder, _stamp(folder))


def local():
    """The reader's own live answers, in a git-ignored folder of the project."""
    return _opened(LOCAL, _stamp(LOCAL))


def _stamp(folder):
    return tuple((file.name, file.stat().st_mtime_ns) for file in sorted(folder.glob("*.jsonl")))
