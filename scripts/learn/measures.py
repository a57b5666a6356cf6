"""What a thinker can do: as a critic of held-out images, and in the ordinary loop on held-out scenes.

All scores are the exact judge's. Every number is kept by scene, so that two thinkers are compared scene by
scene.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

from learn.expert import DescribingExpert
from thinkedit.adapters.base import CritiqueRequest, Past, Thinker
from thinkedit.adapters.models import Models
from thinkedit.adapters.thinkers.transformers import TransformersThinker
from thinkedit.config import Config, Limits
from thinkedit.errors import ThinkEditError
from thinkedit.graph.runner import open_runner
from thinkedit.images import Loaded, Picture
from thinkedit.provingground import WorldSample, samples
from thinkedit.provingground.editor import ProvingGroundEditor
from thinkedit.provingground.judge import verdict
from thinkedit.training.next_step import next_step
from thinkedit.training.rewards import RewardConfig, Scores, components, mix
from thinkedit.types import LoopSettings, overall_score

__all__ = ["Critic", "Ended", "Shown", "critic", "held_out", "images_of", "one_edit", "sessions", "thinker"]

AT_ONCE = 48
"""Questions that a model answers in one pass."""

TURNS = 4

THRESHOLD = 8.0
"""At which the loop is satisfied with both scores."""


@dataclass(frozen=True)
class Shown:
    """An image that a critic is asked about, and what the judge and the expert say of it."""

    scene: str
    request: CritiqueRequest
    semantic: float
    quality: float
    reason: str
    prompt: str


@dataclass(frozen=True)
class Critic:
    """One answer about one `Shown`; None where it could not be read. same: the expert's very words.

    reward: what GRPO's default reward would give it.
    """

    scene: str
    said: tuple[float, float] | None
    judged: tuple[float, float]
    same_reason: bool = False
    same_prompt: bool = False
    reward: float = 0.0

    @property
    def called_good(self) -> bool:
        """Whether its scores would end the loop."""
        return self.said is not None and min(self.said) >= THRESHOLD


@dataclass(frozen=True)
class Ended:
    """How a session on a scene ended. overall: the judge's of the image that it returned."""

    scene: str
    overall: float
    turns: int
    reason: str


def held_out(count: int, seed: int) -> list[WorldSample]:
    """Scenes that nothing was trained on."""
    return list(samples("test", count, seed, "small"))


def thinker(model: Path, template: Path, temperature: float = 0.0) -> TransformersThinker:
    """The checkpoint as the loop uses it: unconstrained, asked once; greedy at a temperature of 0.

    Only greedy answers are made many at once: a drawn one would change with those beside it.
    """
    return TransformersThinker(
        str(model),
        prompt_template=str(template),
        corrective_retry=False,
        max_tokens=160,
        temperature=temperature,
        batch=AT_ONCE,
        device="cpu",
        dtype="float32",
    )


def images_of(scenes: Sequence[WorldSample], editor: str, turns: int = TURNS) -> list[Shown]:
    """The images of sessions with a perfect expert, which are of all degrees of goodness."""
    made, expert = [], DescribingExpert()
    editing = ProvingGroundEditor(editor)
    for scene in scenes:
        prompt, history = scene.instruction, list[Past]()
        for turn in range(1, turns + 1):
            edited = editing.make(scene.picture, prompt, sum(past.prompt == prompt for past in history))
            request = CritiqueRequest(scene.picture, edited, scene.instruction, prompt, tuple(history))
            said, found = expert.think(request), verdict(scene.picture, edited, scene.instruction)
            made.append(
                Shown(scene.id, request, found.semantic, found.quality, said.reasoning, said.next_prompt)
            )
            if said.stop:
                break
            history.append(Past(turn, prompt))
            prompt = said.next_prompt
    return made


def critic(make: Callable[[], Thinker], shown: Sequence[Shown], editor: str) -> list[Critic]:
    """What the model says of each image, and what `editor` then makes of its prompt is worth.

    make: gives the model; each event loop needs one of its own.
    """
    model, editing = make(), ProvingGroundEditor(editor)
    answers: list[Critic | None] = [None] * len(shown)

    async def one(place: int, slots: anyio.CapacityLimiter) -> None:
        about = shown[place]
        judged = (about.semantic, about.quality)
        async with slots:
            try:
                said = await model.critique(about.request)
            except ThinkEditError:
                answers[place] = Critic(about.scene, None, judged, reward=_reward("", about, editing))
                return
        assert said.semantic is not None
        assert said.quality is not None
        answers[place] = Critic(
            about.scene,
            (said.semantic, said.quality),
            judged,
            said.reasoning.strip() == about.reason,
            said.next_prompt.strip() == about.prompt,
            _reward(said.raw, about, editing),
        )

    async def all_of_them() -> None:
        slots = anyio.CapacityLimiter(2 * AT_ONCE)
        async with anyio.create_task_group() as tasks:
            for place in range(len(shown)):
                tasks.start_soon(one, place, slots)

    anyio.run(all_of_them)
    return [answer for answer in answers if answer is not None]


def _reward(text: str, about: Shown, editing: ProvingGroundEditor) -> float:
    """As `training.grpo_rewards` computes it, with the one editor and the exact judge."""
    request, before, config = about.request, Scores(about.semantic, about.quality), RewardConfig()
    step = next_step(text, request.prompt, before, config)
    after: Scores | None = before if step.kind is not None and step.kind.stays else None
    if step.kind is None:
        edited = editing.make(request.source, step.prompt, step.later)
        found = verdict(request.source, edited, request.instruction)
        after = Scores(found.semantic, found.quality)
    return mix(components(text, before, after, config), config)


def one_edit(scenes: Sequence[WorldSample], editor: str) -> list[Ended]:
    """Without a thinker: the editor is given the instruction, once."""
    editing = ProvingGroundEditor(editor)
    return [
        Ended(scene.id, _overall(scene, editing.make(scene.picture, scene.instruction, 0)), 1, "one edit")
        for scene in scenes
    ]


def sessions(
    scenes: Sequence[WorldSample], editor: str, make: Callable[[], Thinker], *, turns: int = TURNS
) -> list[Ended]:
    """The ordinary loop on each scene, whose best image is chosen by the thinker's own scores."""
    return anyio.run(_sessions, scenes, editor, make(), turns)


async def _sessions(scenes: Sequence[WorldSample], editor: str, model: Thinker, turns: int) -> list[Ended]:
    ended: dict[str, Ended] = {}
    settings = LoopSettings(
        editor=f"provingground:{editor}", thinker="learner", turns=turns, patience=turns, seed=0, retries=0
    )
    with _folder() as folder:
        config = Config(data=folder, limits=Limits(sessions=2 * AT_ONCE))
        async with open_runner(config, Models(thinkers={"learner": model})) as runner:
            slots = anyio.CapacityLimiter(2 * AT_ONCE)

            async def one(scene: WorldSample) -> None:
                async with slots:
                    loaded = Loaded(scene.picture, None, None, scene.picture.mime_type)
                    session = await runner.open(loaded, scene.instruction, settings)
                    await runner.follow(session)
                    result = await runner.result(session)
                    picture = Picture.from_bytes(result.read())
                    reason = str(result.stop_reason)
                    ended[scene.id] = Ended(scene.id, _overall(scene, picture), len(result.turns), reason)

            async with anyio.create_task_group() as tasks:
                for scene in scenes:
                    tasks.start_soon(one, scene)
    return [ended[scene.id] for scene in scenes]


def _overall(scene: WorldSample, edited: Picture) -> float:
    found = verdict(scene.picture, edited, scene.instruction)
    overall = overall_score(found.semantic, found.quality)
    assert overall is not None
    return overall


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="thinkedit-learn-") as folder:
        yield Path(folder)
