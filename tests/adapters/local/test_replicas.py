"""Copies of a model on several devices: the least busy one works, and one that breaks costs nothing."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import anyio
import anyio.to_thread
import pytest

from thinkedit.adapters.local.placement import Decision
from thinkedit.adapters.local.replicas import Replicas, devices_of
from thinkedit.adapters.local.worker import Pass
from thinkedit.errors import EditorFailed, EditRefused, SettingsError

pytestmark = pytest.mark.anyio


class Model:
    """A model on a made-up device; breaks where it is told to."""

    size = 0

    def __init__(self, device: str | None, broken: dict[str | None, Exception]) -> None:
        self.device, self.broken = device, broken
        self.name = "the model"
        self.decision = Decision(f"made-up {device}", "float32", "device", None, None, False, None)
        self.closed = False
        self.done: list[str] = []

    def to_device(self) -> None: ...

    def to_host(self) -> None: ...

    def lines(self) -> list[str]:
        return [f"on {self.device}"]

    def close(self) -> None:
        self.closed = True

    def run(self, work: Pass[str]) -> Sequence[str | Exception]:
        if self.device in self.broken:
            raise self.broken[self.device]
        self.done += work.items
        return [EditRefused("no") if item == "refused" else f"{item} on {self.device}" for item in work.items]


class Copies:
    def __init__(self, *devices: str | None, broken: dict[str | None, Exception] | None = None) -> None:
        self.models: dict[str | None, Model] = {}
        self.broken = broken or {}
        self.replicas: Replicas[Model, str, str] = Replicas(
            devices,
            self.load,
            lambda model, work: model.run(work),
            failed=EditorFailed,
            together=lambda _: None,
            most=1,
            window=0,
            name="the model",
        )

    def load(self, device: str | None) -> Model:
        self.models[device] = Model(device, self.broken)
        return self.models[device]


async def test_each_device_has_its_copy_and_they_share_the_work() -> None:
    copies, got = Copies("a", "b"), list[str]()

    async def ask(item: str) -> None:
        got.append(await copies.replicas.submit(item))

    async with anyio.create_task_group() as tasks:
        for item in "1234":
            tasks.start_soon(ask, item)
    assert len(copies.models["a"].done) == len(copies.models["b"].done) == 2
    assert sorted(item.partition(" ")[0] for item in got) == ["1", "2", "3", "4"]
    assert copies.replicas.passes == 4
    await copies.replicas.aclose()
    assert all(model.closed for model in copies.models.values())


@pytest.mark.parametrize(
    "fault", [RuntimeError("CUDA error: an illegal memory access"), MemoryError("out of memory")]
)
async def test_what_breaks_on_one_device_is_done_by_another(fault: Exception) -> None:
    copies = Copies("a", "b", broken={"a": fault})
    assert [await copies.replicas.submit(item) for item in "123"] == ["1 on b", "2 on b", "3 on b"]
    assert any("resting" in line for line in await copies.replicas.describe())
    await copies.replicas.aclose()


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (
            RuntimeError("CUDA error:\nan illegal access"),
            r"^the model failed: RuntimeError: CUDA error: an illegal",
        ),
        (MemoryError("no memory"), r'ran out of memory: set placement = "model_offload"'),
    ],
)
async def test_what_breaks_everywhere_is_told_in_one_line(fault: Exception, says: str) -> None:
    copies = Copies("a", "b", broken={"a": fault, "b": fault})
    with pytest.raises(EditorFailed, match=says) as caught:
        await copies.replicas.submit("1")
    assert caught.value.__cause__ is fault
    copies.broken.clear()
    assert (await copies.replicas.submit("2")).startswith("2 on ")
    await copies.replicas.aclose()


async def test_a_refusal_is_not_the_devices_fault() -> None:
    copies = Copies("a", "b")
    with pytest.raises(EditRefused, match="no"):
        await copies.replicas.submit("refused")
    assert not any("resting" in line for line in await copies.replicas.describe())
    assert sum(len(model.done) for model in copies.models.values()) == 1
    await copies.replicas.aclose()


async def test_a_copy_is_loaded_once_by_those_who_come_together() -> None:
    loads = 0
    first, go = threading.Event(), threading.Event()

    class Slow(Copies):
        def load(self, device: str | None) -> Model:
            nonlocal loads
            loads += 1
            first.set()
            assert go.wait(10)
            return super().load(device)

    copies = Slow(None)
    async with anyio.create_task_group() as tasks:
        for item in "123":
            tasks.start_soon(copies.replicas.submit, item)
        await anyio.to_thread.run_sync(first.wait)
        go.set()
    assert loads == 1
    assert (await copies.replicas.model()).device is None
    await copies.replicas.aclose()


async def test_a_failed_loading_is_tried_again_by_the_next_call() -> None:
    tries = 0

    class Broken(Copies):
        def load(self, device: str | None) -> Model:
            nonlocal tries
            tries += 1
            if tries == 1:
                raise EditorFailed("half a checkpoint", retryable=False)
            return super().load(device)

    copies = Broken(None)
    with pytest.raises(EditorFailed, match="half a checkpoint"):
        await copies.replicas.check()
    await copies.replicas.check()
    await copies.replicas.aclose()


@pytest.mark.parametrize(
    ("device", "devices", "made"),
    [(None, None, (None,)), ("cpu", None, ("cpu",)), (None, ["a", "b"], ("a", "b")), (None, "a", ("a",))],
)
def test_devices_are_one_or_several(device: Any, devices: Any, made: tuple[str | None, ...]) -> None:
    assert devices_of(device, devices) == made


def test_devices_that_cannot_be() -> None:
    with pytest.raises(SettingsError, match="give one of them"):
        devices_of("cpu", ["cuda:0"])
    with pytest.raises(SettingsError, match="give names such as cuda:0"):
        devices_of(None, [0])  # type: ignore[list-item]  # wrong on purpose
