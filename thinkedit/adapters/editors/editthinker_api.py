"""`EditThinkerEditor`: the editor servers of the EditThinker authors' repository, `/edit` and `/health`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import anyio
import httpx
import pybase64
from pydantic_core import from_json

from thinkedit.adapters.base import EditedImage, EditRequest, Progress
from thinkedit.adapters.editors.remote.pictures import MOST_BYTES, Sent, Sources, each, finished, from_base64
from thinkedit.adapters.editors.remote.servers import (
    PAGE,
    PerLoop,
    ServerTrouble,
    addresses,
    checked_number,
    header_keys,
    is_page,
    is_sick,
    one_answers,
    patiently,
    retry_after,
    said,
    standing,
)
from thinkedit.adapters.pool import Pool
from thinkedit.adapters.secrets import Key, redacted, scrub
from thinkedit.adapters.sizing import canvas_for
from thinkedit.errors import EditError, EditorFailed, SettingsError, UnsupportedEdit

__all__ = ["PUBLISHED", "EditThinkerEditor"]

PUBLISHED: dict[str, dict[str, Any]] = {
    "flux-kontext-dev": {"steps": 28, "guidance": 2.5},
    "qwen-image-edit": {"steps": 50, "guidance": 5.0},
    "omnigen2-edit": {"steps": 50, "guidance": 5.0, "image_guidance": 1.5, "negative_prompt": ""},
    "longcat-image-edit": {"steps": 50, "guidance": 4.5, "negative_prompt": ""},
}
"""What the authors' scripts send, by their names of the models."""

FIELDS = {
    "steps": ("num_inference_steps", "num_inference_step"),
    "guidance": ("guidance_scale", "text_guidance_scale"),
    "image_guidance": ("image_guidance_scale",),
    "negative_prompt": ("negative_prompt",),
}
"""The servers differ in their names, and each ignores the others': all are sent."""

SEEDS = 2**31
LOOK = 15.0


class EditThinkerEditor:
    """Edits at one or several of the EditThinker servers.

        [models.omnigen2]
        kind = "editthinker-api:omnigen2-edit"
        base_url = ["http://127.0.0.1:8007", "http://127.0.0.1:8017"]

    base_url: one address or several, without `/edit`.
    model: a name in PUBLISHED for the settings of the authors' scripts; any other is only recorded.
    steps, guidance, image_guidance, negative_prompt: instead of those; without either, the server's own.
    area: pixels of the picture that is sent, of the source's aspect in multiples of 16.
    extra: further fields. The servers' own rewriting of prompts (`enhance_prompt`) is off unless it is here.
    headers: of every request, for gateways; kept secret.
    at_once, timeout, max_retries, rest: as for `openai-images`.
    """

    def __init__(
        self,
        *,
        base_url: str | Sequence[str],
        model: str | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        image_guidance: float | None = None,
        negative_prompt: str | None = None,
        area: int = 1024 * 1024,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        at_once: int | None = None,
        timeout: float = 600.0,
        max_retries: int = 3,
        rest: float = 30.0,
    ) -> None:
        self.model = "" if model is None else str(model).strip()
        self.area = checked_number("area", area, least=256, whole=True, most=16e6)
        self.timeout = float(checked_number("timeout", timeout, least=0.01))
        self._retries = int(checked_number("max_retries", max_retries, least=0, whole=True))
        options = {
            "steps": checked_number("steps", steps, least=1, whole=True, optional=True),
            "guidance": checked_number("guidance", guidance, least=0, optional=True),
            "image_guidance": checked_number("image_guidance", image_guidance, least=0, optional=True),
            "negative_prompt": negative_prompt,
        }
        options = PUBLISHED.get(self.model, {}) | {name: v for name, v in options.items() if v is not None}
        self._fields: dict[str, Any] = {"enhance_prompt": False}
        for option, value in options.items():
            self._fields |= dict.fromkeys(FIELDS[option], value)
        if extra is not None and not isinstance(extra, Mapping):
            raise SettingsError(f"extra is {extra!r}: give a table of further fields")
        self._fields |= extra or {}
        keys = header_keys(headers)
        members = [(url, PerLoop(_Connecting(url, self.timeout, keys))) for url in addresses(base_url)]
        self._pool = Pool(members, at_once=at_once, rest=rest)
        self._sources = Sources()
        parts = {"area": self.area, "fields": redacted(self._fields)}
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
        self.identity = f"editthinker-api({self.model or 'unnamed'}, {digest[:12]})"

    async def edit(
        self, requests: Sequence[EditRequest], progress: Progress | None = None
    ) -> list[EditedImage | EditError]:
        ways: dict[tuple[str, bytes | None], Sent] = {}
        for request in requests:
            if (request.source.sha256, request.mask) not in ways and not request.references:
                canvas = canvas_for(
                    request.source.size, area=self.area, multiple=16, longest=4096, widest=4.0
                )
                ways[request.source.sha256, request.mask] = await self._sources.get(request, canvas)

        async def work(group: Sequence[int]) -> Sequence[EditedImage | EditError]:
            request = requests[group[0]]
            if request.references:
                raise UnsupportedEdit("the EditThinker servers take one picture, without references")
            return [await self._one(request, ways[request.source.sha256, request.mask])]

        return await each([[index] for index in range(len(requests))], work, progress)

    async def _one(self, request: EditRequest, way: Sent) -> EditedImage:
        width, height = way.laid.canvas
        fields = {
            "prompt": request.prompt,
            "seed": request.seed % SEEDS,
            "width": width,
            "height": height,
            **self._fields,
        }
        # Base64 needs no escaping: spliced in as bytes, its megabytes are not walked through by a JSON coder.
        body = b'{"image": "%b", %b' % (pybase64.b64encode(way.data), json.dumps(fields).encode()[1:])

        async def on(member: PerLoop[_Server]) -> EditedImage:
            server = member.get()
            return await finished(await server.edit(body), request, way, server.url)

        return await patiently(lambda: self._pool.run(on, sick=is_sick), retries=self._retries)

    async def check(self) -> None:
        """Whether one server at least is up and has its model."""
        await one_answers([member.get().look for member in self._pool.values])

    async def describe(self) -> list[str]:
        """What is sent, and how each server is."""
        fields = ", ".join(f"{name}={value}" for name, value in redacted(self._fields).items())
        lines = [
            f"pictures are sent as about {self.area / 1e6:.1f} megapixels, and brought back to their size",
            f"with {fields}",
        ]
        for state, trouble in zip(self._pool.state(), await self._look(), strict=True):
            lines.append(f"{state}; answers" if trouble is None else standing(state, trouble))
        return lines

    async def _look(self) -> list[EditError | None]:
        found: list[EditError | None] = [None] * len(self._pool.values)

        async def one(index: int, member: PerLoop[_Server]) -> None:
            try:
                await member.get().look()
            except EditError as error:
                found[index] = error

        async with anyio.create_task_group() as group:
            for index, member in enumerate(self._pool.values):
                group.start_soon(one, index, member)
        return found

    async def aclose(self) -> None:
        for member in self._pool.values:
            if (server := member.pop()) is not None:
                await server.aclose()


@dataclass(frozen=True)
class _Connecting:
    """Makes the client of one server, for the event loop that asks."""

    url: str
    timeout: float
    headers: Mapping[str, Key]

    def __call__(self) -> _Server:
        return _Server(self.url, self.timeout, self.headers)


class _Server:
    def __init__(self, url: str, timeout: float, headers: Mapping[str, Key]) -> None:
        self.url = url
        self._timeout = timeout
        self._secrets = tuple(headers.values())
        self._client = httpx.AsyncClient(
            # A plain address needs no certificates, which take 50 ms to read.
            verify=url.startswith("https:"),
            timeout=httpx.Timeout(timeout, connect=min(10.0, timeout)),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
            headers={name: key.reveal() for name, key in headers.items()},
        )

    async def edit(self, body: bytes) -> bytes:
        """The encoded picture that the server makes of a JSON body. Raises EditError."""
        headers = {"content-type": "application/json"}
        answer = await self._ask("POST", "/edit", self._timeout, content=body, headers=headers)
        if not isinstance(answer, Mapping) or not answer.get("success", "edited_image" in answer):
            words = self._clean(answer)
            raise ServerTrouble(f"{self.url} could not edit{f': {words}' if words else ''}", again=True)
        picture = answer.get("edited_image")
        if not isinstance(picture, str) or not picture:
            raise ServerTrouble(f"{self.url} answered without a picture", again=True)
        return from_base64(picture, self.url)

    async def look(self) -> None:
        """Nothing where the server is up and has its model. Raises EditError."""
        answer = await self._ask("GET", "/health", min(LOOK, self._timeout))
        if isinstance(answer, Mapping) and answer.get("gpu_manager_ready", True) is False:
            raise ServerTrouble(f"{self.url} has not loaded its model yet: try again in a moment")

    async def _ask(self, method: str, path: str, timeout: float, **content: Any) -> Any:
        try:
            with anyio.fail_after(timeout):
                async with self._client.stream(method, self.url + path, **content) as response:
                    data = bytearray()
                    async for part in response.aiter_bytes():
                        data += part
                        if len(data) > 3 * MOST_BYTES:  # the servers send the source back as well
                            raise ServerTrouble(
                                f"{self.url} answered with more than {3 * MOST_BYTES:,} bytes"
                            )
        except httpx.ConnectTimeout:
            raise ServerTrouble(
                f"{self.url} cannot be reached (no connection in time): is the base_url right?", again=True
            ) from None
        except (TimeoutError, httpx.TimeoutException):
            what = "gave no picture" if method == "POST" else "did not answer"
            raise ServerTrouble(
                f"{self.url} {what} within {timeout:g} s: set timeout higher, or use fewer steps"
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            cause = self._clean(str(error)).rstrip(".") or type(error).__name__
            raise ServerTrouble(
                f"{self.url} cannot be reached ({cause}): is it running, and is the base_url right?",
                again=True,
            ) from None
        if method == "GET" and response.status_code in (404, 405):
            return None  # a server of the same form without /health
        return self._read(response, bytes(data))

    def _read(self, response: httpx.Response, data: bytes) -> Any:
        status = response.status_code
        if is_page(response.headers.get("content-type"), data[:300].decode("utf-8", "replace")):
            broken = status >= 500
            text = f"{self.url} {PAGE}" + ("" if status == 200 else f" ({status})")
            raise ServerTrouble(text, retryable=broken, again=broken)
        if status == 200:
            try:
                return from_json(data)  # megabytes of base64, in a sixth of json's time
            except ValueError:
                raise ServerTrouble(f"{self.url} answered with no JSON: {self._clean(data[:1000])}") from None
        what = f": {words}" if (words := self._clean(data[:5000])) else ""
        if status in (401, 403):
            text = f"{self.url} wants to know who is there ({status}): set headers{what}"
            raise ServerTrouble(text, retryable=False)
        if status in (404, 405) or 300 <= status < 400:
            text = f"{self.url} has no /edit there ({status}): is the base_url right?{what}"
            raise ServerTrouble(text, retryable=False)
        if status in (408, 429) or status >= 500:
            wait = retry_after(response.headers)
            raise ServerTrouble(f"{self.url} failed ({status}){what}", again=True, retry_after=wait)
        raise EditorFailed(f"{self.url} does not accept the request ({status}){what}", retryable=False)

    def _clean(self, body: Any) -> str:
        return scrub(said(body), *self._secrets)

    async def aclose(self) -> None:
        await self._client.aclose()
