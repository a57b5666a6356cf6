"""The safety check: what it refuses goes nowhere, and what it cannot decide does not go through either."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.graph.kit import INSTRUCTION, SETTINGS, SOURCE, Seen, begun, numbered, running, scored
from thinkedit.adapters.base import SafetyRequest, SafetyVerdict
from thinkedit.adapters.models import Models
from thinkedit.adapters.safety.scripted import ScriptedSafety
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.config import Config
from thinkedit.errors import EditRefused, SettingsError, ThinkerFailed
from thinkedit.graph.build import create_think_edit_graph
from thinkedit.graph.runner import Runner, open_runner
from thinkedit.store import Store
from thinkedit.tools import continue_edit, edit_image, think_edit
from thinkedit.types import Mode, Status, StopReason

pytestmark = pytest.mark.anyio


class Watched:
    """Asks a function, and keeps what it was asked."""

    def __init__(self, verdict: Callable[[SafetyRequest], Any] = lambda request: True) -> None:
        self.verdict = verdict
        self.asked: list[SafetyRequest] = []

    def __call__(self, request: SafetyRequest) -> Any:
        self.asked.append(request)
        return self.verdict(request)

    @property
    def stages(self) -> list[str]:
        return [request.stage for request in self.asked]


def refusing(stage: str, prompt: str = "") -> Callable[[SafetyRequest], SafetyVerdict]:
    def verdict(request: SafetyRequest) -> SafetyVerdict:
        hit = request.stage == stage and prompt in (request.prompt, "")
        return SafetyVerdict(not hit, "it shows\n blood" if hit else "")

    return verdict


def guarded(seen: Seen, script: Any = None, **options: Any) -> Any:
    return running(seen.editor(), seen.thinker(script), **options)


def pictures(runner: Runner) -> int:
    return sum(stored.kind == "image" for stored in runner.store.listing())


async def test_it_sees_the_instruction_each_further_prompt_and_every_result() -> None:
    check = Watched()
    seen = Seen()
    async with guarded(seen, numbered(3, 9)) as runner:
        result = await begun(runner, candidates=2, safety=check)
    assert result.stop_reason is StopReason.SATISFIED
    assert sorted(check.stages) == ["image"] * 4 + ["instruction", "prompt"]
    assert check.asked[0].stage == "instruction"
    assert {request.instruction for request in check.asked} == {INSTRUCTION}
    [prompt] = [request for request in check.asked if request.stage == "prompt"]
    assert (prompt.prompt, prompt.edited) == ("prompt 2", None)
    shown = {request.edited.sha256 for request in check.asked if request.edited is not None}
    assert shown == {c.image.sha256 for turn in result.turns for c in turn.candidates if c.image}


async def test_a_refused_instruction_leaves_no_session_and_asks_no_model() -> None:
    seen = Seen()
    async with guarded(seen) as runner:
        with pytest.raises(EditRefused, match=r"^the safety check refused the instruction: it shows blood"):
            await begun(runner, safety=Watched(refusing("instruction")))
        assert await runner.ledger.sessions() == []
    assert (seen.edits, seen.critiques) == ([], [])


@pytest.mark.parametrize("mode", [Mode.BEFORE, Mode.BOTH])
async def test_no_plan_is_asked_for_a_refused_instruction(mode: Mode) -> None:
    thinker = ScriptedThinker()
    async with running(None, thinker) as runner:
        with pytest.raises(EditRefused):
            await begun(runner, mode=mode, safety=Watched(refusing("instruction")))
    assert thinker.calls == 0


async def test_a_refused_prompt_is_that_turns_error_and_the_thinker_is_told() -> None:
    seen = Seen()
    script = [*numbered(3), scored(0, next_prompt="gentler"), scored(9)]
    async with guarded(seen, script) as runner:
        result = await begun(runner, safety=Watched(refusing("prompt", "prompt 2")))
    assert [prompt for prompt, _ in seen.prompts] == [INSTRUCTION, "gentler"]
    assert result.turns[1].error == "the safety check refused the prompt: it shows blood"
    assert result.turns[1].image is None
    assert seen.critiques[1].error == result.turns[1].error
    assert (result.stop_reason, result.selected_turn) == (StopReason.SATISFIED, 3)


async def test_a_refused_plan_is_an_error_before_anything_is_made() -> None:
    seen = Seen()
    async with guarded(seen) as runner:
        with pytest.raises(EditRefused, match="refused the prompt"):
            await begun(runner, mode=Mode.BOTH, safety=Watched(refusing("prompt")))
        assert await runner.ledger.sessions() == []
    assert seen.edits == []


async def test_a_refused_result_is_neither_stored_nor_shown() -> None:
    refused: list[str] = []

    def verdict(request: SafetyRequest) -> bool:
        bad = request.edited is not None and not refused
        if bad and request.edited is not None:
            refused.append(request.edited.sha256)
        return not bad

    seen = Seen()
    async with guarded(seen, [scored(9)]) as runner:
        result = await begun(runner, candidates=2, safety=verdict)
        [turn] = result.turns
        assert sorted((c.image is None, c.error) for c in turn.candidates) == [
            (False, None),
            (True, "the safety check refused the image"),
        ]
        assert refused[0] not in {stored.sha for stored in runner.store.listing()}
        assert pictures(runner) == 2  # the source, and the one result that was allowed
        assert not await runner.ledger.may_use("", refused[0])
    assert [request.edited.sha256 for request in seen.critiques] == [turn.image.sha256 if turn.image else ""]


async def test_a_turn_whose_results_are_all_refused_is_told_to_the_thinker() -> None:
    seen = Seen()
    script = [*numbered(3), scored(0, next_prompt="gentler"), scored(9)]
    async with guarded(seen, script) as runner:
        result = await begun(runner, safety=Watched(refusing("image", "prompt 2")))
    assert result.turns[1].error == "the safety check refused the image: it shows blood"
    assert seen.critiques[1].error == result.turns[1].error
    assert result.selected_turn == 3


async def test_a_first_turn_whose_results_are_all_refused_ends_the_session_without_a_picture() -> None:
    seen = Seen()
    refuse = True
    async with guarded(seen, [scored(9)]) as runner:
        result = await begun(runner, safety=lambda request: request.stage != "image" or not refuse)
        assert (result.status, result.stop_reason) == (Status.FAILED, StopReason.EDITOR_FAILED)
        assert result.why.startswith("The safety check refused the image.")
        assert result.image is None
        assert pictures(runner) == 1
        refuse = False
        # The same picture was refused, so another prompt is what may help.
        again = await continue_edit(result.session_id, "prompt", prompt="gentler", runner=runner)
    assert again.stop_reason is StopReason.SATISFIED
    assert again.image is not None


BROKEN: dict[str, Callable[[SafetyRequest], Any]] = {
    "an error": lambda request: 1 / 0,
    "a failure": lambda request: (_ for _ in ()).throw(ThinkerFailed("gone")),
    "nothing": lambda request: None,
    "a word": lambda request: "allowed",
    "a number": lambda request: 1,
    "a verdict that is none": lambda request: SafetyVerdict("yes"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("stage", ["instruction", "prompt", "image"])
@pytest.mark.parametrize("why", BROKEN)
async def test_what_gives_no_verdict_lets_nothing_through(stage: str, why: str) -> None:
    seen = Seen()
    broken = True

    def verdict(request: SafetyRequest) -> Any:
        return BROKEN[why](request) if broken and request.stage == stage else True

    async with guarded(seen, numbered(3, 9)) as runner:
        result = await begun(runner, safety=verdict, retries=1)
        assert (result.status, result.stop_reason) == (Status.FAILED, StopReason.EDITOR_FAILED)
        assert result.why.startswith("The safety check ")
        made = {"instruction": 0, "prompt": 1, "image": 0}[stage]
        assert pictures(runner) == 1 + made
        assert len(seen.critiques) == made
        assert (result.image is not None) == bool(made)
        broken = False
        again = await continue_edit(result.session_id, runner=runner)
        assert again.stop_reason is StopReason.SATISFIED, again.why
        assert [turn.prompt for turn in again.turns] == [INSTRUCTION, "prompt 2"]


async def test_a_check_that_hangs_ends_at_its_limit() -> None:
    async def hangs(request: SafetyRequest) -> bool:
        await anyio.sleep_forever()
        return True

    async with running() as runner:
        result = await begun(runner, safety=hangs, critique_timeout=0.02, retries=0)
    assert result.stop_reason is StopReason.EDITOR_FAILED
    assert "The safety check gave no verdict within 0.02 s." in result.why


async def test_a_failure_that_passes_is_made_up_for() -> None:
    check = ScriptedSafety(faults={1: ThinkerFailed("busy"), 3: RuntimeError("odd")})
    async with running(None, ScriptedThinker([scored(9)])) as runner:
        result = await begun(runner, safety=check)
    assert result.stop_reason is StopReason.SATISFIED
    assert check.calls == 4  # the instruction twice, the result twice


async def test_verdicts_are_recorded_and_not_asked_for_again(tmp_path: Path) -> None:
    log = tmp_path / "calls.log"
    safety = ScriptedSafety(log=log)
    seen = Seen()
    models = Models(
        editors={"e": seen.editor()},
        thinkers={"t": seen.thinker([ThinkerFailed("gone", retryable=False), scored(9)])},
        safeties={"s": safety},
    )
    async with open_runner(Config(data=tmp_path / "data"), models) as runner:
        failed = await think_edit(SOURCE, INSTRUCTION, settings=SETTINGS, safety="s", runner=runner)
        assert failed.stop_reason is StopReason.THINKER_FAILED
        assert safety.calls == 2
        await continue_edit(failed.session_id, runner=runner)
        spent = await runner.ledger.spent(await runner.ledger.session(failed.session_id))
    assert safety.calls == 2
    assert len(seen.edits) == 1
    assert spent.calls == 1


async def test_it_is_found_again_by_name_in_another_process(tmp_path: Path) -> None:
    def models() -> Models:
        return Models(editors={"e": Seen().editor()}, thinkers={"t": ScriptedThinker(numbered(3, 3, 9))})

    ALLOWED.clear()
    async with open_runner(Config(data=tmp_path), models()) as runner:
        settings = SETTINGS.model_copy(update={"turns": 1})
        first = await think_edit(SOURCE, INSTRUCTION, settings=settings, safety=allowing, runner=runner)
        opened = await runner.ledger.session(first.session_id)
        assert opened.settings.safety == "python:tests.graph.test_safety:allowing"
    before = len(ALLOWED)
    async with open_runner(Config(data=tmp_path), models()) as runner:
        await continue_edit(first.session_id, turns=1, runner=runner)
    assert [request.stage for request in ALLOWED[before:]] == ["prompt", "image"]


ALLOWED: list[SafetyRequest] = []


def allowing(request: SafetyRequest) -> bool:
    ALLOWED.append(request)
    return True


async def test_a_check_that_another_process_cannot_find_is_not_gone_on_without(tmp_path: Path) -> None:
    models = {"editors": {"e": Seen().editor()}, "thinkers": {"t": ScriptedThinker(numbered(3, 9))}}
    async with open_runner(Config(data=tmp_path), Models(**models)) as runner:
        settings = SETTINGS.model_copy(update={"turns": 1})
        first = await think_edit(
            SOURCE, INSTRUCTION, settings=settings, safety=lambda request: True, runner=runner
        )
    async with open_runner(Config(data=tmp_path), Models(**models)) as runner:
        with pytest.raises(SettingsError, match="safety check"):
            await continue_edit(first.session_id, turns=1, runner=runner)


async def test_one_that_is_not_there_is_found_before_the_first_edit() -> None:
    seen = Seen()
    down = ScriptedSafety(down=ThinkerFailed("nobody answers at the door"))
    async with guarded(seen) as runner:
        with pytest.raises(ThinkerFailed, match="at the door"):
            await begun(runner, safety=down)
        with pytest.raises(SettingsError, match="unknown safety check 'sfaety'"):
            await begun(runner, safety="sfaety")
        with pytest.raises(SettingsError, match="give a function of a SafetyRequest"):
            await begun(runner, safety=7)
        assert await runner.ledger.sessions() == []
    assert seen.edits == []


async def test_an_embedded_graph_takes_a_function() -> None:
    check = Watched(refusing("image"))
    store = Store.in_memory()
    graph = create_think_edit_graph(
        editor=Seen().editor(), thinker=ScriptedThinker(), settings=SETTINGS, store=store, safety=check
    ).compile()
    output = await graph.ainvoke({"image": SOURCE, "instruction": INSTRUCTION})
    assert output["result"]["stop_reason"] == "editor_failed"
    assert [stored.kind for stored in store.listing()].count("image") == 1
    refuses = create_think_edit_graph(
        editor=Seen().editor(), thinker=ScriptedThinker(), safety=lambda request: False
    )
    with pytest.raises(EditRefused):
        await refuses.compile().ainvoke({"image": SOURCE, "instruction": INSTRUCTION})


@pytest.mark.parametrize("stage", ["prompt", "image"])
async def test_a_single_pass_is_checked_too(stage: str) -> None:
    seen = Seen()
    check = Watched(refusing(stage))
    async with guarded(seen) as runner:
        with pytest.raises(EditRefused, match=f"refused the {stage}: it shows blood"):
            await edit_image(SOURCE, "warmer", runner=runner, editor="e", safety=check)
        assert pictures(runner) == 0
        await edit_image(SOURCE, "warmer", runner=runner, editor="e", safety=lambda request: True)
        assert pictures(runner) == 2
    assert len(seen.edits) == (1 if stage == "prompt" else 2)


async def test_the_configured_check_holds_for_every_call() -> None:
    config = Config.model_construct(loop=SETTINGS.model_copy(update={"safety": "s"}))
    models = Models(
        editors={"e": Seen().editor()},
        thinkers={"t": ScriptedThinker()},
        safeties={"s": ScriptedSafety(words=["Blood"])},
    )
    async with running(models=models, config=config) as runner:
        with pytest.raises(EditRefused):
            await think_edit(SOURCE, "add blood", runner=runner)
        with pytest.raises(EditRefused):
            await edit_image(SOURCE, "add blood", runner=runner)
        assert (await think_edit(SOURCE, "warmer", runner=runner)).image is not None
