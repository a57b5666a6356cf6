"""Work goes to the least busy member that is well, and none of it is lost where one fails."""

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from thinkedit.adapters.pool import Pool
from thinkedit.errors import SettingsError

pytestmark = pytest.mark.anyio


class Broken(Exception):
    """A member's fault."""


class Limited(Exception):
    retry_after = 7.0


def sick(error: Exception) -> bool:
    return isinstance(error, Broken | Limited)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Gate:
    """Work that waits until it is let through; `inside` counts those at work on each member."""

    def __init__(self) -> None:
        self.open = anyio.Event()
        self.inside: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.order: list[Any] = []

    def work(self, label: object = None) -> Callable[[str], Awaitable[str]]:
        async def do(member: str) -> str:
            self.inside[member] += 1
            self.most[member] = max(self.most[member], self.inside[member])
            self.order.append(label)
            try:
                await self.open.wait()
            finally:
                self.inside[member] -= 1
            return member

        return do


def pool_of(names: str, **options: Any) -> Pool[str]:
    return Pool([(name, name) for name in names], **options)


async def answer(member: str) -> str:
    return member


async def fail(member: str) -> str:
    raise Broken(f"{member} is down")


def down(*names: str) -> Callable[[str], Awaitable[str]]:
    async def do(member: str) -> str:
        if member in names:
            raise Broken(f"{member} is down")
        return member

    return do


async def settled(condition: Callable[[], bool]) -> None:
    """Let other tasks run until the condition holds."""
    with anyio.fail_after(5):
        while not condition():
            await anyio.lowlevel.checkpoint()


async def test_work_goes_to_the_least_busy() -> None:
    pool, gate = pool_of("abc"), Gate()
    async with anyio.create_task_group() as group:
        for _ in range(7):
            group.start_soon(lambda: pool.run(gate.work(), sick=sick))
        await settled(lambda: gate.inside.total() == 7)
        assert sorted(gate.inside.values()) == [2, 2, 3]
        gate.open.set()


async def test_idle_members_take_turns() -> None:
    pool = pool_of("abc")
    assert [await pool.run(answer, sick=sick) for _ in range(6)] == list("abcabc")


async def test_no_member_has_more_than_its_limit_and_waiting_is_fair() -> None:
    pool, gate = pool_of("ab", at_once=2), Gate()

    async def one(label: int) -> None:
        await pool.run(gate.work(label), sick=sick)

    async with anyio.create_task_group() as group:
        for label in range(12):
            group.start_soon(one, label)
            await settled(lambda label=label: len(gate.order) == min(label + 1, 4))  # type: ignore[misc]
        assert gate.inside == {"a": 2, "b": 2}
        gate.open.set()
    assert gate.order == list(range(12))
    assert max(gate.most.values()) == 2


async def test_work_that_failed_goes_to_the_next_and_the_member_rests() -> None:
    clock = Clock()
    pool = pool_of("ab", clock=clock, rest=30)
    assert await pool.run(down("a"), sick=sick) == "b"
    assert [await pool.run(answer, sick=sick) for _ in range(4)] == list("bbbb")
    assert pool.state() == ["a: resting 30 s more: a is down", "b: healthy, busy with 0, 5 done"]
    clock.now += 29
    assert await pool.run(answer, sick=sick) == "b"
    clock.now += 1
    assert "a: to be tried again after: a is down, busy with 0, 0 done" in pool.state()
    assert {await pool.run(answer, sick=sick) for _ in range(2)} == {"a", "b"}
    assert all("healthy" in line for line in pool.state())


async def test_a_member_that_keeps_failing_rests_twice_as_long_up_to_a_limit() -> None:
    clock = Clock()
    pool = pool_of("a", clock=clock, rest=10)
    rests = []
    for _ in range(6):
        with pytest.raises(Broken):
            await pool.run(fail, sick=sick)
        rests.append(int(pool.state()[0].split("resting ")[1].split(" s")[0]))
        clock.now += rests[-1]
    assert rests == [10, 20, 40, 80, 100, 100]
    await pool.run(answer, sick=sick)
    with pytest.raises(Broken):
        await pool.run(fail, sick=sick)
    assert "resting 10 s" in pool.state()[0]


async def test_an_error_may_say_how_long_to_rest() -> None:
    pool = pool_of("ab", clock=Clock(), rest=30)

    async def work(member: str) -> str:
        if member == "a":
            raise Limited("slow down")
        return member

    assert await pool.run(work, sick=sick) == "b"
    assert pool.state()[0] == "a: resting 7 s more: slow down"


async def test_one_fall_seen_by_many_works_counts_once() -> None:
    pool, gate = pool_of("ab", clock=Clock(), rest=10), Gate()

    async def dies(member: str) -> str:
        await gate.work()(member)
        if member == "a":
            raise Broken("a died")
        return member

    async with anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(lambda: pool.run(dies, sick=sick))
        await settled(lambda: gate.inside.total() == 8)
        gate.open.set()
    assert pool.state()[0] == "a: resting 10 s more: a died"
    assert pool.state()[1].endswith("8 done")


async def test_when_all_rest_the_one_that_is_back_soonest_is_tried() -> None:
    clock = Clock()
    pool = pool_of("ab", clock=clock, rest=30)
    with pytest.raises(Broken, match="b is down"):
        await pool.run(fail, sick=sick)
    clock.now += 5
    assert await pool.run(answer, sick=sick) == "a"
    assert "a: healthy" in pool.state()[0]


async def test_an_error_that_is_nobodys_fault_rises_at_once() -> None:
    pool, tried = pool_of("abc", at_once=1), []

    async def wrong(member: str) -> str:
        tried.append(member)
        raise ValueError("no such prompt")

    with pytest.raises(ValueError, match="no such prompt"):
        await pool.run(wrong, sick=sick)
    assert tried == ["a"]
    assert all(line.endswith("healthy, busy with 0 of 1, 0 done") for line in pool.state())


async def test_one_that_failed_is_tried_with_a_single_work_while_others_are_well() -> None:
    clock, gate = Clock(), Gate()
    pool = pool_of("ab", clock=clock, rest=10)
    await pool.run(down("a"), sick=sick)
    clock.now += 10
    async with anyio.create_task_group() as group:
        for _ in range(6):
            group.start_soon(lambda: pool.run(gate.work(), sick=sick))
        await settled(lambda: gate.inside.total() == 6)
        assert gate.inside == {"a": 1, "b": 5}
        gate.open.set()


async def test_a_cancelled_caller_gives_its_place_back() -> None:
    pool, gate = pool_of("a", at_once=1), Gate()
    scopes = []

    async def one() -> None:
        with anyio.CancelScope() as scope:
            scopes.append(scope)
            await pool.run(gate.work(), sick=sick)

    async with anyio.create_task_group() as group:
        for count in range(1, 4):
            group.start_soon(one)
            await settled(lambda count=count: len(scopes) == count)  # type: ignore[misc]
        await settled(lambda: gate.inside.total() == 1)
        scopes[1].cancel()  # it waits
        scopes[0].cancel()  # it works
        await settled(lambda: len(gate.order) == 2)
        gate.open.set()
    assert pool.state() == ["a: healthy, busy with 0 of 1, 1 done"]
    assert await pool.run(answer, sick=sick) == "a"


async def test_who_waits_for_a_full_member_hears_that_another_is_back() -> None:
    pool, gate = pool_of("ab", at_once=1, rest=0.05), Gate()
    await pool.run(down("a"), sick=sick)
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: pool.run(gate.work(), sick=sick))
        await settled(lambda: gate.inside.total() == 1)
        with anyio.fail_after(5):
            assert await pool.run(answer, sick=sick) == "a"
        gate.open.set()


async def test_nothing_is_lost_where_a_member_dies_in_the_middle() -> None:
    pool = pool_of("abc", at_once=4)
    dead = False
    answers: list[tuple[int, str]] = []
    finished: Counter[str] = Counter()

    async def one(number: int) -> None:
        async def work(member: str) -> str:
            nonlocal dead
            await anyio.lowlevel.checkpoint()
            if member == "b" and dead:
                raise Broken("b died")
            finished[member] += 1
            dead = dead or finished.total() >= 20
            return member

        answers.append((number, await pool.run(work, sick=sick)))

    async with anyio.create_task_group() as group:
        for number in range(50):
            group.start_soon(one, number)
    assert sorted(number for number, _ in answers) == list(range(50))
    assert 0 < finished["b"] <= 20
    assert finished["a"] + finished["c"] >= 30
    assert "b: resting" in pool.state()[1]


async def test_a_pool_serves_several_event_loops() -> None:
    pool = pool_of("a", at_once=1)
    here, inside, let_go = threading.Event(), threading.Event(), threading.Event()

    async def hold(member: str) -> str:
        inside.set()
        await asyncio.to_thread(let_go.wait, 5)
        return member

    thread = threading.Thread(target=lambda: asyncio.run(pool.run(hold, sick=sick)))
    thread.start()
    await asyncio.to_thread(inside.wait, 5)

    async def mine(member: str) -> str:
        here.set()
        return member

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: pool.run(mine, sick=sick))
            await settled(lambda: len(pool._queue.waiting) == 1)
            let_go.set()
    assert here.is_set()
    await asyncio.to_thread(thread.join, 5)


@pytest.mark.parametrize(
    ("members", "options", "message"),
    [
        ("", {}, "needs one member"),
        ("aa", {}, "a is named twice"),
        ("a", {"at_once": 0}, "at_once is 0: give 1"),
        ("a", {"at_once": 2.5}, "at_once is 2.5"),
        ("a", {"rest": -1}, "rest is -1"),
    ],
)
def test_what_is_wrong_is_told(members: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        pool_of(members, **options)
