from __future__ import annotations

from dataclasses import replace

import anyio
import pytest

from tests.provingground.scenes import full, small
from thinkedit.adapters.base import CritiqueRequest, Past, Planner, PlanRequest, Thinker
from thinkedit.adapters.registry import create_thinker
from thinkedit.errors import SettingsError, ThinkerFailed
from thinkedit.provingground import render, samples
from thinkedit.provingground.editor import ProvingGroundEditor
from thinkedit.provingground.expert import ProvingGroundExpert
from thinkedit.provingground.judge import verdict
from thinkedit.provingground.meaning import meaning
from thinkedit.provingground.reading import read
from thinkedit.provingground.scene import Background, Scene, Thing
from thinkedit.types import Critique

CIRCLE, OTHER, STAR = Thing("circle", "red", 2), Thing("circle", "blue", 2), Thing("star", "green", 4)
SCENE = full(r1c1=CIRCLE, r2c2=OTHER, r3c4=STAR)
RED = "make the red circle pink"
DONE = SCENE.put(0, replace(CIRCLE, colour="pink"))


def critique(
    edited: Scene,
    instruction: str = RED,
    prompt: str = "",
    history: tuple[Past, ...] = (),
    source: Scene = SCENE,
) -> Critique:
    expert = ProvingGroundExpert()
    return expert.think(
        CritiqueRequest(render(source), render(edited), instruction, prompt or instruction, history)
    )


@pytest.mark.parametrize(
    ("instruction", "edited", "reason", "next_prompt"),
    [
        (RED, SCENE, "Nothing was changed.", "Make the red circle pink."),
        (
            RED,
            SCENE.put(5, replace(OTHER, colour="pink")),
            "The wrong thing was changed: the red circle in row 1, column 1 is meant.",
            "Make the red circle in row 1, column 1 pink.",
        ),
        (
            RED,
            SCENE.put(0, replace(CIRCLE, colour="pink", was="red")),
            "The new colour is too weak.",
            "Make the red circle completely pink.",
        ),
        (
            RED,
            DONE.put(11, replace(STAR, colour="pink")),
            "The green star in row 3, column 4 changed too.",
            "Make the red circle pink. Keep the green star in row 3, column 4 unchanged.",
        ),
        (
            RED,
            replace(DONE, background=Background("mint")),
            "The background changed too.",
            "Make the red circle pink. Keep the background unchanged.",
        ),
        (
            RED + " and remove the star",
            DONE,
            "One change is missing: the removal.",
            "1. Make the red circle pink. 2. Remove the star.",
        ),
        (
            "remove the left-most circle",
            SCENE.put(5, None),
            "The editor did not work out what is meant: the red circle in row 1, column 1 is meant.",
            "Remove the red circle in row 1, column 1.",
        ),
        (
            "make the red circle the colour of the star",
            DONE,
            "The editor did not work out what is meant: the red circle in row 1, column 1 is meant.",
            "Make the red circle in row 1, column 1 green.",
        ),
    ],
)
def test_each_fault_is_found_and_has_its_remedy(
    instruction: str, edited: Scene, reason: str, next_prompt: str
) -> None:
    found = critique(edited, instruction)
    assert (found.reasoning, found.next_prompt, found.stop) == (reason, next_prompt, False)
    assert found.semantic is found.quality is None


def test_it_stops_where_the_judge_would_be_content() -> None:
    found = critique(DONE, prompt="Paint it pink")
    assert (found.stop, found.reasoning, found.next_prompt) == (True, "All is as asked.", "Paint it pink")
    again = critique(replace(DONE, style="night"))
    assert not again.stop


def test_remedies_of_earlier_turns_are_kept() -> None:
    had = "Make the red circle in row 1, column 1 completely pink."
    found = critique(DONE.put(5, None), prompt=had)
    assert found.next_prompt == (
        "Make the red circle in row 1, column 1 completely pink. "
        "Keep the blue circle in row 2, column 2 unchanged."
    )
    earlier = (Past(1, RED), Past(2, had))
    lost = critique(DONE.put(5, None), prompt="Make the red circle pink.", history=earlier)
    assert lost.next_prompt == found.next_prompt


def test_a_prompt_that_failed_is_worded_in_another_way() -> None:
    prompts = [RED]
    for _ in range(8):
        history = tuple(Past(n, text) for n, text in enumerate(prompts[:-1], 1))
        prompts.append(critique(SCENE, prompt=prompts[-1], history=history).next_prompt)
        assert prompts.count(prompts[-1]) == 1
        assert meaning(SCENE, prompts[-1]) == meaning(SCENE, RED)


def test_in_the_small_world_it_says_little() -> None:
    scene = small(r1c1=CIRCLE, r1c3=OTHER)
    found = critique(scene.put(2, replace(OTHER, colour="pink")), source=scene)
    assert found.reasoning == "The wrong shape was changed."
    assert found.next_prompt == "make the red circle at the top left pink"
    spilled = critique(
        scene.put(0, replace(CIRCLE, colour="pink")).put(2, None), prompt=found.next_prompt, source=scene
    )
    assert spilled.reasoning == "The blue circle at the top right changed too."
    assert spilled.next_prompt == (
        "make the red circle at the top left pink. keep the blue circle at the top right."
    )


@pytest.mark.parametrize("world", ["full", "small"])
def test_every_prompt_that_it_writes_is_read_in_full_and_means_the_same(world: str) -> None:
    editor, expert = ProvingGroundEditor("weak"), ProvingGroundExpert()
    for sample in samples("dev", 60, 9, world):  # type: ignore[arg-type]
        prompt, history = sample.instruction, list[Past]()
        for turn in range(1, 6):
            edited = editor.make(sample.picture, prompt, turn)
            found = expert.think(
                CritiqueRequest(sample.picture, edited, sample.instruction, prompt, tuple(history))
            )
            score = verdict(sample.picture, edited, sample.instruction)
            assert found.stop == (score.semantic >= 8 and score.quality >= 8)
            reading = read(found.next_prompt)
            assert reading.asks
            assert not reading.unread
            if world == "small" and turn == 1:
                assert len(found.next_prompt.split()) <= 36
            history.append(Past(turn, prompt))
            prompt = found.next_prompt


def outcome_of(skill: float, seed: int) -> tuple[float, int]:
    """Mean semantic score of the last turn, and how many were stopped too early."""
    editor, expert = ProvingGroundEditor("middle"), ProvingGroundExpert(skill)
    total, early, count = 0.0, 0, 60
    for sample in samples("dev", count, seed):
        prompt, history, score = sample.instruction, list[Past](), 0.0
        for turn in range(1, 5):
            edited = editor.make(sample.picture, prompt, sum(past.prompt == prompt for past in history))
            score = verdict(sample.picture, edited, sample.instruction).semantic
            found = expert.think(
                CritiqueRequest(sample.picture, edited, sample.instruction, prompt, tuple(history))
            )
            if found.stop:
                early += score < 8
                break
            history.append(Past(turn, prompt))
            prompt = found.next_prompt
        total += score
    return total / count, early


def test_less_skill_is_worse_and_errs_in_every_way() -> None:
    none, some, full_ = (outcome_of(skill, 4) for skill in (0.0, 0.6, 1.0))
    assert none[0] < some[0] < full_[0]
    assert none[1] > some[1] > full_[1] == 0


def test_with_less_skill_it_also_goes_on_needlessly() -> None:
    kinds = set()
    for number in range(40):
        found = ProvingGroundExpert(0.0).think(
            CritiqueRequest(render(SCENE), render(DONE), RED, RED, look=number)
        )
        assert not found.stop
        kinds.add(found.reasoning)
    assert len(kinds) >= 4


def test_with_scores_it_is_off_the_less_the_more_skill_it_has() -> None:
    def off(skill: str) -> float:
        expert = create_thinker(f"provingground:{skill}", {"scores": True})
        errors = []
        for sample in samples("dev", 40, 2):
            edited = ProvingGroundEditor("weak").make(sample.picture, sample.instruction, 0)
            found = anyio.run(
                expert.critique,
                CritiqueRequest(sample.picture, edited, sample.instruction, sample.instruction),
            )
            score = verdict(sample.picture, edited, sample.instruction)
            assert found.semantic is not None
            assert found.stop == (found.semantic >= 8 and (found.quality or 0) >= 8)
            errors.append(abs(found.semantic - score.semantic))
        return sum(errors) / len(errors)

    assert off("1.0") <= 0.05 < off("0.7") < off("0.2")


def test_it_plans_what_can_be_known_before_an_edit_and_no_more() -> None:
    expert = create_thinker("provingground:1.0")
    assert isinstance(expert, Planner)
    assert isinstance(expert, Thinker)
    planned = anyio.run(
        expert.plan,
        PlanRequest(
            render(SCENE), "remove the left-most circle and make the star the colour of the blue circle"
        ),
    )
    assert planned == (
        "1. Remove the red circle in row 1, column 1. 2. Make the green star in row 3, column 4 blue. "
        "Keep everything else unchanged."
    )
    unskilled = anyio.run(ProvingGroundExpert(0).plan, PlanRequest(render(SCENE), RED))
    assert unskilled == "Make the red circle pink."


def test_an_editor_that_refused_gets_another_prompt() -> None:
    request = CritiqueRequest(render(SCENE), render(SCENE), RED, "x", error="I will not")
    found = anyio.run(ProvingGroundExpert().critique, request)
    assert found.next_prompt == "Make the red circle in row 1, column 1 pink."
    assert not found.stop
    assert "I will not" in found.reasoning


def test_skills_and_worlds_that_there_are_not() -> None:
    for wrong in ("good", "1.5", "-1", "nan"):
        with pytest.raises(SettingsError, match=f"the skill '{wrong}'"):
            create_thinker(f"provingground:{wrong}")
    picture = render(SCENE)
    with pytest.raises(ThinkerFailed, match="no instruction of the proving ground") as caught:
        anyio.run(ProvingGroundExpert().critique, CritiqueRequest(picture, picture, "more contrast", "x"))
    assert not caught.value.retryable
