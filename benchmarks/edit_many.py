"""`thinkedit edit-many` over loopback model services: how near to the bound, and what it costs.

32 photographs (JPEG) of a megapixel, four turns each. The services run in a process of their own: an editor
with 4 slots of 200 ms and a thinker with 2 slots of 80 ms, over HTTP, with pictures as base64 in JSON as
such servers take them. The bound is what a perfect pipeline needs: 128 edits through four slots, 6.4 s. CPU
is that of the client process from its first job to its last result, all threads and everything in it
(decoding sources, HTTP, records, checkpoints, store, writing results as JPEG), per turn. Beside it a plain
loop, measured in the same run: httpx, the same requests at the same concurrency, a JSON checkpoint written
after each call, and nothing else. At the end the same work is killed twice and gone on with: the services may
have been asked again only for what was under way at a kill and so had not been recorded.

    python benchmarks/edit_many.py            # about half a minute
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import numpy as np
import pybase64
from PIL import Image

JOBS, TURNS = 32, 4
EDIT_SLOTS, EDIT = 4, 0.2
THINK_SLOTS, THINK = 2, 0.08
BOUND = JOBS * TURNS * EDIT / EDIT_SLOTS
SIDE = 1024
PHOTOS = sorted((Path(__file__).parent.parent / "examples" / "photos").glob("*.[jp][pn]g"))


# the services


async def serve() -> None:
    """The editor at /edit, as the EditThinker authors' servers have it, and a thinker at /critique."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    made = [
        b'{"success": true, "edited_image": "' + base64.b64encode(png) + b'"}' for png in results()
    ]  # the services' own work is not what is measured
    edit_slots, think_slots = anyio.CapacityLimiter(EDIT_SLOTS), anyio.CapacityLimiter(THINK_SLOTS)
    counts = {"edit": 0, "critique": 0}

    async def edit(request: Request) -> Response:
        await request.body()
        async with edit_slots:
            await anyio.sleep(EDIT)
        counts["edit"] += 1
        return Response(made[(counts["edit"] - 1) % len(made)], media_type="application/json")

    async def critique(request: Request) -> JSONResponse:
        await request.body()
        async with think_slots:
            await anyio.sleep(THINK)
        counts["critique"] += 1
        number = counts["critique"]
        return JSONResponse({"semantic": 5, "quality": 8, "why": "too cold", "next": f"warmer, way {number}"})

    async def health(request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok", "gpu_manager_ready": True})

    async def counted(request: Request) -> JSONResponse:
        return JSONResponse(counts)

    routes = [
        Route("/edit", edit, methods=["POST"]),
        Route("/critique", critique, methods=["POST"]),
        Route("/health", health),
        Route("/counts", counted),
    ]
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), port=0, log_level="error"))
    socket = server.config.bind_socket()
    sys.stdout.write(f"http://127.0.0.1:{socket.getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve(sockets=[socket])


def results() -> Iterator[bytes]:
    """As many different pictures as there are edits."""
    import cv2

    picture = np.array(Image.open(PHOTOS[0]).convert("RGB").resize((SIDE, SIDE)))
    for number in range(JOBS * TURNS):
        picture[0, 0] = number
        yield cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


# the clients, each in a process of its own


class HttpThinker:
    """Both pictures as base64 in JSON, spliced in as bytes, as chat servers take them."""

    identity = "benchmark-thinker"

    def __init__(self, url: str) -> None:
        self._client = httpx.AsyncClient(base_url=url, timeout=60)

    async def critique(self, request: Any) -> Any:
        from thinkedit.types import Critique

        texts = json.dumps({"instruction": request.instruction, "prompt": request.prompt}).encode()
        source, edited = (pybase64.b64encode(picture.data) for picture in (request.source, request.edited))
        body = b'{"source": "%b", "edited": "%b", %b' % (source, edited, texts[1:])
        said = (await self._client.post("/critique", content=body)).json()
        return Critique(
            semantic=said["semantic"],
            quality=said["quality"],
            reasoning=said["why"],
            next_prompt=said["next"],
        )

    async def aclose(self) -> None:
        await self._client.aclose()


async def ours(url: str, folder: Path) -> None:
    from thinkedit.adapters.models import Models
    from thinkedit.config import Config
    from thinkedit.graph.runner import open_runner
    from thinkedit.tools.jobs import read_jobs
    from thinkedit.tools.many import edit_many
    from thinkedit.types import LoopSettings

    loop = LoopSettings(editor="http", thinker="thinker", turns=TURNS, patience=12)
    config = Config(
        data=folder / "data", loop=loop, models={"http": {"kind": "editthinker-api", "base_url": url}}
    )
    models = Models(config.models, thinkers={"thinker": HttpThinker(url)})
    jobs = read_jobs(folder / "jobs.jsonl", folder, loop)
    async with open_runner(config, models) as runner:
        _start()
        done = await edit_many(jobs, folder / "out", at_once=16, runner=runner)
        _report()
    assert [result.turns for result in done.results] == [TURNS] * JOBS
    assert len(list((folder / "out").glob("*.jpg"))) == JOBS


async def plain(url: str, folder: Path) -> None:
    """What someone would write in an hour."""
    out = folder / "plain"
    out.mkdir()
    slots = asyncio.Semaphore(16)

    async def one(client: httpx.AsyncClient, job: dict[str, str]) -> None:
        async with slots:
            source = base64.b64encode((folder / job["image"]).read_bytes()).decode()
            prompt, turns = job["instruction"], []
            for turn in range(1, TURNS + 1):
                body = {"image": source, "prompt": prompt, "seed": 1, "width": SIDE, "height": SIDE}
                edited = (await client.post("/edit", json=body)).json()["edited_image"]
                path = out / f"{job['id']}-{turn}.png"
                path.write_bytes(base64.b64decode(edited))
                turns.append({"prompt": prompt, "image": str(path)})
                _checkpoint(out / f"{job['id']}.json", turns)
                body = {
                    "source": source,
                    "edited": edited,
                    "instruction": job["instruction"],
                    "prompt": prompt,
                }
                said = (await client.post("/critique", json=body)).json()
                turns[-1] |= said
                _checkpoint(out / f"{job['id']}.json", turns)
                prompt = said["next"]

    jobs = [json.loads(line) for line in (folder / "jobs.jsonl").read_text().splitlines()]
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        _start()
        await asyncio.gather(*(one(client, job) for job in jobs))
        _report()


def _checkpoint(path: Path, turns: list[Any]) -> None:
    with open(path, "w") as file:
        json.dump(turns, file)
        file.flush()
        os.fsync(file.fileno())


_began: list[float] = []


def _start() -> None:
    _began[:] = [time.perf_counter(), _cpu()]


def _report() -> None:
    went, cpu = time.perf_counter() - _began[0], _cpu() - _began[1]
    sys.stdout.write(json.dumps({"makespan": went, "cpu": cpu}) + "\n")


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


HERE = str(Path(__file__).resolve())


@contextmanager
def services() -> Iterator[str]:
    """The address of both, in a process of their own."""
    with subprocess.Popen([sys.executable, HERE, "serve"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def measured(how: str, folder: Path) -> dict[str, Any]:
    with services() as url:
        done = subprocess.run(
            [sys.executable, HERE, how, url, str(folder)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(done.stderr[-3000:])
        counts = httpx.get(f"{url}/counts").json()
    assert counts == {"edit": JOBS * TURNS, "critique": JOBS * TURNS}, counts
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def killed_twice(folder: Path) -> dict[str, int]:
    """How many calls each service had done for nothing, since they were under way at a kill.

    SystemExit where the services were asked for more than that: something recorded was asked for again.
    """
    command, turns = [sys.executable, HERE, "ours"], JOBS * TURNS
    lost = {"edit": 0, "critique": 0}
    with services() as url:
        for until in (turns // 3, turns * 2 // 3):
            with subprocess.Popen([*command, url, str(folder)], stdout=subprocess.DEVNULL) as running:
                while httpx.get(f"{url}/counts").json()["edit"] < until:
                    assert running.poll() is None, "it ended before it was killed"
                    time.sleep(0.02)
                running.kill()
            asked, recorded = settled(url), calls_in(folder)
            lost = {role: asked[role] - recorded[role] for role in lost}
        done = subprocess.run([*command, url, str(folder)], capture_output=True, text=True, check=False)
        asked = settled(url)
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    if asked != {role: turns + lost[role] for role in lost} or calls_in(folder) != dict.fromkeys(lost, turns):
        raise SystemExit(f"asked for {asked}, {turns} of each needed and {lost} lost: something was repeated")
    return lost


def settled(url: str) -> dict[str, int]:
    """The counts, once what a killed client had asked for is done."""
    before: dict[str, int] = {}
    while (now := httpx.get(f"{url}/counts").json()) != before:
        before = now
        time.sleep(3 * EDIT)
    return before


def calls_in(folder: Path) -> dict[str, int]:
    with closing(sqlite3.connect(folder / "data" / "sessions.sqlite")) as db:
        return dict(db.execute("SELECT role, COUNT(*) FROM calls WHERE state='ok' GROUP BY role").fetchall())


def photographs(folder: Path) -> None:
    """32 different crops of the example photographs, a megapixel each, and the list of jobs."""
    rng = np.random.default_rng(0)
    lines = []
    for number in range(JOBS):
        image = Image.open(PHOTOS[number % len(PHOTOS)]).convert("RGB").resize((SIDE + 64, SIDE + 64))
        left, top = (int(offset) for offset in rng.integers(0, 64, 2))
        image.crop((left, top, left + SIDE, top + SIDE)).save(folder / f"{number}.jpg", quality=92)
        lines.append(
            json.dumps({"id": str(number), "image": f"{number}.jpg", "instruction": "make it warmer"})
        )
    (folder / "jobs.jsonl").write_text("\n".join(lines))


def main() -> None:
    turns = JOBS * TURNS
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as other:
        folder = Path(name)
        photographs(folder)
        loop, bare = measured("ours", folder), measured("plain", folder)
        photographs(Path(other))
        lost = killed_twice(Path(other))
    ours_ms, plain_ms = loop["cpu"] / turns * 1000, bare["cpu"] / turns * 1000
    slots = f"{EDIT_SLOTS} editor and {THINK_SLOTS} thinker slots"
    print(f"bound {BOUND:.1f} s; {JOBS} jobs of {TURNS} turns, {slots}")
    print(f"edit-many   makespan {loop['makespan']:5.2f} s, {loop['makespan'] / BOUND:.3f} of the bound")
    print(f"plain loop  makespan {bare['makespan']:5.2f} s, {bare['makespan'] / BOUND:.3f} of the bound")
    times = ours_ms / plain_ms
    print(f"CPU a turn  edit-many {ours_ms:.1f} ms, plain loop {plain_ms:.1f} ms, {times:.2f} times")
    print(f"killed twice: {lost['edit']} edits and {lost['critique']} critiques lost that were under way")
    print("and no recorded call was made again")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve"]:
            anyio.run(serve)
        case ["ours", url, folder]:
            anyio.run(ours, url, Path(folder))
        case ["plain", url, folder]:
            anyio.run(plain, url, Path(folder))
        case _:
            main()
