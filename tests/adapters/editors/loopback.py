"""Image servers on loopback that speak the protocols of the remote editors, in a thread or a process.

    python -m tests.adapters.editors.loopback      # both of them; prints its port

What they make of a picture is plain: see `paint`. A test that wants them to misbehave puts answers before.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import uvicorn
from numpy.typing import NDArray
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from thinkedit.images import Picture

ROOT = Path(__file__).parent.parent.parent.parent


def paint(source: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """The picture in other colours, which tell the seed; shapes and corners stay where they are."""
    made = 255 - source
    made[..., 1] = np.clip(made[..., 1].astype(int) // 2 + seed % 100, 0, 255)
    return made


@dataclass
class Asked:
    """One request, taken apart. pictures: by the names of their fields, in order."""

    path: str
    fields: dict[str, str]
    pictures: list[tuple[str, Picture]]
    headers: dict[str, str]


Answer = Callable[[Asked], "Response | Awaitable[Response | None] | None"]
Paint = Callable[[NDArray[np.uint8], Asked], list[NDArray[np.uint8]]]


def plainly(source: NDArray[np.uint8], asked: Asked) -> list[NDArray[np.uint8]]:
    seed = int(asked.fields.get("seed", 7))
    return [paint(source, seed + index) for index in range(int(asked.fields.get("n", 1)))]


@dataclass
class Images:
    """An app with OpenAI's images API, or the EditThinker servers' one.

    answers: given first, one for each request; None stands for the ordinary answer.
    always: given for every request. models: what GET /models lists, or None where there is no such page.
    form: `b64_json` or `url`. size: of the answer, instead of the picture's own.
    """

    answers: deque[Answer] = field(default_factory=deque)
    always: Answer | None = None
    models: list[str] | None = field(default_factory=lambda: ["tiny"])
    health: Callable[[], Response] = lambda: JSONResponse({"status": "ok", "gpu_manager_ready": True})
    form: str = "b64_json"
    size: tuple[int, int] | None = None
    paint: Paint = plainly
    asked: list[Asked] = field(default_factory=list)
    looked: list[dict[str, str]] = field(default_factory=list)
    kept: dict[str, bytes] = field(default_factory=dict)

    @property
    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/images/edits", self._edits, methods=["POST"]),
                Route("/v1/images/generations", self._generations, methods=["POST"]),
                Route("/v1/models", self._models),
                Route("/kept/{name}", self._kept),
                Route("/edit", self._edit, methods=["POST"]),
                Route("/health", self._health),
            ]
        )

    async def _edits(self, request: Request) -> Response:
        async with request.form() as form:
            fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
            pictures = [
                (name, Picture.from_bytes(await value.read()))
                for name, value in form.multi_items()
                if isinstance(value, UploadFile)
            ]
        return await self._openai(request, fields, pictures)

    async def _generations(self, request: Request) -> Response:
        fields = await request.json()
        pictures = [
            ("ref_images", Picture.from_bytes(base64.b64decode(text)))
            for text in fields.pop("ref_images", [])
        ]
        return await self._openai(request, {name: str(value) for name, value in fields.items()}, pictures)

    async def _openai(
        self, request: Request, fields: dict[str, str], pictures: list[tuple[str, Picture]]
    ) -> Response:
        asked = Asked(request.url.path, fields, pictures, dict(request.headers))
        if (answer := await self._before(asked)) is not None:
            return answer
        made = await anyio.to_thread.run_sync(self._made, asked)
        return JSONResponse({"created": 1, "data": [self._item(request, data) for data in made]})

    async def _edit(self, request: Request) -> Response:
        fields = await request.json()
        source = Picture.from_bytes(base64.b64decode(fields.pop("image")))
        asked = Asked(
            "/edit", {k: str(v) for k, v in fields.items()}, [("image", source)], dict(request.headers)
        )
        if (answer := await self._before(asked)) is not None:
            return answer
        [made] = await anyio.to_thread.run_sync(self._made, asked)
        return JSONResponse({"success": True, "edited_image": base64.b64encode(made).decode(), "error": None})

    async def _before(self, asked: Asked) -> Response | None:
        self.asked.append(asked)
        given = self.answers.popleft() if self.answers else self.always
        answer = None if given is None else given(asked)
        return answer if answer is None or isinstance(answer, Response) else await answer

    def _made(self, asked: Asked) -> list[bytes]:
        made = []
        for pixels in self.paint(asked.pictures[0][1].pixels(), asked):
            if self.size is not None:
                from PIL import Image

                pixels = np.asarray(Image.fromarray(pixels).resize(self.size))
            made.append(Picture.from_pixels(pixels).data)
        return made

    def _item(self, request: Request, data: bytes) -> dict[str, str]:
        if self.form == "b64_json":
            return {"b64_json": base64.b64encode(data).decode()}
        name = f"{len(self.kept)}.png"
        self.kept[name] = data
        return {"url": f"/kept/{name}" if self.form == "path" else f"{request.base_url}kept/{name}"}

    async def _kept(self, request: Request) -> Response:
        self.looked.append(dict(request.headers))
        return Response(self.kept[request.path_params["name"]], media_type="image/png")

    async def _models(self, request: Request) -> Response:
        self.looked.append(dict(request.headers))
        if self.models is None:
            return JSONResponse({"detail": "Not Found"}, 404)
        return JSONResponse(
            {"object": "list", "data": [{"id": name, "object": "model"} for name in self.models]}
        )

    async def _health(self, request: Request) -> Response:
        return self.health()


class Hanging:
    """An answer that comes when it is let go; `began` is set when it is asked for."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.let_go = threading.Event()

    async def __call__(self, asked: Asked) -> None:
        self.began.set()
        await anyio.to_thread.run_sync(self.let_go.wait, 20, abandon_on_cancel=True)

    async def reached(self) -> None:
        assert await anyio.to_thread.run_sync(self.began.wait, 10)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        while not await self.on_tick(1):  # noqa: ASYNC110 - as in the method that this replaces
            await anyio.sleep(0.01)  # a tenth of a second there adds up over a hundred tests


def _bound() -> socket.socket:
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    return bound


@contextlib.contextmanager
def serving(app: Any) -> Iterator[str]:
    """The address of an app that a thread serves, without a path."""
    bound = _bound()
    server = _Server(uvicorn.Config(app, log_level="critical", ws="none", timeout_graceful_shutdown=0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    assert server.ready.wait(10)
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(10)
        bound.close()


@contextlib.contextmanager
def processes(count: int) -> Iterator[list[tuple[str, subprocess.Popen[str]]]]:
    """The addresses of servers in processes of their own, which may be killed."""
    command = [sys.executable, "-m", "tests.adapters.editors.loopback"]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(count)]
    try:
        ports = [child.stdout.readline().strip() for child in children if child.stdout is not None]
        assert all(ports), "a server did not start"
        yield [(f"http://127.0.0.1:{port}", child) for port, child in zip(ports, children, strict=True)]
    finally:
        for child in children:
            child.kill()
            child.wait(10)
            assert child.stdout is not None
            child.stdout.close()


def unused_address() -> str:
    """Where nothing listens."""
    with _bound() as bound:
        return f"http://127.0.0.1:{bound.getsockname()[1]}"


def _serve() -> None:
    async def slowly(asked: Asked) -> None:
        await anyio.sleep(0.02)  # the work of a GPU, so that some is in flight whenever the process dies

    images = Images(always=slowly)
    bound = _bound()
    server = _Server(uvicorn.Config(images.app, log_level="critical", ws="none"))

    def tell() -> None:
        server.ready.wait()
        sys.stdout.write(f"{bound.getsockname()[1]}\n")
        sys.stdout.flush()

    threading.Thread(target=tell, daemon=True).start()
    server.run(sockets=[bound])


if __name__ == "__main__":
    _serve()
