"""Every family through its real loading and calling: seeds, batches, steps, and pictures kept apart."""

from __future__ import annotations

import anyio
import pytest

from tests.models import needed

needed("torch")
needed("diffusers")

from tests.adapters.editors.diffusers.families import (  # noqa: E402
    BATCHED,
    FAMILIES,
    difference,
    edited,
    kept,
    photographs,
)
from thinkedit.adapters.base import EditedImage, Editor, EditRequest  # noqa: E402
from thinkedit.images import Picture  # noqa: E402

pytestmark = [
    pytest.mark.models,
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

WINDOW = 20.0
"""Seconds that a pass may wait for company; it starts as soon as it is full."""

NOISE = 1.5
"""Levels of 255 by which a batch may differ on average: random weights blow up the last bits of a float."""

PROMPTS = ("make it warmer", "a blue sky", "remove the cup from the table", "oil painting")


@pytest.mark.parametrize("name", FAMILIES)
async def test_a_seed_gives_its_picture_and_steps_are_told(name: str) -> None:
    model = kept(name)
    assert isinstance(model, Editor)
    [source] = photographs(1)
    told: list[tuple[float, float, str]] = []

    async def progress(done: float, total: float, message: str) -> None:
        told.append((done, total, message))

    [made] = await model.edit([EditRequest(source, "make it warmer", 7)], progress)
    assert isinstance(made, EditedImage)
    assert made.picture.size == source.size
    assert await edited(model, source, seed=7) == made.picture
    assert await edited(model, source, seed=8) != made.picture
    assert await edited(model, source, "paint it blue", seed=7) != made.picture
    assert told[-1:] == [(2, 2, "step")]
    assert [done for done, *_ in told] == sorted(done for done, *_ in told)


@pytest.mark.parametrize("name", FAMILIES)
async def test_four_photographs_at_once_are_as_four_by_themselves(name: str) -> None:
    """In one pass where the family allows it; in any case no picture has a part in another's."""
    # A family that never waits for company is not given the time to.
    model, sources = kept(name, window=WINDOW if name in BATCHED else 0.0), photographs(4)
    await model.check()  # else the first to come is served as soon as it is loaded, without company
    by_itself = kept(name)
    alone = [
        await edited(by_itself, s, p, seed) for seed, (s, p) in enumerate(zip(sources, PROMPTS, strict=True))
    ]
    before = model.passes
    made: dict[int, Picture] = {}

    async def ask(index: int) -> None:  # four sessions, as it were
        made[index] = await edited(model, sources[index], PROMPTS[index], index)

    async with anyio.create_task_group() as tasks:
        for index in range(4):
            tasks.start_soon(ask, index)
    passes = model.passes - before
    assert passes == (1 if name in BATCHED else 4)
    for index, single in enumerate(alone):
        largest, mean = difference(made[index], single)
        if name in BATCHED:
            assert mean < NOISE, f"picture {index} differs by {mean:.2f} on average, {largest} at most"
            others = [difference(made[index], other)[1] for other in alone if other is not single]
            assert mean < min(others) / 5, "it is nearer to its own single result than to any other's"
        else:
            assert largest == 0


@pytest.mark.parametrize("name", FAMILIES)
async def test_candidates_of_one_request_are_what_each_seed_gives(name: str) -> None:
    model = kept(name, window=WINDOW, batch=3)
    await model.check()
    [source] = photographs(1)
    requests = [EditRequest(source, "make it warmer", seed) for seed in (1, 1001, 2001)]
    before = model.passes
    made = await model.edit(requests)
    assert model.passes - before == (3 if name == "custom-pipeline" else 1)
    pictures = [item.picture for item in made if isinstance(item, EditedImage)]
    assert len({picture.sha256 for picture in pictures}) == 3
    for request, picture in zip(requests, pictures, strict=True):
        assert difference(picture, await edited(kept(name), source, seed=request.seed))[1] < NOISE


@pytest.mark.parametrize("name", FAMILIES)
async def test_a_cancelled_call_ends_between_steps_and_the_next_one_is_right(name: str) -> None:
    model = kept(name, steps=6)
    [source] = photographs(1)
    whole = await edited(model, source)
    steps: list[float] = []

    with anyio.CancelScope() as scope:

        async def progress(done: float, total: float, message: str) -> None:
            steps.append(done)
            if done >= 2:
                scope.cancel()

        await model.edit([EditRequest(source, "make it warmer", 1)], progress)
    assert scope.cancelled_caught
    assert steps[-1] < 6
    assert difference(await edited(model, source), whole)[0] == 0


async def test_one_that_leaves_does_not_disturb_the_pass_it_shared() -> None:
    model, (first, second) = kept("flux-kontext", steps=6, window=WINDOW, batch=2), photographs(2)
    alone = await edited(kept("flux-kontext", steps=6), second, "a blue sky", 2)
    got: list[Picture] = []
    before = model.passes

    async def staying() -> None:
        got.append(await edited(model, second, "a blue sky", 2))

    async def leaving() -> None:
        with anyio.CancelScope() as scope:

            async def progress(done: float, total: float, message: str) -> None:
                if done >= 1:
                    scope.cancel()

            await model.edit([EditRequest(first, "make it warmer", 1)], progress)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(leaving)
        tasks.start_soon(staying)
    assert model.passes - before == 1
    assert difference(got[0], alone)[1] < 0.5


async def test_it_says_what_it_decided() -> None:
    lines = await kept("flux-kontext").describe()
    assert lines[0] == "cpu, float32, device"
    assert any(
        "FluxKontextPipeline, called by its preset and your settings: 2 steps, guidance_scale 2.5" in line
        for line in lines
    )
    lines = await kept("custom-pipeline").describe()
    assert any("not in the table of presets" in line for line in lines)


async def test_two_copies_share_the_work() -> None:
    from tests.adapters.editors.diffusers.families import editor

    model, sources = editor("flux2-klein", devices=["cpu", "cpu"]), photographs(2)
    made: list[Picture] = []

    async def ask(source: Picture) -> None:
        made.append(await edited(model, source))

    async with anyio.create_task_group() as tasks:
        for source in sources:
            tasks.start_soon(ask, source)
    assert [replica.passes for replica in model._replicas.members] == [1, 1]
    assert len({picture.sha256 for picture in made}) == 2
    await model.aclose()
