"""`OpenAIImagesEditor`: edits at servers with OpenAI's images API, one or several."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import anyio

from thinkedit.adapters.base import EditedImage, EditRequest, Progress
from thinkedit.adapters.editors.openai_images.dialects import (
    OPENAI,
    Dialect,
    dialect_for,
    picture_types,
    sizes_for,
)
from thinkedit.adapters.editors.openai_images.faults import Asked
from thinkedit.adapters.editors.remote.pictures import Sent, Sources, each, finished
from thinkedit.adapters.editors.remote.servers import (
    PerLoop,
    addresses,
    checked_number,
    header_keys,
    is_sick,
    one_answers,
    patiently,
    standing,
)
from thinkedit.adapters.pool import Pool
from thinkedit.adapters.require import require
from thinkedit.adapters.secrets import Key, key_from, redacted
from thinkedit.errors import EditError, EditorFailed, SettingsError, UnsupportedEdit

if TYPE_CHECKING:
    from thinkedit.adapters.editors.openai_images.asking import Server

__all__ = ["OpenAIImagesEditor"]

VARIABLE = "OPENAI_API_KEY"
SEEDS = 2**31
MOST_AREA = 16_000_000


class OpenAIImagesEditor:
    """`POST /v1/images/edits` through the openai client: OpenAI, vLLM-Omni, SGLang, LocalAI and others.

        [models.kontext]
        kind = "openai-images"
        model = "black-forest-labs/FLUX.1-Kontext-dev"
        base_url = ["http://127.0.0.1:8091/v1", "http://127.0.0.1:8092/v1"]
        steps = 28

    model: as the server calls it. base_url: one address or several, OpenAI's without one.
    api_key, api_key_env: the key, or the variable that holds it; OPENAI_API_KEY for OpenAI's own server only.
    headers: further headers of every request, for gateways; kept as secret as the key.
    dialect: `openai`, `vllm-omni`, `sglang`, `localai` or `generic`; without it `openai` for OpenAI's servers
        and model names, else `generic`, which suits the others that have `/images/edits`.
    size: `WIDTHxHEIGHT`, or a list of those that the server takes; `auto`, the default: sizes of the
        picture's own aspect and about `area` pixels, or the nearest that the model has.
    steps, guidance, true_guidance, negative_prompt: for servers of diffusion models.
    seed: `extra` sends each request's seed, `none` does not; the dialect knows, OpenAI has no seeds.
    together: whether candidates of one prompt go in one call with `n`. They then share its seed, so the
        default is True only where there are none.
    quality, extra: further fields as they are.
    at_once: requests at each address at the same time. timeout: seconds for one. max_retries: of a busy
        server. rest: seconds that an address is left alone after a failure, where there are others.
    """

    seeded = True  # in the sense that a prompt tried twice gives two pictures: OpenAI draws its own seeds

    def __init__(
        self,
        *,
        model: str,
        base_url: str | Sequence[str] | None = None,
        api_key: str | Key | None = None,
        api_key_env: str | None = None,
        headers: Mapping[str, str] | None = None,
        dialect: str | None = None,
        size: str | Sequence[str] | None = None,
        area: int | None = None,
        quality: str | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        true_guidance: float | None = None,
        negative_prompt: str | None = None,
        seed: Literal["extra", "none"] | None = None,
        together: bool | None = None,
        extra: Mapping[str, Any] | None = None,
        at_once: int | None = None,
        timeout: float = 300.0,
        max_retries: int = 3,
        rest: float = 30.0,
    ) -> None:
        require("the editor 'openai-images'", "openai")
        if not isinstance(model, str) or not model.strip():
            raise SettingsError(f"model is {model!r}: give the name by which the server knows it")
        self.model = model.strip()
        urls = addresses(OPENAI if base_url is None else base_url)
        self._theirs = all(urlsplit(url).hostname == "api.openai.com" for url in urls)
        self.dialect = dialect_for(dialect, urls[0], self.model)
        self._key = key_from(api_key, api_key_env, VARIABLE if self._theirs else None)
        self._headers = header_keys(headers)
        if area is not None:
            checked_number("area", area, least=256, whole=True, most=MOST_AREA)
        self.sizes = sizes_for(self.dialect, self.model, size, area)
        self._seed = _seed_field(seed, self.dialect)
        self.together = _flag("together", together, self.dialect.together)
        self._fields = _fields(
            self.dialect,
            quality=quality,
            steps=checked_number("steps", steps, least=1, whole=True, optional=True),
            guidance=checked_number("guidance", guidance, least=0, optional=True),
            true_guidance=checked_number("true_guidance", true_guidance, least=0, optional=True),
            negative_prompt=negative_prompt,
            extra=extra,
        )
        self.timeout = float(checked_number("timeout", timeout, least=0.01))
        self._retries = int(checked_number("max_retries", max_retries, least=0, whole=True))
        how = f"check the variable {api_key_env or VARIABLE}"
        if api_key is not None:
            how = "check api_key"
        elif self._key is None:
            how = f"set {VARIABLE}" if self._theirs else "set api_key_env to the variable that holds it"
        self._how = how
        self._pool = Pool([(url, self._at(url)) for url in urls], at_once=at_once, rest=rest)
        self._sources = Sources(types=picture_types(self.model))
        self.identity = self._identity()

    def _at(self, url: str) -> PerLoop[Server]:
        secrets = tuple(self._headers.values()) if self._key is None else (self._key, *self._headers.values())
        asked = Asked(url, self.model, self.timeout, self._how, secrets)

        def connect() -> Server:
            from thinkedit.adapters.editors.openai_images.asking import Server

            return Server(url, self._key, self._headers, asked, theirs=self._theirs)

        return PerLoop(connect)

    def _identity(self) -> str:
        parts = {
            "dialect": self.dialect.name,
            "sizes": self.sizes.allowed or self.sizes.area,
            "seed": self._seed,
            "together": self.together,
            "fields": redacted(self._fields),
        }
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
        return f"openai-images({self.model}, {self.dialect.name}, {digest[:12]})"

    async def edit(
        self, requests: Sequence[EditRequest], progress: Progress | None = None
    ) -> list[EditedImage | EditError]:
        self._needs_key()
        ways: dict[tuple[object, ...], Sent] = {}
        for request in requests:
            if _source(request) not in ways and len(request.references) < self.dialect.pictures:
                ways[_source(request)] = await self._sources.get(
                    request, self.sizes.canvas(request.source.size)
                )

        async def work(group: Sequence[int]) -> Sequence[EditedImage | EditError]:
            asked = [requests[index] for index in group]
            if _source(asked[0]) not in ways:
                count = len(asked[0].references) + 1
                raise UnsupportedEdit(f"{count} pictures: {self.model} takes {self.dialect.pictures} at most")
            return await self._group(asked, ways[_source(asked[0])])

        return await each(self._groups(requests), work, progress)

    def _groups(self, requests: Sequence[EditRequest]) -> list[list[int]]:
        """Which requests go in one call: those that differ in nothing but the seed, where calls take `n`."""
        groups: dict[object, list[list[int]]] = {}
        for index, request in enumerate(requests):
            key = (*_source(request), request.prompt) if self.together else index
            rows = groups.setdefault(key, [[]])
            if len(rows[-1]) == self.dialect.most:
                rows.append([])
            rows[-1].append(index)
        return [row for rows in groups.values() for row in rows]

    async def _group(self, requests: Sequence[EditRequest], way: Sent) -> list[EditedImage | EditError]:
        first = requests[0]
        fields = dict(self._fields)
        if self._seed is not None:
            fields[self._seed] = first.seed % SEEDS

        async def on(member: PerLoop[Server]) -> list[EditedImage | EditError]:
            server = member.get()
            answer = await server.edit(self.dialect, first.prompt, way, fields, len(requests))
            made = [await finished(data, first, way, server.asked.server) for data in answer]
            return list(made[: len(requests)])

        made = await patiently(lambda: self._pool.run(on, sick=is_sick), retries=self._retries)
        if 0 < len(made) < len(requests):  # a server that does not know `n`, or let one candidate fall
            made += await self._group(requests[len(made) :], way)
        return made

    async def check(self) -> None:
        """Whether one server at least answers and accepts the key."""
        self._needs_key()
        await one_answers([member.get().look for member in self._pool.values])

    async def describe(self) -> list[str]:
        """Sizes, and for each address what it is busy with and whether it lists the model."""
        sizes = self.sizes
        canvas = (
            " or ".join(f"{width}x{height}" for width, height in sizes.allowed)
            if sizes.allowed
            else f"about {sizes.area / 1e6:.1f} megapixels of the picture's aspect"
        )
        lines = [
            f"model {self.model}, spoken to as {self.dialect.name}",
            f"pictures are sent as {canvas}, and brought back to their own size",
            "candidates go in one call" if self.together else "each candidate has its own call and seed",
        ]
        for state, found in zip(self._pool.state(), await self._look(), strict=True):
            if isinstance(found, EditError):
                lines.append(standing(state, found))
            elif found and self.model not in found:
                lines.append(f"{state}; lists other models than {self.model}: {', '.join(found[:5])}")
            else:
                lines.append(f"{state}; answers{' and lists the model' if found else ''}")
        return lines

    async def _look(self) -> list[list[str] | EditError]:
        found: list[list[str] | EditError] = [[] for _ in self._pool.values]

        async def one(index: int, member: PerLoop[Server]) -> None:
            try:
                found[index] = await member.get().look()
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

    def _needs_key(self) -> None:
        if self._theirs and self._key is None:
            raise EditorFailed(
                f"OpenAI needs an API key: set the variable {VARIABLE}, or name another in api_key_env",
                retryable=False,
            )


def _source(request: EditRequest) -> tuple[object, ...]:
    """All of a request but its prompt and seed."""
    references = tuple(picture.sha256 for picture in request.references)
    return request.source.sha256, references, request.mask, request.size


def _flag(name: str, given: bool | None, default: bool) -> bool:
    if given is not None and not isinstance(given, bool):
        raise SettingsError(f"{name} is {given!r}: give true or false")
    return default if given is None else given


def _seed_field(given: str | None, dialect: Dialect) -> str | None:
    if given not in (None, "extra", "none"):
        raise SettingsError(
            f'seed is {given!r}: give "extra" to send seeds or "none"; a session has the seed'
        )
    if given == "extra":
        return dialect.names.get("seed", "seed")
    return None if given == "none" else dialect.names.get("seed")


def _fields(
    dialect: Dialect, *, quality: str | None, extra: Mapping[str, Any] | None, **options: Any
) -> dict[str, Any]:
    """The fields of every request but picture, prompt, n, size and seed."""
    fields = dict(dialect.always)
    for option, value in options.items():
        if value is None:
            continue
        if option not in dialect.names:
            raise SettingsError(
                f"{option} is {value!r}, but the dialect {dialect.name!r} has no such field: "
                "leave it out, or put the server's own field into extra"
            )
        fields[dialect.names[option]] = value
    if quality is not None:
        fields["quality"] = quality
    if extra is not None and not isinstance(extra, Mapping):
        raise SettingsError(f"extra is {extra!r}: give a table of further fields")
    for name, value in (extra or {}).items():
        if value is None:
            fields.pop(name, None)
        else:
            fields[name] = value
    return fields
