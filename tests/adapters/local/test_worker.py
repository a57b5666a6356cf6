"""The thread that owns a model: passes, turns, cancelling, progress. Events decide when, never the clock."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from thinkedit.adapters.local.worker import Pass, Worker

pytestmark = pytest.mark.anyio


class Model:
    """Notes its passes; the first one waits until it is let go, so that others queue up behind it."""

    def __init__(self, *, held: bool = True) -> None:
        self.passes: list[list[str]] = []
        self.began = threading.Event()
        self.go = threading.Event()
        if not held:
            self.go.set()

    def run(self, work: Pass[str]) -> list[str | Exception]:
        self.passes.append(list(work.items))
        self.began.set()
        assert self.go.wait(10)
        return [item.upper() for item in work.items]


async def began(model: Model) -> None:
    await anyio.to_thread.run_sync(model.began.wait)


async def queued(worker: Worker[str, str], count: int) -> None:
    """Until so many items wait."""
    while sum(map(len, worker._groups.values())) < count:
        await anyio.lowlevel.checkpoint()


async def test_an_item_comes_back_to_the_one_who_asked() -> None:
    model = Model(held=False)
    worker: Worker[str, str] = Worker(model.run)
    assert await worker.submit("a") == "A"
    assert [await worker.submit(item) for item in "bc"] == ["B", "C"]
    assert model.passes == [["a"], ["b"], ["c"]]
    await worker.aclose()


async def test_what_queued_up_behind_a_pass_and_goes_together_shares_the_next() -> None:
    model, got = Model(), dict[str, str]()
    worker: Worker[str, str] = Worker(model.run, together=lambda item: item[0], most=3)

    async def ask(item: str) -> None:
        got[item] = await worker.submit(item)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, "first")
        await began(model)
        for number, item in enumerate(("a1", "b1", "a2", "a3", "a4")):
            tasks.start_soon(ask, item)
            await queued(worker, number + 1)
        model.go.set()
    assert model.passes == [["first"], ["a1", "a2", "a3"], ["b1"], ["a4"]]
    assert got == {item: item.upper() for item in ("first", "a1", "a2", "a3", "a4", "b1")}
    await worker.aclose()


async def test_items_without_a_key_are_alone() -> None:
    model = Model()
    worker: Worker[str, str] = Worker(model.run, most=8)
    async with anyio.create_task_group() as tasks:
        for item in "abc":
            tasks.start_soon(worker.submit, item)
        await began(model)
        await queued(worker, 2)
        model.go.set()
    assert sorted(model.passes) == [["a"], ["b"], ["c"]]
    await worker.aclose()


async def test_an_idle_worker_waits_for_company_no_longer_than_it_takes() -> None:
    model = Model(held=False)
    worker: Worker[str, str] = Worker(model.run, together=lambda _: 1, most=2, window=60.0)
    with anyio.fail_after(10):  # the second item fills the pass, so the minute is not waited for
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(worker.submit, "a")
            tasks.start_soon(worker.submit, "b")
    assert model.passes == [["a", "b"]]
    await worker.aclose()


async def test_a_call_of_many_items_takes_turns_with_others() -> None:
    model = Model()
    worker: Worker[str, str] = Worker(model.run)
    many, few = object(), object()

    async def ask(item: str, group: object) -> None:
        await worker.submit(item, group=group)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, "first", object())
        await began(model)
        for number, item in enumerate(("m1", "m2", "m3")):
            tasks.start_soon(ask, item, many)
            await queued(worker, number + 1)
        tasks.start_soon(ask, "f1", few)
        await queued(worker, 4)
        model.go.set()
    assert model.passes == [["first"], ["m1"], ["f1"], ["m2"], ["m3"]]
    await worker.aclose()


async def test_a_cancelled_item_never_starts() -> None:
    model = Model()
    worker: Worker[str, str] = Worker(model.run)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(worker.submit, "first")
        await began(model)
        scope = anyio.CancelScope()

        async def leaving() -> None:
            with scope:
                await worker.submit("gone")

        tasks.start_soon(leaving)
        await queued(worker, 1)
        tasks.start_soon(worker.submit, "last")
        await queued(worker, 2)
        scope.cancel()
        while not scope.cancelled_caught:
            await anyio.lowlevel.checkpoint()
        model.go.set()
    assert model.passes == [["first"], ["last"]]
    await worker.aclose()


class Stepping:
    """A model whose passes step, each step let go by the test."""

    def __init__(self) -> None:
        self.stepped = 0
        self.ended: list[str] = []
        self.steps = threading.Semaphore(0)
        self.at = threading.Event()

    def run(self, work: Pass[str]) -> Sequence[str | Exception]:
        try:
            for number in range(4):
                self.at.set()
                assert self.steps.acquire(timeout=10)
                work.step(number + 1, 4, "step")
                self.stepped += 1
        except BaseException as error:
            self.ended.append(type(error).__name__)
            raise
        self.ended.append("done")
        return [item.upper() for item in work.items]


async def test_a_pass_goes_on_for_those_who_stay() -> None:
    model, got = Stepping(), list[str]()
    worker: Worker[str, str] = Worker(model.run, together=lambda _: 1, most=2, window=30)
    scope = anyio.CancelScope()

    async def leaving() -> None:
        with scope:
            await worker.submit("leaves")

    async def staying() -> None:
        got.append(await worker.submit("stays"))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(leaving)
        tasks.start_soon(staying)
        await anyio.to_thread.run_sync(model.at.wait)
        scope.cancel()
        while not scope.cancelled_caught:
            await anyio.lowlevel.checkpoint()
        for _ in range(4):
            model.steps.release()
    assert got == ["STAYS"]
    assert model.ended == ["done"]
    await worker.aclose()


async def test_a_pass_that_nobody_waits_for_stops_at_its_next_step() -> None:
    model = Stepping()
    worker: Worker[str, str] = Worker(model.run)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(worker.submit, "a")
        await anyio.to_thread.run_sync(model.at.wait)
        tasks.cancel_scope.cancel()
    for _ in range(4):
        model.steps.release()
    await worker.aclose()  # waits for the thread
    assert model.ended == ["Abandoned"]
    assert model.stepped == 0


async def test_the_worker_goes_on_after_an_abandoned_pass() -> None:
    model = Stepping()
    worker: Worker[str, str] = Worker(model.run)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(worker.submit, "a")
        await anyio.to_thread.run_sync(model.at.wait)
        tasks.cancel_scope.cancel()
    for _ in range(5):
        model.steps.release()
    assert await worker.submit("b") == "B"
    await worker.aclose()


async def test_progress_is_told_in_the_callers_own_task_and_in_order() -> None:
    model, told = Stepping(), list[tuple[float, float, str, object]]()
    worker: Worker[str, str] = Worker(model.run)
    task = anyio.get_current_task().id

    async def progress(done: float, total: float, message: str) -> None:
        told.append((done, total, message, anyio.get_current_task().id == task))
        model.steps.release()

    model.steps.release()
    assert await worker.submit("a", progress=progress) == "A"
    assert [done for done, *_ in told] == sorted(done for done, *_ in told)
    assert told[0] == (1, 4, "step", True)
    await worker.aclose()


async def test_those_whose_turn_has_not_come_are_told_that_the_model_is_at_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from thinkedit.adapters.local import worker as module

    monkeypatch.setattr(module, "BEHIND", 0.0)
    model, told = Stepping(), list[tuple[float, float, str]]()
    worker: Worker[str, str] = Worker(model.run)

    async def progress(done: float, total: float, message: str) -> None:
        told.append((done, total, message))
        for _ in range(8):
            model.steps.release()

    async def behind() -> None:
        await worker.submit("b", progress=progress)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(worker.submit, "a")
        await anyio.to_thread.run_sync(model.at.wait)
        tasks.start_soon(behind)
        await queued(worker, 1)
        model.steps.release()
    assert told[0] == (0, 0, "waiting for the model")
    assert told[-1][:2] == (4, 4)
    await worker.aclose()


async def test_an_exception_of_a_pass_goes_to_all_of_it_and_one_of_an_item_to_that_item() -> None:
    def run(work: Pass[str]) -> list[str | Exception]:
        if "broken" in work.items:
            raise LookupError("no such thing")
        return [ValueError(item) if item == "bad" else item for item in work.items]

    worker: Worker[str, str] = Worker(run, together=lambda _: 1, most=2, window=30)
    found: dict[str, object] = {}

    async def ask(item: str) -> None:
        try:
            found[item] = await worker.submit(item)
        except (LookupError, ValueError) as error:
            found[item] = error

    for pair in (("bad", "good"), ("broken", "near")):
        async with anyio.create_task_group() as tasks:
            for item in pair:
                tasks.start_soon(ask, item)
    assert found["good"] == "good"
    assert isinstance(found["bad"], ValueError)
    assert isinstance(found["broken"], LookupError)
    assert isinstance(found["near"], LookupError)
    await worker.aclose()


async def test_something_else_runs_in_the_same_thread() -> None:
    worker: Worker[str, str] = Worker(lambda work: [threading.current_thread().name for _ in work.items])
    assert await worker.call(lambda: threading.current_thread().name) == await worker.submit("a")
    with pytest.raises(KeyError):
        await worker.call(lambda: {}["nothing"])
    await worker.aclose()


async def test_closing_refuses_what_waits_and_lets_the_pass_end() -> None:
    model, found = Model(), list[str]()
    worker: Worker[str, str] = Worker(model.run, name="the model")

    async def ask(item: str) -> None:
        try:
            found.append(await worker.submit(item))
        except RuntimeError as error:
            found.append(str(error))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, "a")
        await began(model)
        tasks.start_soon(ask, "b")
        await queued(worker, 1)
        tasks.start_soon(worker.aclose)
        while not found:
            await anyio.lowlevel.checkpoint()
        model.go.set()
    assert found == ["the model was closed", "A"]
    with pytest.raises(RuntimeError, match="the model was closed"):
        await worker.submit("c")


async def test_closing_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    from thinkedit.adapters.local import worker as module

    monkeypatch.setattr(module, "PATIENCE", 0.01)
    model = Model()
    worker: Worker[str, str] = Worker(model.run)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(worker.submit, "a")
        await began(model)
        await worker.aclose()
        model.go.set()


async def test_a_worker_serves_several_event_loops() -> None:
    model = Model(held=False)
    worker: Worker[str, str] = Worker(model.run)

    def elsewhere(item: str) -> str:
        return anyio.run(worker.submit, item)

    got = list[str]()

    async def other(item: str) -> None:
        got.append(await anyio.to_thread.run_sync(elsewhere, item))

    async with anyio.create_task_group() as tasks:
        for item in "abcd":
            tasks.start_soon(other, item)
    assert sorted(got) == ["A", "B", "C", "D"]
    await worker.aclose()


async def test_fifty_at_once_all_get_their_own() -> None:
    model, got = Model(held=False), dict[str, str]()
    worker: Worker[str, str] = Worker(model.run, together=lambda item: len(item), most=4)

    async def ask(item: str) -> None:
        got[item] = await worker.submit(item)

    async with anyio.create_task_group() as tasks:
        for number in range(50):
            tasks.start_soon(ask, f"i{number}")
    assert got == {f"i{number}": f"I{number}" for number in range(50)}
    assert max(map(len, model.passes)) <= 4
    await worker.aclose()


def test_it_needs_no_torch() -> None:
    import subprocess

    code = "import sys, thinkedit.adapters.local.worker; print('torch' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"
