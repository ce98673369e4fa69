"""A scripted HTTP peer for tests of the seam. It is no model and is never presented as one."""

import json
from math import log

import httpx2


def reply(content="positive", top=(("positive", 0.8), ("negative", 0.1)), finish_reason="stop", refusal=None,
          logprobs=True):
    """The JSON of a chat completion with the given first-token probabilities."""
    pairs = [{"token": token, "logprob": log(p), "bytes": None} for token, p in top]
    given = {"content": [pairs[0] | {"top_logprobs": pairs}]} if logprobs and pairs else None
    message = {"role": "assistant", "content": content, "refusal": refusal}
    return {
        "id": "x", "object": "chat.completion", "created": 1, "model": "scripted",
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason, "logprobs": given}],
        "usage": {"prompt_tokens": 50, "completion_tokens": 1, "total_tokens": 51,
                  "prompt_tokens_details": {"cached_tokens": 26}},
        "timings": {"prompt_ms": 123.456, "predicted_ms": 1.0},
    }


class Peer(httpx2.BaseTransport):
    """Answers each request with the next item: a dict (200), an int (an error status) or an exception.

    The last item is repeated. ``requests`` keeps what came in.
    """

    def __init__(self, *items):
        self.items, self.requests = list(items) or [reply()], []

    def handle_request(self, request):
        self.requests.append((dict(request.headers), json.loads(request.read())))
        item = self.items[min(len(self.requests), len(self.items)) - 1]
        if isinstance(item, BaseException):
            raise item
        if isinstance(item, tuple):
            return httpx2.Response(item[0], json={"error": {"message": item[1]}})
        if isinstance(item, int):
            return httpx2.Response(item, json={"error": {"message": f"scripted {item}"}})
        return httpx2.Response(200, json=item)
