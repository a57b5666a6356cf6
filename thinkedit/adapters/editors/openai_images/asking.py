"""One call to one server through the openai client, and the pictures in its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urljoin, urlsplit

import anyio
import httpx
import pybase64

from thinkedit.adapters.editors.openai_images.dialects import Dialect
from thinkedit.adapters.editors.openai_images.faults import Asked, late, page, told
from thinkedit.adapters.editors.remote.pictures import MOST_BYTES, Sent, from_base64
from thinkedit.adapters.editors.remote.servers import ServerTrouble, is_page, said
from thinkedit.adapters.secrets import Key
from thinkedit.images import ending_for

__all__ = ["Server"]

REDIRECTS = 3
LOOK = 15.0
"""Seconds for a look at the server that makes no picture."""


class Server:
    """One endpoint, for one event loop. asked: of the errors. headers: sent with every request."""

    def __init__(
        self, base_url: str, key: Key | None, headers: Mapping[str, Key], asked: Asked, *, theirs: bool
    ) -> None:
        import openai

        self.base_url = base_url
        self.asked = asked
        self._key = key
        own = key is not None or any(name.lower() == "authorization" for name in headers)
        # The client wants this said with each call.
        self._call = {} if own else {"Authorization": openai.Omit()}
        left_out: dict[str, Any] = dict(self._call)
        if not theirs:  # the client would send what OPENAI_ORG_ID and OPENAI_PROJECT_ID hold to anybody
            left_out |= {"OpenAI-Organization": openai.Omit(), "OpenAI-Project": openai.Omit()}
        self._client = openai.AsyncOpenAI(
            api_key="none" if key is None else key.reveal(),
            base_url=base_url,
            timeout=openai.Timeout(asked.timeout, connect=min(10.0, asked.timeout)),
            max_retries=0,  # the pool knows better where to try again
            default_headers=left_out | {name: value.reveal() for name, value in headers.items()},
        )

    async def edit(
        self, dialect: Dialect, prompt: str, way: Sent, fields: Mapping[str, Any], count: int
    ) -> list[bytes]:
        """The encoded pictures, `count` of them or what the server gives. Raises EditError."""
        import openai

        try:
            with anyio.fail_after(self.asked.timeout):
                if dialect.way == "generations":
                    answer = await self._generate(prompt, way, fields, count)
                else:
                    answer = await self._edit(dialect, prompt, way, fields, count)
                return await self._pictures(answer)
        except TimeoutError:
            raise late(self.asked) from None
        except openai.OpenAIError as error:
            raise told(error, self.asked) from None
        except ValueError as error:  # JSON that is none
            raise ServerTrouble(
                f"{self.asked.server} answered with broken JSON: {said(str(error))}"
            ) from None

    async def _edit(
        self, dialect: Dialect, prompt: str, way: Sent, fields: Mapping[str, Any], count: int
    ) -> Any:
        files = [(f"source{ending_for(way.mime_type)}", way.data, way.mime_type)]
        files += [(f"picture{i}.png", png, "image/png") for i, png in enumerate(way.references, start=2)]
        masked = dialect.mask and way.mask is not None
        return await self._client.images.edit(
            image=files if len(files) > 1 else files[0],
            prompt=prompt,
            model=self.asked.model,
            n=count,
            size=_size(way),
            **({"mask": ("mask.png", way.mask, "image/png")} if masked else {}),
            extra_body=dict(fields),
            extra_headers=self._call,
        )

    async def _generate(self, prompt: str, way: Sent, fields: Mapping[str, Any], count: int) -> Any:
        """As LocalAI edits: pictures in base64, and the negative prompt after a bar."""
        given = dict(fields)
        negative = given.pop("|", None)
        plain = prompt.replace("|", " ")
        pictures = [pybase64.b64encode(data).decode() for data in (way.data, *way.references)]
        return await self._client.images.generate(
            prompt=f"{plain}|{negative}" if negative else plain,
            model=self.asked.model,
            n=count,
            size=_size(way),
            extra_body={"ref_images": pictures, **given},
            extra_headers=self._call,
        )

    async def _pictures(self, answer: Any) -> list[bytes]:
        if isinstance(answer, str):
            if is_page(None, answer):
                raise page(self.asked)
            raise ServerTrouble(
                f"{self.asked.server} answered with no JSON: {self.asked.clean(said(answer))}"
            )
        items = getattr(answer, "data", None)
        if not isinstance(items, Sequence) or not items:
            words = said(getattr(answer, "model_extra", None))
            what = f": {self.asked.clean(words)}" if words else ""
            raise ServerTrouble(f"{self.asked.server} answered without a picture{what}", again=True)
        made = []
        for item in items:
            if getattr(item, "b64_json", None):
                made.append(from_base64(item.b64_json, self.asked.server))
            elif getattr(item, "url", None):
                made.append(await self._fetch(item.url))
            else:
                raise ServerTrouble(f"{self.asked.server} answered without a picture", again=True)
        return made

    async def _fetch(self, url: str) -> bytes:
        """The picture at an address that the server gave: its own, or any over https."""
        if url.startswith("data:"):
            return from_base64(url, self.asked.server)
        url = urljoin(f"{self.base_url}/", url)
        async with httpx.AsyncClient(timeout=self.asked.timeout) as client:
            for _ in range(REDIRECTS + 1):
                own = urlsplit(url)[:2] == urlsplit(self.base_url)[:2]
                if not own and urlsplit(url).scheme != "https":
                    raise ServerTrouble(
                        f"{self.asked.server} gave an address that is neither its own nor https: "
                        f"{self.asked.clean(url[:100])}",
                        retryable=False,
                    )
                headers = {"Authorization": f"Bearer {self._key.reveal()}"} if own and self._key else {}
                try:
                    async with client.stream("GET", url, headers=headers) as response:
                        if response.next_request is not None:
                            url = str(response.next_request.url)
                            continue
                        return await self._read(response)
                except (httpx.HTTPError, httpx.InvalidURL) as error:
                    raise self._unfetched(f"cannot be fetched ({type(error).__name__})") from None
        raise self._unfetched("leads to too many others")

    async def _read(self, response: httpx.Response) -> bytes:
        if response.status_code != 200:
            raise self._unfetched(f"answered {response.status_code}")
        data = bytearray()
        async for part in response.aiter_bytes():
            data += part
            if len(data) > MOST_BYTES:
                raise self._unfetched(f"is larger than {MOST_BYTES:,} bytes")
        return bytes(data)

    def _unfetched(self, why: str) -> ServerTrouble:
        # Without the address: a signed one is as good as a key.
        return ServerTrouble(f"{self.asked.server} gave the address of a picture that {why}")

    async def look(self) -> list[str]:
        """The models that the server lists; none where it lists none. Raises EditError."""
        import openai

        limit = min(LOOK, self.asked.timeout)

        try:
            with anyio.fail_after(limit):
                raw = await self._client.models.with_raw_response.list(extra_headers=self._call)
            answer = raw.http_response
        except TimeoutError:
            raise ServerTrouble(
                f"{self.asked.server} did not answer within {limit:g} s: is it overloaded?"
            ) from None
        except openai.APIStatusError as error:
            fault = told(error, self.asked)
            if error.status_code in (404, 405, 501) and "web page" not in str(fault):
                return []
            raise fault from None
        except openai.OpenAIError as error:
            raise told(error, self.asked) from None
        if is_page(answer.headers.get("content-type"), answer.text):
            raise page(self.asked)
        try:
            listed = answer.json()["data"]
            return [str(model["id"]) for model in listed]
        except (ValueError, TypeError, KeyError):
            return []

    async def aclose(self) -> None:
        await self._client.close()


def _size(way: Sent) -> str:
    return f"{way.laid.canvas[0]}x{way.laid.canvas[1]}"
