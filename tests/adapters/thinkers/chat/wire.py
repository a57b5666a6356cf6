"""A server on loopback that answers as a provider's API does, in the format that the provider documents."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.models import needed

needed("starlette")
needed("uvicorn")

import anyio  # noqa: E402
import uvicorn  # noqa: E402
from starlette.applications import Starlette  # noqa: E402
from starlette.requests import Request  # noqa: E402
from starlette.responses import JSONResponse, Response  # noqa: E402
from starlette.routing import Route  # noqa: E402

__all__ = ["GOOD", "Reply", "Wire", "anthropic", "gemini", "ollama", "openai", "pictures", "serving"]

GOOD = (
    '<think>The sky is still grey.</think><score>{"semantic": 6, "quality": 8.5}</score>'
    "<answer>Make the sky deep red.</answer>"
)


@dataclass(frozen=True)
class Reply:
    """body: JSON, or text as it is. hang: whether no answer comes before the client goes away.

    company: so many requests have to be there at the same time before the first is answered.
    """

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    company: int = 0


@dataclass
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: Any


class Wire:
    """replies are given in turn to POSTs, the last again and again; models to every GET."""

    def __init__(self) -> None:
        self.url = ""
        self._arrival = threading.Condition()
        self.reset()

    def reset(self) -> None:
        self.replies: list[Reply] = []
        self.models = Reply({"data": [{"id": "the-model"}]})
        self.seen: list[Seen] = []
        self.now = self.most = 0
        """Requests that are being answered, and the most that were so at the same time."""

    @property
    def posts(self) -> list[Seen]:
        return [one for one in self.seen if one.method == "POST"]

    async def came(self, count: int) -> None:
        """Until so many requests have come in: they come in another thread."""

        def wait() -> None:
            with self._arrival:
                assert self._arrival.wait_for(lambda: len(self.posts) >= count, 20)

        await anyio.to_thread.run_sync(wait)

    def _company(self, count: int) -> None:
        with self._arrival:
            assert self._arrival.wait_for(lambda: self.most >= count, 20)

    async def answer(self, request: Request) -> Response:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            return await self._answer(request)
        finally:
            self.now -= 1

    async def _answer(self, request: Request) -> Response:
        text = await request.body()
        body = json.loads(text) if text else None
        with self._arrival:
            self.seen.append(Seen(request.method, request.url.path, dict(request.headers), body))
            self._arrival.notify_all()
        if request.method == "GET":
            reply = self.models
        else:
            reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if reply.company:
            await anyio.to_thread.run_sync(self._company, reply.company)
        while reply.hang and (await request.receive())["type"] != "http.disconnect":
            pass
        if isinstance(reply.body, str):
            return Response(reply.body, reply.status, {"content-type": "text/html"} | reply.headers)
        return JSONResponse(reply.body, reply.status, reply.headers)


@contextmanager
def serving() -> Iterator[Wire]:
    """A server in a thread, stopped at the end."""
    wire = Wire()
    app = Starlette(routes=[Route("/{path:path}", wire.answer, methods=["GET", "POST"])])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        assert time.monotonic() < deadline, "the server did not start in time"
        time.sleep(0.01)  # there is no event to wait for in a server of another thread
    wire.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield wire
    finally:
        server.should_exit = True
        thread.join(10)


def openai(text: str | None = GOOD, *, finish: str = "stop", status: int = 200, **message: Any) -> Reply:
    said = {"role": "assistant", "content": text, "refusal": None, "annotations": []} | message
    return Reply(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_760_000_000,
            "model": "gpt-4.1-2025-04-14",
            "choices": [{"index": 0, "message": said, "logprobs": None, "finish_reason": finish}],
            "usage": {
                "prompt_tokens": 1200,
                "completion_tokens": 80,
                "total_tokens": 1280,
                "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0},
            },
            "service_tier": "default",
            "system_fingerprint": "fp_1",
        },
        status,
    )


def anthropic(text: str | None = GOOD, *, stop: str = "end_turn") -> Reply:
    return Reply(
        {
            "id": "msg_01",
            "type": "message",
            "role": "assistant",
            "model": "claude-opus-4-8",
            "content": [] if text is None else [{"type": "text", "text": text}],
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": {"input_tokens": 1200, "output_tokens": 80, "service_tier": "standard"},
        }
    )


def gemini(text: str | None = GOOD, *, finish: str = "STOP", blocked: str | None = None) -> Reply:
    usage = {"promptTokenCount": 1200, "candidatesTokenCount": 80, "totalTokenCount": 1280}
    common = {"modelVersion": "gemini-2.5-pro", "responseId": "r1", "usageMetadata": usage}
    if blocked is not None:
        return Reply({"promptFeedback": {"blockReason": blocked}, **common})
    content = {"role": "model", "parts": [{"text": text}]} if text is not None else {"role": "model"}
    return Reply({"candidates": [{"content": content, "finishReason": finish, "index": 0}], **common})


def ollama(text: str = GOOD, *, done: str = "stop") -> Reply:
    """Ollama streams lines of JSON; this is all of them in one."""
    lines = [
        {"model": "qwen3-vl", "created_at": "2026-01-01T00:00:00Z",
         "message": {"role": "assistant", "content": text}, "done": False},
        {"model": "qwen3-vl", "created_at": "2026-01-01T00:00:01Z",
         "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": done,
         "prompt_eval_count": 1200, "eval_count": 80, "total_duration": 1, "eval_duration": 1},
    ]  # fmt: skip
    text = "".join(json.dumps(line) + "\n" for line in lines)
    return Reply(text, headers={"content-type": "application/x-ndjson"})


def _openai_pictures(body: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    for part in body["messages"][0]["content"]:
        if part["type"] == "image_url":
            kind, _, data = part["image_url"]["url"].removeprefix("data:").partition(";base64,")
            yield kind, base64.b64decode(data)


def _anthropic_pictures(body: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    for part in body["messages"][0]["content"]:
        if part["type"] == "image":
            assert part["source"]["type"] == "base64"
            yield part["source"]["media_type"], base64.b64decode(part["source"]["data"])


def _gemini_pictures(body: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    for part in body["contents"][0]["parts"]:
        if "inlineData" in part:
            inline = part["inlineData"]  # Google's JSON takes a field's name in either spelling
            data = inline["data"].replace("-", "+").replace("_", "/")
            yield inline.get("mimeType") or inline["mime_type"], base64.b64decode(data)


def _ollama_pictures(body: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    for data in body["messages"][0]["images"]:
        yield "", base64.b64decode(data)


_READERS: dict[str, Callable[[dict[str, Any]], Iterator[tuple[str, bytes]]]] = {
    "openai": _openai_pictures,
    "anthropic": _anthropic_pictures,
    "google_genai": _gemini_pictures,
    "ollama": _ollama_pictures,
}


def pictures(provider: str, body: dict[str, Any]) -> list[tuple[str, bytes]]:
    """(MIME type, bytes) of each picture of a request's first message, as the provider reads them."""
    return list(_READERS[provider](body))
