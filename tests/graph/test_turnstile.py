"""Places for a few sessions at once between their model calls: never more, none lost, in order."""

from __future__ import annotations

import anyio
import pytest

from tests.graph.kit import SETTINGS, SOURCE, running
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.graph.turnstile import Turnstile, away
from thinkedit.tools import think_edit

pytestmark = pytest.mark.anyio


class Inside:
    """Counts who is there."""

    def __init__(self) -> None:
        self.now = self.most = 0

    async def work(self) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        await anyio.lowlevel.checkpoint()
        self.now -= 1


async def test_no_more_than_its_places_and_in_order() -> None:
    turnstile, inside, order = Turnstile(2), Inside(), []

    async def one(number: int) -> None:
        async with turnstile.through():
            order.append(number)
            await inside.work()
            async with away():
                await anyio.lowlevel.checkpoint()
            await inside.work()

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(one, number)
    assert inside.most == 2
    assert order == list(range(20))


async def test_who_is_away_holds_no_place() -> None:
    turnstile, gone, let_back = Turnstile(1), anyio.Event(), anyio.Event()
    seen: list[str] = []

    async def away_for_long() -> None:
        async with turnstile.through(), away():
            gone.set()
            await let_back.wait()
        seen.append("back")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(away_for_long)
        await gone.wait()
        with anyio.fail_after(5):
            async with turnstile.through():
                seen.append("other")
        let_back.set()
    assert seen == ["other", "back"]


async def test_a_place_is_needed_when_all_calls_are_back() -> None:
    turnstile, first, second = Turnstile(1), anyio.Event(), anyio.Event()

    async def call(until: anyio.Event) -> None:
        async with away():
            await until.wait()

    async def session() -> None:
        async with turnstile.through(), anyio.create_task_group() as calls:
            calls.start_soon(call, first)
            calls.start_soon(call, second)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(session)
        await anyio.wait_all_tasks_blocked()
        first.set()
        await anyio.wait_all_tasks_blocked()
        with anyio.fail_after(5):  # one of its two calls is still away, and so its place is free
            async with turnstile.through():
                pass
        second.set()
    with anyio.fail_after(5):
        async with turnstile.through():
            pass


@pytest.mark.parametrize("where", ["waiting for a place", "inside", "away", "coming back"])
async def test_a_cancelled_one_leaves_its_place_to_others(where: str) -> None:
    turnstile, other = Turnstile(1), anyio.Event()

    async def holding() -> None:
        async with turnstile.through():
            await other.wait()

    async def cancelled() -> None:
        async with turnstile.through():
            if where == "inside":
                await anyio.sleep_forever()
            async with away():
                if where == "away":
                    await anyio.sleep_forever()
                tasks.start_soon(holding)
                await anyio.wait_all_tasks_blocked()
            await anyio.sleep_forever()

    async with anyio.create_task_group() as tasks:
        if where == "waiting for a place":
            tasks.start_soon(holding)
            await anyio.wait_all_tasks_blocked()
        async with anyio.create_task_group() as session:
            session.start_soon(cancelled)
            await anyio.wait_all_tasks_blocked()
            session.cancel_scope.cancel()
        other.set()
    with anyio.fail_after(5):
        async with turnstile.through():
            pass


async def test_sessions_take_turns_and_models_do_not_wait_for_them() -> None:
    editor = ScriptedEditor(size="tiny", latency=0.05)
    async with running(editor, ScriptedThinker()) as runner:
        async with anyio.create_task_group() as tasks:
            for number in range(40):

                async def one(number: int = number) -> None:
                    await think_edit(SOURCE, f"warmer {number}", settings=SETTINGS, runner=runner)

                tasks.start_soon(one)
        assert editor.behaviour.peak > 8, "more sessions edit at once than have a place"
        with anyio.fail_after(5):
            for _ in range(8):
                async with runner.turnstile.through():
                    pass
